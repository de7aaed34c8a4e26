"""Files, folders and streams: the documents that they give, to the field, and for everything that gives none the name
and the reason in one line."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexer.documents import Cause, Document, Found, Remark, Skipped, clean
from indexer.reading import read_documents

Write = Callable[[str, str | bytes], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a file below an empty working folder; the path comes back as given."""
    monkeypatch.chdir(tmp_path)

    def write_file(name: str, content: str | bytes) -> str:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    return write_file


def read(*paths: str) -> list[Found]:
    return list(read_documents(paths))


def document(path: str) -> Document:
    (item,) = read(path)
    assert isinstance(item, Document), item
    return item


def reason(path: str) -> str:
    (item,) = read(path)
    assert isinstance(item, Skipped), item
    assert item.name == path
    assert "\n" not in item.reason
    return item.reason


def names(items: list[Found]) -> list[str]:
    return [item.id if isinstance(item, Document) else item.name for item in items]


# Text


def test_a_text_file_is_a_document_named_by_its_path(write: Write) -> None:
    assert read(write("folder/a.txt", "Heading\n\nétude 日本語 العربية 🎉\n")) == [
        Document(id="folder/a.txt", text="Heading\n\nétude 日本語 العربية 🎉\n", title="Heading")
    ]


def test_a_byte_order_mark_is_no_part_of_the_text(write: Write) -> None:
    assert document(write("a.txt", b"\xef\xbb\xbfText.")) == Document(id="a.txt", text="Text.", title="Text.")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_become_line_feeds(write: Write, line_end: str) -> None:
    assert document(write("a.txt", f"one{line_end}{line_end}two{line_end}")).text == "one\n\ntwo\n"


@pytest.mark.parametrize(
    "content",
    ["", " \n\t\r\n", "\ufeff", "\ufeff \n", "\u3000\u2003\n"],
    ids=["no bytes", "white space", "only a byte order mark", "mark and white space", "ideographic space"],
)
@pytest.mark.parametrize("suffix", ["txt", "md", "html", "jsonl"])
def test_a_file_without_text_is_empty(write: Write, content: str, suffix: str) -> None:
    assert reason(write(f"a.{suffix}", content)) == "empty"


def test_a_binary_file_is_no_text_whatever_its_name(write: Write) -> None:
    assert reason(write("a.txt", b"\x7fELF\x02\x01\x00\x00")).startswith("binary, not text")
    assert reason(write("b.txt", bytes(range(256)) * 20)).startswith("binary, not text")


def test_another_encoding_is_read_and_a_doubt_about_it_said(write: Write) -> None:
    assert document(write("a.txt", "text".encode("utf-16"))).text == "text"
    found, remark = read(write("b.txt", "日本は禁輸を発表した。".encode("shift_jis")))
    assert found == Document("b.txt", "日本は禁輸を発表した。", "日本は禁輸を発表した。")
    assert isinstance(remark, Remark)
    assert (remark.name, remark.text.split(",")[0]) == ("b.txt", "read as cp932")
    found, remark = read(write("c.txt", b"The ban, ok \xc3"))
    assert isinstance(found, Document)
    assert found.text.startswith("The ban, ok")
    assert isinstance(remark, Remark)


def test_the_suffix_says_the_format_in_any_case(write: Write) -> None:
    assert document(write("A.TXT", "# Text")).text == "# Text"
    assert document(write("A.MD", "# Text")).text == "Text"
    assert document(write("a.NDJSON", '{"text": "Text"}')).text == "Text"


@pytest.mark.parametrize(("name", "suffix"), [("a.exe", ".exe"), ("a.DOC", ".doc"), ("noext", "no suffix")])
def test_a_file_of_another_format_is_named_by_its_suffix(write: Write, name: str, suffix: str) -> None:
    (item,) = read(write(name, "text"))
    assert item == Skipped(
        name, f"{suffix} is no format that is read; search-index --help names those that are", Cause.FORMAT
    )


