"""`--full`: a hit's whole document with the sentence that answers marked; on a terminal as much as fits around it."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from indexer.collection_view import CollectionView
from indexer.errors import SearchError
from search_api.bidi import clean, direction_of, isolated
from search_api.command.output import Screen, screen, write
from search_api.hit_fields import HitFields
from search_api.line_breaking import BOLD, MARKS, PLAIN, clip, reopened, wrap
from search_api.terminal import heading_of, styled

_OTHER_LINES = 7
"""Of a terminal, that are not text: heading, notes, the next prompt."""
_FEWEST_LINES = 4


def print_full(hit: HitFields, folder: Path, form: str) -> None:
    """`form`: `json` or `text`. Raises SearchError where the document is gone by now."""
    with CollectionView.open(folder) as collection:
        document = collection.document(hit["document_id"])
    if document is None:
        raise SearchError(f"{hit['document_id']} has left the collection since it was found; search again")
    if form == "json":
        write(json.dumps({**hit, "text": document.text, "pages": list(document.pages)}, ensure_ascii=False) + "\n")
        return
    seen = screen()
    text = MarkedText(document.text, document.pages, *_sentence(document.text, hit), hit["lang"])
    shown = text.screenful(seen) if seen.height is not None else text.lines(seen.color)
    write("\n".join([*heading_of(hit, seen.width, seen.color), "", *shown]) + "\n")


def _sentence(text: str, hit: HitFields) -> tuple[int, int]:
    """Where the sentence that answers stands in the document's text; nowhere where that is not known."""
    span = hit["sentence"]
    if 0 <= span["start"] < span["end"] <= len(text):
        return span["start"], span["end"]
    return 0, 0


class MarkedText(NamedTuple):
    """A document's text; `pages`: where each begins; a sentence from `start` to `end` is marked."""

    text: str
    pages: Sequence[int]
    start: int
    end: int
    lang: str

    def lines(self, color: bool, first: int = 0, last: int | None = None) -> Iterator[str]:
        """The lines from one place to another, each page under its number."""
        place, page = first, bisect_right(self.pages, first - 1) if first else 0
        for line in self.text[first:last].removesuffix("\n").split("\n"):
            number = bisect_right(self.pages, place)
            if number != page:
                page = number
                yield styled(f"── page {page}", "2", color)
            yield self._marked(line, place, color)
            place += len(line) + 1

    def _marked(self, line: str, place: int, color: bool) -> str:
        start, end = max(self.start - place, 0), min(self.end - place, len(line))
        if start >= end:
            return clean(line)
        if color:
            before, after = BOLD, PLAIN
        else:
            before = MARKS[0] if self.start >= place else ""
            after = MARKS[1] if self.end <= place + len(line) else ""
        return clean(line[:start]) + before + clean(line[start:end]) + after + clean(line[end:])

    def screenful(self, seen: Screen) -> list[str]:
        """As many lines as fit on a terminal, the sentence that answers in the upper half; all of a short text."""
        height = max(_FEWEST_LINES, (seen.height or 0) - _OTHER_LINES)
        spread = height * seen.width  # characters, more than enough on either side
        first = self.text.rfind("\n", 0, max(0, self.start - spread)) + 1
        last = self.text.find("\n", min(len(self.text), self.end + spread))
        last = len(self.text) if last < 0 else last
        lines = list(self._wrapped(seen, first, last))
        answer = next((place for place, line in enumerate(lines) if (BOLD if seen.color else MARKS[0]) in line), 0)
        top = max(0, min(answer - height // 3, len(lines) - height))
        above, below = top > 0 or first > 0, top + height < len(lines) or last < len(self.text)
        notes = [
            styled(clip(note, seen.width), "2", seen.color)
            for note in ("… begins above", "… goes on below (all of it: | less)")
        ]
        return [*notes[: int(above)], *lines[top : top + height], *(notes[1:] if below else [])]

    def _wrapped(self, seen: Screen, first: int, last: int) -> Iterator[str]:
        for line in self.lines(seen.color, first, last):
            direction = direction_of(line, self.lang)
            for part in reopened(wrap(line, seen.width) or [""]):
                yield isolated(part, direction)
