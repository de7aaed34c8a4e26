"""Queries -> raw vectors: the last ones from memory."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from indexer.encoder import QueryEncoder

Vectors = NDArray[np.float32]


class QueryVectors:
    """The vectors of queries by one encoder. Methods may be called from several threads."""

    def __init__(self, encoder: QueryEncoder, remembered: int = 1_000) -> None:
        """`remembered`: of how many queries, the ones asked for last, the vectors are kept."""
        self._encoder = encoder
        self._remembered = remembered
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, text: str) -> tuple[Vectors, bool]:
        """(dimension,) the raw vector of a query, and whether it was known. Raises what the encoder raises."""
        with self._lock:
            if (known := self._known.get(text)) is not None:
                self._known.move_to_end(text)
                return known, True
        vector = self._encoder.encode_queries([text])[0].copy()  # which does not hold on to others
        vector.flags.writeable = False
        with self._lock:
            self._known[text] = vector
            while len(self._known) > self._remembered:
                self._known.popitem(last=False)
        return vector, False
