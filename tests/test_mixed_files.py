"""The files that benchmarks of the indexer write: the same ones for the same seed, read back here without any reader of
the product, and what counts as read well."""

from __future__ import annotations

import csv
import email
import email.policy
import gzip
import io
import json
import mailbox
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from eval.benchmarks import indexing, reading
from eval.benchmarks.broken_files import makers
from eval.benchmarks.file_formats import Article
from eval.benchmarks.hash_encoder import AS_THE_MODEL, HashEncoder
from eval.benchmarks.hostile_files import KINDS, write_hostile
from eval.benchmarks.mixed_files import MixedFile, write_mixed_files
from eval.benchmarks.own_process import Ran, run_alone
from eval.benchmarks.reading import problem_of
from indexer.build import open_or_create
from indexer.documents import Document, Remark, Skipped
from indexer.encoder import Encoder
from indexer.reading import SUFFIXES, read_documents

COUNT = 450
LANGUAGES = ("ar", "en", "ja", "zh", "zh-Hant")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mixed")


@pytest.fixture(scope="module")
def written(folder: Path) -> list[MixedFile]:
    return write_mixed_files(folder, COUNT)


def nothing(message: str) -> None:
    pass


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """What benchmarks do in a process of its own is done in this one, which is sooner."""
    for module in (indexing, reading):
        monkeypatch.setattr(module, "run_alone", lambda work, *arguments: Ran(work(*arguments), 1.0))


# What is written


def test_the_same_seed_writes_the_same_files(folder: Path, written: list[MixedFile], tmp_path: Path) -> None:
    assert write_mixed_files(tmp_path, COUNT) == written
    for file in written:
        if (tmp_path / file.path).is_file() and not file.path.startswith("odd/"):
            assert (tmp_path / file.path).read_bytes() == (folder / file.path).read_bytes(), file.path


def test_as_many_files_as_asked_for_and_each_once(folder: Path, written: list[MixedFile]) -> None:
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() or path.is_symlink()}
    pipes = {"odd/pipe.txt"}
    assert {file.path for file in written} - pipes == found - pipes
    assert sum(not file.path.startswith("odd/") for file in written) == COUNT


def test_every_damage_is_there_and_every_format_in_every_language(written: list[MixedFile]) -> None:
    assert {what for what, _ in makers()} <= {file.format for file in written if file.broken}
    formats = {(file.format, file.lang) for file in written if not file.broken}
    assert formats == {
        (name, lang) for name in reading_formats(written) for lang in (LANGUAGES if name != "PDF" else ("en",))
    }
    charsets = {(file.charset, file.lang) for file in written if file.format == "text"}
    assert {
        ("shift_jis", "ja"),
        ("euc_jp", "ja"),
        ("iso2022_jp", "ja"),
        ("gb18030", "zh"),
        ("big5", "zh-Hant"),
    } <= charsets
    assert {("cp1256", "ar"), ("cp1252", "en"), *(("utf-16-be", lang) for lang in LANGUAGES)} <= charsets


def reading_formats(written: Sequence[MixedFile]) -> set[str]:
    return {file.format for file in written if not file.broken}


def test_no_two_articles_are_equal_and_most_are_long(written: list[MixedFile]) -> None:
    articles = [article for file in written if not file.broken for article in file.articles]
    assert len({article.text for article in articles}) == len({article.title for article in articles}) == len(articles)
    sizes = [len(article.text.encode()) for article in articles]
    assert min(sizes) < 400
    assert 20_000 < max(sizes) < 30_200
    assert 0.7 < sum(size >= 2_000 for size in sizes) / len(sizes) < 0.9


def test_english_is_more_than_ascii(written: list[MixedFile]) -> None:
    for file in written:
        if file.charset == "cp1252":
            assert all("“" in article.text for article in file.articles)


def test_the_size_is_that_of_the_text_in_its_encoding(written: list[MixedFile]) -> None:
    file = next(own for own in written if own.format == "text" and own.charset == "euc_jp")
    assert file.size == len(file.articles[0].text.encode("euc_jp"))


# Read back without the product's readers


def decoded(data: bytes, charset: str) -> str:
    mark = charset.endswith("-bom")
    text = data.decode(charset.removesuffix("-bom"))
    assert text.startswith("\ufeff") == mark
    return text.removeprefix("\ufeff")


def pages(data: bytes, charset: str) -> list[str]:
    text = decoded(data, charset)
    main = text[text.index("<article>") : text.index("</article>")]
    return [unescape(re.sub(r"<[^>]*>", "", main))]


