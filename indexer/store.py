"""What a searcher needs of stored passages, and the local store that gives it: SQLite for the truth, FAISS in front.

Nothing above this file knows either, so that another engine can stand behind the same ranking.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.collection import Collection
from indexer.language_means import LanguageMeans
from indexer.records import Statistics, StoredDocument, StoredPassage
from indexer.vector_index import open_index

Vectors = NDArray[np.float32]


class Store(Protocol):
    """Stored passages. Methods may be called from several threads."""

    @property
    def means(self) -> LanguageMeans:
        """The means of its passages, sentences and queries, as of this version."""

    @property
    def version(self) -> int:
        """Changes with the content."""

    def refresh(self) -> None:
        """See what has been indexed since."""

    def statistics(self) -> Statistics:
        """What it holds."""

    def close(self) -> None:
        """Let go of files; nothing can be asked afterwards."""

    def languages(self) -> frozenset[str]:
        """The languages of the passages."""

    def candidates(self, query: Vectors, limit: int, langs: Sequence[str]) -> tuple[NDArray[np.int64], Vectors]:
        """Passage ids and cosines nearest to a centred query (dimension,), best first; of some languages if given."""

    def passages(self, ids: Sequence[int]) -> list[StoredPassage]:
        """Passages in the order asked for, without those that are gone."""

    def documents(self, numbers: Sequence[int]) -> Mapping[int, StoredDocument]:
        """Documents by number, without those that are gone."""

    def text(self, document: int, start: int, end: int) -> str:
        """text[start:end] of a document."""


class LocalStore:
    """A `Store` over a collection on this machine. `centred=False`: without language means, for comparison."""

    def __init__(self, collection: Collection, *, centred: bool = True) -> None:
        self._collection = collection
        self._centred = centred
        self._lock = threading.RLock()
        self._load()

    def _load(self) -> None:
        self._index = open_index(self._collection, centred=self._centred)
        self._languages = frozenset(self._collection.sums())
        if self._centred:
            # The index may lag behind the means by a little (its drift); its own are the ones that its vectors fit.
            self._means = replace(self._collection.language_means(), passages=self._index.means)
        else:
            self._means = LanguageMeans.none(self._collection.dimension)

    @property
    def means(self) -> LanguageMeans:
        return self._means

    @property
    def version(self) -> int:
        return self._index.version

    def refresh(self) -> None:
        with self._lock:
            if self._collection.version() != self._index.version:
                self._load()

    def statistics(self) -> Statistics:
        with self._lock:
            return self._collection.statistics()

    def close(self) -> None:
        with self._lock:
            self._collection.close()

    def languages(self) -> frozenset[str]:
        return self._languages

    def candidates(self, query: Vectors, limit: int, langs: Sequence[str]) -> tuple[NDArray[np.int64], Vectors]:
        with self._lock:
            among = self._collection.passage_ids(langs) if langs else None
            return self._index.search(query, limit, among)

    def passages(self, ids: Sequence[int]) -> list[StoredPassage]:
        with self._lock:
            return self._collection.passages(ids)

    def documents(self, numbers: Sequence[int]) -> Mapping[int, StoredDocument]:
        with self._lock:
            return self._collection.documents(numbers)

    def text(self, document: int, start: int, end: int) -> str:
        with self._lock:
            return self._collection.text(document, start, end)
