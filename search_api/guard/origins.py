"""Pages of other sites: they may change and ask nothing, unless their origin is configured (CORS)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search_api.guard.exchange import exchange_of, header, refuse
from search_api.guard.rules import METHODS, SAFE_METHODS

_ASKED_METHOD = b"access-control-request-method"
_HEADERS = b"authorization, content-type, if-none-match, x-api-key, x-request-id"
_EXPOSED = b"etag, retry-after, x-collection-version, x-request-id"
_MAX_AGE = b"600"


class Origins:
    """No cookies are in use, so credentials are never allowed."""

    def __init__(self, app: ASGIApp, allowed: Iterable[str]) -> None:
        self._app = app
        self._allowed = frozenset(origin.encode("ascii") for origin in allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or exchange_of(scope).trusted:
            await self._app(scope, receive, send)
            return
        origin = header(scope, b"origin")
        own = origin is not None and _is_own(scope, origin)
        allowed = origin is not None and not own and origin.lower() in self._allowed
        sender = self._sender(send, origin if allowed else None) if self._allowed else send
        if scope["method"] == "OPTIONS" and origin is not None and header(scope, _ASKED_METHOD) is not None:
            await self._preflight(scope, sender, allowed=allowed or own)
        elif scope["method"] not in SAFE_METHODS and not (own or allowed) and _is_foreign(scope, origin):
            await refuse(scope, sender, 403, "origin", "pages of other sites may not do this; see --allowed-origins")
        else:
            await self._app(scope, receive, sender)

    async def _preflight(self, scope: Scope, send: Send, *, allowed: bool) -> None:
        if not allowed:
            await refuse(scope, send, 403, "origin", "pages of this origin may not use the API; see --allowed-origins")
            return
        headers = [
            (b"access-control-allow-methods", ", ".join(sorted(METHODS)).encode()),
            (b"access-control-allow-headers", _HEADERS),
            (b"access-control-max-age", _MAX_AGE),
        ]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _sender(self, send: Send, origin: bytes | None) -> Send:
        """Answers that depend on the origin say so, for caches."""

        async def with_origin(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                headers.append((b"vary", b"Origin"))
                if origin is not None:
                    headers = [pair for pair in headers if pair[0].lower() != b"cross-origin-resource-policy"]
                    headers.append((b"access-control-allow-origin", origin))
                    headers.append((b"access-control-expose-headers", _EXPOSED))
                    headers.append((b"cross-origin-resource-policy", b"cross-origin"))
                message["headers"] = headers
            await send(message)

        return with_origin


def _is_own(scope: Scope, origin: bytes) -> bool:
    """Whether the page came from here. A proxy may have taken TLS off, so only name and port are compared."""
    host = (header(scope, b"host") or b"").decode("latin-1").lower()
    try:
        parts = urlsplit(origin.decode("ascii").lower())
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return False
    default = ":443" if parts.scheme == "https" else ":80"
    return parts.netloc.removesuffix(default) == host.removesuffix(default)


def _is_foreign(scope: Scope, origin: bytes | None) -> bool:
    """Programs send neither header, browsers at least one."""
    return origin is not None or header(scope, b"sec-fetch-site") in (b"cross-site", b"same-site")
