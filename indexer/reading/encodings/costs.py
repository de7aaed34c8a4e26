"""What a character costs, in bits, in a language and beside its neighbours."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from indexer.reading.encodings.candidates import LATIN
from indexer.reading.encodings.character_kinds import EAST_ASIAN, LATIN_KINDS, Kind, kinds_of_all
from indexer.reading.encodings.common_characters import (
    HANZI,
    HIRAGANA,
    KANJI,
    KATAKANA,
    LETTERS,
    SYLLABLES,
    TRADITIONAL,
)

_CASED = ((Kind.SMALL_CYRILLIC, Kind.CAPITAL_CYRILLIC), (Kind.SMALL_GREEK, Kind.CAPITAL_GREEK))
_UNUSUAL = 15.0
"""Bits of a letter that is not among those of its language."""
BAD_BITS = 40.0


@cache
def step_bits() -> NDArray[np.float32]:
    """Bits that it costs to go from a character of one kind to one of another; 0 where that is usual."""
    bits = np.zeros((len(Kind), len(Kind)), np.float32)
    letters = range(Kind.SMALL, Kind.APOSTROPHE)
    bits[Kind.GAP, Kind.APOSTROPHE] = 4
    bits[: Kind.SMALL_CYRILLIC, Kind.COMBINING] = 10
    for one in letters:
        bits[Kind.SYMBOL, one] = bits[one, Kind.SYMBOL] = 3
        bits[one, letters] = 6
        bits[one, one] = 0
        if one not in LATIN_KINDS:
            bits[: Kind.SMALL, one] = bits[Kind.APOSTROPHE, one] = 2 if one in EAST_ASIAN else 5
    for one in EAST_ASIAN:
        bits[one, EAST_ASIAN] = np.where(np.array(EAST_ASIAN) == one, 0, 2)
        bits[one, (Kind.SMALL, Kind.CAPITAL)] = bits[(Kind.SMALL, Kind.CAPITAL), one] = 4
    bits[Kind.HAN, Kind.KANA] = bits[Kind.KANA, Kind.HAN] = 0
    for one in LATIN_KINDS:
        bits[one, LATIN_KINDS] = 0
    bits[Kind.SMALL, Kind.CAPITAL] = 5
    bits[(Kind.SMALL, Kind.SMALL_ACCENTED), Kind.CAPITAL_ACCENTED] = 8
    bits[Kind.SMALL_ACCENTED, Kind.CAPITAL] = 5
    bits[Kind.SMALL_ACCENTED, Kind.SMALL_ACCENTED] = 3
    bits[Kind.CAPITAL_ACCENTED, Kind.SMALL_ACCENTED] = 3
    bits[Kind.CAPITAL_ACCENTED, Kind.CAPITAL_ACCENTED] = 2
    for small, capital in _CASED:
        bits[small, capital] = 8
        bits[capital, small] = 0
    return bits


@cache
def _base() -> NDArray[np.float32]:
    """Bits of each character up to U+FFFF, in whatever language."""
    kinds = kinds_of_all()
    by_kind = np.full(len(Kind), _UNUSUAL, np.float32)
    by_kind[Kind.BAD] = BAD_BITS
    by_kind[Kind.GAP] = 8
    by_kind[Kind.HAN] = 21
    by_kind[Kind.HANGUL] = 19
    by_kind[Kind.OTHER_LETTER] = 12
    bits = by_kind[kinds]
    bits[:128][kinds[:128] == Kind.SMALL] = 4.5
    bits[:128][kinds[:128] == Kind.CAPITAL] = 7
    bits[:128][kinds[:128] == Kind.DIGIT] = 6.5
    bits[:128][kinds[:128] == Kind.MARK] = 8
    _set(bits, ".,'-\"<>/=&;:()", 6.5)
    _set(bits, " ", 2.7)
    _set(bits, "\n", 5.5)
    _set(bits, "\xa0’", 5)
    bits[0x200E:0x2010] = _UNUSUAL
    _set(bits, "“”‘–—…«»", 8.5)
    _set(bits, "•·§©®™°„‚¡¿€£½¼¾×²³±µ", 11)
    return bits


def _set(bits: NDArray[np.float32], characters: str, value: float, step: float = 0.0) -> None:
    for rank, character in enumerate(characters):
        bits[ord(character)] = value + step * rank


def _set_ranked(bits: NDArray[np.float32], characters: str, value: float, factor: float) -> None:
    for rank, character in enumerate(characters):
        bits[ord(character)] = value + factor * float(np.log2(1 + rank))


def _set_rows(bits: NDArray[np.float32], codec: str, rows: range, value: float) -> None:
    """The characters of a character set's rows of 94 (of Big5: 157)."""
    for row in rows:
        for trail in range(0x40, 0xFF):
            try:
                bits[ord(bytes((row, trail)).decode(codec))] = value
            except (UnicodeDecodeError, TypeError):
                continue


