"""CSV and TSV: a document of each row, in any encoding and with any delimiter; what is broken costs a row, not a
file."""

from __future__ import annotations

import csv
import io
import time
import unicodedata
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.documents import Document, Found, Remark, Skipped
from indexer.reading.files import Options
from indexer.reading.source import Limits, Source


def read(
    content: str | bytes, name: str = "a.csv", *, limits: Limits | None = None, columns: Mapping[str, str] | None = None
) -> list[Found]:
    data = content.encode() if isinstance(content, str) else content
    context = Options(limits or Limits(), columns or {}).context
    return list(context.read(Source(name, io.BytesIO(data), len(data), name[name.rindex(".") :])))


def texts(content: str | bytes, name: str = "a.csv", limits: Limits | None = None) -> list[str]:
    found = read(content, name, limits=limits)
    assert all(isinstance(item, Document) for item in found), found
    return [item.text for item in found if isinstance(item, Document)]


def documents(found: list[Found]) -> list[tuple[str, str]]:
    return [(item.id, item.text) for item in found if isinstance(item, Document)]


def reason(content: str | bytes, name: str = "a.csv", limits: Limits | None = None) -> str:
    (item,) = read(content, name, limits=limits)
    assert isinstance(item, Skipped), item
    assert item.name == name
    assert "\n" not in item.reason
    return item.reason


# Columns


def test_columns_with_usual_names_are_fields_and_others_are_metadata() -> None:
    table = (
        "_id,Headline,Body,Language,Published At,Publisher,Link,Author,Section,Empty\n"
        "n1,Rare earths,A licence is needed.,en-GB,2024-05-06T10:00:00Z,Example News,https://e.example,Ann Lee,World,\n"
    )
    assert read(table) == [
        Document(
            id="n1",
            text="A licence is needed.",
            title="Rare earths",
            lang="en",
            date="2024-05-06",
            source="Example News",
            url="https://e.example",
            metadata={"author": "Ann Lee", "Section": "World"},
        )
    ]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("العنوان,النص,التاريخ,الكاتب", "المعادن,ترخيص جديد,2024-05-06,ليلى"),
        ("タイトル,本文,日付,著者", "鉱物,新しい許可,2024-05-06,山田"),
        ("标题,正文,日期,作者", "矿物,新的许可证,2024-05-06,王芳"),
        ("標題,內容,日期,作者", "礦物,新的許可證,2024-05-06,王芳"),
        ("ＴＩＴＬＥ,ＴＥＸＴ,date,author", "a,b,2024-05-06,c"),
    ],
    ids=["ar", "ja", "zh-Hans", "zh-Hant", "wide letters"],
)
def test_columns_may_be_named_in_other_languages(header: str, row: str) -> None:
    title, text, date, author = row.split(",")
    assert read(f"{header}\n{row}\n") == [
        Document(id="a.csv#2", text=text, title=title, date=date, metadata={"author": author})
    ]


def test_the_context_says_what_columns_are_before_their_names_do() -> None:
    (found,) = read(
        "text,summary,who,when\nlong,short,Ann,2024\n",
        columns={"summary": "text", "Text": "title", "who": "author", "when": "date", "absent": "lang"},
    )
    assert found == Document(id="a.csv#2", text="short", title="long", date="2024", metadata={"author": "Ann"})


def test_of_several_columns_for_a_field_the_first_that_is_not_empty_has_it() -> None:
    found = read("x,y\none,two\n,three\n", columns={"x": "text", "y": "text"})
    assert documents(found) == [("a.csv#2", "one"), ("a.csv#3", "three")]


def test_of_several_usual_names_the_best_is_taken_and_the_others_are_metadata() -> None:
    (found,) = read("description,body,text\nd,b,t\n")
    assert found == Document(id="a.csv#2", text="t", title="t", metadata={"description": "d", "body": "b"})


def test_columns_without_a_name_or_with_the_same_get_one_of_their_own() -> None:
    (found,) = read("text,,k,k\nt,1,2,3\n")
    assert isinstance(found, Document)
    assert found.metadata == {"column 2": "1", "k": "2", "k#2": "3"}


