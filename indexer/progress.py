"""How a run of `search-index` shows what it does: a bar on a terminal, events as JSON, or nothing."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from indexer.documents import Cause, Skipped
from indexer.summary import Summary

_NAMED = 50
"""Skipped files that are named before the rest are only counted."""
_NAME = 40


class Display(Protocol):
    """What shows a run."""

    def progress(self, summary: Summary, document_id: str) -> None:
        """After each batch."""

    def done(self, summary: Summary, collection: Path) -> None:
        """At the end."""


class _Pace:
    """How fast it goes."""

    def __init__(self) -> None:
        self._began = monotonic()

    def passages_a_second(self, summary: Summary) -> float:
        return (summary.passages - summary.reused) / max(1e-6, monotonic() - self._began)

    def seconds_left(self, summary: Summary) -> float | None:
        """By the bytes that are left to read; None before anything was read."""
        if not summary.read or not summary.to_read:
            return None
        left = max(0, summary.to_read - summary.read)
        return (monotonic() - self._began) * left / summary.read


class _Lines:
    """A summary at the end, on standard error."""

    def progress(self, summary: Summary, document_id: str) -> None:
        pass

    def done(self, summary: Summary, collection: Path) -> None:
        for line in _skipped_lines(summary.skipped):
            say(line)
        for remark in summary.remarks[:_NAMED]:
            say(f"{remark.name}: {remark.text}")
        if len(summary.remarks) > _NAMED:
            say(f"{len(summary.remarks) - _NAMED} more remarks")
        reused = f" ({summary.reused} of known texts)" if summary.reused else ""
        removed = f"{summary.removed} removed, " if summary.removed else ""
        say(
            f"{summary.added} added, {summary.changed} changed, {summary.unchanged} unchanged, {removed}"
            f"{len(summary.skipped)} skipped; {summary.passages} passages encoded{reused}; collection {collection}"
        )


class _Bar(_Lines):
    """Documents, passages a second, time left, and the file that is being read."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=None, note="reading")
        self._pace = _Pace()

    def progress(self, summary: Summary, document_id: str) -> None:
        left = self._pace.seconds_left(summary)
        note = f"{summary.seen:,} documents · {self._pace.passages_a_second(summary):,.0f} passages a second"
        if left is not None:
            note += f" · {_duration(left)} left"
        name = summary.file or document_id
        note += f" · {name if len(name) <= _NAME else '…' + name[-_NAME:]}"
        self._bar.update(self._task, total=summary.to_read or None, completed=summary.read, note=note)


class _Events:
    """An object a line on standard output."""

    def __init__(self) -> None:
        self._pace = _Pace()
        self._told = 0
        self._remarks = 0

    def progress(self, summary: Summary, document_id: str) -> None:
        self._tell(summary)
        left = self._pace.seconds_left(summary)
        self._write(
            "progress",
            documents=summary.seen,
            passages=summary.passages,
            passages_per_second=round(self._pace.passages_a_second(summary), 1),
            bytes=summary.read,
            bytes_total=summary.to_read,
            seconds_left=None if left is None else round(left, 1),
            file=summary.file,
            document=document_id,
        )

    def done(self, summary: Summary, collection: Path) -> None:
        self._tell(summary)
        self._write(
            "done",
            added=summary.added,
            changed=summary.changed,
            unchanged=summary.unchanged,
            removed=summary.removed,
            skipped=len(summary.skipped),
            passages=summary.passages,
            reused=summary.reused,
            collection=str(collection),
        )

    def _tell(self, summary: Summary) -> None:
        """What was skipped and remarked since the last time."""
        for skipped in summary.skipped[self._told :]:
            self._write("skipped", name=skipped.name, reason=skipped.reason, cause=skipped.cause.name.lower())
        for remark in summary.remarks[self._remarks :]:
            self._write("remark", name=remark.name, text=remark.text)
        self._told, self._remarks = len(summary.skipped), len(summary.remarks)

    def _write(self, event: str, **fields: Any) -> None:
        print(json.dumps({"event": event, **fields}, ensure_ascii=False), flush=True)


@contextmanager
def display(*, events: bool = False) -> Iterator[Display]:
    """Events for whoever asks for them, a bar on a terminal, elsewhere a summary alone."""
    console = Console(stderr=True)
    if events:
        yield _Events()
    elif console.is_terminal:
        columns = (BarColumn(20), TextColumn("{task.fields[note]}", markup=False))
        with Progress(*columns, console=console, transient=True) as bar:
            shown = _Bar(bar)
            yield shown
    else:
        yield _Lines()


def _skipped_lines(skipped: list[Skipped]) -> Iterator[str]:
    """Each by name, but files of other formats by what their names end in."""
    others = Counter(Path(item.name).suffix or "no suffix" for item in skipped if item.cause is Cause.FORMAT)
    named = [item for item in skipped if item.cause is not Cause.FORMAT]
    few = [item for item in skipped if item.cause is Cause.FORMAT] if sum(others.values()) <= 3 else []
    for item in [*named[:_NAMED], *few]:
        yield f"skipped {item.name}: {item.reason}"
    if len(named) > _NAMED:
        yield f"skipped {len(named) - _NAMED} more; --json names them all"
    if others and not few:
        counts = ", ".join(f"{count} {suffix}" for suffix, count in others.most_common())
        yield f"skipped files of other formats: {counts}"


def _duration(seconds: float) -> str:
    """`1:02:03` or `2:03`."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def say(text: str) -> None:
    print(f"search-index: {text}".encode("utf-8", "replace").decode("utf-8"), file=sys.stderr, flush=True)
