"""Spans, seen through an exporter in memory, in a process of its own: a provider is set once in a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")

_SCRIPT = """if True:
    import json
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from tests.guarded_service import client

    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
    guard = client(max_url=200)
    parent = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    guard.get("/search?q=secret", headers={"traceparent": parent, "X-Request-ID": "mine"})
    guard.get("/broken")
    guard.get("/secret/" + "x" * 300)
    print(json.dumps([json.loads(span.to_json()) for span in kept.get_finished_spans()]))"""


def run(script: str, **environment: str) -> str:
    own = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    root = Path(__file__).parents[1]
    ran = subprocess.run(
        [sys.executable, "-c", script], env={**own, **environment}, capture_output=True, text=True, timeout=60, cwd=root
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_request_is_one_span_that_tells_nothing_of_the_question() -> None:
    printed = run(_SCRIPT)
    spans: list[dict[str, Any]] = json.loads(printed.splitlines()[-1])
    assert [span["name"] for span in spans] == ["GET /search", "GET /broken", "GET"]
    assert "secret" not in json.dumps([{key: span[key] for key in ("name", "attributes", "events")} for span in spans])
    first = spans[0]
    assert first["context"]["trace_id"] == "0x" + "a" * 32
    assert first["parent_id"] == "0x" + "b" * 16
    assert first["attributes"] == {
        "http.request.method": "GET",
        "http.route": "/search",
        "http.response.status_code": 200,
        "search.request_id": "mine",
    }
    assert spans[1]["attributes"]["error.type"] == "RuntimeError"
    assert [span["attributes"]["http.response.status_code"] for span in spans] == [200, 500, 414]
    assert [span["status"]["status_code"] for span in spans] == ["UNSET", "ERROR", "UNSET"]


def test_spans_go_where_the_environment_says() -> None:
    got: list[str] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            got.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        thread = threading.Thread(target=collector.serve_forever)
        thread.start()
        script = "from tests.guarded_service import client; client().get('/health')\n"
        run(script, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.server_port}")
        assert got == ["/v1/traces"]
        collector.shutdown()
        thread.join()
