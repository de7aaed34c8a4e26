"""ISO-2022-JP and ISO-2022-KR -> text."""

from __future__ import annotations

import re

from indexer.reading.encodings.decoding import Decoded, strictly

_ESCAPE = re.compile(rb"\x1b(\$[@B]|\$\(D|\([BJI])")


def escaped_text(data: bytes) -> Decoded | None:
    """ISO-2022-JP and ISO-2022-KR: ASCII bytes that escape sequences give another meaning."""
    if b"\x1b" not in data or not data.isascii():
        return None
    if data.startswith(b"\x1b$)C"):
        return strictly(data, "iso2022_kr")
    if not re.search(rb"\x1b\$[@B]|\x1b\(I", data):
        return None
    parts, state = [], b"(B"
    for number, part in enumerate(_ESCAPE.split(data)):
        if number % 2:  # what the pattern's group found
            state = part
        elif state in (b"$B", b"$@"):
            parts.append(re.sub(rb"[\x21-\x7e]{2}", _windows_pair, part).decode("cp932", "replace"))
        elif state == b"$(D":
            parts.append(re.sub(rb"[\x21-\x7e]{2}", _further_pair, part).decode("euc_jp", "replace"))
        elif state == b"(I":
            parts.append(re.sub(rb"[\x21-\x5f]", lambda kana: bytes((kana[0][0] | 0x80,)), part).decode("cp932"))
        else:
            parts.append(part.decode("ascii"))
    return Decoded("".join(parts), "iso2022_jp")


def _windows_pair(pair: re.Match[bytes]) -> bytes:
    """A character of JIS X 0208, or one that Windows adds to it (① ㈱), in cp932."""
    row, column = (byte - 0x21 for byte in pair[0])
    trail = column + 0x9F if row % 2 else column + 0x40 + (column >= 63)
    return bytes((row // 2 + (0x81 if row < 62 else 0xC1), trail))


def _further_pair(pair: re.Match[bytes]) -> bytes:
    """A character of JIS X 0212 in EUC-JP."""
    return b"\x8f" + bytes(byte | 0x80 for byte in pair[0])
