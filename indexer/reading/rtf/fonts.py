"""Fonts and code pages -> encodings."""

from __future__ import annotations

import codecs

_CHARSETS = {
    77: "mac_roman",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gbk",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    254: "cp437",
    255: "cp850",
}
_SYMBOLS = 2
PROGRAMS = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}


class Fonts:
    """The encodings of fonts, by number."""

    def __init__(self) -> None:
        self.default: int | None = None
        self.codec = "cp1252"
        """Where a font says none."""
        self._codecs: dict[int, str] = {}
        self._current = 0

    def codec_of(self, font: int | None) -> str:
        return self._codecs.get(font, self.codec) if font is not None else self.codec

    def read_word(self, word: str, number: int | None) -> None:
        """A word of the table of fonts."""
        if word == "f":
            self._current = number or 0
        elif word == "fcharset" and number == _SYMBOLS:
            self._codecs[self._current] = "symbols"
        elif word == "fcharset" and number in _CHARSETS:
            self._codecs[self._current] = _CHARSETS[number]
        elif word == "fcharset" and number == 0:
            self._codecs[self._current] = "cp1252"
        elif word == "cpg":
            self._codecs[self._current] = codec_of_page(number)


def codec_of_page(page: int | None) -> str:
    """The name of a code page's codec."""
    name = {65001: "utf-8", 10001: "cp932", 1361: "johab"}.get(page or 0, f"cp{page}")
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name


def charset_of_raw(data: bytes) -> str:
    """UTF-8 where bytes that should have been escaped are that."""
    try:
        return "" if data.isascii() or not data.decode("utf-8") else "utf-8"
    except UnicodeDecodeError:
        return ""
