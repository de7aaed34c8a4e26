"""A page as PDFium knows it -> its characters, each with its place."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from math import degrees, hypot, isfinite
from typing import Any, NamedTuple

PAGE_CHARACTERS = 1_000_000


class Character(NamedTuple):
    """A glyph's text, empty where that is not known, and place, turned so that its line is level."""

    text: str
    left: float
    right: float
    base: float
    """Height of the line that it stands on."""
    size: float
    angle: int
    """Degrees by which it was turned; `DOWN` in vertical writing; `SPACE` for a space or line end that nobody
    drew, but PDFium found: it has no place."""
    origin: float = 0.0
    """Where it is put, if it was not turned."""


SPACE, DOWN = -1, -2
_SMALLEST, _FAR = 0.01, 100_000
"""Sizes and places beyond which nothing can be read."""
_MEANT = {
    **dict.fromkeys((0x02, 0xAD, 0x2010, 0x2011, 0xFFFE), "-"),
    **dict.fromkeys((0x09, 0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F), " "),
    0xF0B7: "•",
    0xF0A7: "▪",
    0xF0D8: "▪",
    0xF076: "▪",
    0xF0FC: "▪",  # bullets of Symbol and Wingdings
}
_DROPPED = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u2028\u2029\ue000-\uf8ff\ufff0-\uffff]")


def characters_of(pdf: Any, index: int) -> tuple[list[Character] | None, bool]:
    """The characters of a page, and whether anything is drawn on it; None for a page that cannot be read."""
    import pypdfium2
    from pypdfium2 import raw

    try:
        page = pdf[index]
    except pypdfium2.PdfiumError:
        return None, True
    try:
        text_page = page.get_textpage()
        try:
            if raw.FPDFText_CountChars(text_page.raw) > PAGE_CHARACTERS:
                return None, True
            return list(_characters(text_page.raw)), raw.FPDFPage_CountObjects(page.raw) > 0
        finally:
            text_page.close()
    except pypdfium2.PdfiumError:
        return None, True
    finally:
        page.close()


def _characters(page: Any) -> Iterator[Character]:
    """In the order in which they are drawn."""
    from pypdfium2 import raw

    box, matrix = raw.FS_RECTF(), raw.FS_MATRIX()
    x, y = ctypes.c_double(), ctypes.c_double()
    to_box, to_matrix, to_x, to_y = ctypes.byref(box), ctypes.byref(matrix), ctypes.byref(x), ctypes.byref(y)
    height, size, angle, lead = -1.0, 0.0, 0, 0
    for index in range(raw.FPDFText_CountChars(page)):
        code = raw.FPDFText_GetUnicode(page, index)
        if 0xD800 <= code < 0xDC00:
            lead = code
            continue
        if 0xDC00 <= code < 0xE000:
            code = 0x10000 + ((lead - 0xD800) << 10) + code - 0xDC00 if lead else 0xFFFD
        lead = 0
        text = _plain(code)
        if code == 13 or not raw.FPDFText_GetLooseCharBox(page, index, to_box):
            continue
        if code == 10 or (text == " " and box.left == box.right):
            yield Character(chr(code), 0, 0, 0, 0, SPACE)
            continue
        raw.FPDFText_GetCharOrigin(page, index, to_x, to_y)
        if angle or box.top - box.bottom != height:  # else it is of the same font and size as the one before
            height = box.top - box.bottom
            raw.FPDFText_GetMatrix(page, index, to_matrix)
            size = abs(raw.FPDFText_GetFontSize(page, index)) * hypot(matrix.c, matrix.d)
            turned = raw.FPDFText_GetCharAngle(page, index)
            angle = _right_angle(degrees(turned)) if isfinite(turned) else _SLANTING
        place = (box.left, box.right, box.top, box.bottom, x.value, y.value)
        if not (_SMALLEST < size < _FAR and all(-_FAR < one < _FAR for one in place)):
            continue
        if angle == 0:
            yield Character(text, min(box.left, x.value), box.right, y.value, size, angle, x.value)
        elif angle == 90:
            yield Character(text, -box.top, -box.bottom, x.value, size, angle)
        elif angle == 180:
            yield Character(text, -box.right, -box.left, -y.value, size, angle)
        elif angle == 270:
            yield Character(text, box.bottom, box.top, -x.value, size, angle)


def _right_angle(angle: float) -> int:
    """Pages that were scanned are never quite level."""
    nearest = round(angle / 90) * 90
    return nearest % 360 if abs(angle - nearest) <= _LEVEL else _SLANTING


_LEVEL = 10
_SLANTING = 45


def _plain(code: int) -> str:
    """Empty for what is no text, such as signs of symbol fonts."""
    return _DROPPED.sub("", _MEANT.get(code) or chr(code))


def place_of(one: Character) -> tuple[float, float]:
    return (one.origin, one.base) if one.angle == 0 else (one.left, one.right)
