"""The figures as Prometheus reads them, of one process or of all workers together.

Workers share their figures through files in PROMETHEUS_MULTIPROC_DIR, which must be set before this is imported.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
    multiprocess,
)

from search_api import metrics

CONTENT_TYPE = CONTENT_TYPE_LATEST
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_STAGE_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_MOST_LANGUAGES = 200
_LIVE_FILE = re.compile(r"gauge_live[a-z]*_([0-9]+)\.db")


class PrometheusRecorder:
    """A `Recorder`. Labels come from short lists, never from what a client sent."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._folder = os.environ.get(FOLDER_VARIABLE)
        if self._folder is None:
            ProcessCollector(registry=registry)
            PlatformCollector(registry=registry)
        self._languages: set[str] = set()
        self._requests = Histogram(
            "search_request_seconds",
            "Time to answer a request.",
            ["method", "route", "status"],
            buckets=_REQUEST_SECONDS,
            registry=registry,
        )
        self._stages = Histogram(
            "search_stage_seconds", "Time of a stage of a search.", ["stage"], buckets=_STAGE_SECONDS, registry=registry
        )
        self._running = Gauge(
            "search_running", "Requests at work.", ["gate"], registry=registry, multiprocess_mode="livesum"
        )
        self._waiting = Gauge(
            "search_waiting", "Requests that wait for a turn.", ["gate"], registry=registry, multiprocess_mode="livesum"
        )
        self._rejected = Counter("search_rejected", "Requests refused, by reason.", ["reason"], registry=registry)
        self._cache = Counter("search_cache", "Look-ups in a cache.", ["cache", "result"], registry=registry)
        self._queries = Counter("search_queries", "Questions, by language.", ["lang"], registry=registry)
        self._documents = self._newest("search_collection_documents", "Documents in the collection.")
        self._passages = self._newest("search_collection_passages", "Passages in the collection.")
        self._version = self._newest("search_collection_version", "The version of the collection that is served.")

    def _newest(self, name: str, told: str) -> Gauge:
        return Gauge(name, told, registry=self._registry, multiprocess_mode="livemostrecent")

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).observe(seconds)

    def rejected(self, reason: str) -> None:
        self._rejected.labels(reason).inc()

    def queue(self, gate: str, running: int, waiting: int) -> None:
        self._running.labels(gate).set(running)
        self._waiting.labels(gate).set(waiting)

    def stage(self, name: str, seconds: float) -> None:
        self._stages.labels(name).observe(seconds)

    def cache(self, name: str, *, hit: bool) -> None:
        self._cache.labels(name, "hit" if hit else "miss").inc()

    def collection(self, documents: int, passages: int, version: int) -> None:
        self._documents.set(documents)
        self._passages.set(passages)
        self._version.set(version)

    def query_language(self, lang: str) -> None:
        known = lang in self._languages
        if not known and _LANGUAGE.fullmatch(lang) and len(self._languages) < _MOST_LANGUAGES:
            self._languages.add(lang)
            known = True
        self._queries.labels(lang if known else "other").inc()

    def text(self) -> bytes:
        """All figures; with several workers, of all of them."""
        if self._folder is None:
            return generate_latest(self._registry)
        _forget_the_dead(Path(self._folder))
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together, path=self._folder)  # type: ignore[no-untyped-call]
        return generate_latest(together)


def process_recorder() -> PrometheusRecorder:
    """The one of this process, installed when it is first asked for."""
    current = metrics.installed()
    if not isinstance(current, PrometheusRecorder):
        current = PrometheusRecorder()
        metrics.install(current)
    return current


def _forget_the_dead(folder: Path) -> None:
    """What a worker that is gone counted stays; what it was busy with does not."""
    for process in {int(match[1]) for file in folder.iterdir() if (match := _LIVE_FILE.fullmatch(file.name))}:
        if not _lives(process):
            multiprocess.mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]


def _lives(process: int) -> bool:
    if sys.platform == "win32":
        return True  # asking would end it
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
