"""Parts of a file as streams of their own, which know what may still be unpacked of the whole."""

from __future__ import annotations

import io
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from indexer.reading.budget import Budget
from indexer.reading.source import Limits, Source

_IN_MEMORY = 16_000_000


def budget_of(source: Source, limits: Limits) -> Budget:
    """That of the file it was unpacked from, if it was."""
    return getattr(source.stream, "budget", None) or Budget(limits)


class _Part(io.BytesIO):
    """A part that is in memory."""

    budget: Budget | None = None


class _Kept(SpooledTemporaryFile[bytes]):
    """A part that was unpacked, in memory where it is small."""

    budget: Budget | None = None


def part(data: bytes, budget: Budget) -> BinaryIO:
    """Data as a stream; what it unpacks to counts with the rest."""
    stream = _Part(data)
    stream.budget = budget
    return stream


def part_of_blocks(blocks: Iterator[bytes], budget: Budget) -> tuple[BinaryIO, int]:
    """A stream of its own, and its size. The caller closes it."""
    kept = _Kept(_IN_MEMORY)
    kept.budget = budget
    try:
        for block in blocks:
            kept.write(block)
        size = kept.tell()
        kept.seek(0)
    except BaseException:
        kept.close()
        raise
    return cast(BinaryIO, kept), size
