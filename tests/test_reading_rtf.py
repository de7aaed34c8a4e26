"""RTF: the very text that a reader sees, from files made by hand."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.documents import Document, Found, Remark
from indexer.errors import DocumentError
from indexer.reading import rtf
from indexer.reading.source import Context, Limits, Source

FONTS = (
    rb"{\fonttbl{\f0\fswiss\fcharset0 Arial;}{\f1\fcharset178 Arabic {\*\falt Other};}{\f2\fcharset128 MS Mincho;}"
    rb"{\f3\fcharset134 SimSun;}{\f4\fcharset2 Symbol;}{\f5\fcharset204 Cyr;}{\f6\cpg950 Big;}}"
)


def found_in(data: bytes, limits: Limits | None = None) -> list[Found]:
    source = Source("name.rtf", io.BytesIO(data), len(data), ".rtf")
    return list(rtf.read(source, Context(lambda _: iter(()), limits or Limits())))


def document_of(body: bytes, head: bytes = rb"\ansi\ansicpg1252\deff0" + FONTS) -> Document:
    (found,) = found_in(rb"{\rtf1" + head + b"\n" + body + b"}")
    assert isinstance(found, Document)
    return found


def text_of(body: bytes, head: bytes = rb"\ansi\ansicpg1252\deff0" + FONTS) -> str:
    return document_of(body, head).text


def escaped(text: str, encoding: str) -> bytes:
    return b"".join(b"\\'%02x" % byte for byte in text.encode(encoding))


def mixed(text: str, encoding: str) -> bytes:
    """As programs write it that escape no letters."""
    return b"".join(
        b"\\'%02x" % byte if byte > 127 or byte in b"\\{}" else bytes((byte,)) for byte in text.encode(encoding)
    )


# Text


def test_paragraphs_lines_and_signs() -> None:
    body = (
        rb"\pard One\tab two\line three.\par\pard {\b bold}\i  it\i0 alic\par\par"
        + b"\nend\\~of\\_it co\\-op \\{x\\}\\\\"
        rb"\emdash\ldblquote q\rdblquote\'e9\page Last\sect"
    )
    assert text_of(body) == "One two\nthree.\n\nbold italic\n\nend of-it coop {x}\\—“q”é\n\nLast"


def test_a_backslash_at_the_end_of_a_line_ends_a_paragraph() -> None:
    assert text_of(b"One\\\ntwo\\\r\nthree") == "One\n\ntwo\n\nthree"


@pytest.mark.parametrize("write", [escaped, mixed])
@pytest.mark.parametrize(
    ("font", "encoding", "text"),
    [
        (1, "cp1256", "المعادن النادرة"),
        (2, "cp932", "ソニー、表示とポ"),  # their second bytes are \ and |
        (3, "gbk", "稀土出口"),
        (6, "cp950", "稀土功許"),
        (5, "cp1251", "Редкие"),
    ],
)
def test_encodings_of_fonts(font: int, encoding: str, text: str, write: Callable[[str, str], bytes]) -> None:
    data = write(text, encoding)
    assert text_of(b"Before {\\f%d %s} after\\par\\f%d %s\\f0  x" % (font, data, font, data)) == (
        f"Before {text} after\n\n{text} x"
    )


def test_a_second_byte_that_is_a_letter() -> None:
    assert text_of(rb"{\f2\'83A\'83\'5c\'83\\x\}}") == "アソソx}"


def test_the_encoding_of_the_file_and_of_what_has_no_font() -> None:
    assert text_of(escaped("レアアース", "cp932"), rb"\ansi\ansicpg932") == "レアアース"
    assert text_of(escaped("é", "mac_roman"), rb"\mac") == "é"
    assert text_of(escaped("é", "cp437"), rb"\pc") == "é"
    assert text_of(escaped("é", "cp1252"), rb"\ansi\ansicpg99999") == "é"
    assert text_of(escaped("日", "utf-8"), rb"\ansi\ansicpg65001") == "日"


def test_the_font_of_another_script() -> None:
    body = rb"{\rtlch\fcs1 \af1 \ltrch\fcs0 \f0 \rtlch\fcs1 \af1 " + escaped("نص", "cp1256") + rb"}{\ltrch\f0 \'e9}"
    assert text_of(body) == "نصé"
    assert text_of(rb"{\loch\f0\hich\f0\dbch\af2 " + escaped("漢字", "cp932") + rb"\loch \'e9}") == "漢字é"


def test_bytes_that_should_have_been_escaped() -> None:
    assert text_of("المعادن 日本".encode()) == "المعادن 日本"
    assert text_of(b"{\\f1 " + "المعادن".encode("cp1256") + b"}") == "المعادن"


def test_unicode_with_its_replacement() -> None:
    assert (
        text_of(rb"\u26085?\u26412\'8a\uc2\u-24576\'8a\'8a\uc0\u1605\u1593x{\uc1\u8364 E}\uc1\u8364\~y")
        == "日本ꀀمعx€€y"
    )


def test_unicode_beyond_the_first_plane() -> None:
    assert text_of(rb"\u-10179?\u-8704?\u-10174?\u-8265? \u-10179?x \u128512?") == "😀𠮷 \ufffdx 😀"


def test_two_forms_for_old_and_new_programs() -> None:
    assert text_of(rb"A{\upr{OLD}{\*\ud{\u26085?}}}B") == "A日B"


def test_bullets_of_symbol_fonts() -> None:
    assert text_of(rb"\pard{\f4\'b7} one\par{\u-3913?} two\par") == "- one\n- two"


def test_items_of_lists_have_a_dash() -> None:
    body = (
        rb"\pard Before.\par{\listtext\pard\plain\f4 \'b7\tab}\pard\ls1 one\par{\listtext 2.\tab}two\par"
        rb"{\pntext 3.\tab}\pard{\*\pn\pnlvlbody}three\par\pard After.\par"
        rb"{\listtext 1\tab}\pard\outlinelevel0 Heading\par"
        rb"{\listtext\tab}\pard four\par\trowd\pard\intbl x\cell\row{\listtext\tab}\pard five\par"
    )
    assert text_of(body) == "Before.\n\n- one\n- two\n- three\n\nAfter.\n\nHeading\n\n- four\n\nx\n\n- five"


def test_a_row_of_a_table_is_a_line() -> None:
    row = rb"\trowd\cellx1\cellx2\pard\intbl %s\cell\pard\intbl %s\par %s\cell\row"
    body = rb"\pard Before.\par" + row % (b"Metal", b"Use", b"and price") + row % (rb"\u37955?", b"chips", b"x")
    assert text_of(body + rb"\pard After.\par") == "Before.\n\nMetal | Use and price\n鑃 | chips x\n\nAfter."


def test_a_table_of_one_cell_is_a_box_around_paragraphs() -> None:
    assert text_of(rb"\trowd\cellx1\pard\intbl One.\par Two.\cell\row") == "One.\n\nTwo."


def test_a_table_within_a_table_is_in_its_cell() -> None:
    inner = rb"\pard\intbl\itap2 a\nestcell b\nestcell{\*\nesttableprops\trowd\nestrow}{\nonesttables\par}"
    body = rb"\trowd" + inner + rb"\pard\intbl c\cell d\cell\row"
    assert text_of(body) == "a b c | d"


def test_notes_are_at_the_end() -> None:
    note = rb"{\super\chftn{\footnote\pard\plain{\super\chftn} First.\par More.}}"
    body = rb"\pard One" + note + rb" two\par Three{\footnote\ftnalt Last.}\par"
    assert text_of(body) == "One two\n\nThree\n\nFirst.\n\nMore.\n\nLast."


def test_a_text_box_comes_after_its_paragraph_once() -> None:
    shape = rb"{\shp{\*\shpinst\shpleft1{\sp{\sn x}{\sv GONE}}{\shptxt\pard In the box.\par}}{\shprslt GONE\par}}"
    assert text_of(rb"\pard Before " + shape + rb"after.\par") == "Before after.\n\nIn the box."
    assert text_of(rb"A{\*\do\dobxpage\dptxbx{\dptxbxtext Old box.}}\par") == "A\n\nOld box."


def test_fields_leave_their_result() -> None:
    body = rb'See {\field{\*\fldinst HYPERLINK "https://e.example"}{\fldrslt{\ul the report}}}.\par'
    contents = (
        rb"{\field{\*\fldinst TOC \\o}{\fldrslt Metals{\field{\*\fldinst PAGEREF x}{\fldrslt 5}}\par More 6\par}}"
    )
    assert text_of(contents + body) == "See the report."


def test_furigana_leave_what_they_stand_over() -> None:
    equation = rb'eq \\* jc2 \\* "Font:MS" \\* hps10 \\o\\ad(\\s\\up 9(\u12363?\u12435?),\u28450?)'
    field = rb"{\field{\*\fldinst " + equation + rb"}{\fldrslt}}"
    assert text_of(rb"\u12371?" + field + rb"\u12399?") == "こ漢は"


@pytest.mark.parametrize(
    "unseen",
    [
        rb"{\header GONE\par}",
        rb"{\footerf GONE}",
        rb"{\*\unknown GONE{\b GONE}}",
        rb"{\annotation GONE}",
        rb"{\*\annotation GONE}",
        rb"{\v GONE}",
        rb"\v GONE\v0 ",
        rb"\v GONE\plain ",
        rb"{\deleted GONE}",
        rb"{\pict\pngblip 47 4f4e45}",
        rb"{\*\shppict{\pict GONE}}{\nonshppict GONE}",
        b"{\\pict\\bin6 }}{GON}",
        rb"{\object{\*\objdata 00}{\result GONE}}",
        rb"{\xe GONE}",
        rb"{\*\bkmkstart GONE}",
        rb"{\stylesheet{\s1 GONE;}}",
        rb"{\colortbl;\red0;}",
    ],
)
def test_what_is_not_seen(unseen: bytes) -> None:
    assert text_of(b"Be" + unseen + b"fore") == "Before"


def test_what_follows_the_end_is_no_text() -> None:
    assert [one.text for one in found_in(rb"{\rtf1 Text.}GONE") if isinstance(one, Document)] == ["Text."]


# What the file says of itself


def test_title_author_and_date() -> None:
    info = (
        rb"{\info{\title Rare \u22303? {\*\x GONE}earths}{\author A. Smith}{\operator B}"
        rb"{\creatim\yr2024\mo5\dy6\hr10}{\revtim\yr2025\mo1\dy1}{\doccomm GONE}}"
    )
    found = document_of(info + b"Text.")
    assert (found.title, found.metadata, found.date) == ("Rare 土 earths", {"author": "A. Smith"}, "2024-05-06")
    assert found.text == "Text."


def test_the_date_of_the_last_change_where_no_other_is_known() -> None:
    assert document_of(rb"{\info{\title untitled}{\revtim\yr2025\mo1}}Text.").date == "2025-01"
    assert document_of(rb"{\info{\title untitled}}Text.").title == "Text."


# Hostile files


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"PK\x03\x04", "not RTF (no {\\rtf at its beginning)"),
        (rb"{\rtf1\ansi }", "empty"),
        (rb"{\rtf1 " + b"{" * 5000, "damaged (nested too deeply to be read)"),
    ],
)
def test_reasons(data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError) as error:
        found_in(data)
    assert str(error.value) == reason


def test_more_than_allowed() -> None:
    with pytest.raises(DocumentError, match=r"^0\.0 MB, expected at most 0\.0 MB; split it$"):
        found_in(rb"{\rtf1 Text of it.}", Limits(text=10))


def test_a_file_that_ends_in_the_middle() -> None:
    found = found_in(rb"{\rtf1 One.\par {\b Two")
    assert isinstance(found[0], Document)
    assert found[0].text == "One.\n\nTwo"
    assert found[1:] == [Remark("name.rtf", "ends in the middle (a group is not closed); what is there was read")]


@pytest.mark.parametrize(
    "part",
    [
        rb"{\b x}",
        rb"\par x",
        rb"{\*\fldinst HYPERLINK }",
        rb"{\field{\*\fldinst HYPERLINK",
        rb"\'83",
        rb"\cell",
        b"\\",
        b"}{",
    ],
)
def test_many_of_anything_take_linear_time(part: bytes) -> None:
    try:
        found = found_in(rb"{\rtf1 x" + part * 20_000)
    except DocumentError as error:
        found = [Remark("name.rtf", str(error))]
    assert found


WORDS = (
    "{ } \\ \\u \\uc \\u-1 \\bin \\bin5 \\'8 \\'83 \\f1 \\f \\fonttbl \\fcharset128 \\par \\cell \\row \\footnote "
    "\\shptxt \\* \\upr \\ud \\info \\title \\listtext \\fldinst \\fldrslt \\ansicpg \\ansicpg0 \\yr x ÿ"
).split()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*WORDS, " ", "\n"])))
def test_random_words(words: list[str]) -> None:
    try:
        found = found_in(rb"{\rtf1" + "".join(words).encode("latin-1"))
    except DocumentError as error:
        found = [Remark("name.rtf", str(error))]
    assert all("\n" not in one.text for one in found if isinstance(one, Remark))
