"""What a user typed -> a question: the text to encode, its words, and what stands in quotation marks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from indexer.errors import QueryError
from indexer.words import Word, words_of

LONGEST_QUERY = 1_000
"""Characters; the model reads the first few hundred."""

_QUOTED = re.compile(
    r"\"([^\"]+)\"|“([^“”]+)”|„([^„“”]+)[“”]|«([^«»]+)»|»([^«»]+)«|「([^「」]+)」|『([^『』]+)』|＂([^＂]+)＂"
)


@dataclass(frozen=True)
class Question:
    """A checked query."""

    text: str
    """As typed, without white space around it."""
    words: Sequence[Word]
    phrases: Sequence[Sequence[str]]
    """The folded words of each quotation that is asked for: one that is at least half of the question. A headline put
    in as a question quotes someone in passing."""


def question_of(text: str) -> Question:
    """Raises QueryError for what cannot be a question."""
    text = checked_query(text)
    quotations = ("".join(match.groups("")) for match in _QUOTED.finditer(text))
    phrases = [phrase for quotation in quotations if (phrase := [word.text for word in words_of(quotation)])]
    words = words_of(text)
    asked_for = 2 * sum(len(phrase) for phrase in phrases) >= len(words)
    return Question(text, words, phrases if asked_for else [])


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
