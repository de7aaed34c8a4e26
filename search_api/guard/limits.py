"""Requests that are too long or of a shape that two programs could read in two ways."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from search_api.guard.exchange import refuse
from search_api.guard.rules import METHODS
from search_api.settings import ServiceSettings

_MOST_HEADERS = 100
_ALLOWED = ", ".join(sorted(METHODS))


class Limits:
    """URL, headers, method, and how the body is framed."""

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self._app = app
        self._url = settings.max_url
        self._headers = settings.max_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (refusal := self._refusal(scope)) is not None:
            status, reason, detail = refusal
            headers = {"allow": _ALLOWED} if status == 405 else {"accept-encoding": "identity"} if status == 415 else {}
            await refuse(scope, send, status, reason, detail, headers)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "replace")
        if len(path) + len(scope["query_string"]) > self._url:
            return (
                414,
                "url",
                f"the URL is longer than {self._url:,} bytes; POST /search takes the question in its body",
            )
        headers = scope["headers"]
        if len(headers) > _MOST_HEADERS or sum(len(name) + len(value) + 4 for name, value in headers) > self._headers:
            return 431, "headers", f"more than {_MOST_HEADERS} headers, or more than {self._headers:,} bytes of them"
        if scope["method"] in ("TRACE", "CONNECT"):
            return 405, "method", f"{scope['method']} is not served"
        if scope["method"] not in METHODS:
            return 501, "method", "the method is none that this server knows"
        return _framing(headers)


def _framing(headers: list[tuple[bytes, bytes]]) -> tuple[int, str, str] | None:
    there = {name for name, _ in headers}
    if b"transfer-encoding" in there and b"content-length" in there:
        return 400, "malformed", "both Transfer-Encoding and Content-Length; send one of them"
    if b"content-encoding" in there:
        encodings = {value.strip().lower() for name, value in headers if name == b"content-encoding"}
        if encodings - {b"identity", b""}:
            return 415, "encoding", "the body is encoded; send it as it is, without Content-Encoding"
    return None
