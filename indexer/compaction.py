"""A collection -> the same in as little space as it needs."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from indexer import database, lexical_index, vector_index
from indexer.collection_view import CollectionView
from indexer.errors import CollectionError
from indexer.saved_lexical_index import HOME, MANIFEST, SavedLexicalIndex, counted_in

_STATES = 1_000
"""Marks of past versions that `compact` leaves, for saved indexes that are behind."""


def compact(collection: CollectionView) -> tuple[int, int]:
    """Give back the space of what is gone: in the file, in the index of words, in the index of vectors where half or
    more of it has gone. Returns the bytes of the folder before and after.

    While it works it takes up to twice the file's size in addition; other processes may read. Raises CollectionError
    where another process writes or is in the middle of reading, where the rights are missing, and on a full disk; the
    collection is as good as before then.
    """
    folder = collection.folder
    with CollectionView(folder, connection := database.open_file(folder, writable=True)) as own:
        before = own.statistics().bytes
        with database.writing(folder):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "DELETE FROM states WHERE version <= (SELECT max(version) FROM states) - ?",
                (_STATES,),
            )
            connection.execute("COMMIT")
            _empty_log(connection, folder)
            connection.execute("VACUUM")
            _empty_log(connection, folder)
            _forget_loose(own)
        lexical_index.open_index(own)
        vector_index.open_index(own)
        return before, own.statistics().bytes


def _empty_log(connection: sqlite3.Connection, folder: Path) -> None:
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise CollectionError(f"{folder}: another process is reading this collection; try again when it has finished")


def _forget_loose(collection: CollectionView) -> None:
    """Indexes that hold on to what is gone; they are then made anew."""
    home = collection.folder / HOME
    held = len(collection.passage_ids())
    words = SavedLexicalIndex.read(home)
    with suppress(OSError, ValueError):
        if words and counted_in(words.folder) > held:
            (home / MANIFEST).unlink()
    vectors = vector_index.load_saved(collection)
    if vectors is not None and vectors.measured > vector_index.MAX_GROWTH * held:
        vectors.forget()
