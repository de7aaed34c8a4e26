"""Archives (ZIP, tar) and packed files (gzip, bzip2, xz) -> what lies in them, read as files are.

Nothing is written under the names that an archive gives, and what is unpacked of one file, at whatever depth, is
counted together.
"""

from __future__ import annotations

import bz2
import io
import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath
from tempfile import SpooledTemporaryFile
from typing import IO, Any, BinaryIO, Protocol, cast

from indexer.documents import Cause, Found, Remark, Skipped, clean
from indexer.errors import DocumentError
from indexer.reading.encodings import decoded
from indexer.reading.formats import format_of
from indexer.reading.source import Context, Limits, Source, megabytes

_IN_MEMORY = 16_000_000
_BLOCK = 65_536
_RATIO_COUNTS = 1_000_000
"""Bytes below which it does not matter how small something was packed."""
_DIRECTORY_ENTRY = 200
"""Bytes of a ZIP file's table of contents for each file that it may hold."""
_WORKING_MEMORY = 200_000_000
"""What unpacking xz may take; its strongest setting takes 65 MB."""
_LONGEST_NAME = 65_536
_WINDOWS, _UNIX = 0, 3
_STREAMED = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".mbox", ".tar", ".warc")
"""Read from beginning to end: they need not be unpacked to a place of their own first."""
_SHORT_FORMS = {".tgz": ".tar", ".tbz": ".tar", ".tbz2": ".tar", ".txz": ".tar"}
_LEAVES = re.compile(r"/|[A-Za-z]:|(?:.*/)?\.\.(?:/|$)", re.DOTALL)
_UNWANTED = re.compile(r"(?:.*/)?(?:\.(?!\.?(?:/|$))|__MACOSX(?:/|$)|Thumbs\.db$|desktop\.ini$)", re.DOTALL)


def read(source: Source, context: Context) -> Iterator[Found]:
    """What lies inside, by name. Hidden files and those that systems put there for themselves are left out."""
    if source.depth >= context.limits.depth:
        raise DocumentError(f"archives nested more than {context.limits.depth} deep; unpack it")
    empty = True
    for item in _READERS.get(source.suffix, _packed)(source, context):
        empty = False
        yield item
    if empty:
        raise DocumentError("no files in it")


class Names:
    """Gives each part of a whole a name of its own: `a`, then `a#2`. As many as `most` are remembered; from then on
    every name gets the number of the part."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._times: dict[str, int] = {}
        self._number = 0

    def own(self, name: str) -> str:
        self._number += 1
        if len(self._times) >= self._most:
            return f"{name}#{self._number}"
        times = self._times.get(name, 0) + 1
        while times > 1 and f"{name}#{times}" in self._times:
            times += 1
        self._times[name] = times
        if times == 1:
            return name
        self._times[f"{name}#{times}"] = 1
        return f"{name}#{times}"


# What unpacking may cost


class _Exhausted(DocumentError):
    """No more of the file may be unpacked."""


class Budget:
    """What may still be unpacked of one file, and of all that lies in it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._bytes = limits.unpacked
        self._members = limits.members

    def take(self, count: int) -> None:
        self._bytes -= count
        if self._bytes < 0:
            raise _Exhausted(f"unpacks to more than {megabytes(self._limits.unpacked)}; the rest of it is not read")

    def take_member(self) -> None:
        self._members -= 1
        if self._members < 0:
            raise _Exhausted(f"more than {self._limits.members:,} files; the rest of them is not read")


def budget_of(source: Source, limits: Limits) -> Budget:
    """That of the file it was unpacked from, if it was."""
    return getattr(source.stream, "budget", None) or Budget(limits)


class _Ratio:
    """Refuses what was packed far smaller than files are."""

    def __init__(self, limits: Limits, packed: int) -> None:
        self._most = limits.ratio
        self._packed = packed
        self._unpacked = 0

    def take(self, count: int) -> None:
        self._unpacked += count
        if self._unpacked > max(_RATIO_COUNTS, self._most * self._packed):
            raise DocumentError(f"unpacks to more than {self._most} times its size; it is not read")


class Part(io.BytesIO):
    """A part that is in memory."""

    budget: Budget | None = None


class _Kept(SpooledTemporaryFile[bytes]):
    """A part that was unpacked, in memory where it is small."""

    budget: Budget | None = None


def part(data: bytes, budget: Budget) -> BinaryIO:
    """Data as a stream; what it unpacks to counts with the rest."""
    stream = Part(data)
    stream.budget = budget
    return stream


