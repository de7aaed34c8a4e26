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
from indexer.documents import Document
from indexer.errors import CollectionError
from indexer.store import LocalStore
from indexer.stored_collection import StoredCollection
from search_api.app import create_app
from search_api.opening import OpenSearcher
from search_api.searcher import Searcher
from tests.fakes import FakeEncoder

_DOCUMENTS = [
    Document("a", "The ban was announced. Shops stayed open.", "A ban", source="sample", date="2026-01-06"),
    Document("b", "أعلنت الحكومة حظر التصدير. بقيت المتاجر مفتوحة.", "قرار"),
    Document("c", "Prices for gas rose.", "Prices"),
]
"""The first two tell the same story."""


@pytest.fixture
def client(tmp_path: Path, fake: FakeEncoder, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    with open_or_create(tmp_path / "collection", fake) as made:
        index_documents(_DOCUMENTS, made, fake)

    def opening() -> OpenSearcher:
        store = LocalStore(StoredCollection.open(tmp_path / "collection"))
        return OpenSearcher(Searcher(store, fake), store, is_sample=False)

    with TestClient(create_app(opening), raise_server_exceptions=False) as made_client:
        yield made_client


def test_get_and_post_give_the_same_answer(client: TestClient) -> None:
    for options in ({"limit": 2}, {"collapse": False, "explain": True}):
        got = client.get("/search", params={"q": "ban", **options})
        posted = client.post("/search", json={"q": "ban", **options})
        assert got.status_code == posted.status_code == 200
        assert got.json() == posted.json()


def test_an_answer_has_query_total_and_hits(client: TestClient) -> None:
    answer = client.get("/search", params={"q": " ban "}).json()
    assert list(answer) == ["query", "total", "offset", "version", "hits"]
    assert (answer["query"], answer["total"], len(answer["hits"])) == ("ban", 3, 2)
    apart = client.get("/search", params={"q": "ban", "collapse": "false"}).json()
    assert (apart["total"], len(apart["hits"])) == (3, 3)
    assert {hit["document_id"] for hit in apart["hits"][:2]} == {"a", "b"}


def test_documents_with_one_story_are_one_hit_unless_collapse_is_off(client: TestClient) -> None:
    first, second = client.get("/search", params={"q": "ban"}).json()["hits"]
    told = {
        "a": {"document_id": "a", "lang": "en", "title": "A ban"},
        "b": {"document_id": "b", "lang": "ar", "title": "قرار"},
    }
    (other,) = told.keys() - {first["document_id"]}
    assert (first["also_in"], second["document_id"], second["also_in"]) == ([told[other]], "c", [])
    apart = client.get("/search", params={"q": "ban", "collapse": "false"}).json()["hits"]
    assert [hit["also_in"] for hit in apart] == [[], [], []]


def test_a_hit_off_the_topic_is_marked_weak(client: TestClient) -> None:
    hits = client.get("/search", params={"q": "ban", "collapse": "false"}).json()["hits"]
    assert {hit["document_id"]: hit["weak"] for hit in hits} == {"a": False, "b": False, "c": True}
    assert [hit["weak"] for hit in hits] == [hit["score"] < 0.08 for hit in hits]


def test_an_explanation_is_there_when_asked_for_and_adds_up(client: TestClient) -> None:
    hits = client.get("/search", params={"q": '"ban" gas', "explain": "true", "collapse": "false"}).json()["hits"]
    parts = [hit["explanation"] for hit in hits]
    assert list(parts[0]) == ["passage", "sentence", "generic", "evidence", "feedback", "words", "fusion", "quoted"]
    for own in parts:
        assert own["evidence"] == pytest.approx(own["passage"] / 3 + 2 * own["sentence"] / 3 + own["generic"], abs=1e-5)
    assert (hits[0]["document_id"], [own["quoted"] for own in parts]) == ("a", [1, 0, 0])
    sums = [own["evidence"] + own["feedback"] + own["fusion"] for own in parts]
    assert sums[1] >= sums[2]
    unasked = client.get("/search", params={"q": "ban"}).json()["hits"]
    assert not any("explanation" in hit for hit in unasked)


@pytest.mark.parametrize(
    ("query", "document", "marked"),
    [
        ("open shops ban", "a", ["ban", "Shops", "open"]),
        ("حظر المتاجر", "b", ["حظر", "المتاجر"]),
        ("政府 禁輸品", "ja", ["政府", "禁輸"]),
        ("商店照常營業嗎", "zh", ["商店照常营业"]),
        ("weather", "a", []),
    ],
    ids=["en", "ar", "ja", "zh", "none"],
)
def test_words_of_the_question_are_highlighted_to_the_character(
    tmp_path: Path, fake: FakeEncoder, client: TestClient, query: str, document: str, marked: list[str]
) -> None:
    more = [
        Document("ja", "政府は禁輸を発表した。みせはあいていた。", "発表"),
        Document("zh", "政府宣布禁令。商店照常营业。", "公告"),
    ]
    with StoredCollection.open(tmp_path / "collection", writable=True) as collection:
        index_documents(more, collection, fake)
    hits = client.get("/search", params={"q": query, "collapse": "false"}).json()["hits"]
    (hit,) = (hit for hit in hits if hit["document_id"] == document)
    kinds = [mark["kind"] for mark in hit["highlights"]]
    assert kinds == ["sentence", *["word"] * len(marked)]
    assert [hit["snippet"][mark["start"] : mark["end"]] for mark in hit["highlights"][1:]] == marked


def test_a_hit_has_the_fields_of_the_contract(client: TestClient) -> None:
    hit = client.get("/search", params={"q": "ban", "lang": "en"}).json()["hits"][0]
    assert list(hit) == (
        [
            "rank",
            "score",
            "weak",
            "document_id",
            "passage_id",
            "lang",
            "title",
            "source",
            "date",
            "url",
            "snippet",
            "highlights",
            "start",
            "end",
            "sentence",
            "also_in",
        ]
    )
    assert (hit["document_id"], hit["source"], hit["date"]) == ("a", "sample", "2026-01-06")
    sentence, word = hit["highlights"]
    assert hit["snippet"][sentence["start"] : sentence["end"]] == "The ban was announced."
    assert word == {"start": 4, "end": 7, "kind": "word"}


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
        ({"q": "ban", "collapse": "perhaps"}, "collapse: "),
        ({"q": "ban", "explain": "perhaps"}, "explain: "),
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
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret path /home/x")

    monkeypatch.setattr(Searcher, "search", broken)
    answer = client.get("/search", params={"q": "ban"})
    assert answer.status_code == 500
    assert answer.json()["title"] == "Internal Server Error"
    assert "secret" not in answer.text


def test_a_collection_that_cannot_be_read_is_503_and_named_in_the_log_alone(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def damaged(*_: object, **__: object) -> None:
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
