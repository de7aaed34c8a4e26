"""What files become: documents, and what is to be said of those that did not, or only in part."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import isfinite
from typing import Any

from indexer.dates import date_of
from indexer.errors import DocumentError
from indexer.normal_form import normal_form
from indexer.sentences import sentence_spans

_TITLE = 100
_LANGUAGE_TAG = re.compile(r"[a-z]{2,3}(?:[-_].*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Document:
    """A text with what is known about it. `id` is unique in a collection; a file's id is its path as given."""

    id: str
    text: str
    title: str = ""
    lang: str | None = None
    """ISO 639-1 code where the source declares one; else found out when it is indexed."""
    date: str = ""
    """YYYY, YYYY-MM or YYYY-MM-DD, as far as it is known."""
    source: str = ""
    url: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Any further fields: `author`, `tags`, those of a JSON line; kept as they are."""
    pages: tuple[int, ...] = ()
    """Where each page begins in the text, for formats that have pages; ascending, the first one 0."""


class Cause(Enum):
    """Why something was skipped."""

    CONTENT = "what it holds"
    ACCESS = "it could not be opened or looked into; another time it may"
    FORMAT = "it is of no format that is read here"
    PACKAGE = "what reads it is not installed"


@dataclass(frozen=True)
class Skipped:
    """Something that did not become a document: its name (file, or file:line) and why, in one line."""

    name: str
    reason: str
    cause: Cause = Cause.CONTENT


@dataclass(frozen=True)
class Remark:
    """Something to know of a document that was read all the same, in one line: its encoding is a guess, a part of it
    has no text."""

    name: str
    text: str


Found = Document | Skipped | Remark


def document_of(
    identifier: str,
    text: str,
    *,
    title: str = "",
    lang: str | None = None,
    date: str = "",
    source: str = "",
    url: str = "",
    metadata: Mapping[str, Any] | None = None,
    pages: tuple[int, ...] = (),
) -> Document:
    """What a reader found, in order: text and fields in normal form, a title where there is none, a language tag as a
    code, a date as ISO 8601 has it. `pages` must fit a text that is in normal form already (`normal_form` leaves such a
    text alone). Raises DocumentError where there is no text."""
    text = normal_form(text)
    if not text.strip():
        raise DocumentError("empty")
    return Document(
        id=clean(identifier),
        text=text,
        title=_line(title) or _line(title_of(text)),
        lang=language_tag(lang),
        date=date_of(date),
        source=_line(source),
        url=clean(url.strip()),
        metadata=cleaned(dict(metadata or {})),
        pages=pages,
    )


def clean(text: str) -> str:
    """Characters that no text can hold (NUL, halves of surrogate pairs) become U+FFFD; every offset stays."""
    return re.sub("[\x00\ud800-\udfff]", "\ufffd", text)


def cleaned(value: Any) -> Any:
    """`clean` on every string in a JSON value; null for NaN and infinity, which JSON does not have."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, (list, tuple)):
        return [cleaned(item) for item in value]
    if isinstance(value, dict):
        return {clean(str(name)): cleaned(item) for name, item in value.items()}
    return value


def _line(text: str) -> str:
    return " ".join(normal_form(text).split())


def title_of(text: str) -> str:
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


def language_tag(tag: str | None) -> str | None:
    """`zh-Hant` -> `zh`; None for what is not a language tag."""
    if not tag or not _LANGUAGE_TAG.fullmatch(tag.strip()):
        return None
    return re.split("[-_]", tag.strip().lower())[0]
