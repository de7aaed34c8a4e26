"""Documents over HTTP: each status and body of the contract, ids of all kinds, and what becomes of many lines."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from indexer.build import FileBegins, FileEnds, index_documents, open_or_create
from indexer.documents import Document
from indexer.encoder import Encoder
from indexer.live_store import LiveStore
from indexer.records import FileRecord
from indexer.stored_collection import StoredCollection
from search_api import writing
from search_api.app import create_app
from search_api.opening import OpenSearcher
from search_api.searcher import Searcher
from search_api.writing import Writer
from tests.fakes import FakeEncoder
from tests.waiting import until

_FILE = FileRecord("/somewhere/secret/notes.txt", "notes.txt", 5, 1, b"", b"")
_JSON = {"content-type": "application/json"}


def documents() -> list[Document]:
    return [
        Document("a", "The ban was announced. Shops stayed open.", "A ban", source="s", date="2026-01-06"),
        Document("b", "أعلنت الحكومة حظر التصدير.", "قرار", metadata={"tags": ["x"], "n": None}),
    ]


@contextmanager
def served(folder: Path, *, sample: bool = False, encoder: Encoder | None = None) -> Iterator[TestClient]:
    """The API over a collection that others may change."""
    fake = encoder or FakeEncoder()

    def opening() -> OpenSearcher:
        store = LiveStore(folder)
        store.follow(0.05)
        writer = None if sample else Writer(folder, lambda: fake, store.refresh)
        return OpenSearcher(Searcher(store, FakeEncoder()), store, sample, writer)

    with TestClient(create_app(opening), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    fake = FakeEncoder()
    with open_or_create(tmp_path / "c", fake) as made:
        index_documents(documents(), made, fake)
    return tmp_path / "c"


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient]:
    with served(folder) as made:
        yield made


def found(client: TestClient, query: str, **options: Any) -> list[str]:
    hits = client.get("/search", params={"q": query, "collapse": False, **options}).json()["hits"]
    return [hit["document_id"] for hit in hits]


def assert_problem(answer: Any, status: int, said: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert list(answer.json()) == ["type", "title", "status", "detail"]
    assert answer.json()["status"] == status
    assert said in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]
    assert "/somewhere" not in answer.text


def lines(*records: Any) -> bytes:
    return "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records).encode()


# One


def test_a_document_comes_as_it_is_stored(client: TestClient) -> None:
    answer = client.get("/documents/b")
    assert answer.json() == {
        "id": "b",
        "title": "قرار",
        "lang": "ar",
        "date": "",
        "source": "",
        "url": "",
        "text": "أعلنت الحكومة حظر التصدير.",
        "metadata": {"tags": ["x"], "n": None},
        "pages": [],
    }
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-collection-version"] == client.get("/stats").headers.get("x-collection-version", "1")
    assert_problem(client.get("/documents/c"), 404, "no document 'c'")
    assert_problem(client.get("/documents/"), 404, "no document ''")
    assert_problem(client.get("/documents/" + "x" * 500), 404, "x…'")


def test_a_new_document_is_in_the_next_search(client: TestClient) -> None:
    sent = {"id": "new", "text": "A drone was seen.", "date": "6 January 2026", "lang": "EN-gb", "metadata": {"k": "v"}}
    answer = client.post("/documents", json=sent)
    assert (answer.status_code, answer.json()) == (201, {"id": "new", "status": "added"})
    searched = client.get("/search", params={"q": "drone", "where": "k:v"})
    assert [hit["document_id"] for hit in searched.json()["hits"]] == ["new"]
    assert searched.headers["x-collection-version"] == answer.headers["x-collection-version"]
    stored = client.get("/documents/new").json()
    assert (stored["date"], stored["lang"], stored["title"]) == ("2026-01-06", "en", "A drone was seen.")
    again = client.post("/documents", json=sent)
    assert (again.status_code, again.json()["status"]) == (200, "unchanged")
    changed = client.post("/documents", json={"id": "new", "text": "The uranium was found."})
    assert (changed.status_code, changed.json()["status"]) == (200, "changed")
    assert client.get("/documents/new").json()["metadata"] == {}
    assert found(client, "drone", where="k:v") == []
    assert "new" in found(client, "uranium")


def test_a_deleted_document_is_in_no_search(client: TestClient) -> None:
    answer = client.delete("/documents/a")
    assert (answer.status_code, answer.content) == (204, b"")
    assert found(client, "ban") == ["b"]
    assert_problem(client.get("/documents/a"), 404, "no document 'a'")
    assert_problem(client.delete("/documents/a"), 404, "no document 'a'")
    version = client.get("/stats").json()["version"]
    assert str(version) == answer.headers["x-collection-version"]


@pytest.mark.parametrize(
    "identifier",
    [
        "a/b",
        "/abs/path.txt",
        "a//b/",
        "خبر",
        "新聞 1",
        "100%",
        "a?b#c",
        "..",
        "../a",
        "./x",
        ".",
        " ",
        "bulk",
        "a+b",
        "&=",
        "😀",
    ],
)
def test_any_id_comes_back(client: TestClient, identifier: str) -> None:
    answer = client.post("/documents", json={"id": identifier, "text": "uranium"})
    assert (answer.status_code, answer.json()["id"]) == (201, identifier)
    assert identifier in found(client, "uranium")
    if identifier in ("..", "../a", "./x", "."):  # which clients take for a step in a path
        return
    address = f"/documents/{quote(identifier, safe='')}"
    assert client.get(address).json()["id"] == identifier
    if not identifier.startswith(("/", "a//")):
        assert client.get(f"/documents/{quote(identifier, safe='/')}").json()["id"] == identifier
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "id: field required; text: field required"),
        ({"id": "x", "text": ""}, "text: "),
        ({"id": "x", "text": "  \n"}, "text: empty"),
        ({"id": "", "text": "x"}, "id: "),
        ({"id": "x" * 1_001, "text": "x"}, "id: "),
        ({"id": "a\x00", "text": "x"}, "id: "),
        ({"id": "a\n", "text": "x"}, "id: "),
        ({"id": 7, "text": "x"}, "id: "),
        ({"id": "x", "text": ["x"]}, "text: "),
        (
            {
                "id": "x",
                "text": "x",
                "metadata": {"a": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]},
            },
            "32 levels",
        ),
        ({"id": "x", "text": "x", "metadata": "x"}, "metadata: "),
        ({"id": "x", "text": "x", "date": 2026}, "date: "),
        ({"id": "x", "text": "x", "body": 1, "query": 2}, "body: extra inputs are not permitted, got 1; query: extra"),
        ([], "body: "),
        ("x", "body: "),
        (None, "body: "),
    ],
)
def test_what_is_no_document_is_422(client: TestClient, body: Any, said: str) -> None:
    assert_problem(client.post("/documents", json=body), 422, said)
    assert client.get("/stats").json()["documents"] == 2


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [(b"{", 422, "not JSON: "), (b"", 422, "body: "), (b"\xff", 400, ""), (b'{"a": ' + b"[" * 100_000, 400, "")],
)
def test_what_is_no_json_is_refused(client: TestClient, content: bytes, status: int, said: str) -> None:
    for path in ("/documents", "/search"):
        assert_problem(client.post(path, content=content, headers=_JSON), status, said)


def test_metadata_of_files_may_be_too_deep_for_others(folder: Path) -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = [deep]
    fake = FakeEncoder()
    with StoredCollection.open(folder, writable=True) as made:
        index_documents([Document("deep", "gas", metadata={"d": deep, "nan": float("nan")})], made, fake)
    with served(folder) as client:
        assert client.get("/documents/deep").json()["metadata"] == {"d": deep, "nan": None}
        assert client.get("/search", params={"q": "gas", "where": "d:x"}).status_code == 200


@pytest.mark.parametrize("as_it_was", [True, False])
def test_a_document_of_a_file_is_409_whatever_has_become_of_the_file(
    folder: Path, as_it_was: bool, tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("gas here")
    status = path.stat()
    record = FileRecord(str(path), "notes.txt", status.st_size, status.st_mtime_ns, b"", b"")
    fake = FakeEncoder()
    with StoredCollection.open(folder, writable=True) as made:
        index_documents([FileBegins(record), Document("notes.txt", "gas here"), FileEnds(record)], made, fake)
    if not as_it_was:
        path.unlink()
    with served(folder) as client:
        answer = client.post("/documents", json={"id": "notes.txt", "text": "drone"})
        assert_problem(answer, 409, "'notes.txt': it is a document of an indexed file")
        many = client.post(
            "/documents/bulk", content=lines({"id": "notes.txt", "text": "drone"}, {"id": "n", "text": "x"})
        )
        assert many.json()["errors"] == [
            {"line": 1, "detail": "'notes.txt': it is a document of an indexed file, and changes with that"}
        ]
        assert many.json()["added"] == 1
        assert str(tmp_path) not in answer.text + many.text
        assert client.get("/documents/notes.txt").json()["text"] == "gas here"
        assert client.delete("/documents/notes.txt").status_code == 204


def test_the_sample_is_read_only(folder: Path) -> None:
    with served(folder, sample=True) as client:
        for answer in (
            client.post("/documents", json={"id": "x", "text": "x"}),
            client.post("/documents/bulk", content=b""),
            client.delete("/documents/a"),
        ):
            assert_problem(answer, 403, "it is the sample")
        assert client.get("/documents/a").status_code == 200
        assert client.get("/stats").json()["sample"] is True


# Many


def test_each_line_is_a_document_or_an_error(client: TestClient) -> None:
    content = (
        b"\xef\xbb\xbf"
        + lines({"id": "n1", "text": "uranium one"})
        + b'{"id": "n2", "text": "uranium two"}\r\n'
        + b"\n  \n"
        + b"{bad\n"
        + b"[1]\n"
        + lines({"id": "n3", "text": "x", "author": "Sato"}, {"id": "n1", "text": "again"}, {"id": "n4", "text": " "})
        + lines(
            {"id": "a", "text": "Now of a drone."},
            {"id": "b", "text": documents()[1].text, "title": "قرار", "metadata": documents()[1].metadata},
        )
        + b'{"id": "last", "text": "uranium last"}'
    )
    answer = client.post("/documents/bulk", content=content)
    assert answer.status_code == 200
    body = answer.json()
    assert [error["line"] for error in body["errors"]] == [5, 6, 7, 8, 9]
    said = [error["detail"] for error in body["errors"]]
    for part, detail in zip(
        ("not JSON", "object, got [1]", "author: extra", "there before in this run", "empty"), said, strict=True
    ):
        assert part in detail
        assert "\n" not in detail
    assert {name: body[name] for name in ("added", "changed", "unchanged", "more_errors")} == {
        "added": 3,
        "changed": 1,
        "unchanged": 1,
        "more_errors": 0,
    }
    assert {"n1", "n2", "last"} <= set(found(client, "uranium"))
    assert client.get("/documents/n1").json()["text"] == "uranium one"
    assert answer.headers["x-collection-version"] == str(client.get("/stats").json()["version"])


def test_errors_beyond_a_thousand_are_counted(client: TestClient) -> None:
    body = client.post("/documents/bulk", content=b"{\n" * 1_203).json()
    assert (len(body["errors"]), body["more_errors"], body["errors"][-1]["line"]) == (1_000, 203, 1_000)


def test_a_line_that_is_too_long_is_an_error_and_the_others_go_in(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search_api.routes.documents.numbered_lines", _short_lines)
    content = lines({"id": "x", "text": "gas"}, {"id": "long", "text": "y" * 2_000}, {"id": "z", "text": "gas"})
    body = client.post("/documents/bulk", content=content).json()
    assert (body["added"], [error["line"] for error in body["errors"]]) == (2, [2])
    assert body["errors"][0]["detail"].startswith("longer than")


def _short_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes | None]]:
    from search_api.bulk_lines import numbered_lines

    return numbered_lines(chunks, 1_000)


def test_nothing_is_no_error(client: TestClient) -> None:
    for content in (b"", b"\n\n", b"\xef\xbb\xbf"):
        body = client.post("/documents/bulk", content=content).json()
        assert body == {"added": 0, "changed": 0, "unchanged": 0, "errors": [], "more_errors": 0}


# The API as a server has it


async def _post(client: TestClient, path: str, pieces: Iterable[bytes], *, breaks: bool = False) -> list[Any]:
    """Piece by piece, of which the client holds none; returns the messages of the answer."""
    sent: list[Any] = []
    coming = iter(pieces)

    async def receive() -> Any:
        piece = next(coming, None)
        if piece is None and breaks:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    await client.app(scope, receive, send)
    return sent


def test_many_lines_take_little_memory(client: TestClient) -> None:
    """60 MB in lines that are no documents for the greater part."""

    def pieces() -> Iterator[bytes]:
        for number in range(600):
            yield lines({"id": f"n{number}", "text": "gas. " * 30}) if number % 40 == 0 else b"\n"
            yield b'{"id": "' + b"x" * 100_000 + b'"}\n'

    assert client.portal is not None
    tracemalloc.start()
    try:
        start, body = client.portal.call(_post, client, "/documents/bulk", pieces())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert start["status"] == 200
    answer = json.loads(body["body"])
    assert (answer["added"], len(answer["errors"])) == (15, 600)
    assert most < 15_000_000


def test_a_connection_that_breaks_leaves_what_was_stored(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.build._BATCH_SENTENCES", 1)
    assert client.portal is not None
    pieces = [lines({"id": "one", "text": "gas one"}), lines({"id": "two", "text": "gas two"}) + b'{"id": "thr']
    breaking = partial(_post, client, "/documents/bulk", pieces, breaks=True)
    sent = client.portal.call(breaking)
    assert sent[0]["status"] == 400
    assert set(found(client, "gas")) >= {"one", "two"}
    assert client.get("/documents/three").status_code == 404
    assert client.post("/documents", json={"id": "after", "text": "gas"}).status_code == 201


# Several writers


class Gated(FakeEncoder):
    """Encodes only when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def encode_passages(self, texts: Any, progress: Any = None) -> Any:
        self.begun.set()
        assert self.go_on.wait(20)
        return super().encode_passages(texts, progress)


