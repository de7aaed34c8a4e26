"""Bodies in base64 or uuencode -> bytes."""

from __future__ import annotations

import binascii
import re

_NOT_BASE64 = re.sub(rb"[A-Za-z0-9+/]", b"", bytes(range(256)))


def from_base64(body: bytes) -> bytes:
    """As much as there is."""
    letters = body.partition(b"=")[0].translate(None, _NOT_BASE64)  # what comes behind is a mailing list's
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def from_uuencode(body: bytes) -> bytes:
    parts = []
    for line in body.splitlines():
        if line.startswith((b"begin ", b"end")) or not line:
            continue
        try:
            parts.append(binascii.a2b_uu(line))
        except binascii.Error:
            continue
    return b"".join(parts)
