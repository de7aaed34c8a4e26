"""A server answers the command instead of the model: where it listens, who it is, and that answers are the same."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from indexer import database
from indexer.build import index_documents
from indexer.documents import Document
from indexer.stored_collection import StoredCollection
from search_api import warm
from search_api.command.place import Place, sample_folders
from tests.command_line import Ask, asking, indexed, served
from tests.fakes import FakeEncoder

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix domain sockets here")


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short folder for sockets, as a session has."""
    with tempfile.TemporaryDirectory(prefix="s") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection, of which each test gets a copy."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEARCH_CACHE", str(folder / "cache"))
        return indexed(folder, FakeEncoder())


@pytest.fixture
def collection(tmp_path: Path, made: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    return Path(shutil.copytree(made, tmp_path / "collection"))


@pytest.fixture
def ask(collection: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    return asking(collection, monkeypatch, capsys)


@contextmanager
def answering(path: Path, respond: Callable[[socket.socket], object]) -> Iterator[None]:
    """A server of one's own making at a path; each connection is handed to `respond`."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        listening.settimeout(0.05)
        stopped = threading.Event()

        def loop() -> None:
            while not stopped.is_set():
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.recv(65_536)
                    respond(connection)

        thread = threading.Thread(target=loop)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()
            path.unlink()


def saying(status: int, body: object, head: str = "") -> Callable[[socket.socket], object]:
    content = json.dumps(body).encode()
    first = f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\n{head}\r\n".encode()
    return lambda connection: connection.sendall(first + content)


# Where it listens


def test_the_path_is_private_short_and_that_of_the_file(collection: Path, runtime: Path, tmp_path: Path) -> None:
    path = warm.socket_path(collection)
    assert path is not None
    assert path.parent == runtime / "multilingual-search"
    assert len(os.fsencode(path)) < 100
    (tmp_path / "link").symlink_to(collection)
    assert warm.socket_path(tmp_path / "link") == path
    assert warm.socket_path(collection, "other") not in (None, path)
    moved = collection.rename(tmp_path / "moved")
    assert warm.socket_path(moved) == path
    held = (moved / "collection.sqlite").read_bytes()
    (moved / "collection.sqlite").rename(tmp_path / "old.sqlite")
    (moved / "collection.sqlite").write_bytes(held)  # restored from a backup
    assert warm.socket_path(moved) not in (None, path)


def test_the_path_is_of_the_collections_file() -> None:
    assert warm.COLLECTION_FILE == database.FILE


def test_no_collection_no_path(tmp_path: Path) -> None:
    assert warm.socket_path(tmp_path / "nothing") is None
    assert warm.socket_path(Path("a\0b")) is None


def test_without_a_session_the_folder_is_in_the_cache(
    collection: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr(Path, "is_dir", lambda self: False)  # no /run/user either
    with tempfile.TemporaryDirectory(prefix="s") as short:
        monkeypatch.setenv("SEARCH_CACHE", short)
        path = warm.socket_path(collection)
        assert path is not None
        assert path.parent == Path(short).absolute() / "run"
        monkeypatch.setenv("SEARCH_CACHE", f"{short}/{'x' * 100}")
        assert warm.socket_path(collection) is None


def test_a_server_started_outside_the_session_is_found(collection: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="s") as short:
        monkeypatch.setenv("SEARCH_CACHE", short)
        session = os.environ["XDG_RUNTIME_DIR"]
        monkeypatch.setenv("XDG_RUNTIME_DIR", "")
        with warm.listening_socket(collection) as listening:
            assert listening is not None
            outside = warm.socket_path(collection)
            monkeypatch.setenv("XDG_RUNTIME_DIR", session)
            assert warm.socket_path(collection) == outside


# Who listens


def test_a_listening_socket_is_the_users_alone_and_goes_with_the_server(collection: Path) -> None:
    with warm.listening_socket(collection) as listening:
        path = warm.socket_path(collection)
        assert path is not None
        assert listening is not None
        assert listening.getsockname() == str(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.exists()


def test_a_second_server_is_refused_and_leaves_the_first_alone(collection: Path) -> None:
    told: list[str] = []
    with warm.listening_socket(collection) as first:
        with warm.listening_socket(collection, told.append) as second:
            assert second is None
        path = warm.socket_path(collection)
        assert first is not None
        assert path is not None
        assert path.exists()
    assert told == ["another server has this collection; the command `search` goes on asking that one"]


def test_the_socket_of_a_server_that_was_killed_is_replaced(collection: Path) -> None:
    path = warm.socket_path(collection)
    assert path is not None
    path.parent.mkdir(mode=0o755)
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    assert path.exists()
    assert warm.ask(path, "/search", {"q": "ban"}) is None
    with warm.listening_socket(collection) as listening:
        assert listening is not None
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_server_that_comes_later_keeps_its_socket(collection: Path) -> None:
    path = warm.socket_path(collection)
    assert path is not None
    with warm.listening_socket(collection) as first:
        assert first is not None
        first.close()  # as if it were stuck, and replaced
        with warm.listening_socket(collection) as second:
            assert second is not None
            first_gone = os.lstat(path).st_ino
    assert first_gone
    assert not path.exists()


def test_a_folder_that_others_may_write_to_is_not_trusted(collection: Path) -> None:
    path = warm.socket_path(collection)
    assert path is not None
    with answering(path, saying(200, {"version": 9, "query": "", "total": 0, "hits": []})):
        assert warm.ask(path, "/search", {"q": "ban"}) is not None
        path.parent.chmod(0o770)
        assert warm.ask(path, "/search", {"q": "ban"}) is None
        path.parent.chmod(0o700)


def test_a_folder_of_someone_else_is_not_used(collection: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = warm.socket_path(collection)
    assert path is not None
    path.parent.mkdir(mode=0o700)
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    told: list[str] = []
    with warm.listening_socket(collection, told.append) as listening:
        assert listening is None
    assert "belongs to someone else" in told[0]
    assert warm.ask(path, "/search", {"q": "ban"}) is None


# What is asked and answered

ANSWERS = {
    "nothing": lambda connection: None,
    "no HTTP": lambda connection: connection.sendall(b"hello\r\n\r\n{}"),
    "cut off": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"),
    "no length": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n{}"),
    "no JSON": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n<>"),
    "a list": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"),
}


@pytest.mark.parametrize("respond", ANSWERS.values(), ids=ANSWERS.keys())
def test_what_is_no_answer_is_as_if_nobody_were_there(
    respond: Callable[[socket.socket], object], collection: Path
) -> None:
    path = warm.socket_path(collection)
    assert path is not None
    with answering(path, respond):
        assert warm.ask(path, "/search", {"q": "ban"}) is None


def test_a_server_that_takes_too_long_is_not_waited_for(collection: Path) -> None:
    path = warm.socket_path(collection)
    assert path is not None

    def dripping(connection: socket.socket) -> None:
        for _ in range(20):
            time.sleep(0.05)
            try:
                connection.sendall(b"H")
            except OSError:
                return

    with answering(path, dripping):
        began = time.monotonic()
        assert warm.ask(path, "/search", {"q": "ban"}, timeout=0.3) is None
        assert time.monotonic() - began < 0.9


OPTIONS = [
    [],
    ["--json"],
    ["--format", "csv"],
    ["--format", "md"],
    ["--json", "--explain", "--no-collapse"],
    ["--json", "--lang", "ja,zh", "--mode", "lexical"],
    ["--json", "--no-collapse", "--since", "2024"],
    ["--json", "--no-collapse", "--until", "2024-04"],
    ["--json", "--source", "NHK", "--source", "新华社"],
    ["--json", "--where", "author:sato"],
    ["--json", "--offset", "1", "--limit", "2", "--no-collapse"],
    ["--lang", "fi"],
    ["--full", "1"],
]


def test_a_server_answers_to_the_byte_as_the_command_does(collection: Path, ask: Ask) -> None:
    for options in OPTIONS:
        cold = ask("ban", "禁令", *options)
        with served(collection) as asked:
            assert ask("ban", "禁令", *options) == cold
            assert asked == ["/search"]
            assert ask("ban", "禁令", *options, "--no-server") == cold
            assert asked == ["/search"]


def test_a_named_model_is_not_asked_of_a_server(collection: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(collection) as asked:
        ask("ban", "--model", "fake")
        monkeypatch.setenv("SEARCH_MODEL", "fake")
        ask("ban")
        assert asked == []


def test_questions_of_standard_input_go_to_the_server_one_by_one(collection: Path, ask: Ask) -> None:
    cold = ask("-", "--json", stdin="ban\n\ngas\n?!\n")
    with served(collection) as asked:
        assert ask("-", "--json", stdin="ban\n\ngas\n?!\n") == cold
        assert asked == ["/search"] * 2
    assert cold.status == 2


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"title": "Internal Server Error", "status": 500, "detail": "broken"}),
        (503, {"title": "Service Unavailable", "status": 503, "detail": "loading"}),
        (404, {"title": "Not Found"}),
        (200, {"query": "ban", "total": 1, "version": 99, "hits": [{"rank": 1}]}),
        (200, {"query": "ban", "hits": []}),
        (200, {"query": "ban", "total": 0, "version": 99, "hits": None}),
    ],
)
def test_a_server_that_fails_or_is_not_understood_is_passed_over(
    status: int, body: object, collection: Path, ask: Ask
) -> None:
    cold, path = ask("ban", "--json"), warm.socket_path(collection)
    assert path is not None
    with answering(path, saying(status, body)):
        assert ask("ban", "--json") == cold


def test_what_a_server_refuses_is_an_error_of_the_user(collection: Path, ask: Ask) -> None:
    path = warm.socket_path(collection)
    assert path is not None
    with answering(path, saying(422, {"title": "X", "status": 422, "detail": "where: no such field"})):
        assert ask("ban") == (2, "", "search: where: no such field\n")


def test_a_server_that_has_not_seen_the_last_change_is_asked_again_then_passed_over(
    collection: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[float] = []
    monkeypatch.setattr(time, "sleep", paused.append)
    old = {"query": "ban", "total": 0, "version": 0, "hits": []}
    path = warm.socket_path(collection)
    assert path is not None
    with answering(path, saying(200, old)):
        assert ask("ban").status == 0
    assert len(paused) >= 4


def test_what_was_indexed_since_is_found_through_the_server(collection: Path, ask: Ask, fake: FakeEncoder) -> None:
    with served(collection) as asked:
        assert ask("uranium", "--json", "-n", "1").status == 0
        with StoredCollection.open(collection, writable=True) as stored:
            index_documents([Document("new", "Uranium uranium was found.", "New")], stored, fake)
        (hit,) = map(json.loads, ask("uranium", "--json", "-n", "1").out.splitlines())
        assert hit["document_id"] == "new"
        assert set(asked) == {"/search"}


# The sample


def test_the_sample_is_asked_of_a_server_only_where_it_is_known_which(
    collection: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from indexer.sample import sample_digest

    samples = [tmp_path / "cache" / "samples" / f"{model}-{sample_digest()}-{database.FORMAT}" for model in "ab"]
    other = tmp_path / "cache" / "samples" / f"a-00000000-{database.FORMAT}"
    for folder in (*samples, other):
        folder.mkdir(parents=True)
        (folder / database.FILE).write_bytes(b"")
    assert list(sample_folders()) == samples
    place = Place(samples[0], is_sample=True, model=None)
    assert place.socket() is None
    with warm.listening_socket(samples[1]):
        assert place.socket() == warm.socket_path(samples[1])
        assert place._replace(model="b").socket() is None
        with warm.listening_socket(samples[0]):
            assert place.socket() is None
    with warm.listening_socket(samples[1], model="b"):
        assert place.socket() is None


# How fast it starts

_HEAVY = (
    "numpy rich.console pydantic fastapi uvicorn torch faiss tantivy tokenizers dataclasses http.client email asyncio"
)


def test_nothing_slow_is_imported_before_a_server_has_answered(collection: Path) -> None:
    code = (
        "import sys; from search_api.cli import main; before = set(sys.modules); "
        f"status = main(['ban', '--collection', {str(collection)!r}]); "
        f"heavy = set({_HEAVY.split()}); print(status, heavy & before, heavy & set(sys.modules), file=sys.stderr)"
    )
    with served(collection) as asked:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8"
        )
        assert asked == ["/search"]
    assert done.stderr == "0 set() set()\n"
    assert "⟦The ban was announced.⟧" in done.stdout
