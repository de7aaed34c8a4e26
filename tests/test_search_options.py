"""What the options of `search` do: which documents may answer, in which form, and what else is done with a hit."""

from __future__ import annotations

import csv
import datetime
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from indexer import glance
from indexer.build import index_documents, open_or_create
from indexer.documents import Document
from indexer.updating import update
from search_api.command import date_bounds, output
from search_api.command.completion import script
from search_api.command.full_text import MarkedText
from search_api.command.links import targets
from search_api.command.output import Screen
from search_api.command.web_address import web_address
from search_api.hit_fields import HitFields
from tests.command_line import Ask, Done, asking, indexed
from tests.fakes import FakeEncoder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Files and their collection, which no test changes."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEARCH_CACHE", str(folder / "cache"))
        yield indexed(folder, FakeEncoder())


@pytest.fixture
def ask(made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    return asking(made, monkeypatch, capsys)


def hits(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.out.splitlines()]


def found(done: Done) -> set[str]:
    return {hit["document_id"].rpartition("/")[2] for hit in hits(done)}


class Today(datetime.date):
    @classmethod
    def today(cls) -> Today:
        return cls(2024, 3, 31)


# What may answer


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {"ar.txt", "en.txt", "gas.txt", "ja-1", "zh-1", "en-2"}),
        (["--lang", "ja"], {"ja-1"}),
        (["--lang", "AR, ja", "--lang", "zh"], {"ar.txt", "ja-1", "zh-1"}),
        (["--source", "NHK", "--source", "新华社"], {"ja-1", "zh-1"}),
        (["--source", "Reuters, London"], {"en-2"}),
        (["--since", "2024"], {"ja-1", "en-2"}),
        (["--since", "2024-05-07"], {"en-2"}),
        (["--until", "2024-05"], {"ja-1", "zh-1"}),
        (["--since", "٢٠٢٤-٠٥", "--until", "2024"], {"ja-1"}),
        (["--where", "author:Sato"], {"ja-1"}),
        (["--mode", "lexical"], {"en.txt", "en-2"}),
    ],
)
def test_filters_let_through_what_they_say(options: list[str], expected: set[str], ask: Ask) -> None:
    assert found(ask("ban", "--json", "--no-collapse", *options)) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2024", "2024"),
        (" 2024-02-29 ", "2024-02-29"),
        ("7d", "2024-03-24"),
        ("2W", "2024-03-17"),
        ("1m", "2024-02-29"),
        ("4m", "2023-11-30"),
        ("1y", "2023-03-31"),
        ("٣d", "2024-03-28"),
        ("9999y", "0001-01-31"),
        ("9999d", "1996-11-14"),
    ],
)
def test_dates_are_given_or_so_long_ago(given: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search_api.command.date_bounds.datetime.date", Today)
    assert date_bounds.date_bound("--since", given) == expected


def test_pages_go_on_where_the_one_before_ended(ask: Ask) -> None:
    whole = hits(ask("ban", "--json", "--no-collapse", "-n", "5"))
    first = hits(ask("ban", "--json", "--no-collapse", "-n", "2"))
    second = hits(ask("ban", "--json", "--no-collapse", "-n", "3", "--offset", "2"))
    assert first + second == whole
    assert [hit["rank"] for hit in second] == [3, 4, 5]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--limit", "0"], "--limit 0, expected 1 to 100"),
        (["--offset", "-1"], "--offset -1, expected 0 to 99"),
        (["--offset", "95"], "--offset 95 with --limit 10: only the best 100 are ranked"),
        (["--since", "2024-02-30"], "--since 2024-02-30, expected YYYY, YYYY-MM, YYYY-MM-DD, or how long ago: 7d"),
        (["--until", "yesterday"], "--until yesterday, expected YYYY"),
        (["--since", "2024-05", "--until", "2024-04-30"], "--since 2024-05 is after --until 2024-04-30"),
        (["--where", "author"], "--where author, expected FIELD:VALUE"),
        (["--where", ":Sato"], "--where :Sato, expected FIELD:VALUE"),
        (["--json", "--format", "csv"], "--json with --format csv; leave out one of the two"),
        (["--open", "0"], "--open 0, expected the number of a hit, 1 to 100"),
        (["--full", "2", "--offset", "2"], "--full 2, expected the number of a hit, 3 to 100"),
        (["--full", "99"], "there is no hit 99; 3 found"),
        (["--full", "1", "--format", "csv"], "--full with --format csv, expected text or json"),
        (["--full", "1", "--open", "2"], "--open 2 --full 1; expected the same hit, or one of the two"),
        (["--stdin"], "questions from standard input; leave out"),
        (["-i"], "-i asks for questions at a prompt; leave out the question"),
    ],
)
def test_an_option_that_makes_no_sense_is_one_line(arguments: list[str], said: str, ask: Ask) -> None:
    done = ask("ban", *arguments)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"search: {said}")
    assert done.err.count("\n") == 1


