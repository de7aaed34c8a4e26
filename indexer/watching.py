"""Folders and files -> a signal whenever something in them has changed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from watchfiles import watch

from indexer.errors import SearchError
from indexer.reading import STANDARD_INPUT

_QUIET = 1_600
"""Milliseconds that changes are gathered for, so that a file being copied is read once."""


def changes(paths: Sequence[str]) -> Iterator[None]:
    """Yields after each group of changes below the paths, until interrupted. Raises SearchError where there is nothing
    to watch."""
    watched = [path for path in paths if path != STANDARD_INPUT and os.path.exists(path)]
    if not watched:
        raise SearchError(f"--watch needs a folder or file that is there, got {' '.join(paths)}")
    for _ in watch(*watched, debounce=_QUIET, raise_interrupt=True):
        yield None
