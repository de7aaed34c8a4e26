"""Bytes of a mail -> headers and body; a body of several parts -> these."""

from __future__ import annotations

import re
from email.message import Message

from indexer.errors import DocumentError
from indexer.reading.encodings import decoded
from indexer.reading.mail.headers import decoded_word

_LONGEST_HEADERS = 1_000_000
_LONGEST_HEADER = 8_000
_LONGEST_STRUCTURE = 2_000
"""Of what says how a mail is made; understanding it takes the square of its length, and of what it says."""
_MOST_PARAMETERS = 50
_MOST_HEADERS = 1_000
MOST_PARTS = 1000
_HEADERS = re.compile(rb"(?:(?:[!-9;-~]+[ \t]*:|[ \t]|>?From )[^\n]*(?:\n|\Z))*+")


def without_envelope(data: bytes) -> bytes:
    """Without what may stand before the headers."""
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    return data.partition(b"\n")[2] if data.startswith((b"From ", b">From ")) else data


def parted(data: bytes) -> tuple[Message, bytes]:
    """Headers and body; a line that is no header begins the body."""
    found = _HEADERS.match(data, 0, _LONGEST_HEADERS)
    end = found.end() if found else 0
    return _headers(_header_text(data[:end])), re.sub(rb"\A\r?\n", b"", data[end:])


def _header_text(data: bytes) -> str:
    """Bytes that should not be there are in the encoding of the body, where it says one."""
    if data.isascii() and b"\x1b" not in data:
        return data.decode("ascii")
    charset = re.search(rb"charset=[\"']?([A-Za-z0-9._:-]{1,40})", data, re.IGNORECASE)
    try:
        return data.decode("utf-8") if b"\x1b" not in data else decoded(data).text
    except (UnicodeDecodeError, DocumentError):
        return decoded_word(data, charset.group(1).decode() if charset else "utf-8")


def _headers(text: str) -> Message:
    message = Message()
    lines = re.sub(r"\n[ \t]+", " ", text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    for line in lines[:_MOST_HEADERS]:
        name, colon, value = line.partition(":")
        if colon and re.fullmatch(r"[!-~]{1,100}", name.strip()):
            if name.lower().startswith("content-"):
                value = ";".join(value[:_LONGEST_STRUCTURE].split(";")[:_MOST_PARAMETERS])
            message[name.strip()] = value.strip()[:_LONGEST_HEADER]
    return message


def parts_of(body: bytes, boundary: str) -> list[bytes]:
    """The parts between lines that say `--boundary`, up to that which says `--boundary--`."""
    if not boundary:
        return []
    line = re.compile(rb"^--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*\r?(?:\n|\Z)", re.M)
    parts: list[bytes] = []
    start = None
    for found in line.finditer(body):
        if start is not None:
            parts.append(re.sub(rb"\r?\n\Z", b"", body[start : found.start()]))
        start = found.end()
        if found.group(1) or len(parts) > MOST_PARTS:
            return parts
    if start is not None:
        parts.append(body[start:])  # it was cut off
    return parts
