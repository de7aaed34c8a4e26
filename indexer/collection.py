"""The truth of a collection, in one SQLite file: documents, passages, raw vectors, and the sums behind the means.

Every change is one transaction, so a crash loses at most the batch being written and readers never see half of it.
Everything else (the vector index) is derived from what is here. Vectors are stored raw, not centred, as float16.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.documents import Document
from indexer.errors import CollectionError, ModelMismatch
from indexer.language_means import LanguageMeans, LanguageSum, Prior, Sums
from indexer.passages import Passage

Vectors = NDArray[np.float32]

FORMAT = 1
_APPLICATION = 0x5365_6172  # "Sear": marks the file as ours among SQLite files
_FILE = "collection.sqlite"
_SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    digest BLOB NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    lang TEXT NOT NULL,
    date TEXT NOT NULL,
    source TEXT NOT NULL,
    url TEXT NOT NULL,
    metadata TEXT NOT NULL
);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    lang TEXT NOT NULL,
    vector BLOB NOT NULL,
    sentences BLOB NOT NULL,
    sentence_vectors BLOB NOT NULL
);
CREATE INDEX passages_by_document ON passages (document);
CREATE INDEX passages_by_language ON passages (lang);
CREATE TABLE sums (
    lang TEXT PRIMARY KEY,
    passages INTEGER NOT NULL,
    passage_sum BLOB NOT NULL,
    sentences INTEGER NOT NULL,
    sentence_sum BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE prior (
    lang TEXT PRIMARY KEY,
    passages INTEGER NOT NULL,
    passage_sum BLOB NOT NULL,
    sentences INTEGER NOT NULL,
    sentence_sum BLOB NOT NULL,
    query_shift BLOB NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class EncodedPassage:
    """A passage with its raw vector (dimension,) and its sentences' raw vectors (sentences, dimension), float32."""

    passage: Passage
    vector: Vectors
    sentence_vectors: Vectors


@dataclass(frozen=True)
class EncodedDocument:
    """A document ready to be stored; `digest` stands for everything that its passages were made from."""

    document: Document
    lang: str
    digest: bytes
    passages: Sequence[EncodedPassage]


@dataclass(frozen=True)
class StoredPassage:
    """A candidate as scoring needs it: spans are offsets into the document's text, vectors raw float32."""

    id: int
    document: int
    start: int
    end: int
    lang: str
    sentences: NDArray[np.int32]
    sentence_vectors: Vectors


@dataclass(frozen=True)
class StoredDocument:
    """A document's description, without its text."""

    number: int
    id: str
    title: str
    lang: str
    date: str
    source: str
    url: str
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class Statistics:
    """What is in a collection."""

    documents: int
    passages: int
    documents_by_language: Mapping[str, int]
    model: str
    bytes: int


