"""Passages: exact offsets, nothing lost, none over the budget for any text and budget; where they break (headings,
changes of language), which language they have, and what the encoder reads of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.joint_encoder import JointEncoder
from indexer.passages import Passage, TokenCounter, passages_of, text_to_encode
from indexer.sample import PASSAGE_TOKENS, sample_documents
from indexer.sentences import sentence_spans
from tests.fakes import FakeEncoder

JAPANESE = (
    "経済産業省は十日、半導体の製造装置の輸出規制を強化すると発表した。"
    "対象となるのは先端的な製造装置と、その部品である。企業からは、供給が滞ることへの懸念の声が上がっている。"
)
SIMPLIFIED = (
    "商务部昨天宣布将对稀土和相关技术实施出口管制。这项规定从下个月开始生效，涉及多家企业。"
    "企业对此表示担忧，并要求政府作出进一步说明。分析人士认为价格还会上涨。"
)
TRADITIONAL = (
    "經濟部昨天宣布將對稀土和相關技術實施出口管制。這項規定從下個月開始生效，涉及多家企業。"
    "企業對此表示擔憂，並要求政府作出進一步說明。分析人士認為價格還會上漲。"
)
ENGLISH = (
    "The ministry announced export controls on rare earths yesterday. The rules take effect next month. "
    "They cover many firms in the region."
)
ARABIC = (
    "أعلنت الوزارة أمس فرض قيود على تصدير المعادن النادرة. وتدخل القواعد حيز التنفيذ الشهر المقبل. "
    "وتشمل شركات كثيرة في المنطقة."
)


class ByteCounter:
    """A tokenizer of bytes: several tokens end at the same character, as with a real one's rare characters."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.encode()) for text in texts]

    def token_ends(self, text: str) -> list[int]:
        return [place for place, character in enumerate(text, 1) for _ in character.encode()]


def words(count: int, name: str = "Officials") -> str:
    """A sentence of `count` tokens that is plainly English."""
    middle = "of the ministry said that they would not change the prices of it for the people of the country".split()
    return " ".join([name, *(middle[place % len(middle)] for place in range(count - 2)), "again."])


def texts_of(text: str, passages: Sequence[Passage]) -> list[str]:
    return [text[passage.start : passage.end] for passage in passages]


def cut(text: str, budget: int, lang: str | None = None) -> list[str]:
    return texts_of(text, passages_of(text, FakeEncoder(), budget, lang))


def assert_well_cut(text: str, passages: Sequence[Passage], counter: TokenCounter, budget: int) -> None:
    at = 0
    for passage in passages:
        own = text[passage.start : passage.end]
        assert own
        assert own == own.strip()
        assert counter.count_tokens([own])[0] <= budget
        assert not text[at : passage.start].strip()
        at = passage.start
        assert (passage.sentences[0][0], passage.sentences[-1][1]) == (passage.start, passage.end)
        for start, end in passage.sentences:
            assert at <= start < end
            assert not text[at:start].strip()
            assert text[start:end] == text[start:end].strip()
            at = end
    assert not text[at:].strip()


LINES = [
    *("The ban holds. ", "Heading\n", "# Head\n", "Uranium and gas prices rose, then fell; nobody knew why. ", "\n\n"),
    *("彼は「行く。」と言った。", "輸出規制が強化された。\n", "他说：“走吧。”", "出口管制，", "字" * 30, "\n", " "),
    *("أعلنت الوزارة أمس القرار. ", "د. أحمد ", "؟ ", "e\u0301 ", "👨‍👩‍👧 ", "x" * 50, "a " * 30, "\u3000", "• item "),
]
BUILT = st.lists(st.sampled_from(LINES), max_size=15).map("".join)


@settings(deadline=None, max_examples=150)
@given(BUILT, st.integers(1, 40))
def test_passages_are_within_the_budget_and_lose_only_white_space(text: str, budget: int) -> None:
    counter = FakeEncoder()
    assert_well_cut(text, passages_of(text, counter, budget), counter, budget)


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=80), st.integers(1, 40))
def test_passages_of_any_text_are_within_the_budget_and_lose_only_white_space(text: str, budget: int) -> None:
    counter = FakeEncoder()
    assert_well_cut(text, passages_of(text, counter, budget), counter, budget)


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="a字é🎉\u0301\u200d。 \n", max_size=40), st.integers(4, 20))
def test_passages_are_within_the_budget_of_a_tokenizer_that_splits_characters(text: str, budget: int) -> None:
    counter = ByteCounter()
    assert_well_cut(text, passages_of(text, counter, budget), counter, budget)


