"""The index finds what exact numpy finds, however it came about: built, loaded, caught up, or made again.

The oracle takes the means off the stored vectors, maps their first parts and sorts all inner products, in double
precision. The index keeps a byte a component, so that passages closer than that may change places.
"""

from __future__ import annotations

import errno
import io
import os
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer import vector_index
from indexer.alignment import Alignment, LanguageMaps
from indexer.checked_file import read_arrays, write_arrays
from indexer.filters import Filter
from indexer.language_means import LanguageMeans, MeanTable
from indexer.parts import Part, Parts
from indexer.records import EncodedDocument
from indexer.stored_collection import StoredCollection
from indexer.vector_index import MAX_DRIFT, MAX_GROWTH, VectorIndex, open_index
from tests.test_stored_collection import (
    DATABASE,
    encoded,
    new_collection,
    open_to_all,
    random_prior,
    unit_vectors,
    without_rights,
)

Vectors = NDArray[np.float32]
Doubles = NDArray[np.float64]

INDEX = "vectors.index"
MANIFEST = "vectors.index/manifest"
SIZE = 16
WIDTH = 10
PARTS = (Part(WIDTH, 0.7), Part(SIZE - WIDTH, 0.3))
QUERY_LANGS: Sequence[Mapping[str, float]] = (
    {"en": 1.0},
    {"ja": 0.25, "ar": 0.75},
    {"en": 3.0, "ja": 1.0},
    {"xx": 1.0},
)
ROUNDING = 0.03
"""More than a byte a component moves the difference of two inner products of such short vectors: components lie within
a range of 2.1, so each moves by at most 2.1 / 510, and those of the query sum up to at most the root of WIDTH."""


def filled(folder: Path, documents: int = 60, parts: Parts = PARTS, start: int = 0) -> StoredCollection:
    collection = new_collection(folder, parts, random_prior(99, parts))
    langs = [["en", "ja"], ["ar"], ["ja", "en", "en"]]
    collection.put(
        [
            encoded(f"d{number}", start + number, langs[number % 3], collection.dimension)
            for number in range(start, start + documents)
        ]
    )
    return collection


def vectors_in(collection: StoredCollection) -> Path:
    """The file with the vectors that the manifest names."""
    (file,) = (collection.folder / INDEX).glob("*.faiss")
    return file


def exact(
    collection: StoredCollection,
    query: Vectors,
    probabilities: Mapping[str, float],
    means: LanguageMeans | None,
    maps: LanguageMaps | None,
    among: set[int] | None = None,
) -> dict[int, float]:
    """The score of all passages (of `among`): of first parts, those of passages of the length sqrt(weight), that of the
    query of length 1."""
    width, weight = collection.parts[0].width, collection.parts[0].weight
    shares = {lang: probability / sum(probabilities.values()) for lang, probability in probabilities.items()}

    def mapped(row: Doubles, lang: str) -> Doubles:
        return row @ maps[lang][0].astype(np.float64) if maps else row

    centred = query.astype(np.float64)
    if means:
        centred = centred - sum(share * means.queries[lang] for lang, share in shares.items())
    aligned: Doubles = sum((share * mapped(centred[:width], lang) for lang, share in shares.items()), np.zeros(width))
    aligned /= np.linalg.norm(aligned)
    found = {}
    for ids, langs, vectors in collection.passage_vectors():
        for identifier, lang, vector in zip(ids, langs, vectors.astype(np.float64), strict=True):
            if among is None or identifier in among:
                own = (vector - means.passages[lang] if means else vector)[:width]
                own *= np.sqrt(weight) / np.linalg.norm(own)
                found[identifier] = float(aligned @ mapped(own, lang))
    return found


