"""A place that paragraphs go to: the text, a text box, a note."""

from __future__ import annotations

from dataclasses import dataclass, field

from indexer.reading.blocks import ITEM, PARAGRAPH, Blocks, tidy


@dataclass
class Place:
    """A place that paragraphs go to: the text, a text box, a note."""

    blocks: Blocks = field(default_factory=Blocks)
    pieces: list[str] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)
    cell: list[str] = field(default_factory=list)
    boxes: list[Blocks] = field(default_factory=list)
    in_table: bool = False
    is_item: bool = False
    is_heading: bool = False

    def begin_paragraph(self) -> None:
        self.in_table = self.is_heading = False

    def end_paragraph(self) -> None:
        text = self._taken()
        if self.in_table:
            self.cell.append(text)
        else:
            self.end_row()
            self.blocks.add(text, ITEM if self.is_item and not self.is_heading else PARAGRAPH)
            self.is_item = False
        boxes, self.boxes = self.boxes, []
        for box in boxes:
            self.blocks.join(box)

    def end_cell(self, nested: bool) -> None:
        self.cell.append(self._taken())
        self.is_item = False
        if not nested:
            self.cells.append(self.cell)
            self.cell = []

    def end_row(self) -> None:
        if self.cell:
            self.cells.append(self.cell)
        cells, self.cells, self.cell = self.cells, [], []
        if len(cells) == 1:  # no table, but a box around paragraphs
            for text in cells[0]:
                self.blocks.add(text)
        elif cells:
            self.blocks.row([" ".join(map(tidy, cell)) for cell in cells])

    def _taken(self) -> str:
        text = joined_text(self.pieces)
        self.pieces = []
        return text


def joined_text(pieces: list[str]) -> str:
    """Halves of surrogate pairs, which are written one by one, become characters."""
    return "".join(pieces).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
