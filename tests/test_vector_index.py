"""The index finds what exact numpy finds, however it came about: built, loaded, caught up, or made again.

The oracle centres the stored vectors in double precision and sorts all cosines.
"""

from __future__ import annotations

import errno
import io
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.checked_file import read_arrays, write_arrays
from indexer.collection import Collection
from indexer.language_means import LanguageSum, MeanTable, Prior
from indexer.records import EncodedDocument
from indexer.vector_index import MAX_DRIFT, VectorIndex, open_index
from tests.test_collection import DATABASE, encoded, new_collection, open_to_all, unit_vectors, without_rights

Vectors = NDArray[np.float32]

INDEX = "vectors.index"
SIZE = 16


def prior_for(dimension: int = SIZE) -> Prior:
    """Means well away from zero, so that an index that does not centre is not right by chance."""
    langs = ("ar", "en", "ja")
    means = 0.4 * unit_vectors(99, len(langs), dimension).astype(np.float64)
    return Prior(
        {lang: LanguageSum(10, 10 * mean, 10, 10 * mean) for lang, mean in zip(langs, means, strict=True)},
        {lang: np.zeros(dimension) for lang in langs},
    )


def filled(folder: Path, documents: int = 60, dimension: int = SIZE, start: int = 0) -> Collection:
    collection = new_collection(folder, dimension, prior_for(dimension))
    langs = [["en", "ja"], ["ar"], ["ja", "en", "en"]]
    collection.put(
        [
            encoded(f"d{number}", start + number, langs[number % 3], dimension)
            for number in range(start, start + documents)
        ]
    )
    return collection


def exact(
    collection: Collection, query: Vectors, means: MeanTable | None, among: set[int] | None = None
) -> list[tuple[int, float]]:
    """All passages (of `among`) with their cosine, best first, in double precision."""
    found = []
    for ids, langs, vectors in collection.passage_vectors():
        for identifier, lang, vector in zip(ids, langs, vectors.astype(np.float64), strict=True):
            if among is None or identifier in among:
                centred = vector - means[lang] if means else vector
                found.append((identifier, float(query @ centred / np.linalg.norm(centred))))
    return sorted(found, key=lambda item: -item[1])


def assert_finds(
    got: tuple[NDArray[np.int64], Vectors], expected: list[tuple[int, float]], limit: int = 1_000_000
) -> None:
    """The first `limit` of all, each with its own cosine; those that are equal to rounding may change places."""
    ids, cosines = got[0].tolist(), got[1].tolist()
    own = dict(expected)
    assert len(ids) == len(set(ids)) == min(limit, len(expected))
    np.testing.assert_allclose(cosines, [own[identifier] for identifier in ids], atol=2e-6)
    np.testing.assert_allclose(cosines, [cosine for _, cosine in expected[:limit]], atol=2e-6)


def assert_right(index: VectorIndex, collection: Collection) -> None:
    """Everything is found in the right order, with the collection's means of now or those that the index names."""
    assert index.version == collection.version()
    assert len(index) == len(collection.passage_ids())
    assert index.means.drift(collection.language_means().passages) <= MAX_DRIFT
    for query in unit_vectors(1234, 3, collection.dimension):
        assert_finds(index.search(query, 1_000_000), exact(collection, query, index.means))


def same_means(a: MeanTable, b: MeanTable) -> bool:
    return a.drift(b) == 0 and a.of.keys() == b.of.keys() and bool((a.fallback == b.fallback).all())


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    with filled(tmp_path / "c") as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    with filled(tmp_path_factory.mktemp("shared") / "c", 150) as made:
        yield made


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.one_of(st.none(), st.integers(0, 300)))
def test_search_equals_exact_numpy(shared: Collection, seed: int, limit: int, subset: int | None) -> None:
    """With and without a choice of passages among which to search."""
    index, means = open_index(shared), shared.language_means().passages
    (query,) = unit_vectors(seed, 1, SIZE)
    ids = shared.passage_ids()
    among = None if subset is None else np.random.default_rng(seed).permutation(ids)[:subset]
    chosen = None if among is None else set(among.tolist())
    assert len(index) == len(ids) == 300
    assert_finds(index.search(query, limit, among), exact(shared, query, means, chosen), limit)


def test_a_choice_may_name_passages_that_are_not_there(shared: Collection) -> None:
    index = open_index(shared)
    (query,) = unit_vectors(5, 1, SIZE)
    got = index.search(query, 10, np.array([7, 999_999], np.int64))
    assert_finds(got, exact(shared, query, index.means, {7}))


def test_the_plain_index_does_not_centre_and_is_never_saved(collection: Collection) -> None:
    plain = open_index(collection, centred=False)
    assert not (collection.folder / INDEX).exists()
    assert plain.version == collection.version()
    (query,) = unit_vectors(3, 1, SIZE)
    assert_finds(plain.search(query, 500), exact(collection, query, None))

    open_index(collection)
    saved = (collection.folder / INDEX).read_bytes()
    again = open_index(collection, centred=False)
    assert_finds(again.search(query, 500), exact(collection, query, None))
    assert (collection.folder / INDEX).read_bytes() == saved


