"""Feeds (RSS and Atom) -> a document of each entry. Also HTML that is part of something else -> its text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from html.entities import html5
from io import BytesIO
from typing import Any
from urllib.parse import urljoin

from indexer.documents import Document, Found, Remark, Skipped, clean
from indexer.errors import DocumentError
from indexer.normal_form import normal_form
from indexer.reading.archives import Names
from indexer.reading.encodings import declared_in, decoded, remarks
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
_PREFIXES = {
    "": "",
    "http://purl.org/rss/1.0/": "",
    "http://my.netscape.com/rdf/simple/0.9/": "",
    "http://channel.netscape.com/rdf/simple/0.9/": "",
    "http://backend.userland.com/rss2": "",
    "http://blogs.law.harvard.edu/tech/rss": "",
    "http://www.w3.org/2005/atom": "",
    "http://purl.org/atom/ns#": "",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "",
    "http://purl.org/dc/elements/1.1/": "dc:",
    "http://purl.org/dc/terms/": "dc:",
    "http://purl.org/rss/1.0/modules/content/": "content:",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes:",
    "http://search.yahoo.com/mrss/": "media:",
}
_TEXTS = ("content:encoded", "content", "description", "summary", "media:description", "itunes:summary", "tagline")
_DATES = ("pubdate", "published", "issued", "dc:date", "dc:issued", "dc:created", "updated", "modified", "dc:modified")
_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
_MAIL_DATE = re.compile(
    r"\s*(?:[a-z]{3,9},?\s*)?(3[01]|[12]\d|0?[1-9])[ -]+(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
    r"[ -]+(\d{4}|\d\d)\b",
    re.IGNORECASE,
)
_LONGEST_ID = 500
_MARKUP = re.compile(r"<[A-Za-z/!]|&(?:#\d+|#x[0-9a-f]+|[a-z]+\d*);", re.IGNORECASE)
_ATOM = "{http://www.w3.org/2005/Atom}"
_XML = "{http://www.w3.org/XML/1998/namespace}"


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
    names: Names = field(default_factory=lambda: Names(1_000_000))

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
                name = _name(element)
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
                        _forget(element)
                elif not inside:
                    self._tell(name, element)
        except XMLSyntaxError as error:
            if not self.number:
                raise DocumentError(f"not XML ({_line(str(error))[:80]})") from error
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
        if _name(root) not in _ROOTS:
            raise DocumentError(f"XML, but no RSS or Atom feed (it begins with <{_local(root)[:40]}>)")
        self.lang = root.get(f"{_XML}lang") or ""

    def _tell(self, name: str, element: Any) -> None:
        """What the feed says of itself."""
        owner = element.getparent()
        if owner is None or _name(owner) not in _OWNERS:
            return
        if name == "title":
            self.title = self.title or _line(_text_of(element))
        elif name in ("language", "dc:language"):
            self.lang = _all_text(element).strip() or self.lang
        elif name == "link":
            self.link = self.link or _target(element)
        elif name == "author":
            self.author = self.author or _Parts(author=[element]).authors()

    def _entry(self, entry: Any) -> Document | Skipped:
        self.number += 1
        parts = _Parts.of(entry)
        url = _joined(entry.base or self.link, parts.link())
        identifier = _line(parts.first("guid", "id")) or url
        if not identifier or len(identifier) > _LONGEST_ID:
            identifier = str(self.number)
        name = f"{self.source.name}#{self.names.own(clean(identifier))}"
        title = _line(parts.text("title", "dc:title", "media:title", "itunes:title"))
        metadata: dict[str, Any] = {}
        if author := parts.authors() or self.author:
            metadata["author"] = author
        if tags := parts.tags():
            metadata["tags"] = tags
        try:
            return self.source.document(
                parts.text(*_TEXTS) or title,
                identifier=name,
                title=title,
                lang=parts.lang() or entry.get(f"{_XML}lang") or self.lang,
                date=iso_date(parts.first(*_DATES)),
                source=parts.origin() or self.title,
                url=url,
                metadata=metadata,
            )
        except DocumentError:
            return Skipped(name, "an entry without title and text")


class _Parts(dict[str, list[Any]]):
    """What an entry says, by name."""

    @classmethod
    def of(cls, entry: Any) -> _Parts:
        parts = cls()
        for child in entry:
            if isinstance(child.tag, str):
                parts.setdefault(_name(child), []).append(child)
        return parts

    def first(self, *names: str) -> str:
        """The plain text of the first of these that has any."""
        texts = (_all_text(element).strip() for name in names for element in self.get(name, ()))
        return next(filter(None, texts), "")

    def text(self, *names: str) -> str:
        """So too, with markup taken away."""
        texts = (_text_of(element) for name in names for element in self.get(name, ()))
        return next(filter(None, texts), "")

    def link(self) -> str:
        links = [target for element in self.get("link", ()) if (target := _target(element))]
        if links:
            return links[0]
        for guid in self.get("guid", ()):
            text = _all_text(guid).strip()
            if guid.get("isPermaLink") != "false" and re.match(r"https?://", text):
                return text
        return ""

    def authors(self) -> str:
        names = []
        for element in (*self.get("author", ()), *self.get("dc:creator", ())):
            named = [child for child in element if isinstance(child.tag, str) and _name(child) == "name"]
            names.append(_line(_all_text(named[0] if named else element)))
        return ", ".join(dict.fromkeys(filter(None, names))) or _line(self.first("itunes:author"))

    def tags(self) -> list[str]:
        tags = (
            _line(element.get("label") or element.get("term") or _text_of(element))
            for name in ("category", "dc:subject")
            for element in self.get(name, ())
        )
        return list(dict.fromkeys(filter(None, tags)))

    def lang(self) -> str:
        said = [element.get(f"{_XML}lang") for name in _TEXTS for element in self.get(name, ())]
        return next(filter(None, said), "") or self.first("dc:language", "language")

    def origin(self) -> str:
        """The feed that an entry was taken over from."""
        for element in self.get("source", ()):
            titles = [child for child in element if isinstance(child.tag, str) and _name(child) == "title"]
            return _line(_text_of(titles[0]) if titles else "" if len(element) else _all_text(element))
        return ""


def _forget(element: Any) -> None:
    """Entries that were read give their memory back."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2] if isinstance(element.tag, str) else ""