def test_no_text_column_is_an_error_that_says_how_to_name_it() -> None:
    assert reason("a,b,c\n1,2,3\n") == "no text column among a, b, c; say which with --column text=NAME"
    many = ",".join(f"c{number}" for number in range(30))
    assert reason(f"{many}\n") == (
        f"no text column among {', '.join(f'c{number}' for number in range(20))}, ...; "
        "say which with --column text=NAME"
    )


def test_a_table_without_rows_is_an_error() -> None:
    assert reason("text,title\n") == "no rows below the names of the columns"
    assert reason("") == "empty"
    assert reason("\n \r\n") == "empty"


# Delimiters


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.tab"])
def test_the_delimiter_is_found(delimiter: str, name: str) -> None:
    table = io.StringIO()
    writer = csv.writer(table, delimiter=delimiter)
    writer.writerows([["id", "text"], ["1", "one, two; three | four"], ["2", 'said "yes"\nand left'], ["3", "終"]])
    assert documents(read(table.getvalue(), name)) == [
        ("1", "one, two; three | four"),
        ("2", 'said "yes"\nand left'),
        ("3", "終"),
    ]


def test_the_delimiter_is_that_which_makes_columns_with_names_we_know() -> None:
    assert texts("id;text;notes, remarks\n1;one, two;x\n2;three, four;y\n") == ["one, two", "three, four"]


def test_the_first_line_may_say_the_delimiter() -> None:
    assert read("sep=^\nid^text\n1^one, two\n") == [Document(id="1", text="one, two", title="one, two")]


def test_a_single_column_has_no_delimiter() -> None:
    assert texts('text\nHello, world; how | are\tyou\n"quoted, ""one"""\n') == [
        "Hello, world; how | are\tyou",
        'quoted, "one"',
    ]


def test_quotes_between_tabs_are_kept_where_they_mean_themselves() -> None:
    table = 'id\ttext\n1\t"Yes" she said\n2\t"Not closed\n3\tend\n4\t"a\n5\tb\n'
    assert documents(read(table, "a.tsv")) == [
        ("1", '"Yes" she said'),
        ("2", '"Not closed'),
        ("3", "end"),
        ("4", '"a'),
        ("5", "b"),
    ]


def test_quotes_between_tabs_may_look_like_those_of_a_cell_of_several_lines() -> None:
    rows = "".join(f'{number}\t"a {number}\n{number}\tb {number}"\n' for number in range(5))
    assert texts(f"id\ttext\n{rows}", "a.tsv")[:3] == ['"a 0', 'b 0"', '"a 1']


def test_quoted_cells_between_tabs_are_unquoted() -> None:
    assert texts('id\ttext\n1\t"a ""b""\tc"\n2\td\n', "a.tsv") == ['a "b"\tc', "d"]


# Rows


def test_rows_are_named_by_the_line_that_they_begin_in() -> None:
    table = 'text,n\r\n\r\n"one\r\ntwo",\r\n\r\n , \r\nthree,\r\n'
    assert documents(read(table)) == [("a.csv#3", "one\ntwo"), ("a.csv#7", "three")]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_way(line_end: str) -> None:
    assert texts(line_end.join(["id,text", "1,one", '2,"two"', "3,three"])) == ["one", "two", "three"]


def test_a_row_with_too_few_or_too_many_cells_is_skipped_by_line() -> None:
    assert read("id,text,n\n1,one,x\n2,two\nthree\n4,four,x,y\n5,five,x,,\n") == [
        Document(id="1", text="one", title="one", metadata={"n": "x"}),
        Skipped("a.csv:3", "2 cells, expected 3 as in the first row"),
        Skipped("a.csv:4", "1 cell, expected 3 as in the first row"),
        Skipped("a.csv:5", "4 cells, expected 3 as in the first row"),
        Document(id="5", text="five", title="five", metadata={"n": "x"}),
    ]


def test_a_row_without_text_is_skipped_by_line() -> None:
    assert read("id,text\n1, \n2,two\n") == [
        Skipped("a.csv:2", "no text"),
        Document(id="2", text="two", title="two"),
    ]


