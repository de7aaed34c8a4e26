"""How long ranking takes beyond encoding, over many passages, on one core.

The passages are made by `many_passages.py`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from eval.benchmarks.many_passages import fill
from eval.datasets import Dataset
from indexer.build import open_or_create, update_indexes
from indexer.encoder import Encoder
from indexer.store import LocalStore
from search_api.question import question_of
from search_api.searcher import Searcher

PASSAGES = 100_000
_QUERIES = 100
_ROUNDS = 6
"""In the first one much is read for the first time; of the others, each query's median counts."""


def measure(dataset: Dataset, encoder: Encoder, progress: Callable[[str], None]) -> dict[str, Any]:
    """Milliseconds to rank the best ten documents for a query, beyond encoding it: median and 95th percentile of the
    queries, and the median when all are asked for the first time."""
    with (
        tempfile.TemporaryDirectory(prefix="search-eval-") as folder,
        open_or_create(Path(folder), encoder) as collection,
    ):
        fill(collection, dataset, encoder, PASSAGES, progress)
        start = perf_counter()
        update_indexes(collection)
        built = perf_counter() - start
        size = collection.statistics().bytes
        queries = [question_of(query.text) for query in dataset.queries[:_QUERIES]]
        vectors = encoder.encode_queries([query.text for query in queries])
        with threadpool_limits(1):
            searcher = Searcher(LocalStore(collection), encoder)
            searcher.rank(vectors[0], queries[0], 10)
            rounds: list[list[float]] = [[] for _ in range(_ROUNDS)]
            for times in rounds:
                for vector, query in zip(vectors, queries, strict=True):
                    start = perf_counter()
                    searcher.rank(vector, query, 10)
                    times.append(1000 * (perf_counter() - start))
            settled = np.median(rounds[1:], axis=0)
        passages = collection.statistics().passages
    return {
        "passages": passages,
        "queries": len(queries),
        "median_ms": float(np.median(settled)),
        "p95_ms": float(np.percentile(settled, 95)),
        "first_round_median_ms": median(rounds[0]),
        "bytes_per_passage": size / passages,
        "indexes_built_s": built,
    }
