"""FAISS over the centred vectors of a collection's passages: derived, checked, and rebuilt whenever in doubt.

The only file that imports FAISS. Two files lie beside the collection: the index, and a note of the collection's
version and the means that it was made with. What does not fit together is thrown away and made again from the
collection, without encoding anything.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.collection import Collection
from indexer.language_means import LanguageMeans, MeanTable

Vectors = NDArray[np.float32]

_INDEX = "vectors.faiss"
_NOTE = "vectors.npz"
MAX_DRIFT = 0.02
"""Means that moved farther than this since the index was made (vectors have length 1) ask for a new index."""


@dataclass
class VectorIndex:
    """An exact inner-product index over passages, and the means that its vectors were centred with."""

    index: Any  # a faiss.IndexIDMap2; FAISS has no usable types
    means: MeanTable
    version: int
    """The collection's version that the index covers."""

    def __len__(self) -> int:
        return int(self.index.ntotal)

    def search(
        self, query: Vectors, limit: int, among: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], Vectors]:
        """The `limit` passages (of `among`, where given) with the largest cosine to a centred query (dimension,).

        Returns (ids, cosines), best first; fewer where there are fewer.
        """
        limit = min(limit, len(self))
        if limit == 0 or (among is not None and len(among) == 0):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        parameters = None
        if among is not None:
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBatch(among))  # type: ignore[call-arg]
        scores, ids = self.index.search(query[None, :], limit, params=parameters)
        found = ids[0] >= 0
        return ids[0][found], scores[0][found]


def open_index(collection: Collection, *, centred: bool = True) -> VectorIndex:
    """The index of a collection as it is now: the saved one where it is whole, brought up to date, else a new one.

    What was made anew is saved where the folder can be written. `centred=False` makes the plain index that leaves
    languages as the model has them, for comparison; it is never saved.
    """
    if not centred:
        return _build(collection, LanguageMeans.none(collection.dimension).passages, collection.version())
    means = collection.language_means().passages
    version = collection.version()
    saved = _load(collection.folder, collection.dimension)
    if saved and saved.version == version:
        return saved
    if saved and saved.version < version and saved.means.drift(means) <= MAX_DRIFT:
        current = _catch_up(saved, collection, version)
    else:
        current = _build(collection, means, version)
    # A reader without rights, or a full disk: the index in memory is as good, only not there next time.
    with suppress(OSError):
        _save(current, collection.folder)
    return current


def _build(collection: Collection, means: MeanTable, version: int) -> VectorIndex:
    index = faiss.IndexIDMap2(faiss.IndexFlatIP(collection.dimension))
    for ids, langs, vectors in collection.passage_vectors():
        index.add_with_ids(_prepared(means, vectors, langs), np.array(ids, np.int64))
    return VectorIndex(index, means, version)


def _prepared(means: MeanTable, vectors: Vectors, langs: list[str]) -> Vectors:
    return np.ascontiguousarray(means.centre(vectors, langs), dtype=np.float32)


def _catch_up(saved: VectorIndex, collection: Collection, version: int) -> VectorIndex:
    """Take off what has left the collection, add what has come, centred as the rest is."""
    held = faiss.vector_to_array(saved.index.id_map)
    wanted = collection.passage_ids()
    gone = np.setdiff1d(held, wanted)
    if len(gone):
        saved.index.remove_ids(faiss.IDSelectorBatch(gone))
    for ids, langs, vectors in collection.passage_vectors(np.setdiff1d(wanted, held).tolist()):
        saved.index.add_with_ids(_prepared(saved.means, vectors, langs), np.array(ids, np.int64))
    return VectorIndex(saved.index, saved.means, version)


def _save(current: VectorIndex, folder: Path) -> None:
    """Write both files beside the old ones, then move them into place; the note vouches for the index."""
    index_file, note_file = folder / f"{_INDEX}.{os.getpid()}", folder / f"{_NOTE}.{os.getpid()}"
    try:
        data = faiss.serialize_index(current.index).tobytes()
        index_file.write_bytes(data)
        langs = sorted(current.means.of)
        with note_file.open("wb") as stream:
            np.savez(
                stream,
                version=np.int64(current.version),
                langs=np.array(langs, dtype="U16"),
                means=np.array([current.means.of[lang] for lang in langs], np.float32),
                fallback=current.means.fallback,
                checksum=np.frombuffer(hashlib.blake2b(data).digest(), np.uint8),
            )
        index_file.replace(folder / _INDEX)
        note_file.replace(folder / _NOTE)
    finally:
        index_file.unlink(missing_ok=True)
        note_file.unlink(missing_ok=True)


def _load(folder: Path, dimension: int) -> VectorIndex | None:
    """The saved index, or None where it is missing, damaged, or its note belongs to another one."""
    try:
        data = (folder / _INDEX).read_bytes()
        with np.load(folder / _NOTE, allow_pickle=False) as note:
            if hashlib.blake2b(data).digest() != note["checksum"].tobytes():
                return None
            means = MeanTable(
                dict(zip(note["langs"].tolist(), note["means"], strict=True)), note["fallback"].astype(np.float32)
            )
            version = int(note["version"])
        index = faiss.deserialize_index(np.frombuffer(data, np.uint8))
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile):
        return None
    return VectorIndex(index, means, version) if index.d == dimension else None
