"""An encoder that is loaded when the first text is to be encoded: a run over files that have not changed needs none."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from indexer import models
from indexer.encoder import Encoder, Progress, Vectors
from indexer.parts import Parts


def load_encoder(name: str | None = None) -> Encoder:
    """By name, as `models.load_encoder`. Raises ModelError for a model that is not there; what else may be wrong with
    it is raised by whoever encodes first."""
    return LazyEncoder(name or models.default_model())


class LazyEncoder:
    """An `Encoder`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.fingerprint = models.fingerprint_of(name)

    @cached_property
    def _encoder(self) -> Encoder:
        return models.load_encoder(self.name)

    @cached_property
    def dimension(self) -> int:
        return self._encoder.dimension

    @cached_property
    def parts(self) -> Parts:
        return self._encoder.parts

    @cached_property
    def max_tokens(self) -> int:
        return self._encoder.max_tokens

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encoder.encode_queries(texts)

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        return self._encoder.encode_passages(texts, progress)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._encoder.count_tokens(texts)

    def token_ends(self, text: str) -> list[int]:
        return self._encoder.token_ends(text)
