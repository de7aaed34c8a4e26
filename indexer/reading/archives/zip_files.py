"""ZIP -> the files in it."""

from __future__ import annotations

import io
import lzma
import stat
import struct
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import IO, Any, cast

from indexer.documents import Found, Skipped, clean
from indexer.errors import DocumentError
from indexer.reading.archives.members import UNWANTED, refused, suffix_of
from indexer.reading.archives.zip_directory import names_of, opened
from indexer.reading.budget import Budget, Exhausted, Ratio
from indexer.reading.own_names import OwnNames
from indexer.reading.part_streams import budget_of, part_of_blocks
from indexer.reading.source import Context, Limits, Source, megabytes
from indexer.reading.unpacked import BLOCK, BZIP2, WORKING_MEMORY, Packing, Unpacked

_UNIX = 3


def read_zip(source: Source, context: Context) -> Iterator[Found]:
    archive = opened(source, context.limits)
    budget = budget_of(source, context.limits)
    whole = Ratio(context.limits, source.size)
    names = OwnNames(context.limits.members)
    with archive:
        members = archive.infolist()
        for info, name in zip(members, names_of(members), strict=True):
            if name.endswith("/") or UNWANTED.match(name):
                continue
            budget.take_member()
            own_name = clean(names.own(name))
            place = f"{source.name}!{own_name}"
            if skipped := refused(place, name) or _refused_member(place, info):
                yield skipped
                continue
            packed = Ratio(context.limits, min(info.compress_size, source.size))
            try:
                blocks = _member(source, archive, info, (budget, packed, whole), context.limits)
                kept, size = part_of_blocks(blocks, budget)
            except Exhausted:
                raise
            except DocumentError as error:
                yield Skipped(place, str(error))
                continue
            with kept:
                yield from context.read(source.inside(own_name, kept, size, suffix_of(name)))


def _refused_member(place: str, info: zipfile.ZipInfo) -> Skipped | None:
    if info.flag_bits & 1:
        return Skipped(place, "encrypted; unpack it with its password")
    if info.create_system == _UNIX and stat.S_ISLNK(info.external_attr >> 16):
        return Skipped(place, "a link to another file")
    return None


def _member(
    source: Source, archive: zipfile.ZipFile, info: zipfile.ZipInfo, costs: tuple[Budget | Ratio, ...], limits: Limits
) -> Iterator[bytes]:
    """Its blocks, each paid for."""
    packed = info.compress_type in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    left = info.file_size
    with _opened(source, info, limits) if packed else _opened_by_zipfile(archive, info) as stream:
        while (left or not packed) and (block := _block(stream, min(BLOCK, left) if packed else BLOCK)):
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
    except Exception as error:  # what damaged contents raise is written down nowhere
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
    packing = BZIP2 if info.compress_type == zipfile.ZIP_BZIP2 else Packing("LZMA", partial(_lzma, data[4:9]))
    start = 0 if packing is BZIP2 else 9
    try:
        return Unpacked(io.BytesIO(data[start:]), packing, len(data), limits, Budget(limits))
    except (lzma.LZMAError, ValueError, MemoryError) as error:
        raise DocumentError("damaged") from error


def _lzma(settings: bytes) -> lzma.LZMADecompressor:
    """As the five bytes say that come before the data."""
    bits, size = struct.unpack("<BI", settings.ljust(5, b"\0"))
    if size > WORKING_MEMORY:
        raise ValueError(f"{size} bytes of memory")
    own = {"id": lzma.FILTER_LZMA1, "dict_size": size, "lc": bits % 9, "lp": bits // 9 % 5, "pb": bits // 45}
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[own])


def _block(stream: Any, size: int) -> bytes:
    try:
        block = cast(bytes, stream.read(size))
    except Exception as error:  # what damaged contents raise is written down nowhere
        raise DocumentError("damaged") from error
    if isinstance(stream, Unpacked) and stream.too_much:
        raise DocumentError(stream.problem)
    return block
