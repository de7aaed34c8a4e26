"""A ZIP file's table of contents: opened where it is of a size that is meant seriously, and the names in it."""

from __future__ import annotations

import struct
import zipfile
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from indexer.errors import DocumentError
from indexer.reading.archives.members import charset_of
from indexer.reading.source import Limits, Source, megabytes

_ENTRY_SIZE = 200
"""Bytes of it for each file that an archive may hold."""
_WINDOWS = 0
_UTF_8 = 0x800
"""The flag that says that a name is that."""
_ENTRY = struct.Struct("<8xH18x3H8xI")
"""Flags, the lengths of name, extra field and comment, and where the file's own header is."""
_ENDING_64, _LOCATOR = 76, 20
"""Bytes between the table of contents of a large archive and its end, and of these those that tell where the others
are."""


def opened(source: Source, limits: Limits) -> zipfile.ZipFile:
    """Raises DocumentError for a table of contents that is damaged, or far too large: it is read as a whole."""
    place = _place(source)
    if min(place.size, source.size) > max(limits.members, 1000) * _ENTRY_SIZE:
        raise DocumentError(f"a table of contents of {megabytes(place.size)}, far more than {limits.members:,} files")
    try:
        try:
            return zipfile.ZipFile(source.stream)
        except UnicodeDecodeError:
            unmarked = _Unmarked(source.stream, _falsely_marked(source.stream, place))
            return zipfile.ZipFile(cast(BinaryIO, unmarked))
    except Exception as error:  # what damaged contents raise is written down nowhere
        raise DocumentError("damaged, or not a ZIP file (no table of contents at its end)") from error


@dataclass(frozen=True)
class _Place:
    """Where a table of contents is, and by how much all is further behind than it says."""

    start: int
    size: int
    shift: int


def _place(source: Source) -> _Place:
    """The stream is back at its beginning."""
    length = min(source.size, 65_557)
    source.stream.seek(source.size - length)
    ending = source.stream.read(length)
    source.stream.seek(0)
    place = ending.rfind(b"PK\x05\x06")
    large = ending.rfind(b"PK\x06\x06")
    size = offset = 0
    end = source.size - length + place
    if 0 <= place <= len(ending) - 20:
        size, offset = struct.unpack_from("<II", ending, place + 12)
    if size == 0xFFFFFFFF and 0 <= large <= len(ending) - 56:
        size, offset = struct.unpack_from("<QQ", ending, large + 40)
    if place >= _LOCATOR and ending[place - _LOCATOR :].startswith(b"PK\x06\x07"):
        end -= _ENDING_64
    return _Place(end - size, size, end - size - offset)


def _falsely_marked(stream: BinaryIO, place: _Place) -> list[int]:
    """Where flags say that a name is UTF-8 which is not, in order."""
    stream.seek(place.start)
    data = stream.read(place.size)
    marks: list[int] = []
    entry = 0
    while entry + _ENTRY.size <= len(data):
        flags, name_length, extra_length, comment_length, header = _ENTRY.unpack_from(data, entry)
        name = entry + _ENTRY.size
        if flags & _UTF_8 and not _is_utf_8(data[name : name + name_length]):
            marks += (place.start + entry + 9, place.shift + header + 7)
        entry = name + name_length + extra_length + comment_length
    return sorted(marks)


def _is_utf_8(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


class _Unmarked:
    """A ZIP file as a stream, without the marks of UTF-8 at some places."""

    def __init__(self, stream: BinaryIO, marks: list[int]) -> None:
        self._stream, self._marks = stream, marks
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1) -> bytes:
        start = self._stream.tell()
        data = self._stream.read(size)
        first, last = (bisect_left(self._marks, place) for place in (start, start + len(data)))
        if first == last:
            return data
        changed = bytearray(data)
        for mark in self._marks[first:last]:
            changed[mark - start] &= ~(_UTF_8 >> 8) & 0xFF
        return bytes(changed)


def names_of(members: list[zipfile.ZipInfo]) -> Iterator[str]:
    """Names that are not marked as UTF-8 are in whatever encoding was usual where they were packed."""
    unmarked = {info.orig_filename.encode("cp437", "replace") for info in members if not info.flag_bits & _UTF_8}
    foreign = [name for name in unmarked if not name.isascii()]
    charset = charset_of(b"\n".join(sorted(foreign)[:1000]))
    for info in members:
        name = info.orig_filename
        if not info.flag_bits & _UTF_8 and not name.isascii():
            name = name.encode("cp437", "replace").decode(charset, "replace")
        name = name.partition("\0")[0]
        if info.create_system == _WINDOWS:
            name = name.replace("\\", "/")
        yield name.removeprefix("./")
