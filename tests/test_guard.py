"""What every answer carries, what is refused by its shape, and what the access log says, as a client sees it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from search_api import metrics
from search_api.guard.access_log import JsonLines
from tests.guarded_service import assert_problem, client


@pytest.fixture(autouse=True)
def forget_figures() -> Iterator[None]:
    yield
    metrics.install(None)


# Headers of all answers


def test_an_answer_is_safe_to_show_and_says_not_who_made_it() -> None:
    for path, status in (("/health", 200), ("/nowhere", 404), ("/broken", 500)):
        headers = client().get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store", status
        assert "access-control-allow-origin" not in headers
    tagged = client().get("/tagged").headers
    assert (tagged["cache-control"], "server" in tagged) == ("private, no-cache", False)
    page = client().get("/page/x").headers
    assert (page["content-security-policy"], page["cache-control"]) == ("default-src 'self'", "max-age=9")


@pytest.mark.parametrize("given", ["abc-1.2_3", "x" * 64])
def test_a_sane_request_id_comes_back(given: str) -> None:
    assert client().get("/health", headers={"X-Request-ID": given}).headers.get_list("x-request-id") == [given]


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\r\nSet-Cookie: b", "a\n", "é", "<script>"])
def test_any_other_request_id_is_made_anew(given: str) -> None:
    answer = client().get("/health", headers={b"X-Request-ID": given.encode("latin-1")})
    assert re.fullmatch("[0-9a-f]{16}", answer.headers["x-request-id"])
    assert "set-cookie" not in answer.headers


def test_what_goes_wrong_within_stays_within(caplog: pytest.LogCaptureFixture) -> None:
    answer = client().get("/broken")
    assert_problem(answer, 500, "its log says why")
    assert "secret" not in answer.text
    (record,) = (record for record in caplog.records if record.exc_info)
    assert answer.headers["x-request-id"] in record.getMessage()
    assert "secret /home/x" in JsonLines().format(record)


# Methods


def test_head_is_get_without_a_body() -> None:
    got, head = (client().request(method, "/search?q=x") for method in ("GET", "HEAD"))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"] == str(len(got.content))
    assert client().head("/nowhere").status_code == 404


def test_options_and_405_name_all_methods_of_a_path() -> None:
    asked = client().options("/search")
    assert (asked.status_code, asked.content, asked.headers["allow"]) == (204, b"", "GET, HEAD, OPTIONS, POST")
    refused = client().delete("/search")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert client().options("/documents/a/b").headers["allow"] == "DELETE, OPTIONS"
    assert client().options("/nowhere").status_code == 404


def test_methods_that_nobody_needs_are_refused() -> None:
    for method, status in (("TRACE", 405), ("CONNECT", 405), ("BREW", 501)):
        answer = client().request(method, "/search", headers={"X-Secret": "value"})
        assert_problem(answer, status)
        assert "value" not in answer.text
    assert "GET" in client().request("TRACE", "/search").headers["allow"]


# Shape


def test_a_long_url_is_414() -> None:
    guard = client(max_url=1000)
    fits, beyond = ("/search?q=" + "x" * (1000 - len("/searchq=") + more) for more in (0, 1))
    assert guard.get(fits).status_code == 200
    assert_problem(guard.get(beyond), 414, "1,000 bytes")
    assert_problem(guard.get("/" + "x" * 1001), 414)


def test_large_or_many_headers_are_431() -> None:
    assert client(max_headers=2000).get("/health", headers={"X-Large": "x" * 1500}).status_code == 200
    assert_problem(client(max_headers=2000).get("/health", headers={"X-Large": "x" * 2000}), 431)
    assert_problem(client().get("/health", headers={f"X-{n}": "1" for n in range(101)}), 431, "100 headers")


def test_a_compressed_body_is_415_and_says_what_would_do() -> None:
    for encoding in ("gzip", "deflate, gzip", "br"):
        answer = client().post("/search", content=b"\x1f\x8b", headers={"Content-Encoding": encoding})
        assert_problem(answer, 415)
        assert answer.headers["accept-encoding"] == "identity"
    assert client().post("/search", json={}, headers={"Content-Encoding": "identity"}).status_code == 200


def test_a_body_of_two_lengths_is_400() -> None:
    answer = client().post("/search", content=b"{}", headers={"Transfer-Encoding": "chunked", "Content-Length": "2"})
    assert_problem(answer, 400, "Transfer-Encoding")


# Bodies


@pytest.mark.parametrize(("path", "limit"), [("/search", 100), ("/documents", 1000), ("/documents/bulk", 5000)])
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_large_body_is_413(path: str, limit: int, declared: bool) -> None:
    guard = client(max_body=100, max_document=1000, max_bulk=5000)
    for more in (0, 1):
        body = b'"' + b"x" * (limit - 2 + more) + b'"'
        answer = guard.post(path, content=body if declared else iter([body[:50], body[50:]]))
        if more:
            assert_problem(answer, 413, f"{limit:,} bytes")
        else:
            assert answer.status_code == 200, answer.text


# The access log


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    lines = [JsonLines().format(record) for record in caplog.records if record.name == "search_api.access"]
    return [json.loads(line) for line in lines]


def test_the_access_log_names_the_route_and_nothing_that_was_asked(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    guard = client()
    guard.get("/search?q=secret", headers={"X-Request-ID": "mine"})
    guard.post("/search", json={"q": "secret"})
    guard.delete("/documents/secret")
    guard.get("/secret")
    guard.get("/search?q=x", headers={"Host": "evil.example"})
    assert not [line for line in logged(caplog) if "secret" in json.dumps(line)]
    told = [(line["method"], line["path"], line["status"]) for line in logged(caplog)]
    assert told == [
        ("GET", "/search", 200),
        ("POST", "/search", 200),
        ("DELETE", "/documents/{name:path}", 200),
        ("GET", "", 404),
        ("GET", "", 421),
    ]
    first, last = logged(caplog)[0], logged(caplog)[-1]
    assert set(first) == set("time level logger message request_id method path status ms bytes key client".split())
    assert (first["request_id"], first["bytes"], first["client"]) == ("mine", len('{"q":"secret"}'), "testclient")
    assert last["refused"] == "host"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", first["time"])


def test_questions_are_logged_when_they_are_to_be(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    guard = client(log_queries=True)
    guard.get("/search", params={"q": "禁輸\n{}\u2028"})
    guard.post("/search", json={"q": "posted"})
    assert [line["query"] for line in logged(caplog)] == ["禁輸\n{}\u2028", '{"q":"posted"}']
    for record in caplog.records:
        assert len(JsonLines().format(record).splitlines()) == 1
