"""FAISS over the aligned vectors of a collection's passages: derived, checked, and rebuilt whenever in doubt.

The only file that imports FAISS. Beside the collection lies one file with the index, the alignment that it was made
with, and the state of the collection that it covers. What does not fit is thrown away and made again from the
collection, without encoding anything. It finds candidates by the first part of the vectors (the first of the models
that an encoder is made of), in a byte a component; the scorer compares whole vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.alignment import AlignedQuery, Alignment, LanguageMaps
from indexer.checked_file import read_arrays, write_arrays
from indexer.collection_view import CollectionView
from indexer.language_means import LanguageMeans, MeanTable
from indexer.parts import Parts

Vectors = NDArray[np.float32]

FILE = "vectors.index"
_FORMAT = 3  # raise when vectors are prepared differently
MAX_DRIFT = 0.02
"""Means that moved farther than this since the index was made (vectors have length 1) ask for a new index."""
MAX_GROWTH = 2.0
"""So does a collection that has this many times the passages that the maps were measured on."""
_SAMPLE = 2_000
"""Sentences of each language that its map is measured on."""
_RANGE_SAMPLE = 10_000
"""Passages whose vectors say what the smallest and the largest value of a byte stand for, component by component."""
_DEVIATIONS = 4
"""At least so many standard deviations of all components, for passages that come later."""


@dataclass
class VectorIndex:
    """Inner products with all passages, exact but for rounding, and the alignment that vectors were prepared with."""

    index: Any  # a faiss.IndexIDMap2; FAISS has no usable types
    alignment: Alignment
    """Its means of sentences and queries are the collection's as of `version`; the rest is as old as the index."""
    measured: int
    """How many passages there were when the alignment was measured."""
    version: int
    """The collection's version that the index covers."""
    state: bytes
    """The mark of the collection at that version."""

    def __len__(self) -> int:
        return int(self.index.ntotal)

    def drift(self, means: MeanTable) -> float:
        """How far the means of the collection's passages have moved since the index was made, at the most."""
        return self.alignment.means.passages.drift(means)

    def search(self, query: AlignedQuery, limit: int, among: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Ids of the `limit` passages (of `among`, where given) nearest to a query, best first; fewer where there are
        fewer."""
        limit = min(limit, len(self))
        if limit == 0 or (among is not None and len(among) == 0):
            return np.empty(0, np.int64)
        parameters = None
        if among is not None:
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBatch(among))  # type: ignore[call-arg]
        _, ids = self.index.search(np.ascontiguousarray(query.centred[None, : self.index.d]), limit, params=parameters)
        found: NDArray[np.int64] = ids[0][ids[0] >= 0]
        return found


def open_index(collection: CollectionView, *, means: bool = True, maps: bool = True) -> VectorIndex:
    """The index of a collection as it is now: the saved one where it is whole, brought up to date, else a new one.

    What was made anew is saved where the folder can be written. Without `means` it is the plain index
    that leaves languages as the model has them, without `maps` one that only takes their means off: for comparison,
    never saved.
    """
    # What was saved before the snapshot began is never newer than it.
    arrays = read_arrays(collection.folder / FILE) if means and maps else None
    with collection.snapshot():
        if not means:
            return _build(collection, Alignment.none(collection.parts))
        if not maps:
            none = LanguageMaps.none(collection.parts)
            return _build(collection, Alignment(collection.parts, collection.language_means(), none))
        own = collection.language_means()
        saved = _saved(arrays, collection, own)
        if saved and collection.state(saved.version) != saved.state:
            saved = None  # of another collection, or of changes that a restored backup has not seen
        if saved and saved.version == collection.version():
            return saved
        if saved and _still_fits(saved, own.passages, collection):
            current = _catch_up(saved, collection)
        else:
            current = _build(collection, _measure(collection, own))
    # A reader without rights, or a full disk: the index in memory is as good, only not there next time.
    with suppress(OSError):
        _save(current, collection.folder)
    return current


def _still_fits(saved: VectorIndex, means: MeanTable, collection: CollectionView) -> bool:
    grown = len(collection.passage_ids()) > MAX_GROWTH * saved.measured
    return not grown and saved.drift(means) <= MAX_DRIFT


def _measure(collection: CollectionView, means: LanguageMeans) -> Alignment:
    """The means of the collection, and the maps of its languages, from a sample of their sentences."""
    samples = {}
    for lang in sorted(collection.sums()):
        rows = collection.sentence_sample(lang, _SAMPLE)
        samples[lang] = means.sentences.centre(rows, [lang] * len(rows))
    maps = LanguageMaps.measured(samples, collection.prior(), collection.parts)
    return Alignment(collection.parts, means, _in_half_precision(maps))


def _in_half_precision(maps: LanguageMaps) -> LanguageMaps:
    """As they are saved, so that a new index gives the same scores as the saved one will."""

    def rounded(squares: Sequence[Vectors]) -> list[Vectors]:
        return [square.astype(np.float16).astype(np.float32) for square in squares]

    return replace(
        maps, of={lang: rounded(squares) for lang, squares in maps.of.items()}, fallback=rounded(maps.fallback)
    )


def _build(collection: CollectionView, alignment: Alignment) -> VectorIndex:
    width = collection.parts[0].width
    bytes_of = faiss.IndexScalarQuantizer(width, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    ids = collection.passage_ids()
    if len(ids):
        bytes_of.train(_range_of(collection, alignment, ids, width))
    index = faiss.IndexIDMap2(bytes_of)
    for block, langs, vectors in collection.passage_vectors():
        index.add_with_ids(_prepared(alignment, vectors, langs, width), np.array(block, np.int64))
    return _current(index, alignment, len(ids), collection)


def _range_of(collection: CollectionView, alignment: Alignment, ids: NDArray[np.int64], width: int) -> Vectors:
    """Rows (n, width) with the smallest and the largest value of each component: of the passages that there are, and
    wide enough for those to come."""
    sample = ids[np.linspace(0, len(ids) - 1, min(len(ids), _RANGE_SAMPLE)).astype(int)].tolist()
    rows = np.concatenate(
        [_prepared(alignment, own, langs, width) for _, langs, own in collection.passage_vectors(sample)]
    )
    widest = np.full((1, width), _DEVIATIONS * np.sqrt(np.mean(rows**2)), np.float32)
    return np.concatenate([rows, widest, -widest])


def _current(index: Any, alignment: Alignment, measured: int, collection: CollectionView) -> VectorIndex:
    version = collection.version()
    return VectorIndex(index, alignment, measured, version, collection.state(version) or b"")


def _prepared(alignment: Alignment, vectors: Vectors, langs: list[str], width: int) -> Vectors:
    mapped = alignment.mapped(alignment.passages(vectors, langs), langs)
    return np.ascontiguousarray(mapped[:, :width], dtype=np.float32)


def index_ids(index: Any) -> NDArray[np.int64]:
    """The ids that a faiss.IndexIDMap2 holds."""
    held: NDArray[np.int64] = faiss.vector_to_array(index.id_map)
    return held


def _catch_up(saved: VectorIndex, collection: CollectionView) -> VectorIndex:
    """Take off what has left the collection, add what has come, centred as the rest is."""
    held = index_ids(saved.index)
    wanted = collection.passage_ids()
    gone = np.setdiff1d(held, wanted)
    if len(gone):
        saved.index.remove_ids(faiss.IDSelectorBatch(gone))
    for ids, langs, vectors in collection.passage_vectors(np.setdiff1d(wanted, held).tolist()):
        prepared = _prepared(saved.alignment, vectors, langs, saved.index.d)
        saved.index.add_with_ids(prepared, np.array(ids, np.int64))
    return _current(saved.index, saved.alignment, saved.measured, collection)


def _save(current: VectorIndex, folder: Path) -> None:
    means, maps = current.alignment.means.passages, current.alignment.maps
    langs, mapped = sorted(means.of), sorted(maps.of)
    arrays: dict[str, NDArray[Any]] = {
        "format": np.array(_FORMAT, np.int64),
        "version": np.array(current.version, np.int64),
        "measured": np.array(current.measured, np.int64),
        "state": np.frombuffer(current.state, np.uint8),
        "langs": np.array(langs, dtype=np.str_),
        "means": np.array([means.of[lang] for lang in langs], np.float32),
        "fallback": means.fallback,
        "mapped": np.array(mapped, dtype=np.str_),
        "index": faiss.serialize_index(current.index),
    }
    for number in range(len(current.alignment.parts)):
        stack = [*(maps.of[lang][number] for lang in mapped), maps.fallback[number]]
        arrays[f"maps{number}"] = np.array(stack, np.float16)
        arrays[f"generic{number}"] = maps.generic[number]
    write_arrays(folder / FILE, arrays)


def load_saved(collection: CollectionView, own: LanguageMeans | None = None) -> VectorIndex | None:
    """The saved index, or None where it is missing, damaged, or of another width. Passages keep the means that they
    were prepared with; sentences and queries are centred with the collection's `own` as of now."""
    return _saved(read_arrays(collection.folder / FILE), collection, own or collection.language_means())


def _saved(saved: dict[str, NDArray[Any]] | None, collection: CollectionView, own: LanguageMeans) -> VectorIndex | None:
    if saved is None:
        return None
    try:
        if int(saved["format"]) != _FORMAT:
            return None
        index = faiss.deserialize_index(saved["index"])
        passages = MeanTable(dict(zip(saved["langs"].tolist(), saved["means"], strict=True)), saved["fallback"])
        means = replace(own, passages=passages)
        alignment = Alignment(collection.parts, means, _maps(saved, collection.parts))
        version, measured = int(saved["version"]), int(saved["measured"])
        found = VectorIndex(index, alignment, measured, version, saved["state"].tobytes())
    except (KeyError, IndexError, ValueError, TypeError, RuntimeError):
        return None  # whole, but saved by another release of this program or of FAISS
    return found if index.d == collection.parts[0].width else None


def _maps(saved: dict[str, NDArray[Any]], parts: Parts) -> LanguageMaps:
    stacks = [saved[f"maps{number}"].astype(np.float32) for number in range(len(parts))]
    if any(stack.shape[1:] != (part.width, part.width) for stack, part in zip(stacks, parts, strict=True)):
        raise ValueError("maps of another width")
    of = {lang: [stack[place] for stack in stacks] for place, lang in enumerate(saved["mapped"].tolist())}
    generic = [saved[f"generic{number}"] for number in range(len(parts))]
    return LanguageMaps(of, [stack[-1] for stack in stacks], generic)
