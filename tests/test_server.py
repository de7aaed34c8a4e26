"""The running server: stopping, overload, keys that change, several workers, the user's own socket."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from indexer.build import index_documents, open_or_create
from indexer.documents import Document
from indexer.store import LocalStore
from indexer.stored_collection import StoredCollection
from search_api import metrics, serving
from search_api.keys import add_key, remove_key
from search_api.opening import OpenSearcher
from search_api.searcher import Searcher
from search_api.settings import ServiceSettings
from tests.fakes import FakeEncoder
from tests.guarded_service import Service, serving_thread
from tests.guarded_service import serving as served
from tests.waiting import until

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX signals and sockets")


def is_reached(service: Service) -> bool:
    try:
        service.connect().close()
    except ConnectionRefusedError:
        return False
    return True


# Stopping


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_what_is_being_answered_is_finished_and_nothing_new_begun(number: signal.Signals) -> None:
    with served() as service:
        answers: list[httpx.Response] = []
        asking = threading.Thread(
            target=lambda: answers.append(httpx.get(f"{service.url}/search?q=x&seconds=3", timeout=20))
        )
        asking.start()
        until(lambda: 'search_running{gate="search"} 1.0' in httpx.get(f"{service.url}/metrics", timeout=10).text)
        service.process.send_signal(number)
        while not answers and is_reached(service):
            time.sleep(0.05)
        assert not answers
        asking.join()
        assert [answer.json() for answer in answers] == [{"q": "x"}]
        assert service.process.wait(10) == 0
        assert not [line for line in service.said if "Traceback" in line]


@posix
def test_stopping_waits_no_longer_than_it_is_told_to() -> None:
    with served(shutdown_timeout=1) as service:
        slow = service.connect()
        slow.sendall(b"POST /documents/bulk HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx")
        time.sleep(0.2)
        start = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - start < 5
        slow.close()


@posix
def test_stopping_while_loading_is_no_error() -> None:
    script = """if True:
        import sys, time
        from search_api import serving
        from search_api.server import main
        serving.open_live = lambda *_: (print("loading", flush=True), time.sleep(30))
        sys.exit(main(["--port", "0"]))"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "loading\n"
    process.terminate()
    assert process.communicate(timeout=10)[1] == ""
    assert process.returncode == 0


# Overload


def test_overload_is_shed_and_forgotten() -> None:
    with serving_thread(max_running=2, max_waiting=2, rate=0) as service:

        async def storm() -> Counter[int]:
            limits = httpx.Limits(max_connections=40)
            async with httpx.AsyncClient(base_url=service.url, timeout=20, limits=limits) as client:
                asked = [client.get("/search?q=x&seconds=0.3") for _ in range(40)]
                return Counter(answer.status_code for answer in await asyncio.gather(*asked))

        got = asyncio.run(storm())
        assert set(got) == {200, 503}
        assert 4 <= got[200] < 20
        start = time.monotonic()
        assert httpx.get(f"{service.url}/search?q=x").status_code == 200
        assert time.monotonic() - start < 2
        figures = httpx.get(f"{service.url}/metrics").text
        assert f'search_rejected_total{{reason="queue_full"}} {got[503]}.0' in figures
        assert 'search_running{gate="search"} 0.0' in figures
        assert 'search_waiting{gate="search"} 0.0' in figures


def test_who_asks_too_often_is_429_and_served_again_soon() -> None:
    with serving_thread(rate=5, burst=3) as service, httpx.Client(base_url=service.url) as client:
        answers = [client.get("/search?q=x") for _ in range(6)]
        statuses = [answer.status_code for answer in answers]
        assert statuses[:3] == [200, 200, 200]
        assert 429 in statuses[3:]
        time.sleep(int(answers[-1].headers.get("retry-after", "1")))
        assert client.get("/search?q=x").status_code == 200


# Keys


def test_keys_that_change_count_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    first = add_key(file, "first", "read")
    with served(keys=file, require_keys="yes") as service:

        def status(key: str) -> int:
            return httpx.get(f"{service.url}/search?q=x", headers={"X-API-Key": key}).status_code

        assert (status(first), status("wrong")) == (200, 401)
        second = add_key(file, "second", "read")
        remove_key(file, "first")
        time.sleep(0.7)
        assert (status(first), status(second)) == (401, 200)

        def served_keys() -> list[str]:
            lines = [json.loads(line) for line in service.said if line.startswith("{")]
            return [line["key"] for line in lines if line["status"] == 200]

        until(lambda: len(served_keys()) >= 2)  # what is logged comes after the answer
        assert served_keys() == ["first", "second"]
        assert not [line for line in service.said if first in line or second in line]


# Several workers


@posix
def test_several_workers_answer_and_count_together() -> None:
    with served(workers=2, rate=0) as service:
        wait = time.monotonic() + 30
        processes: set[int] = set()
        asked = 0
        while len(processes) < 2 and time.monotonic() < wait:
            processes.add(httpx.get(f"{service.url}/process").json())
            asked += 1
        assert len(processes) == 2

        def counted() -> float:
            figures = httpx.get(f"{service.url}/metrics").text
            found = re.search(r'search_request_seconds_count\{.*route="/process".*\} ([0-9.]+)', figures)
            assert found is not None
            return float(found[1])

        until(lambda: counted() == asked)  # the last is counted once it is sent
        assert [counted() for _ in range(4)] == [asked] * 4  # whichever process tells it
        assert service.stop() == 0


# The user's own socket


@posix
def test_over_the_users_own_socket_no_key_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "own.sock"
    own = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    own.bind(str(path))
    keys = tmp_path / "keys.json"
    with serving_thread(own, socket=path, require_keys="yes", keys=keys, rate=0.1, burst=1) as service:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://localhost") as client:
            assert [client.get("/search?q=x").status_code for _ in range(3)] == [200, 200, 200]
            assert client.post("/documents", content=b"x").status_code == 200
        assert httpx.get(f"{service.url}/search?q=x").status_code == 401


# The application itself


def test_the_real_application_behind_the_guard(
    tmp_path: Path, fake: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    with open_or_create(tmp_path / "collection", fake) as made:
        index_documents([Document("a", "The ban was announced.", "A ban")], made, fake)

    def opening() -> OpenSearcher:
        store = LocalStore(StoredCollection.open(tmp_path / "collection"))
        return OpenSearcher(Searcher(store, fake), store, is_sample=False)

    metrics.install(None)
    key = add_key(tmp_path / "keys.json", "reader", "read")
    guard = serving.application(opening, ServiceSettings(require_keys="yes", keys=tmp_path / "keys.json"))
    with TestClient(guard, base_url="http://localhost") as client:
        assert client.get("/health").status_code == 200
        assert client.get("/search?q=ban").status_code == 401
        client.headers["X-API-Key"] = key
        for answer in (client.get("/search?q=ban"), client.post("/search", json={"q": "ban"})):
            assert [hit["document_id"] for hit in answer.json()["hits"]] == ["a"]
        head = client.head("/search?q=ban")
        assert (head.status_code, head.content) == (200, b"")
        assert set(client.options("/search").headers["allow"].split(", ")) >= {"GET", "HEAD", "OPTIONS", "POST"}
        assert (
            'search_request_seconds_count{method="POST",route="/search",status="200"} 1.0'
            in client.get("/metrics").text
        )
        assert client.get("/search?q=ban", headers={"Host": "evil.example"}).status_code == 421
