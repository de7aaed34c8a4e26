"""Who may do what, and how often."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from search_api import keys
from search_api.guard.rates import TokenBuckets, network_of
from search_api.guard.rules import gate_of, is_open, largest_body, needed_scope
from search_api.keys import add_key, remove_key
from search_api.settings import ServiceSettings
from tests.guarded_service import assert_problem, client

Made = tuple[Path, str, str]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    file = tmp_path / "keys.json"
    return file, add_key(file, "reader", "read"), add_key(file, "writer", "write")


def guard(made: Made, **settings: Any) -> TestClient:
    return client(require_keys="yes", keys=made[0], **settings)


def test_without_a_key_that_is_known_nothing_of_the_collection_is_told(made: Made) -> None:
    for method, path in (("GET", "/search?q=x"), ("POST", "/search"), ("GET", "/metrics"), ("GET", "/nowhere")):
        for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": made[1]}):
            answer = guard(made).request(method, path, headers=headers)
            assert_problem(answer, 401, "an API key is needed")
            assert answer.headers["www-authenticate"] == 'Bearer realm="search"'
        wrong = guard(made).request(method, path, headers={"Authorization": f"Bearer {made[1]}x"})
        assert_problem(wrong, 401, "not known")
        assert wrong.headers["www-authenticate"] == 'Bearer realm="search", error="invalid_token"'
        assert made[1] not in wrong.text


def test_a_key_is_taken_as_bearer_or_as_a_header_of_its_own(made: Made) -> None:
    for headers in (
        {"Authorization": f"Bearer {made[1]}"},
        {"authorization": f"bearer  {made[1]} "},
        {"X-API-Key": made[1]},
    ):
        assert guard(made).get("/search?q=x", headers=headers).status_code == 200


def test_what_is_open_needs_no_key(made: Made) -> None:
    for path in ("/health", "/page/x"):
        assert guard(made).get(path).status_code == 200
    assert guard(made).options("/search").status_code == 204
    assert guard(made, open_metrics=True).get("/metrics").status_code == 200
    assert guard(made).get("/metrics", headers={"X-API-Key": made[1]}).status_code == 200


def test_changes_need_the_scope_write(made: Made) -> None:
    for method, path in (("POST", "/documents"), ("DELETE", "/documents/a"), ("PUT", "/search"), ("PATCH", "/new")):
        answer = guard(made).request(method, path, headers={"X-API-Key": made[1]})
        assert_problem(answer, 403, "needs a key with scope write")
        assert 'error="insufficient_scope", scope="write"' in answer.headers["www-authenticate"]
    for method, path in (("POST", "/documents"), ("POST", "/search")):
        assert guard(made).request(method, path, headers={"X-API-Key": made[2]}, json={}).status_code == 200
    assert guard(made).post("/search", headers={"X-API-Key": made[1]}, json={}).status_code == 200


def test_keys_that_are_added_and_removed_count_at_once(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_LOOK_AGAIN", 0.0)
    running = guard(made)
    later = add_key(made[0], "later", "read")
    assert running.get("/search?q=x", headers={"X-API-Key": later}).status_code == 200
    remove_key(made[0], "reader")
    assert [running.get("/search?q=x", headers={"X-API-Key": key}).status_code for key in (made[1], later)] == [
        401,
        200,
    ]


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"format": 9, "keys": []}', '{"format": 1, "keys": [{"name": "x"}]}']
)
def test_a_damaged_file_of_keys_lets_nobody_in(made: Made, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_LOOK_AGAIN", 0.0)
    running = guard(made)
    assert running.get("/search?q=x", headers={"X-API-Key": made[1]}).status_code == 200
    made[0].write_text(damage)
    answer = running.get("/search?q=x", headers={"X-API-Key": made[1]})
    assert_problem(answer, 401)
    assert str(made[0]) not in answer.text


@pytest.mark.skipif(os.name == "nt", reason="no such modes")
def test_a_file_of_keys_that_others_may_change_lets_nobody_in(made: Made) -> None:
    made[0].chmod(0o666)
    assert guard(made).get("/search?q=x", headers={"X-API-Key": made[1]}).status_code == 401


def test_trying_out_keys_is_429_and_locks_nobody_out(made: Made) -> None:
    running = guard(made, failed_keys=3)
    statuses = [running.get("/search?q=x", headers={"X-API-Key": f"wrong-{n}"}).status_code for n in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    refused = running.get("/search?q=x", headers={"X-API-Key": "wrong"})
    assert_problem(refused, 429, "too many wrong API keys")
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert running.get("/search?q=x", headers={"X-API-Key": made[1]}).status_code == 200


def test_each_key_has_its_own_rate(made: Made) -> None:
    running = guard(made, rate=0.1, burst=2)
    asked = {
        name: [running.get("/search?q=x", headers={"X-API-Key": key}) for _ in range(3)]
        for name, key in zip("rw", made[1:], strict=True)
    }
    for answers in asked.values():
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert_problem(answers[2], 429, "slow down")
        assert 9 <= int(answers[2].headers["retry-after"]) <= 10
    assert running.get("/health").status_code == 200


def test_without_keys_each_address_has_its_rate() -> None:
    running = client(rate=0.1, burst=2)
    assert [running.get("/search?q=x").status_code for _ in range(3)] == [200, 200, 429]
    assert {client(rate=0.0, burst=1).get("/search?q=x").status_code for _ in range(3)} == {200}


def test_a_bucket_fills_again_and_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    buckets = TokenBuckets(2.0, 4, clock=lambda: now)
    assert [buckets.take("a") for _ in range(5)] == [0, 0, 0, 0, 0.5]
    now = 0.5
    assert [buckets.take("a"), buckets.take("a")] == [0, 0.5]
    now = 1000.0
    assert [buckets.take("a") for _ in range(5)] == [0, 0, 0, 0, 0.5]
    monkeypatch.setattr("search_api.guard.rates._MOST_BUCKETS", 3)
    for name in "bcde":
        buckets.take(name)
    assert list(buckets._buckets) == ["c", "d", "e"]


def test_one_customer_of_ipv6_is_one_address() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:2") != network_of("2001:db8:0:1::1")
    assert [network_of(text) for text in ("10.0.0.5", "::ffff:10.0.0.5", "", "odd:")] == [
        "10.0.0.5",
        "10.0.0.5",
        "",
        "odd:",
    ]


def test_what_is_not_named_is_not_open() -> None:
    paths = [
        "/search",
        "/documents/a",
        "/metrics",
        "/stats",
        "/languages",
        "/pages",
        "/page",
        "/health/",
        "//",
        "",
        "/new",
    ]
    assert not [path for path in paths if is_open("GET", path)]
    assert not [path for path in ("/", "/health", "/page/x") if is_open("POST", path)]
    assert needed_scope("POST", "/search/") == "write"


def test_bodies_and_queues_go_by_the_path() -> None:
    settings = ServiceSettings(max_body=1, max_document=2, max_bulk=3)
    paths = ["/search", "/documents", "/documents/bulk", "/documents/a", "/documentsx", "/documents/bulk/x"]
    assert [largest_body(path, settings) for path in paths] == [1, 2, 3, 2, 1, 2]
    asked = [
        ("GET", "/search"),
        ("POST", "/search"),
        ("GET", "/documents/a"),
        ("DELETE", "/documents/a"),
        ("GET", "/health"),
    ]
    assert [gate_of(*one) for one in asked] == ["search", "search", None, "write", None]