def in_background(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(work()), daemon=True)
    thread.start()
    return thread, answers


def test_the_second_writer_waits_its_turn(folder: Path) -> None:
    encoder = Gated()
    with served(folder, encoder=encoder) as client:
        first, one = in_background(lambda: client.post("/documents", json={"id": "one", "text": "gas"}))
        assert encoder.begun.wait(20)
        second, two = in_background(lambda: client.delete("/documents/a"))
        assert found(client, "ban"), "searches go on"
        time.sleep(0.1)
        assert not one
        assert not two
        encoder.go_on.set()
        first.join(20)
        second.join(20)
        assert (one[0].status_code, two[0].status_code) == (201, 204)


def test_who_waits_too_long_for_another_is_503(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_PATIENCE", 0.1)
    encoder = Gated()
    with served(folder, encoder=encoder) as client:
        first, one = in_background(lambda: client.post("/documents", json={"id": "one", "text": "gas"}))
        assert encoder.begun.wait(20)
        for answer in (
            client.post("/documents", json={"id": "two", "text": "gas"}),
            client.post("/documents/bulk", content=lines({"id": "two", "text": "gas"})),
            client.delete("/documents/a"),
        ):
            assert_problem(answer, 503, "at the moment")
            assert answer.headers["retry-after"] == "10"
        encoder.go_on.set()
        first.join(20)
        assert one[0].status_code == 201
        assert client.get("/stats").json()["documents"] == 3


def test_another_process_that_writes_is_503(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **named: connect(*given, **{**named, "timeout": 0.1}))
    with served(folder) as client, closing(connect(folder / "collection.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for answer in (client.post("/documents", json={"id": "two", "text": "gas"}), client.delete("/documents/a")):
            assert_problem(answer, 503, "at the moment")
            assert answer.headers["retry-after"] == "10"
            assert str(folder) not in answer.text
        assert found(client, "ban")
        other.execute("ROLLBACK")
        assert client.post("/documents", json={"id": "two", "text": "gas"}).status_code == 201


def test_a_folder_that_is_away_does_not_come_back_empty(folder: Path) -> None:
    with served(folder) as client:
        folder.rename(folder.with_name("away"))
        assert_problem(client.post("/documents", json={"id": "two", "text": "gas"}), 503, "at the moment")
        assert not folder.exists()
        assert set(found(client, "ban")) == {"a", "b"}
        os.rename(folder.with_name("away"), folder)
        assert client.post("/documents", json={"id": "two", "text": "gas"}).status_code == 201


def test_what_another_process_adds_is_found(folder: Path) -> None:
    with served(folder) as client:
        fake = FakeEncoder()
        with StoredCollection.open(folder, writable=True) as made:
            index_documents([Document("other", "uranium")], made, fake)
        until(lambda: "other" in found(client, "uranium"))