def exact_maps(collection: StoredCollection) -> dict[str, list[Doubles]]:
    """(C + r)^-1/2 (P + r)^1/4 of all sentences, of which there are fewer than an index would take a sample of."""
    prior, means = collection.prior().covariances, collection.language_means().sentences
    maps: dict[str, list[Doubles]] = {}
    for number, place in enumerate((slice(0, WIDTH), slice(WIDTH, SIZE))):
        everywhere: Doubles = np.stack([own[number].astype(np.float64) for own in prior.values()]).mean(axis=0)
        covariances = {lang: own[number].astype(np.float64) for lang, own in prior.items()}
        for lang in collection.sums():
            passages = collection.passages(collection.passage_ids(Filter(langs=(lang,))).tolist())
            rows = np.concatenate([passage.sentence_vectors for passage in passages]).astype(np.float64)
            centred = (rows - means[lang])[:, place]
            scatter: Doubles = np.stack([np.outer(row, row) for row in centred]).sum(axis=0)
            covariances[lang] = (scatter + 200 * covariances.get(lang, everywhere)) / (len(rows) + 200)
        pooled: Doubles = np.stack(list(covariances.values())).mean(axis=0)
        ridge = 5 * np.trace(pooled) / len(pooled) * np.eye(len(pooled))
        for lang, covariance in covariances.items():
            maps.setdefault(lang, []).append(_power(covariance + ridge, -0.5) @ _power(pooled + ridge, 0.25))
    return maps


def _power(matrix: Doubles, exponent: float) -> Doubles:
    left, lengths, right = np.linalg.svd(matrix)
    power: Doubles = left @ np.diag(lengths**exponent) @ right
    return power


def search(
    index: VectorIndex,
    query: Vectors,
    probabilities: Mapping[str, float],
    limit: int,
    among: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Raw query -> ids."""
    return index.search(index.alignment.query(query, probabilities), limit, among)


def assert_finds(got: NDArray[np.int64], expected: Mapping[int, float], limit: int = 1_000_000) -> None:
    """The first `limit` of all; those that are equal to rounding may change places."""
    ids = got.tolist()
    assert len(ids) == len(set(ids)) == min(limit, len(expected))
    best = sorted(expected.values(), reverse=True)[:limit]
    np.testing.assert_allclose([expected[identifier] for identifier in ids], best, rtol=0, atol=ROUNDING)


def assert_right(index: VectorIndex, collection: StoredCollection) -> None:
    """Everything is found in the right order, with an alignment that is the collection's or near enough to it."""
    assert index.version == collection.version()
    assert index.state == collection.state(index.version)
    assert len(index) == len(collection.passage_ids()) <= MAX_GROWTH * index.measured
    now, means = collection.language_means(), index.alignment.means
    assert means.passages.drift(now.passages) <= MAX_DRIFT
    assert same_means(means.sentences, now.sentences)
    assert same_means(means.queries, now.queries)
    assert index.alignment.parts == collection.parts
    for number, query in enumerate(unit_vectors(1234, 4, collection.dimension)):
        langs = QUERY_LANGS[number]
        assert_finds(
            search(index, query, langs, 1_000_000), exact(collection, query, langs, means, index.alignment.maps)
        )


def assert_new(index: VectorIndex, collection: StoredCollection) -> None:
    """It is right, and measured on the collection as it is now."""
    assert_right(index, collection)
    assert index.measured == len(index)
    assert same_means(index.alignment.means.passages, collection.language_means().passages)
    expected = exact_maps(collection)
    assert index.alignment.maps.of.keys() == expected.keys()
    for lang, matrices in expected.items():
        for got, matrix in zip(index.alignment.maps[lang], matrices, strict=True):
            np.testing.assert_allclose(got, matrix, rtol=2**-11, atol=1e-5)


def same_means(a: MeanTable, b: MeanTable) -> bool:
    return a.drift(b) == 0 and a.of.keys() == b.of.keys() and bool((a.fallback == b.fallback).all())


def same_maps(a: LanguageMaps, b: LanguageMaps) -> bool:
    """Without rounding."""
    pairs = [(a.fallback, b.fallback), (a.generic, b.generic), *((a.of[lang], b.of.get(lang, ())) for lang in a.of)]
    return a.of.keys() == b.of.keys() and all(
        len(one) == len(other) and all(np.array_equal(x, y) for x, y in zip(one, other, strict=True))
        for one, other in pairs
    )


def same_alignment(a: Alignment, b: Alignment) -> bool:
    """As far as it is as old as the index."""
    return a.parts == b.parts and same_means(a.means.passages, b.means.passages) and same_maps(a.maps, b.maps)


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[StoredCollection]:
    with filled(tmp_path / "c") as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredCollection]:
    with filled(tmp_path_factory.mktemp("shared") / "c", 150) as made:
        yield made


