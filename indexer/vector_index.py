"""FAISS over the aligned vectors of a collection's passages: derived, checked, and rebuilt whenever in doubt.

Beside the collection it is saved, with the alignment that it was made with and the state of the collection that it
covers. What does not fit is thrown away and made again from the collection, without encoding anything. It finds
candidates by the first part of the vectors (the first of the models that an encoder is made of), in a byte a component;
the scorer compares whole vectors.
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
from indexer.collection_view import CollectionView
from indexer.folder_lock import alone
from indexer.language_means import LanguageMeans, MeanTable
from indexer.saved_vector_index import HOME, SavedVectorIndex, new_file, newest, remove_old_form, save

Vectors = NDArray[np.float32]

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

    index: Any  # a faiss.IndexIDMap, often one that must not be changed; FAISS has no usable types
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

    def search(self, query: AlignedQuery, limit: int, among: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Ids of the `limit` passages (of `among`, where given) nearest to a query, best first; fewer where there are
        fewer."""
        limit = min(limit, len(self))
        if limit == 0 or (among is not None and len(among) == 0):
            return np.empty(0, np.int64)
        faiss.omp_set_num_threads(1)  # of this thread: one query is not divided, threads would only wait for it
        parameters = None
        if among is not None:
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBatch(among))  # type: ignore[call-arg]
        _, ids = self.index.search(np.ascontiguousarray(query.centred[None, : self.index.d]), limit, params=parameters)
        found: NDArray[np.int64] = ids[0][ids[0] >= 0]
        return found


def open_index(collection: CollectionView, *, means: bool = True, maps: bool = True) -> VectorIndex:
    """The index of a collection as it is now: the saved one where it is whole, brought up to date, else a new one.

    What was made anew is saved where the folder can be written; other processes wait for it, and share it with all
    that search. Without `means` it is the plain index that leaves languages as the model has them, without `maps` one
    that only takes their means off: for comparison, never saved.
    """
    if not (means and maps):
        with collection.snapshot():
            return _build(collection, _for_comparison(collection, means=means))
    home = collection.folder / HOME
    found = _as_it_is(home, collection)
    if found is not None:  # an empty one is false
        return found
    remove_old_form(home)
    with alone(home) as writable:
        found = _as_it_is(home, collection)  # which another process may have saved meanwhile
        if found is None:
            found = _brought_up_to_date(home, collection)
            if found is None:
                found = _new(collection)
            if writable:
                # A full disk: the index in memory is as good, only not there next time.
                with suppress(OSError):
                    found = _saved(found, home)
    return found


def _as_it_is(home: Path, collection: CollectionView) -> VectorIndex | None:
    """The saved index, where it is that of the collection as it is now."""

    def found(saved: SavedVectorIndex) -> VectorIndex | None:
        # What was saved before the snapshot began is never newer than it.
        with collection.snapshot():
            if saved.version != collection.version() or not _is_of(saved, collection):
                return None
            own = collection.language_means()
        index = saved.opened()
        return None if index is None else _with_means(saved, index, own)

    return newest(home, collection.parts, found)


def _brought_up_to_date(home: Path, collection: CollectionView) -> VectorIndex | None:
    """The saved index, where it still fits the collection."""

    def caught_up(saved: SavedVectorIndex) -> VectorIndex | None:
        with collection.snapshot():
            own = collection.language_means()
            if not _is_of(saved, collection) or not _still_fits(saved, own.passages, collection):
                return None
            index = saved.opened(to_change=True)
            return None if index is None else _catch_up(_with_means(saved, index, own), collection)

    return newest(home, collection.parts, caught_up)


def _new(collection: CollectionView) -> VectorIndex:
    with collection.snapshot():
        return _build(collection, _measure(collection, collection.language_means()))


def _is_of(saved: SavedVectorIndex, collection: CollectionView) -> bool:
    """Else it is of another collection, or of changes that a restored backup has not seen."""
    return collection.state(saved.version) == saved.state


def _with_means(saved: SavedVectorIndex, index: Any, own: LanguageMeans) -> VectorIndex:
    """Passages keep the means that they were prepared with; sentences and queries are centred with the collection's
    `own` as of now."""
    alignment = Alignment(saved.parts, replace(own, passages=saved.passages), saved.maps)
    return VectorIndex(index, alignment, saved.measured, saved.version, saved.state)


def _for_comparison(collection: CollectionView, *, means: bool) -> Alignment:
    if not means:
        return Alignment.none(collection.parts)
    return Alignment(collection.parts, collection.language_means(), LanguageMaps.none(collection.parts))


def _still_fits(saved: SavedVectorIndex, means: MeanTable, collection: CollectionView) -> bool:
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
    index = faiss.IndexIDMap(bytes_of)
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
    """The ids that a faiss.IndexIDMap holds."""
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


def _saved(current: VectorIndex, home: Path) -> VectorIndex:
    """The same, as all processes share it. Raises OSError."""
    known = SavedVectorIndex(
        file=new_file(home),
        digest=b"",
        parts=current.alignment.parts,
        passages=current.alignment.means.passages,
        maps=current.alignment.maps,
        measured=current.measured,
        version=current.version,
        state=current.state,
    )
    saved = save(current.index, known)
    shared = saved.opened(check=False)
    return current if shared is None else replace(current, index=shared)


def load_saved(collection: CollectionView) -> SavedVectorIndex | None:
    """What is known of the saved index without its vectors; None where it is missing, or of another form."""
    home = collection.folder / HOME
    return newest(home, collection.parts, lambda saved: saved if saved.file.is_file() else None)


def saved_ids(collection: CollectionView) -> tuple[SavedVectorIndex, NDArray[np.int64]] | None:
    """The saved index and the passages that it holds; None where it is missing, damaged, or of another form."""

    def held(saved: SavedVectorIndex) -> tuple[SavedVectorIndex, NDArray[np.int64]] | None:
        index = saved.opened()
        return None if index is None else (saved, index_ids(index))

    return newest(collection.folder / HOME, collection.parts, held)
