"""Queries -> their vectors, several together while there is enough else to do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from indexer.encoder import QueryEncoder
from indexer.errors import SearchError

Vectors = NDArray[np.float32]
Asked = tuple[Sequence[str], "Future[Vectors]"]


class Gathering:
    """A `QueryEncoder`. Methods may be called from several threads.

    Eight queries together cost less than half of what they cost one by one. So a query waits as long as the next stage
    has more to do than there are queries here: its vector would only wait there, and longer.
    """

    def __init__(self, encoder: QueryEncoder, left: Callable[[], int]) -> None:
        """`left`: how much the next stage has to do; when that becomes less, `look` is to be called."""
        self.name, self.fingerprint = encoder.name, encoder.fingerprint
        self._encoder = encoder
        self._left = left
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="encode")
        self._waiting: list[Asked] = []

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """(len(texts), dimension) float32, each row of length 1. Raises what the encoder raises."""
        future: Future[Vectors] = Future()
        with self._lock:
            self._waiting.append((texts, future))
        self.look()
        return future.result()

    def look(self) -> None:
        """Whether it is time."""
        with self._lock:
            due = bool(self._waiting) and self._left() <= len(self._waiting)
        if due:
            self._thread.submit(self._encode_waiting)

    def _encode_waiting(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
        if waiting:
            self._encode(waiting)

    def _encode(self, asked: Sequence[Asked]) -> None:
        """Where they cannot be encoded together, each is tried alone, so that none suffers from another."""
        try:
            vectors = self._encoder.encode_queries([text for texts, _ in asked for text in texts])
        except Exception as error:  # noqa: BLE001 - whoever asked hears of it
            if len(asked) > 1 and not isinstance(error, SearchError):
                for own in asked:
                    self._encode([own])
                return
            for _, future in asked:
                future.set_exception(error)
        else:
            end = 0
            for texts, future in asked:
                start, end = end, end + len(texts)
                future.set_result(vectors[start:end])