def _kept(blocks: Iterator[bytes], budget: Budget) -> tuple[BinaryIO, int]:
    """A stream of its own, and its size. The caller closes it."""
    kept = _Kept(_IN_MEMORY)
    kept.budget = budget
    try:
        for block in blocks:
            kept.write(block)
        size = kept.tell()
        kept.seek(0)
    except BaseException:
        kept.close()
        raise
    return cast(BinaryIO, kept), size


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(_BLOCK):
        yield block


# gzip, bzip2 and xz


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Zlib:
    """zlib's decompressor with the interface that bz2's and lzma's have. What comes before damage is not lost."""

    def __init__(self, window: int) -> None:
        self._inner = zlib.decompressobj(window)
        self._damage: zlib.error | None = None

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail and not self._damage

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if self._damage:
            raise self._damage
        data = self._inner.unconsumed_tail + data
        before = self._inner.copy()
        try:
            return self._inner.decompress(data, max_length)
        except zlib.error as error:
            self._damage = error
        good = bytearray()
        try:
            for place in range(len(data)):
                good += before.decompress(data[place : place + 1])
        except zlib.error:
            if not good:
                raise
        return bytes(good)


@dataclass(frozen=True)
class Packing:
    """A way to pack a stream."""

    name: str
    decompressor: Callable[[], _Decompressor]


GZIP = Packing("gzip", lambda: _Zlib(31))
ZLIB = Packing("deflate", lambda: _Zlib(15))
DEFLATE = Packing("deflate", lambda: _Zlib(-15))
_BZIP2 = Packing("bzip2", bz2.BZ2Decompressor)
_XZ = Packing("xz", lambda: lzma.LZMADecompressor(memlimit=_WORKING_MEMORY))
_PACKINGS = {
    ".gz": GZIP,
    ".tgz": GZIP,
    ".bz2": _BZIP2,
    ".tbz": _BZIP2,
    ".tbz2": _BZIP2,
    ".xz": _XZ,
    ".txz": _XZ,
}


class Unpacked(io.RawIOBase):
    """The bytes that a packed stream, of one part or several, unpacks to. Where it is damaged, or more than may be
    unpacked, it ends, and says so. Seeking backwards begins anew."""

    def __init__(self, packed: BinaryIO, packing: Packing, size: int, limits: Limits, budget: Budget) -> None:
        self.problem = ""
        """Why it ended too early."""
        self.too_much = False
        """That is because of its size."""
        self._packed = packed
        self._packing = packing
        self._start = packed.tell()
        self._costs = (_Ratio(limits, size), budget)
        self._furthest = 0
        self._begin()

    def _begin(self) -> None:
        self._packed.seek(self._start)
        self._decompressor = self._packing.decompressor()
        self._position = 0
        self._ended = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            while self._some(_BLOCK):
                pass
            offset += self._position
        elif whence == io.SEEK_CUR:
            offset += self._position
        if offset < self._position:
            self._begin()
        while self._position < offset and self._some(min(_BLOCK, offset - self._position)):
            pass
        return self._position

    def readinto(self, buffer: Any) -> int:
        data = self._some(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _some(self, most: int) -> bytes:
        """At least a byte, but at the end."""
        if self._ended or not most:
            return b""
        data = self._next(most)
        self._position += len(data)
        new = self._position - self._furthest
        if new > 0:
            self._furthest = self._position
            try:
                for cost in self._costs:
                    cost.take(new)
            except DocumentError as error:
                self.problem, self.too_much = str(error), True
                data = b""
        self._ended = not data
        return data

    def _next(self, most: int) -> bytes:
        while True:
            if self._decompressor.eof:
                rest = self._decompressor.unused_data or self._packed.read(_BLOCK)
                while rest and not rest.strip(b"\0"):
                    rest = self._packed.read(_BLOCK)
                if not rest:
                    return b""
                self._decompressor = self._packing.decompressor()
                packed = rest.lstrip(b"\0")
            elif self._decompressor.needs_input:
                packed = self._packed.read(_BLOCK)
                if not packed:
                    self.problem = f"cut off ({self._packing.name} that does not come to its end)"
                    return b""
            else:
                packed = b""
            try:
                data = self._decompressor.decompress(packed, most)
            except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, MemoryError):
                self.problem = f"damaged, or not {self._packing.name}"
                return b""
            if data:
                return data


class _Stream(io.BufferedReader):
    """What is unpacked while it is read."""

    budget: Budget | None = None


