"""Documents that clients send -> the collection that is being served, one change at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from indexer.build import index_documents, update_indexes
from indexer.documents import Document, Skipped
from indexer.encoder import Encoder
from indexer.errors import CollectionError
from indexer.stored_collection import StoredCollection
from indexer.summary import Summary

OF_A_FILE = "it is a document of an indexed file, and changes with that"
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

    def put(self, documents: Iterable[Document], summary: Summary | None = None) -> Summary:
        """Add documents, or replace those with the same ids; commits batch by batch, and counts in `summary`. Those of
        indexed files are left as they are, and skipped in the summary. Raises CollectionError."""
        summary = summary or Summary()
        self._take_turn()
        try:
            encoder = self._encoder = self._encoder or self._load()
            # One that is there: a folder that has vanished for a moment must not come back empty.
            with StoredCollection.open(self._folder, writable=True) as collection:
                collection.check_model(encoder.fingerprint, encoder.name)
                try:
                    return index_documents(
                        _of_no_file(documents, collection, summary), collection, encoder, summary=summary
                    )
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


def _of_no_file(documents: Iterable[Document], collection: StoredCollection, summary: Summary) -> Iterator[Document]:
    """Whatever has become of the file meanwhile: the next run that reads it would take the document back."""
    for document in documents:
        if collection.files.owner(document.id) is None:
            yield document
        else:
            summary.skipped.append(Skipped(document.id, OF_A_FILE))
