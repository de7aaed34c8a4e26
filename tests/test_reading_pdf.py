"""PDF: the text that a reader sees, in the order of reading, from files made glyph by glyph."""

from __future__ import annotations

import io
import unicodedata
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.documents import Document, Found, Remark, Skipped
from indexer.errors import DocumentError
from indexer.reading import pdf
from indexer.reading.pdf import book as book_module
from indexer.reading.pdf import characters, document
from indexer.reading.source import Context, Limits, Source

GAP = "→"
"""Stands for a place left free among glyphs, as wide as a Chinese character."""


class Shown(NamedTuple):
    """Glyphs drawn from a point to the right; each is the text that it stands for."""

    x: float
    y: float
    glyphs: Sequence[str]
    size: float = 12
    turned: str = "1 0 0 1"


def width_of(glyph: str) -> int:
    if unicodedata.combining(glyph[0]):
        return 0
    return 1000 if unicodedata.east_asian_width(glyph[0]) in "WF" else 500


def pdf_of(
    pages: Sequence[Sequence[Shown]], info: str = "", drawn: str = "", trailer: str = "", packed: bool = False
) -> bytes:
    """A PDF with one font, whose glyphs are half as wide as high, or as wide if they are Chinese or Japanese; `drawn`
    is on each page besides."""
    codes: dict[str, int] = {}
    contents = []
    for page in pages:
        parts = [drawn]
        for shown in page:
            text = "".join(
                f"> {-width_of('一')} <" if glyph == GAP else f"{codes.setdefault(glyph, len(codes) + 1):02x}"
                for glyph in shown.glyphs
            )
            parts.append(f"BT /F {shown.size} Tf {shown.turned} {shown.x} {shown.y} Tm [<{text}>] TJ ET")
        contents.append("\n".join(parts))
    mapping = "\n".join(f"<{code:02x}> <{glyph.encode('utf-16-be').hex()}>" for glyph, code in codes.items())
    unicode_map = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /M def /CMapType 2 def "
        "1 begincodespacerange <00> <ff> endcodespacerange "
        f"{len(codes)} beginbfchar\n{mapping}\nendbfchar endcmap end end"
    )
    kids = " ".join(f"{7 + 2 * index} 0 R" for index in range(len(pages)))
    widths = " ".join(str(width_of(glyph)) for glyph in codes)
    shape = "0 0 0 0 400 700 d1 0 0 400 700 re f"
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}/MediaBox[0 0 600 800]/Resources<</Font<</F 3 0 R>>>>>>",
        "<</Type/Font/Subtype/Type3/FontBBox[0 -200 1000 800]/FontMatrix[0.001 0 0 0.001 0 0]/CharProcs 6 0 R"
        f"/Encoding 4 0 R/FirstChar 1/LastChar {len(codes)}/Widths[{widths}]/ToUnicode 5 0 R>>",
        f"<</Type/Encoding/Differences[1 {' '.join(f'/g{width_of(glyph)}' for glyph in codes)}]>>",
        f"<</Length {len(unicode_map)}>>stream\n{unicode_map}\nendstream",
        f"<</g0 {len(contents) * 2 + 7} 0 R/g500 {len(contents) * 2 + 8} 0 R/g1000 {len(contents) * 2 + 9} 0 R>>",
    ]
    for index, content in enumerate(contents):
        objects.append(f"<</Type/Page/Parent 2 0 R/Contents {8 + 2 * index} 0 R>>")
        stream = zlib.compress(content.encode()).decode("latin-1") if packed else content
        how = "/Filter/FlateDecode" if packed else ""
        objects.append(f"<</Length {len(stream)}{how}>>stream\n{stream}\nendstream")
    objects += [f"<</Length {len(shape)}>>stream\n{width}{shape[1:]}\nendstream" for width in (0, 500, 1000)]
    objects.append(f"<<{info}>>")
    data = b"%PDF-1.7\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    return data + (
        f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<</Size {size}/Root 1 0 R/Info {len(objects)} 0 R"
        f"{trailer}>>\nstartxref\n{len(data)}\n%%EOF"
    ).encode("latin-1")


