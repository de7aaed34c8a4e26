"""A document -> passages and what else is stored of it -> the same with vectors, encoded once for equal texts."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np

from indexer.boilerplate import keys_of
from indexer.documents import Document
from indexer.duplicates import signature_of
from indexer.encoder import Encoder
from indexer.passages import Passage, text_to_encode
from indexer.records import EncodedDocument, EncodedPassage, FileRecord
from indexer.sentences import Span
from indexer.stored_collection import StoredCollection

CUTTING = 3
"""Raise when text is cut or put to the encoder differently: documents are then encoded again when next seen."""


@dataclass(frozen=True)
class CutDocument:
    """A document with what is stored of it, but for vectors."""

    document: Document
    lang: str
    digest: bytes
    passages: list[Passage]
    file: FileRecord | None
    origin: str


def origin_of(document: Document, file: FileRecord | None) -> str:
    """What counts as one source: what the document names, or its site, or the folder that it lies in."""
    named = document.source or urlsplit(document.url).netloc
    return named.casefold() or (os.path.dirname(file.path) if file else "")


def digest_of(document: Document, budget: int, left_out: Sequence[Span]) -> bytes:
    """Stands for all that decides what is stored of a document."""
    fields = [CUTTING, budget, document.text, document.title, document.lang, document.date, document.source]
    content = json.dumps([*fields, document.url, document.metadata, document.pages, left_out], sort_keys=True)
    return hashlib.sha256(content.encode()).digest()[:16]


def encode(
    batch: list[CutDocument], collection: StoredCollection, encoder: Encoder
) -> tuple[list[EncodedDocument], int]:
    """All passages and sentences of a batch in one call, so that texts of like length share the model's batches; those
    whose texts the collection has vectors of are not encoded again. Returns as well how many passages these are."""
    texts = {
        (place, number): _texts(cut.document, passage)
        for place, cut in enumerate(batch)
        for number, passage in enumerate(cut.passages)
    }
    keys = {at: _key(own) for at, own in texts.items()}
    known = collection.vectors_of(sorted(set(keys.values())))
    new = [text for at, own in texts.items() if keys[at] not in known for text in own]
    vectors = encoder.encode_passages(new) if new else np.empty((0, collection.dimension), np.float32)
    encoded, used, reused = [], 0, 0
    for place, cut in enumerate(batch):
        passages = []
        for number, passage in enumerate(cut.passages):
            key = keys[place, number]
            if key in known:
                vector, sentences = known[key]
                reused += 1
            else:
                end = used + 1 + len(passage.sentences)
                vector, sentences = vectors[used], np.ascontiguousarray(vectors[used + 1 : end])
                used = end
            passages.append(EncodedPassage(passage, vector, sentences, key))
        encoded.append(
            EncodedDocument(
                cut.document,
                cut.lang,
                cut.digest,
                passages,
                cut.file,
                signature_of(cut.document.text),
                cut.origin,
                frozenset(keys_of(cut.document.text)) if cut.origin else frozenset(),
            )
        )
    return encoded, reused


def _texts(document: Document, passage: Passage) -> list[str]:
    """Of a passage: with its title, then each sentence."""
    text = document.text
    return [text_to_encode(text, document.title, passage), *(text[start:end] for start, end in passage.sentences)]


def _key(texts: list[str]) -> bytes:
    """Stands for the texts."""
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=16).digest()
