"""A collection -> files that other programs read, and this one too: JSON Lines, Parquet.

Documents come out as they went in, in the order in which they did, so that another collection can be made from them;
their passages with vectors are for other programs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import numpy as np

from indexer.documents import Document
from indexer.errors import CollectionError, DocumentError
from indexer.parts import written
from indexer.stored_collection import StoredCollection

_RESERVED = frozenset(("id", "_id", "title", "text", "lang", "language", "date", "source", "url", "metadata", "pages"))
"""Names that a reader of JSON Lines takes for something else than a further field."""
_GROUP_DOCUMENTS, _GROUP_CHARACTERS = 2_000, 16_000_000
"""What a row group of a Parquet file has at most, but for its last document."""
_GROUP_PASSAGES = 1_000


def export_jsonl(collection: StoredCollection, stream: TextIO | BinaryIO) -> int:
    """Write all documents as they came, a JSON object a line, in UTF-8: id, title, text, lang (where one was declared),
    date, source, url as far as they are known, the fields of its metadata beside them (those whose name is taken, in an
    object `metadata`), and `pages`. Returns how many. Reading the lines gives the same documents.

    Raises what the stream raises, and CollectionError where the collection cannot be read.
    """
    stream.flush()
    raw: Any = getattr(stream, "buffer", stream)  # standard output may be in another encoding
    count = 0
    for document in collection.all_documents():
        raw.write(json.dumps(_line(document), ensure_ascii=False).encode("utf-8") + b"\n")
        count += 1
    raw.flush()
    return count


def export_jsonl_file(collection: StoredCollection, file: Path, *, overwrite: bool = False) -> int:
    """`export_jsonl` to a file, which is written whole or not at all. Raises CollectionError where it is there already
    (unless `overwrite`) or cannot be written."""
    with _writing(file, overwrite) as stream:
        return export_jsonl(collection, stream)


def _line(document: Document) -> dict[str, Any]:
    line: dict[str, Any] = {name: value for name, value in _fields(document).items() if value}
    taken = {name: value for name, value in document.metadata.items() if name in _RESERVED}
    line |= {name: value for name, value in document.metadata.items() if name not in _RESERVED}
    if taken:
        line["metadata"] = taken
    if document.pages:
        line["pages"] = list(document.pages)
    return line


def _fields(document: Document) -> dict[str, str | None]:
    return {
        "id": document.id,
        "title": document.title,
        "text": document.text,
        "lang": document.lang,
        "date": document.date,
        "source": document.source,
        "url": document.url,
    }


def export_parquet(collection: StoredCollection, file: Path, *, overwrite: bool = False) -> int:
    """Write all documents as they came to a Parquet file, a row each: id, title, text, lang (null where none was
    declared), date, source, url, metadata (a JSON object, as text), pages (where each begins in the text; empty for
    none). Returns how many. Reading the file gives the same documents.

    Raises as `export_jsonl_file` does, and DocumentError where pyarrow is not installed.
    """
    arrow, _ = _parquet()
    names = ("id", "title", "text", "lang", "date", "source", "url", "metadata")
    schema = arrow.schema([*((name, arrow.string()) for name in names), ("pages", arrow.list_(arrow.int64()))])
    count = 0
    with _rows(file, schema, ["lang", "date", "source"], overwrite) as write:
        for group in _groups(collection.all_documents()):
            write(arrow.Table.from_pylist([_row(document) for document in group], schema))
            count += len(group)
    return count


def _groups(documents: Iterator[Document]) -> Iterator[list[Document]]:
    group: list[Document] = []
    characters = 0
    for document in documents:
        group.append(document)
        characters += len(document.text)
        if len(group) == _GROUP_DOCUMENTS or characters >= _GROUP_CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group


def _row(document: Document) -> dict[str, Any]:
    metadata = json.dumps(document.metadata, ensure_ascii=False)
    return {**_fields(document), "metadata": metadata, "pages": list(document.pages)}


def export_vectors(collection: StoredCollection, file: Path, *, overwrite: bool = False) -> int:
    """Write all passages as a Parquet file, a row each, in order of id: document (its id), start and end (characters of
    its text), lang, text, vector (float32, as the model gave it, but for the rounding to a byte a component; languages'
    means are not taken off). The file's own metadata say the `model`, its `fingerprint`, and the `parts` of a vector.
    Returns how many.

    Raises as `export_parquet` does.
    """
    arrow, _ = _parquet()
    schema = arrow.schema(
        [
            ("document", arrow.string()),
            ("start", arrow.int64()),
            ("end", arrow.int64()),
            ("lang", arrow.string()),
            ("text", arrow.string()),
            ("vector", arrow.list_(arrow.float32(), collection.dimension)),
        ],
        {"model": collection.model, "fingerprint": collection.fingerprint, "parts": written(collection.parts)},
    )
    with _rows(file, schema, ["document", "lang"], overwrite) as write, collection.snapshot():
        ids = collection.passage_ids().tolist()
        for start in range(0, len(ids), _GROUP_PASSAGES):
            write(arrow.table(_passages(collection, ids[start : start + _GROUP_PASSAGES], arrow), schema))
    return len(ids)


def _passages(collection: StoredCollection, ids: list[int], arrow: Any) -> dict[str, Any]:
    passages = collection.passages(ids)
    documents = collection.documents(sorted({passage.document for passage in passages}))
    texts = dict(pair for block in collection.passage_texts(ids) for pair in block)
    components = arrow.array(np.concatenate([passage.vector for passage in passages]))
    return {
        "document": [documents[passage.document].id for passage in passages],
        "start": [passage.start for passage in passages],
        "end": [passage.end for passage in passages],
        "lang": [passage.lang for passage in passages],
        "text": [texts[passage.id] for passage in passages],
        "vector": arrow.FixedSizeListArray.from_arrays(components, collection.dimension),
    }


@contextmanager
def _rows(file: Path, schema: Any, repeating: list[str], overwrite: bool) -> Iterator[Callable[[Any], None]]:
    """What writes a table as a row group of a Parquet file. `repeating`: columns whose values come again and again."""
    _, parquet = _parquet()
    with (
        _writing(file, overwrite) as stream,
        parquet.ParquetWriter(stream, schema, compression="zstd", use_dictionary=repeating) as writer,
    ):
        yield writer.write_table


def _parquet() -> tuple[Any, Any]:
    """pyarrow, and the part of it that knows Parquet."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise DocumentError(
            "Parquet needs a package; install it with: pip install 'multilingual-search[parquet]'"
        ) from error
    return pyarrow, pyarrow.parquet


@contextmanager
def _writing(file: Path, overwrite: bool) -> Iterator[BinaryIO]:
    """A stream that becomes the file once all is written; else nothing is left of it."""
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        if file.exists() and not file.is_file():
            raise CollectionError(f"{file} is not a file; name another")
        if file.exists() and not overwrite:
            raise CollectionError(f"{file} is there already; remove it, or name another")
        try:
            with unfinished.open("wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise CollectionError(f"{file}: cannot be written ({(error.strerror or str(error)).lower()})") from error