def test_no_question_is_an_error(ask: Ask) -> None:
    assert ask() == (
        2,
        "",
        "search: no question given; write some words, - to read questions from standard input, or -i\n",
    )


def test_where_nothing_is_found_it_says_what_there_is(ask: Ask) -> None:
    held = "the collection holds passages in: ar, en, ja, zh\n"
    assert ask("ban", "--lang", "fi") == (1, "", f"search: nothing found in fi; {held}")
    assert ask("ban", "--source", "x") == (1, "", f"search: nothing found with these filters; {held}")
    assert ask("ban", "--offset", "50") == (1, "", f"search: nothing found beyond the first 50; {held}")


# Forms


def test_a_table_has_a_row_for_each_hit_and_no_formulas(ask: Ask) -> None:
    done = ask("drone", "--format", "csv", "--no-collapse")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    as_json = hits(ask("drone", "--json", "--no-collapse"))
    assert list(rows[0]) == (
        "rank score weak lang title date source document_id page url sentence snippet also_in".split()
    )
    assert [row["document_id"] for row in rows] == [hit["document_id"] for hit in as_json]
    assert [float(row["score"]) for row in rows] == [hit["score"] for hit in as_json]
    drone = next(row for row in rows if row["document_id"] == "en-2")
    assert drone["title"] == "'=SUM(1)"
    assert drone["sentence"] == '\'=The drone ban, "announced" today.'
    assert (drone["source"], drone["date"], drone["weak"]) == ("Reuters, London", "2025-01", "false")


def test_a_list_for_notes_is_markdown_with_nothing_of_a_document_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    document = Document(
        "dir/a`b.txt",
        "It was *quiet*. The ban<b> holds. Then 1. after_it.",
        title="A [ban] <script>",
        source="NHK",
        date="2024",
        url="https://news.example/a_(b)?q=禁",
    )
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path))
    with open_or_create(tmp_path / "made", FakeEncoder()) as collection:
        index_documents([document], collection, FakeEncoder())
    done = asking(tmp_path / "made", monkeypatch, capsys)("a", "*ban*", "--format", "md")
    assert done.out == (
        "## a \\*ban\\*\n\n"
        "1. **[A \\[ban\\] \\<script\\>](https://news.example/a_%28b%29?q=%E7%A6%81)** "
        "(2024, NHK, en, `dir/a'b.txt`)\n\n"
        "   > It was \\*quiet\\*. **The ban\\<b\\> holds.** Then 1. after\\_it.\n\n"
    )


def test_questions_from_standard_input_are_answered_in_order(ask: Ask) -> None:
    asked = "\ufeffgas\n\n  ban in exports \r\n"
    for arguments in (["-"], ["--stdin"]):
        done = ask(*arguments, "--json", "-n", "2", stdin=asked)
        assert [hit["query"] for hit in hits(done)] == ["gas"] * 2 + ["ban in exports"] * 2
        assert [next(iter(hit)) for hit in hits(done)] == ["query"] * 4
        assert hits(done)[0]["document_id"].endswith("gas.txt")
        assert (done.status, done.err) == (0, "")
    text = ask("-", "-n", "1", stdin=asked).out
    assert [line for line in text.splitlines() if line.startswith("──")] == ["── gas", "── ban in exports"]
    rows = list(csv.reader(io.StringIO(ask("-", "--format", "csv", "-n", "1", stdin=asked).out)))
    assert [row[0] for row in rows] == ["query", "gas", "ban in exports"]


