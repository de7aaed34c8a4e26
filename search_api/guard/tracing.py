"""OpenTelemetry: a span for each request, where the usual OTEL_... variables ask for it and the extra `otel` is there.

FastAPI would make spans of its own; they hold the question, so they are off.
"""

from __future__ import annotations

import logging
import os

from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from starlette.types import ASGIApp, Receive, Scope, Send

from search_api.guard.exchange import exchange_of
from search_api.guard.rules import METHODS

_LOG = logging.getLogger(__name__)
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_FASTAPI_KEY = "fastapi.telemetry"


class Tracing:
    """Spans have the route, never what was asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        _export_if_asked()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[_FASTAPI_KEY] = None
        tracer = trace.get_tracer("search_api")
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        exchange = exchange_of(scope)
        with tracer.start_as_current_span(
            method, propagate.extract(headers), SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                await self._app(scope, receive, send)
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)  # its message may hold what was asked
                raise
            finally:
                if span.is_recording():
                    route = getattr(scope.get("route"), "path", "")
                    span.update_name(f"{method} {route}".rstrip())
                    span.set_attribute("http.request.method", method)
                    span.set_attribute("http.route", route)
                    span.set_attribute("http.response.status_code", exchange.status)
                    span.set_attribute("search.request_id", exchange.id)
                    if exchange.status >= 500:
                        span.set_status(Status(StatusCode.ERROR))


def _export_if_asked() -> None:
    """Set up by the standard variables, unless spans go somewhere already."""
    asked = any(os.environ.get(name) for name in _ENDPOINTS)
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none"
    if off or not asked or not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        _LOG.warning("OTEL_EXPORTER_OTLP_ENDPOINT is set; for spans, install multilingual-search[otel]")
        return
    named = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME") or "search-serve"})
    provider = TracerProvider(resource=named)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
