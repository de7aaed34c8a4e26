"""What makes vectors comparable across languages.

Multilingual encoders put texts of one language closer to each other than to their translations, so that a plain index
answers in the language of the question. Two things are corrected, both measured on the collection itself, without
judgements, and shrunk towards a prior while a language has little text:

1. Where a language lies: its mean is taken off (`language_means.py`).
2. How it scatters: with a language's covariance C, a vector is mapped by A = (C + r)^-1/2 (P + r)^1/4, where P is the
   mean of all languages' covariances and r a ridge. Directions in which one language varies more than others lose
   that advantage (correlation alignment: Sun, Feng, Saenko 2016, "Return of frustratingly easy domain adaptation"),
   and those in which all texts vary, which say little about a topic, count half as much. Only the query is mapped,
   through both languages' maps, so that stored vectors stay as they are.

`generic` says how much a vector lies in the directions in which all texts vary: such texts are near to every query
(hubs: Radovanovic, Nanopoulos, Ivanovic 2010), and the scorer holds it against them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indexer.language_means import LanguageMeans, Prior
from indexer.parts import Part, Parts, spans, unit_parts

Vectors = NDArray[np.float32]

RIDGE = 5.0
"""r, in mean eigenvalues of P: large, so that only the strongest directions are touched."""
SHRINKAGE = 200
"""How many sentences of a language weigh as much as the prior's covariance."""
_GENERIC_DIRECTIONS = 32


@dataclass(frozen=True)
class LanguageMaps:
    """A, one (width, width) matrix per part, for each language; `fallback` for languages without; `generic` holds the
    strongest directions of P, (directions, width) per part, each as long as its standard deviation, P's trace being 1.
    """

    of: Mapping[str, Sequence[Vectors]]
    fallback: Sequence[Vectors]
    generic: Sequence[Vectors]

    @classmethod
    def none(cls, parts: Parts) -> LanguageMaps:
        """Maps that change nothing."""
        return cls(
            {},
            [np.eye(part.width, dtype=np.float32) for part in parts],
            [np.zeros((1, part.width), np.float32) for part in parts],
        )

    @classmethod
    def measured(
        cls, samples: Mapping[str, Vectors], prior: Prior, parts: Parts, shrinkage: float = SHRINKAGE
    ) -> LanguageMaps:
        """From each language's centred sentences (n, dimension) and the prior; no maps where there is neither."""
        samples = {lang: rows for lang, rows in samples.items() if len(rows)}
        maps: dict[str, list[Vectors]] = {lang: [] for lang in sorted(samples.keys() | prior.covariances.keys())}
        if not maps:
            return cls.none(parts)
        fallback, generic = [], []
        for number, (_, place) in enumerate(spans(parts)):
            covariances = _covariances(
                {lang: rows[:, place] for lang, rows in samples.items()},
                {lang: own[number] for lang, own in prior.covariances.items()},
                shrinkage,
            )
            pooled = np.mean(list(covariances.values()), axis=0)
            ridge = RIDGE * max(np.trace(pooled) / len(pooled), 1e-12) * np.eye(len(pooled))
            flat = _power(pooled + ridge, 0.25)
            for lang, covariance in covariances.items():
                maps[lang].append((_power(covariance + ridge, -0.5) @ flat).astype(np.float32))
            fallback.append(_power(pooled + ridge, -0.25).astype(np.float32))
            generic.append(_strongest(pooled))
        return cls(maps, fallback, generic)

    def __getitem__(self, lang: str) -> Sequence[Vectors]:
        return self.of.get(lang, self.fallback)


@dataclass(frozen=True)
class AlignedQuery:
    """A query ready to be compared: for each language of passages a vector of its own, with parts of length
    sqrt(weight)."""

    centred: Vectors
    """(dimension,) after its language's mean and map; what a vector index of mapped passages is asked with."""
    _maps: LanguageMaps
    _parts: Parts
    _turned: dict[str, Vectors] = field(default_factory=dict, repr=False)

    def towards(self, lang: str) -> Vectors:
        """(dimension,) to be multiplied with aligned passages and sentences of a language."""
        if lang not in self._turned:
            mapped = _mapped(self.centred[None, :], self._maps[lang], self._parts, transposed=True)[0]
            self._turned[lang] = unit_parts(mapped, self._parts)
        return self._turned[lang]