def found_in(data: bytes, limits: Limits | None = None) -> list[Found]:
    source = Source("name.pdf", io.BytesIO(data), len(data), ".pdf")
    return list(pdf.read(source, Context(lambda _: iter(()), limits or Limits())))


def document_of(*pages: Sequence[Shown], info: str = "") -> Document:
    (found,) = found_in(pdf_of(pages, info))
    assert isinstance(found, Document)
    assert found.pages == tuple(sorted(found.pages))
    assert len(found.pages) == len(pages)
    return found


def text_of(*pages: Sequence[Shown]) -> str:
    return document_of(*pages).text


def lines(*texts: Sequence[str], x: float = 72, top: float = 700, leading: float = 14, size: float = 12) -> list[Shown]:
    return [Shown(x, top - leading * place, text, size) for place, text in enumerate(texts)]


def right_aligned(text: Sequence[str], y: float, edge: float = 500, size: float = 12) -> Shown:
    """Glyphs in the order in which they are seen, from the left, that end at an edge."""
    return Shown(edge - sum(width_of(glyph) for glyph in text) * size / 1000, y, text, size)


# Paragraphs


def test_lines_are_joined_to_paragraphs_and_headings_stand_alone() -> None:
    page = [
        *lines("Rare earths", top=740, size=20),
        *lines("The ministry announced on Monday that", "exports will need a licence from the", "next month.", top=700),
        *lines("Companies had expected the decision", "for a long time.", top=640),
    ]
    assert text_of(page) == (
        "Rare earths\n\n"
        "The ministry announced on Monday that exports will need a licence from the next month.\n\n"
        "Companies had expected the decision for a long time."
    )


def test_a_wider_distance_begins_a_paragraph() -> None:
    page = [*lines("Rare earths and what they are for", "in the industry of our own country", top=700)]
    assert text_of(
        [*page, *lines("The ministry announced on Monday it", "will need a licence for any of it.", top=665)]
    ) == (
        "Rare earths and what they are for in the industry of our own country\n\n"
        "The ministry announced on Monday it will need a licence for any of it."
    )


def test_letters_a_little_higher_or_lower_are_on_the_line() -> None:
    assert text_of([Shown(72, 700, "Rare "), Shown(102, 702, "ear"), Shown(120, 698, "ths")]) == "Rare earths"


def test_an_indented_line_begins_a_paragraph() -> None:
    page = [
        *lines("The ministry announced on Monday ok.", top=700),
        *lines("Companies had expected it for", top=686, x=90),
        *lines("a long time, and they are prepared.", top=672),
    ]
    assert text_of(page) == (
        "The ministry announced on Monday ok.\n\nCompanies had expected it for a long time, and they are prepared."
    )


def test_the_further_lines_of_an_item_are_no_paragraph() -> None:
    page = [
        *lines("1. The ministry announced on Monday", top=700),
        *lines("that exports will need a licence.", top=686, x=90),
        *lines("2. Companies had expected it for long", top=672),
    ]
    assert "Monday that exports" in text_of(page)


def test_lines_that_end_long_before_the_edge_are_kept_apart() -> None:
    page = lines("Ministry of Trade", "Long Street 12", "Tokyo", "The country of Japan, in the east of Asia")
    assert text_of(page) == "Ministry of Trade\nLong Street 12\nTokyo\nThe country of Japan, in the east of Asia"


def test_bullets_begin_items() -> None:
    page = lines(
        "These are needed, all of them, for it:", "• gallium", "• germanium, of which there is little in the", "world"
    )
    assert text_of(page) == (
        "These are needed, all of them, for it:\n- gallium\n- germanium, of which there is little in the world"
    )


def test_rows_of_tables_are_lines() -> None:
    page = [
        Shown(72, 700, "Metal"), Shown(200, 700, "Use"), Shown(300, 700, "Price in Tokyo"),
        Shown(72, 686, "Gallium"), Shown(200, 686, "Chips"), Shown(300, 686, "Five hundred"),
    ]  # fmt: skip
    assert text_of(page) == "Metal Use Price in Tokyo\nGallium Chips Five hundred"


