"""Web archives (WARC) -> a document of each page in them that is of a format that is read."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from io import SEEK_CUR, BytesIO
from pathlib import PurePosixPath
from typing import BinaryIO
from urllib.parse import urlsplit

from indexer.documents import Found, Skipped, clean
from indexer.errors import DocumentError
from indexer.reading.archives import DEFLATE, GZIP, ZLIB, Budget, Names, Packing, Unpacked, budget_of, part
from indexer.reading.formats import SUFFIXES
from indexer.reading.source import Context, Limits, Source, megabytes

_LONGEST_LINE = 65_536
_LONGEST_HEADERS = 1_000_000
_MOST_LINES = 1_000
_LONGEST_ADDRESS = 1_000
_BEGINNING = re.compile(rb"WARC/\d+\.\d+\r?\n")
_CHUNK = re.compile(rb"([0-9a-f]{1,8})[ \t]*(?:;[^\r\n]{0,1000})?\r\n", re.IGNORECASE)
_KINDS = ("response", "resource", "conversion")
_SUFFIXES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/rss+xml": ".xml",
    "application/atom+xml": ".xml",
    "text/xml": ".xml",
    "application/xml": ".xml",
    "application/pdf": ".pdf",
    "application/rtf": ".rtf",
    "text/rtf": ".rtf",
    "application/epub+zip": ".epub",
    "application/msword": ".doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.oasis.opendocument.presentation": ".odp",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
}
_FEED = re.compile(rb"<(?:rss|feed|rdf:RDF)\b")


def read(source: Source, context: Context) -> Iterator[Found]:
    """Pages that were answered with `200 OK`, and what was put in beside them. Pictures, scripts and the like, and what
    tells of the crawl itself, are left out."""
    names = Names(context.limits.members)
    records = _Records(source.stream, context.limits)
    found = False
    for record in records:
        if isinstance(record, DocumentError):
            found = True
            yield Skipped(f"{source.name}:{records.offset}", str(record))
            continue
        for item in _page(source, record, names, context):
            found = True
            yield item
    if not found:
        raise DocumentError("no pages in it")


# Records


@dataclass(frozen=True)
class _Record:
    """What was kept of one address, or of the crawl itself."""

    headers: Mapping[str, str]
    data: bytes


class _Records:
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

    def __iter__(self) -> Iterator[_Record | DocumentError]:
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
                found: _Record | DocumentError
                found, line = self._record()
            except DocumentError as error:
                found = error
                line = self._search()
            self.offset = offset
            yield found

    def _record(self) -> tuple[_Record, bytes]:
        """Also the line that the next one begins with."""
        headers = self._headers()
        length = headers.get("content-length", "")
        if not re.fullmatch(r"[0-9]{1,15}", length):
            raise DocumentError("a damaged record (it does not say how long it is)")
        if int(length) > self._limits.text:
            self._pass(int(length))
            most = megabytes(self._limits.text)
            raise DocumentError(f"a record of {megabytes(int(length))}, expected at most {most}: {_address(headers)}")
        data = self._bytes(int(length))
        following = [self._line()] if len(data) == int(length) else []
        while following and following[-1] and not following[-1].strip() and len(following) < _MOST_LINES:
            following.append(self._line())
        if following and (not following[-1] or _BEGINNING.match(following[-1])):
            return _Record(headers, data), following[-1]
        self._put_back(b"".join((data, *following)))
        raise DocumentError("a damaged record (it is not as long as it says)")

    def _headers(self) -> dict[str, str]:
        lines = []
        while (line := self._line()).strip():
            lines.append(line)
            if len(lines) > _MOST_LINES:
                raise DocumentError("a damaged record (its headers have no end)")
        return _headers(b"".join(lines))

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


def _headers(data: bytes) -> dict[str, str]:
    """By name in small letters; of several with a name the last one."""
    lines = re.sub(r"\r?\n[ \t]+", " ", data.decode("utf-8", "replace")).split("\n")
    pairs = (line.partition(":") for line in lines[:_MOST_LINES])
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}


def _address(headers: Mapping[str, str]) -> str:
    return clean(headers.get("warc-target-uri", "").strip("<> "))[:_LONGEST_ADDRESS]


# Pages


def _page(source: Source, record: _Record, names: Names, context: Context) -> Iterator[Found]:
    content = _content(record)
    if content is None:
        return
    headers, body = content
    address = _address(record.headers)
    kind, _, parameters = headers.get("content-type", "").partition(";")
    charset = re.search(r"charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})", parameters, re.IGNORECASE)
    suffix = _suffix(kind.strip().lower(), address)
    if suffix not in SUFFIXES or _path(address).endswith("/robots.txt"):
        return
    name = names.own(address or "?")
    budget = budget_of(source, context.limits)
    try:
        body = _unpacked(_joined(body, headers), headers, context.limits)
    except DocumentError as error:
        yield Skipped(f"{source.name}!{name}", str(error))
        return
    if suffix == ".xml" and not _FEED.search(body, 0, 4096):
        return
    inner = source.inside(name, part(body, budget), len(body), suffix)
    fields = {"url": address if address.startswith(("http://", "https://")) else ""}
    fields["date"] = record.headers.get("warc-date", "")[:10]
    known = charset.group(1) if charset else ""
    yield from context.read(replace(inner, charset=known, fields={**source.fields, **fields}))


def _content(record: _Record) -> tuple[Mapping[str, str], bytes] | None:
    """What was sent, without the answer around it."""
    if record.headers.get("warc-type", "").lower() not in _KINDS:
        return None
    if not record.headers.get("content-type", "").startswith("application/http"):
        return record.headers, record.data
    answer = re.match(rb"HTTP/\d(?:\.\d)? +(\d{3})", record.data)
    end = re.compile(rb"\r?\n\r?\n").search(record.data, 0, _LONGEST_HEADERS)
    if not answer or answer.group(1) != b"200" or not end:
        return None
    return _headers(record.data[: end.start()]), record.data[end.end() :]


def _suffix(kind: str, address: str) -> str:
    """By the kind of content; where the server did not know it, by the address."""
    if kind in ("", "application/octet-stream", "binary/octet-stream"):
        suffix = PurePosixPath(_path(address)).suffix.lower()
        return suffix if suffix in _SUFFIXES.values() else ""
    return _SUFFIXES.get(kind, "")


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def _joined(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Chunks as a whole. Many that fetch pages join them, and still say that they are chunks."""
    if headers.get("transfer-encoding", "").lower() != "chunked" or not _CHUNK.match(body):
        return body
    whole = bytearray()
    place = 0
    while found := _CHUNK.match(body, place):
        place = found.end() + int(found.group(1), 16)
        whole += body[found.end() : place]
        place += 2 if body[place : place + 2] == b"\r\n" else 0
    return bytes(whole)


