"""What unpacking may cost: of a whole file, and of each part of it."""

from __future__ import annotations

from indexer.errors import DocumentError
from indexer.reading.source import Limits, megabytes

_RATIO_COUNTS = 1_000_000
"""Bytes below which it does not matter how small something was packed."""


class Exhausted(DocumentError):
    """No more of the file may be unpacked."""


class Budget:
    """What may still be unpacked of one file, and of all that lies in it."""

    def __init__(self, limits: Limits, least: int = 0) -> None:
        """`least`: bytes that may be unpacked in any case."""
        self._limits = limits
        self._most = self._bytes = max(limits.unpacked, least)
        self._members = limits.members

    def take(self, count: int) -> None:
        self._bytes -= count
        if self._bytes < 0:
            raise Exhausted(f"unpacks to more than {megabytes(self._most)}; the rest of it is not read")

    def take_member(self) -> None:
        self._members -= 1
        if self._members < 0:
            raise Exhausted(f"more than {self._limits.members:,} files; the rest of them is not read")


class Ratio:
    """Refuses what was packed far smaller than files are."""

    def __init__(self, limits: Limits, packed: int) -> None:
        self._most = limits.ratio
        self._packed = packed
        self._unpacked = 0

    def take(self, count: int) -> None:
        self._unpacked += count
        if self._unpacked > max(_RATIO_COUNTS, self._most * self._packed):
            raise DocumentError(f"unpacks to more than {self._most} times its size; it is not read")
