"""Which passages may answer: those of some languages, sources, dates, or other fields of their documents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from indexer.errors import QueryError

_DATE = re.compile(r"[0-9]{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?)?")
_BEHIND = "~"
"""Behind all that may follow a date that is known in part only."""
_NUMBER = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][-+]?[0-9]{1,3})?")
_NO_NAME = re.compile(r'["\\\x00-\x1f\x7f]')
_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Filter:
    """Each field narrows what may answer; an empty one lets everything through. Of several values of one field any will
    do.

    A date is YYYY, YYYY-MM or YYYY-MM-DD. A document's date that is known in part only may be any day of its month or
    year; a document without a date is of none. Raises QueryError for what is no date, for a beginning after the end,
    for a field without a name, and for what is not text.
    """

    langs: tuple[str, ...] = ()
    """Of the passages, ISO 639-1."""
    sources: tuple[str, ...] = ()
    date_from: str = ""
    date_to: str = ""
    """Inclusive."""
    where: tuple[tuple[str, str], ...] = ()
    """(field, value) of the documents' metadata, without regard to the case of ASCII letters: a text, a number, `true`
    or `false`. Where a field holds a list or an object, one of its values; null is none."""

    def __post_init__(self) -> None:
        for name, date in (("date_from", self.date_from), ("date_to", self.date_to)):
            if date and not _DATE.fullmatch(date):
                raise QueryError(f"{name} is {date[:40]!r}, expected YYYY, YYYY-MM or YYYY-MM-DD")
        if self.date_to and self.date_from > self.date_to + _BEHIND:
            raise QueryError(f"date_from is {self.date_from}, which is after date_to, {self.date_to}; exchange them")
        for field, _ in self.where:
            if not field or _NO_NAME.search(field):
                raise QueryError(f"a field is called {field[:40]!r}, expected a name without quotes and backslashes")
        for text in chain(self.langs, self.sources, *self.where):
            if re.search("[\ud800-\udfff]", text):
                raise QueryError(f"a filter is {text[:40]!r}, expected text without halves of surrogate pairs")

    @property
    def of_documents(self) -> bool:
        """Whether it asks for anything that passages do not say themselves."""
        return bool(self.sources or self.date_from or self.date_to or self.where)

    def condition(self) -> tuple[str, list[str | float]]:
        """SQL over the tables `passages` and `documents`, and its parameters."""
        conditions: list[str] = []
        values: list[str | float] = []

        def add(condition: str, *own: str | float) -> None:
            conditions.append(condition)
            values.extend(own)

        if self.langs:
            add(f"passages.lang IN ({_marks(self.langs)})", *self.langs)
        if self.sources:
            add(f"documents.source IN ({_marks(self.sources)})", *self.sources)
        if self.date_from:
            add(f"documents.date != '' AND documents.date || '{_BEHIND}' >= ?", self.date_from)
        if self.date_to:
            add("documents.date != '' AND documents.date <= ?", self.date_to + _BEHIND)
        for field in dict.fromkeys(field for field, _ in self.where):
            wanted = [value for name, value in self.where if name == field]
            numbers = [_number(value) for value in wanted if _NUMBER.fullmatch(value)]
            add(_METADATA.format(texts=_marks(wanted), numbers=_marks(numbers)), f'$."{field}"', *wanted, *numbers)
        return " AND ".join(conditions) or "TRUE", values


EVERYTHING = Filter()

# Collections of an earlier release may hold NaN, which is no JSON.
_METADATA = (
    "CASE WHEN json_valid(documents.metadata) THEN EXISTS ("
    "SELECT 1 FROM json_each(documents.metadata, ?) AS item WHERE "
    "CASE item.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(item.atom AS TEXT) END "
    "COLLATE NOCASE IN ({texts}) OR (item.type IN ('integer', 'real') AND item.atom IN ({numbers}))"
    ") ELSE FALSE END"
)


def _number(text: str) -> float:
    """An integer as such where SQLite has room for it."""
    return int(text) if text.lstrip("-").isdigit() and abs(int(text)) <= _LARGEST else float(text)


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
