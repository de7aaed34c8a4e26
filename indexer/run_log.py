"""What runs of the indexer did, for those who look later: the logger `indexer` of the standard library."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from indexer.errors import SearchError
from indexer.summary import Summary

LOG = logging.getLogger("indexer")
LOG.addHandler(logging.NullHandler())  # silent unless a program asks for it


def log_summary(summary: Summary, collection: Path) -> None:
    """A warning for each thing that was skipped, a line for each remark, and the counts."""
    for skipped in summary.skipped:
        LOG.warning("skipped %s: %s", skipped.name, skipped.reason)
    for remark in summary.remarks:
        LOG.info("%s: %s", remark.name, remark.text)
    LOG.info(
        "%s: %d added, %d changed, %d unchanged, %d removed, %d skipped; %d passages, %d of them of known texts",
        collection,
        summary.added,
        summary.changed,
        summary.unchanged,
        summary.removed,
        len(summary.skipped),
        summary.passages,
        summary.reused,
    )


@contextmanager
def logged_to(file: str | None) -> Iterator[None]:
    """Append what is logged within to a file, with the time in UTC; and the error that ends it. Nothing for None.

    Raises SearchError where the file cannot be written.
    """
    if not file:
        yield
        return
    try:
        handler = logging.FileHandler(file, encoding="utf-8", errors="replace")
    except OSError as error:
        raise SearchError(f"cannot write the log {file}: {error.strerror}; name another file") from error
    form = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    form.converter = time.gmtime
    handler.setFormatter(form)
    before = LOG.level
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    try:
        yield
    except BaseException as error:
        LOG.error("%s", str(error) or type(error).__name__)
        raise
    finally:
        LOG.removeHandler(handler)
        LOG.setLevel(before)
        handler.close()
