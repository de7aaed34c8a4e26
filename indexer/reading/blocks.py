"""Paragraphs, items of lists and rows of tables -> text."""

from __future__ import annotations

import re

from indexer.normal_form import normal_form

PARAGRAPH, ITEM, ROW = "paragraph", "item", "row"


class Blocks:
    """Paragraphs, items of lists and rows of tables -> text: an empty line between them, but none within a list."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.length = 0
        self._kind = ""
        self._pages: list[int] = []

    def begin_page(self) -> None:
        self.part()
        self._pages.append(self.length)

    def pages(self) -> tuple[int, ...]:
        """Where each page begins in the text; one without text begins where the next one does."""
        return tuple(self.length if at == self.length else at + 2 * (at > 0) for at in self._pages)

    def add(self, text: str, kind: str = PARAGRAPH) -> None:
        text = tidy(text)
        if not text:
            return
        if kind == PARAGRAPH and (bullet := _BULLET.match(text)):
            kind, text = ITEM, text[bullet.end() :]
        if kind == ITEM:
            text = f"- {text}"
        elif kind == ROW:
            text = text.replace("\n", " ")
        if self.texts:
            text = ("\n" if kind == self._kind != PARAGRAPH else "\n\n") + text
        self.texts.append(text)
        self.length += len(text)
        self._kind = kind

    def part(self) -> None:
        """What follows is another list or table."""
        self._kind = ""

    def join(self, other: Blocks) -> None:
        """What others hold, as paragraphs after these."""
        if other.texts:
            text = ("\n\n" if self.texts else "") + other.text()
            self.texts.append(text)
            self.length += len(text)
            self._kind = ""

    def row(self, cells: list[str]) -> None:
        self.add(" | ".join(cell for cell in map(tidy, cells) if cell), ROW)

    def text(self) -> str:
        return "".join(self.texts)


_BULLET = re.compile("[•‣◦▪●⁃∙] +(?=\\S)")
_SPACES = re.compile("[ \t\r\f\v\u00a0\u2000-\u200a\u202f\u205f]+")


def tidy(text: str) -> str:
    """In normal form, with single spaces, and without spaces at ends of lines and empty lines."""
    text = _SPACES.sub(" ", normal_form(text))
    if "\n" not in text:
        return text.strip()
    return "\n".join(line for line in map(str.strip, text.split("\n")) if line)