def _name(element: Any) -> str:
    """`title`, `dc:date`, `content:encoded`; other vocabularies keep their whole address."""
    if not isinstance(element.tag, str):
        return ""
    space, _, local = element.tag.lower().removeprefix("{").rpartition("}")
    return f"{_PREFIXES.get(space, space + ' ')}{local}"


def _all_text(element: Any) -> str:
    """Texts of an element and those in it, with entities that XML does not know."""
    parts = [element.text or ""]
    for inner in element.iterdescendants():
        if isinstance(inner.tag, str):
            parts.append(inner.text or "")
        elif (inner.text or "").startswith("&"):
            parts.append(unescape(inner.text))
        parts.append(inner.tail or "")
    return "".join(parts)


def _text_of(element: Any) -> str:
    """By its type, where it says one: markup that is written out, markup as elements, or text."""
    from lxml.etree import tostring

    kind = (element.get("type") or "").lower()
    if any(isinstance(child.tag, str) for child in element):
        parts = (tostring(child, encoding="unicode", method="html") for child in element)
        return html_text(escape(element.text or "") + "".join(parts))
    if element.get("src") or (kind and not re.match(r"text|html|xhtml|application/xhtml", kind)):
        return ""
    text = _all_text(element)
    if kind in ("text", "text/plain") or (not kind and element.tag.startswith(_ATOM)) or not _MARKUP.search(text):
        return text.strip()
    return html_text(text)


def _target(element: Any) -> str:
    if element.get("href"):
        return element.get("href").strip() if element.get("rel", "alternate") == "alternate" else ""
    return _all_text(element).strip()


