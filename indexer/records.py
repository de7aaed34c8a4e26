"""What a collection takes and gives: encoded documents going in, stored passages and documents coming out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.documents import Document
from indexer.passages import Passage

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class EncodedPassage:
    """A passage with its raw vector (dimension,) and its sentences' raw vectors (sentences, dimension), float32."""

    passage: Passage
    vector: Vectors
    sentence_vectors: Vectors


@dataclass(frozen=True)
class EncodedDocument:
    """A document ready to be stored; `digest` stands for everything that its passages were made from."""

    document: Document
    lang: str
    digest: bytes
    passages: Sequence[EncodedPassage]


@dataclass(frozen=True)
class StoredPassage:
    """A candidate as scoring needs it. Vectors are raw float32 (dimension,)."""

    id: int
    document: int
    start: int
    end: int
    lang: str
    sentences: NDArray[np.int32]
    """(sentences, 2): offsets into the document's text."""
    headings: NDArray[np.bool_]
    """(sentences,): which of them are lines of their own without an end, such as headings."""
    vector: Vectors
    sentence_vectors: Vectors
    """(sentences, dimension)"""
    document_vector: Vectors
    """The mean of the vectors of all its document's passages."""


@dataclass(frozen=True)
class StoredDocument:
    """A document's description, without its text."""

    number: int
    id: str
    title: str
    lang: str
    date: str
    source: str
    url: str
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class Statistics:
    """What is in a collection."""

    documents: int
    passages: int
    documents_by_language: Mapping[str, int]
    model: str
    bytes: int
