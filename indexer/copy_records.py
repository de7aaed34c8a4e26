"""Which documents of a collection are copies of which: linked to the first of them, in the order in which they came."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from indexer import database
from indexer.duplicates import NEAR, bands_of, similarity

_LOOKED_AT = 50
"""Documents with most bands in common that are compared; of more, the others are less like it."""


class CopyRecords:
    """The copies of an open collection. What changes them is called within the collection's transactions.

    A document is linked to a first that it is like; firsts alone are looked up, so that a thousand copies of one text
    cost no more than one.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self._folder = folder
        self._connection = connection

    def add(self, number: int, signature: bytes) -> bool:
        """A document that has just come, or whose first has gone. Returns whether it is a copy."""
        first = self._first_like(signature)
        self._connection.execute("UPDATE documents SET original = ? WHERE number = ?", (first, number))
        if first is None:
            self._connection.executemany(
                "INSERT OR IGNORE INTO bands VALUES (?, ?)", [(band, number) for band in bands_of(signature)]
            )
        return first is not None

    def remove(self, number: int) -> list[int]:
        """A document that is about to go: its copies are linked anew. Returns those that are copies no more."""
        row = self._connection.execute("SELECT signature FROM documents WHERE number = ?", (number,)).fetchone()
        self._connection.executemany(
            "DELETE FROM bands WHERE band = ? AND document = ?", [(band, number) for band in bands_of(row[0] or b"")]
        )
        copies = self._connection.execute(
            "SELECT number, signature FROM documents WHERE original = ? ORDER BY number", (number,)
        ).fetchall()
        return [copy for copy, signature in copies if not self.add(copy, signature)]

    def firsts(self, numbers: Sequence[int]) -> dict[int, int]:
        """Document -> the first that it is a copy of; without those that are no copies."""
        found: dict[int, int] = {}
        with database.reading(self._folder):
            for start in range(0, len(numbers), 500):
                part = [int(number) for number in numbers[start : start + 500]]
                marks = ",".join("?" * len(part))
                found |= dict(
                    self._connection.execute(
                        f"SELECT number, original FROM documents WHERE number IN ({marks}) AND original IS NOT NULL",
                        part,
                    )
                )
        return found

    def count(self) -> int:
        """How many documents are copies of another."""
        with database.reading(self._folder):
            (count,) = self._connection.execute("SELECT count(*) FROM documents WHERE original IS NOT NULL").fetchone()
        return int(count)

    def _first_like(self, signature: bytes) -> int | None:
        bands = bands_of(signature)
        if not bands:
            return None
        marks = ",".join("?" * len(bands))
        near = self._connection.execute(
            "SELECT number, signature FROM documents WHERE number IN "
            f"(SELECT document FROM bands WHERE band IN ({marks}) GROUP BY document "
            f"ORDER BY count(*) DESC, document LIMIT {_LOOKED_AT}) ORDER BY number",
            bands,
        ).fetchall()
        likeness = [(similarity(signature, own), -number) for number, own in near]
        best, number = max(likeness, default=(0.0, 0))
        return -number if best >= NEAR else None
