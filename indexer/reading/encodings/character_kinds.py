"""Characters -> what they are to their neighbours."""

from __future__ import annotations

import unicodedata
from enum import IntEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray


class Kind(IntEnum):
    """What a character is to its neighbours."""

    GAP = 0
    DIGIT = 1
    MARK = 2
    SYMBOL = 3
    SMALL = 4
    CAPITAL = 5
    SMALL_ACCENTED = 6
    CAPITAL_ACCENTED = 7
    SMALL_CYRILLIC = 8
    CAPITAL_CYRILLIC = 9
    SMALL_GREEK = 10
    CAPITAL_GREEK = 11
    HEBREW = 12
    ARABIC = 13
    THAI = 14
    HAN = 15
    KANA = 16
    HALF_WIDTH_KANA = 17
    HANGUL = 18
    OTHER_LETTER = 19
    APOSTROPHE = 20
    COMBINING = 21
    BAD = 22


LATIN_KINDS = (Kind.SMALL, Kind.CAPITAL, Kind.SMALL_ACCENTED, Kind.CAPITAL_ACCENTED)
EAST_ASIAN = (Kind.HAN, Kind.KANA, Kind.HALF_WIDTH_KANA, Kind.HANGUL)


@cache
def kinds_of_all() -> NDArray[np.uint8]:
    """The kind of each character up to U+FFFF; the last stands for those above."""
    kinds = np.full(65_536, Kind.OTHER_LETTER, np.uint8)
    for code in range(0x0600):
        kinds[code] = _kind(chr(code))
    for start, end, kind in (
        (0x0600, 0x0700, Kind.ARABIC),
        (0x060C, 0x060D, Kind.MARK),
        (0x061B, 0x061C, Kind.MARK),
        (0x061F, 0x0620, Kind.MARK),
        (0x064B, 0x0653, Kind.COMBINING),
        (0x0660, 0x066A, Kind.DIGIT),
        (0x06F0, 0x06FA, Kind.DIGIT),
        (0x0E00, 0x0E60, Kind.THAI),
        (0x0E31, 0x0E32, Kind.COMBINING),
        (0x0E34, 0x0E3B, Kind.COMBINING),
        (0x0E47, 0x0E4F, Kind.COMBINING),
        (0x1100, 0x1200, Kind.HANGUL),
        (0x2000, 0x2010, Kind.GAP),
        (0x2010, 0x2070, Kind.MARK),
        (0x2019, 0x201A, Kind.APOSTROPHE),
        (0x2070, 0x2E80, Kind.SYMBOL),
        (0x2E80, 0x3000, Kind.HAN),
        (0x3000, 0x3001, Kind.GAP),
        (0x3001, 0x3040, Kind.MARK),
        (0x3040, 0x3100, Kind.KANA),
        (0x3130, 0x3190, Kind.HANGUL),
        (0x3190, 0x3400, Kind.SYMBOL),
        (0x3400, 0xA000, Kind.HAN),
        (0xAC00, 0xD7B0, Kind.HANGUL),
        (0xD7B0, 0xF900, Kind.BAD),
        (0xF900, 0xFB00, Kind.HAN),
        (0xFB50, 0xFE00, Kind.ARABIC),
        (0xFE00, 0xFE70, Kind.SYMBOL),
        (0xFE70, 0xFEFF, Kind.ARABIC),
        (0xFF00, 0xFF66, Kind.MARK),
        (0xFF66, 0xFFA0, Kind.HALF_WIDTH_KANA),
        (0xFFA0, 0xFFFF, Kind.SYMBOL),
        (0xFFFC, 0xFFFF, Kind.BAD),
        (0xFFFF, 0x10000, Kind.SYMBOL),
    ):
        kinds[start:end] = kind
    return kinds


def _kind(character: str) -> Kind:
    """Of a character up to U+05FF."""
    code, category = ord(character), unicodedata.category(character)
    if category in ("Cc", "Zs", "Cf"):
        return Kind.GAP if character in "\t\n\r\f\v\xa0\xad " or code == 0x1B else Kind.BAD
    if category == "Cn":
        return Kind.BAD
    if category == "Mn":
        return Kind.COMBINING
    if category == "Nd":
        return Kind.DIGIT
    if category[0] == "P" or (code < 128 and category[0] == "S"):
        return Kind.MARK
    if category[0] in "SN" or category == "Lm" or character in "ªº":
        return Kind.SYMBOL
    capital = category == "Lu"
    if code < 128:
        return Kind.CAPITAL if capital else Kind.SMALL
    if code < 0x0370:
        return Kind.CAPITAL_ACCENTED if capital else Kind.SMALL_ACCENTED
    if code < 0x0400:
        return Kind.CAPITAL_GREEK if capital else Kind.SMALL_GREEK
    if code < 0x0530:
        return Kind.CAPITAL_CYRILLIC if capital else Kind.SMALL_CYRILLIC
    return Kind.HEBREW if code >= 0x0590 else Kind.OTHER_LETTER
