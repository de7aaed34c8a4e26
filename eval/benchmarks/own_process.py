"""Work in a process of its own, so that the memory that it takes is known."""

from __future__ import annotations

import multiprocessing
import os
import re
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Ran(Generic[T]):
    """What came of it."""

    result: T
    peak_mb: float
    """The most memory that the process had; 0 where the system does not say."""


def run_alone(work: Callable[..., T], *arguments: Any) -> Ran[T]:
    """Call a function of a module with arguments that can be pickled, in a new process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_run, work, arguments).result()


def _run(work: Callable[..., T], arguments: tuple[Any, ...]) -> Ran[T]:
    result = work(*arguments)
    return Ran(result, peak_mb())


def memory_mb() -> float:
    """What this process has now; where the system does not say, the most that it had."""
    return _from_status("VmRSS") or peak_mb()


def peak_mb() -> float:
    """The most that this process had."""
    if found := _from_status("VmHWM"):  # what resource says may be of the process that started this one
        return found
    if sys.platform == "win32":
        return 0.0
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most / 1e3


def _from_status(name: str) -> float:
    if not os.path.exists(_STATUS):
        return 0.0
    found = re.search(rf"^{name}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    return int(found.group(1)) / 1e3 if found else 0.0
