"""Snippets: the best sentence marked to the character, its neighbours around it as far as they fit, on one line."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.sentences import sentence_spans
from indexer.words import words_of
from search_api.snippets import LENGTH, Highlight, Snippet, snippet_of
from search_api.word_marks import matching_spans


def snippet(text: str, best: int) -> Snippet:
    return snippet_of(text, sentence_spans(text), best)


def marked(found: Snippet) -> str:
    (highlight,) = found.highlights
    assert highlight.kind == "sentence"
    return found.text[highlight.start : highlight.end]


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def sentence(length: int, letter: str = "x") -> str:
    """Of exactly `length` characters, words of four letters and a full stop."""
    return (letter.upper() + f"{letter * 3} {letter}" * length)[: length - 2] + f"{letter}."


def test_a_short_passage_is_shown_whole_with_its_best_sentence_marked() -> None:
    assert snippet("One here. Two here. Three.", 1) == Snippet(
        "One here. Two here. Three.", (Highlight(10, 19, "sentence"),)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Abe came. He left. It rained.", ["Dr. Abe came.", "He left.", "It rained."]),
        ("彼は「行く。」と言った。雨が降る。終わり。", ["彼は「行く。」と言った。", "雨が降る。", "終わり。"]),
        ("هل جاء؟ وصل د. أحمد. ثم غادر.", ["هل جاء؟", "وصل د. أحمد.", "ثم غادر."]),
        ("🎉🎉 Done. 👨‍👩‍👧 came. E\u0301te\u0301 ends.", ["🎉🎉 Done.", "👨‍👩‍👧 came.", "E\u0301te\u0301 ends."]),
    ],
    ids=["en", "ja", "ar", "emoji"],
)
def test_the_highlight_is_exactly_the_best_sentence(text: str, expected: list[str]) -> None:
    assert [marked(snippet(text, best)) for best in range(3)] == expected
    assert [snippet(text, best).text for best in range(3)] == [text] * 3


def test_neighbours_are_shown_as_far_as_they_fit_in_240_characters() -> None:
    assert LENGTH == 240
    first, second, third, fourth = sentence(100, "a"), sentence(70, "b"), sentence(68, "c"), sentence(60, "d")
    text = " ".join((first, second, third, fourth))
    assert sentence_spans(text) == [(0, 100), (101, 171), (172, 240), (241, 301)]
    assert snippet(text, 0).text == f"{first} {second} {third}"  # 240 exactly
    assert snippet(text, 1).text == f"{second} {third} {fourth}"  # what follows comes before what precedes
    assert snippet(text, 3).text == f"{second} {third} {fourth}"
    assert snippet(f"{sentence(139)} {first}", 1).text == f"{sentence(139)} {first}"  # 240 exactly
    assert snippet(f"{sentence(140)} {first}", 1).text == first
    longer = " ".join((first, second, sentence(69, "c"), fourth))
    assert snippet(longer, 0).text == f"{first} {second}"


def test_chinese_and_japanese_snippets_have_half_the_characters() -> None:
    first, second, third = "甲" * 49 + "。", "乙" * 69 + "。", "丙" * 49 + "。"
    text = first + second + third
    assert snippet(text, 0).text == first + second  # 120 exactly
    assert snippet(text, 1).text == second + third
    assert marked(snippet(text, 1)) == second
    assert snippet(first + "乙" * 70 + "。" + third, 0).text == first


def test_arabic_snippets_have_240_characters() -> None:
    first = "كلمة " * 20 + "نهاية."
    text = " ".join([first] * 4)
    assert len(first) == 106
    assert snippet(text, 0).text == f"{first} {first}"


def test_an_over_long_sentence_is_cut_at_a_space_with_an_ellipsis() -> None:
    text = "Short one. Then " + "words " * 60 + "end. Another."
    found = snippet(text, 1)
    assert found.text == "Then " + "words " * 38 + "words…"
    assert found.highlights == (Highlight(0, 238, "sentence"),)


def test_an_over_long_sentence_is_cut_rather_at_a_comma() -> None:
    text = "word " * 30 + "pause, " + "word " * 60 + "end."
    assert snippet(text, 0).text == "word " * 30 + "pause,…"


def test_an_over_long_chinese_sentence_is_cut_at_120_characters() -> None:
    found = snippet("字" * 400 + "。", 0)
    assert found.text == "字" * 120 + "…"
    assert marked(found) == "字" * 120


def test_a_sentence_of_exactly_the_limit_is_whole() -> None:
    assert snippet(sentence(240) + " More here.", 0).text == sentence(240)
    assert snippet(sentence(241) + " More here.", 0).text.endswith("…")
    assert snippet("字" * 119 + "。" + "更多。", 0).text == "字" * 119 + "。"


def test_an_over_long_sentence_is_not_cut_inside_a_character_that_is_joined() -> None:
    family = "👨‍👩‍👧"
    for before in range(5):
        found = marked(snippet("x" * before + family * 100, 0))
        assert found.endswith(family)
        accented = marked(snippet("x" * before + "e\u0301" * 200, 0))
        assert accented.endswith("e\u0301")


def test_white_space_becomes_one_space_and_the_highlight_stays_on_its_sentence() -> None:
    text = "Heading\n\nOne wrapped\nline.\r\n\u3000Two  words\u2028Three.\tFour."
    found = [snippet(text, best) for best in range(5)]
    assert {one.text for one in found} == {"Heading One wrapped line. Two words Three. Four."}
    assert list(map(marked, found)) == ["Heading", "One wrapped line.", "Two words", "Three.", "Four."]


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("Prices rose. The ban on rare earths holds.", "rare earth ban", ["ban", "rare", "earths"]),
        ("The BAN held. A ban is bad.", "ban", ["BAN", "ban"]),
        ("أعلنت الحكومة حظر التصدير. بقيت المتاجر مفتوحة.", "حظر تصدير", ["حظر", "التصدير"]),
        ("وَحَظَرت الصين. ثم الحظر.", "الحظر", ["الحظر"]),
        ("政府は輸出規制を発表した。みせはあいていた。", "輸出規制とは", ["輸出規制"]),
        ("レアアースの輸出。", "レアアース 輸出", ["レアアース", "輸出"]),
        ("政府宣布禁令。商店照常營業。", "禁令 营业", ["禁令", "營業"]),
        ("👨‍👩‍👧 ban 🎉 ban.", "ban", ["ban", "ban"]),
        ("Un café à l'école.", "cafe ecole", ["café", "école"]),
        ("Nothing here.", "ban", []),
    ],
    ids=["en", "case", "ar", "ar forms", "ja", "katakana", "zh", "emoji", "accents", "none"],
)
def test_words_of_the_query_are_marked_to_the_character(text: str, query: str, expected: list[str]) -> None:
    for best in range(len(sentence_spans(text))):
        found = snippet_of(text, sentence_spans(text), best, words_of(query))
        first, *words = found.highlights
        assert (first.kind, {word.kind for word in words}) == ("sentence", {"word"} if expected else set())
        assert [found.text[word.start : word.end] for word in words] == expected
        assert snippet(text, best) == Snippet(found.text, (first,))


def test_words_are_marked_where_they_are_after_white_space_became_one_space() -> None:
    text = "Heading\n\nThe  ban\nholds.\r\n\u3000Rare   earths\u2028too."
    found = snippet_of(text, sentence_spans(text), 0, words_of("rare earths ban"))
    assert found.text == "Heading The ban holds. Rare earths too."
    assert [found.text[mark.start : mark.end] for mark in found.highlights] == ["Heading", "ban", "Rare", "earths"]


def test_words_that_the_snippet_does_not_show_are_not_marked() -> None:
    text = f"{sentence(230)} The ban holds."
    assert [mark.kind for mark in snippet_of(text, sentence_spans(text), 0, words_of("ban")).highlights] == ["sentence"]
    cut = "Start " + "words " * 60 + "ban."
    assert [mark.kind for mark in snippet_of(cut, sentence_spans(cut), 0, words_of("ban")).highlights] == ["sentence"]


def test_characters_around_the_sentences_are_left_out() -> None:
    text = "  One. Two.  "
    assert snippet(text, 0) == Snippet("One. Two.", (Highlight(0, 4, "sentence"),))


FRAGMENTS = [
    *(
        "The ban holds. ",
        "Heading\n",
        "Dr. Abe said 3.5 percent. ",
        "彼は「行く。」と言った。",
        "他说：“走吧。”",
        "字" * 50,
        "，",
        "。",
    ),
    *("أعلنت الوزارة أمس القرار. ", "x" * 90, "a " * 50, "\u3000", "\n\n", "👨‍👩‍👧", "e\u0301", ", ", "; ", "… "),
]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=20).map("".join), st.data())
def test_a_snippet_is_a_stretch_of_the_text_around_its_best_sentence(text: str, data: st.DataObject) -> None:
    spans = sentence_spans(text)
    if not spans:
        return
    best = data.draw(st.integers(0, len(spans) - 1))
    start, end = spans[best]
    found = snippet_of(text, spans, best)
    (highlight,) = found.highlights
    assert len(found.text) <= LENGTH + 1
    assert found.text == one_line(found.text).strip()
    if marked(found) == one_line(text[start:end]):
        stretches = (text[a:b] for a, _ in spans[: best + 1] for _, b in spans[best:])
        assert found.text in map(one_line, stretches)
        assert highlight.start in {len(one_line(text[a:start])) for a, _ in spans[: best + 1]}
    else:
        assert end - start > LENGTH // 2
        assert (highlight.start, found.text[highlight.end :]) == (0, "…")
        assert one_line(text[start:end]).startswith(marked(found))
        assert marked(found).strip() == marked(found) != ""


QUERIES = ["ban holds", "3.5 percent Abe", "行く", "走吧 字", "أعلنت القرار", "x a e\u0301", "Dr"]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=20).map("".join), st.sampled_from(QUERIES), st.data())
def test_word_marks_are_those_of_the_snippet_s_own_text(text: str, query: str, data: st.DataObject) -> None:
    spans = sentence_spans(text)
    if not spans:
        return
    best = data.draw(st.integers(0, len(spans) - 1))
    found = snippet_of(text, spans, best, words_of(query))
    assert found.highlights[0] == snippet_of(text, spans, best).highlights[0]
    words = [(mark.start, mark.end) for mark in found.highlights[1:]]
    assert words == matching_spans(found.text, words_of(query))
    assert all(0 <= start < end <= len(found.text) for start, end in words)
    assert words == sorted(words)
