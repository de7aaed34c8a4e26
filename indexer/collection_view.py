"""An open collection, to be read: documents, passages, raw vectors, and the sums behind the language means.

Vectors are stored raw, not centred, in a byte a component (`packed_vectors.py`).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from indexer import database, rows
from indexer.copy_records import CopyRecords
from indexer.documents import Document
from indexer.errors import ModelMismatch
from indexer.file_records import FileRecords, SeenIds
from indexer.filters import EVERYTHING, Filter
from indexer.language_means import LanguageMeans, LanguageSum, Prior
from indexer.line_records import LineRecords
from indexer.parts import parts_of
from indexer.records import Statistics, StoredDocument, StoredPassage

Vectors = NDArray[np.float32]

_FEW = 5_000
_AS_IT_CAME = "id, text, title, declared, date, source, url, metadata, pages"


class CollectionView:
    """An open collection. One thread at a time; other processes may write meanwhile."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        """Takes the connection over; `open` is the way in."""
        self.folder = folder
        self._connection = connection
        try:
            with self._reading():
                settings = dict(connection.execute("SELECT name, value FROM settings"))
                self.model: str = settings["model"]
                self.fingerprint: str = settings["fingerprint"]
                self.parts = parts_of(settings["parts"])
                self.dimension = sum(part.width for part in self.parts)
                self.budget = int(settings["budget"])
                """Tokens a passage may have."""
                self.files = FileRecords(folder, connection)
                self.copies = CopyRecords(folder, connection)
                self.lines = LineRecords(folder, connection)
                self.leaves_out_boilerplate = settings.get("boilerplate") != "kept"
        except BaseException:
            connection.close()
            raise

    @classmethod
    def open(cls, folder: Path, *, writable: bool = False) -> Self:
        """Open what is there. Raises CollectionError where there is none, or it is damaged or of another format; a
        damaged file is left as it is."""
        return cls(folder, database.open_file(folder, writable=writable))

    @staticmethod
    def exists(folder: Path) -> bool:
        """Raises CollectionError where the folder cannot be looked into."""
        with database.writing(folder):
            return (folder / database.FILE).exists()

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def check_model(self, fingerprint: str, model: str) -> None:
        """Raise ModelMismatch unless the vectors here come from the model with this fingerprint."""
        if fingerprint != self.fingerprint:
            same_name = model == self.model
            raise ModelMismatch(
                f"{self.folder} was made with model {self.model} ({self.fingerprint}), not "
                f"{'this version of it' if same_name else model} ({fingerprint}); "
                + ("" if same_name else f"search it with --model {self.model}, or ")
                + "index the files again into another --collection"
            )

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What is read within is of one state, whatever other processes commit meanwhile."""
        if self._connection.in_transaction:
            yield
            return
        self.hold()
        try:
            yield
        finally:
            self.release()

    def hold(self) -> None:
        """What is read from now on is of one state, until `release`."""
        with database.reading(self.folder):
            self._connection.execute("BEGIN")
            try:
                self._connection.execute("SELECT value FROM settings WHERE name = 'version'").fetchone()
            except BaseException:
                self.release()  # SQLite does not, where the file is locked
                raise

    def release(self) -> None:
        """What is read from now on is of the state that is the newest then."""
        if self._connection.in_transaction:  # SQLite ends it by itself when reading fails
            self._connection.execute("ROLLBACK")

    @property
    def held(self) -> bool:
        return self._connection.in_transaction

    def version(self) -> int:
        """Grows by one with every change."""
        with self._reading():
            (value,) = self._connection.execute("SELECT value FROM settings WHERE name = 'version'").fetchone()
            return int(value)

    def state(self, version: int) -> bytes | None:
        """A random mark of what the collection was like at a version; None for one that it has not gone through.

        Two collections, or one and its restored backup, may have the same version, but never the same mark.
        """
        with self._reading():
            row = self._connection.execute("SELECT state FROM states WHERE version = ?", (version,)).fetchone()
        return row[0] if row else None

    def digest(self, document_id: str) -> bytes | None:
        """What the stored passages of a document were made from; None for an unknown document."""
        with self._reading():
            row = self._connection.execute("SELECT digest FROM documents WHERE id = ?", (document_id,)).fetchone()
        return row[0] if row else None

    def language_means(self) -> LanguageMeans:
        """The means as of now: own sums shrunk towards the prior."""
        return LanguageMeans.shrunk(self.sums(), self.prior(), self.parts)

    def sums(self) -> dict[str, LanguageSum]:
        """Per language, the number of passages and sentences and the sums of their raw vectors."""
        with self._reading():
            found = self._connection.execute(f"SELECT {rows.SUM_COLUMNS} FROM sums").fetchall()
            return {row[0]: rows.language_sum(row, self.dimension) for row in found}

    def prior(self) -> Prior:
        """What the collection was given for languages of which it has little."""
        with self._reading():
            found = self._connection.execute(f"SELECT {rows.PRIOR_COLUMNS} FROM prior").fetchall()
            return rows.prior_of_rows(found, self.parts)

    def passage_ids(self, among: Filter = EVERYTHING) -> NDArray[np.int64]:
        """Ids of all passages, or of those that a filter lets through, ascending."""
        if among.of_documents and among.langs:
            with self.snapshot():
                return self._of_languages(self.passage_ids(replace(among, langs=())), among.langs)
        condition, values = among.condition()
        if among.of_documents:
            # Documents first, since most are turned away; then the narrow index of their passages.
            tables = "documents CROSS JOIN passages ON passages.document = documents.number"
        else:  # from the index by language, which is narrow: the rows themselves are kilobytes each
            tables = "passages INDEXED BY passages_by_language"
        with self._reading():
            found = self._connection.execute(f"SELECT passages.id FROM {tables} WHERE {condition}", values).fetchall()
        return np.sort(np.fromiter((row[0] for row in found), np.int64, len(found)))

    def _of_languages(self, ids: NDArray[np.int64], langs: Sequence[str]) -> NDArray[np.int64]:
        """Of few passages each is looked at; of many, the narrow index of all tells sooner."""
        if len(ids) > _FEW:
            return np.intersect1d(ids, self.passage_ids(Filter(langs=tuple(langs))), assume_unique=True)
        with self._reading():
            blocks = self._blocks("SELECT id, lang FROM passages", ids.tolist(), _FEW)
            return np.array([own for block in blocks for own, lang in block if lang in langs], np.int64)

    def passage_vectors(self, ids: Sequence[int] | None = None) -> Iterator[tuple[list[int], list[str], Vectors]]:
        """Blocks of (ids, languages, raw vectors) of all passages or of some, in order of id."""
        with self._reading():
            for block in self._blocks("SELECT id, lang, vector FROM passages", ids, 10_000):
                vectors = rows.one_each([row[2] for row in block], self.dimension)
                yield [row[0] for row in block], [row[1] for row in block], vectors

    def passage_texts(self, ids: Sequence[int] | None = None) -> Iterator[list[tuple[int, str]]]:
        """Blocks of (id, text) of all passages or of some, in order of id."""
        with self._reading():
            number, text = 0, ""  # a long document is read once, not for each of its passages
            for block in self._blocks('SELECT id, document, start, "end" FROM passages', ids, 1_000):
                texts = []
                for identifier, document, start, end in block:
                    if document != number:
                        row = self._connection.execute("SELECT text FROM documents WHERE number = ?", (document,))
                        number, text = document, (row.fetchone() or ("",))[0]
                    texts.append((identifier, text[start:end]))
                if texts:
                    yield texts

    def _blocks(self, query: str, ids: Sequence[int] | None, size: int) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a query over passages, of all or of some, in order of id and block by block."""
        if ids is None:
            cursor = self._connection.execute(f"{query} ORDER BY id")
            yield from iter(lambda: cursor.fetchmany(size), [])
        else:
            for part in _parts(sorted(ids)):
                yield self._connection.execute(f"{query} WHERE id IN ({rows.marks(part)}) ORDER BY id", part).fetchall()

    def passages(self, ids: Sequence[int]) -> list[StoredPassage]:
        """Passages by id, in the order asked for; ids that are gone by now are left out."""
        found: dict[int, StoredPassage] = {}
        with self._reading():
            for part in _parts(ids):
                read = self._connection.execute(
                    'SELECT passages.id, document, start, "end", passages.lang, sentences, passages.vector, '
                    "sentence_vectors, documents.vector FROM passages JOIN documents ON number = document "
                    f"WHERE passages.id IN ({rows.marks(part)})",
                    part,
                ).fetchall()
                found |= {passage.id: passage for passage in rows.stored_passages(read, self.dimension)}
        return [found[identifier] for identifier in ids if identifier in found]

    def sentence_sample(self, lang: str, limit: int) -> Vectors:
        """(n, dimension) raw vectors of sentences of a language, from passages evenly spaced over the collection; about
        `limit` of them where there are as many."""
        ids, own = self.passage_ids(Filter(langs=(lang,))), self.sums().get(lang)
        if own is None or not len(ids):
            return np.empty((0, self.dimension), np.float32)
        wanted = min(len(ids), max(1, round(limit * own.passages / max(1, own.sentences))))
        chosen = ids[np.linspace(0, len(ids) - 1, wanted).astype(int)]
        return np.concatenate([passage.sentence_vectors for passage in self.passages(chosen.tolist())])

    def documents(self, numbers: Sequence[int]) -> dict[int, StoredDocument]:
        """Descriptions by number."""
        found = {}
        with self._reading():
            for part in _parts(numbers):
                for row in self._connection.execute(
                    "SELECT number, id, title, lang, date, source, url, metadata, pages FROM documents "
                    f"WHERE number IN ({rows.marks(part)})",
                    part,
                ):
                    found[row[0]] = rows.stored_document(row)
        return found

    def document(self, document_id: str) -> Document | None:
        """A document as it came; None for an unknown id."""
        with self._reading():
            row = self._connection.execute(
                f"SELECT {_AS_IT_CAME} FROM documents WHERE id = ?", (document_id,)
            ).fetchone()
            return rows.document_of_row(row) if row else None

    def language(self, document_id: str) -> str:
        """What a document is in: as it was said to be, else as was found out; empty for an unknown id."""
        with self._reading():
            row = self._connection.execute("SELECT lang FROM documents WHERE id = ?", (document_id,)).fetchone()
        return row[0] if row else ""

    def all_documents(self) -> Iterator[Document]:
        """Every document as it came, in that order; one at a time, since a text may be large."""
        with self._reading():
            for row in self._connection.execute(f"SELECT {_AS_IT_CAME} FROM documents ORDER BY number"):
                yield rows.document_of_row(row)

    def vectors_of(self, keys: Sequence[bytes]) -> dict[bytes, tuple[Vectors, Vectors]]:
        """Key of a passage's texts -> its vector (dimension,) and its sentences' (n, dimension), for those that any
        passage has."""
        found = {}
        with self._reading():
            for start in range(0, len(keys), 500):
                part = list(keys[start : start + 500])
                for key, vector, sentences in self._connection.execute(
                    "SELECT key, vector, sentence_vectors FROM passages "
                    f"WHERE key IN ({rows.marks(part)}) GROUP BY key",
                    part,
                ):
                    found[key] = rows.vectors_of_passage(vector, sentences, self.dimension)
        return found

    def seen_ids(self) -> SeenIds:
        """For a run that begins."""
        with database.writing(self.folder):
            return SeenIds(self.folder, self._connection)

    def text(self, document: int, start: int, end: int) -> str:
        """A stretch of a document's text; empty where the document is gone by now."""
        with self._reading():
            row = self._connection.execute(
                "SELECT substr(text, ?, ?) FROM documents WHERE number = ?", (start + 1, end - start, document)
            ).fetchone()
        return row[0] if row else ""

    def statistics(self) -> Statistics:
        with self._reading():
            execute = self._connection.execute
            languages = dict(execute("SELECT lang, count(*) FROM documents GROUP BY lang ORDER BY count(*) DESC, lang"))
            (passages,) = execute("SELECT count(*) FROM passages").fetchone()
            (files,) = execute("SELECT count(*) FROM files").fetchone()
            (repeated,) = execute("SELECT count(*) FROM lines WHERE repeated").fetchone()
        copies, documents = self.copies.count(), sum(languages.values())
        return Statistics(documents, passages, languages, self.model, self.size(), files, copies, repeated)

    def size(self) -> int:
        """Bytes in all files of its folder, without those that other processes remove meanwhile."""
        size = 0
        for place, _, names in os.walk(self.folder):
            for name in names:
                with suppress(OSError):
                    size += os.stat(os.path.join(place, name)).st_size
        return size

    def _reading(self) -> AbstractContextManager[None]:
        return database.reading(self.folder)


def _parts(values: Sequence[int], size: int = 500) -> Iterator[list[int]]:
    for start in range(0, len(values), size):
        yield [int(value) for value in values[start : start + size]]
