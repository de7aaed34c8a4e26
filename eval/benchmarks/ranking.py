"""How long ranking takes beyond encoding, over many passages, on one core.

The passages are those of the sample collection over and over, each time with its sentences' vectors a little moved and
its sentences in another order, so that both indexes have as much to do as with text that nobody wrote for a benchmark.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from eval.datasets import Dataset
from indexer.build import open_or_create, update_indexes
from indexer.documents import Document
from indexer.encoder import Encoder
from indexer.passages import Passage, passages_of, text_to_encode
from indexer.records import EncodedDocument, EncodedPassage
from indexer.store import LocalStore
from indexer.stored_collection import StoredCollection
from search_api.question import question_of
from search_api.searcher import Searcher

PASSAGES = 100_000
_NOISE = 0.02
"""Standard deviation of what is added to each component of a vector of length 1: about as far as neighbours are."""
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
        _fill(collection, dataset, encoder, progress)
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


def _fill(collection: StoredCollection, dataset: Dataset, encoder: Encoder, progress: Callable[[str], None]) -> None:
    cut = [
        (document, passages_of(document.text, encoder, collection.budget, document.lang))
        for document in dataset.documents
    ]
    texts = [
        text
        for document, passages in cut
        for passage in passages
        for text in (
            text_to_encode(document.text, document.title, passage),
            *(document.text[start:end] for start, end in passage.sentences),
        )
    ]
    progress(f"encoding {len(texts)} texts")
    vectors = encoder.encode_passages(texts)
    random = np.random.default_rng(0)
    copies = -(-PASSAGES // sum(len(passages) for _, passages in cut))
    for copy in range(copies):
        collection.put(list(_moved(cut, vectors, copy, random)))
        if copy % 50 == 49:
            progress(f"{copy + 1} of {copies} copies of the documents")


def _moved(
    cut: list[tuple[Document, list[Passage]]], vectors: Any, copy: int, random: np.random.Generator
) -> Iterator[EncodedDocument]:
    at = 0
    for document, passages in cut:
        encoded, text = [], ""
        for passage in passages:
            count = 1 + len(passage.sentences)
            own = vectors[at : at + count] + random.normal(0, _NOISE, (count, vectors.shape[1])).astype(np.float32)
            own /= np.linalg.norm(own, axis=1, keepdims=True)
            at += count
            begin, spans = len(text), []
            for place in random.permutation(len(passage.sentences)):
                start, end = passage.sentences[place]
                spans.append((len(text), len(text) + end - start))
                text += document.text[start:end] + " "
            moved = Passage(begin, len(text) - 1, tuple(spans), passage.lang)
            encoded.append(EncodedPassage(moved, own[0], own[1:]))
        yield EncodedDocument(
            Document(id=f"{document.id}-{copy}", text=text, title=document.title, lang=document.lang),
            document.lang or "und",
            b"",
            encoded,
        )