def test_a_quote_that_is_not_closed_costs_no_other_row() -> None:
    table = 'id,text,n\n1,"one,x\n2,two,x\n3,"three, 3",x\n4,four,"x\n5,five,x\n6,six,x\n'
    assert read(table) == [
        Skipped("a.csv:2", "a quote that is not closed"),
        Document(id="2", text="two", title="two", metadata={"n": "x"}),
        Document(id="3", text="three, 3", title="three, 3", metadata={"n": "x"}),
        Document(id="4", text="four", title="four", metadata={"n": "x\n"}),
        Remark("a.csv:5", "a quote that is not closed; read to the end of its line"),
        Document(id="5", text="five", title="five", metadata={"n": "x"}),
        Document(id="6", text="six", title="six", metadata={"n": "x"}),
    ]


def test_broken_quotes_in_a_cell_of_several_lines_take_no_lines_for_rows() -> None:
    table = 'id,text,n\n1,"one\nand "more" of it\nand more",x\n' + "".join(f"{n},text {n},x\n" for n in range(2, 9))
    found = read(table)
    assert found[0] == Skipped("a.csv:2", "a quote that is not closed; nothing is read up to line 3")
    assert documents(found) == [(str(n), f"text {n}") for n in range(2, 9)]


def test_a_line_of_a_broken_cell_that_looks_like_a_row_is_none() -> None:
    found = read('id,text\n1,"one\nfirst, second\nthird\nfourth "x" y\nfifth",\n2,two\n')
    assert found[0] == Skipped("a.csv:2", "a quote that is not closed; nothing is read up to line 5")
    assert ("2", "two") in documents(found)
    assert "first" not in [identifier for identifier, _ in documents(found)]


def test_a_quote_within_a_cell_is_a_character() -> None:
    assert texts('id,text\n1,5" pipe\n2,"say "hi" now"\n') == ['5" pipe', 'say hi" now"']


def test_too_long_a_line_is_skipped() -> None:
    found = read(f"id,text\n1,{'x' * 2000}\n2,two\n3,{'y' * 5_000_000}", limits=Limits(line=1000))
    assert found == [
        Skipped("a.csv:2", "a line of more than 0.0 MB, which is the most that is read"),
        Document(id="2", text="two", title="two"),
        Skipped("a.csv:4", "a line of more than 0.0 MB, which is the most that is read"),
    ]


def test_a_row_of_many_lines_may_not_be_longer_than_a_line() -> None:
    long = "y\n" * 300
    found = read(f'id,text\n1,"{long}"\n2,two\n', limits=Limits(line=1000))
    assert documents(found) == [("1", long.strip()), ("2", "two")]
    found = read(f'id,text\n1,"{long}"\n2,two\n', limits=Limits(line=500))
    assert found[0] == Skipped("a.csv:2", "a quote that is not closed; nothing is read up to line 250")
    assert documents(found) == [("2", "two")]


def test_a_cell_may_be_longer_than_what_the_csv_module_takes() -> None:
    assert texts(f'id,text\n1,"{"字" * 200_000}"\n') == ["字" * 200_000]


def test_nul_bytes_do_not_end_the_file() -> None:
    assert texts("id,text\n1,a\0b\n2,two\n") == ["a\ufffdb", "two"]


# Encodings

PARAGRAPHS = {
    "cp1256": "أعلنت الوزارة يوم الاثنين أن تصدير المعادن النادرة سيحتاج إلى ترخيص ابتداء من الشهر المقبل.",
    "cp932": "経済産業省は十日、半導体の製造装置の輸出規制を強化すると発表した。対象となるのは先端的な製造装置である。",
    "gb18030": "商务部周一宣布，从下个月起，稀土出口将需要许可证。该地区的企业表示，他们早已预料到这一决定。",
    "big5hkscs": "商務部週一宣布，從下個月起，稀土出口將需要許可證。該地區的企業表示，他們早已預料到這一決定。",
    "utf-8": "The café is closed. 日本語もある。",
    "utf-8-sig": "The café is closed. 日本語もある。",
    "utf-16": "日本語の本文です。The café is closed.",
}


@pytest.mark.parametrize("charset", PARAGRAPHS)
def test_the_encoding_is_found(charset: str) -> None:
    text = PARAGRAPHS[charset]
    table = "id,text\r\n" + "".join(f'{number},"{text}"\r\n' for number in range(20))
    assert documents(read(table.encode(charset))) == [(str(number), text) for number in range(20)]


