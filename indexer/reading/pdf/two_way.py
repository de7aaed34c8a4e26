"""A line with Arabic or Hebrew -> its text: from what is seen to what is said."""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from indexer.reading.pdf.characters import Character, place_of
from indexer.reading.pdf.scripts import RIGHT_TO_LEFT, is_mark, kind_of


@dataclass(slots=True)
class _Unit:
    """A glyph: a letter with its marks, a ligature of letters, a space."""

    text: str
    left: float
    right: float
    kind: str
    """R for right-to-left, L for left-to-right, 1 for digits, else nothing."""
    marks: str = ""
    apart: bool = False
    """Whether it stands higher or lower than the line does."""


_ALEFS = "اأإآٱ"
_LIGATURES = {"هللا": "الله", "هلل": "لله"}
_MIRRORED = str.maketrans("()[]{}<>«»‹›", ")(][}{><»«›‹")
_OPENING, _CLOSING = "([{<«‹", ")]}>»›"


def two_way_text(characters: list[Character], leftward: bool) -> str:
    """The text of a line, whose glyphs are taken as they stand from left to right."""
    seen = _with_spaces(_units(characters), median(one.size for one in characters))
    count = Counter(unit.kind for unit in seen)
    parts = _logical(seen, count["R"] * 3 >= count["L"] if leftward else count["R"] > count["L"])
    text = _bracketed("".join(unit.text + unit.marks for unit in parts))
    return re.sub("\u0640+(?=[\u0620-\u064a])", "", text)  # letters drawn out to fill a line


def _units(characters: list[Character]) -> list[_Unit]:
    """From left to right; marks are put to the letters that they stand over."""
    units: list[_Unit] = []
    marks: list[_Unit] = []
    size, base = median(one.size for one in characters), median(one.base for one in characters)
    for glyph in _glyphs(characters):
        if glyph[0].text.isdigit() and glyph[0].size <= 0.85 * size and glyph[0].base > base + 0.15 * size:
            continue  # counts a note
        letters = "".join(one.text for one in glyph if not is_mark(one.text))
        unit = _Unit(letters, min(one.left for one in glyph), max(one.right for one in glyph), "")
        unit.marks = "".join(one.text for one in glyph if is_mark(one.text))
        unit.apart = letters != "" and abs(glyph[0].base - base) > 0.05 * size
        (units if letters or not unit.marks else marks).append(unit)
    units.sort(key=lambda unit: unit.left + unit.right)
    turned = any(_is_turned(unit.text) for unit in units)
    for unit in units:
        if _is_turned(unit.text) or (turned and _is_letters(unit.text)):
            unit.text = _LIGATURES.get(unit.text) or unit.text[::-1]
        unit.kind = kind_of(unit.text)
    units = _without_doubled(units)
    letters_only = [unit for unit in units if unit.text.strip()]
    middles = [(unit.left + unit.right) / 2 for unit in letters_only]
    for mark in marks:
        middle = (mark.left + mark.right) / 2
        place = bisect(middles, middle)
        near = letters_only[max(0, place - 2) : place + 2]
        if near:
            over = min(near, key=lambda unit: max(unit.left - middle, middle - unit.right))
            over.marks += "".join(one for one in mark.marks if one not in over.marks)
    return units


def _glyphs(characters: list[Character]) -> Iterator[list[Character]]:
    """Characters that are one glyph: they stand at one place."""
    glyph: list[Character] = []
    for one in characters:
        if glyph and not one.text.isspace() and place_of(glyph[-1]) == place_of(one):
            glyph.append(one)
            continue
        if glyph:
            yield glyph
        glyph = [one]
    if glyph:
        yield glyph


def _without_doubled(units: list[_Unit]) -> list[_Unit]:
    """Without a letter that a file says twice: of the letter's glyph, and of that of the mark over it."""
    kept: list[_Unit] = []
    for unit in units:
        before = kept[-1] if kept else None
        if before is not None and unit.text and abs(unit.left - before.left) < 0.1 * (before.right - before.left):
            marked, other = sorted((before, unit), key=lambda one: len(one.text) * 2 + (not one.marks))
            if marked.marks and other.text.endswith(marked.text):
                kept[-1] = other
                other.marks += "".join(one for one in marked.marks if one not in other.marks)
                continue
        kept.append(unit)
    return kept


def _is_turned(text: str) -> bool:
    """Whether the letters of a ligature came in the order in which they are seen: alef is its last letter."""
    return text in _LIGATURES or (len(text) == 2 and text[0] in _ALEFS and text[1] == "ل")


def _is_letters(text: str) -> bool:
    return 1 < len(text) <= 3 and text[-1] not in _ALEFS and all(RIGHT_TO_LEFT.match(one) for one in text)


def _with_spaces(units: list[_Unit], size: float) -> list[_Unit]:
    seen = units[:1]
    for before, unit in pairwise(units):
        if unit.left - before.right > (0.4 if before.apart else 0.2 if unit.apart else 0.15) * size:
            seen.append(_Unit(" ", before.right, unit.left, ""))
        seen.append(unit)
    return seen


def _logical(seen: Sequence[_Unit], right_to_left: bool) -> list[_Unit]:
    """In the order of reading."""
    if right_to_left:
        return [unit for start, end in reversed(list(_spans(seen))) for unit in seen[start:end]]
    parts: list[_Unit] = []
    index = 0
    while index < len(seen):
        end = index
        if seen[index].kind == "R":
            for other in range(index, len(seen)):
                if seen[other].kind == "L":
                    break
                if seen[other].kind == "R":
                    end = other
        parts += _logical(seen[index : end + 1], True)
        index = end + 1
    return parts


def _spans(seen: Sequence[_Unit]) -> Iterator[tuple[int, int]]:
    """Runs of words and numbers that go from left to right within a right-to-left line; all else unit by unit."""
    hebrew = any("\u0590" <= unit.text[:1] < "\u0600" for unit in seen)
    index = 0
    while index < len(seen):
        end = index
        if seen[index].kind in ("L", "1"):
            words = seen[index].kind == "L"
            for other in range(index + 1, len(seen)):
                kind = seen[other].kind
                if kind == "R":
                    break
                if not kind:
                    continue
                between = "".join(unit.text for unit in seen[end + 1 : other])
                words = words or kind == "L"
                if between and not _links(between, words, seen[end].kind == kind == "L", hebrew):
                    break
                end = other
            if hebrew and end + 1 < len(seen) and seen[end + 1].text in "%‰°€$₪":
                end += 1
            yield index, end + 1
        else:
            yield index, index + 1
        index = end + 1


def _links(between: str, words: bool, both_words: bool, hebrew: bool) -> bool:
    """Whether what stands between two words or numbers keeps them in one run."""
    if words:
        return both_words or not any(one in _OPENING + _CLOSING for one in between)
    return between in (",", ".", ":", "/") or (hebrew and between in ("-", "+"))


def _bracketed(text: str) -> str:
    """Brackets, of which some files say the shape and others the meaning, by what stands beside them."""
    pieces = list(text)
    for index, one in enumerate(text):
        if one in _OPENING or one in _CLOSING:
            before = text[index - 1] if index else " "
            after = text[index + 1] if index + 1 < len(text) else " "
            opens = (before.isspace() or before in _OPENING) and not after.isspace()
            closes = not before.isspace() and not after.isalnum()
            if opens != closes and (one in _OPENING) != opens:
                pieces[index] = one.translate(_MIRRORED)
    return "".join(pieces)
