"""The newest version of a collection that others go on changing: each question is answered by one version, whole."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic

from indexer import database
from indexer.errors import CollectionError, SearchError
from indexer.store import LocalStore, mark_of
from indexer.stored_collection import StoredCollection

_LOG = logging.getLogger(__name__)
_IDLE = 2.0
"""Seconds without a question after which the file is let go of, so that other processes may shorten it."""

Told = Callable[[LocalStore], object]


class LiveStore:
    """`Stores` of a collection in a folder. Methods may be called from several threads.

    The version that was loaded last answers until the next one is loaded, beside it; then it goes when its last
    question has been answered. `follow` loads what is new in the background.
    """

    def __init__(self, folder: Path, check: Callable[[StoredCollection], object] | None = None) -> None:
        """`check` raises SearchError for a collection that must not be searched. Raises CollectionError."""
        self.folder = folder
        self._check = check
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._closed = threading.Event()
        self._last_used = monotonic()
        self._file = self._identity()
        self._watched, self._newest = self._opened_and_loaded()

    def _opened_and_loaded(self) -> tuple[StoredCollection, _Held]:
        """To watch for changes, and to search."""
        watched = self._opened()
        try:
            return watched, self._loaded()
        except BaseException:
            watched.close()
            raise

    def _loaded(self) -> _Held:
        collection = self._opened()
        try:
            return _Held(LocalStore(collection))
        except BaseException:
            collection.close()
            raise

    def _opened(self) -> StoredCollection:
        collection = StoredCollection.open(self.folder)
        try:
            if self._check:
                self._check(collection)
        except BaseException:
            collection.close()
            raise
        return collection

    def _identity(self) -> tuple[int, int]:
        """Of the file: a backup that was put in its place is another."""
        with database.writing(self.folder):
            status = os.stat(self.folder / database.FILE)
        return status.st_dev, status.st_ino

    @contextmanager
    def current(self) -> Iterator[LocalStore]:
        """The version that was loaded last. Raises CollectionError once it is closed."""
        with self._lock:
            if self._closed.is_set():
                raise CollectionError(f"{self.folder}: the collection was closed; open it again")
            self._last_used = monotonic()
            held = self._newest
            held.begin()
        try:
            yield held.store
        finally:
            with self._lock:
                held.end()

    def refresh(self) -> None:
        """Load the newest version, where that was not loaded yet. Questions go on being answered by the last one.

        Raises CollectionError; the last one then stays.
        """
        with self._loading:
            if self._closed.is_set():
                return
            if (file := self._identity()) != self._file:
                watched, newest = self._opened_and_loaded()
                self._watched.close()
                self._watched, self._file = watched, file
            elif self._is_newest():
                return
            else:
                newest = self._loaded()
            with self._lock:
                before, self._newest = self._newest, newest
                before.retire()

    def _is_newest(self) -> bool:
        """By the mark: a backup that was copied over the file may have the same version."""
        with self._watched.snapshot():
            version = self._watched.version()
            return mark_of(version, self._watched.state(version)) == self._newest.store.mark

    def follow(self, seconds: float = 0.5, told: Told | None = None) -> None:
        """Refresh as often as that, in a thread of its own, until it is closed. `told` is called with each version that
        answers from then on. What fails is logged once."""
        threading.Thread(target=self._follow, args=(seconds, told), name="follow", daemon=True).start()

    def _follow(self, seconds: float, told: Told | None) -> None:
        failed, mark = "", ""
        while not self._closed.is_set():
            try:
                self.refresh()
                if told and self._newest.store.mark != mark:
                    with self.current() as newest:
                        told(newest)
                        mark = newest.mark
                failed = ""
            except Exception as error:  # noqa: BLE001 - whatever it is, later versions are to be seen
                said = f"{error}" if isinstance(error, SearchError) else f"{type(error).__name__}: {error}"
                if said != failed and not self._closed.is_set():
                    unknown = None if isinstance(error, SearchError) else error
                    _LOG.error("%s; the version that was loaded last goes on answering", said, exc_info=unknown)
                failed = said
            self._rest_when_idle()
            self._closed.wait(seconds)

    def _rest_when_idle(self) -> None:
        with self._lock:
            if monotonic() - self._last_used > _IDLE:
                self._newest.rest()

    def close(self) -> None:
        """Questions that are being answered are finished."""
        self._closed.set()
        with self._loading, self._lock:
            self._newest.retire()
            self._watched.close()


class _Held:
    """A store that is held at its version, and who uses it."""

    def __init__(self, store: LocalStore) -> None:
        self.store = store
        self._users = 0
        self._retired = False
        self._hold = ExitStack()
        self._hold.enter_context(store.current())
        self._resting = False

    def begin(self) -> None:
        """Once more. A store that rested may load another version."""
        if self._resting:
            self._hold.enter_context(self.store.current())
            self._resting = False
        self._users += 1

    def end(self) -> None:
        self._users -= 1
        self._close()

    def rest(self) -> None:
        """Let go of the version until it is used again."""
        if not self._users and not self._resting:
            self._hold.close()
            self._resting = True

    def retire(self) -> None:
        """Close it when its last user has gone."""
        self._retired = True
        self._close()

    def _close(self) -> None:
        if self._retired and not self._users:
            self._hold.close()
            self.store.close()
