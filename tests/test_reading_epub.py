"""EPUB: the text of its chapters in their order, from books made part by part."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.documents import Document, Found, Remark, Skipped
from indexer.errors import DocumentError
from indexer.reading import epub
from indexer.reading.source import Context, Limits, Source

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
)


def xhtml(body: str, head: str = "<title>NAME</title>") -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "x.dtd">'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">'
        f"<head>{head}</head><body>{body}</body></html>"
    )


def book(
    *chapters: str | bytes,
    metadata: str = "<dc:title>Rare earths</dc:title>",
    items: str = "",
    spine: str = "",
    parts: Mapping[str, str] | None = None,
) -> bytes:
    listed = "".join(
        f"<item id='c{number}' href='text/c%20{number}.xhtml' media-type='application/xhtml+xml'/>"
        for number in range(len(chapters))
    )
    order = spine or "".join(f"<itemref idref='c{number}'/>" for number in range(len(chapters)))
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr(
            "OEBPS/book.opf",
            '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/" '
            f'xmlns:opf="http://www.idpf.org/2007/opf">{metadata}</metadata>'
            f"<manifest>{listed}{items}</manifest><spine>{order}</spine>"
            "<guide><reference type='toc' href='text/contents.xhtml#x'/></guide></package>",
        )
        for number, chapter in enumerate(chapters):
            archive.writestr(f"OEBPS/text/c {number}.xhtml", chapter)
        for name, text in (parts or {}).items():
            archive.writestr(name, text)
    return data.getvalue()


def found_in(data: bytes, limits: Limits | None = None) -> list[Found]:
    source = Source("name.epub", io.BytesIO(data), len(data), ".epub")
    return list(epub.read(source, Context(lambda _: iter(()), limits or Limits())))


def document_in(data: bytes) -> Document:
    (found,) = found_in(data)
    assert isinstance(found, Document)
    return found


def text_of(body: str) -> str:
    return document_in(book(xhtml(body))).text


# Text


def test_chapters_are_in_the_order_of_the_spine() -> None:
    chapters = [xhtml("<h1>Two</h1><p>第二章。</p>"), xhtml("<h1>One</h1><p>الفصل الأول.</p>")]
    found = document_in(
        book(*chapters, spine="<itemref idref='c1'/><itemref idref='c0' linear='no'/><itemref idref='c1'/>")
    )
    assert found.text == "One\n\nالفصل الأول.\n\nTwo\n\n第二章。"
    assert found.pages == ()


def test_paragraphs_are_joined_as_they_are_seen() -> None:
    body = "<div>Before<p>The <b>rare</b>\n  <i>earths</i>.<br/>Next<!-- GONE -->line</p>after</div><p>  </p>"
    assert text_of(body) == "Before\n\nThe rare earths.\nNextline\n\nafter"


def test_names_of_characters_that_xml_does_not_know() -> None:
    assert text_of("<p>caf&eacute;&nbsp;&amp; x &lt; &#x65e5;&hellip;&unknown;</p>") == "café & x < 日…"


def test_items_of_lists_have_a_dash() -> None:
    body = (
        "<p>Before.</p><ul><li>one</li><li><p>二</p><p>more</p><ol><li>three</li></ol></li></ul><ul><li>four</li></ul>"
    )
    assert text_of(body) == "Before.\n\n- one\n- 二\n\nmore\n\n- three\n\n- four"


def test_a_row_of_a_table_is_a_line() -> None:
    body = (
        "<table><thead><tr><th>金属</th><th>用途</th></tr></thead><tbody><tr><td><p>Gallium</p></td>"
        "<td>chips<br/>and more</td></tr><tr><td>One.</td></tr></tbody></table>"
    )
    assert text_of(body) == "金属 | 用途\nGallium | chips and more\n\nOne."


def test_lines_of_code_are_kept() -> None:
    assert text_of("<pre>make\n  test\n</pre>") == "make\ntest"


def test_furigana_are_left_out() -> None:
    assert text_of("<p>この<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rt>じ</rt></ruby>は</p>") == "この漢字は"


def test_characters_that_are_pictures() -> None:
    assert text_of("<p>石<img alt='礬' src='x.png'/>鉱<img alt='A picture' src='y.png'/></p>") == "石礬鉱"


@pytest.mark.parametrize(
    "unseen",
    [
        "<script>GONE</script>",
        "<style>GONE</style>",
        "<nav>GONE</nav>",
        "<svg><text>GONE</text></svg>",
        "<p hidden='hidden'>GONE</p>",
        "<p style='display: none'>GONE</p>",
        "<span epub:type='pagebreak'>12</span>",
        "<a epub:type='noteref' href='#n1'>1</a>",
        "<a role='doc-backlink' href='#n1'>↩</a>",
        "<sup><a href='#n1'>[12]</a></sup>",
    ],
)
def test_what_is_there_for_the_reading_program_is_no_text(unseen: str) -> None:
    assert text_of(f"<p>Seen{unseen}.</p>").replace("\n", "") == "Seen."


def test_powers_are_text() -> None:
    assert text_of("<p>5 km<sup>2</sup></p>") == "5 km2"


def test_pages_of_contents_are_left_out() -> None:
    links = "".join(f"<li><a href='c{number}.xhtml'>Chapter {number}</a></li>" for number in range(6))
    items = (
        "<item id='nav' href='nav.xhtml' media-type='application/xhtml+xml' properties='nav'/>"
        "<item id='toc' href='text/contents.xhtml' media-type='application/xhtml+xml'/>"
    )
    parts = {"OEBPS/nav.xhtml": xhtml("<p>NAV</p>"), "OEBPS/text/contents.xhtml": xhtml("<p>GUIDE</p>")}
    spine = "".join(f"<itemref idref='{name}'/>" for name in ("nav", "toc", "c0", "c1"))
    chapters = [xhtml(f"<h1>Contents</h1><ul>{links}</ul>"), xhtml(f"<p>Text. {'Long. ' * 20}</p><ul>{links}</ul>")]
    text = document_in(book(*chapters, items=items, spine=spine, parts=parts)).text
    assert "Contents" not in text
    assert text.startswith("Text. Long.")
    assert text.endswith("- Chapter 5")


def test_pictures_in_the_spine_are_passed_over() -> None:
    items = "<item id='x' href='x.svg' media-type='image/svg+xml'/>"
    assert (
        len(found_in(book(xhtml("<p>Text.</p>"), items=items, spine="<itemref idref='x'/><itemref idref='c0'/>"))) == 1
    )


@pytest.mark.parametrize(
    "chapter",
    [
        "<html><head><title/></head><body><p>One <b>two</p><p>日本語<br></body>",
        "<?xml version='1.0' encoding='utf-8'?><p>One two<p>日本語",
        "<html><body><p>One two</p><p>日本語</p></body></html>".encode("utf-16"),
        "<?xml version='1.0' encoding='utf-8'?><html><body><p>One two</p><p>日本語</p></body></html>".encode("cp932"),
    ],
)
def test_pages_that_are_no_xml(chapter: str | bytes) -> None:
    assert document_in(book(chapter)).text == "One two\n\n日本語"


# What the book says of itself


def test_what_is_known() -> None:
    metadata = (
        "<dc:title>المعادن النادرة</dc:title><dc:creator>A. Smith</dc:creator><dc:creator>B. Jones</dc:creator>"
        "<dc:language>ar</dc:language><dc:date opf:event='modification'>2025-01-01</dc:date>"
        "<dc:date opf:event='publication'>2024-05-06</dc:date><dc:publisher>Metal Press</dc:publisher>"
        "<dc:identifier>urn:isbn:1</dc:identifier><dc:identifier>https://e.example/b</dc:identifier>"
    )
    found = document_in(book(xhtml("<p>أعلنت الوزارة القرار.</p>"), metadata=metadata))
    assert (found.title, found.metadata, found.lang) == ("المعادن النادرة", {"author": "A. Smith, B. Jones"}, "ar")
    assert (found.date, found.source, found.url) == ("2024-05-06", "Metal Press", "https://e.example/b")


def test_what_is_not_known() -> None:
    found = document_in(book(xhtml("<h1>One</h1>"), metadata="<dc:language>ja</dc:language>"))
    assert (found.title, found.metadata, found.lang, found.date, found.source, found.url) == (
        "One",
        {},
        None,
        "",
        "",
        "",
    )


def test_metadata_as_old_books_have_it() -> None:
    assert (
        document_in(book(xhtml("<p>x</p>"), metadata="<dc-metadata><dc:Title>Old</dc:Title></dc-metadata>")).title
        == "Old"
    )


def test_a_book_without_a_container() -> None:
    data = book(xhtml("<p>Text.</p>")).replace(b"META-INF/container.xml", b"META-INF/contained.xml")
    assert document_in(data).text == "Text."


# What cannot be read


def encryption(algorithm: str) -> dict[str, str]:
    return {
        "META-INF/encryption.xml": '<encryption xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:EncryptedData>'
        f'<e:EncryptionMethod Algorithm="{algorithm}"/></e:EncryptedData></encryption>'
    }


@pytest.mark.parametrize("algorithm", ["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"])
def test_fonts_may_be_protected(algorithm: str) -> None:
    assert document_in(book(xhtml("<p>Text.</p>"), parts=encryption(algorithm))).text == "Text."


PROTECTED = encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc")
BINARY = "x\x00y" * 100


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"x", "not EPUB (no zip)"),
        (book(xhtml("<p>x</p>"), parts=PROTECTED), "protected against copying (DRM), which cannot be read"),
        (book(), "damaged (no chapters in it)"),
        (book(xhtml("<p> </p>")), "no text in its chapters"),
        (book(xhtml("<p> </p>"), BINARY), "no text in its chapters"),
        (book(spine="<itemref idref='x'/>", items="<item id='x' href='x.html'/>"), "not there"),
        (
            book(xhtml("<p>x</p>")).replace(b"OEBPS/book.opf", b"OEBPS/cook.opf"),
            "damaged (no package document in it), expected EPUB",
        ),
    ],
)
def test_reasons(data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError) as error:
        found_in(data)
    assert str(error.value) == reason


def test_chapters_that_cannot_be_read_are_told() -> None:
    items = "<item id='gone' href='gone.html' media-type='text/html'/>"
    spine = "<itemref idref='c0'/><itemref idref='c1'/><itemref idref='gone'/>"
    found = found_in(book(xhtml("<p>Text.</p>"), BINARY, items=items, spine=spine))
    assert isinstance(found[0], Document)
    assert found[0].text == "Text."
    assert [type(one) for one in found[1:]] == [Skipped, Skipped]
    assert isinstance(found[1], Skipped)
    assert found[1].name == "name.epub!OEBPS/text/c 1.xhtml"
    assert found[2] == Skipped("name.epub!OEBPS/gone.html", "not there")


def test_more_than_allowed_unpacked_in_all() -> None:
    chapter = xhtml("<p>" + "".join(chr(0x4E00 + place) for place in range(5000)) + "</p>")
    with pytest.raises(DocumentError, match=r"^more than 0\.1 MB unpacked, which is the most that is read; split it$"):
        found_in(book(chapter, chapter, chapter, chapter), Limits(text=50_000))


def test_entities_of_a_chapters_own() -> None:
    declared = f"<!ENTITY e0 '{'x' * 100}'>" + "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 9))
    chapter = f"<!DOCTYPE html [{declared}]><html><body><p>Text.&e8;</p></body></html>"
    try:
        found = found_in(book(chapter))
    except DocumentError as error:
        found = [Remark("name.epub", str(error))]
    assert all(len(one.text) < 10_000 for one in found if isinstance(one, (Document, Remark)))


@pytest.mark.parametrize("element", ["div", "ul><li", "table><tr><td", "b"])
def test_deep_nesting(element: str) -> None:
    names = element.replace("<", "").split(">")
    for depth in (60, 5000):
        start, end = f"<{element}>" * depth, "".join(f"</{name}>" for name in reversed(names)) * depth
        assert "Text." in text_of(f"<p>Text.</p>{start}x{end}")


EXAMPLE = book(xhtml("<p>The ministry announced it.</p><ul><li>x</li></ul>"))


@settings(max_examples=80, deadline=None)
@given(st.integers(0, len(EXAMPLE) - 1), st.binary(min_size=1, max_size=8), st.booleans())
def test_damaged_bytes(place: int, data: bytes, cut: bool) -> None:
    try:
        found_in(EXAMPLE[:place] if cut else EXAMPLE[:place] + data + EXAMPLE[place + len(data) :])
    except DocumentError as error:
        reason = str(error)
    else:
        reason = ""
    assert "\n" not in reason


@settings(max_examples=60, deadline=None)
@given(st.text("<>/pdivul &;x日\n'=", max_size=200))
def test_random_chapters(text: str) -> None:
    try:
        found_in(book(f"<html><body>{text}"))
    except DocumentError as error:
        reason = str(error)
    else:
        reason = ""
    assert "\n" not in reason