def markdown(data: bytes, charset: str) -> list[str]:
    text = decoded(data, charset)
    assert text.startswith("---\n" if charset.startswith("utf-8") else "---\r\n")
    return [re.sub(r"\\([^\w\s])", r"\1", text.split("---", 2)[2].lstrip().removeprefix("# "))]


def tables(data: bytes, charset: str) -> list[str]:
    text = decoded(data, charset)
    delimiter = text[5]
    return [row["text"] for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)]


def json_lines(data: bytes, charset: str) -> list[str]:
    return [json.loads(line)["text"] for line in data.decode("utf-8").splitlines()]


def in_zip(data: bytes, pattern: str, tags: Sequence[str]) -> list[str]:
    """The text of all elements of some names in the members whose names fit, in order."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = sorted(name for name in archive.namelist() if re.fullmatch(pattern, name))
        trees = [ElementTree.fromstring(archive.read(name)) for name in names]
    elements = [element for tree in trees for element in tree.iter() if element.tag.split("}")[1] in tags]
    return ["".join("".join(element.itertext()) for element in elements)]


def feeds(data: bytes, charset: str) -> list[str]:
    text = decoded(data, charset)
    declared = re.match(r'<\?xml version="1.0" encoding="([^"]+)"', text)
    assert declared
    assert "".encode(declared.group(1)) == b""  # Python knows it
    tree = ElementTree.fromstring(text.partition("?>")[2])
    contents = [own for own in tree.iter() if own.tag.endswith(("description", "content"))]
    texts = [re.sub("<[^>]*>", "", own.text or "") for own in contents]
    return [unescape(text) for text in texts if text != "Example"]


def mail_texts(data: bytes) -> list[str]:
    message = email.message_from_bytes(data, policy=email.policy.default)
    parts = [part for part in message.walk() if part.get_content_type() == "text/plain"]
    assert str(message["Subject"]).strip()
    return [part.get_content() for part in parts]


def mailboxes(data: bytes, charset: str, file: Path) -> list[str]:
    messages = mailbox.mbox(file)
    try:
        return [text for message in messages for text in mail_texts(message.as_bytes())]
    finally:
        messages.close()


def rich_text(data: bytes, charset: str) -> list[str]:
    text = data.decode("ascii")
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    text = text[text.index(r"\fs24 ") + 6 : text.rindex("}")]
    assert all(-32_768 <= int(number) < 32_768 for number in re.findall(r"\\u(-?\d+)\?", text))
    text = re.sub(r"\\u(-?\d+)\?", lambda own: chr(int(own[1]) % 65_536), text)
    text = re.sub(r"(?:\\'[0-9a-f]{2})+", lambda own: bytes.fromhex(own[0].replace("\\'", "")).decode(charset), text)
    return [re.sub(r"\\par\b", "\n", text)]


def zipped(data: bytes, charset: str) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        first, second, third = (archive.read(name) for name in archive.namelist())
    return [decoded(first, charset), *pages(second, charset), *markdown(third, "utf-8")]


def pdf_text(data: bytes) -> list[str]:
    pdfium = pytest.importorskip("pypdfium2")
    document = pdfium.PdfDocument(data)
    try:
        return ["\n".join(page.get_textpage().get_text_bounded() for page in document)]
    finally:
        document.close()


BACK: dict[str, Callable[[bytes, str], list[str]]] = {
    "text": lambda data, charset: [decoded(data, charset)],
    "Markdown": markdown,
    "HTML": pages,
    "JSON Lines": json_lines,
    "table": tables,
    "Word": lambda data, charset: in_zip(data, "word/document.xml", ["t"]),
    "PowerPoint": lambda data, charset: in_zip(data, r"ppt/slides/slide\d\.xml", ["t"]),
    "OpenDocument": lambda data, charset: in_zip(data, "content.xml", ["h", "p"]),
    "EPUB": lambda data, charset: in_zip(data, r"OEBPS/chapter\d\.xhtml", ["h1", "p"]),
    "RTF": rich_text,
    "PDF": lambda data, charset: pdf_text(data),
    "mail": lambda data, charset: mail_texts(data),
    "feed": feeds,
    "gzip": lambda data, charset: [decoded(gzip.decompress(data), charset)],
    "zip": zipped,
}


@pytest.mark.parametrize("name", [*BACK, "mailbox"])
def test_what_was_written_can_be_read_back(name: str, folder: Path, written: list[MixedFile]) -> None:
    own = [file for file in written if file.format == name]
    for file in own:
        if file.path.endswith("pptx") and len(file.articles[0].paragraphs) > 27:
            continue  # ten slides and more are not in the order of their names
        data = (folder / file.path).read_bytes()
        texts = (
            mailboxes(data, file.charset, folder / file.path) if name == "mailbox" else BACK[name](data, file.charset)
        )
        assert problem_of(file, texts, []) == "", file
    assert own


def test_pages_have_menus_and_some_declare_their_encoding(folder: Path, written: list[MixedFile]) -> None:
    declared: Counter[bool] = Counter()
    for file in written:
        if file.format == "HTML":
            text = decoded((folder / file.path).read_bytes(), file.charset)
            assert all(words in text for words in file.absent)
            declared[re.search(r'charset="?[\w-]+"', text) is not None] += 1
    assert declared[True] > declared[False] > 5


def test_bombs_are_small(folder: Path, written: list[MixedFile]) -> None:
    bombs = [file for file in written if file.format.startswith("packed")]
    assert len(bombs) >= 4
    assert all((folder / file.path).stat().st_size < 100_000 for file in bombs)


# What counts as read well

ARTICLE = Article("A title", ("The first paragraph.", "The second one."), "en", "2020-01-01")
GOOD = MixedFile("00/a.txt", "text", "utf-8", "en", 36, (ARTICLE,))
PAGE = replace(GOOD, path="00/a.html", absent=("World news",))
BAD = MixedFile("00/b.zip", "bad members", "", "", 0, (), broken=("00/b.zip!x", "00/b.zip!y"))


def test_a_text_is_right_with_other_white_space_and_with_its_title() -> None:
    assert problem_of(GOOD, ["The first paragraph. The second one."], []) == ""
    assert problem_of(GOOD, ["A title\nThe first paragraph.\n\n\nThe second one.\n"], []) == ""
    assert problem_of(GOOD, ["The first paragraph.", "The second one."], []) == ""
    assert problem_of(PAGE, ["More. The first paragraph. The second one. Yet more."], []) == ""


@pytest.mark.parametrize(
    ("file", "texts", "problem"),
    [
        (GOOD, ["The first paragraph. The sekond one."], "character 23: 'Thesekondone.', expected 'Thesecondone.'"),
        (GOOD, ["A title. The first paragraph. The second one."], "characters, expected"),
        (GOOD, ["The first paragraph."], "18 characters, expected 31"),
        (GOOD, ["The first paragraph. The second one. More."], "characters, expected"),
        (GOOD, ["A title"], "characters, expected"),
        (GOOD, [], "0 documents, expected 1"),
        (PAGE, ["World news. The first paragraph. The second one."], "holds 'World news'"),
        (PAGE, ["The first paragraph."], "characters, expected"),
        (BAD, ["text"], "1 documents, expected 0"),
    ],
)
def test_what_is_missing_changed_or_too_much_is_told(file: MixedFile, texts: list[str], problem: str) -> None:
    assert problem in problem_of(file, texts, [(name, "damaged") for name in file.broken])


def test_everything_broken_must_be_named_in_a_line() -> None:
    both = [("00/b.zip!x", "damaged"), ("00/b.zip!y:3", "damaged")]
    assert problem_of(BAD, [], both) == ""
    assert problem_of(BAD, [], both[:1]) == "00/b.zip!y is not reported"
    assert problem_of(BAD, [], [*both, ("00/b.zip!yes", "two\nlines")]) == "not one line: 'two\\nlines'"
    assert problem_of(replace(BAD, broken=("00/b",)), [], both) == "00/b is not reported"
    assert problem_of(GOOD, ["The first paragraph. The second one."], [("00/a.txt", "damaged")]) == "reported: damaged"


def test_of_a_file_without_its_end_the_beginning_may_be_read_if_that_is_said() -> None:
    cut = replace(GOOD, broken=("00/a.txt",), cut=True)
    assert problem_of(cut, ["The first"], [], [("00/a.txt", "cut off")]) == ""
    assert problem_of(cut, [], [("00/a.txt", "cut off")]) == ""
    assert problem_of(cut, ["The first"], []) == "00/a.txt is not reported"
    assert problem_of(replace(cut, cut=False), [], [], [("00/a.txt", "cut off")]) == "00/a.txt is not reported"


# The product


def test_the_product_reads_them(folder: Path, written: list[MixedFile]) -> None:
    problems = {}
    for file in written:
        if not (file.path.lower().endswith(SUFFIXES) or file.broken == (file.path,)) or file.path == "odd/round":
            continue  # the latter is a link to a folder, which is that folder where it is named by itself
        items = list(read_documents([str(folder / file.path)]))
        texts = [item.text for item in items if isinstance(item, Document)]
        skipped = [(below(item.name, folder), item.reason) for item in items if isinstance(item, Skipped)]
        remarks = [(below(item.name, folder), item.text) for item in items if isinstance(item, Remark)]
        if problem := problem_of(file, texts, skipped, remarks):
            problems[file.path, file.format, file.charset] = problem
    assert problems == {}


def below(name: str, folder: Path) -> str:
    return name.removeprefix(f"{folder}/")


@pytest.mark.usefixtures("here")
def test_a_run_of_the_benchmark_of_reading() -> None:
    figures = reading.measure(nothing, 1)
    assert figures["good"]["files"] + figures["broken"]["files"] == figures["files"] > 250
    assert figures["documents"] > 100
    assert figures["by_format"]["text"]["share"] == 1.0
    assert figures["by_encoding"]["utf-16-be"]["share"] == 1.0
    assert figures["good"]["right"] <= figures["good"]["files"]
    assert sum(own["files"] for own in figures["by_encoding"].values()) == figures["encodings"]["files"]
    wrong = sum(figures[part]["files"] - figures[part]["right"] for part in ("good", "broken"))
    assert min(wrong, 20) >= len(figures["failures"])
    assert figures["peak_mb"] == 1.0


def test_the_benchmark_of_adding_splits_its_time() -> None:
    figures = indexing.adding(nothing, passages=300, added=3)
    assert figures["passages"] >= 300
    for own in (figures["into_empty"], figures["into_large"]):
        parts = own["reading_and_storing_s"] + own["vector_index_s"] + own["lexical_index_s"]
        assert parts == pytest.approx(own["seconds"])
        assert min(own.values()) > 0


def test_the_benchmark_of_unchanged_files() -> None:
    figures = indexing.second_look(nothing, 30)
    assert figures["files"] == 30
    assert figures["second_s"] < figures["first_s"]


@pytest.mark.usefixtures("here")
def test_the_benchmark_of_a_large_file_tells_memory_at_every_quarter() -> None:
    figures = indexing.large_file(nothing, 0.0003)
    for part in ("reading", "indexing"):
        assert list(figures[part]["resident_mb"]) == ["25%", "50%", "75%", "100%"]
        assert figures[part]["documents"] > 100
        assert min(figures[part]["resident_mb"].values()) > 10
        assert figures[part]["mb_per_s"] == pytest.approx(figures["megabytes"] / figures[part]["seconds"])


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_folders_are_written(kind: str, tmp_path: Path) -> None:
    write_hostile(kind, tmp_path / "files", tiny=5, size=2_000_000)
    assert list((tmp_path / "files").iterdir())


# The encoder, and memory


def test_the_encoder_gives_unit_vectors_that_only_the_text_decides() -> None:
    encoder: Encoder = HashEncoder(AS_THE_MODEL)
    texts = ["one", "two", "一", "one"]
    vectors = encoder.encode_passages(texts)
    assert vectors.shape == (4, 896)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    assert np.linalg.norm(vectors[:, :384], axis=1) ** 2 == pytest.approx(0.7)
    assert (vectors[0] == vectors[3]).all()
    assert abs(vectors[0] @ vectors[1]) < 0.95
    assert (encoder.encode_queries(texts[1:2])[0] == vectors[1]).all()
    assert encoder.encode_passages([]).shape == (0, 896)


def test_the_encoder_is_the_same_in_every_process() -> None:
    program = (
        "from eval.benchmarks.hash_encoder import HashEncoder as H; print(H().encode_queries(['text']).tobytes().hex())"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == HashEncoder().encode_queries(["text"]).tobytes().hex()


@pytest.mark.parametrize(
    "text", ["", "two words", " 日本 語and 中文", "مرحبا بكم", "a\u3000b\x1cc", "カタカナとひらがな。"]
)
def test_the_encoder_counts_the_tokens_whose_ends_it_gives(text: str) -> None:
    encoder = HashEncoder()
    assert encoder.count_tokens([text]) == [len(encoder.token_ends(text))]


def test_a_collection_takes_the_encoder(tmp_path: Path) -> None:
    encoder = HashEncoder()
    with open_or_create(tmp_path, encoder) as collection:
        assert collection.dimension == 96


def test_memory_is_that_of_the_other_process() -> None:
    small, large = run_alone(_with_memory, 1), run_alone(_with_memory, 200_000_000)
    assert (small.result, large.result) == (1, 200_000_000)
    assert large.peak_mb - small.peak_mb == pytest.approx(200, abs=20)


def _with_memory(size: int) -> int:
    return len(b"1" * size)
