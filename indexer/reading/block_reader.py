"""Elements of a document -> blocks: what the readers of texts and presentations have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

from indexer.reading.blocks import Blocks


class BlockReader(ABC):
    """Reads elements into blocks; what they are, the reader of a format says."""

    def __init__(self) -> None:
        self.blocks = Blocks()

    @abstractmethod
    def read_blocks(self, elements: Iterable[Any]) -> None:
        """Adds what they hold to the blocks."""

    def in_one_line(self, elements: Iterable[Any]) -> str:
        """Their text, which is not added."""
        outer, self.blocks = self.blocks, Blocks()
        self.read_blocks(elements)
        inner, self.blocks = self.blocks, outer
        return " ".join(text.strip() for text in inner.texts)

    def read_table(self, rows: Iterable[Sequence[Iterable[Any]]]) -> None:
        self.blocks.part()
        for cells in rows:
            self.read_row(cells)
        self.blocks.part()

    def read_row(self, cells: Sequence[Iterable[Any]]) -> None:
        if len(cells) == 1:  # no table, but a box around paragraphs
            self.read_blocks(cells[0])
        else:
            self.blocks.row([self.in_one_line(cell) for cell in cells])
