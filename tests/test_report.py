"""The report: its figures are the table's, its texts are shown as they are, and it fetches nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from lxml import html

from eval.comparison import compare
from eval.datasets import Dataset, JudgedQuery
from eval.errors import ResultError
from eval.measures import FIRST_HIT, MEASURES, PEER
from eval.report.charts import LABELS, STEPS, dots, heat_map, rank_counts
from eval.report.pages import report_html, report_markdown
from eval.results import Result, Results
from eval.table import table_of
from indexer.documents import Document

_LANGS = ("ar", "en", "ja", "zh")
_EVIL = "<script>alert(1)</script> & | *b*"
_TITLES = {"ar": "حظر التصدير", "en": _EVIL, "ja": "輸出規制", "zh": "出口禁令"}
_QUERIES = {"ar": "ما سبب الحظر؟", "en": "why the ban", "ja": "なぜ規制", "zh": _EVIL + " 禁令"}


def _dataset(name: str = "tiny") -> Dataset:
    """Four documents in each language; the first two of each are relevant to every query."""
    documents = [Document(f"{lang}{number}", "text", _TITLES[lang]) for lang in _LANGS for number in range(4)]
    queries = [JudgedQuery(f"q-{lang}", _QUERIES[lang], lang) for lang in _LANGS]
    grades = {f"{lang}{number}": 2 - number for lang in _LANGS for number in range(2)}
    return Dataset(
        name, documents, queries, {query.id: grades for query in queries}, {row.id: row.id[:2] for row in documents}
    )


_GOOD = [f"{lang}{number}" for number in range(4) for lang in _LANGS]
_BAD = ["en2", "en3", "en0", "zh2", "zh3", "ja2", "ja3", "ar2", "ar3", "zh0", "ar0", "en1"]


def _results(system: str, rankings: Mapping[str, Sequence[str]], dataset: Dataset | None = None) -> Results:
    dataset = dataset or _dataset()
    run = {query: [(document, -float(rank)) for rank, document in enumerate(own)] for query, own in rankings.items()}
    result = Result(dataset.name, table_of(dataset, rankings), run, {})
    settings: dict[str, Any] = {"system": system, "sources": {dataset.name: "<b>here</b>"}, "depth": 100}
    return Results(settings, {dataset.name: result})


def _two() -> tuple[Results, Results]:
    ids = [query.id for query in _dataset().queries]
    return _results("plain", dict.fromkeys(ids, _BAD)), _results("full", {**dict.fromkeys(ids, _GOOD), "q-en": _BAD})


def _texts() -> tuple[Any, Any, Any]:
    dataset = _dataset()
    return (
        {"tiny": {row.id: (row.title, dataset.document_langs[row.id]) for row in dataset.documents}},
        {"tiny": {query.id: query.text for query in dataset.queries}},
        {"tiny": dataset.qrels},
    )


def _rows(page: Any, kind: str) -> list[list[str]]:
    """The rows of the tables with a class, as the words in their cells."""
    rows = page.xpath(f"//table[contains(concat(' ', @class, ' '), ' {kind} ')]/tbody/tr")
    return [[" ".join(cell.text_content().split()) for cell in row.xpath("./th|./td")] for row in rows]


def _markdown_rows(text: str, heading: str) -> list[list[str]]:
    part = text.split(f"### {heading}", 1)[1].split("\n#", 1)[0]
    rows = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def _float(text: str) -> float:
    return float(text.replace("−", "-"))


def test_measures_are_those_of_the_tables() -> None:
    first, second = _two()
    rows = {row[0]: row for row in _rows(html.fromstring(report_html(first, second, *_texts())), "measures")}
    tables = [results.of["tiny"].table for results in (first, second)]
    for name, shown in {
        **{name: name for name in (*MEASURES, "RR same", "RR cross", PEER)}, FIRST_HIT: "first hit right"
    }.items():  # fmt: skip
        assert [_float(cell) for cell in rows[shown][2:4]] == [round(table.mean(name), 3) for table in tables], name
    gaps = [table.mean("RR same") - table.mean("RR cross") for table in tables]
    assert [_float(cell) for cell in rows["RR same − cross"][2:4]] == pytest.approx(gaps, abs=6e-4)
    for test in compare(first.of["tiny"], second.of["tiny"]).differences:
        difference, interval, p = rows[test.measure][4:]
        assert _float(difference) == pytest.approx(test.difference, abs=6e-4)
        assert [_float(end) for end in interval.split(" to ")] == pytest.approx([test.low, test.high], abs=6e-4)
        assert p.endswith("*") == test.significant
        assert _float(p.strip("*")) == pytest.approx(test.corrected, abs=6e-4)


def test_what_is_significant_is_marked() -> None:
    base = _dataset()
    queries = [JudgedQuery(f"q{number}", "ban", _LANGS[number % 4]) for number in range(20)]
    grades = base.qrels["q-en"]
    many = Dataset("tiny", base.documents, queries, {query.id: grades for query in queries}, base.document_langs)
    ids = [query.id for query in queries]
    first, second = (_results(name, dict.fromkeys(ids, run), many) for name, run in (("a", _BAD), ("b", _GOOD)))
    row = html.fromstring(report_html(first, second, {}, {})).xpath("//table[@class='measures']//tr[th='nDCG@10']")[0]
    assert row.get("class") == "significant"
    assert row.xpath(".//span[@aria-label='significant']/text()") == ["*"]
    assert r" \* |" in report_markdown(first, second, {}, {})


def test_heat_maps_have_a_cell_for_each_pair() -> None:
    first, second = _two()
    maps = html.fromstring(report_html(first, second, *_texts())).xpath("//table[@class='heat']")
    assert [table.xpath("string(caption)") for table in maps] == ["plain", "full", "full less plain"]
    for table, results in zip(maps, (first, second), strict=False):
        pairs = results.of["tiny"].table.pairs()
        shown = {
            (row.xpath("string(th)"), lang): cell
            for row in table.xpath("tbody/tr")
            for lang, cell in zip(table.xpath("thead//th/text()")[1:], row.xpath("td"), strict=True)
        }
        assert shown.keys() == pairs.keys() == {(query, found) for query in _LANGS for found in _LANGS}
        for pair, values in pairs.items():
            assert float(shown[pair].text) == pytest.approx(sum(values.values()) / len(values), abs=6e-4)
            assert shown[pair].get("title") == f"n = {len(values)}"
            assert shown[pair].get("class") == f"h{round(float(shown[pair].text) * STEPS)}"
    outcomes = compare(first.of["tiny"], second.of["tiny"]).pairs
    cells = maps[2].xpath("tbody/tr/td")
    assert [_float(cell.text) for cell in cells] == pytest.approx([pair.difference for pair in outcomes], abs=6e-4)
    assert {_float(cell.text) > 0 for cell in cells if cell.get("class") in ("d1", "d2", "d3", "d4")} == {True}


def test_every_step_of_colour_is_readable_in_light_and_dark() -> None:
    first, second = _two()
    style = report_html(first, second, {}, {}).split("<style>")[1].split("</style>")[0]
    light, dark = style.split("@media screen and (prefers-color-scheme: dark)")
    for part in (light, dark):
        found = re.findall(r"\.([hdc]-?\d) \{ background: (#\w{6}); color: (#\w{6})", part)
        assert len({name for name, _, _ in found}) == len(found) == STEPS + 1 + STEPS + 1 + 8
        for name, background, ink in found:
            assert _contrast(background, ink) >= 4.5, name


def _contrast(one: str, other: str) -> float:
    """WCAG 2.2's ratio."""

    def luminance(colour: str) -> float:
        parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_ranks_are_counted_in_bins() -> None:
    assert LABELS == ("1", "2", "3", "4–5", "6–10", "11–20", "21–100", "none")
    ranks = [1, 1, 2, 3, 4, 5, 6, 10, 11, 20, 21, 49, 93, 100, 101]
    assert rank_counts([*(1 / rank for rank in ranks), 0.0]) == [2, 1, 1, 2, 2, 2, 4, 2]


