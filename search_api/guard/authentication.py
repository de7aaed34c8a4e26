"""API keys: who asks, and whether they may."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from search_api.guard.exchange import exchange_of, header, refuse
from search_api.guard.rates import TokenBuckets, network_of, seconds_text
from search_api.guard.rules import METRICS, is_open, needed_scope
from search_api.keys import KeyRing
from search_api.settings import ServiceSettings

_CHALLENGE = 'Bearer realm="search"'
_LONGEST_KEY = 256


class Authentication:
    """401 without a key that is known, 403 where its scope is not enough, 429 for who tries out keys."""

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self._app = app
        self._ring = KeyRing(settings.keys_file()) if settings.keys_required() else None
        self._open_metrics = settings.open_metrics
        self._failures = TokenBuckets(settings.failed_keys / 60, settings.failed_keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._ring is None or scope["type"] != "http" or self._is_free(scope):
            await self._app(scope, receive, send)
            return
        presented = _presented(scope)
        key = self._ring.find(presented) if presented else None
        if key is None:
            await self._challenge(scope, send, presented)
            return
        exchange_of(scope).key = key.name
        needed = needed_scope(scope["method"], scope["path"])
        if not key.allows(needed):
            detail = f"this key may only {key.scope}; the request needs a key with scope {needed}"
            challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="{needed}"'
            await refuse(scope, send, 403, "scope", detail, {"www-authenticate": challenge})
            return
        await self._app(scope, receive, send)

    def _is_free(self, scope: Scope) -> bool:
        if exchange_of(scope).trusted or is_open(scope["method"], scope["path"]):
            return True
        return self._open_metrics and scope["path"] == METRICS and scope["method"] in ("GET", "HEAD")

    async def _challenge(self, scope: Scope, send: Send, presented: str) -> None:
        """A right key works on from an address that tries out wrong ones: others may share the address."""
        if not presented:
            detail = "an API key is needed: send it as Authorization: Bearer KEY, or as X-API-Key: KEY"
            await refuse(scope, send, 401, "key", detail, {"www-authenticate": _CHALLENGE})
        elif wait := self._failures.take(network_of(exchange_of(scope).client)):
            detail = "too many wrong API keys; try again after the time that Retry-After says"
            await refuse(scope, send, 429, "key_rate", detail, {"retry-after": seconds_text(wait)})
        else:
            challenge = f'{_CHALLENGE}, error="invalid_token"'
            await refuse(scope, send, 401, "key", "the API key is not known", {"www-authenticate": challenge})


def _presented(scope: Scope) -> str:
    """What the client shows as its key; "" where it shows none."""
    scheme, _, token = (header(scope, b"authorization") or b"").decode("latin-1").strip().partition(" ")
    shown = token.strip() if scheme.lower() == "bearer" else ""
    shown = shown or (header(scope, b"x-api-key") or b"").decode("latin-1").strip()
    return shown[: _LONGEST_KEY + 1]
