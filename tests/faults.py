"""What tests of faults do: run processes that can be harmed, and have something happen instead of a write."""

from __future__ import annotations

import builtins
import io
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer import bm25, build, lexical_index, line_records, vector_index
from indexer.build import index_documents, open_or_create
from indexer.documents import Document
from indexer.encoder import Progress
from indexer.stored_collection import StoredCollection
from tests.fakes import FakeEncoder
from tests.test_stored_collection import NO_PRIOR, contents

ROOT = Path(__file__).parents[1]
_IN_MEMORY = Path("/dev/shm")
_ROOM = 500_000_000


class SteadyEncoder(FakeEncoder):
    """Its vectors are stored as they are, so that it makes no difference whether one was encoded or found stored."""

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = super()._encode(texts)
        steady: NDArray[np.float32] = np.rint(rows / rows.max(axis=1, keepdims=True) * 127).astype(np.float32) / 128
        return steady


class SlowEncoder(SteadyEncoder):
    """Takes a while over each batch, so that a signal finds it at work."""

    def __init__(self, seconds: float = 0.01) -> None:
        super().__init__()
        self._seconds = seconds

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> NDArray[np.float32]:
        time.sleep(self._seconds)
        return super().encode_passages(texts, progress)


@contextmanager
def quick_folder() -> Iterator[Path]:
    """In memory where there is such a place: what a process has written outlives it there as well as on a disk."""
    there = os.access(_IN_MEMORY, os.W_OK) and shutil.disk_usage(_IN_MEMORY).free > _ROOM
    place = _IN_MEMORY if there else None
    with tempfile.TemporaryDirectory(prefix="search-faults-", dir=place, ignore_cleanup_errors=True) as name:
        yield Path(name)


def remove(folder: Path) -> None:
    """Also while tantivy, which looks at a folder for a moment after it was opened, puts a lock there."""
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=True)


# Processes


def fork(work: Callable[[], int]) -> int:
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            status = work()
        except BaseException:  # noqa: BLE001  # whatever it is, the parent goes on alone
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    return pid


