"""A question -> ranked hits, from whatever language. No web and no terminal in here.

encode the question (`query_vectors.py`), align it with each language
-> candidates: the passages nearest to it, with its words, with its quotations (`candidates.py`)
-> scores by meaning (`scoring.py`), exact words within each language (`fusion.py`)
-> the best passage of each document (`ranking.py`), one hit for each story (`stories.py`), its best sentence in the
   snippet (`hits.py`)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from indexer.encoder import QueryEncoder
from indexer.errors import QueryError
from indexer.filters import EVERYTHING, Filter
from indexer.languages import language_of, language_probabilities
from indexer.store import Store, Stores
from search_api import metrics
from search_api.encoding.gathering import Gathering
from search_api.hits import Results, facets_of, hits_of, stories_of
from search_api.query_vectors import QueryVectors
from search_api.question import Question, question_of
from search_api.ranking import RankedDocument, extended, rank, rank_by_words
from search_api.scoring import Stages
from search_api.turns import Turns

Vectors = NDArray[np.float32]
Mode = Literal["hybrid", "semantic", "lexical"]
"""By meaning and exact words; by meaning alone; by exact words alone."""
MODES: tuple[Mode, ...] = ("hybrid", "semantic", "lexical")

MOST_HITS = 100
_FIRST = 20
"""A page of at most so many hits comes from a first look, which is deep enough for them; what that does not fill is
looked for deeper."""


class Searcher:
    """Searches the newest version of what is stored through one encoder; may be called from several threads."""

    def __init__(self, stores: Stores, encoder: QueryEncoder, stages: Stages | None = None) -> None:
        """`stages`: what to leave out, for comparison."""
        self._stores = stores
        self._gathering = Gathering(encoder, lambda: self._turns.left)
        self._turns = Turns(self._gathering.look)
        self._vectors = QueryVectors(self._gathering)
        self._stages = stages or Stages()

    def search(
        self,
        query: str,
        limit: int = 10,
        among: Filter = EVERYTHING,
        *,
        offset: int = 0,
        mode: Mode = "hybrid",
        min_score: float | None = None,
        collapse: bool = True,
        explain: bool = False,
        facets: bool = False,
    ) -> Results:
        """The best documents among those that a filter lets through, without the first `offset`; at most `limit`, and
        100 with those before them. With `collapse`, documents that tell the same story are one hit; `min_score` leaves
        out those that score less. One page goes on where the one before it has ended. Raises QueryError."""
        number = self._turns.number()
        question = question_of(query)
        _check(limit, offset, mode)
        vector = None
        if mode != "lexical":
            with metrics.stage("encode"):
                vector, known = self._vectors.of(question.text)
                metrics.cache("queries", hit=known)

        def answer() -> Results:
            with self._stores.current() as store:

                def found(depth: int) -> list[RankedDocument]:
                    with metrics.stage("rank"):
                        return self._found(vector, question, store, depth, among, mode)

                def stories() -> list[list[RankedDocument]]:
                    with metrics.stage("collapse"):
                        return stories_of(_of_score(ranked, min_score), store, offset + limit, collapse=collapse)

                # The size of a page alone decides how it begins: so each goes on where the one before it has ended.
                ranked = found(_FIRST if limit <= _FIRST else MOST_HITS)
                told = stories()
                if limit <= _FIRST and len(told) < offset + limit and len(_of_score(ranked, min_score)) == len(ranked):
                    ranked = extended(ranked, found(MOST_HITS))
                    told = stories()
                ranked = _of_score(ranked, min_score)
                with metrics.stage("show"):
                    hits = hits_of(question, told, store, offset, explain=explain)
                    counts = facets_of(ranked, store) if facets else None
                language = language_of(question.text)
                return Results(question.text, len(ranked), hits, offset, store.version, store.mark, language, counts)

        return self._turns.do(number, answer)

    def rank(self, vector: Vectors, question: Question, limit: int, among: Filter = EVERYTHING) -> list[RankedDocument]:
        """The candidates for `limit` documents, best first; `vector` is the raw query vector (dimension,)."""
        with self._stores.current() as store:
            return self._ranked(vector, question, store, limit, among, self._stages)

    def document_ids(self, ranked: Sequence[RankedDocument]) -> list[str]:
        """The ids of ranked documents, in order: what an evaluation needs."""
        with self._stores.current() as store:
            documents = store.documents([candidate.passage.document for candidate in ranked])
        numbers = (candidate.passage.document for candidate in ranked)
        return [documents[number].id for number in numbers if number in documents]

    def _found(
        self,
        vector: Vectors | None,
        question: Question,
        store: Store,
        limit: int,
        among: Filter,
        mode: Mode,
    ) -> list[RankedDocument]:
        """The candidates for `limit` documents, best first; by words alone without a vector."""
        if vector is None:
            return rank_by_words(question, store, _PASSAGES_EACH * limit, among)
        stages = replace(self._stages, exact=0.0) if mode == "semantic" else self._stages
        return self._ranked(vector, question, store, limit, among, stages)

    def _ranked(
        self, vector: Vectors, question: Question, store: Store, limit: int, among: Filter, stages: Stages
    ) -> list[RankedDocument]:
        probabilities = language_probabilities(question.text, store.languages())
        return rank(question, store.alignment.query(vector, probabilities), store, limit, among, stages)


_PASSAGES_EACH = 5
"""Passages that are looked at for a document, where words alone count."""


def _of_score(ranked: list[RankedDocument], least: float | None) -> list[RankedDocument]:
    return ranked if least is None else [own for own in ranked if own.score >= least]


def _check(limit: int, offset: int, mode: str) -> None:
    if not 1 <= limit <= MOST_HITS:
        raise QueryError(f"a limit of {limit}, expected 1 to {MOST_HITS}")
    if not 0 <= offset <= MOST_HITS - limit:
        raise QueryError(f"an offset of {offset} with a limit of {limit}, expected {MOST_HITS} together at most")
    if mode not in MODES:
        raise QueryError(f"mode {mode[:40]!r}, expected one of {', '.join(MODES)}")