def test_histograms_show_the_counts_of_both() -> None:
    first, second = _two()
    drawn = html.fromstring(report_html(first, second, *_texts())).xpath("//svg[@class='histogram']")
    assert len(drawn) == 2
    rows = iter(_markdown_rows(report_markdown(first, second, *_texts()), "Rank of the first relevant document"))
    for picture, side in zip(drawn, ("same", "cross"), strict=True):
        counts = [rank_counts(results.of["tiny"].table.columns[f"RR {side}"].values()) for results in (first, second)]
        shown = [int(text) for text in picture.xpath(".//text[@class='count']/text()")]
        assert [shown[: len(LABELS)], shown[len(LABELS) :]] == counts
        assert [[int(cell) for cell in next(rows)[2:]] for _ in counts] == counts
        heights = [float(bar.get("height")) for bar in picture.xpath(".//rect")]
        assert max(heights) == heights[shown.index(max(shown))]
        assert picture.get("role") == "img"
        assert f"1: {counts[0][0]};" in picture.get("aria-label")


def test_shares_are_the_means_over_the_queries_of_a_language() -> None:
    first, second = _two()
    page = html.fromstring(report_html(first, second, *_texts()))
    table = first.of["tiny"].table
    row = _rows(page, "shares")[0]
    assert row[:2] == ["ar", "plain"]
    expected = [table.columns[f"top10:{lang}"]["q-ar"] * 100 for lang in _LANGS]
    assert [float(cell) for cell in row[-4:]] == pytest.approx(expected, abs=0.06)
    widths = re.findall(r"width: ([\d.]+)%", html.tostring(page.xpath("//div[@class='bar']")[0], encoding="unicode"))
    assert [float(width) for width in widths] == pytest.approx([share for share in expected if share], abs=0.06)


