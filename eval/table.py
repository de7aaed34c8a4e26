"""One run against one dataset -> a table: a row for each query, a column for each thing that is measured.

Everything that compares or shows runs works on this table. A query has no value in a column that does not concern it:
no `RR cross` without relevant documents in other languages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.datasets import Dataset
from eval.measures import FIRST_HIT, MEASURES, PEER, Run, equal_expected_ranks, language_shares, mean, per_query

SIDES = {True: "same", False: "cross"}
SIDE_MEASURES = ("RR", "nDCG@10")
TO, SHARE = "RR>", "top10:"
"""Columns `RR>ja`, for relevant documents in Japanese alone, and `top10:ja`, the share of Japanese in the first ten."""


@dataclass(frozen=True)
class Table:
    """Query id -> the language that it is written in, and column -> query id -> value."""

    langs: Mapping[str, str]
    columns: Mapping[str, Mapping[str, float]]

    def mean(self, column: str) -> float:
        return mean(self.columns.get(column, {}))

    def document_langs(self) -> list[str]:
        return sorted(name.removeprefix(TO) for name in self.columns if name.startswith(TO))

    def pairs(self) -> dict[tuple[str, str], dict[str, float]]:
        """(query's language, document's language) -> query id -> RR."""
        found: dict[tuple[str, str], dict[str, float]] = {}
        for lang in self.document_langs():
            for query, value in self.columns[TO + lang].items():
                found.setdefault((self.langs[query], lang), {})[query] = value
        return dict(sorted(found.items()))


def table_of(dataset: Dataset, run: Run) -> Table:
    """Every measure of a run; relevant documents on the other side (in another language) are left out of a ranking
    where one side (language) is measured."""
    langs = {query.id: query.lang for query in dataset.queries}
    qrels = {query.id: dict(dataset.qrels[query.id]) for query in dataset.queries}
    ranked = {query: list(run.get(query, ())) for query in langs}
    columns: dict[str, dict[str, float]] = dict(per_query(ranked, qrels, (*MEASURES, FIRST_HIT)))
    for same, name in SIDES.items():
        wanted = {
            query: {d for d in dataset.relevant(query) if (dataset.document_langs[d] == lang) == same}
            for query, lang in langs.items()
        }
        for measure, values in _restricted(dataset, ranked, wanted, SIDE_MEASURES).items():
            columns[f"{measure} {name}"] = values
    found_langs = sorted(set(dataset.document_langs.values()))
    for lang in found_langs:
        wanted = {query: {d for d in dataset.relevant(query) if dataset.document_langs[d] == lang} for query in langs}
        if values := _restricted(dataset, ranked, wanted, ("RR",))["RR"]:
            columns[TO + lang] = values
    equal = {
        query: equal_expected_ranks(ranked[query], dataset.relevant(query), dataset.document_langs) for query in langs
    }
    columns[PEER] = {query: value for query, value in equal.items() if value is not None}
    shares = {query: language_shares(ranked[query], dataset.document_langs) for query in langs}
    for lang in found_langs:
        columns[SHARE + lang] = {query: own[lang] for query, own in shares.items()}
    return Table(langs, columns)


def _restricted(
    dataset: Dataset, ranked: Mapping[str, Sequence[str]], wanted: Mapping[str, set[str]], names: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Measures with only the wanted of the relevant documents, the others left out; no row where none are wanted."""
    run, qrels = {}, {}
    for query, own in wanted.items():
        if own:
            relevant = dataset.relevant(query)
            qrels[query] = {document: relevant[document] for document in own}
            run[query] = [document for document in ranked[query] if document in own or document not in relevant]
    return per_query(run, qrels, names)
