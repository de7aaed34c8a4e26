"""So many at work, so many waiting for their turn, first come first served."""

from __future__ import annotations

import asyncio
from collections import deque

from search_api import metrics


class Gate:
    """For one event loop. Who has entered must leave."""

    def __init__(self, name: str, running: int, waiting: int) -> None:
        self.name = name
        self._most_running, self._most_waiting = running, waiting
        self._running = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    def enter(self) -> bool:
        """Enter at once, if there is room."""
        if self._running >= self._most_running:
            return False
        self._running += 1
        self._tell()
        return True

    def queue_up(self) -> asyncio.Future[None] | None:
        """Done when it is one's turn, and one has entered; None when too many wait already."""
        if len(self._queue) >= self._most_waiting:
            return None
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        self._tell()
        return turn

    def give_up(self, turn: asyncio.Future[None]) -> None:
        """Wait no longer; a turn that came meanwhile goes to the next."""
        if turn.done():
            self.leave()
        else:
            self._queue.remove(turn)
            self._tell()

    def leave(self) -> None:
        """The place goes to whoever waits longest."""
        if self._queue:
            self._queue.popleft().set_result(None)
        else:
            self._running -= 1
        self._tell()

    def _tell(self) -> None:
        metrics.queue(self.name, self._running, len(self._queue))
