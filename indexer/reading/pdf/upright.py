"""Characters -> those that are written as most of a page is; vertical columns turned into lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from indexer.reading.pdf.characters import DOWN, SPACE, Character
from indexer.reading.pdf.scripts import UNSPACED

_FEW = 0.1


def upright_of(characters: list[Character]) -> list[Character]:
    """Without what is turned in another way than most is, such as watermarks and stamps on margins; columns of vertical
    Japanese or Chinese become lines."""
    upright: list[Character] = []
    start = 0
    for first, end in _columns(characters):
        upright += characters[start:first]
        upright += [_turned(one) for one in characters[first:end]]
        start = end
    upright += characters[start:]
    angles = Counter(one.angle for one in upright)
    del angles[SPACE]
    some = {angle for angle, count in angles.items() if count > _FEW * angles.total()}
    return [one for one in upright if one.angle in some or one.angle == SPACE]


def _columns(characters: list[Character]) -> Iterator[tuple[int, int]]:
    """Runs of vertical writing: each character right below the one before, but for some that lie on their side."""
    drawn = [index for index, one in enumerate(characters) if one.angle == 0 and UNSPACED.match(one.text)]
    below: list[int] = []
    for index, following in pairwise(drawn):
        one, after = characters[index], characters[following]
        step = (one.base - after.base) / (one.size or 1)
        if abs(one.origin - after.origin) < 0.3 * one.size and 0.7 < step < 1.2 * (following - index):
            below += (index, following)
    first = 0
    for place, index in enumerate(below):
        if place + 1 == len(below) or below[place + 1] - index > _BETWEEN_VERTICAL:
            if place - first > _VERTICAL:
                yield below[first], index + 1
            first = place + 1


_VERTICAL = 12
"""Half as many characters have to stand below each other."""
_BETWEEN_VERTICAL = 12


def _turned(one: Character) -> Character:
    if one.angle == SPACE:
        return one
    if one.angle == 90:  # Latin words lie on their side there
        return one._replace(base=one.base + 0.35 * one.size, angle=DOWN)
    middle = one.origin + one.size / 2
    return Character(one.text, -one.base - 0.88 * one.size, -one.base + 0.12 * one.size, middle, one.size, DOWN, 0)
