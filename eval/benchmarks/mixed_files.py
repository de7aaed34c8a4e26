"""A folder of files of mixed formats, languages and encodings, some of them broken, and what must be found in them.

The articles are made of paragraphs of the sample collection; each says in its first paragraph which one it is, so that
no two are equal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count as numbers_from
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import TypeVar

from eval.benchmarks import file_formats as formats
from eval.benchmarks.broken_files import Broken, Maker, makers, odd_entries
from eval.benchmarks.file_formats import LABELS, MENU, Article, encoded
from indexer.sample import sample_documents

T = TypeVar("T")

_BROKEN = 0.03
_SHARES = {
    "text": 28,
    "Markdown": 8,
    "HTML": 20,
    "JSON Lines": 5,
    "table": 6,
    "Word": 7,
    "PowerPoint": 3,
    "OpenDocument": 3,
    "EPUB": 3,
    "RTF": 4,
    "PDF": 2,
    "mail": 5,
    "mailbox": 1,
    "feed": 3,
    "gzip": 1,
    "zip": 1,
}
"""How many of a hundred files are of each format."""
_LENGTHS = ((200, 1_000, 0.1), (1_000, 2_000, 0.1), (2_000, 6_000, 0.5), (6_000, 15_000, 0.23), (15_000, 30_000, 0.07))
"""Of articles: from, to (bytes of UTF-8), and how many of them."""
_IN_FOLDER = 500
_SHORTEST = 60  # characters of a paragraph; below are headings and items of lists
_REST = 40  # bytes that are not worth a paragraph

_NUMBERED = {
    "ar": ("تقرير رقم {}: {}", "هذه هي المقالة رقم {} من هذه المجموعة، وتليها فقرات من أخبار مختلفة."),
    "en": ("Report {}: {}", "This is “article {}” of the collection – paragraphs from other stories follow it."),
    "ja": ("報告第{}号：{}", "これは本資料集の第{}号の記事であり、以下にさまざまな報道の段落が続く。"),
    "zh": ("第{}号报告：{}", "这是本资料集的第{}篇文章，以下是各类新闻报道的段落。"),
    "zh-Hant": ("第{}號報告：{}", "這是本資料集的第{}篇文章，以下是各類新聞報導的段落。"),
}
"""A title and a first paragraph."""
_WORDS = {"ar": "مقالة", "en": "article", "ja": "記事", "zh": "文章", "zh-Hant": "文章"}
"""For names of files."""

LANGUAGES = tuple(_NUMBERED)
_UNICODE = ("utf-8", "utf-8-bom", "utf-16-le-bom", "utf-16-be-bom", "utf-16-le", "utf-16-be")
_FAMILIES = {
    "ar": (("cp1256",),),
    "en": (("cp1252",),),
    "ja": (("shift_jis", "cp932"), ("euc_jp",), ("iso2022_jp",)),
    "zh": (("gb18030", "gbk"),),
    "zh-Hant": (("big5", "cp950", "big5hkscs"),),
}
"""Older encodings of a language, each followed by those that extend or restrict it. Characters that these write in
another way, or not at all, are in no article: it does not matter which of them a reader takes."""


@dataclass(frozen=True)
class MixedFile:
    """A file that was written."""

    path: str
    """Below the folder, with slashes."""
    format: str
    """What it is, or what is wrong with it."""
    charset: str
    """As Python calls it, `-bom` behind it for a byte order mark; empty where the format leaves no choice."""
    lang: str
    size: int
    """Bytes of its articles' text in its encoding."""
    articles: tuple[Article, ...]
    """Of each document that must be found, in order."""
    absent: tuple[str, ...] = ()
    """What must be in no document."""
    broken: tuple[str, ...] = ()
    """What must be reported: its path, or that with the name of a part. Empty where all of it can be read."""
    cut: bool = False
    """Its end is missing: its beginning may be read, if that is said."""


@dataclass(frozen=True)
class _Kind:
    """A kind of file; `write` is given as many articles as it holds documents."""

    format: str
    suffix: str
    lang: str
    charset: str
    write: Callable[[Sequence[Article]], bytes]
    documents: int = 1


def write_mixed_files(folder: Path, count: int = 10_000, seed: int = 0) -> list[MixedFile]:
    """Writes `count` files below a folder, and a few links and pipes beside them. Each kind of file and of damage is
    there at least once, which for a small `count` makes more files than that."""
    random = Random(seed)
    articles = _articles(random)
    broken = _some(makers(), [1.0] * len(makers()), round(_BROKEN * count), random)
    good = _some(_kinds(), _weights(_kinds()), count - len(broken), random)
    order: list[_Kind | tuple[str, Maker]] = [*good, *broken]
    random.shuffle(order)
    written = []
    for number, own in enumerate(order):
        place = f"{number // _IN_FOLDER:02}"
        (folder / place).mkdir(parents=True, exist_ok=True)
        path = f"{place}/{number:05}"
        if isinstance(own, _Kind):
            written.append(_write_good(folder, path, own, articles))
        else:
            what, make = own
            written.append(_write_broken(folder, path, what, make(list(islice(articles["en"], 3)), random)))
    written += [
        MixedFile(f"odd/{name}", what, "", "", 0, (), broken=(f"odd/{name}",))
        for what, name in odd_entries(folder / "odd")
    ]
    return written


