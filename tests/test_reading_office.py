"""DOCX and PPTX: the very text that a reader sees, from packages made part by part; reasons that all packages share."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.documents import Document, Found, Remark, Skipped
from indexer.errors import DocumentError
from indexer.reading import office, package_file
from indexer.reading.source import Context, Limits, Source

W = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
)
P = W.replace("xmlns:w=", "xmlns:old=") + ' xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def package(parts: Mapping[str, str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return data.getvalue()


def relations(**targets: str) -> str:
    """Identifier and kind as `r1_slide` -> target."""
    links = "".join(
        f'<Relationship Id="{name.partition("_")[0]}" Type="{RELATIONS}/{name.partition("_")[2]}" Target="{target}"/>'
        for name, target in targets.items()
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{links}</Relationships>'
    )


def found_in(data: bytes, limits: Limits | None = None) -> list[Found]:
    source = Source("name.docx", io.BytesIO(data), len(data), ".docx")
    return list(office.read(source, Context(lambda _: iter(()), limits or Limits())))


def document_in(data: bytes) -> Document:
    (found,) = found_in(data)
    assert isinstance(found, Document)
    return found


def docx(body: str, parts: Mapping[str, str] | None = None, styles: str = "") -> bytes:
    return package(
        {
            "_rels/.rels": relations(r1_officeDocument="word/document.xml", r2_metadata="docProps/core.xml"),
            "word/_rels/document.xml.rels": relations(
                r1_styles="styles.xml", r2_footnotes="footnotes.xml", r3_endnotes="endnotes.xml", r4_data="data.xml"
            ),
            "word/document.xml": f"<w:document {W}><w:body>{body}<w:sectPr/></w:body></w:document>",
            "word/styles.xml": f"<w:styles {W}>{styles}</w:styles>",
            "word/header1.xml": f"<w:hdr {W}>{p('HEADER')}</w:hdr>",
            "word/comments.xml": f"<w:comments {W}><w:comment>{p('COMMENT')}</w:comment></w:comments>",
            **(parts or {}),
        }
    )


def p(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t xml:space='preserve'>{text}</w:t></w:r></w:p>"


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"


def text_of(body: str, styles: str = "", parts: Mapping[str, str] | None = None) -> str:
    return document_in(docx(body, parts, styles)).text


ITEM = "<w:numPr><w:ilvl w:val='0'/><w:numId w:val='3'/></w:numPr>"


# Texts


def test_paragraphs_in_many_languages() -> None:
    body = p("المعادن النادرة") + p("Rare  earths") + p("") + p("レアアース、輸出規制") + p("稀土出口")
    assert text_of(body) == "المعادن النادرة\n\nRare earths\n\nレアアース、輸出規制\n\n稀土出口"


def test_runs_are_joined_as_they_are() -> None:
    runs = run("Rare ") + run("ear", "<w:b/>") + run("ths") + "<w:r><w:tab/><w:t>x</w:t><w:br/><w:t>y</w:t></w:r>"
    signs = "<w:r><w:t>co</w:t><w:softHyphen/><w:t>op</w:t><w:noBreakHyphen/><w:t>z</w:t><w:br w:type='page'/></w:r>"
    assert text_of(f"<w:p>{runs}{signs}</w:p>") == "Rare earths x\nycoop-z"


def test_spaces_and_soft_hyphens() -> None:
    assert text_of(p("\u00a0A\u00adB\u2003C \n D\ufeff")) == "AB C D"


def test_items_of_lists_have_a_dash_and_no_lines_between() -> None:
    body = p("Before.") + p("one", ITEM) + p("two", ITEM) + p("After.")
    assert text_of(body) == "Before.\n\n- one\n- two\n\nAfter."


def test_an_item_by_its_style_and_one_that_is_none_after_all() -> None:
    styles = (
        f"<w:style w:styleId='B'><w:name w:val='List Bullet'/><w:pPr>{ITEM}</w:pPr></w:style>"
        "<w:style w:styleId='C'><w:name w:val='Mine'/><w:basedOn w:val='B'/></w:style>"
    )
    none = "<w:pStyle w:val='B'/><w:numPr><w:numId w:val='0'/></w:numPr>"
    body = p("one", "<w:pStyle w:val='B'/>") + p("two", "<w:pStyle w:val='C'/>") + p("three", none)
    assert text_of(body, styles) == "- one\n- two\n\nthree"


def test_typed_bullets_are_items() -> None:
    assert text_of(p("• one") + p("•\u00a0two")) == "- one\n- two"


HEADINGS = (
    "<w:style w:styleId='T'><w:name w:val='Title'/></w:style>"
    f"<w:style w:styleId='H'><w:name w:val='heading 1'/><w:pPr>{ITEM}<w:outlineLvl w:val='0'/></w:pPr></w:style>"
)


def test_headings_with_numbers_are_no_items_and_the_first_is_the_title() -> None:
    found = document_in(docx(p("Text.") + p("Rare earths", "<w:pStyle w:val='H'/>") + p("More."), styles=HEADINGS))
    assert (found.text, found.title) == ("Text.\n\nRare earths\n\nMore.", "Rare earths")


def test_a_paragraph_in_the_style_of_titles_is_the_title() -> None:
    body = p("One", "<w:pStyle w:val='H'/>") + p("المعادن النادرة", "<w:pStyle w:val='T'/>")
    assert document_in(docx(body, styles=HEADINGS)).title == "المعادن النادرة"


def test_styles_that_are_based_on_each_other() -> None:
    styles = (
        "<w:style w:styleId='A'><w:name w:val='a'/><w:basedOn w:val='B'/></w:style>"
        "<w:style w:styleId='B'><w:name w:val='b'/><w:basedOn w:val='A'/></w:style>"
    )
    assert text_of(p("Text.", "<w:pStyle w:val='A'/>"), styles) == "Text."


def cell(*paragraphs: str) -> str:
    return f"<w:tc><w:tcPr/>{''.join(map(p, paragraphs))}</w:tc>"


def test_a_row_of_a_table_is_a_line() -> None:
    rows = f"<w:tr>{cell('Metal')}{cell('Use', 'and price')}</w:tr><w:tr>{cell('镓')}{cell('')}{cell('芯片')}</w:tr>"
    gone = f"<w:tr><w:trPr><w:del/></w:trPr>{cell('GONE')}{cell('GONE')}</w:tr>"
    table = f"<w:tbl><w:tblPr/>{rows}{gone}</w:tbl>"
    assert text_of(p("Before.") + table + table.replace("镓", "锗")) == (
        "Before.\n\nMetal | Use and price\n镓 | 芯片\n\nMetal | Use and price\n锗 | 芯片"
    )


def test_a_table_within_a_table_is_in_its_cell() -> None:
    inner = f"<w:tbl><w:tr>{cell('a')}{cell('b')}</w:tr></w:tbl>"
    assert text_of(f"<w:tbl><w:tr><w:tc>{inner}<w:p/></w:tc>{cell('c')}</w:tr></w:tbl>") == "a | b | c"


def test_a_table_of_one_cell_is_a_box_around_paragraphs() -> None:
    assert text_of(f"<w:tbl><w:tr>{cell('One.', 'Two.')}</w:tr></w:tbl>") == "One.\n\nTwo."


def test_notes_are_at_the_end_in_order_and_comments_nowhere() -> None:
    reference = "<w:r><w:{0}Reference w:id='{1}'/></w:r>"
    body = (
        f"<w:p>{run('One')}{reference.format('footnote', 2)}{run(', two')}{reference.format('endnote', 1)}</w:p>"
        f"<w:p>{run('three')}{reference.format('footnote', 1)}<w:r><w:commentReference w:id='0'/></w:r></w:p>"
    )
    note = "<w:{0} {1} w:id='{2}'><w:p><w:r><w:{0}Ref/></w:r>{3}</w:p></w:{0}>"
    parts = {
        "word/footnotes.xml": f"<w:footnotes {W}>"
        + note.format("footnote", "w:type='separator'", 0, run("SEPARATOR"))
        + note.format("footnote", "", 1, run(" Second note."))
        + note.format("footnote", "", 2, run(" 最初の注。"))
        + "</w:footnotes>",
        "word/endnotes.xml": f"<w:endnotes {W}>{note.format('endnote', '', 1, run(' Last.'))}</w:endnotes>",
    }
    assert text_of(body, parts=parts) == "One, two\n\nthree\n\n最初の注。\n\nSecond note.\n\nLast."


def test_a_note_that_refers_to_itself_is_there_once() -> None:
    reference = "<w:r><w:footnoteReference w:id='1'/></w:r>"
    note = f"<w:footnotes {W}><w:footnote w:id='1'><w:p>{run('Note.')}{reference}</w:p></w:footnote></w:footnotes>"
    assert text_of(f"<w:p>{run('One')}{reference}</w:p>", parts={"word/footnotes.xml": note}) == "One\n\nNote."


def test_deleted_text_is_gone_and_inserted_text_is_there() -> None:
    body = (
        f"<w:p>{run('Keep ')}<w:del><w:r><w:delText>GONE</w:delText></w:r></w:del><w:ins>{run('new ')}</w:ins>"
        f"<w:moveFrom>{run('GONE')}</w:moveFrom><w:moveTo>{run('moved')}</w:moveTo></w:p>"
        f"<w:ins>{p('Inserted.')}</w:ins><w:del>{p('GONE')}</w:del>"
    )
    assert text_of(body) == "Keep new moved\n\nInserted."


def test_a_paragraph_whose_end_was_deleted_goes_on_in_the_next() -> None:
    assert text_of(p("One ", "<w:rPr><w:del/></w:rPr>") + p("paragraph.")) == "One paragraph."


def test_hidden_text_is_left_out() -> None:
    styles = (
        "<w:style w:styleId='X'><w:name w:val='x'/><w:rPr><w:vanish/></w:rPr></w:style>"
        "<w:style w:styleId='Y'><w:name w:val='y'/><w:basedOn w:val='X'/></w:style>"
    )
    runs = (
        run("Seen ")
        + run("HIDDEN", "<w:vanish/>")
        + run("as ", "<w:vanish w:val='0'/>")
        + run("HIDDEN", "<w:rStyle w:val='Y'/>")
        + run("well.")
    )
    assert text_of(f"<w:p>{runs}</w:p>" + p("HIDDEN", "<w:pStyle w:val='X'/>"), styles) == "Seen as well."


def test_fields_leave_their_result() -> None:
    def mark(kind: str) -> str:
        return f"<w:r><w:fldChar w:fldCharType='{kind}'/></w:r>"

    inner = f"{mark('begin')}<w:r><w:instrText>PAGE</w:instrText></w:r>{mark('separate')}{run('INNER')}{mark('end')}"
    field = (
        f"{mark('begin')}<w:r><w:instrText>IF</w:instrText></w:r>{inner}{mark('separate')}{run('shown')}{mark('end')}"
    )
    simple = f"<w:fldSimple w:instr='SEQ'>{run('7')}</w:fldSimple>"
    assert text_of(f"<w:p>{run('Is ')}{field}{run(' as ')}{simple}</w:p>{p('Next.')}") == "Is shown as 7\n\nNext."


def test_a_field_that_does_not_end_swallows_no_more_than_its_paragraph() -> None:
    begin = "<w:r><w:fldChar w:fldCharType='begin'/></w:r>"
    assert text_of(f"<w:p>{run('One')}{begin}{run('GONE')}</w:p>{p('Two.')}") == "One\n\nTwo."


def test_links_leave_their_text() -> None:
    assert text_of(f"<w:p>{run('See ')}<w:hyperlink r:id='x'>{run('the report')}</w:hyperlink>{run('.')}</w:p>") == (
        "See the report."
    )


def test_furigana_are_left_out() -> None:
    ruby = f"<w:r><w:ruby><w:rt>{run('かんじ')}</w:rt><w:rubyBase>{run('漢字')}</w:rubyBase></w:ruby></w:r>"
    assert text_of(f"<w:p>{run('この')}{ruby}{run('は')}</w:p>") == "この漢字は"


def test_a_text_box_is_there_once_after_its_paragraph() -> None:
    box = f"<w:txbxContent>{p('In the box.')}{p('صندوق')}</w:txbxContent>"
    both = (
        f"<mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:txbx>{box}</wps:txbx></w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent>"
    )
    assert text_of(f"<w:p>{run('Before ')}<w:r>{both}</w:r>{run('after.')}</w:p>") == (
        "Before after.\n\nIn the box.\n\nصندوق"
    )


def test_the_texts_of_a_diagram_are_items() -> None:
    point = "<dgm:pt type='{0}'><dgm:t><a:p><a:r><a:t>{1}</a:t></a:r></a:p></dgm:t></dgm:pt>"
    points = point.format("node", "一つ") + point.format("pres", "GONE") + point.format("node", "two")
    drawing = "<w:r><w:drawing><a:graphic><dgm:relIds r:dm='r4'/></a:graphic></w:drawing></w:r>"
    parts = {"word/data.xml": f"<dgm:dataModel {W}>{points}</dgm:dataModel>"}
    assert text_of(f"<w:p>{drawing}</w:p>{p('After.')}", parts=parts) == "- 一つ\n- two\n\nAfter."


def test_formulas_leave_their_letters() -> None:
    assert text_of("<w:p><m:oMath><m:r><m:t>E=m</m:t></m:r><m:r><m:t>c</m:t></m:r></m:oMath></w:p>") == "E=mc"


def test_controls_leave_their_content_but_not_what_asks_for_it() -> None:
    control = "<w:sdt><w:sdtPr>{0}</w:sdtPr><w:sdtContent>{1}</w:sdtContent></w:sdt>"
    asks = control.format("<w:showingPlcHdr/>", run("Click here"))
    body = control.format("", p("One.")) + f"<w:p>{run('Two')}{asks}{control.format('', run(' three'))}</w:p>"
    assert text_of(body) == "One.\n\nTwo three"


def test_the_table_of_contents_is_left_out() -> None:
    styles = (
        "<w:style w:styleId='C'><w:name w:val='toc 1'/></w:style>"
        "<w:style w:styleId='D'><w:name w:val='TOC Heading'/></w:style>"
    )
    body = p("Contents", "<w:pStyle w:val='D'/>") + p("Metals 5", "<w:pStyle w:val='C'/>") + p("Metals")
    assert text_of(body, styles) == "Metals"


def test_the_strict_form_of_the_format() -> None:
    body = f"<w:document xmlns:w='http://purl.oclc.org/ooxml/wordprocessingml/main'><w:body>{p('Text.')}</w:body></w:document>"
    data = package(
        {
            "_rels/.rels": relations(r1_officeDocument="word/document.xml").replace(
                RELATIONS, "http://purl.oclc.org/ooxml/officeDocument/relationships"
            ),
            "word/document.xml": body,
        }
    )
    assert document_in(data).text == "Text."


def test_without_relations_the_usual_names_are_tried() -> None:
    assert document_in(package({"word/document.xml": f"<w:document {W}><w:body>{p('Text.')}</w:body></w:document>"}))


# What the file says of itself


def core(**fields: str) -> str:
    values = "".join(f"<{name.replace('_', ':')}>{value}</{name.replace('_', ':')}>" for name, value in fields.items())
    return (
        '<c:coreProperties xmlns:c="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">{values}</c:coreProperties>'
    )


def test_title_author_date_and_language() -> None:
    properties = core(
        dc_title="Rare  earths", dc_creator="A. Smith", dc_language="en-GB", dcterms_created="2024-05-06T10:00:00Z"
    )
    found = document_in(docx(p("The ministry announced it on Monday."), {"docProps/core.xml": properties}))
    assert (found.title, found.metadata, found.lang, found.date) == (
        "Rare earths",
        {"author": "A. Smith"},
        "en",
        "2024-05-06",
    )


def test_a_language_that_the_text_is_not_in_is_that_of_the_program() -> None:
    found = document_in(docx(p("経済産業省は規制を強化する。"), {"docProps/core.xml": core(dc_language="en-US")}))
    assert found.lang is None


def test_the_date_of_the_last_change_where_no_other_is_known() -> None:
    found = document_in(docx(p("Text."), {"docProps/core.xml": core(dcterms_modified="2025-01-02T00:00:00Z")}))
    assert found.date == "2025-01-02"


@pytest.mark.parametrize("title", ["", "Word Document", "untitled", "report.docx", "Microsoft Word - x.doc"])
def test_titles_that_say_nothing_are_dropped(title: str) -> None:
    assert (
        document_in(docx(p("The first line."), {"docProps/core.xml": core(dc_title=title)})).title == "The first line."
    )


# Presentations


def shape(kind: str | None, *paragraphs: str) -> str:
    holder = "" if kind is None else f"<p:ph type='{kind}'/>" if kind else "<p:ph idx='1'/>"
    return (
        f"<p:sp><p:nvSpPr><p:cNvPr id='1' name='x'/><p:nvPr>{holder}</p:nvPr></p:nvSpPr>"
        f"<p:txBody>{''.join(paragraphs)}</p:txBody></p:sp>"
    )


def line(text: str, properties: str = "") -> str:
    return f"<a:p>{properties}<a:r><a:rPr/><a:t>{text}</a:t></a:r></a:p>"


def pptx(*slides: str, order: str = "", parts: Mapping[str, str] | None = None) -> bytes:
    numbers = range(1, len(slides) + 1)
    listed = order or "".join(f"<p:sldId id='{255 + number}' r:id='r{number}'/>" for number in numbers)
    return package(
        {
            "_rels/.rels": relations(r1_officeDocument="ppt/presentation.xml"),
            "ppt/presentation.xml": f"<p:presentation {P}><p:sldIdLst>{listed}</p:sldIdLst></p:presentation>",
            "ppt/_rels/presentation.xml.rels": relations(
                **{f"r{number}_slide": f"slides/slide{number}.xml" for number in numbers}
            ),
            **{
                f"ppt/slides/slide{number}.xml": f"<p:sld {P}><p:cSld><p:spTree>{text}</p:spTree></p:cSld></p:sld>"
                for number, text in zip(numbers, slides, strict=True)
            },
            **(parts or {}),
        }
    )


def slides_of(found: Document) -> list[str]:
    ends = [*found.pages[1:], len(found.text)]
    return [found.text[start:end].strip() for start, end in zip(found.pages, ends, strict=True)]


def test_slides_are_in_the_order_of_the_presentation() -> None:
    order = "<p:sldId id='1' r:id='r2'/><p:sldId id='2' r:id='r1'/>"
    found = document_in(pptx(shape(None, line("一枚目")), shape(None, line("ثانية")), order=order))
    assert (found.text, found.pages) == ("ثانية\n\n一枚目", (0, 7))


def test_titles_come_first_and_numbers_dates_and_footers_do_not_come() -> None:
    slide = (
        shape("sldNum", line("7"))
        + shape("", line("Text of it."))
        + shape("dt", line("1 May"))
        + shape("ftr", line("FOOTER"))
        + shape("ctrTitle", line("Rare earths"), line("in Asia"))
    )
    found = document_in(pptx(slide))
    assert (found.text, found.title) == ("Rare earths in Asia\n\nText of it.", "Rare earths in Asia")


def test_bullets_are_those_of_placeholders_unless_they_say_otherwise() -> None:
    none, bullet = "<a:pPr><a:buNone/></a:pPr>", "<a:pPr><a:buChar char='-'/></a:pPr>"
    slide = (
        shape("body", line("one"), line("two"), line("three", none))
        + shape(None, line("four"), line("five", bullet))
        + shape("", line("alone"))
    )
    assert document_in(pptx(slide)).text == "- one\n- two\n\nthree\n\nfour\n\n- five\n\nalone"


def test_lines_fields_and_formulas_of_a_paragraph() -> None:
    paragraph = (
        "<a:p><a:r><a:t>One</a:t></a:r><a:br/><a:r><a:t>two </a:t></a:r><a:fld type='slidenum'><a:t>7</a:t></a:fld>"
        "<a:fld type='other'><a:rPr/><a:t>three</a:t></a:fld><m:oMath><m:r><m:t>x</m:t></m:r></m:oMath></a:p>"
    )
    assert document_in(pptx(shape(None, paragraph))).text == "One\ntwo threex"


def test_groups_tables_and_what_is_there_twice() -> None:
    def row(*cells: str) -> str:
        return f"<a:tr>{''.join(f'<a:tc><a:txBody>{line(text)}</a:txBody></a:tc>' for text in cells)}</a:tr>"

    table = f"<a:tbl><a:tblGrid/>{row('金属', '用途')}{row('Gallium', 'chips')}</a:tbl>"
    frame = f"<p:graphicFrame><a:graphic><a:graphicData>{table}</a:graphicData></a:graphic></p:graphicFrame>"
    twice = (
        f"<mc:AlternateContent><mc:Choice>{shape(None, line('new'))}</mc:Choice><mc:Fallback>{shape(None, line('OLD'))}"
    )
    slide = f"<p:grpSp>{shape(None, line('in a group'))}</p:grpSp>{frame}{twice}</mc:Fallback></mc:AlternateContent>"
    assert document_in(pptx(slide)).text == "in a group\n\n金属 | 用途\nGallium | chips\n\nnew"


def test_notes_come_after_their_slide() -> None:
    notes = shape("sldImg") + shape("body", line("Say this."), line("And that.")) + shape("sldNum", line("1"))
    parts = {
        "ppt/slides/_rels/slide1.xml.rels": relations(r1_notesSlide="../notesSlides/notesSlide1.xml"),
        "ppt/notesSlides/notesSlide1.xml": f"<p:notes {P}><p:cSld><p:spTree>{notes}</p:spTree></p:cSld></p:notes>",
    }
    found = document_in(pptx(shape(None, line("One")), shape(None, line("Two")), parts=parts))
    assert slides_of(found) == ["One\n\nSay this.\n\nAnd that.", "Two"]


def test_the_texts_of_a_diagram_on_a_slide() -> None:
    parts = {
        "ppt/slides/_rels/slide1.xml.rels": relations(r9_diagramData="../diagrams/data1.xml"),
        "ppt/diagrams/data1.xml": f"<dgm:dataModel {P}><dgm:pt><dgm:t>{line('Node')}</dgm:t></dgm:pt></dgm:dataModel>",
    }
    frame = (
        "<p:graphicFrame><a:graphic><a:graphicData><dgm:relIds r:dm='r9'/></a:graphicData></a:graphic></p:graphicFrame>"
    )
    assert document_in(pptx(frame, parts=parts)).text == "- Node"


def test_slides_without_text_begin_where_the_next_one_does() -> None:
    found = document_in(pptx("", shape(None, line("One")), "", shape(None, line("Two")), ""))
    assert (found.text, found.pages) == ("One\n\nTwo", (0, 0, 5, 5, 8))


# Packages of all formats


def reason_of(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(DocumentError) as error:
        found_in(data, limits)
    assert "\n" not in str(error.value)
    return str(error.value)


OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"%PDF-1.7", "not DOCX or PPTX (no zip)"),
        (OLD, "in the old binary format of Office, expected DOCX or PPTX; save it as that"),
        (OLD + "EncryptedPackage".encode("utf-16-le"), "encrypted; remove its password first"),
        (docx(p("Text."))[:-40], "damaged (File is not a zip file)"),
        (package({"a.txt": "x"}), "damaged (neither a text nor a presentation is in it)"),
        (package({"word/document.xml": "<a/>"}), "neither a text nor a presentation, expected DOCX or PPTX"),
        (package({"word/document.xml": "<a>"}), "damaged (word/document.xml: Premature end of data in tag a line 1)"),
        (docx(""), "empty"),
    ],
)
def test_reasons(data: bytes, reason: str) -> None:
    assert reason_of(data) == reason


def test_a_bad_checksum_is_damage() -> None:
    data = package(
        {"word/document.xml": f"<w:document {W}><w:body>{p('Text.')}</w:body></w:document>"}, zipfile.ZIP_STORED
    )
    assert reason_of(data.replace(b"Text.", b"Tent.")) == (
        "damaged (word/document.xml: Bad CRC-32 for file 'word/document.xml')"
    )


def test_an_encrypted_member() -> None:
    data = bytearray(docx(p("Text.")))
    entry = data.find(b"PK\x01\x02")
    while entry >= 0:
        data[entry + 8] |= 1
        entry = data.find(b"PK\x01\x02", entry + 4)
    assert reason_of(bytes(data)) == "encrypted; remove its password first"


def test_what_is_packed_in_another_way() -> None:
    data = package(
        {"word/document.xml": f"<w:document {W}><w:body>{p('Text.')}</w:body></w:document>"}, zipfile.ZIP_BZIP2
    )
    assert reason_of(data) == "word/document.xml is packed in a way that is not read, expected deflate"


def test_what_is_packed_too_tightly() -> None:
    assert reason_of(docx(p(" " * 30_000_000))) == "word/document.xml is packed 200 times or tighter, as no document is"


def test_what_is_packed_too_tightly_and_says_it_is_not() -> None:
    data = bytearray(docx(p(" " * 30_000_000)))
    entry = data.find(b"PK\x01\x02")
    while entry >= 0:  # sizes after unpacking, in the directory
        data[entry + 24 : entry + 28] = struct.pack("<I", 5000)
        entry = data.find(b"PK\x01\x02", entry + 4)
    assert len(reason_of(bytes(data))) < 120


def test_more_than_allowed_unpacked() -> None:
    text = "".join(chr(0x4E00 + place % 20_000) for place in range(40_000))
    assert reason_of(docx(p(text)), Limits(text=50_000)) == (
        "more than 0.1 MB unpacked, which is the most that is read; split it"
    )


def test_more_files_than_allowed() -> None:
    data = package({f"{number}.txt": "" for number in range(11)})
    assert reason_of(data, Limits(members=10)) == "more than 10 files in it; split it"


def test_a_directory_larger_than_that_of_as_many_files_as_allowed() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for number in range(20):
            info = zipfile.ZipInfo(f"{number}.txt")
            info.comment = bytes(60_000)
            archive.writestr(info, "")
    assert reason_of(data.getvalue(), Limits(members=1000)) == "more than 1,000 files in it; split it"


ENTITIES = (
    '<!DOCTYPE a [<!ENTITY e0 "aaaaaaaaaa">'
    + "".join(f'<!ENTITY e{number} "{f"&e{number - 1};" * 10}">' for number in range(1, 12))
    + "]>"
)


@pytest.mark.parametrize(
    ("declared", "paragraph"),
    [
        (ENTITIES, p("&e11;")),
        (ENTITIES, p("x", "<w:pStyle w:val='&e11;'/>")),
        ('<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]>', p("&e;")),
    ],
)
def test_entities_of_a_files_own_are_refused(declared: str, paragraph: str) -> None:
    xml = f"{declared}<w:document {W}><w:body>{paragraph}</w:body></w:document>"
    reason = reason_of(package({"word/document.xml": xml}))
    assert "entit" in reason.lower()
    assert len(reason) < 150


def test_more_elements_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_file, "_XML_MARKS", 100)
    assert reason_of(docx("<w:p/>" * 100)) == ("word/document.xml has more than 100 elements and attributes; split it")


@pytest.mark.parametrize(
    "element", ["w:ins", "w:sdt><w:sdtContent", "w:tbl><w:tr><w:tc", "w:p><w:r><w:pict><w:txbxContent"]
)
@pytest.mark.parametrize("depth", [30, 60, 200, 5000])
def test_deep_nesting(element: str, depth: int) -> None:
    names = element.replace("<", "").split(">")
    start, end = f"<{element}>" * depth, "".join(f"</{name}>" for name in reversed(names)) * depth
    xml = f"<w:document {W}><w:body>{start}{p('Text.')}{end}</w:body></w:document>"
    if depth * len(names) < 250:
        assert document_in(package({"word/document.xml": xml})).text == "Text."
    else:
        assert reason_of(package({"word/document.xml": xml})).startswith("damaged (")


EXAMPLE = docx(p("The ministry announced it.") + f"<w:tbl><w:tr>{cell('a')}{cell('b')}</w:tr></w:tbl>")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    reason_of(b"PK\x03\x04" + data)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(EXAMPLE) - 1), st.binary(min_size=1, max_size=8), st.booleans())
def test_damaged_bytes(place: int, data: bytes, cut: bool) -> None:
    try:
        found = found_in(EXAMPLE[:place] if cut else EXAMPLE[:place] + data + EXAMPLE[place + len(data) :])
    except DocumentError as error:
        found = [Remark("name", str(error))]
    assert all("\n" not in one.text for one in found if isinstance(one, Remark))
    assert not any(isinstance(one, Skipped) for one in found)
