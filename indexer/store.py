"""What a searcher needs of stored passages, and the local store that gives it: SQLite for the truth, FAISS and BM25 in
front.

Nothing above this file knows either, so that another engine can stand behind the same ranking.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer import lexical_index, vector_index
from indexer.alignment import AlignedQuery, Alignment
from indexer.documents import Document
from indexer.filters import EVERYTHING, Filter
from indexer.records import Statistics, StoredDocument, StoredPassage
from indexer.stored_collection import StoredCollection

Vectors = NDArray[np.float32]


_ATTEMPTS = 4
"""To load what another process goes on changing."""
_MOST_FILTERS = 16
"""Of filters that were asked for, so many are remembered with the ids of their passages."""


class Store(Protocol):
    """Stored passages, as of one version. Methods may be called from several threads."""

    @property
    def alignment(self) -> Alignment:
        """What makes its passages, sentences and queries comparable, as of this version."""

    @property
    def version(self) -> int:
        """Changes with the content."""

    def statistics(self) -> Statistics:
        """What it holds."""

    def languages(self) -> frozenset[str]:
        """The languages of the passages."""

    def candidates(self, query: AlignedQuery, limit: int, among: Filter = EVERYTHING) -> NDArray[np.int64]:
        """Ids of the passages nearest to a query, best first; among those that a filter lets through."""

    def worded(self, text: str, limit: int, among: Filter = EVERYTHING) -> NDArray[np.int64]:
        """Ids of the passages with most of a text's words, by BM25, best first; among those let through."""

    def quoting(self, phrase: Sequence[str], limit: int, among: Filter = EVERYTHING) -> NDArray[np.int64]:
        """Ids of passages that hold folded words side by side; among those let through."""

    def word_shares(self, text: str, ids: NDArray[np.int64]) -> Vectors:
        """(n,) for each of some passages, how much of a text's words it has: BM25 over the most that there could be,
        0 to 1."""

    def passage_vectors(self, ids: Sequence[int]) -> tuple[NDArray[np.int64], list[str], Vectors]:
        """(ids, languages, raw vectors (n, dimension)) of passages, in order of id, without those that are gone."""

    def passages(self, ids: Sequence[int]) -> list[StoredPassage]:
        """Passages in the order asked for, without those that are gone."""

    def documents(self, numbers: Sequence[int]) -> Mapping[int, StoredDocument]:
        """Documents by number, without those that are gone."""

    def firsts(self, numbers: Sequence[int]) -> Mapping[int, int]:
        """Document -> the first document that it is a copy of, by number; without those that are no copies."""

    def text(self, document: int, start: int, end: int) -> str:
        """text[start:end] of a document."""

    def document(self, document_id: str) -> Document | None:
        """A document as it came, with the language that was found where it said none; None for an unknown id."""

    def counts(self) -> Mapping[str, tuple[int, int]]:
        """Language -> how many documents and passages are in it."""

    @property
    def mark(self) -> str:
        """Stands for the content: two stores, or two versions of one, never have the same."""


class Stores(Protocol):
    """Where to get the newest version."""

    def current(self) -> AbstractContextManager[Store]:
        """The version that is the newest now, whole, for as long as the context lasts."""

    def close(self) -> None:
        """Let go of files; nothing can be asked afterwards."""


def mark_of(version: int, state: bytes | None) -> str:
    """Of a collection at a version that it was in that state at."""
    return f"{version}-{(state or b'').hex()}"