def test_dots_that_lead_to_a_number_are_left_out() -> None:
    assert text_of(lines("1 Introduction ............. 5", "2 Methods .................. 12")) == (
        "1 Introduction 5\n2 Methods 12"
    )


def test_a_paragraph_goes_on_in_the_next_column_and_on_the_next_page() -> None:
    left = lines("The ministry announced on Monday that", "exports of rare earths will need the", x=72, top=700)
    right = lines("licence of a new office, which opens in", "the capital, and in some other towns of", x=330, top=700)
    second = lines("the country as well, from next month on.", top=700)
    found = document_of([*left, *right], second)
    assert found.text == (
        "The ministry announced on Monday that exports of rare earths will need the licence of a new office, which "
        "opens in the capital, and in some other towns of the country as well, from next month on."
    )
    assert found.text[found.pages[1] :].startswith("the country as well")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("They asked for more inter-", "national help with it.", "more international help"),
        ("They fought in the Franco-", "Prussian war, as all.", "the Franco-Prussian war"),
        ("A well-known fact is well-", "known, and long is so.", "is well-known, and"),
        ("It was in the years 2020-", "2021 that all of it was.", "years 2020- 2021 that"),
    ],
)
def test_a_hyphen_at_the_end_of_a_line_goes_where_it_only_breaks_a_word(first: str, second: str, expected: str) -> None:
    assert expected in text_of(lines(first, second))


def test_ligatures_and_radicals_become_letters_and_nothing_else_does() -> None:
    assert text_of(lines(["o", "ﬃ", "ce"], ["⽇", "本", "⾦", "融", "㈱", "Ａ"])) == "office\n日本金融㈱Ａ"


def test_characters_beyond_the_first_plane() -> None:
    assert text_of(lines(["𠮷", "野", "家"])) == "𠮷野家"


@pytest.mark.parametrize(
    "parts",
    [
        ("経済産業省は十日、半導体の製造装置の", "輸出規制を強化すると発表した。"),
        ("稀土断供之后，日本电机厂翻箱倒柜地找", "库存，一天也停不下来。"),
    ],
)
def test_chinese_and_japanese_lines_are_joined_without_a_space(parts: tuple[str, str]) -> None:
    assert text_of(lines(*parts)) == "".join(parts)


def test_an_ideographic_space_begins_a_paragraph() -> None:
    page = lines("経済産業省は輸出規制を強化すると発表し", "　企業からは懸念の声が上がっている　専")
    assert text_of(page) == "経済産業省は輸出規制を強化すると発表し\n\n企業からは懸念の声が上がっている　専"


def test_a_small_gap_between_digits_and_japanese_is_no_space() -> None:
    page = [Shown(72, 700, "東京で"), Shown(111, 700, "20"), Shown(126, 700, "日に発表した")]
    assert text_of(page) == "東京で20日に発表した"


def test_furigana_are_left_out() -> None:
    page = [Shown(72, 700, "日本の"), Shown(108, 712, "はんどうたい", 6), Shown(108, 700, "半導体の輸出")]
    assert text_of(page) == "日本の半導体の輸出"


def test_vertical_columns_become_lines() -> None:
    columns = ("経済産業省は十日、半導体", "の製造装置の輸出規制を強", "化すると発表した。")
    page = [
        Shown(500 - 20 * number, 700 - 12 * place, character)
        for number, column in enumerate(columns)
        for place, character in enumerate(column)
    ]
    assert text_of(page) == "経済産業省は十日、半導体の製造装置の輸出規制を強化すると発表した。"


def test_what_is_drawn_later_is_put_where_it_stands() -> None:
    assert text_of([Shown(150, 700, "announced"), Shown(72, 700, "The office ")]) == "The office announced"
    assert text_of([Shown(72, 700, "周→以前→盯订"), Shown(84, 700, "："), Shown(120, 700, "，")]) == "周：以前，盯订"
    page = [Shown(72, 700, "They said it"), Shown(72, 686, "with joy."), Shown(150, 700, "to all")]
    assert text_of(page) == "They said it to all with joy."


