"""The outermost middleware: an id for every request, headers on every answer, a line in the access log, the figures."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search_api import metrics
from search_api.guard.answer_headers import completed_headers
from search_api.guard.exchange import Exchange, attach, new_id
from search_api.guard.rules import METHODS
from search_api.problems import send_problem
from search_api.settings import ServiceSettings

ACCESS_LOG = logging.getLogger("search_api.access")

_LOG = logging.getLogger(__name__)
_SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_LONGEST_LOGGED = 4096


class Exchanges:
    """Nothing that is raised within gets out: a client sees a problem, the log the traceback."""

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self._app = app
        self._log_queries = settings.log_queries
        self._socket = settings.socket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        exchange = Exchange(_id_of(scope), client[0] if client else "", _is_own(scope, self._socket))
        attach(scope, exchange)

        async def send_completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status, exchange.begun = message["status"], True
                message["headers"] = completed_headers(message.get("headers", ()), exchange.id)
            elif message["type"] == "http.response.body" and scope["method"] != "HEAD":
                exchange.sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, send_completed)
        except ClientDisconnect:
            pass  # nobody is there to hear
        except Exception:  # noqa: BLE001 - whatever it is, it is logged, and a client sees nothing of it
            _LOG.exception("request %s failed", exchange.id)
            if not exchange.begun:
                await send_problem(send_completed, 500, "the server failed to answer; its log says why")
        finally:
            self._record(scope, exchange)

    def _record(self, scope: Scope, exchange: Exchange) -> None:
        seconds = perf_counter() - exchange.started
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = getattr(scope.get("route"), "path", "")
        status = exchange.status or 499  # the client went before there was an answer
        metrics.request(method, route or "none", status, seconds)
        fields: dict[str, Any] = {
            "request_id": exchange.id,
            "method": method,
            "path": route,
            "status": status,
            "ms": round(seconds * 1000, 1),
            "bytes": exchange.sent,
            "key": exchange.key,
            "client": exchange.client or ("socket" if exchange.trusted else ""),
        }
        if exchange.refused:
            fields["refused"] = exchange.refused
        if self._log_queries and (asked := _asked(scope, exchange)):
            fields["query"] = asked
        ACCESS_LOG.info("request", extra={"fields": fields})


def _id_of(scope: Scope) -> str:
    """The client's own, if it is one and sane."""
    given = [value for name, value in scope["headers"] if name == b"x-request-id"]
    return given[0].decode("ascii") if len(given) == 1 and _SANE_ID.fullmatch(given[0]) else new_id()


def _is_own(scope: Scope, socket: Path | None) -> bool:
    """Whether it came over the user's own socket: it is told by where the server listens, not by what a client says."""
    server = scope.get("server")
    return socket is not None and server is not None and server[1] is None and server[0] == str(socket)


def _asked(scope: Scope, exchange: Exchange) -> str:
    if exchange.body:
        return exchange.body[:_LONGEST_LOGGED].decode("utf-8", "replace")
    query = scope["query_string"][:_LONGEST_LOGGED].decode("ascii", "replace")
    return " ".join(parse_qs(query, errors="replace").get("q", ()))
