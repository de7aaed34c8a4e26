"""A copy of a collection holds all of it, or is not there."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.backup import backup
from indexer.build import update_indexes
from indexer.errors import CollectionError
from indexer.stored_collection import StoredCollection
from indexer.verification import verify
from tests.filled import filled, full_disk, snapshot_of
from tests.test_stored_collection import (
    DATABASE,
    assert_sums_equal,
    contents,
    encoded,
    new_collection,
    open_to_all,
    without_rights,
)

AGAIN = "it is made again when the collection is next opened for searching"


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[StoredCollection]:
    with filled(tmp_path / "c") as made:
        yield made


def test_a_copy_holds_all_that_the_collection_holds(tmp_path: Path, collection: StoredCollection) -> None:
    told: list[tuple[int, int]] = []
    target = tmp_path / "deep" / "copy"
    size = backup(collection, target, lambda done, total: told.append((done, total)))
    assert [file.name for file in target.iterdir()] == [DATABASE]
    assert size == (target / DATABASE).stat().st_size
    assert told[-1][0] == told[-1][1] == size // 4096
    with StoredCollection.open(target, writable=True) as copy:
        assert contents(copy) == contents(collection)
        assert_sums_equal(copy.sums(), collection.sums())
        assert copy.version() == collection.version()
        missing = f"not there, not whole, or of another release; {AGAIN}"
        assert verify(copy) == [f"vectors.index: {missing}", f"lexical.index: {missing}"]
        update_indexes(copy)
        assert verify(copy) == []
        copy.put([encoded("new", 3)])
        assert contents(copy).keys() == {*contents(collection), "new"}


def test_an_empty_folder_may_be_there(tmp_path: Path, collection: StoredCollection) -> None:
    (tmp_path / "copy").mkdir()
    backup(collection, tmp_path / "copy")
    with StoredCollection.open(tmp_path / "copy") as copy:
        assert contents(copy) == contents(collection)


@pytest.mark.parametrize("what", ["a collection", "a folder with a file", "a file", "itself"])
def test_what_holds_anything_is_refused_and_left_as_it_is(
    tmp_path: Path, collection: StoredCollection, what: str
) -> None:
    target = tmp_path / "copy"
    if what == "a collection":
        new_collection(target).close()
    elif what == "a folder with a file":
        target.mkdir()
        (target / ".hidden").write_text("x", encoding="utf-8")
    elif what == "a file":
        target.write_text("x", encoding="utf-8")
    else:
        target = collection.folder
    before = snapshot_of(tmp_path)
    with pytest.raises(CollectionError, match="not an empty folder; name a new one"):
        backup(collection, target)
    assert snapshot_of(tmp_path) == before


def test_a_copy_is_of_the_state_at_the_beginning_and_does_not_begin_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much another process writes."""
    monkeypatch.setattr("indexer.backup._PAGES", 1)
    with filled(tmp_path / "c", 60) as collection, StoredCollection.open(tmp_path / "c") as reader:
        before, seeds, steps = contents(reader), iter(range(1000)), []

        def meanwhile(done: int, total: int) -> None:
            steps.append(done)
            seed = next(seeds)
            collection.put([encoded(f"d{seed % 60}", 100 + seed, ["ar"] * 5)])

        backup(reader, tmp_path / "copy", meanwhile)
        assert len(steps) > 20
        assert steps == sorted(set(steps))
        assert collection.version() == 1 + len(steps)
    with StoredCollection.open(tmp_path / "copy") as copy:
        assert contents(copy) == before
        assert copy.version() == 1
        assert len(verify(copy)) == 2


def test_on_a_full_disk_nothing_is_left(tmp_path: Path, collection: StoredCollection) -> None:
    for target in (tmp_path / "copy", tmp_path / "empty"):
        if target.name == "empty":
            target.mkdir()
        with full_disk(20_000), pytest.raises(CollectionError, match="the disk is full or failing") as caught:
            backup(collection, target)
        assert str(caught.value).startswith(str(target))
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "copy").exists()
    assert list((tmp_path / "empty").iterdir()) == []


def test_of_an_interrupted_copy_nothing_is_left(tmp_path: Path, collection: StoredCollection) -> None:
    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup(collection, tmp_path / "copy", interrupt)
    assert not (tmp_path / "copy").exists()
    backup(collection, tmp_path / "copy")


def test_a_collection_that_is_gone_by_now_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with filled(tmp_path / "c") as collection:
        (tmp_path / "c" / DATABASE).write_bytes(b"garbage" * 1000)
        with pytest.raises(CollectionError, match="is damaged") as caught:
            backup(collection, tmp_path / "copy")
    assert str(caught.value).startswith(str(tmp_path / "c"))
    assert not (tmp_path / "copy").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")
@pytest.mark.parametrize("existing", [False, True])
def test_where_nothing_can_be_written_the_error_speaks_of_rights(tmp_path: Path, existing: bool) -> None:
    filled(tmp_path / "c").close()
    with open_to_all() as folder:
        shutil.copytree(tmp_path / "c", folder / "c")
        shutil.rmtree(folder / "c" / "lexical.index")
        place = folder / "closed"
        place.mkdir()
        for path in (folder / "c", folder / "c" / DATABASE):
            path.chmod(0o777)
        place.chmod(0o555)
        target = place if existing else place / "copy"
        with without_rights(), StoredCollection.open(folder / "c") as reader:
            with pytest.raises(CollectionError, match="rights") as caught:
                backup(reader, target)
            assert str(caught.value).startswith(str(target))
            assert "\n" not in str(caught.value)
        assert list(place.iterdir()) == []
