"""A run that is killed at any moment leaves a sound collection, and the next run goes on.

The oracle is a run to which nothing happened over the same files. Whatever is to be killed is forked from a driver in a
process of its own, with an encoder that is only slow enough to be caught; it says through a pipe how far it is, so that
kills fall on every stage however busy the machine is.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from indexer import build, lexical_index, vector_index
from indexer.build import open_or_create
from indexer.language_means import LanguageSum, Prior
from indexer.stored_collection import StoredCollection
from indexer.updating import update
from tests.faults import (
    SlowEncoder,
    SteadyEncoder,
    Writes,
    change_few_files,
    count_files,
    drive,
    exit_status,
    few_files,
    finish,
    fork,
    indexing,
    prose,
    quick_folder,
    remove,
    run_small,
    words,
)
from tests.soundness import (
    LEFT_OVER,
    PROMISES,
    Complaints,
    Contents,
    Expectation,
    assert_same,
    assert_whole,
    left_over,
)
from tests.test_stored_collection import NO_PRIOR, contents, new_collection

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

KILLS = 200
COLLECTIONS = 4


# Runs that are killed

# What a run says of itself, a letter each.
_BEGUN, _CHANGING, _CHANGED, _VECTORS, _WORDS, _INDEXED = "s()vwi"
_STAGES = {
    _BEGUN: "before anything is committed",
    _CHANGING: "in the middle of a change",
    _CHANGED: "between changes",
    _VECTORS: "while the index of vectors is made",
    _WORDS: "while the index of words is made",
    _INDEXED: "after both indexes",
}
_WANTED = [_BEGUN, *[_CHANGING, _CHANGED] * 4, _VECTORS, _WORDS, _INDEXED]
_MOMENTS = {_BEGUN: 0.015, _CHANGING: 0.004, _CHANGED: 0.01, _VECTORS: 0.01, _WORDS: 0.03, _INDEXED: 0.001}
"""Seconds that a stage lasts at least on a quick machine; kills fall within them."""


_OPENS = "what was committed is there"
_READ_TO_ITS_END = "a file that counts as read to its end has all its documents"
_GOES_ON = "a run goes on from what is left"
_DONE = "another run has nothing to do"
_PROMISES = (*PROMISES, _OPENS, _READ_TO_ITS_END, _GOES_ON, _DONE)


class Files:
    """A folder that changes: texts, pages of a site with lines that repeat, copies, and JSON Lines."""

    def __init__(self, root: Path, chance: random.Random) -> None:
        self.root = root
        self._chance = chance
        self._times = count(1_700_000_000)
        self._numbers = count()
        self._given: dict[Path, dict[str, str]] = {}
        self._earlier: list[tuple[Path, bytes, int, dict[str, str]]] = []
        self.held: dict[tuple[str, int, int], dict[str, str]] = {}
        """Path, size and time of change -> the documents of a file that looks like that."""
        self._menu = [" ".join(words(chance, 3)).title() for _ in range(2)]
        self._article = prose(chance, 4)
        self._rows = {f"row {number}": prose(chance, 2) for number in range(12)}
        for _ in range(5):
            self.add_text()
        for _ in range(7):
            self.add_page()
        for _ in range(3):
            self.add_copy()
        self._write_rows(root / "rows.jsonl")

    def change(self) -> None:
        chance = self._chance
        changes: list[Callable[[], object]] = [
            self.add_text,
            lambda: self._text(chance.choice(self._named("texts")), prose(chance, 2)),
            lambda: self._remove(chance.choice(self._named("texts"))) if len(self._named("texts")) > 2 else None,
            lambda: self._rename(chance.choice(self._named("texts")), f"texts/{next(self._numbers):03}.txt"),
            self.add_page,
            lambda: self._page(chance.choice(self._named("site"))),
            lambda: self._remove(chance.choice(self._named("site"))) if len(self._named("site")) > 6 else None,
            self.add_copy,
            lambda: self._remove(chance.choice(self._named("copies"))) if len(self._named("copies")) > 1 else None,
            lambda: self._touch(chance.choice(list(self._given))),
            *[self.change_rows] * 4,
            *[lambda: self._rename(self._rows_file(), chance.choice(["rows.jsonl", "moved.jsonl", "a.jsonl"]))] * 2,
            *[self.put_back] * 3,
        ]
        for _ in range(chance.randint(2, 5)):
            chance.choice(changes)()

    def add_text(self) -> None:
        self._text(self.root / f"texts/{next(self._numbers):03}.txt", prose(self._chance, 2))

    def add_page(self) -> None:
        self._page(self.root / f"site/{next(self._numbers):03}.txt")

    def add_copy(self) -> None:
        """Light additions, so that all are alike."""
        text = f"{self._article}\n\n{' '.join(words(self._chance, 3))}."
        self._text(self.root / f"copies/{next(self._numbers):03}.txt", text)

    def change_rows(self) -> None:
        for identifier in self._chance.sample(sorted(self._rows), 3):
            self._rows[identifier] = prose(self._chance, 2)
        for identifier in self._chance.sample(sorted(self._rows), 2):
            del self._rows[identifier]
        self._rows |= {f"row {next(self._numbers) + 100}": prose(self._chance, 2) for _ in range(2)}
        self._write_rows(self._rows_file())

    def put_back(self) -> None:
        """A file as it was before, with its time, as from a backup."""
        there = [own for own in self._earlier if own[0] in self._given]
        if there:
            rows = [own for own in there if own[0].suffix == ".jsonl"]
            path, content, time_of_change, documents = self._chance.choice([*there[-4:], *rows[-4:]])
            self._write(path, content, documents, time_of_change)
            if path.suffix == ".jsonl":
                self._rows = dict(documents)

    def _named(self, folder: str) -> list[Path]:
        return [path for path in self._given if path.parent.name == folder]

    def _rows_file(self) -> Path:
        return next(path for path in self._given if path.suffix == ".jsonl")

    def _page(self, path: Path) -> None:
        top, bottom = self._menu
        heading = " ".join(words(self._chance, 3))
        self._text(path, "\n\n".join([top, heading, prose(self._chance, 3), bottom]))

    def _text(self, path: Path, text: str) -> None:
        self._write(path, text.encode(), {str(path): text})

    def _write_rows(self, path: Path) -> None:
        rows = [json.dumps({"id": own, "text": text}) for own, text in self._rows.items()]
        rows.insert(self._chance.randint(0, len(rows)), "not JSON")
        self._write(path, "\n".join(rows).encode(), dict(self._rows))

    def _write(self, path: Path, content: bytes, documents: dict[str, str], moment: int | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path in self._given:
            self._earlier.append((path, path.read_bytes(), path.stat().st_mtime_ns, self._given[path]))
        path.write_bytes(content)
        self._given[path] = documents
        self._touch(path, moment)

    def _touch(self, path: Path, moment: int | None = None) -> None:
        moment = moment or next(self._times) * 1_000_000_000
        os.utime(path, ns=(moment, moment))
        self._note(path)

    def _rename(self, path: Path, name: str) -> None:
        target = self.root / name
        if target == path:
            return
        path.rename(target)
        given = self._given.pop(path)
        self._given[target] = given if path.suffix == ".jsonl" else {str(target): given[str(path)]}
        self._note(target)

    def _remove(self, path: Path) -> None:
        path.unlink()
        del self._given[path]

    def _note(self, path: Path) -> None:
        status = path.stat()
        self.held[str(path), status.st_size, status.st_mtime_ns] = self._given[path]


class KilledRuns:
    """A collection whose runs are killed, over and over, while its files change."""

    def __init__(self, base: Path, chance: random.Random, complaints: Complaints) -> None:
        self.stages: Counter[str] = Counter()
        self._base = base
        self._chance = chance
        self._complaints = complaints
        self._folder = base / "c"
        self._files = Files(base / "files", chance)
        self._runs = 0
        self._wrong = False
        self._expect({})

    def run(self, kills: int) -> None:
        """In the end one run is left alone, and another one that has nothing to do."""
        while sum(self.stages.values()) < kills:
            stage = self._killed()
            if stage is None:
                self._check_end()
            else:
                self.stages[stage] += 1
                self._check_left(stage)
                if self._chance.random() < 0.15:
                    self._finish()
            if self._wrong:  # else it would be complained of again and again
                remove(self._folder)
                self._expected.before, self._wrong = {}, False
            if stage is None or self._chance.random() < 0.3:
                self._files.change()
                self._expect(self._expected.before)
        self._check_rest()

    def _expect(self, before: Contents) -> None:
        self._expected = Expectation(self._base / "expected", self._files.root, before)

    def _begin(self) -> tuple[int, int]:
        """A run's process, and where it says how far it is."""
        self._runs += 1
        reading, writing = os.pipe()

        def run() -> int:
            _say_how_far(lambda letter: os.write(writing, letter.encode()))
            encoder = SlowEncoder(0.002)
            os.write(writing, _BEGUN.encode())
            with open_or_create(self._folder, encoder) as collection:
                update([str(self._files.root)], collection, encoder)
            return 0

        pid = fork(run)
        os.close(writing)
        return pid, reading

    def _killed(self) -> str | None:
        """The stage in which the run was killed; None for one that was quicker."""
        wanted, or_else = self._chance.choice(_WANTED), self._chance.choice(_WANTED[-3:])
        times = self._chance.randint(1, 3) if wanted in (_CHANGING, _CHANGED) else 1
        pid, reading = self._begin()
        said = ""
        with os.fdopen(reading, "rb", buffering=0) as pipe:
            while letter := pipe.read(1).decode():
                said += letter
                if said.count(wanted) == times or letter == or_else:
                    break
            time.sleep(self._chance.random() * _MOMENTS[said[-1]])
            os.kill(pid, signal.SIGKILL)
            said += pipe.read().decode()
        return _STAGES[said[-1]] if self._ended(pid) == -signal.SIGKILL else None

    def _finish(self) -> None:
        pid, reading = self._begin()
        with os.fdopen(reading, "rb") as pipe:
            pipe.read()
        self._ended(pid)
        self._check_end()

    def _ended(self, pid: int) -> int:
        status = exit_status(pid)
        if status not in (0, -signal.SIGKILL):
            self._complaints.add(_GOES_ON, f"{self._where}: exit status {status}")
        return status

    @property
    def _where(self) -> str:
        return f"run {self._runs} of {self._base.name}"

    def _check_left(self, stage: str) -> None:
        """In a copy, since opening mends what is derived."""
        where = f"{self._where}, killed {stage}"
        if not StoredCollection.exists(self._folder):
            self._complaints.check(_OPENS, where, assert_same, {}, self._expected.before)
            return
        place = self._base / "left"
        shutil.copytree(self._folder, place)
        with StoredCollection.open(place) as left:
            self._expected.check_left(self._complaints, where, left)
            self._complaints.check(_READ_TO_ITS_END, where, self._assert_files_have_their_documents, left)
            self._expected.before = contents(left)
        remove(place)

    def _assert_files_have_their_documents(self, left: StoredCollection) -> None:
        for record in left.files.below(os.sep):
            if record.size >= 0:
                documents = [left.document(identifier) for identifier in left.files.documents(record.path)]
                held = {document.id: document.text for document in documents if document}
                assert_same(held, self._files.held[record.path, record.size, record.modified])

    def _check_end(self) -> None:
        complaints = len(self._complaints)
        with StoredCollection.open(self._folder) as collection:
            self._expected.check_end(self._complaints, f"{self._where}, finished", collection)
            self._expected.before = contents(collection)
        self._wrong = len(self._complaints) > complaints

    def _check_rest(self) -> None:
        _make_old(self._folder)
        self._files.change()
        self._expect(self._expected.before)
        self._finish()
        self._complaints.check(LEFT_OVER, self._where, assert_same, left_over(self._folder), [])
        with StoredCollection.open(self._folder) as collection:
            version = collection.version()
        self._finish()
        with StoredCollection.open(self._folder) as collection:
            self._complaints.check(_DONE, self._where, assert_same, collection.version(), version)


