"""Waiting for what comes in its own time, however busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 20.0  # seconds


def until(reached: Callable[[], bool], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"after {seconds:g} s it has not come to that"
        time.sleep(0.01)
