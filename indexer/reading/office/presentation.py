"""A PPTX -> its slides in their order, with their notes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from indexer.reading.blocks import ITEM, PARAGRAPH, Blocks, tidy
from indexer.reading.office.drawings import diagram_texts, drawing_paragraphs
from indexer.reading.office.names import NAMES, chosen_of
from indexer.reading.office.relations import relations_of
from indexer.reading.package_file import PackageFile

_LEFT_OUT = ("sldNum", "dt", "ftr", "hdr", "sldImg")


def presentation_of(package: PackageFile, part: str, root: Any) -> tuple[str, str, tuple[int, ...]]:
    """Its text, its first title, and where each slide begins."""
    targets = {relation.identifier: relation.target for relation in relations_of(package, part)}
    listed = NAMES.child(root, "p:sldIdLst")
    blocks = Blocks()
    first = ""
    for slide in listed if listed is not None else ():
        if NAMES.of(slide) != "p:sldId":
            continue
        blocks.begin_page()
        target = targets.get(NAMES.attribute(slide, "r:id"), "")
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
    title = " ".join(text for shape in titles for text, _ in drawing_paragraphs(shape))
    blocks.add(title)
    for shape in shapes:
        if shape not in titles:
            _add_shape(package, part, shape, blocks)
            blocks.part()
    notes = next((relation.target for relation in relations_of(package, part) if relation.kind == "notesSlide"), "")
    notes_root = package.xml(notes) if notes else None
    for shape in _shapes(notes_root) if notes_root is not None else ():
        if _placeholder(shape) == "body":
            for text, _ in drawing_paragraphs(shape):
                blocks.add(text)
    return tidy(title)


def _shapes(root: Any) -> Iterator[Any]:
    """In their order; those of groups, too."""
    for child in root:
        name = NAMES.of(child)
        if name in ("p:sp", "p:graphicFrame"):
            yield child
        elif name == "mc:AlternateContent":
            yield from _shapes(chosen_of(child))
        elif name in ("p:cSld", "p:spTree", "p:grpSp"):
            yield from _shapes(child)


def _placeholder(shape: Any) -> str:
    """What a shape is for: `title`, `body`; `obj` for one that does not say, empty for one that holds no place."""
    for path in (("p:nvSpPr", "p:nvPr", "p:ph"), ("p:nvGraphicFramePr", "p:nvPr", "p:ph")):
        holder = NAMES.child(shape, *path)
        if holder is not None:
            return str(holder.get("type", "obj"))
    return ""


def _add_shape(package: PackageFile, part: str, shape: Any, blocks: Blocks) -> None:
    kind = _placeholder(shape)
    if kind in _LEFT_OUT:
        return
    if NAMES.of(shape) == "p:sp":
        paragraphs = list(drawing_paragraphs(shape))
        listed = kind in ("obj", "body") and len(paragraphs) > 1
        for text, bullet in paragraphs:
            blocks.add(text, ITEM if bullet or (listed and bullet is None) else PARAGRAPH)
        return
    for element in shape.iter():
        name = NAMES.of(element)
        if name == "a:tr":
            cells = (cell for cell in element if NAMES.of(cell) == "a:tc")
            blocks.row([" ".join(text for text, _ in drawing_paragraphs(cell)) for cell in cells])
        elif name == "dgm:relIds":
            for text in diagram_texts(package, part, NAMES.attribute(element, "r:dm")):
                blocks.add(text, ITEM)
