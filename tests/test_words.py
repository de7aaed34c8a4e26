"""Words and terms, written out by hand for each script; offsets that hold for any text; time linear in the text."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from collections.abc import Callable
from itertools import groupby

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexer.han_variants import STANDS_FOR
from indexer.words import Word, terms_of, weights_of, words_of
from tests.timing import is_linear


def texts(text: str) -> list[str]:
    return [word.text for word in words_of(text)]


SAME: dict[str, list[str]] = {
    "case": ["haddad", "Haddad", "HADDAD", "ＨＡＤＤＡＤ", "𝐇𝐚𝐝𝐝𝐚𝐝"],
    "accents": ["resume", "résumé", "re\u0301sume\u0301", "RÉSUMÉ"],
    "umlaut": ["uber", "über", "u\u0308ber"],
    "strokes": ["lodz oresund danang", "Łódź Øresund Đanang"],
    "ligatures": ["aeon oeuvre fin strasse", "Æon œuvre ﬁn Straße"],
    "Turkish i": ["istanbul isik", "İstanbul ışık"],
    "soft hyphen": ["example", "exam\u00adple"],
    "initials": ["us troops", "U.S. troops", "US troops"],
    "possessive": ["haddad", "Haddad's", "Haddad’s", "HADDAD'S"],
    "inner apostrophe": ["dont", "don't", "don’t", "donʼt"],
    "okina": ["hawaii", "Hawaiʻi", "Hawai'i"],
    "elision": ["l homme", "l'homme", "L’Homme"],
    "Greek": ["αθηνασ", "Αθήνας", "ΑΘΉΝΑΣ"],
    "Cyrillic e": ["еще", "ещё", "ЕЩЁ", "ещё\u0301", "еще\u0308"],
    "Cyrillic short i": ["мой", "мои\u0306", "МОЙ"],
    "Cyrillic apostrophe": ["пять", "п'ять", "пʼять"],
    "alef": ["احمد", "أحمد", "إحمد", "آحمد", "ٱحمد", "ا\u0654حمد"],
    "Urdu heh and yeh": ["هي", "ہے", "ەي"],
    "teh marbuta": ["مدرسه", "مدرسة"],
    "alef maksura and Persian yeh": ["مصطفي", "مصطفى", "مصطفی"],
    "kaf": ["كتاب", "کتاب"],
    "hamza carriers": ["مسوول", "مسؤول"],
    "hamza on yeh": ["رييس", "رئيس"],
    "tatweel": ["محمد", "محـــمد", "مـحـمـد"],
    "vowel signs": ["محمد", "مُحَمَّد"],
    "superscript alef": ["هذا", "هٰذا"],
    "presentation forms": ["سلام", "ﺳﻼﻡ"],
    "bidi controls": ["سلام", "\u202bسل\u200fام\u202c", "سل\u200cام"],
    "Hebrew points": ["שלום", "שָׁלוֹם"],
    "Hebrew initials": ["צהל", 'צה"ל', "צה״ל"],
    "Hangul": ["한국", unicodedata.normalize("NFD", "한국")],
    "Devanagari nukta": ["क़लम", "क\u093cलम"],
    "stray iota": ["क", "क\u0345"],
    "digits": ["1234567890", "١٢٣٤٥٦٧٨٩٠", "۱۲۳۴۵۶۷۸۹۰", "१२३४५६७८९०", "１２３４５６７８９０"],
    "thousands": ["1200", "1,200", "١٬٢٠٠", "1'200", "1’200", "1\u2009200", "1\u202f200", "1\u00a0200", "１，２００"],
    "millions": ["1234567", "1,234,567", "1’234’567"],
    "kana": ["がっこう", "ガッコウ", "か\u3099っこう", "カ\u3099ッコウ", "ｶﾞｯｺｳ", "か゛っこう"],
    "half-voiced": ["ぱ", "パ", "ﾊﾟ", "は\u309a", "は゜"],
    "prolonged": ["らーめん", "ラーメン", "ﾗｰﾒﾝ"],
    "vu and va": ["ゔわ\u3099", "ヴヷ", "ｳﾞﾜﾞ"],
    "iteration marks": ["ゝゞ", "ヽヾ"],
    "small ka and ke": ["ゕゖ", "ヵヶ"],
    "经": ["经", "經", "経"],
    "发": ["发", "發", "発", "髮", "髪"],
    "国万气艺图": ["国万气艺图", "國萬氣藝圖", "国万気芸図"],
    "后": ["后", "後"],
    "compatibility ideographs": ["豈", "\uf900"],
    "ideographic variation": ["葛", "葛\U000e0100", "葛\ufe00"],
    "radicals": ["一", "⼀"],
    "signs": ["株式会社 令和 kg c 12 1 2", "㍿ ㋿ ㎏ ℃ ⑫ ½"],
    "trade marks": ["windows", "Windows™", "Windows®"],
    "Thai am": ["ก\u0e4dา", "กำ"],
    "roman": ["iv", "Ⅳ", "ⅳ"],
}


@pytest.mark.parametrize("written", SAME.values(), ids=SAME.keys())
def test_ways_to_write_a_word_fold_to_one(written: list[str]) -> None:
    folded = texts(written[0])
    assert folded
    assert {other: texts(other) for other in written} == dict.fromkeys(written, folded)


@pytest.mark.parametrize(
    "different",
    [
        ["か", "が"],
        ["は", "ば", "ぱ"],
        ["つ", "っ"],
        ["ら", "らー"],
        ["и", "й"],
        ["і", "ї"],
        ["क", "कि", "की"],
        ["ก", "กำ", "กา", "กิ"],
        ["沪", "滤"],
        ["土", "士"],
        ["ء", "ا"],
        ["10²", "102"],
        ["1,2", "12"],
        ["1200", "1,2000"],
        ["1 200", "1200"],
    ],
)
def test_different_words_stay_different(different: list[str]) -> None:
    assert len({tuple(texts(text)) for text in different}) == len(different)


WORDS: dict[str, list[str]] = {
    "": [],
    " \n\t\u3000": [],
    "... — “” %$€£¥ ©®™ +=<> #@ ，。、！": [],
    "👍🏽 👨‍👩‍👧 🇯🇵 ❤️": [],
    "1️⃣": ["1"],
    "\u0301\u3099\u094d\u200d": [],
    "F35 F-35 f 35": ["f", "35"] * 3,
    "C5+1": ["c", "5", "1"],
    "190億ドル": ["190", "亿", "ど", "る"],
    "4.2 4,2": ["4", "2", "4", "2"],
    "12,34 12345,678 1,2345 1,234'567": ["12", "34", "12345", "678", "1", "2345", "1234", "567"],
    "2018，2019": ["2018", "2019"],
    "snake_case e-mail": ["snake", "case", "e", "mail"],
    "x.y.com J.K. Rowling": ["xy", "com", "jk", "rowling"],
    "it's the workers' 'quote'": ["it", "the", "workers", "quote"],
    "aujourd'hui qu'il d'Artagnan O'Neill I'm": "aujourdhui qu il d artagnan o neill i m".split(),
    "KBS는 ‘후예’가": ["kbs", "는", "후예", "가"],
    "الـMWPs وUSB": ["ال", "mwps", "و", "usb"],
    "والمعادن النادرة": ["والمعادن", "النادره"],
    "ประเทศ": ["ป", "ร", "ะ", "เ", "ท", "ศ"],
    "ที่นี่": ["ที่", "นี่"],
    "ភាសា ພາສາ မြန်": ["ភា", "សា", "ພ", "າ", "ສ", "າ", "မြ", "န်"],
    "हिन्दी भाषा": ["हिन्दी", "भाषा"],
    "日本語とEnglish": ["日", "本", "语", "と", "english"],
    "人々〆二〇": ["人", "々", "〆", "二", "〇"],
    "𠮷野家": ["𠮷", "野", "家"],
    "\U0002ebf0\U0002ebf1": ["\U0002ebf0", "\U0002ebf1"],
    "siːz": ["siːz"],
    "5㎏ m² ①②": ["5", "kg", "m", "2", "1", "2"],
    "ﷺ": ["صلي", "الله", "عليه", "وسلم"],
    "µm": ["μ", "m"],
    "፩፲": ["1", "፲"],
}


@pytest.mark.parametrize(("text", "expected"), WORDS.items())
def test_words_of_each_script(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


OFFSETS: dict[str, list[tuple[str, int, int]]] = {
    "👨‍👩‍👧 E\u0301te\u0301, 𠮷": [("ete", 6, 11), ("𠮷", 13, 14)],
    "Haddad's F-35": [("haddad", 0, 6), ("f", 9, 10), ("35", 11, 13)],
    "L’homme": [("l", 0, 1), ("homme", 2, 7)],
    "U.S.-led": [("us", 0, 3), ("led", 5, 8)],
    "$1,200.50": [("1200", 1, 6), ("50", 7, 9)],
    "ｶﾞﾗｽ": [("が", 0, 2), ("ら", 2, 3), ("す", 3, 4)],
    "か゛い": [("が", 0, 2), ("い", 2, 3)],
    "㍿日": [("株", 0, 1), ("式", 0, 1), ("会", 0, 1), ("社", 0, 1), ("日", 1, 2)],
    "ﷲ ﻻ": [("الله", 0, 1), ("لا", 2, 3)],
    "ﬁ ß": [("fi", 0, 1), ("ss", 2, 3)],
    "\u200fمُحَمَّد\u200f.": [("محمد", 1, 9)],
    "ـه ـ": [("ه", 1, 2)],
    "\u1112\u1161\u11ab글": [("한글", 0, 4)],
    "10²": [("10", 0, 2), ("2", 2, 3)],
}


@pytest.mark.parametrize(("text", "expected"), OFFSETS.items())
def test_offsets_are_those_of_the_text_as_written(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert words_of(text) == [Word(*word) for word in expected]


TERMS: dict[str, list[str]] = {
    "Haddad": ["_haddad_", "_ha", "had", "add", "dda", "dad", "ad_"],
    "ban": ["_ban_", "_ba", "ban", "an_"],
    "of a": ["_of_", "_a_"],
    "1,200 and ٣": ["1200", "_and_", "_an", "and", "nd_", "3"],
    "경제가 돈": ["_경제가_", "경제", "제가", "_돈_"],
    "輸出、規制": ["输", "出", "输出", "规", "制", "规制"],
    "輸 出": ["输", "出"],
    "190億ドル": ["190", "亿", "ど", "亿ど", "る", "どる"],
    "日EU日本": ["日", "_eu_", "日", "本", "日本"],
    "㍿A": ["株", "式", "株式", "会", "式会", "社", "会社", "_a_"],
    "นี้คือ": ["นี้", "คื", "นี้คื", "อ", "คือ"],
    "中\u200b国": ["中", "国", "中国"],
    "日㏠": ["日", "1", "日"],
}


@pytest.mark.parametrize(("text", "expected"), TERMS.items())
def test_terms_of_each_script(text: str, expected: list[str]) -> None:
    assert terms_of(words_of(text)) == expected


def test_no_term_of_one_kind_equals_one_of_another() -> None:
    words = "a ad had wad hadad 123 12".split()
    own = {word: set(terms_of(words_of(word))) for word in words}
    whole = {word: {f"_{word}_"} if word.isalpha() else {word} for word in words}
    assert [(a, b) for a in words for b in words if a != b and whole[a] & own[b]] == []


def test_words_of_two_texts_are_not_side_by_side() -> None:
    assert terms_of(words_of("日本") + words_of("国")) == ["日", "本", "日本", "国"]


FRAGMENTS = (
    list("abzéÉøıİŉſªK'’ʼ\"´.,-_·…™ \n\tёйЁи\u0306\u0301\u0308\u0345άςΣᾳΐ")
    + list("أإآٱةىیکـءئؤۀہ\u064e\u0651\u0670\u0654ﻻﷺﹱﹰ٬٫١٢٣אבּ״׳\u05b0")
    + list("かが゛゜\u3099\u309aカガヷヴーｶﾞﾟｰヽヾゟヿ々〇〆经經経髮發万㍿㋿⼀\uf900﨑𠮷\u3002，、．１２３")
    + list("한글ㅎㅏﾡ\u1112\u1161กำ้ํ\u0eb3ໜहिंकक़\u094d\u093cမြန်កម្ព")
    + list("0123²①❶½Ⅳ፩፲㎏℃№㌔ⓐ\u20e3👨👩🇯\u00a0\u202f\u200b\u200c\u200d\u200e\u00ad\ufeff\ufe0f\U000e0100")
    + ["'s", "l'", "qu'", "U.S.", ".A", "1,200", "日本の", "The "]
)
ANY = st.text(max_size=60) | st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join)


@settings(deadline=None, max_examples=500)
@given(ANY)
@example("AA'S\u200b")
@example("AA\u200b's\u00ad")
def test_what_a_word_spans_folds_to_it(text: str) -> None:
    at = 0
    for (start, end), words in groupby(words_of(text), key=lambda word: word[1:]):
        assert at <= start < end <= len(text)
        assert texts(text[start:end]) == [word.text for word in words]
        at = end


@settings(deadline=None, max_examples=500)
@given(ANY)
def test_a_folded_word_folds_to_itself(text: str) -> None:
    assert [texts(word) for word in texts(text)] == [[word] for word in texts(text)]


@settings(deadline=None, max_examples=500)
@given(ANY)
def test_composed_and_decomposed_texts_have_the_same_words(text: str) -> None:
    assert texts(unicodedata.normalize("NFC", text)) == texts(unicodedata.normalize("NFD", text))


@settings(deadline=None, max_examples=300)
@given(ANY)
def test_terms_have_no_white_space(text: str) -> None:
    terms = terms_of(words_of(text))
    assert " ".join(terms).split() == terms


NASTY: dict[str, Callable[[int], str]] = {
    "one word": lambda n: "a" * n,
    "apostrophes": lambda n: "a'" * (n // 2),
    "elisions": lambda n: "qu'" * (n // 3),
    "possessives": lambda n: "a" + "'s" * (n // 2),
    "initials": lambda n: "a." * (n // 2),
    "initials that are none": lambda n: "a." * (n // 2) + "aa",
    "marks": lambda n: "e" + "\u0301" * n,
    "kana marks": lambda n: "か" + "\u3099" * n,
    "ignored": lambda n: "a" + "\u200b" * n,
    "quotes": lambda n: 'א"' * (n // 2),
    "digits": lambda n: "1" * n,
    "separators": lambda n: "1," * (n // 2),
    "thousands": lambda n: "111," * (n // 4) + "1",
    "han": lambda n: "字" * n,
    "hiragana": lambda n: "して" * (n // 2),
    "katakana": lambda n: "レア" * (n // 2),
    "han and kana": lambda n: "山本の" * (n // 3),
    "Thai": lambda n: "กำ" * (n // 2),
    "signs": lambda n: "㍿" * (n // 4),
    "Arabic": lambda n: "والبال" * (n // 6),
    "different words": lambda n: " ".join(f"abcd{i:b}".translate({48: "o", 49: "i"}) for i in range(n // 16)),
    "different characters": lambda n: "".join(map(chr, range(0x3400, min(0x3400 + n, 0xD800)))),
    "spaces": lambda n: "the" + " " * n + "the",
}


@pytest.mark.parametrize("nasty", NASTY.values(), ids=NASTY.keys())
def test_time_is_linear_in_the_text(nasty: Callable[[int], str]) -> None:
    assert is_linear(lambda text: terms_of(words_of(text)), nasty, 25_000)


def test_variants_stand_for_one_character() -> None:
    assert len(STANDS_FOR) > 4_000
    assert not STANDS_FOR.keys() & set(STANDS_FOR.values())
    characters = [chr(code) for code in {*STANDS_FOR, *STANDS_FOR.values()}]
    assert [c for c in characters if unicodedata.normalize("NFKC", c) != c] == []


def test_importing_loads_only_the_standard_library_and_the_table() -> None:
    """The command `search` runs once for each question."""
    code = "import sys; before = set(sys.modules); import indexer.words; print(*sorted(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names] == [
        "indexer",
        "indexer.han_variants",
        "indexer.words",
    ]


@pytest.mark.parametrize(
    ("query", "weights"),
    [
        ("640 million", {"640": 1, "_million_": 0.5, **dict.fromkeys("_mi mil ill lli lio ion on_".split(), 0.5 / 7)}),
        ("of 35", {"_of_": 1, "35": 1}),
        (
            "ban bank",
            {"_ban_": 0.5, "_bank_": 0.5, "_ba": 1 / 6, "ban": 1 / 6, "an_": 1 / 6, "ank": 1 / 8, "nk_": 1 / 8},
        ),
        ("経済", {"经": 0.25, "济": 0.25, "经济": 0.5}),
        ("40兆瓦", {"40": 1, "兆": 0.25, "瓦": 0.25, "兆瓦": 0.5}),
        ("금수", {"_금수_": 0.5, "금수": 0.5}),
        ("", {}),
    ],
)
def test_a_query_s_words_weigh_alike_however_many_terms_they_have(query: str, weights: dict[str, float]) -> None:
    """A piece of two words has the larger of its weights."""
    assert weights_of(words_of(query)) == pytest.approx(weights)
    assert set(weights_of(words_of(query))) == set(terms_of(words_of(query)))
