"""Bytes -> text, by what is declared of them, what they say themselves, and what is likely."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from indexer.documents import Remark
from indexer.errors import DocumentError
from indexer.reading.encodings.binary import raise_if_controls, raise_if_known_binary
from indexer.reading.encodings.decoding import Decoded
from indexer.reading.encodings.detection import declared_text, detected_text
from indexer.reading.encodings.escapes import escaped_text
from indexer.reading.encodings.labels import codec_of
from indexer.reading.encodings.marks import marked_text, utf_8_text, wide_text


def decoded(data: bytes, declared: str = "") -> Decoded:
    """`declared`: what a header says, or the text itself (`declared_in`). Raises DocumentError for what is empty,
    binary, or in no encoding that is known."""
    if not data.strip():
        raise DocumentError("empty")
    raise_if_known_binary(data)
    found = marked_text(data) or escaped_text(data) or wide_text(data) or _declared_or_detected(data, declared)
    if not found.text.strip():
        raise DocumentError("empty")
    raise_if_controls(found.text)
    return found


def remarks(name: str, text: Decoded) -> Iterator[Remark]:
    """A remark where the encoding is in doubt."""
    if text.doubt:
        yield Remark(name, f"read as {text.charset}, {text.doubt}")


def _declared_or_detected(data: bytes, declared: str) -> Decoded:
    codec = codec_of(declared)
    found = (codec and declared_text(data, codec)) or utf_8_text(data) or detected_text(data, codec)
    if codec and codec != _FAMILY.get(found.charset, found.charset):
        declared = " ".join(declared.lower().split())
        doubt = f"declared as {declared}, which it is not"
        return replace(found, doubt=f"{doubt}; {found.doubt}" if found.doubt else doubt)
    return found


_FAMILY = {"cp950": "big5hkscs", "euc_jis_2004": "euc_jp"}