def _joined(base: str, link: str) -> str:
    """The whole address; the link as it is where that makes none."""
    try:
        return urljoin(base, link) if link else ""
    except ValueError:
        return link


def iso_date(text: str) -> str:
    """`Mon, 06 May 2024 10:00:00 +0900` -> `2024-05-06`, the day that it was there; other dates as they are."""
    found = _MAIL_DATE.match(text)
    if not found:
        return text
    day, month, year = int(found.group(1)), _MONTHS.index(found.group(2).lower()) // 3 + 1, int(found.group(3))
    if len(found.group(3)) == 2:
        year += 2000 if year < 50 else 1900
    return f"{year:04}-{month:02}-{day:02}"


def _line(text: str) -> str:
    return " ".join(text.split())


# HTML that is part of something else

_DEEPEST = 400
_HIDDEN = frozenset(
    "head title script style template noscript svg select textarea iframe object audio video canvas rt rp rtc".split()
)
_PARAGRAPHS = frozenset(
    "p h1 h2 h3 h4 h5 h6 ul ol dl table blockquote pre section article figure hr aside main".split()
)
_LINES = frozenset(
    "div li dt dd tr br header footer nav address form fieldset figcaption caption center legend option body".split()
)
_CELLS = ("td", "th")
_LISTS = ("ul", "ol")
_NOT_SHOWN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
_WIDE = "\u2e80-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
_WRAP = "\x1e"
"""A line end that is only one of the markup's."""
_WRAPPED = re.compile(f"(?<=[{_WIDE}]){_WRAP}(?=[{_WIDE}])")


def html_text(fragment: str) -> str:
    """What a reader sees of it: headings, paragraphs and rows of tables as lines, cells parted by ` | `, list items
    behind `- `. A line end in the markup is a space only between letters that need one."""
    from lxml.etree import HTMLParser, LxmlError

    lines = _Lines()
    data = clean(fragment).encode("utf-8")
    try:
        parser = HTMLParser(target=lines, encoding="utf-8", huge_tree=True)
        for start in range(0, len(data), 16_384):  # piece by piece: only between pieces it can be stopped
            parser.feed(data[start : start + 16_384])
        parser.close()
    except LxmlError:
        pass  # it complains of a fragment without elements
    except _TooDeep:
        return _stripped(fragment)
    return lines.text()


class _TooDeep(Exception):
    """Elements in elements in elements; going on would take ages."""


def _stripped(fragment: str) -> str:
    """Without tags; for markup that is too deep to be understood."""
    fragment = re.sub(r"<!--.*?(?:-->|\Z)", " ", fragment, flags=re.DOTALL)
    fragment = re.sub(r"<(script|style)\b.*?(?:</\1|\Z)", "<", fragment, flags=re.DOTALL | re.IGNORECASE)
    fragment = re.sub(r"</?(?:p|div|br|li|tr|h[1-6])\b[^>]*(?:>|\Z)", "\n", fragment, flags=re.IGNORECASE)
    fragment = unescape(re.sub(r"</?[A-Za-z!?][^>]*(?:>|\Z)", " ", fragment))
    return "\n".join(line for part in fragment.split("\n") if (line := _line(part)))