def test_an_empty_collection_has_an_empty_index(tmp_path: Path) -> None:
    with new_collection(tmp_path / "c", SIZE, prior_for()) as collection:
        for _ in range(2):  # built, then loaded
            index = open_index(collection)
            assert len(index) == 0
            ids, cosines = index.search(unit_vectors(0, 1, SIZE)[0], 10)
            assert (ids.tolist(), cosines.tolist()) == ([], [])
        collection.put([encoded("a", 1, dimension=SIZE)])
        assert_right(open_index(collection), collection)


def test_what_was_saved_is_loaded_and_the_same(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    built = open_index(collection)
    assert_right(built, collection)
    with monkeypatch.context() as patch:
        patch.setattr(Collection, "passage_vectors", _must_not_be_called)
        loaded = open_index(collection)
    assert_right(loaded, collection)
    assert same_means(loaded.means, built.means)
    for query in unit_vectors(8, 5, SIZE):
        expected = built.search(query, 1000)
        got = loaded.search(query, 1000)
        np.testing.assert_array_equal(got[0], expected[0])
        np.testing.assert_array_equal(got[1], expected[1])


def _must_not_be_called(*_: object) -> None:
    raise AssertionError("the index was made again")


def test_nothing_else_is_left_in_the_folder(collection: Collection) -> None:
    before = {path.name for path in collection.folder.iterdir()}
    open_index(collection)
    assert {path.name for path in collection.folder.iterdir()} == before | {INDEX}


# Catching up


def test_catching_up_with_a_few_changes_finds_what_a_new_index_finds(tmp_path: Path) -> None:
    with filled(tmp_path / "c", 400) as collection:
        old = open_index(collection).means
        collection.put([encoded("d5", 777, ["ja"], SIZE), encoded("new", 778, ["ar", "en"], SIZE)])
        collection.delete(["d7", "d59"])
        caught_up = open_index(collection)
        assert_right(caught_up, collection)
        assert same_means(caught_up.means, old), "it was built anew, not brought up to date"
        drift = old.drift(collection.language_means().passages)
        assert 0 < drift <= MAX_DRIFT

        (collection.folder / INDEX).unlink()
        fresh = open_index(collection)
        assert same_means(fresh.means, collection.language_means().passages)
        for query in unit_vectors(31, 5, SIZE):
            before, after = (_by_id(index.search(query, 1000)) for index in (caught_up, fresh))
            assert before.keys() == after.keys()
            # A direction turns by at most twice the drift over the length of what is left of the vector, here over 0.4.
            assert max(abs(before[identifier] - after[identifier]) for identifier in before) <= 2 * drift / 0.4


def _by_id(found: tuple[NDArray[np.int64], Vectors]) -> dict[int, float]:
    return dict(zip(found[0].tolist(), found[1].tolist(), strict=True))


def test_what_was_caught_up_is_saved(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    open_index(collection)
    collection.put([encoded("new", 778, ["ar", "en"], SIZE)])
    caught_up = open_index(collection)
    monkeypatch.setattr(Collection, "passage_vectors", _must_not_be_called)
    loaded = open_index(collection)
    assert loaded.version == caught_up.version == collection.version()
    for query in unit_vectors(8, 3, SIZE):
        np.testing.assert_array_equal(loaded.search(query, 1000)[0], caught_up.search(query, 1000)[0])


def test_only_what_has_come_is_read_when_catching_up(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    open_index(collection)
    collection.put([encoded("new", 778, ["ar", "en"], SIZE)])
    asked: list[list[int]] = []
    read = Collection.passage_vectors

    def spy(self: Collection, ids: list[int]) -> object:
        asked.append(ids)
        return read(self, ids)

    monkeypatch.setattr(Collection, "passage_vectors", spy)
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


def test_emptying_the_collection_empties_the_index(collection: Collection) -> None:
    open_index(collection)
    collection.delete([f"d{number}" for number in range(60)])
    index = open_index(collection)
    assert len(index) == 0
    assert index.search(unit_vectors(0, 1, SIZE)[0], 5)[0].tolist() == []


def _of_a_new_language() -> list[EncodedDocument]:
    """Enough to move its mean away from where the others are."""
    return [encoded(f"ko{number}", 5000 + number, ["ko"] * 3, SIZE) for number in range(20)]


def test_means_that_have_drifted_too_far_make_a_new_index(collection: Collection) -> None:
    old = open_index(collection).means
    collection.put(_of_a_new_language())
    now = collection.language_means().passages
    assert old.drift(now) > MAX_DRIFT
    index = open_index(collection)
    assert same_means(index.means, now)
    assert_right(index, collection)


def test_a_change_while_the_index_is_opened_is_seen_by_the_next(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process commits just after the means were read; what is then saved must not pass for the new state."""
    with Collection.open(collection.folder, writable=True) as other:
        read = Collection.language_means
        moved: list[bool] = []

        def read_then_change(self: Collection) -> object:
            means = read(self)
            if not moved:
                moved.append(True)
                other.put(_of_a_new_language())
            return means

        with monkeypatch.context() as patch:
            patch.setattr(Collection, "language_means", read_then_change)
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
        _npz(**{name: np.zeros((2, 2)) for name in ("version", "langs", "means", "fallback", "checksum")})
    ),
    "a folder": _folder_instead,
}


def _flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_that_is_not_whole_is_made_again_in_silence(
    collection: Collection, damage: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    open_index(collection)
    DAMAGE[damage](collection.folder / INDEX)
    assert_right(open_index(collection), collection)
    assert capfd.readouterr() == ("", "")
    if damage != "a folder":
        with monkeypatch.context() as patch:
            patch.setattr(Collection, "passage_vectors", _must_not_be_called)
            repaired = open_index(collection)
        assert_right(repaired, collection)


def test_whatever_byte_is_wrong_the_index_is_right(tmp_path: Path) -> None:
    with filled(tmp_path / "c", 4) as collection:
        open_index(collection)
        file = collection.folder / INDEX
        good = file.read_bytes()
        noise = random.Random(3)
        for place in noise.sample(range(len(good)), 80):
            file.write_bytes(good)
            if place % 3:
                file.write_bytes(good[:place] + noise.randbytes(1 + place % 4) + good[place + 1 + place % 4 :])
            else:
                file.write_bytes(good[:place])
            index = open_index(collection)
            assert_right(index, collection)
            assert same_means(index.means, collection.language_means().passages)


@pytest.mark.parametrize("part", ["version", "state", "langs", "means", "fallback", "index"])
def test_an_index_saved_by_a_release_that_saved_something_else_is_made_again(collection: Collection, part: str) -> None:
    open_index(collection)
    saved = read_arrays(collection.folder / INDEX)
    assert saved
    del saved[part]
    write_arrays(collection.folder / INDEX, saved)
    assert_right(open_index(collection), collection)


def test_an_index_that_this_release_of_faiss_cannot_read_is_made_again(collection: Collection) -> None:
    open_index(collection)
    saved = read_arrays(collection.folder / INDEX)
    assert saved
    write_arrays(collection.folder / INDEX, {**saved, "index": np.frombuffer(b"IxZZ" + bytes(200), np.uint8)})
    assert_right(open_index(collection), collection)


def test_an_older_index_put_back_is_brought_up_to_date(collection: Collection) -> None:
    open_index(collection)
    old = (collection.folder / INDEX).read_bytes()
    collection.put([encoded("new", 778, ["ar", "en"], SIZE)])
    collection.delete(["d3"])
    open_index(collection)
    (collection.folder / INDEX).write_bytes(old)
    assert_right(open_index(collection), collection)


def test_an_index_of_another_dimension_is_made_again(tmp_path: Path) -> None:
    with filled(tmp_path / "small", dimension=4) as small, filled(tmp_path / "c") as collection:
        open_index(small)
        shutil.copy(small.folder / INDEX, collection.folder / INDEX)
        assert small.version() == collection.version()
        assert_right(open_index(collection), collection)


def test_an_index_newer_than_the_collection_is_made_again(tmp_path: Path) -> None:
    """The collection was put back from a backup; the index still is that of later changes."""
    filled(tmp_path / "c").close()
    shutil.copy(tmp_path / "c" / DATABASE, tmp_path / "backup")
    with Collection.open(tmp_path / "c", writable=True) as later:
        later.put([encoded("new", 778, ["ar", "en"], SIZE)])
        later.delete(["d3"])
        open_index(later)
    shutil.copy(tmp_path / "backup", tmp_path / "c" / DATABASE)
    with Collection.open(tmp_path / "c") as restored:
        assert_right(open_index(restored), restored)


def test_an_index_of_another_collection_is_made_again(tmp_path: Path) -> None:
    """As when collection.sqlite alone was removed, and the next run made a new one in the same folder."""
    with filled(tmp_path / "other", start=1000) as other, filled(tmp_path / "c") as collection:
        open_index(other)
        shutil.copy(other.folder / INDEX, collection.folder / INDEX)
        assert other.version() == collection.version()
        assert_right(open_index(collection), collection)


@pytest.mark.parametrize("further", [0, 1], ids=["as many changes", "more changes"])
def test_an_index_of_changes_that_a_restored_backup_has_not_seen_is_made_again(tmp_path: Path, further: int) -> None:
    """Back to version 1, then on to version 2 again with other documents: ids and versions agree, vectors do not."""
    filled(tmp_path / "c").close()
    shutil.copy(tmp_path / "c" / DATABASE, tmp_path / "backup")
    with Collection.open(tmp_path / "c", writable=True) as lost:
        lost.put([encoded("lost", 778, ["ar", "en"], SIZE)])
        open_index(lost)
    shutil.copy(tmp_path / "backup", tmp_path / "c" / DATABASE)
    with Collection.open(tmp_path / "c", writable=True) as restored:
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


def test_on_a_full_disk_the_index_is_in_memory_and_no_half_file_stays(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name for path in collection.folder.iterdir()}

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        index = open_index(collection)
    assert_right(index, collection)
    assert {path.name for path in collection.folder.iterdir()} == before
    assert_right(open_index(collection), collection)
