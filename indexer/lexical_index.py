"""BM25 over the words of a collection's passages, and phrases: derived, checked, and rebuilt whenever in doubt.

Beside the collection lies a folder with a manifest and the folder of tantivy's
files that it names. Those never change: what brings them up to date works on hard links in a folder of its own, and
then names that in the manifest, so that readers have one state or the other. What does not fit is thrown away and made
again from the collection.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import tantivy
from filelock import FileLock
from numpy.typing import NDArray
from tantivy.tantivy import __version__ as _tantivy_version

from indexer.bm25 import SCHEMA, LexicalIndex, write_passages
from indexer.checked_file import read_arrays, write_arrays
from indexer.collection import Collection

Ids = NDArray[np.int64]

_FORMAT = 1
"""Raise when words, terms or fields change."""
_MADE_BY = f"{_FORMAT}, Unicode {unicodedata.unidata_version}, {_tantivy_version}"

HOME = "lexical.index"
MANIFEST = "manifest"
_LOCK = "lock"
_REWRITTEN = ("meta.json", ".managed.json")
"""Files that tantivy writes again under the same name; all others keep what they were written with."""

MAX_DEAD = 0.5
"""Deleted passages count in document frequencies until their segment is merged; a larger share asks for a new index."""


def open_index(collection: Collection) -> LexicalIndex:
    """The index of a collection as it is now: the saved one where it is whole, brought up to date, else a new one.

    What was made anew is saved where the folder can be written; other processes wait for it. Elsewhere a saved index
    is brought up to date in a temporary folder, and a new one is made in memory.
    """
    home = collection.folder / HOME
    with _alone(home) as writable:
        saved = _read_manifest(home)
        while True:
            # What was saved before the snapshot began is never newer than it.
            with collection.snapshot():
                if saved and (found := _from_saved(saved, collection, home if writable else None)):
                    return found
                newer = _read_manifest(home)
                if newer is None or (saved and newer.folder == saved.folder):
                    return _new(collection, home if writable else None)
            saved = newer  # another process has saved it meanwhile, which can only be where we may not write


@contextmanager
def _alone(home: Path) -> Iterator[bool]:
    """One process or thread at a time, where the folder can be written: yields whether it can."""
    lock = FileLock(home / _LOCK)
    try:
        home.mkdir(exist_ok=True)
        lock.acquire()
    except (OSError, NotImplementedError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


@dataclass(frozen=True)
class _Saved:
    folder: Path
    version: int
    state: bytes
    ids: Ids
    digests: Mapping[str, bytes]
    """Of each of tantivy's files, by name."""


def _read_manifest(home: Path) -> _Saved | None:
    saved = read_arrays(home / MANIFEST)
    if saved is None:
        return None
    try:
        if str(saved["made_by"]) != _MADE_BY:
            return None
        digests = dict(zip(saved["files"].tolist(), map(bytes, saved["digests"]), strict=True))
        folder = home / str(saved["folder"])
        return _Saved(folder, int(saved["version"]), saved["state"].tobytes(), saved["ids"], digests)
    except (KeyError, ValueError, TypeError):
        return None  # whole, but saved by another release of this program


def _from_saved(saved: _Saved, collection: Collection, home: Path | None) -> LexicalIndex | None:
    """The saved index as it is or brought up to date; None where it does not fit, or cannot be used."""
    if collection.state(saved.version) != saved.state:
        return None  # of another collection, or of changes that a restored backup has not seen
    try:
        if any(_digest(saved.folder / name) != digest for name, digest in saved.digests.items()):
            return None
        if saved.version == collection.version():
            if home:
                _remove_others(home, saved.folder)
            return _open_saved(saved)
        wanted = collection.passage_ids()
        counted = _counted(saved.folder)
        if counted - np.isin(saved.ids, wanted).sum() > MAX_DEAD * counted:
            return None
    except (OSError, ValueError):
        return None
    if home:
        with suppress(OSError, ValueError):
            return _make(home, collection, wanted, saved)
    with suppress(OSError, ValueError), _temporary_folder() as place:
        return _catch_up(place, collection, wanted, saved)
    return None


