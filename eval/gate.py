"""Is search still as good as it was? Values by query against a stored baseline; chance alone raises no alarm."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.comparison import COMPARED, Difference, differences
from eval.errors import ResultError
from eval.results import Results
from eval.table import Table
from eval.whole_file import write_whole


@dataclass(frozen=True)
class Verdict:
    """Of one measure on one dataset, now against the baseline."""

    dataset: str
    difference: Difference

    @property
    def loss(self) -> bool:
        return self.difference.significant and self.difference.difference < 0


def check(now: Results, baseline: Mapping[str, Table]) -> list[Verdict]:
    """Raises ResultError unless the baseline has the same datasets with the same queries."""
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
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise ResultError(f"{file}: {reason}; store a baseline with: search-eval gate ... --write") from error
    langs: dict[str, dict[str, str]] = {}
    columns: dict[str, dict[str, dict[str, float]]] = {}
    for number, line in enumerate(lines, 1):
        row: Any = None
        try:
            row = json.loads(line)
            name, query = str(row.pop("dataset")), str(row.pop("query"))
            langs.setdefault(name, {})[query] = str(row.pop("language"))
            for measure, value in row.items():
                columns.setdefault(name, {}).setdefault(measure, {})[query] = float(value)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ResultError(f"{file}:{number}: not a line of a baseline ({error})") from error
    return {name: Table(own, columns.get(name, {})) for name, own in langs.items()}
