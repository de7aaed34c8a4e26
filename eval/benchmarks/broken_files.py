"""Files that cannot be read, or only in part, and the names by which that must be reported."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from eval.benchmarks import file_formats as formats
from eval.benchmarks.file_formats import Article

_READ_TO_THE_CUT = (".txt.gz", ".rss")
_BOMB = 20_000_000
"""Bytes that become a few thousand when packed."""


@dataclass(frozen=True)
class Broken:
    """The bytes of a file. `parts`: what must be named of it, behind its path; `[""]` is the file itself."""

    suffix: str
    content: bytes
    parts: Sequence[str] = ("",)
    articles: Sequence[Article] = ()
    """What can be read all the same."""
    cut: bool = False
    """Its beginning may be read, if that is said."""


Maker = Callable[[Sequence[Article], Random], Broken]


@cache
def makers() -> Sequence[tuple[str, Maker]]:
    """What is wrong, in words, and what writes such a file from three articles."""
    found: list[tuple[str, Maker]] = [
        (f"empty {suffix}", _constant(suffix, b""))
        for suffix in (".txt", ".md", ".html", ".jsonl", ".csv", ".docx", ".pdf", ".eml", ".rtf", ".zip", ".txt.gz")
    ]
    found += [
        (f"random {suffix}", _random(suffix))
        for suffix in (".txt", ".md", ".html", ".csv", ".jsonl", ".docx", ".pdf", ".zip", ".gz", ".rtf", ".xml", ".eml")
    ]
    found += [
        (f"truncated {suffix}", _truncated(suffix, write))
        for suffix, write in (
            (".docx", formats.word),
            (".pptx", formats.slides),
            (".odt", formats.open_document),
            (".epub", formats.book),
            (".zip", lambda article: formats.zipped({"a.txt": formats.plain(article)})),
            (".txt.gz", lambda article: formats.gzipped(formats.plain(article).encode())),
            (".rss", lambda article: formats.rss([article], "utf-8").encode()),
        )
    ]
    found += [
        (f"{what} {suffix}", _constant(suffix, content))
        for what, suffix, content in (
            ("white space", ".txt", b" \r\n\t\n"),
            ("picture", ".txt", _picture()),
            ("picture", ".docx", _picture()),
            ("picture", ".pdf", _picture()),
            ("page as", ".pdf", b"<!DOCTYPE html><html><body><p>404 Not Found</p></body></html>"),
            ("half a", ".pdf", b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog"),
            ("no RTF", ".rtf", b"This is no rich text."),
            ("page without text", ".html", b"<html><head><title>T</title></head><body><img src='a.png'></body></html>"),
            ("scripts only", ".html", b"<html><body><script>document.write('text that is not there')</script></html>"),
            ("header only", ".csv", b"title,text,date\r\n"),
            ("no feed", ".xml", b'<?xml version="1.0"?><project><version>1</version></project>'),
            ("mail without a body", ".eml", b"From: a@example.org\nTo: b@example.org\nSubject: \n\n\n"),
            ("no mails", ".mbox", b"just some lines\nthat are no mails\n"),
            ("no members", ".zip", b"PK\x05\x06" + bytes(18)),
            ("no known format", ".xyz", b"some text"),
            ("no known format", "", b"some text"),
            ("nested entities", ".rss", _entities()),
            ("nested entities", ".xml", _entities().replace(b"rss", b"feed")),
            ("packed zeros", ".zip", formats.zipped({"zeros.txt": bytes(_BOMB)})),
            ("packed words", ".zip", formats.zipped({"words.txt": b"word " * (_BOMB // 5)})),
            ("packed words", ".txt.gz", formats.gzipped(b"word " * (_BOMB // 5))),
            ("packed paragraphs", ".docx", _word_bomb()),
            ("archives in archives", ".zip", _nested(8)),
        )
    ]
    return [*found, ("bad lines .jsonl", _bad_lines), ("bad members .zip", _bad_members), ("locked .zip", _locked)]


def _constant(suffix: str, content: bytes) -> Maker:
    return lambda articles, random: Broken(suffix, content)


def _random(suffix: str) -> Maker:
    return lambda articles, random: Broken(suffix, random.randbytes(random.randint(2_000, 20_000)))


def _truncated(suffix: str, write: Callable[[Article], bytes]) -> Maker:
    def make(articles: Sequence[Article], random: Random) -> Broken:
        whole = write(articles[0])
        return Broken(suffix, whole[: len(whole) * random.randint(30, 80) // 100], cut=suffix in _READ_TO_THE_CUT)

    return make


def _bad_lines(articles: Sequence[Article], random: Random) -> Broken:
    first, second, third = (formats.json_lines([own]).encode() for own in articles[:3])
    lines = [
        first,
        b'{"text": "not closed\n',
        b'["a list"]\n',
        second,
        json.dumps({"title": "no text"}).encode() + b"\n",
        b'{"text": 17}\n',
        b'{"text": "\xff\xfe"}\n',
        b"[" * 100_000 + b"\n",
        third,
    ]
    return Broken(".jsonl", b"".join(lines), [f":{number}" for number in (2, 3, 5, 6, 7, 8)], articles[:3])


def _bad_members(articles: Sequence[Article], random: Random) -> Broken:
    members: dict[str, str | bytes] = {
        "a.txt": formats.plain(articles[0]),
        "folder/broken.docx": formats.word(articles[1])[:700],
        "folder/picture.png": _picture(),
        "z.txt": formats.plain(articles[2]),
    }
    parts = ["!folder/broken.docx", "!folder/picture.png"]
    return Broken(".zip", formats.zipped(members), parts, [articles[0], articles[2]])


def _locked(articles: Sequence[Article], random: Random) -> Broken:
    """A member that says of itself that it is encrypted."""
    archive = bytearray(formats.zipped({"secret.txt": formats.plain(articles[0])}))
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        archive[archive.index(sign) + place] |= 1
    return Broken(".zip", bytes(archive))


def _picture() -> bytes:
    """A PNG, 8 by 8 pixels, black."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(72))) + chunk(b"IEND", b"")
    )


