"""A stream of bytes -> its lines, numbered, within a limit; and each line -> a document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from indexer.documents import Document
from indexer.errors import DocumentError
from search_api.document_schemas import DocumentBody
from search_api.invalid_input import described

LONGEST_LINE = 16 * 2**20
"""Bytes."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def numbered_lines(chunks: Iterable[bytes], longest: int = LONGEST_LINE) -> Iterator[tuple[int, bytes | None]]:
    """(number from 1, line) without line ends and empty lines; None for a line longer than allowed, of which no more
    than that is ever held."""
    number, rest, too_long = 1, bytearray(), False
    for chunk in chunks:
        *lines, last = chunk.split(b"\n")
        for line in lines:
            rest += line if not too_long else b""
            if too_long or len(rest) > longest:
                yield number, None
            elif whole := _trimmed(rest, number):
                yield number, whole
            number, rest, too_long = number + 1, bytearray(), False
        if not too_long:
            rest += last
            if len(rest) > longest:
                rest, too_long = bytearray(), True
    if too_long:
        yield number, None
    elif whole := _trimmed(rest, number):
        yield number, whole


def _trimmed(line: bytearray, number: int) -> bytes:
    return bytes(line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line).strip()


def document_of_line(line: bytes | None) -> Document:
    """Raises DocumentError, in one line, for what is no document."""
    if line is None:
        raise DocumentError(f"longer than {LONGEST_LINE:,} bytes; send a document in parts")
    try:
        return DocumentBody.model_validate_json(line).document()
    except ValidationError as error:
        raise DocumentError(described(error.errors(include_url=False), of_request=False)) from error
