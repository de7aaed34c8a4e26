"""One request and its answer, as the middlewares tell each other of it; and the way a request is refused."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter

from starlette.types import Scope, Send

from search_api import metrics
from search_api.problems import send_problem

_KEY = "search_api.exchange"


@dataclass(slots=True)
class Exchange:
    """What the access log says of a request."""

    id: str
    client: str
    trusted: bool
    """Whether it came over the user's own socket."""
    started: float = field(default_factory=perf_counter)
    key: str = ""
    """The name of the key, never the key."""
    refused: str = ""
    status: int = 0
    sent: int = 0
    begun: bool = False
    """Whether the head of the answer is out."""
    body: bytes = b""
    """Of a question, where queries are logged."""


def new_id() -> str:
    return secrets.token_hex(8)


def attach(scope: Scope, exchange: Exchange) -> None:
    scope[_KEY] = exchange


def exchange_of(scope: Scope) -> Exchange:
    found: Exchange = scope[_KEY]
    return found


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of that name; names are lower case in ASGI."""
    for own, value in scope["headers"]:
        if own == name:
            found: bytes = value
            return found
    return None


async def refuse(
    scope: Scope, send: Send, status: int, reason: str, detail: str, headers: Mapping[str, str] | None = None
) -> None:
    """Answer with a problem, and count why. `reason` is a word of a short list."""
    exchange_of(scope).refused = reason
    metrics.rejected(reason)
    named = dict(headers or {})
    if header(scope, b"expect") is not None:
        named["connection"] = "close"  # else what comes next might be taken for the body that was not sent
    await send_problem(send, status, detail, named)