def test_a_budget_that_ends_inside_the_last_character_splits_before_it() -> None:
    text = "字字字"  # nine bytes
    assert texts_of(text, passages_of(text, ByteCounter(), 8)) == ["字字", "字"]


@settings(deadline=None, max_examples=100)
@given(BUILT)
def test_sentences_that_fit_are_kept_whole(text: str) -> None:
    passages = passages_of(text, FakeEncoder(), 100_000)
    assert [span for passage in passages for span in passage.sentences] == sentence_spans(text)


@pytest.mark.parametrize("text", ["", " \n\u3000"])
def test_text_without_characters_has_no_passages(text: str) -> None:
    assert passages_of(text, FakeEncoder(), 10) == []


@pytest.mark.parametrize("budget", [0, -1])
def test_a_budget_below_one_is_refused(budget: int) -> None:
    with pytest.raises(ValueError, match=f"budget of {budget} tokens, expected at least 1"):
        passages_of("Text.", FakeEncoder(), budget)


def test_offsets_are_those_of_the_text_as_given() -> None:
    text = "  🎉 Prices rose.\n\n They fell 字. \n"
    assert passages_of(text, FakeEncoder(), 100, "en") == [Passage(2, 31, ((2, 16), (19, 31)), "en")]
    assert passages_of(text, FakeEncoder(), 4, "en") == [
        Passage(2, 16, ((2, 16),), "en"),
        Passage(19, 31, ((19, 31),), "en"),
    ]


def test_passages_are_filled_up_to_the_budget() -> None:
    first, second, third, fourth = (words(5, name) for name in ("Officials", "Members", "Leaders", "Workers"))
    text = " ".join((first, second, third, fourth))
    assert cut(text, 10) == [f"{first} {second}", f"{third} {fourth}"]
    assert cut(text, 14) == [f"{first} {second}", f"{third} {fourth}"]
    assert cut(text, 15) == [f"{first} {second} {third}", fourth]
    assert cut(text, 9) == [first, second, third, fourth]


def test_an_over_long_sentence_is_split_at_its_pauses() -> None:
    text = "one two three four, five six seven eight nine ten."
    assert cut(text, 6) == ["one two three four,", "five six seven eight nine ten."]


def test_an_over_long_sentence_without_pauses_is_split_at_the_budget() -> None:
    text = "字" * 25
    assert [len(part) for part in cut(text, 10)] == [10, 10, 5]


def test_an_over_long_sentence_among_others_is_split_and_the_others_stay_whole() -> None:
    before, long, after = words(5), words(23, "Members"), words(5, "Leaders")
    text = f"{before} {long} {after}"
    passages = passages_of(text, FakeEncoder(), 10)
    assert_well_cut(text, passages, FakeEncoder(), 10)
    sentences = [text[start:end] for passage in passages for start, end in passage.sentences]
    assert sentences[0] == before
    assert sentences[-1] == after
    assert " ".join(sentences[1:-1]) == long


def test_a_heading_begins_a_passage_that_would_have_had_room_for_it() -> None:
    before, after = words(10), words(10)
    text = f"{before}\nA heading\n{after}"
    assert cut(text, 24) == [before, f"A heading\n{after}"]  # 22 tokens; the first passage is a third full


def test_a_heading_does_not_end_a_passage_that_is_less_than_a_third_full() -> None:
    text = f"{words(10)}\nA heading\n{words(10)}"
    assert cut(text, 40) == [text]


def test_a_line_that_ends_with_a_mark_is_no_heading() -> None:
    text = f"{words(10)}\nA short line.\n{words(9)}"
    assert cut(text, 24) == [text]


def test_a_heading_goes_with_the_text_under_it_when_that_begins_the_next_passage() -> None:
    before, after, last = words(9), words(20), words(12)
    text = f"{before}\nA heading\n{after}\n{last}"
    assert cut(text, 30) == [before, f"A heading\n{after}", last]


def test_a_heading_and_its_subheading_both_go_with_the_text_under_them() -> None:
    before, after, last = words(9), words(18), words(13)
    text = f"{before}\nA heading\nA subheading\n{after}\n{last}"
    assert cut(text, 30) == [before, f"A heading\nA subheading\n{after}", last]


def test_a_document_that_begins_with_a_heading_keeps_it_in_front() -> None:
    text = f"Title\n{words(8)} {words(8)}"
    assert cut(text, 10) == [f"Title\n{words(8)}", words(8)]


