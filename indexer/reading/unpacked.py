"""What is packed with gzip, bzip2 or xz -> a stream of what it unpacks to, within limits."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from indexer.errors import DocumentError
from indexer.reading.budget import Budget, Ratio
from indexer.reading.source import Limits

BLOCK = 65_536
WORKING_MEMORY = 200_000_000
"""What unpacking xz may take; its strongest setting takes 65 MB."""


def blocks_of(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(BLOCK):
        yield block


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
BZIP2 = Packing("bzip2", bz2.BZ2Decompressor)
XZ = Packing("xz", lambda: lzma.LZMADecompressor(memlimit=WORKING_MEMORY))


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
        self._costs = (Ratio(limits, size), budget)
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
            while self._some(BLOCK):
                pass
            offset += self._position
        elif whence == io.SEEK_CUR:
            offset += self._position
        if offset < self._position:
            self._begin()
        while self._position < offset and self._some(min(BLOCK, offset - self._position)):
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
                rest = self._decompressor.unused_data or self._packed.read(BLOCK)
                while rest and not rest.strip(b"\0"):
                    rest = self._packed.read(BLOCK)
                if not rest:
                    return b""
                self._decompressor = self._packing.decompressor()
                packed = rest.lstrip(b"\0")
            elif self._decompressor.needs_input:
                packed = self._packed.read(BLOCK)
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
