"""The usual hybrid search: `plain` and `bm25`, fused by the ranks of documents alone.

Reciprocal rank fusion (Cormack, Clarke, Büttcher 2009, "Reciprocal rank fusion outperforms Condorcet and individual
rank learning methods", SIGIR), with their k = 60.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from eval.peers import bm25, plain
from eval.peers.peer import Search
from eval.peers.prepared import DEPTH, Prepared

K = 60


@contextmanager
def build(prepared: Prepared) -> Iterator[Search]:
    with plain.build(prepared) as by_vectors, bm25.build(prepared) as by_words:
        yield lambda place: fused([by_vectors(place), by_words(place)])


def fused(rankings: Sequence[Sequence[str]]) -> list[str]:
    """Documents by their scores; of equal ones, that which comes first in the first ranking."""
    scores = fused_scores(rankings)
    return sorted(scores, key=lambda document: -scores[document])[:DEPTH]


def fused_scores(rankings: Sequence[Sequence[str]]) -> dict[str, float]:
    """Document -> the sum of 1 / (60 + rank) over the rankings that have it; ranks from 1."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, document in enumerate(ranking, 1):
            scores[document] = scores.get(document, 0.0) + 1 / (K + rank)
    return scores
