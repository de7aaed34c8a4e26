"""A collection -> whether it is whole, and what is wrong with it."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer import database, rows, saved_vector_index, vector_index
from indexer.collection_view import CollectionView
from indexer.errors import CollectionError
from indexer.file_records import said_of
from indexer.language_means import LanguageSum
from indexer.saved_lexical_index import HOME, SavedLexicalIndex

Progress = Callable[[int, int], object]
"""Is told how much is done, and of how much."""
Ids = NDArray[np.int64]
Sums = NDArray[np.float64]

_NAMED = 10
"""Faults of a kind that are named before the rest are only counted."""
_DAMAGES = 100
"""Faults of the file that SQLite is asked for."""
_BLOCK = 256
"""Passages of a document that are read at once."""
_DIFFERENCE, _DIFFERENCE_EACH = 1e-9, 1e-12
"""By how much a sum may differ from one that was added up in another order: anyway, and for each vector in it."""
_ROUNDED = 0.51
"""By how many steps of a byte a component moves when it is stored, with a little for float32."""
_RULES = {
    "is a copy of what is not there, or is a copy itself": """
        SELECT 'document ' || id FROM documents AS copy WHERE original IS NOT NULL AND NOT EXISTS
        (SELECT 1 FROM documents WHERE number = copy.original AND original IS NULL)""",
    "is looked for among copies, but not there, or a copy itself": """
        SELECT DISTINCT 'document number ' || document FROM bands WHERE document NOT IN
        (SELECT number FROM documents WHERE original IS NULL)""",
    "another number of documents is counted than it has": """
        SELECT 'source ' || origin FROM origins WHERE documents !=
        (SELECT count(*) FROM documents WHERE documents.origin = origins.origin)""",
}
"""Fault -> where it is."""
_NOT_TEXT = re.compile("[\udc80-\udcff]")


def verify(collection: CollectionView, progress: Progress | None = None) -> list[str]:
    """Everything that is wrong with a collection, a line each; empty where it is whole. Of many faults of a kind the
    first are named, the rest counted.

    Reads one state of it, whatever other processes commit meanwhile, in little memory, and changes nothing. `progress`
    is told the passages looked at, of all. Raises CollectionError where it cannot even be opened.
    """
    connection = database.open_file(collection.folder, writable=False)
    with CollectionView(collection.folder, connection) as own:
        connection.text_factory = _tolerant
        found = _Found()
        # What was saved before the snapshot began is never newer than it.
        saved = [_saved_vectors(own), _saved_words(own)]
        with own.snapshot():
            verifier = _Verifier(own, connection, found, progress or (lambda done, total: None))
            verifier.file()
            verifier.documents()
            verifier.sums()
            for index in saved:
                verifier.index(index)
    return found.lines()


class _Found:
    """The faults so far."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._counts: Counter[str] = Counter()

    def add(self, where: str, fault: str, kind: str = "") -> None:
        """`kind`: what it is counted with, `fault` where that is nothing."""
        kind = kind or fault
        self._counts[kind] += 1
        if self._counts[kind] <= _NAMED:
            self._lines.append(_NOT_TEXT.sub("\ufffd", " ".join(f"{where}: {fault}".split())))

    @contextmanager
    def unreadable(self, where: str) -> Iterator[None]:
        """What cannot be read is a fault among others."""
        try:
            yield
        except (sqlite3.DatabaseError, CollectionError, ValueError, TypeError, KeyError, IndexError) as error:
            self.add(where, f"cannot be read ({error})", "cannot be read")

    def lines(self) -> list[str]:
        return self._lines + [
            f"{count - _NAMED} more: {kind}" for kind, count in self._counts.items() if count > _NAMED
        ]


def _tolerant(stored: bytes) -> str:
    """Also of what is no text, so that it can be said where it is."""
    return stored.decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class _SavedIndex:
    """What an index on disk says of itself; `ids` are None where it is not there, or not whole."""

    file: str
    ids: Ids | None = None
    version: int = 0
    state: bytes = b""


def _saved_vectors(collection: CollectionView) -> _SavedIndex:
    found = vector_index.saved_ids(collection)
    if found is None:
        return _SavedIndex(saved_vector_index.HOME)
    saved, ids = found
    return _SavedIndex(saved_vector_index.HOME, ids, saved.version, saved.state)


