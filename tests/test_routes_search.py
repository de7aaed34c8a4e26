"""Searching over HTTP: each parameter and what is none, tags, versions, HEAD, and a description that is true."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema_rs import Draft202012Validator

from indexer.build import index_documents
from indexer.documents import Document
from indexer.live_store import LiveStore
from indexer.stored_collection import StoredCollection
from search_api.guard import methods
from tests.fakes import FakeEncoder
from tests.test_routes_documents import assert_problem, documents, folder, found, served

__all__ = ["folder"]


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient]:
    more = [
        Document(
            "c", "A drone and gas.", "Seen", "en", "2025-07", "s", metadata={"author": "Sato", "tags": ["x", "y"]}
        ),
        Document("d", "Nothing else.", "Other", "en", "2025", "t: u", metadata={"author": "O:Brien", "n": 3}),
    ]
    with StoredCollection.open(folder, writable=True) as made:
        index_documents(more, made, FakeEncoder())
    with served(folder) as made_client:
        yield made_client


# Parameters


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"lang": ["en"]}, "acd"),
        ({"lang": ["ar", "ja"]}, "b"),
        ({"source": ["s"]}, "ac"),
        ({"source": ["t: u", "s"]}, "acd"),
        ({"date_from": "2026"}, "a"),
        ({"date_to": "2025-07-15"}, "cd"),
        ({"date_from": "2025-08", "date_to": "2026-01-06"}, "ad"),
        ({"where": ["author:sato"]}, "c"),
        ({"where": ["author:O:Brien"]}, "d"),
        ({"where": [" author : Sato ", "author:O:Brien"]}, "cd"),
        ({"where": ["author:Sato", "tags:y"]}, "c"),
        ({"where": ["author:Sato", "n:3"]}, ""),
        ({"where": ["n:3"], "source": ["t: u"], "lang": ["en"], "date_to": "2025"}, "d"),
        ({"where": ["nothing:1"]}, ""),
    ],
)
def test_filters_narrow_what_answers(client: TestClient, options: dict[str, Any], expected: str) -> None:
    got = client.get("/search", params={"q": "gas", "collapse": False, **options})
    posted = client.post("/search", json={"q": "gas", "collapse": False, **options})
    assert got.json() == posted.json()
    assert "".join(sorted(hit["document_id"] for hit in got.json()["hits"])) == expected
    assert got.json()["total"] == len(expected)


def test_offset_facets_and_mode(client: TestClient) -> None:
    everything = client.get("/search", params={"q": "gas", "collapse": False, "facets": True}).json()
    page = client.get("/search", params={"q": "gas", "collapse": False, "limit": 1, "offset": 2}).json()
    assert page["hits"] == everything["hits"][2:3]
    assert (page["offset"], page["hits"][0]["rank"]) == (2, 3)
    assert everything["facets"] == {
        "lang": [{"value": "en", "count": 3}, {"value": "ar", "count": 1}],
        "source": [{"value": "s", "count": 2}, {"value": "t: u", "count": 1}],
        "year": [{"value": "2026", "count": 1}, {"value": "2025", "count": 2}],
    }
    assert "facets" not in page
    lexical = client.get("/search", params={"q": "drone", "mode": "lexical"}).json()
    assert [hit["document_id"] for hit in lexical["hits"]] == ["c"]
    assert client.get("/search", params={"q": "gas", "min_score": 9}).json()["hits"] == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"offset": -1}, "offset: "),
        ({"offset": 100}, "offset: "),
        ({"offset": 91}, "an offset of 91 with a limit of 10, expected 100 together"),
        ({"mode": "fast"}, "mode: "),
        ({"min_score": "high"}, "min_score: "),
        ({"min_score": 11}, "min_score: "),
        ({"date_from": "2026-13"}, "date_from is '2026-13', expected YYYY"),
        ({"date_to": "yesterday"}, "date_to is 'yesterday', expected YYYY"),
        ({"date_to": "2026-01-06T00:00"}, "date_to: "),
        ({"date_from": "2026", "date_to": "2025"}, "after date_to"),
        ({"where": ["author"]}, "where='author', expected FIELD:VALUE"),
        ({"where": [":Sato"]}, "expected FIELD:VALUE"),
        ({"where": [" : "]}, "expected FIELD:VALUE"),
        ({"where": ['a"b:c']}, "a field is called"),
        ({"where": ["a\x00b:c"]}, "a field is called"),
        ({"where": ["x" * 100 + "y"]}, "where='" + "x" * 80 + "'"),
        ({"where": ["a:b"] * 21}, "where: "),
        ({"lang": ["en"] * 21}, "lang: "),
        ({"source": ["x" * 1_001]}, "source.0: "),
        ({"facets": "perhaps"}, "facets: "),
        ({"query": "ban"}, "query: extra inputs"),
        ({"body": "ban"}, "body: extra inputs"),
        ({"Q": "ban", "limits": 3}, "limits: extra inputs"),
    ],
)
def test_what_is_no_parameter_is_422(client: TestClient, options: dict[str, Any], said: str) -> None:
    for answer in (
        client.get("/search", params={"q": "ban", **options}),
        client.post("/search", json={"q": "ban", **options}),
        client.get("/search", params={"q": "ban", **options}, headers={"If-None-Match": "*"}),
    ):
        assert_problem(answer, 422, said)
        assert len(answer.json()["detail"]) < 400


@pytest.mark.parametrize(
    "options",
    [
        *(
            {"limit": "5"},
            {"limit": True},
            {"limit": 5.0},
            {"min_score": "0.5"},
            {"collapse": 1},
            {"lang": "en"},
            {"q": 7},
        ),
        *({"lang": ["\ud800"]}, {"lang": [None]}, {"where": {"a": "b"}}, {"mode": None}, {"limit": None}),
    ],
)
def test_a_body_has_its_types(client: TestClient, options: dict[str, Any]) -> None:
    content = json.dumps({"q": "ban", **options})
    answer = client.post("/search", content=content, headers={"content-type": "application/json"})
    assert_problem(answer, 422, next(iter(options)))


# Tags and versions


def test_a_tag_stands_for_question_and_content(client: TestClient) -> None:
    first = client.get("/search", params={"q": "gas"})
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    assert tag.startswith('W/"')
    for header in (tag, tag.removeprefix("W/"), f'"x", {tag}', f'{tag},W/"y"', f' "a,b" ,{tag} ', "*", " * "):
        again = client.get("/search", params={"q": "gas"}, headers={"If-None-Match": header})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), header
        assert again.headers["x-collection-version"] == first.headers["x-collection-version"]
    for header in ('"x"', "W/", "", ",", tag[:-2], tag.upper(), "**"):
        assert client.get("/search", params={"q": "gas"}, headers={"If-None-Match": header}).status_code == 200, header
    others: tuple[dict[str, Any], ...] = (
        {"q": "gas "},
        {"q": "Gas"},
        {"q": "gas", "limit": 9},
        {"q": "gas", "explain": True},
        {"q": "gas", "lang": "en"},
    )
    tags = [client.get("/search", params=own).headers["etag"] for own in others]
    assert len({tag, *tags}) == len(others) + 1
    assert client.get("/search", params={"limit": 10, "q": "gas"}).headers["etag"] == tag


def test_a_tag_changes_with_the_content(client: TestClient) -> None:
    tags: set[str] = set()
    versions: list[int] = []
    for change in (None, "add", "delete"):
        if change == "add":
            client.post("/documents", json={"id": "new", "text": "more gas"})
        if change == "delete":
            client.delete("/documents/new")
        answer = client.get("/search", params={"q": "gas"}, headers={"If-None-Match": ", ".join(tags)})
        assert answer.status_code == 200
        assert answer.json()["version"] == int(answer.headers["x-collection-version"])
        tags.add(answer.headers["etag"])
        versions.append(answer.json()["version"])
    assert len(tags) == 3
    assert versions == sorted(set(versions))


def test_a_tag_is_not_that_of_another_collection_of_the_same_version(folder: Path, tmp_path: Path) -> None:
    fake = FakeEncoder()
    from indexer.build import open_or_create

    with open_or_create(tmp_path / "other", fake) as made:
        index_documents(documents(), made, fake)
    with served(folder) as one, served(tmp_path / "other") as other:
        first, second = (own.get("/search", params={"q": "gas"}) for own in (one, other))
        assert first.headers["x-collection-version"] == second.headers["x-collection-version"]
        assert first.headers["etag"] != second.headers["etag"]


def test_head_is_get_without_a_body(client: TestClient) -> None:
    wrapped = TestClient(methods.Methods(client.app))
    for path in ("/search?q=gas", "/stats", "/languages", "/documents/a", "/ready", "/health"):
        got, head = wrapped.get(path), wrapped.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(got.content))
        assert head.headers.get("etag") == got.headers.get("etag")
    assert wrapped.head("/search").status_code == 422
    assert wrapped.head("/documents/none").status_code == 404


# What else there is to ask


def test_languages_and_figures(client: TestClient) -> None:
    assert client.get("/languages").json() == {
        "languages": [{"lang": "en", "documents": 3, "passages": 3}, {"lang": "ar", "documents": 1, "passages": 1}]
    }
    stats = client.get("/stats").json()
    assert {
        name: stats[name] for name in ("documents", "passages", "languages", "files", "copies", "model", "sample")
    } == {
        "documents": 4,
        "passages": 4,
        "languages": {"en": 3, "ar": 1},
        "files": 0,
        "copies": 0,
        "model": "fake",
        "sample": False,
    }
    assert stats["bytes"] > 1_000
    ready = client.get("/ready").json()
    assert (ready["documents"], ready["version"]) == (4, stats["version"])


def test_after_the_service_has_stopped_it_says_so(folder: Path) -> None:
    with served(folder) as client:
        assert found(client, "ban")
        store: LiveStore = client.app.state.opened.store  # type: ignore[attr-defined]
        store.close()
        for path in ("/search?q=ban", "/languages", "/stats", "/ready", "/documents/a"):
            assert_problem(client.get(path), 503, "at the moment")


# The description


def test_the_description_is_true(client: TestClient) -> None:
    """Examples are of the schemas that they illustrate, and so are answers."""
    described = client.get("/openapi.json").json()
    checked = 0
    for place, schema, example in examples(described):
        problems = [error.message for error in validator(schema, described).iter_errors(example)]
        assert not problems, (place, problems)
        checked += 1
    assert checked >= 5
    for path, method, status, answer in (
        ("/search", "get", "200", client.get("/search", params={"q": "gas", "explain": True, "facets": True})),
        ("/search", "post", "200", client.post("/search", json={"q": "gas"})),
        ("/search", "get", "422", client.get("/search")),
        ("/languages", "get", "200", client.get("/languages")),
        ("/stats", "get", "200", client.get("/stats")),
        ("/documents/{document_id}", "get", "200", client.get("/documents/a")),
        ("/documents", "post", "201", client.post("/documents", json={"id": "x", "text": "x"})),
        ("/documents/bulk", "post", "200", client.post("/documents/bulk", content=b"{")),
    ):
        content = described["paths"][path][method]["responses"][status]["content"]
        (media_type,) = content.keys() & {answer.headers["content-type"]}
        schema = content[media_type].get("schema") or {"$ref": "#/components/schemas/Problem"}
        assert str(answer.status_code) == status
        assert not list(validator(schema, described).iter_errors(answer.json())), path


def validator(schema: Any, described: Any) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": described["components"]})


def examples(described: Any) -> Iterator[tuple[str, Any, Any]]:
    """Where, of what schema, and what."""
    for name, schema in described["components"]["schemas"].items():
        yield from ((name, schema, example) for example in schema.get("examples", []))
        for field, own in schema.get("properties", {}).items():
            yield from ((f"{name}.{field}", own, example) for example in own.get("examples", []))
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            place = f"{method} {path}"
            for parameter in operation.get("parameters", []):
                own = parameter["schema"]
                given = [*own.get("examples", []), *([parameter["example"]] if "example" in parameter else [])]
                yield from ((place, own, example) for example in given)
            bodies = [*operation["responses"].values(), operation.get("requestBody", {})]
            for content in (content for body in bodies for content in body.get("content", {}).values()):
                if "example" in content:
                    yield place, content["schema"], content["example"]
