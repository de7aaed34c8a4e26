"""Markdown and HTML: the very text that a reader sees, and the title, language, date and source that it says."""

from __future__ import annotations

import io
from typing import NamedTuple

import pytest

from indexer.documents import Document
from indexer.errors import DocumentError
from indexer.reading.formats import read_source
from indexer.reading.source import Context, Source


class Page(NamedTuple):
    """What a file gives."""

    text: str
    title: str = ""
    lang: str = ""
    date: str = ""
    source: str = ""
    url: str = ""


def page_of(text: str, suffix: str) -> Page:
    data = text.encode()
    found, *_ = read_source(Source("name", io.BytesIO(data), len(data), suffix), Context(lambda _: iter(())))
    assert isinstance(found, Document)
    return Page(found.text, found.title, found.lang or "", found.date, found.source, found.url)


def markdown_document(text: str) -> Page:
    return page_of(text, ".md")


def html_document(text: str) -> Page:
    return page_of(text, ".html")


# Markdown


def text_of(markdown: str) -> str:
    return markdown_document(markdown).text


def test_front_matter_gives_the_fields_and_is_no_part_of_the_text() -> None:
    markdown = (
        '---\ntitle: "Rare: earths"\nLang: ja\ndate: 2024-05-06\nsource: NHK\n'
        "url: https://e.example/a\ntags: [x]\n---\n\n# Another heading\n\nBody.\n"
    )
    assert markdown_document(markdown) == Page(
        text="Another heading\n\nBody.",
        title="Rare: earths",
        lang="ja",
        date="2024-05-06",
        source="NHK",
        url="https://e.example/a",
    )


def test_front_matter_may_say_language_in_full() -> None:
    assert markdown_document("---\nlanguage: 'ar'\n---\nنص").lang == "ar"


def test_lines_between_rules_in_the_text_are_no_front_matter() -> None:
    page = markdown_document("First.\n\n---\n\ntitle: x\n\n---\n\nLast.")
    assert page == Page(text="First.\n\ntitle: x\n\nLast.", title="First.")


def test_front_matter_without_an_end_is_text() -> None:
    assert markdown_document("---\ntitle: x\n\nBody.") == Page(text="title: x\n\nBody.", title="title: x")


def test_headings_and_paragraphs_are_lines_of_their_own() -> None:
    markdown = "# One *two* `three`\nParagraph\ngoes on.\n\nNext.\n## Sub\nSetext\n======\n"
    page = markdown_document(markdown)
    assert page.text.split("\n") == ["One two three", "", "Paragraph goes on.", "", "Next.", "", "Sub", "", "Setext"]
    assert page.title == "One two three"


def test_the_title_is_the_first_heading_of_any_level() -> None:
    assert markdown_document("Before.\n\n### Low *heading*\n\n# High").title == "Low heading"
    assert markdown_document("No heading.").title == "No heading."


def test_links_and_images_leave_their_text_and_no_target() -> None:
    markdown = "See [the **whole** report](https://e.example/a 'x') and ![a chart](c.png), [ref][1].\n\n[1]: https://e.example/b"
    assert text_of(markdown) == "See the whole report and a chart, ref."


def test_an_address_in_angle_brackets_and_entities_are_text() -> None:
    assert text_of("<https://e.example/a> &amp; &copy; \\*star\\*") == "https://e.example/a & © *star*"


def test_list_items_are_lines_with_a_dash() -> None:
    markdown = "- one\n- two\n  goes on\n  - nested *one*\n\n1. first\n2. second\n\nAfter."
    assert text_of(markdown).split("\n") == [
        "- one",
        "- two goes on",
        "- nested one",
        "",
        "- first",
        "- second",
        "",
        "After.",
    ]


def test_only_the_first_paragraph_of_an_item_has_the_dash() -> None:
    assert text_of("- one\n\n  more of one\n- two").split("\n") == ["- one", "more of one", "- two"]


def test_code_keeps_its_lines() -> None:
    assert text_of("Run:\n\n```sh\nmake  test\n# done\n```\n\nor\n\n    make demo\n").split("\n") == [
        "Run:",
        "",
        "make  test",
        "# done",
        "or",
        "",
        "make demo",
    ]