def test_a_question_that_makes_no_sense_is_named_and_the_others_answered(ask: Ask) -> None:
    done = ask("-", "--json", "-n", "1", stdin="ban\n?!\n\udcff\ngas\n")
    assert [hit["query"] for hit in hits(done)] == ["ban", "gas"]
    assert done.status == 2
    assert [line.split(":")[1] for line in done.err.splitlines()] == [" line 2", " line 3"]


def test_many_questions_have_the_exit_status_of_one(ask: Ask) -> None:
    assert ask("-", "--lang", "ja", stdin="ban\ngas\n").status == 0
    done = ask("-", "--lang", "fi", stdin="ban\ngas\n")
    assert (done.status, done.out) == (1, "── ban\n\n── gas\n\n")
    assert done.err.startswith("search: nothing found for ban in fi; the collection holds")
    assert ask("-", stdin="").status == 1


# The whole document

TEXT = "".join(f"Line {number} of many. 第{number}行。\n" for number in range(300))
START = TEXT.index("Line 150 ")
END = TEXT.index("第150行") - 1
PAGES = (0, TEXT.index("Line 100 "), TEXT.index("Line 150 "), TEXT.index("Line 151 "))


def test_the_whole_document_goes_into_a_pipe_with_pages_and_the_sentence_marked(ask: Ask) -> None:
    lines = list(MarkedText(TEXT, PAGES, START, END, "en").lines(color=False))
    assert lines[0] == "── page 1"
    assert lines[153:156] == ["⟦Line 150 of many.⟧ 第150行。", "── page 4", "Line 151 of many. 第151行。"]
    assert lines[151:153] == ["Line 149 of many. 第149行。", "── page 3"]
    shown = [line for line in lines if not line.startswith("── page")]
    assert "\n".join([*shown, ""]) == TEXT.replace("Line 150 of many.", "⟦Line 150 of many.⟧")
    done = ask("ban", "--full", "1", "--lang", "en")
    assert done.out.splitlines()[3:] == ["A ban", "⟦The ban was announced.⟧ Shops stayed open."]


def test_a_sentence_over_several_lines_is_marked_from_begin_to_end() -> None:
    text = MarkedText("one\ntwo three\nfour five", (), 4, 18, "en")
    assert list(text.lines(color=False)) == ["one", "⟦two three", "four⟧ five"]
    assert list(text.lines(color=True)) == ["one", "\x1b[1mtwo three\x1b[0m", "\x1b[1mfour\x1b[0m five"]


@pytest.mark.parametrize("height", [10, 24, 60])
@pytest.mark.parametrize("color", [False, True])
def test_on_a_terminal_as_much_is_shown_as_fits_around_the_sentence(height: int, color: bool) -> None:
    lines = MarkedText(TEXT, PAGES, START, END, "en").screenful(Screen(40, height, color))
    text = [re.sub("\x1b\\[[0-9]m", "", line) for line in lines]
    assert len(lines) <= max(6, height - 5)
    assert (text[0], text[-1]) == ("… begins above", "… goes on below (all of it: | less)")
    answer = next(place for place, line in enumerate(text) if "Line 150 of many." in line)
    assert answer <= height // 2
    assert ("\x1b[1mLine 150 of many.\x1b[0m" if color else "⟦Line 150 of many.⟧") in lines[answer]
    assert "── page 3" in text
    assert text[-2] in TEXT


def test_a_short_document_is_shown_whole_on_a_terminal() -> None:
    lines = MarkedText("قرار\nأعلنت الحكومة حظر التصدير.\n", (), 5, 30, "ar").screenful(Screen(40, 24))
    assert lines == ["\u2067قرار\u2069", "\u2067⟦أعلنت الحكومة حظر التصدير⟧.\u2069"]


def test_the_whole_document_as_json_says_where_the_sentence_is(ask: Ask) -> None:
    (fields,) = hits(ask("禁輸", "--full", "1", "--lang", "ja", "--json"))
    place = fields["sentence"]
    assert fields["text"][place["start"] : place["end"]] == "政府は禁輸を発表した。"
    assert (fields["document_id"], fields["pages"]) == ("ja-1", [])


