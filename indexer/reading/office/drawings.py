"""Shapes and diagrams -> the paragraphs in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from indexer.reading.office.names import NAMES, chosen_of
from indexer.reading.office.relations import relations_of
from indexer.reading.package_file import PackageFile


def diagram_texts(package: PackageFile, part: str, identifier: str) -> list[str]:
    """The texts of a SmartArt diagram."""
    target = next((own.target for own in relations_of(package, part) if own.identifier == identifier), "")
    root = package.xml(target) if target else None
    points = root.iter() if root is not None else ()
    return [
        text
        for point in points
        if NAMES.of(point) == "dgm:pt" and point.get("type", "node") in ("node", "asst")
        for text, _ in drawing_paragraphs(point)
    ]


def drawing_paragraphs(element: Any) -> Iterator[tuple[str, bool | None]]:
    """Of a shape, with whether each has a bullet; None where that is left to the layout."""
    for paragraph in element.iter():
        if NAMES.of(paragraph) != "a:p":
            continue
        text = "".join(_drawing_pieces(paragraph))
        if not text.strip():
            continue
        properties = NAMES.child(paragraph, "a:pPr")
        marks = {NAMES.of(child) for child in properties} if properties is not None else set()
        bullet = True if marks & {"a:buChar", "a:buAutoNum", "a:buBlip"} else False if "a:buNone" in marks else None
        yield text, bullet


def _drawing_pieces(paragraph: Any) -> Iterator[str]:
    for child in paragraph:
        name = NAMES.of(child)
        if name in ("a:t", "m:t"):
            yield (child.text or "").replace("\n", " ").replace("\v", "\n")
        elif name == "a:br":
            yield "\n"
        elif name == "mc:AlternateContent":
            yield from _drawing_pieces(chosen_of(child))
        elif name == "a:fld" and child.get("type", "").startswith(("slidenum", "datetime")):
            continue
        elif name not in ("a:pPr", "a:rPr", "a:endParaRPr"):
            yield from _drawing_pieces(child)