def test_each_query_has_a_dot_where_its_values_are() -> None:
    first, second = _two()
    found = {dot.query: dot for dot in dots(first.of["tiny"].table, second.of["tiny"].table, "nDCG@10")}
    drawn = html.fromstring(report_html(first, second, *_texts())).xpath("//use[starts-with(@class, 'dot')]")
    assert [float(mark.get("x")) for mark in drawn] == [dot.x for dot in found.values()]
    assert found["q-ar"].y < found["q-en"].y, "better is higher"
    assert found["q-en"].x + found["q-en"].y == 360, "the same in both lies on the diagonal"
    title = drawn[0].xpath("string(title)")
    assert title.startswith(_QUERIES["ar"])
    assert f"{found['q-ar'].first:.3f} → {found['q-ar'].second:.3f}" in title
    assert len({mark.get("class") for mark in drawn}) == len(_LANGS)


def test_changed_queries_show_both_rankings_with_what_is_relevant() -> None:
    first, second = _two()
    articles = html.fromstring(report_html(first, second, *_texts())).xpath("//article")
    assert len(articles) == 3, "the English query did not change"
    arabic = next(article for article in articles if "q-ar" in article.text_content())
    lists = arabic.xpath(".//ol")
    assert [[item.get("class") == "relevant" for item in own.xpath("li")] for own in lists] == [
        [False, False, True, False, False], [True] * 5
    ]  # fmt: skip
    assert lists[1].xpath("li[1]//span[@lang='ar'][@dir='auto']/text()") == [_TITLES["ar"]]
    query = arabic.xpath("h4/span")[0]
    assert (query.get("dir"), query.get("lang"), query.text) == ("auto", "ar", _QUERIES["ar"])


def test_titles_and_queries_cannot_become_markup_and_nothing_is_fetched() -> None:
    first, second = _two()
    for other in (second, None):
        text = report_html(first, other, *_texts())
        assert re.search(r"<script|src=|https?:|@import|url\(|<link|<img|<b>here", text) is None
        assert all(link.startswith("#") for link in html.fromstring(text).xpath("//@href"))
    assert _EVIL in html.fromstring(report_html(first, second, *_texts())).text_content()
    markdown = report_markdown(first, second, *_texts())
    assert "<script" not in markdown
    assert r"&lt;script&gt;alert(1)&lt;/script&gt; &amp; \| \*b\*" in markdown


def test_tables_and_pictures_have_names() -> None:
    first, second = _two()
    page = html.fromstring(report_html(first, second, *_texts()))
    assert page.xpath("//table[not(caption)]|//th[not(@scope)]|//svg[not(@role='img') and not(@aria-hidden)]") == []
    assert page.xpath("//svg[@role='img'][not(string(@aria-label))]") == []
    assert len(page.xpath("//@id")) == len(set(page.xpath("//@id")))


