"""Lines that repeat from page to page, and numbers of pages: they are no text."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from statistics import median

from indexer.reading.pdf.lines import Line, text_size

_REPEATING_PAGES = 4
_EDGE_LINES = 2


def without_repeated(pages: list[list[Line]]) -> list[list[Line]]:
    """Without what stands at the same height of the top or bottom of most pages, with nothing but a number changing; of
    most left or most right pages, too; and without numbers of pages, with what is beside them. What is set in larger
    letters than the text is a heading, and stays."""
    if len(pages) < _REPEATING_PAGES:
        return pages
    size = 1.15 * text_size(pages)
    edges = [[line for line in _edges(lines) if line.size < size or _is_number(line.text)] for lines in pages]
    left_out = _repeated(edges) | _with_page_numbers(edges)
    kept = [[line for line in lines if id(line) not in left_out] for lines in pages]
    return kept if any(kept) else pages


def _repeated(edges: list[list[Line]]) -> set[int]:
    places: dict[tuple[str, int], list[tuple[int, Line]]] = defaultdict(list)
    for number, lines in enumerate(edges):
        for line in lines:
            places[_numberless(line.text), number % 2].append((number, line))
    repeated: set[int] = set()
    for (text, side), found in places.items():
        height = median(line.base for _, line in found)
        level = [(number, line) for number, line in found if abs(line.base - height) < 2 * line.size]
        on_side = len({number for number, _ in level})
        on_other = len({number for number, _ in places.get((text, 1 - side), ())})
        if on_side > (len(edges) + 1 - side) // 2 / 2 and on_side + on_other >= _FEW_PAGES:
            repeated.update(id(line) for _, line in level)
    return repeated


_FEW_PAGES = 3
_NUMBERED = 0.4
"""Of all pages, those that have to have their number."""


def _with_page_numbers(edges: list[list[Line]]) -> set[int]:
    """The first and last lines that begin or end with a number that counts the pages."""
    numbers = [
        (page, int(number), line)
        for page, lines in enumerate(edges)
        for line in {id(line): line for line in lines if line is lines[0] or line is lines[-1]}.values()
        for number in re.findall(r"^\d{1,5}(?!\S)|(?<!\S)\d{1,5}$", line.text)
    ]
    offsets = Counter({(number - page, page) for page, number, _ in numbers})
    by_offset = Counter(offset for offset, _ in offsets)
    if not by_offset:
        return set()
    offset, count = by_offset.most_common(1)[0]
    if count < max(_FEW_PAGES, _NUMBERED * len(edges)):
        return set()
    return {id(line) for page, number, line in numbers if number - page == offset}


def _edges(lines: list[Line]) -> list[Line]:
    """The first and last ones, from the bottom up."""
    ordered = sorted(lines, key=lambda line: line.base)
    return ordered[:_EDGE_LINES] + ordered[max(_EDGE_LINES, len(ordered) - _EDGE_LINES) :]


def _numberless(text: str) -> str:
    return "#" if _is_number(text) else re.sub(r"\d+", "#", " ".join(text.split()))


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[ivxlc]+|[IVXLC]+|\W*\d+\W*", text) is not None
