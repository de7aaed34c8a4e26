"""The fields of a hit and of an answer, as the API gives them and the command prints them, wherever they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, cast


class MarkFields(TypedDict):
    """A stretch of the snippet, `end` exclusive; kind `sentence` or `word`."""

    start: int
    end: int
    kind: str


class SpanFields(TypedDict):
    """A stretch of a document's text, `end` exclusive."""

    start: int
    end: int


class TellingFields(TypedDict):
    """Another document with the same story."""

    document_id: str
    lang: str
    title: str


class _KnownFields(TypedDict):
    rank: int
    score: float
    weak: bool
    document_id: str
    passage_id: int
    lang: str
    title: str
    source: str
    date: str
    url: str
    snippet: str
    highlights: list[MarkFields]
    start: int
    end: int
    sentence: SpanFields
    also_in: list[TellingFields]


class HitFields(_KnownFields, total=False):
    """A document that answers, by its best passage. The order here is the order in which fields are printed."""

    page: int
    explanation: dict[str, float]


class AnswerFields(TypedDict):
    """The best documents for a question; `total` counts those among which they are the best."""

    query: str
    total: int
    version: int
    """Of the collection, which all of it is of."""
    hits: list[HitFields]


def answer_of(fields: Mapping[str, Any]) -> AnswerFields:
    """What a searcher or a server gave, in one form: fields in one order, without those that are null. Raises KeyError
    or TypeError for what is no answer."""
    hits = [_hit_of(hit) for hit in fields["hits"]]
    return AnswerFields(
        query=str(fields["query"]), total=int(fields["total"]), version=int(fields["version"]), hits=hits
    )


_REQUIRED = tuple(_KnownFields.__annotations__)
_ORDER = tuple(HitFields.__annotations__)


def _hit_of(fields: Mapping[str, Any]) -> HitFields:
    if missing := [name for name in _REQUIRED if name not in fields]:
        raise KeyError(missing[0])
    others = [name for name in fields if name not in _ORDER]
    known = {name: fields[name] for name in (*_ORDER, *others) if fields.get(name) is not None}
    return cast(HitFields, known)