def _say_how_far(say: Callable[[str], object]) -> None:
    def around(owner: Any, name: str, before: str, after: str = "") -> None:
        work = getattr(owner, name)

        def saying(*given: Any, **named: Any) -> Any:
            say(before)
            result = work(*given, **named)
            say(after)
            return result

        pytest.MonkeyPatch().setattr(owner, name, saying)

    for change in ("put", "forget", "leave_out"):
        around(StoredCollection, change, _CHANGING, _CHANGED)
    around(vector_index, "open_index", _VECTORS)
    around(lexical_index, "open_index", _WORDS, _INDEXED)


def killed_runs(base: Path) -> None:
    """Prints how many kills fell on which stage, and what was found wrong."""
    patch = pytest.MonkeyPatch()
    patch.setattr(build, "_BATCH_SENTENCES", 4)
    patch.setattr(build, "prior_of", lambda _: NO_PRIOR)
    stages: Counter[str] = Counter()
    complaints = Complaints()
    for number in range(COLLECTIONS):
        runs = KilledRuns(base / f"collection {number}", random.Random(number), complaints)
        runs.run(KILLS // COLLECTIONS)
        stages += runs.stages
    print(json.dumps({"stages": stages, "complaints": complaints.of}))


@pytest.fixture(scope="module")
def killed() -> Any:
    with quick_folder() as folder:
        return json.loads(drive(killed_runs, folder).stdout)


def test_kills_fall_on_every_stage_of_a_run(killed: Any) -> None:
    assert sum(killed["stages"].values()) == KILLS
    assert killed["stages"].keys() == set(_STAGES.values())
    among_changes = killed["stages"][_STAGES[_CHANGING]] + killed["stages"][_STAGES[_CHANGED]]
    assert among_changes >= KILLS // 10, killed["stages"]


@pytest.mark.parametrize("promise", _PROMISES)
def test_runs_that_are_killed_at_any_moment_keep(promise: str, killed: Any) -> None:
    assert killed["complaints"].get(promise, []) == []


def test_nothing_else_is_said_of_killed_runs(killed: Any) -> None:
    assert killed["complaints"].keys() <= set(_PROMISES)


# Runs that are killed instead of one of their writes


def _make_old(folder: Path) -> None:
    """What a process leaves that was killed may only be taken for that when it is old enough."""
    for name in left_over(folder):
        os.utime(folder / name, (1, 1))


def killed_instead_of_writes(base: Path) -> None:
    """Instead of what is done with files: first, second, ... until there is none left. Prints how many there are, and
    what was found wrong."""
    run_small(pytest.MonkeyPatch())
    files, made, folder = base / "files", base / "made", base / "c"
    complaints = Complaints()

    def run(place: Path, number: int = 0) -> int:
        def work() -> int:
            count_files(pytest.MonkeyPatch(), Writes(number, lambda _: signal.raise_signal(signal.SIGKILL)))
            with open_or_create(place, SteadyEncoder()) as collection:
                update([str(files)], collection, SteadyEncoder())
            return 0

        return exit_status(fork(work))

    few_files(files)
    assert run(made) == 0
    change_few_files(files)
    with StoredCollection.open(made) as collection:
        expected = Expectation(base / "expected", files, contents(collection))
    for number in count(1):
        shutil.copytree(made, folder)
        if not run(folder, number):
            break
        where = f"killed instead of write {number}"
        with StoredCollection.open(folder) as left:
            expected.check_left(complaints, where, left, indexes=False)
        _make_old(folder)
        if status := run(folder):
            complaints.add(_GOES_ON, f"{where}: exit status {status}")
        complaints.check(LEFT_OVER, where, assert_same, left_over(folder), [])
        with StoredCollection.open(folder) as ended:
            expected.check_end(complaints, where, ended)
        remove(folder)
    print(json.dumps({"writes": number, "complaints": complaints.of}))


@pytest.fixture(scope="module")
def killed_writing() -> Any:
    with quick_folder() as folder:
        return json.loads(drive(killed_instead_of_writes, folder).stdout)


def test_runs_are_killed_instead_of_each_write(killed_writing: Any) -> None:
    assert killed_writing["writes"] > 20, "the index of words was not brought up to date, but made again"


@pytest.mark.parametrize("promise", _PROMISES)
def test_runs_that_are_killed_while_they_write_keep(promise: str, killed_writing: Any) -> None:
    assert killed_writing["complaints"].get(promise, []) == []


# A collection that is being made


def killed_creation(base: Path) -> None:
    """Killed with the first transaction of all open, and again just after it, each time in a process with the same id,
    as ids in containers are."""
    pytest.MonkeyPatch().setattr(os, "getpid", lambda: 7)

    def kill(*_: object) -> Any:
        signal.raise_signal(signal.SIGKILL)

    class Killing(dict[str, LanguageSum]):
        items = kill

    def killed_in_the_transaction() -> int:
        new_collection(base / "c", prior=Prior(Killing(), {}, {}))
        return 0

    def killed_after_it() -> int:
        pytest.MonkeyPatch().setattr(os, "link", kill)
        new_collection(base / "c")
        return 0

    for work in (killed_in_the_transaction, killed_after_it):
        assert exit_status(fork(work)) == -signal.SIGKILL
        assert not StoredCollection.exists(base / "c")
    finish(indexing(base / "c", 2))
    finish(indexing(base / "fresh", 2))
    with StoredCollection.open(base / "c") as collection, StoredCollection.open(base / "fresh") as fresh:
        assert contents(collection) == contents(fresh)
        assert_whole(collection)


def test_a_run_killed_while_it_creates_the_collection_leaves_nothing_in_the_way() -> None:
    with quick_folder() as folder:
        drive(killed_creation, folder)


def killed_once_it_was_created(base: Path) -> None:
    """Before the name under which it was written is removed."""
    link = os.link

    def link_and_kill(*names: Any) -> None:
        link(*names)
        signal.raise_signal(signal.SIGKILL)

    def killed() -> int:
        pytest.MonkeyPatch().setattr(os, "link", link_and_kill)
        new_collection(base / "c")
        return 0

    assert exit_status(fork(killed)) == -signal.SIGKILL
    assert StoredCollection.exists(base / "c")
    finish(indexing(base / "c", 1))
    _make_old(base / "c")  # and with it the collection, which is the same file by another name
    finish(indexing(base / "c", 2))
    assert left_over(base / "c") == [], left_over(base / "c")


def test_a_run_killed_once_it_has_created_the_collection_leaves_nothing_over() -> None:
    with quick_folder() as folder:
        drive(killed_once_it_was_created, folder)
