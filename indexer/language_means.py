"""What a language adds to every vector: the mean of its vectors, to be taken off (see `alignment.py`).

Multilingual encoders put texts of one language closer to each other than to their translations, so that a plain
index answers in the language of the question. The difference between two languages is mostly one shift; without it,
what is left is the topic. A language's mean comes from the collection itself, shrunk towards a prior (the sample
collection, through the same model) while the collection has few texts in it:

    mean = (n * own mean + k * prior mean) / (n + k)

How far languages lie apart is the model's doing, so it is about the same in any text; what is not is the topics that a
collection has in one language and not in another. How much of the distances is language is measured, part by part, by
what the prior, which is other text, confirms of them:

    share = sum of (own offset * prior offset) / sum of (own offset)^2, over the languages of both

with offsets from the mean of those languages: the regression of one on the other. Where half or more is confirmed, the
means are taken off whole: taking off too little costs more than taking off some topic. Below, in proportion, and
nothing where nothing is confirmed, as with a model that has been trained to keep languages together.

Passages and single sentences have means of their own, because short texts lie elsewhere than long ones. A query is
about as long as a sentence but goes through another prompt; its mean is the sentences' plus the shift between the two
prompts, which the prior measures by encoding the same sentences both ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from indexer.parts import Parts, spans

Vectors = NDArray[np.float32]
Sums = NDArray[np.float64]

SHRINKAGE = 50
"""k: how many texts of a language weigh as much as the prior."""
ENOUGH = 0.5
"""The share of the distances between languages that other text must confirm for the means to be taken off whole."""


@dataclass(frozen=True)
class LanguageSum:
    """Of one language: how many passages and sentences there are, and the sums of their raw vectors, (dimension,)."""

    passages: int
    passage_sum: Sums
    sentences: int
    sentence_sum: Sums

    def plus(self, other: LanguageSum, sign: int = 1) -> LanguageSum:
        return LanguageSum(
            self.passages + sign * other.passages,
            self.passage_sum + sign * other.passage_sum,
            self.sentences + sign * other.sentences,
            self.sentence_sum + sign * other.sentence_sum,
        )


@dataclass(frozen=True)
class Prior:
    """What a language's vectors are like before there is any of it, from other text through the same model: sums, how
    much a text's vector moves, on average, when it is encoded as a query, and how sentences scatter around their mean
    (a covariance per part of the vector, each (width, width))."""

    sums: Mapping[str, LanguageSum]
    query_shifts: Mapping[str, Sums]
    covariances: Mapping[str, Sequence[Vectors]]


def runs(langs: Sequence[str]) -> Iterator[tuple[str, slice]]:
    """Each language with the rows, side by side, that are in it: long ones where rows are sorted by language."""
    start = 0
    for lang, own in groupby(langs):
        end = start + len(list(own))
        yield lang, slice(start, end)
        start = end


@dataclass(frozen=True)
class MeanTable:
    """A mean per language, each (dimension,) float32, and one for all languages that have none."""

    of: Mapping[str, Vectors]
    fallback: Vectors

    def __getitem__(self, lang: str) -> Vectors:
        return self.of.get(lang, self.fallback)

    def centre(self, vectors: Vectors, langs: Sequence[str]) -> Vectors:
        """(n, dimension) raw rows with their languages -> centred rows, of whatever length."""
        rows = np.empty(vectors.shape, np.float32)
        for lang, place in runs(langs):
            np.subtract(vectors[place], self[lang], out=rows[place])
        return rows

    def drift(self, newer: MeanTable) -> float:
        """How far the newer means are from these: the longest distance over all languages, 0 for none."""
        return max((float(np.linalg.norm(self[lang] - newer[lang])) for lang in self.of.keys() | newer.of), default=0.0)


@dataclass(frozen=True)
class LanguageMeans:
    """The means of passages, of sentences and of queries."""

    passages: MeanTable
    sentences: MeanTable
    queries: MeanTable

    @classmethod
    def none(cls, dimension: int) -> LanguageMeans:
        """Means that change nothing: the plain index, for comparison."""
        zero = MeanTable({}, np.zeros(dimension, np.float32))
        return cls(zero, zero, zero)

    @classmethod
    def shrunk(cls, sums: Mapping[str, LanguageSum], prior: Prior, parts: Parts, k: float = SHRINKAGE) -> LanguageMeans:
        """The collection's own means, shrunk towards the prior, as far apart as the prior confirms; a language that the
        prior lacks is shrunk towards the mean of the prior's languages."""
        passages = _of_language(
            {lang: (own.passages, own.passage_sum) for lang, own in sums.items() if own.passages},
            {lang: own.passage_sum / own.passages for lang, own in prior.sums.items() if own.passages},
            parts,
            k,
        )
        sentences = _of_language(
            {lang: (own.sentences, own.sentence_sum) for lang, own in sums.items() if own.sentences},
            {lang: own.sentence_sum / own.sentences for lang, own in prior.sums.items() if own.sentences},
            parts,
            k,
        )
        shift = _average(list(prior.query_shifts.values()), _dimension(parts))
        queries = MeanTable(
            {
                lang: (mean + prior.query_shifts.get(lang, shift)).astype(np.float32)
                for lang, mean in sentences.of.items()
            },
            (sentences.fallback + shift).astype(np.float32),
        )
        return cls(passages, sentences, queries)

    def centre_query(self, vector: Vectors, probabilities: Mapping[str, float]) -> Vectors:
        """A raw query (dimension,) -> centred; the means of the languages that it may be in are mixed by their
        probabilities, which sum to 1."""
        mean = np.zeros_like(vector)
        for lang, probability in probabilities.items():
            mean = mean + np.float32(probability) * self.queries[lang]
        centred: Vectors = vector - mean
        return centred


def _of_language(own: Mapping[str, tuple[int, Sums]], prior: Mapping[str, Sums], parts: Parts, k: float) -> MeanTable:
    everywhere = _average(list(prior.values()), _dimension(parts))
    means = dict(prior)
    for lang, (count, total) in own.items():
        means[lang] = (total + k * prior.get(lang, everywhere)) / (count + k) if prior else total / count
    both = sorted(own.keys() & prior.keys())
    if len(both) > 1:
        centre = np.mean([means[lang] for lang in both], axis=0)
        strength = _strength(np.array([means[lang] for lang in both]), np.array([prior[lang] for lang in both]), parts)
        means = {lang: centre + strength * (mean - centre) for lang, mean in means.items()}
    return MeanTable({lang: mean.astype(np.float32) for lang, mean in means.items()}, everywhere.astype(np.float32))


def _strength(own: Sums, prior: Sums, parts: Parts) -> Sums:
    """(dimension,) how much of the distances between own means is taken off, the same for all components of a part;
    from the means of the same languages, (languages, dimension) each."""
    strength = np.ones(own.shape[1])
    for _, place in spans(parts):
        offsets, confirmed = (means[:, place] - means[:, place].mean(axis=0) for means in (own, prior))
        size = np.sum(offsets**2)
        if size > 0:
            strength[place] = np.clip(np.sum(offsets * confirmed) / size / ENOUGH, 0, 1)
    return strength


def _dimension(parts: Parts) -> int:
    return sum(part.width for part in parts)


def _average(vectors: Sequence[Sums], dimension: int) -> Sums:
    average: Sums = np.mean(vectors, axis=0) if vectors else np.zeros(dimension)
    return average
