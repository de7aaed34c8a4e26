"""A disk that fills up while a run writes: what was committed stays, one line says so, the next run goes on."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from indexer import build, cli
from indexer.build import index_documents, open_or_create
from indexer.errors import CollectionError
from indexer.stored_collection import StoredCollection
from indexer.updating import update
from tests.faults import (
    DOCUMENTS,
    SteadyEncoder,
    committed,
    documents,
    drive,
    exit_status,
    finish,
    fork,
    prose,
    quick_folder,
    write_files,
)
from tests.soundness import assert_whole, left_over
from tests.test_stored_collection import NO_PRIOR, assert_sums_equal, contents, encoded, new_collection, recomputed_sums

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "_BATCH_SENTENCES", 25)


def pages(collection: StoredCollection, limit: int | None = None) -> int:
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
def test_a_run_that_fills_the_disk_keeps_its_batches_and_the_next_goes_on(tmp_path: Path) -> None:
    steady = SteadyEncoder()
    with open_or_create(tmp_path / "whole", steady) as collection:
        index_documents(documents(2), collection, steady)
        whole, size = contents(collection), pages(collection)
    with open_or_create(tmp_path / "c", steady) as collection:
        pages(collection, (pages(collection) + size) // 2)
        with pytest.raises(CollectionError, match="disk is full"):
            index_documents(documents(2), collection, steady)
        held = contents(collection)
        assert 0 < len(held) < DOCUMENTS
        assert held == {identifier: whole[identifier] for identifier in held}
        assert_whole(collection)
    with open_or_create(tmp_path / "c", steady) as collection:
        assert index_documents(documents(2), collection, steady).unchanged == len(held)
        assert contents(collection) == whole
        assert_whole(collection)


def full_disk(base: Path) -> None:
    """No file may grow beyond a limit, first so small that not even an empty collection fits."""
    import resource  # Windows has none

    pytest.MonkeyPatch().setattr(build, "_BATCH_SENTENCES", 25)
    pytest.MonkeyPatch().setattr(cli, "load_encoder", lambda *_: SteadyEncoder())
    files = base / "files"
    write_files(files, DOCUMENTS, 200)
    finish(lambda: cli.main(["--collection", str(base / "whole"), str(files)]))

    def limited(limit: int) -> int:
        def run() -> int:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
            return cli.main(["--collection", str(base / "c"), str(files)])

        return exit_status(fork(run))

    print("---", file=sys.stderr, flush=True)
    assert limited(10_000) == 2
    assert not StoredCollection.exists(base / "c")
    print("---", file=sys.stderr, flush=True)
    assert limited(400_000) == 2
    with StoredCollection.open(base / "c") as left, StoredCollection.open(base / "whole") as whole:
        held = contents(left)
        assert 0 < len(held) < DOCUMENTS
        assert held == {identifier: row for identifier, row in contents(whole).items() if identifier in held}
        assert_sums_equal(left.sums(), recomputed_sums(left))
    print("---", file=sys.stderr, flush=True)
    finish(lambda: cli.main(["--collection", str(base / "c"), str(files)]))
    with StoredCollection.open(base / "c") as collection, StoredCollection.open(base / "whole") as whole:
        assert contents(collection) == contents(whole)
        assert_whole(collection)


def test_the_command_on_a_disk_that_fills_says_so_in_one_line_and_goes_on_when_there_is_room() -> None:
    with quick_folder() as folder:
        _, nothing_fits, not_all_fits, all_fits = drive(full_disk, folder).stderr.split("---\n")
    for said in (nothing_fits, not_all_fits):
        assert said.count("\n") == 1, said
        assert "the disk is full" in said
    assert "0 changed" in all_fits


# A disk that is small


_OWN_MOUNTS = ("unshare", "--user", "--map-root-user", "--mount")


def small_disks(base: Path) -> None:
    """A run on disks of ever more room, each of which gets as much as it needs for the next run."""
    patch = pytest.MonkeyPatch()
    patch.setattr(build, "_BATCH_SENTENCES", 8)
    patch.setattr(build, "prior_of", lambda _: NO_PRIOR)
    files, disk = base / "files", base / "disk"
    files.mkdir()
    disk.mkdir()
    chance = random.Random(3)
    for number in range(8):
        (files / f"{number}.txt").write_text(prose(chance, 12), encoding="utf-8")

    def room(size: str, *options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}", *options]), "none", disk], check=True)

    def run() -> int:
        encoder = SteadyEncoder()
        try:
            with open_or_create(disk / "c", encoder) as collection:
                update([str(files)], collection, encoder)
        except CollectionError as error:
            return 2 if "free space" in str(error) and "\n" not in str(error) else 3
        return 0

    outcomes = []
    for size in range(100, 1_000, 60):
        room(f"{size}k")
        outcomes.append(exit_status(fork(run)))
        assert outcomes[-1] in (0, 2), outcomes
        assert left_over(disk / "c") == []
        room("20m", "remount")
        assert len(committed(disk / "c")) == 8 or outcomes[-1] == 2
        finish(run)
        with StoredCollection.open(disk / "c") as collection:
            assert_whole(collection)
            assert len(contents(collection)) == 8
        subprocess.run(["umount", disk], check=True)
    print(json.dumps(outcomes))


def test_a_run_on_a_disk_of_any_size_says_in_one_line_that_it_is_full_and_goes_on_when_there_is_room() -> None:
    if (
        not shutil.which("unshare")
        or subprocess.run([*_OWN_MOUNTS, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no file systems of one's own can be mounted here")
    with quick_folder() as folder:
        outcomes = json.loads(drive(small_disks, folder, within=_OWN_MOUNTS).stdout)
    assert outcomes == sorted(outcomes, reverse=True)
    assert set(outcomes) == {0, 2}, "neither a disk that was too small for all, nor one that was large enough"
