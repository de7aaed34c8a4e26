"""One saved index serves many processes: they share its pages, and none of them changes or misses what another uses."""

from __future__ import annotations

import json
import mmap
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from indexer import faiss_file, saved_vector_index, vector_index
from indexer.build import update_indexes
from indexer.checked_file import read_arrays, write_arrays
from indexer.folder_lock import alone
from indexer.saved_vector_index import SavedVectorIndex, remove_abandoned
from indexer.stored_collection import StoredCollection
from indexer.vector_index import VectorIndex, load_saved, open_index, saved_ids
from tests.faults import ROOT
from tests.test_stored_collection import encoded, open_to_all, unit_vectors, without_rights
from tests.test_vector_index import INDEX, MANIFEST, SIZE, assert_new, assert_right, filled, search, vectors_in

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what is mapped")
POSIX = pytest.mark.skipif(os.name == "nt", reason="POSIX's files and signals")


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[StoredCollection]:
    with filled(tmp_path / "c") as made:
        yield made


def is_mapped(index: VectorIndex) -> bool:
    held: Any = faiss.downcast_index(index.index.index)
    return not held.codes.is_owned


def found_by(index: VectorIndex) -> list[list[int]]:
    return [search(index, query, {"en": 0.5, "ar": 0.5}, 1_000).tolist() for query in unit_vectors(77, 3, SIZE)]


def in_home(collection: StoredCollection) -> list[str]:
    return sorted(file.name for file in (collection.folder / INDEX).iterdir())


def assert_at_rest(collection: StoredCollection) -> None:
    """Nothing is there but what the manifest names."""
    manifest = read_arrays(collection.folder / MANIFEST)
    assert manifest
    assert in_home(collection) == sorted([str(manifest["index"]), "lock", "manifest"])


def _must_not_be_called(*_: object, **__: object) -> None:
    raise AssertionError("it was made anew, or read")


# Shared


@pytest.mark.parametrize("state", ["missing", "behind", "saved"])
def test_what_is_searched_are_the_pages_of_the_file(collection: StoredCollection, state: str) -> None:
    if state != "missing":
        open_index(collection)
    if state == "behind":
        collection.put([encoded("new", 778, ["ar", "en"], SIZE)])
    index = open_index(collection)
    assert is_mapped(index)
    assert_right(index, collection)


_WORKER = """
import json, pathlib, sys
from indexer.stored_collection import StoredCollection
from indexer.vector_index import open_index
from tests.test_saved_vector_index import found_by, mapped_by_this_process
with StoredCollection.open(pathlib.Path(sys.argv[1])) as collection:
    print(json.dumps([found_by(index := open_index(collection)), index.version]), flush=True)
    sys.stdin.readline()
    print(json.dumps(mapped_by_this_process()), flush=True)
    sys.stdin.readline()
"""


def mapped_by_this_process() -> dict[str, dict[str, int]]:
    """File of vectors -> KiB of its pages, by kind."""
    found: dict[str, dict[str, int]] = {}
    name = ""
    for line in Path("/proc/self/smaps").read_text().splitlines():
        words = line.split()
        if not words[0].endswith(":"):
            name = Path(words[5]).name if len(words) > 5 and ".faiss" in words[5] else ""
        elif name and words[-1] == "kB":
            found.setdefault(name, {})[words[0][:-1]] = int(words[1])
    return found


@LINUX
def test_processes_that_search_share_one_file_and_its_pages(tmp_path: Path) -> None:
    """Also when they all find it behind at once: one of them brings it up to date, the others wait."""
    with filled(tmp_path / "c", 2_000) as collection, ExitStack() as running:
        open_index(collection)
        collection.put([encoded("new", 778, ["ar", "en"], SIZE)])
        workers = [
            running.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", _WORKER, str(collection.folder)],
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(3)
        ]

        def answers() -> list[Any]:
            return [json.loads(worker.stdout.readline()) for worker in workers if worker.stdout]

        def go_on() -> None:
            for worker in workers:
                assert worker.stdin
                print(file=worker.stdin, flush=True)

        found = answers()
        go_on()
        mapped = answers()
        go_on()
        name, size = vectors_in(collection).name, vectors_in(collection).stat().st_size
        assert [own.keys() for own in mapped] == [{name}] * 3
        for own in mapped:
            pages = own[name]
            assert pages["Rss"] * 1024 >= 0.9 * 4_000 * 10
            assert pages["Private_Clean"] == pages["Private_Dirty"] == pages["Anonymous"] == 0
            assert pages["Pss"] <= pages["Rss"] / 2
        assert size < 1.2 * pages["Size"] * 1024
        index = open_index(collection)
        assert found == [[found_by(index), collection.version()]] * 3