@settings(deadline=None, max_examples=50)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(QUERY_LANGS),
    st.integers(1, 400),
    st.one_of(st.none(), st.integers(0, 300)),
)
def test_search_equals_exact_numpy(
    shared: StoredCollection, seed: int, langs: Mapping[str, float], limit: int, subset: int | None
) -> None:
    """With and without a choice of passages among which to search."""
    index, means = open_index(shared), shared.language_means()
    (query,) = unit_vectors(seed, 1, SIZE)
    ids = shared.passage_ids()
    among = None if subset is None else np.random.default_rng(seed).permutation(ids)[:subset]
    chosen = None if among is None else set(among.tolist())
    assert len(index) == len(ids) == 300
    expected = exact(shared, query, langs, means, index.alignment.maps, chosen)
    assert_finds(search(index, query, langs, limit, among), expected, limit)


def test_a_new_index_is_aligned_by_the_means_and_the_scatter_of_the_collection(shared: StoredCollection) -> None:
    """Also for a language that the prior lacks."""
    assert_new(open_index(shared), shared)
    with filled(shared.folder.parent / "korean") as collection:
        collection.put(_of_a_new_language())
        index = open_index(collection)
        assert index.alignment.maps.of.keys() == {"ar", "en", "ja", "ko"}
        assert_new(index, collection)


def test_without_maps_other_passages_are_found(shared: StoredCollection) -> None:
    """Else none of this would tell an index that maps from one that does not."""
    index, means = open_index(shared), shared.language_means()
    changed = 0
    for query in unit_vectors(17, 20, SIZE):
        mapped = exact(shared, query, {"en": 1}, means, index.alignment.maps)
        plain = exact(shared, query, {"en": 1}, means, None)
        changed += set(sorted(mapped, key=mapped.__getitem__)[-10:]) != set(sorted(plain, key=plain.__getitem__)[-10:])
    assert changed >= 10


@pytest.mark.parametrize("lang", ["ar", "en", "ja"])
def test_passages_of_one_language_come_in_the_order_of_the_query_towards_it(
    shared: StoredCollection, lang: str
) -> None:
    """What the scorer multiplies with vectors that are not mapped."""
    index, among = open_index(shared), shared.passage_ids(Filter(langs=(lang,)))
    for query in unit_vectors(23, 5, SIZE):
        aligned = index.alignment.query(query, {"en": 0.5, "ja": 0.5})
        towards = aligned.towards(lang)[:WIDTH] / np.sqrt(0.7)
        expected: dict[int, float] = {}
        for ids, langs, vectors in shared.passage_vectors(among.tolist()):
            rows = index.alignment.passages(vectors, langs)[:, :WIDTH]
            expected |= dict(zip(ids, (rows @ towards).tolist(), strict=True))
        assert_finds(index.search(aligned, 1000, among), expected)


def test_an_index_keeps_a_byte_for_each_component_of_the_first_part(shared: StoredCollection) -> None:
    open_index(shared)
    ids, count = 8, 300
    assert 0 <= vectors_in(shared).stat().st_size - count * (WIDTH + ids) < 400


def test_a_choice_may_name_passages_that_are_not_there(shared: StoredCollection) -> None:
    index = open_index(shared)
    (query,) = unit_vectors(5, 1, SIZE)
    assert search(index, query, {"en": 1}, 10, np.array([7, 999_999], np.int64)).tolist() == [7]


