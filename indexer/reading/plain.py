"""Plain text."""

from __future__ import annotations

from collections.abc import Iterator

from indexer.documents import Found
from indexer.reading.encodings import decoded, remarks
from indexer.reading.source import Context, Source


def read(source: Source, context: Context) -> Iterator[Found]:
    """One document."""
    text = decoded(source.read(context.limits.text), source.charset)
    yield source.document(text.text)
    yield from remarks(source.name, text)
