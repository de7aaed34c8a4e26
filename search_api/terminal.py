"""Hits -> text for a terminal: cut to its width, right-to-left text isolated, the answer marked, titles linked."""

from __future__ import annotations

from collections.abc import Iterator

from search_api.bidi import clean, direction_of, isolated
from search_api.hit_fields import HitFields, TellingFields
from search_api.line_breaking import BOLD, MARKS, PLAIN, clip, clip_start, columns, reopened, wrap

_NARROW = 40
"""Below so many columns title and id have lines of their own."""
_BETWEEN = " · "
_SHORTEST_ID = 12


def lines_of(hit: HitFields, width: int, color: bool, link: str = "") -> list[str]:
    """A hit as lines of at most `width` columns: rank, score, language and title; date, source and id; the snippet.

    `link`: where the title leads to, already safe for a terminal; empty for nowhere."""
    lines = heading_of(hit, width, color, link)
    indent = 10 if width >= 30 else 2
    direction = direction_of(hit["snippet"], hit["lang"])
    marked = wrap(marked_snippet(hit, color), max(2, width - indent))
    lines += [" " * indent + isolated(line, direction) for line in reopened(marked)]
    lines += ["    " + styled(_also_in(telling, width), "2", color) for telling in hit["also_in"]]
    if "explanation" in hit:
        parts = "  ".join(f"{name} {value:.3f}" for name, value in hit["explanation"].items())
        lines += ["    " + styled(line, "2", color) for line in wrap(parts, max(2, width - 4))]
    return lines


def heading_of(hit: HitFields, width: int, color: bool, link: str = "") -> list[str]:
    """Its first lines, without the snippet."""
    head = f"{hit['rank']:>2} {hit['score']:>5.2f}{'?' if hit['weak'] else ' '} {hit['lang']:<3} "
    text, lang = clean(hit["title"]) or clean(hit["document_id"]), hit["lang"]
    parts = [clean(part) for part in (hit["date"], hit["source"]) if part]
    page = [f"page {hit['page']}"] if "page" in hit else []
    if width >= _NARROW:
        lines = [head + _title(clip(text, width - columns(head)), lang, color, link)]
        abouts = [_about(parts, hit["document_id"], page, width - 4)]
    else:
        lines = [head.rstrip(), "  " + _title(clip(text, width - 2), lang, color, link)]
        abouts = [_joined([*parts, *page], width - 4), _about([], hit["document_id"], [], width - 4)]
    return [*lines, *("    " + styled(about, "2", color) for about in abouts if about)]


def question_line(query: str, width: int) -> str:
    """The question that hits below are for."""
    text = clip(clean(query), width - 3)
    return f"── {isolated(text, direction_of(text))}"


def _title(text: str, lang: str, color: bool, link: str) -> str:
    return linked(styled(isolated(text, direction_of(text, lang)), "1", color), link)


def _about(before: list[str], identifier: str, after: list[str], width: int) -> str:
    """All on one line; of a long id its end is kept."""
    left = width - sum(columns(part) + len(_BETWEEN) for part in (*before, *after))
    return _joined([*before, clip_start(clean(identifier), max(_SHORTEST_ID, left)), *after], width)


def _joined(parts: list[str], width: int) -> str:
    """Each in its own direction."""
    return _BETWEEN.join(isolated(part, direction_of(part)) for part in _fitting(parts, width))


def _fitting(parts: list[str], width: int) -> Iterator[str]:
    """Parts until the line is full; the one that does not fit is clipped."""
    for part in parts:
        clipped = clip(part, width)
        if clipped:
            yield clipped
        width -= columns(clipped) + len(_BETWEEN)
        if clipped != part or width < 1:
            return


def _also_in(telling: TellingFields, width: int) -> str:
    text = clip(clean(telling["title"]) or clean(telling["document_id"]), width - 18)
    return f"also in {telling['lang']:<3} {isolated(text, direction_of(text, telling['lang']))}"


def marked_snippet(hit: HitFields, color: bool) -> str:
    """The snippet with its best sentence between marks; with colours, control sequences do."""
    sentence = next((mark for mark in hit["highlights"] if mark["kind"] == "sentence"), None)
    if sentence is None:
        return clean(hit["snippet"])
    text, start, end = hit["snippet"], sentence["start"], sentence["end"]
    before, after = (BOLD, PLAIN) if color else MARKS
    return clean(text[:start]) + before + clean(text[start:end]) + after + clean(text[end:])


def styled(text: str, code: str, color: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if color else text


def linked(text: str, address: str) -> str:
    """OSC 8: a terminal that knows it makes the text lead to the address, another one shows the text."""
    return f"\x1b]8;;{address}\x1b\\{text}\x1b]8;;\x1b\\" if address else text
