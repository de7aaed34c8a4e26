"""What is asked for: a question with its filters, checked before anything slow."""

from __future__ import annotations

import argparse
from typing import Any, NamedTuple

from indexer.errors import SearchError
from search_api.query_text import checked_query

MOST_HITS = 100
MODES = ("hybrid", "semantic", "lexical")


class Wanted(NamedTuple):
    """A question, and what narrows its answers; the fields are those of the API."""

    q: str = ""
    limit: int = 10
    offset: int = 0
    lang: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    date_from: str = ""
    date_to: str = ""
    where: tuple[str, ...] = ()
    """FIELD:VALUE each."""
    mode: str = MODES[0]
    collapse: bool = True
    explain: bool = False

    def body(self) -> dict[str, Any]:
        """What differs from what a server takes for granted, for POST /search."""
        usual = Wanted._field_defaults
        return {name: value for name, value in self._asdict().items() if name == "q" or value != usual[name]}

    def asking(self, query: str) -> Wanted:
        """The same for another question. Raises QueryError for what cannot be one."""
        return self._replace(q=checked_query(query))


def wanted_of(options: argparse.Namespace) -> Wanted:
    """All but the question. Raises SearchError, in one line, for an option that makes no sense."""
    limit, offset = options.limit, options.offset
    if not 1 <= limit <= MOST_HITS:
        raise SearchError(f"--limit {limit}, expected 1 to {MOST_HITS}")
    if not 0 <= offset <= MOST_HITS - 1:
        raise SearchError(f"--offset {offset}, expected 0 to {MOST_HITS - 1}")
    if offset + limit > MOST_HITS:
        raise SearchError(
            f"--offset {offset} with --limit {limit}: only the best {MOST_HITS} are ranked; expected at most "
            f"{MOST_HITS} together"
        )
    since, until = date_bounds(options.since, options.until)
    return Wanted(
        limit=limit,
        offset=offset,
        lang=languages_of(options.lang),
        source=tuple(options.source),
        date_from=since,
        date_to=until,
        where=conditions_of(options.where),
        mode=options.mode,
        collapse=not options.no_collapse,
        explain=options.explain,
    )


def languages_of(codes: list[str]) -> tuple[str, ...]:
    """`--lang ar,ja --lang zh` -> ar, ja, zh."""
    return tuple(code for text in codes for code in text.lower().replace(",", " ").split())


def date_bounds(since: str | None, until: str | None) -> tuple[str, str]:
    """Raises SearchError."""
    if since is None and until is None:
        return "", ""
    from search_api.command.date_bounds import date_bound  # most questions have no dates

    first = date_bound("--since", since) if since is not None else ""
    last = date_bound("--until", until) if until is not None else ""
    if first and last and first > f"{last}~":
        raise SearchError(f"--since {first} is after --until {last}; nothing can be in between")
    return first, last


def conditions_of(given: list[str]) -> tuple[str, ...]:
    """FIELD:VALUE each. Raises SearchError."""
    return tuple(_condition(text) for text in given)


def _condition(text: str) -> str:
    field, colon, _ = text.partition(":")
    if not colon or not field.strip() or '"' in field or "\\" in field:
        raise SearchError(f"--where {text}, expected FIELD:VALUE, as in --where author:Sato")
    return text
