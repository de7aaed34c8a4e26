"""What an evaluation leaves behind: a folder with settings, runs and per-query values, whole or not there at all.

settings.json                  what was run, with which settings and versions, and what it took
DATASET/run.trec               the ranking, in TREC's format
DATASET/per-query.tsv          a row for each query, a column for each measure
DATASET/figures.json           the means
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.errors import DatasetError, ResultError
from eval.table import Table
from eval.trec import Scored, lines_of, read_run, written_run

_SETTINGS, _RUN, _QUERIES, _FIGURES = "settings.json", "run.trec", "per-query.tsv", "figures.json"


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
    """Write a new folder, all of it or nothing. Raises ResultError."""
    check_free(folder)
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
    settings = _read_json(folder / _SETTINGS)
    try:
        names = [str(name) for name in settings["datasets"]]
        return Results({**settings, "system": str(settings["system"])}, {name: _load(folder, name) for name in names})
    except (KeyError, TypeError) as error:
        raise ResultError(f"{folder / _SETTINGS}: lacks {error}; it is not what search-eval run writes") from error
    except DatasetError as error:
        raise ResultError(str(error)) from error


def _load(folder: Path, name: str) -> Result:
    place = folder / folder_name(name)
    run = read_run(place / _RUN) if (place / _RUN).read_text(encoding="utf-8").strip() else {}
    return Result(name, _read_table(place / _QUERIES), run, _read_json(place / _FIGURES))


def folder_name(dataset: str) -> str:
    """`ntrex-mixed/pool0` -> `ntrex-mixed-pool0`."""
    return dataset.replace("/", "-")


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
    rows = list(lines_of(file))
    names = rows[0][1].split("\t")[2:] if rows else []
    langs: dict[str, str] = {}
    columns: dict[str, dict[str, float]] = {name: {} for name in names}
    for number, line in rows[1:]:
        query, lang, *values = line.split("\t")
        if len(values) != len(names):
            raise ResultError(f"{file}:{number}: {len(values) + 2} columns, expected {len(names) + 2}")
        langs[query] = lang
        for name, value in zip(names, values, strict=True):
            try:
                if value:
                    columns[name][query] = float(value)
            except ValueError as error:
                raise ResultError(f"{file}:{number}: {name} is {value!r}, expected a number") from error
    return Table(langs, columns)


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _read_json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultError(
            f"{file}: {(error.strerror or str(error)).lower()}; expected a folder that search-eval run --output wrote"
        ) from error
    except ValueError as error:
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
