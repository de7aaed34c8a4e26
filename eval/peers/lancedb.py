"""LanceDB's hybrid search: the same vectors and full text, joined by its own reciprocal rank fusion.

Full text takes the tokenizer that it offers for many languages (ICU), without the English stems and stop words that are
its default. Vectors are searched exactly: it recommends an index of them from some hundred thousand on only.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from eval.peers.peer import Search, package
from eval.peers.prepared import PASSAGES, Prepared


@contextmanager
def build(prepared: Prepared) -> Iterator[Search]:
    lancedb, arrow = package("lancedb"), package("pyarrow")
    reranker = package("lancedb.rerankers").RRFReranker()
    full_text = package("lancedb.index").FTS(
        base_tokenizer="icu",
        stem=False,
        remove_stop_words=False,
        with_position=True,  # queries may hold quotations
    )
    vectors = prepared.passage_vectors
    queries = [query.text for query in prepared.dataset.queries]
    with tempfile.TemporaryDirectory(prefix="search-eval-") as folder:
        rows = arrow.table(
            {
                "place": arrow.array(range(len(prepared.texts)), arrow.int64()),
                "text": prepared.texts,
                "vector": arrow.FixedSizeListArray.from_arrays(vectors.ravel(), vectors.shape[1]),
            }
        )
        table = lancedb.connect(folder).create_table("passages", rows)
        table.create_index("text", config=full_text, wait_timeout=timedelta(minutes=10))

        def search(place: int) -> list[str]:
            found = (
                table.search(query_type="hybrid")
                .vector(prepared.query_vectors[place])
                .text(queries[place])
                .distance_type("cosine")
                .rerank(reranker)
                .limit(PASSAGES)
                .to_arrow()
                .to_pydict()
            )
            return prepared.by_first_passage(zip(found["place"], found["_relevance_score"], strict=True))

        yield search
