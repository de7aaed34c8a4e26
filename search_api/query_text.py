"""What a user typed -> the text of a question, or what is wrong with it. Imports next to nothing."""

from __future__ import annotations

import unicodedata

from indexer.errors import QueryError

LONGEST_QUERY = 1_000
"""Characters; the model reads the first few hundred."""


def checked_query(text: str) -> str:
    """The query without white space around it. Raises QueryError for what cannot be a question."""
    if any(unicodedata.category(character) == "Cs" for character in text) or "\x00" in text:
        raise QueryError("the query holds characters that are not text (NUL or half a surrogate pair); type it again")
    text = text.strip()
    if not text:
        raise QueryError("the query is empty; give some words")
    if len(text) > LONGEST_QUERY:
        raise QueryError(f"the query has {len(text):,} characters, at most {LONGEST_QUERY:,} are read; shorten it")
    if not any(character.isalnum() for character in text):
        raise QueryError("the query has no letters or digits; give some words")
    return text
