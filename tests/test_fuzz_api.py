"""Whatever is sent, nothing fails within: requests made from the API's own description, right ones and wrong ones, and
questions of any characters. SEARCH_FUZZ=N sends about N requests, instead of some hundreds, to each route."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from starlette.types import ASGIApp, Receive, Scope, Send

from indexer.build import index_documents, open_or_create
from search_api.guard.methods import Methods
from search_api.query_text import LONGEST_QUERY
from search_api.searcher import MODES
from tests.fakes import FakeEncoder
from tests.test_routes_documents import documents, served

_ALL = int(os.environ.get("SEARCH_FUZZ", "0"))
_ROUTES = (
    ("GET", "/search", 300),
    ("POST", "/search", 300),
    ("GET", "/documents/{document_id}", 200),
    ("DELETE", "/documents/{document_id}", 100),
    ("POST", "/documents", 60),
    ("POST", "/documents/bulk", 60),
    ("GET", "/languages", 5),
    ("GET", "/stats", 5),
    ("GET", "/health", 5),
    ("GET", "/ready", 5),
)
_MAY_BE_WRONG = (("GET", "/search"), ("POST", "/search"), ("POST", "/documents"), ("POST", "/documents/bulk"))
_BEYOND_SCHEMAS: dict[tuple[str, str], list[Any]] = {
    # Dates, fields, and what has no letter in any script; and a number in a URL is a text as well.
    ("GET", "/search"): [positive_data_acceptance, negative_data_rejection],
    ("POST", "/search"): [positive_data_acceptance],
    ("POST", "/documents"): [positive_data_acceptance],  # a text of white space
    ("POST", "/documents/bulk"): [negative_data_rejection],  # what is wrong with a line is said in the answer
}
_ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_TYPED = st.one_of(
    _ANY, st.text(st.sampled_from('gas ban 禁令غاز"“”«»「」:-—…\u200f\u202e\ufeff\x00\n\t%é😀'), max_size=40)
)


@schemathesis.serializer("application/x-ndjson")
def _as_lines(_: Any, value: Any) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace")


def profile(count: int) -> settings:
    return settings(
        max_examples=_ALL or count,
        deadline=None,
        derandomize=not _ALL,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    place, fake = tmp_path_factory.mktemp("fuzz") / "c", FakeEncoder()
    with open_or_create(place, fake) as made:
        index_documents(documents(), made, fake)
    with served(place) as opened:
        yield opened


class _Begun:
    """An application that was begun already and goes on, with what the guard around it does about methods."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = Methods(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{phase}.complete"})
        else:
            await self._app(scope, receive, send)


@pytest.mark.parametrize(
    ("method", "path", "count", "mode"),
    [
        *((*route, GenerationMode.POSITIVE) for route in _ROUTES),
        *((*route, GenerationMode.NEGATIVE) for route in _ROUTES if route[:2] in _MAY_BE_WRONG),
    ],
)
def test_requests_made_from_the_description_are_answered_as_it_says(
    client: TestClient, method: str, path: str, count: int, mode: GenerationMode
) -> None:
    described = schemathesis.openapi.from_asgi("/openapi.json", _Begun(client.app))
    operation = described[path][method]

    @given(case=operation.as_strategy(generation_mode=mode))
    @profile(count)
    def answers(case: Any) -> None:
        case.call_and_validate(excluded_checks=_BEYOND_SCHEMAS.get((method, path), []))

    try:
        answers()
    except BaseException as error:
        # Python 3.11's ast.parse, with which hypothesis looks at lambdas, fails now and then (CPython issue 106905).
        if "recursion depth mismatch" not in "".join(traceback.format_exception(error)):
            raise
        answers()


@given(
    query=_TYPED,
    options=st.fixed_dictionaries(
        {},
        optional={
            "limit": st.integers(-1, 120),
            "offset": st.integers(-1, 120),
            "lang": st.lists(_ANY, max_size=3),
            "source": st.lists(_ANY, max_size=3),
            "date_from": st.one_of(st.sampled_from(["2025", "2026-01", "2026-01-06"]), _ANY),
            "date_to": st.one_of(st.sampled_from(["2025", "2026-01", "2026-01-06"]), _ANY),
            "where": st.lists(st.one_of(_ANY, st.tuples(_ANY, _ANY).map(":".join)), max_size=3),
            "mode": st.one_of(st.sampled_from(MODES), _ANY),
            "min_score": st.floats(allow_nan=True),
            "collapse": st.booleans(),
            "explain": st.booleans(),
            "facets": st.booleans(),
        },
    ),
)
@profile(300)
def test_a_question_of_any_characters_is_answered_or_refused_in_one_line(
    client: TestClient, query: str, options: dict[str, Any]
) -> None:
    content = json.dumps({"q": query, **options})
    got = client.get("/search", params={"q": query, **options})
    posted = client.post("/search", content=content, headers={"content-type": "application/json"})
    assert posted.status_code == got.status_code or not all(
        options.get(name, [1]) for name in ("lang", "source", "where")
    )
    for answer in (got, posted):
        assert answer.status_code in (200, 422), answer.text
        if answer.status_code == 422:
            assert "\n" not in answer.json()["detail"]
            assert len(answer.json()["detail"]) < 1_000
        else:
            assert len(query.strip()) <= LONGEST_QUERY
            for hit in answer.json()["hits"]:
                assert all(0 <= mark["start"] < mark["end"] <= len(hit["snippet"]) for mark in hit["highlights"])


@given(
    content=st.one_of(st.binary(max_size=200), _ANY.map(str.encode)), path=st.sampled_from(["/search", "/documents"])
)
@profile(300)
def test_any_body_is_answered_or_refused(client: TestClient, content: bytes, path: str) -> None:
    answer = client.post(path, content=content, headers={"content-type": "application/json"})
    assert answer.status_code in (200, 201, 400, 422), answer.text


@given(
    identifier=_TYPED,
    text=_TYPED,
    title=_ANY,
    metadata=st.dictionaries(_ANY, st.one_of(_ANY, st.integers(), st.floats())),
)
@profile(25)
def test_a_document_of_any_characters_comes_back_or_is_refused(
    client: TestClient, identifier: str, text: str, title: str, metadata: dict[str, Any]
) -> None:
    content = json.dumps({"id": identifier, "text": text, "title": title, "metadata": metadata})
    answer = client.post("/documents", content=content, headers={"content-type": "application/json"})
    assert answer.status_code in (200, 201, 422), answer.text
    if answer.status_code != 422:
        line = content.encode() + b"\n"
        again = client.post("/documents/bulk", content=line).json()
        assert (again["unchanged"], again["errors"]) == (1, [])
