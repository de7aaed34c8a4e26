"""BM25 over the words of passages, and phrases, in an index of tantivy's.

With `lexical_index.py`, which keeps such an index beside a collection, the only file that imports tantivy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tantivy
from numpy.typing import NDArray
from tantivy import Occur, Query

from indexer.words import terms_of, weights_of, words_of

Ids = NDArray[np.int64]
Scores = NDArray[np.float32]

MAX_TERMS = 32
"""Of a query's terms, only this many are looked up, the rarest ones: a sentence of five words has as many, and the
common trigrams that longer questions lose say next to nothing (figures in docs/ranking.md)."""

_K1 = 1.2  # tantivy's, as is b = 0.75
_FEW = 1_000  # ids that a query can name one by one; more are cheaper to find among the best of all
_HEAP = 128_000_000  # bytes; a new segment begins when they are full


_BETWEEN_SPACES = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
"""Not by tantivy's own name for it, so that no filter of letters or lengths comes with it."""


class _Chosen(NamedTuple):
    """What is looked up for a query."""

    any_term: Query | None
    """None where no passage holds any of its terms."""
    best_possible: float


class LexicalIndex:
    """An index as of one version of the collection. Methods may be called from several threads."""

    def __init__(self, searcher: tantivy.Searcher, counted: int, version: int, state: bytes) -> None:
        """`counted`: the passages behind the document frequencies, with deleted ones that no merge has removed."""
        self.version = version
        """The collection's version that the index covers."""
        self.state = state
        """The mark of the collection at that version."""
        self._searcher = searcher
        self._counted = counted
        self._last: tuple[str, _Chosen] = ("", _Chosen(None, 0.0))

    def __len__(self) -> int:
        return self._searcher.num_docs

    def search(self, query: str, limit: int, among: Ids | None = None) -> tuple[Ids, Scores]:
        """The `limit` passages (of `among`, where given) with the largest BM25, which counts each term once.

        Returns (ids, scores), best first; fewer where fewer hold any of the terms.
        """
        limit = min(limit, len(self))
        any_term = self._chosen(query).any_term
        if limit == 0 or any_term is None or (among is not None and len(among) == 0):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if among is None:
            return self._hits(any_term, limit)
        if len(among) <= _FEW:
            among = np.unique(among)
            scores = self.scores(query, among)
            best = np.argsort(-scores, kind="stable")[: min(limit, np.count_nonzero(scores))]
            return among[best], scores[best]
        fetched = 2 * limit * max(1, len(self) // len(among))
        while True:
            fetched = min(fetched, len(self))
            ids, scores = self._hits(any_term, fetched)
            wanted = np.isin(ids, among)
            if np.count_nonzero(wanted) >= limit or len(ids) < fetched or fetched == len(self):
                return ids[wanted][:limit], scores[wanted][:limit]
            fetched *= 8

    def scores(self, query: str, ids: Ids) -> Scores:
        """BM25 of given passages, as `search` gives it; 0 where no term is found, and for what is no passage."""
        any_term = self._chosen(query).any_term
        found: dict[int, float] = {}
        if any_term is not None and len(self):
            for start in range(0, len(ids), _FEW):
                part = ids[start : start + _FEW].tolist()
                query_among = Query.boolean_query([(Occur.Must, any_term), (Occur.Must, _one_of(part))])
                found_ids, scores = self._hits(query_among, len(part))
                found.update(zip(found_ids.tolist(), scores.tolist(), strict=True))
        return np.array([found.get(identifier, 0.0) for identifier in ids.tolist()], np.float32)

    def best_possible(self, query: str) -> float:
        """What no passage's BM25 for this query can exceed, as if it held each term infinitely often.

        Terms that no passage holds count as well, as the rarest.
        """
        return self._chosen(query).best_possible

    def phrase(self, words: Sequence[str], limit: int) -> Ids:
        """Passages that hold folded words side by side in this order; at most `limit`, which of them is undefined."""
        limit = min(limit, len(self))
        if limit == 0 or not words:
            return np.empty(0, np.int64)
        if len(words) == 1:
            query = Query.term_query(SCHEMA, "words", words[0], index_option="basic")
        else:
            query = Query.phrase_query(SCHEMA, "words", list(words))
        return self._hits(Query.const_score_query(query, 1.0), limit)[0]

    def _hits(self, query: Query, limit: int) -> tuple[Ids, Scores]:
        hits = self._searcher.search(query, limit, count=False).hits
        ids = self._searcher.fast_field_values("id", [address for _, address in hits])
        return np.array(ids, np.int64), np.array([score for score, _ in hits], np.float32)

    def _chosen(self, query: str) -> _Chosen:
        """The last one is kept, because a query is mostly searched, scored and bounded in a row."""
        last, chosen = self._last
        if last != query:
            chosen = self._choose(query)
            self._last = (query, chosen)
        return chosen

    def _choose(self, query: str) -> _Chosen:
        weights = weights_of(words_of(query))
        frequencies = [(self._searcher.doc_freq("terms", term), term) for term in weights]
        held = sorted(item for item in frequencies if item[0])[:MAX_TERMS]
        absent = sum(weights[term] for frequency, term in frequencies if frequency == 0)
        best = (_K1 + 1) * (
            absent * self._idf(0) + sum(weights[term] * self._idf(frequency) for frequency, term in held)
        )
        terms = [(Occur.Should, _weighted(term, weights[term])) for _, term in held]
        return _Chosen(Query.boolean_query(terms) if terms else None, best)

    def _idf(self, frequency: int) -> float:
        return math.log1p((self._counted - frequency + 0.5) / (frequency + 0.5))


def _weighted(term: str, weight: float) -> Query:
    return Query.boost_query(Query.term_query(SCHEMA, "terms", term, index_option="freq"), weight)


def _one_of(ids: Sequence[int]) -> Query:
    """Adds nothing to the score. A term set would need seven times as long for 200 ids."""
    each = [(Occur.Should, Query.term_query(SCHEMA, "id", identifier, index_option="basic")) for identifier in ids]
    return Query.const_score_query(Query.boolean_query(each), 0.0)


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("id", indexed=True, fast=True)
    builder.add_text_field("terms", tokenizer_name="between spaces", index_option="freq")
    builder.add_text_field("words", tokenizer_name="between spaces", index_option="position")
    return builder.build()


SCHEMA = _schema()


def write_passages(index: tantivy.Index, blocks: Iterator[list[tuple[int, str]]], gone: Sequence[int] = ()) -> None:
    """Add passages, block by block of (id, text), after those that are `gone` have left; on disk when this returns."""
    index.register_tokenizer("between spaces", _BETWEEN_SPACES)
    writer = index.writer(heap_size=_HEAP, num_threads=1)
    if gone:
        writer.delete_documents_by_query(Query.term_set_query(SCHEMA, "id", gone))
    for block in blocks:
        for identifier, text in block:
            words = words_of(text)
            document = tantivy.Document()
            document.add_unsigned("id", identifier)
            document.add_text("terms", " ".join(terms_of(words)))
            document.add_text("words", " ".join(word.text for word in words))
            writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
