"""Runs and qrels -> measures, through ir-measures (trec_eval underneath), and how evenly languages are served.

A judged query that the run lacks counts as 0.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from eval.errors import DatasetError, MeasureError

Run = Mapping[str, Sequence[str]]
"""Query id -> document ids, best first."""
Qrels = Mapping[str, Mapping[str, int]]

MEASURES = ("nDCG@10", "nDCG@20", "RR", "AP", "R@100", "P@10", "Judged@10")
FIRST_HIT = "Success@1"
PEER = "PEER@100"
_PEER_DEPTH = 100


def per_query(run: Run, qrels: Qrels, names: Sequence[str] = MEASURES) -> dict[str, dict[str, float]]:
    """Measure name -> query id -> value in [0, 1], for every query of the qrels."""
    try:
        import ir_measures
    except ImportError as error:
        raise MeasureError(
            "evaluation needs ir-measures; install it with: pip install 'multilingual-search[eval]'"
        ) from error
    for identifiers in (run, qrels, *run.values(), *qrels.values()):
        _check(identifiers)
    judgements = [
        ir_measures.Qrel(query, document, grade) for query, row in qrels.items() for document, grade in row.items()
    ]
    # trec_eval sorts by score, and breaks ties by document id; the ranks themselves as scores leave no ties.
    scored = [
        ir_measures.ScoredDoc(query, document, float(-rank))
        for query, documents in run.items()
        for rank, document in enumerate(documents)
    ]
    measures = {ir_measures.parse_measure(name): name for name in names}
    values = {name: dict.fromkeys(qrels, 0.0) for name in names}
    if scored:
        for metric in ir_measures.iter_calc(list(measures), judgements, scored):
            values[measures[metric.measure]][metric.query_id] = float(metric.value)
    return values


def _check(identifiers: Iterable[str]) -> None:
    """Raises DatasetError for an id with half a surrogate pair, on which trec_eval would take the process down."""
    try:
        "".join(identifiers).encode()
    except UnicodeEncodeError as error:
        character = error.object[error.start]
        identifier = next(identifier for identifier in identifiers if character in identifier)
        raise DatasetError(f"id {identifier!r} is no Unicode text; give it another one") from error


def equal_expected_ranks(ranking: Sequence[str], relevant: Mapping[str, int], langs: Mapping[str, str]) -> float | None:
    """PEER: the probability that a query's relevant documents are ranked alike in every language, 0 to 1.

    The p-value of Kruskal and Wallis' test that their ranks among the first 100 do not depend on the language; those
    further down share one place behind (Yang, Jänich, Mayfield, Lawrie 2024, "Language fairness in multilingual
    information retrieval", SIGIR; all grades above 0 are one level here). None where there is nothing to compare:
    relevant documents in fewer than two languages.
    """
    from scipy.stats import kruskal

    rank = {document: float(place) for place, document in enumerate(ranking[:_PEER_DEPTH])}
    groups: dict[str, list[float]] = {}
    for document, grade in relevant.items():
        if grade > 0:
            groups.setdefault(langs[document], []).append(rank.get(document, float(_PEER_DEPTH)))
    if len(groups) < 2:
        return None
    if len({place for group in groups.values() for place in group}) == 1:
        return 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a language with one document is as good as any
        return float(kruskal(*groups.values()).pvalue)


def language_shares(ranking: Sequence[str], langs: Mapping[str, str], depth: int = 10) -> dict[str, float]:
    """Of the first ten documents, the share in each language that there is; 0 for each where nothing was found."""
    first = [langs[document] for document in ranking[:depth]]
    return {lang: first.count(lang) / max(1, len(first)) for lang in sorted(set(langs.values()))}


def mean(values: Mapping[str, float]) -> float:
    """The mean over queries, 0 for none."""
    return fmean(values.values()) if values else 0.0