def test_a_missing_path_is_named(write: Write) -> None:
    write("there.txt", "text")
    assert read("missing.txt", "there.txt", "missing") == [
        Skipped("missing.txt", "no such file or folder", Cause.ACCESS),
        Document(id="there.txt", text="text", title="text"),
        Skipped("missing", "no such file or folder", Cause.ACCESS),
    ]


def test_a_link_to_nothing_is_named(write: Write) -> None:
    write("there.txt", "text")
    os.symlink("nowhere.txt", "link.txt")
    assert reason("link.txt") == "no such file or folder"


def test_devices_and_pipes_are_not_read(write: Write) -> None:
    write("folder/a.txt", "text")
    assert reason(os.devnull) == "not a regular file"
    if not hasattr(os, "mkfifo"):
        pytest.skip("a system without pipes in folders")
    os.mkfifo("folder/pipe.txt")  # reading it would never end
    assert reason("folder/pipe.txt") == "not a regular file"
    assert names(read("folder")) == ["folder/a.txt", "folder/pipe.txt"]


# Folders


def test_a_folder_gives_its_files_in_order_and_leaves_out_hidden_ones(write: Write) -> None:
    for name in ("b.txt", "a.txt", "10.txt", "sub/z.txt", "sub/deep/y.txt", "also/x.txt", ".hidden.txt", ".git/c.txt"):
        write(f"docs/{name}", name)
    assert names(read("docs")) == [
        "docs/10.txt",
        "docs/a.txt",
        "docs/b.txt",
        "docs/also/x.txt",
        "docs/sub/z.txt",
        "docs/sub/deep/y.txt",
    ]
    assert names(read("docs/sub/")) == ["docs/sub/z.txt", "docs/sub/deep/y.txt"]


def test_a_folders_unsupported_files_are_reported(write: Write) -> None:
    write("docs/a.txt", "text")
    write("docs/b.pdf", "text")
    first, second = read("docs")
    assert first == Document(id="docs/a.txt", text="text", title="text")
    assert isinstance(second, Skipped)
    assert second.name == "docs/b.pdf"


def test_a_folder_without_files_is_reported(write: Write) -> None:
    write("docs/.hidden/a.txt", "text")
    assert read("docs") == [Skipped("docs", "a folder without files")]


def test_a_link_to_a_folder_is_named_and_not_followed(write: Write) -> None:
    write("docs/a.txt", "text")
    write("elsewhere/b.txt", "text")
    os.symlink("../elsewhere", "docs/link")
    os.symlink(".", "docs/loop")
    assert read("docs") == [
        Skipped("docs/link", "a link to a folder; name that folder to index it"),
        Skipped("docs/loop", "a link to a folder; name that folder to index it"),
        Document(id="docs/a.txt", text="text", title="text"),
    ]
    assert names(read("docs/link")) == ["docs/link/b.txt"]


def test_a_file_name_that_is_no_text_is_read_and_named_in_text(write: Write) -> None:
    write("docs/a.txt", "text")
    try:
        for name in (b"docs/b\xff.txt", b"docs/c\xff.pdf"):
            os.rename("docs/a.txt", name)
            write("docs/a.txt", "text")
    except OSError:
        pytest.skip("this file system takes only names that are text")
    assert names(read("docs")) == ["docs/a.txt", "docs/b\ufffd.txt", "docs/c\ufffd.pdf"]


def test_a_folder_without_rights_is_reported(write: Write) -> None:
    write("docs/a.txt", "text")
    write("docs/closed/b.txt", "text")
    os.chmod("docs/closed", 0)
    try:
        if os.access("docs/closed", os.R_OK):
            pytest.skip("this user may read every folder")
        assert read("docs") == [
            Document(id="docs/a.txt", text="text", title="text"),
            Skipped("docs/closed", "permission denied", Cause.ACCESS),
        ]
    finally:
        os.chmod("docs/closed", 0o700)


