"""Headers -> what they say."""

from __future__ import annotations

import quopri
import re
from email.message import Message
from email.utils import collapse_rfc2231_value

from indexer.documents import clean
from indexer.errors import DocumentError
from indexer.reading.encodings import decoded
from indexer.reading.mail.transfer import from_base64

_LONGEST_NAME = 200
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bq])\?([^?]*)\?=", re.IGNORECASE)


def kind_of(message: Message) -> str:
    try:
        return message.get_content_type()
    except Exception:  # noqa: BLE001 - what broken headers raise is written down nowhere
        return "text/plain"


def parameter_of(message: Message, name: str) -> str:
    """Of the kind of content."""
    try:
        value = message.get_param(name)
        return collapse_rfc2231_value(value).strip() if value else ""
    except Exception:  # noqa: BLE001 - what broken headers raise is written down nowhere
        return ""


def file_name_of(message: Message) -> str:
    try:
        name = message.get_filename("") or ""
    except Exception:  # noqa: BLE001 - what broken headers raise is written down nowhere
        return ""
    return _line(re.split(r"[/\\]", _words(name))[-1])[-_LONGEST_NAME:]


def header_of(message: Message, name: str) -> str:
    return _line(_words(message.get(name, "")))


def _words(value: str) -> str:
    """Encoded words (RFC 2047) as text. A letter may begin in one and end in the next."""
    pieces: list[tuple[bytes, str]] = []
    place = 0
    for found in _ENCODED_WORD.finditer(value):
        between = value[place : found.start()]
        if between.strip() or not pieces:
            pieces.append((between.encode("utf-8", "replace"), ""))
        charset = found.group(1).partition("*")[0].lower()
        data = found.group(3).encode("utf-8", "replace")
        data = from_base64(data) if found.group(2) in "bB" else quopri.decodestring(data, header=True)
        if pieces[-1][1] == charset:
            data = pieces.pop()[0] + data
        pieces.append((data, charset))
        place = found.end()
    pieces.append((value[place:].encode("utf-8", "replace"), ""))
    return "".join(decoded_word(data, charset) for data, charset in pieces)


def decoded_word(data: bytes, charset: str) -> str:
    try:
        return decoded(data, charset).text if charset else data.decode("utf-8", "replace")
    except DocumentError:
        return data.decode("utf-8", "replace")


def _line(text: str) -> str:
    return clean(" ".join(text.split()))
