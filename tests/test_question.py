"""What was typed -> a question: refused in one line, or trimmed, with its words and its quotations folded."""

from __future__ import annotations

import pytest

from indexer.errors import QueryError
from search_api.question import LONGEST_QUERY, checked_query, question_of


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "the query is empty"),
        ("   ", "the query is empty"),
        ("\n\u3000\t", "the query is empty"),
        ("?!", "no letters or digits"),
        ("😀", "no letters or digits"),
        ("…。", "no letters or digits"),
        ('""', "no letters or digits"),
        ("「」", "no letters or digits"),
        ("\u200f\u200f", "no letters or digits"),
        ("x\x00y", "not text"),
        ("\ud800", "not text"),
        ("ban \udfff", "not text"),
        ("q" * (LONGEST_QUERY + 1), "1,001 characters, at most 1,000"),
        ("禁" * 20_000, "20,000 characters"),
    ],
)
def test_what_is_no_question_is_refused_in_one_line(query: str, said: str) -> None:
    for check in (checked_query, question_of):
        with pytest.raises(QueryError, match=said) as caught:
            check(query)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 150


@pytest.mark.parametrize("query", ["a", "7", "稀", "ح", "q" * LONGEST_QUERY, "C++?", "👍 ban"])
def test_anything_with_a_letter_or_a_digit_is_a_question(query: str) -> None:
    assert checked_query(query) == query


def test_a_question_is_trimmed_and_otherwise_as_typed() -> None:
    assert checked_query("  稀土 \n") == "稀土"
    assert question_of("\u3000 Rare\u00a0 EARTH? ").text == "Rare\u00a0 EARTH?"
    assert checked_query(" " * 500 + "q" * LONGEST_QUERY + " ") == "q" * LONGEST_QUERY


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("Rare earths 2026", ["rare", "earths", "2026"]),
        ("稀土禁令", ["稀", "土", "禁", "令"]),
        ("حَظْر التصدير", ["حظر", "التصدير"]),
        ("ガス", ["が", "す"]),
    ],
)
def test_words_are_folded_and_lie_where_they_were_typed(query: str, words: list[str]) -> None:
    question = question_of(f"  {query} ")
    assert [word.text for word in question.words] == words
    written = [question.text[word.start : word.end] for word in question.words]
    assert "".join(written) == query.replace(" ", "")


@pytest.mark.parametrize(
    ("query", "phrases"),
    [
        ("no quotes at all", []),
        ('the "rare earth" ban', [["rare", "earth"]]),
        ("the “rare earth” ban", [["rare", "earth"]]),
        ("das „Verbot von Exporten“ heute", [["verbot", "von", "exporten"]]),
        ("„zakaz eksportu”", [["zakaz", "eksportu"]]),
        ("le « terres rares » hier", [["terres", "rares"]]),
        ("«حظر التصدير» اليوم", [["حظر", "التصدير"]]),
        ("»seltene Erden« und »Verbot«", [["seltene", "erden"], ["verbot"]]),
        ("«редкие земли» и «запрет»", [["редкие", "земли"], ["запрет"]]),
        ("「輸出規制」とは", [["输", "出", "规", "制"]]),
        ("『輸出』とは", [["输", "出"]]),
        ("彼は「『輸出』規制」と", [["输", "出", "规", "制"]]),
        ("称“稀土”出", [["稀", "土"]]),
        # Less than half of the question: someone is quoted in passing.
        ("官员说“稀土”出口", []),
        ('Ministers call the plan "a farce" in parliament', []),
        ("＂稀土＂", [["稀", "土"]]),
        ('"one" two "three four"', [["one"], ["three", "four"]]),
        ('"one" “two” 「三」', [["one"], ["two"], ["三"]]),
        ('"Haddad\'s CAFÉ"', [["haddad", "cafe"]]),
        ('"F-35"', [["f", "35"]]),
        ('an "open quotation', []),
        ("an “open quotation", []),
        ("closed only” here", []),
        ('"?!" ban', []),
        ('"" ban', []),
        ("don't 'quote' this", []),
        ("“first “second”", [["second"]]),
    ],
)
def test_quotations_are_what_stands_between_marks_of_one_kind(query: str, phrases: list[list[str]]) -> None:
    assert [list(phrase) for phrase in question_of(query).phrases] == phrases