def _entities() -> bytes:
    """A billion laughs."""
    declared = '<!ENTITY a0 "laughs">' + "".join(
        f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">' for level in range(1, 10)
    )
    return (
        f'<?xml version="1.0"?><!DOCTYPE rss [{declared}]><rss version="2.0"><channel><title>T</title>'
        "<item><title>T</title><description>&a9;</description></item></channel></rss>"
    ).encode()


def _word_bomb() -> bytes:
    paragraph = "<w:p><w:r><w:t>word </w:t></w:r></w:p>"
    document = (
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
        f"{paragraph * (_BOMB // len(paragraph))}</w:body></w:document>"
    )
    return formats.zipped(formats.word_members(document, "T"))


def _nested(depth: int) -> bytes:
    content: bytes = formats.zipped({"inner.txt": "text"})
    for _ in range(depth):
        content = formats.zipped({"inner.zip": content})
    return content


def odd_entries(folder: Path) -> Iterator[tuple[str, str]]:
    """Puts into a folder what is no file of its own; yields what it is, and its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, target in (("round", "."), ("itself.txt", "itself.txt"), ("nowhere.txt", "gone.txt")):
        try:
            os.symlink(target, folder / name, target_is_directory=name == "round")
        except OSError:
            continue  # a system on which not everybody may make links
        yield f"link {name}", name
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.txt")
        yield "pipe", "pipe.txt"
    if os.path.exists("/dev/zero"):
        os.symlink("/dev/zero", folder / "device.txt")
        yield "device", "device.txt"
    if hasattr(os, "geteuid") and os.geteuid() != 0:  # root may read everything
        (folder / "forbidden.txt").write_text("text", encoding="utf-8")
        (folder / "forbidden.txt").chmod(0)
        yield "forbidden", "forbidden.txt"
