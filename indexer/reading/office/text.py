"""The body of a DOCX -> paragraphs, lists, tables and notes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, cast

from indexer.reading.block_reader import BlockReader
from indexer.reading.blocks import ITEM, PARAGRAPH, tidy
from indexer.reading.office.drawings import diagram_texts
from indexer.reading.office.names import NAMES, chosen_of, is_on
from indexer.reading.office.relations import relations_of
from indexer.reading.office.styles import Styles, is_heading, is_listed
from indexer.reading.package_file import PackageFile

_SKIPPED = frozenset("w:pPr w:rPr w:del w:moveFrom w:instrText w:delText w:delInstrText w:sdtPr w:tblPr w:trPr".split())
_SIGNS = {"w:tab": " ", "w:ptab": " ", "w:cr": "\n", "w:noBreakHyphen": "-"}


class TextReader(BlockReader):
    """Reads the body of a DOCX into blocks, then the notes that it refers to."""

    def __init__(self, package: PackageFile, part: str) -> None:
        super().__init__()
        self._package, self._part = package, part
        self._parts = {relation.kind: relation.target for relation in relations_of(package, part)}
        self._styles = Styles(package.xml(self._parts.get("styles", "")))
        self._notes: list[tuple[str, str]] = []
        self._instructions: list[bool] = []
        """Of each field that is open, whether its result has not begun."""
        self._unended = ""
        """Text of paragraphs whose end was deleted."""
        self._title = self._heading = ""

    def read(self, root: Any) -> tuple[str, str]:
        """The text, and the title or first heading in it."""
        body = NAMES.child(root, "w:body")
        self.read_blocks(body if body is not None else ())
        self._end_paragraph("", PARAGRAPH)
        seen: set[tuple[str, str]] = set()
        for kind in ("footnote", "endnote"):
            notes = self._notes_of(kind)
            for note in self._notes:  # grows where notes have notes
                if note[0] == kind and note not in seen and note[1] in notes:
                    seen.add(note)
                    self.read_blocks(notes[note[1]])
        return self.blocks.text(), self._title or self._heading

    def _notes_of(self, kind: str) -> dict[str, Any]:
        root = self._package.xml(self._parts.get(f"{kind}s", ""))
        if root is None:
            return {}
        return {NAMES.attribute(note, "w:id"): note for note in root if NAMES.of(note) == f"w:{kind}"}

    def read_blocks(self, elements: Iterable[Any]) -> None:
        for child in elements:
            name = NAMES.of(child)
            if name == "w:p":
                self._read_paragraph(child)
            elif name == "w:tbl":
                rows = NAMES.within(child, "w:tr", _inside)
                there = (row for row in rows if NAMES.child(row, "w:trPr", "w:del") is None)
                self.read_table(list(NAMES.within(row, "w:tc", _inside)) for row in there)
            elif name == "w:sdt":
                self.read_blocks(_content(child))
            elif name == "mc:AlternateContent":
                self.read_blocks(chosen_of(child))
            elif name in ("w:ins", "w:moveTo", "w:customXml", "w:smartTag"):
                self.read_blocks(child)

    def _read_paragraph(self, paragraph: Any) -> None:
        properties = NAMES.child(paragraph, "w:pPr")
        style = NAMES.child(properties, "w:pStyle") if properties is not None else None
        chain = self._styles.chain(NAMES.attribute(style, "w:val")) if style is not None else []
        pieces: list[str] = []
        boxes: list[Any] = []
        self._read_inline(paragraph, pieces, boxes)
        self._instructions = [False for _ in self._instructions]
        if any(own.hidden for own in chain) or (chain and _CONTENTS.match(chain[0].name)):
            return
        heading = any(own.level for own in chain) or (properties is not None and is_heading(properties))
        listed = is_listed(properties) if properties is not None else None
        if listed is None:
            listed = next((own.listed for own in chain if own.listed), False)
        text = "".join(pieces)
        end = NAMES.child(properties, "w:rPr", "w:del") if properties is not None else None
        if end is not None:
            self._unended += text
        else:
            text = self._end_paragraph(text, ITEM if listed and not heading else PARAGRAPH)
            if text and chain and chain[0].name == "title":
                self._title = self._title or text
            elif text and heading:
                self._heading = self._heading or text
        for box in boxes:
            self.read_blocks(box)

    def _end_paragraph(self, text: str, kind: str) -> str:
        text = self._unended + text
        self._unended = ""
        self.blocks.add(text, kind)
        return tidy(text)

    def _read_inline(self, element: Any, pieces: list[str], boxes: list[Any]) -> None:
        for child in element:
            name = NAMES.of(child)
            if name in ("w:t", "m:t"):
                if not any(self._instructions):
                    pieces.append((child.text or "").replace("\n", " "))
            elif name == "w:r":
                if not self._is_hidden(child):
                    self._read_inline(child, pieces, boxes)
            elif name in _SIGNS:
                pieces.append(_SIGNS[name])
            elif name == "w:br":
                pieces.append("\n" if NAMES.attribute(child, "w:type") in ("", "textWrapping") else " ")
            elif name == "w:fldChar":
                self._read_field(NAMES.attribute(child, "w:fldCharType"))
            elif name in ("w:footnoteReference", "w:endnoteReference"):
                self._notes.append((name[2:].removesuffix("Reference"), NAMES.attribute(child, "w:id")))
            elif name == "w:ruby":
                base = NAMES.child(child, "w:rubyBase")
                self._read_inline(base if base is not None else (), pieces, boxes)
            elif name == "w:sdt":
                self._read_inline(_content(child), pieces, boxes)
            elif name == "mc:AlternateContent":
                self._read_inline(chosen_of(child), pieces, boxes)
            elif name in ("w:drawing", "w:pict", "w:object"):
                self._find_boxes(child, boxes)
            elif name not in _SKIPPED and name[:2] in ("w:", "m:"):
                self._read_inline(child, pieces, boxes)

    def _is_hidden(self, run: Any) -> bool:
        properties = NAMES.child(run, "w:rPr")
        if properties is None:
            return False
        own = NAMES.child(properties, "w:vanish")
        if own is not None:
            return is_on(own)
        style = NAMES.child(properties, "w:rStyle")
        return style is not None and any(one.hidden for one in self._styles.chain(NAMES.attribute(style, "w:val")))

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
            name = NAMES.of(child)
            if name == "w:txbxContent":
                boxes.append(child)
            elif name == "dgm:relIds":
                for text in diagram_texts(self._package, self._part, NAMES.attribute(child, "r:dm")):
                    self.blocks.add(text, ITEM)
            else:
                self._find_boxes(chosen_of(child) if name == "mc:AlternateContent" else child, boxes)


_CONTENTS = re.compile(r"toc( heading|\s?\d)")


def _content(element: Any) -> Any:
    """What is in a control, unless that only says what to put there."""
    placeholder = NAMES.child(element, "w:sdtPr", "w:showingPlcHdr")
    content = NAMES.child(element, "w:sdtContent")
    return () if content is None or is_on(placeholder) else content


def _inside(element: Any) -> Iterable[Any]:
    """What controls and revisions are around."""
    name = NAMES.of(element)
    if name == "w:sdt":
        return cast(Iterable[Any], _content(element))
    return element if name in ("w:ins", "w:moveTo", "w:customXml") else ()
