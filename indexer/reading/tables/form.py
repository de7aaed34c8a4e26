"""The beginning of a table -> how its cells are parted."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from indexer.reading.tables.columns import Columns

_SAMPLE_ROWS = 50
_LINE_ENDS = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")
_ANNOUNCED = re.compile(r"sep=(.)\s*")
_NO_DELIMITER = "\x1f"


@dataclass(frozen=True)
class Form:
    """How cells are parted."""

    delimiter: str
    quotes: bool = True
    announced: bool = False
    """The first line says the delimiter, and nothing else."""


def form_of(sample: str, suffix: str, known: Mapping[str, str]) -> Form:
    """The delimiter by which the first row of a sample has names that we know, and others have as many cells."""
    lines = [line for line in _LINE_ENDS.split(sample.removeprefix("\ufeff")) if line.strip()]
    first = lines[0] if lines else ""
    if found := _ANNOUNCED.fullmatch(first):
        return Form(found.group(1), announced=True)
    best: tuple[bool, float, int] = (False, 0.0, 0)
    form = Form(_NO_DELIMITER)
    for delimiter in "\t,;|" if suffix in (".tsv", ".tab") else ",;\t|":
        names = next(iter(_quoted(lines, delimiter)), [])
        if len(names) < 2:
            continue
        quoted = [len(row) == len(names) for row in islice(_quoted(lines, delimiter), _SAMPLE_ROWS)]
        plain = [line.count(delimiter) + 1 == len(names) for line in lines[:_SAMPLE_ROWS]]
        score = (Columns.of(names, known).has_text, max(map(share_of, (quoted, plain))), len(names))
        if score > best:
            best = score
            form = Form(delimiter, quotes=delimiter != "\t" or sum(quoted) + 1 >= sum(plain))
    return form


def _quoted(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines, delimiter=delimiter, strict=True)
    except csv.Error:
        return  # the last row may be cut off


def share_of(fitting: list[bool]) -> float:
    return sum(fitting) / max(1, len(fitting))
