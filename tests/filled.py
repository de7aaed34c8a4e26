"""A collection with something of everything in it, and what may happen to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.build import update_indexes
from indexer.records import EncodedDocument, FileRecord
from indexer.stored_collection import StoredCollection
from tests.test_stored_collection import (
    DATABASE,
    LANGUAGES,
    PARTS,
    encoded,
    new_collection,
    random_prior,
)


def with_pages(item: EncodedDocument, *pages: int) -> EncodedDocument:
    return replace(item, document=replace(item.document, pages=pages))


def filled(folder: Path, count: int = 12) -> StoredCollection:
    """Documents d0 ... with three passages each, one to three sentences long; passage 1 is the first of d0."""
    collection = new_collection(folder, prior=random_prior(5, PARTS))
    items = [encoded(f"d{number}", number, [LANGUAGES[number % 4], "en", "ja"]) for number in range(count)]
    record = FileRecord("/f", "f", 0, 0, b"", b"")
    collection.put([with_pages(items[0], 0, 5), *items[1:]], finished=[record])
    update_indexes(collection)
    return collection


def change(collection: StoredCollection, *statements: str) -> None:
    """Behind its back."""
    with closing(sqlite3.connect(collection.folder / DATABASE, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def snapshot_of(folder: Path) -> Mapping[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file may grow beyond a size."""
    resource = pytest.importorskip("resource")  # of POSIX
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