@pytest.mark.parametrize(
    ("first", "second"),
    [(ENGLISH, ARABIC), (ARABIC, ENGLISH), (JAPANESE, SIMPLIFIED), (SIMPLIFIED, JAPANESE), (JAPANESE, TRADITIONAL)],
    ids=["en ar", "ar en", "ja zh-Hans", "zh-Hans ja", "ja zh-Hant"],
)
def test_a_passage_breaks_where_the_language_of_lines_changes(first: str, second: str) -> None:
    text = f"{first}\n{second}"
    tokens = FakeEncoder().count_tokens([first, second])
    assert 3 * tokens[0] >= sum(tokens)
    assert cut(text, sum(tokens)) == [first, second]


def test_a_passage_goes_on_over_lines_in_one_language() -> None:
    for text in (f"{ENGLISH}\n{ENGLISH}", f"{JAPANESE}\n{JAPANESE}", f"{ARABIC}\n{ARABIC}"):
        (tokens,) = FakeEncoder().count_tokens([text])
        assert cut(text, tokens) == [text]


def test_a_short_line_in_another_language_breaks_nothing() -> None:
    text = f"{ENGLISH}\n「はい。」\n{ENGLISH}"
    (tokens,) = FakeEncoder().count_tokens([text])
    assert cut(text, tokens) == [text]


@pytest.mark.parametrize("declared", [None, "en"])
def test_a_passage_in_another_script_has_its_own_language(declared: str | None) -> None:
    text = f"{ENGLISH}\n{ARABIC}\n{ENGLISH}"
    assert [passage.lang for passage in passages_of(text, FakeEncoder(), 22, declared)] == ["en", "ar", "en"]


@pytest.mark.parametrize("declared", [None, "ja"])
@pytest.mark.parametrize("chinese", [SIMPLIFIED, TRADITIONAL], ids=["simplified", "traditional"])
def test_chinese_lines_in_a_japanese_document_are_chinese(chinese: str, declared: str | None) -> None:
    text = f"{JAPANESE}\n{chinese}"
    budget = max(FakeEncoder().count_tokens([JAPANESE, chinese]))
    assert [passage.lang for passage in passages_of(text, FakeEncoder(), budget, declared)] == ["ja", "zh"]


def test_japanese_lines_in_a_chinese_document_are_japanese() -> None:
    text = f"{SIMPLIFIED}\n{JAPANESE}"
    budget = max(FakeEncoder().count_tokens([JAPANESE, SIMPLIFIED]))
    assert [passage.lang for passage in passages_of(text, FakeEncoder(), budget, "zh")] == ["zh", "ja"]


@pytest.mark.parametrize("declared", ["ja", "zh"])
@pytest.mark.parametrize("text", ["輸出規制", "稀土", "人民日報社", "一九九七年十二月三十一日"])
def test_kanji_that_could_be_either_keep_the_declared_language(text: str, declared: str) -> None:
    (passage,) = passages_of(text, FakeEncoder(), 20, declared)
    assert passage.lang == declared


@pytest.mark.parametrize("text", ["Minerals: a primer", "One two. Three."])
def test_a_few_words_that_could_be_in_many_languages_keep_the_declared_one(text: str) -> None:
    (passage,) = passages_of(text, FakeEncoder(), 20, "en")
    assert passage.lang == "en"


@pytest.mark.parametrize("declared", ["ar", "ja", "en"])
def test_text_without_letters_keeps_the_declared_language(declared: str) -> None:
    (passage,) = passages_of("2024: 12 + 5 = 17 🎉", FakeEncoder(), 20, declared)
    assert passage.lang == declared


def test_without_a_declared_language_the_text_says_it() -> None:
    langs = {text: passages_of(text, FakeEncoder(), 500)[0].lang for text in (ENGLISH, ARABIC, JAPANESE, SIMPLIFIED)}
    assert list(langs.values()) == ["en", "ar", "ja", "zh"]


def headings(text: str, budget: int = 1000, lang: str | None = "en") -> list[list[str]]:
    """What each passage takes for headings."""
    return [
        [text[start:end] for place, (start, end) in enumerate(passage.sentences) if place in passage.headings]
        for passage in passages_of(text, FakeEncoder(), budget, lang)
    ]


@pytest.mark.parametrize(
    ("line", "is_heading"),
    [
        ("A heading", True),
        ("輸出規制の強化", True),
        ("قيود على التصدير", True),
        ("# A heading.", True),
        ("  A heading with space around  ", True),
        ("x" * 89, True),
        ("x" * 90, False),
        ("A sentence.", False),
        ("A question?", False),
        ("輸出規制が強化された。", False),
        ("هل ارتفعت الأسعار؟", False),
        ("He said:", False),
        ('"A quotation"', False),
        ("「行く」", False),
    ],
)
def test_a_short_line_of_its_own_without_a_mark_is_a_heading(line: str, is_heading: bool) -> None:
    expected = [line.strip()] if is_heading else []
    assert headings(f"{BODY}\n{line}\n{BODY}") == [expected]
    assert headings(f"{line}\n\n{BODY}") == [expected]
    assert headings(f"{BODY}\r\n{line}") == [expected]
    assert headings(line) == [expected]