# Opening


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a stand-in for the system's opener writes down what it is given."""
    (tmp_path / "bin").mkdir()
    for name in ("xdg-open", "open"):
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/opened\ncase "$1" in *fail*) exit 4;; esac\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    return tmp_path / "opened"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows opens without a program in between")
def test_open_opens_the_file_or_the_web_page(ask: Ask, made: Path, opened: Path) -> None:
    done = ask("ban", "--open", "1", "--lang", "ar")
    file = str(made.parent / "files" / "ar.txt")
    assert done == (0, "", f"search: opening {file}\n")
    assert opened.read_text() == f"{file}\n"
    assert ask("ban", "--open", "1", "--lang", "zh").status == 0
    assert opened.read_text().splitlines()[1:] == ["https://news.example/%E5%85%AC%E5%91%8A?a=1&b=(2)"]
    done = ask("ban", "--open", "1", "--source", "NHK")
    rows = str(made.parent / "files" / "lines.jsonl")
    assert done.err.splitlines() == [
        f"search: {rows} holds 2 other documents as well; hit 1 is ja-1",
        f"search: opening {rows}",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows opens without a program in between")
def test_what_cannot_be_opened_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], opened: Path
) -> None:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    files = tmp_path / "files"
    files.mkdir()
    with zipfile.ZipFile(files / "all.zip", "w") as archive:
        archive.writestr("inner/ban.txt", "The ban holds.")
    (files / "fail.txt").write_text("أعلنت الحكومة حظر التصدير.")
    (files / "gone.txt").write_text("政府は禁輸を発表した。みせはあいていた。")
    with open_or_create(tmp_path / "made", FakeEncoder()) as collection:
        update([str(files)], collection, FakeEncoder())
        index_documents([Document("loose", "政府宣布禁令。商店照常营业。")], collection, FakeEncoder())
    (files / "gone.txt").unlink()
    ask = asking(tmp_path / "made", monkeypatch, capsys)
    said = {lang: ask("ban", "--open", "1", "--lang", lang) for lang in ("en", "ar", "ja", "zh")}
    assert {done.status for done in said.values()} == {2}
    assert said["en"].err == (
        f"search: hit 1 is inner/ban.txt inside {files}/all.zip; what lies in a file cannot be opened by itself: "
        "unpack it, or read it with --full 1\n"
    )
    assert (
        said["ar"].err.splitlines()[-1].endswith(f"could not open {files}/fail.txt (exit status 4); open it yourself")
    )
    assert said["ja"].err == (
        f"search: hit 1 was read from {files}/gone.txt, which is no longer there; read it with --full 1\n"
    )
    assert said["zh"].err == (
        "search: hit 1 (loose) belongs to no file and has no web address; read it with --full 1\n"
    )
    monkeypatch.setenv("PATH", "")
    assert "no program to open things with" in ask("ban", "--open", "1", "--lang", "ar").err


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://e.example/a?b=c&d=%20e#f", "https://e.example/a?b=c&d=%20e#f"),
        ("http://e.example/禁", "http://e.example/%E7%A6%81"),
        ("HTTPS://e.example", "HTTPS://e.example"),
        ("ftp://e.example", ""),
        ("javascript:alert(1)", ""),
        ("file:///etc/passwd", ""),
        ("https://e.example/\x1b]8;;x", ""),
        ("https://e.example/a b", ""),
        ("https://e.example/\x9d", ""),
        ('https://e.example/"`<>\\^{}|', "https://e.example/%22%60%3C%3E%5C%5E%7B%7D%7C"),
        ("https://e.example/" + "x" * 2_000, ""),
        ("", ""),
    ],
)
def test_only_web_addresses_are_linked_and_opened(url: str, address: str) -> None:
    assert web_address(url) == address


