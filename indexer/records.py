"""What a collection takes and gives: encoded documents going in, stored passages and documents coming out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.documents import Document, Remark, Skipped
from indexer.passages import Passage

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class FileRecord:
    """A file that documents were read from, as it was then."""

    path: str
    """Absolute."""
    name: str
    """As it was given; its documents are called by it."""
    size: int
    modified: int
    """Nanoseconds since 1970."""
    digest: bytes
    """Of its bytes."""
    reading: bytes
    """Stands for how it was read: another one, and it is read again."""
    skipped: Sequence[Skipped] = ()
    remarks: Sequence[Remark] = ()


@dataclass(frozen=True)
class EncodedPassage:
    """A passage with its raw vector (dimension,) and its sentences' raw vectors (sentences, dimension), float32."""

    passage: Passage
    vector: Vectors
    sentence_vectors: Vectors
    key: bytes = b""
    """Stands for the texts that the vectors are of: equal keys, equal vectors. Empty: of unknown texts."""


@dataclass(frozen=True)
class EncodedDocument:
    """A document ready to be stored; `digest` stands for everything that its passages were made from."""

    document: Document
    lang: str
    digest: bytes
    passages: Sequence[EncodedPassage]
    file: FileRecord | None = None
    """What it was read from, if that is a file."""
    signature: bytes = b""
    """For finding copies; empty for a text too short to tell."""
    origin: str = ""
    """The source whose documents' lines are counted together; empty: it has none."""
    lines: frozenset[int] = frozenset()
    """Keys of its lines that are counted."""


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
    pages: Sequence[int] = ()
    """Where each page begins in the text."""


@dataclass(frozen=True)
class Statistics:
    """What is in a collection."""

    documents: int
    passages: int
    documents_by_language: Mapping[str, int]
    model: str
    bytes: int
    files: int = 0
    """That documents were read from."""
    copies: int = 0
    """Documents that are copies of others."""
    repeated_lines: int = 0
    """Lines that are left out of passages, since they stand on many documents of a source."""
