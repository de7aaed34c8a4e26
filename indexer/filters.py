"""Which passages may answer: those of some languages, sources, dates, or other fields of their documents."""

from __future__ import annotations

import re
from dataclasses import dataclass

from indexer.errors import QueryError

_DATE = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?")
_BEHIND = "~"
"""Behind all that may follow a date that is known in part only."""


@dataclass(frozen=True)
class Filter:
    """Each field narrows what may answer; an empty one lets everything through. Of several values of one field any will
    do.

    A date is YYYY, YYYY-MM or YYYY-MM-DD. A document's date that is known in part only may be any day of its month or
    year; a document without a date is of none. Raises QueryError for what is no date, and for a field without a name.
    """

    langs: tuple[str, ...] = ()
    """Of the passages, ISO 639-1."""
    sources: tuple[str, ...] = ()
    date_from: str = ""
    date_to: str = ""
    """Inclusive."""
    where: tuple[tuple[str, str], ...] = ()
    """(field, value) of the documents' metadata, without regard to the case of ASCII letters. Where a field holds a
    list, one of its items."""

    def __post_init__(self) -> None:
        for name, date in (("date_from", self.date_from), ("date_to", self.date_to)):
            if date and not _DATE.fullmatch(date):
                raise QueryError(f"{name} is {date[:40]!r}, expected YYYY, YYYY-MM or YYYY-MM-DD")
        for field, _ in self.where:
            if not field or '"' in field or "\\" in field:
                raise QueryError(f"a field is called {field[:40]!r}, expected a name without quotes and backslashes")

    @property
    def of_documents(self) -> bool:
        """Whether it asks for anything that passages do not say themselves."""
        return bool(self.sources or self.date_from or self.date_to or self.where)

    def condition(self) -> tuple[str, list[str]]:
        """SQL over the tables `passages` and `documents`, and its parameters."""
        conditions: list[str] = []
        values: list[str] = []

        def add(condition: str, *own: str) -> None:
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
            add(
                "EXISTS (SELECT 1 FROM json_each(documents.metadata, ?) AS item "
                f"WHERE CAST(item.value AS TEXT) COLLATE NOCASE IN ({_marks(wanted)}))",
                f'$."{field}"',
                *wanted,
            )
        return " AND ".join(conditions) or "TRUE", values


EVERYTHING = Filter()


def _marks(values: tuple[str, ...] | list[str]) -> str:
    return ",".join("?" * len(values))
