"""ODT and ODP: the very text that a reader sees, from packages made part by part."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.documents import Document, Found
from indexer.errors import DocumentError
from indexer.reading import open_document
from indexer.reading.source import Context, Source

NAMES = " ".join(
    [
        *(
            f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
            for name in ("office", "text", "table", "style", "presentation", "meta", "manifest")
        ),
        'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"',
        'xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"',
        'xmlns:dc="http://purl.org/dc/elements/1.1/"',
    ]
)


def package(content: str, parts: Mapping[str, str] | None = None) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", content)
        for name, text in (parts or {}).items():
            archive.writestr(name, text)
    return data.getvalue()


def odt(body: str, parts: Mapping[str, str] | None = None, styles: str = "") -> bytes:
    return package(
        f"<office:document-content {NAMES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>",
        parts,
    )


def odp(*slides: str) -> bytes:
    pages = "".join(f"<draw:page>{slide}</draw:page>" for slide in slides)
    body = f"<office:body><office:presentation>{pages}</office:presentation></office:body>"
    return package(f"<office:document-content {NAMES}>{body}</office:document-content>")


def found_in(data: bytes) -> list[Found]:
    source = Source("name.odt", io.BytesIO(data), len(data), ".odt")
    return list(open_document.read(source, Context(lambda _: iter(()))))


def document_in(data: bytes) -> Document:
    (found,) = found_in(data)
    assert isinstance(found, Document)
    return found


def text_of(body: str, styles: str = "") -> str:
    return document_in(odt(body, styles=styles)).text


def p(text: str) -> str:
    return f"<text:p>{text}</text:p>"


# Texts


def test_paragraphs_and_headings_in_many_languages() -> None:
    body = f"<text:h>المعادن النادرة</text:h>{p('Rare earths')}{p('')}{p('レアアース　輸出')}{p('稀土出口')}"
    found = document_in(odt(body))
    assert found.text == "المعادن النادرة\n\nRare earths\n\nレアアース　輸出\n\n稀土出口"
    assert found.title == "المعادن النادرة"


def test_spaces_tabs_and_line_breaks() -> None:
    assert text_of(p("One\n  two<text:s text:c='3'/>three<text:tab/>four<text:line-break/>fi\u00adve")) == (
        "One two three four\nfive"
    )


def test_spans_and_links_leave_their_text() -> None:
    assert text_of(p("The <text:span>rare <text:a>earths</text:a></text:span> of<text:bookmark/> it")) == (
        "The rare earths of it"
    )


def test_items_of_lists_have_a_dash() -> None:
    inner = f"<text:list><text:list-item>{p('two')}</text:list-item></text:list>"
    items = f"<text:list-item>{p('one')}{inner}</text:list-item><text:list-item>{p('三')}{p('more')}</text:list-item>"
    body = f"{p('Before.')}<text:list><text:list-header>{p('Head')}</text:list-header>{items}</text:list>{p('After.')}"
    assert text_of(body) == "Before.\n\nHead\n\n- one\n- two\n- 三\n\nmore\n\nAfter."


def test_headings_in_lists_are_no_items() -> None:
    assert text_of("<text:list><text:list-item><text:h>One</text:h></text:list-item></text:list>") == "One"


def test_a_row_of_a_table_is_a_line() -> None:
    def row(*cells: str) -> str:
        texts = "".join(f"<table:table-cell>{text}</table:table-cell>" for text in cells)
        covered = f"<table:covered-table-cell>{p('GONE')}</table:covered-table-cell>"
        return f"<table:table-row>{texts}{covered}</table:table-row>"

    head = f"<table:table-header-rows>{row(p('金属'), p('用途'))}</table:table-header-rows>"
    table = f"<table:table>{head}{row(p('Gallium'), p('chips') + p('and more'))}{row(p(''), p(''))}</table:table>"
    assert text_of(p("Before.") + table + p("After.")) == ("Before.\n\n金属 | 用途\nGallium | chips and more\n\nAfter.")


def test_a_table_of_one_cell_is_a_box_around_paragraphs() -> None:
    cell = f"<table:table-cell>{p('One.')}{p('Two.')}</table:table-cell>"
    assert text_of(f"<table:table><table:table-row>{cell}</table:table-row></table:table>") == "One.\n\nTwo."


def test_notes_are_at_the_end_and_comments_nowhere() -> None:
    note = (
        f"<text:note><text:note-citation>1</text:note-citation><text:note-body>{p('注。')}</text:note-body></text:note>"
    )
    comment = f"<office:annotation><dc:creator>A</dc:creator>{p('COMMENT')}</office:annotation><office:annotation-end/>"
    assert text_of(p(f"One{note} two{comment}.") + p("Three.")) == "One two.\n\nThree.\n\n注。"


def test_deleted_text_is_gone() -> None:
    changes = (
        f"<text:tracked-changes><text:changed-region><text:deletion>{p('GONE')}</text:deletion></text:changed-region>"
    )
    body = f"{changes}</text:tracked-changes>{p('Keep<text:change/> <text:change-start/>this<text:change-end/>.')}"
    assert text_of(body) == "Keep this."


def test_hidden_text_is_left_out() -> None:
    styles = "<style:style style:name='H'><style:text-properties text:display='none'/></style:style>"
    body = (
        p("Seen<text:span text:style-name='H'>HIDDEN</text:span> too<text:hidden-text>HIDDEN</text:hidden-text>.")
        + "<text:p text:style-name='H'>HIDDEN</text:p>"
    )
    assert text_of(body, styles) == "Seen too."


def test_furigana_are_left_out() -> None:
    ruby = "<text:ruby><text:ruby-base>漢字</text:ruby-base><text:ruby-text>かんじ</text:ruby-text></text:ruby>"
    assert text_of(p(f"この{ruby}は")) == "この漢字は"


def test_text_boxes_come_after_their_paragraph_and_descriptions_not_at_all() -> None:
    frame = f"<draw:frame><draw:text-box>{p('صندوق')}</draw:text-box><svg:title>GONE</svg:title></draw:frame>"
    other = f"<draw:custom-shape>{p('shape')}</draw:custom-shape>"
    assert text_of(p(f"Before {frame}after.{other}")) == "Before after.\n\nصندوق\n\nshape"


def test_tables_of_contents_and_numbers_of_pages_are_left_out() -> None:
    contents = f"<text:table-of-content><text:index-body>{p('Metals 5')}</text:index-body></text:table-of-content>"
    body = f"{contents}<text:section>{p('Metals<text:page-number>5</text:page-number>')}</text:section>"
    assert text_of(body) == "Metals"


# What the file says of itself


def meta(fields: str) -> dict[str, str]:
    return {"meta.xml": f"<office:document-meta {NAMES}><office:meta>{fields}</office:meta></office:document-meta>"}


def test_title_author_date_and_language() -> None:
    fields = (
        "<dc:title>Rare earths</dc:title><dc:creator>B</dc:creator>"
        "<meta:initial-creator>A. Smith</meta:initial-creator>"
        "<meta:creation-date>2024-05-06T10:00:00</meta:creation-date><dc:date>2025-01-01T00:00:00</dc:date>"
        "<dc:language>ar-EG</dc:language>"
    )
    found = document_in(odt(p("أعلنت الوزارة يوم الاثنين القرار."), meta(fields)))
    assert (found.title, found.metadata, found.date, found.lang) == (
        "Rare earths",
        {"author": "A. Smith"},
        "2024-05-06",
        "ar",
    )


def test_what_the_last_change_says_where_nothing_else_does() -> None:
    fields = "<dc:creator>B</dc:creator><dc:date>2025-01-01T00:00:00</dc:date><dc:language>en-US</dc:language>"
    found = document_in(odt(p("経済産業省は規制を強化する。"), meta(fields)))
    assert (found.metadata, found.date, found.lang) == ({"author": "B"}, "2025-01-01", None)


# Presentations


def frame(kind: str, *paragraphs: str) -> str:
    own = f" presentation:class='{kind}'" if kind else ""
    return f"<draw:frame{own}><draw:text-box>{''.join(map(p, paragraphs))}</draw:text-box></draw:frame>"


def test_slides_have_their_title_first_and_their_notes_last() -> None:
    notes = f"<presentation:notes><draw:page-thumbnail/>{frame('notes', 'Say this.')}{frame('page-number', '1')}"
    items = (
        f"<text:list><text:list-item>{p('one')}</text:list-item><text:list-item>{p('two')}</text:list-item></text:list>"
    )
    comment = f"<office:annotation><dc:creator>A</dc:creator>{p('COMMENT')}</office:annotation>"
    slide = (
        f"{comment}{notes}</presentation:notes>{frame('footer', 'FOOTER')}"
        f"<draw:frame presentation:class='outline'><draw:text-box>{items}</draw:text-box></draw:frame>"
        f"<draw:g>{frame('', 'in a group')}</draw:g>{frame('title', 'المعادن', 'النادرة')}"
    )
    found = document_in(odp(slide, "", frame("title", "第二"), ""))
    first = "المعادن النادرة\n\n- one\n- two\n\nin a group\n\nSay this."
    assert found.text == f"{first}\n\n第二"
    assert found.pages == (0, len(first) + 2, len(first) + 2, len(found.text))
    assert found.title == "المعادن النادرة"


def test_a_table_on_a_slide() -> None:
    cells = f"<table:table-cell>{p('a')}</table:table-cell><table:table-cell>{p('b')}</table:table-cell>"
    table = f"<draw:frame><table:table><table:table-row>{cells}</table:table-row></table:table></draw:frame>"
    assert document_in(odp(table)).text == "a | b"


# What cannot be read


ENCRYPTED = {
    "META-INF/manifest.xml": f"<manifest:manifest {NAMES}><manifest:file-entry><manifest:encryption-data/>"
    "</manifest:file-entry></manifest:manifest>"
}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"x", "not ODT or ODP (no zip)"),
        (odt(p("x"), ENCRYPTED), "encrypted; remove its password first"),
        (package("<a/>"), "damaged (no content in it), expected ODT or ODP"),
        (package("<a>"), "damaged (content.xml: Premature end of data in tag a line 1)"),
        (
            package(f"<office:document-content {NAMES}><office:body/></office:document-content>"),
            "neither a text nor a presentation, expected ODT or ODP",
        ),
        (odt(""), "empty"),
    ],
)
def test_reasons(data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError) as error:
        found_in(data)
    assert str(error.value) == reason


@pytest.mark.parametrize(
    "element", ["text:section", "text:list><text:list-item", "draw:g", "table:table><table:table-row"]
)
def test_deep_nesting(element: str) -> None:
    names = element.replace("<", "").split(">")
    start, end = f"<{element}>" * 60, "".join(f"</{name}>" for name in reversed(names)) * 60
    assert document_in(odt(start + end + p("Text."))).text == "Text."
    with pytest.raises(DocumentError, match=r"^damaged \(content\.xml: Excessive depth"):
        found_in(odt(start * 5 + end * 5))


EXAMPLE = odt(
    p("The ministry announced it.") + "<text:list><text:list-item>x</text:list-item></text:list>", meta("<a/>")
)


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
