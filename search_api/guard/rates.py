"""How often one key, or one address, may ask: token buckets, of which a bounded number is kept."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from search_api.guard.exchange import exchange_of, refuse
from search_api.guard.rules import is_open
from search_api.settings import ServiceSettings

_MOST_BUCKETS = 10_000


class TokenBuckets:
    """`rate` tokens a second for each owner, `burst` at most."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, owner: str) -> float:
        """Take a token. 0.0, or the seconds until there is one."""
        now = self._clock()
        tokens, then = self._buckets.pop(owner, (float(self._burst), now))
        tokens = min(float(self._burst), tokens + (now - then) * self._rate)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / self._rate
        self._buckets[owner] = (tokens if wait else tokens - 1, now)
        if len(self._buckets) > _MOST_BUCKETS:
            self._buckets.popitem(last=False)  # who has not asked for longest has the fullest
        return wait


class Rates:
    """429 for who asks too often. What is open costs nothing and is not counted."""

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self._app = app
        self._buckets = TokenBuckets(settings.rate, settings.burst) if settings.rate else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wait = self._wait(scope) if self._buckets is not None and scope["type"] == "http" else 0.0
        if wait:
            detail = "too many requests; slow down and try again after the time that Retry-After says"
            await refuse(scope, send, 429, "rate", detail, {"retry-after": seconds_text(wait)})
            return
        await self._app(scope, receive, send)

    def _wait(self, scope: Scope) -> float:
        exchange = exchange_of(scope)
        if self._buckets is None or exchange.trusted or is_open(scope["method"], scope["path"]):
            return 0.0
        return self._buckets.take(f"key {exchange.key}" if exchange.key else network_of(exchange.client))


def seconds_text(seconds: float) -> str:
    """For Retry-After, which knows whole seconds."""
    return str(max(1, math.ceil(seconds)))


def network_of(client: str) -> str:
    """One customer has a /64 of IPv6, so that counts as one address."""
    if ":" not in client:
        return client
    try:
        address = ipaddress.IPv6Address(client.partition("%")[0])
    except ValueError:
        return client
    return str(address.ipv4_mapped or ipaddress.IPv6Network((address, 64), strict=False))