def test_numbers_of_notes_are_left_out_and_powers_are_not() -> None:
    page = [
        Shown(72, 700, "The exports"),
        Shown(138, 705, "12", 7),
        Shown(145, 700, " were 5 km"),
        Shown(205, 705, "2", 7),
    ]
    assert text_of(page) == "The exports were 5 km2"


def test_a_turned_watermark_is_left_out_and_a_turned_page_is_not() -> None:
    stamp = Shown(20, 300, "STAMP", 12, "0 1 -1 0")
    assert text_of([stamp, *lines("The ministry announced on Monday that it would need a licence soon.")]) == (
        "The ministry announced on Monday that it would need a licence soon."
    )
    turned = [
        Shown(100, 100, "The ministry announced on Monday that", 12, "0 1 -1 0"),
        Shown(114, 100, "it would.", 12, "0 1 -1 0"),
    ]
    assert text_of(turned) == "The ministry announced on Monday that it would."


def test_a_page_that_was_scanned_aslant() -> None:
    page = [
        Shown(72 + 6 * place, 700 - 14 * number - 0.15 * place, one, 12, "0.9997 -0.025 0.025 0.9997")
        for number, text in enumerate(("The ministry announced on Monday that", "exports will need a licence."))
        for place, one in enumerate(text)
    ]
    assert text_of(page) == "The ministry announced on Monday that exports will need a licence."


def test_characters_that_are_none() -> None:
    assert text_of([Shown(72, 700, ["\x80", "\x85", "a", "\ue123", "\u2028", "b"])]) == "ab"


# Right to left


def seen(*words: str) -> str:
    """Words in the order in which they are said, as they stand from left to right."""
    return " ".join(
        word[::-1] if word.strip("()«»")[0] > "\u0590" and not word.isdigit() else word for word in reversed(words)
    )


def test_arabic_drawn_from_left_to_right_is_read_from_right_to_left() -> None:
    said = "أعلنت الوزارة يوم الاثنين أن التصدير"
    page = [right_aligned(said[::-1], 700), right_aligned("يحتاج إلى ترخيص."[::-1], 686)]
    assert text_of(page) == "أعلنت الوزارة يوم الاثنين أن التصدير يحتاج إلى ترخيص."


@pytest.mark.parametrize("reverse", [False, True])
def test_arabic_drawn_glyph_by_glyph_in_any_order(reverse: bool) -> None:
    said = "أعلنت الوزارة القرار"
    glyphs = [Shown(400 - 6 * place, 700, one) for place, one in enumerate(said) if one != " "]
    assert text_of(glyphs[::-1] if reverse else glyphs) == said


LAM_ALEF, ALEF_LAM = "\u0644\u0627", "\u0627\u0644"


@pytest.mark.parametrize("ligature", [LAM_ALEF, ALEF_LAM, "\ufefb"])
def test_lam_and_alef_in_one_glyph_whichever_way_it_is_written_down(ligature: str) -> None:
    assert text_of([right_aligned(["م", ligature, "س"], 700)]) == "س" + LAM_ALEF + "م"


def test_forms_of_letters_become_letters() -> None:
    assert text_of([right_aligned("\ufee1\ufefc\ufeb3", 700)]) == "سلام"


@pytest.mark.parametrize(
    ("glyphs", "said"),
    [
        (seen("في", "06-05-2024"), "في 2024-05-06"),
        (seen("إلى", "12,345.6"), "إلى 12,345.6"),
        (seen("عام", "١٢٣٤"), "عام ١٢٣٤"),
        (seen("شركة", "Apple Inc", "اليوم"), "شركة Apple Inc اليوم"),
        (seen("انتشر", "مرض", "COVID-19"), "انتشر مرض COVID-19"),
        (seen("بنسبة", "%45.5"), "بنسبة 45.5%"),
        (seen("نص", "(بين", "قوس)"), "نص (بين قوس)"),
        (seen("نص", ")بين", "قوس("), "نص (بين قوس)"),
        (seen("قال", "«اقتباس»"), "قال «اقتباس»"),
        (seen("قال", "»اقتباس«"), "قال «اقتباس»"),
        (seen("שלום", "2024", "(בדיקה)", "של"), "שלום 2024 (בדיקה) של"),
    ],
)
def test_numbers_words_and_brackets_among_right_to_left(glyphs: str, said: str) -> None:
    assert text_of([right_aligned(glyphs, 700)]) == said


