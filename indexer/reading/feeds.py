"""Feeds (RSS and Atom) -> a document of each entry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from html.entities import html5
from io import BytesIO
from typing import Any

from indexer.documents import Document, Found, Remark, Skipped, clean
from indexer.errors import DocumentError
from indexer.normal_form import normal_form
from indexer.reading.encodings import declared_in, decoded, remarks
from indexer.reading.feed_elements import (
    XML,
    all_text,
    forget,
    local_name,
    name_of,
    one_line,
    target_of,
    text_of,
    whole_address,
)
from indexer.reading.feed_entry import TEXTS, EntryParts
from indexer.reading.mail_date import iso_date
from indexer.reading.own_names import OwnNames
from indexer.reading.source import Context, Source

_DECLARED = re.compile(r"\A\s*<\?xml\b[^>]{0,500}\?>")
_DOUBTFUL = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<(?![A-Za-z_:/!?\x80-\U0010ffff])|&(?:([A-Za-z][A-Za-z0-9]{0,31});|(?!#))?", re.DOTALL
)
_XML_ENTITIES = ("lt", "gt", "amp", "quot", "apos")
_IMPOSSIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ROOTS = ("rss", "rdf", "feed", "entry")
_ENTRIES = ("item", "entry")
_OWNERS = ("channel", "feed")
_DATES = ("pubdate", "published", "issued", "dc:date", "dc:issued", "dc:created", "updated", "modified", "dc:modified")
_LONGEST_ID = 500


def read(source: Source, context: Context) -> Iterator[Found]:
    """Entries in order. Language and source are the feed's where the entry has none of its own."""
    data = source.read(context.limits.text)
    found = decoded(data, source.charset or declared_in(data))
    text = _IMPOSSIBLE.sub("", _DECLARED.sub("", found.text)).lstrip()
    text = _DOUBTFUL.sub(_mended, normal_form(text))
    yield from _Feed(source).entries(text.encode("utf-8"))
    yield from remarks(source.name, found)


def _mended(found: re.Match[str]) -> str:
    """Feeds are often written with HTML's entities, and with `&` and `<` as they are."""
    name = found.group(1)
    if found.group() in "&<":
        return escape(found.group())
    if not name or name in _XML_ENTITIES or f"{name};" not in html5:
        return found.group()
    return escape(html5[f"{name};"])


@dataclass
class _Feed:
    """A feed while it is read."""

    source: Source
    title: str = ""
    lang: str = ""
    link: str = ""
    author: str = ""
    number: int = 0
    names: OwnNames = field(default_factory=lambda: OwnNames(1_000_000))

    def entries(self, data: bytes) -> Iterator[Found]:
        from lxml.etree import XMLSyntaxError, iterparse

        # Entities are not resolved: a bomb is made of them.
        events = iterparse(
            BytesIO(data),
            events=("start", "end"),
            encoding="utf-8",
            recover=True,
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
        )
        root = None
        inside = 0
        try:
            for event, element in events:
                name = name_of(element)
                if root is None:
                    root = element
                    self._check(element)
                if event == "start":
                    inside += name in _ENTRIES
                    continue
                if name in _ENTRIES:
                    inside -= 1
                    if not inside:
                        yield self._entry(element)
                        forget(element)
                elif not inside:
                    self._tell(name, element)
        except XMLSyntaxError as error:
            if not self.number:
                raise DocumentError(f"not XML ({one_line(str(error))[:80]})") from error
            yield Skipped(self.source.name, "broken XML; the entries behind it are not read")
            return
        if root is None:
            raise DocumentError("not XML")
        errors = [error for error in events.error_log if error.type_name != "NS_ERR_UNDEFINED_NAMESPACE"]
        if not self.number:
            more = f" that can be read (XML with an error in line {errors[0].line})" if errors else ""
            raise DocumentError(f"a feed without entries{more}")
        if errors:
            yield Remark(self.source.name, f"XML with an error in line {errors[0].line}; read as far as it can be")

    def _check(self, root: Any) -> None:
        if name_of(root) not in _ROOTS:
            raise DocumentError(f"XML, but no RSS or Atom feed (it begins with <{local_name(root)[:40]}>)")
        self.lang = root.get(f"{XML}lang") or ""

    def _tell(self, name: str, element: Any) -> None:
        """What the feed says of itself."""
        owner = element.getparent()
        if owner is None or name_of(owner) not in _OWNERS:
            return
        if name == "title":
            self.title = self.title or one_line(text_of(element))
        elif name in ("language", "dc:language"):
            self.lang = all_text(element).strip() or self.lang
        elif name == "link":
            self.link = self.link or target_of(element)
        elif name == "author":
            self.author = self.author or EntryParts(author=[element]).authors()

    def _entry(self, entry: Any) -> Document | Skipped:
        self.number += 1
        parts = EntryParts.of(entry)
        url = whole_address(entry.base or self.link, parts.link())
        identifier = one_line(parts.first("guid", "id")) or url
        if not identifier or len(identifier) > _LONGEST_ID:
            identifier = str(self.number)
        name = f"{self.source.name}#{self.names.own(clean(identifier))}"
        title = one_line(parts.text("title", "dc:title", "media:title", "itunes:title"))
        metadata: dict[str, Any] = {}
        if author := parts.authors() or self.author:
            metadata["author"] = author
        if tags := parts.tags():
            metadata["tags"] = tags
        try:
            return self.source.document(
                parts.text(*TEXTS) or title,
                identifier=name,
                title=title,
                lang=parts.lang() or entry.get(f"{XML}lang") or self.lang,
                date=iso_date(parts.first(*_DATES)),
                source=parts.origin() or self.title,
                url=url,
                metadata=metadata,
            )
        except DocumentError:
            return Skipped(name, "an entry without title and text")
