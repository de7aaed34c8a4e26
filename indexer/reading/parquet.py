"""Parquet: a row each, a document each. Read a few rows at a time, so that a file may be larger than memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow
from pyarrow import compute, types
from pyarrow.parquet import ParquetFile

from indexer.documents import Found, Remark, Skipped, clean
from indexer.errors import DocumentError
from indexer.reading.json_lines import FIELDS, document_of_row, field_of
from indexer.reading.parquet_pages import RowGroup, held, row_groups
from indexer.reading.source import Context, Limits, Source, megabytes

_ROWS = 1_000
"""Read at once, where they are not large."""
_HELD = 5
"""How many times the largest text the pages of all columns may have that are held at once."""
_NAMED, _LONGEST_NAME = 20, 40
"""Columns that are named, and characters of a name."""
_SKIPPED = 100
"""Rows that are skipped by number before the rest are only counted."""
_SMALL = 1_000_000

Value = Callable[[int], Any]
"""What a column has in a row of a batch."""


def read(source: Source, context: Context) -> Iterator[Found]:
    """A document of each row; those without a text of their own are skipped by number, from 1. Columns of bytes, of
    vectors, and of lists of anything but words and whole numbers are left out, and named."""
    if not source.size:
        raise DocumentError("empty")
    file = _opened(source)
    columns = _columns(file.schema_arrow, context)
    groups = _groups(source, context.limits)
    if not any(group.rows for group in groups):
        raise DocumentError("empty")
    if columns.left_out:
        reason = f"columns left out, since they hold neither words nor single numbers: {_listed(columns.left_out)}"
        yield Remark(source.name, reason)
    yield from _Rows(_opened(source, columns.lists_of_words(file)), groups, columns, source, context).found()


def _opened(source: Source, lists_of_words: Sequence[str] = ()) -> Any:
    try:
        return ParquetFile(source.stream, read_dictionary=list(lists_of_words), buffer_size=_SMALL, pre_buffer=False)
    except Exception as error:  # whatever the parser makes of a damaged file
        raise DocumentError(f"not a Parquet file, or not all of one ({_line(error)})") from error


def _groups(source: Source, limits: Limits) -> list[RowGroup]:
    try:
        return row_groups(source.stream, source.size, limits.line)
    except ValueError as error:
        raise DocumentError(f"not a Parquet file, or not all of one ({error})") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:80] or type(error).__name__


def _listed(names: Sequence[str]) -> str:
    short = ", ".join(" ".join(clean(name).split())[:_LONGEST_NAME] for name in names[:_NAMED])
    return short + (", ..." if len(names) > _NAMED else "")


# Columns


@dataclass(frozen=True)
class _Columns:
    kept: tuple[str, ...]
    left_out: tuple[str, ...]

    def leaves(self, file: Any) -> Iterator[tuple[int, Any]]:
        """The columns of the file that these are made of: number and description."""
        for number in range(len(file.schema)):
            leaf = file.schema.column(number)
            if any(leaf.path == name or leaf.path.startswith(f"{name}.") for name in self.kept):
                yield number, leaf

    def lists_of_words(self, file: Any) -> list[str]:
        """They are read as places in a list of different words: in one row a long word may be there a million times."""
        return [
            leaf.path
            for _, leaf in self.leaves(file)
            if leaf.max_repetition_level and leaf.physical_type == "BYTE_ARRAY"
        ]


def _columns(schema: Any, context: Context) -> _Columns:
    kept: list[str] = []
    left_out: list[str] = []
    for column in schema:
        known = field_of(column.name, context)
        (kept if _is_read(column.type, known in FIELDS) else left_out).append(column.name)
    if not any(field_of(name, context) == "text" for name in kept):
        raise DocumentError(f"no text column among {_listed(schema.names)}; say which with --column text=NAME")
    return _Columns(tuple(kept), tuple(left_out))


def _is_read(kind: Any, is_field: bool) -> bool:
    if types.is_dictionary(kind):
        return _is_read(kind.value_type, is_field)
    if types.is_struct(kind):
        own = [kind.field(place).type for place in range(kind.num_fields)]
        return bool(own) and not any(_is_list(each) or not _is_read(each, False) for each in own)
    if _is_list(kind):
        own = kind.value_type.value_type if types.is_dictionary(kind.value_type) else kind.value_type
        return _is_words(own) or types.is_integer(own) or types.is_boolean(own)
    if types.is_binary(kind) or types.is_large_binary(kind):
        return is_field  # words, of a program that does not say so
    numbers = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_null(kind)
    return numbers or _is_words(kind) or _is_best_written(kind)


def _is_list(kind: Any) -> bool:
    return bool(types.is_list(kind) or types.is_large_list(kind))


def _is_words(kind: Any) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_best_written(kind: Any) -> bool:
    return bool(types.is_date(kind) or types.is_time(kind) or types.is_timestamp(kind) or types.is_decimal(kind))


# Values


def _value(array: Any, limits: Limits) -> Value:
    """Words come as bytes, since they may not be UTF-8; what is missing, or not a number, as None."""
    kind = array.type
    if types.is_dictionary(kind):
        return _value(array.dictionary_decode(), limits)
    if types.is_struct(kind):
        own = {kind.field(place).name: _value(each, limits) for place, each in enumerate(array.flatten())}
        return lambda row: {name: value(row) for name, value in own.items()} if array[row].is_valid else None
    if _is_list(kind):
        return _list(array, limits)
    if _is_best_written(kind):
        array = _written(array)
    if _is_words(array.type):
        array = array.cast(pyarrow.large_binary())
    if types.is_floating(kind):
        return lambda row: value if (value := array[row].as_py()) == value else None
    return lambda row: array[row].as_py()


def _written(array: Any) -> Any:
    try:
        words = array.cast(pyarrow.string())
    except pyarrow.ArrowException:  # times of a zone that is not known here
        words = array.cast(pyarrow.timestamp(array.type.unit)).cast(pyarrow.string())
    return words if types.is_decimal(array.type) else compute.replace_substring_regex(words, r"\.0+(Z|[+-].*)?$", r"\1")


def _list(array: Any, limits: Limits) -> Value:
    lengths: list[Any] = []

    def size(values: Any) -> int:
        if not types.is_dictionary(values.type):
            return len(values) * 8
        if not lengths:
            lengths.append(compute.binary_length(values.dictionary).cast(pyarrow.int64()))
        return len(values) * 8 + (compute.sum(compute.take(lengths[0], values.indices)).as_py() or 0)

    def value(row: int) -> Any:
        if not array[row].is_valid:
            return None
        values = array[row].values
        if size(values) > limits.line:
            raise DocumentError(f"a list of more than {megabytes(limits.line)}, which is the most that is read")
        if types.is_dictionary(values.type):
            values = values.dictionary_decode().cast(pyarrow.large_binary())
        return values.to_pylist()

    return value


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items() if item is not None}
    return value


# Rows


@dataclass
class _Rows:
    """One pass over a file."""

    file: Any
    groups: list[RowGroup]
    columns: _Columns
    source: Source
    context: Context
    size: int = field(default=0, init=False)
    """Bytes of words so far."""
    skipped: int = field(default=0, init=False)
    """Rows."""

    def found(self) -> Iterator[Found]:
        before = 0
        for number, group in enumerate(self.groups):
            yield from self._group(number, before)
            before += group.rows
            if self._too_much():
                reason = f"holds more than {self.context.limits.ratio} times its own size; the rest was not read"
                yield Skipped(self.source.name, reason)
                break
        if self.skipped > _SKIPPED:
            yield Skipped(self.source.name, f"{self.skipped - _SKIPPED} more rows, most likely for the same reasons")

    def _too_much(self) -> bool:
        return self.size > max(_SMALL, self.context.limits.ratio * self.source.size)

    def _group(self, group: int, before: int) -> Iterator[Found]:
        """`before`: rows of earlier groups."""
        number, last = before, before + self.groups[group].rows
        try:
            for batch in self._batches(group):
                values = {name: _value(array, self.context.limits) for name, array in _arrays(batch)}
                for row in range(batch.num_rows):
                    number += 1
                    yield from self._row(number, row, values)
                    if self._too_much():
                        return
        except DocumentError as error:
            yield Skipped(f"{self.source.name}:{number + 1}", f"rows up to {last} cannot be read: {error}")
        except Exception as error:  # noqa: BLE001  # whatever the parser makes of damaged pages
            reason = f"rows up to {last} are damaged ({_line(error)})"
            yield Skipped(f"{self.source.name}:{number + 1}", reason)

    def _batches(self, group: int) -> Iterator[Any]:
        most, stream, chunks = _HELD * self.context.limits.text, self.source.stream, self.groups[group].chunks
        size = sum(
            held(stream, chunks[number], repeated=leaf.max_repetition_level > 0)
            for number, leaf in self.columns.leaves(self.file)
        )
        if size > most:
            raise DocumentError(f"{megabytes(size)} at once, expected at most {megabytes(most)}")
        rows = max(1, min(_ROWS, self.context.limits.text // max(1, size)))
        yield from self.file.iter_batches(rows, [group], list(self.columns.kept), use_threads=False)

    def _row(self, number: int, row: int, values: Mapping[str, Value]) -> Iterator[Found]:
        try:
            yield document_of_row(self._decoded(row, values), f"{self.source.name}#{number}", self.source, self.context)
        except (DocumentError, RecursionError) as error:
            self.skipped += 1
            if self.skipped <= _SKIPPED:
                reason = str(error) if isinstance(error, DocumentError) else "metadata nested too deeply to be read"
                yield Skipped(f"{self.source.name}:{number}", reason)

    def _decoded(self, row: int, values: Mapping[str, Value]) -> dict[str, Any]:
        """Raises DocumentError where there is no text."""
        all_values = {name: self._value(name, value(row)) for name, value in values.items()}
        texts = (own for name, own in all_values.items() if field_of(name, self.context) == "text")
        if not any(isinstance(own, str) and own.strip() for own in texts):
            raise DocumentError("no text")
        return {name: own for name, own in all_values.items() if own is not None}

    def _value(self, name: str, own: Any) -> Any:
        known = field_of(name, self.context)
        if isinstance(own, bytes):
            self.size += len(own)
            if len(own) > self.context.limits.text:
                most = megabytes(self.context.limits.text)
                raise DocumentError(f"{name}: {megabytes(len(own))}, expected at most {most}")
            if known == "text":
                return _text(own)
            if known == "metadata":
                return _object(_plain(own))
        return _plain(own)


def _arrays(batch: Any) -> Iterator[tuple[str, Any]]:
    yield from zip(batch.schema.names, batch.columns, strict=True)


def _text(stored: bytes) -> str:
    try:
        return stored.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DocumentError(f"not UTF-8 (byte {error.start} of the text is 0x{stored[error.start]:02x})") from error


def _object(text: str) -> Any:
    """What it stands for where it is a JSON object, else the text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict) else text
