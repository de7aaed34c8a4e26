"""Peers side by side with the product: results of each, and a table for each dataset as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from eval.datasets import Dataset
from eval.evaluation import settings_of
from eval.experiment import Progress
from eval.figures import measured
from eval.peers.peer import Encoding, Peer, PeerOutcome
from eval.results import Result, Results

_COLUMNS = ("nDCG@10", "AP", "RR same", "RR cross", "first hit", "milliseconds a query", "seconds to index")
_NONE = "–"


def peer_results(datasets: Sequence[Dataset], peer: Peer, progress: Progress) -> Results:
    """Every dataset through a peer."""
    began, start = datetime.now(UTC), perf_counter()
    of = {dataset.name: _result(dataset, peer.name, peer.measure(dataset, progress)) for dataset in datasets}
    return Results(settings_of(peer.name, datasets, began, perf_counter() - start), of)


def _result(dataset: Dataset, name: str, outcome: PeerOutcome) -> Result:
    """Peers score in ways of their own; what is kept is 1 / rank."""
    run = {query: [(own, 1 / rank) for rank, own in enumerate(found, 1)] for query, found in outcome.run.items()}
    costs = {
        "milliseconds_a_query": round(outcome.milliseconds, 2),
        "seconds_to_index": round(outcome.seconds, 2),
    }
    return measured(dataset, run, name, costs)


def peer_table(results: Mapping[str, Results], peers: Sequence[Peer]) -> str:
    """`results`: a row's name -> results of the same datasets. Of the `peers`, those are noted that encode."""
    first = next(iter(results.values()))
    tables = [_table(name, {system: own.of[name].figures for system, own in results.items()}) for name in first.of]
    return "\n\n".join([*tables, _note(peers)]) + "\n"


def _table(dataset: str, figures: Mapping[str, Mapping[str, Any]]) -> str:
    one = next(iter(figures.values()))
    return "\n".join(
        [
            f"### {dataset}: {one['queries']} queries, {one['documents']} documents",
            "",
            f"| system | {' | '.join(_COLUMNS)} |",
            f"| --- |{' ---: |' * len(_COLUMNS)}",
            *(f"| {system} | {' | '.join(_cells(own))} |" for system, own in figures.items()),
        ]
    )


def _cells(figures: Mapping[str, Any]) -> list[str]:
    measures, costs = figures["measures"], figures["costs"]
    sides = (figures["same_language"], figures["cross_language"])
    return [
        f"{measures['nDCG@10']:.3f}",
        f"{measures['AP']:.3f}",
        *(f"{side['RR']:.3f}" if side["queries"] else _NONE for side in sides),
        f"{figures['first_hit_right']:.3f}",
        f"{costs['milliseconds_a_query']:.2f}",
        f"{costs['seconds_to_index']:.1f}",
    ]


def _note(peers: Sequence[Peer]) -> str:
    own = [peer.name for peer in peers if peer.encoding is Encoding.OWN]
    note = "Milliseconds: to rank one query, encoding it left out (the median)"
    if own:
        note += f"; {', '.join(own)} does that itself, so there it is part of them"
    return f"{note}. Seconds: to cut, encode and index; vectors that an encoder remembers cost it nothing."
