"""Queries -> raw vectors: those that wait for the encoder at the same time in one call, the last ones from memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.encoder import QueryEncoder

Vectors = NDArray[np.float32]

_TOGETHER = 16
"""Queries that are encoded in one call."""


@dataclass
class _Waiting:
    text: str
    done: bool = False
    vector: Vectors | None = None
    error: BaseException | None = None


class QueryVectors:
    """The vectors of queries by one encoder, which is never called by two threads at once: one call fills the cores.

    Methods may be called from several threads.
    """

    def __init__(self, encoder: QueryEncoder, remembered: int = 1_000) -> None:
        """`remembered`: of how many queries, the ones asked for last, the vectors are kept."""
        self._encoder = encoder
        self._remembered = remembered
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._waiting: list[_Waiting] = []
        self._lock = threading.Lock()
        self._encoding = threading.Lock()

    def of(self, text: str) -> tuple[Vectors, bool]:
        """(dimension,) the raw vector of a query, and whether it was known. Raises what the encoder raises."""
        with self._lock:
            if (known := self._known.get(text)) is not None:
                self._known.move_to_end(text)
                return known, True
            mine = _Waiting(text)
            self._waiting.append(mine)
        while not mine.done:  # whoever comes first encodes for those that came before, which may not be all that wait
            with self._encoding:
                if not mine.done:
                    self._encode()
        if mine.error:
            raise mine.error
        assert mine.vector is not None
        return mine.vector, False

    def _encode(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
        texts = list(dict.fromkeys(own.text for own in batch))
        try:
            vectors = dict(zip(texts, map(_kept, self._encoder.encode_queries(texts)), strict=True))
        except BaseException as error:  # noqa: BLE001 - each of those that wait raises it
            for own in batch:
                own.error = error
        else:
            for own in batch:
                own.vector = vectors[own.text]
            with self._lock:
                self._known |= vectors
                while len(self._known) > self._remembered:
                    self._known.popitem(last=False)
        for own in batch:
            own.done = True


def _kept(row: Vectors) -> Vectors:
    """A copy that does not hold on to the others, and that nobody can change."""
    vector = row.copy()
    vector.flags.writeable = False
    return vector
