"""Figures as text for a terminal, and as plain values for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from eval.comparison import Comparison, Difference
from eval.datasets import Dataset
from eval.gate import Verdict
from eval.results import Results
from eval.sources import load
from eval.sweep import SweepRow
from indexer.errors import SearchError

_SWEPT = ("nDCG@10", "AP", "RR same", "RR cross")
_TOP = 3


def figures_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line for each dataset, and the mean of several over those that have a figure."""
    lines = [(row["dataset"], _figures(row)) for row in rows]
    if len(rows) > 1:
        columns = zip(*(own for _, own in lines), strict=True)
        known = [[value for value in column if value is not None] for column in columns]
        lines.append(("mean", [fmean(values) if values else None for values in known]))
    width = max(12, *(len(name) for name, _ in lines))
    heads = ["nDCG@10", "AP", "R@100", "first", "same RR", "cross RR", "PEER"]
    text = [f"{'':{width}}  " + "  ".join(f"{head:>8}" for head in heads)]
    text += [f"{name:{width}}  " + "  ".join(_cell(value) for value in own) for name, own in lines]
    return "\n".join(text)


def _cell(value: float | None) -> str:
    return f"{'-':>8}" if value is None else f"{value:8.3f}"


def _figures(row: Mapping[str, Any]) -> list[float | None]:
    measures = row["measures"]
    return [
        measures["nDCG@10"],
        measures["AP"],
        measures["R@100"],
        row["first_hit_right"],
        row["same_language"]["RR"],
        row["cross_language"]["RR"],
        row["equal_expected_ranks"],
    ]


def differences_table(rows: Sequence[Difference]) -> str:
    """A line for each measure; `*`: more than chance."""
    lines = [f"{'':12}  queries   first  second  difference  95 % interval       p  corrected"]
    lines += [
        f"{row.measure:12}  {row.queries:7}  {row.first:6.3f}  {row.second:6.3f}  {row.difference:+10.3f}"
        f"  {row.low:+.3f} {row.high:+.3f}  {row.p:6.4f}     {row.corrected:6.4f}{' *' if row.significant else ''}"
        for row in rows
    ]
    return "\n".join(lines)


@dataclass(frozen=True)
class Texts:
    """Of a dataset that is still where it was: query id -> text, document id -> title, (query, document) -> grade."""

    queries: Mapping[str, str]
    titles: Mapping[str, str]
    grades: Mapping[tuple[str, str], int]


def texts_of(first: Results, second: Results, name: str) -> Texts:
    """Empty where the dataset has gone, or is another one by now."""
    dataset = dataset_of(first, name) or dataset_of(second, name)
    if dataset is None:
        return Texts({}, {}, {})
    return Texts(
        {query.id: query.text for query in dataset.queries},
        {document.id: document.title or document.text[:60].split("\n")[0] for document in dataset.documents},
        {(query, document): grade for query, row in dataset.qrels.items() for document, grade in row.items()},
    )


def dataset_of(results: Results, name: str) -> Dataset | None:
    """The dataset that results were made on, read again; None where that fails."""
    source = results.settings.get("sources", {}).get(name)
    if not source or not Path(source).exists():
        return None
    try:
        return load(source, results.settings.get("splits", {}).get(name, "test"))
    except SearchError:
        return None


def comparison(first: Results, second: Results, compared: Mapping[str, Comparison], texts: Mapping[str, Texts]) -> str:
    lines = [f"first:  {first.system}", f"second: {second.system}"]
    for name, own in compared.items():
        lines += [
            "",
            name,
            differences_table(own.differences),
            "",
            "queries>documents: RR better / worse / same, change",
        ]
        lines += [
            f"  {pair.query_lang}>{pair.document_lang}: {pair.better}/{pair.worse}/{pair.same}, {pair.difference:+.3f}"
            for pair in own.pairs
        ]
        for change in own.changes:
            text = texts[name].queries.get(change.query, "")
            lines += ["", f"{change.query}: nDCG@10 {change.first:.3f} -> {change.second:.3f}  {text}"]
            for rank in range(_TOP):
                sides = [
                    _hit(results.of[name].run.get(change.query, ()), rank, change.query, texts[name])
                    for results in (first, second)
                ]
                lines.append(f"  {rank + 1}  {sides[0]}  |  {sides[1]}")
    return "\n".join(lines)


def _hit(ranking: Sequence[tuple[str, float]], rank: int, query: str, texts: Texts) -> str:
    if rank >= len(ranking):
        return "-"
    document = ranking[rank][0]
    grade = texts.grades.get((query, document), "-")  # nobody judged it
    return f"[{grade}] {document} {texts.titles.get(document, '')}".rstrip()


def comparison_json(compared: Comparison) -> dict[str, Any]:
    return asdict(compared)


def verdicts(found: Sequence[Verdict]) -> str:
    """What the gate saw, by dataset."""
    lines = []
    for name in dict.fromkeys(verdict.dataset for verdict in found):
        lines += [name, differences_table([verdict.difference for verdict in found if verdict.dataset == name])]
    return "\n".join(lines)


def sweep_table(rows: Sequence[SweepRow]) -> str:
    """A line for each combination: means over datasets, and of each dataset nDCG@10."""
    names = list(rows[0].results)
    labels = [" ".join(f"{name}={value}" for name, value in row.settings.items()) for row in rows]
    width = max(len(label) for label in labels)
    heads = [*_SWEPT, *(f"nDCG@10 {name}" for name in names)] if len(names) > 1 else list(_SWEPT)
    lines = [f"{'':{width}}  " + "  ".join(f"{head:>8}" for head in heads)]
    for label, row in zip(labels, rows, strict=True):
        values = [row.mean(column) for column in _SWEPT]
        if len(names) > 1:
            values += [row.results[name].table.mean("nDCG@10") for name in names]
        cells = "  ".join(f"{value:{max(8, len(head))}.3f}" for value, head in zip(values, heads, strict=True))
        lines.append(f"{label:{width}}  {cells}")
    return "\n".join(lines)


def sweep_json(row: SweepRow) -> dict[str, Any]:
    return {
        "settings": dict(row.settings),
        "means": {column: row.mean(column) for column in _SWEPT},
        "datasets": {name: dict(result.figures) for name, result in row.results.items()},
    }
