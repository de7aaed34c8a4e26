"""A query encoder whose work the process at some place does."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from itertools import count
from multiprocessing import AuthenticationError

import numpy as np
from numpy.typing import NDArray

from indexer.errors import ModelError
from search_api.encoding.place import Place

Vectors = NDArray[np.float32]
Answer = tuple[int, "Vectors | str"]
"""The number of what was asked, and the vectors or what went wrong."""

_PATIENCE = 30.0
"""Seconds for a process that has died to be there again."""
_GONE = (EOFError, OSError)


class RemoteEncoder:
    """A `QueryEncoder`. Methods may be called from several threads."""

    def __init__(self, place: Place) -> None:
        """Raises ModelError where nobody encodes."""
        self._place = place
        self._lock = threading.Lock()
        self._connected = _connected(place)
        self.name, self.fingerprint = self._connected.name, self._connected.fingerprint

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """(len(texts), dimension) float32, each row of length 1. Raises ModelError where nobody encodes any more."""
        for _ in range(2):
            try:
                return self._living().asked(texts).result()
            except _Ended:
                pass
        raise ModelError("the process that encodes queries has ended twice; is there enough memory for the model?")

    def close(self) -> None:
        with self._lock:
            self._connected.close()

    def _living(self) -> _Connected:
        with self._lock:
            if self._connected.has_ended:
                self._connected = _connected(self._place)
            return self._connected


class _Ended(Exception):
    """The process is gone, and with it what it was to encode."""


class _Connected:
    """A connection, from its beginning to its end, and what was asked over it."""

    def __init__(self, place: Place) -> None:
        self._connection = place.connection()
        self.name: str
        self.fingerprint: str
        self.name, self.fingerprint = self._connection.recv()
        self.has_ended = False
        self._numbers = count()
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[Vectors]] = {}
        threading.Thread(target=self._listen, name="encoded", daemon=True).start()

    def asked(self, texts: Sequence[str]) -> Future[Vectors]:
        """Raises _Ended, now or later."""
        future: Future[Vectors] = Future()
        with self._lock:
            if self.has_ended:
                raise _Ended
            number = next(self._numbers)
            self._waiting[number] = future
            try:
                self._connection.send((number, list(texts)))
            except OSError:  # the listener hears of it too
                self._waiting.pop(number)
                raise _Ended from None
        return future

    def close(self) -> None:
        with self._lock:
            if not self.has_ended:
                with suppress(OSError):  # it has just ended by itself, which the listener has not heard yet
                    self._connection.send(None)  # that ends it: to close what a thread reads from would not wake it

    def _listen(self) -> None:
        while True:
            try:
                answers: list[Answer] = self._connection.recv()
            except _GONE:
                break
            for number, found in answers:
                with self._lock:
                    future = self._waiting.pop(number)
                if isinstance(found, str):
                    future.set_exception(RuntimeError(found))
                else:
                    future.set_result(found)
        with self._lock:
            self.has_ended = True
            for future in self._waiting.values():
                future.set_exception(_Ended())
            self._waiting.clear()
            self._connection.close()


def _connected(place: Place) -> _Connected:
    """As soon as somebody listens."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            return _Connected(place)
        except (*_GONE, AuthenticationError):
            if time.monotonic() > end:
                raise ModelError("the process that encodes queries is not there; the server's log says why") from None
            time.sleep(0.1)
