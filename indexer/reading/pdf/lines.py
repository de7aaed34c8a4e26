"""Characters -> lines, in the order of reading."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise, zip_longest
from statistics import median

from indexer.reading.pdf.characters import SPACE, Character, place_of
from indexer.reading.pdf.one_way import one_way_text
from indexer.reading.pdf.scripts import RIGHT_TO_LEFT, is_mark, kind_of
from indexer.reading.pdf.two_way import two_way_text

_KANA = re.compile("[\u3041-\u30ff\u3100-\u312f\\s]*$")


class Line:
    """What stands on one line."""

    __slots__ = ("angle", "base", "characters", "last", "left", "right", "rows", "size", "text")

    def __init__(self, first: Character) -> None:
        self.characters = [first]
        self.left, self.right, self.base, self.size = first.left, first.right, first.base, first.size
        self.angle = first.angle
        self.last = first
        self.text = ""
        self.rows = False
        """Whether it has a gap as wide as those between the columns of a table."""

    def takes(self, one: Character) -> bool:
        """Whether a character is on this line: it stands at its height, or is raised or lowered within or beside it."""
        small, large = sorted((self.size, one.size))
        apart = abs(one.base - self.base)
        if one.size == self.last.size:  # the line may not be quite level
            apart = min(apart, abs(one.base - self.last.base))
        if one.angle != self.angle or apart > large:
            return False
        if apart <= 0.3 * small:
            return True
        if max(one.left - self.right, self.left - one.right) > 0.6 * large:
            return False
        if apart <= 0.6 * large and (small <= 0.85 * large or RIGHT_TO_LEFT.match(one.text)):
            return True
        return is_mark(one.text)

    def continues(self, one: Character) -> bool:
        """Whether a character stands right beside this line, though it is drawn later."""
        return self.takes(one) and -0.3 * self.size < max(one.left - self.right, self.left - one.right) < self.size

    def belongs_to(self, other: Line) -> bool:
        """Whether it is no more than a letter with a mark that stands within the line drawn next."""
        return len(self.characters) < 4 and all(
            one.angle == SPACE or (RIGHT_TO_LEFT.match(one.text) and other.takes(one)) for one in self.characters
        )

    def add(self, characters: Iterable[Character]) -> None:
        for one in characters:
            self.characters.append(one)
            if one.angle == SPACE:
                continue
            if one.size > self.size:
                self.base, self.size = one.base, one.size
            self.left, self.right = min(self.left, one.left), max(self.right, one.right)
            self.last = one

    def finish(self, leftward: bool) -> None:
        """Its text, from its characters; `leftward` on a page of Arabic or Hebrew."""
        drawn = [one for one in self.characters if one.angle != SPACE]
        self.size = median(one.size for one in drawn)
        inked = [one for one in drawn if one.text.strip()]
        if not inked:
            return
        self.left, self.right = min(one.left for one in inked), max(one.right for one in inked)
        if any(RIGHT_TO_LEFT.match(one.text) for one in inked):
            text = two_way_text(drawn, leftward)
        else:
            text = one_way_text(self.characters, self.size, self.base)
        ordered = sorted(inked, key=lambda one: one.left)
        self.rows = any(after.left - one.right > 1.5 * self.size for one, after in pairwise(ordered))
        self.text = re.sub(r"[ \t]+", " ", text).strip(" ")
        self.characters = []


def lines_of(characters: list[Character]) -> list[Line]:
    """In the order in which they are drawn, which is that of reading in all but few files."""
    lines: list[Line] = []
    current: Line | None = None
    marks: list[tuple[int, Character]] = []
    for index, one in enumerate(characters):
        if is_mark(one.text) and RIGHT_TO_LEFT.match(one.text) and not _is_part(characters, index):
            marks.append((len(lines), one))
        elif current is not None and (one.angle == SPACE or current.takes(one)):
            current.add((one,))
        elif one.angle != SPACE:
            current = next((line for line in lines[:-_DRAWN_LATER:-1] if line.continues(one)), None)
            if current is not None:
                current.add((one,))
            else:
                current = Line(one)
                lines.append(current)
    for index, mark in marks:
        around = [line for line in lines[max(0, index - _DRAWN_LATER) : index + 2] if line.takes(mark)]
        if around:
            min(around, key=lambda line: abs(line.base - mark.base)).characters.append(mark)
    whole: list[Line] = []
    lines = _without_ruby(lines)
    for line, following in zip_longest(lines, lines[1:]):
        if following is not None and line.belongs_to(following):
            following.add(line.characters)
        elif whole and whole[-1].takes(line.characters[0]):
            whole[-1].add(line.characters)
        else:
            whole.append(line)
    kinds = Counter(kind_of(one.text) for line in whole for one in line.characters)
    for line in whole:
        line.finish(kinds["R"] > kinds["L"])
    return [line for line in whole if line.text]


_DRAWN_LATER = 12
"""Lines among which is that of a part drawn later."""


def _is_part(characters: list[Character], index: int) -> bool:
    """Whether a mark is of one glyph with the letter before or after."""
    beside = characters[max(0, index - 1) : index] + characters[index + 1 : index + 2]
    return any(place_of(one) == place_of(characters[index]) for one in beside)


def _without_ruby(lines: list[Line]) -> list[Line]:
    """Without kana half as large as the line right below."""
    kept = []
    for index, line in enumerate(lines):
        kana = all(_KANA.match(one.text) for one in line.characters)
        near = lines[max(0, index - 6) : index + 7] if kana else ()
        if not any(
            line.size <= 0.6 * below.size
            and 0.5 * below.size < line.base - below.base < 1.7 * below.size
            and line.left < below.right + below.size
            and line.right > below.left - below.size
            for below in near
        ):
            kept.append(line)
    return kept


def text_size(pages: list[list[Line]]) -> float:
    """The size in which most of it is set."""
    sizes: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0
