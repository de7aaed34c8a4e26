"""Lines -> lines measured in the direction in which their page is read, with what is around them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import pairwise
from math import inf
from typing import NamedTuple

from indexer.normal_form import normal_form
from indexer.reading.pdf.lines import Line
from indexer.reading.pdf.scripts import RIGHT_TO_LEFT

_BULLET = re.compile("[•‣◦▪▫■□●○◆◇▶►➢✓⁃∙·] ?(?=\\S)|[-–—*] (?=\\S)")
_LEADERS = re.compile(r" ?(?:[.·…‥․_]\s?){4,}")


class Place(NamedTuple):
    """A line, measured in the direction in which its page is read."""

    text: str
    begin: float
    end: float
    base: float
    size: float
    angle: int
    near: float
    """Where the lines around it begin."""
    far: float
    """Where they end."""
    is_item: bool
    is_listed: bool
    """Whether it begins with a bullet, or with a number as items of lists do."""
    is_outdented: bool
    """Whether the next line begins before it does."""
    rows: bool
    page: int


_AROUND = 12
_LISTED_LINE = re.compile(r"\(?\w{1,3}[.)）、]\s?|[①-⑳]|\d+\s")


def places_of(lines: list[Line], margins: dict[tuple[int, ...], float]) -> list[Place]:
    spans = _spans_of(lines)
    places: list[Place] = []
    for index, line in enumerate(lines):
        begin, end = spans[index]
        around = [
            other
            for other in range(max(0, index - _AROUND), min(len(lines), index + _AROUND + 1))
            if other == index or (_same_size(lines[other], line) and spans[other][0] < end and spans[other][1] > begin)
        ]
        text = _LEADERS.sub(" ", line.text).strip()
        bullet = _BULLET.match(text)
        following = spans[index + 1][0] if index + 1 < len(lines) and _same_size(lines[index + 1], line) else -inf
        places.append(
            Place(
                text=normal_form("- " + text[bullet.end() :] if bullet else text),
                begin=begin,
                end=end,
                base=line.base,
                size=line.size,
                angle=line.angle,
                near=-_common([-spans[other][0] for other in around], line.size),
                far=margins.get(_margin(line, begin)) or _common([spans[other][1] for other in around], line.size),
                is_item=bullet is not None,
                is_listed=bullet is not None or _LISTED_LINE.match(text) is not None,
                is_outdented=following < begin - 0.5 * line.size,
                rows=line.rows or text != line.text.strip(),
                page=id(lines),
            )
        )
    return [place for place in places if place.text]


def _same_size(line: Line, other: Line) -> bool:
    return abs(line.size - other.size) < 0.1 * other.size


def _spans_of(lines: list[Line]) -> list[tuple[float, float]]:
    """Where lines begin and end, from right to left on a page of Arabic or Hebrew."""
    leftward = 2 * sum(RIGHT_TO_LEFT.search(line.text) is not None for line in lines) > len(lines)
    return [(-line.right, -line.left) if leftward else (line.left, line.right) for line in lines]


def _common(ends: list[float], size: float) -> float:
    """The furthest place that three lines reach, or any where no three reach the same: one line may be a header."""
    ordered = sorted(ends, reverse=True)
    return next((least for end, least in zip(ordered, ordered[2:], strict=False) if end - least < size), ordered[0])


def margins_of(pages: list[list[Line]]) -> dict[tuple[int, ...], float]:
    """Where lines end, by where they begin; only of pages with nothing side by side."""
    ends: dict[tuple[int, ...], list[float]] = defaultdict(list)
    for lines in pages:
        level = sorted(lines, key=lambda line: line.base)
        beside = sum(
            abs(line.base - other.base) < 0.3 * line.size and (line.right < other.left or other.right < line.left)
            for line, other in pairwise(level)
        )
        if beside <= 0.1 * len(lines):
            for line, (begin, end) in zip(lines, _spans_of(lines), strict=True):
                ends[_margin(line, begin)].append(end)
    return {key: _common(found, key[1]) for key, found in ends.items() if len(found) >= _ENOUGH}


_ENOUGH = 8


def _margin(line: Line, begin: float) -> tuple[int, ...]:
    size = max(1, round(line.size))
    return line.angle, size, round(begin / size)


def leading_of(pages: list[list[Line]]) -> dict[tuple[int, int], float]:
    """Direction and size of letters -> distance of lines within a paragraph: the smallest that is common."""
    gaps: dict[tuple[int, int], Counter[float]] = defaultdict(Counter)
    for lines in pages:
        for line, after in pairwise(lines):
            gap = line.base - after.base
            if abs(line.size - after.size) < 0.06 * line.size and 0.8 * line.size < gap < 3 * line.size:
                gaps[line.angle, round(line.size)][round(gap * 2) / 2] += 1
    return {
        size: min(gap for gap, count in found.items() if count >= 0.15 * found.total() or count == max(found.values()))
        for size, found in gaps.items()
    }
