"""JSON Lines: an object a line, each a document. Read line by line, so that a file may be larger than memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from indexer.documents import Document, Found, Skipped, clean
from indexer.errors import DocumentError
from indexer.reading.lines import lines_of
from indexer.reading.source import Context, Source

_NAMES = {"_id": "id", "language": "lang"}
"""Other names of fields."""
_FIELDS = ("id", "title", "text", "lang", "date", "source", "url")


def read(source: Source, context: Context) -> Iterator[Found]:
    """A document of each line; those without a text of their own are skipped by number."""
    empty = True
    for number, line in lines_of(source, context.limits):
        empty = False
        place = f"{source.name}:{number}"
        if isinstance(line, DocumentError):
            yield Skipped(place, str(line))
            continue
        try:
            yield _document(f"{source.name}#{number}", line, source, context)
        except DocumentError as error:
            yield Skipped(place, str(error))
        except RecursionError:
            yield Skipped(place, "not JSON (nested too deeply to be read)")
    if empty:
        raise DocumentError("empty")


def _document(default_id: str, line: str, source: Source, context: Context) -> Document:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DocumentError(f"not JSON ({' '.join(str(error).split())[:80]})") from error
    if not isinstance(row, dict):
        raise DocumentError(f"a JSON {type(row).__name__}, expected an object with a text")
    fields: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    for name, value in row.items():
        known = context.columns.get(name) or _NAMES.get(name, name)
        if known not in _FIELDS:
            metadata[name] = value
        elif value not in (None, "") and known not in fields:
            fields[known] = value if known == "text" else _string(name, value)
    text = fields.pop("text", "")
    if not isinstance(text, str) or not text.strip():
        raise DocumentError('no text; expected {"text": "..."} with something in it')
    identifier = clean(fields.pop("id", "")) or default_id
    own = fields.get
    return source.document(
        text,
        identifier=identifier,
        metadata=metadata,
        title=own("title"),
        lang=own("lang"),
        date=own("date"),
        source=own("source"),
        url=own("url"),
    )


def _string(name: str, value: Any) -> str:
    if not isinstance(value, (str, int, float)):
        raise DocumentError(f"{name} is a {type(value).__name__}, expected a string")
    return str(value)