def _packed(source: Source, context: Context) -> Iterator[Found]:
    if not source.size:
        raise DocumentError("empty")
    suffix = _SHORT_FORMS.get(source.suffix) or PurePosixPath(source.name[: -len(source.suffix)]).suffix.lower()
    if not suffix:
        raise DocumentError(f"its name does not say what is in it; expected one such as name.txt{source.suffix}")
    try:
        format_of(suffix)
    except DocumentError as error:
        yield Skipped(source.name, f"holds {suffix}: {error}", Cause.FORMAT)
        return
    budget = budget_of(source, context.limits)
    raw = Unpacked(source.stream, _PACKINGS[source.suffix], source.size, context.limits, budget)
    stream = _Stream(raw, _BLOCK)
    stream.budget = budget
    if not stream.peek(1) and raw.problem:
        raise DocumentError(raw.problem)
    inner = replace(
        source,
        stream=cast(BinaryIO, stream),
        suffix=suffix,
        depth=source.depth + (suffix != ".tar"),  # a packed tar file is one archive
    )
    if suffix in _STREAMED:
        yield from context.read(inner)  # its size is not known before its end: that of what is packed stands for it
    else:
        kept, size = _kept(_blocks(cast(BinaryIO, stream)), budget)
        with kept:
            if not raw.too_much:
                yield from context.read(replace(inner, stream=kept, size=size))
    if raw.too_much:
        yield Skipped(source.name, raw.problem)
    elif raw.problem:
        yield Remark(source.name, f"{raw.problem}; what could be unpacked is read")


# ZIP


def _zip(source: Source, context: Context) -> Iterator[Found]:
    _check_directory(source, context.limits)
    try:
        archive = zipfile.ZipFile(source.stream)
    except Exception as error:  # what damaged contents raise is written down nowhere
        raise DocumentError("damaged, or not a ZIP file (no table of contents at its end)") from error
    budget = budget_of(source, context.limits)
    whole = _Ratio(context.limits, source.size)
    names = Names(context.limits.members)
    with archive:
        members = archive.infolist()
        for info, name in zip(members, _zip_names(members), strict=True):
            if name.endswith("/") or _UNWANTED.match(name):
                continue
            budget.take_member()
            own_name = clean(names.own(name))
            place = f"{source.name}!{own_name}"
            if skipped := _refused(place, name) or _refused_member(place, info):
                yield skipped
                continue
            packed = _Ratio(context.limits, min(info.compress_size, source.size))
            try:
                kept, size = _kept(_member(source, archive, info, (budget, packed, whole), context.limits), budget)
            except _Exhausted:
                raise
            except DocumentError as error:
                yield Skipped(place, str(error))
                continue
            with kept:
                yield from context.read(source.inside(own_name, kept, size, _suffix(name)))


def _check_directory(source: Source, limits: Limits) -> None:
    """The table of contents is read as a whole: it must not be larger than any that is meant seriously."""
    length = min(source.size, 65_557)
    source.stream.seek(source.size - length)
    ending = source.stream.read(length)
    source.stream.seek(0)
    place = ending.rfind(b"PK\x05\x06")
    large = ending.rfind(b"PK\x06\x06")
    size = 0
    if 0 <= place <= len(ending) - 16:
        (size,) = struct.unpack_from("<I", ending, place + 12)
    if size == 0xFFFFFFFF and 0 <= large <= len(ending) - 48:
        (size,) = struct.unpack_from("<Q", ending, large + 40)
    if min(size, source.size) > max(limits.members, 1000) * _DIRECTORY_ENTRY:
        raise DocumentError(f"a table of contents of {megabytes(size)}, far more than {limits.members:,} files")


def _zip_names(members: list[zipfile.ZipInfo]) -> Iterator[str]:
    """Names that are not marked as UTF-8 are in whatever encoding was usual where they were packed."""
    unmarked = {info.orig_filename.encode("cp437", "replace") for info in members if not info.flag_bits & 0x800}
    foreign = [name for name in unmarked if not name.isascii()]
    charset = _charset(b"\n".join(sorted(foreign)[:1000]))
    for info in members:
        name = info.orig_filename
        if not info.flag_bits & 0x800 and not name.isascii():
            name = name.encode("cp437", "replace").decode(charset, "replace")
        name = name.partition("\0")[0]
        if info.create_system == _WINDOWS:
            name = name.replace("\\", "/")
        yield name.removeprefix("./")


def _charset(names: bytes) -> str:
    try:
        return decoded(names).charset
    except DocumentError:
        return "cp437"


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _refused(place: str, name: str) -> Skipped | None:
    """A file that is not even looked at, because of its name."""
    if _LEAVES.match(name):
        return Skipped(place, "a path that leaves the archive")
    try:
        format_of(_suffix(name))
    except DocumentError as error:
        return Skipped(place, str(error), Cause.FORMAT)
    return None


