"""How records lie in the rows of a collection: bytes of vectors, of tables of sentences, of sums and covariances.

Whoever reads gets ValueError for what is not what it should be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.documents import Document
from indexer.language_means import LanguageSum, Prior, Sums
from indexer.packed_vectors import packed, packed_rows, unpacked
from indexer.parts import Parts
from indexer.records import EncodedDocument, EncodedPassage, StoredDocument, StoredPassage

Vectors = NDArray[np.float32]

SUM_COLUMNS = "lang, passages, passage_sum, sentences, sentence_sum"
PRIOR_COLUMNS = f"{SUM_COLUMNS}, query_shift, covariances"
DOCUMENT_COLUMNS = (
    "id, digest, file, signature, origin, vector, pages, title, lang, declared, date, source, url, metadata, text"
)
PASSAGE_COLUMNS = 'document, start, "end", lang, vector, sentences, sentence_vectors, key'


def document_row(encoded: EncodedDocument, file: int | None, dimension: int) -> tuple[Any, ...]:
    """DOCUMENT_COLUMNS; the vector is the mean of its passages', `file` the number of its file."""
    document = encoded.document
    # The vectors as they are stored, so that the mean is the same whether they were encoded or taken from there.
    vectors = one_each([packed(item.vector[None, :]) for item in encoded.passages], dimension)
    mean: Vectors = np.mean(vectors, axis=0) if len(vectors) else np.zeros(dimension, np.float32)
    return (
        document.id,
        encoded.digest,
        file,
        encoded.signature or None,
        encoded.origin or None,
        packed(mean[None, :]),
        np.array(document.pages, "<i8").tobytes() or None,
        document.title,
        encoded.lang,
        document.lang,
        document.date,
        document.source,
        document.url,
        json.dumps(document.metadata, ensure_ascii=False),
        document.text,
    )


def passage_row(item: EncodedPassage, number: int) -> tuple[Any, ...]:
    """PASSAGE_COLUMNS of a passage of a document."""
    passage = item.passage
    table = [(*span, place in passage.headings) for place, span in enumerate(passage.sentences)]
    return (
        number,
        passage.start,
        passage.end,
        passage.lang,
        packed(item.vector[None, :]),
        np.array(table, "<i4").tobytes(),
        packed(item.sentence_vectors),
        item.key or None,
    )


def stored_document(row: Sequence[Any]) -> StoredDocument:
    """A row of number, id, title, language, date, source, URL, metadata, pages."""
    number, identifier, title, lang, date, source, url, metadata, pages = row
    starts = tuple(np.frombuffer(pages or b"", "<i8").tolist())
    return StoredDocument(number, identifier, title, lang, date, source, url, json.loads(metadata), starts)


def one_each(blobs: Sequence[bytes], dimension: int) -> Vectors:
    """(n, dimension) of blobs of one vector each."""
    return unpacked(blobs, [1] * len(blobs), dimension)


def stored_passages(rows: Sequence[Sequence[Any]], dimension: int) -> Iterator[StoredPassage]:
    """Rows of id, document, start, end, language, table of sentences, vector, sentence vectors, document's vector.

    All vectors are read at once: a search reads hundreds of passages, and every millisecond counts.
    """
    tables = [np.frombuffer(row[5], "<i4").reshape(-1, 3) for row in rows]
    vectors = one_each([row[6] for row in rows], dimension)
    documents = one_each([row[8] for row in rows], dimension)
    counts = [len(table) for table in tables]
    sentences = unpacked([row[7] for row in rows], counts, dimension)
    ends = np.cumsum(counts)
    for place, (identifier, document, start, end, lang, *_) in enumerate(rows):
        table = tables[place]
        yield StoredPassage(
            id=identifier,
            document=document,
            start=start,
            end=end,
            lang=lang,
            sentences=table[:, :2],
            headings=table[:, 2] != 0,
            vector=vectors[place],
            sentence_vectors=sentences[ends[place] - counts[place] : ends[place]],
            document_vector=documents[place],
        )


def document_of_row(row: Sequence[Any]) -> Document:
    """A row of id, text, title, declared language, date, source, URL, metadata, pages: as it came."""
    identifier, text, title, declared, date, source, url, metadata, pages = row
    starts = tuple(np.frombuffer(pages or b"", "<i8").tolist())
    return Document(identifier, text, title, declared, date, source, url, json.loads(metadata), starts)


def vectors_of_passage(vector: bytes, sentence_vectors: bytes, dimension: int) -> tuple[Vectors, Vectors]:
    """(dimension,) and (sentences, dimension) of a passage's blobs."""
    count = packed_rows(sentence_vectors, dimension)
    return one_each([vector], dimension)[0], unpacked([sentence_vectors], [count], dimension)


def sum_of(vector: bytes, sentence_vectors: bytes, dimension: int) -> LanguageSum:
    """A passage's part in the sums, from the stored (rounded) vectors, so that what goes in comes out the same."""
    passage = one_each([vector], dimension)[0].astype(np.float64)
    count = packed_rows(sentence_vectors, dimension)
    sentences = unpacked([sentence_vectors], [count], dimension)
    return LanguageSum(1, passage, count, sentences.sum(axis=0, dtype=np.float64))


def sum_row(lang: str, own: LanguageSum) -> tuple[str, int, bytes, int, bytes]:
    """SUM_COLUMNS of a language."""
    return lang, own.passages, _blob(own.passage_sum), own.sentences, _blob(own.sentence_sum)


def language_sum(row: Sequence[Any], dimension: int) -> LanguageSum:
    """The opposite."""
    return LanguageSum(row[1], _vector(row[2], dimension), row[3], _vector(row[4], dimension))


def prior_rows(prior: Prior) -> list[tuple[Any, ...]]:
    """PRIOR_COLUMNS of each language."""
    return [
        (*sum_row(lang, own), _blob(prior.query_shifts[lang]), _squares(prior.covariances[lang]))
        for lang, own in prior.sums.items()
    ]


def prior_of_rows(rows: Sequence[Sequence[Any]], parts: Parts) -> Prior:
    """The opposite."""
    dimension = sum(part.width for part in parts)
    return Prior(
        {row[0]: language_sum(row, dimension) for row in rows},
        {row[0]: _vector(row[5], dimension) for row in rows},
        {row[0]: _covariances(row[6], parts) for row in rows},
    )


def _covariances(blob: bytes, parts: Parts) -> list[Vectors]:
    values = np.frombuffer(blob, "<f2").astype(np.float32)
    ends = np.cumsum([part.width**2 for part in parts])
    if len(values) != ends[-1]:
        raise ValueError("covariances of another width")
    squares = np.split(values, ends[:-1])
    return [own.reshape(part.width, part.width) for own, part in zip(squares, parts, strict=True)]


def _squares(covariances: Sequence[Vectors]) -> bytes:
    return b"".join(np.ascontiguousarray(own, "<f2").tobytes() for own in covariances)


def _vector(blob: bytes, dimension: int) -> Sums:
    (vector,) = np.frombuffer(blob, "<f8").reshape(1, dimension)
    return vector


def _blob(vector: Sums) -> bytes:
    return vector.astype("<f8").tobytes()


def marks(values: Sequence[object]) -> str:
    """A question mark each."""
    return ",".join("?" * len(values))