@pytest.mark.parametrize("means", [False, True])
def test_an_index_for_comparison_leaves_out_what_it_should_and_is_never_saved(
    collection: StoredCollection, means: bool
) -> None:
    """Without means it has no maps either."""

    def assert_plain(index: VectorIndex) -> None:
        own = collection.language_means() if means else None
        assert index.version == collection.version()
        for query, langs in zip(unit_vectors(3, 4, SIZE), QUERY_LANGS, strict=True):
            assert_finds(search(index, query, langs, 500), exact(collection, query, langs, own, None))

    assert_plain(open_index(collection, means=means, maps=False))
    if not means:
        assert_plain(open_index(collection, means=False))
    assert not (collection.folder / INDEX).exists()

    open_index(collection)
    saved = _contents_of(collection.folder / INDEX)
    assert_plain(open_index(collection, means=means, maps=False))
    assert _contents_of(collection.folder / INDEX) == saved


def _contents_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_an_empty_collection_has_an_empty_index(tmp_path: Path) -> None:
    with new_collection(tmp_path / "c", PARTS, random_prior(99, PARTS)) as collection:
        for _ in range(2):  # built, then loaded
            index = open_index(collection)
            assert len(index) == index.measured == 0
            assert search(index, unit_vectors(0, 1, SIZE)[0], {"en": 1}, 10).tolist() == []
        collection.put([encoded("a", 1, dimension=SIZE)])
        assert_new(open_index(collection), collection)


@pytest.mark.parametrize("parts", [(Part(SIZE, 1.0),), (Part(4, 0.5), Part(6, 0.25), Part(6, 0.25))])
def test_vectors_may_have_one_part_or_several(tmp_path: Path, parts: Parts) -> None:
    with filled(tmp_path / "c", parts=parts) as collection:
        for _ in range(2):  # built, then loaded
            index = open_index(collection)
            assert_right(index, collection)
            assert len(index.alignment.maps.fallback) == len(index.alignment.maps.generic) == len(parts)


def test_without_prior_and_texts_nothing_is_mapped(tmp_path: Path) -> None:
    with new_collection(tmp_path / "c", PARTS) as collection:
        for _ in range(2):
            index = open_index(collection)
            assert same_maps(index.alignment.maps, LanguageMaps.none(PARTS))


def test_what_was_saved_is_loaded_and_the_same(collection: StoredCollection, monkeypatch: pytest.MonkeyPatch) -> None:
    built = open_index(collection)
    assert_new(built, collection)
    with monkeypatch.context() as patch:
        patch.setattr(StoredCollection, "passage_vectors", _must_not_be_called)
        patch.setattr(StoredCollection, "sentence_sample", _must_not_be_called)
        loaded = open_index(collection)
    assert_new(loaded, collection)
    assert same_alignment(loaded.alignment, built.alignment)
    assert {generic.shape for generic in loaded.alignment.maps.generic} == {(WIDTH, WIDTH), (6, 6)}
    for query, langs in zip(unit_vectors(8, 4, SIZE), QUERY_LANGS, strict=True):
        np.testing.assert_array_equal(search(loaded, query, langs, 1000), search(built, query, langs, 1000))


def _must_not_be_called(*_: object) -> None:
    raise AssertionError("the index was made again")


def test_nothing_else_is_left_in_the_folder(collection: StoredCollection) -> None:
    before = {path.name for path in collection.folder.iterdir()}
    open_index(collection)
    assert {path.name for path in collection.folder.iterdir()} == before | {INDEX}
    held = sorted(path.name for path in (collection.folder / INDEX).iterdir())
    assert held == sorted([vectors_in(collection).name, "lock", "manifest"])


# Catching up


