"""What the service counts. Free of cost until a recorder is installed: the command `search` shares the searcher."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Protocol


class Recorder(Protocol):
    """Where the figures go."""

    def request(self, method: str, route: str, status: int, seconds: float) -> None: ...
    def rejected(self, reason: str) -> None: ...
    def queue(self, gate: str, running: int, waiting: int) -> None: ...
    def stage(self, name: str, seconds: float) -> None: ...
    def cache(self, name: str, *, hit: bool) -> None: ...
    def collection(self, documents: int, passages: int, version: int) -> None: ...
    def query_language(self, lang: str) -> None: ...


_recorder: Recorder | None = None


def install(recorder: Recorder | None) -> None:
    """From now on figures go there; None: nowhere."""
    global _recorder
    _recorder = recorder


def installed() -> Recorder | None:
    return _recorder


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Times a stage of a search: `with stage("encode"): ...`."""
    if _recorder is None:
        yield
        return
    start = perf_counter()
    try:
        yield
    finally:
        observe_stage(name, perf_counter() - start)


def observe_stage(name: str, seconds: float) -> None:
    """The same for a stage that is timed already."""
    if _recorder is not None:
        _recorder.stage(name, seconds)


def cache(name: str, *, hit: bool) -> None:
    if _recorder is not None:
        _recorder.cache(name, hit=hit)


def collection(documents: int, passages: int, version: int) -> None:
    """What is being served; to be said again whenever another version is."""
    if _recorder is not None:
        _recorder.collection(documents, passages, version)


def query_language(lang: str) -> None:
    """The language that a question is taken for; "" where that is not known."""
    if _recorder is not None:
        _recorder.query_language(lang)


def request(method: str, route: str, status: int, seconds: float) -> None:
    if _recorder is not None:
        _recorder.request(method, route, status, seconds)


def rejected(reason: str) -> None:
    if _recorder is not None:
        _recorder.rejected(reason)


def queue(gate: str, running: int, waiting: int) -> None:
    if _recorder is not None:
        _recorder.queue(gate, running, waiting)
