"""Lines that stand on many documents of one source (menus, share buttons, copyright) -> the spans to leave out of
passages. No list of words and no language: only what repeats, and where.

Only the edges of a document are looked at: what stands before its first and after its last sentence of its own. Inside,
a line that repeats is as likely a heading (Dosage), a quote or the background of a story, and people search for those.
The price is that an advertisement in the middle of a text stays.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

Span = tuple[int, int]

FEWEST_DOCUMENTS = 5
SMALLEST_SHARE = 0.4
"""A line repeats if it stands on five documents and on this share of its source's."""
# Measured on made-up sites of 40 pages in four languages, whose busiest writer signs a third of them. With a share of
# 0.2, 0.3, 0.4 and 0.5, 92, 96, 99 and 100 % of the lines left out are the site's, and 88, 88, 87 and 83 % of the
# site's lines are left out: at 0.5 the menus of a part of a site are missed.

MOST_CHARACTERS = 300
"""Longer lines are never left out: they are text."""
LINES_AT_EDGE = 60
"""As many lines are looked at from either end; the rest makes no difference."""

_OWN_LINES_PASSED = 5  # titles, names and dates stand between lines that repeat
_LONG = 100  # characters: a line without a full stop that is text, not a title
_FEWEST_OF_ITS_OWN = 100  # characters of sentences: with fewer, what repeats may be all that the document says

_LINE = re.compile("\\S(?:[^\n\f\u2028\u2029]*\\S)?")
_CLOSING = "\"'»”’)）]」』】》"
_FULL_STOPS = ".。．｡۔।॥።"
_SENTENCE_ENDS = _FULL_STOPS + "!?！？؟…"
_NUMBER = re.compile(r"\d+")
_VALUE = re.compile("[:=%°$¢£¥€₩₪₫₹₺₽﷼]")
_LETTER = re.compile(r"[^\W\d_]")


def lines_of(text: str) -> list[Span]:
    """Where the lines of a text are, without white space around them; empty lines are none."""
    return [line.span() for line in _LINE.finditer(text)]


def key_of(line: str) -> int:
    """64 bits with a sign that stand for a line, without regard to case, width and spaces.

    Nor to its number, if it has words and one number: "12 comments" = "7 comments". A number that is a value keeps its
    digits ("High: 38", "38 °C", "$5"), and so do several, which are dates, results and rows of tables.
    """
    folded = " ".join(unicodedata.normalize("NFKC", line).casefold().split())
    numbers = _NUMBER.findall(folded)
    if len(numbers) == 1 and _LETTER.search(folded) and not _VALUE.search(folded):
        folded = _NUMBER.sub("0", folded)
    digest = hashlib.blake2b(folded.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def keys_of(text: str) -> set[int]:
    """The keys of a document that are worth counting: those of the lines that may be left out of it."""
    lines = lines_of(text)
    edges = lines if len(lines) <= 2 * LINES_AT_EDGE else lines[:LINES_AT_EDGE] + lines[-LINES_AT_EDGE:]
    return {key_of(text[start:end]) for start, end in edges if end - start <= MOST_CHARACTERS}


def boilerplate_spans(text: str, is_repeated: Callable[[int], bool]) -> list[Span]:
    """The lines to leave out, in order; none of a document that says hardly anything else.

    Lines that are sentences are left out only if no more than half of the text is left out in all: in contracts and
    forms they are the text.
    """
    lines = lines_of(text)
    top = list(_repeated_at_edge(text, lines[:LINES_AT_EDGE], is_repeated))
    bottom = list(_repeated_at_edge(text, lines[: -LINES_AT_EDGE - 1 : -1], is_repeated))
    spans = sorted({*top, *bottom})
    if not spans or not _says_enough(text, lines, set(spans)):
        return []
    if sum(end - start for start, end in spans) * 2 > sum(end - start for start, end in lines):
        spans = [span for span in spans if not _ends_with(text, span, _SENTENCE_ENDS)]
    return spans


def _repeated_at_edge(text: str, lines: Iterable[Span], is_repeated: Callable[[int], bool]) -> Iterator[Span]:
    """From one end of a text inwards, up to the first line of its own that is a sentence or long."""
    passed = 0
    for span in lines:
        if _repeats(text, span, is_repeated):
            yield span
        elif _is_prose(text, span) or passed == _OWN_LINES_PASSED:
            return
        else:
            passed += 1


def _repeats(text: str, span: Span, is_repeated: Callable[[int], bool]) -> bool:
    start, end = span
    return end - start <= MOST_CHARACTERS and is_repeated(key_of(text[start:end]))


def _is_prose(text: str, span: Span) -> bool:
    """A line that ends with a question mark may be a title."""
    start, end = span
    return end - start > _LONG or _ends_with(text, span, _FULL_STOPS)


def _ends_with(text: str, span: Span, signs: str) -> bool:
    """Closing quotes and brackets may follow the sign."""
    start, end = span
    last = text[max(start, end - 5) : end].rstrip(_CLOSING)[-1:]
    return last != "" and last in signs


def _says_enough(text: str, lines: list[Span], left_out: set[Span]) -> bool:
    own = 0
    for start, end in lines:
        if (start, end) not in left_out and _is_prose(text, (start, end)):
            own += end - start
            if own >= _FEWEST_OF_ITS_OWN:
                return True
    return False
