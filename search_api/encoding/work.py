"""What the process that encodes does."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener, Pipe, wait
from queue import SimpleQueue
from typing import NamedTuple

from indexer.encoder import QueryEncoder
from indexer.errors import SearchError
from indexer.models import load_query_encoder
from search_api.encoding.place import READY, Place
from search_api.encoding.remote import Answer

TOGETHER = 16
"""Queries that are encoded in one call."""
_GONE = (EOFError, OSError)


class Asked(NamedTuple):
    """What waits."""

    connection: Connection
    number: int
    texts: Sequence[str]


def work(model: str, place: Place) -> None:
    """Encodes until the process that began this one is gone, which hears on stdout how it begins."""
    for number in (signal.SIGINT, signal.SIGTERM):  # to stop is for the one that began it
        signal.signal(number, signal.SIG_IGN)
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is not for it
    threading.Thread(target=_end_with_parent, args=(place,), daemon=True).start()
    try:
        encoder = load_query_encoder(model)
        listener = place.listener()
    except (SearchError, OSError) as error:
        print(error, file=told, flush=True)
        return
    print(READY, file=told, flush=True)
    told.close()
    asking = Asking(listener, (encoder.name, encoder.fingerprint))
    while True:
        if batch := asking.next_batch():
            encode(encoder, batch)


def _end_with_parent(place: Place) -> None:
    sys.stdin.buffer.read()
    place.clear()
    os._exit(0)


class Asking:
    """Those who ask. What they have sent is read by the one that encodes, when it has time: other threads would hardly
    get to it meanwhile."""

    def __init__(self, listener: Listener, hello: object) -> None:
        """`hello` is told to each of them."""
        self._listener, self._hello = listener, hello
        self._closed = False
        self._connections: list[Connection] = []
        self._new: SimpleQueue[Connection] = SimpleQueue()
        self._news, self._herald = Pipe(duplex=False)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Nobody new can ask."""
        self._closed = True
        self._listener.close()

    def next_batch(self) -> list[Asked]:
        """All that waits, once something does; no more from where there are enough texts."""
        batch: list[Asked] = []
        texts = 0
        ready = wait([self._news, *self._connections])
        while ready and texts < TOGETHER:
            if self._news in ready:
                self._news.recv_bytes()
                self._connections.append(self._new.get())
            for connection in [own for own in self._connections if own in ready]:
                if (asked := self._received(connection)) is not None:
                    batch.append(asked)
                    texts += len(asked.texts)
            ready = wait([self._news, *self._connections], 0)
        return batch

    def _received(self, connection: Connection) -> Asked | None:
        with suppress(*_GONE):
            if (asked := connection.recv()) is not None:
                return Asked(connection, *asked)
        self._connections.remove(connection)
        connection.close()
        return None

    def _accept(self) -> None:
        while not self._closed:
            with suppress(*_GONE, AuthenticationError):  # who does not know the key, or has gone again
                connection = self._listener.accept()
                connection.send(self._hello)
                self._new.put(connection)
                self._herald.send_bytes(b".")


def encode(encoder: QueryEncoder, batch: Sequence[Asked]) -> None:
    """Answers each of them, in one message to each connection."""
    answers: dict[Connection, list[Answer]] = defaultdict(list)
    for asked, answer in zip(batch, _answers(encoder, batch), strict=True):
        answers[asked.connection].append(answer)
    for connection, own in answers.items():
        with suppress(OSError):  # gone meanwhile
            connection.send(own)


def _answers(encoder: QueryEncoder, batch: Sequence[Asked]) -> Iterable[Answer]:
    """In one call; where that fails, each is tried alone, so that none suffers from another."""
    rows: dict[str, int] = {}
    for asked in batch:
        for text in asked.texts:
            rows.setdefault(text, len(rows))
    try:
        vectors = encoder.encode_queries(list(rows))
    except Exception:  # noqa: BLE001 - whoever asked hears of it
        if len(batch) > 1:
            return [answer for asked in batch for answer in _answers(encoder, [asked])]
        return [(batch[0].number, traceback.format_exc())]
    return [(asked.number, vectors[[rows[text] for text in asked.texts]]) for asked in batch]
