"""What lies on disk of an index of words: a manifest, and the folder of tantivy's files that it names."""

from __future__ import annotations

import hashlib
import json
import os
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
from numpy.typing import NDArray
from tantivy.tantivy import __version__ as _tantivy_version

from indexer.bm25 import LexicalIndex
from indexer.checked_file import read_arrays, write_arrays

Ids = NDArray[np.int64]

HOME = "lexical.index"
"""In a collection's folder."""
MANIFEST = "manifest"

_FORMAT = 1
"""Raise when words, terms or fields change."""
_MADE_BY = f"{_FORMAT}, Unicode {unicodedata.unidata_version}, {_tantivy_version}"
_REWRITTEN = ("meta.json", ".managed.json")
"""Files that tantivy writes again under the same name; all others keep what they were written with."""


@dataclass(frozen=True)
class SavedLexicalIndex:
    """What a manifest says; its files may be damaged, or gone, all the same."""

    folder: Path
    version: int
    """Of the collection that it covers."""
    state: bytes
    """The mark of the collection at that version."""
    ids: Ids
    """Passages."""
    digests: Mapping[str, bytes]
    """Of each of tantivy's files, by name."""

    @classmethod
    def read(cls, home: Path) -> SavedLexicalIndex | None:
        """None where there is no manifest, or a damaged one, or that of another release."""
        saved = read_arrays(home / MANIFEST)
        if saved is None:
            return None
        try:
            if str(saved["made_by"]) != _MADE_BY:
                return None
            digests = dict(zip(saved["files"].tolist(), map(bytes, saved["digests"]), strict=True))
            folder = home / str(saved["folder"])
            return cls(folder, int(saved["version"]), saved["state"].tobytes(), saved["ids"], digests)
        except (KeyError, ValueError, TypeError):
            return None  # whole, but saved by another release of this program

    def write(self, home: Path) -> None:
        """The manifest, all of it or nothing. Raises OSError."""
        files = sorted(self.digests)
        digests = b"".join(self.digests[name] for name in files)
        write_arrays(
            home / MANIFEST,
            {
                "made_by": np.array(_MADE_BY),
                "folder": np.array(self.folder.name),
                "version": np.array(self.version, np.int64),
                "state": np.frombuffer(self.state, np.uint8),
                "ids": self.ids,
                "files": np.array(files),
                "digests": np.frombuffer(digests, np.uint8).reshape(len(files), -1),
            },
        )

    def is_whole(self) -> bool:
        """Whether its files hold what they were written with. Raises OSError where one cannot be read."""
        return all(digest_of(self.folder / name) == digest for name, digest in self.digests.items())

    def opened(self) -> LexicalIndex:
        """Raises OSError, and tantivy's ValueError."""
        counted = counted_in(self.folder)
        try:
            searcher = searcher_of(tantivy.Index.open(str(self.folder)))
        except ValueError:  # in a folder that nobody may write, tantivy cannot take the lock that it reads with
            with temporary_folder() as place:
                self.bring(place, os.symlink)
                searcher = searcher_of(tantivy.Index.open(str(place)))
        return LexicalIndex(searcher, counted, self.version, self.state)

    def bring(self, folder: Path, link: Callable[[Path, Path], object]) -> None:
        """Its files into another folder, by links where that can be."""
        for name in self.digests:
            source, target = self.folder / name, folder / name
            if name not in _REWRITTEN:
                with suppress(OSError, NotImplementedError):
                    link(source, target)
            if not target.exists():
                shutil.copyfile(source, target)

    def lasting(self) -> dict[str, bytes]:
        """Digests of the files that stay as they are when the index is brought up to date."""
        return {name: digest for name, digest in self.digests.items() if name not in _REWRITTEN}


def searcher_of(index: tantivy.Index) -> tantivy.Searcher:
    """It has all files open, so that their folder may go, at least on POSIX."""
    index.config_reader("manual")
    index.reload()
    return index.searcher()


def counted_in(folder: Path) -> int:
    """The passages in all segments, with the deleted ones, which tantivy counts in document frequencies."""
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_text())
    return sum(segment["max_doc"] for segment in meta["segments"])


def digest_of(file: Path) -> bytes:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).digest()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="lexical-", ignore_cleanup_errors=True) as name:
        yield Path(name)
