"""Whatever happens to a run (a signal, a full disk, missing rights), what was committed stays and the next run goes on.

The oracle is a run to which nothing happened: the same documents, passages, vectors and sums. Runs that are killed or
interrupted at many moments go through a driver in a process of its own, with an encoder that is only slow enough to be
caught; the real command is interrupted once.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer import build, cli, lexical_index, vector_index
from indexer.build import index_documents, open_or_create
from indexer.checked_file import read_arrays
from indexer.collection import Collection
from indexer.documents import Document
from indexer.encoder import Progress
from indexer.errors import CollectionError
from indexer.language_means import LanguageSum, Prior
from tests.fakes import FakeEncoder
from tests.test_collection import (
    NO_PRIOR,
    assert_sums_equal,
    contents,
    encoded,
    new_collection,
    open_to_all,
    recomputed_sums,
    without_rights,
)

ROOT = Path(__file__).parents[1]
MOMENTS = 15
DOCUMENTS = 24
_COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have us ignore it
from indexer import build, cli
build._BATCH_SENTENCES = 150  # a second's work, not seconds'
print("ready", flush=True)
sys.exit(cli.main())
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and rights of POSIX")


class SlowEncoder(FakeEncoder):
    """Takes a while over each batch, so that a signal finds it at work."""

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> NDArray[np.float32]:
        time.sleep(0.01)
        return super().encode_passages(texts, progress)


def documents(edition: int) -> list[Document]:
    """The second edition changes half of the documents of the first and adds as many again."""
    count = DOCUMENTS // 2 if edition == 1 else DOCUMENTS
    words = ("The gas ban", "The drone of", "حظر الغاز", "ウランの話")
    return [
        Document(
            f"d{number}",
            " ".join(f"{words[(number + line) % 4]} {line} of {edition if number % 2 else 1}." for line in range(12)),
            f"Title {number}",
        )
        for number in range(count)
    ]


def write_files(folder: Path, count: int, lines: int) -> None:
    folder.mkdir()
    for number in range(count):
        text = "\n".join(f"Gas ban {number} x {line}." for line in range(lines))
        (folder / f"{number:03}.txt").write_text(text, encoding="utf-8")


def assert_whole(collection: Collection) -> None:
    """With both indexes, and nothing left beside them."""
    assert_sums_equal(collection.sums(), recomputed_sums(collection))
    for name in ("vectors.index", "lexical.index/manifest"):
        saved = read_arrays(collection.folder / name)
        assert saved is not None, name
        assert int(saved["version"]) == collection.version(), name
    assert len([place for place in (collection.folder / "lexical.index").iterdir() if place.is_dir()]) == 1
    for index in (vector_index.open_index(collection), lexical_index.open_index(collection)):
        assert len(index) == len(collection.passage_ids())


# The drivers, each run by itself: python -c "from tests import test_faults; test_faults.killed_runs(...)"


def _fork(work: Callable[[], int]) -> int:
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            status = work()
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    return pid


def _finish(work: Callable[[], int]) -> None:
    _, status = os.waitpid(_fork(work), 0)
    assert os.waitstatus_to_exitcode(status) == 0


def _indexing(folder: Path, edition: int) -> Callable[[], int]:
    def index() -> int:
        encoder = SlowEncoder()
        with open_or_create(folder, encoder) as collection:
            index_documents(documents(edition), collection, encoder)
        return 0

    return index


def _small_batches() -> None:
    build._BATCH_SENTENCES = 25


def killed_runs(base: Path) -> None:
    """Kill runs at moments spread over their whole length; check what is left, finish, compare. Prints how many
    documents each had committed."""
    _small_batches()
    _finish(_indexing(base / "first", 1))
    began = time.perf_counter()
    _finish(_indexing(base / "whole", 2))
    length = time.perf_counter() - began
    with Collection.open(base / "first") as first, Collection.open(base / "whole") as whole:
        older, newer, sums = contents(first), contents(whole), whole.sums()
    moments, committed = random.Random(7), []
    for trial in range(MOMENTS):
        folder = base / f"trial {trial}"
        updating = trial % 2 == 1
        if updating:
            _finish(_indexing(folder, 1))
        pid = _fork(_indexing(folder, 2))
        time.sleep((trial + moments.random()) / MOMENTS * length)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

        count = 0
        if Collection.exists(folder):
            with Collection.open(folder) as left:
                held = contents(left)
                assert_sums_equal(left.sums(), recomputed_sums(left))
            for identifier, row in held.items():
                assert row == newer[identifier] or (updating and row == older[identifier]), identifier
            assert held.keys() >= (older.keys() if updating else set())
            count = sum(row == newer[identifier] for identifier, row in held.items())
        committed.append(count)

        _finish(_indexing(folder, 2))
        with Collection.open(folder) as collection:
            assert contents(collection) == newer
            assert_sums_equal(collection.sums(), sums)
            assert_whole(collection)
    print(json.dumps(committed))


def interrupted_commands(base: Path) -> None:
    """The same with the command and SIGINT. Prints the exit status of each."""
    _small_batches()
    files = base / "files"
    write_files(files, DOCUMENTS, 12)
    reading, writing = os.pipe()

    def load(*_: object) -> FakeEncoder:
        os.write(writing, b"x")
        return SlowEncoder()

    pytest.MonkeyPatch().setattr(cli, "load_encoder", load)

    def command(folder: Path, output: Path) -> Callable[[], int]:
        def run() -> int:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(descriptor, 2)
            status = cli.main(["--collection", str(folder), str(files)])
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            return status

        return run

    def begun(work: Callable[[], int]) -> int:
        pid = _fork(work)
        os.read(reading, 1)
        return pid

    for name in ("prior", "whole"):  # the first computes the prior, which is not to be part of the length
        pid = begun(command(base / name, base / f"{name}.txt"))
        began = time.perf_counter()
        os.waitpid(pid, 0)
        length = time.perf_counter() - began
    with Collection.open(base / "whole") as collection:
        whole, sums = contents(collection), collection.sums()
    moments, statuses = random.Random(8), []
    for trial in range(MOMENTS):
        folder, output = base / f"trial {trial}", base / f"trial {trial}.txt"
        pid = begun(command(folder, output))
        time.sleep(0.9 * (trial + moments.random()) / MOMENTS * length)
        os.kill(pid, signal.SIGINT)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        said = output.read_text()
        if status == 130:
            assert said.count("\n") == 1, said
            assert said.startswith("search-index: interrupted"), said
        else:
            assert status == 0, f"{status}: {said}"
        statuses.append(status)
        held = 0
        if Collection.exists(folder):
            with Collection.open(folder) as left:
                rows = contents(left)
                held = len(rows)
                assert rows == {identifier: whole[identifier] for identifier in rows}
                assert_sums_equal(left.sums(), recomputed_sums(left))
        _finish(command(folder, output))
        os.read(reading, 1)
        assert f"{DOCUMENTS - held} added, 0 changed, {held} unchanged" in output.read_text()
        with Collection.open(folder) as collection:
            assert contents(collection) == whole
            assert_sums_equal(collection.sums(), sums)
            assert_whole(collection)
    print(json.dumps(statuses))


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
        _, status = os.waitpid(_fork(work), 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
        assert not Collection.exists(base / "c")
    _finish(_indexing(base / "c", 2))
    _finish(_indexing(base / "fresh", 2))
    with Collection.open(base / "c") as collection, Collection.open(base / "fresh") as fresh:
        assert contents(collection) == contents(fresh)
        assert_whole(collection)


def simultaneous_runs(base: Path) -> None:
    """Four processes make and fill the same collection at the same time, with some documents in common."""
    _small_batches()
    reading, writing = os.pipe()

    def part(number: int) -> Callable[[], int]:
        def run() -> int:
            encoder = SlowEncoder()
            os.read(reading, 1)
            with open_or_create(base / "c", encoder) as collection:
                index_documents(documents(2)[4 * number : 4 * number + 12], collection, encoder)
            return 0

        return run

    pids = [_fork(part(number)) for number in range(4)]
    os.write(writing, b"xxxx")
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0] * 4
    _finish(_indexing(base / "fresh", 2))
    with Collection.open(base / "c", writable=True) as collection, Collection.open(base / "fresh") as fresh:
        assert contents(collection) == contents(fresh)
        assert_sums_equal(collection.sums(), recomputed_sums(collection))


def full_disk(base: Path) -> None:
    """No file may grow beyond a limit, first so small that not even an empty collection fits."""
    _small_batches()
    pytest.MonkeyPatch().setattr(cli, "load_encoder", lambda *_: FakeEncoder())
    files = base / "files"
    write_files(files, DOCUMENTS, 200)
    _finish(lambda: cli.main(["--collection", str(base / "whole"), str(files)]))

    def limited(limit: int) -> int:
        def run() -> int:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
            return cli.main(["--collection", str(base / "c"), str(files)])

        return os.waitstatus_to_exitcode(os.waitpid(_fork(run), 0)[1])

    print("---", file=sys.stderr, flush=True)
    assert limited(10_000) == 2
    assert not Collection.exists(base / "c")
    print("---", file=sys.stderr, flush=True)
    assert limited(400_000) == 2
    with Collection.open(base / "c") as left, Collection.open(base / "whole") as whole:
        held = contents(left)
        assert 0 < len(held) < DOCUMENTS
        assert held == {identifier: row for identifier, row in contents(whole).items() if identifier in held}
        assert_sums_equal(left.sums(), recomputed_sums(left))
    print("---", file=sys.stderr, flush=True)
    _finish(lambda: cli.main(["--collection", str(base / "c"), str(files)]))
    with Collection.open(base / "c") as collection, Collection.open(base / "whole") as whole:
        assert contents(collection) == contents(whole)
        assert_whole(collection)


def drive(function: Callable[[Path], None], folder: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, pathlib; from tests import test_faults; "
         f"test_faults.{function.__name__}(pathlib.Path(sys.argv[1]))", str(folder)],
        cwd=ROOT, env={**os.environ, "SEARCH_CACHE": str(folder / "cache")}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


# Signals


def test_a_run_killed_at_any_moment_leaves_a_usable_collection_and_the_next_finishes_it(tmp_path: Path) -> None:
    committed = json.loads(drive(killed_runs, tmp_path).stdout)
    assert len(committed) == MOMENTS
    assert sum(0 < count < DOCUMENTS for count in committed) >= 3, f"not killed in the middle: {committed}"


def test_a_command_interrupted_at_any_moment_says_so_in_one_line_and_the_next_finishes_it(tmp_path: Path) -> None:
    statuses = json.loads(drive(interrupted_commands, tmp_path).stdout)
    assert len(statuses) == MOMENTS
    assert statuses.count(130) >= MOMENTS // 2, f"not interrupted in the middle: {statuses}"


def test_a_run_killed_while_it_creates_the_collection_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    drive(killed_creation, tmp_path)


def test_several_processes_may_create_and_fill_a_collection_at_once(tmp_path: Path) -> None:
    drive(simultaneous_runs, tmp_path)


def _search_index(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # two threads on a busy machine mostly wait for each other
    )


def _committed(folder: Path) -> set[str]:
    if not Collection.exists(folder):
        return set()
    with Collection.open(folder) as collection:
        return set(contents(collection))


def test_the_real_command_interrupted_exits_with_130_and_one_line(tmp_path: Path) -> None:
    files, folder = tmp_path / "files", tmp_path / "c"
    write_files(files, 16, 25)
    arguments = ("--collection", str(folder), str(files))
    first = _search_index(*arguments)
    try:
        while not _committed(folder) and first.poll() is None:
            time.sleep(0.1)
        first.send_signal(signal.SIGINT)
        _, said = first.communicate(timeout=60)
    finally:
        first.kill()
    assert first.returncode == 130, said
    assert said.count("\n") == 1, said
    assert said.startswith("search-index: interrupted"), said
    held = _committed(folder)
    assert 0 < len(held) < 16

    second = _search_index(*arguments)
    try:
        _, said = second.communicate(timeout=120)
    finally:
        second.kill()
    assert second.returncode == 0, said
    assert f"{16 - len(held)} added, 0 changed, {len(held)} unchanged, 0 skipped" in said
    assert _committed(folder) == {str(path) for path in files.iterdir()}
    with Collection.open(folder) as collection:
        assert_whole(collection)


def test_the_real_command_interrupted_while_it_loads_the_model_says_so_in_one_line(tmp_path: Path) -> None:
    write_files(tmp_path / "files", 2, 2)
    process = _search_index("--collection", str(tmp_path / "c"), str(tmp_path / "files"))
    try:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert said.count("\n") == 1, said
    assert said.startswith("search-index: interrupted"), said
    assert not Collection.exists(tmp_path / "c")


# A full disk


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "_BATCH_SENTENCES", 25)


def pages(collection: Collection, limit: int | None = None) -> int:
    """How many pages the file has; no more than a limit from now on."""
    (count,) = collection._connection.execute("PRAGMA page_count").fetchone()
    if limit is not None:
        collection._connection.execute(f"PRAGMA max_page_count = {limit}")
    return int(count)


def test_a_change_that_does_not_fit_on_the_disk_is_an_error_and_changes_nothing(tmp_path: Path) -> None:
    with new_collection(tmp_path / "c", prior=NO_PRIOR) as collection:
        collection.put([encoded("a", 1, ["en", "ja"])])
        before, sums = contents(collection), collection.sums()
        pages(collection, pages(collection) + 4)
        with pytest.raises(CollectionError, match="disk is full") as caught:
            collection.put([encoded("a", 5), encoded("big", 2, ["en"] * 1000)])
        assert "\n" not in str(caught.value)
        assert contents(collection) == before
        assert_sums_equal(collection.sums(), sums)
        assert collection.version() == 1

        pages(collection, 1_000_000)
        collection.put([encoded("big", 2, ["en"] * 1000)])
        assert contents(collection).keys() == {"a", "big"}
        assert_sums_equal(collection.sums(), recomputed_sums(collection))


@pytest.mark.usefixtures("own_cache", "small_batches")
def test_a_run_that_fills_the_disk_keeps_its_batches_and_the_next_goes_on(tmp_path: Path, fake: FakeEncoder) -> None:
    with open_or_create(tmp_path / "whole", fake) as collection:
        index_documents(documents(2), collection, fake)
        whole, size = contents(collection), pages(collection)
    with open_or_create(tmp_path / "c", fake) as collection:
        pages(collection, (pages(collection) + size) // 2)
        with pytest.raises(CollectionError, match="disk is full"):
            index_documents(documents(2), collection, fake)
        held = contents(collection)
        assert 0 < len(held) < DOCUMENTS
        assert held == {identifier: whole[identifier] for identifier in held}
        assert_whole(collection)
    with open_or_create(tmp_path / "c", fake) as collection:
        assert index_documents(documents(2), collection, fake).unchanged == len(held)
        assert contents(collection) == whole
        assert_whole(collection)


def test_the_command_on_a_disk_that_fills_says_so_in_one_line_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    _, nothing_fits, not_all_fits, all_fits = drive(full_disk, tmp_path).stderr.split("---\n")
    for said in (nothing_fits, not_all_fits):
        assert said.count("\n") == 1, said
        assert "the disk is full" in said
    assert "0 changed" in all_fits


# Rights


@pytest.fixture
def fake_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "load_encoder", lambda *_: FakeEncoder())


@pytest.mark.usefixtures("own_cache", "fake_command")
@pytest.mark.parametrize("closed", [True, False], ids=["cannot be read", "can be read"])
@pytest.mark.parametrize("command", ["index", "--delete", "status"])
def test_the_command_on_a_collection_without_rights_says_so_in_one_line(
    closed: bool, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_to_all() as folder:
        (folder / "a.txt").write_text("The gas ban.")
        (folder / "b.txt").write_text("The drone ban.")
        target = folder / "c"
        assert cli.main(["--collection", str(target), str(folder / "a.txt")]) == 0
        arguments = {"index": [str(folder / "b.txt")], "--delete": ["--delete", str(folder / "a.txt")]}
        target.chmod(0 if closed else 0o555)
        capsys.readouterr()
        with without_rights():
            status = cli.main(["--collection", str(target), *arguments.get(command, ["status"])])
        out, said = capsys.readouterr()
        if command == "status" and not closed:
            assert (status, said) == (0, "")
            assert "documents   1 " in out
        else:
            assert status == 2, said
            assert said.count("\n") == 1, said
            assert "rights" in said
        target.chmod(0o755)
        assert _committed(target) == {str(folder / "a.txt")}


@pytest.mark.usefixtures("own_cache", "fake_command")
@pytest.mark.parametrize("existing", [False, True], ids=["new", "existing"])
def test_the_command_where_it_may_not_write_says_so_in_one_line(
    existing: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_to_all() as folder:
        (folder / "a.txt").write_text("The gas ban.")
        (folder / "b.txt").write_text("The drone ban.")
        target = folder / "c"
        if existing:
            assert cli.main(["--collection", str(target), str(folder / "a.txt")]) == 0
            target.chmod(0o555)
        folder.chmod(0o555)
        capsys.readouterr()
        with without_rights():
            status = cli.main(["--collection", str(target), str(folder / "b.txt")])
        said = capsys.readouterr().err
        assert status == 2, said
        assert said.count("\n") == 1, said
        assert "rights" in said
        assert _committed(target) == ({str(folder / "a.txt")} if existing else set())