def _refused_member(place: str, info: zipfile.ZipInfo) -> Skipped | None:
    if info.flag_bits & 1:
        return Skipped(place, "encrypted; unpack it with its password")
    if info.create_system == _UNIX and stat.S_ISLNK(info.external_attr >> 16):
        return Skipped(place, "a link to another file")
    return None


def _member(
    source: Source, archive: zipfile.ZipFile, info: zipfile.ZipInfo, costs: tuple[Budget | _Ratio, ...], limits: Limits
) -> Iterator[bytes]:
    """Its blocks, each paid for."""
    packed = info.compress_type in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    left = info.file_size
    with _opened(source, info, limits) if packed else _opened_by_zipfile(archive, info) as stream:
        while (left or not packed) and (block := _block(stream, min(_BLOCK, left) if packed else _BLOCK)):
            left -= len(block)
            for cost in costs:
                cost.take(len(block))
            yield block
    if packed and left:
        raise DocumentError("damaged")


def _opened_by_zipfile(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    try:
        return archive.open(info)
    except NotImplementedError as error:
        raise DocumentError("packed in a way that is not supported; unpack it") from error
    except Exception as error:  # as above
        raise DocumentError("damaged") from error


def _opened(source: Source, info: zipfile.ZipInfo, limits: Limits) -> Unpacked:
    """Of what is packed with bzip2 or LZMA, zipfile would unpack a block at once, whatever that makes."""
    if info.compress_size > limits.text:
        raise DocumentError(f"{megabytes(info.compress_size)} packed, expected at most {megabytes(limits.text)}")
    if not 0 <= info.header_offset <= source.size:
        raise DocumentError("damaged")
    source.stream.seek(info.header_offset)
    header = source.stream.read(30).ljust(30, b"\0")
    source.stream.seek(sum(struct.unpack("<HH", header[26:])), io.SEEK_CUR)
    data = source.stream.read(info.compress_size)
    packing = _BZIP2 if info.compress_type == zipfile.ZIP_BZIP2 else Packing("LZMA", partial(_lzma, data[4:9]))
    start = 0 if packing is _BZIP2 else 9
    try:
        return Unpacked(io.BytesIO(data[start:]), packing, len(data), limits, Budget(limits))
    except (lzma.LZMAError, ValueError, MemoryError) as error:
        raise DocumentError("damaged") from error


def _lzma(settings: bytes) -> lzma.LZMADecompressor:
    """As the five bytes say that come before the data."""
    bits, size = struct.unpack("<BI", settings.ljust(5, b"\0"))
    if size > _WORKING_MEMORY:
        raise ValueError(f"{size} bytes of memory")
    own = {"id": lzma.FILTER_LZMA1, "dict_size": size, "lc": bits % 9, "lp": bits // 9 % 5, "pb": bits // 45}
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[own])


def _block(stream: Any, size: int) -> bytes:
    try:
        block = cast(bytes, stream.read(size))
    except Exception as error:  # as above
        raise DocumentError("damaged") from error
    if isinstance(stream, Unpacked) and stream.too_much:
        raise DocumentError(stream.problem)
    return block


# tar

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


def _tar(source: Source, context: Context) -> Iterator[Found]:
    budget = budget_of(source, context.limits)
    names = Names(context.limits.members)
    stream = source.stream
    for item in _headers(stream):
        if isinstance(item, str):
            yield Skipped(source.name, item)
            return
        header = item
        if header.kind == b"5" or header.name.endswith("/") or _UNWANTED.match(header.name):
            _pass(stream, header.size)
            continue
        budget.take_member()
        name = clean(names.own(header.name))
        place = f"{source.name}!{name}"
        if skipped := _refused(place, header.name) or _refused_kind(place, header):
            yield skipped
            _pass(stream, header.size)
            continue
        kept, size = _kept(_exactly(stream, header.size), budget)
        with kept:
            if size < header.size:
                yield Skipped(place, "cut off")
                return
            _pass(stream, -size % _RECORD, padded=True)
            yield from context.read(source.inside(name, kept, size, _suffix(header.name)))


def _refused_kind(place: str, header: _Header) -> Skipped | None:
    if header.kind in _LINKS:
        return Skipped(place, "a link to another file")
    if header.kind in _DEVICES:
        return Skipped(place, "a device, not a file")
    if header.sparse or header.kind not in (b"0", b"\0", b"7"):
        return Skipped(place, "kept in a way that is not supported; unpack it")
    return None


def _exactly(stream: BinaryIO, count: int) -> Iterator[bytes]:
    while count > 0 and (block := stream.read(min(_BLOCK, count))):
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
    return name.decode(_charset(name) if not name.isascii() else "utf-8", "replace")


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


_READERS = {".zip": _zip, ".tar": _tar}
