"""The file of a collection is opened wherever it can be, and never without what was committed last."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.database import FILE
from indexer.errors import CollectionError
from indexer.stored_collection import StoredCollection
from tests.filled import change, filled, full_disk
from tests.test_stored_collection import contents


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_on_a_completely_full_disk_a_collection_can_be_read(tmp_path: Path) -> None:
    with filled(tmp_path / "c") as collection:
        expected = contents(collection)
    assert {file.name for file in (tmp_path / "c").glob("*.sqlite*")} == {"collection.sqlite"}
    with full_disk(0), StoredCollection.open(tmp_path / "c") as opened:
        assert contents(opened) == expected


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_commits_that_are_not_in_the_file_yet_are_never_left_out_for_a_full_disk(tmp_path: Path) -> None:
    with filled(tmp_path / "c") as collection:
        collection.delete(["d1"])
        copy = shutil.copytree(tmp_path / "c", tmp_path / "killed")
    (copy / "collection.sqlite-shm").unlink()
    assert (copy / "collection.sqlite-wal").stat().st_size
    with full_disk(0), pytest.raises(CollectionError, match="full") as caught:
        StoredCollection.open(copy)
    assert "\n" not in str(caught.value)
    with StoredCollection.open(copy) as opened:
        assert "d1" not in contents(opened)


def test_documents_are_counted_by_an_index_which_a_writer_adds_to_a_collection_that_was_made_without(
    tmp_path: Path,
) -> None:
    with filled(tmp_path / "c") as collection:
        expected = collection.statistics()
    assert "documents_by_language" in _plan(tmp_path / "c")
    change(collection, "DROP INDEX documents_by_language")
    assert "documents_by_language" not in _plan(tmp_path / "c")
    with StoredCollection.open(tmp_path / "c") as reader:
        assert replace(reader.statistics(), bytes=expected.bytes) == expected
    StoredCollection.open(tmp_path / "c", writable=True).close()
    assert "documents_by_language" in _plan(tmp_path / "c")


def _plan(folder: Path) -> str:
    with closing(sqlite3.connect(folder / FILE)) as connection:
        counting = "EXPLAIN QUERY PLAN SELECT lang, count(*) FROM documents GROUP BY lang"
        return str(connection.execute(counting).fetchall())
