"""HTML that is part of something else -> what a reader sees of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

from indexer.documents import clean

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
    return "\n".join(line for part in fragment.split("\n") if (line := " ".join(part.split())))


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
