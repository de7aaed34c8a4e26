"""What lies on disk of an index of vectors: a manifest with its alignment, and the file of FAISS's that it names.

That file never changes, and processes that search it share its pages: each state has one of its own, and a new one
comes into use when the manifest that names it is moved into place.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer.alignment import LanguageMaps
from indexer.checked_file import read_arrays, write_arrays
from indexer.faiss_file import holds, map_index, read_index, write_index
from indexer.folder_lock import alone
from indexer.language_means import MeanTable
from indexer.parts import Parts

T = TypeVar("T")
Arrays = dict[str, NDArray[Any]]

HOME = "vectors.index"
"""In a collection's folder. Releases before this one had a file of that name."""
MANIFEST = "manifest"
SUFFIX = ".faiss"

_FORMAT = 4  # raise when vectors are prepared or saved differently


@dataclass(frozen=True)
class SavedVectorIndex:
    """What a manifest says; its file may be damaged, or gone, all the same."""

    file: Path
    digest: bytes
    """Of that file."""
    parts: Parts
    passages: MeanTable
    """What the vectors of passages were centred with."""
    maps: LanguageMaps
    measured: int
    """How many passages there were when the alignment was measured."""
    version: int
    """Of the collection that it covers."""
    state: bytes
    """The mark of the collection at that version."""

    @classmethod
    def read(cls, home: Path, parts: Parts) -> SavedVectorIndex | None:
        """None where there is no manifest, or a damaged one, or that of another release, or of other parts."""
        saved = read_arrays(home / MANIFEST)
        if saved is None:
            return None
        try:
            if int(saved["format"]) != _FORMAT:
                return None
            return cls(
                file=home / str(saved["index"]),
                digest=saved["digest"].tobytes(),
                parts=parts,
                passages=MeanTable(dict(zip(saved["langs"].tolist(), saved["means"], strict=True)), saved["fallback"]),
                maps=_maps_in(saved, parts),
                measured=int(saved["measured"]),
                version=int(saved["version"]),
                state=saved["state"].tobytes(),
            )
        except (KeyError, IndexError, ValueError, TypeError):
            return None  # whole, but saved by another release of this program

    def write(self) -> None:
        """The manifest, all of it or nothing. Raises OSError."""
        langs = sorted(self.passages.of)
        write_arrays(
            self.file.with_name(MANIFEST),
            {
                "format": np.array(_FORMAT, np.int64),
                "index": np.array(self.file.name),
                "digest": np.frombuffer(self.digest, np.uint8),
                "version": np.array(self.version, np.int64),
                "measured": np.array(self.measured, np.int64),
                "state": np.frombuffer(self.state, np.uint8),
                "langs": np.array(langs, dtype=np.str_),
                "means": np.array([self.passages.of[lang] for lang in langs], np.float32),
                "fallback": self.passages.fallback,
                **_arrays_of(self.maps, len(self.parts)),
            },
        )

    def forget(self) -> None:
        """Have it made anew. Raises OSError."""
        self.file.with_name(MANIFEST).unlink(missing_ok=True)

    def drift(self, means: MeanTable) -> float:
        """How far the means of the collection's passages have moved since the index was made, at the most."""
        return self.passages.drift(means)

    def opened(self, *, to_change: bool = False, check: bool = True) -> Any | None:
        """For searching, in pages that all processes share, or `to_change`, in memory; None where its file does not
        hold what was written, which is not asked without `check`."""
        try:
            if check and not holds(self.file, self.digest):
                return None
            index = read_index(self.file) if to_change else map_index(self.file)
        except (OSError, ValueError, RuntimeError):
            return None  # gone, or whole but saved by another release of FAISS
        return index if index.d == self.parts[0].width else None


def newest(home: Path, parts: Parts, use: Callable[[SavedVectorIndex], T | None]) -> T | None:
    """What `use` makes of the saved index, which is asked again when another process has put a newer one in the place
    of the one that it could not use; None where there is none that it can."""
    saved = SavedVectorIndex.read(home, parts)
    while saved:
        made = use(saved)
        if made is not None:
            return made
        newer = SavedVectorIndex.read(home, parts)
        if newer is None or newer.file == saved.file:
            return None
        saved = newer
    return None


def new_file(home: Path) -> Path:
    """Where to save an index: nothing is there yet."""
    return home / f"{secrets.token_hex(8)}{SUFFIX}"


def save(index: Any, known: SavedVectorIndex) -> SavedVectorIndex:
    """An index as the new file of what is `known` of it, in the place of what was saved before; returns that with its
    digest. Raises OSError, and leaves what was there then. Whoever calls it is alone in that folder."""
    home = known.file.parent
    try:
        saved = replace(known, digest=write_index(index, known.file))
        saved.write()
    except BaseException:
        known.file.unlink(missing_ok=True)
        raise
    _remove_all_but(saved.file.name, home)
    return saved


def remove_abandoned(home: Path) -> None:
    """What processes that were killed have left, and what others still had open when it was to be removed."""
    with suppress(OSError):
        if not home.is_dir() or not _others(_named_in(home), home):
            return
        with alone(home) as writable:
            if writable:
                _remove_all_but(_named_in(home), home)


def remove_old_form(home: Path) -> None:
    """What a release before this one saved."""
    with suppress(OSError):
        if home.is_file():
            home.unlink()


def _named_in(home: Path) -> str:
    saved = read_arrays(home / MANIFEST)
    return str(saved["index"]) if saved and "index" in saved else ""


def _others(named: str, home: Path) -> list[Path]:
    return [
        file
        for file in home.iterdir()
        if file.name.startswith(f"{MANIFEST}.") or (file.suffix == SUFFIX and file.name != named)
    ]


def _remove_all_but(named: str, home: Path) -> None:
    """Earlier states, and what is left of processes that were killed."""
    for file in _others(named, home):
        with suppress(OSError):  # Windows keeps what a process has mapped; it is removed later
            file.unlink()


def _arrays_of(maps: LanguageMaps, parts: int) -> Arrays:
    mapped = sorted(maps.of)
    arrays: Arrays = {"mapped": np.array(mapped, dtype=np.str_)}
    for number in range(parts):
        stack = [*(maps.of[lang][number] for lang in mapped), maps.fallback[number]]
        arrays[f"maps{number}"] = np.array(stack, np.float16)
        arrays[f"generic{number}"] = maps.generic[number]
    return arrays


def _maps_in(saved: Arrays, parts: Parts) -> LanguageMaps:
    stacks = [saved[f"maps{number}"].astype(np.float32) for number in range(len(parts))]
    if any(stack.shape[1:] != (part.width, part.width) for stack, part in zip(stacks, parts, strict=True)):
        raise ValueError("maps of another width")
    of = {lang: [stack[place] for stack in stacks] for place, lang in enumerate(saved["mapped"].tolist())}
    generic = [saved[f"generic{number}"] for number in range(len(parts))]
    return LanguageMaps(of, [stack[-1] for stack in stacks], generic)
