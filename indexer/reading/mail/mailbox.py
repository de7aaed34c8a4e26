"""A mailbox -> the bytes of each mail."""

from __future__ import annotations

import re
from collections.abc import Iterator

from indexer.errors import DocumentError
from indexer.reading.source import Limits, Source

_LONGEST_LINE = 65_536
_ENVELOPE = re.compile(rb"From (?:\S*@|- |MAILER-DAEMON|.*\d{4})")
_DATED_ENVELOPE = re.compile(rb"From \S+ .*\b[A-Z][a-z]{2} [ \d]\d (?:\d\d:\d\d|\d{4})")
_QUOTED = re.compile(rb">+From ")
_HEADER_LINE = re.compile(rb">?[A-Za-z][A-Za-z0-9-]*[ \t]*:|>From ")


def messages_of(source: Source, limits: Limits) -> Iterator[bytes | None]:
    """The bytes of each mail; None for one that is too large."""
    message = bytearray()
    begun = too_large = False
    envelope = b""
    blank = whole_line = True
    while line := source.stream.readline(_LONGEST_LINE):
        if envelope:  # it is one if a header follows it
            if _HEADER_LINE.match(line) or not begun:
                if begun:
                    yield None if too_large else bytes(message)
                message.clear()
                begun, too_large = True, False
            else:
                message += envelope
            envelope = b""
        if whole_line and (_ENVELOPE if blank else _DATED_ENVELOPE).match(line):
            envelope = line
        elif begun:
            too_large = too_large or len(message) > limits.text
            if not too_large:
                message += line[1:] if whole_line and _QUOTED.match(line) else line
        elif line.strip():
            raise DocumentError('not a mailbox (no line "From ..." at its beginning)')
        blank = whole_line and not line.strip(b"\r\n")
        whole_line = line.endswith(b"\n")
    if begun:
        message += envelope
        yield None if too_large else bytes(message)
