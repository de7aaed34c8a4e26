"""A collection and its model, opened in a thread of their own: a client's first messages are answered meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from indexer.errors import QueryError
from search_api.opening import OpenSearcher

PATIENCE = 45.0
"""Seconds that a call waits; many clients give up after a minute."""


class Loading:
    """Opens once; after a failure, again when it is next asked for."""

    def __init__(self, opening: Callable[[], OpenSearcher], patience: float = PATIENCE) -> None:
        self._opening = opening
        self._patience = patience
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, "loading")
        self._future: Future[OpenSearcher] | None = None

    def start(self) -> Future[OpenSearcher]:
        """Begin, unless it is under way or done."""
        with self._lock:
            if self._future is None or (self._future.done() and self._future.exception() is not None):
                self._future = self._thread.submit(self._opening)
            return self._future

    def opened(self) -> OpenSearcher:
        """Waits for it. Raises what opening raised, or QueryError where it takes longer than a client waits."""
        future = self.start()
        try:
            return future.result(self._patience)
        except TimeoutError:
            if future.done():  # opening itself ran out of time
                raise
            raise QueryError("the collection is still being loaded; call again in half a minute") from None

    def close(self) -> None:
        """What was opened is let go of; what is being opened is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._future is not None:
            self._future.add_done_callback(_let_go)


def _let_go(future: Future[OpenSearcher]) -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().close()
