"""Two runs of the same queries: what differs, and whether that may be chance.

Differences are paired by query. p: a randomisation test (the sign of each topic's differences is drawn anew; Smucker,
Allan, Carterette 2007, "A comparison of statistical significance tests for information retrieval evaluation"),
corrected for the number of measures (Holm 1979). Intervals: 95 %, from the bootstrap's percentiles over topics. A topic
is a query, or the same question in several languages (`t01/en`, `t01/ar`), which are no independent witnesses: whoever
counts them as such finds significance where there is none. Both draw with a fixed seed, so that the same runs always
give the same figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.errors import ResultError
from eval.measures import PEER
from eval.results import Result
from eval.table import Table

Values = NDArray[np.float64]

COMPARED = ("nDCG@10", "AP", "R@100", "RR same", "RR cross", PEER)
"""What is tested; the correction counts these."""
CHANCE = 0.05
_DRAWS = 10_000
_BLOCK = 500
_SEED = 7


@dataclass(frozen=True)
class Difference:
    """Of one measure: the means of both, and of the second less the first with an interval."""

    measure: str
    queries: int
    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float
    corrected: float
    """p after Holm's correction for all measures tested."""

    @property
    def significant(self) -> bool:
        return self.corrected < CHANCE


@dataclass(frozen=True)
class PairOutcome:
    """Of one pair of languages: for how many queries the second run's RR is better, worse, or the same."""

    query_lang: str
    document_lang: str
    better: int
    worse: int
    same: int
    difference: float
    """Of the mean RR."""


@dataclass(frozen=True)
class Change:
    """A query and its value in both runs."""

    query: str
    lang: str
    first: float
    second: float


@dataclass(frozen=True)
class Comparison:
    """The second run against the first on one dataset."""

    dataset: str
    differences: Sequence[Difference]
    pairs: Sequence[PairOutcome]
    changes: Sequence[Change]
    """By nDCG@10, those that changed most first; none that did not change."""


def compare(first: Result, second: Result, changes: int = 10) -> Comparison:
    """Raises ResultError unless both ran the same queries."""
    if first.table.langs.keys() != second.table.langs.keys():
        only = sorted(first.table.langs.keys() ^ second.table.langs.keys())
        raise ResultError(
            f"{first.dataset}: the runs are of other queries ({len(only)} are in one only, such as {only[0]!r}); "
            "run both on the same dataset and split"
        )
    return Comparison(
        first.dataset,
        differences(first.table, second.table),
        _pairs(first.table, second.table),
        _changes(first.table, second.table)[:changes],
    )


def differences(first: Table, second: Table, measures: Sequence[str] = COMPARED) -> list[Difference]:
    """Of the measures that both tables have for at least one query, tested together."""
    found: list[tuple[str, Values, Values, list[str]]] = []
    for measure in measures:
        ours, theirs = second.columns.get(measure, {}), first.columns.get(measure, {})
        if queries := [query for query in theirs if query in ours]:
            before, after = (np.array([side[query] for query in queries]) for side in (theirs, ours))
            found.append((measure, before, after, [topic_of(query, first.langs[query]) for query in queries]))
    tested = [randomisation(after - before, topics) for _, before, after, topics in found]
    rows = []
    for (measure, before, after, topics), p, corrected in zip(found, tested, holm(tested), strict=True):
        low, high = interval(after - before, topics)
        gained = float((after - before).mean())
        rows.append(
            Difference(measure, len(before), float(before.mean()), float(after.mean()), gained, low, high, p, corrected)
        )
    return rows


def topic_of(query: str, lang: str) -> str:
    """`t01/en` in English is a query of the topic `t01`; any other query is a topic of its own."""
    return query.removesuffix(f"/{lang}")


def randomisation(values: Values, topics: Sequence[str]) -> float:
    """The share of sign flips, of whole topics, whose sum is as far from 0 as that of these differences, two-sided;
    itself counts, so that it is never 0, and it is 1 where nothing differs."""
    sums = _sums(values, topics)[0]
    size = abs(sums.sum()) - 1e-12 * max(1.0, float(np.abs(sums).sum()))
    random, extreme = np.random.default_rng(_SEED), 0
    for start in range(0, _DRAWS, _BLOCK):
        signs = random.choice(np.array([-1.0, 1.0]), (min(_BLOCK, _DRAWS - start), len(sums)))
        extreme += int(np.count_nonzero(np.abs(signs @ sums) >= size))
    return (extreme + 1) / (_DRAWS + 1)


def interval(values: Values, topics: Sequence[str], share: float = 0.95) -> tuple[float, float]:
    """Where the mean lies in that share of the samples of as many topics, drawn with replacement (Efron 1979)."""
    sums, counts = _sums(values, topics)
    random, means = np.random.default_rng(_SEED), []
    for start in range(0, _DRAWS, _BLOCK):
        drawn = random.integers(0, len(sums), (min(_BLOCK, _DRAWS - start), len(sums)))
        means.append(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    low, high = np.quantile(np.concatenate(means), [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def _sums(values: Values, topics: Sequence[str]) -> tuple[Values, Values]:
    """The sum over each topic's queries, and how many there are."""
    _, places = np.unique(np.array(topics), return_inverse=True)
    return np.bincount(places, values).astype(np.float64), np.bincount(places).astype(np.float64)


def holm(values: Sequence[float]) -> list[float]:
    """p-values so that the chance of any false alarm among them stays what one would have."""
    corrected, highest = [0.0] * len(values), 0.0
    for place, index in enumerate(sorted(range(len(values)), key=lambda index: values[index])):
        highest = max(highest, min(1.0, (len(values) - place) * values[index]))
        corrected[index] = highest
    return corrected


def _pairs(first: Table, second: Table) -> list[PairOutcome]:
    before, after = first.pairs(), second.pairs()
    return [_outcome(pair, before[pair], after[pair]) for pair in before if pair in after]


def _outcome(pair: tuple[str, str], before: Mapping[str, float], after: Mapping[str, float]) -> PairOutcome:
    gained = [after[query] - before[query] for query in before if query in after]
    better, worse = sum(value > 0 for value in gained), sum(value < 0 for value in gained)
    mean = sum(gained) / len(gained) if gained else 0.0
    return PairOutcome(*pair, better, worse, len(gained) - better - worse, mean)


def _changes(first: Table, second: Table) -> list[Change]:
    before, after = first.columns["nDCG@10"], second.columns["nDCG@10"]
    changed = [Change(query, lang, before[query], after[query]) for query, lang in first.langs.items()]
    changed = [change for change in changed if change.first != change.second]
    return sorted(changed, key=lambda change: (-abs(change.second - change.first), change.query))
