"""A line that goes from left to right -> its text."""

from __future__ import annotations

import re
from itertools import pairwise
from statistics import median

from indexer.reading.pdf.characters import SPACE, Character
from indexer.reading.pdf.scripts import UNSPACED, is_mark


def one_way_text(characters: list[Character], size: float, base: float) -> str:
    """`size` and `base` are those of the line. What PDFium found to be a space is none between Chinese or Japanese
    characters, unless it is wide. Raised numbers after a word are left out: they count notes."""
    pieces: list[str] = []
    found = ""
    before: Character | None = None
    raised = False
    characters = _in_place(characters)
    drawn = [one for one in characters if one.angle != SPACE]
    wide = 0.5 + max(0.0, median((after.left - one.right) / size for one, after in pairwise(drawn + drawn[-1:])))
    for one in characters:
        if one.angle == SPACE:
            found = one.text
            continue
        if before is not None:
            gap = (one.left - before.right) / size
            unspaced = UNSPACED.match(one.text) or UNSPACED.match(before.text)
            if gap > wide or (not unspaced and (found == " " or (found and gap > 0.15))):
                pieces.append(" ")
        found = ""
        is_raised = one.size <= 0.85 * size and one.base > base + 0.15 * size
        if is_raised and not raised and one.text.isdigit() and _ENDS_WORD.search("".join(pieces[-8:])):
            pieces.append(_NOTE)
        if raised and not is_raised:
            pieces.append(_NOTE_END)
        raised = is_raised
        pieces.append(one.text)
        before = one
    return _NOTES.sub("", "".join(pieces)).replace(_NOTE, "").replace(_NOTE_END, "")


_NOTE, _NOTE_END = "\x02", "\x03"
_NOTES = re.compile(rf"{_NOTE}[\d, *†‡]+(?:{_NOTE_END}|$)")
_ENDS_WORD = re.compile(r"[^\W\d_]{3}$|[.,;:!?)\]”»」』。]$|[\u3040-\u9fff]$")


def _in_place(characters: list[Character]) -> list[Character]:
    """From left to right, where something was drawn later than what stands to its right; marks stay behind letters."""
    last: Character | None = None
    jumps = False
    parts: list[list[Character]] = []
    for one in characters:
        if parts and (one.angle == SPACE or is_mark(one.text)):
            parts[-1].append(one)
            continue
        parts.append([one])
        if last is not None and one.left < last.left - 0.5 * one.size and one.right < last.right - 0.5 * one.size:
            jumps = True
        last = one
    if not jumps:
        return characters
    parts.sort(key=lambda part: part[0].left)
    return [one._replace(text="\n") if one.angle == SPACE else one for part in parts for one in part]
