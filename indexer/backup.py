"""A collection -> a copy of it elsewhere."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from indexer import database
from indexer.collection_view import CollectionView
from indexer.errors import CollectionError

Progress = Callable[[int, int], object]
"""Is told how much is done, and of how much."""

_PAGES = 1_000
"""That `backup` copies at once."""


def backup(collection: CollectionView, target: Path, progress: Progress | None = None) -> int:
    """Copy a collection into a folder that is not there yet, or empty; returns the bytes written. The copy is of the
    state at the beginning, whatever other processes commit meanwhile. The indexes are not copied: they are made again
    when the copy is first opened for searching.

    `progress` is told the pages of the file copied, of all. Raises CollectionError where the target holds anything or
    cannot be written, where the disk is full, or where the collection is damaged; nothing is left there then.
    """
    unfinished = target / f"{database.FILE}.{os.getpid()}"
    with database.writing(target):
        made = not target.exists()
        if not made and (not target.is_dir() or any(target.iterdir())):
            raise CollectionError(f"{target} is not an empty folder; name a new one for the copy")
        target.mkdir(parents=True, exist_ok=True)
        try:
            _copy(collection.folder, unfinished, progress or (lambda done, total: None))
            unfinished.rename(target / database.FILE)
        except BaseException:
            for file in (unfinished, unfinished.with_name(f"{unfinished.name}-journal")):
                file.unlink(missing_ok=True)
            if made:
                with suppress(OSError):
                    target.rmdir()
            raise
        return (target / database.FILE).stat().st_size


def _copy(folder: Path, file: Path, progress: Progress) -> None:
    def told(_: int, remaining: int, total: int) -> None:
        progress(total - remaining, total)

    with closing(database.open_file(folder, writable=False)) as source, closing(sqlite3.connect(file)) as copy:
        try:
            # A transaction that lasts: else every commit of another process has the copy begin again.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM settings").fetchone()
            source.backup(copy, pages=_PAGES, progress=told)
        except sqlite3.OperationalError as error:
            if "full" in str(error) or "disk I/O" in str(error):
                raise CollectionError(f"{file.parent}: the disk is full or failing ({error}); free space") from error
            raise  # it cannot be written there
        except sqlite3.DatabaseError:
            with database.writing(folder):
                raise  # it is damaged