@pytest.mark.parametrize("charset", ["cp932", "gb18030", "utf-8", "utf-16"])
def test_a_letter_may_lie_on_the_border_of_the_sample(charset: str) -> None:
    text = PARAGRAPHS.get(charset, PARAGRAPHS["utf-8"])
    for shift in range(4):
        count = 280_000 // len(f"100,{text}".encode(charset))
        rows = [f"{'x' * shift}{number},{text}" for number in range(count)]
        data = "\n".join(["id,text", *rows]).encode(charset)
        assert len(data) > 262_144
        assert texts(data) == [text] * count


def test_the_encoding_may_show_only_after_a_long_beginning_in_ascii() -> None:
    text = PARAGRAPHS["cp932"]
    rows = ["1,plain text"] * 25_000 + [f"2,{text}"] * 100
    found = texts("\n".join(["id,text", *rows]).encode("cp932"))
    assert found == ["plain text"] * 25_000 + [text] * 100


def test_a_declared_encoding_is_used() -> None:
    data = "id,text\n1,наука и жизнь\n".encode("koi8-r")
    source = Source("a.csv", io.BytesIO(data), len(data), ".csv", charset="koi8-r")
    assert documents(list(Options().context.read(source))) == [("1", "наука и жизнь")]


def test_bytes_that_do_not_fit_the_encoding_are_told_and_cost_no_row() -> None:
    rows = "".join(f"{number},日本語のテキスト\n" for number in range(20_000)).encode()
    found = read(b"id,text\n" + rows + b"x,caf\xe9\ny,\xff\n")
    assert documents(found)[-2:] == [("x", "caf\ufffd"), ("y", "\ufffd")]
    assert found[-1] == Remark("a.csv", "2 lines hold bytes that are not utf-8, the first one line 20002")


def test_a_binary_file_is_refused() -> None:
    assert reason(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10).startswith("binary, not text")


# Hostile and large


def test_rows_are_read_one_at_a_time() -> None:
    class Endless(io.RawIOBase):
        """A table without an end."""

        def __init__(self) -> None:
            self.place = 0

        def readable(self) -> bool:
            return True

        def seekable(self) -> bool:
            return True

        def seek(self, offset: int, whence: int = 0) -> int:
            self.place = offset
            return offset

        def readinto(self, buffer: Any) -> int:
            line = b"id,text\n" if self.place == 0 else "日本語,語\n".encode()
            data = line[: len(buffer)]
            buffer[: len(data)] = data
            self.place += len(data)
            return len(data)

    source = Source("a.csv", io.BufferedReader(Endless()), 10**15, ".csv")
    found = Options().context.read(source)
    assert [next(found) for _ in range(1000)][-1] == Document(id="日本語", text="語", title="語")


@pytest.mark.parametrize(
    "table",
    ['id,text\n1,"' + "x\n" * 100_000, "id,text\n" + '1,"x\n' * 20_000, "id,text\n" + 'x","y\n' * 50_000],
    ids=["never closed", "each line opens one", "each line closes one and opens one"],
)
def test_quotes_cannot_make_reading_slow(table: str) -> None:
    before = time.perf_counter()
    assert read(table, limits=Limits(line=100_000))
    assert time.perf_counter() - before < 5


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.tsv"]))
def test_any_bytes_are_read_or_reported(data: bytes, name: str) -> None:
    for item in (*read(data, name), *read(b"id,text\n" + data, name)):
        line = "" if isinstance(item, Document) else item.reason if isinstance(item, Skipped) else item.text
        assert "\n" not in line


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30), min_size=1),
    st.sampled_from([",", ";", "\t", "|"]),
)
def test_what_another_program_writes_is_read_back(cells: list[str], delimiter: str) -> None:
    table = io.StringIO()
    writer = csv.writer(table, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["id", "text"], *([str(number), f"x{cell}x"] for number, cell in enumerate(cells))])
    expected = [unicodedata.normalize("NFC", f"x{cell}x".replace("\r\n", "\n").replace("\r", "\n")) for cell in cells]
    found = read(table.getvalue())
    controls = sum(ord(character) < 32 or ord(character) == 127 for character in table.getvalue())
    if controls * 50 < len(table.getvalue()):
        assert [item.text for item in found if isinstance(item, Document)] == expected
