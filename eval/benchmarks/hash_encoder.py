"""An encoder without a model: texts -> vectors that depend on nothing but a hash of the text.

Beside it nothing that indexing does is quick enough to go unseen, and it gives the same vectors in every process. Which
texts are alike it does not know, so nothing can be found by meaning.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.encoder import Progress
from indexer.parts import Part, Parts, unit_parts

Vectors = NDArray[np.float32]

SMALL: Parts = (Part(64, 0.7), Part(32, 0.3))
"""Next to nothing to store, where storing is not what is measured."""
AS_THE_MODEL: Parts = (Part(384, 0.7), Part(512, 0.3))
"""As wide as the default model's vectors."""

_HASH_BYTES = 8
_IN_COMMON = 2.0
"""How much longer what all vectors share is than what is a text's own: models' vectors have much in common."""
_CHARACTERS = "\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_RUN = re.compile(f"[{_CHARACTERS}]+")
_TOKEN = re.compile(rf"[{_CHARACTERS}]|[^\s{_CHARACTERS}]+")


class HashEncoder:
    """An `Encoder`. A token is a word, or one Japanese or Chinese character."""

    def __init__(self, parts: Parts = SMALL) -> None:
        widths = [part.width for part in parts]
        self.name = f"hash-{'-'.join(map(str, widths))}"
        self.fingerprint = f"{self.name}-1"
        self.parts = parts
        self.dimension = sum(widths)
        self.max_tokens = 480
        random = np.random.default_rng(0)
        rows = random.standard_normal((_HASH_BYTES, 256, self.dimension), np.float32)
        self._rows = rows / np.float32(np.sqrt(_HASH_BYTES))
        self._in_common = _IN_COMMON * random.standard_normal(self.dimension, np.float32)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts)

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        vectors = self._encode(texts)
        if progress:
            progress(len(texts), len(texts))
        return vectors

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        counts = []
        for text in texts:
            words, runs = _RUN.subn(" ", text)
            counts.append(len(words.split()) + len(text) - len(words) + runs)
        return counts

    def token_ends(self, text: str) -> list[int]:
        return [match.end() for match in _TOKEN.finditer(text)]

    def _encode(self, texts: Sequence[str]) -> Vectors:
        """Each byte of a text's hash chooses a row; their sum is the text's own."""
        digests = b"".join(
            hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=_HASH_BYTES).digest() for text in texts
        )
        chosen = np.frombuffer(digests, np.uint8).reshape(len(texts), _HASH_BYTES)
        vectors = np.tile(self._in_common, (len(texts), 1))
        for place in range(_HASH_BYTES):
            vectors += self._rows[place, chosen[:, place]]
        return unit_parts(vectors, self.parts, out=vectors)
