"""A run against a dataset -> the figures that are shown and kept: means over queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eval.datasets import Dataset
from eval.measures import FIRST_HIT, MEASURES, PEER, Run, mean
from eval.results import Result
from eval.table import SHARE, SIDE_MEASURES, SIDES, Table, table_of
from eval.trec import Scored


def measured(dataset: Dataset, run: Scored, model: str, costs: Mapping[str, Any]) -> Result:
    """Everything that there is to say of a run; `costs`: what it took, as far as that is known."""
    table = table_of(dataset, {query: [document for document, _ in ranking] for query, ranking in run.items()})
    kept = {query.id: run.get(query.id, []) for query in dataset.queries}
    return Result(dataset.name, table, kept, {**figures_of(dataset, table, model), "costs": dict(costs)})


def figures(dataset: Dataset, run: Run, model: str) -> dict[str, Any]:
    """Measures over all judgements, over those in the query's language (same) and in others (cross), and per pair."""
    return figures_of(dataset, table_of(dataset, run), model)


def figures_of(dataset: Dataset, table: Table, model: str) -> dict[str, Any]:
    """The same, of what has been measured already."""
    return {
        "dataset": dataset.name,
        "queries": len(dataset.queries),
        "documents": len(dataset.documents),
        "model": model,
        "measures": {name: table.mean(name) for name in MEASURES},
        "first_hit_right": table.mean(FIRST_HIT),
        **{
            f"{side}_language": {
                "queries": len(table.columns[f"RR {side}"]),
                **{name: table.mean(f"{name} {side}") for name in SIDE_MEASURES},
            }
            for side in SIDES.values()
        },
        "language_pairs": {
            f"{query}>{document}": {"queries": len(values), "RR": mean(values)}
            for (query, document), values in table.pairs().items()
        },
        "equal_expected_ranks": table.mean(PEER) if table.columns[PEER] else None,
        "language_shares": {
            name.removeprefix(SHARE): table.mean(name) for name in table.columns if name.startswith(SHARE)
        },
    }
