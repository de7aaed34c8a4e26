"""A column of a batch -> what it has in a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow
from pyarrow import compute, types

from indexer.errors import DocumentError
from indexer.reading.parquet.columns import is_best_written, is_list, is_words
from indexer.reading.source import Limits, megabytes

Value = Callable[[int], Any]
"""What a column has in a row of a batch."""


def value_of(array: Any, limits: Limits) -> Value:
    """Words come as bytes, since they may not be UTF-8; what is missing, or not a number, as None."""
    kind = array.type
    if types.is_dictionary(kind):
        return value_of(array.dictionary_decode(), limits)
    if types.is_struct(kind):
        own = {kind.field(place).name: value_of(each, limits) for place, each in enumerate(array.flatten())}
        return lambda row: {name: value(row) for name, value in own.items()} if array[row].is_valid else None
    if is_list(kind):
        return _list(array, limits)
    if is_best_written(kind):
        array = _written(array)
    if is_words(array.type):
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


def plain_value(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list):
        return [plain_value(item) for item in value]
    if isinstance(value, dict):
        return {name: plain_value(item) for name, item in value.items() if item is not None}
    return value
