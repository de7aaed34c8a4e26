"""A real server on a real socket, and what a client may do to it that no client library would."""

from __future__ import annotations

import gzip
import json
import re
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.guarded_service import Reachable, Service, received, serving, serving_thread

_HOST = b"Host: localhost\r\n"
_CLOSE = b"Connection: close\r\n"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    limits = {"header_timeout": 0.5, "body_timeout": 0.5, "max_headers": "8K", "max_url": "4K", "rate": 0}
    with serving(**limits) as running:
        yield running


def parts(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the first answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    return int(first.split(" ")[1]), {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}, body


def assert_refused(answer: bytes, status: int) -> None:
    """A problem, and nothing of the inside."""
    got, headers, body = parts(answer)
    assert (got, headers["content-type"]) == (status, "application/problem+json")
    assert json.loads(body)["status"] == status
    assert headers["x-content-type-options"] == "nosniff"
    assert re.fullmatch("[0-9a-f]{16}", headers["x-request-id"])
    assert "server" not in headers
    assert b"Traceback" not in body
    assert b"/home" not in body


def assert_well(service: Reachable) -> None:
    assert httpx.get(f"{service.url}/search?q=x", timeout=5).json() == {"q": "x"}


# Slow clients


def test_headers_that_drip_are_cut_off(service: Service) -> None:
    with service.connect() as connection:
        start = time.monotonic()
        answer = b""
        connection.settimeout(0.05)
        for byte in b"GET /search?q=x HTTP/1.1\r\nX-Slow: " + b"x" * 200:
            connection.send(bytes([byte]))
            try:
                answer = connection.recv(65_536) + received(connection)
                break
            except TimeoutError:
                continue
        assert 0.4 < time.monotonic() - start < 3
    assert_refused(answer, 408)
    assert_well(service)


def test_headers_that_drip_on_a_connection_kept_alive_are_cut_off_too(service: Service) -> None:
    with service.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\n" + _HOST + b"\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /hea")
        start = time.monotonic()
        assert_refused(received(connection), 408)
        assert 0.4 < time.monotonic() - start < 3


def test_a_connection_that_says_nothing_is_closed(service: Service) -> None:
    with service.connect() as connection:
        start = time.monotonic()
        assert received(connection) == b""
        assert 0.4 < time.monotonic() - start < 3


def test_a_body_that_drips_is_cut_off(service: Service) -> None:
    for path in (b"/search", b"/documents", b"/documents/bulk"):
        with service.connect() as connection:
            connection.sendall(b"POST " + path + b" HTTP/1.1\r\n" + _HOST + b"Content-Length: 5000\r\n\r\n")
            for _ in range(20):
                try:
                    connection.send(b"x")
                except OSError:
                    break
                time.sleep(0.05)
            assert_refused(received(connection), 408)
    assert_well(service)


def test_many_slow_clients_leave_room_for_others() -> None:
    with serving_thread(header_timeout=0.5, max_connections=50) as service:
        slow = [service.connect() for _ in range(60)]
        try:
            for connection in slow:
                connection.sendall(b"GET / HTTP/1.1\r\n")
            assert_refused(received(slow[-1]), 503)
            time.sleep(1.8)
            assert_well(service)
        finally:
            for connection in slow:
                connection.close()


# Large


def test_headers_without_end_are_cut_off(service: Service) -> None:
    endless = b"GET / HTTP/1.1\r\n" + _HOST + b"X-Large: " + b"x" * 1_000_000
    assert_refused(service.exchange(endless), 431)
    assert_refused(
        service.exchange(b"GET / HTTP/1.1\r\n" + _HOST + _CLOSE + b"X-Large: " + b"x" * 9000 + b"\r\n\r\n"), 431
    )
    assert_refused(service.exchange(b"GET /" + b"x" * 100_000), 431)
    assert_refused(service.exchange(b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n" + _HOST + _CLOSE + b"\r\n"), 414)


def test_a_bomb_is_not_opened(service: Service) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    for path in ("/search", "/documents", "/documents/bulk"):
        answer = httpx.post(f"{service.url}{path}", content=bomb, headers={"Content-Encoding": "gzip"})
        assert answer.status_code == 415
    assert_well(service)


def test_a_body_that_is_too_large_is_refused_and_not_read_for_ever(service: Service) -> None:
    head = b"POST /search HTTP/1.1\r\n" + _HOST + b"Content-Length: 10000000000\r\n\r\n"
    with service.connect() as connection:
        connection.sendall(head)
        start = time.monotonic()
        answer = b""
        connection.settimeout(0.01)
        while time.monotonic() - start < 8:
            try:
                connection.send(b"x" * 1000)
                answer += connection.recv(65_536)
            except TimeoutError:
                continue
            except OSError:
                break
        assert 1 < time.monotonic() - start < 7
    assert_refused(answer, 413)
    asked = b"POST /search HTTP/1.1\r\n" + _HOST + b"Content-Length: 100000\r\nExpect: 100-continue\r\n\r\n"
    status, headers, _ = parts(service.exchange(asked))
    assert (status, headers["connection"]) == (413, "close")


# Malformed


def test_nothing_can_be_put_into_the_headers_of_an_answer(service: Service) -> None:
    get = b"GET /health HTTP/1.1\r\n" + _HOST + _CLOSE
    for value in (b"a\rSet-Cookie: b", b"a\r\n Set-Cookie: b", b"a\0b", b"\xe9"):
        status, headers, _ = parts(service.exchange(get + b"X-Request-ID: " + value + b"\r\n\r\n"))
        assert status in (200, 400)
        assert "set-cookie" not in headers
        assert re.fullmatch("[0-9a-f]{16}", headers["x-request-id"])
    encoded = b"GET /health?%0d%0aSet-Cookie:b HTTP/1.1\r\n" + _HOST + _CLOSE + b"X-Request-ID: a%0d%0ab\r\n\r\n"
    assert b"set-cookie" not in service.exchange(encoded).lower()


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 4\r\nContent-Length: 40\r\n\r\nnull",
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: +4\r\n\r\nnull",
        b"Content-Length: 4, 5\r\n\r\nnull",
        b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n",
        b"Host: other\r\nContent-Length: 4\r\n\r\nnull",
    ],
)
def test_what_could_be_read_in_two_ways_is_read_in_none(service: Service, framing: bytes) -> None:
    smuggled = b"GET /process HTTP/1.1\r\n" + _HOST + b"Connection: close\r\n\r\n"
    answer = service.exchange(b"POST /search HTTP/1.1\r\n" + _HOST + framing + smuggled)
    assert parts(answer)[0] in (400, 501)
    assert answer.count(b"HTTP/1.1 200") <= (1 if b"chunked" in framing.split(b"\r\n")[1] else 0)
    assert_well(service)


@pytest.mark.parametrize(
    "sent", [b"\x16\x03\x01\x02\x00\x01\x00", b"\r\n\r\n\r\nx\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9\r\n\r\n"]
)
def test_what_is_no_http_is_400(service: Service, sent: bytes) -> None:
    assert_refused(service.exchange(sent + b"\r\n\r\n"), 400)


@pytest.mark.parametrize(
    "path",
    ["/../../etc/passwd", "/page/../../../etc/passwd", "/page/%2e%2e/%2e%2e/etc/passwd", "/page/..%2f..%2fetc/passwd",
     "/page/%00", "/%ff%fe", "//etc/passwd", "/page/..\\..\\windows", "http://evil.example/etc/passwd"],
)  # fmt: skip
def test_paths_lead_nowhere(service: Service, path: str) -> None:
    answer = service.exchange(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert_refused(answer, 404)
    assert b"root:" not in answer


def test_a_client_that_goes_in_the_middle_harms_nobody(service: Service) -> None:
    for sent in (
        b"GET /search?q=x&seconds=0.2 HTTP/1.1\r\n" + _HOST + b"\r\n",
        b"POST /documents HTTP/1.1\r\n" + _HOST + b"Content-Length: 9\r\n\r\nx",
    ):
        for _ in range(3):
            connection = service.connect()
            connection.sendall(sent)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
    time.sleep(0.3)
    assert_well(service)
    assert not [line for line in service.said if "Traceback" in line]
