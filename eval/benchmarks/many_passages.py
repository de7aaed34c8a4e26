"""As many passages as are asked for, made from the documents of a dataset over and over, each time with the sentences'
vectors a little moved and the sentences in another order: both indexes have as much to do as with text that nobody
wrote for a benchmark, and little is encoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from eval.datasets import Dataset
from indexer.documents import Document
from indexer.encoder import Encoder
from indexer.passages import Passage, passages_of, text_to_encode
from indexer.records import EncodedDocument, EncodedPassage
from indexer.stored_collection import StoredCollection

_NOISE = 0.02
"""Standard deviation of what is added to each component of a vector of length 1: about as far as neighbours are."""


def fill(
    collection: StoredCollection, dataset: Dataset, encoder: Encoder, count: int, progress: Callable[[str], None]
) -> None:
    """At least `count` passages; the indexes are not made."""
    cut = [
        (document, passages_of(document.text, encoder, collection.budget, document.lang))
        for document in dataset.documents
    ]
    texts = [
        text
        for document, passages in cut
        for passage in passages
        for text in (
            text_to_encode(document.text, document.title, passage),
            *(document.text[start:end] for start, end in passage.sentences),
        )
    ]
    progress(f"encoding {len(texts)} texts")
    vectors = encoder.encode_passages(texts)
    random = np.random.default_rng(0)
    copies = -(-count // sum(len(passages) for _, passages in cut))
    for copy in range(copies):
        collection.put(list(_moved(cut, vectors, copy, random)))
        if copy % 50 == 49:
            progress(f"{copy + 1} of {copies} copies of the documents")


def _moved(
    cut: list[tuple[Document, list[Passage]]], vectors: Any, copy: int, random: np.random.Generator
) -> Iterator[EncodedDocument]:
    at = 0
    for document, passages in cut:
        encoded, text = [], ""
        for passage in passages:
            count = 1 + len(passage.sentences)
            own = vectors[at : at + count] + random.normal(0, _NOISE, (count, vectors.shape[1])).astype(np.float32)
            own /= np.linalg.norm(own, axis=1, keepdims=True)
            at += count
            begin, spans = len(text), []
            for place in random.permutation(len(passage.sentences)):
                start, end = passage.sentences[place]
                spans.append((len(text), len(text) + end - start))
                text += document.text[start:end] + " "
            moved = Passage(begin, len(text) - 1, tuple(spans), passage.lang)
            encoded.append(EncodedPassage(moved, own[0], own[1:]))
        yield EncodedDocument(
            Document(id=f"{document.id}-{copy}", text=text, title=document.title, lang=document.lang),
            document.lang or "und",
            b"",
            encoded,
        )
