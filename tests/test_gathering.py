"""Queries wait for each other as long as the next stage has more to do than there are, and no longer; what they get is
theirs."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.errors import ModelError
from search_api.encoding.gathering import Gathering
from tests.query_threads import Query
from tests.waiting import PATIENCE, until


class Recording:
    """A text's vector is (its length, the code of its first character)."""

    name, fingerprint = "recording", "recording-1"

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.go_on = threading.Event()
        self.go_on.set()

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.batches.append(list(texts))
        assert self.go_on.wait(PATIENCE)
        if "wrong" in texts:
            raise ValueError("broken")
        if "no model" in texts:
            raise ModelError("gone")
        return np.array([[len(text), ord(text[0])] for text in texts], np.float32)


class Next:
    """The stage after it."""

    def __init__(self) -> None:
        self.left = 0


def asked(gathering: Gathering, *texts: str) -> list[Query]:
    """One after the other, and all of them waiting."""
    queries: list[Query] = []
    for text in texts:
        queries.append(Query(gathering, text))
        until(lambda: len(gathering._waiting) == len(queries))
    return queries


def test_it_passes_for_the_encoder() -> None:
    gathering = Gathering(Recording(), lambda: 0)
    assert (gathering.name, gathering.fingerprint) == ("recording", "recording-1")
    assert gathering.encode_queries(["a", "bc"]).tolist() == [[1, ord("a")], [2, ord("b")]]


@pytest.mark.parametrize("left", [0, 1])
def test_a_query_does_not_wait_where_the_next_stage_has_no_more_to_do(left: int) -> None:
    encoder = Recording()
    assert Gathering(encoder, lambda: left).encode_queries(["abc"]).tolist() == [[3, ord("a")]]
    assert encoder.batches == [["abc"]]


def test_queries_wait_until_there_are_as_many_as_the_next_stage_has_to_do() -> None:
    encoder, stage = Recording(), Next()
    gathering = Gathering(encoder, lambda: stage.left)
    stage.left = 4
    queries = asked(gathering, "a", "bb", "ccc")
    gathering.look()
    assert encoder.batches == []
    queries.append(Query(gathering, "dddd"))
    for own in queries:
        own.ended()
        assert own.rows == [[len(own.texts[0]), ord(own.texts[0][0])]]
    assert encoder.batches == [["a", "bb", "ccc", "dddd"]]


def test_queries_wait_until_the_next_stage_has_as_little_to_do() -> None:
    encoder, stage = Recording(), Next()
    gathering = Gathering(encoder, lambda: stage.left)
    stage.left = 5
    queries = asked(gathering, "a", "bb")
    for stage.left in (4, 3):
        gathering.look()
    assert encoder.batches == []
    stage.left = 2
    gathering.look()
    for own in queries:
        own.ended()
    assert encoder.batches == [["a", "bb"]]


def test_what_comes_while_others_are_encoded_is_next() -> None:
    encoder = Recording()
    encoder.go_on.clear()
    gathering = Gathering(encoder, lambda: 0)
    first = Query(gathering, "first")
    until(lambda: encoder.batches == [["first"]])
    others = asked(gathering, "one", "two", "three")
    encoder.go_on.set()
    for own in (first, *others):
        own.ended()
    assert encoder.batches == [["first"], ["one", "two", "three"]]


def test_what_cannot_be_encoded_harms_nobody_else() -> None:
    encoder, stage = Recording(), Next()
    gathering = Gathering(encoder, lambda: stage.left)
    stage.left = 9
    one, wrong, two = asked(gathering, "one", "wrong", "two")
    stage.left = 0
    gathering.look()
    for own in (one, wrong, two):
        own.ended()
    assert (one.rows, two.rows) == ([[3, ord("o")]], [[3, ord("t")]])
    assert isinstance(wrong.error, ValueError)
    assert encoder.batches == [["one", "wrong", "two"], ["one"], ["wrong"], ["two"]]


def test_where_there_is_no_encoder_all_hear_it_at_once() -> None:
    encoder, stage = Recording(), Next()
    gathering = Gathering(encoder, lambda: stage.left)
    stage.left = 9
    queries = asked(gathering, "one", "no model")
    stage.left = 0
    gathering.look()
    for own in queries:
        own.ended()
        assert isinstance(own.error, ModelError)
    assert len(encoder.batches) == 1, "each would wait for it again"
