"""What is no text at all, and how that is told."""

from __future__ import annotations

import re

from indexer.errors import DocumentError
from indexer.reading.encodings.marks import SAMPLE

_BINARY = (
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"%PDF-", "a PDF file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"\x1f\x8b\x08", "a gzip archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file"),
    (b"\x7fELF", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"SQLite format 3\x00", "a database"),
)
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def raise_if_known_binary(data: bytes) -> None:
    for sign, what in _BINARY:
        if data.startswith(sign):
            raise DocumentError(f"binary, not text (it begins like {what}); expected text")


def raise_if_controls(text: str) -> None:
    sample = text[:SAMPLE]
    if len(_CONTROLS.findall(sample)) > 1 + len(sample) // 100:
        raise DocumentError("binary, not text (it holds many control characters); expected text")
