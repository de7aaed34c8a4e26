"""BM25 over the words of a collection's passages, and phrases: derived, checked, and rebuilt whenever in doubt.

Beside the collection lies a folder with a manifest and the folder of tantivy's
files that it names. Those never change: what brings them up to date works on hard links in a folder of its own, and
then names that in the manifest, so that readers have one state or the other. What does not fit is thrown away and made
again from the collection.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import tantivy
from numpy.typing import NDArray

from indexer.bm25 import SCHEMA, LexicalIndex, write_passages
from indexer.collection_view import CollectionView
from indexer.folder_lock import alone
from indexer.saved_lexical_index import (
    HOME,
    SavedLexicalIndex,
    counted_in,
    digest_of,
    searcher_of,
    temporary_folder,
)

Ids = NDArray[np.int64]

MAX_DEAD = 0.5
"""Deleted passages count in document frequencies until their segment is merged; a larger share asks for a new index."""


def open_index(collection: CollectionView) -> LexicalIndex:
    """The index of a collection as it is now: the saved one where it is whole, brought up to date, else a new one.

    What was made anew is saved where the folder can be written; other processes wait for it. Elsewhere a saved index
    is brought up to date in a temporary folder, and a new one is made in memory.
    """
    home = collection.folder / HOME
    with alone(home) as writable:
        saved = SavedLexicalIndex.read(home)
        while True:
            # What was saved before the snapshot began is never newer than it.
            with collection.snapshot():
                if saved and (found := _from_saved(saved, collection, home if writable else None)):
                    return found
                newer = SavedLexicalIndex.read(home)
                if newer is None or (saved and newer.folder == saved.folder):
                    return _new(collection, home if writable else None)
            saved = newer  # another process has saved it meanwhile, which can only be where we may not write


def _from_saved(saved: SavedLexicalIndex, collection: CollectionView, home: Path | None) -> LexicalIndex | None:
    """The saved index as it is or brought up to date; None where it does not fit, or cannot be used."""
    if collection.state(saved.version) != saved.state:
        return None  # of another collection, or of changes that a restored backup has not seen
    try:
        if not saved.is_whole():
            return None
        if saved.version == collection.version():
            if home:
                _remove_others(home, saved.folder)
            return saved.opened()
        wanted = collection.passage_ids()
        counted = counted_in(saved.folder)
        if counted - np.isin(saved.ids, wanted).sum() > MAX_DEAD * counted:
            return None
    except (OSError, ValueError):
        return None
    if home:
        with suppress(OSError, ValueError):
            return _make(home, collection, wanted, saved)
    with suppress(OSError, ValueError), temporary_folder() as place:
        return _catch_up(place, collection, wanted, saved)
    return None


def _new(collection: CollectionView, home: Path | None) -> LexicalIndex:
    ids = collection.passage_ids()
    if home:
        # A full disk: the index in memory is as good, only not there next time.
        with suppress(OSError, ValueError):
            return _make(home, collection, ids, None)
    index = tantivy.Index(SCHEMA)
    write_passages(index, collection.passage_texts())
    return _opened(index, len(ids), collection)


def _make(home: Path, collection: CollectionView, ids: Ids, saved: SavedLexicalIndex | None) -> LexicalIndex:
    """Bring the saved index up to date, or make a new one, and save it. Raises OSError, and tantivy's ValueError."""
    folder = home / secrets.token_hex(8)
    try:
        folder.mkdir()
        if saved:
            made = _catch_up(folder, collection, ids, saved)
        else:
            index = tantivy.Index(SCHEMA, path=str(folder))
            write_passages(index, collection.passage_texts())
            made = _opened(index, counted_in(folder), collection)
        kept = saved.lasting() if saved else {}
        files = [file for file in folder.iterdir() if file.suffix != ".lock"]
        digests = {file.name: kept.get(file.name) or digest_of(file) for file in files}
        SavedLexicalIndex(folder, made.version, made.state, ids, digests).write(home)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _remove_others(home, folder)
    return made


def _remove_others(home: Path, folder: Path) -> None:
    """Earlier states, and what is left of processes that were killed."""
    for other in home.iterdir():
        if other.is_dir() and other != folder:
            shutil.rmtree(other, ignore_errors=True)


def _catch_up(folder: Path, collection: CollectionView, ids: Ids, saved: SavedLexicalIndex) -> LexicalIndex:
    """In a folder of its own: take off what has left the collection, add what has come."""
    saved.bring(folder, os.link)
    index = tantivy.Index.open(str(folder))
    come = ids[~np.isin(ids, saved.ids)].tolist()
    write_passages(index, collection.passage_texts(come), saved.ids[~np.isin(saved.ids, ids)].tolist())
    return _opened(index, counted_in(folder), collection)


def _opened(index: tantivy.Index, counted: int, collection: CollectionView) -> LexicalIndex:
    version = collection.version()
    return LexicalIndex(searcher_of(index), counted, version, collection.state(version) or b"")
