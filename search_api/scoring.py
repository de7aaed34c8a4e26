"""Candidates -> scores: what each passage has to say to the query, whatever language either is in.

    score = a third the passage, two thirds its best sentence (a long passage hides the one sentence that answers)
            - what a text has in common with all texts
    then once more with the query moved towards the best passages found (pseudo-relevance feedback)

Sentences and passages are seen in their context: a little of the passage goes into each sentence, and a little of the
document into both. Headings are no answers. All figures are inner products of aligned vectors (`alignment.py`); what
each stage brings is measured in docs/ranking.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.alignment import AlignedQuery, Alignment
from indexer.language_means import runs
from indexer.parts import unit_parts
from indexer.records import StoredPassage

Vectors = NDArray[np.float32]

_DOCUMENT_IN_PASSAGE, _PASSAGE_IN_SENTENCE, _DOCUMENT_IN_SENTENCE = 0.3, 0.2, 0.1
_FEEDBACK_PASSAGES = 10
_FEEDBACK_SHARPNESS = 0.05
"""A passage that scores this much less than the best counts 1/e as much in the feedback."""


@dataclass(frozen=True)
class Stages:
    """The stages of ranking, to be switched off for comparison: each False or 0 leaves one out."""

    means: bool = True
    """Take off each language's mean."""
    maps: bool = True
    """Even out how languages scatter."""
    sentences: float = 2 / 3
    """The share of the best sentence in a score, 0 to 1; the passage as a whole has the rest."""
    context: bool = True
    """Passages and sentences with some of what they stand in; headings are no best sentences."""
    generic: float = 1.25
    """How much it counts against a text that it lies where all texts lie."""
    feedback: float = 0.7
    """How far the query moves towards the best passages found."""
    exact: float = 0.5
    """How much the query's words count in the order of passages of one language."""


@dataclass(frozen=True)
class Scores:
    """Of n passages, each array (n,): the score, and what it is made of, for those who ask why."""

    total: Vectors
    """What ranks: after feedback."""
    own: Vectors
    """Before feedback: the evidence in the passage itself."""
    passage: Vectors
    sentence: Vectors
    generic: Vectors
    best_sentence: NDArray[np.intp]
    """The place of the best sentence among the passage's sentences."""


def score(query: AlignedQuery, passages: Sequence[StoredPassage], alignment: Alignment, stages: Stages) -> Scores:
    """At least one passage."""
    order = sorted(range(len(passages)), key=lambda place: passages[place].lang)  # a language's rows stand together
    scores = _Candidates([passages[place] for place in order], alignment, stages).score(query)
    back = np.argsort(order)
    return Scores(*(values[back] for values in vars(scores).values()))


class _Candidates:
    """The aligned vectors of candidates: n passages, sorted by language, m sentences in all, those of a passage side by
    side."""

    def __init__(self, passages: Sequence[StoredPassage], alignment: Alignment, stages: Stages) -> None:
        self._stages = stages
        self._parts = alignment.parts
        counts = [len(passage.sentences) for passage in passages]
        self._starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.intp)
        self._owners = np.repeat(np.arange(len(passages)), counts)
        langs = [passage.lang for passage in passages]
        sentence_langs = [passage.lang for passage, count in zip(passages, counts, strict=True) for _ in range(count)]
        self._runs, self._sentence_runs = list(runs(langs)), list(runs(sentence_langs))
        plain = alignment.passages(np.stack([passage.vector for passage in passages]), langs)
        raw = np.concatenate([passage.sentence_vectors for passage in passages])
        sentences = alignment.sentences(raw, sentence_langs)
        if stages.context:
            documents = alignment.passages(np.stack([passage.document_vector for passage in passages]), langs)
            around = _PASSAGE_IN_SENTENCE * plain + _DOCUMENT_IN_SENTENCE * documents
            sentences += around[self._owners]
            self._sentences = unit_parts(sentences, self._parts, out=sentences)
            self._passages = unit_parts(plain + _DOCUMENT_IN_PASSAGE * documents, self._parts)
            self._barred = _headings(passages, self._starts, self._owners)
        else:
            self._sentences, self._passages = sentences, plain
            self._barred = np.zeros(len(sentences), bool)
        weight = np.float32(stages.generic)
        self._generic_passages = weight * alignment.generic(self._passages)
        self._generic_sentences = weight * alignment.generic(self._sentences)

    def score(self, query: AlignedQuery) -> Scores:
        towards = {lang: query.towards(lang) for lang, _ in self._runs}
        passage, sentence = self._similarities(towards)
        best = self._best(sentence)
        own = self._total(passage, sentence, best)
        total = own
        if self._stages.feedback:
            move = self._feedback(own, best)
            moved = {lang: unit_parts(vector + move, self._parts) for lang, vector in towards.items()}
            again_passage, again_sentence = self._similarities(moved)
            total = self._total(again_passage, again_sentence, self._best(again_sentence))
        share = np.float32(self._stages.sentences)
        generic = (1 - share) * self._generic_passages + share * self._generic_sentences[best]
        return Scores(total, own, passage, sentence[best], generic, best - self._starts)

    def _similarities(self, towards: dict[str, Vectors]) -> tuple[Vectors, Vectors]:
        passage = np.empty(len(self._passages), np.float32)
        sentence = np.empty(len(self._sentences), np.float32)
        for (lang, own), (_, own_sentences) in zip(self._runs, self._sentence_runs, strict=True):
            passage[own] = self._passages[own] @ towards[lang]
            sentence[own_sentences] = self._sentences[own_sentences] @ towards[lang]
        return passage, sentence

    def _best(self, sentence: Vectors) -> NDArray[np.intp]:
        """(n,) the place of each passage's best sentence among all sentences."""
        values = sentence - self._generic_sentences
        values[self._barred] -= 9
        highest = np.maximum.reduceat(values, self._starts)
        places = np.where(values == highest[self._owners], np.arange(len(values)), len(values))
        best: NDArray[np.intp] = np.minimum.reduceat(places, self._starts)
        return best

    def _total(self, passage: Vectors, sentence: Vectors, best: NDArray[np.intp]) -> Vectors:
        share = np.float32(self._stages.sentences)
        of_sentence = (sentence - self._generic_sentences)[best]
        of_passage = passage - self._generic_passages
        total: Vectors = of_passage + share * (of_sentence - of_passage)
        return total

    def _feedback(self, own: Vectors, best: NDArray[np.intp]) -> Vectors:
        """What the best passages and their best sentences have in common (Rocchio 1971), weighted by their scores."""
        top = np.argsort(-own, kind="stable")[:_FEEDBACK_PASSAGES]
        weights = np.exp((own[top] - own[top[0]]) / np.float32(_FEEDBACK_SHARPNESS))
        weights /= weights.sum()
        centre = weights @ ((self._passages[top] + self._sentences[best[top]]) / 2)
        move: Vectors = np.float32(self._stages.feedback) * centre
        return move


def _headings(
    passages: Sequence[StoredPassage], starts: NDArray[np.intp], owners: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """(m,) the headings of passages that hold anything else."""
    headings = np.concatenate([passage.headings for passage in passages])
    has_text = np.add.reduceat(~headings, starts) > 0
    barred: NDArray[np.bool_] = headings & has_text[owners]
    return barred
