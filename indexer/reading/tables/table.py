"""A table -> a document of each row below the names of its columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping

from indexer.documents import Document, Found, Remark, Skipped, clean
from indexer.errors import DocumentError
from indexer.reading.encodings import remarks
from indexer.reading.source import Context, Source
from indexer.reading.tables.columns import Columns
from indexer.reading.tables.form import Form, form_of
from indexer.reading.tables.lines import Lines
from indexer.reading.tables.rows import Row, Rows
from indexer.reading.tables.sample import sample_of

_NAMED = 20
"""Columns that an error names."""
_LONGEST_NAME = 40


def read(source: Source, context: Context) -> Iterator[Found]:
    """The first row names the columns. What they are is said by the context, or by their names; those that are no
    field of a document are metadata."""
    csv.field_size_limit(max(csv.field_size_limit(), min(context.limits.line, 2**31 - 1)))
    beginning, sample = sample_of(source)
    form = form_of(beginning, source.suffix, context.columns)
    lines = Lines(source.stream, sample.charset, context.limits)
    try:
        yield from _rows(source, context, lines, form)
    finally:
        lines.detach()
    if lines.broken and not sample.doubt:
        more = f"{lines.broken:,} lines hold" if lines.broken > 1 else "a line holds"
        yield Remark(
            source.name, f"{more} bytes that are not {sample.charset}, the first one line {lines.first_broken}"
        )
    yield from remarks(source.name, sample)


def _rows(source: Source, context: Context, lines: Lines, form: Form) -> Iterator[Found]:
    if form.announced:
        lines.next()
    rows = Rows(lines, form, context.limits)
    columns = None
    empty = True
    for row in rows:
        if not row.problem and not any(cell.strip() for cell in row.cells):
            continue
        if columns is None:
            columns = _header(row, context.columns)
            rows.columns = len(columns.names)
            continue
        empty = False
        yield from _found(source, row, columns)
    if empty:
        raise DocumentError("no rows below the names of the columns")


def _header(row: Row, known: Mapping[str, str]) -> Columns:
    if row.problem:
        raise DocumentError(f"{row.problem}, where the names of columns were expected")
    columns = Columns.of(row.cells, known)
    if not columns.has_text:
        more = ", ..." if len(columns.names) > _NAMED else ""
        names = ", ".join(clean(name)[:_LONGEST_NAME] for name in columns.names[:_NAMED])
        raise DocumentError(f"no text column among {names}{more}; say which with --column text=NAME")
    return columns


def _found(source: Source, row: Row, columns: Columns) -> Iterator[Document | Skipped | Remark]:
    place = f"{source.name}:{row.line}"
    count = len(columns.names)
    if row.problem:
        yield Skipped(place, row.problem)
    elif len(row.cells) < count or any(cell.strip() for cell in row.cells[count:]):
        cells = "1 cell" if len(row.cells) == 1 else f"{len(row.cells):,} cells"
        yield Skipped(place, f"{cells}, expected {count:,} as in the first row")
    else:
        try:
            yield columns.document(source, row.cells, f"{source.name}#{row.line}")
        except DocumentError:
            yield Skipped(place, "no text")
            return
        if row.remark:
            yield Remark(place, row.remark)
