"""Documents -> collection: cut, encode, store, batch by batch. The stages in order, on one screen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from indexer import lexical_index, vector_index
from indexer.collection import Collection
from indexer.documents import Document, Skipped
from indexer.encoder import Encoder
from indexer.errors import CollectionError, ModelMismatch
from indexer.languages import language_of
from indexer.passages import Passage, passages_of, text_to_encode
from indexer.records import EncodedDocument, EncodedPassage
from indexer.sample import passage_budget, prior_of

_CUTTING = 2
"""Raise when text is cut or put to the encoder differently: documents are then encoded again when next seen."""
_BATCH_SENTENCES = 1_000
"""Sentences to encode and commit at once: a few seconds' work, the most that an interruption loses."""


@dataclass
class Summary:
    """What became of the documents."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    passages: int = 0
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def seen(self) -> int:
        return self.added + self.changed + self.unchanged + len(self.skipped)


def open_or_create(folder: Path, encoder: Encoder, budget: int | None = None) -> Collection:
    """The collection in a folder, open for writing; where there is none a new one, with passages of at most `budget`
    tokens, or of the default for None."""
    if not Collection.exists(folder):
        try:
            return Collection.create(
                folder,
                model=encoder.name,
                fingerprint=encoder.fingerprint,
                parts=encoder.parts,
                budget=budget or passage_budget(encoder),
                prior=prior_of(encoder),
            )
        except CollectionError:
            if not Collection.exists(folder):
                raise  # else another process was quicker
    collection = Collection.open(folder, writable=True)
    try:
        collection.check_model(encoder.fingerprint, encoder.name)
    except ModelMismatch:
        collection.close()
        raise
    return collection


def index_documents(
    items: Iterable[Document | Skipped],
    collection: Collection,
    encoder: Encoder,
    progress: Callable[[Summary, str], None] | None = None,
) -> Summary:
    """Add or replace documents; unchanged ones cost nothing. Commits batch by batch; what was committed stays.

    `progress` is called with the summary so far and the last document's id. The indexes are brought up to date at the
    end, also after an interruption.
    """
    summary = Summary()
    try:
        for batch in _batches(_new_or_changed(items, collection, encoder, summary), collection, encoder):
            encoded = _encode(batch, encoder)
            replaced = sum(collection.digest(item.document.id) is not None for item in encoded)
            collection.put(encoded)
            summary.changed += replaced
            summary.added += len(encoded) - replaced
            summary.passages += sum(len(item.passages) for item in encoded)
            if progress:
                progress(summary, encoded[-1].document.id)
    finally:
        update_indexes(collection)
    return summary


def update_indexes(collection: Collection) -> None:
    """Make what is derived from a collection again, or bring it up to date, so that no search has to."""
    vector_index.open_index(collection)
    lexical_index.open_index(collection)


@dataclass(frozen=True)
class _CutDocument:
    document: Document
    lang: str
    digest: bytes
    passages: list[Passage]


def _new_or_changed(
    items: Iterable[Document | Skipped], collection: Collection, encoder: Encoder, summary: Summary
) -> Iterator[tuple[Document, bytes]]:
    seen: set[str] = set()
    for item in items:
        if isinstance(item, Skipped):
            summary.skipped.append(item)
        elif item.id in seen:
            summary.skipped.append(Skipped(item.id, "its id was there before in this run; ids must be unique"))
        else:
            seen.add(item.id)
            digest = _digest(item, collection.budget)
            if collection.digest(item.id) == digest:
                summary.unchanged += 1
            else:
                yield item, digest


def _digest(document: Document, budget: int) -> bytes:
    fields = [_CUTTING, budget, document.text, document.title, document.lang, document.date, document.source]
    content = json.dumps([*fields, document.url, document.metadata], sort_keys=True)
    return hashlib.sha256(content.encode()).digest()[:16]


def _batches(
    documents: Iterable[tuple[Document, bytes]], collection: Collection, encoder: Encoder
) -> Iterator[list[_CutDocument]]:
    batch: list[_CutDocument] = []
    sentences = 0
    for document, digest in documents:
        lang = document.lang or language_of(document.text)
        passages = passages_of(document.text, encoder, collection.budget, lang)
        batch.append(_CutDocument(document, lang, digest, passages))
        sentences += sum(len(passage.sentences) for passage in passages)
        if sentences >= _BATCH_SENTENCES:
            yield batch
            batch, sentences = [], 0
    if batch:
        yield batch


def _encode(batch: list[_CutDocument], encoder: Encoder) -> list[EncodedDocument]:
    """All passages and sentences of a batch in one call, so that texts of like length share the model's batches."""
    texts: list[str] = []
    for cut in batch:
        text = cut.document.text
        for passage in cut.passages:
            texts.append(text_to_encode(text, cut.document.title, passage))
            texts += [text[start:end] for start, end in passage.sentences]
    vectors = encoder.encode_passages(texts)
    encoded, at = [], 0
    for cut in batch:
        passages = []
        for passage in cut.passages:
            sentences = vectors[at + 1 : at + 1 + len(passage.sentences)]
            passages.append(EncodedPassage(passage, vectors[at], np.ascontiguousarray(sentences)))
            at += 1 + len(passage.sentences)
        encoded.append(EncodedDocument(cut.document, cut.lang, cut.digest, passages))
    return encoded
