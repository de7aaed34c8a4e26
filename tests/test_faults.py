"""Every write of a run fails once: what was committed stays, the error is one line, and the next run makes it good.

For n = 1, 2, 3, ... the n-th write of a run fails, until a run has no n-th write: first the SQL statements that write,
then what is done with files. A run makes a collection, or brings one up to date with files that have changed.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from indexer.build import open_or_create
from indexer.errors import SearchError
from indexer.stored_collection import StoredCollection
from indexer.updating import update
from tests.faults import (
    SteadyEncoder,
    Writes,
    change_few_files,
    count_files,
    count_statements,
    few_files,
    quick_folder,
    remove,
    run_small,
    without_indexes,
)
from tests.soundness import (
    LEFT_OVER,
    PROMISES,
    Complaints,
    Contents,
    Expectation,
    assert_same,
    left_over,
)
from tests.test_stored_collection import contents

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files that are open cannot be removed there")

_ONE_LINE = "an error is one line that says what to do"
_DOES_ALL = "a run without an error has done everything"
_GOES_ON = "the next run goes on"
_PROMISES = (*PROMISES, _ONE_LINE, _DOES_ALL, _GOES_ON)


class FailingRuns:
    """Runs over the same files, each of them with another write that fails."""

    def __init__(self, base: Path, kind: str, complaints: Complaints) -> None:
        self._base = base
        self._of_statements = kind == "statements"
        self._files = base / "files"
        self._complaints = complaints
        few_files(self._files)

    def of_a_new_collection(self) -> int:
        return self._of_all_writes(None, {})

    def of_an_update(self) -> int:
        made = self._base / "made"
        self._run(made)
        change_few_files(self._files)
        with StoredCollection.open(made) as collection:
            before = contents(collection)
        return self._of_all_writes(made, before)

    def _of_all_writes(self, made: Path | None, before: Contents) -> int:
        """Returns how many there are."""
        self._expected = Expectation(self._base / "expected", self._files, before)
        for number in count(1):
            folder = self._base / f"{number}"
            if made:
                shutil.copytree(made, folder)
            # No statement that writes is of the indexes.
            indexes = not self._of_statements or number % 4 == 0
            with pytest.MonkeyPatch.context() as patch:
                if not indexes:
                    without_indexes(patch)
                if not self._fails(folder, number, indexes=indexes):
                    return number - 1
            remove(folder)
        raise AssertionError

    def _fails(self, folder: Path, number: int, *, indexes: bool) -> bool:
        """A run with a write that fails, and the next one: with the collection still open, or as another process.
        Returns whether there was such a write."""
        writes = Writes(number, _fail_in_sqlite if self._of_statements else _fail_in_the_file_system)
        with ExitStack() as opened:
            error: BaseException | None = None
            collection: StoredCollection | None = None
            try:
                with pytest.MonkeyPatch.context() as patch:
                    (count_statements if self._of_statements else count_files)(patch, writes)
                    collection = opened.enter_context(open_or_create(folder, SteadyEncoder()))
                    update([str(self._files)], collection, SteadyEncoder())
            except Exception as caught:  # noqa: BLE001  # whatever it is, it is judged
                error = caught
            where = f"{'update' if self._expected.before else 'new'}, {number} ({' '.join(writes.last.split())[:60]})"
            self._check_left(folder, where, error)
            if not writes.happened:
                return False
            if number % 2:
                opened.close()
                collection = None
            self._complaints.check(_GOES_ON, where, self._run, folder, collection)
            self._complaints.check(LEFT_OVER, f"{where}, next run", assert_same, left_over(folder), [])
            with StoredCollection.open(folder) as ended:
                self._expected.check_end(self._complaints, where, ended, indexes=indexes)
        return True

    def _run(self, folder: Path, collection: StoredCollection | None = None) -> None:
        if collection:
            update([str(self._files)], collection, SteadyEncoder())
            return
        with open_or_create(folder, SteadyEncoder()) as opened:
            update([str(self._files)], opened, SteadyEncoder())

    def _check_left(self, folder: Path, where: str, error: BaseException | None) -> None:
        self._complaints.check(LEFT_OVER, where, assert_same, left_over(folder), [])
        if error:
            self._complaints.check(_ONE_LINE, where, _assert_one_line, error)
        if StoredCollection.exists(folder):
            with StoredCollection.open(folder) as left:
                self._expected.check_left(self._complaints, where, left, indexes=False)
                if not error:
                    expected = self._expected.after["documents"]
                    self._complaints.check(_DOES_ALL, where, assert_same, contents(left), expected)


def _fail_in_sqlite(what: str) -> None:
    raise sqlite3.OperationalError("database or disk is full" if "INSERT" in what else "disk I/O error")


def _fail_in_the_file_system(what: str) -> None:
    if what == "tantivy":
        raise ValueError("An IO error occurred: 'No space left on device (os error 28)'")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _assert_one_line(error: BaseException) -> None:
    assert isinstance(error, SearchError), repr(error)
    assert "\n" not in str(error)
    assert "free space" in str(error), str(error)


@dataclass
class Faults:
    """What came of it: promises that were not kept, and how many writes a run has."""

    complaints: dict[str, list[str]]
    writes: int


@pytest.fixture(scope="module", params=["statements", "files"])
def faults(request: pytest.FixtureRequest) -> Faults:
    complaints = Complaints()
    with pytest.MonkeyPatch.context() as patch, quick_folder() as folder:
        run_small(patch)
        writes = FailingRuns(folder / "new", request.param, complaints).of_a_new_collection()
        writes += FailingRuns(folder / "changed", request.param, complaints).of_an_update()
    return Faults(complaints.of, writes)


def test_each_write_has_failed(faults: Faults) -> None:
    assert faults.writes > 30


@pytest.mark.parametrize("promise", _PROMISES)
def test_a_run_of_which_any_write_fails_keeps(promise: str, faults: Faults) -> None:
    assert faults.complaints.get(promise, []) == []


def test_nothing_else_is_said_of_failing_runs(faults: Faults) -> None:
    assert faults.complaints.keys() <= set(_PROMISES)