def test_marks_stand_behind_their_letters() -> None:
    page = [right_aligned("دمحم", 700), Shown(495, 700, "\u064f"), Shown(489, 700, "\u064e"), Shown(483, 702, "\u0651")]
    assert text_of(page) == "م\u064fح\u064eم\u0651د"


ALEF_TANWIN = "\u0627\u064b"


@pytest.mark.parametrize("first", [False, True])
def test_a_letter_that_only_the_glyph_of_its_mark_says(first: bool) -> None:
    letters = [Shown(494 - 6 * place, 700, one) for place, one in enumerate("كانوا مع") if one != " "]
    mark = Shown(446, 705, [ALEF_TANWIN])
    assert text_of([mark, *letters] if first else [*letters, mark]) == f"كانوا مع{ALEF_TANWIN}"


def test_a_letter_that_the_glyph_of_its_mark_says_again() -> None:
    page = [right_aligned([LAM_ALEF, "م"], 700), Shown(488, 703, [ALEF_TANWIN]), right_aligned("ةملك", 686)]
    assert text_of(page) == f"م{LAM_ALEF}\u064b كلمة"


def test_letters_drawn_out_to_fill_a_line_are_not_text() -> None:
    assert text_of([right_aligned(seen("كـــتاب", "ثم"), 700)]) == "كتاب ثم"


def test_arabic_within_an_english_line() -> None:
    page = lines(f"The word {seen('سلام', 'عليكم')} (hello) was", "said by all of them in the town.")
    assert text_of(page) == "The word سلام عليكم (hello) was said by all of them in the town."


# Lines that repeat


def book(count: int, header: str = "The Journal of Metals", footer: str = "Page {}") -> list[list[Shown]]:
    return [
        [
            Shown(72, 760, header.format(number), 9),
            *lines(f"Text number {'one two three four five six seven eight'.split()[number - 1]} of it.", top=650),
            Shown(300, 40, footer.format(number), 9),
        ]
        for number in range(1, count + 1)
    ]


def test_what_repeats_on_pages_is_left_out() -> None:
    found = document_of(*book(5))
    assert found.text == "\n\n".join(f"Text number {name} of it." for name in ("one", "two", "three", "four", "five"))
    assert [found.text[start:].split()[2] for start in found.pages] == ["one", "two", "three", "four", "five"]


def test_what_repeats_on_left_or_right_pages_is_left_out() -> None:
    pages = book(6)
    for number, page in enumerate(pages):
        page[0] = Shown(72, 760, ["The Journal of Metals", "A. Smith and others"][number % 2], 9)
    assert "Journal" not in text_of(*pages)
    assert "Smith" not in text_of(*pages)


def test_what_repeats_on_some_pages_is_kept() -> None:
    pages = book(8, header="")
    for number in (0, 1, 2):
        pages[number][0] = Shown(72, 760, "Summary", 9)
    assert text_of(*pages).count("Summary") == 3


def test_few_pages_keep_all() -> None:
    assert text_of(*book(3)).count("The Journal of Metals") == 3


def test_what_changes_is_kept() -> None:
    pages = book(5)
    for page, text in zip(pages, ("Gold", "Silver", "Copper", "Tin", "Lead"), strict=True):
        page[0] = Shown(72, 760, text, 9)
    assert text_of(*pages).startswith("Gold\n\nText number one of it.\n\nSilver\n\n")


def test_large_headings_are_kept() -> None:
    pages = book(5)
    for number, page in enumerate(pages, 1):
        page[0] = Shown(72, 760, f"Chapter {number}", 20)
    assert text_of(*pages).count("Chapter") == 5


