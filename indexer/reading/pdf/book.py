"""An opened PDF -> the lines of its pages, within limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from indexer.errors import DocumentError
from indexer.reading.pdf.characters import characters_of
from indexer.reading.pdf.lines import Line, lines_of
from indexer.reading.pdf.upright import upright_of
from indexer.reading.source import Limits, megabytes

_PAGES = 50_000
_SECONDS, _PAGE_SECONDS = 60, 0.5
"""What all pages may take, and each of them more."""


@dataclass
class Book:
    """What is on the pages."""

    pages: list[list[Line]] = field(default_factory=list)
    pictures: list[int] = field(default_factory=list)
    """Numbers of the pages that have something on them, but no text."""
    unreadable: list[int] = field(default_factory=list)
    """Numbers of the pages that are damaged or have too much on them."""


def book_of(pdf: Any, limits: Limits) -> Book:
    count = len(pdf)
    if count > _PAGES:
        raise DocumentError(f"{count:,} pages, expected at most {_PAGES:,}; split it")
    book = Book()
    length = 0
    begun = monotonic()
    for number in range(1, count + 1):
        if monotonic() - begun > _SECONDS + _PAGE_SECONDS * number:
            raise DocumentError(
                f"takes too long to read ({counted_pages(number - 1)} of {count:,} in {_SECONDS} seconds or more)"
            )
        characters, drawn = characters_of(pdf, number - 1)
        length += len(characters or ())
        if length > limits.text:
            raise DocumentError(f"more than {megabytes(limits.text)} of text, which is the most that is read; split it")
        lines = lines_of(upright_of(characters or []))
        book.pages.append(lines)
        if characters is None:
            book.unreadable.append(number)
        elif not lines and drawn:
            book.pictures.append(number)
    return book


def check_text(book: Book) -> None:
    if any(book.pages):
        return
    count = len(book.pages)
    if not count or len(book.unreadable) == count:
        raise DocumentError("damaged (none of its pages can be read)")
    if book.pictures:
        raise DocumentError(f"no text in its {counted_pages(count)}; scanned, it needs OCR first")
    raise DocumentError(f"no text in its {counted_pages(count)}; blank")


def counted_pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count:,} pages"
