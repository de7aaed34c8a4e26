"""One piece of work at a time, for those first who came first, whatever becomes of the others."""

from __future__ import annotations

import threading
from functools import partial
from typing import NoReturn

import pytest

from search_api.turns import Turns
from tests.waiting import PATIENCE, until


def test_who_came_first_is_first_however_late_the_work_is_ready() -> None:
    turns = Turns()
    first, *numbers = [turns.number() for _ in range(6)]
    go_on = threading.Event()
    done: list[int] = []
    at_once: list[int] = []

    def work(number: int) -> int:
        at_once.append(number)
        assert len(at_once) == 1, "one at a time"
        assert go_on.wait(PATIENCE)
        done.append(at_once.pop())
        return -number

    results: dict[int, int] = {}
    threads = [
        threading.Thread(target=lambda own=number: results.update({own: turns.do(own, lambda: work(own))}))
        for number in (first, *reversed(numbers))
    ]
    for thread in threads:
        left = turns.left
        thread.start()
        until(partial(_more_are_left, turns, left))
    until(lambda: at_once == [first])
    go_on.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert done == [first, *numbers]
    assert results == {number: -number for number in done}
    assert turns.left == 0


def test_what_goes_wrong_is_raised_where_it_was_asked_for_and_harms_nobody_else() -> None:
    turns = Turns()

    def wrong() -> NoReturn:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        turns.do(turns.number(), wrong)
    assert turns.left == 0
    assert turns.do(turns.number(), lambda: "well") == "well"


def test_who_waits_is_answered_whatever_becomes_of_the_telling() -> None:
    def wrong() -> NoReturn:
        raise RuntimeError("cannot schedule new futures after shutdown")

    turns = Turns(wrong)
    for _ in range(2):
        assert turns.do(turns.number(), lambda: "well") == "well"
    assert turns.left == 0


def test_each_end_is_told_when_less_is_left() -> None:
    told: list[int] = []
    turns = Turns(lambda: told.append(turns.left))
    for _ in range(2):
        turns.do(turns.number(), lambda: told.append(-turns.left))
    assert told == [-1, 0, -1, 0]


def _more_are_left(turns: Turns, than: int) -> bool:
    return turns.left > than
