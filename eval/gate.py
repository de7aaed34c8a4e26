"""Is search still as good as it was? Values by query against a stored baseline; chance alone raises no alarm."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eval.comparison import COMPARED, Difference, differences
from eval.errors import DatasetError, ResultError
from eval.results import Results
from eval.table import Table
from eval.trec import lines_of
from eval.whole_file import write_whole

_STORE = "; store a baseline with: search-eval gate ... --write"


@dataclass(frozen=True)
class Verdict:
    """Of one measure on one dataset, now against the baseline."""

    dataset: str
    difference: Difference

    @property
    def loss(self) -> bool:
        return self.difference.significant and self.difference.difference < 0


def check(now: Results, baseline: Mapping[str, Table]) -> list[Verdict]:
    """Raises ResultError unless the baseline has the same datasets with the same queries and values of them."""
    verdicts = []
    for name, result in now.of.items():
        if name not in baseline:
            raise ResultError(f"the baseline has no {name}, only {', '.join(baseline)}; store it with --write")
        before = baseline[name]
        if before.langs.keys() != result.table.langs.keys():
            only = sorted(before.langs.keys() ^ result.table.langs.keys())
            raise ResultError(
                f"{name}: {len(only)} queries are in the baseline only or in the dataset only, such as {only[0]!r}; "
                "store a new baseline with --write"
            )
        for measure in COMPARED:
            then, today = (table.columns.get(measure, {}).keys() for table in (before, result.table))
            if then != today:
                raise ResultError(
                    f"{name}: {measure} is known of {len(then)} queries in the baseline and of {len(today)} now, "
                    "expected the same ones; store a new baseline with --write"
                )
        verdicts += [Verdict(name, difference) for difference in differences(before, result.table)]
    return verdicts


def write_baseline(results: Results, file: Path) -> None:
    """The values that are compared, a line for each query, so that a change of the file can be read. Raises
    DatasetError."""
    lines = []
    for name, result in results.of.items():
        columns = {measure: result.table.columns.get(measure, {}) for measure in COMPARED}
        for query, lang in result.table.langs.items():
            values = {measure: own[query] for measure, own in columns.items() if query in own}
            lines.append(json.dumps({"dataset": name, "query": query, "language": lang, **values}, ensure_ascii=False))
    write_whole(file, "\n".join(lines) + "\n")


def read_baseline(file: Path) -> dict[str, Table]:
    """Dataset -> its values. Raises ResultError, with the line."""
    try:
        lines = list(lines_of(file, _STORE))
    except DatasetError as error:
        raise ResultError(str(error)) from error
    if not lines:
        raise ResultError(f"{file}: an empty baseline{_STORE}")
    langs: dict[str, dict[str, str]] = {}
    columns: dict[str, dict[str, dict[str, float]]] = {}
    for number, line in lines:
        name, query, lang, values = _row(line, f"{file}:{number}")
        if query in langs.setdefault(name, {}):
            raise ResultError(f"{file}:{number}: query {query!r} of {name} was there before")
        langs[name][query] = lang
        for measure, value in values.items():
            columns.setdefault(name, {}).setdefault(measure, {})[query] = value
    return {name: Table(own, columns.get(name, {})) for name, own in langs.items()}


def _row(line: str, place: str) -> tuple[str, str, str, dict[str, float]]:
    """Dataset, query, language and the values."""
    try:
        match json.loads(line):
            case {"dataset": str(name), "query": str(query), "language": str(lang), **values}:
                return name, query, lang, {str(key): _number(value, key, place) for key, value in values.items()}
    except (ValueError, RecursionError) as error:
        raise ResultError(f"{place}: not JSON ({error})") from error
    raise ResultError(f"{place}: not a line of a baseline, expected an object with dataset, query and language")


def _number(value: object, measure: object, place: str) -> float:
    """All that is compared is between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ResultError(f"{place}: {measure} is {str(value)[:40]!r}, expected a number from 0 to 1")
    return float(value)
