"""Vectors of queries are remembered: the ones asked for last, as they are, for every thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from search_api.query_vectors import QueryVectors


class Counting:
    """A text's vector is (its length, its code)."""

    name, fingerprint = "counting", "counting-1"

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.error: Exception | None = None

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked.append(list(texts))
        if self.error is not None:
            raise self.error
        return np.array([expected(text) for text in texts], np.float32)


def expected(text: str) -> list[float]:
    return [len(text), sum(map(ord, text))]


def test_the_vectors_asked_for_last_are_remembered() -> None:
    encoder = Counting()
    vectors = QueryVectors(encoder, remembered=2)
    for text, known in [("a", False), ("b", False), ("a", True), ("c", False), ("a", True), ("b", False), ("c", False)]:
        found, was_known = vectors.of(text)
        assert (found.tolist(), was_known) == (expected(text), known), text
    assert encoder.asked == [["a"], ["b"], ["c"], ["b"], ["c"]]


def test_what_is_remembered_can_not_be_changed_and_holds_on_to_nothing_else() -> None:
    vectors = QueryVectors(Counting())
    found, _ = vectors.of("a")
    with pytest.raises(ValueError, match="read-only"):
        found += 1
    assert found.base is None
    assert vectors.of("a")[0].tolist() == expected("a")


def test_an_error_is_not_remembered() -> None:
    encoder = Counting()
    vectors = QueryVectors(encoder)
    encoder.error = ValueError("broken")
    with pytest.raises(ValueError, match="broken"):
        vectors.of("a")
    encoder.error = None
    assert vectors.of("a")[0].tolist() == expected("a")


def test_many_threads_ask_for_many_texts() -> None:
    vectors = QueryVectors(Counting(), remembered=10)
    wrong: list[str] = []

    def ask(seed: int) -> None:
        chance = np.random.default_rng(seed)
        for _ in range(200):
            text = f"{chance.integers(30)}"
            if vectors.of(text)[0].tolist() != expected(text):
                wrong.append(text)

    threads = [threading.Thread(target=ask, args=(seed,), daemon=True) for seed in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert not wrong
    assert len(vectors._known) == 10
