"""HEAD is GET without the body, OPTIONS tells the methods of a path, and a 405 names them all."""

from __future__ import annotations

from typing import Any

from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Methods:
    """Around an application with routes, which answers for each method by itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["method"] == "HEAD":
            await self._head(scope, receive, send)
        elif scope["method"] == "OPTIONS" and (allowed := self._allowed(scope)):
            await send({"type": "http.response.start", "status": 204, "headers": [(b"allow", allowed)]})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self._app(scope, receive, self._naming_methods(scope, send))

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        as_get = {**scope, "method": "GET"}

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        try:
            await self._app(as_get, receive, self._naming_methods(scope, without_body))
        finally:
            if "route" in as_get:
                scope["route"] = as_get["route"]

    def _naming_methods(self, scope: Scope, send: Send) -> Send:
        async def named(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 405:
                headers = [pair for pair in message.get("headers", ()) if pair[0].lower() != b"allow"]
                message["headers"] = [*headers, (b"allow", self._allowed(scope) or b"GET, HEAD")]
            await send(message)

        return named

    def _allowed(self, scope: Scope) -> bytes:
        """The methods of the path; nothing where there is no such path."""
        methods: set[str] = set()
        for route in getattr(self._app, "routes", ()):
            if not isinstance(route, Mount):  # which does not tell
                methods |= _methods_of(route, scope)
        if "GET" in methods:
            methods.add("HEAD")
        return ", ".join(sorted(methods | {"OPTIONS"})).encode("ascii") if methods else b""


def _methods_of(route: Any, scope: Scope) -> set[str]:
    """A route within another (a router that was included) may tell its methods only when it is asked for each."""
    found = set()
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        match, _ = route.matches({**scope, "method": method})
        if match is Match.FULL:
            found.add(method)
    return found
