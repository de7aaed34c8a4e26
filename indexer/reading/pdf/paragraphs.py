"""Lines -> text of paragraphs, with where each page begins."""

from __future__ import annotations

import re

from indexer.reading.pdf.lines import Line
from indexer.reading.pdf.places import Place, leading_of, margins_of, places_of
from indexer.reading.pdf.scripts import UNSPACED

_HYPHENATED = re.compile(r"([^\W\d_]+)-$")
_BREAKS_AFTER = re.compile(r"\w/$")
_SENTENCE_ENDS = re.compile('[.!?。！？؟。」』）)"”»:：;؛]$')


def text_of(pages: list[list[Line]]) -> tuple[str, tuple[int, ...]]:
    """All text, and where each page begins in it; a page without text begins where the next one does."""
    words = _words(pages)
    leading, margins = leading_of(pages), margins_of(pages)
    pieces: list[str] = []
    length = 0
    starts: list[int | None] = []
    before: Place | None = None
    for lines in pages:
        starts.append(None)
        for place in places_of(lines, margins):
            between = _between(before, place, leading) if before is not None else ""
            if between == " ":
                between, without_hyphen = _joint(pieces[-1], place.text, words)
                if without_hyphen:
                    pieces[-1] = pieces[-1][:-1]
                    length -= 1
            length += len(between)
            if starts[-1] is None:
                starts[-1] = length
            pieces += (between, place.text)
            length += len(place.text)
            before = place
    following = length
    offsets: list[int] = []
    for start in reversed(starts):
        following = following if start is None else start
        offsets.append(following)
    return "".join(pieces), tuple(reversed(offsets))


def _joint(before: str, text: str, words: set[str]) -> tuple[str, bool]:
    """What goes between two lines of a paragraph, and whether the hyphen before goes."""
    found = _HYPHENATED.search(before)
    if found and text[0].isalpha():
        return "", _is_one_word(found.group(1), text, words)
    unspaced = UNSPACED.match(before[-1]) and UNSPACED.match(text)
    return "" if unspaced or _BREAKS_AFTER.search(before) else " ", False


def _between(before: Place, place: Place, leading: dict[tuple[int, int], float]) -> str:
    """What parts two lines: a space within a paragraph, a line end where a line was ended on purpose, an empty line
    between paragraphs."""
    em = max(before.size, place.size)
    if before.angle != place.angle or abs(before.size - place.size) > 0.12 * em:
        return "\n\n"
    gap = before.base - place.base
    room = before.far - before.end
    if place.text[0].islower() and not _SENTENCE_ENDS.search(before.text):
        room -= 0.15 * (before.far - before.near)
    word = 1.15 * (place.end - place.begin) * len(_FIRST_WORD.match(place.text).group()) / len(place.text)  # type: ignore[union-attr]
    ended = room > word + 0.6 * em
    if place.is_item:
        return "\n" if before.is_item or place.begin > before.begin - em else "\n\n"
    if before.page != place.page or gap < 0.3 * em:  # another page or column
        cut_off = before.end - before.begin > _FULL * em and not (ended or before.rows)
        goes_on = cut_off and not _SENTENCE_ENDS.search(before.text) and place.begin < place.near + em
        return " " if goes_on else "\n\n"
    if gap > 1.25 * leading.get((place.angle, round(em)), 1.2 * em):
        return "\n\n"
    if before.rows and place.rows:
        return "\n"
    if ended:
        return "\n\n" if _SENTENCE_ENDS.search(before.text) else "\n"
    centred = abs(before.begin + before.end - place.begin - place.end) < 0.5 * em
    if (
        (place.is_outdented or before.rows or _SENTENCE_ENDS.search(before.text))
        and place.begin > before.begin + 0.8 * em
        and before.begin < before.near + 0.5 * em
        and not (centred or before.is_listed)
    ):
        return "\n\n"
    return " "


_FULL = 12
"""Widths of a letter that a line of a paragraph has at least."""
_FIRST_WORD = re.compile(f"{UNSPACED.pattern}{{1,2}}|[^\\s\u3000-\u30ff\u3400-\u9fff]+|.", re.DOTALL)


def _words(pages: list[list[Line]]) -> set[str]:
    """Words within lines, those with hyphens too."""
    return {
        word.casefold()
        for lines in pages
        for line in lines
        for word in re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", line.text)
    }


def _is_one_word(first: str, text: str, words: set[str]) -> bool:
    """Whether the hyphen at the end of a line only breaks a word."""
    second = re.match(r"[^\W\d_]+", text).group()  # type: ignore[union-attr]
    if f"{first}-{second}".casefold() in words:
        return False
    return second[0].islower() or (first + second).casefold() in words
