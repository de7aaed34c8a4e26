"""Only so many searches run at once and only so many wait; the rest hears that it is too much."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search_api.guard.exchange import exchange_of, refuse
from search_api.guard.gate import Gate
from search_api.guard.rules import gate_of
from search_api.settings import ServiceSettings

_RUNNING_WRITES = 4
_BUSY = {"retry-after": "1"}
_SLOWED = 0.5
"""Seconds before whoever finds the queue full is told so: else clients that ask again at once would keep the server
busy with nothing but refusals."""


class Admission:
    """503 where the queue is full or a turn does not come in time. Questions queue once their body is there, so that
    a slow client keeps nobody from working; whoever hangs up loses the place."""

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self._app = app
        self._patience = settings.queue_timeout
        self._keeps_questions = settings.log_queries
        self._gates = {
            "search": Gate("search", settings.max_running, settings.max_waiting),
            "write": Gate("write", _RUNNING_WRITES, settings.max_waiting),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = gate_of(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if name is None:
            await self._app(scope, receive, send)
            return
        reader = _Question(receive) if name == "search" else None
        if reader is not None and not await reader.read():
            return  # the client is gone, or was refused
        if reader is not None and self._keeps_questions:
            exchange_of(scope).body = reader.body
        gate = self._gates[name]
        if not gate.enter() and not await self._wait(gate, scope, receive if reader else None, send):
            return
        try:
            await self._app(scope, reader.again if reader is not None else receive, send)
        finally:
            gate.leave()

    async def _wait(self, gate: Gate, scope: Scope, hear: Receive | None, send: Send) -> bool:
        """Whether it is one's turn."""
        turn = gate.queue_up()
        if turn is None:
            await asyncio.sleep(_SLOWED)
            await refuse(scope, send, 503, "queue_full", "too many requests wait already; try again soon", _BUSY)
            return False
        gone = asyncio.ensure_future(_hung_up(hear)) if hear is not None else None
        entered = False
        try:
            await asyncio.wait({turn, gone} if gone else {turn}, timeout=self._patience, return_when="FIRST_COMPLETED")
            left = gone is not None and gone.done()
            entered = turn.done() and not left
        finally:
            if not entered:
                gate.give_up(turn)
            if gone is not None:
                gone.cancel()
                with suppress(asyncio.CancelledError):
                    await gone
        if not entered and not left:
            await refuse(scope, send, 503, "queue_timeout", "the server is busy; try again soon", _BUSY)
        return entered


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Question:
    """A body that is small, read before its turn and given to the application then."""

    def __init__(self, receive: Receive) -> None:
        self.body = b""
        self._receive = receive
        self._given = False

    async def read(self) -> bool:
        """Whether all of it is there."""
        pieces: list[bytes] = []
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return False
            pieces.append(message.get("body", b""))
            if not message.get("more_body", False):
                self.body = b"".join(pieces)
                return True

    async def again(self) -> Message:
        if self._given:
            return await self._receive()
        self._given = True
        return {"type": "http.request", "body": self.body, "more_body": False}
