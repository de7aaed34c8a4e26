"""EPUB -> the text of its chapters in their order, with what the book says of itself."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.entities import html5
from typing import Any
from urllib.parse import unquote

from indexer.documents import Found, Skipped
from indexer.errors import DocumentError
from indexer.reading.block_reader import BlockReader
from indexer.reading.blocks import ITEM, PARAGRAPH, Blocks, tidy
from indexer.reading.encodings import decoded
from indexer.reading.own_fields import own_language, own_title
from indexer.reading.package_file import PackageFile, one_line, opened, xml_of
from indexer.reading.source import Context, Source
from indexer.reading.xml_names import XmlNames

_NAMES = XmlNames(
    {
        "http://www.idpf.org/2007/opf": "opf",
        "http://openebook.org/namespaces/oeb-package/1.0/": "opf",
        "http://purl.org/dc/elements/1.1/": "dc",
        "http://purl.org/dc/elements/1.0/": "dc",
        "http://www.idpf.org/2007/ops": "epub",
        "http://www.w3.org/2001/04/xmlenc#": "enc",
        "urn:oasis:names:tc:opendocument:xmlns:container": "container",
    }
)
_FONT_ALGORITHMS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")


def read(source: Source, context: Context) -> Iterator[Found]:
    """One document. Contents pages, page numbers and the marks of notes are left out."""
    with opened(source, context.limits, "EPUB") as package:
        _check_protection(package)
        book = _book(package)
        blocks, failures = _chapters(package, book)
    text = blocks.text()
    if not text:
        reason = next(iter(failures.values()), "no text in its chapters")
        raise DocumentError(reason if len(failures) == len(book.chapters) else "no text in its chapters")
    identifiers = book.fields.get("identifier", [])
    authors = ", ".join(book.fields.get("creator", []))
    yield source.document(
        text,
        title=next((title for title in map(own_title, book.fields.get("title", [])) if title), ""),
        lang=own_language(next(iter(book.fields.get("language", [])), ""), text),
        date=next(iter(book.fields.get("date", [])), ""),
        source=next(iter(book.fields.get("publisher", [])), ""),
        url=next((one for one in identifiers if re.match("https?://", one)), ""),
        metadata={"author": authors} if authors else None,
    )
    for part, reason in failures.items():
        yield Skipped(f"{source.name}!{part}", reason)


def _check_protection(package: PackageFile) -> None:
    root = package.xml("META-INF/encryption.xml")
    for method in root.iter() if root is not None else ():
        if _NAMES.of(method) == "enc:EncryptionMethod" and method.get("Algorithm") not in _FONT_ALGORITHMS:
            raise DocumentError("protected against copying (DRM), which cannot be read")


@dataclass
class _Book:
    """What the package document says."""

    chapters: list[str] = field(default_factory=list)
    """Names of files, in their order; without contents pages."""
    fields: dict[str, list[str]] = field(default_factory=dict)
    """`title`, `creator`, ... -> what is said, most important first."""


def _book(package: PackageFile) -> _Book:
    container = package.xml("META-INF/container.xml")
    files = (
        [
            element.get("full-path", "")
            for element in container.iter()
            if _NAMES.of(element).endswith(":rootfile") or element.tag == "rootfile"
        ]
        if container is not None
        else [name for name in package.names() if name.endswith(".opf")]
    )
    root = package.xml(files[0]) if files else None
    if root is None:
        raise DocumentError("damaged (no package document in it), expected EPUB")
    sections: dict[str, Any] = {_NAMES.of(child): child for child in root}
    items = {item.get("id", ""): item for item in sections.get("opf:manifest", ()) if _NAMES.of(item) == "opf:item"}
    folder = posixpath.dirname(files[0])
    contents = {
        _member(folder, reference.get("href", ""))
        for reference in sections.get("opf:guide", ())
        if reference.get("type", "") == "toc"
    }
    book = _Book(fields=_fields(sections.get("opf:metadata", ())))
    for reference in sections.get("opf:spine", ()):
        item = items.get(reference.get("idref", ""))
        if item is None or not re.search("html|dtbook", item.get("media-type", "html")):
            continue
        name = _member(folder, item.get("href", ""))
        if name not in contents and name not in book.chapters and "nav" not in item.get("properties", "").split():
            book.chapters.append(name)
    if not book.chapters:
        raise DocumentError("damaged (no chapters in it)")
    return book


def _member(folder: str, address: str) -> str:
    return posixpath.normpath(posixpath.join("/", folder, unquote(address.partition("#")[0]))).lstrip("/")


def _fields(metadata: Any) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for element in metadata:
        name = _NAMES.of(element)
        if name in ("opf:dc-metadata", "opf:x-metadata"):
            for known, values in _fields(element).items():
                fields.setdefault(known, []).extend(values)
        text = tidy("".join(element.itertext())).replace("\n", " ")
        if name.startswith("dc:") and text:
            values = fields.setdefault(name[3:].lower(), [])
            if _NAMES.attribute(element, "opf:event") == "publication":
                values.insert(0, text)
            else:
                values.append(text)
    return fields


def _chapters(package: PackageFile, book: _Book) -> tuple[Blocks, dict[str, str]]:
    """All text, and why chapters are left out."""
    blocks = Blocks()
    failures: dict[str, str] = {}
    for name in book.chapters:
        data = package.read(name)
        if data is None:
            failures[name] = "not there"
            continue
        try:
            root = _page(data, name)
        except DocumentError as error:
            failures[name] = str(error)
            continue
        chapter = _Chapter()
        chapter.walk(root)
        chapter.end()
        if not chapter.is_contents():
            blocks.part()
            blocks.join(chapter.blocks)
    return blocks, failures


def _page(data: bytes, name: str) -> Any:
    """The root of a page, as XML if it is, else as HTML."""
    from lxml import etree

    try:
        return xml_of(re.sub(rb"&([A-Za-z][A-Za-z0-9]*);", _numeric, data), name)
    except DocumentError as error:
        if "damaged" not in str(error):
            raise
    html = decoded(data).text.encode()
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(html, parser)
    except (etree.LxmlError, ValueError) as error:
        raise DocumentError(f"damaged ({one_line(error)})") from error
    if root is None:
        raise DocumentError("empty")
    return root


def _numeric(found: re.Match[bytes]) -> bytes:
    """HTML's names of characters, which XML does not know, as numbers; XML's own stay."""
    name = found.group(1).decode()
    if name in ("amp", "lt", "gt", "quot", "apos") or f"{name};" not in html5:
        return found.group() if name in ("amp", "lt", "gt", "quot", "apos") else b""
    return b"".join(b"&#%d;" % ord(one) for one in html5[f"{name};"])


_SKIPPED = frozenset("head script style template nav rt rp rtc svg annotation audio video iframe object form".split())
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog div dl dt figcaption figure footer "
    "h1 h2 h3 h4 h5 h6 header hgroup hr li main ol p pre section summary table tbody td tfoot th thead tr ul".split()
)
_UNSEEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_NOTE_MARK = re.compile(r"[\[(（]?(?:\d{1,4}|[*†‡§※]+|注\d*)[\])）]?")
_MACHINERY = ("noteref", "backlink", "pagebreak", "toc")
_FEW_LINKS = 5
_MOSTLY = 0.6


class _Chapter(BlockReader):
    """Reads a page into blocks."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[str] = []
        self._kind = PARAGRAPH
        self._links = self._linked = 0

    def is_contents(self) -> bool:
        """Whether it is little but links."""
        return self._links >= _FEW_LINKS and self._linked > _MOSTLY * self.blocks.length

    def end(self) -> None:
        """What was read so far is a block."""
        if any(not piece.isspace() for piece in self._pieces):
            self.blocks.add("".join(self._pieces), self._kind)
            self._kind = PARAGRAPH
        self._pieces = []

    def read_blocks(self, elements: Iterable[Any]) -> None:
        for element in elements:
            self.walk(element)

    def walk(self, element: Any) -> None:
        name = _local(element)
        if name in _SKIPPED or _is_unseen(element, name):
            return
        if name == "tr":
            self._row(element)
            return
        if name == "br":
            self._pieces.append("\n")
        elif name == "img" and len(element.get("alt", "").strip()) == 1:  # a character that fonts do not have
            self._pieces.append(element.get("alt"))
        is_block = name in _BLOCKS
        if is_block:
            self.end()
        if name in ("ul", "ol", "table", "dl"):
            self.blocks.part()
        if name == "li":
            self._kind = ITEM
        if name == "a" and element.get("href"):
            self._links += 1
            self._linked += len("".join(element.itertext()).strip())
        self._text(element.text, name)
        for child in element:
            self.walk(child)
            self._text(child.tail, name)
        if is_block:
            self.end()
        if name == "li":
            self._kind = PARAGRAPH
        if name in ("ul", "ol", "table", "dl"):
            self.blocks.part()

    def _text(self, text: str | None, parent: str) -> None:
        if text:
            self._pieces.append(text if parent in ("pre", "code") else re.sub("[ \t\r\n\f]+", " ", text))

    def _row(self, row: Any) -> None:
        self.end()
        cells = [cell for cell in row if _local(cell) in ("td", "th")]
        self.read_row([(cell,) for cell in cells])


def _local(element: Any) -> str:
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _is_unseen(element: Any, name: str) -> bool:
    """Hidden, or there for the reading program: where a printed page began, the mark of a note."""
    if not name or element.get("hidden") is not None or _UNSEEN.search(element.get("style", "")):
        return True
    types = f"{_NAMES.attribute(element, 'epub:type')} {element.get('role', '')}".split()
    if any(one.removeprefix("doc-") in _MACHINERY for one in types):
        return True
    return name == "sup" and next(element.iter("{*}a"), None) is not None and _is_note_mark(element)


def _is_note_mark(element: Any) -> bool:
    return _NOTE_MARK.fullmatch("".join(element.itertext()).strip()) is not None
