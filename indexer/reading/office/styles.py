"""Styles of paragraphs and letters: which are of headings, of lists, of what is hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from indexer.reading.office.names import NAMES, is_on


@dataclass(frozen=True)
class Style:
    """What a style of paragraphs or letters says, with what it is based on."""

    name: str = ""
    based_on: str = ""
    level: bool = False
    """Whether it is of headings."""
    listed: bool = False
    hidden: bool = False


_BASED_ON_DEPTH = 20


class Styles(dict[str, Style]):
    """The styles of a text, by their identifiers."""

    def __init__(self, root: Any) -> None:
        for element in root if root is not None else ():
            if NAMES.of(element) == "w:style":
                self[NAMES.attribute(element, "w:styleId")] = _style(element)

    def chain(self, identifier: str) -> list[Style]:
        """A style and what it is based on."""
        chain: list[Style] = []
        while identifier in self and len(chain) < _BASED_ON_DEPTH:
            chain.append(self[identifier])
            identifier = chain[-1].based_on
        return chain


def _style(element: Any) -> Style:
    values = {
        name: NAMES.attribute(child, "w:val")
        for name in ("w:name", "w:basedOn")
        if (child := NAMES.child(element, name)) is not None
    }
    paragraph, letters = NAMES.child(element, "w:pPr"), NAMES.child(element, "w:rPr")
    return Style(
        name=values.get("w:name", "").lower(),
        based_on=values.get("w:basedOn", ""),
        level=paragraph is not None and is_heading(paragraph),
        listed=paragraph is not None and is_listed(paragraph) is True,
        hidden=letters is not None and is_on(NAMES.child(letters, "w:vanish")),
    )


def is_heading(properties: Any) -> bool:
    level = NAMES.child(properties, "w:outlineLvl")
    return level is not None and NAMES.attribute(level, "w:val") != "9"


def is_listed(properties: Any) -> bool | None:
    """None where a paragraph leaves it to its style."""
    number = NAMES.child(properties, "w:numPr", "w:numId")
    return None if number is None else NAMES.attribute(number, "w:val") != "0"
