"""How long work takes, of itself: not what other processes and threads do meanwhile, nor looking for garbage among all
that the other tests have left in memory."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

_ROUNDS = 5
"""Of which one has to be linear: the machine may be twice as slow from one moment to the next."""


def seconds(work: Callable[[], object]) -> float:
    gc.disable()
    try:
        began = time.thread_time()
        work()
        return time.thread_time() - began
    finally:
        gc.enable()


def is_linear(work: Callable[[str], object], nasty: Callable[[int], str], size: int) -> bool:
    """Whether four times the text takes no more than about four times as long; quadratic work takes sixteen times."""

    def taken(size: int) -> float:
        text = nasty(size)
        return seconds(lambda: work(text))

    return any(taken(4 * size) < 6 * taken(size) + 0.1 for _ in range(_ROUNDS))
