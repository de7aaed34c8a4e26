"""Tables of values -> what a report draws of them: heat maps, shares of languages, histograms of ranks, dots.

Figures, places and steps of colour only; words and colours are the template's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from eval.comparison import PairOutcome
from eval.measures import mean
from eval.table import SHARE, Table

STEPS = 8
"""A heat map has the steps 0 to 8, one of differences -4 to 4."""
_PALEST = 0.05
"""Differences below this are never drawn in full colour."""
BINS = (("1", 1), ("2", 2), ("3", 3), ("4–5", 5), ("6–10", 10), ("11–20", 20), ("21–100", 100))
NONE = "none"
LABELS = (*(label for label, _ in BINS), NONE)
WIDTH, HEIGHT = 400, 150
"""Of a histogram's bars."""
SIDE = 360
"""Of the square of dots."""
_GAP = 12


@dataclass(frozen=True)
class Cell:
    """A mean, of how many queries, and its step of colour."""

    value: float
    queries: int
    step: int


@dataclass(frozen=True)
class HeatMap:
    """Rows: languages of queries; columns: languages of documents; there are no cells for pairs without queries."""

    title: str
    signed: bool
    query_langs: Sequence[str]
    document_langs: Sequence[str]
    cells: Mapping[tuple[str, str], Cell]


@dataclass(frozen=True)
class Bar:
    """A bar of a histogram: the bin and the series it belongs to, what it counts, where it is drawn."""

    label: str
    series: int
    count: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Histogram:
    """In how many queries the first relevant document has a rank: for each series, the counts of LABELS."""

    title: str
    counts: Sequence[Sequence[int]]
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Dot:
    """A query: its value in both runs, and where it is drawn in the square."""

    query: str
    lang: str
    first: float
    second: float
    x: float
    y: float


def heat_map(title: str, table: Table) -> HeatMap:
    """The mean RR of every pair of languages, from 0 to 1."""
    cells = {
        pair: Cell(mean(own), len(own), max(0, min(STEPS, round(mean(own) * STEPS))))
        for pair, own in table.pairs().items()
    }
    return _map(title, False, cells)


def difference_map(title: str, outcomes: Sequence[PairOutcome]) -> HeatMap:
    """What the second run's mean RR is above the first's; the largest difference has the fullest colour."""
    most = max([_PALEST, *(abs(outcome.difference) for outcome in outcomes)])
    cells = {
        (outcome.query_lang, outcome.document_lang): Cell(
            outcome.difference,
            outcome.better + outcome.worse + outcome.same,
            round(outcome.difference / most * STEPS / 2),
        )
        for outcome in outcomes
    }
    return _map(title, True, cells)


def _map(title: str, signed: bool, cells: Mapping[tuple[str, str], Cell]) -> HeatMap:
    return HeatMap(title, signed, sorted({query for query, _ in cells}), sorted({found for _, found in cells}), cells)


def share_langs(table: Table) -> list[str]:
    """The languages of documents whose share of the first ten is known."""
    return [name.removeprefix(SHARE) for name in table.columns if name.startswith(SHARE)]


def shares(table: Table, queries: Sequence[str]) -> dict[str, float]:
    """Document language -> its share of the first ten, the mean over these queries."""
    return {
        lang: mean({query: table.columns[SHARE + lang].get(query, 0.0) for query in queries})
        for lang in share_langs(table)
    }


def rank_counts(reciprocal_ranks: Iterable[float]) -> list[int]:
    """How many of the ranks are in each bin of LABELS; `none`: not among the first 100."""
    counts = [0] * len(LABELS)
    for value in reciprocal_ranks:
        rank = round(1 / value) if value > 0 else BINS[-1][1] + 1
        counts[next((place for place, (_, last) in enumerate(BINS) if rank <= last), len(BINS))] += 1
    return counts


def histogram(title: str, tables: Sequence[Table], column: str) -> Histogram:
    """A series for each table, from a column of reciprocal ranks."""
    counts = [rank_counts(table.columns.get(column, {}).values()) for table in tables]
    most = max(1, *(count for series in counts for count in series))
    slot = WIDTH / len(LABELS)
    width = (slot - _GAP) / len(tables)
    bars = []
    for series, own in enumerate(counts):
        for place, (label, count) in enumerate(zip(LABELS, own, strict=True)):
            height = round(count / most * HEIGHT, 1)
            x = round(place * slot + _GAP / 2 + series * width, 1)
            bars.append(Bar(label, series, count, x, round(HEIGHT - height, 1), round(width - 1, 1), height))
    return Histogram(title, counts, bars)


def dots(first: Table, second: Table, column: str) -> list[Dot]:
    """A dot for each query that has a value in both."""
    before, after = first.columns.get(column, {}), second.columns.get(column, {})
    return [
        Dot(query, lang, x, y, round(x * SIDE, 1), round((1 - y) * SIDE, 1))
        for query, lang in first.langs.items()
        if (x := before.get(query)) is not None and (y := after.get(query)) is not None
    ]