class LocalStore:
    """A `Store` over a collection on this machine. Without `means`, or without `maps`, for comparison."""

    def __init__(self, collection: StoredCollection, *, means: bool = True, maps: bool = True) -> None:
        self._collection = collection
        self._means, self._maps = means, maps
        self._lock = threading.RLock()
        self._users = 0
        self._load()

    def _load(self) -> None:
        """Both indexes and the languages of one version."""
        for attempt in range(_ATTEMPTS):
            # Within a snapshot others go on, and may save an index that is newer than it: then once more.
            with self._collection.snapshot() if attempt == _ATTEMPTS - 1 else nullcontext():
                index = vector_index.open_index(self._collection, means=self._means, maps=self._maps)
                words = lexical_index.open_index(self._collection)
                with self._collection.snapshot():
                    passages_of = {lang: own.passages for lang, own in self._collection.sums().items()}
                    if index.version == words.version == self._collection.version():
                        break
        # All at once: where one of them cannot be loaded, the others stay with it.
        self._index, self._words, self._passages_of = index, words, passages_of
        self._ids_of: dict[Filter, NDArray[np.int64]] = {}
        self._statistics: Statistics | None = None

    @property
    def alignment(self) -> Alignment:
        return self._index.alignment

    @property
    def version(self) -> int:
        return self._index.version

    @property
    def mark(self) -> str:
        return mark_of(self._index.version, self._index.state)

    def refresh(self) -> None:
        """See what has been indexed since."""
        with self._lock:
            if not self._users and self._collection.version() != self._index.version:
                self._load()

    @contextmanager
    def current(self) -> Iterator[LocalStore]:
        """Itself, as of the newest version that there is when nobody uses it. What is asked for within is of that
        version, whatever other processes commit meanwhile."""
        with self._lock:
            while not self._users and not self._hold():
                self._load()
            self._users += 1
        try:
            yield self
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._collection.release()

    def _hold(self) -> bool:
        """Whether the collection still is of the version that was loaded; it stays so until it is released."""
        self._collection.hold()
        if self._collection.version() == self._index.version:
            return True
        self._collection.release()
        return False

    def statistics(self) -> Statistics:
        with self._lock:  # counted once for a version
            self._statistics = self._statistics or self._collection.statistics()
            return replace(self._statistics, bytes=self._collection.size())

    def close(self) -> None:
        with self._lock:
            self._collection.close()
            if hasattr(self, "_index"):
                del self._index, self._words  # and with them the files that they have mapped

    def languages(self) -> frozenset[str]:
        return frozenset(self._passages_of)

    def candidates(self, query: AlignedQuery, limit: int, among: Filter = EVERYTHING) -> NDArray[np.int64]:
        return self._index.search(query, limit, self._among(among))

    def worded(self, text: str, limit: int, among: Filter = EVERYTHING) -> NDArray[np.int64]:
        return self._words.search(text, limit, self._among(among))[0]

    def quoting(self, phrase: Sequence[str], limit: int, among: Filter = EVERYTHING) -> NDArray[np.int64]:
        ids = self._among(among)
        if ids is None:
            return self._words.phrase(phrase, limit)
        found = self._words.phrase(phrase, len(self._words))  # the first of them may all be of other languages
        return found[np.isin(found, ids)][:limit]

    def word_shares(self, text: str, ids: NDArray[np.int64]) -> Vectors:
        most = self._words.best_possible(text)
        scores: Vectors = self._words.scores(text, ids)
        return np.minimum(scores / np.float32(most), 1) if most > 0 else scores

    def _among(self, among: Filter) -> NDArray[np.int64] | None:
        """The ids of the passages that a filter lets through, read once for a version; None for all."""
        if among == EVERYTHING:
            return None
        with self._lock:
            if among not in self._ids_of:
                if len(self._ids_of) == _MOST_FILTERS:
                    self._ids_of.clear()
                self._ids_of[among] = self._collection.passage_ids(among)
            return self._ids_of[among]

    def passage_vectors(self, ids: Sequence[int]) -> tuple[NDArray[np.int64], list[str], Vectors]:
        with self._lock:
            blocks = list(self._collection.passage_vectors(ids))
        found = np.array([identifier for own, _, _ in blocks for identifier in own], np.int64)
        langs = [lang for _, own, _ in blocks for lang in own]
        rows = [own for _, _, own in blocks] or [np.empty((0, self._collection.dimension), np.float32)]
        return found, langs, np.concatenate(rows)

    def passages(self, ids: Sequence[int]) -> list[StoredPassage]:
        with self._lock:
            return self._collection.passages(ids)

    def documents(self, numbers: Sequence[int]) -> Mapping[int, StoredDocument]:
        with self._lock:
            return self._collection.documents(numbers)

    def firsts(self, numbers: Sequence[int]) -> Mapping[int, int]:
        with self._lock:
            return self._collection.copies.firsts(numbers)

    def text(self, document: int, start: int, end: int) -> str:
        with self._lock:
            return self._collection.text(document, start, end)

    def document(self, document_id: str) -> Document | None:
        with self._lock:
            document = self._collection.document(document_id)
            return document and replace(document, lang=document.lang or self._collection.language(document_id))

    def counts(self) -> Mapping[str, tuple[int, int]]:
        documents, passages = self.statistics().documents_by_language, self._passages_of
        langs = sorted(documents.keys() | passages, key=lambda lang: (-passages.get(lang, 0), lang))
        return {lang: (documents.get(lang, 0), passages.get(lang, 0)) for lang in langs}
