"""JSON Lines: an object a line, each a document. Read line by line, so that a file may be larger than memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from indexer.documents import Document, Found, Skipped, clean
from indexer.errors import DocumentError
from indexer.normal_form import normal_form
from indexer.reading.lines import lines_of
from indexer.reading.source import Context, Source

_NAMES = {"_id": "id", "language": "lang"}
"""Other names of fields."""
FIELDS = ("id", "title", "text", "lang", "date", "source", "url")


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
    return document_of_row(row, default_id, source, context)


def field_of(name: str, context: Context) -> str:
    """The field of a document that a column, or a field of a line, is; its own name where it is none."""
    return context.columns.get(name) or _NAMES.get(name, name)


def document_of_row(row: Mapping[str, Any], default_id: str, source: Source, context: Context) -> Document:
    """Fields by name, those of `metadata`, an object, and where `pages` begin in the text, a list of places; what has
    another name is metadata. Raises DocumentError where there is no text."""
    fields: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    pages: Any = None
    for name, value in row.items():
        known = field_of(name, context)
        if known == "metadata" and isinstance(value, dict):
            metadata |= value
        elif known == "pages":
            pages = value
        elif known not in FIELDS:
            metadata[name] = value
        elif value not in (None, "") and known not in fields:
            fields[known] = value if known == "text" else _string(name, value)
    text = fields.pop("text", "")
    if not isinstance(text, str) or not text.strip():
        raise DocumentError('no text; expected {"text": "..."} with something in it')
    starts = _starts(pages, text)
    if starts is None:
        metadata["pages"] = pages
    identifier = clean(fields.pop("id", "")) or default_id
    return source.document(text, identifier=identifier, metadata=metadata, pages=starts or (), **fields)


def _string(name: str, value: Any) -> str:
    if not isinstance(value, (str, int, float)):
        raise DocumentError(f"{name} is a {type(value).__name__}, expected a string")
    return str(value)


def _starts(pages: Any, text: str) -> tuple[int, ...] | None:
    """Where pages begin; None for what are no places in the text, but the number of its pages, or anything else."""
    if not pages:
        return None if pages == 0 else ()
    if not isinstance(pages, list) or not all(type(place) is int for place in pages):
        return None
    fits = pages[0] == 0 and pages == sorted(pages) and pages[-1] <= len(text)
    return tuple(pages) if fits and normal_form(text) == text else None
