"""Lines of a table -> rows, whatever its quotes are like."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from indexer.reading.source import Limits, megabytes
from indexer.reading.tables.form import Form, share_of
from indexer.reading.tables.lines import Lines

_LINES_AHEAD = 1_000
_NOT_CLOSED = "a quote that is not closed"


@dataclass
class Row:
    """A row and the line that it begins in."""

    line: int
    cells: list[str]
    problem: str = ""
    """Why it has no cells."""
    remark: str = ""


class Rows:
    """Lines -> rows. A quote that is not closed takes the rest of its line with it, not of the file."""

    def __init__(self, lines: Lines, form: Form, limits: Limits) -> None:
        self._lines = lines
        self._form = form
        self._most = limits.line
        self._read = 0
        self._read_again = 0
        self.columns = 0
        """How many a row must have to be taken, where its quotes are in doubt."""

    def __iter__(self) -> Iterator[Row]:
        while True:
            number, line = self._lines.next()
            if not line:
                return
            self._read += len(line)
            if len(line) > self._most:
                reason = f"a line of more than {megabytes(self._most)}, which is the most that is read"
                yield Row(number, [], reason)
            elif line.strip("\r\n"):
                yield self._row(number, line)

    def _row(self, number: int, line: str) -> Row:
        delimiter = self._form.delimiter
        if not self._form.quotes or not (line.startswith('"') or f'{delimiter}"' in line):
            return Row(number, line.rstrip("\r\n").split(delimiter))
        more: list[tuple[int, str]] = []
        try:
            return Row(number, next(csv.reader(self._taken(line, more), delimiter=delimiter, strict=True)))
        except csv.Error:
            pass
        cells = self._leniently(line)
        if not more:
            return Row(number, cells, "" if cells else "quotes that cannot be understood")
        lost = self._return(more)
        if lost:
            return Row(number, [], f"{_NOT_CLOSED}; nothing is read up to line {lost}")
        if len(cells) != self.columns:
            return Row(number, [], _NOT_CLOSED)
        return Row(number, cells, remark="" if delimiter == "\t" else f"{_NOT_CLOSED}; read to the end of its line")

    def _return(self, more: list[tuple[int, str]]) -> int:
        """Of the lines behind a quote that is not closed, those from the first one on that is followed by rows are read
        again; not where that has happened so often that it would take ages. The number of the last one that is not."""
        fitting = [len(self._leniently(line)) == self.columns for _, line in more[:_LINES_AHEAD]]
        rows = (place for place in range(len(fitting)) if fitting[place] and share_of(fitting[place : place + 5]) > 0.5)
        place = next(rows, len(more))
        length = sum(len(line) for _, line in more[place:])
        self._read_again += length
        if self._read_again > self._most + self._read:
            place, length = len(more), 0
        self._read -= length
        self._lines.back(more[place:])
        return more[place - 1][0] if place else 0

    def _taken(self, line: str, more: list[tuple[int, str]]) -> Iterator[str]:
        """As many lines as a row wants; what it took is kept in `more`."""
        yield line
        length = len(line)
        while length <= self._most:
            number, line = self._lines.next()
            if not line:
                return
            more.append((number, line))
            length += len(line)
            self._read += len(line)
            yield line

    def _leniently(self, line: str) -> list[str]:
        """A line with quotes where none should be. Between tabs they are mostly meant as they are."""
        if self._form.delimiter == "\t":
            return line.rstrip("\r\n").split("\t")
        try:
            return next(csv.reader([line], delimiter=self._form.delimiter), [])
        except csv.Error:
            return []
