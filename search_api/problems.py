"""The one shape of every error: RFC 9457 problem details, for routes as a response and for middlewares as messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Send

MEDIA_TYPE = "application/problem+json"


def problem_body(status: int, detail: str) -> bytes:
    """`detail` is one line for a person; it names no path of the machine and nothing of the inside."""
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": " ".join(detail.encode("utf-8", "replace").decode("utf-8").split()),
    }
    return json.dumps(problem, ensure_ascii=False, separators=(",", ":")).encode()


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """For routes and exception handlers."""
    return Response(problem_body(status, detail), status, dict(headers or {}), media_type=MEDIA_TYPE)


async def send_problem(send: Send, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
    """For middlewares, which have no request object to answer."""
    body = problem_body(status, detail)
    named = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), **(headers or {})}
    encoded = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