class Collection:
    """An open collection. One thread at a time; several processes may read while one writes."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._connection = connection
        with self._errors():
            settings = dict(connection.execute("SELECT name, value FROM settings"))
        self.model = settings["model"]
        self.fingerprint = settings["fingerprint"]
        self.dimension = int(settings["dimension"])
        self.budget = int(settings["budget"])
        """Tokens a passage may have."""

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        model: str,
        fingerprint: str,
        dimension: int,
        budget: int,
        prior: Prior,
    ) -> Collection:
        """A new, empty collection in a folder that may exist but must not hold one already."""
        file = folder / _FILE
        with _errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            if file.exists():
                raise CollectionError(f"{folder} holds a collection already; open it, or give another --collection")
            connection = _connect(file, "rwc")
            with connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
                settings = {"model": model, "fingerprint": fingerprint, "dimension": dimension, "budget": budget}
                connection.executemany("INSERT INTO settings VALUES (?, ?)", [*settings.items(), ("version", 0)])
                connection.executemany(
                    "INSERT INTO prior VALUES (?, ?, ?, ?, ?, ?)",
                    [(*_sum_row(lang, own), _blob(prior.query_shifts[lang])) for lang, own in prior.sums.items()],
                )
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {FORMAT}")
        return cls(folder, connection)

    @classmethod
    def open(cls, folder: Path, *, writable: bool = False) -> Collection:
        """Open what is there. Raises CollectionError where there is none, or it is damaged or of another format;
        a damaged file is left as it is."""
        file = folder / _FILE
        if not file.is_file():
            raise CollectionError(f"no collection in {folder}; make one with: search-index --collection {folder} PATH")
        with _errors(folder):
            connection = _open(file, writable)
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if application != _APPLICATION:
                raise CollectionError(f"{file} is an SQLite file of another program; give another --collection")
            if version != FORMAT:
                raise CollectionError(
                    f"{folder} has collection format {version}, this program reads {FORMAT}; index the files again "
                    "into another --collection"
                )
        return cls(folder, connection)

    @staticmethod
    def exists(folder: Path) -> bool:
        return (folder / _FILE).exists()

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Collection:
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

    # Reading

    def version(self) -> int:
        """Grows by one with every change."""
        with self._errors():
            (value,) = self._connection.execute("SELECT value FROM settings WHERE name = 'version'").fetchone()
        return int(value)

    def digest(self, document_id: str) -> bytes | None:
        """What the stored passages of a document were made from; None for an unknown document."""
        with self._errors():
            row = self._connection.execute("SELECT digest FROM documents WHERE id = ?", (document_id,)).fetchone()
        return row[0] if row else None

    def language_means(self) -> LanguageMeans:
        """The means as of now: own sums shrunk towards the prior."""
        return LanguageMeans.shrunk(self.sums(), self._prior(), self.dimension)

    def sums(self) -> dict[str, LanguageSum]:
        """Per language, the number of passages and sentences and the sums of their raw vectors."""
        with self._errors():
            rows = self._connection.execute(f"SELECT {_SUM_COLUMNS} FROM sums").fetchall()
        return {row[0]: _language_sum(row) for row in rows}

    def _prior(self) -> Prior:
        with self._errors():
            rows = self._connection.execute(f"SELECT {_SUM_COLUMNS}, query_shift FROM prior").fetchall()
        return Prior(
            {row[0]: _language_sum(row) for row in rows}, {row[0]: np.frombuffer(row[5], "<f8") for row in rows}
        )

    def passage_ids(self, langs: Sequence[str] = ()) -> NDArray[np.int64]:
        """Ids of all passages, or of those in some languages, ascending."""
        where = f"WHERE lang IN ({_marks(langs)})" if langs else ""
        with self._errors():
            rows = self._connection.execute(f"SELECT id FROM passages {where} ORDER BY id", tuple(langs)).fetchall()
        return np.fromiter((row[0] for row in rows), np.int64, len(rows))

    def passage_vectors(self, ids: Sequence[int] | None = None) -> Iterator[tuple[list[int], list[str], Vectors]]:
        """Blocks of (ids, languages, raw vectors) of all passages or of some, in order of id."""
        query = "SELECT id, lang, vector FROM passages"
        with self._errors():
            if ids is None:
                cursor = self._connection.execute(f"{query} ORDER BY id")
                blocks: Iterable[list[tuple[int, str, bytes]]] = iter(lambda: cursor.fetchmany(10_000), [])
            else:
                blocks = (
                    self._connection.execute(f"{query} WHERE id IN ({_marks(part)}) ORDER BY id", part).fetchall()
                    for part in _parts(ids)
                )
            for rows in blocks:
                vectors = np.frombuffer(b"".join(row[2] for row in rows), "<f2").astype(np.float32)
                yield [row[0] for row in rows], [row[1] for row in rows], vectors.reshape(len(rows), self.dimension)

    def passages(self, ids: Sequence[int]) -> list[StoredPassage]:
        """Passages by id, in the order asked for; ids that are gone by now are left out."""
        found: dict[int, StoredPassage] = {}
        with self._errors():
            for part in _parts(ids):
                rows = self._connection.execute(
                    'SELECT id, document, start, "end", lang, sentences, sentence_vectors FROM passages '
                    f"WHERE id IN ({_marks(part)})",
                    part,
                )
                for identifier, document, start, end, lang, spans, vectors in rows:
                    found[identifier] = StoredPassage(
                        id=identifier,
                        document=document,
                        start=start,
                        end=end,
                        lang=lang,
                        sentences=np.frombuffer(spans, "<i4").reshape(-1, 2),
                        sentence_vectors=np.frombuffer(vectors, "<f2").astype(np.float32).reshape(-1, self.dimension),
                    )
        return [found[identifier] for identifier in ids if identifier in found]

    def documents(self, numbers: Sequence[int]) -> dict[int, StoredDocument]:
        """Descriptions by number."""
        found = {}
        with self._errors():
            for part in _parts(numbers):
                for row in self._connection.execute(
                    "SELECT number, id, title, lang, date, source, url, metadata FROM documents "
                    f"WHERE number IN ({_marks(part)})",
                    part,
                ):
                    number, identifier, title, lang, date, source, url, metadata = row
                    found[number] = StoredDocument(
                        number, identifier, title, lang, date, source, url, json.loads(metadata)
                    )
        return found

    def text(self, document: int, start: int, end: int) -> str:
        """A stretch of a document's text; empty where the document is gone by now."""
        with self._errors():
            row = self._connection.execute(
                "SELECT substr(text, ?, ?) FROM documents WHERE number = ?", (start + 1, end - start, document)
            ).fetchone()
        return row[0] if row else ""

    def statistics(self) -> Statistics:
        with self._errors():
            execute = self._connection.execute
            languages = dict(execute("SELECT lang, count(*) FROM documents GROUP BY lang ORDER BY count(*) DESC, lang"))
            (passages,) = execute("SELECT count(*) FROM passages").fetchone()
            size = sum(file.stat().st_size for file in self.folder.iterdir() if file.is_file())
        return Statistics(sum(languages.values()), passages, languages, self.model, size)

    # Writing

    def put(self, documents: Sequence[EncodedDocument]) -> None:
        """Add documents, or replace those with the same ids, in one transaction."""
        with self._transaction() as (connection, sums):
            for encoded in documents:
                _delete(connection, sums, encoded.document.id)
                _insert(connection, sums, encoded)

    def delete(self, ids: Sequence[str]) -> list[str]:
        """Remove documents in one transaction; returns the ids that there were."""
        with self._transaction() as (connection, sums):
            return [identifier for identifier in ids if _delete(connection, sums, identifier)]

    @contextmanager
    def _transaction(self) -> Iterator[tuple[sqlite3.Connection, dict[str, LanguageSum]]]:
        connection = self._connection
        with self._errors():
            connection.execute("BEGIN IMMEDIATE")
            try:
                sums = self.sums()
                yield connection, sums
                connection.execute("DELETE FROM sums")
                connection.executemany(
                    "INSERT INTO sums VALUES (?, ?, ?, ?, ?)",
                    [_sum_row(lang, own) for lang, own in sums.items() if own.passages],
                )
                connection.execute("UPDATE settings SET value = value + 1 WHERE name = 'version'")
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _errors(self) -> Any:
        return _errors(self.folder)


