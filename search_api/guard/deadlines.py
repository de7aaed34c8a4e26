"""No request is worked on for longer than a client would wait."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search_api.guard.exchange import exchange_of, refuse
from search_api.guard.rules import BULK


class Deadlines:
    """503 once the time is over, counted from the last piece of the body. A thread cannot be stopped, and a task
    that is cancelled lets go of its thread: what is at work goes on unheard and keeps its place until it is done."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds
        self._unheard: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == BULK:
            await self._app(scope, receive, send)
            return
        call = _Call(receive, send, self._seconds)
        task = asyncio.ensure_future(self._app(scope, call.receive, call.send))
        try:
            while (left := call.left()) > 0 and not task.done():
                await asyncio.wait({task}, timeout=left)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.done():
            task.result()
            return
        call.over = True
        self._leave(task)
        if not exchange_of(scope).begun:
            detail = f"no answer within {self._seconds:g} seconds; try again, or ask for less"
            await refuse(scope, send, 503, "request_timeout", detail, {"retry-after": "5"})

    def _leave(self, task: asyncio.Task[None]) -> None:
        self._unheard.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._unheard.discard(task)
        with suppress(BaseException):
            task.exception()


class _Call:
    """What the application receives and sends, until its time is over."""

    def __init__(self, receive: Receive, send: Send, seconds: float) -> None:
        self.over = False
        self._receive, self._send = receive, send
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + seconds

    def left(self) -> float:
        return self._until - self._loop.time()

    async def receive(self) -> Message:
        if self.over:
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.request":
            self._until = self._loop.time() + self._seconds
        return message

    async def send(self, message: Message) -> None:
        if not self.over:
            await self._send(message)
