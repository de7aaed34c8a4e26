"""An RTF file -> one document, with what it says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from indexer.documents import Found, Remark
from indexer.errors import DocumentError
from indexer.reading.blocks import tidy
from indexer.reading.own_fields import own_title
from indexer.reading.rtf.text import TextReader
from indexer.reading.source import Context, Source


def read(source: Source, context: Context) -> Iterator[Found]:
    """One document. Headers, footers, comments, deleted and hidden text are left out."""
    data = source.read(context.limits.text)
    start = re.match(rb"(?:\xef\xbb\xbf)?\s*(?=\{\\rtf)", data)
    if start is None:
        raise DocumentError("not RTF (no {\\rtf at its beginning)" if data.strip() else "empty")
    text = TextReader(data)
    complete = text.read(start.end())
    author = tidy(text.said("author")).replace("\n", " ")
    yield source.document(
        text.found(),
        title=own_title(text.said("title")),
        date=text.date(),
        metadata={"author": author} if author else None,
    )
    if not complete:
        yield Remark(source.name, "ends in the middle (a group is not closed); what is there was read")
