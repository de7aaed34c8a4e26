"""What is asked of a file in an archive before it is looked at, and what its name is."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from indexer.documents import Skipped
from indexer.errors import DocumentError
from indexer.reading.encodings import decoded
from indexer.reading.formats import cause_of, format_of

_LEAVES = re.compile(r"/|[A-Za-z]:|(?:.*/)?\.\.(?:/|$)", re.DOTALL)
UNWANTED = re.compile(r"(?:.*/)?(?:\.(?!\.?(?:/|$))|__MACOSX(?:/|$)|Thumbs\.db$|desktop\.ini$)", re.DOTALL)


def charset_of(names: bytes) -> str:
    try:
        charset = decoded(names).charset
    except DocumentError:
        return "cp437"
    return "cp437" if charset.startswith(("utf-16", "utf-32")) else charset  # names are of single bytes


def suffix_of(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def refused(place: str, name: str) -> Skipped | None:
    """A file that is not even looked at, because of its name."""
    if _LEAVES.match(name):
        return Skipped(place, "a path that leaves the archive")
    try:
        format_of(suffix_of(name))
    except DocumentError as error:
        return Skipped(place, str(error), cause_of(error))
    return None
