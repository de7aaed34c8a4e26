"""A record of a page -> its documents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from indexer.documents import Found, Skipped
from indexer.errors import DocumentError
from indexer.reading.formats import SUFFIXES
from indexer.reading.own_names import OwnNames
from indexer.reading.part_streams import budget_of, part
from indexer.reading.source import Context, Source
from indexer.reading.warc.bodies import joined_chunks, unpacked_body
from indexer.reading.warc.records import Record, address_of, headers_of

_LONGEST_HEADERS = 1_000_000
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


def read_page(source: Source, record: Record, names: OwnNames, context: Context) -> Iterator[Found]:
    content = _content(record)
    if content is None:
        return
    headers, body = content
    address = address_of(record.headers)
    kind, _, parameters = headers.get("content-type", "").partition(";")
    charset = re.search(r"charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})", parameters, re.IGNORECASE)
    suffix = _suffix(kind.strip().lower(), address)
    if suffix not in SUFFIXES or _path(address).endswith("/robots.txt"):
        return
    name = names.own(address or "?")
    budget = budget_of(source, context.limits)
    try:
        body = unpacked_body(joined_chunks(body, headers), headers, context.limits)
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


def _content(record: Record) -> tuple[Mapping[str, str], bytes] | None:
    """What was sent, without the answer around it."""
    if record.headers.get("warc-type", "").lower() not in _KINDS:
        return None
    if not record.headers.get("content-type", "").startswith("application/http"):
        return record.headers, record.data
    answer = re.match(rb"HTTP/\d(?:\.\d)? +(\d{3})", record.data)
    end = re.compile(rb"\r?\n\r?\n").search(record.data, 0, _LONGEST_HEADERS)
    if not answer or answer.group(1) != b"200" or not end:
        return None
    return headers_of(record.data[: end.start()]), record.data[end.end() :]


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