def _delete(connection: sqlite3.Connection, sums: dict[str, LanguageSum], document_id: str) -> bool:
    row = connection.execute("SELECT number FROM documents WHERE id = ?", (document_id,)).fetchone()
    if row is None:
        return False
    stored = connection.execute("SELECT lang, vector, sentence_vectors FROM passages WHERE document = ?", row)
    for lang, vector, sentence_vectors in stored:
        sums[lang] = sums[lang].plus(_sum_of(vector, sentence_vectors), -1)
    connection.execute("DELETE FROM passages WHERE document = ?", row)
    connection.execute("DELETE FROM documents WHERE number = ?", row)
    return True


def _insert(connection: sqlite3.Connection, sums: dict[str, LanguageSum], encoded: EncodedDocument) -> None:
    document = encoded.document
    number = connection.execute(
        "INSERT INTO documents (id, digest, title, text, lang, date, source, url, metadata) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            document.id,
            encoded.digest,
            document.title,
            document.text,
            encoded.lang,
            document.date,
            document.source,
            document.url,
            json.dumps(document.metadata, ensure_ascii=False),
        ),
    ).lastrowid
    for item in encoded.passages:
        passage = item.passage
        vector, sentence_vectors = item.vector.astype("<f2").tobytes(), item.sentence_vectors.astype("<f2").tobytes()
        connection.execute(
            'INSERT INTO passages (document, start, "end", lang, vector, sentences, sentence_vectors) '
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                passage.start,
                passage.end,
                passage.lang,
                vector,
                np.array(passage.sentences, "<i4").tobytes(),
                sentence_vectors,
            ),
        )
        own = _sum_of(vector, sentence_vectors)
        sums[passage.lang] = sums[passage.lang].plus(own) if passage.lang in sums else own


