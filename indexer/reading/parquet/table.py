"""A Parquet file -> a document of each row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pyarrow.parquet import ParquetFile

from indexer.documents import Found, Remark
from indexer.errors import DocumentError
from indexer.reading.parquet.columns import columns_of, listed_names
from indexer.reading.parquet.pages import RowGroup, row_groups
from indexer.reading.parquet.rows import SMALL, Rows, one_line
from indexer.reading.source import Context, Limits, Source


def read(source: Source, context: Context) -> Iterator[Found]:
    """A document of each row; those without a text of their own are skipped by number, from 1. Columns of bytes, of
    vectors, and of lists of anything but words and whole numbers are left out, and named."""
    if not source.size:
        raise DocumentError("empty")
    file = _opened(source)
    columns = columns_of(file.schema_arrow, context)
    groups = _groups(source, context.limits)
    if not any(group.rows for group in groups):
        raise DocumentError("empty")
    if columns.left_out:
        reason = f"columns left out, since they hold neither words nor single numbers: {listed_names(columns.left_out)}"
        yield Remark(source.name, reason)
    yield from Rows(_opened(source, columns.lists_of_words(file)), groups, columns, source, context).found()


def _opened(source: Source, lists_of_words: Sequence[str] = ()) -> Any:
    try:
        return ParquetFile(source.stream, read_dictionary=list(lists_of_words), buffer_size=SMALL, pre_buffer=False)
    except Exception as error:  # whatever the parser makes of a damaged file
        raise DocumentError(f"not a Parquet file, or not all of one ({one_line(error)})") from error


def _groups(source: Source, limits: Limits) -> list[RowGroup]:
    try:
        return row_groups(source.stream, source.size, limits.line)
    except ValueError as error:
        raise DocumentError(f"not a Parquet file, or not all of one ({error})") from error
