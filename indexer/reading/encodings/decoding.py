"""Bytes and an encoding -> text, with what is in doubt about it."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Decoded:
    """A text, the encoding that it was in (as Python calls it), and why that may be wrong."""

    text: str
    charset: str
    doubt: str = ""


BLOCK = 4096


def strictly(data: bytes, codec: str) -> Decoded | None:
    """None where a byte does not fit. A last character that is cut off is left out."""
    for name in {"big5hkscs": ("cp950", codec), "euc_jp": (codec, "euc_jis_2004")}.get(codec, (codec,)):
        found = whole_text(data, name) or _cut(data, name)
        # Windows has nothing where others put kana and Cyrillic; Python follows an old table there.
        if found and not (name == "cp950" and re.search("[\u0400-\u04ff\u3040-\u30ff]", found.text)):
            return found
    return None


def whole_text(data: bytes, codec: str) -> Decoded | None:
    try:
        return Decoded(data.decode(codec), codec)
    except UnicodeError:
        return None


def _cut(data: bytes, codec: str) -> Decoded | None:
    try:
        text = codecs.getincrementaldecoder(codec)().decode(data)
    except UnicodeError:
        return None
    return Decoded(text, codec, "its last character is cut off") if text else None


def with_gaps(data: bytes, codec: str, most: int) -> Decoded | None:
    """With U+FFFD for what does not fit, unless that is more often than `most`."""
    gaps = -data.count(b"\xef\xbf\xbd") if codec == "utf-8" else 0
    decoder = codecs.getincrementaldecoder(codec)("replace")
    parts = []
    for start in range(0, len(data), BLOCK):
        parts.append(decoder.decode(data[start : start + BLOCK], start + BLOCK >= len(data)))
        gaps += parts[-1].count("\ufffd")
        if gaps > most:
            return None
    place = _first_gap(data, codec)
    doubt = f"but {place} is not" if gaps == 1 else f"but {gaps:,} places are not, first {place}"
    return Decoded("".join(parts), codec, doubt)


def _first_gap(data: bytes, codec: str) -> str:
    try:
        data.decode(codec)
    except UnicodeDecodeError as error:
        return f"byte {error.start} (0x{data[error.start]:02x})"
    return "none"
