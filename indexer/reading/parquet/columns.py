"""Columns -> those that hold words or single numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyarrow import types

from indexer.documents import clean
from indexer.errors import DocumentError
from indexer.reading.json_lines import FIELDS, field_of
from indexer.reading.source import Context

_NAMED, _LONGEST_NAME = 20, 40
"""Columns that are named, and characters of a name."""


def listed_names(names: Sequence[str]) -> str:
    short = ", ".join(" ".join(clean(name).split())[:_LONGEST_NAME] for name in names[:_NAMED])
    return short + (", ..." if len(names) > _NAMED else "")


@dataclass(frozen=True)
class Columns:
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


def columns_of(schema: Any, context: Context) -> Columns:
    kept: list[str] = []
    left_out: list[str] = []
    for column in schema:
        known = field_of(column.name, context)
        (kept if _is_read(column.type, known in FIELDS) else left_out).append(column.name)
    if not any(field_of(name, context) == "text" for name in kept):
        raise DocumentError(f"no text column among {listed_names(schema.names)}; say which with --column text=NAME")
    return Columns(tuple(kept), tuple(left_out))


def _is_read(kind: Any, is_field: bool) -> bool:
    if types.is_dictionary(kind):
        return _is_read(kind.value_type, is_field)
    if types.is_struct(kind):
        own = [kind.field(place).type for place in range(kind.num_fields)]
        return bool(own) and not any(is_list(each) or not _is_read(each, False) for each in own)
    if is_list(kind):
        own = kind.value_type.value_type if types.is_dictionary(kind.value_type) else kind.value_type
        return is_words(own) or types.is_integer(own) or types.is_boolean(own)
    if types.is_binary(kind) or types.is_large_binary(kind):
        return is_field  # words, of a program that does not say so
    numbers = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_null(kind)
    return numbers or is_words(kind) or is_best_written(kind)


def is_list(kind: Any) -> bool:
    return bool(types.is_list(kind) or types.is_large_list(kind))


def is_words(kind: Any) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def is_best_written(kind: Any) -> bool:
    return bool(types.is_date(kind) or types.is_time(kind) or types.is_timestamp(kind) or types.is_decimal(kind))
