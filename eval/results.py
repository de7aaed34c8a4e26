"""What an evaluation leaves behind: a folder with settings, runs and per-query values, whole or not there at all.

settings.json                  what was run, with which settings and versions, and what it took
DATASET/run.trec               the ranking, in TREC's format
DATASET/per-query.tsv          a row for each query, a column for each measure
DATASET/figures.json           the means
"""

from __future__ import annotations

import json
import math
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.errors import DatasetError, ResultError
from eval.measures import FIRST_HIT, MEASURES
from eval.table import Table
from eval.trec import Scored, lines_of, read_run, written_run

_SETTINGS, _RUN, _QUERIES, _FIGURES = "settings.json", "run.trec", "per-query.tsv", "figures.json"
_NEEDED = (*MEASURES, FIRST_HIT)
"""Columns of every table; the others depend on the dataset's languages."""
_UNFIT = re.compile(r"[\s\ud800-\udfff]|^$")
_NOT_WHOLE = "; it is not what search-eval run --output writes"


@dataclass(frozen=True)
class Result:
    """One system on one dataset."""

    dataset: str
    table: Table
    run: Scored
    figures: Mapping[str, Any]


@dataclass(frozen=True)
class Results:
    """One system on several datasets; settings hold at least `system`, its name, and `sources`, dataset -> where it was
    read from."""

    settings: Mapping[str, Any]
    of: Mapping[str, Result]

    @property
    def system(self) -> str:
        return str(self.settings["system"])


def check_free(folder: Path) -> None:
    """Raises ResultError where there is something already: nothing that was measured is overwritten."""
    if folder.exists():
        raise ResultError(f"{folder} is there already; give another --output, or remove it")


def save(results: Results, folder: Path) -> None:
    """Write a new folder, all of it or nothing. Raises ResultError, as well for ids that no run in TREC's format can
    hold."""
    check_free(folder)
    _check_names(results)
    for result in results.of.values():
        _check_ids(result)
    unfinished = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        unfinished.mkdir(parents=True)
        for name, result in results.of.items():
            place = unfinished / folder_name(name)
            place.mkdir()
            (place / _RUN).write_text(written_run(result.run, _tag(results.system)), encoding="utf-8")
            (place / _QUERIES).write_text(_written(result.table), encoding="utf-8")
            (place / _FIGURES).write_text(_json(result.figures), encoding="utf-8")
        (unfinished / _SETTINGS).write_text(_json({**results.settings, "datasets": list(results.of)}), encoding="utf-8")
        unfinished.rename(folder)
    except OSError as error:
        raise ResultError(f"{folder} cannot be written ({(error.strerror or str(error)).lower()})") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def load(folder: Path) -> Results:
    """Raises ResultError, with file and line."""
    file = folder / _SETTINGS
    settings = _read_json(file)
    names = settings.get("datasets")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ResultError(f"{file}: no list of datasets{_NOT_WHOLE}")
    if not isinstance(settings.get("system"), str):
        raise ResultError(f"{file}: no system{_NOT_WHOLE}")
    try:
        return Results(settings, {name: _load(folder / folder_name(name), name) for name in names})
    except DatasetError as error:
        raise ResultError(str(error)) from error


def _load(place: Path, name: str) -> Result:
    table = _read_table(place / _QUERIES)
    run = read_run(place / _RUN) if any(lines_of(place / _RUN, _NOT_WHOLE)) else {}
    # A query without any document has no line in a run.
    return Result(name, table, {**{query: [] for query in table.langs}, **run}, _read_json(place / _FIGURES))


def _check_names(results: Results) -> None:
    places: dict[str, str] = {}
    for name in results.of:
        other = places.setdefault(folder_name(name), name)
        if other != name:
            raise ResultError(f"datasets {other!r} and {name!r} would share a folder; evaluate them one at a time")


def _check_ids(result: Result) -> None:
    for kind, value in _written_ids(result):
        if _UNFIT.search(value):
            raise ResultError(
                f"{result.dataset}: {kind} {value!r} cannot be written, a TREC run has columns; give it another one, "
                "without white space"
            )


def _written_ids(result: Result) -> Iterator[tuple[str, str]]:
    for lang in {*result.table.langs.values(), *result.table.document_langs()}:
        yield "language", lang
    for query in {**result.table.langs, **result.run}:
        yield "query id", query
    for ranking in result.run.values():
        for document, _ in ranking:
            yield "document id", document


def folder_name(dataset: str) -> str:
    """`ntrex-mixed/pool0` -> `ntrex-mixed-pool0`."""
    return dataset.replace("/", "-").replace(":", "-")


def _tag(system: str) -> str:
    return "-".join(system.split()) or "search"


def _written(table: Table) -> str:
    names = list(table.columns)
    rows = ["\t".join(["query", "language", *names])]
    for query, lang in table.langs.items():
        values = (table.columns[name].get(query) for name in names)
        rows.append("\t".join([query, lang, *("" if value is None else repr(value) for value in values)]))
    return "\n".join(rows) + "\n"


def _read_table(file: Path) -> Table:
    rows = [(number, line.split("\t")) for number, line in lines_of(file, _NOT_WHOLE)]
    header = rows[0][1] if rows else []
    if lacking := [name for name in _NEEDED if name not in header]:
        raise ResultError(f"{file}:1: no column {lacking[0]}{_NOT_WHOLE}")
    names = header[2:]
    if header[:2] != ["query", "language"]:
        raise ResultError(f"{file}:1: begins with {' and '.join(header[:2])}, expected query and language")
    langs: dict[str, str] = {}
    columns: dict[str, dict[str, float]] = {name: {} for name in names}
    for number, row in rows[1:]:
        if len(row) != len(header):
            raise ResultError(f"{file}:{number}: {len(row)} columns, expected {len(header)}")
        query, lang, *values = row
        if query in langs:
            raise ResultError(f"{file}:{number}: query {query!r} was there before")
        langs[query] = lang
        for name, value in zip(names, values, strict=True):
            if value:
                columns[name][query] = _number(value, f"{file}:{number}: {name}")
    if not file.read_bytes().endswith(b"\n"):
        raise ResultError(f"{file}:{rows[-1][0]}: the last line was cut off; evaluate again")
    return Table(langs, columns)


def _number(text: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ResultError(f"{place} is {text!r}, expected a number")
    return value


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _read_json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultError(
            f"{file}: {(error.strerror or str(error)).lower()}; expected a folder that search-eval run --output wrote"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ResultError(f"{file}: not JSON ({error})") from error
    if not isinstance(value, dict):
        raise ResultError(f"{file}: a JSON {type(value).__name__}, expected an object")
    return value


def shared(results: Sequence[Results]) -> list[str]:
    """The datasets that all have, in the order of the first. Raises ResultError where there is none."""
    names = [name for name in results[0].of if all(name in other.of for other in results[1:])]
    if not names:
        raise ResultError(f"no dataset in common: {', '.join(' and '.join(other.of) for other in results)}")
    return names
