"""Queries are encoded together, once each, never by two threads at once; nobody waits for ever, errors reach all."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from search_api.query_vectors import QueryVectors
from tests.waiting import until

_PATIENCE = 20.0


class Slow:
    """Waits, once it has begun with a batch, until it is told to go on; a text's vector is (its length, its code)."""

    name, fingerprint = "slow", "slow-1"

    def __init__(self, error: BaseException | None = None, *, waits: bool = True) -> None:
        self.batches: list[list[str]] = []
        self.begun, self.go_on = threading.Event(), threading.Event()
        self._error = error
        self._alone = threading.Lock()
        if not waits:
            self.go_on.set()

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        assert self._alone.acquire(blocking=False), "two threads encode at once"
        try:
            self.batches.append(list(texts))
            self.begun.set()
            assert self.go_on.wait(_PATIENCE)
            if self._error is not None:
                raise self._error
            return np.array([expected(text) for text in texts], np.float32)
        finally:
            self._alone.release()


def expected(text: str) -> list[float]:
    return [len(text), sum(map(ord, text))]


class Asking(threading.Thread):
    def __init__(self, vectors: QueryVectors, text: str) -> None:
        super().__init__(daemon=True)
        self._vectors, self.text = vectors, text
        self.vector: list[float] = []
        self.known: bool | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            found, self.known = self._vectors.of(self.text)
            self.vector = found.tolist()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error


def asked_while_one_is_encoded(encoder: Slow, texts: Sequence[str]) -> list[Asking]:
    """One thread begins with `first`; those of the texts wait when it goes on."""
    vectors = QueryVectors(encoder)
    first = Asking(vectors, "first")
    first.start()
    assert encoder.begun.wait(_PATIENCE)
    others = [Asking(vectors, text) for text in texts]
    for number, own in enumerate(others, 1):
        own.start()
        until_waiting(vectors, number)
    encoder.go_on.set()
    for own in (first, *others):
        own.join(_PATIENCE)
        assert not own.is_alive(), f"{own.text} waits for ever"
    assert not vectors._waiting
    return [first, *others]


def until_waiting(vectors: QueryVectors, count: int) -> None:
    until(lambda: len(vectors._waiting) == count)


@pytest.mark.parametrize("count", [1, 15, 16, 17, 33, 64])
def test_those_that_wait_are_encoded_together_sixteen_at_a_time(count: int) -> None:
    encoder = Slow()
    threads = asked_while_one_is_encoded(encoder, [f"text {number}" for number in range(count)])
    for own in threads:
        assert (own.vector, own.known, own.error) == (expected(own.text), False, None)
    sizes = [len(batch) for batch in encoder.batches]
    assert sizes == [1, *[16] * (count // 16), *([count % 16] if count % 16 else [])]


def test_one_whose_turn_has_not_come_encodes_until_it_has() -> None:
    """The seventeenth gets the lock before any of the sixteen before it."""
    encoder = Slow(waits=False)
    vectors = QueryVectors(encoder)
    before = [Asking(vectors, f"text {number}") for number in range(16)]
    vectors._encoding.acquire()
    for number, own in enumerate(before, 1):
        own.start()
        until_waiting(vectors, number)
    held, vectors._encoding = vectors._encoding, threading.Lock()
    late = Asking(vectors, "late")
    late.start()
    late.join(_PATIENCE)
    assert not late.is_alive(), "it waits for ever"
    assert late.vector == expected("late")
    assert [len(batch) for batch in encoder.batches] == [16, 1]
    held.release()
    for own in before:
        own.join(_PATIENCE)
        assert own.vector == expected(own.text)


def test_the_same_text_is_encoded_once() -> None:
    encoder = Slow()
    threads = asked_while_one_is_encoded(encoder, ["a", "b", "a", "a"])
    assert encoder.batches == [["first"], ["a", "b"]]
    assert [own.vector for own in threads[1:]] == [expected(text) for text in "abaa"]


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_an_error_reaches_all_that_wait_and_the_next_query_is_tried_again(error: BaseException) -> None:
    encoder = Slow(error)
    threads = asked_while_one_is_encoded(encoder, [f"text {number}" for number in range(20)])
    assert all(own.error is error for own in threads)
    encoder._error = None
    again = Asking(QueryVectors(encoder), "first")
    again.start()
    again.join(_PATIENCE)
    assert again.vector == expected("first")


def test_the_vectors_asked_for_last_are_remembered() -> None:
    encoder = Slow(waits=False)
    vectors = QueryVectors(encoder, remembered=2)
    for text, known in [("a", False), ("b", False), ("a", True), ("c", False), ("a", True), ("b", False), ("c", False)]:
        found, was_known = vectors.of(text)
        assert (found.tolist(), was_known) == (expected(text), known), text
    assert encoder.batches == [["a"], ["b"], ["c"], ["b"], ["c"]]


def test_what_is_remembered_can_not_be_changed_and_holds_on_to_nothing_else() -> None:
    encoder = Slow()
    vectors = QueryVectors(encoder)
    encoder.go_on.set()
    found, _ = vectors.of("a")
    with pytest.raises(ValueError, match="read-only"):
        found += 1
    assert found.base is None
    assert vectors.of("a")[0].tolist() == expected("a")


def test_many_threads_ask_for_many_texts() -> None:
    encoder = Slow(waits=False)
    vectors = QueryVectors(encoder, remembered=10)
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
        thread.join(_PATIENCE)
        assert not thread.is_alive()
    assert wrong == []
    assert len(vectors._known) == 10
    assert not vectors._waiting