@POSIX
def test_catching_up_leaves_alone_what_others_search(collection: StoredCollection) -> None:
    reader = open_index(collection)
    before, file = found_by(reader), vectors_in(collection)
    for number in range(3):
        collection.put([encoded("new", 778 + number, ["ar", "en"], SIZE)])
        collection.delete([f"d{number}"])
        assert_right(open_index(collection), collection)
        assert found_by(reader) == before
    assert not file.exists()
    assert is_mapped(reader)
    assert_at_rest(collection)


@POSIX
def test_where_nothing_can_be_written_what_is_behind_is_brought_up_to_date_in_memory(tmp_path: Path) -> None:
    with open_to_all() as folder, filled(folder / "c") as collection:
        open_index(collection)
        file, content = vectors_in(collection), vectors_in(collection).read_bytes()
        for place in (collection.folder, collection.folder / INDEX):
            place.chmod(0o555)
        with without_rights():
            assert is_mapped(open_index(collection))
        collection.put([encoded("new", 778, ["ar", "en"], SIZE)])
        with without_rights():
            index = open_index(collection)
        assert not is_mapped(index)
        assert_right(index, collection)
        assert file.read_bytes() == content
        (collection.folder / INDEX).chmod(0o755)
        collection.folder.chmod(0o755)


def test_on_a_file_system_that_cannot_map_the_index_is_in_memory(
    collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: object, **__: object) -> None:
        raise OSError

    expected = found_by(open_index(collection))
    with monkeypatch.context() as patch:
        patch.setattr(mmap, "mmap", cannot)
        patch.setattr(vector_index, "_new", _must_not_be_called)
        patch.setattr(vector_index, "_brought_up_to_date", _must_not_be_called)
        index = open_index(collection)
    assert not is_mapped(index)
    assert found_by(index) == expected


