"""Settings -> a searcher: the collection that is meant, the model that made it, the sample where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from indexer.build import index_documents, open_or_create
from indexer.documents import Document
from indexer.encoder import QueryEncoder
from indexer.errors import CollectionError, SettingsError
from indexer.lazy_encoder import load_encoder as load_full
from indexer.live_store import LiveStore
from indexer.models import default_model, fingerprint_of, load_encoder, load_query_encoder
from indexer.paths import cache_folder
from indexer.sample import sample_digest, sample_documents
from indexer.store import LocalStore, Stores
from indexer.stored_collection import FORMAT, StoredCollection
from search_api import metrics
from search_api.encoding.place import Place
from search_api.encoding.process import EncoderProcess
from search_api.encoding.remote import RemoteEncoder
from search_api.searcher import Searcher
from search_api.settings import Settings
from search_api.writing import Writer

Notice = Callable[[str], None]
"""Tells the user what takes time, or what was done instead of what was asked."""
Load = Callable[[str], QueryEncoder]


@dataclass(frozen=True)
class OpenSearcher:
    """A searcher, what it searches, and whether that is only the sample."""

    searcher: Searcher
    store: Stores
    is_sample: bool
    writer: Writer | None = None
    """Where documents can be added and deleted."""
    folder: Path | None = None
    """Where the collection is."""
    end_encoder: Callable[[], None] = lambda: None

    def document(self, document_id: str) -> Document | None:
        """A document, with the language that was found where it said none; None for an unknown id."""
        with self.store.current() as store:
            return store.document(document_id)

    def close(self) -> None:
        """No more searches."""
        self.store.close()
        self.end_encoder()


def open_searcher(settings: Settings, notice: Notice, load: Load = load_query_encoder) -> OpenSearcher:
    """Open the collection and load its model.

    A collection named in the settings must exist; with none named and none of the user's own yet, the sample
    collection is searched, and indexed on first use. Raises CollectionError, ModelMismatch, ModelError.
    """
    folder, is_sample = place_of(settings, notice)
    collection = StoredCollection.open(folder)
    encoder = load(settings.model or collection.model)
    collection.check_model(encoder.fingerprint, encoder.name)
    store = LocalStore(collection)
    return OpenSearcher(Searcher(store, encoder), store, is_sample, folder=folder)


def open_live(settings: Settings, notice: Notice, encodes: Place | None = None) -> OpenSearcher:
    """The same for a service: queries are encoded by the process at `encodes`, or one of its own, what other processes
    index is loaded in the background, documents can be written, but not to the sample."""
    folder, is_sample = place_of(settings, notice)
    with StoredCollection.open(folder) as collection, ExitStack() as stack:
        model = settings.model or collection.model
        if encodes is None:
            process = EncoderProcess(model)
            stack.callback(process.close)
            encodes = process.place
        encoder = RemoteEncoder(encodes)
        stack.callback(encoder.close)

        def check(opened: StoredCollection) -> None:
            opened.check_model(encoder.fingerprint, encoder.name)

        check(collection)
        store = LiveStore(folder, check)
        store.follow(told=_told)
        writer = None if is_sample else Writer(folder, partial(load_full, model), store.refresh)
        return OpenSearcher(Searcher(store, encoder), store, is_sample, writer, folder, stack.pop_all().close)


def _told(store: LocalStore) -> None:
    statistics = store.statistics()
    metrics.collection(statistics.documents, statistics.passages, store.version)


def place_of(settings: Settings, notice: Notice) -> tuple[Path, bool]:
    """The folder of the collection that is meant, and whether it is the sample's, which is indexed on first use."""
    folder = settings.own_collection()
    is_sample = settings.sample or (settings.collection is None and not StoredCollection.exists(folder))
    return (_sample_collection(settings, notice) if is_sample else folder), is_sample


def _sample_collection(settings: Settings, notice: Notice) -> Path:
    """The folder where the sample collection lies, indexed for this model; new samples or models get another one."""
    model = settings.model or default_model()
    folder = cache_folder() / "samples" / f"{fingerprint_of(model)}-{sample_digest()}-{FORMAT}"
    documents = sample_documents()
    if _holds(folder, len(documents)):
        return folder
    notice(f"indexing the sample collection ({len(documents)} documents), once")
    encoder = load_encoder(model)
    with open_or_create(folder, encoder) as collection:
        index_documents(documents, collection, encoder)
    return folder


def _holds(folder: Path, documents: int) -> bool:
    """Whether the sample is there, whole. What is damaged, or of another release, is removed: it can be made again."""
    if not StoredCollection.exists(folder):
        return False
    try:
        with StoredCollection.open(folder) as collection:
            collection.language_means()
            current = collection.state(collection.version()) is not None
            return current and collection.statistics().documents == documents
    except CollectionError:
        shutil.rmtree(folder, ignore_errors=True)
        return False


def with_options(settings: Settings, collection: str | None, model: str | None, *, sample: bool) -> Settings:
    """Settings with what a command line says on top."""
    if collection is not None and not collection.strip():
        raise SettingsError("--collection is empty; give a folder")
    return replace(
        settings,
        collection=Path(collection).expanduser() if collection else settings.collection,
        model=model or settings.model,
        sample=sample,
    )
