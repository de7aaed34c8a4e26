"""A dataset -> what all peers start from: passages cut as the product cuts them, and vectors, each made once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from eval.datasets import Dataset
from eval.experiment import Progress
from indexer.encoder import Encoder, Vectors
from indexer.passages import passages_of, text_to_encode
from indexer.sample import passage_budget

DEPTH = 100
"""A ranking has at most this many documents."""
PASSAGES = 5 * DEPTH
"""So many passages are asked of a system that returns passages, so that a hundred documents are among them."""


class Prepared:
    """The passages of a dataset and the vectors of passages and queries, from one model."""

    def __init__(self, dataset: Dataset, encoder: Encoder, progress: Progress) -> None:
        self.dataset, self.encoder = dataset, encoder
        self._progress = progress
        self._seconds_to_encode = 0.0
        start = perf_counter()
        budget = passage_budget(encoder)
        self.texts: list[str] = []
        """What is encoded and indexed of each passage, its document's title included."""
        self.owners: list[str] = []
        """For each passage the id of its document; those of a document stand together."""
        for document in dataset.documents:
            for passage in passages_of(document.text, encoder, budget, document.lang):
                self.texts.append(text_to_encode(document.text, document.title, passage))
                self.owners.append(document.id)
        self.seconds_to_cut = perf_counter() - start

    @cached_property
    def passage_vectors(self) -> Vectors:
        self._progress(f"{self.dataset.name}: encoding {len(self.texts)} passages for the peers")
        start = perf_counter()
        vectors = self.encoder.encode_passages(self.texts)
        self._seconds_to_encode = perf_counter() - start
        return vectors

    @cached_property
    def query_vectors(self) -> Vectors:
        return self.encoder.encode_queries([query.text for query in self.dataset.queries])

    @property
    def seconds_to_encode(self) -> float:
        """Of the passages, encoding them now if that was not done yet."""
        _ = self.passage_vectors
        return self._seconds_to_encode

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """The place of each document's first passage."""
        owners = self.owners
        return np.array([at for at, owner in enumerate(owners) if at == 0 or owner != owners[at - 1]], np.int64)

    def by_best_passage(self, scores: NDArray[np.float32], above: float = -np.inf) -> list[str]:
        """A score for every passage -> documents by their best, those alone that score more than `above`; equal ones
        in the order of the dataset."""
        best = np.maximum.reduceat(scores, self._starts)
        order = np.argsort(-best, kind="stable")[:DEPTH]
        return [self.owners[self._starts[place]] for place in order if best[place] > above]

    def by_first_passage(self, scored: Iterable[tuple[int, float]]) -> list[str]:
        """(place of a passage, score) -> documents by their best passage; equal ones in the order of the dataset."""
        best_first = sorted(scored, key=lambda item: (-item[1], item[0]))
        return list(dict.fromkeys(self.owners[place] for place, _ in best_first))[:DEPTH]


class Preparation:
    """Prepares a dataset once for all peers that come to it one after the other; the one before is forgotten."""

    def __init__(self, encoder: Callable[[], Encoder]) -> None:
        self._encoder = encoder
        self._last: Sequence[Prepared] = ()

    def __call__(self, dataset: Dataset, progress: Progress) -> Prepared:
        if not self._last or self._last[0].dataset is not dataset:
            self._last = [Prepared(dataset, self._encoder(), progress)]
        return self._last[0]