def test_numbers_that_count_pages_are_left_out_with_what_is_beside_them() -> None:
    pages = book(5, header="", footer="")
    for number, (page, name) in enumerate(zip(pages, ("Gold", "Silver", "Copper", "Tin", "Lead"), strict=True), 17):
        page[0] = Shown(72, 760, f"{name} {number}", 9)
    assert "Gold" not in text_of(*pages)
    assert "Text number one" in text_of(*pages)


def test_pages_with_nothing_but_what_repeats_keep_it() -> None:
    assert text_of(*[lines("Same")] * 5) == "\n\n".join(["Same"] * 5)


# Pages without text

PICTURE = "0 0 m 100 100 l S"


def test_pages_without_text_are_told() -> None:
    text = lines("Some text.")
    found = found_in(pdf_of([text, text, [], text, [], [], []], drawn=PICTURE))
    assert isinstance(found[0], Document)
    assert found[1:] == [Remark("name.pdf", "pages 3 and 5-7 have no text (scanned?)")]
    start = found[0].pages
    assert start[2] == start[3]
    assert start[4:] == (len(found[0].text),) * 3


def test_one_page_without_text() -> None:
    assert found_in(pdf_of([lines("Some text."), []], drawn=PICTURE))[1:] == [
        Remark("name.pdf", "page 2 has no text (scanned?)")
    ]


def test_many_pages_without_text_are_counted() -> None:
    pages = [lines("Some text."), []] * 10
    assert found_in(pdf_of(pages, drawn=PICTURE))[1:] == [
        Remark("name.pdf", "10 of its 20 pages have no text (scanned?)")
    ]


def test_blank_pages_are_not_told() -> None:
    assert len(found_in(pdf_of([lines("Some text."), []]))) == 1


@pytest.mark.parametrize(
    ("pages", "drawn", "reason"),
    [
        ([[], []], PICTURE, "no text in its 2 pages; scanned, it needs OCR first"),
        ([[]], PICTURE, "no text in its 1 page; scanned, it needs OCR first"),
        ([[]], "", "no text in its 1 page; blank"),
    ],
)
def test_no_text_at_all_is_an_error(pages: list[list[Shown]], drawn: str, reason: str) -> None:
    with pytest.raises(DocumentError) as error:
        found_in(pdf_of(pages, drawn=drawn))
    assert str(error.value) == reason


# What the file says of itself


def hexadecimal(text: str) -> str:
    return f"<feff{text.encode('utf-16-be').hex()}>"


def test_title_author_and_date() -> None:
    info = (
        f"/Title {hexadecimal('المعادن  النادرة')}/Author(A. Smith)/CreationDate(D:20240506120000Z)/ModDate(D:20250101)"
    )
    found = document_of(lines("Text."), info=info)
    assert (found.title, found.metadata, found.date) == ("المعادن النادرة", {"author": "A. Smith"}, "2024-05-06")


def test_a_title_that_is_no_text() -> None:
    assert document_of(lines("The first line."), info="/Title <feffd800d800>").title == "The first line."


def test_the_date_of_the_last_change_where_no_other_is_known() -> None:
    assert document_of(lines("Text."), info="/ModDate(D:202501)").date == "2025-01"


@pytest.mark.parametrize(
    "title",
    [
        "",
        "Microsoft Word - report.doc",
        "untitled",
        "Untitled-1",
        "report_final.docx",
        "無題",
        "PowerPoint Presentation",
        "about:blank",
    ],
)
def test_titles_that_say_nothing_are_dropped(title: str) -> None:
    assert document_of(lines("The first line."), info=f"/Title {hexadecimal(title)}").title == "The first line."


@pytest.mark.parametrize("title", ["Report 3.14", "Document retention in the EU", "Word order", "Rare earths"])
def test_titles_that_say_something_are_kept(title: str) -> None:
    assert document_of(lines("Text."), info=f"/Title {hexadecimal(title)}").title == title


def test_without_a_title_it_is_what_is_set_largest_on_the_first_page() -> None:
    page = [*lines("Journal of Metals, 5", top=760), *lines("Exports of", "rare earths", top=700, size=20, leading=24)]
    assert document_of([*page, *lines("The ministry announced it.", top=600)]).title == "Exports of rare earths"


# Hostile files


