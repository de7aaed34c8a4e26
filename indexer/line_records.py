"""How often each line stands on the documents of a source, and which of them are left out of passages for that."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path

from indexer import database
from indexer.boilerplate import FEWEST_DOCUMENTS, SMALLEST_SHARE


class LineRecords:
    """The lines of an open collection. What changes them is called within the collection's transactions.

    A line is `repeated` once it has stood on enough documents when a run ended, and stays so: else documents would have
    to be cut again whenever a count falls below the level and rises again.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self._folder = folder
        self._connection = connection

    def add(self, origin: str, keys: Collection[int], count: int = 1) -> None:
        """One more document of a source with these lines; one less for -1."""
        self._connection.execute(
            "INSERT INTO origins VALUES (?1, ?2) ON CONFLICT DO UPDATE SET documents = documents + ?2", (origin, count)
        )
        self._connection.executemany(
            "INSERT INTO lines (origin, key, documents) VALUES (?1, ?2, ?3) "
            "ON CONFLICT DO UPDATE SET documents = documents + ?3",
            [(origin, key, count) for key in keys],
        )
        if count < 0:
            self._connection.execute("DELETE FROM origins WHERE origin = ? AND documents <= 0", (origin,))
            # A repeated line stays marked: it may be on the documents that come next.
            self._connection.executemany(
                "DELETE FROM lines WHERE origin = ? AND key = ? AND documents <= 0 AND NOT repeated",
                [(origin, key) for key in keys],
            )

    def repeated(self, origin: str) -> frozenset[int]:
        """The lines that are left out of documents of this source."""
        with database.reading(self._folder):
            rows = self._connection.execute("SELECT key FROM lines WHERE origin = ? AND repeated", (origin,))
            return frozenset(row[0] for row in rows)

    def newly_repeated(self) -> dict[str, set[int]]:
        """Source -> lines that stand on enough of its documents by now, and are not marked yet."""
        found: dict[str, set[int]] = {}
        share = f"{SMALLEST_SHARE} * (SELECT documents FROM origins WHERE origins.origin = lines.origin)"
        enough = f"documents >= {FEWEST_DOCUMENTS} AND documents >= {share}"
        with database.reading(self._folder):
            for origin, key in self._connection.execute(
                f"SELECT origin, key FROM lines WHERE NOT repeated AND {enough}"
            ):
                found.setdefault(origin, set()).add(key)
        return found

    def mark(self, keys: Mapping[str, Collection[int]]) -> None:
        """These lines are left out from now on."""
        for origin, own in keys.items():
            self._connection.executemany(
                "UPDATE lines SET repeated = 1 WHERE origin = ? AND key = ?", [(origin, key) for key in own]
            )

    def documents(self, origin: str) -> list[str]:
        """Ids of the documents of a source."""
        with database.reading(self._folder):
            rows = self._connection.execute("SELECT id FROM documents WHERE origin = ? ORDER BY number", (origin,))
            return [row[0] for row in rows]
