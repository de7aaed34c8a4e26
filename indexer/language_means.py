"""What a language adds to every vector: the mean of its vectors, to be taken off (see `alignment.py`).

Multilingual encoders put texts of one language closer to each other than to their translations, so that a plain
index answers in the language of the question. The difference between two languages is mostly one shift; without it,
what is left is the topic. A language's mean comes from the collection itself, shrunk towards a prior (the sample
collection, through the same model) while the collection has few texts in it:

    mean = (n * own mean + k * prior mean) / (n + k)

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

Vectors = NDArray[np.float32]
Sums = NDArray[np.float64]

SHRINKAGE = 50
"""k: how many texts of a language weigh as much as the prior."""


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
        end = start + sum(1 for _ in own)
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
    def shrunk(
        cls, sums: Mapping[str, LanguageSum], prior: Prior, dimension: int, k: float = SHRINKAGE
    ) -> LanguageMeans:
        """The collection's own means, shrunk towards the prior; a language that the prior lacks is shrunk towards the
        mean of the prior's languages."""
        passages = _shrunk(
            {lang: (own.passages, own.passage_sum) for lang, own in sums.items()},
            {lang: own.passage_sum / own.passages for lang, own in prior.sums.items() if own.passages},
            dimension,
            k,
        )
        sentences = _shrunk(
            {lang: (own.sentences, own.sentence_sum) for lang, own in sums.items()},
            {lang: own.sentence_sum / own.sentences for lang, own in prior.sums.items() if own.sentences},
            dimension,
            k,
        )
        shift = _average(list(prior.query_shifts.values()), dimension)
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


def _shrunk(own: Mapping[str, tuple[int, Sums]], prior: Mapping[str, Sums], dimension: int, k: float) -> MeanTable:
    everywhere = _average(list(prior.values()), dimension)
    means = {lang: mean.astype(np.float32) for lang, mean in prior.items()}
    for lang, (count, total) in own.items():
        if count and prior:
            means[lang] = ((total + k * prior.get(lang, everywhere)) / (count + k)).astype(np.float32)
        elif count:
            means[lang] = (total / count).astype(np.float32)
    return MeanTable(means, everywhere.astype(np.float32))


def _average(vectors: Sequence[Sums], dimension: int) -> Sums:
    average: Sums = np.mean(vectors, axis=0) if vectors else np.zeros(dimension)
    return average
