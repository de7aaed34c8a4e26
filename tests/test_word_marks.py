"""What is highlighted, written out by hand for each script; spans that hold for any text; time linear in the text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings

from indexer.words import words_of
from search_api.word_marks import matching_spans
from tests.test_words import ANY, NASTY
from tests.timing import is_linear


def marked(text: str, query: str) -> str:
    """The text with its matching spans in brackets."""
    out, at = "", 0
    for start, end in matching_spans(text, words_of(query)):
        out, at = f"{out}{text[at:start]}[{text[start:end]}]", end
    return out + text[at:]


SPANS: list[tuple[str, str]] = [
    ("rare earth export ban", "The [export] of [rare] [earths] is under a [ban]; the banner"),
    ("export", "[export] [exports] [exported] [exporting] [Exporters]; report, expert, port, explore"),
    ("the", "[the] then them other [The]"),
    ("national country economy", "a [nation], [countries], [economic]; notion, court, eco"),
    ("Austria", "[Austria] and [Austrian], not Australia"),
    ("is it of to", "it is of [IS], [IT] and to"),
    ("EU sanctions", "the [EU] and its [sanctions]; eu, sanctity"),
    ("what is the ban that the eu and kim told", "The [EU] [told] [Kim] [that] the ban is so. Kim, [Kim]. [KIM]. The"),
    ("the ban and kim", "[The] [ban] [and] [kim]"),
    ("F-35 in 2024", "an F-[35] in [2024], not 350"),
    ("1200", "[1,200] or [١٬٢٠٠] or 12000"),
    ("Haddad", "[Haddad]'s and [HADDAD]"),
    ("cafe", "un [café]"),
    ("a", "[a] b [A]"),
    ("معادن", "[والمعادن] [بالمعادن] [معادنها] معان"),
    ("الدول", "[الدول] [والدول] [دول] الدور والدور"),
    ("نفط", "[النفط] [والنفط] نفق في"),
    ("הממשלה", "[הממשלה] [בממשלה] [וממשלה]"),
    ("экспорт", "[экспорта] и [Экспортом], эксперт"),
    ("정부 수출", "[정부는] [수출을] [정부에서는] 정치"),
    ("정부는 결정", "[정부가] [결정]"),
    ("돈 집", "돈 집"),
    ("돈", "[돈] 돈을"),
    ("中国", "[中國]限制[中国]，中，国，中、国"),
    ("水", "[水]道と[水]"),
    ("水 火", "水と火"),
    ("稀土出口", "[稀土]的[出口]，稀有，出，口"),
    ("日本の経済", "山本の[経済]、[日本の]輸出、の経、[日本]"),
    ("レアアースの輸出を規制している", "[レアアースの輸出]は[規制]中。報道している"),
    ("レアアース", "ニュース、ケース、[レアアース]磁石、[レアアース]マグネット"),
    ("インド オーストラリア コンピューター", "インドネシアと[インド]、オーストリア、[コンピュータ]"),
    ("ハーレム中の人", "その後[ハーレム]は"),
    ("190億ドルの予算", "[190億ドルの予算]"),
    ("すし", "お[すし]を"),
    ("ありがとう", "[ありがとう]。ありません"),
    ("米ドル高", "[米ドル]、米ドア"),
    ("アース線", "[アース線]、リース線"),
    ("食べる人", "中国で[食べる]、[食べる人]"),
    ("中国では食べる", "米国では[食べる]、[中国では]"),
    ("ประกาศห้าม", "รัฐบาลไทย[ประกาศห้าม]ส่งออก ประตู"),
    ("กิน", "[กิน]"),
    ("", "nothing 何も"),
    ("?!", "nothing?!"),
]


@pytest.mark.parametrize(("query", "expected"), SPANS)
def test_what_is_highlighted(query: str, expected: str) -> None:
    assert marked(expected.replace("[", "").replace("]", ""), query) == expected


@settings(deadline=None, max_examples=400)
@given(ANY, ANY)
def test_spans_are_ascending_and_apart(text: str, query: str) -> None:
    at = -1
    for start, end in matching_spans(text, words_of(query)):
        assert at < start < end <= len(text)
        at = end


@settings(deadline=None, max_examples=300)
@given(ANY)
def test_every_word_is_found_by_itself(text: str) -> None:
    for word in words_of(text):
        assert any(start <= word.start and word.end <= end for start, end in matching_spans(text, [word]))


NASTY_QUERY = words_of("ハレアアースしている 山本の abcdiiiiii the bank of a a1 1 והמים والبالي กำกำกำ 字字 株式")


@pytest.mark.parametrize("nasty", NASTY.values(), ids=NASTY.keys())
def test_time_is_linear_in_the_text(nasty: Callable[[int], str]) -> None:
    assert is_linear(lambda text: matching_spans(text, NASTY_QUERY), nasty, 25_000)