def test_a_row_of_a_table_is_a_line() -> None:
    markdown = "Before.\n\n| Metal | Use |\n|---|---|\n| Gallium | *chips* |\n| Ge | optics |\n\nAfter."
    lines = [line for line in text_of(markdown).split("\n") if line]
    assert lines == ["Before.", "Metal Use", "Gallium chips", "Ge optics", "After."]


def test_quotes_are_text() -> None:
    assert text_of("> Said one.\n> Said two.") == "Said one. Said two."


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("日本語の\n改行は\n続く。", "日本語の改行は続く。"),
        ("中文，\n换行", "中文，换行"),
        ("「引用」\nと言った。", "「引用」と言った。"),
        ("日本語\nABC\n続く。", "日本語 ABC 続く。"),
        ("English\nwraps", "English wraps"),
        ("نص\nعربي", "نص عربي"),
        ("한국어\n줄", "한국어 줄"),
        ("hard  \nbreak\\\nhere", "hard break here"),
    ],
)
def test_a_line_break_is_a_space_only_where_the_script_has_spaces(markdown: str, expected: str) -> None:
    assert text_of(markdown) == expected


def test_an_html_line_break_parts_words() -> None:
    assert text_of("one<br>two<br/>\nthree <b>bold</b> x<sub>2</sub>") == "one two three bold x2"


def test_html_comments_and_scripts_are_no_text() -> None:
    markdown = "A <!-- hidden --> b.\n\n<!-- block -->\n\n<script>\nvar x = 1;\n</script>\n\nC."
    assert text_of(markdown).split() == ["A", "b.", "C."]


def test_the_text_of_html_blocks_is_kept() -> None:
    assert "Wichtig: bitte lesen." in text_of('# H\n\n<p align="center">Wichtig: <b>bitte</b> lesen.</p>\n\nText.')


@pytest.mark.parametrize("markdown", ["", "\n\n", "---\n", "<!-- x -->"])
def test_markdown_without_text_is_an_error(markdown: str) -> None:
    with pytest.raises(DocumentError, match=r"empty|no text found in the Markdown"):
        markdown_document(markdown)


# HTML

ENGLISH = (
    "The ministry announced on Monday that exports of rare earths will need a licence from next month.",
    "Companies in the region said that they had expected the decision for a long time and were ready.",
    "Analysts think that prices will rise in the short term, but that new mines will open within years.",
    "A spokesman for the ministry said that the measure was in line with international practice.",
)
ARABIC = (
    "أعلنت الوزارة يوم الاثنين أن تصدير المعادن النادرة سيحتاج إلى ترخيص ابتداء من الشهر المقبل.",
    "وقالت الشركات في المنطقة إنها كانت تتوقع القرار منذ وقت طويل وإنها مستعدة له.",
    "ويرى محللون أن الأسعار سترتفع على المدى القصير، غير أن مناجم جديدة ستفتح خلال سنوات.",
    "وقال متحدث باسم الوزارة إن الإجراء يتماشى مع الممارسات الدولية المعمول بها.",
)
JAPANESE = (
    "経済産業省は十日、半導体の製造装置の輸出規制を強化すると発表した。対象となるのは先端的な製造装置と、その部品である。",
    "企業からは、供給が滞ることへの懸念の声が上がっている。専門家は、価格が短期的に上昇すると見ている。",
    "同省の担当者は「国際的な枠組みに沿った措置だ。」と述べた。新しい規制は来月から施行される見通しである。",
    "一方、業界団体は声明を出し、手続きを簡素にするよう政府に求めた。影響は広い範囲に及ぶ可能性がある。",
)


def page(paragraphs: tuple[str, ...], heading: str, lang: str) -> str:
    links = "".join(f"<li><a href='/{name}'>MENU-{name}</a></li>" for name in ("home", "world", "sport", "contact"))
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return (
        f"<!doctype html><html lang='{lang}'><head><meta charset='utf-8'><title>{heading} | Example News</title>"
        "<meta name='date' content='2024-05-06'><meta property='og:site_name' content='Example News'>"
        "<link rel='canonical' href='https://news.example/rare'>"
        "<script>var a = 'SCRIPT-HEAD';</script><style>.a {color: red} /* STYLE */</style></head>"
        f"<body><header><nav><ul>{links}</ul></nav></header><main><article><h1>{heading}</h1>{body}"
        "<script>document.write('SCRIPT-BODY')</script></article></main>"
        "<section id='comments' class='comments'><div class='comment'><p>COMMENT: I have read this report with great "
        "interest and would like to know more about the new mines.</p></div></section>"
        "<aside><a href='/x'>ASIDE-advert</a></aside><footer>FOOTER-copyright</footer></body></html>"
    )


