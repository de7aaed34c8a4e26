"""Bodies: not too large, not too slow; counted as they come, never kept."""

from __future__ import annotations

import asyncio
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search_api.guard.exchange import exchange_of, header, refuse
from search_api.guard.rules import largest_body
from search_api.settings import ServiceSettings

_LEAST_RATE = 1024  # bytes a second, once the time that any body has is over
_GONE: Message = {"type": "http.disconnect"}


class Bodies:
    """413 for what is too large, 408 for what does not come."""

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(scope, receive, send, largest_body(scope["path"], self._settings), self._settings.body_timeout)
        declared = header(scope, b"content-length")
        if declared is not None and not declared.isdigit():
            await refuse(scope, send, 400, "malformed", "Content-Length is no number")
        elif declared is not None and int(declared[:20]) > body.largest:
            await body.refuse_size()
        else:
            try:
                await self._app(scope, body.receive, body.send)
            except Exception:
                if not body.refused:  # else it is only that the application could not read on
                    raise


class _Body:
    """Of one request. Once it is refused, the application hears that the client is gone and says nothing more."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, largest: int, patience: float) -> None:
        self.largest = largest
        self.refused = False
        self._scope, self._receive, self._send = scope, receive, send
        self._patience = patience
        self._waited = 0.0
        self._size = 0
        self._whole = False

    async def receive(self) -> Message:
        if self.refused:
            return _GONE
        if self._whole:
            return await self._receive()
        start = perf_counter()
        try:
            async with asyncio.timeout(max(0.0, self._patience + self._size / _LEAST_RATE - self._waited)):
                message = await self._receive()
        except TimeoutError:
            return await self._refused(408, "body_timeout", "the body did not come in time", {"connection": "close"})
        self._waited += perf_counter() - start
        if message["type"] == "http.request":
            self._whole = not message.get("more_body", False)
            self._size += len(message.get("body", b""))
            if self._size > self.largest:
                await self.refuse_size()
                return _GONE
        return message

    async def refuse_size(self) -> None:
        await self._refused(413, "body", f"the body is larger than the {self.largest:,} bytes allowed here", {})

    async def _refused(self, status: int, reason: str, detail: str, headers: dict[str, str]) -> Message:
        self.refused = True
        if not exchange_of(self._scope).begun:
            await refuse(self._scope, self._send, status, reason, detail, headers)
        return _GONE

    async def send(self, message: Message) -> None:
        if not self.refused:
            await self._send(message)