def _unpacked(body: bytes, headers: Mapping[str, str], limits: Limits) -> bytes:
    """As with chunks, it may have been unpacked before."""
    encodings = re.findall(r"[a-z0-9-]+", headers.get("content-encoding", "").lower())
    for encoding in reversed(encodings[:3]):
        if encoding in ("gzip", "x-gzip"):
            packing = GZIP if body.startswith(b"\x1f\x8b") else None
        elif encoding == "deflate":
            packing = ZLIB if re.match(rb"[\x08\x18\x28\x38\x48\x58\x68\x78]", body) else DEFLATE
        elif encoding == "br":
            body = _unbrotli(body, limits)
            continue
        elif encoding != "identity":
            raise DocumentError(f"packed as {encoding[:20]}, which is not supported")
        else:
            continue
        body = _inflated(body, packing, limits) if packing else body
    return body


def _inflated(body: bytes, packing: Packing, limits: Limits) -> bytes:
    stream = Unpacked(BytesIO(body), packing, len(body), limits, Budget(limits))
    whole = bytearray()
    while len(whole) <= limits.text and (block := stream.read(65_536)):
        whole += block
    if stream.too_much:
        raise DocumentError(stream.problem)
    _check_size(whole, limits)
    return bytes(whole) or body


def _unbrotli(body: bytes, limits: Limits) -> bytes:
    if importlib.util.find_spec("brotli") is None:
        raise DocumentError("packed as br; install what unpacks it with: pip install brotli")
    brotli = importlib.import_module("brotli")
    whole = bytearray()
    try:
        decompressor = brotli.Decompressor()
        whole += decompressor.process(body, output_buffer_limit=1_000_000)
        while not decompressor.is_finished() and len(whole) <= limits.text:
            block = decompressor.process(b"", output_buffer_limit=1_000_000)
            if not block:
                break
            whole += block
    except Exception:  # noqa: BLE001 - of a version or another package of that name, nothing is certain
        return bytes(whole) or body
    _check_size(whole, limits)
    return bytes(whole)


def _check_size(whole: bytearray, limits: Limits) -> None:
    if len(whole) > limits.text:
        raise DocumentError(f"unpacks to more than {megabytes(limits.text)}, which is the most that is read")
