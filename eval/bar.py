"""A bar of progress on a terminal; elsewhere lines alone, so that a log stays a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from eval.evaluation import say


@contextmanager
def bar(total: int) -> Iterator[tuple[Callable[[str], None], Callable[[], None] | None]]:
    """What says a line, and what moves the bar on by one of `total` (None where there is no bar)."""
    if not sys.stderr.isatty():
        yield say, None
        return
    console = Console(file=sys.stderr, force_terminal=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, console=console) as shown:
        task = shown.add_task("", total=total)
        yield say, lambda: shown.advance(task)
