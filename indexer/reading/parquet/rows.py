"""Groups of rows -> documents, a few rows at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from indexer.documents import Found, Skipped
from indexer.errors import DocumentError
from indexer.reading.json_lines import document_of_row, field_of
from indexer.reading.parquet.columns import Columns
from indexer.reading.parquet.pages import RowGroup, held
from indexer.reading.parquet.values import Value, plain_value, value_of
from indexer.reading.source import Context, Source, megabytes

_ROWS = 1_000
"""Read at once, where they are not large."""
_HELD = 5
"""How many times the largest text the pages of all columns may have that are held at once."""
_SKIPPED = 100
"""Rows that are skipped by number before the rest are only counted."""
SMALL = 1_000_000


def one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:80] or type(error).__name__


@dataclass
class Rows:
    """One pass over a file."""

    file: Any
    groups: list[RowGroup]
    columns: Columns
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
        return self.size > max(SMALL, self.context.limits.ratio * self.source.size)

    def _group(self, group: int, before: int) -> Iterator[Found]:
        """`before`: rows of earlier groups."""
        number, last = before, before + self.groups[group].rows
        try:
            for batch in self._batches(group):
                values = {name: value_of(array, self.context.limits) for name, array in _arrays(batch)}
                for row in range(batch.num_rows):
                    number += 1
                    yield from self._row(number, row, values)
                    if self._too_much():
                        return
        except DocumentError as error:
            yield Skipped(f"{self.source.name}:{number + 1}", f"rows up to {last} cannot be read: {error}")
        except Exception as error:  # noqa: BLE001  # whatever the parser makes of damaged pages
            reason = f"rows up to {last} are damaged ({one_line(error)})"
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
                return _object(plain_value(own))
        return plain_value(own)


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
