"""DOCX and PPTX -> text as it is read: paragraphs, lists, tables and notes; slides in their order."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from indexer.documents import Found
from indexer.errors import DocumentError
from indexer.reading.package_file import (
    ITEM,
    PARAGRAPH,
    Blocks,
    Names,
    PackageFile,
    opened,
    own_language,
    own_title,
    tidy,
)
from indexer.reading.source import Context, Source

_OPEN_XML = "http://schemas.openxmlformats.org/"
_STRICT = "http://purl.oclc.org/ooxml/"
_NAMES = Names(
    {
        f"{_OPEN_XML}wordprocessingml/2006/main": "w",
        f"{_STRICT}wordprocessingml/main": "w",
        f"{_OPEN_XML}presentationml/2006/main": "p",
        f"{_STRICT}presentationml/main": "p",
        f"{_OPEN_XML}drawingml/2006/main": "a",
        f"{_STRICT}drawingml/main": "a",
        f"{_OPEN_XML}drawingml/2006/diagram": "dgm",
        f"{_STRICT}drawingml/diagram": "dgm",
        f"{_OPEN_XML}officeDocument/2006/math": "m",
        f"{_STRICT}officeDocument/math": "m",
        f"{_OPEN_XML}officeDocument/2006/relationships": "r",
        f"{_STRICT}officeDocument/relationships": "r",
        f"{_OPEN_XML}markup-compatibility/2006": "mc",
        f"{_OPEN_XML}package/2006/relationships": "rel",
        "http://purl.org/dc/elements/1.1/": "dc",
        "http://purl.org/dc/terms/": "dcterms",
    }
)


def read(source: Source, context: Context) -> Iterator[Found]:
    """One document of a text or a presentation; which of them it is, its relationships say."""
    with opened(source, context.limits, "DOCX or PPTX") as package:
        main = next((part.target for part in _relations(package, "") if part.kind == "officeDocument"), "")
        main = main or next((name for name in ("word/document.xml", "ppt/presentation.xml") if name in package), "")
        root = package.xml(main) if main else None
        if root is None:
            raise DocumentError("damaged (neither a text nor a presentation is in it)")
        pages: tuple[int, ...] = ()
        if _NAMES.of(root) == "w:document":
            text, heading = _Text(package, main).read(root)
        elif _NAMES.of(root) == "p:presentation":
            text, heading, pages = _presentation(package, main, root)
        else:
            raise DocumentError("neither a text nor a presentation, expected DOCX or PPTX")
        properties = _properties(package)
    author = properties.get("dc:creator", "")
    yield source.document(
        text,
        title=own_title(properties.get("dc:title", "")) or heading,
        lang=own_language(properties.get("dc:language", ""), text),
        date=properties.get("dcterms:created") or properties.get("dcterms:modified"),
        metadata={"author": author} if author else None,
        pages=pages,
    )


@dataclass(frozen=True)
class _Relation:
    """What a part of a package refers to."""

    identifier: str
    kind: str
    """The end of its type: `slide`, `footnotes`."""
    target: str


def _relations(package: PackageFile, part: str) -> list[_Relation]:
    folder, name = posixpath.split(part)
    root = package.xml(posixpath.join(folder, "_rels", f"{name}.rels"))
    if root is None:
        return []
    return [
        _Relation(
            element.get("Id", ""),
            element.get("Type", "").rpartition("/")[2],
            posixpath.normpath(posixpath.join("/", folder, element.get("Target", ""))).lstrip("/"),
        )
        for element in root
        if _NAMES.of(element) == "rel:Relationship" and element.get("TargetMode") != "External"
    ]


def _properties(package: PackageFile) -> dict[str, str]:
    parts = [part.target for part in _relations(package, "") if part.kind == "core-properties"]
    root = package.xml(parts[0] if parts else "docProps/core.xml")
    return {} if root is None else {_NAMES.of(child): tidy(child.text or "") for child in root}


def _chosen(element: Any) -> Any:
    """Of what a file says twice, for new and for old programs, the first; nothing where it says nothing."""
    names = ("mc:Choice", "mc:Fallback")
    return next((child for name in names for child in element if _NAMES.of(child) == name), ())


def _is_on(element: Any) -> bool:
    return element is not None and _NAMES.attribute(element, "w:val") not in ("0", "false", "off", "none")


def _diagram(package: PackageFile, part: str, identifier: str) -> list[str]:
    """The texts of a SmartArt diagram."""
    target = next((own.target for own in _relations(package, part) if own.identifier == identifier), "")
    root = package.xml(target) if target else None
    points = root.iter() if root is not None else ()
    return [
        text
        for point in points
        if _NAMES.of(point) == "dgm:pt" and point.get("type", "node") in ("node", "asst")
        for text, _ in _drawing_paragraphs(point)
    ]


# Texts


@dataclass(frozen=True)
class _Style:
    """What a style of paragraphs or letters says, with what it is based on."""

    name: str = ""
    based_on: str = ""
    level: bool = False
    """Whether it is of headings."""
    listed: bool = False
    hidden: bool = False


_SKIPPED = frozenset("w:pPr w:rPr w:del w:moveFrom w:instrText w:delText w:delInstrText w:sdtPr w:tblPr w:trPr".split())
_SIGNS = {"w:tab": " ", "w:ptab": " ", "w:cr": "\n", "w:noBreakHyphen": "-"}
_BASED_ON_DEPTH = 20


class _Text:
    """Reads the body of a DOCX into blocks, then the notes that it refers to."""

    def __init__(self, package: PackageFile, part: str) -> None:
        self._package, self._part = package, part
        self._parts = {relation.kind: relation.target for relation in _relations(package, part)}
        self._styles = self._read_styles()
        self._blocks = Blocks()
        self._notes: list[tuple[str, str]] = []
        self._instructions: list[bool] = []
        """Of each field that is open, whether its result has not begun."""
        self._unended = ""
        """Text of paragraphs whose end was deleted."""
        self._title = self._heading = ""

    def read(self, root: Any) -> tuple[str, str]:
        """The text, and the title or first heading in it."""
        body = _NAMES.child(root, "w:body")
        self._read_blocks(body if body is not None else ())
        self._end_paragraph("", PARAGRAPH)
        read: set[tuple[str, str]] = set()
        for kind in ("footnote", "endnote"):
            notes = self._notes_of(kind)
            for note in self._notes:  # grows where notes have notes
                if note[0] == kind and note not in read and note[1] in notes:
                    read.add(note)
                    self._read_blocks(notes[note[1]])
        return self._blocks.text(), self._title or self._heading

    def _notes_of(self, kind: str) -> dict[str, Any]:
        root = self._package.xml(self._parts.get(f"{kind}s", ""))
        if root is None:
            return {}
        return {_NAMES.attribute(note, "w:id"): note for note in root if _NAMES.of(note) == f"w:{kind}"}

    def _read_styles(self) -> dict[str, _Style]:
        root = self._package.xml(self._parts.get("styles", ""))
        styles = {}
        for element in root if root is not None else ():
            if _NAMES.of(element) != "w:style":
                continue
            values = {
                name: _NAMES.attribute(child, "w:val")
                for name in ("w:name", "w:basedOn")
                if (child := _NAMES.child(element, name)) is not None
            }
            paragraph, letters = _NAMES.child(element, "w:pPr"), _NAMES.child(element, "w:rPr")
            styles[_NAMES.attribute(element, "w:styleId")] = _Style(
                name=values.get("w:name", "").lower(),
                based_on=values.get("w:basedOn", ""),
                level=paragraph is not None and _is_heading(paragraph),
                listed=paragraph is not None and _is_listed(paragraph) is True,
                hidden=letters is not None and _is_on(_NAMES.child(letters, "w:vanish")),
            )
        return styles

    def _chain(self, identifier: str) -> list[_Style]:
        """A style and what it is based on."""
        chain: list[_Style] = []
        while identifier in self._styles and len(chain) < _BASED_ON_DEPTH:
            chain.append(self._styles[identifier])
            identifier = chain[-1].based_on
        return chain

    def _read_blocks(self, container: Any) -> None:
        for child in container:
            name = _NAMES.of(child)
            if name == "w:p":
                self._read_paragraph(child)
            elif name == "w:tbl":
                self._read_table(child)
            elif name == "w:sdt":
                self._read_blocks(_content(child))
            elif name == "mc:AlternateContent":
                self._read_blocks(_chosen(child))
            elif name in ("w:ins", "w:moveTo", "w:customXml", "w:smartTag"):
                self._read_blocks(child)

    def _read_paragraph(self, paragraph: Any) -> None:
        properties = _NAMES.child(paragraph, "w:pPr")
        style = _NAMES.child(properties, "w:pStyle") if properties is not None else None
        chain = self._chain(_NAMES.attribute(style, "w:val")) if style is not None else []
        pieces: list[str] = []
        boxes: list[Any] = []
        self._read_inline(paragraph, pieces, boxes)
        self._instructions = [False for _ in self._instructions]
        if any(own.hidden for own in chain) or (chain and _CONTENTS.match(chain[0].name)):
            return
        heading = any(own.level for own in chain) or (properties is not None and _is_heading(properties))
        listed = _is_listed(properties) if properties is not None else None
        if listed is None:
            listed = next((own.listed for own in chain if own.listed), False)
        text = "".join(pieces)
        end = _NAMES.child(properties, "w:rPr", "w:del") if properties is not None else None
        if end is not None:
            self._unended += text
        else:
            text = self._end_paragraph(text, ITEM if listed and not heading else PARAGRAPH)
            if text and chain and chain[0].name == "title":
                self._title = self._title or text
            elif text and heading:
                self._heading = self._heading or text
        for box in boxes:
            self._read_blocks(box)

    def _end_paragraph(self, text: str, kind: str) -> str:
        text = self._unended + text
        self._unended = ""
        self._blocks.add(text, kind)
        return tidy(text)

    def _read_inline(self, element: Any, pieces: list[str], boxes: list[Any]) -> None:
        for child in element:
            name = _NAMES.of(child)
            if name in ("w:t", "m:t"):
                if not any(self._instructions):
                    pieces.append((child.text or "").replace("\n", " "))
            elif name == "w:r":
                if not self._is_hidden(child):
                    self._read_inline(child, pieces, boxes)
            elif name in _SIGNS:
                pieces.append(_SIGNS[name])
            elif name == "w:br":
                pieces.append("\n" if _NAMES.attribute(child, "w:type") in ("", "textWrapping") else " ")
            elif name == "w:fldChar":
                self._read_field(_NAMES.attribute(child, "w:fldCharType"))
            elif name in ("w:footnoteReference", "w:endnoteReference"):
                self._notes.append((name[2:].removesuffix("Reference"), _NAMES.attribute(child, "w:id")))
            elif name == "w:ruby":
                base = _NAMES.child(child, "w:rubyBase")
                self._read_inline(base if base is not None else (), pieces, boxes)
            elif name == "w:sdt":
                self._read_inline(_content(child), pieces, boxes)
            elif name == "mc:AlternateContent":
                self._read_inline(_chosen(child), pieces, boxes)
            elif name in ("w:drawing", "w:pict", "w:object"):
                self._find_boxes(child, boxes)
            elif name not in _SKIPPED and name[:2] in ("w:", "m:"):
                self._read_inline(child, pieces, boxes)

    def _is_hidden(self, run: Any) -> bool:
        properties = _NAMES.child(run, "w:rPr")
        if properties is None:
            return False
        own = _NAMES.child(properties, "w:vanish")
        if own is not None:
            return _is_on(own)
        style = _NAMES.child(properties, "w:rStyle")
        return style is not None and any(one.hidden for one in self._chain(_NAMES.attribute(style, "w:val")))

    def _read_field(self, kind: str) -> None:
        if kind == "begin":
            self._instructions.append(True)
        elif kind == "separate" and self._instructions:
            self._instructions[-1] = False
        elif kind == "end" and self._instructions:
            self._instructions.pop()

    def _find_boxes(self, element: Any, boxes: list[Any]) -> None:
        """Text boxes, and diagrams as if they were some."""
        for child in element:
            name = _NAMES.of(child)
            if name == "w:txbxContent":
                boxes.append(child)
            elif name == "dgm:relIds":
                for text in _diagram(self._package, self._part, _NAMES.attribute(child, "r:dm")):
                    self._blocks.add(text, ITEM)
            else:
                self._find_boxes(_chosen(child) if name == "mc:AlternateContent" else child, boxes)

    def _read_table(self, table: Any) -> None:
        self._blocks.part()
        for row in _flat(table, "w:tr"):
            if _NAMES.child(row, "w:trPr", "w:del") is not None:
                continue
            cells = list(_flat(row, "w:tc"))
            if len(cells) == 1:  # no table, but a box around paragraphs
                self._read_blocks(cells[0])
            else:
                self._blocks.row([self._cell(cell) for cell in cells])
        self._blocks.part()

    def _cell(self, cell: Any) -> str:
        outer, self._blocks = self._blocks, Blocks()
        self._read_blocks(cell)
        inner, self._blocks = self._blocks, outer
        return " ".join(text.strip() for text in inner.texts)


_CONTENTS = re.compile(r"toc( heading|\s?\d)")


def _is_heading(properties: Any) -> bool:
    level = _NAMES.child(properties, "w:outlineLvl")
    return level is not None and _NAMES.attribute(level, "w:val") != "9"


def _is_listed(properties: Any) -> bool | None:
    """None where a paragraph leaves it to its style."""
    number = _NAMES.child(properties, "w:numPr", "w:numId")
    return None if number is None else _NAMES.attribute(number, "w:val") != "0"


def _content(element: Any) -> Any:
    """What is in a control, unless that only says what to put there."""
    placeholder = _NAMES.child(element, "w:sdtPr", "w:showingPlcHdr")
    content = _NAMES.child(element, "w:sdtContent")
    return () if content is None or _is_on(placeholder) else content


def _flat(element: Any, name: str) -> Iterator[Any]:
    """Rows or cells, whether or not controls and revisions are around them."""
    for child in element:
        own = _NAMES.of(child)
        if own == name:
            yield child
        elif own == "w:sdt":
            yield from _flat(_content(child), name)
        elif own in ("w:ins", "w:moveTo", "w:customXml"):
            yield from _flat(child, name)


# Presentations

_LEFT_OUT = ("sldNum", "dt", "ftr", "hdr", "sldImg")


def _presentation(package: PackageFile, part: str, root: Any) -> tuple[str, str, tuple[int, ...]]:
    """Its text, its first title, and where each slide begins."""
    targets = {relation.identifier: relation.target for relation in _relations(package, part)}
    listed = _NAMES.child(root, "p:sldIdLst")
    blocks = Blocks()
    first = ""
    for slide in listed if listed is not None else ():
        if _NAMES.of(slide) != "p:sldId":
            continue
        blocks.begin_page()
        target = targets.get(_NAMES.attribute(slide, "r:id"), "")
        title = _slide(package, target, blocks) if target else ""
        first = first or title
    return blocks.text(), first, blocks.pages()


def _slide(package: PackageFile, part: str, blocks: Blocks) -> str:
    """Adds a slide with its notes; its title."""
    root = package.xml(part)
    if root is None:
        return ""
    shapes = list(_shapes(root))
    titles = [shape for shape in shapes if _placeholder(shape) in ("title", "ctrTitle")]
    title = " ".join(text for shape in titles for text, _ in _drawing_paragraphs(shape))
    blocks.add(title)
    for shape in shapes:
        if shape not in titles:
            _add_shape(package, part, shape, blocks)
            blocks.part()
    notes = next((relation.target for relation in _relations(package, part) if relation.kind == "notesSlide"), "")
    notes_root = package.xml(notes) if notes else None
    for shape in _shapes(notes_root) if notes_root is not None else ():
        if _placeholder(shape) == "body":
            for text, _ in _drawing_paragraphs(shape):
                blocks.add(text)
    return tidy(title)


def _shapes(root: Any) -> Iterator[Any]:
    """In their order; those of groups, too."""
    for child in root:
        name = _NAMES.of(child)
        if name in ("p:sp", "p:graphicFrame"):
            yield child
        elif name == "mc:AlternateContent":
            yield from _shapes(_chosen(child))
        elif name in ("p:cSld", "p:spTree", "p:grpSp"):
            yield from _shapes(child)


def _placeholder(shape: Any) -> str:
    """What a shape is for: `title`, `body`; `obj` for one that does not say, empty for one that holds no place."""
    for path in (("p:nvSpPr", "p:nvPr", "p:ph"), ("p:nvGraphicFramePr", "p:nvPr", "p:ph")):
        holder = _NAMES.child(shape, *path)
        if holder is not None:
            return str(holder.get("type", "obj"))
    return ""


def _add_shape(package: PackageFile, part: str, shape: Any, blocks: Blocks) -> None:
    kind = _placeholder(shape)
    if kind in _LEFT_OUT:
        return
    if _NAMES.of(shape) == "p:sp":
        paragraphs = list(_drawing_paragraphs(shape))
        listed = kind in ("obj", "body") and len(paragraphs) > 1
        for text, bullet in paragraphs:
            blocks.add(text, ITEM if bullet or (listed and bullet is None) else PARAGRAPH)
        return
    for element in shape.iter():
        name = _NAMES.of(element)
        if name == "a:tr":
            cells = (cell for cell in element if _NAMES.of(cell) == "a:tc")
            blocks.row([" ".join(text for text, _ in _drawing_paragraphs(cell)) for cell in cells])
        elif name == "dgm:relIds":
            for text in _diagram(package, part, _NAMES.attribute(element, "r:dm")):
                blocks.add(text, ITEM)


def _drawing_paragraphs(element: Any) -> Iterator[tuple[str, bool | None]]:
    """Of a shape, with whether each has a bullet; None where that is left to the layout."""
    for paragraph in element.iter():
        if _NAMES.of(paragraph) != "a:p":
            continue
        text = "".join(_drawing_pieces(paragraph))
        if not text.strip():
            continue
        properties = _NAMES.child(paragraph, "a:pPr")
        marks = {_NAMES.of(child) for child in properties} if properties is not None else set()
        bullet = True if marks & {"a:buChar", "a:buAutoNum", "a:buBlip"} else False if "a:buNone" in marks else None
        yield text, bullet


def _drawing_pieces(paragraph: Any) -> Iterator[str]:
    for child in paragraph:
        name = _NAMES.of(child)
        if name in ("a:t", "m:t"):
            yield (child.text or "").replace("\n", " ").replace("\v", "\n")
        elif name == "a:br":
            yield "\n"
        elif name == "mc:AlternateContent":
            yield from _drawing_pieces(_chosen(child))
        elif name == "a:fld" and child.get("type", "").startswith(("slidenum", "datetime")):
            continue
        elif name not in ("a:pPr", "a:rPr", "a:endParaRPr"):
            yield from _drawing_pieces(child)
