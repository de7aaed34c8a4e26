"""An encoder made of two: a sentence-transformers model and the Universal Sentence Encoder, side by side in one vector.

The two err differently, the second one was trained to put translations together, and it costs little beside the
first (figures in docs/ranking.md). What is counted in tokens is counted by the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.encoder import Encoder, Progress, QueryEncoder
from indexer.parts import Part, Parts, joined
from indexer.universal_encoder import UniversalEncoder

Vectors = NDArray[np.float32]

SUFFIX = "+use"
"""Behind a model's name: with the Universal Sentence Encoder at its side."""
_WEIGHT = 0.3
_VERSION = 1  # raise when the second encoder's vectors or weight change


def joint_fingerprint(first: str) -> str:
    return hashlib.sha256(f"{first} universal-sentence-encoder {_VERSION} {_WEIGHT}".encode()).hexdigest()[:16]


class JointQueryEncoder:
    """A `QueryEncoder`: (n, dimension) rows of length 1, first the one model's components, then the other's."""

    def __init__(self, first: QueryEncoder, second: UniversalEncoder) -> None:
        self.name = f"{first.name}{SUFFIX}"
        self.fingerprint = joint_fingerprint(first.fingerprint)
        self._first_queries = first
        self._second = second

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        first = self._first_queries.encode_queries(texts)
        return joined([first, self._second.encode(texts)], _parts(first.shape[1]))


class JointEncoder(JointQueryEncoder):
    """An `Encoder` of the same vectors."""

    def __init__(self, first: Encoder, second: UniversalEncoder) -> None:
        super().__init__(first, second)
        self._first = first
        self.parts: Parts = _parts(first.dimension)
        self.dimension = sum(part.width for part in self.parts)
        self.max_tokens = first.max_tokens

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        return joined([self._first.encode_passages(texts, progress), self._second.encode(texts)], self.parts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._first.count_tokens(texts)

    def token_ends(self, text: str) -> list[int]:
        return self._first.token_ends(text)


def _parts(width: int) -> Parts:
    return Part(width, 1 - _WEIGHT), Part(UniversalEncoder.dimension, _WEIGHT)