def test_catching_up_with_a_few_changes_finds_what_a_new_index_finds(tmp_path: Path) -> None:
    with filled(tmp_path / "c", 400) as collection:
        old = open_index(collection)
        collection.put([encoded("d5", 777, ["ja"], SIZE), encoded("new", 778, ["ar", "en"], SIZE)])
        collection.delete(["d7", "d59"])
        caught_up = open_index(collection)
        assert_right(caught_up, collection)
        assert same_alignment(caught_up.alignment, old.alignment), "it was built anew, not brought up to date"
        assert caught_up.measured == old.measured != len(caught_up)
        assert 0 < old.alignment.means.passages.drift(collection.language_means().passages) <= MAX_DRIFT

        shutil.rmtree(collection.folder / INDEX)
        fresh = open_index(collection)
        assert_new(fresh, collection)
        assert not same_maps(fresh.alignment.maps, caught_up.alignment.maps)
        found = []
        for query, langs in zip(unit_vectors(31, 4, SIZE), QUERY_LANGS, strict=True):
            before, after = (set(search(index, query, langs, 50).tolist()) for index in (caught_up, fresh))
            found.append(len(before & after))
        assert min(found) >= 45


def test_what_was_caught_up_is_saved(collection: StoredCollection, monkeypatch: pytest.MonkeyPatch) -> None:
    open_index(collection)
    collection.put([encoded("new", 778, ["ar", "en"], SIZE)])
    caught_up = open_index(collection)
    monkeypatch.setattr(StoredCollection, "passage_vectors", _must_not_be_called)
    loaded = open_index(collection)
    assert loaded.version == caught_up.version == collection.version()
    assert loaded.measured == caught_up.measured
    assert same_alignment(loaded.alignment, caught_up.alignment)
    for query in unit_vectors(8, 3, SIZE):
        expected = search(caught_up, query, {"en": 1}, 1000)
        np.testing.assert_array_equal(search(loaded, query, {"en": 1}, 1000), expected)


def test_only_what_has_come_is_read_when_catching_up(
    collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_index(collection)
    collection.put([encoded("new", 778, ["ar", "en"], SIZE)])
    asked: list[list[int]] = []
    read = StoredCollection.passage_vectors

    def spy(self: StoredCollection, ids: list[int]) -> object:
        asked.append(ids)
        return read(self, ids)

    monkeypatch.setattr(StoredCollection, "passage_vectors", spy)
    monkeypatch.setattr(StoredCollection, "sentence_sample", _must_not_be_called)
    open_index(collection)
    assert asked == [collection.passage_ids().tolist()[-2:]]


@settings(deadline=None, max_examples=15)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 70), st.integers(0, 10**6)), min_size=1, max_size=12))
def test_after_any_changes_the_index_is_right(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[bool, int, int]]
) -> None:
    with filled(tmp_path_factory.mktemp("changes") / "c", 30) as collection:
        for number, (delete, document, seed) in enumerate(changes):
            if delete:
                collection.delete([f"d{document}"])
            else:
                collection.put([encoded(f"d{document}", seed, ["en", "ja", "ko"][: 1 + seed % 3], SIZE)])
            if number % 3 == 0:
                open_index(collection)
        assert_right(open_index(collection), collection)


def test_emptying_the_collection_empties_the_index(collection: StoredCollection) -> None:
    open_index(collection)
    collection.delete([f"d{number}" for number in range(60)])
    index = open_index(collection)
    assert len(index) == 0
    assert search(index, unit_vectors(0, 1, SIZE)[0], {"en": 1}, 5).tolist() == []


def _of_a_new_language() -> list[EncodedDocument]:
    """Enough to move its mean away from where the others are."""
    return [encoded(f"ko{number}", 5000 + number, ["ko"] * 3, SIZE) for number in range(20)]


def test_means_that_have_drifted_too_far_make_a_new_index(collection: StoredCollection) -> None:
    old = open_index(collection)
    collection.put(_of_a_new_language())
    assert len(collection.passage_ids()) < MAX_GROWTH * old.measured
    assert old.alignment.means.passages.drift(collection.language_means().passages) > MAX_DRIFT
    assert_new(open_index(collection), collection)