def _some(items: Sequence[T], weights: Sequence[float], count: int, random: Random) -> list[T]:
    """Each once, then as many more as there should be."""
    return [*items, *random.choices(items, weights, k=max(0, count - len(items)))]


def _weights(kinds: Sequence[_Kind]) -> list[float]:
    of_format = Counter(kind.format for kind in kinds)
    return [_SHARES[kind.format] / of_format[kind.format] for kind in kinds]


def _write_good(folder: Path, path: str, kind: _Kind, articles: dict[str, Iterator[Article]]) -> MixedFile:
    own = list(islice(articles[kind.lang], kind.documents))
    # Here and there a suffix in capitals, as cameras and old systems write them.
    suffix = kind.suffix.upper() if path.endswith("00") else kind.suffix
    path = f"{path}-{_WORDS[kind.lang]}{suffix}"
    (folder / path).write_bytes(kind.write(own))
    size = sum(len(encoded(article.text, kind.charset or "utf-8")) for article in own)
    menu = MENU[kind.lang] if kind.format in ("HTML", "zip") else ()
    return MixedFile(path, kind.format, kind.charset, kind.lang, size, tuple(own), menu)


def _write_broken(folder: Path, path: str, what: str, broken: Broken) -> MixedFile:
    path = f"{path}-broken{broken.suffix}"
    (folder / path).write_bytes(broken.content)
    names = tuple(f"{path}{part}" for part in broken.parts)
    return MixedFile(path, what, "", "", 0, tuple(broken.articles), broken=names, cut=broken.cut)


# Articles


def _articles(random: Random) -> dict[str, Iterator[Article]]:
    """Of each language without end; no two of all have the same number."""
    numbers = numbers_from(1)
    return {lang: _of_language(lang, numbers, random) for lang in LANGUAGES}


def english(count: int) -> list[Article]:
    """The same ones every time."""
    return list(islice(_articles(Random(0))["en"], count))


def _of_language(lang: str, numbers: Iterator[int], random: Random) -> Iterator[Article]:
    titles, lines = material(lang)
    title, first = _NUMBERED[lang]
    for number in numbers:
        low, high, _ = random.choices(_LENGTHS, [share for *_, share in _LENGTHS])[0]
        left = random.randint(low, high)
        paragraphs = [first.format(number)]
        begin = random.randrange(len(lines))
        for line in islice(cycle(lines), begin, None):
            left -= len(paragraphs[-1].encode())
            if left < _REST:
                break
            paragraphs.append(line.encode()[:left].decode("utf-8", "ignore").rstrip())
        date = f"20{random.randint(10, 25)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"
        yield Article(title.format(number, random.choice(titles)), tuple(paragraphs), lang, date)


@cache
def material(lang: str) -> tuple[list[str], list[str]]:
    """Titles and paragraphs of the sample collection, in a language or `zh-Hant`."""
    own = [
        document
        for document in sample_documents()
        if document.lang == lang[:2] and document.id.startswith("zh-hant") == (lang == "zh-Hant")
    ]
    lines = [_curly(re.sub(r"^[-•] ", "", line)) for document in own for line in document.text.split("\n")]
    titles = [_curly(document.title) for document in own if _writable(document.title, lang)]
    return titles, [line for line in lines if len(line) >= _SHORTEST and _writable(line, lang)]


def _curly(text: str) -> str:
    """With the quotation marks that make English text more than ASCII."""
    return re.sub(r'(?<![^\s(—])"', "“", text).replace('"', "”").replace("'", "’")


def _writable(text: str, lang: str) -> bool:
    """Whether all encodings of the language can write it, those of a family with the same bytes."""
    try:
        return all(len({text.encode(charset) for charset in family}) == 1 for family in _FAMILIES[lang])
    except UnicodeEncodeError:
        return False


# Kinds


@cache
def _kinds() -> list[_Kind]:
    return [kind for lang in LANGUAGES for kind in _kinds_of(lang)]


