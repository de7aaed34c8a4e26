"""`/metrics`, as Prometheus reads it."""

from __future__ import annotations

from anyio import to_thread
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from search_api.guard.exchange import refuse
from search_api.guard.rules import METRICS
from search_api.metrics.prometheus import CONTENT_TYPE, PrometheusRecorder

_METHODS = ("GET", "HEAD", "OPTIONS")


class MetricsPage:
    """In front of the application, which need not know of it."""

    def __init__(self, app: ASGIApp, recorder: PrometheusRecorder) -> None:
        self._app = app
        self._recorder = recorder
        self._route = Route(METRICS, self, methods=["GET"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != METRICS:
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route
        allowed = ", ".join(_METHODS)
        if scope["method"] not in _METHODS:
            await refuse(scope, send, 405, "method", "/metrics can only be read", {"allow": allowed})
            return
        if scope["method"] == "OPTIONS":
            status, body, headers = 204, b"", [(b"allow", allowed.encode("ascii"))]
        else:
            body = await to_thread.run_sync(self._recorder.text)
            length = str(len(body)).encode("ascii")
            status, headers = 200, [(b"content-type", CONTENT_TYPE.encode("ascii")), (b"content-length", length)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
