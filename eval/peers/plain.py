"""Plain vector search, as tutorials of sentence-transformers do it: a vector for each passage, exact inner product."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from eval.peers.peer import Search
from eval.peers.prepared import Prepared


@contextmanager
def build(prepared: Prepared) -> Iterator[Search]:
    vectors = prepared.passage_vectors
    yield lambda place: prepared.by_best_passage(vectors @ prepared.query_vectors[place])
