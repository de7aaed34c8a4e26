"""PDF -> one document: its text, what it says of itself, and remarks on pages that have none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from indexer.documents import Found, Remark
from indexer.errors import DocumentError
from indexer.reading.own_fields import own_title
from indexer.reading.pdf.book import book_of, check_text, counted_pages
from indexer.reading.pdf.characters import PAGE_CHARACTERS
from indexer.reading.pdf.paragraphs import text_of
from indexer.reading.pdf.properties import iso_date, largest_text, properties_of
from indexer.reading.pdf.repeated import without_repeated
from indexer.reading.source import Context, Source

_BEGINNING = 1024
"""The bytes among which %PDF- has to be."""


def read(source: Source, context: Context) -> Iterator[Found]:
    """One document. Lines that repeat at the top or bottom of pages are left out; pages without text are told."""
    if b"%PDF-" not in source.stream.read(_BEGINNING):
        raise DocumentError("not a PDF (no %PDF- at its beginning)")
    source.stream.seek(0)
    pdf = _opened(source)
    try:
        book = book_of(pdf, context.limits)
        properties = properties_of(pdf)
    finally:
        pdf.close()
    check_text(book)
    text, pages = text_of(without_repeated(book.pages))
    author = " ".join(properties["Author"].split())
    yield source.document(
        text,
        title=own_title(properties["Title"]) or largest_text(book.pages[0]),
        date=iso_date(properties["CreationDate"]) or iso_date(properties["ModDate"]),
        metadata={"author": author} if author else None,
        pages=pages,
    )
    if book.pictures:
        yield Remark(source.name, f"{_numbered(book.pictures, len(book.pages))} no text (scanned?)")
    if book.unreadable:
        numbers = _numbered(book.unreadable, len(book.pages))
        yield Remark(source.name, f"{numbers} been left out (damaged, or more than {PAGE_CHARACTERS:,} characters)")


def _opened(source: Source) -> Any:
    import pypdfium2
    from pypdfium2 import raw

    try:
        return pypdfium2.PdfDocument(source.stream)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY):
            raise DocumentError("encrypted; remove its password first") from error
        raise DocumentError("damaged (not a PDF that can be opened)") from error


def _numbered(numbers: Sequence[int], count: int) -> str:
    """`pages 3, 5 and 7-9 have`."""
    if len(numbers) == 1:
        return f"page {numbers[0]} has"
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    if len(parts) > _LISTED:
        return f"{len(numbers):,} of its {counted_pages(count)} have"
    listed = ["-".join(map(str, part)) for part in parts]
    return f"pages {' and '.join(part for part in (', '.join(listed[:-1]), listed[-1]) if part)} have"


_LISTED = 8
