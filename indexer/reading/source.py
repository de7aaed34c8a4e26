"""What a reader is given: bytes with a name, limits, and a way to read what lies inside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from indexer.documents import Document, Found, document_of
from indexer.errors import DocumentError


@dataclass(frozen=True)
class Limits:
    """What is too much; whoever exceeds it is reported, and costs no more than this."""

    text: int = 100_000_000
    """Bytes of a file that becomes one document, and of what is unpacked to make one."""
    line: int = 20_000_000
    """Bytes of one line or row."""
    unpacked: int = 4_000_000_000
    """Bytes of everything in an archive."""
    ratio: int = 200
    """Unpacked to packed bytes, once the former exceed a megabyte."""
    members: int = 100_000
    """Files in an archive."""
    depth: int = 4
    """Archives within archives, attachments of attached mails."""


@dataclass(frozen=True)
class Source:
    """Bytes to read documents from: a file, a member of an archive, an attachment, a stream."""

    name: str
    """The id of its document, and how it is called in reports: a path as given; `archive.zip!path/in/it` for a
    member."""
    stream: BinaryIO
    """At its beginning; it can seek."""
    size: int
    """Bytes."""
    suffix: str
    """What its name ends in, in small letters, with the dot; decides on the format."""
    charset: str = ""
    """An encoding that was declared outside of it, such as by a mail's header."""
    depth: int = 0
    """How many archives or mails it lies in."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """What is known of its documents that they do not say themselves: any of title, lang, date, source, url."""

    def document(
        self,
        text: str,
        *,
        identifier: str = "",
        metadata: Mapping[str, Any] | None = None,
        title: str | None = None,
        lang: str | None = None,
        date: str | None = None,
        source: str | None = None,
        url: str | None = None,
        pages: tuple[int, ...] = (),
    ) -> Document:
        """A document named as the source is, unless it has an identifier. Where a field is empty, what the source knows
        of it is taken. Raises DocumentError for a text that is empty."""
        known = self.fields.get
        return document_of(
            identifier or self.name,
            text,
            title=title or known("title", ""),
            lang=lang or known("lang", ""),
            date=date or known("date", ""),
            source=source or known("source", ""),
            url=url or known("url", ""),
            metadata=metadata,
            pages=pages,
        )

    def inside(self, name: str, stream: BinaryIO, size: int, suffix: str) -> Source:
        """A part of this one, under `NAME!name`."""
        return replace(
            self, name=f"{self.name}!{name}", stream=stream, size=size, suffix=suffix, charset="", depth=self.depth + 1
        )

    def read(self, limit: int) -> bytes:
        """All of it. Raises DocumentError where it is larger than `limit` bytes."""
        if self.size > limit:
            raise DocumentError(f"{megabytes(self.size)}, expected at most {megabytes(limit)}; split it")
        data = self.stream.read(limit + 1)
        if len(data) > limit:
            raise DocumentError(f"more than {megabytes(limit)}, which is the most that is read; split it")
        return data


@dataclass(frozen=True)
class Context:
    """What all readers of a run share."""

    read: Callable[[Source], Iterator[Found]]
    """Reads what lies inside of something, by its suffix; never raises DocumentError, but yields Skipped."""
    limits: Limits = field(default_factory=Limits)
    columns: Mapping[str, str] = field(default_factory=dict)
    """Column of a table, or field of a JSON line -> the field of a document that it is: id, title, text, lang, date,
    source, url. Others are metadata."""


Reader = Callable[[Source, Context], Iterator[Found]]
"""Yields documents, and what it had to skip; raises DocumentError where nothing at all can be read."""


def megabytes(size: int) -> str:
    """`12 MB`."""
    return f"{size / 1e6:,.0f} MB" if size >= 10_000_000 else f"{size / 1e6:,.1f} MB"
