"""A packed file (gzip, bzip2, xz) -> what it unpacks to."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from indexer.documents import Found, Remark, Skipped
from indexer.errors import DocumentError
from indexer.reading.budget import Budget
from indexer.reading.formats import cause_of, format_of
from indexer.reading.part_streams import budget_of, part_of_blocks
from indexer.reading.source import Context, Source
from indexer.reading.unpacked import BLOCK, BZIP2, GZIP, XZ, Unpacked, blocks_of

_STREAMED = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".mbox", ".tar", ".warc")
"""Read from beginning to end: they need not be unpacked to a place of their own first."""
_USUAL_RATIO = 20
"""Bytes that a byte of packed text may stand for, however large the file: read from beginning to end, they take no
room. Web archives of a gigabyte are usual, and unpack to five."""
_SHORT_FORMS = {".tgz": ".tar", ".tbz": ".tar", ".tbz2": ".tar", ".txz": ".tar"}
_PACKINGS = {
    ".gz": GZIP,
    ".tgz": GZIP,
    ".bz2": BZIP2,
    ".tbz": BZIP2,
    ".tbz2": BZIP2,
    ".xz": XZ,
    ".txz": XZ,
}


class _Stream(io.BufferedReader):
    """What is unpacked while it is read."""

    budget: Budget | None = None


def read_packed(source: Source, context: Context) -> Iterator[Found]:
    if not source.size:
        raise DocumentError("empty")
    suffix = _SHORT_FORMS.get(source.suffix) or PurePosixPath(source.name[: -len(source.suffix)]).suffix.lower()
    if not suffix:
        raise DocumentError(f"its name does not say what is in it; expected one such as name.txt{source.suffix}")
    try:
        format_of(suffix)
    except DocumentError as error:
        yield Skipped(source.name, f"holds {suffix}: {error}", cause_of(error))
        return
    budget = budget_of(source, context.limits)
    roomless = suffix in _STREAMED and suffix != ".tar" and not source.depth
    cost = Budget(context.limits, _USUAL_RATIO * source.size) if roomless else budget
    raw = Unpacked(source.stream, _PACKINGS[source.suffix], source.size, context.limits, cost)
    stream = _Stream(raw, BLOCK)
    stream.budget = budget
    if not stream.peek(1) and raw.problem:
        raise DocumentError(raw.problem)
    inner = replace(
        source,
        stream=cast(BinaryIO, stream),
        suffix=suffix,
        depth=source.depth + (suffix != ".tar"),  # a packed tar file is one archive
    )
    if suffix in _STREAMED:
        yield from context.read(inner)  # its size is not known before its end: that of what is packed stands for it
    else:
        kept, size = part_of_blocks(blocks_of(cast(BinaryIO, stream)), budget)
        with kept:
            if not raw.too_much:
                yield from context.read(replace(inner, stream=kept, size=size))
    if raw.too_much:
        yield Skipped(source.name, raw.problem)
    elif raw.problem:
        yield Remark(source.name, f"{raw.problem}; what could be unpacked is read")
