"""A grid of settings: each combination evaluated, so that a weight is chosen by what it does on several sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from statistics import fmean

from eval.datasets import Dataset
from eval.evaluation import System, outcomes_of, result_of
from eval.experiment import Progress
from eval.results import Result
from eval.stages import with_settings
from indexer.errors import SearchError
from indexer.models import default_model
from search_api.scoring import Stages

_OTHERS = ("model", "budget")


@dataclass(frozen=True)
class SweepRow:
    """One combination: its settings as given, its results by dataset, and the mean over them of nDCG@10."""

    settings: Mapping[str, str]
    results: Mapping[str, Result]

    def mean(self, column: str) -> float:
        return fmean(result.table.mean(column) for result in self.results.values())


def grid_of(tries: Sequence[str]) -> dict[str, list[str]]:
    """`NAME=V,V` each -> the values of each setting. Raises SearchError."""
    grid: dict[str, list[str]] = {}
    for text in tries:
        name, equals, values = text.partition("=")
        if not equals or not all(values.split(",")):
            raise SearchError(f"--try {text}, expected NAME=VALUE,VALUE")
        if name in grid:
            raise SearchError(f"--try {name} is there twice; give all its values at once")
        grid[name] = values.split(",")
    for combination in _combinations(grid):
        _system(combination)  # what is wrong is said before anything slow
    return grid


def sweep(
    datasets: Sequence[Dataset],
    grid: Mapping[str, list[str]],
    jobs: int,
    progress: Progress,
    finished: Callable[[], None] | None = None,
) -> list[SweepRow]:
    """A row for each combination, the best mean nDCG@10 first. `finished` is called after each dataset of each
    combination."""
    combinations = _combinations(grid)
    tasks = [(dataset, _system(combination)) for combination in combinations for dataset in datasets]
    outcomes = iter(outcomes_of(tasks, jobs, progress, finished))
    rows = []
    for combination in combinations:
        system = _system(combination)
        rows.append(
            SweepRow(combination, {dataset.name: result_of(dataset, system, next(outcomes)) for dataset in datasets})
        )
    return sorted(rows, key=lambda row: -row.mean("nDCG@10"))


def size(grid: Mapping[str, list[str]]) -> int:
    """How many combinations there are."""
    return prod(len(values) for values in grid.values())


def _combinations(grid: Mapping[str, list[str]]) -> list[dict[str, str]]:
    return [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]


def _system(settings: Mapping[str, str]) -> System:
    budget = settings.get("budget")
    if budget is not None and (not budget.isdecimal() or int(budget) < 8):
        raise SearchError(f"budget={budget}, expected at least 8 tokens")
    stages = with_settings(Stages(), [f"{name}={value}" for name, value in settings.items() if name not in _OTHERS])
    return System(settings.get("model") or default_model(), stages, int(budget) if budget else None)
