"""Threads that ask an encoder, as those of a service do."""

from __future__ import annotations

import threading

from indexer.encoder import QueryEncoder
from tests.waiting import PATIENCE


class Query(threading.Thread):
    def __init__(self, encoder: QueryEncoder, *texts: str) -> None:
        super().__init__(daemon=True)
        self._encoder, self.texts = encoder, texts
        self.rows: list[list[float]] | None = None
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.rows = self._encoder.encode_queries(self.texts).tolist()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    def ended(self) -> None:
        self.join(PATIENCE)
        assert not self.is_alive(), f"{self.texts} waits for ever"
