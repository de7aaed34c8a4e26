"""Peers side by side with the product, as Markdown: a table for each dataset, a row for each system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.datasets import Dataset
from eval.experiment import Progress
from eval.measures import FIRST_HIT
from eval.peers.peer import Encoding, Peer, PeerError, PeerOutcome
from eval.peers.systems import peers
from eval.table import table_of
from indexer.encoder import Encoder

_COLUMNS = ("nDCG@10", "AP", "RR same", "RR cross", "first hit", "milliseconds a query", "seconds to index")
_NONE = "–"


def peer_table(
    datasets: Sequence[Dataset],
    names: Sequence[str],
    encoder: Encoder | None,
    ours: Mapping[str, Mapping[str, Any]],
    progress: Progress,
) -> str:
    """`ours`: dataset's name -> the product's figures of it, as a folder of results has them in figures.json.

    Raises PeerError for a peer that is not to be had, and for a dataset without figures of ours.
    """
    systems = peers(names, encoder)
    for dataset in datasets:
        if dataset.name not in ours:
            raise PeerError(f"{dataset.name}: the product's own figures are missing; evaluate it on this dataset first")
    tables = [_table(dataset, systems, ours[dataset.name], progress) for dataset in datasets]
    return "\n\n".join([*tables, _note(systems)]) + "\n"


def _table(dataset: Dataset, systems: Sequence[Peer], ours: Mapping[str, Any], progress: Progress) -> str:
    rows = [["ours", *_our_cells(ours)]]
    rows += [[peer.name, *_cells(dataset, peer.measure(dataset, progress))] for peer in systems]
    return "\n".join(
        [
            f"### {dataset.name}: {len(dataset.queries)} queries, {len(dataset.documents)} documents",
            "",
            f"| system | {' | '.join(_COLUMNS)} |",
            f"| --- |{' ---: |' * len(_COLUMNS)}",
            *(f"| {' | '.join(row)} |" for row in rows),
        ]
    )


def _cells(dataset: Dataset, outcome: PeerOutcome) -> list[str]:
    table = table_of(dataset, outcome.run)
    means = [
        f"{table.mean(column):.3f}" if table.columns.get(column) else _NONE
        for column in ("nDCG@10", "AP", "RR same", "RR cross", FIRST_HIT)
    ]
    return [*means, f"{outcome.milliseconds:.2f}", f"{outcome.seconds:.1f}"]


def _our_cells(figures: Mapping[str, Any]) -> list[str]:
    measures, costs = figures["measures"], figures.get("costs", {})
    sides = (figures["same_language"], figures["cross_language"])
    return [
        f"{measures['nDCG@10']:.3f}",
        f"{measures['AP']:.3f}",
        *(f"{side['RR']:.3f}" if side["queries"] else _NONE for side in sides),
        f"{figures['first_hit_right']:.3f}",
        f"{costs['milliseconds_a_query']:.2f}" if "milliseconds_a_query" in costs else _NONE,
        f"{costs['seconds_to_index']:.1f}" if "seconds_to_index" in costs else _NONE,
    ]


def _note(systems: Sequence[Peer]) -> str:
    own = [peer.name for peer in systems if peer.encoding is Encoding.OWN]
    note = "Milliseconds: to rank one query, encoding it left out (the median)"
    if own:
        note += f"; {', '.join(own)} does that itself, so there it is part of them"
    return f"{note}. Seconds: to cut, encode and index; vectors that an encoder remembers cost it nothing."