def exit_status(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def finish(work: Callable[[], int]) -> None:
    status = exit_status(fork(work))
    assert status == 0, f"exit status {status}"


def drive(
    function: Callable[[Path], None], folder: Path, *, within: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a function of a test module in an interpreter of its own, where forking is safe: no other threads. `within`:
    a command that runs the interpreter."""
    program = f"import sys, pathlib; from {function.__module__} import {function.__name__} as run"
    done = subprocess.run(
        [*within, sys.executable, "-c", f"{program}; run(pathlib.Path(sys.argv[1]))", str(folder)],
        cwd=ROOT,
        env={**os.environ, "SEARCH_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


# Documents and files

DOCUMENTS = 24


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


def indexing(folder: Path, edition: int) -> Callable[[], int]:
    """A process that indexes an edition."""

    def index() -> int:
        encoder = SlowEncoder()
        with open_or_create(folder, encoder) as collection:
            index_documents(documents(edition), collection, encoder)
        return 0

    return index


def write_files(folder: Path, count: int, lines: int) -> None:
    folder.mkdir()
    for number in range(count):
        text = "\n".join(f"Gas ban {number} x {line}." for line in range(lines))
        (folder / f"{number:03}.txt").write_text(text, encoding="utf-8")


def words(chance: random.Random, count: int) -> list[str]:
    return ["".join(chance.choices("aeioubdfgklmnprstvz", k=chance.randint(5, 9))) for _ in range(count)]


def prose(chance: random.Random, sentences: int) -> str:
    """That has no more in common with other prose than little words."""
    topics = ("gas", "ban", "drone", "uranium")
    return " ".join(
        f"The {chance.choice(topics)} of {first} was {second} and {third} for {fourth}."
        for first, second, third, fourth in (words(chance, 4) for _ in range(sentences))
    )


def few_files(folder: Path) -> None:
    """A text and its copy, a longer text, a site whose pages have lines in common, and JSON Lines."""
    chance = random.Random(1)
    _write(folder / "texts" / "long.txt", prose(chance, 20))
    article = prose(chance, 2)
    _write(folder / "texts" / "a.txt", article)
    _write(folder / "texts" / "b.txt", f"{article}\n\nRead more.")
    for name in ("p", "q", "r"):
        text = "\n\n".join(["Subscribe to our newsletter", " ".join(words(chance, 3)), prose(chance, 2), "All rights"])
        _write(folder / "site" / f"{name}.txt", text)
    _write(folder / "rows.jsonl", "".join(f"{json.dumps({'id': name, 'text': prose(chance, 2)})}\n" for name in "xyz"))


def change_few_files(folder: Path) -> None:
    """The first of the copies, a page and a row are other ones, a row has gone and one has come, the copy is renamed,
    and of a page only the time has changed."""
    chance = random.Random(2)
    _write(folder / "texts" / "a.txt", prose(chance, 2))
    (folder / "texts" / "b.txt").rename(folder / "texts" / "c.txt")
    page = folder / "site" / "p.txt"
    _write(page, f"{page.read_text()}\n\n{prose(chance, 1)}")
    rows = (folder / "rows.jsonl").read_text().splitlines()
    rows[1:] = [json.dumps({"id": name, "text": prose(chance, 2)}) for name in ("z", "new")]
    _write(folder / "rows.jsonl", "\n".join(rows))
    os.utime(folder / "site" / "q.txt", (1, 1))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (len(text), len(text)))


def run_small(patch: pytest.MonkeyPatch) -> None:
    """Small batches, and few documents are enough for a line to repeat."""
    patch.setattr(build, "_BATCH_SENTENCES", 4)
    patch.setattr(build, "prior_of", lambda _: NO_PRIOR)
    patch.setattr(line_records, "FEWEST_DOCUMENTS", 3)


def without_indexes(patch: pytest.MonkeyPatch) -> None:
    """Where they do not matter: they take most of the time of a small run."""
    for index in (vector_index, lexical_index):
        patch.setattr(index, "open_index", lambda _: None)


def committed(folder: Path) -> set[str]:
    """The ids of the documents that a collection holds."""
    if not StoredCollection.exists(folder):
        return set()
    with StoredCollection.open(folder) as collection:
        return set(contents(collection))


# Writes


class Writes:
    """Counts writes; something happens instead of the one with this number."""

    def __init__(self, number: int, happens: Callable[[str], object]) -> None:
        self._number = number
        self._happens = happens
        self.count = 0
        self.last = ""
        """What was to be written when it happened."""

    @property
    def happened(self) -> bool:
        return self.count >= self._number

    def next(self, what: str, half: Callable[[], object] | None = None) -> None:
        """Before each; `half` does a part of it."""
        self.count += 1
        if self.count == self._number:
            self.last = what
            if half:
                half()
            self._happens(what)


class _CountedFile:
    """What is written to it counts."""

    def __init__(self, file: IO[Any], writes: Writes) -> None:
        self._file = file
        self._writes = writes

    def write(self, data: Any) -> int:
        def half() -> None:
            self._file.write(data[: len(data) // 2])
            self._file.flush()

        self._writes.next("write", half)
        return self._file.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> _CountedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def count_files(patch: pytest.MonkeyPatch, writes: Writes) -> None:
    """What makes, writes, moves and copies files and folders counts; so does what the index of words writes by itself,
    before and after it has done so."""

    def counted(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*given: Any, **named: Any) -> Any:
            writes.next(name)
            return work(*given, **named)

        return counting

    def opened(file: Any, mode: str = "r", *given: Any, **named: Any) -> Any:
        if not set("wax+") & set(mode):
            return plain(file, mode, *given, **named)
        writes.next("open")
        return _CountedFile(plain(file, mode, *given, **named), writes)

    def opened_low(path: Any, flags: int, *given: Any, **named: Any) -> int:
        if flags & os.O_CREAT:
            writes.next("open")
        return plain_low(path, flags, *given, **named)

    def filled(*given: Any) -> None:
        writes.next("tantivy")
        fill(*given)
        writes.next("tantivy")

    plain, plain_low, fill = io.open, os.open, bm25.write_passages
    patch.setattr(io, "open", opened)  # pathlib's
    patch.setattr(builtins, "open", opened)
    patch.setattr(os, "open", opened_low)
    for name in ("mkdir", "link", "symlink", "replace", "rename", "fsync", "sendfile"):
        if hasattr(os, name):
            patch.setattr(os, name, counted(name, getattr(os, name)))
    patch.setattr(lexical_index, "write_passages", filled)


class _CountedConnection(sqlite3.Connection):
    """Its statements that write count."""

    writes: Writes | None = None

    def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
        self._count(sql)
        return super().execute(sql, *given)

    def executemany(self, sql: str, *given: Any) -> sqlite3.Cursor:
        self._count(sql)
        return super().executemany(sql, *given)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> Any:
        if kind is None:
            self._count("COMMIT")
        return super().__exit__(kind, error, trace)

    def _count(self, sql: str) -> None:
        statement = sql.strip()
        if self.writes and statement.startswith(_WRITING):
            self.writes.next(statement, self._undo)

    def _undo(self) -> None:
        """Of some errors SQLite undoes the whole transaction, of others it leaves that to the program."""
        if self.writes and self.writes.count % 2 and self.in_transaction:
            super().execute("ROLLBACK")


_WRITING = ("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "BEGIN IMMEDIATE", "COMMIT")


def count_statements(patch: pytest.MonkeyPatch, writes: Writes) -> None:
    """SQL statements that write count."""
    connect = sqlite3.connect

    def connected(*given: Any, **named: Any) -> sqlite3.Connection:
        connection = connect(*given, factory=_CountedConnection, **named)
        connection.writes = writes
        return connection

    patch.setattr(sqlite3, "connect", connected)
