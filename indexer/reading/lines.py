"""A stream -> its lines, one at a time, whatever its size."""

from __future__ import annotations

from collections.abc import Iterator

from indexer.errors import DocumentError
from indexer.reading.source import Limits, Source, megabytes

_BEGINNING = b"\xef\xbb\xbf"


def lines_of(source: Source, limits: Limits) -> Iterator[tuple[int, str | DocumentError]]:
    """The number from 1 and the text of each line that is not blank; an error instead of the text of one that is too
    long or not UTF-8."""
    number = 0
    while line := source.stream.readline(limits.line + 1):
        number += 1
        if len(line) > limits.line:
            while line and not line.endswith(b"\n"):
                line = source.stream.readline(1_000_000)
            yield number, DocumentError(f"a line of more than {megabytes(limits.line)}, which is the most that is read")
            continue
        if number == 1:
            line = line.removeprefix(_BEGINNING)
        try:
            if text := line.decode("utf-8").strip():
                yield number, text
        except UnicodeDecodeError as error:
            byte = line[error.start]
            yield number, DocumentError(f"not UTF-8 (byte {error.start} of the line is 0x{byte:02x})")
