"""Runs and qrels -> measures, through ir-measures (trec_eval underneath); nothing is computed by hand here.

A judged query that the run lacks counts as 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from eval.errors import MeasureError

Run = Mapping[str, Sequence[str]]
"""Query id -> document ids, best first."""
Qrels = Mapping[str, Mapping[str, int]]

MEASURES = ("nDCG@10", "RR", "R@100", "AP")
FIRST_HIT = "Success@1"


def per_query(run: Run, qrels: Qrels, names: Sequence[str] = MEASURES) -> dict[str, dict[str, float]]:
    """Measure name -> query id -> value in [0, 1], for every query of the qrels."""
    try:
        import ir_measures
    except ImportError as error:
        raise MeasureError(
            "evaluation needs ir-measures; install it with: pip install 'multilingual-search[eval]'"
        ) from error
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


def mean(values: Mapping[str, float]) -> float:
    """The mean over queries, 0 for none."""
    return fmean(values.values()) if values else 0.0
