"""Files, folders and streams -> documents. What cannot be read is reported by name, never dropped in silence.

Formats: UTF-8 text, Markdown, HTML and JSON Lines. Turning markup into text is left to `markup.py`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from indexer.errors import DocumentError
from indexer.markup import html_document, markdown_document
from indexer.sentences import sentence_spans

SUFFIXES = {
    ".txt": "text",
    ".text": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_TITLE = 100
_LANGUAGE_TAG = re.compile(r"[a-z]{2,3}(?:[-_].*)?", re.IGNORECASE)
_KNOWN_FIELDS = frozenset({"id", "_id", "title", "text", "lang", "language", "date", "source", "url"})


@dataclass(frozen=True)
class Document:
    """A text with what is known about it. `id` is unique in a collection; a file's id is its path as given."""

    id: str
    text: str
    title: str = ""
    lang: str | None = None
    """ISO 639-1 code where the source declares one; else found out when it is indexed."""
    date: str = ""
    source: str = ""
    url: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Any further fields of a JSON line, kept as they are."""


@dataclass(frozen=True)
class Skipped:
    """Something that did not become a document: its name (file, or file:line) and why, in one line."""

    name: str
    reason: str


def read_documents(paths: Iterable[str]) -> Iterator[Document | Skipped]:
    """Documents of files, of the files below folders (in order of name), and of standard input where a path is `-`.

    A path that does not exist, cannot be read, is empty or of no supported format yields `Skipped`.
    """
    for path in paths:
        if path == "-":
            yield from _read("stdin", _stream_format, sys.stdin.buffer)
        elif os.path.isdir(path):
            yield from _read_folder(path)
        else:
            yield from _read_file(path)


def _read_folder(folder: str) -> Iterator[Document | Skipped]:
    failures: list[OSError] = []
    found = False
    for parent, folders, files in os.walk(folder, onerror=failures.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if os.path.islink(os.path.join(parent, name)):
                yield Skipped(clean(os.path.join(parent, name)), "a link to a folder; name that folder to index it")
        for name in sorted(files):
            if not name.startswith("."):
                found = True
                yield from _read_file(os.path.join(parent, name))
    for failure in failures:
        found = True
        yield Skipped(str(failure.filename), _reason(failure))
    if not found:
        yield Skipped(folder, "a folder without files")


def _read_file(path: str) -> Iterator[Document | Skipped]:
    try:
        if not os.path.exists(path):
            raise FileNotFoundError(2, "no such file or folder")
        if not os.path.isfile(path):
            raise DocumentError("not a regular file")
        kind = SUFFIXES.get(Path(path).suffix.lower())
        if kind is None:
            raise DocumentError(f"not a supported format; expected one of {' '.join(sorted(SUFFIXES))}")
        with open(path, "rb") as stream:
            yield from _read(path, lambda _: kind, stream)
    except (OSError, DocumentError) as error:
        yield Skipped(clean(path), _reason(error))


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)


def _stream_format(beginning: bytes) -> str:
    """Standard input has no name: a line that opens a JSON object is JSON Lines, anything else text."""
    return "jsonl" if beginning.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "text"


def _read(name: str, kind_of: Any, stream: BinaryIO) -> Iterator[Document | Skipped]:
    data = stream.read()
    name = clean(name)  # a file name that is not UTF-8 reaches us with halves of surrogate pairs in it
    try:
        text = decode(data)
        kind = kind_of(data[:4096])
        if kind == "jsonl":
            yield from _json_lines(name, text)
        else:
            yield _single(name, kind, text)
    except DocumentError as error:
        yield Skipped(name, str(error))


def decode(data: bytes) -> str:
    """UTF-8, with or without a byte order mark, line ends made `\\n`. Raises DocumentError for anything else."""
    if not data.strip():
        raise DocumentError("empty")
    if b"\x00" in data[:65_536]:
        raise DocumentError("binary, not text (it holds NUL bytes); expected UTF-8 text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(
            f"not UTF-8 text (byte {error.start} is 0x{data[error.start]:02x}); convert it to UTF-8"
        ) from error
    if not text.strip():
        raise DocumentError("empty")
    return clean(text.replace("\r\n", "\n").replace("\r", "\n"))


def clean(text: str) -> str:
    """Characters that no text can hold (NUL, halves of surrogate pairs) become U+FFFD; every offset stays."""
    return re.sub("[\x00\ud800-\udfff]", "\ufffd", text)


def _single(name: str, kind: str, text: str) -> Document:
    if kind == "html":
        page = html_document(text)
    elif kind == "markdown":
        page = markdown_document(text)
    else:
        return Document(id=name, text=text, title=_title_of(text))
    if not page.text.strip():
        raise DocumentError(f"no text found in the {kind}")
    return Document(
        id=name,
        text=page.text,
        title=page.title or _title_of(page.text),
        lang=_language_tag(page.lang),
        date=page.date,
        source=page.source,
        url=page.url,
    )


def _title_of(text: str) -> str:
    """The first line where it is short, else the beginning of the first sentence."""
    text = text.lstrip()
    line = text.partition("\n")[0].strip()
    if len(line) <= _TITLE:
        return line
    spans = sentence_spans(line[:2000])
    sentence = line[: spans[0][1]] if spans else line
    if len(sentence) <= _TITLE:
        return sentence
    cut = sentence.rfind(" ", _TITLE // 2, _TITLE)
    return sentence[: cut if cut > 0 else _TITLE].rstrip() + "…"


def _language_tag(tag: str | None) -> str | None:
    """`zh-Hant` -> `zh`; None for what is not a language tag."""
    if not tag or not _LANGUAGE_TAG.fullmatch(tag.strip()):
        return None
    return re.split("[-_]", tag.strip().lower())[0]


def _json_lines(name: str, text: str) -> Iterator[Document | Skipped]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            place = f"{name}:{number}"
            try:
                yield _json_document(f"{name}#{number}", line)
            except DocumentError as error:
                yield Skipped(place, str(error))
            except RecursionError:
                yield Skipped(place, "not JSON (nested too deeply to be read)")


def _json_document(default_id: str, line: str) -> Document:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DocumentError(f"not JSON ({' '.join(str(error).split())[:80]})") from error
    if not isinstance(row, dict):
        raise DocumentError(f"a JSON {type(row).__name__}, expected an object with a text")
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        raise DocumentError('no text; expected {"text": "..."} with something in it')
    text = clean(text)
    return Document(
        id=_string(row, "id", "_id") or default_id,
        text=text,
        title=_string(row, "title") or _title_of(text),
        lang=_language_tag(_string(row, "lang", "language")),
        date=_string(row, "date"),
        source=_string(row, "source"),
        url=_string(row, "url"),
        metadata=_cleaned({name: value for name, value in row.items() if name not in _KNOWN_FIELDS}),
    )


def _cleaned(value: Any) -> Any:
    """`clean` on every string in a JSON value."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {clean(name): _cleaned(item) for name, item in value.items()}
    return value


def _string(row: dict[str, Any], *names: str) -> str:
    for name in names:
        value = row.get(name)
        if value is not None and not isinstance(value, (str, int, float)):
            raise DocumentError(f"{name} is a {type(value).__name__}, expected a string")
        if value not in (None, ""):
            return clean(str(value))
    return ""