def test_a_folder_that_cannot_be_listed_is_reported(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("docs/a.txt", "text")
    write("docs/closed/b.txt", "text")
    scandir = os.scandir

    def without_rights(path: str) -> Any:
        if os.path.basename(path) == "closed":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", without_rights)
    assert read("docs") == [
        Document(id="docs/a.txt", text="text", title="text"),
        Skipped("docs/closed", "permission denied", Cause.ACCESS),
    ]


def test_files_of_a_folder_that_may_be_listed_but_not_entered(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("docs/a.txt", "text")
    write("docs/closed/b.txt", "text")
    look = os.stat

    def without_rights(path: Any, **options: Any) -> os.stat_result:
        if os.path.basename(os.path.dirname(os.fspath(path))) == "closed":
            raise PermissionError(13, "Permission denied", path)
        return look(path, **options)

    monkeypatch.setattr(os, "stat", without_rights)
    found = read("docs", os.path.join("docs", "closed", "b.txt"))
    monkeypatch.undo()
    denied = Skipped(os.path.join("docs", "closed", "b.txt"), "permission denied", Cause.ACCESS)
    assert found == [Document(id=os.path.join("docs", "a.txt"), text="text", title="text"), denied, denied]


@pytest.mark.parametrize("path", ["none.txt", "docs/a.txt/b.txt", "docs/\0.txt"])
def test_what_does_not_exist_is_reported(write: Write, path: str) -> None:
    write("docs/a.txt", "text")
    (found,) = read(path)
    assert isinstance(found, Skipped)
    assert (found.reason, found.cause) == ("no such file or folder", Cause.ACCESS)


# Titles


def test_the_title_is_a_short_first_line(write: Write) -> None:
    assert document(write("a.txt", "\n\n  A heading  \nText.")).title == "A heading"
    assert document(write("b.txt", "x" * 100 + "\nText.")).title == "x" * 100


def test_the_title_is_the_first_sentence_of_a_long_line(write: Write) -> None:
    text = "Dr. Abe said 3.5 percent. " + "And it went on and on. " * 10
    assert document(write("a.txt", text)).title == "Dr. Abe said 3.5 percent."
    assert document(write("b.txt", "今日は晴れ。" + "明日も雨が降らない。" * 20)).title == "今日は晴れ。"


def test_the_title_of_a_long_sentence_is_cut_at_a_space(write: Write) -> None:
    title = document(write("a.txt", "word " * 60)).title
    assert title == "word " * 19 + "word…"
    assert len(title) == 100


def test_the_title_of_a_long_sentence_without_spaces_is_cut_at_a_hundred_characters(write: Write) -> None:
    assert document(write("a.txt", "字" * 300)).title == "字" * 100 + "…"


# JSON Lines


def test_a_json_line_gives_all_its_fields(write: Write) -> None:
    row = {
        "id": "n1",
        "text": "本文。\n二行目。",
        "title": "題",
        "lang": "ja",
        "date": "2024-05-06",
        "source": "NHK",
        "url": "https://e.example/1",
        "tags": ["gas", {"deep": None}],
        "count": 3,
    }
    assert document(write("a.jsonl", json.dumps(row))) == Document(
        id="n1",
        text="本文。\n二行目。",
        title="題",
        lang="ja",
        date="2024-05-06",
        source="NHK",
        url="https://e.example/1",
        metadata={"tags": ["gas", {"deep": None}], "count": 3},
    )


def test_the_names_of_fields_that_other_collections_use_are_read(write: Write) -> None:
    assert document(write("a.jsonl", '{"_id": "b7", "language": "ar", "text": "نص."}')) == Document(
        id="b7", text="نص.", title="نص.", lang="ar"
    )


def test_a_line_without_id_and_title_is_named_by_its_place(write: Write) -> None:
    lines = '\ufeff{"text": "First one. And more."}\n\n{"text": "Second."}\r\n{"text": "Third."}'
    assert read(write("a.jsonl", lines)) == [
        Document(id="a.jsonl#1", text="First one. And more.", title="First one. And more."),
        Document(id="a.jsonl#3", text="Second.", title="Second."),
        Document(id="a.jsonl#4", text="Third.", title="Third."),
    ]


@pytest.mark.parametrize(("given", "expected"), [("7", "7"), ("0", "0"), ("2.5", "2.5"), ('"007"', "007")])
def test_numbers_may_be_ids(write: Write, given: str, expected: str) -> None:
    assert document(write("a.jsonl", f'{{"id": {given}, "text": "x"}}')).id == expected


@pytest.mark.parametrize("given", ["null", '""'])
def test_an_empty_id_is_none(write: Write, given: str) -> None:
    assert document(write("a.jsonl", f'{{"id": {given}, "text": "x"}}')).id == "a.jsonl#1"


@pytest.mark.parametrize(
    ("tag", "lang"),
    [
        ("zh-Hant-TW", "zh"),
        ("EN", "en"),
        ("pt_BR", "pt"),
        (" ja ", "ja"),
        ("ckb", "ckb"),
        ("English", None),
        ("", None),
    ],
)
def test_language_tags_become_codes(write: Write, tag: str, lang: str | None) -> None:
    assert document(write("a.jsonl", json.dumps({"lang": tag, "text": "x"}))).lang == lang


BROKEN = {
    "broken JSON": ('{"text": "x"', "not JSON ("),
    "text, not JSON": ("hello", "not JSON ("),
    "two objects": ('{"text": "x"} {"text": "y"}', "not JSON ("),
    "nested too deep": ('{"text": "x", "d": ' + "[" * 5_000 + "]" * 5_000 + "}", "not JSON ("),
    "number too long": ('{"text": "x", "d": ' + "9" * 5_000 + "}", "not JSON ("),
    "list": ('["x"]', "a JSON list, expected an object with a text"),
    "string": ('"x"', "a JSON str, expected an object with a text"),
    "null": ("null", "a JSON NoneType, expected an object with a text"),
    "no text": ('{"title": "x"}', 'no text; expected {"text": "..."} with something in it'),
    "empty text": ('{"text": ""}', 'no text; expected {"text": "..."} with something in it'),
    "white space": ('{"text": " \\n\\u3000"}', 'no text; expected {"text": "..."} with something in it'),
    "text is a number": ('{"text": 5}', 'no text; expected {"text": "..."} with something in it'),
    "text is null": ('{"text": null}', 'no text; expected {"text": "..."} with something in it'),
    "id is a list": ('{"text": "x", "id": ["a"]}', "id is a list, expected a string"),
    "title is an object": ('{"text": "x", "title": {}}', "title is a dict, expected a string"),
}


@pytest.mark.parametrize(("line", "expected"), BROKEN.values(), ids=BROKEN.keys())
def test_a_line_that_is_no_document_is_named_and_the_others_still_come(write: Write, line: str, expected: str) -> None:
    first, broken, last = read(write("a.jsonl", f'{{"text": "one"}}\n{line}\n{{"text": "three"}}\n'))
    assert first == Document(id="a.jsonl#1", text="one", title="one")
    assert isinstance(broken, Skipped)
    assert broken.name == "a.jsonl:2"
    assert broken.reason.startswith(expected)
    assert "\n" not in broken.reason
    assert len(broken.reason) < 120
    assert last == Document(id="a.jsonl#3", text="three", title="three")


def test_characters_that_no_text_can_hold_are_replaced_and_offsets_stay(write: Write) -> None:
    line = r'{"id": "a\ud800", "text": "a\u0000b\ud800c \ud83d\ude00 end", "title": "t\udfff", "source": "\u0000"}'
    assert document(write("a.jsonl", line)) == Document(
        id="a\ufffd", text="a\ufffdb\ufffdc 😀 end", title="t\ufffd", source="\ufffd"
    )


def test_characters_that_no_text_can_hold_are_replaced_in_further_fields(write: Write) -> None:
    line = r'{"text": "x", "m": "\udc00x", "k\u0000": {"deep": ["\ud800", 1]}, "ok": "\ud83d\ude00"}'
    assert document(write("a.jsonl", line)).metadata == {"m": "\ufffdx", "k\ufffd": {"deep": ["\ufffd", 1]}, "ok": "😀"}


@pytest.mark.parametrize("depth", [50, 300, 600, 900, 950])
def test_a_deeply_nested_field_is_kept_or_named_but_stops_nothing(write: Write, depth: int) -> None:
    line = '{"id": "deep", "text": "x", "d": ' + "[" * depth + "]" * depth + "}"
    first, second = read(write("a.jsonl", line + '\n{"id": "after", "text": "y"}'))
    assert names([first]) == (["deep"] if isinstance(first, Document) else ["a.jsonl:1"])
    assert second == Document(id="after", text="y", title="y")


def test_clean_keeps_every_offset() -> None:
    text = "a\x00\ud83d\ud83d\U0001f600\udfffz\ufffd\n"
    assert clean(text) == "a\ufffd\ufffd\ufffd\U0001f600\ufffdz\ufffd\n"


def test_line_separators_inside_a_string_do_not_end_a_line(write: Write) -> None:
    assert document(write("a.jsonl", '{"text": "a\u2028b\u0085c"}')).text == "a\nb\nc", "which are line ends in a text"


# Standard input


def stdin_of(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="ascii"))


def test_text_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin_of(monkeypatch, "\ufeff日本語。\r\n二行目".encode())
    assert read("-") == [Document(id="stdin", text="日本語。\n二行目", title="日本語。")]


@pytest.mark.parametrize(
    "before", [b"", b"\xef\xbb\xbf", b" \r\n\n"], ids=["at once", "byte order mark", "blank lines"]
)
def test_json_lines_from_standard_input(monkeypatch: pytest.MonkeyPatch, before: bytes) -> None:
    stdin_of(monkeypatch, before + b'{"id": "a", "text": "One."}\n{broken\n')
    first, second = read("-")
    assert first == Document(id="a", text="One.", title="One.")
    assert isinstance(second, Skipped)
    blank_lines = before.count(b"\n")
    assert second.name == f"stdin:{blank_lines + 2}"


def test_nothing_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin_of(monkeypatch, b"\n")
    assert read("-") == [Skipped("stdin", "empty")]


def test_standard_input_among_files(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin_of(monkeypatch, b"piped")
    write("a.txt", "a")
    write("b.txt", "b")
    assert names(read("a.txt", "-", "b.txt")) == ["a.txt", "stdin", "b.txt"]


# Markup


def test_markdown_gives_the_fields_of_its_front_matter(write: Write) -> None:
    content = "---\ntitle: 題\nlang: zh-Hant\ndate: 2024-05-06\nsource: CNA\nurl: https://e.example/a\n---\n正文。\n"
    assert document(write("a.md", content)) == Document(
        id="a.md", text="正文。", title="題", lang="zh", date="2024-05-06", source="CNA", url="https://e.example/a"
    )


def test_markdown_without_a_heading_is_titled_by_its_text(write: Write) -> None:
    assert document(write("a.markdown", "Just a *paragraph*.\n\nMore.")).title == "Just a paragraph."


@pytest.mark.parametrize("content", ["---\ntitle: x\n---\n", "<!-- nothing -->", "***\n"])
def test_markdown_without_text_is_reported(write: Write, content: str) -> None:
    assert reason(write("a.md", content)) == "no text found in the Markdown"


@pytest.mark.parametrize("suffix", ["html", "htm", "xhtml"])
def test_html_gives_its_text_title_and_language(write: Write, suffix: str) -> None:
    page = "<html lang='ar-EG'><head><title>عنوان الصفحة</title></head><body><p>نص قصير هنا.</p></body></html>"
    assert document(write(f"a.{suffix}", page)) == Document(
        id=f"a.{suffix}", text="نص قصير هنا.", title="عنوان الصفحة", lang="ar"
    )


@pytest.mark.parametrize(
    "content",
    [
        "<html><body></body></html>",
        "<html><body><p> </p><img src='a.png'></body></html>",
        "<!-- a comment -->",
        "<html><body><script>var text = 'no text';</script><style>p {color: red}</style></body></html>",
        "<html><head><title>App</title></head><body><div id='root'></div><script src='a.js'></script></body></html>",
    ],
    ids=["empty body", "image", "comment", "script and style", "page made by its script"],
)
def test_html_without_text_is_reported(write: Write, content: str) -> None:
    assert reason(write("a.html", content)).lower() == "no text found in the html"
