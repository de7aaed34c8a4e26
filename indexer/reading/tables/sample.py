"""The beginning of a table, and in what encoding it is."""

from __future__ import annotations

import re

from indexer.errors import DocumentError
from indexer.reading.encodings import Decoded, decoded
from indexer.reading.source import Source

_SAMPLE = 262_144


def sample_of(source: Source) -> tuple[str, Decoded]:
    """The beginning, and a block that says in what encoding it is: the first one that is not plain ASCII. The stream is
    back at its beginning."""
    beginning = block = source.stream.read(_SAMPLE)
    while block.isascii() and not re.search(rb"[\0\x1b]", block) and (more := source.stream.read(_SAMPLE)):
        block = more
    source.stream.seek(0)
    found = _decoded(_whole_lines(block), source.charset)
    text = found.text if block is beginning else _whole_lines(beginning).decode("ascii")
    return text, found


def _decoded(data: bytes, declared: str) -> Decoded:
    try:
        return decoded(data, declared)
    except DocumentError:
        if b"\0" not in data:
            raise
    return decoded(data.replace(b"\0", b""), declared)  # some that write tables fill cells with them


def _whole_lines(block: bytes) -> bytes:
    """What ends in the middle of a letter might be taken for another encoding."""
    if len(block) < _SAMPLE:
        return block
    end = block.rfind(b"\n") + 1 or len(block)
    return block[: end + end % 2 if b"\0" in block else end]  # UTF-16 has two bytes a letter
