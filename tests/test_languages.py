"""Which language a text is in: by name for texts and queries of many scripts, as probabilities that sum to 1, and
right for every document and line of the sample collection."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.languages import UNDETERMINED, language_of, language_probabilities
from indexer.sample import sample_documents

EXAMPLES = {
    "ja kana and kanji": ("レアアース輸出規制", "ja"),
    "ja one kana particle": ("中国の輸出規制", "ja"),
    "ja katakana": ("ロシア", "ja"),
    "ja halfwidth katakana": ("ｳﾗﾝ", "ja"),
    "ja only in Japan": ("対策", "ja"),
    "ja kanji only": ("経済産業省", "ja"),
    "ja with Latin letters": ("NASAが発表", "ja"),
    "zh simplified": ("关键矿产", "zh"),
    "zh traditional": ("對策", "zh"),
    "zh sentence": ("商务部昨天宣布将对稀土实施出口管制。", "zh"),
    "zh traditional sentence": ("經濟部昨天宣布將對稀土實施出口管制。", "zh"),
    "zh with Latin letters": ("OPEC 减产协议", "zh"),
    "ar": ("حظر تصدير المعادن النادرة", "ar"),
    "ar with vowel marks": ("مُحَمَّدٌ رَسُولٌ", "ar"),
    "fa": ("ایران صادرات گاز را متوقف کرد و قیمت‌ها افزایش پیدا کرد", "fa"),
    "ur": ("پاکستان نے معدنیات کی برآمد پر پابندی لگا دی ہے", "ur"),
    "ko": ("희토류 수출 금지", "ko"),
    "ru": ("запрет на экспорт редкоземельных металлов", "ru"),
    "uk": ("Україна заборонила експорт рідкісноземельних металів", "uk"),
    "he": ("איסור יצוא של מתכות נדירות", "he"),
    "th": ("ห้ามส่งออกแร่หายาก", "th"),
    "fr": ("interdiction d'exporter les terres rares", "fr"),
    "de": ("Ausfuhrverbot für seltene Erden", "de"),
    "es": ("España prohíbe la exportación de tierras raras", "es"),
    "en query": ("rare earth export ban", "en"),
    "en one word": ("uranium", "en"),
    "en sentence": ("The ministry announced export controls yesterday.", "en"),
    "en with a Chinese word": ("The word 稀土 means rare earths in the Chinese press", "en"),
    "ar with a Latin name": ("شركة Rosneft توقف التصدير", "ar"),
}


@pytest.mark.parametrize(("text", "lang"), EXAMPLES.values(), ids=EXAMPLES.keys())
def test_language_of(text: str, lang: str) -> None:
    assert language_of(text) == lang


NO_LETTERS = [
    "",
    " \n\u3000",
    "🎉🎉",
    "👨‍👩‍👧",
    "2024-05-06 12:30",
    "١٢٣",
    "。、「」",
    "https://example.com/uranium",
    "@user #tag",
    "\u0301",
]


@pytest.mark.parametrize("text", NO_LETTERS)
def test_text_without_letters_is_in_no_language(text: str) -> None:
    assert language_probabilities(text) == {UNDETERMINED: 1.0}
    assert language_probabilities(text, ["ja", "en"]) == {UNDETERMINED: 1.0}
    assert language_of(text) == "und"


def test_kanji_that_two_languages_share_may_be_either() -> None:
    for text in ("輸出規制", "禁令", "稀土"):
        probabilities = language_probabilities(text)
        assert set(probabilities) == {"ja", "zh"}
        assert min(probabilities.values()) > 0.2


def test_characters_of_one_language_leave_no_doubt() -> None:
    assert language_probabilities("レアアース輸出規制") == {"ja": 1.0}
    assert language_probabilities("关键矿产")["zh"] > 0.98
    assert language_probabilities("حظر تصدير") == {"ar": 1.0}


def test_a_kana_in_a_long_chinese_text_does_not_make_it_japanese() -> None:
    chinese = "商务部昨天宣布将对稀土实施出口管制，优の良品等企业对此表示担忧，并要求政府作出说明。"
    assert language_of(chinese) == "zh"


def test_a_long_text_is_judged_by_all_of_it_not_its_first_line() -> None:
    english = "The ministry announced export controls on rare earths yesterday. " * 100
    assert language_of("وزارة التجارة\n" + english) == "en"
    assert language_of("日本語の題\n" + english) == "en"


def test_an_address_says_nothing_about_the_language() -> None:
    assert language_of("輸出規制について https://www.example.com/the/english/words/of/this/address?are=many") == "ja"


def test_expected_languages_settle_what_the_text_leaves_open() -> None:
    open_ = language_probabilities("輸出規制")
    assert max(open_.values()) < 0.6
    only_zh = language_probabilities("輸出規制", ["zh", "en"])
    only_ja = language_probabilities("輸出規制", ["ja"])
    assert only_zh == pytest.approx(
        {
            "zh": open_["zh"] / (open_["zh"] + 0.1 * open_["ja"]),
            "ja": 0.1 * open_["ja"] / (open_["zh"] + 0.1 * open_["ja"]),
        }
    )
    assert next(iter(only_zh)) == "zh"
    assert next(iter(only_ja)) == "ja"
    assert language_probabilities("輸出規制", ["ja", "zh"]) == pytest.approx(open_)


@pytest.mark.parametrize(
    "text", ["关键矿产", "對策", "レアアース", "حظر تصدير", "The ministry announced export controls."]
)
def test_expected_languages_do_not_matter_where_the_text_decides(text: str) -> None:
    assert language_probabilities(text, ["ko", "fr"]) == language_probabilities(text)


def assert_distribution(probabilities: dict[str, float]) -> None:
    values = list(probabilities.values())
    assert sum(values) == pytest.approx(1)
    assert values == sorted(values, reverse=True)
    assert values[-1] > 0


WORDS = [word for text, _ in EXAMPLES.values() for word in text.split()]
BUILT = st.lists(st.sampled_from([*WORDS, "🎉", "2024", "の", "的", "\u0301", "\n"]), max_size=12).map(" ".join)


@settings(deadline=None, max_examples=250)
@given(st.one_of(st.text(max_size=60), BUILT), st.lists(st.sampled_from(["ar", "en", "ja", "zh", "ko"]), max_size=3))
def test_probabilities_sum_to_one_most_probable_first(text: str, expected: list[str]) -> None:
    probabilities = language_probabilities(text, expected)
    assert_distribution(probabilities)
    assert language_of(text) == next(iter(language_probabilities(text)))


def test_every_sample_document_is_in_its_declared_language() -> None:
    documents = sample_documents()
    assert {document.lang for document in documents} == {"ar", "en", "ja", "zh"}
    found = {document.id: language_of(document.text) for document in documents}
    assert found == {document.id: document.lang for document in documents}


def test_every_line_of_the_sample_collection_is_in_its_documents_language() -> None:
    lines = [(document.lang, line) for document in sample_documents() for line in document.text.split("\n") if line]
    assert len(lines) > 200
    assert [(lang, line) for lang, line in lines if language_of(line) != lang] == []