def test_titles_lead_to_files_that_are_there_and_to_web_pages(made: Path, ask: Ask, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "copy")
    listed = hits(ask("ban", "--json", "--no-collapse"))
    places: list[HitFields] = [HitFields(**hit) for hit in listed]  # type: ignore[typeddict-item]
    links = {hit["document_id"].rpartition("/")[2]: targets(places, made).get(hit["rank"]) for hit in listed}
    assert links["zh-1"] == "https://news.example/%E5%85%AC%E5%91%8A?a=1&b=(2)"
    assert links["ja-1"] is None  # one of several documents in a file
    address = links["ar.txt"]
    assert address is not None
    assert address.startswith("file://")
    assert address.endswith("/files/ar.txt")
    (made.parent / "files" / "gas.txt").rename(tmp_path / "away.txt")
    try:
        assert len(targets(places, made)) == 3
    finally:
        (tmp_path / "away.txt").rename(made.parent / "files" / "gas.txt")
    assert set(targets(places, tmp_path / "nothing").values()) == {links["zh-1"]}


# Terminals


@pytest.mark.parametrize(
    ("terminal", "environment", "expected"),
    [
        (True, {"TERM": "xterm-256color"}, (True, True)),
        (True, {"TERM": "xterm-256color", "NO_COLOR": "1"}, (False, True)),
        (True, {"TERM": "xterm-256color", "NO_COLOR": ""}, (True, True)),
        (True, {"TERM": "linux"}, (True, False)),
        (True, {"TERM": "dumb"}, (False, False)),
        (True, {"TERM": ""}, (False, False)),
        (False, {"TERM": "xterm-256color"}, (False, False)),
    ],
)
def test_colours_and_links_are_for_terminals_that_know_them(
    terminal: bool, environment: dict[str, str], expected: tuple[bool, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in {**environment, "COLUMNS": "60", "LINES": "20"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "platform", "linux")
    assert output.screen() == Screen(60, 20 if terminal else None, *expected)


@pytest.mark.parametrize(("columns", "width"), [("5", 20), ("75", 75), ("400", 110), ("x", 100), ("", 100)])
def test_the_width_is_the_terminals_within_reason(columns: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((0, 0)))
    assert output.screen().width == width


# Completion


def test_languages_and_sources_of_the_collection_are_offered(ask: Ask, made: Path) -> None:
    assert ask("--complete", "languages").out.split() == ["ar", "en", "ja", "zh"]
    assert ask("--complete", "sources").out.splitlines() == ["NHK", "Reuters, London", "新华社"]
    assert glance.sources(made, -1.0) in ([], ["NHK", "Reuters, London", "新华社"])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_names_every_option_and_its_shell_accepts_it(shell: str, ask: Ask, tmp_path: Path) -> None:
    done = ask("--completion", shell)
    assert (done.status, done.out) == (0, script(shell))
    for name in ("lang", "source", "since", "until", "where", "mode", "offset", "format", "open", "full", "collection"):
        assert (f"-l {name} " if shell == "fish" else f"--{name}") in done.out
    assert re.search(r"(--complete|_search_values) languages", done.out)
    if shutil.which(shell):
        (tmp_path / "script").write_text(done.out)
        assert subprocess.run([shell, "-n", str(tmp_path / "script")], capture_output=True, check=True).stderr == b""


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["--mo"], ["--mode", "--model"]),
        (["--mode", ""], ["hybrid", "semantic", "lexical"]),
        (["--mode", "s"], ["semantic"]),
        (["rain", "--form"], ["--format"]),
        (["--collection", "c d", "--lang", ""], ["languages:--collection:c d"]),
        (["--sample", "--source", "s"], ["sources:--sample"]),
        (["--since", "2"], []),
    ],
)
def test_bash_offers_what_fits(words: list[str], offered: list[str], tmp_path: Path) -> None:
    (tmp_path / "script").write_text(script("bash"))
    (tmp_path / "search").write_text('#!/bin/sh\ncase $1 in --sample) echo "sources:$1";; *) echo "$4:$1:$2";; esac\n')
    (tmp_path / "search").chmod(0o755)
    command = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _search; printf "%s\\n" "${COMPREPLY[@]}"'
    given = ["bash", "-c", command, "-", str(tmp_path / "script"), str(tmp_path / "search"), *words]
    done = subprocess.run(given, capture_output=True, text=True, check=True)
    assert [line.replace("\\", "") for line in done.stdout.splitlines() if line] == offered
    assert done.stderr == ""