def _saved_words(collection: CollectionView) -> _SavedIndex:
    home = collection.folder / HOME
    saved = SavedLexicalIndex.read(home)
    while saved:
        with suppress(OSError, ValueError):
            if saved.is_whole() and len(saved.opened()) == len(saved.ids):
                return _SavedIndex(home.name, saved.ids, saved.version, saved.state)
        newer = SavedLexicalIndex.read(home)
        if newer is None or newer.folder == saved.folder:
            break
        saved = newer  # another process has put it in the place of the one that was looked at
    return _SavedIndex(home.name)


class _Mean:
    """Of a document's passages: whether its own vector is that, as far as bytes can tell."""

    def __init__(self, dimension: int) -> None:
        self._sum = np.zeros(dimension)
        self._count, self._step = 0, 0.0

    def add(self, own: LanguageSum, vector: bytes) -> None:
        self._sum += own.passage_sum
        self._count += 1
        self._step = max(self._step, _step(vector))

    def is_in(self, vector: bytes) -> bool:
        stored = rows.one_each([vector], len(self._sum))[0]
        distance = np.abs(stored - self._sum / max(1, self._count)).max()
        return bool(distance <= _ROUNDED * (self._step + _step(vector)))


def _step(vector: bytes) -> float:
    """What one step of a byte is worth in a vector's components."""
    return float(np.frombuffer(vector[:4], "<f4")[0])


