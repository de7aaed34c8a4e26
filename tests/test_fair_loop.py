"""Of connections that wait, a process takes one at a time."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from search_api.fair_loop import FairLoop


@pytest.mark.skipif(sys.platform == "win32", reason="another loop is used there")
def test_one_connection_is_accepted_at_a_time() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        clients = [socket.create_connection(listening.getsockname()) for _ in range(10)]
        accepted = 0
        seen: list[int] = []

        class Counting(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                nonlocal accepted
                accepted += 1
                transport.abort()  # type: ignore[attr-defined]

        async def run() -> None:
            loop = asyncio.get_running_loop()
            server = await loop.create_server(Counting, sock=listening, backlog=64)
            while accepted < len(clients):
                await asyncio.sleep(0)
                seen.append(accepted)
            server.close()

        with asyncio.Runner(loop_factory=FairLoop) as runner:
            runner.run(asyncio.wait_for(run(), 20))
        for client in clients:
            client.close()
    assert max(after - before for before, after in zip([0, *seen], seen, strict=False)) == 1