def _new(collection: Collection, home: Path | None) -> LexicalIndex:
    ids = collection.passage_ids()
    if home:
        # A full disk: the index in memory is as good, only not there next time.
        with suppress(OSError, ValueError):
            return _make(home, collection, ids, None)
    index = tantivy.Index(SCHEMA)
    write_passages(index, collection.passage_texts())
    return _opened(index, len(ids), collection)


def _make(home: Path, collection: Collection, ids: Ids, saved: _Saved | None) -> LexicalIndex:
    """Bring the saved index up to date, or make a new one, and save it. Raises OSError, and tantivy's ValueError."""
    folder = home / secrets.token_hex(8)
    try:
        folder.mkdir()
        if saved:
            made = _catch_up(folder, collection, ids, saved)
        else:
            index = tantivy.Index(SCHEMA, path=str(folder))
            write_passages(index, collection.passage_texts())
            made = _opened(index, _counted(folder), collection)
        kept = {name: digest for name, digest in saved.digests.items() if name not in _REWRITTEN} if saved else {}
        files = sorted(file for file in folder.iterdir() if file.suffix != ".lock")
        digests = [kept.get(file.name) or _digest(file) for file in files]
        write_arrays(
            home / MANIFEST,
            {
                "made_by": np.array(_MADE_BY),
                "folder": np.array(folder.name),
                "version": np.array(made.version, np.int64),
                "state": np.frombuffer(made.state, np.uint8),
                "ids": ids,
                "files": np.array([file.name for file in files]),
                "digests": np.frombuffer(b"".join(digests), np.uint8).reshape(len(files), -1),
            },
        )
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


def _catch_up(folder: Path, collection: Collection, ids: Ids, saved: _Saved) -> LexicalIndex:
    """In a folder of its own: take off what has left the collection, add what has come."""
    _bring(saved, folder, os.link)
    index = tantivy.Index.open(str(folder))
    come = ids[~np.isin(ids, saved.ids)].tolist()
    write_passages(index, collection.passage_texts(come), saved.ids[~np.isin(saved.ids, ids)].tolist())
    return _opened(index, _counted(folder), collection)


def _bring(saved: _Saved, folder: Path, link: Callable[[Path, Path], object]) -> None:
    for name in saved.digests:
        source, target = saved.folder / name, folder / name
        if name not in _REWRITTEN:
            with suppress(OSError, NotImplementedError):
                link(source, target)
        if not target.exists():
            shutil.copyfile(source, target)


def _opened(index: tantivy.Index, counted: int, collection: Collection) -> LexicalIndex:
    version = collection.version()
    return LexicalIndex(_searcher(index), counted, version, collection.state(version) or b"")


def _searcher(index: tantivy.Index) -> tantivy.Searcher:
    """It has all files open, so that their folder may go, at least on POSIX."""
    index.config_reader("manual")
    index.reload()
    return index.searcher()


def _open_saved(saved: _Saved) -> LexicalIndex:
    """Raises OSError, and tantivy's ValueError."""
    counted = _counted(saved.folder)
    try:
        searcher = _searcher(tantivy.Index.open(str(saved.folder)))
    except ValueError:  # in a folder that nobody may write, tantivy cannot take the lock that it reads with
        with _temporary_folder() as place:
            _bring(saved, place, os.symlink)
            searcher = _searcher(tantivy.Index.open(str(place)))
    return LexicalIndex(searcher, counted, saved.version, saved.state)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="lexical-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _counted(folder: Path) -> int:
    """The passages in all segments, with the deleted ones, which tantivy counts in document frequencies."""
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_text())
    return sum(segment["max_doc"] for segment in meta["segments"])


def _digest(file: Path) -> bytes:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).digest()
