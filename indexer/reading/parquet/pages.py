"""A Parquet file -> how much memory its rows would take, from what it says of itself, before anything is unpacked.

Footer and headers of pages as Apache Parquet's format has them, in Thrift's compact protocol. pyarrow unpacks whatever
a page claims to hold, and ends the process over some footers that contradict themselves, so it is not asked for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from indexer.errors import DocumentError
from indexer.reading.source import megabytes

_HEADERS = (1 << 14, 1 << 24)
"""Bytes that the header of a page may have: mostly, at most."""
_DEPTH = 16
_TRUE, _FALSE, _BYTE, _SHORT, _INTEGER, _LONG, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = (
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    12,
)
_DICTIONARY_PAGE = 2
_DELTA_BYTE_ARRAY = 7
_BYTE_ARRAY = 6

Fields = dict[tuple[int, int], Any]
"""Of a struct, by number and kind: one of a kind that was not expected is another field."""
Wanted = Mapping[tuple[int, int], Any]
"""The fields that are kept, with those of the structs in them."""

_COLUMN = dict.fromkeys([(1, _INTEGER), (5, _LONG), (7, _LONG), (9, _LONG), (11, _LONG)])
_FOOTER = {(4, _LIST): {(1, _LIST): {(3, _STRUCT): _COLUMN}, (3, _LONG): None}}
_PAGE = {
    **dict.fromkeys([(1, _INTEGER), (2, _INTEGER), (3, _INTEGER)]),
    (5, _STRUCT): dict.fromkeys([(1, _INTEGER), (2, _INTEGER)]),
    (8, _STRUCT): dict.fromkeys([(1, _INTEGER), (4, _INTEGER)]),
}


@dataclass(frozen=True)
class Chunk:
    """A column in a row group."""

    words: bool
    """Its values are strings of bytes."""
    values: int
    begin: int
    """In the file."""
    end: int


@dataclass(frozen=True)
class RowGroup:
    """`chunks` in the order of the columns."""

    rows: int
    chunks: list[Chunk]


def row_groups(stream: BinaryIO, size: int, most: int) -> list[RowGroup]:
    """Of a file of so many bytes, whose footer has at most `most`. Raises DocumentError where it has more, and
    ValueError where it is damaged."""
    stream.seek(max(0, size - 8))
    length = int.from_bytes(stream.read(4), "little")
    if length > most:
        raise DocumentError(f"a footer of {megabytes(length)}, expected at most {megabytes(most)}")
    stream.seek(max(0, size - 8 - length))
    try:
        footer, _ = _struct(stream.read(length), 0, _FOOTER)
        return [_row_group(own) for own in footer[4, _LIST]]
    except (IndexError, KeyError, TypeError) as error:
        raise ValueError("a damaged footer") from error


def _row_group(fields: Fields) -> RowGroup:
    return RowGroup(max(0, fields[3, _LONG]), [_chunk(own[3, _STRUCT]) for own in fields[1, _LIST]])


def _chunk(fields: Fields) -> Chunk:
    begin, dictionary = fields[9, _LONG], fields.get((11, _LONG), 0)
    if 0 < dictionary < begin:
        begin = dictionary
    return Chunk(fields[1, _INTEGER] == _BYTE_ARRAY, fields[5, _LONG], begin, begin + fields[7, _LONG])


def held(stream: BinaryIO, chunk: Chunk, *, repeated: bool) -> int:
    """The most bytes that reading some rows of a column has to hold: its dictionary and its largest page; where a row
    may have any number of values, all its pages, and eight bytes a value. Raises ValueError for damaged headers, and
    DocumentError where it cannot be told."""
    place = chunk.begin
    dictionary = largest = everything = values = 0
    while place < chunk.end and values < chunk.values:
        header, length = _header(stream, place)
        size, packed = header.get((2, _INTEGER), -1), header.get((3, _INTEGER), -1)
        if min(size, packed) < 0:
            raise ValueError("a damaged page")
        first, second = header.get((5, _STRUCT), {}), header.get((8, _STRUCT), {})
        values += max(0, first.get((1, _INTEGER), 0), second.get((1, _INTEGER), 0))
        if repeated and chunk.words and _DELTA_BYTE_ARRAY in (first.get((2, _INTEGER)), second.get((4, _INTEGER))):
            raise DocumentError("lists of words in an encoding that is not read (DELTA_BYTE_ARRAY)")
        if header.get((1, _INTEGER)) == _DICTIONARY_PAGE:
            dictionary = max(dictionary, size)
        else:
            largest = max(largest, size)
        everything += size
        place += length + packed
    return everything + 8 * values if repeated else dictionary + largest


def _header(stream: BinaryIO, place: int) -> tuple[Fields, int]:
    """And how many bytes it has."""
    for most in _HEADERS:
        stream.seek(place)
        try:
            return _struct(stream.read(most), 0, _PAGE)
        except IndexError:
            continue  # it is longer
    raise ValueError("a damaged page")


def _struct(data: bytes, place: int, wanted: Wanted, depth: int = 0) -> tuple[Fields, int]:
    """And where the next begins. Raises IndexError where it does not end, ValueError where it is damaged."""
    fields: Fields = {}
    number = 0
    while kind := data[place] & 15:
        step = data[place] >> 4
        place += 1
        if step:
            number += step
        else:
            number, place = _signed(data, place)
        value, place = _value(data, place, kind, wanted.get((number, kind)) or {}, depth)
        if (number, kind) in fields:
            raise ValueError("a field that is there twice")
        if (number, kind) in wanted:
            fields[number, kind] = value
    return fields, place + 1


def _value(data: bytes, place: int, kind: int, wanted: Wanted, depth: int) -> tuple[Any, int]:
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, place
    if kind == _BYTE:
        return data[place], place + 1
    if kind in (_SHORT, _INTEGER, _LONG):
        value, place = _signed(data, place)
        if kind != _LONG and not -(2**31) <= value < 2**31:
            raise ValueError("a number that is too large")
        return value, place
    if kind == _DOUBLE:
        return None, place + 8
    if kind == _BINARY:
        length, place = _unsigned(data, place)
        return None, place + length
    if kind in (_LIST, _SET) and depth < _DEPTH:
        return _list(data, place, wanted, depth + 1)
    if kind == _STRUCT and depth < _DEPTH:
        return _struct(data, place, wanted, depth + 1)
    raise ValueError("a value of no known kind")


def _list(data: bytes, place: int, wanted: Wanted, depth: int) -> tuple[list[Any], int]:
    count, kind = data[place] >> 4, data[place] & 15
    place += 1
    if count == 15:
        count, place = _unsigned(data, place)
    values = []
    for _ in range(count):
        data[place]  # it is not longer than the bytes, whatever it says
        value, place = _value(data, place, _BYTE if kind in (_TRUE, _FALSE) else kind, wanted, depth)
        if wanted:
            values.append(value)
    return values, place


def _signed(data: bytes, place: int) -> tuple[int, int]:
    value, place = _unsigned(data, place)
    return (value >> 1) ^ -(value & 1), place


def _unsigned(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while data[place] & 128:
        value |= (data[place] & 127) << shift
        shift += 7
        place += 1
        if shift > 63:
            raise ValueError("a number that is too large")
    return value | data[place] << shift, place + 1
