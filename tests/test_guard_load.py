"""Too much at once, too slow, or gone: who waits, who is refused, and that all of it passes."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search_api.guard import guarded
from search_api.guard.gate import Gate
from search_api.settings import ServiceSettings
from tests.guarded_service import assert_problem, small_app


def guard(app: ASGIApp | None = None, **settings: Any) -> ASGIApp:
    return guarded(app or small_app(), ServiceSettings(rate=0.0, **settings))


def asking(app: ASGIApp) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8000")


async def statuses(*requests: Coroutine[Any, Any, httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in await asyncio.gather(*requests))


async def raw(app: ASGIApp, scope: dict[str, Any], receive: Receive) -> list[Message]:
    """What the application sends."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    whole = {"type": "http", "http_version": "1.1", "scheme": "http", "root_path": "", "query_string": b""}
    whole |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000), "headers": [(b"host", b"localhost")]}
    await app({**whole, "raw_path": scope["path"].encode(), "state": {}, **scope}, receive, send)
    return sent


# The queue


def test_so_many_run_so_many_wait_and_the_rest_hears_soon_but_not_at_once() -> None:
    """Else clients that ask again whenever they are refused would keep the server busy with refusals."""
    running, most = 0, 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.2)
        running -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def overload() -> None:
        async with asking(guard(app, max_running=2, max_waiting=3)) as client:
            start = time.perf_counter()
            refused: list[float] = []

            async def ask() -> httpx.Response:
                answer = await client.get("/search?q=x")
                if answer.status_code == 503:
                    refused.append(time.perf_counter() - start)
                    assert_problem(answer, 503, "try again soon")
                    assert answer.headers["retry-after"] == "1"
                return answer

            assert await statuses(*(ask() for _ in range(20))) == {200: 5, 503: 15}
            assert 0.4 < min(refused) <= max(refused) < 1
            assert time.perf_counter() - start < 2
            assert await statuses(*(ask() for _ in range(5))) == {200: 5}  # as if nothing had been

    asyncio.run(overload())
    assert most == 2


def test_who_waits_too_long_is_refused_and_keeps_no_place() -> None:
    async def run() -> None:
        async with asking(guard(max_running=1, max_waiting=5, queue_timeout=0.1)) as client:
            slow = asyncio.create_task(client.get("/search?q=x&seconds=0.5"))
            await asyncio.sleep(0.05)
            waited = await client.get("/search?q=x")
            assert_problem(waited, 503, "busy")
            assert (await slow).status_code == 200
            assert (await client.get("/search?q=x")).status_code == 200

    asyncio.run(run())


def test_who_hangs_up_while_waiting_loses_the_place() -> None:
    asked: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["query_string"])
        await asyncio.sleep(0.2)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def run() -> None:
        app_guard = guard(app, max_running=1, max_waiting=1)

        def caller(gone_after: float) -> Receive:
            messages: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

            async def receive() -> Message:
                if messages:
                    return messages.pop()
                await asyncio.sleep(gone_after)
                return {"type": "http.disconnect"}

            return receive

        def ask(name: str, gone_after: float) -> asyncio.Task[list[Message]]:
            scope = {"method": "GET", "path": "/search", "query_string": name.encode()}
            return asyncio.create_task(raw(app_guard, scope, caller(gone_after)))

        first = ask("first", 9)
        await asyncio.sleep(0.01)
        second = ask("second", 0.05)
        await asyncio.sleep(0.1)
        third = ask("third", 9)  # there is room for one who waits
        sent = [await call for call in (first, second, third)]
        assert [messages[0]["status"] if messages else None for messages in sent] == [200, None, 200]
        assert asked == [b"first", b"third"]

    asyncio.run(run())


def test_a_slow_body_keeps_nobody_from_searching() -> None:
    async def run() -> None:
        app_guard = guard(max_running=1, max_waiting=0, body_timeout=0.3)

        async def never() -> Message:
            await asyncio.sleep(9)
            raise AssertionError

        scope = {"method": "POST", "path": "/search"}
        slow = asyncio.create_task(raw(app_guard, scope, never))
        await asyncio.sleep(0.05)
        async with asking(app_guard) as client:
            assert (await client.get("/search?q=x")).status_code == 200
        start, body = await slow
        assert start["status"] == 408
        assert (b"connection", b"close") in start["headers"]
        assert b"did not come in time" in body["body"]

    asyncio.run(run())


def test_a_gate_loses_no_place() -> None:
    async def run() -> None:
        gate = Gate("test", 1, 2)
        assert (gate.enter(), gate.enter()) == (True, False)
        first, second = gate.queue_up(), gate.queue_up()
        assert first is not None
        assert second is not None
        assert gate.queue_up() is None
        gate.leave()
        assert (first.done(), second.done(), gate.enter()) == (True, False, False)
        gate.give_up(first)  # its turn had come
        assert second.done()
        gate.leave()
        assert gate.enter()

    asyncio.run(run())


# Time


def test_a_request_that_takes_too_long_is_503_and_keeps_its_place_until_it_is_done() -> None:
    async def run() -> None:
        async with asking(guard(max_running=1, max_waiting=0, request_timeout=0.2)) as client:
            start = time.perf_counter()
            answer = await client.get("/search?q=x&seconds=0.6")
            assert time.perf_counter() - start < 0.5
            assert_problem(answer, 503, "no answer within 0.2 seconds")
            assert answer.headers["retry-after"] == "5"
            assert (await client.get("/search?q=x")).status_code == 503  # the thread is still at it
            await asyncio.sleep(0.5)
            assert (await client.get("/search?q=x")).status_code == 200

    asyncio.run(run())


def test_a_stream_may_take_longer_than_a_request_as_long_as_it_flows() -> None:
    async def run() -> None:
        app_guard = guard(request_timeout=0.2, body_timeout=0.4)

        def body(pieces: int, pause: float, size: int) -> Receive:
            left = pieces

            async def receive() -> Message:
                nonlocal left
                left -= 1
                await asyncio.sleep(pause)
                return {"type": "http.request", "body": b"x" * size, "more_body": left > 0}

            return receive

        async def post(pieces: int, pause: float, size: int) -> int:
            scope = {"method": "POST", "path": "/documents/bulk"}
            status: int = (await raw(app_guard, scope, body(pieces, pause, size)))[0]["status"]
            return status

        fast, drip = await asyncio.gather(post(8, 0.1, 1024), post(100, 0.1, 1))
        assert (fast, drip) == (200, 408)

    asyncio.run(run())


def test_pieces_of_a_stream_are_passed_on_as_they_come() -> None:
    seen: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (message := await receive()).get("more_body"):
            seen.append(len(message["body"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def run() -> None:
        pulled = 0

        async def receive() -> Message:
            nonlocal pulled
            assert len(seen) == pulled  # nothing is fetched before it is asked for
            pulled += 1
            return {"type": "http.request", "body": b"x" * pulled, "more_body": pulled < 4}

        await raw(guard(app), {"method": "POST", "path": "/documents/bulk"}, receive)
        assert seen == [1, 2, 3]

    asyncio.run(run())


def test_all_of_the_guard_costs_little() -> None:
    """Measured on a slow shared machine at 0.2 ms and less; the bound leaves room for a busy one."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def run() -> float:
        app_guard = guard(app)
        scope = {"method": "GET", "path": "/search", "query_string": b"q=x"}
        times = []
        for _ in range(300):
            start = time.perf_counter()
            await raw(app_guard, scope, receive)
            times.append(time.perf_counter() - start)
        return sorted(times)[len(times) // 10]

    assert asyncio.run(run()) < 0.001
