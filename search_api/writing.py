"""Documents that clients send -> the collection that is being served, one change at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from indexer.build import Item, index_documents, open_or_create, update_indexes
from indexer.encoder import Encoder
from indexer.errors import CollectionError
from indexer.stored_collection import StoredCollection
from indexer.summary import Summary

_PATIENCE = 10.0
"""Seconds to wait while another request writes."""


class Writer:
    """Writes to the collection in a folder; may be called from several threads. Other processes may write as well: the
    one that comes second is told so by a CollectionError."""

    def __init__(self, folder: Path, load: Callable[[], Encoder], written: Callable[[], object]) -> None:
        """`load` gives the encoder when it is first needed; `written` is called after each change, so that the next
        question sees it."""
        self._folder = folder
        self._load = load
        self._written = written
        self._encoder: Encoder | None = None
        self._lock = threading.Lock()

    def put(self, documents: Iterable[Item], summary: Summary | None = None) -> Summary:
        """Add documents, or replace those with the same ids; commits batch by batch, and counts in `summary`. Those of
        indexed files are left as they are, and skipped in the summary. Raises CollectionError."""
        self._take_turn()
        try:
            self._encoder = self._encoder or self._load()
            with open_or_create(self._folder, self._encoder) as collection:
                try:
                    return index_documents(documents, collection, self._encoder, summary=summary)
                finally:
                    self._written()
        finally:
            self._lock.release()

    def delete(self, ids: Sequence[str]) -> list[str]:
        """Remove documents in one transaction; returns the ids that there were. Raises CollectionError."""
        self._take_turn()
        try:
            with StoredCollection.open(self._folder, writable=True) as collection:
                deleted = collection.delete(ids)
                if deleted:
                    update_indexes(collection)
                    self._written()
                return deleted
        finally:
            self._lock.release()

    def _take_turn(self) -> None:
        if not self._lock.acquire(timeout=_PATIENCE):
            raise CollectionError("another request has been writing for a while; try again in a minute")
