"""FAISS over the centred vectors of a collection's passages: derived, checked, and rebuilt whenever in doubt.

The only file that imports FAISS. Beside the collection lies one file with the index, the means that it was made with,
and the state of the collection that it covers. What does not fit is thrown away and made again from the collection,
without encoding anything.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.checked_file import read_arrays, write_arrays
from indexer.collection import Collection
from indexer.language_means import LanguageMeans, MeanTable

Vectors = NDArray[np.float32]

_FILE = "vectors.index"
MAX_DRIFT = 0.02
"""Means that moved farther than this since the index was made (vectors have length 1) ask for a new index."""


@dataclass
class VectorIndex:
    """An exact inner-product index over passages, and the means that its vectors were centred with."""

    index: Any  # a faiss.IndexIDMap2; FAISS has no usable types
    means: MeanTable
    version: int
    """The collection's version that the index covers."""
    state: bytes
    """The mark of the collection at that version."""

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
    with collection.snapshot():
        if not centred:
            return _build(collection, LanguageMeans.none(collection.dimension).passages)
        means = collection.language_means().passages
        saved = _load(collection.folder, collection.dimension)
        if saved and collection.state(saved.version) != saved.state:
            saved = None  # of another collection, or of changes that a restored backup has not seen
        if saved and saved.version == collection.version():
            return saved
        if saved and saved.means.drift(means) <= MAX_DRIFT:
            current = _catch_up(saved, collection)
        else:
            current = _build(collection, means)
    # A reader without rights, or a full disk: the index in memory is as good, only not there next time.
    with suppress(OSError):
        _save(current, collection.folder)
    return current


def _build(collection: Collection, means: MeanTable) -> VectorIndex:
    index = faiss.IndexIDMap2(faiss.IndexFlatIP(collection.dimension))
    for ids, langs, vectors in collection.passage_vectors():
        index.add_with_ids(_prepared(means, vectors, langs), np.array(ids, np.int64))
    return _current(index, means, collection)


def _current(index: Any, means: MeanTable, collection: Collection) -> VectorIndex:
    version = collection.version()
    return VectorIndex(index, means, version, collection.state(version) or b"")


def _prepared(means: MeanTable, vectors: Vectors, langs: list[str]) -> Vectors:
    return np.ascontiguousarray(means.centre(vectors, langs), dtype=np.float32)


def _catch_up(saved: VectorIndex, collection: Collection) -> VectorIndex:
    """Take off what has left the collection, add what has come, centred as the rest is."""
    held = faiss.vector_to_array(saved.index.id_map)
    wanted = collection.passage_ids()
    gone = np.setdiff1d(held, wanted)
    if len(gone):
        saved.index.remove_ids(faiss.IDSelectorBatch(gone))
    for ids, langs, vectors in collection.passage_vectors(np.setdiff1d(wanted, held).tolist()):
        saved.index.add_with_ids(_prepared(saved.means, vectors, langs), np.array(ids, np.int64))
    return _current(saved.index, saved.means, collection)


def _save(current: VectorIndex, folder: Path) -> None:
    langs = sorted(current.means.of)
    write_arrays(
        folder / _FILE,
        {
            "version": np.array(current.version, np.int64),
            "state": np.frombuffer(current.state, np.uint8),
            "langs": np.array(langs, dtype=np.str_),
            "means": np.array([current.means.of[lang] for lang in langs], np.float32),
            "fallback": current.means.fallback,
            "index": faiss.serialize_index(current.index),
        },
    )


def _load(folder: Path, dimension: int) -> VectorIndex | None:
    """The saved index, or None where it is missing, damaged, or of another width."""
    saved = read_arrays(folder / _FILE)
    if saved is None:
        return None
    try:
        index = faiss.deserialize_index(saved["index"])
        means = MeanTable(dict(zip(saved["langs"].tolist(), saved["means"], strict=True)), saved["fallback"])
        found = VectorIndex(index, means, int(saved["version"]), saved["state"].tobytes())
    except (KeyError, ValueError, TypeError, RuntimeError):
        return None  # whole, but saved by another release of this program or of FAISS
    return found if index.d == dimension else None
