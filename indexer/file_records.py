"""Which files a collection was read from, in which state, and the documents that they no longer hold."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from indexer import database
from indexer.documents import Cause, Remark, Skipped
from indexer.records import FileRecord

_COLUMNS = "path, name, size, modified, digest, reading, skipped, remarks"
_UNFINISHED = -1


class FileRecords:
    """The files of an open collection. What changes them is called within the collection's transactions."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self._folder = folder
        self._connection = connection

    def get(self, path: str) -> FileRecord | None:
        """None for a file that was not read to its end."""
        found = self._found("path = ?", path)
        return found[0] if found else None

    def below(self, folder: str) -> list[FileRecord]:
        """The files below a folder (absolute), whatever is there now, also those not read to their end."""
        start = folder.rstrip(os.sep) + os.sep
        return self._found("path >= ? AND path < ?", start, start[:-1] + chr(ord(os.sep) + 1), unfinished=True)

    def named(self, name: str) -> list[str]:
        """Paths of the file of this name or path, or of those below a folder of this path."""
        path = os.path.abspath(name)
        found = self._found("name = ? OR path = ?", name, path, unfinished=True) or self.below(path)
        return [record.path for record in found]

    def with_skipped(self) -> list[FileRecord]:
        """Those of which something could not be read."""
        return self._found("skipped != '[]'")

    def documents(self, path: str) -> list[str]:
        """Ids of the documents of a file."""
        with database.reading(self._folder):
            rows = self._connection.execute(
                "SELECT id FROM documents WHERE file = (SELECT number FROM files WHERE path = ?)", (path,)
            )
            return [row[0] for row in rows]

    def count(self, path: str) -> int:
        """How many documents a file has."""
        with database.reading(self._folder):
            (count,) = self._connection.execute(
                "SELECT count(*) FROM documents WHERE file = (SELECT number FROM files WHERE path = ?)", (path,)
            ).fetchone()
        return int(count)

    def _found(self, where: str, *values: object, unfinished: bool = False) -> list[FileRecord]:
        condition = where if unfinished else f"{where} AND size != {_UNFINISHED}"
        with database.reading(self._folder):
            rows = self._connection.execute(f"SELECT {_COLUMNS} FROM files WHERE {condition} ORDER BY path", values)
            return [_record(*row) for row in rows]

    def name_for(self, path: str, name: str) -> str:
        """What a file is called: as it was before; else by the name that is given, unless another file has it."""
        with database.reading(self._folder):
            row = self._connection.execute("SELECT name FROM files WHERE path = ?", (path,)).fetchone()
            if row:
                return str(row[0])
            taken = self._connection.execute("SELECT 1 FROM files WHERE name = ?", (name,)).fetchone()
        return path if taken else name

    def begin(self, record: FileRecord) -> None:
        """Documents of it are changing: until it is finished, it is not as any run has left it."""
        self._connection.execute("UPDATE files SET size = ? WHERE number = ?", (_UNFINISHED, self.number(record)))

    def number(self, record: FileRecord) -> int:
        """Of a file that may be new."""
        self._connection.execute(
            f"INSERT OR IGNORE INTO files ({_COLUMNS}) VALUES (?, ?, {_UNFINISHED}, 0, x'', x'', '[]', '[]')",
            (record.path, record.name),
        )
        (number,) = self._connection.execute("SELECT number FROM files WHERE path = ?", (record.path,)).fetchone()
        return int(number)

    def finish(self, record: FileRecord) -> None:
        """It was read to its end, or looked at again."""
        number = self.number(record)
        skipped = json.dumps([(own.name, own.reason, own.cause.name) for own in record.skipped], ensure_ascii=False)
        remarks = json.dumps([(own.name, own.text) for own in record.remarks], ensure_ascii=False)
        self._connection.execute(
            "UPDATE files SET size = ?, modified = ?, digest = ?, reading = ?, skipped = ?, remarks = ? "
            "WHERE number = ?",
            (record.size, record.modified, record.digest, record.reading, skipped, remarks, number),
        )

    def remove(self, path: str) -> None:
        """Its documents must have gone before."""
        self._connection.execute("DELETE FROM files WHERE path = ?", (path,))

    def adopt(self, document_id: str, record: FileRecord) -> None:
        """A document that is there already is of this file from now on."""
        self._connection.execute("UPDATE documents SET file = ? WHERE id = ?", (self.number(record), document_id))

    def of(self, document_id: str) -> FileRecord | None:
        """The file of a document; None where it was read from none."""
        path = self.owner(document_id)
        found = self._found("path = ?", path, unfinished=True) if path else []
        return found[0] if found else None

    def owner(self, document_id: str) -> str | None:
        """The path of a document's file."""
        with database.reading(self._folder):
            row = self._connection.execute(
                "SELECT path FROM files JOIN documents ON file = files.number WHERE id = ?", (document_id,)
            ).fetchone()
        return row[0] if row else None


class SeenIds:
    """The documents that a run has come across; on disk, since there may be millions."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self._folder = folder
        self._connection = connection
        connection.execute("CREATE TEMP TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY) WITHOUT ROWID")
        connection.execute("DELETE FROM seen")

    def add(self, document_id: str) -> bool:
        """Whether it is the first time."""
        with database.writing(self._folder):
            return self._connection.execute("INSERT OR IGNORE INTO seen VALUES (?)", (document_id,)).rowcount == 1

    def unseen(self, path: str) -> Iterator[str]:
        """The documents of a file that the run did not come across."""
        rows = self._connection.execute(
            "SELECT id FROM documents WHERE file = (SELECT number FROM files WHERE path = ?) "
            "AND id NOT IN (SELECT id FROM temp.seen)",
            (path,),
        )
        yield from [row[0] for row in rows]


def _record(
    path: str, name: str, size: int, modified: int, digest: bytes, reading: bytes, skipped: str, remarks: str
) -> FileRecord:
    return FileRecord(path, name, size, modified, digest, reading, *said_of(skipped, remarks))


def said_of(skipped: str, remarks: str) -> tuple[list[Skipped], list[Remark]]:
    """What the columns of a file's row hold. Raises ValueError, TypeError or KeyError for anything else."""
    return (
        [Skipped(str(own), str(reason), Cause[cause]) for own, reason, cause in json.loads(skipped)],
        [Remark(str(own), str(text)) for own, text in json.loads(remarks)],
    )