def _sum_of(vector: bytes, sentence_vectors: bytes) -> LanguageSum:
    """A passage's part in the sums, from the stored (rounded) vectors, so that what goes in comes out the same."""
    passage = np.frombuffer(vector, "<f2").astype(np.float64)
    sentences = np.frombuffer(sentence_vectors, "<f2").astype(np.float64).reshape(-1, len(passage))
    return LanguageSum(1, passage, len(sentences), sentences.sum(axis=0))


_SUM_COLUMNS = "lang, passages, passage_sum, sentences, sentence_sum"


def _language_sum(row: Sequence[Any]) -> LanguageSum:
    return LanguageSum(row[1], np.frombuffer(row[2], "<f8"), row[3], np.frombuffer(row[4], "<f8"))


def _sum_row(lang: str, own: LanguageSum) -> tuple[str, int, bytes, int, bytes]:
    return lang, own.passages, _blob(own.passage_sum), own.sentences, _blob(own.sentence_sum)


def _blob(vector: Sums) -> bytes:
    return vector.astype("<f8").tobytes()


def _open(file: Path, writable: bool) -> sqlite3.Connection:
    """Open for reading or writing; a collection in a folder that nobody may write is read as immutable."""
    connection = _connect(file, "rw" if writable else "ro")
    try:
        connection.execute("SELECT count(*) FROM settings").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if writable or "unable to open" not in str(error):
            raise
        connection = _connect(file, "ro&immutable=1")
    return connection


def _connect(file: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode={mode}", uri=True, timeout=30, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


@contextmanager
def _errors(folder: Path) -> Iterator[None]:
    """SQLite's and the file system's errors as one line that says what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise CollectionError(f"{folder}: {_advice(str(error))}") from error
    except OSError as error:
        raise CollectionError(
            f"{folder}: {(error.strerror or str(error)).lower()}; check the folder's rights"
        ) from error


def _advice(message: str) -> str:
    if "malformed" in message or "not a database" in message or "no such table" in message:
        return (
            f"the collection is damaged ({message}) and was left as it is; restore {_FILE} from a backup, or index "
            "the files again into another --collection"
        )
    if "full" in message or "disk I/O" in message:
        return f"the disk is full or failing ({message}); what was committed before is kept: free space, then run again"
    if "locked" in message:
        return "another process is writing to this collection; wait for it to finish, then run again"
    if "readonly" in message:
        return "the collection cannot be written here (read-only); check the folder's rights"
    return message


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _parts(values: Sequence[int], size: int = 500) -> Iterator[list[int]]:
    for start in range(0, len(values), size):
        yield [int(value) for value in values[start : start + size]]
