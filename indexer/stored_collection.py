"""The truth of a collection: documents, passages, raw vectors, and the sums behind the language means.

Every change is one transaction, so a crash loses at most the batch being written and readers never see half of it.
Everything else (the indexes) is derived from what is here. Vectors are stored raw, not centred, in a byte a component
(`packed_vectors.py`).
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from indexer import database, rows
from indexer.boilerplate import keys_of
from indexer.collection_view import CollectionView
from indexer.file_records import SeenIds
from indexer.language_means import LanguageSum, Prior
from indexer.parts import Parts, written
from indexer.records import EncodedDocument, FileRecord

_DOCUMENT, _PASSAGE = rows.DOCUMENT_COLUMNS.split(","), rows.PASSAGE_COLUMNS.split(",")

FORMAT = database.FORMAT
"""Of the collection on disk; another one is refused."""


class StoredCollection(CollectionView):
    """A collection, to be read and changed. One thread at a time; several processes may read while one writes."""

    @classmethod
    def create(
        cls, folder: Path, *, model: str, fingerprint: str, parts: Parts, budget: int, prior: Prior
    ) -> StoredCollection:
        """A new, empty collection in a folder that may exist but must not hold one already. Raises CollectionError."""
        settings = {
            "model": model,
            "fingerprint": fingerprint,
            "parts": written(parts),
            "budget": budget,
            "version": 0,
        }

        def fill(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT INTO settings VALUES (?, ?)", settings.items())
            connection.execute("INSERT INTO states VALUES (0, ?)", (secrets.token_bytes(8),))
            connection.executemany(
                f"INSERT INTO prior ({rows.PRIOR_COLUMNS}) VALUES ({', '.join('?' * 7)})", rows.prior_rows(prior)
            )

        database.create(folder, fill)
        return cls.open(folder, writable=True)

    def put(
        self,
        documents: Sequence[EncodedDocument],
        *,
        begun: Sequence[FileRecord] = (),
        adopted: Mapping[str, tuple[FileRecord, str]] | None = None,
        finished: Sequence[FileRecord] = (),
        touched: Sequence[FileRecord] = (),
        seen: SeenIds | None = None,
    ) -> list[str]:
        """Add documents, or replace those with the same ids, in one transaction. `begun`: files that they are read
        from, which count as unfinished from here. `adopted`: ids of documents that are there as they should be, but
        belong to another file, and are counted with its source, from now on. `finished`: files read to their end;
        documents of theirs that were not `seen` leave. `touched`: files that hold what they held. Returns the ids of
        those that left."""
        with self._transaction() as (connection, sums):
            for record in begun:
                self.files.begin(record)
            for encoded in documents:
                self._delete(connection, sums, encoded.document.id)
                file = self.files.number(encoded.file) if encoded.file else None
                number = _insert(connection, sums, encoded, file, self.dimension)
                copy = self.copies.add(number, encoded.signature)
                if encoded.origin and not copy:  # what copies share is no sign of their source
                    self.lines.add(encoded.origin, encoded.lines)
            for identifier, (record, origin) in (adopted or {}).items():
                self.files.adopt(identifier, record)
                self._count_with(connection, identifier, origin)
            gone = []
            for record in finished:
                if seen:
                    gone += [own for own in seen.unseen(record.path) if self._delete(connection, sums, own)]
                self.files.finish(record)
            for record in touched:
                self.files.finish(record)
            return gone

    def forget(self, paths: Sequence[str]) -> list[str]:
        """Remove files with their documents in one transaction; returns the ids of those."""
        with self._transaction() as (connection, sums):
            gone = []
            for path in paths:
                gone += [own for own in self.files.documents(path) if self._delete(connection, sums, own)]
                self.files.remove(path)
            return gone

    def delete(self, ids: Sequence[str]) -> list[str]:
        """Remove documents in one transaction; returns the ids that there were."""
        with self._transaction() as (connection, sums):
            return [identifier for identifier in ids if self._delete(connection, sums, identifier)]

    def _delete(self, connection: sqlite3.Connection, sums: dict[str, LanguageSum], document_id: str) -> bool:
        with self._reading():  # rows that do not hold what they should are damage
            row = connection.execute("SELECT number FROM documents WHERE id = ?", (document_id,)).fetchone()
            if row is None:
                return False
            self._uncount(connection, *row)
            stored = connection.execute("SELECT lang, vector, sentence_vectors FROM passages WHERE document = ?", row)
            for lang, vector, sentence_vectors in stored:
                sums[lang] = sums[lang].plus(rows.sum_of(vector, sentence_vectors, self.dimension), -1)
            connection.execute("DELETE FROM passages WHERE document = ?", row)
            connection.execute("DELETE FROM documents WHERE number = ?", row)
            return True

    def _uncount(self, connection: sqlite3.Connection, number: int) -> None:
        """Its lines are no longer counted; its copies find another first, or are firsts themselves, which count."""
        self._count_lines(connection, number, -1)
        for first in self.copies.remove(number):
            self._count_lines(connection, first, 1)

    def _count_lines(self, connection: sqlite3.Connection, number: int, count: int) -> None:
        """Those of a document that is no copy."""
        query = "SELECT origin, text FROM documents WHERE number = ? AND origin IS NOT NULL AND original IS NULL"
        for origin, text in connection.execute(query, (number,)).fetchall():
            self.lines.add(origin, keys_of(text), count)

    def _count_with(self, connection: sqlite3.Connection, document_id: str, origin: str) -> None:
        """Its lines are those of this source from now on."""
        query = "SELECT number, coalesce(origin, '') FROM documents WHERE id = ?"
        for number, before in connection.execute(query, (document_id,)).fetchall():
            if before != origin:
                self._count_lines(connection, number, -1)
                connection.execute("UPDATE documents SET origin = ? WHERE number = ?", (origin or None, number))
                self._count_lines(connection, number, 1)

    def leave_out(self, keys: Mapping[str, set[int]]) -> None:
        """Source -> lines that are left out of its documents from now on."""
        with self._transaction():
            self.lines.mark(keys)

    def leave_out_boilerplate(self, wanted: bool) -> None:
        """Whether lines that repeat at a source are left out of passages; holds for documents cut from now on."""
        with self._transaction() as (connection, _):
            connection.execute(
                "INSERT OR REPLACE INTO settings VALUES ('boilerplate', ?)", ("left out" if wanted else "kept",)
            )
        self.leaves_out_boilerplate = wanted

    @contextmanager
    def _transaction(self) -> Iterator[tuple[sqlite3.Connection, dict[str, LanguageSum]]]:
        connection = self._connection
        with database.writing(self.folder):
            connection.execute("BEGIN IMMEDIATE")
            try:
                sums = self.sums()
                yield connection, sums
                connection.execute("DELETE FROM sums")
                connection.executemany(
                    f"INSERT INTO sums ({rows.SUM_COLUMNS}) VALUES (?, ?, ?, ?, ?)",
                    [rows.sum_row(lang, own) for lang, own in sums.items() if own.passages],
                )
                connection.execute("UPDATE settings SET value = value + 1 WHERE name = 'version'")
                connection.execute(
                    "INSERT INTO states SELECT value, ? FROM settings WHERE name = 'version'", (secrets.token_bytes(8),)
                )
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise


def _insert(
    connection: sqlite3.Connection,
    sums: dict[str, LanguageSum],
    encoded: EncodedDocument,
    file: int | None,
    dimension: int,
) -> int:
    number = connection.execute(
        f"INSERT INTO documents ({rows.DOCUMENT_COLUMNS}) VALUES ({rows.marks(_DOCUMENT)})",
        rows.document_row(encoded, file, dimension),
    ).lastrowid
    for item in encoded.passages:
        row = rows.passage_row(item, int(number or 0))
        connection.execute(f"INSERT INTO passages ({rows.PASSAGE_COLUMNS}) VALUES ({rows.marks(_PASSAGE)})", row)
        own, lang = rows.sum_of(row[4], row[6], dimension), item.passage.lang
        sums[lang] = sums[lang].plus(own) if lang in sums else own
    return int(number or 0)


def model_of(folder: Path) -> str | None:
    """The model of the collection in a folder, which is brought up to date where it is of an older format; None where
    there is no collection. Raises CollectionError."""
    if not StoredCollection.exists(folder):
        return None
    with StoredCollection.open(folder, writable=True) as existing:
        return existing.model
