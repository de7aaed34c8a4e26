"""Compacting gives back space, and loses nothing."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from indexer import compaction, lexical_index, vector_index
from indexer.build import update_indexes
from indexer.compaction import compact
from indexer.errors import CollectionError
from indexer.saved_lexical_index import SavedLexicalIndex, counted_in
from indexer.stored_collection import StoredCollection
from indexer.verification import verify
from tests.filled import filled, full_disk
from tests.test_stored_collection import (
    DATABASE,
    contents,
    encoded,
    open_to_all,
    without_rights,
)


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[StoredCollection]:
    with filled(tmp_path / "c") as made:
        yield made


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes are waited for a moment only."""
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **options: connect(*given, **{**options, "timeout": 0.05}))


def test_compacting_gives_back_the_space_of_what_is_gone_and_nothing_else(tmp_path: Path) -> None:
    with filled(tmp_path / "c") as collection:
        collection.put([encoded("long", 7, ["en"] * 4000)])
        collection.delete(["long", "d3"])
        update_indexes(collection)
        expected, ids, version = contents(collection), collection.passage_ids().tolist(), collection.version()
        size = collection.statistics().bytes
        before, after = compact(collection)
        assert before == size
        assert after == collection.statistics().bytes < before / 4
        assert contents(collection) == expected
        assert (collection.passage_ids().tolist(), collection.version()) == (ids, version)
        assert verify(collection) == []
        assert len(lexical_index.open_index(collection)) == len(ids)
        assert compact(collection)[1] == pytest.approx(after, abs=5_000)


def test_after_compacting_no_id_is_given_again(collection: StoredCollection) -> None:
    last = collection.passage_ids().tolist()[-1]
    collection.delete(["d11"])
    compact(collection)
    collection.put([encoded("new", 3, ["en"])])
    assert collection.passage_ids().tolist()[-1] == last + 1


def test_compacting_leaves_no_deleted_passages_in_the_index_of_words(collection: StoredCollection) -> None:
    """Deleted ones count in the frequencies of words until then."""

    def counted() -> int:
        saved = SavedLexicalIndex.read(collection.folder / "lexical.index")
        assert saved is not None
        return counted_in(saved.folder)

    collection.delete(["d3"])
    update_indexes(collection)
    assert counted() == 36
    compact(collection)
    assert counted() == 33


def test_compacting_measures_anew_where_half_of_the_passages_have_gone(
    collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_index, "MAX_DRIFT", 10)  # which asks for it as well

    def measured() -> int:
        return vector_index.open_index(collection).measured

    collection.delete([f"d{number}" for number in range(5)])
    compact(collection)
    assert measured() == 36
    collection.delete(["d5", "d6"])
    compact(collection)
    assert measured() == 15
    assert verify(collection) == []


def test_compacting_keeps_the_last_marks(collection: StoredCollection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "_STATES", 4)
    for seed in range(9):
        collection.put([encoded("d1", seed)])
    marks = {version: collection.state(version) for version in range(11)}
    assert None not in marks.values()
    compact(collection)
    assert {version: collection.state(version) for version in range(11)} == {
        version: marks[version] if version > 6 else None for version in range(11)
    }
    assert verify(collection) == []


def test_a_collection_can_be_written_and_read_by_others_after_compacting(collection: StoredCollection) -> None:
    with (
        StoredCollection.open(collection.folder) as reader,
        StoredCollection.open(collection.folder, writable=True) as writer,
    ):
        before = contents(reader)
        compact(collection)
        assert contents(reader) == before
        writer.put([encoded("new", 5)])
        assert contents(reader).keys() == contents(collection).keys() == {*before, "new"}


@pytest.mark.usefixtures("impatient")
def test_while_another_process_writes_there_is_no_compacting(collection: StoredCollection) -> None:
    before = contents(collection)
    with closing(sqlite3.connect(collection.folder / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CollectionError, match="another process is writing") as caught:
            compact(collection)
        assert "\n" not in str(caught.value)
        other.execute("ROLLBACK")
    assert contents(collection) == before
    compact(collection)


@pytest.mark.usefixtures("impatient")
def test_while_another_process_is_in_the_middle_of_reading_there_is_no_compacting(collection: StoredCollection) -> None:
    with StoredCollection.open(collection.folder) as reader:
        with reader.snapshot():
            before = contents(reader)
            collection.put([encoded("new", 3)])
            with pytest.raises(CollectionError, match="another process is reading") as caught:
                compact(collection)
            assert "\n" not in str(caught.value)
            assert contents(reader) == before
        compact(collection)
        assert contents(reader).keys() == {*before, "new"}


def test_compacting_on_a_full_disk_is_an_error_of_one_line_and_loses_nothing(tmp_path: Path) -> None:
    with filled(tmp_path / "c", 200) as collection:
        before = contents(collection)
        with full_disk(100_000), pytest.raises(CollectionError, match="disk is full") as caught:
            compact(collection)
        assert "\n" not in str(caught.value)
        assert contents(collection) == before
        assert verify(collection) == []


@pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")
def test_without_rights_there_is_no_compacting(tmp_path: Path) -> None:
    filled(tmp_path / "c").close()
    with open_to_all() as folder:
        shutil.copytree(tmp_path / "c", folder / "c")
        (folder / "c" / DATABASE).chmod(0o444)
        (folder / "c").chmod(0o555)
        with (
            without_rights(),
            StoredCollection.open(folder / "c") as reader,
            pytest.raises(CollectionError, match="rights") as caught,
        ):
            compact(reader)
        assert "\n" not in str(caught.value)