def _kinds_of(lang: str) -> Iterator[_Kind]:
    older = [family[0] for family in _FAMILIES[lang]]
    for charset in (*_UNICODE, *older):
        yield _Kind("text", ".txt", lang, charset, _text(charset, formats.plain))
    for charset in ("utf-8", *older):
        yield _Kind("Markdown", ".md", lang, charset, _text(charset, formats.markdown))
        yield _Kind("gzip", ".txt.gz", lang, charset, _gzipped(charset))
        yield _Kind("zip", ".zip", lang, charset, _zipped(charset), 3)
    yield from _pages(lang, older)
    yield from _tables(lang, older)
    yield from _mails(lang, older)
    for charset in ("utf-8", *older):
        if charset != "iso2022_jp":  # which parsers of XML do not know
            yield _Kind("feed", ".rss", lang, charset, _feed(charset, formats.rss), 3)
            yield _Kind("feed", ".xml", lang, charset, _feed(charset, formats.atom), 3)
    yield _Kind("Word", ".docx", lang, "", _single(formats.word))
    yield _Kind("PowerPoint", ".pptx", lang, "", _single(formats.slides))
    yield _Kind("OpenDocument", ".odt", lang, "", _single(formats.open_document))
    yield _Kind("EPUB", ".epub", lang, "", _single(formats.book))
    yield _Kind("RTF", ".rtf", lang, "", _single(formats.rich_text))
    page = _FAMILIES[lang][0][-1] if lang == "zh" else older[0]  # GB 18030 is no code page of RTF, GBK is
    yield _Kind("RTF", ".rtf", lang, page, _single(lambda article: formats.rich_text(article, page)))
    if lang == "en":
        yield _Kind("PDF", ".pdf", lang, "", _single(formats.portable))


def _pages(lang: str, older: Sequence[str]) -> Iterator[_Kind]:
    for charset in ("utf-8", *older):
        yield _Kind("HTML", ".html", lang, charset, _page(charset, LABELS[charset]))
        yield _Kind("HTML", ".htm", lang, charset, _page(charset, LABELS[charset], equivalent=True))
        yield _Kind("HTML", ".html", lang, charset, _page(charset, ""))
    yield _Kind("HTML", ".html", lang, "utf-16-le-bom", _page("utf-16-le-bom", "utf-16"))


def _tables(lang: str, older: Sequence[str]) -> Iterator[_Kind]:
    yield _Kind("JSON Lines", ".jsonl", lang, "", _text("utf-8", formats.json_lines, many=True), 4)
    yield _Kind("JSON Lines", ".jsonl", lang, "", lambda own: formats.json_lines(own, ascii_only=True).encode(), 4)
    for charset in ("utf-8", "utf-8-bom", *older):
        yield _Kind("table", ".csv", lang, charset, _table(charset, ","), 4)
    yield _Kind("table", ".csv", lang, "utf-8-bom", _table("utf-8-bom", ";"), 4)
    for charset in ("utf-8", "utf-16-le-bom"):
        yield _Kind("table", ".tsv", lang, charset, _table(charset, "\t"), 4)


def _mails(lang: str, older: Sequence[str]) -> Iterator[_Kind]:
    usual = older[-1]  # ISO-2022-JP in Japanese
    for charset in ("utf-8", usual):
        for quoted in (False, True):
            yield _Kind("mail", ".eml", lang, charset, _mail(charset, quoted))
        yield _Kind("mailbox", ".mbox", lang, charset, _mailbox(charset), 3)
    yield _Kind(
        "mail", ".eml", lang, usual, lambda own: formats.mail(own[0], usual, attachment=own[1]), 2
    )  # the attachment is in UTF-8, as it says


def _single(write: Callable[[Article], bytes]) -> Callable[[Sequence[Article]], bytes]:
    return lambda own: write(own[0])


def _text(charset: str, write: Callable[..., str], *, many: bool = False) -> Callable[[Sequence[Article]], bytes]:
    """Older encodings with the line ends of the systems that they are from."""
    line_end = "\n" if charset.startswith("utf-8") else "\r\n"

    def written(own: Sequence[Article]) -> bytes:
        return encoded(write(own if many else own[0]).replace("\n", line_end), charset)

    return written


def _page(charset: str, label: str, *, equivalent: bool = False) -> Callable[[Sequence[Article]], bytes]:
    return lambda own: encoded(formats.html(own[0], label, equivalent=equivalent), charset)


def _table(charset: str, delimiter: str) -> Callable[[Sequence[Article]], bytes]:
    return lambda own: encoded(formats.table(own, delimiter), charset)


def _feed(charset: str, write: Callable[[Sequence[Article], str], str]) -> Callable[[Sequence[Article]], bytes]:
    return lambda own: encoded(write(own, LABELS[charset]), charset)


def _mail(charset: str, quoted: bool) -> Callable[[Sequence[Article]], bytes]:
    return lambda own: formats.mail(own[0], charset, quoted=quoted)


def _mailbox(charset: str) -> Callable[[Sequence[Article]], bytes]:
    return lambda own: formats.mailbox(own, charset)


def _gzipped(charset: str) -> Callable[[Sequence[Article]], bytes]:
    return lambda own: formats.gzipped(encoded(formats.plain(own[0]), charset))


def _zipped(charset: str) -> Callable[[Sequence[Article]], bytes]:
    def written(own: Sequence[Article]) -> bytes:
        first, second, third = own
        members: dict[str, str | bytes] = {
            "a.txt": encoded(formats.plain(first), charset),
            f"folder/b-{_WORDS[second.lang]}.html": encoded(formats.html(second, LABELS[charset]), charset),
            "folder/c.md": formats.markdown(third),
        }
        return formats.zipped(members)

    return written
