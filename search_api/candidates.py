"""Where answers may be: passages near the query, with its words or with what it quotes; of them, those to read whole.

Comparing sentences costs ten times what comparing passages does, so only the more promising half of the candidates goes
on: those with the best places by passage and words (figures in docs/ranking.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.alignment import AlignedQuery
from indexer.filters import Filter
from indexer.language_means import runs
from indexer.records import StoredPassage
from indexer.store import Store
from search_api.fusion import fused
from search_api.question import Question
from search_api.scoring import Stages

Vectors = NDArray[np.float32]

_NEAR, _WORDED, _QUOTING = 100, 30, 100
_WHOLE = 64


@dataclass(frozen=True)
class Candidates:
    """n passages with their sentences, and what they share with the query by letter."""

    passages: Sequence[StoredPassage]
    words: Vectors
    """(n,) the share of the query's words in each, 0 to 1; 1 for a passage that holds the query word for word."""
    quoting: NDArray[np.bool_]
    """(quotations, n): whether each quotation that the query asks for stands in each."""


def candidates_for(
    question: Question, query: AlignedQuery, store: Store, limit: int, among: Filter, stages: Stages
) -> Candidates:
    """What is worth scoring for `limit` documents, among those that a filter lets through."""
    found = [store.candidates(query, max(_NEAR, 5 * limit), among)]
    quotations: list[NDArray[np.int64]] = []
    if stages.exact:
        literal = store.quoting([word.text for word in question.words], _QUOTING, among)
        quotations = [store.quoting(phrase, _QUOTING, among) for phrase in question.phrases]
        found += [store.worded(question.text, _WORDED, among), literal, *quotations]
    ids, kinds, similarities = _similarities(query, store, np.unique(np.concatenate(found)))
    words = np.zeros(len(ids), np.float32)
    if stages.exact:
        words = np.where(np.isin(ids, literal), np.float32(1), store.word_shares(question.text, ids))
    quoting = np.array([np.isin(ids, own) for own in quotations], bool).reshape(len(quotations), len(ids))
    promising = fused(similarities, similarities + np.float32(stages.exact) * words, words, kinds, stages.exact)
    best = np.lexsort((ids, -promising, -quoting.sum(axis=0)))[: max(_WHOLE, 3 * limit)]
    passages = {passage.id: passage for passage in store.passages(ids[best].tolist())}
    kept = [place for place in best if ids[place] in passages]  # another process may have deleted some meanwhile
    return Candidates([passages[ids[place]] for place in kept], words[kept], quoting[:, kept])


def _similarities(
    query: AlignedQuery, store: Store, ids: NDArray[np.int64]
) -> tuple[NDArray[np.int64], list[str], Vectors]:
    """The passages that are still there, their languages, and how near each is to the query, (n,)."""
    ids, langs, vectors = store.passage_vectors(ids.tolist())
    order = sorted(range(len(ids)), key=lambda place: langs[place])
    kinds = [langs[place] for place in order]
    aligned = store.alignment.passages(vectors[order], kinds)
    similarities = np.empty(len(ids), np.float32)
    for lang, own in runs(kinds):
        similarities[own] = aligned[own] @ query.towards(lang)
    return ids[order], kinds, similarities
