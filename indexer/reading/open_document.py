"""ODT and ODP -> text as it is read: paragraphs, lists, tables and notes; slides in their order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from indexer.documents import Found
from indexer.errors import DocumentError
from indexer.reading.block_reader import BlockReader
from indexer.reading.blocks import ITEM, PARAGRAPH, tidy
from indexer.reading.own_fields import own_language, own_title
from indexer.reading.package_file import PackageFile, opened
from indexer.reading.source import Context, Source
from indexer.reading.xml_names import XmlNames

_OASIS = "urn:oasis:names:tc:opendocument:xmlns:"
_NAMES = XmlNames(
    {
        **{f"{_OASIS}{name}:1.0": name for name in ("office", "text", "table", "style", "presentation", "meta")},
        f"{_OASIS}drawing:1.0": "draw",
        f"{_OASIS}manifest:1.0": "manifest",
        "http://purl.org/dc/elements/1.1/": "dc",
    }
)


def read(source: Source, context: Context) -> Iterator[Found]:
    """One document of a text or a presentation."""
    with opened(source, context.limits, "ODT or ODP") as package:
        if b"encryption-data" in (package.read("META-INF/manifest.xml") or b""):
            raise DocumentError("encrypted; remove its password first")
        root = package.xml("content.xml")
        body = _NAMES.child(root, "office:body") if root is not None else None
        if body is None:
            raise DocumentError("damaged (no content in it), expected ODT or ODP")
        contents = _Contents(_hidden_styles(root))
        text = _NAMES.child(body, "office:text")
        presentation = _NAMES.child(body, "office:presentation")
        if text is None and presentation is None:
            raise DocumentError("neither a text nor a presentation, expected ODT or ODP")
        if text is not None:
            contents.read_text(text)
        else:
            contents.read_slides(presentation)
        properties = _properties(package)
    author = properties.get("meta:initial-creator") or properties.get("dc:creator", "")
    found = contents.blocks.text()
    yield source.document(
        found,
        title=own_title(properties.get("dc:title", "")) or contents.title,
        lang=own_language(properties.get("dc:language", ""), found),
        date=properties.get("meta:creation-date") or properties.get("dc:date"),
        metadata={"author": author} if author else None,
        pages=contents.blocks.pages(),
    )


def _properties(package: PackageFile) -> dict[str, str]:
    root = package.xml("meta.xml")
    meta = _NAMES.child(root, "office:meta") if root is not None else None
    return {_NAMES.of(child): tidy(child.text or "") for child in meta} if meta is not None else {}


def _hidden_styles(root: Any) -> set[str]:
    styles = _NAMES.child(root, "office:automatic-styles")
    return {
        _NAMES.attribute(style, "style:name")
        for style in (styles if styles is not None else ())
        for properties in style
        if _NAMES.of(properties) == "style:text-properties" and _NAMES.attribute(properties, "text:display") == "none"
    }


_SKIPPED = frozenset(
    "text:tracked-changes text:table-of-content text:alphabetical-index text:illustration-index text:table-index "
    "text:object-index text:user-index text:hidden-text text:hidden-paragraph text:page-number text:page-count "
    "text:ruby-text office:annotation office:annotation-end office:forms table:shapes".split()
)
_SIGNS = {"text:tab": " ", "text:s": " ", "text:line-break": "\n"}
_SHAPES = re.compile("draw:(?!frame|page|a$|g$|object|image|glue-point|plugin)")
_LEFT_OUT = ("page-number", "date-time", "footer", "header", "page", "handout")


class _Contents(BlockReader):
    """Reads content.xml into blocks."""

    def __init__(self, hidden: set[str]) -> None:
        super().__init__()
        self.title = ""
        self._hidden = hidden
        self._notes: list[Any] = []

    def read_text(self, body: Any) -> None:
        self.read_blocks(body)
        for note in self._notes:  # grows where notes have notes
            self.read_blocks(note)

    def read_slides(self, body: Any) -> None:
        for slide in body:
            if _NAMES.of(slide) == "draw:page":
                self.blocks.begin_page()
                self._read_slide(slide)

    def _read_slide(self, slide: Any) -> None:
        titles = [shape for shape in slide if _class(shape) == "title"]
        for shape in titles:
            title = self.in_one_line((shape,))
            self.blocks.add(title)
            self.title = self.title or tidy(title)
        rest = [shape for shape in slide if shape not in titles and _class(shape) not in _LEFT_OUT]
        self.read_blocks(shape for shape in rest if _NAMES.of(shape) != "presentation:notes")
        for notes in rest:
            if _NAMES.of(notes) == "presentation:notes":
                self.read_blocks(shape for shape in notes if _class(shape) not in _LEFT_OUT)

    def read_blocks(self, elements: Iterable[Any], kind: str = PARAGRAPH) -> None:
        for child in elements:
            name = _NAMES.of(child)
            if name in ("text:p", "text:h"):
                self._read_paragraph(child, PARAGRAPH if name == "text:h" else kind)
            elif name == "text:list":
                self._read_list(child)
            elif name == "table:table":
                rows = _NAMES.within(child, "table:table-row", _rows_inside)
                self.read_table([cell for cell in row if _NAMES.of(cell) == "table:table-cell"] for row in rows)
            elif name and name not in _SKIPPED:
                self.read_blocks(child, kind)

    def _read_list(self, element: Any) -> None:
        for item in element:
            if _NAMES.of(item) == "text:list-item":
                first = True
                for child in item:
                    self.read_blocks((child,), ITEM if first else PARAGRAPH)
                    first = False
            elif _NAMES.of(item) == "text:list-header":
                self.read_blocks(item)

    def _read_paragraph(self, paragraph: Any, kind: str) -> None:
        if _NAMES.attribute(paragraph, "text:style-name") in self._hidden:
            return
        pieces: list[str] = []
        boxes: list[Any] = []
        self._read_inline(paragraph, pieces, boxes)
        text = "".join(pieces)
        self.blocks.add(text, kind)
        if _NAMES.of(paragraph) == "text:h":
            self.title = self.title or tidy(text)
        for box in boxes:
            self.read_blocks(box)

    def _read_inline(self, element: Any, pieces: list[str], boxes: list[Any]) -> None:
        pieces.append(_one_space(element.text))
        for child in element:
            name = _NAMES.of(child)
            if name in _SIGNS:
                pieces.append(_SIGNS[name])
            elif name == "text:note":
                note = _NAMES.child(child, "text:note-body")
                self._notes += [note] if note is not None else []
            elif name == "text:ruby":
                base = _NAMES.child(child, "text:ruby-base")
                if base is not None:
                    self._read_inline(base, pieces, boxes)
            elif name == "draw:frame" or _SHAPES.match(name):
                boxes.append((child,))
            elif name.startswith("text:") and name not in _SKIPPED:
                if _NAMES.attribute(child, "text:style-name") not in self._hidden:
                    self._read_inline(child, pieces, boxes)
            elif name in ("draw:a", "draw:g"):
                self._read_inline(child, pieces, boxes)
            pieces.append(_one_space(child.tail))


def _class(shape: Any) -> str:
    return _NAMES.attribute(shape, "presentation:class")


def _one_space(text: str | None) -> str:
    return re.sub("[ \t\r\n]+", " ", text or "")


def _rows_inside(element: Any) -> Iterable[Any]:
    groups = ("table:table-header-rows", "table:table-rows", "table:table-row-group")
    return element if _NAMES.of(element) in groups else ()