def test_what_is_known_of_it_is_known_without_its_vectors(
    collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = open_index(collection)
    for reads in ("holds", "map_index", "read_index"):
        monkeypatch.setattr(saved_vector_index, reads, _must_not_be_called)
    saved = load_saved(collection)
    assert saved is not None
    assert (saved.measured, saved.version, saved.state) == (index.measured, index.version, index.state)
    assert saved.drift(collection.language_means().passages) == 0
    vectors_in(collection).unlink()
    assert load_saved(collection) is None


# While another process saves


@pytest.fixture
def large(tmp_path: Path) -> Iterator[StoredCollection]:
    """Whose index still fits when a few documents have come."""
    with filled(tmp_path / "large", 400) as made:
        open_index(made)
        yield made


@pytest.fixture
def overtaken(large: StoredCollection, monkeypatch: pytest.MonkeyPatch) -> StoredCollection:
    """Between the first look at the manifest and that at the file another process saves. Who looks cannot save."""
    large.put([encoded("new", 778, ["ar", "en"], SIZE)])
    read = SavedVectorIndex.read
    moved: list[bool] = []

    def read_then_change(home: Path, parts: Any) -> object:
        saved = read(home, parts)
        if not moved:
            moved.append(True)
            before = vectors_in(large)
            with StoredCollection.open(large.folder) as other, monkeypatch.context() as patch:
                patch.setattr(vector_index, "alone", alone)
                open_index(other)
            assert not before.exists()
        return saved

    monkeypatch.setattr(SavedVectorIndex, "read", read_then_change)
    monkeypatch.setattr(vector_index, "_new", _must_not_be_called)
    monkeypatch.setattr(vector_index, "alone", lambda _: nullcontext(False))
    return large


@POSIX
def test_a_reader_whose_file_is_gone_takes_the_one_that_has_come(overtaken: StoredCollection) -> None:
    index = open_index(overtaken)
    assert is_mapped(index)
    assert_right(index, overtaken)


@POSIX
def test_the_ids_of_an_index_that_is_gone_are_those_of_the_one_that_has_come(overtaken: StoredCollection) -> None:
    found = saved_ids(overtaken)
    assert found is not None
    assert found[0].version == overtaken.version()
    np.testing.assert_array_equal(np.sort(found[1]), overtaken.passage_ids())


@POSIX
def test_what_is_known_of_an_index_that_is_gone_is_that_of_the_one_that_has_come(overtaken: StoredCollection) -> None:
    saved = load_saved(overtaken)
    assert saved is not None
    assert saved.version == overtaken.version()


def test_who_waited_for_another_takes_what_that_has_saved(
    large: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    large.put([encoded("new", 778, ["ar", "en"], SIZE)])
    saved: list[Path] = []

    @contextmanager
    def waiting(home: Path) -> Iterator[bool]:
        with StoredCollection.open(large.folder) as other, monkeypatch.context() as patch:
            patch.setattr(vector_index, "alone", alone)
            open_index(other)
        saved.append(vectors_in(large))
        for work in ("_new", "_brought_up_to_date"):
            monkeypatch.setattr(vector_index, work, _must_not_be_called)
        with alone(home) as writable:
            yield writable

    monkeypatch.setattr(vector_index, "alone", waiting)
    index = open_index(large)
    assert is_mapped(index)
    assert_right(index, large)
    assert saved == [vectors_in(large)]


def test_what_another_process_is_about_to_name_is_not_removed(collection: StoredCollection) -> None:
    """Who removes what nobody names waits for whoever saves."""
    open_index(collection)
    home = collection.folder / INDEX
    other = threading.Thread(target=remove_abandoned, args=(home,))
    with alone(home) as writable:
        assert writable
        file = vectors_in(collection)
        unnamed = file.rename(home / "0123456789abcdef.faiss")
        other.start()
        other.join(0.5)
        assert other.is_alive()
        assert unnamed.exists()
        manifest = read_arrays(collection.folder / MANIFEST)
        assert manifest
        write_arrays(collection.folder / MANIFEST, {**manifest, "index": np.array(unnamed.name)})
    other.join(10)
    assert unnamed.exists()
    assert_at_rest(collection)
    assert_new(open_index(collection), collection)


# What is left


@POSIX
@pytest.mark.parametrize("moment", ["vectors are half written", "before the manifest", "before others are removed"])
@pytest.mark.parametrize("state", ["missing", "behind"])
def test_of_a_process_killed_while_it_saves_nothing_stays(tmp_path: Path, moment: str, state: str) -> None:
    with filled(tmp_path / "c", 10) as collection:
        if state == "behind":
            open_index(collection)
            collection.put([encoded("new", 778, ["ar", "en"], SIZE)])
    program = f"from tests.test_saved_vector_index import killed_when; killed_when({moment!r}, {str(tmp_path / 'c')!r})"
    killed = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    with StoredCollection.open(tmp_path / "c", writable=True) as collection:
        left = len([name for name in in_home(collection) if name.endswith(".faiss")])
        assert left == 1 + (state == "behind")
        update_indexes(collection)
        assert_at_rest(collection)
        assert_right(open_index(collection), collection)


def killed_when(moment: str, folder: str) -> None:
    """Open the index of a collection until then."""

    def kill(*_: object) -> None:
        signal.raise_signal(signal.SIGKILL)

    def write_half(index: Any, file: Path) -> bytes:
        whole = faiss_file.write_index(index, file)
        os.truncate(file, file.stat().st_size // 2)
        kill()
        return whole

    patch = pytest.MonkeyPatch()
    if moment == "vectors are half written":
        patch.setattr(saved_vector_index, "write_index", write_half)
    elif moment == "before the manifest":
        patch.setattr(SavedVectorIndex, "write", kill)
    else:
        patch.setattr(saved_vector_index, "_remove_all_but", kill)
    with StoredCollection.open(Path(folder)) as collection:
        open_index(collection)


def test_what_nobody_names_is_removed_by_the_next_run_and_nothing_else(collection: StoredCollection) -> None:
    update_indexes(collection)
    home, expected = collection.folder / INDEX, found_by(open_index(collection))
    for name in ("0123456789abcdef.faiss", "manifest.12345"):
        (home / name).write_bytes(b"half")
    (home / "notes.txt").write_text("mine")
    update_indexes(collection)
    assert (home / "notes.txt").read_text() == "mine"
    (home / "notes.txt").unlink()
    assert_at_rest(collection)
    assert found_by(open_index(collection)) == expected


def test_what_cannot_be_removed_while_it_is_mapped_is_removed_later(
    collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows."""
    open_index(collection)
    file = vectors_in(collection)
    collection.put([encoded("new", 778, ["ar", "en"], SIZE)])
    unlink = Path.unlink

    def refused(self: Path, missing_ok: bool = False) -> None:
        if self == file:
            raise PermissionError(13, "in use by another process")
        unlink(self, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refused)
        index = open_index(collection)
        update_indexes(collection)
    assert is_mapped(index)
    assert_right(index, collection)
    assert file.exists()
    update_indexes(collection)
    assert_at_rest(collection)


@pytest.mark.parametrize("change", ["renamed", "that of another index"])
def test_vectors_that_are_not_those_of_the_manifest_are_made_again(
    tmp_path: Path, collection: StoredCollection, change: str
) -> None:
    open_index(collection)
    file = vectors_in(collection)
    if change == "renamed":
        file.rename(file.with_name("0123456789abcdef.faiss"))
    else:
        with filled(tmp_path / "other", start=1_000) as other:
            open_index(other)
            shutil.copy(vectors_in(other), file)
    assert_new(open_index(collection), collection)
    assert_at_rest(collection)


def test_the_single_file_of_an_earlier_release_gives_way(collection: StoredCollection) -> None:
    state = collection.state(collection.version()) or b""
    old = {"format": np.array(3), "version": np.array(1), "state": np.frombuffer(state, np.uint8)}
    write_arrays(collection.folder / INDEX, old)
    os.utime(shutil.copy(collection.folder / INDEX, collection.folder / f"{INDEX}.12345"), (1, 1))
    update_indexes(collection)
    assert_new(open_index(collection), collection)
    assert_at_rest(collection)
    assert not (collection.folder / f"{INDEX}.12345").exists()
