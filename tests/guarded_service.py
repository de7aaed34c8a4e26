"""A small application behind the real guard, in this process or served by a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from fastapi.testclient import TestClient
from starlette.types import ASGIApp
from uvicorn.server import Server

from search_api import metrics
from search_api.guard import guarded
from search_api.listening import bound_sockets
from search_api.problems import problem
from search_api.running import config_of, run_server, run_workers
from search_api.server import say
from search_api.settings import ServiceSettings


def small_app() -> FastAPI:
    """`/search` sleeps as long as it is told to, as a search would, in a thread."""
    app = FastAPI()

    @app.exception_handler(404)
    async def absent(_: Request, __: Exception) -> Response:
        return problem(404, "there is nothing here")

    @app.exception_handler(Exception)
    async def failed(_: Request, __: Exception) -> Response:
        return problem(500, "its log says why")

    @app.get("/search")
    def search(q: str, seconds: float = 0) -> dict[str, str]:
        time.sleep(seconds)
        return {"q": q}

    @app.post("/search")
    async def posted(request: Request) -> Any:
        return await request.json()

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/tagged")
    async def tagged() -> Response:
        return JSONResponse({}, headers={"ETag": '"1"', "Server": "boast"})

    @app.get("/page/x")
    async def page() -> Response:
        return Response("x", headers={"Content-Security-Policy": "default-src 'self'", "Cache-Control": "max-age=9"})

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret /home/x")

    @app.get("/process")
    async def process() -> int:
        return os.getpid()

    @app.post("/documents/bulk")
    async def bulk(request: Request) -> dict[str, int]:
        pieces = [len(piece) async for piece in request.stream()]
        return {"pieces": len(pieces), "bytes": sum(pieces)}

    @app.post("/documents")
    async def document(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @app.delete("/documents/{name:path}")
    async def delete(name: str) -> dict[str, str]:
        return {"deleted": name}

    return app


def client(**settings: Any) -> TestClient:
    """As a browser or program on this machine sees the guarded application."""
    metrics.install(None)
    return TestClient(guarded(small_app(), ServiceSettings(**settings)), base_url="http://localhost:8000")


class Answer(Protocol):
    """A response of whichever client."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    def json(self) -> Any: ...


def assert_problem(answer: Answer, status: int, said: str = "") -> None:
    """The one shape of every error, with the headers of every answer."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert list(problem) == ["type", "title", "status", "detail"]
    assert (problem["type"], problem["title"], problem["status"]) == ("about:blank", HTTPStatus(status).phrase, status)
    assert said in problem["detail"]
    assert "\n" not in problem["detail"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", answer.headers["x-request-id"])


def worker() -> ASGIApp:
    """For several workers."""
    return guarded(small_app(), ServiceSettings.from_environment())


def _main() -> int:
    service = ServiceSettings.from_environment()
    sockets = bound_sockets(service.host, service.port)
    if service.workers > 1:
        return run_workers("tests.guarded_service:worker", service, sockets, service.environment(), say)
    return run_server(worker(), service, sockets, say)


class Reachable:
    """A server on a port of this machine."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self, timeout: float = 10) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def exchange(self, sent: bytes, timeout: float = 10) -> bytes:
        """All that comes back until the server closes."""
        with self.connect(timeout) as connection:
            connection.sendall(sent)
            return received(connection)


class ServiceThread(Reachable):
    """The same server, in a thread: it begins sooner and stops without a signal."""

    def __init__(self, *more: socket.socket, **settings: Any) -> None:
        metrics.install(None)
        service = ServiceSettings(**settings)
        sockets = [*bound_sockets("127.0.0.1", 0), *more]
        self.port = sockets[0].getsockname()[1]
        self._server = Server(config_of(guarded(small_app(), service), service))
        self._thread = threading.Thread(target=self._server.run, args=(sockets,))
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.02)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)


class Service(Reachable):
    """A process that serves, and what it says on stderr."""

    def __init__(self, **settings: object) -> None:
        own = {f"SEARCH_{name.upper()}": str(value) for name, value in settings.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.guarded_service"],
            env={**os.environ, "SEARCH_PORT": "0", **own},
            cwd=Path(__file__).parents[1],
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.said: list[str] = []
        self._announced = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._announced.wait(30), self.said
        (announcement,) = (line for line in self.said if "listening on" in line)
        self.port = int(announcement.split("http://127.0.0.1:")[1].split(";")[0])

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip("\n"))
            if "listening on" in line:
                self._announced.set()
        self._announced.set()

    def stop(self, timeout: float = 20) -> int:
        """The exit status after SIGTERM."""
        self.process.terminate()
        try:
            return self.process.wait(timeout)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL) if os.name != "nt" else self.process.kill()
            self._reader.join(5)
            if self.process.stderr is not None and not self._reader.is_alive():
                self.process.stderr.close()


def received(connection: socket.socket) -> bytes:
    """All that comes until the server closes, be it politely or not."""
    pieces = []
    try:
        while piece := connection.recv(65_536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


@contextmanager
def serving(**settings: object) -> Iterator[Service]:
    service = Service(**settings)
    try:
        yield service
    finally:
        service.stop()


@contextmanager
def serving_thread(*more: socket.socket, **settings: Any) -> Iterator[ServiceThread]:
    service = ServiceThread(*more, **settings)
    try:
        yield service
    finally:
        service.stop()


if __name__ == "__main__":
    sys.exit(_main())
