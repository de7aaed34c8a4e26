"""A web archive -> a document of each page in it that is of a format that is read."""

from __future__ import annotations

from collections.abc import Iterator

from indexer.documents import Found, Skipped
from indexer.errors import DocumentError
from indexer.reading.own_names import OwnNames
from indexer.reading.source import Context, Source
from indexer.reading.warc.pages import read_page
from indexer.reading.warc.records import Records


def read(source: Source, context: Context) -> Iterator[Found]:
    """Pages that were answered with `200 OK`, and what was put in beside them. Pictures, scripts and the like, and what
    tells of the crawl itself, are left out."""
    names = OwnNames(context.limits.members)
    records = Records(source.stream, context.limits)
    found = False
    for record in records:
        if isinstance(record, DocumentError):
            found = True
            yield Skipped(f"{source.name}:{records.offset}", str(record))
            continue
        for item in read_page(source, record, names, context):
            found = True
            yield item
    if not found:
        raise DocumentError("no pages in it")