def test_ids_stand_where_the_texts_are_gone() -> None:
    first, second = _two()
    for documents, queries in (({}, {}), ({"tiny": {}}, {"tiny": {}}), ({"tiny": {"ar0": ("", "ar")}}, {})):
        page = html.fromstring(report_html(first, second, documents, queries))
        article = next(article for article in page.xpath("//article") if article.xpath("string(h4)").strip() == "q-ar")
        titles = article.xpath(".//li//span[contains(@class, 'words')]/text()")
        assert titles == [*_BAD[:5], *_GOOD[:5]]
        assert article.xpath(".//li[@class='relevant']") == []
        assert "is not known here" in page.text_content()
        markdown = report_markdown(first, second, documents, queries)
        assert "\u2068en2\u2069" in markdown
        assert "**\u2068q-ar\u2069**" in markdown


def test_markdown_has_the_same_figures() -> None:
    first, second = _two()
    page, markdown = html.fromstring(report_html(first, second, *_texts())), report_markdown(first, second, *_texts())
    measures = [[cell.replace(" \\*", "*") for cell in row] for row in _markdown_rows(markdown, "Measures")]
    assert measures == _rows(page, "measures")
    maps = [row for row in _markdown_rows(markdown, "RR by language") if row[0] in _LANGS]
    assert maps == _rows(page, "heat")
    assert _markdown_rows(markdown, "Better and worse by pair of languages, RR") == _rows(page, "pairs")
    assert _markdown_rows(markdown, "nDCG@10 of every query") == _rows(page, "moved")
    shares = [row[-4:] for row in _markdown_rows(markdown, "Languages in the first ten, in per cent")]
    assert shares == [row[-4:] for row in _rows(page, "shares")]
    for line in markdown.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")


def test_identical_runs_differ_in_nothing() -> None:
    first, _ = _two()
    page = html.fromstring(report_html(first, first, *_texts()))
    tested = [row for row in _rows(page, "measures") if row[-1] != "–"]
    assert len(tested) == 6
    assert {(row[4], row[5], row[6]) for row in tested} == {("0.000", "0.000 to 0.000", "1")}
    assert page.xpath("//article") == []
    assert "No query has another nDCG@10." in page.text_content()
    assert "No query has another nDCG@10." in report_markdown(first, first, *_texts())
    assert "plain (1)" in page.xpath("string(//h1)"), "told apart though they are called the same"


def test_one_result_alone_has_nothing_to_compare() -> None:
    first, _ = _two()
    text = report_html(first, None, *_texts())
    page = html.fromstring(text)
    assert len(page.xpath("//table[@class='heat']")) == 1
    assert page.xpath("//article|//figure[@class='scatter']|//table[@class='pairs']") == []
    assert "difference" not in page.xpath("string(//main)")
    assert "difference" not in report_markdown(first, None, *_texts())


def test_settings_are_shown_whole() -> None:
    first, second = _two()
    for details, system in zip(html.fromstring(report_html(first, second, {}, {})).xpath("//details"),
                               ("plain", "full"), strict=True):  # fmt: skip
        assert details.xpath("string(summary)") == system
        assert details.xpath("dl/dt/text()") == ["system", "sources", "depth"]
        assert '"tiny": "<b>here</b>"' in details.xpath("string(dl/dd/pre)")


def test_only_datasets_of_both_are_shown_and_none_is_an_error() -> None:
    first, second = _two()
    other = _results("plain", {"q-en": _GOOD}, _dataset("other"))
    both = Results(first.settings, {**other.of, **first.of})
    page = html.fromstring(report_html(both, second, {}, {}))
    assert page.xpath("//main//h2/text()") == ["tiny", "Settings and versions"]
    assert "has results for it: other." in page.text_content()
    assert html.fromstring(report_html(both, None, {}, {})).xpath("//main//h2/text()")[:2] == ["other", "tiny"]
    with pytest.raises(ResultError, match="no dataset in common"):
        report_html(other, second, {}, {})


def test_a_measure_that_no_query_has_is_left_out() -> None:
    """One query with relevant documents in its own language alone."""
    dataset = Dataset(
        "alone", [Document("en0", "text")], [JudgedQuery("q", "ban", "en")], {"q": {"en0": 1}}, {"en0": "en"}
    )
    results = _results("plain", {"q": []}, dataset)
    rows = [row[0] for row in _rows(html.fromstring(report_html(results, results, {}, {})), "measures")]
    assert "RR same" in rows
    assert not {"RR cross", "RR same − cross", PEER} & set(rows)
    assert heat_map("", results.of["alone"].table).cells["en", "en"].step == 0
    assert "| en | 0.000 |" in report_markdown(results, None, {}, {})
