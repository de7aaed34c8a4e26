"""A web archive -> its records, one after the other; behind a damaged one the next is looked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import SEEK_CUR, BytesIO
from typing import BinaryIO

from indexer.documents import clean
from indexer.errors import DocumentError
from indexer.reading.source import Limits, megabytes

_LONGEST_LINE = 65_536
_MOST_LINES = 1_000
_LONGEST_ADDRESS = 1_000
_BEGINNING = re.compile(rb"WARC/\d+\.\d+\r?\n")


@dataclass(frozen=True)
class Record:
    """What was kept of one address, or of the crawl itself."""

    headers: Mapping[str, str]
    data: bytes


class Records:
    """Records one after the other; an error for each that is damaged, behind which the next one is looked for."""

    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self._back = BytesIO()
        """Bytes that had been taken for a part of the record before."""
        self._place = 0
        self._furthest = 0
        self._read_again = 0
        self.offset = 0
        """Where the record begins."""

    def __iter__(self) -> Iterator[Record | DocumentError]:
        line = self._line()
        while line and not line.strip():
            line = self._line()
        if not line:
            raise DocumentError("empty")
        if not _BEGINNING.match(line):
            raise DocumentError('not a web archive (no "WARC/" at its beginning)')
        while line:
            offset = self._place - len(line)
            try:
                found: Record | DocumentError
                found, line = self._record()
            except DocumentError as error:
                found = error
                line = self._search()
            self.offset = offset
            yield found

    def _record(self) -> tuple[Record, bytes]:
        """Also the line that the next one begins with."""
        headers = self._headers()
        length = headers.get("content-length", "")
        if not re.fullmatch(r"[0-9]{1,15}", length):
            raise DocumentError("a damaged record (it does not say how long it is)")
        if int(length) > self._limits.text:
            self._pass(int(length))
            most = megabytes(self._limits.text)
            raise DocumentError(f"a record of {megabytes(int(length))}, expected at most {most}: {address_of(headers)}")
        data = self._bytes(int(length))
        following = [self._line()] if len(data) == int(length) else []
        while following and following[-1] and not following[-1].strip() and len(following) < _MOST_LINES:
            following.append(self._line())
        if following and (not following[-1] or _BEGINNING.match(following[-1])):
            return Record(headers, data), following[-1]
        self._put_back(b"".join((data, *following)))
        raise DocumentError("a damaged record (it is not as long as it says)")

    def _headers(self) -> dict[str, str]:
        lines = []
        while (line := self._line()).strip():
            lines.append(line)
            if len(lines) > _MOST_LINES:
                raise DocumentError("a damaged record (its headers have no end)")
        return headers_of(b"".join(lines))

    def _search(self) -> bytes:
        """The next line that a record begins with."""
        while (line := self._line()) and not _BEGINNING.match(line):
            pass
        return line

    def _line(self) -> bytes:
        line = self._back.readline(_LONGEST_LINE)
        if not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
            line += self._stream.readline(_LONGEST_LINE - len(line))
        self._forward(len(line))
        return line

    def _bytes(self, count: int) -> bytes:
        data = self._back.read(count)
        data += self._stream.read(count - len(data))
        self._forward(len(data))
        return data

    def _pass(self, count: int) -> None:
        self._forward(count)
        count -= len(self._back.read(count))
        self._stream.seek(count, SEEK_CUR)

    def _forward(self, count: int) -> None:
        self._place += count
        self._furthest = max(self._furthest, self._place)

    def _put_back(self, data: bytes) -> None:
        """Only so often that reading a file costs no more than reading it a few times."""
        data += self._back.read()
        self._read_again += len(data)
        if self._read_again <= self._limits.text + self._furthest:
            self._back = BytesIO(data)
            self._place -= len(data)


def headers_of(data: bytes) -> dict[str, str]:
    """By name in small letters; of several with a name the last one."""
    lines = re.sub(r"\r?\n[ \t]+", " ", data.decode("utf-8", "replace")).split("\n")
    pairs = (line.partition(":") for line in lines[:_MOST_LINES])
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}


def address_of(headers: Mapping[str, str]) -> str:
    return clean(headers.get("warc-target-uri", "").strip("<> "))[:_LONGEST_ADDRESS]
