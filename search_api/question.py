"""What a user typed -> a question: the text to encode, its words, and what stands in quotation marks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from indexer.words import Word, words_of
from search_api.query_text import LONGEST_QUERY, checked_query

__all__ = ["LONGEST_QUERY", "Question", "checked_query", "question_of"]

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
