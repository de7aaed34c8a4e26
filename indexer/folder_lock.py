"""A folder of derived files -> the right to change it, for one process or thread at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

LOCK = "lock"
"""In the folder; it stays there, and is empty."""


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Wait for all others, where the folder can be made and written: yields whether it can."""
    lock = FileLock(folder / LOCK)
    try:
        folder.mkdir(exist_ok=True)
        lock.acquire()
    except (OSError, NotImplementedError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