def test_a_collection_that_has_doubled_is_measured_again(
    collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted from when it was measured, however often it was brought up to date since."""
    monkeypatch.setattr(vector_index, "MAX_DRIFT", 9.0)
    old = open_index(collection)
    assert old.measured == 120
    for start in range(1000, 1120, 30):
        collection.put([encoded(f"d{number}", number, ["en"], SIZE) for number in range(start, start + 30)])
        index = open_index(collection)
        assert same_alignment(index.alignment, old.alignment)
        assert index.measured == 120
    assert len(index) == 240
    assert open_index(collection).measured == 120  # as it was saved
    collection.put([encoded("one more", 1, ["en"], SIZE)])
    doubled = open_index(collection)
    assert not same_maps(doubled.alignment.maps, old.alignment.maps)
    assert_new(doubled, collection)
    assert open_index(collection).measured == 241


def test_a_change_while_the_index_is_opened_is_seen_by_the_next(
    collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process commits just after the means were read; what is then saved must not pass for the new state."""
    with StoredCollection.open(collection.folder, writable=True) as other:
        read = StoredCollection.language_means
        moved: list[bool] = []

        def read_then_change(self: StoredCollection) -> object:
            means = read(self)
            if not moved:
                moved.append(True)
                other.put(_of_a_new_language())
            return means

        with monkeypatch.context() as patch:
            patch.setattr(StoredCollection, "language_means", read_then_change)
            open_index(collection)
    assert moved
    assert_right(open_index(collection), collection)


# Files that are not what they should be


def _npy(array: NDArray[np.float64]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _npz(**arrays: NDArray[np.float64]) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def _folder_instead(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "missing": lambda file: file.unlink(),
    "empty": lambda file: file.write_bytes(b""),
    "garbage": lambda file: file.write_bytes(random.Random(1).randbytes(5000)),
    "text": lambda file: file.write_bytes(b"not what you think\n"),
    "half": lambda file: os.truncate(file, file.stat().st_size // 2),
    "one byte short": lambda file: os.truncate(file, file.stat().st_size - 1),
    "one byte changed": lambda file: file.write_bytes(_flipped(file.read_bytes(), file.stat().st_size // 2)),
    "one byte more": lambda file: file.write_bytes(file.read_bytes() + b"\0"),
    "an array": lambda file: file.write_bytes(_npy(np.zeros(3))),
    "other arrays": lambda file: file.write_bytes(_npz(a=np.zeros(3))),
    "no arrays": lambda file: file.write_bytes(_npz()),
    "arrays of other shapes": lambda file: file.write_bytes(
        _npz(**{name: np.zeros((2, 2)) for name in ("version", "langs", "means", "maps0", "fallback", "checksum")})
    ),
    "a folder": _folder_instead,
}


def _flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("which", ["manifest", "vectors"])
def test_a_file_that_is_not_whole_is_made_again_in_silence(
    collection: StoredCollection,
    which: str,
    damage: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_index(collection)
    DAMAGE[damage](collection.folder / MANIFEST if which == "manifest" else vectors_in(collection))
    assert_new(open_index(collection), collection)
    assert capfd.readouterr() == ("", "")
    if (which, damage) != ("manifest", "a folder"):
        with monkeypatch.context() as patch:
            patch.setattr(StoredCollection, "passage_vectors", _must_not_be_called)
            repaired = open_index(collection)
        assert_right(repaired, collection)


def test_whatever_byte_is_wrong_the_index_is_right(tmp_path: Path) -> None:
    with filled(tmp_path / "c", 4) as collection:
        open_index(collection)
        noise = random.Random(3)
        for number in range(80):
            file = collection.folder / MANIFEST if number % 2 else vectors_in(collection)
            good = file.read_bytes()
            place = noise.randrange(len(good))
            if place % 3:
                file.write_bytes(good[:place] + noise.randbytes(1 + place % 4) + good[place + 1 + place % 4 :])
            else:
                file.write_bytes(good[:place])
            index = open_index(collection)
            assert_new(index, collection)


def _changed(collection: StoredCollection, change: Mapping[str, object]) -> None:
    """Save the index with other arrays, as another release might: whole, but not as this one makes it."""
    saved = read_arrays(collection.folder / MANIFEST)
    assert saved
    write_arrays(collection.folder / MANIFEST, {**saved, **{name: np.asarray(array) for name, array in change.items()}})


_PARTS_OF_A_MANIFEST = (
    "format version measured state langs means fallback mapped index digest maps0 maps1 generic0 generic1"
)


@pytest.mark.parametrize("part", _PARTS_OF_A_MANIFEST.split())
def test_an_index_saved_by_a_release_that_saved_something_else_is_made_again(
    collection: StoredCollection, part: str
) -> None:
    open_index(collection)
    saved = read_arrays(collection.folder / MANIFEST)
    assert saved
    assert set(saved) == set(_PARTS_OF_A_MANIFEST.split())
    del saved[part]
    write_arrays(collection.folder / MANIFEST, saved)
    assert_new(open_index(collection), collection)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 1},
        {"format": 2},
        {"format": 3},
        {"format": [4, 4]},
        {"version": "one"},
        {"measured": [1, 2]},
        {"langs": ["en"]},
        {"maps0": np.zeros((4, 9, 9), np.float32)},
        {"maps1": np.zeros((4, WIDTH, WIDTH), np.float32)},
        {"maps1": np.zeros((0, 6, 6), np.float32)},
        {"maps0": np.zeros(3, np.float32)},
        {"mapped": ["ar", "en", "ja", "ko", "zh"]},
        {"index": "0123456789abcdef.faiss"},
        {"index": ""},
        {"index": [1, 2]},
        {"digest": np.zeros(32, np.uint8)},
        {"digest": np.zeros(0, np.uint8)},
    ],
    ids=lambda change: " ".join(f"{name} {np.shape(array) or array}" for name, array in change.items()),
)
def test_an_index_saved_in_another_form_is_made_again(
    collection: StoredCollection, monkeypatch: pytest.MonkeyPatch, change: Mapping[str, object]
) -> None:
    open_index(collection)
    _changed(collection, {})
    with monkeypatch.context() as patch:
        patch.setattr(StoredCollection, "passage_vectors", _must_not_be_called)
        open_index(collection)
    _changed(collection, change)
    with monkeypatch.context() as patch:
        patch.setattr(StoredCollection, "passage_vectors", _must_not_be_called)
        with pytest.raises(AssertionError, match="made again"):
            open_index(collection)
    assert_new(open_index(collection), collection)
    with monkeypatch.context() as patch:
        patch.setattr(StoredCollection, "passage_vectors", _must_not_be_called)
        open_index(collection)


def test_an_index_that_this_release_of_faiss_cannot_read_is_made_again(collection: StoredCollection) -> None:
    open_index(collection)
    for content in (b"IxZZ" + bytes(200), b"", vectors_in(collection).read_bytes()[:-1]):
        vectors_in(collection).write_bytes(content)
        _changed(collection, {"digest": np.frombuffer(blake2b(content, digest_size=32).digest(), np.uint8)})
        assert_new(open_index(collection), collection)


def test_an_older_index_put_back_is_brought_up_to_date(collection: StoredCollection) -> None:
    open_index(collection)
    shutil.copytree(collection.folder / INDEX, collection.folder / "old")
    collection.put([encoded("new", 778, ["ar", "en"], SIZE)])
    collection.delete(["d3"])
    open_index(collection)
    shutil.rmtree(collection.folder / INDEX)
    (collection.folder / "old").rename(collection.folder / INDEX)
    assert_right(open_index(collection), collection)


@pytest.mark.parametrize(
    "parts",
    [(Part(4, 0.7), Part(6, 0.3)), (Part(WIDTH, 0.7), Part(4, 0.3)), (Part(SIZE, 1.0),), (Part(WIDTH, 1.0),)],
    ids=["first part", "second part", "undivided", "one part less"],
)
@pytest.mark.parametrize("same_state", [False, True])
def test_an_index_of_other_parts_is_made_again(tmp_path: Path, parts: Parts, same_state: bool) -> None:
    """Also if by some mistake it bore the collection's own mark."""
    with filled(tmp_path / "other", parts=parts) as other, filled(tmp_path / "c") as collection:
        open_index(other)
        shutil.copytree(other.folder / INDEX, collection.folder / INDEX)
        assert other.version() == collection.version()
        if same_state:
            state = collection.state(collection.version())
            assert state
            _changed(collection, {"state": np.frombuffer(state, np.uint8)})
        assert_new(open_index(collection), collection)


def test_an_index_newer_than_the_collection_is_made_again(tmp_path: Path) -> None:
    """The collection was put back from a backup; the index still is that of later changes."""
    filled(tmp_path / "c").close()
    shutil.copy(tmp_path / "c" / DATABASE, tmp_path / "backup")
    with StoredCollection.open(tmp_path / "c", writable=True) as later:
        later.put([encoded("new", 778, ["ar", "en"], SIZE)])
        later.delete(["d3"])
        open_index(later)
    shutil.copy(tmp_path / "backup", tmp_path / "c" / DATABASE)
    with StoredCollection.open(tmp_path / "c") as restored:
        assert_right(open_index(restored), restored)


def test_an_index_of_another_collection_is_made_again(tmp_path: Path) -> None:
    """As when collection.sqlite alone was removed, and the next run made a new one in the same folder."""
    with filled(tmp_path / "other", start=1000) as other, filled(tmp_path / "c") as collection:
        open_index(other)
        shutil.copytree(other.folder / INDEX, collection.folder / INDEX)
        assert other.version() == collection.version()
        assert_right(open_index(collection), collection)


@pytest.mark.parametrize("further", [0, 1], ids=["as many changes", "more changes"])
def test_an_index_of_changes_that_a_restored_backup_has_not_seen_is_made_again(tmp_path: Path, further: int) -> None:
    """Back to version 1, then on to version 2 again with other documents: ids and versions agree, vectors do not."""
    filled(tmp_path / "c").close()
    shutil.copy(tmp_path / "c" / DATABASE, tmp_path / "backup")
    with StoredCollection.open(tmp_path / "c", writable=True) as lost:
        lost.put([encoded("lost", 778, ["ar", "en"], SIZE)])
        open_index(lost)
    shutil.copy(tmp_path / "backup", tmp_path / "c" / DATABASE)
    with StoredCollection.open(tmp_path / "c", writable=True) as restored:
        restored.put([encoded("found", 900, ["ar", "en"], SIZE)])
        for number in range(further):
            restored.put([encoded(f"more {number}", 901, ["ja"], SIZE)])
        assert_right(open_index(restored), restored)


# Where it cannot be saved


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
def test_in_a_folder_that_cannot_be_written_the_index_is_in_memory(tmp_path: Path) -> None:
    with open_to_all() as folder, filled(folder / "c") as collection:
        (folder / "c").chmod(0o555)
        before = {path.name for path in (folder / "c").iterdir()}
        with without_rights():
            index = open_index(collection)
        assert_right(index, collection)
        assert {path.name for path in (folder / "c").iterdir()} == before


class _NoRoom(io.FileIO):
    """Nothing but its beginning fits."""

    def write(self, data: Any) -> int:
        super().write(data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("stage", ["vectors", "manifest", "moving"])
@pytest.mark.parametrize("state", ["missing", "behind"])
def test_on_a_full_disk_the_index_is_in_memory_and_no_half_file_stays(
    collection: StoredCollection, monkeypatch: pytest.MonkeyPatch, stage: str, state: str
) -> None:
    """What was saved before stays."""
    if state == "behind":
        open_index(collection)
        collection.put([encoded("new", 778, ["ar", "en"], SIZE)])

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    home = collection.folder / INDEX
    before = _contents_of(home) if home.exists() else {"lock": b""}
    with monkeypatch.context() as patch:
        if stage == "vectors":
            open_plainly = Path.open
            patch.setattr(
                Path, "open", lambda own, mode="r", *more: (_NoRoom if mode == "xb" else open_plainly)(own, mode, *more)
            )
        else:
            patch.setattr(*{"manifest": (np, "savez"), "moving": (Path, "replace")}[stage], full)
        index = open_index(collection)
    assert_right(index, collection)
    assert _contents_of(home) == before
    assert_right(open_index(collection), collection)
