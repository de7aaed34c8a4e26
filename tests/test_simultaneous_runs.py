"""Several processes may make and fill a collection at the same time."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import build
from indexer.build import index_documents, open_or_create
from indexer.stored_collection import StoredCollection
from tests.faults import SlowEncoder, documents, drive, exit_status, finish, fork, indexing, quick_folder
from tests.test_stored_collection import assert_sums_equal, contents, recomputed_sums

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes of POSIX")


def simultaneous_runs(base: Path) -> None:
    """Four processes make and fill the same collection at the same time, with some documents in common."""
    pytest.MonkeyPatch().setattr(build, "_BATCH_SENTENCES", 25)
    reading, writing = os.pipe()

    def part(number: int) -> Callable[[], int]:
        def run() -> int:
            encoder = SlowEncoder()
            os.read(reading, 1)
            with open_or_create(base / "c", encoder) as collection:
                index_documents(documents(2)[4 * number : 4 * number + 12], collection, encoder)
            return 0

        return run

    pids = [fork(part(number)) for number in range(4)]
    os.write(writing, b"xxxx")
    assert [exit_status(pid) for pid in pids] == [0] * 4
    finish(indexing(base / "fresh", 2))
    with StoredCollection.open(base / "c", writable=True) as collection, StoredCollection.open(base / "fresh") as fresh:
        assert contents(collection) == contents(fresh)
        assert_sums_equal(collection.sums(), recomputed_sums(collection))


def test_several_processes_may_create_and_fill_a_collection_at_once() -> None:
    with quick_folder() as folder:
        drive(simultaneous_runs, folder)
