"""Names that an attacker points at this machine, and pages of other sites."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from search_api.guard import guarded
from search_api.guard.hosts import host_of
from search_api.settings import ServiceSettings
from tests.guarded_service import assert_problem, client, small_app

# Hosts


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:8000", "search.example.org", "localhost."]
)
def test_names_of_loopback_and_those_configured_are_served(host: str) -> None:
    guard = client(allowed_hosts=("search.example.org",))
    assert guard.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "search.example.org.evil", "10.0.0.5", "127.1", "0.0.0.0", "[::2]"],
)
def test_another_name_is_421(host: str) -> None:
    for path in ("/health", "/search?q=x", "/nowhere"):
        answer = client(allowed_hosts=("search.example.org",)).get(path, headers={"Host": host})
        assert_problem(answer, 421, "--allowed-hosts")
        assert host not in answer.text


@pytest.mark.parametrize("host", ["", "a b", "localhost:99999", "localhost:x", "user@localhost", "localhost/x", "[::1"])
def test_what_is_no_host_is_400(host: str) -> None:
    assert_problem(client().get("/health", headers={"Host": host}), 400, "Host")


def test_the_address_at_which_a_client_got_here_is_a_name_too() -> None:
    assert (
        TestClient(guarded(small_app(), ServiceSettings()), base_url="http://10.1.2.3:8000").get("/health").is_success
    )
    assert [host_of(name) for name in ("[::FFFF:10.0.0.5]", "Host1:80", "127.0.0.1.")] == [
        "10.0.0.5",
        "host1",
        "127.0.0.1",
    ]


# Origins


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:9000", "http://localhost:8000.evil.example", "file://"]
)
def test_pages_of_other_sites_may_change_and_ask_nothing(origin: str) -> None:
    for method, path in (("POST", "/search"), ("DELETE", "/documents/a"), ("POST", "/documents")):
        assert_problem(client().request(method, path, headers={"Origin": origin}, json={}), 403, "--allowed-origins")
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    preflight = client().options("/search", headers=asked)
    assert_problem(preflight, 403)
    assert "access-control-allow-origin" not in preflight.headers
    seen = client().get("/search?q=x", headers={"Origin": origin})
    assert "access-control-allow-origin" not in seen.headers  # so the browser keeps it from the page


def test_its_own_page_and_programs_may() -> None:
    for headers in ({}, {"Origin": "http://localhost:8000"}, {"Origin": "https://localhost:8000"}):
        assert client().post("/search", json={}, headers=headers).status_code == 200
    assert_problem(client().post("/search", json={}, headers={"Sec-Fetch-Site": "cross-site"}), 403)


def test_an_origin_that_is_configured_gets_cors_and_no_credentials() -> None:
    guard = client(allowed_origins=("https://news.example.org",))
    origin = {"Origin": "https://news.example.org"}
    preflight = guard.options("/search", headers={**origin, "Access-Control-Request-Method": "POST"})
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert preflight.headers["access-control-allow-origin"] == "https://news.example.org"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "x-api-key" in preflight.headers["access-control-allow-headers"]
    for answer in (guard.post("/search", json={}, headers=origin), guard.get("/nowhere", headers=origin)):
        assert answer.headers["access-control-allow-origin"] == "https://news.example.org"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert "x-request-id" in answer.headers["access-control-expose-headers"]
        assert answer.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in answer.headers
    other = guard.get("/search?q=x", headers={"Origin": "https://evil.example"})
    assert ("access-control-allow-origin" in other.headers, other.headers["vary"]) == (False, "Origin")
