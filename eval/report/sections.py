"""What a report says of one dataset: measures, charts, and the queries that changed most with what was found for them.

Results hold ids only; titles and texts are given, as far as there are any, and ids stand where there are none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.comparison import Comparison, Difference, compare
from eval.measures import FIRST_HIT, MEASURES, PEER, Qrels
from eval.report import charts
from eval.results import Result
from eval.table import SIDES, Table

Titles = Mapping[str, tuple[str, str]]
"""Document id -> (title, language)."""
GAP = "RR same − cross"
PLOTTED = "nDCG@10"
_SHOWN = (*MEASURES, FIRST_HIT, "RR same", "RR cross", GAP, PEER)
_NAMES = {FIRST_HIT: "first hit right"}
HITS = 5
"""Of each run, for a query that changed."""
_CHANGES = 10


@dataclass(frozen=True)
class MeasureRow:
    """The means of one measure, None where no query has a value; `tested` where the difference was."""

    name: str
    queries: int
    means: Sequence[float | None]
    difference: float | None
    tested: Difference | None


@dataclass(frozen=True)
class Hit:
    """A document in a ranking; its language is empty where it is not known, its grade 0 unless relevant."""

    title: str
    lang: str
    grade: int


@dataclass(frozen=True)
class Changed:
    """A query whose value changed, and the first documents of both runs."""

    id: str
    text: str
    lang: str
    first: float
    second: float
    hits: Sequence[Sequence[Hit]]


@dataclass(frozen=True)
class Moved:
    """Of the queries in one language: how many are better, worse or the same in the second run."""

    lang: str
    better: int
    worse: int
    same: int


@dataclass(frozen=True)
class QueryLang:
    """The queries in one language: their number, and for each result, document language -> share of the first ten."""

    lang: str
    queries: int
    shares: Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class Section:
    """All that is shown of one dataset; what compares is empty or None for one result."""

    dataset: str
    queries: int
    langs: Mapping[str, int]
    """Language -> its number, by which it is coloured everywhere in the section."""
    measures: Sequence[MeasureRow]
    heat_maps: Sequence[charts.HeatMap]
    document_langs: Sequence[str]
    by_lang: Sequence[QueryLang]
    histograms: Sequence[charts.Histogram]
    dots: Sequence[charts.Dot]
    moved: Sequence[Moved]
    texts: Mapping[str, str]
    comparison: Comparison | None
    changed: Sequence[Changed]
    judged: bool
    """Whether it is known which documents are relevant."""


def section_of(
    results: Sequence[Result],
    systems: Sequence[str],
    documents: Titles,
    queries: Mapping[str, str],
    qrels: Qrels,
) -> Section:
    """Of one result, or of two and what differs; qrels say which documents to mark, and may be empty. Raises
    ResultError where the two ran other queries."""
    tables = [result.table for result in results]
    comparison = compare(results[0], results[1], _CHANGES) if len(results) == 2 else None
    maps = [charts.heat_map(system, table) for system, table in zip(systems, tables, strict=True)]
    dots: list[charts.Dot] = []
    if comparison:
        maps.append(charts.difference_map(f"{systems[1]} less {systems[0]}", comparison.pairs))
        dots = charts.dots(tables[0], tables[1], PLOTTED)
    by_lang: dict[str, list[str]] = {}
    for query, lang in sorted(tables[0].langs.items(), key=lambda item: item[1]):
        by_lang.setdefault(lang, []).append(query)
    document_langs = sorted({lang for table in tables for lang in charts.share_langs(table)})
    langs = sorted({*by_lang}.union(document_langs, *(table.document_langs() for table in tables)))
    return Section(
        dataset=results[0].dataset,
        queries=len(tables[0].langs),
        langs={lang: number for number, lang in enumerate(langs)},
        measures=_measures(tables, comparison),
        heat_maps=maps,
        document_langs=document_langs,
        by_lang=[
            QueryLang(lang, len(own), [charts.shares(table, own) for table in tables]) for lang, own in by_lang.items()
        ],
        histograms=[
            charts.histogram(f"{side} language", tables, f"RR {side}")
            for side in SIDES.values()
            if any(table.columns.get(f"RR {side}") for table in tables)
        ],
        dots=dots,
        moved=[_moved(lang, [dot for dot in dots if dot.lang == lang]) for lang in by_lang],
        texts=queries,
        comparison=comparison,
        changed=_changed(results, comparison, documents, queries, qrels) if comparison else [],
        judged=bool(qrels),
    )


def _measures(tables: Sequence[Table], comparison: Comparison | None) -> list[MeasureRow]:
    tested = {row.measure: row for row in comparison.differences} if comparison else {}
    rows = []
    for name in _SHOWN:
        means = [_mean(table, name) for table in tables]
        known = [value for value in means if value is not None]
        if not known:
            continue
        test = tested.get(name)
        difference = test.difference if test else known[1] - known[0] if len(known) == 2 else None
        column = "RR cross" if name == GAP else name
        queries = len(tables[0].columns.get(column, {}))
        rows.append(MeasureRow(_NAMES.get(name, name), queries, means, difference, test))
    return rows


def _mean(table: Table, name: str) -> float | None:
    if name == GAP:
        same, cross = (_mean(table, f"RR {side}") for side in SIDES.values())
        return None if same is None or cross is None else same - cross
    return table.mean(name) if table.columns.get(name) else None


def _moved(lang: str, dots: Sequence[charts.Dot]) -> Moved:
    better, worse = sum(dot.second > dot.first for dot in dots), sum(dot.second < dot.first for dot in dots)
    return Moved(lang, better, worse, len(dots) - better - worse)


def _changed(
    results: Sequence[Result],
    comparison: Comparison,
    documents: Titles,
    queries: Mapping[str, str],
    qrels: Qrels,
) -> list[Changed]:
    rows = []
    for change in comparison.changes:
        grades = qrels.get(change.query, {})
        hits = []
        for result in results:
            ranked = [document for document, _ in result.run.get(change.query, ())[:HITS]]
            known = [(document, *documents.get(document, ("", ""))) for document in ranked]
            hits.append([Hit(title or document, lang, grades.get(document, 0)) for document, title, lang in known])
        text = queries.get(change.query) or change.query
        rows.append(Changed(change.query, text, change.lang, change.first, change.second, hits))
    return rows
