"""What the service counts, and how Prometheus reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from search_api import metrics
from search_api.metrics.prometheus import PrometheusRecorder, process_recorder
from tests.guarded_service import client

Figures = dict[tuple[str, tuple[str, ...]], float]


@pytest.fixture
def recorder() -> Iterator[PrometheusRecorder]:
    metrics.install(None)
    yield process_recorder()
    metrics.install(None)


def figures(text: str) -> Figures:
    """By name and values of labels, without those of the process."""
    found: Figures = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith("search_") and "created" not in sample.name:
                found[sample.name, tuple(sample.labels.values())] = sample.value
    return found


def test_stages_are_timed_also_when_they_fail(recorder: PrometheusRecorder) -> None:
    with metrics.stage("encode"):
        pass
    with pytest.raises(ZeroDivisionError), metrics.stage("encode"):
        _ = 1 / 0
    metrics.observe_stage("score", 0.03)
    got = figures(recorder.text().decode())
    assert got["search_stage_seconds_count", ("encode",)] == 2
    assert got["search_stage_seconds_sum", ("score",)] == 0.03
    assert got["search_stage_seconds_bucket", ("0.025", "score")] == 0
    assert got["search_stage_seconds_bucket", ("0.05", "score")] == 1


def test_all_that_is_told_is_shown(recorder: PrometheusRecorder) -> None:
    metrics.cache("results", hit=True)
    metrics.cache("results", hit=True)
    metrics.cache("results", hit=False)
    metrics.collection(1000, 4000, 7)
    metrics.collection(1001, 4004, 8)
    metrics.queue("search", 2, 5)
    metrics.rejected("rate")
    got = figures(recorder.text().decode())
    assert got["search_cache_total", ("results", "hit")] == 2
    assert got["search_cache_total", ("results", "miss")] == 1
    assert got["search_collection_documents", ()] == 1001
    assert got["search_collection_passages", ()] == 4004
    assert got["search_collection_version", ()] == 8
    assert got["search_running", ("search",)] == 2
    assert got["search_waiting", ("search",)] == 5
    assert got["search_rejected_total", ("rate",)] == 1


def test_languages_are_codes_and_of_a_bounded_number(recorder: PrometheusRecorder) -> None:
    for lang in ("ja", "ja", "ar", "", "evil\nlabel", "EN", "klingon"):
        metrics.query_language(lang)
    got = figures(recorder.text().decode())
    assert {labels[0]: value for (name, labels), value in got.items() if name == "search_queries_total"} == {
        "ja": 2,
        "ar": 1,
        "other": 4,
    }
    for number in range(500):
        metrics.query_language("".join(chr(97 + number // 26**power % 26) for power in range(3)))
    assert len([name for name, _ in figures(recorder.text().decode()) if name == "search_queries_total"]) == 201


def test_without_a_recorder_nothing_happens() -> None:
    metrics.install(None)
    with metrics.stage("encode"):
        metrics.cache("results", hit=True)
        metrics.collection(1, 2, 3)
        metrics.query_language("ja")
        metrics.observe_stage("score", 1)


def test_the_light_part_loads_nothing() -> None:
    """The command `search` shares the searcher and must not wait for Prometheus."""
    script = "import sys; import search_api.metrics; print('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "False\n"


def test_requests_are_counted_by_route_and_status() -> None:
    guard = client(max_url=100)
    for path in ("/search?q=a", "/search?q=b", "/search", "/documents/a", "/nowhere/1", "/nowhere/2", "/" + "x" * 200):
        guard.get(path)
    guard.delete("/documents/secret")
    guard.request("BREW", "/search")
    answer = guard.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    got = figures(answer.text)
    counted = {labels: value for (name, labels), value in got.items() if name == "search_request_seconds_count"}
    assert counted == {
        ("GET", "/search", "200"): 2,
        ("GET", "/search", "422"): 1,
        ("GET", "/documents/{name:path}", "405"): 1,
        ("GET", "none", "404"): 2,
        ("GET", "none", "414"): 1,
        ("DELETE", "/documents/{name:path}", "200"): 1,
        ("other", "none", "501"): 1,
    }
    assert got["search_rejected_total", ("url",)] == 1
    assert "secret" not in answer.text


def test_metrics_can_only_be_read() -> None:
    guard = client()
    refused = guard.post("/metrics")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert (guard.head("/metrics").content, guard.options("/metrics").status_code) == (b"", 204)


def test_workers_count_together_and_the_dead_are_busy_no_more(tmp_path: Path) -> None:
    """Each in a process of its own, one after the other: all but the last are gone when it counts."""
    script = """if True:
        from search_api import metrics
        from search_api.metrics.prometheus import process_recorder
        recorder = process_recorder()
        metrics.rejected("rate")
        metrics.queue("search", 2, 1)
        metrics.observe_stage("encode", 0.5)
        print(recorder.text().decode())"""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for worker in (1, 2, 3):
        ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
        got = figures(ran.stdout)
        assert got["search_rejected_total", ("rate",)] == worker, ran.stderr
        assert got["search_stage_seconds_sum", ("encode",)] == worker / 2
        assert got["search_running", ("search",)] == 2
