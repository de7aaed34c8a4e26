"""A passage and its best sentence -> a snippet: that sentence whole where it fits, with its neighbours around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from indexer.sentences import Span, best_cut
from indexer.words import Word
from search_api.word_marks import matching_spans

LENGTH = 240
"""About how many characters a snippet has; Chinese and Japanese say as much in half of it."""
_ELLIPSIS = "…"


@dataclass(frozen=True)
class Highlight:
    """A stretch of the snippet, offsets into `Snippet.text`; kind `sentence`: the one that answers best, or `word`: a
    word of the query, inside it or around it."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Snippet:
    """A text on one line, and what is marked in it."""

    text: str
    highlights: Sequence[Highlight]


def snippet_of(text: str, sentences: Sequence[Span], best: int, query: Sequence[Word] = ()) -> Snippet:
    """`sentences`: spans in `text`, `best` the place of the one to show, `query`: words to mark. Runs of white space
    become one space."""
    plain = _around(text, sentences, best)
    words = [Highlight(start, end, "word") for start, end in matching_spans(plain.text, query)]
    return Snippet(plain.text, (*plain.highlights, *words))


def _around(text: str, sentences: Sequence[Span], best: int) -> Snippet:
    start, end = sentences[best]
    length = LENGTH if _is_wide_spaced(text[start:end]) else LENGTH // 2
    if end - start > length:
        cut = best_cut(text, start, start + length)
        marked = text[start:cut].rstrip()
        return _one_line(marked + _ELLIPSIS, 0, len(marked))
    first, last = best, best
    while last + 1 < len(sentences) and sentences[last + 1][1] - sentences[first][0] <= length:
        last += 1
    while first > 0 and sentences[last][1] - sentences[first - 1][0] <= length:
        first -= 1
    left = sentences[first][0]
    return _one_line(text[left : sentences[last][1]], start - left, end - left)


def _is_wide_spaced(text: str) -> bool:
    """Whether the text is in a script of letters, not of Chinese characters and kana."""
    wide = sum("\u3040" <= character <= "\u9fff" for character in text)
    return wide * 3 < len(text)


def _one_line(text: str, start: int, end: int) -> Snippet:
    """Every run of white space becomes one space, with the highlight where its text went."""
    before, marked, after = (re.sub(r"\s+", " ", part) for part in (text[:start], text[start:end], text[end:]))
    return Snippet(before + marked + after, (Highlight(len(before), len(before) + len(marked), "sentence"),))
