"""tar -> the files in it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from indexer.documents import Found, Skipped, clean
from indexer.errors import DocumentError
from indexer.reading.archives.members import UNWANTED, charset_of, refused, suffix_of
from indexer.reading.own_names import OwnNames
from indexer.reading.part_streams import budget_of, part_of_blocks
from indexer.reading.source import Context, Source
from indexer.reading.unpacked import BLOCK

_LONGEST_NAME = 65_536
_RECORD = 512
_LINKS = b"12"
_DEVICES = b"346"
_TOLD = re.compile(rb"(\d{1,7}) ([^=]{1,100})=")


@dataclass
class _Header:
    """What a tar file says of a file in it."""

    name: str
    size: int
    kind: bytes
    sparse: bool = False


def read_tar(source: Source, context: Context) -> Iterator[Found]:
    budget = budget_of(source, context.limits)
    names = OwnNames(context.limits.members)
    stream = source.stream
    for item in _headers(stream):
        if isinstance(item, str):
            yield Skipped(source.name, item)
            return
        header = item
        if header.kind == b"5" or header.name.endswith("/") or UNWANTED.match(header.name):
            _pass(stream, header.size)
            continue
        budget.take_member()
        name = clean(names.own(header.name))
        place = f"{source.name}!{name}"
        if skipped := refused(place, header.name) or _refused_kind(place, header):
            yield skipped
            _pass(stream, header.size)
            continue
        kept, size = part_of_blocks(_exactly(stream, header.size), budget)
        with kept:
            if size < header.size:
                yield Skipped(place, "cut off")
                return
            _pass(stream, -size % _RECORD, padded=True)
            yield from context.read(source.inside(name, kept, size, suffix_of(header.name)))


def _refused_kind(place: str, header: _Header) -> Skipped | None:
    if header.kind in _LINKS:
        return Skipped(place, "a link to another file")
    if header.kind in _DEVICES:
        return Skipped(place, "a device, not a file")
    if header.sparse or header.kind not in (b"0", b"\0", b"7"):
        return Skipped(place, "kept in a way that is not supported; unpack it")
    return None


def _exactly(stream: BinaryIO, count: int) -> Iterator[bytes]:
    while count > 0 and (block := stream.read(min(BLOCK, count))):
        count -= len(block)
        yield block


def _pass(stream: BinaryIO, size: int, padded: bool = False) -> None:
    stream.seek(size if padded else size + -size % _RECORD, io.SEEK_CUR)


def _headers(stream: BinaryIO) -> Iterator[_Header | str]:
    """The headers of files, the stream behind each; after that, if it is damaged, what is to be said of it. What
    only tells more about the file that follows is put together with it."""
    more: dict[str, str] = {}
    first = True
    while True:
        data = stream.read(_RECORD)
        if len(data) == _RECORD and not data.strip(b"\0"):
            return
        header = _header(data)
        if header is None:
            if first:
                raise DocumentError("not a tar file")
            yield "damaged or cut off; the rest of it is not read" if data else "cut off"
            return
        first = False
        if header.kind in b"LKxgX":
            if header.size > 1_000_000:
                yield "damaged; the rest of it is not read"
                return
            text = b"".join(_exactly(stream, header.size))
            _pass(stream, -header.size % _RECORD, padded=True)
            more.update(_told(header.kind, text))
            continue
        header.name = (more.get("path") or header.name).removeprefix("./")[:_LONGEST_NAME]
        header.sparse = any(name.startswith("GNU.sparse") for name in more)
        size = more.get("size", "")
        if size.isascii() and size.isdigit() and len(size) < 16:
            header.size = int(size)
        if header.kind in _LINKS + _DEVICES + b"5":
            header.size = 0
        more = {}
        yield header


def _header(data: bytes) -> _Header | None:
    if len(data) < _RECORD:
        return None
    expected = _number(data[148:156])
    if expected is None or expected != sum(data) - sum(data[148:156]) + 8 * 32:
        return None
    size = _number(data[124:136])
    if size is None:
        return None
    name = data[:100].partition(b"\0")[0]
    prefix = data[345:500].partition(b"\0")[0] if data[257:263] == b"ustar\0" else b""
    return _Header(_text(b"/".join(filter(None, (prefix, name)))), size, data[156:157])


def _number(field: bytes) -> int | None:
    """Octal digits, or, where it is too large for them, a binary number."""
    if field[0] == 0x80:
        value = int.from_bytes(field[1:], "big")
        return value if value < 1 << 62 else None
    digits = field.strip(b"\0 ")
    return int(digits or b"0", 8) if re.fullmatch(rb"[0-7]*", digits) else None


def _text(name: bytes) -> str:
    return name.decode(charset_of(name) if not name.isascii() else "utf-8", "replace")


def _told(kind: bytes, data: bytes) -> dict[str, str]:
    """What a header for the next header says: its long name, or lines such as `20 path=name`."""
    if kind == b"L":
        return {"path": _text(data.partition(b"\0")[0])}
    told: dict[str, str] = {}
    place = 0
    while kind == b"x" and (found := _TOLD.match(data, place)):
        end = place + int(found.group(1))
        if not found.end() < end <= len(data):
            break
        told[found.group(2).decode("utf-8", "replace")] = data[found.end() : end - 1].decode("utf-8", "replace")
        place = end
    return told