def test_a_stretch_of_a_line_is_no_heading() -> None:
    assert headings("One sentence. A stretch without an end\nAnother sentence.") == [[]]
    assert headings("A stretch without an end • Another\nAnother sentence.") == [[]]


def test_headings_are_counted_from_the_beginning_of_their_passage() -> None:
    first, second = words(10), words(10)
    text = f"{first}\nA heading\n{second} {words(8)}"
    before, after = passages_of(text, FakeEncoder(), 30, "en")
    assert before.headings == frozenset()
    assert after.headings == {0}
    assert passages_of(text, FakeEncoder(), 100, "en")[0].headings == {1}


def test_a_heading_and_its_subheading_that_go_with_their_text_are_both_headings() -> None:
    text = f"{words(9)}\nA heading\nA subheading\n{words(18)}\n{words(13)}"
    assert headings(text, 30) == [[], ["A heading", "A subheading"], []]


def test_a_heading_at_which_the_language_changes_is_one_all_the_same() -> None:
    heading = "قيود على تصدير المعادن النادرة"
    assert headings(f"{ENGLISH}\n{heading}\n{ARABIC}") == [[], [heading]]


def test_a_passage_may_be_nothing_but_headings() -> None:
    assert headings("One\nTwo\nThree") == [["One", "Two", "Three"]]


@settings(deadline=None, max_examples=150)
@given(BUILT, st.integers(1, 40))
def test_headings_are_whole_lines_and_no_plain_heading_is_missed(text: str, budget: int) -> None:
    for passage in passages_of(text, FakeEncoder(), budget):
        assert passage.headings <= set(range(len(passage.sentences)))
        for place, (start, end) in enumerate(passage.sentences):
            before, after = text[:start].rpartition("\n")[2], text[end:].partition("\n")[0]
            whole_line = not before.strip() and not after.strip()
            if place in passage.headings:
                assert whole_line
            elif whole_line:
                assert text[start:end] not in ("Heading", "# Head")


BODY = "Prices rose on Monday. They fell on Tuesday."


def encoded(title: str, text: str = BODY, start: int = 0) -> str:
    return text_to_encode(text, title, Passage(start, len(text), ((start, len(text)),), "en"))


def test_the_title_goes_in_front_of_a_passage_once() -> None:
    assert encoded("Gas market") == f"Gas market\n{BODY}"
    assert encoded("Gas market", start=23) == "Gas market\nThey fell on Tuesday."


def test_no_title_goes_in_front_where_the_text_begins_with_it() -> None:
    text = f"  Gas market\n{BODY}"
    assert encoded("Gas market", text, 2) == f"Gas market\n{BODY}"
    assert encoded("Gas market", text, 36) == "They fell on Tuesday."
    assert encoded("Prices rose on…") == BODY


def test_no_title_goes_in_front_where_the_passage_holds_it() -> None:
    assert encoded("They fell") == BODY


@pytest.mark.parametrize("title", ["", "  ", "…"])
def test_without_a_title_the_passage_is_encoded_alone(title: str) -> None:
    assert encoded(title) == BODY


def test_a_long_title_is_cut_at_a_hundred_characters() -> None:
    assert encoded("題" * 150) == "題" * 100 + f"\n{BODY}"


def test_passages_of_the_sample_collection_fill_the_real_models_budget(encoder: JointEncoder) -> None:
    full = []
    for document in sample_documents():
        passages = passages_of(document.text, encoder, PASSAGE_TOKENS, document.lang)
        assert_well_cut(document.text, passages, encoder, PASSAGE_TOKENS)
        tokens = encoder.count_tokens(texts_of(document.text, passages))
        full += [3 * count > PASSAGE_TOKENS for count in tokens[:-1]]
        assert {passage.lang for passage in passages} == {document.lang}
        assert all(before.end <= after.start for before, after in pairwise(passages))
    assert len(full) >= 56  # documents are of several passages each
    assert sum(full) >= 0.9 * len(full)


def test_over_long_sentences_are_within_the_real_models_budget(encoder: JointEncoder) -> None:
    text = "\n".join(["x" * 900, "字" * 900, "ﷺ" * 200, "㍿" * 300, "👨‍👩‍👧‍👦" * 80, "e\u0301" * 300, "word " * 400])
    passages = passages_of(text, encoder, 50)
    assert_well_cut(text, passages, encoder, 50)
    assert len(passages) > 7