@dataclass(frozen=True)
class Alignment:
    """Means and maps of a collection's languages."""

    parts: Parts
    means: LanguageMeans
    maps: LanguageMaps

    @classmethod
    def none(cls, parts: Parts) -> Alignment:
        """Leaves vectors as the model gives them: the plain index, for comparison."""
        dimension = sum(part.width for part in parts)
        return cls(parts, LanguageMeans.none(dimension), LanguageMaps.none(parts))

    def query(self, vector: Vectors, probabilities: Mapping[str, float]) -> AlignedQuery:
        """A raw query vector (dimension,) with the probabilities of the languages that it may be in."""
        total = sum(probabilities.values())
        shares = {lang: share / total for lang, share in probabilities.items()}
        centred = self.means.centre_query(vector, shares)[None, :]
        mapped = np.zeros_like(centred)
        for lang, share in shares.items():
            mapped += np.float32(share) * _mapped(centred, self.maps[lang], self.parts)
        return AlignedQuery(mapped[0], self.maps, self.parts)

    def passages(self, vectors: Vectors, langs: Sequence[str]) -> Vectors:
        """Raw rows (n, dimension) of passages -> centred rows with parts of length sqrt(weight)."""
        centred = self.means.passages.centre(vectors, langs)
        return unit_parts(centred, self.parts, out=centred)

    def sentences(self, vectors: Vectors, langs: Sequence[str]) -> Vectors:
        """The same for sentences."""
        centred = self.means.sentences.centre(vectors, langs)
        return unit_parts(centred, self.parts, out=centred)

    def mapped(self, aligned: Vectors, langs: Sequence[str]) -> Vectors:
        """Aligned passages (n, dimension) -> what an index holds: its inner product with `AlignedQuery.centred` is,
        but for the query's length, the score of `AlignedQuery.towards`."""
        rows = np.empty_like(aligned)
        kinds = np.asarray(langs)
        for lang in sorted(set(langs)):
            own = kinds == lang
            rows[own] = _mapped(aligned[own], self.maps[lang], self.parts)
        return rows

    def generic(self, aligned: Vectors) -> Vectors:
        """(n,) for aligned rows (n, dimension): the standard deviation of their inner product with all texts."""
        total = np.zeros(len(aligned), np.float32)
        for (part, place), directions in zip(spans(self.parts), self.maps.generic, strict=True):
            own = aligned[:, place] @ directions.T
            # Both sides have length sqrt(weight): one factor is in the rows already.
            total += np.float32(np.sqrt(part.weight)) * np.sqrt(np.einsum("ij,ij->i", own, own))
        return total


def _mapped(rows: Vectors, maps: Sequence[Vectors], parts: Sequence[Part], *, transposed: bool = False) -> Vectors:
    mapped = np.empty_like(rows)
    for (_, place), matrix in zip(spans(parts), maps, strict=True):
        mapped[:, place] = rows[:, place] @ (matrix.T if transposed else matrix)
    return mapped


def _covariances(
    samples: Mapping[str, Vectors], prior: Mapping[str, Vectors], shrinkage: float
) -> dict[str, NDArray[np.float64]]:
    """(n * own covariance + k * prior's) / (n + k), with the mean of the prior's for a language that it lacks."""
    everywhere = np.mean([np.asarray(own, np.float64) for own in prior.values()], axis=0) if prior else None
    covariances = {lang: np.asarray(own, np.float64) for lang, own in prior.items()}
    for lang, rows in samples.items():
        products = rows.T.astype(np.float64) @ rows
        known = covariances.get(lang, everywhere)
        if known is not None:
            covariances[lang] = (products + shrinkage * known) / (len(rows) + shrinkage)
        else:
            covariances[lang] = products / len(rows)
    return covariances


def _power(matrix: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    """Of a symmetric positive definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    power: NDArray[np.float64] = (vectors * np.maximum(values, 1e-12) ** exponent) @ vectors.T
    return power


def _strongest(pooled: NDArray[np.float64]) -> Vectors:
    values, vectors = np.linalg.eigh(pooled)
    count = min(_GENERIC_DIRECTIONS, len(values))
    lengths = np.sqrt(np.maximum(values[-count:], 0) / max(np.trace(pooled), 1e-12))
    directions: Vectors = (vectors[:, -count:] * lengths).T.astype(np.float32)
    return directions