PAGES = {
    "en": (ENGLISH, "Rare earths need a licence", "en-GB"),
    "ar": (ARABIC, "المعادن النادرة تحتاج إلى ترخيص", "ar"),
    "ja": (JAPANESE, "半導体の輸出規制を強化", "ja"),
}


@pytest.mark.parametrize(("paragraphs", "heading", "lang"), PAGES.values(), ids=PAGES.keys())
def test_a_page_gives_its_main_text_and_what_it_says_of_itself(
    paragraphs: tuple[str, ...], heading: str, lang: str
) -> None:
    assert html_document(page(paragraphs, heading, lang)) == Page(
        text="\n".join((heading, *paragraphs)),
        title=heading,
        lang=lang.partition("-")[0],
        date="2024-05-06",
        source="Example News",
        url="https://news.example/rare",
    )


@pytest.mark.parametrize("boilerplate", ["MENU", "SCRIPT", "STYLE", "COMMENT", "ASIDE", "FOOTER"])
def test_menus_scripts_and_footers_are_no_text(boilerplate: str) -> None:
    html = page(*PAGES["en"])
    assert boilerplate in html
    assert boilerplate not in html_document(html).text


TINY = {
    "a paragraph": ("<p>Tiny.</p>", "Tiny."),
    "a word": ("<html><body>مرحبا</body></html>", "مرحبا"),
    "no markup": ("just text", "just text"),
    "an XML declaration": ("<?xml version='1.0' encoding='utf-8'?><html><body><p>日本語</p></body></html>", "日本語"),
    "a wrong charset": ("<html><head><meta charset='shift_jis'></head><body><p>日本語</p></body></html>", "日本語"),
    "entities": ("<p>a &lt; b &amp; c&nbsp;d &#x65e5;</p>", "a < b & c d 日"),
    "two paragraphs": ("<body><p>One.</p>\n\n<p>Two.</p></body>", "One.\nTwo."),
}


@pytest.mark.parametrize(("html", "expected"), TINY.values(), ids=TINY.keys())
def test_a_tiny_page_keeps_all_its_text(html: str, expected: str) -> None:
    assert html_document(html).text.replace("\u00a0", " ") == expected


def test_scripts_of_a_tiny_page_are_no_text() -> None:
    html = "<body><script>BAD</script><style>BAD</style><svg><script>BAD</script></svg><!-- BAD --><p>Good.</p></body>"
    assert html_document(html).text == "Good."


def test_a_form_without_main_text_falls_back_to_all_its_text() -> None:
    form = "<form><label>Name</label><script>BAD</script></form>"
    html = f"<html><head><title>Search</title></head><body>{form}</body></html>"
    found = html_document(html)
    assert found.text == "Name"
    assert found.title == "Search"


def test_the_title_of_a_page_without_a_heading_is_its_title_element() -> None:
    assert (
        html_document("<html><head><title>Only title</title></head><body><p>Text.</p></body></html>").title
        == "Only title"
    )
    assert html_document("<p>Text.</p>").title == "Text."


@pytest.mark.parametrize(
    ("tag", "lang"),
    [
        ("<html lang='ar-EG'>", "ar"),
        ("<html lang=ja>", "ja"),
        ('<HTML class="a" LANG="zh-Hant">', "zh"),
        ("<html xml:lang='fr'>", "fr"),
        ("<html data-lang='xx' lang='de'>", "de"),
        ("<html hreflang='xx'>", ""),
        ("<html>", ""),
    ],
)
def test_the_language_is_that_of_the_html_element(tag: str, lang: str) -> None:
    assert html_document(f"{tag}<body><p lang='it'>Text.</p></body></html>").lang == lang


@pytest.mark.parametrize("html", ["", "  \n", "<!-- x -->"])
def test_no_elements_at_all_is_an_error(html: str) -> None:
    with pytest.raises(DocumentError, match=r"empty|no text found in the HTML"):
        html_document(html)


def test_broken_markup_keeps_its_text() -> None:
    assert html_document("<div><p>One <b>two</p><p>three</div").text.split() == ["One", "two", "three"]
