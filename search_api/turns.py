"""Work that one thread does, for those first who came first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")


class Turns:
    """What comes of a search is mostly Python, of which a process does one thing at a time: threads side by side would
    each take longer, and each keep some memory. Methods may be called from several threads.

    Who came first is who has the smallest number, however long it took to get from there to the work.
    """

    def __init__(self, done: Callable[[], object] = lambda: None) -> None:
        """`done` is called after each piece of work."""
        self._done = done
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="search")
        self._lock = threading.Lock()
        self._numbers = count()
        self._waiting: list[tuple[int, Future[Any], Callable[[], Any]]] = []
        self._left = 0

    def number(self) -> int:
        """For one that comes."""
        return next(self._numbers)

    @property
    def left(self) -> int:
        """Pieces of work that wait, and the one that is being done."""
        return self._left

    def do(self, number: int, work: Callable[[], T]) -> T:
        """What the work returns or raises, when all has been done that waits with a smaller number, each of which may
        be given once."""
        future: Future[T] = Future()
        with self._lock:
            heappush(self._waiting, (number, future, work))
            self._left += 1
        self._thread.submit(self._next)
        return future.result()

    def _next(self) -> None:
        with self._lock:
            _, future, work = heappop(self._waiting)
        try:
            answer = partial(future.set_result, work())
        except BaseException as error:  # noqa: BLE001 - whoever waits hears of it
            answer = partial(future.set_exception, error)
        with self._lock:
            self._left -= 1
        try:
            self._done()
        finally:
            answer()