def test_a_file_of_another_kind() -> None:
    with pytest.raises(DocumentError, match=r"^not a PDF \(no %PDF- at its beginning\)$"):
        found_in(b"PK\x03\x04")


@pytest.mark.parametrize("data", [b"%PDF-1.7\n", b"%PDF-1.7\n%%EOF", b"junk %PDF-1.4 junk"])
def test_a_damaged_file(data: bytes) -> None:
    with pytest.raises(DocumentError, match=r"^damaged \(not a PDF that can be opened\)$"):
        found_in(data)


def test_an_encrypted_file() -> None:
    key = "00" * 32
    trailer = f"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<{key}>/U<{key}>>>/ID[<00><00>]"
    with pytest.raises(DocumentError, match=r"^encrypted; remove its password first$"):
        found_in(pdf_of([lines("Text.")], trailer=trailer))


def test_more_text_than_allowed() -> None:
    with pytest.raises(DocumentError, match=r"^more than 0\.0 MB of text, which is the most that is read; split it$"):
        found_in(pdf_of([lines("Text of it.")]), Limits(text=10))


def test_more_pages_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_module, "_PAGES", 2)
    with pytest.raises(DocumentError, match=r"^3 pages, expected at most 2; split it$"):
        found_in(pdf_of(book(3)))


def test_a_page_with_more_characters_than_allowed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (characters, document):
        monkeypatch.setattr(module, "PAGE_CHARACTERS", 20)
    found = found_in(pdf_of([lines("Short."), lines("Longer than allowed.....")]))
    assert isinstance(found[0], Document)
    assert found[0].text == "Short."
    assert found[1:] == [Remark("name.pdf", "page 2 has been left out (damaged, or more than 20 characters)")]


def test_a_file_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(0, 1000, 50))
    monkeypatch.setattr(book_module, "monotonic", lambda: next(times))
    with pytest.raises(DocumentError, match=r"^takes too long to read \(1 page of 3 in 60 seconds or more\)$"):
        found_in(pdf_of(book(3)))


def test_a_page_that_unpacks_to_a_thousand_times_as_much() -> None:
    data = pdf_of([lines("Text.")], drawn=" " * 30_000_000, packed=True)
    assert len(data) < 100_000
    (found,) = found_in(data)
    assert isinstance(found, Document)
    assert found.text == "Text."


def test_many_marks_and_many_letters_on_a_line() -> None:
    glyphs = [Shown(20_000 - 6 * place, 700, "ب") for place in range(3000)]
    marks = [Shown(20_000 - 6 * place, 700, "\u064e") for place in range(3000)]
    assert text_of([*glyphs, *marks]) == "ب\u064e" * 3000


def test_no_page_can_be_read() -> None:
    with pytest.raises(DocumentError, match=r"^damaged \(none of its pages can be read\)$"):
        found_in(pdf_of([lines("Text.")]).replace(b"/Kids[7 0 R]", b"/Kids[1 0 R]"))


@pytest.mark.parametrize("size", ["0", "1e30", "-12", "0.0000001"])
def test_absurd_sizes(size: str) -> None:
    data = pdf_of([[Shown(72, 700, "Text."), *lines("Good.", top=600)]]).replace(
        b"/F 12 Tf", f"/F {size} Tf".encode(), 1
    )
    for one in found_in(data):
        assert isinstance(one, Document)
        assert "Good." in one.text


EXAMPLE = pdf_of([*book(2), [right_aligned("يحتاج إلى ترخيص."[::-1], 686)]], info="/Title(Rare earths)")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    with pytest.raises(DocumentError):
        found_in(b"%PDF-1.7\n" + data)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, len(EXAMPLE) - 1), st.binary(min_size=1, max_size=8), st.booleans())
def test_damaged_bytes(place: int, data: bytes, cut: bool) -> None:
    try:
        found = found_in(EXAMPLE[:place] if cut else EXAMPLE[:place] + data + EXAMPLE[place + len(data) :])
    except DocumentError as error:
        found = [Remark("name.pdf", str(error))]
    assert all(isinstance(one, Document) or "\n" not in one.text for one in found if not isinstance(one, Skipped))
