"""The API as a client sees it: answers, errors as problem details, and the contract of its fields."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from indexer.build import index_documents, open_or_create
from indexer.collection import Collection
from indexer.documents import Document
from indexer.errors import CollectionError
from indexer.store import LocalStore
from search_api.app import create_app
from search_api.opening import OpenSearcher
from search_api.searcher import Searcher
from tests.fakes import FakeEncoder

_DOCUMENTS = [
    Document("a", "The ban was announced. Shops stayed open.", "A ban", source="sample", date="2026-01-06"),
    Document("b", "أعلنت الحكومة حظر التصدير. بقيت المتاجر مفتوحة.", "قرار"),
    Document("c", "Prices for gas rose.", "Prices"),
]


@pytest.fixture
def client(tmp_path: Path, fake: FakeEncoder, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    with open_or_create(tmp_path / "collection", fake) as made:
        index_documents(_DOCUMENTS, made, fake)

    def opening() -> OpenSearcher:
        store = LocalStore(Collection.open(tmp_path / "collection"))
        return OpenSearcher(Searcher(store, fake), store, is_sample=False)

    with TestClient(create_app(opening), raise_server_exceptions=False) as made_client:
        yield made_client


def test_get_and_post_give_the_same_answer(client: TestClient) -> None:
    got = client.get("/search", params={"q": "ban", "limit": 2})
    posted = client.post("/search", json={"q": "ban", "limit": 2})
    assert got.status_code == posted.status_code == 200
    assert got.json() == posted.json()


def test_an_answer_has_query_total_and_hits(client: TestClient) -> None:
    answer = client.get("/search", params={"q": " ban "}).json()
    assert list(answer) == ["query", "total", "hits"]
    assert (answer["query"], answer["total"], len(answer["hits"])) == ("ban", 3, 3)
    assert {hit["document_id"] for hit in answer["hits"][:2]} == {"a", "b"}


def test_a_hit_has_the_fields_of_the_contract(client: TestClient) -> None:
    hit = client.get("/search", params={"q": "ban", "lang": "en"}).json()["hits"][0]
    assert list(hit) == (
        [
            "rank",
            "score",
            "document_id",
            "passage_id",
            "lang",
            "title",
            "source",
            "date",
            "url",
            "snippet",
            "highlights",
        ]
    )
    assert (hit["document_id"], hit["source"], hit["date"]) == ("a", "sample", "2026-01-06")
    (mark,) = hit["highlights"]
    assert hit["snippet"][mark["start"] : mark["end"]] == "The ban was announced."


def test_languages_may_be_repeated(client: TestClient) -> None:
    hits = client.get("/search?q=ban&lang=ar&lang=fi").json()["hits"]
    assert [hit["document_id"] for hit in hits] == ["b"]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "q: "),
        ({"q": ""}, "q: "),
        ({"q": "   "}, "the query is empty"),
        ({"q": "?!"}, "no letters or digits"),
        ({"q": "😀"}, "no letters or digits"),
        ({"q": "x" * 20_000}, "q: "),
        ({"q": "x\x00"}, "not text"),
        ({"q": "ban", "limit": 0}, "limit: "),
        ({"q": "ban", "limit": 101}, "limit: "),
        ({"q": "ban", "limit": "many"}, "limit: "),
        ({"q": "ban", "unknown": "1"}, "unknown: "),
    ],
)
def test_bad_parameters_are_422_with_one_line(client: TestClient, parameters: dict[str, Any], said: str) -> None:
    for answer in (client.get("/search", params=parameters), client.post("/search", json=parameters)):
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert (problem["status"], problem["title"]) == (422, HTTPStatus(422).phrase)
        assert problem["detail"].startswith(said) or said in problem["detail"]
        assert "\n" not in problem["detail"]
        assert len(problem["detail"]) < 300


def test_an_unpaired_surrogate_in_a_body_is_422(client: TestClient) -> None:
    answer = client.post("/search", content=b'{"q": "\\ud800"}', headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["status"] == 422


def test_a_body_that_is_not_json_is_422(client: TestClient) -> None:
    answer = client.post("/search", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["title"] == HTTPStatus(422).phrase


def test_unknown_paths_and_methods_are_problems_too(client: TestClient) -> None:
    assert client.get("/nowhere").json()["status"] == 404
    answer = client.delete("/search")
    assert (answer.status_code, answer.json()["title"]) == (405, "Method Not Allowed")
    assert "allow" in answer.headers


def test_an_error_within_shows_nothing_of_the_inside(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret path /home/x")

    monkeypatch.setattr(Searcher, "search", broken)
    answer = client.get("/search", params={"q": "ban"})
    assert answer.status_code == 500
    assert answer.json()["title"] == "Internal Server Error"
    assert "secret" not in answer.text


def test_a_collection_that_cannot_be_read_is_503_and_named_in_the_log_alone(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def damaged(*_: object) -> None:
        raise CollectionError("/home/x/collection: the collection is damaged")

    monkeypatch.setattr(Searcher, "search", damaged)
    answer = client.get("/search", params={"q": "ban"})
    assert (answer.status_code, answer.json()["status"]) == (503, 503)
    assert "/home/x" not in answer.text
    assert "/home/x/collection: the collection is damaged" in caplog.text


def test_health_and_ready(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    ready = client.get("/ready").json()
    assert (ready["status"], ready["documents"], ready["model"]) == ("ready", 3, "fake")


def test_before_the_collection_is_loaded_search_is_503() -> None:
    def never() -> OpenSearcher:
        raise AssertionError

    answer = TestClient(create_app(never)).get("/search", params={"q": "ban"})
    assert (answer.status_code, answer.json()["title"]) == (503, "Service Unavailable")
    assert answer.headers["retry-after"] == "5"


def test_openapi_has_examples_and_the_error_shape(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    search = described["paths"]["/search"]["get"]["responses"]
    assert search["200"]["content"]["application/json"]["example"]["hits"][0]["lang"] == "ar"
    assert "application/problem+json" in search["422"]["content"]
    assert described["components"]["schemas"]["SearchRequest"]["examples"]


def test_many_clients_at_once_get_right_answers(client: TestClient) -> None:
    answers: list[list[str]] = []

    def ask(query: str) -> None:
        answers.append(
            [
                query,
                client.get("/search", params={"q": query, "limit": 1, "lang": "en"}).json()["hits"][0]["document_id"],
            ]
        )

    threads = [threading.Thread(target=ask, args=(query,)) for query in ["ban", "gas"] * 10]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [["ban", "a"]] * 10 + [["gas", "c"]] * 10
