"""What a command wants to know of a collection within milliseconds: which files its documents are from, its languages,
its sources. The standard library only; nothing is loaded."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from indexer import database

_AT_ONCE = 500


class Origin(NamedTuple):
    """The file that a document was read from."""

    path: str
    """Absolute."""
    name: str
    """As it was given; what lies in it is called NAME!INNER."""


def origins(folder: Path, ids: Sequence[str]) -> dict[str, Origin]:
    """Document id -> its file; without those that were read from none. Raises CollectionError."""
    found: dict[str, Origin] = {}
    with _reading(folder) as connection:
        for start in range(0, len(ids), _AT_ONCE):
            part = list(ids[start : start + _AT_ONCE])
            rows = connection.execute(
                "SELECT id, path, name FROM documents JOIN files ON files.number = file "
                f"WHERE id IN ({','.join('?' * len(part))})",
                part,
            )
            found |= {row[0]: Origin(row[1], row[2]) for row in rows}
    return found


def documents_of(folder: Path, path: str) -> int:
    """How many documents a file has. Raises CollectionError."""
    with _reading(folder) as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM documents WHERE file = (SELECT number FROM files WHERE path = ?)", (path,)
        ).fetchone()
    return int(count)


def version(folder: Path) -> int:
    """Grows by one with every change. Raises CollectionError."""
    with _reading(folder) as connection:
        (value,) = connection.execute("SELECT value FROM settings WHERE name = 'version'").fetchone()
    return int(value)


def languages(folder: Path) -> list[str]:
    """Of its passages, in order of the alphabet. Raises CollectionError."""
    with _reading(folder) as connection:
        return [row[0] for row in connection.execute("SELECT lang FROM sums ORDER BY lang")]


def sources(folder: Path, seconds: float) -> list[str]:
    """Of its documents, in order of the alphabet; none where there are so many documents that it takes longer. Raises
    CollectionError."""
    end = time.monotonic() + seconds
    with _reading(folder) as connection:
        connection.set_progress_handler(lambda: int(time.monotonic() > end), 10_000)
        try:
            query = "SELECT DISTINCT source FROM documents WHERE source != '' ORDER BY source"
            return [row[0] for row in connection.execute(query).fetchall()]
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                return []
            raise


@contextmanager
def _reading(folder: Path) -> Iterator[sqlite3.Connection]:
    with database.reading(folder), closing(database.open_file(folder, writable=False)) as connection:
        yield connection
