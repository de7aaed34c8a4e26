"""Connections: what a client does to the parser and the clock before there is a request that an application could see.

On h11, not httptools: it is strict about framing (RFC 9112), bounds the headers that it collects, and costs little
beside a search.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import suppress
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol

from search_api import metrics
from search_api.guard.answer_headers import completed_headers
from search_api.guard.exchange import new_id
from search_api.problems import MEDIA_TYPE, problem_body
from search_api.settings import ServiceSettings

_LINGER = 1.0
"""Seconds for which what a refused client still sends is read and dropped, so that the refusal reaches it."""
_UNREAD = 3.0  # so too of a body that was refused

_ACCESS_LOG = logging.getLogger("search_api.access")
_STALLED_WRITE = 30.0  # seconds in which a client takes nothing of its answer


class GuardedConfig(Config):
    """A configuration of uvicorn that tells connections their limits."""

    def __init__(self, app: Any, service: ServiceSettings, **options: Any) -> None:
        self.service = service
        super().__init__(app, http=GuardedConnection, **options)


class GuardedConnection(H11Protocol):
    """Refusals are problem details here too; headers, pauses and the way out have their time."""

    def __init__(self, config: GuardedConfig, *arguments: Any, **options: Any) -> None:
        super().__init__(config, *arguments, **options)
        self._service = config.service
        self._header_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._leaving = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._service.max_connections:
            self._refuse(503, "connections", "too many connections are open; try again soon")
            self.transport.close()  # at once: there are too many already
            return
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        if self._leaving:
            return
        if self._header_timer is None and self.conn.their_state is h11.IDLE:
            self._await_headers()
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_header_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_header_timer()
        self._stop_write_timer()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:  # answered before the body was read: it will not be read for ever
            self.loop.call_later(_UNREAD, self._end_unread, self.cycle)

    def shutdown(self) -> None:
        if self._leaving:
            self.transport.abort()
        else:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self.loop.call_later(_LINGER, self.transport.abort)  # for who takes no answers either

    def pause_writing(self) -> None:
        super().pause_writing()
        self._write_timer = self.loop.call_later(_STALLED_WRITE, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_write_timer()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        error = sys.exc_info()[1]  # the parser's, of which uvicorn tells nothing
        if isinstance(error, h11.RemoteProtocolError) and error.error_status_hint == 431:
            limit = self._service.max_url + self._service.max_headers
            self._refuse(431, "headers", f"the URL and the headers are longer than {limit:,} bytes")
        else:
            self._refuse(400, "malformed", "this is not an HTTP/1.1 request")

    def _unsupported_upgrade_warning(self) -> None:
        """What a client asks for in vain is nothing for the log."""

    def _await_headers(self) -> None:
        self._header_timer = self.loop.call_later(self._service.header_timeout, self._headers_late)

    def _headers_late(self) -> None:
        self._header_timer = None
        if self.transport.is_closing() or self._leaving:
            return
        if self.conn.trailing_data[0]:
            self._refuse(408, "header_timeout", "the headers did not come in time")
        else:
            self.transport.close()  # it was never used

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _end_unread(self, cycle: Any) -> None:
        if self.cycle is cycle and self.conn.their_state is h11.SEND_BODY and not self.transport.is_closing():
            self.transport.abort()

    def _refuse(self, status: int, reason: str, detail: str) -> None:
        """Answer, if there is none on its way, and end the connection."""
        metrics.rejected(reason)
        self._stop_header_timer()
        self._unset_keepalive_if_required()
        self._leaving = True
        under_way = self.cycle is not None and not self.cycle.response_complete
        if under_way:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if not (under_way and self.cycle.response_started) and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._answer(status, reason, detail)
        with suppress(OSError):  # the client may be gone
            self.transport.write_eof()
        self.loop.call_later(_LINGER, self.transport.abort)

    def _answer(self, status: int, reason: str, detail: str) -> None:
        body, request_id = problem_body(status, detail), new_id()
        named = [
            (b"content-type", MEDIA_TYPE.encode("ascii")),
            (b"content-length", str(len(body)).encode("ascii")),
            (b"connection", b"close"),
        ]
        headers = completed_headers([*self.server_state.default_headers, *named], request_id)
        response = h11.Response(status_code=status, headers=headers)
        events = (response, h11.Data(data=body), h11.EndOfMessage())
        self.transport.write(b"".join(self.conn.send(event) or b"" for event in events))
        client = self.client[0] if self.client else ""
        fields = {"request_id": request_id, "status": status, "refused": reason, "client": client, "bytes": len(body)}
        _ACCESS_LOG.info("connection", extra={"fields": fields})
