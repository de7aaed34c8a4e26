"""Scored candidates -> documents in order, each by its best passage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from indexer.alignment import AlignedQuery
from indexer.filters import Filter
from indexer.records import StoredPassage
from indexer.store import Store
from search_api.candidates import Candidates, candidates_for
from search_api.fusion import fused
from search_api.question import Question
from search_api.scoring import Scores, Stages, score


@dataclass(frozen=True)
class RankedDocument:
    """A candidate document by its best passage."""

    passage: StoredPassage
    score: float
    """The evidence, on a scale that is the same for every language and falls with the rank."""
    best_sentence: int | None
    """Its place among the passage's; None: the one with most words of the question."""
    explain: Callable[[], dict[str, float]]
    """What each stage contributed."""


def rank(
    question: Question, query: AlignedQuery, store: Store, limit: int, among: Filter, stages: Stages
) -> list[RankedDocument]:
    """The candidates for `limit` documents or more, best first."""
    found = candidates_for(question, query, store, limit, among, stages)
    if not found.passages:
        return []
    return _ordered(found, score(query, found.passages, store.alignment, stages), stages)


def rank_by_words(question: Question, store: Store, limit: int, among: Filter) -> list[RankedDocument]:
    """By BM25 alone, as the share of the most that any text could have; what is asked for in quotation marks first."""
    quotations = [store.quoting(phrase, limit, among) for phrase in question.phrases]
    literal = store.quoting([word.text for word in question.words], limit, among)
    ids = np.unique(np.concatenate([store.worded(question.text, limit, among), literal, *quotations]))
    if not len(ids):
        return []
    words = np.where(np.isin(ids, literal), np.float32(1), store.word_shares(question.text, ids))
    quoting = np.array([np.isin(ids, own) for own in quotations], bool).reshape(len(quotations), len(ids))
    best: dict[int, StoredPassage] = {}
    shares: dict[int, float] = {}
    quoted: dict[int, NDArray[np.bool_]] = {}
    places = np.lexsort((ids, -words, -quoting.sum(axis=0)))
    of_id = {int(ids[place]): place for place in places}
    for passage in store.passages(ids[places].tolist()):
        number, place = passage.document, of_id[passage.id]
        best.setdefault(number, passage)
        shares[number] = max(shares.get(number, 0.0), float(words[place]))
        quoted[number] = quoted.get(number, False) | quoting[:, place]
    order = sorted(best, key=lambda number: (not quoted[number].all(), -shares[number], best[number].id))
    # Scores fall with the rank, also where a quotation has lifted a document.
    falling = sorted(shares.values(), reverse=True)
    return [
        RankedDocument(best[number], score, None, partial(_said, shares[number], len(quoting) > 0 and quoted[number]))
        for number, score in zip(order, falling, strict=True)
    ]


def _said(share: float, quoted: NDArray[np.bool_] | bool) -> dict[str, float]:
    return {"words": share, "quoted": float(np.all(quoted))}


def extended(ranked: Sequence[RankedDocument], deeper: Sequence[RankedDocument]) -> list[RankedDocument]:
    """What was found, and behind it what was found by looking deeper: so that a page of results never changes the order
    of those before it."""
    known = {own.passage.document for own in ranked}
    least = ranked[-1].score if ranked else np.inf
    return [
        *ranked,
        *(
            RankedDocument(own.passage, min(least, own.score), own.best_sentence, own.explain)
            for own in deeper
            if own.passage.document not in known
        ),
    ]


def _ordered(found: Candidates, scores: Scores, stages: Stages) -> list[RankedDocument]:
    """The best passage of each document by meaning and words together, documents in the order of their fused scores."""
    passages = found.passages
    both = scores.total + np.float32(stages.exact) * found.words
    numbers = np.array([passage.document for passage in passages])
    by_document = np.lexsort((-both, -found.quoting.sum(axis=0), numbers))
    starts = np.flatnonzero(np.diff(numbers[by_document], prepend=-1))
    shown = by_document[starts].tolist()
    meaning, evidence, words = (
        np.maximum.reduceat(values[by_document], starts) for values in (scores.total, scores.own, found.words)
    )
    quoted = np.all(np.logical_or.reduceat(found.quoting[:, by_document], starts, axis=1), axis=0)
    final = fused(meaning, both[shown], words, [passages[place].lang for place in shown], stages.exact)
    order = np.lexsort((-final, ~quoted)).tolist()
    falling = -np.sort(-evidence)

    def explained(item: int) -> dict[str, float]:
        place = shown[item]
        return {
            "passage": float(scores.passage[place]),
            "sentence": float(scores.sentence[place]),
            "generic": -float(scores.generic[place]),
            "evidence": float(scores.own[place]),
            "feedback": float(scores.total[place] - scores.own[place]),
            "words": float(found.words[place]),
            "fusion": float(final[item] - scores.total[place]),
            "quoted": float(len(found.quoting) > 0 and quoted[item]),
        }

    return [
        RankedDocument(
            passage=passages[shown[item]],
            score=float(falling[rank]),
            best_sentence=int(scores.best_sentence[shown[item]]),
            explain=partial(explained, item),
        )
        for rank, item in enumerate(order)
    ]