class _Verifier:
    """One pass over a collection."""

    def __init__(
        self, collection: CollectionView, connection: sqlite3.Connection, found: _Found, progress: Progress
    ) -> None:
        self._collection = collection
        self._execute = connection.execute
        self._found = found
        self._progress = progress
        self._dimension = collection.dimension
        self._sums: dict[str, LanguageSum] = {}
        self._done = self._total = 0

    def file(self) -> None:
        """What SQLite itself can tell, and what there is one of."""
        found, execute = self._found, self._execute
        with found.unreadable("passages"):
            (self._total,) = execute("SELECT count(*) FROM passages").fetchone()
        self._progress(0, self._total)
        with found.unreadable(database.FILE):
            for (damage,) in execute(f"PRAGMA integrity_check({_DAMAGES})"):
                if damage != "ok":
                    found.add(database.FILE, damage, "faults of the file")
        with found.unreadable("references"):
            for table, row, parent, _ in execute("PRAGMA foreign_key_check"):
                found.add(f"{table} {row}", f"refers to one of {parent} that is not there")
        for fault, query in _RULES.items():
            with found.unreadable("references"):
                for (name,) in execute(query):
                    found.add(str(name), fault)
        with found.unreadable("version"):
            if self._collection.state(version := self._collection.version()) is None:
                found.add("version", f"{version} has no mark")
        with found.unreadable("prior"):
            self._collection.prior()
        with found.unreadable("files"):
            for path, skipped, remarks in execute("SELECT path, skipped, remarks FROM files ORDER BY path"):
                with found.unreadable(f"file {path}"):
                    said_of(skipped, remarks)

    def documents(self) -> None:
        """With their passages."""
        with self._found.unreadable("documents"):
            for row in self._execute(
                "SELECT number, id, digest, lang, metadata, pages, text, vector FROM documents ORDER BY number"
            ):
                self._document(*row)
        self._progress(self._done, self._total)

    def _document(
        self,
        number: int,
        identifier: str,
        digest: bytes,
        lang: str,
        metadata: str,
        pages: bytes | None,
        text: str,
        vector: bytes,
    ) -> None:
        where = f"document {identifier}"
        with self._found.unreadable(where):
            faults = {
                "no digest": not digest,
                "no language": not lang,
                "its text is not UTF-8": _NOT_TEXT.search(text),
                "its metadata are no JSON object": not _is_object(metadata),
                "its pages do not lie in its text": not _are_pages(pages or b"", len(text)),
            }
            for fault in [fault for fault, there in faults.items() if there]:
                self._found.add(where, fault)
        mean = _Mean(self._dimension)
        with self._found.unreadable(f"{where}, its passages"):
            self._passages(number, len(text), mean)
        with self._found.unreadable(f"{where}, its vector"):
            if not mean.is_in(vector):
                self._found.add(where, "its vector is not the mean of its passages'")

    def _passages(self, document: int, length: int, mean: _Mean) -> None:
        cursor = self._execute(
            'SELECT id, start, "end", lang, vector, sentences, sentence_vectors FROM passages WHERE document = ? '
            "ORDER BY id",
            (document,),
        )
        while block := cursor.fetchmany(_BLOCK):
            for identifier, start, end, lang, vector, sentences, sentence_vectors in block:
                with self._found.unreadable(f"passage {identifier}"):
                    self._spans(f"passage {identifier}", start, end, sentences, length)
                    own = self._vectors(f"passage {identifier}", vector, sentence_vectors, len(sentences) // 12)
                    with np.errstate(all="ignore"):
                        self._sums[lang] = self._sums[lang].plus(own) if lang in self._sums else own
                        mean.add(own, vector)
            self._done += len(block)
            self._progress(self._done, self._total)

    def _spans(self, where: str, start: int, end: int, sentences: bytes, length: int) -> None:
        if not 0 <= start <= end <= length:
            self._found.add(where, "does not lie in its document's text")
        spans = np.frombuffer(sentences, "<i4").reshape(-1, 3)[:, :2].ravel()
        edges = np.concatenate([[start], spans, [end]])
        if (np.diff(edges) < 0).any():
            self._found.add(where, "its sentences do not lie in it, one behind the other")

    def _vectors(self, where: str, vector: bytes, sentence_vectors: bytes, sentences: int) -> LanguageSum:
        with np.errstate(all="ignore"):
            own = rows.sum_of(vector, sentence_vectors, self._dimension)
        if own.sentences != sentences:
            fault = f"{own.sentences} vectors of {sentences} sentences"
            self._found.add(where, fault, "other numbers of vectors than of sentences")
        if not (np.isfinite(own.passage_sum).all() and np.isfinite(own.sentence_sum).all()):
            self._found.add(where, "a vector that is not finite")
        return own

    def sums(self) -> None:
        """Those that are stored are those of what is stored."""
        with self._found.unreadable("sums"):
            stored = self._collection.sums()
            for lang in sorted(stored.keys() | self._sums.keys()):
                if not _is_same(stored.get(lang), self._sums.get(lang)):
                    self._found.add(f"sums of {lang or 'no language'}", "not those of its passages")

    def index(self, saved: _SavedIndex) -> None:
        """What is derived holds the same passages."""
        again = "it is made again when the collection is next opened for searching"
        with self._found.unreadable(saved.file):
            version = self._collection.version()
            if saved.ids is None:
                self._found.add(saved.file, f"not there, not whole, or of another release; {again}")
            elif self._collection.state(saved.version) != saved.state:
                self._found.add(saved.file, f"of another collection, or another past of this one; {again}")
            elif saved.version != version:
                known = f"of version {saved.version}, the collection has {version}"
                self._found.add(saved.file, f"{known}; it is brought up to date when that is next opened for searching")
            elif len(others := np.setxor1d(saved.ids, self._collection.passage_ids())):
                fault = f"{len(others)} passages are only in it, or only in the collection"
                self._found.add(saved.file, f"{fault}; remove it, and {again}")


def _is_object(metadata: str) -> bool:
    try:
        return isinstance(json.loads(metadata), dict)
    except (ValueError, TypeError, RecursionError):
        return False


def _are_pages(pages: bytes, length: int) -> bool:
    if len(pages) % 8:
        return False
    starts = np.frombuffer(pages, "<i8")
    return not len(starts) or bool(starts[0] == 0 and (np.diff(starts) >= 0).all() and starts[-1] <= length)


def _is_same(stored: LanguageSum | None, summed: LanguageSum | None) -> bool:
    if stored is None or summed is None:
        return stored is summed

    def near(one: Sums, other: Sums, count: int) -> bool:
        return bool((np.abs(one - other) <= _DIFFERENCE + count * _DIFFERENCE_EACH).all())

    return (
        (stored.passages, stored.sentences) == (summed.passages, summed.sentences)
        and near(stored.passage_sum, summed.passage_sum, stored.passages)
        and near(stored.sentence_sum, summed.sentence_sum, stored.sentences)
    )