@cache
def character_bits(language: str) -> NDArray[np.float32]:
    """Bits of each character up to U+FFFF in a language."""
    bits = _base().copy()
    if language == "ja":
        _set_rows(bits, "euc_jp", range(0xA1, 0xA9), 12)
        _set_rows(bits, "euc_jp", range(0xB0, 0xD0), 13)
        _set_rows(bits, "euc_jp", range(0xD0, 0xF5), 17)
        _set(bits, HIRAGANA, 4.5, 0.12)
        _set(bits, KATAKANA, 7, 0.08)
        _set_ranked(bits, KANJI, 7, 0.6)
        _set(bits, "、。", 5)
        _set(bits, "「」・　（）『』【】：！？", 7.5, 0.2)
        bits[0xFF66:0xFFA0] = 12
    elif language == "zh":
        _set_rows(bits, "gb2312", range(0xA1, 0xAA), 15)
        _set_rows(bits, "gb2312", range(0xB0, 0xD8), 13)
        _set_rows(bits, "gb2312", range(0xD8, 0xF8), 17)
        _set_ranked(bits, HANZI, 5, 0.7)
        _set(bits, "，。、", 5, 0.5)
        _set(bits, "“”：；（）《》！？·—　", 7.5, 0.2)
    elif language == "zh-Hant":
        _set_rows(bits, "big5", range(0xA1, 0xA4), 15)
        _set_rows(bits, "big5", range(0xA4, 0xC7), 13)
        _set_rows(bits, "big5", range(0xC9, 0xFA), 17)
        _set_ranked(bits, HANZI.translate(TRADITIONAL), 5, 0.7)
        _set(bits, "，。、", 5, 0.5)
        _set(bits, "「」：；（）《》『』！？·—　", 7.5, 0.2)
    elif language == "ko":
        _set_rows(bits, "euc_kr", range(0xB0, 0xC9), 13)
        _set_rows(bits, "euc_kr", range(0xCA, 0xFE), 17)
        _set_ranked(bits, SYLLABLES, 5, 0.6)
    elif language == "th":
        bits[0x0E01:0x0E5C] = 12
        _set(bits, LETTERS[language], 4, 0.12)
    elif language in ("ar", "fa"):
        bits[0x0621:0x0640] = bits[0x0641:0x064B] = 12
        bits[0x064B:0x0653] = 8.5
        _set(bits, LETTERS[language], 3.2, 0.2)
        _set(bits, "،؟؛", 6.5, 1)
    elif language in LETTERS:
        start, step = (9.0, 0.2) if language == "en" else (6.0, 0.5) if language in LATIN else (3.2, 0.2)
        _set(bits, LETTERS[language], start, step)
        for letter in LETTERS[language]:
            capital = letter.upper()
            if len(capital) == 1 and capital != letter and not capital.isascii():
                bits[ord(capital)] = bits[ord(letter)] + 4
        if language == "el":
            _set(bits, "ΆΈΉΊΌΎΏ", 6.5)
    return bits
