"""A command that is interrupted says so in one line, what was committed stays, and the next one goes on from there.

Most run in processes forked from a driver, with an encoder that is only slow enough to be caught; the real command is
interrupted as well.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import build, cli
from indexer.build import open_or_create
from indexer.stored_collection import StoredCollection
from indexer.updating import update
from tests.faults import (
    DOCUMENTS,
    ROOT,
    SlowEncoder,
    SteadyEncoder,
    committed,
    drive,
    few_files,
    finish,
    fork,
    quick_folder,
    run_small,
    write_files,
)
from tests.soundness import assert_whole
from tests.test_stored_collection import assert_sums_equal, contents, recomputed_sums

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

MOMENTS = 15
_COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have us ignore it
from indexer import build, cli
build._BATCH_SENTENCES = 150  # a second's work, not seconds'
print("ready", flush=True)
sys.exit(cli.main())
"""


def interrupted_commands(base: Path) -> None:
    """At moments spread over the whole length of a run; the next one finishes. Prints the exit status of each."""
    pytest.MonkeyPatch().setattr(build, "_BATCH_SENTENCES", 25)
    files = base / "files"
    write_files(files, DOCUMENTS, 12)
    reading, writing = os.pipe()

    def load(*_: object) -> SteadyEncoder:
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
        pid = fork(work)
        os.read(reading, 1)
        return pid

    for name in ("prior", "whole"):  # the first computes the prior, which is not to be part of the length
        pid = begun(command(base / name, base / f"{name}.txt"))
        began = time.perf_counter()
        os.waitpid(pid, 0)
        length = time.perf_counter() - began
    with StoredCollection.open(base / "whole") as collection:
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
        if StoredCollection.exists(folder):
            with StoredCollection.open(folder) as left:
                rows = contents(left)
                held = len(rows)
                assert rows == {identifier: whole[identifier] for identifier in rows}
                assert_sums_equal(left.sums(), recomputed_sums(left))
        finish(command(folder, output))
        os.read(reading, 1)
        assert f"{DOCUMENTS - held} added, 0 changed, {held} unchanged" in output.read_text()
        with StoredCollection.open(folder) as collection:
            assert contents(collection) == whole
            assert_sums_equal(collection.sums(), sums)
            assert_whole(collection)
    print(json.dumps(statuses))


def test_a_command_interrupted_at_any_moment_says_so_in_one_line_and_the_next_finishes_it() -> None:
    with quick_folder() as folder:
        statuses = json.loads(drive(interrupted_commands, folder).stdout)
    assert len(statuses) == MOMENTS
    assert statuses.count(130) >= MOMENTS // 2, f"not interrupted in the middle: {statuses}"


def _search_index(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # two threads on a busy machine mostly wait for each other
    )


def test_the_real_command_interrupted_exits_with_130_and_one_line(tmp_path: Path) -> None:
    files, folder = tmp_path / "files", tmp_path / "c"
    write_files(files, 16, 25)
    arguments = ("--collection", str(folder), str(files))
    first = _search_index(*arguments)
    try:
        while not committed(folder) and first.poll() is None:
            time.sleep(0.1)
        first.send_signal(signal.SIGINT)
        _, said = first.communicate(timeout=60)
    finally:
        first.kill()
    assert first.returncode == 130, said
    assert said.count("\n") == 1, said
    assert said.startswith("search-index: interrupted"), said
    held = committed(folder)
    assert 0 < len(held) < 16

    second = _search_index(*arguments)
    try:
        _, said = second.communicate(timeout=120)
    finally:
        second.kill()
    assert second.returncode == 0, said
    assert f"{16 - len(held)} added, 0 changed, {len(held)} unchanged, 0 skipped" in said
    assert committed(folder) == {str(path) for path in files.iterdir()}
    with StoredCollection.open(folder) as collection:
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
    assert not StoredCollection.exists(tmp_path / "c")


def test_a_file_that_is_moved_and_moved_back_after_an_interruption_keeps_its_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_small(monkeypatch)
    files, encoder = tmp_path / "files", SteadyEncoder()
    few_files(files)
    with open_or_create(tmp_path / "c", encoder) as collection:
        update([str(files)], collection, encoder)
        before = contents(collection)
        (files / "rows.jsonl").rename(files / "moved.jsonl")
        with monkeypatch.context() as patch:
            patch.setattr(StoredCollection, "forget", interrupt)
            with pytest.raises(KeyboardInterrupt):
                update([str(files)], collection, encoder)
        (files / "moved.jsonl").rename(files / "rows.jsonl")
        update([str(files)], collection, encoder)
        assert contents(collection) == before


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt
