"""Hits on a terminal: no line wider than it is, nothing lost, no line begun or ended by a mark that may not be there,
right-to-left text isolated, control characters of documents harmless, the best sentence marked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from search_api.bidi import direction_of, isolated
from search_api.hit_fields import HitFields, MarkFields, TellingFields
from search_api.line_breaking import clip, clip_start, wrap
from search_api.terminal import lines_of, marked_snippet, question_line

RTL, LTR, POP = "\u2067", "\u2066", "\u2069"
INDENT = " " * 10
STYLES = re.compile(r"\x1b\[[012]m")


def hit(
    before: str = "Before. ",
    sentence: str = "The ban holds.",
    after: str = " After.",
    lang: str = "en",
    title: str = "A title",
    document_id: str = "docs/a.txt",
    source: str = "Reuters",
    date: str = "2024-05-06",
    words: Sequence[MarkFields] = (),
    weak: bool = False,
    also_in: Sequence[TellingFields] = (),
    explanation: Mapping[str, float] | None = None,
    page: int | None = None,
) -> HitFields:
    start, end = len(before), len(before) + len(sentence)
    made = HitFields(
        rank=3,
        score=0.456,
        weak=weak,
        document_id=document_id,
        passage_id=1,
        lang=lang,
        title=title,
        source=source,
        date=date,
        url="https://e.example/a",
        snippet=before + sentence + after,
        highlights=[MarkFields(start=start, end=end, kind="sentence"), *words],
        start=0,
        end=end,
        sentence={"start": start, "end": end},
        also_in=list(also_in),
    )
    if page is not None:
        made["page"] = page
    if explanation is not None:
        made["explanation"] = dict(explanation)
    return made


def telling(document_id: str, lang: str, title: str) -> TellingFields:
    return TellingFields(document_id=document_id, lang=lang, title=title)


def plain(lines: Sequence[str]) -> list[str]:
    """What is seen: without styles and isolates."""
    return [re.sub(f"[{RTL}{LTR}{POP}]", "", STYLES.sub("", line)) for line in lines]


def snippet_of(lines: Sequence[str], width: int) -> list[str]:
    """The lines behind the heading, of a hit without other tellings."""
    return list(lines[2 if width >= 40 else 4 :])


def squeezed(text: str) -> str:
    return "".join(text.split())


# Lines of a hit


def test_a_hit_is_its_rank_score_language_title_then_date_source_id_then_the_snippet() -> None:
    assert lines_of(hit(), 80, color=False) == [
        " 3  0.46  en  A title",
        "    2024-05-06 · Reuters · docs/a.txt",
        f"{INDENT}Before. ⟦The ban holds.⟧ After.",
    ]
    assert lines_of(hit(page=12), 80, color=False)[1] == "    2024-05-06 · Reuters · docs/a.txt · page 12"


def test_what_is_not_known_is_left_out() -> None:
    lines = plain(lines_of(hit(source="", date="", title=""), 80, color=False))
    assert lines[:2] == [" 3  0.46  en  docs/a.txt", "    docs/a.txt"]


def test_with_colours_the_title_and_the_sentence_are_bold_and_the_rest_of_the_head_is_dim() -> None:
    assert lines_of(hit(), 80, color=True) == [
        " 3  0.46  en  \x1b[1mA title\x1b[0m",
        "    \x1b[2m2024-05-06 · Reuters · docs/a.txt\x1b[0m",
        f"{INDENT}Before. \x1b[1mThe ban holds.\x1b[0m After.",
    ]


def test_a_weak_hit_has_a_question_mark_behind_its_score() -> None:
    strong, weak = (lines_of(hit(weak=is_weak), 80, color=False) for is_weak in (False, True))
    assert weak[0] == " 3  0.46? en  A title"
    assert weak[1:] == strong[1:]


def test_a_score_below_zero_moves_nothing() -> None:
    below = hit()
    below["score"] = -0.05
    assert lines_of(below, 80, color=False)[0] == " 3 -0.05  en  A title"


def test_words_of_the_question_bring_no_marks_of_their_own() -> None:
    words = [MarkFields(start=0, end=6, kind="word"), MarkFields(start=12, end=15, kind="word")]
    for color in (False, True):
        assert lines_of(hit(words=words), 80, color) == lines_of(hit(), 80, color)


TELLINGS = [telling("docs/ar.txt", "ar", "حظر التصدير"), telling("docs/zh.txt", "zh", "禁令"), telling("b", "en", "")]


def test_other_tellings_are_a_line_each_with_language_and_title() -> None:
    told = lines_of(hit(also_in=TELLINGS), 80, color=False)
    assert told[:-3] == lines_of(hit(), 80, color=False)
    assert told[-3:] == [f"    also in ar  {RTL}حظر التصدير{POP}", "    also in zh  禁令", "    also in en  b"]
    assert lines_of(hit(also_in=TELLINGS), 80, color=True)[-2] == "    \x1b[2malso in zh  禁令\x1b[0m"


EXPLANATION = {"passage": 0.5, "sentence": 0.25, "generic": -0.125, "evidence": 1 / 3, "quoted": 0.0}


def test_an_explanation_is_each_stage_with_what_it_contributed() -> None:
    lines = lines_of(hit(explanation=EXPLANATION), 80, color=False)
    assert lines[:-1] == lines_of(hit(), 80, color=False)
    assert lines[-1] == "    passage 0.500  sentence 0.250  generic -0.125  evidence 0.333  quoted 0.000"
    dim = lines_of(hit(explanation=EXPLANATION), 80, color=True)[-1]
    assert dim == f"    \x1b[2m{lines[-1].strip()}\x1b[0m"


@pytest.mark.parametrize("color", [False, True], ids=["plain", "colours"])
@pytest.mark.parametrize("width", [30, 40, 57, 80, 110])
def test_tellings_and_explanations_are_no_wider_than_the_terminal(width: int, color: bool) -> None:
    long = [telling("x", lang, 20 * title) for lang, title in (("en", "title "), ("ar", "حظر "), ("ja", "禁輸"))]
    lines = plain(lines_of(hit(also_in=long, explanation=EXPLANATION), width, color))
    assert max(map(cell_len, lines)) <= width
    assert [line[4:14] for line in lines if "also in" in line] == ["also in en", "also in ar", "also in ja"]
    assert squeezed("".join(lines)).endswith("passage0.500sentence0.250generic-0.125evidence0.333quoted0.000")


def test_the_marks_are_around_exactly_the_sentence() -> None:
    assert marked_snippet(hit("前。", "核心句。", "後。"), color=False) == "前。⟦核心句。⟧後。"
    assert marked_snippet(hit("", "Alone.", ""), color=False) == "⟦Alone.⟧"
    assert marked_snippet(hit("前。", "核心句。", "後。"), color=True) == "前。\x1b[1m核心句。\x1b[0m後。"


TEXTS = {
    "en": ("The ministry met on Monday. ", "It banned exports of rare earths, officials said. ", "Prices then rose. "),
    "ar": ("اجتمعت الوزارة يوم الاثنين. ", "وقررت حظر تصدير المعادن النادرة، بحسب مسؤولين. ", "ثم ارتفعت الأسعار. "),
    "ja": ("経済産業省は会議を開いた。", "「輸出を、禁止する。」と担当者は述べた。", "価格は上がった。"),
    "zh": ("商务部昨天开会。", "官员说：“将禁止稀土出口，并加强管制。”", "价格随后上涨。"),
}


@pytest.mark.parametrize("color", [False, True], ids=["plain", "colours"])
@pytest.mark.parametrize("width", [30, 40, 57, 80, 110])
@pytest.mark.parametrize("lang", sorted(TEXTS))
def test_no_line_of_a_hit_is_wider_than_the_terminal_and_nothing_is_lost(lang: str, width: int, color: bool) -> None:
    before, sentence, after = (part * 2 for part in TEXTS[lang])
    sentence = sentence.rstrip()
    lines = lines_of(hit(before, sentence, after, lang, title=before * 3), width, color)
    seen = plain(lines)
    assert max(map(cell_len, seen)) <= width
    seen = snippet_of(seen, width)
    assert all(line.startswith(INDENT) for line in seen)
    assert not any(line.lstrip().startswith("⟧") or line.endswith("⟦") for line in seen)
    marks = ("", "") if color else ("⟦", "⟧")
    assert squeezed("".join(seen)) == squeezed(before + marks[0] + sentence + marks[1] + after)


@pytest.mark.parametrize("width", range(24, 41))
@pytest.mark.parametrize("lang", sorted(TEXTS))
def test_with_colours_exactly_the_sentence_is_bold_on_every_line_that_it_is_on(lang: str, width: int) -> None:
    before, sentence, after = (part * 2 for part in TEXTS[lang])
    sentence = sentence.rstrip()
    lines = snippet_of(lines_of(hit(before, sentence, after, lang), width, color=True), width)
    bold = ""
    for line in lines:
        assert line.startswith((INDENT if width >= 30 else "  ") + (RTL if lang == "ar" else ""))
        assert line.endswith(POP) == (lang == "ar")
        parts = re.findall("\x1b\\[1m(.*?)\x1b\\[0m", line)
        assert line.count("\x1b") == 2 * len(parts)  # what begins on a line ends on it
        assert all(parts)
        bold += "".join(parts)
    assert sum("\x1b" in line for line in lines) > 1
    assert squeezed(bold) == squeezed(sentence)


@pytest.mark.parametrize("lang", ["ar", "fa", "ur", "he"])
def test_every_line_of_right_to_left_text_is_isolated(lang: str) -> None:
    before, sentence, after = TEXTS["ar"]
    lines = lines_of(hit(before * 3, sentence, after * 3, lang, title="حظر التصدير (2024)"), 50, color=False)
    assert lines[0] == f" 3  0.46  {lang}  {RTL}حظر التصدير (2024){POP}"
    assert len(lines) > 5
    for line in lines[2:]:
        assert line.startswith(INDENT + RTL)
        assert line.endswith(POP)
        assert (line.count(RTL), line.count(POP)) == (1, 1)


@pytest.mark.parametrize(
    ("text", "lang", "direction"),
    [
        ("text", "en", ""),
        ("日本語", "ja", ""),
        ("A ban (2024)", "ar", ""),
        ("حظر التصدير (2024)", "ar", "rtl"),
        ("COP28: قمة المناخ في دبي", "ar", "rtl"),
        ("شركة Apple Computer International", "ar", "rtl"),
        ("شركة Apple Computer International", "en", "ltr"),
        ("The word حظر means ban", "en", "ltr"),
        ("שלום", "und", "rtl"),
        ("2024-05-06", "", ""),
    ],
)
def test_text_is_isolated_in_the_direction_in_which_it_reads(text: str, lang: str, direction: str) -> None:
    assert direction_of(text, lang) == direction
    begins = {"rtl": RTL, "ltr": LTR, "": ""}[direction]
    assert isolated(text, direction) == f"{begins}{text}{POP if direction else ''}"
    assert lines_of(hit(title=text, lang=lang), 110, color=False)[0].endswith(isolated(text, direction))


def test_date_source_and_id_do_not_turn_each_other_around() -> None:
    line = lines_of(hit(source="وكالة الأنباء", document_id="ملفات/خبر 1.txt", page=3), 80, color=False)[1]
    assert line == f"    2024-05-06 · {RTL}وكالة الأنباء{POP} · {RTL}ملفات/خبر 1.txt{POP} · page 3"


def test_a_question_above_its_hits_is_isolated_and_clipped() -> None:
    assert question_line("حظر التصدير", 80) == f"── {RTL}حظر التصدير{POP}"
    assert question_line("rare \x1b[2Jearths", 80) == "── rare  [2Jearths"
    assert cell_len(question_line("稀土" * 60, 40)) <= 40


def test_on_a_narrow_terminal_title_and_id_have_lines_of_their_own() -> None:
    assert lines_of(hit(page=2), 30, color=False)[:4] == [
        " 3  0.46  en",
        "  A title",
        "    2024-05-06 · Reuters · pa…",
        "    docs/a.txt",
    ]


def test_of_a_long_id_the_end_is_kept_and_the_page_is_told() -> None:
    line = lines_of(hit(document_id="reports/" * 20 + "2024/final.pdf", page=12), 60, color=False)[1]
    assert line.endswith("reports/2024/final.pdf · page 12")
    assert line.startswith("    2024-05-06 · Reuters · …")
    assert 58 <= cell_len(line) <= 60


def test_a_title_leads_to_an_address_where_there_is_one() -> None:
    line = lines_of(hit(), 80, color=True, link="https://e.example/a")[0]
    assert line == " 3  0.46  en  \x1b]8;;https://e.example/a\x1b\\\x1b[1mA title\x1b[0m\x1b]8;;\x1b\\"


def test_the_line_of_date_source_and_id_is_no_wider_than_the_terminal() -> None:
    for long in (hit(document_id="folder/" * 30 + "a.txt"), hit(source="通信社" * 30), hit(date="x" * 200)):
        for color in (False, True):
            lines = lines_of(long, 60, color)
            assert cell_len(STYLES.sub("", lines[1])) <= 60
            assert plain(lines)[1].startswith(f"    {long['date'][:10]}")


def test_a_very_narrow_terminal_still_shows_the_snippet() -> None:
    for width in (4, 10, 11, 12, 13):
        lines = lines_of(hit("前。", "核心の文。", "後。", "ja"), width, color=False)
        assert squeezed("".join(plain(lines))).endswith("前。⟦核心の文。⟧後。")


# What documents may not do to a terminal

HOSTILE = {
    "clear the screen": "\x1b[2J\x1b[H",
    "set the title": "\x1b]0;owned\x07",
    "colours": "\x1b[31mred\x1b[0m",
    "8-bit CSI": "\x9b2J",
    "bell, backspace, delete": "\x07\x08\x7f",
    "carriage return": "\rgone",
    "NUL": "\x00",
    "override": "\u202egnp.exe\u202c",
    "isolates": "\u2067\u2069\u2069\u2068",
    "marks": "\u200f\u200e\u061c",
}
FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize("color", [False, True], ids=["plain", "colours"])
@pytest.mark.parametrize("field", ["before", "sentence", "after", "title", "document_id", "source", "date"])
@pytest.mark.parametrize("bad", HOSTILE.values(), ids=HOSTILE.keys())
def test_control_characters_of_documents_do_not_reach_the_terminal(bad: str, field: str, color: bool) -> None:
    fields: dict[str, Any] = {
        "title": "Ti",
        "document_id": "id",
        "source": "So",
        "date": "Da",
        "before": "Be. ",
        "sentence": "Se.",
        "after": " Af.",
    }
    fields[field] = f"ab{bad}cd"
    lines = plain(lines_of(hit(**fields), 80, color))  # its own styles and isolates taken out
    assert not FORBIDDEN.search("".join(lines))
    text = "".join(lines)
    assert text.index("ab") < text.index("cd")


@pytest.mark.parametrize("bad", HOSTILE.values(), ids=HOSTILE.keys())
def test_control_characters_of_an_id_do_not_reach_the_terminal_where_the_title_is_empty(bad: str) -> None:
    for title in ("", "\u200f"):
        lines = lines_of(hit(title=title, document_id=f"ab{bad}cd"), 80, color=False)
        assert not FORBIDDEN.search("".join(plain(lines)))


@pytest.mark.parametrize("color", [False, True], ids=["plain", "colours"])
@pytest.mark.parametrize("bad", HOSTILE.values(), ids=HOSTILE.keys())
def test_control_characters_of_other_tellings_do_not_reach_the_terminal(bad: str, color: bool) -> None:
    for other in (telling("id", "en", f"ab{bad}cd"), telling(f"ab{bad}cd", "ar", "")):
        lines = plain(lines_of(hit(also_in=[other]), 80, color))
        assert not FORBIDDEN.search("".join(lines))
        assert lines[-1].index("ab") < lines[-1].index("cd")


def test_isolates_of_documents_do_not_leave_a_line_open() -> None:
    for lang in ("en", "ar"):
        for line in lines_of(hit("\u2067\u202e", "ab", "\u2067", lang, title="\u2066\u2066x"), 80, color=False):
            assert line.count(RTL) == line.count(POP) <= 1
            assert not re.search("[\u2066\u2068\u202a-\u202e]", line)


# Clipping


def test_clip_start_keeps_the_end() -> None:
    assert clip_start("abcdef", 6) == "abcdef"
    assert clip_start("abcdef", 5) == "…cdef"
    assert clip_start("日本語の題", 8) == "…語の題"
    assert clip_start("abc", 1) == "…"


def test_clip_keeps_what_fits_and_ends_the_rest_with_an_ellipsis() -> None:
    assert clip("abcdef", 6) == "abcdef"
    assert clip("abcdef", 5) == "abcd…"
    assert clip("abc def", 5) == "abc…"
    assert clip("日本語の題", 10) == "日本語の題"
    assert clip("日本語の題", 9) == "日本語の…"
    assert clip("日本語の題", 8) == "日本語…"  # the fourth would be half over


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=40), st.integers(1, 30))
def test_clip_is_never_wider(text: str, width: int) -> None:
    clipped = clip(text, width)
    assert cell_len(clipped) <= width
    assert clipped == text or text.startswith(clipped.removesuffix("…"))


# Wrapping


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 8, ["one two", "three"]),
        ("abcdefgh ij", 4, ["abcd", "efgh", "ij"]),
        ("abcd ef", 4, ["abcd", "ef"]),
        ("abcdef gh", 4, ["abcd", "ef", "gh"]),
        ("日本語の文", 4, ["日本", "語の", "文"]),
        ("日本語の文", 5, ["日本", "語の", "文"]),
        ("日本語。次", 6, ["日本", "語。次"]),
        ("日本「語」", 6, ["日本", "「語」"]),
        ("しゃっく", 6, ["しゃっ", "く"]),
        ("日本語abc", 6, ["日本語", "abc"]),
        ("日本 abc", 5, ["日本", "abc"]),
        ("前。⟦核心。⟧後。", 9, ["前。⟦核", "心。⟧後。"]),
        ("前文⟦核心⟧後文", 6, ["前文", "⟦核心⟧", "後文"]),
        ("前文核心⟧後", 8, ["前文核", "心⟧後"]),
        ("前文\x1b[1m核心\x1b[0m後文", 12, ["前文\x1b[1m核心\x1b[0m後文"]),
        ("前文\x1b[1m核心\x1b[0m後文", 8, ["前文\x1b[1m核心\x1b[0m", "後文"]),
        ("前文\x1b[1m核心\x1b[0m後文", 4, ["前文", "\x1b[1m核心\x1b[0m", "後文"]),
        ("価格は２０％上昇", 10, ["価格は２", "０％上昇"]),
        ("二ヶ月〜続く", 6, ["二ヶ", "月〜続", "く"]),
        ("他说：〔注〕后", 6, ["他说：", "〔注〕", "后"]),
        ("𠮷野家𠮷野家", 6, ["𠮷野家", "𠮷野家"]),
        ("   ", 2, []),
        ("      a", 4, ["a"]),
        ("字   字", 2, ["字", "字"]),
        ("a bc      d", 6, ["a bc", "d"]),
        ("", 10, []),
        ("  ", 10, []),
        ("🎉🎉🎉", 4, ["🎉🎉", "🎉"]),
    ],
)
def test_wrap(text: str, width: int, expected: list[str]) -> None:
    assert wrap(text, width) == expected


PIECES = [
    *(
        "日本語",
        "「引用」",
        "です。",
        "そして、",
        "（注）",
        "『本』",
        "キャッチ",
        "他说：“走吧。”",
        "出口管制，",
        "真的吗？",
        "《书》",
    ),
    *(
        "word ",
        "ban, ",
        "(note) ",
        "end. ",
        "x" * 9,
        "أعلنت ",
        "الوزارة، ",
        "🎉",
        "e\u0301",
        " ",
        "한국어 ",
        "…",
        "3.5% ",
    ),
]
WRAPPED = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@settings(deadline=None, max_examples=300)
@given(st.one_of(WRAPPED, st.text(max_size=80)), st.integers(2, 40))
def test_wrap_is_never_wider_and_loses_nothing_but_white_space(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert max(map(cell_len, lines), default=0) <= width
    assert squeezed("".join(lines)) == squeezed(text)
    assert all(line.strip() for line in lines)


NOT_FIRST, NOT_LAST = "。、，！？」』）》”", "「『（《“"
MARKED = [piece for piece in PIECES if piece not in (" ", "…", "x" * 9)]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(MARKED), max_size=30).map("".join), st.integers(12, 40))
def test_no_line_begins_with_a_closing_mark_or_ends_with_an_opening_one(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert [line for line in lines if line[0] in NOT_FIRST or line[-1] in NOT_LAST] == []


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(MARKED), min_size=1, max_size=20), st.integers(12, 40))
def test_a_line_is_filled_as_far_as_words_allow(words: list[str], width: int) -> None:
    """No line could have taken the whole next line too."""
    lines = wrap(" ".join(word.strip() for word in words), width)
    for line, following in pairwise(lines):
        assert cell_len(line) + 1 + cell_len(following) > width
