"""Where sentences begin and end, to the character: boundaries of each script written out by hand, spans that lose
nothing but white space for any text, time linear in the text, and F1 on the evaluation data."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.benchmarks.sentences import measure
from indexer.sentences import MAX_CHARACTERS, sentence_spans
from tests.timing import is_linear


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


def assert_cut_into(separator: str, expected: list[str]) -> None:
    """Joining the sentences and cutting them again gives the very spans that they were put at."""
    spans, at = [], 0
    for sentence in expected:
        spans.append((at, at + len(sentence)))
        at += len(sentence) + len(separator)
    text = separator.join(expected)
    assert sentences(text) == expected
    assert sentence_spans(text) == spans


LATIN: list[tuple[str, list[str]]] = [
    ("marks", ["One.", "Two!", "Three?", "Four"]),
    ("several marks", ["Really?!", "Yes!!!", "Well"]),
    ("closing straight quote", ['He said "stop."', "Then he left."]),
    ("closing curly quote", ["She called it “a ban.”", "It was not."]),
    ("opening quote behind", ["It ended.", '"Now," he said, "we go."', "“Yes.”", "Good."]),
    ("brackets", ["(It rained.)", "We stayed.", "[A note.]", "End."]),
    ("quoted mark and a speaker", ["“Go!” she said.", "“Now.”", "He went."]),
    ("quoted mark in mid-sentence", ['Is "why?" a question?', "It is."]),
    ("titles", ["Dr. Abe met Mr. Smith, Mrs. Jones and Prof. Li.", "All left."]),
    ("initials", ["J. K. Rowling met George W. Bush.", "They talked."]),
    ("U.S. in a name", ["The U.S. Army and the U.N. Security Council met.", "It rained."]),
    ("U.S. followed by The", ["It was banned in the U.S.", "The rest followed."]),
    ("U.S. followed by a pronoun", ["He lives in the U.S.", "It is big."]),
    ("companies", ["Acme Inc. and Example Corp. Holdings merged.", "They grew."]),
    ("a company at the end", ["It was bought by Acme Inc.", "The price is not known."]),
    ("times of day", ["They met at 5 p.m. on Monday.", "At 6 a.m. they left."]),
    ("months", ["It opened on Jan. 5 and closed on Dec. 24.", "He came."]),
    ("numbers behind No. and Fig.", ["No. 5 and Fig. 3 and p. 12 agree.", "Good."]),
    ("no as a word", ["He said no.", "Then he said yes."]),
    ("e.g. and i.e.", ["Use metals, e.g. Gallium, i.e. Ga, cf. Table 2.", "Done."]),
    ("degrees", ["She holds a Ph.D. in physics.", "He does not."]),
    ("decimals", ["It rose 3.5 percent to 1,204.75 points.", "Then it fell."]),
    ("versions and dates", ["Version 2.0.1 came on 3.4.2024.", "It works."]),
    ("a number at the end", ["He is 40.", "She is 30."]),
    ("addresses", ["See https://a.example/x.y?z=1!b and a.b@c.example now.", "Done."]),
    ("file names", ["Open notes.txt or main.py first.", "Then run it."]),
    ("dots, lower case", ["Wait... then he left.", "She stayed."]),
    ("dots, capital", ["Wait...", "Then he left."]),
    ("ellipsis, lower case", ["Wait… then he left.", "She stayed."]),
    ("ellipsis, capital", ["Wait…", "Then he left."]),
    ("lower case goes on", ["The firm Yahoo! is old.", "It is."]),
    ("one-word sentences", ["Yes.", "No.", "Perhaps."]),
    ("accents and other alphabets", ["Élan est là.", "Über alles?", "Привет.", "Как дела?", "Γεια."]),
]

ARABIC: list[tuple[str, list[str]]] = [
    ("full stops", ["وصل الوزير أمس.", "ثم غادر اليوم."]),
    ("question mark", ["هل جاء الوزير؟", "نعم.", "لماذا؟", "لا أعرف"]),
    ("exclamation", ["توقفوا!", "هذا خطر."]),
    ("doctor", ["وصل د. أحمد أمس.", "ثم غادر."]),
    ("professor", ["حضر أ. سامي الاجتماع.", "ثم انصرف."]),
    ("engineer", ["حضر م. خالد الاجتماع.", "ثم انصرف."]),
    ("the era at the end", ["تأسست الشركة عام 1990 م.", "ثم توسعت."]),
    ("the Hijri era at the end", ["كتب في سنة 1400 هـ.", "ثم نشر."]),
    ("guillemets", ["قال الوزير «لن نذهب.»", "ثم غادر القاعة."]),
    ("question in guillemets", ["سأل: «لماذا؟»", "لم يجب أحد."]),
    ("comma and semicolon go on", ["قال، وهو يبتسم؛ إنه موافق.", "ثم خرج."]),
    ("decimals", ["ارتفع السعر 3.5 في المئة.", "ثم انخفض."]),
    ("ellipsis", ["ربما...", "لا أحد يعرف."]),
    ("Urdu full stop", ["یہ ایک جملہ ہے۔", "یہ دوسرا ہے۔"]),
]

JAPANESE: list[tuple[str, list[str]]] = [
    ("stops", ["今日は晴れ。", "明日は雨。", "以上"]),
    ("fullwidth and halfwidth stops", ["日本。", "中国．", "米国｡", "韓国。"]),
    ("exclamation and question", ["本当！？", "すごい！！", "そうか？", "はい。"]),
    ("quote with と言った", ["彼は「行く。」と言った。", "終わり。"]),
    ("quote with って", ["「行く。」って聞いた。", "次の文。"]),
    ("quote with と叫んだ", ["「危ない！」と叫んだ。", "誰もいない。"]),
    ("quote with が", ["「もういい。」が口癖だ。", "困る。"]),
    ("quote with a comma", ["「はい。」、彼は答えた。", "次の文。"]),
    ("double quote with という", ["『本だ。』という題。", "次の文。"]),
    ("question with と", ["行くのか？と聞いた。", "答えはない。"]),
    ("quote alone", ["「行く。」", "彼は言った。"]),
    ("quote and ところ", ["「行く。」", "ところで、彼は。"]),
    ("quote and でも", ["「行く。」", "でも、彼は来ない。"]),
    ("quote and もし", ["「行く。」", "もし来たら。"]),
    ("two quotes", ["『終わった。』", "「次だ。」"]),
    ("brackets", ["終わり（以下略。）", "次の文。"]),
    ("bracket before the stop", ["首相（当時）。", "次の文。"]),
    ("ellipsis goes on", ["まあ…それは違う。", "次。"]),
    ("ellipsis and a space go on", ["まあ… それは違う。", "次。"]),
    ("Latin stops in Japanese", ["売上は3.5億円だった。", "iOS 17.1も出た。"]),
]

CHINESE_SIMPLIFIED: list[tuple[str, list[str]]] = [
    ("stops", ["今天下雨。", "明天晴天。", "完"]),
    ("question and exclamation", ["真的吗？", "太好了！", "他来了！？", "是的。"]),
    ("colon and quote", ["他说：“走吧。”", "然后离开了。"]),
    ("quote and speaker", ["“走吧。”他说。", "然后离开了。"]),
    ("quote and spokesman", ["“必须停止。”发言人表示。", "会议结束。"]),
    ("quote and a new sentence", ["“走吧。”", "李明想，明天再来。"]),
    ("quoted word", ["这叫“脱钩”。", "没有人赞成。"]),
    ("title marks", ["他读《红楼梦》。", "她不读。"]),
    ("brackets", ["（记者王明。）", "会议结束。"]),
    ("ellipsis goes on", ["等等……好吧。", "走。"]),
    ("semicolon goes on", ["价格上涨；供应减少。", "企业担忧。"]),
    ("decimals", ["增长3.5%。", "下降1.2%。"]),
]

CHINESE_TRADITIONAL: list[tuple[str, list[str]]] = [
    ("stops", ["今天下雨。", "明天晴天。", "完"]),
    ("quote and speaker", ["「走吧。」他說。", "然後離開了。"]),
    ("quote with 問道", ["「為什麼？」她問道。", "沒有人回答。"]),
    ("colon and quote", ["他說：「走吧。」", "然後離開了。"]),
    ("nested quotes", ["他說：「我聽到『走吧。』」", "然後離開了。"]),
    ("question and exclamation", ["真的嗎？", "太好了！", "是的。"]),
    ("title marks", ["他讀《紅樓夢》。", "她不讀。"]),
]


def ids(cases: list[tuple[str, list[str]]]) -> list[str]:
    return [name for name, _ in cases]


@pytest.mark.parametrize(("name", "expected"), LATIN, ids=ids(LATIN))
def test_english(name: str, expected: list[str]) -> None:
    assert_cut_into(" ", expected)


@pytest.mark.parametrize(("name", "expected"), ARABIC, ids=ids(ARABIC))
def test_arabic(name: str, expected: list[str]) -> None:
    assert_cut_into(" ", expected)


@pytest.mark.parametrize("separator", ["", "　", "\n"], ids=["glued", "ideographic space", "line break"])
@pytest.mark.parametrize(("name", "expected"), JAPANESE, ids=ids(JAPANESE))
def test_japanese(name: str, expected: list[str], separator: str) -> None:
    assert_cut_into(separator, expected)


@pytest.mark.parametrize("separator", ["", "\n"], ids=["glued", "line break"])
@pytest.mark.parametrize(("name", "expected"), CHINESE_SIMPLIFIED, ids=ids(CHINESE_SIMPLIFIED))
def test_simplified_chinese(name: str, expected: list[str], separator: str) -> None:
    assert_cut_into(separator, expected)


@pytest.mark.parametrize("separator", ["", "\n"], ids=["glued", "line break"])
@pytest.mark.parametrize(("name", "expected"), CHINESE_TRADITIONAL, ids=ids(CHINESE_TRADITIONAL))
def test_traditional_chinese(name: str, expected: list[str], separator: str) -> None:
    assert_cut_into(separator, expected)


def test_a_full_stop_glued_to_the_next_arabic_word_ends_a_sentence() -> None:
    assert_cut_into("", ["وصل الرئيس أمس.", "ثم غادر اليوم."])


def test_a_latin_full_stop_between_chinese_characters_ends_a_sentence() -> None:
    assert_cut_into("", ["世界和平.", "“好的.”"])


def test_a_lower_case_word_behind_a_closing_quote_goes_on() -> None:
    text = 'He said "stop." then he left.'
    assert sentences(text) == [text]


def test_a_straight_quote_behind_a_full_stop_opens_the_next_sentence_when_none_is_open() -> None:
    assert_cut_into("", ["他说了。", '"好的。"', "是的。"])


def test_marks_glued_to_the_next_latin_word_end_nothing() -> None:
    for text in ("Is it?Yes", "Ping!Pong", "a.)b", "Yahoo!Mail"):
        assert sentences(text) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("• First item • Second item", ["• First item", "• Second item"]),
        ("• First\n• Second", ["• First", "• Second"]),
        ("A•B stays", ["A•B stays"]),
        ("- one\n- two", ["- one", "- two"]),
        ("* one\n* two", ["* one", "* two"]),
        ("1. First item\n2. Second item\n10. Third item", ["1. First item", "2. Second item", "10. Third item"]),
        ("1. First item. More of it.\n2. Second.", ["1. First item.", "More of it.", "2. Second."]),
        ("A. First\nB. Second", ["A. First", "B. Second"]),
        ("(1) First.\n(2) Second.", ["(1) First.", "(2) Second."]),
        ("一、準備\n二、実行", ["一、準備", "二、実行"]),
    ],
    ids="bullets-in-a-line bullets bullet-in-a-word dashes stars numbers sentences letters brackets Chinese".split(),
)
def test_list_items_are_sentences_and_their_numbers_are_not(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_hard_wrapped_text_goes_on_across_line_ends() -> None:
    text = "This line is wrapped\nat forty columns and goes on.\nThe next one\nends here. And\nso on."
    assert sentences(text) == [
        "This line is wrapped\nat forty columns and goes on.",
        "The next one\nends here.",
        "And\nso on.",
    ]


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n", "\u2028", "\u2029", "\n\n", " \n\t\n "])
def test_a_line_end_before_a_capital_ends_a_sentence(line_end: str) -> None:
    assert_cut_into(line_end, ["A heading without a mark", "The text under it", "日本語の行", "عنوان بلا نقطة", "42"])


def test_a_blank_line_ends_a_sentence_even_before_lower_case() -> None:
    assert sentences("iPhone sales\n\neBay sales") == ["iPhone sales", "eBay sales"]


def test_a_line_that_ends_with_a_colon_is_not_hard_wrapped() -> None:
    assert sentences("The list:\nfirst thing") == ["The list:", "first thing"]


@pytest.mark.parametrize(
    "text", ["no punctuation at all", "今天天气很好", "نص بلا علامات", "2024", "…", "!!", "。", "「」"]
)
def test_text_without_an_inner_boundary_is_one_sentence(text: str) -> None:
    assert sentence_spans(text) == [(0, len(text))]


@pytest.mark.parametrize("text", ["", " ", "\n", " \t\r\n\u3000\u00a0\u2028"])
def test_text_without_characters_has_no_sentences(text: str) -> None:
    assert sentence_spans(text) == []


def test_white_space_around_sentences_is_left_out() -> None:
    assert sentence_spans("  \n One. \u3000 Two. \n") == [(4, 8), (11, 15)]


def test_offsets_count_code_points_after_emoji_and_combining_marks() -> None:
    family, flag, accented = "👨‍👩‍👧", "🇯🇵", "e\u0301"
    assert (len(family), len(flag), len(accented)) == (5, 2, 2)
    text = f"🎉🎉 Done. {family} came. E\u0301t{accented} ends! {flag}が来た。👍🏽です。"
    assert sentence_spans(text) == [(0, 8), (9, 20), (21, 32), (33, 39), (39, 44)]
    assert sentences(text) == [
        "🎉🎉 Done.",
        f"{family} came.",
        f"E\u0301t{accented} ends!",
        f"{flag}が来た。",
        "👍🏽です。",
    ]


def test_text_without_any_place_to_cut_is_cut_at_the_limit() -> None:
    assert MAX_CHARACTERS == 3_000
    assert sentence_spans("字" * 7_000) == [(0, 3_000), (3_000, 6_000), (6_000, 7_000)]


def test_a_sentence_of_exactly_the_limit_is_not_cut() -> None:
    assert sentence_spans("字" * 2_999 + "。" + "次。") == [(0, 3_000), (3_000, 3_002)]


def test_over_long_text_is_cut_at_spaces() -> None:
    words = "word " * 1_500
    parts = sentences(words)
    assert max(map(len, parts)) <= MAX_CHARACTERS
    assert len(parts) == 3
    assert " ".join(parts) == words.strip()


def test_over_long_text_is_cut_at_a_semicolon_rather_than_a_comma_rather_than_a_space() -> None:
    filler = "word " * 390  # 1950 characters
    assert len(sentences(f"{filler}pause; {filler}comma, {filler}end")[0]) == len(filler) + len("pause;")
    assert len(sentences(f"{filler}pause, {filler}end")[0]) == len(filler) + len("pause,")


MARKS_OF_THEIR_BASE = {
    "acute": ("e", "\u0301"),
    "fatha": ("ب", "\u064e"),
    "superscript alef": ("ه", "\u0670"),
    "voiced kana": ("か", "\u3099"),
    "emoji selector": ("❤", "\ufe0f"),
    "skin tone": ("👍", "\U0001f3fd"),
    "keycap": ("1", "\u20e3"),
    "Devanagari vowel": ("क", "\u093f"),
}


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize(("base", "mark"), MARKS_OF_THEIR_BASE.values(), ids=MARKS_OF_THEIR_BASE.keys())
def test_over_long_text_is_not_cut_between_a_base_and_its_mark(base: str, mark: str, before: int) -> None:
    text = "x" * before + (base + mark) * 2_000
    parts = sentences(text)
    assert "".join(parts) == text
    assert max(map(len, parts)) <= MAX_CHARACTERS
    assert not any(part.startswith(mark) for part in parts)


@pytest.mark.parametrize("before", range(5))
def test_over_long_text_is_not_cut_inside_joined_emoji(before: int) -> None:
    family = "👨‍👩‍👧"
    text = "x" * before + family * 1_000
    parts = sentences(text)
    assert "".join(parts) == text
    assert max(map(len, parts)) <= MAX_CHARACTERS
    assert [part for part in parts if not part.removeprefix("x" * before).startswith(family)] == []


FRAGMENTS = (
    list(".!?…。！？｡．؟۔।:;,،؛、，：；•-—")
    + list("\"'“”‘’«»「」『』（）()[]【】《》")
    + [" ", "\n", "\r\n", "\u3000", "\t", "\u2028", "\n\n"]
    + ["a", "B", "Z.", "Mr.", "U.S.", "The ", "he ", "3", "3.5", "1.", "No.", "https://a.example/b.c"]
    + [
        "字",
        "他说。",
        "と",
        "か",
        "彼は",
        "ア",
        "د.",
        "و",
        "قال",
        "م.",
        "हिन्दी",
        "한국어",
        "Привет",
        "e\u0301",
        "👨‍👩‍👧",
        "\u0301",
    ]
)
BUILT = st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join)


def assert_only_white_space_is_lost(text: str) -> None:
    at = 0
    for start, end in sentence_spans(text):
        assert at <= start < end <= len(text)
        assert not text[at:start].strip()
        assert text[start:end] == text[start:end].strip()
        assert end - start <= MAX_CHARACTERS
        at = end
    assert not text[at:].strip()


@settings(deadline=None, max_examples=400)
@given(st.text(max_size=200))
def test_spans_of_any_text_lose_only_white_space(text: str) -> None:
    assert_only_white_space_is_lost(text)


@settings(deadline=None, max_examples=600)
@given(BUILT)
def test_spans_of_marks_quotes_and_letters_of_all_scripts_lose_only_white_space(text: str) -> None:
    assert_only_white_space_is_lost(text)


@settings(deadline=None, max_examples=60)
@given(BUILT.filter(lambda text: len(text) > 1), st.integers(100, 300))
def test_spans_of_over_long_text_lose_only_white_space(text: str, times: int) -> None:
    assert_only_white_space_is_lost(text * times)


WHOLE = {
    "en": ["The ministry met.", "Was it late?", "Dr. Abe paid 3.5 dollars.", '"Yes," he said.', "Stop!"],
    "ar": ["وصل الوزير أمس.", "هل غادر؟", "قال د. أحمد نعم.", "توقفوا!"],
    "ja": ["今日は晴れ。", "彼は「行く。」と言った。", "本当！？", "（以下略。）"],
    "zh": ["今天下雨。", "“走吧。”他说。", "「走吧。」他說。", "真的吗？"],
}


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_whole_sentences_in_any_order_are_found_again(data: st.DataObject) -> None:
    lang = data.draw(st.sampled_from(sorted(WHOLE)))
    chosen = data.draw(st.lists(st.sampled_from(WHOLE[lang]), min_size=1, max_size=12))
    separator = data.draw(st.sampled_from([" ", "\n", "\n\n"] if lang in ("en", "ar") else ["", "\n", "\u3000"]))
    assert_cut_into(separator, chosen)


NASTY: dict[str, Callable[[int], str]] = {
    "straight quotes": lambda n: '"' * n,
    "full stops and quotes": lambda n: '. "' * n,
    "quotes and full stops": lambda n: '."' * n,
    "opening brackets": lambda n: "「" * n,
    "closing brackets": lambda n: "」" * n,
    "closed full stops": lambda n: ".」" * n + "x",
    "closed CJK stops": lambda n: "。」" * n + "と",
    "combining marks": lambda n: "e" + "\u0301" * n,
    "initials": lambda n: "A.B." * n,
    "spaced initials": lambda n: "A. " * n,
    "line ends": lambda n: "\n" * n,
    "indented line ends": lambda n: "\n " * n,
    "spaces": lambda n: "a." + " " * n + ".",
    "full stops": lambda n: "." * n,
    "brackets after a stop": lambda n: "a. " + "[" * n,
    "one long word": lambda n: "a" * n + ". B",
    "hyphens": lambda n: "a-" * n + ". B",
    "bullets": lambda n: "•" * n,
    "commas": lambda n: "a," * n,
    "one long Chinese line": lambda n: "字" * n,
}


@pytest.mark.parametrize("nasty", NASTY.values(), ids=NASTY.keys())
def test_time_is_linear_in_the_text(nasty: Callable[[int], str]) -> None:
    assert is_linear(sentence_spans, nasty, 3_000)


@pytest.mark.parametrize("lang", ["ar", "en", "ja", "zh", "zh-Hant"])
def test_f1_on_the_evaluation_data(benchmarks: Path, lang: str) -> None:
    measured = measure(benchmarks / "sentences")
    assert set(measured["languages"]) == {"ar", "en", "ja", "zh", "zh-Hant"}
    assert measured["languages"][lang]["boundaries"] > 800
    assert measured["languages"][lang]["F1"] >= 0.98
    assert measured["MB_per_second"] >= 5


def test_the_marks_in_this_file_are_marks() -> None:
    """Else the tests of cuts would not test what they say."""
    kinds = {unicodedata.category(mark) for _, mark in MARKS_OF_THEIR_BASE.values()}
    assert kinds == {"Mn", "Mc", "Me", "Sk"}