class _Block:
    """Lines that are growing: a text, or a cell of a table."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.apart = 0
        """Line ends that are due before the next text."""
        self.bullet = ""

    def end_line(self, apart: int) -> None:
        if self.bullet:
            return  # the item has not begun
        text = "".join(self.line).strip(f" {_WRAP}")
        self.line.clear()
        text = re.sub(f" ?{_WRAP}[ {_WRAP}]*", _WRAP, text)
        if text:
            self._add(re.sub(" {2,}", " ", _WRAPPED.sub("", text).replace(_WRAP, " ")))
        self.apart = max(self.apart, apart) if self.lines else 0

    def _add(self, text: str) -> None:
        if self.apart > 1:
            self.lines.append("")
        self.lines.append(text)
        self.apart = 0

    def add_lines(self, lines: list[str], apart: int) -> None:
        """Lines that are ready."""
        self.end_line(apart)
        if lines:
            self._add(f"{self.bullet}{lines[0]}")
            self.bullet = ""
            self.lines.extend(lines[1:])
            self.apart = apart


class _Lines:
    """What the parser of HTML tells -> lines."""

    def __init__(self) -> None:
        self._blocks = [_Block()]
        self._rows: list[list[list[str]]] = []
        self._depth = 0
        self._hidden = 0
        """How deep the outermost element is that is not shown."""
        self._pre = 0
        self._lists = 0

    def text(self) -> str:
        while len(self._blocks) > 1:
            self._end_cell()
        while self._rows:
            self._end_row()
        self._blocks[0].bullet = ""
        self._blocks[0].end_line(0)
        return "\n".join(self._blocks[0].lines)

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _TooDeep
        if self._hidden:
            return
        if tag in _HIDDEN or "hidden" in attributes or _NOT_SHOWN.search(attributes.get("style") or ""):
            self._hidden = self._depth
            return
        block = self._blocks[-1]
        if tag == "br" and block.lines and not "".join(block.line).strip(f" {_WRAP}"):
            block.apart = 2
        if tag == "tr":
            block.end_line(1)
            self._rows.append([])
        elif tag in _CELLS and self._rows:
            self._blocks.append(_Block())
        elif tag in _PARAGRAPHS or tag in _LINES or tag in _CELLS:
            block.end_line(self._apart(tag))
        if tag == "li":
            block.bullet = "- "
        self._lists += tag in _LISTS
        self._pre += tag == "pre"

    def end(self, tag: str) -> None:
        depth, self._depth = self._depth, self._depth - 1
        if self._hidden:
            if depth <= self._hidden:
                self._hidden = 0
            return
        self._lists -= tag in _LISTS
        self._pre -= tag == "pre"
        if tag in _CELLS:
            self._end_cell()
        elif tag == "tr":
            self._end_row()
        elif tag in _PARAGRAPHS or (tag in _LINES and tag != "br"):
            if tag == "li":
                self._blocks[-1].bullet = ""
            self._blocks[-1].end_line(self._apart(tag))

    def _apart(self, tag: str) -> int:
        """Between paragraphs is a blank line, but within a list."""
        return 2 if tag in _PARAGRAPHS and self._lists <= 0 else 1

    def data(self, text: str) -> None:
        if self._hidden:
            return
        block = self._blocks[-1]
        if self._pre > 0:
            first, *others = text.replace("\u00a0", " ").split("\n")
            block.line.append(first)
            for line in others:
                block.end_line(1)
                block.line.append(line)
            return
        text = re.sub(r"[ \t\r\n\f\u00a0]+", _space, text.replace(_WRAP, " "))
        if block.bullet and text.strip(f" {_WRAP}"):
            block.line.append(block.bullet)
            block.bullet = ""
        block.line.append(text)

    def comment(self, text: str) -> None:
        """No text."""

    def close(self) -> None:
        """Nothing is left to do."""

    def _end_cell(self) -> None:
        if len(self._blocks) > 1 and self._rows:
            cell = self._blocks.pop()
            cell.bullet = ""
            cell.end_line(0)
            if cell.lines:
                self._rows[-1].append(cell.lines)

    def _end_row(self) -> None:
        """A line where each cell has but one, as in tables of data; else the cells one after the other, as in tables
        that only put things in their places."""
        if not self._rows:
            return
        cells = self._rows.pop()
        block = self._blocks[-1]
        if all(len(cell) == 1 for cell in cells):
            block.add_lines([" | ".join(cell[0] for cell in cells)] if cells else [], 1)
        else:
            for cell in cells:
                block.add_lines(cell, 2)


def _space(found: re.Match[str]) -> str:
    return _WRAP if "\n" in found.group() else " "
