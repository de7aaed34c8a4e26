"""Bytes that say themselves what they are: marks at the beginning, and what is valid UTF-8 or UTF-16."""

from __future__ import annotations

import codecs
import re

from indexer.errors import DocumentError
from indexer.reading.encodings.candidates import WIDE
from indexer.reading.encodings.decoding import Decoded, strictly, with_gaps
from indexer.reading.encodings.likelihood import guesses

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_WIDE_BITS = 13.0
"""A character of UTF-16 costs less than this, on average; pairs of any other bytes cost more."""
_FEW = 32
"""Bytes: of fewer, a character that is cut off says that they are something else."""
SAMPLE = 65_536


def marked_text(data: bytes) -> Decoded | None:
    for mark, codec in _MARKS:
        if data.startswith(mark):
            rest = data[len(mark) :]
            if not rest:
                return Decoded("", codec)
            if found := strictly(rest, codec) or with_gaps(rest, codec, len(rest) // 1000):
                return found
    return None


def utf_8_text(data: bytes) -> Decoded | None:
    """Also with a few bytes that do not fit, where characters that are UTF-8 and nothing else outnumber them."""
    found = strictly(data, "utf-8")
    if found and not (found.doubt and found.text.isascii()):
        return found
    found = with_gaps(data, "utf-8", len(data) // 40)
    if not found:
        return None
    others = sum(map(len, re.findall("[\x80-\ufffc\ufffe-\U0010ffff]+", found.text)))
    gaps = found.text.count("\ufffd")
    return found if others > (gaps if gaps * 1000 <= len(data) else 20 * gaps) else None


def wide_text(data: bytes) -> Decoded | None:
    """UTF-16 or UTF-32 without a mark, which have NUL bytes in them; hardly any other text has."""
    sample = data[:SAMPLE]
    if b"\0" not in sample:
        return None
    for codec in ("utf-32-le", "utf-32-be"):
        if (found := strictly(data, codec)) and (len(data) >= _FEW or not found.doubt):
            return found
    best = min(guesses(sample, WIDE), key=lambda guess: guess.bits)
    likely = best.bits < _WIDE_BITS * len(sample) / 2
    if likely and (found := strictly(data, best.codec) or with_gaps(data, best.codec, len(data) // 1000)):
        return found
    if sample.count(0) * 1000 > len(sample):
        raise DocumentError("binary, not text (it holds NUL bytes); expected text")
    return None
