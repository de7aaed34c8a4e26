"""Archives and packed files: what lies in them is read as files are; what is hostile costs little, and is reported by
name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import re
import struct
import tarfile
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.documents import Cause, Document, Found, Remark, Skipped
from indexer.reading import read_documents
from indexer.reading.files import Options
from indexer.reading.own_names import OwnNames
from indexer.reading.source import Limits, Source

Pack = Callable[[bytes], bytes]
PACKINGS: dict[str, Pack] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def read(data: bytes, name: str = "a.zip", limits: Limits | None = None) -> list[Found]:
    source = Source(name, io.BytesIO(data), len(data), name[name.rindex(".") :])
    return list(Options(limits or Limits()).context.read(source))


def documents(found: list[Found]) -> dict[str, str]:
    return {item.id: item.text for item in found if isinstance(item, Document)}


def reason(data: bytes, name: str = "a.zip", limits: Limits | None = None) -> str:
    (found,) = read(data, name, limits)
    assert isinstance(found, Skipped), found
    assert found.name == name
    assert "\n" not in found.reason
    return found.reason


def zipped(members: dict[str, str | bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", packing) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def tarred(members: dict[str, bytes], form: int = tarfile.PAX_FORMAT, charset: str = "utf-8") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=form, encoding=charset, errors="surrogateescape") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


def noise(size: int) -> bytes:
    """Letters that cannot be packed well."""
    return random.Random(1).randbytes(size).hex().encode()[:size]


MEMBERS: dict[str, str | bytes] = {
    "ar.txt": "نص عربي عن المعادن النادرة.",
    "folder/ja.md": "# 見出し\n\n本文です。",
    "folder/次/zh.csv": "id,正文\n1,稀土出口\n2,许可证",
    "en.jsonl": '{"text": "English text."}\n',
}
READ = {
    "!ar.txt": "نص عربي عن المعادن النادرة.",
    "!folder/ja.md": "見出し\n\n本文です。",
    "1": "稀土出口",
    "2": "许可证",
    "!en.jsonl#1": "English text.",
}


def expected(archive: str) -> dict[str, str]:
    return {f"{archive}{name}" if name.startswith("!") else name: text for name, text in READ.items()}


# ZIP


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_of_a_zip_file_are_read_by_their_formats(packing: int) -> None:
    found = read(zipped(MEMBERS, packing))
    assert documents(found) == expected("a.zip")
    assert all(isinstance(item, Document) for item in found)


def test_what_systems_put_into_archives_is_left_out() -> None:
    members: dict[str, str | bytes] = {
        "folder/": b"",
        "__MACOSX/._a.txt": "x",
        ".hidden.txt": "x",
        "a/.git/b.txt": "x",
        "Thumbs.db": "x",
        "a/desktop.ini": "x",
        "a/..b.txt": "x",
    }
    assert reason(zipped(members)) == "no files in it"
    assert documents(read(zipped({**members, "./a.txt": "Text.", "b/../b.txt": "x"}))) == {"a.zip!a.txt": "Text."}


def test_members_of_other_formats_are_named() -> None:
    found = read(zipped({"a.exe": "x", "noext": "x", "b.txt": "Text."}))
    assert [(item.name, item.cause) for item in found if isinstance(item, Skipped)] == [
        ("a.zip!a.exe", Cause.FORMAT),
        ("a.zip!noext", Cause.FORMAT),
    ]
    assert documents(found) == {"a.zip!b.txt": "Text."}


def test_members_that_cannot_be_read_are_named() -> None:
    found = read(zipped({"a.txt": " ", "b.txt": "Text.", "c.csv": "a,b\n1,2\n"}))
    assert found[0] == Skipped("a.zip!a.txt", "empty")
    assert found[2] == Skipped("a.zip!c.csv", "no text column among a, b; say which with --column text=NAME")


@pytest.mark.parametrize("name", ["/etc/a.txt", "../a.txt", "a/../../b.txt", "C:/a.txt", "a/..", "c:a.txt"])
def test_paths_that_leave_the_archive_are_reported(name: str) -> None:
    reported = Skipped(f"a.zip!{name}", "a path that leaves the archive")
    assert read(zipped({name: "x"})) == [reported]
    assert read(tarred({name: b"x"}), "a.tar") == [Skipped(f"a.tar!{name}", "a path that leaves the archive")]


def test_backslashes_of_windows_part_folders() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in ("a\\b.txt", "..\\c.txt", "empty\\"):
            info = zipfile.ZipInfo("x")
            info.filename, info.create_system = name, 0
            archive.writestr(info, "Text.")
    assert read(data.getvalue()) == [
        Document(id="a.zip!a/b.txt", text="Text.", title="Text."),
        Skipped("a.zip!../c.txt", "a path that leaves the archive"),
    ]


def test_links_are_reported() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        info = zipfile.ZipInfo("link.txt")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    assert read(data.getvalue()) == [Skipped("a.zip!link.txt", "a link to another file")]


def test_encrypted_members_are_reported() -> None:
    data = bytearray(zipped({"a.txt": "Text."}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert read(bytes(data)) == [Skipped("a.zip!a.txt", "encrypted; unpack it with its password")]


class Unmarked(zipfile.ZipInfo):
    """A member with a name in bytes that are not said to be UTF-8."""

    def __init__(self, name: bytes) -> None:
        super().__init__(name.hex())
        self.name = name
        self.create_system = 0

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - as zipfile calls it
        return self.name, 0


@pytest.mark.parametrize(
    ("charset", "names"),
    [
        ("cp932", ["資料/議事録 第一回.txt", "資料/表示能力.txt", "資料/予算案.txt"]),
        ("gb18030", ["资料/会议记录.txt", "资料/预算方案.txt", "资料/第一次会议.txt"]),
        ("utf-8", ["資料/議事録.txt", "تقرير السنة.txt", "é.txt"]),
        ("cp1256", ["تقرير السنة الماضية.txt", "محضر الاجتماع.txt", "الميزانية العامة.txt"]),
    ],
)
def test_names_that_are_not_marked_are_in_the_encoding_of_their_time(charset: str, names: list[str]) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(Unmarked(name.encode(charset)), "Text.")
    assert list(documents(read(data.getvalue()))) == [f"a.zip!{name}" for name in names]


@pytest.mark.parametrize("before", [b"", b"#!/bin/sh\n"])
@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_name_that_is_marked_as_utf_8_but_is_not_spoils_no_other(packing: int, before: bytes) -> None:
    data = zipped({"資料.txt": "本文です。", "المعادن.txt": "نص.", "b.txt": "Text."}, packing)
    for broken, name in (("資料集".encode("cp932"), "資料集"), (b"caf\xe9_a", "café_a")):
        found = documents(read(before + data.replace("資料".encode(), broken)))
        assert found == {f"a.zip!{name}.txt": "本文です。", "a.zip!المعادن.txt": "نص.", "a.zip!b.txt": "Text."}


def test_a_large_archive_with_a_name_that_is_not_utf_8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    data = zipped({"資料.txt": "本文です。", "b.txt": "Text."})
    assert b"PK\x06\x06" in data
    found = documents(read(data.replace("資料".encode(), b"caf\xe9_a")))
    assert found == {"a.zip!café_a.txt": "本文です。", "a.zip!b.txt": "Text."}


def test_a_name_of_any_bytes_keeps_its_suffix() -> None:
    data = zipped({"資料.txt": "本文です。"})
    (found,) = read(data.replace("資料".encode(), b"\xff\xfe\xfd\x81\xfc\x80"))
    assert isinstance(found, Document)
    assert found.text == "本文です。"


def test_members_with_the_same_name_get_names_of_their_own() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for number, text in enumerate(("one", "two", "three")):
            archive.writestr(f"{number}.txt", text)
    data = io.BytesIO(re.sub(rb"\d\.txt", b"a.txt", data.getvalue()))
    found = documents(read(data.getvalue()))
    assert found == {"a.zip!a.txt": "one", "a.zip!a.txt#2": "two", "a.zip!a.txt#3": "three"}


def test_names_are_unique_and_cost_no_more_than_is_allowed() -> None:
    names = OwnNames(1000)
    made = [names.own(name) for name in ("a", "a", "a#2", "b", "a", "a#2")]
    assert made == ["a", "a#2", "a#2#2", "b", "a#3", "a#2#3"]
    few = OwnNames(2)
    assert [few.own(name) for name in "abcab"] == ["a", "b", "c#3", "a#4", "b#5"]


def test_damaged_members_cost_no_other() -> None:
    data = bytearray(zipped({"a.txt": noise(1000), "b.txt": "Text."}))
    data[100] ^= 0xFF
    found = read(bytes(data))
    assert found == [Skipped("a.zip!a.txt", "damaged"), Document(id="a.zip!b.txt", text="Text.", title="Text.")]


def test_members_packed_in_an_unknown_way_are_reported() -> None:
    data = bytearray(zipped({"a.txt": "Text."}))
    data[8] = data[data.index(b"PK\x01\x02") + 10] = 9
    assert read(bytes(data)) == [Skipped("a.zip!a.txt", "packed in a way that is not supported; unpack it")]


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_that_were_cut_off_cost_no_other(packing: int) -> None:
    """The bytes of one are nothing but zeros from its middle on."""
    text = noise(100_000)
    data = bytearray(zipped({"a.txt": text, "b.txt": "Text."}, packing))
    data[20_000:40_000] = bytes(20_000)
    found = read(bytes(data))
    assert found == [Skipped("a.zip!a.txt", "damaged"), Document(id="a.zip!b.txt", text="Text.", title="Text.")]


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_is_unpacked_little_by_little(packing: int) -> None:
    bomb = zipped({"a.txt": bytes(100_000_000)}, packing)
    tracemalloc.start()
    (found,) = read(bomb)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == Skipped("a.zip!a.txt", "unpacks to more than 200 times its size; it is not read")
    assert most < 30_000_000


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_that_are_not_where_they_are_said_to_be_are_damaged(packing: int) -> None:
    data = zipped({"a.txt": "Text."}, packing)
    assert read(data[5:]) == [Skipped("a.zip!a.txt", "damaged")]


def test_what_is_no_zip_file_is_refused() -> None:
    expected = "damaged, or not a ZIP file (no table of contents at its end)"
    assert reason(b"text") == expected
    assert reason(zipped(MEMBERS)[:-30]) == expected
    assert reason(b"") == expected
    assert reason(zipped({})) == "no files in it"


# tar


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_of_a_tar_file_are_read_by_their_formats(form: int) -> None:
    members = {name: text.encode() if isinstance(text, str) else text for name, text in MEMBERS.items()}
    found = read(tarred(members, form), "a.tar")
    assert documents(found) == expected("a.tar")
    assert all(isinstance(item, Document) for item in found)


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_and_sizes_in_tar_files(form: int) -> None:
    long = "資料/" * 60 + "議事録.txt"
    data = tarred({long: b"One.", "b.txt": b"x" * 512, "c.txt": b"Three."}, form)
    assert documents(read(data, "a.tar")) == {
        f"a.tar!{long}": "One.",
        "a.tar!b.txt": "x" * 512,
        "a.tar!c.txt": "Three.",
    }


def test_names_in_tar_files_may_be_in_other_encodings() -> None:
    data = tarred({"資料/議事録 第一回の写し.txt": b"Text."}, tarfile.USTAR_FORMAT, "cp932")
    assert list(documents(read(data, "a.tar"))) == ["a.tar!資料/議事録 第一回の写し.txt"]


def test_links_devices_and_folders_in_tar_files() -> None:
    data = io.BytesIO()
    kinds = {"s.txt": tarfile.SYMTYPE, "h.txt": tarfile.LNKTYPE, "f.txt": tarfile.FIFOTYPE, "c.txt": tarfile.CHRTYPE,
             "d.txt": tarfile.DIRTYPE, "p.txt": tarfile.GNUTYPE_SPARSE}  # fmt: skip
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, kind in kinds.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("z.txt")
        info.size = 5
        archive.addfile(info, io.BytesIO(b"Text."))
    assert read(data.getvalue(), "a.tar") == [
        Skipped("a.tar!s.txt", "a link to another file"),
        Skipped("a.tar!h.txt", "a link to another file"),
        Skipped("a.tar!f.txt", "a device, not a file"),
        Skipped("a.tar!c.txt", "a device, not a file"),
        Skipped("a.tar!p.txt", "kept in a way that is not supported; unpack it"),
        Document(id="a.tar!z.txt", text="Text.", title="Text."),
    ]


def test_damaged_tar_files_are_read_up_to_there() -> None:
    data = tarred({"a.txt": b"One.", "b.txt": b"Two.", "c.txt": b"x" * 5000})
    one = Document(id="a.tar!a.txt", text="One.", title="One.")
    assert read(data[:1024], "a.tar") == [one, Skipped("a.tar", "cut off")]
    assert read(data[:1200], "a.tar") == [one, Skipped("a.tar", "damaged or cut off; the rest of it is not read")]
    assert read(data[:3000], "a.tar")[2:] == [Skipped("a.tar!c.txt", "cut off")]
    damaged = bytearray(data)
    damaged[1024] ^= 0xFF
    assert read(bytes(damaged), "a.tar") == [one, Skipped("a.tar", "damaged or cut off; the rest of it is not read")]
    assert reason(b"text" * 200, "a.tar") == "not a tar file"
    assert reason(b"", "a.tar") == "not a tar file"
    assert reason(bytes(10240), "a.tar") == "no files in it"


def header(name: bytes, size: bytes, kind: bytes = b"0") -> bytes:
    block = bytearray(512)
    block[: len(name)], block[124 : 124 + len(size)], block[156:157] = name, size, kind
    block[148:156] = b"%06o\0 " % (sum(block) + 8 * 32)
    return bytes(block)


@pytest.mark.parametrize(
    "size", [b"\xff" * 12, b"\x80" + b"\xff" * 11, b"\xff" * 11 + b"\0", b"-0000000001", b"77777777777", b"x"]
)
def test_impossible_sizes_in_tar_files_end_them(size: bytes) -> None:
    good = header(b"a.txt", b"00000000005") + b"Text." + bytes(507)
    found = read(good + header(b"b.bin", size) + good, "a.tar")
    assert found[0] == Document(id="a.tar!a.txt", text="Text.", title="Text.")
    assert isinstance(found[-1], Skipped)


def test_headers_of_headers_in_tar_files_are_bounded() -> None:
    data = header(b"x", b"77777777777", b"L") + header(b"a.txt", b"0")
    assert reason(data, "a.tar") == "damaged; the rest of it is not read"
    chain = (header(b"x", b"00000000010", b"L") + b"long.txt".ljust(512, b"\0")) * 20_000
    found = read(chain + header(b"a.txt", b"00000000005") + b"Text." + bytes(507 + 1024), "a.tar")
    assert documents(found) == {"a.tar!long.txt": "Text."}
    lines = b"5 a=b" * 100_000
    data = header(b"x", b"%011o" % len(lines), b"x") + lines + bytes(-len(lines) % 512)
    before = time.perf_counter()
    read(data + header(b"a.txt", b"0") + bytes(1024), "a.tar")
    assert time.perf_counter() - before < 2


# gzip, bzip2, xz


@pytest.mark.parametrize("suffix", PACKINGS)
def test_a_packed_file_is_read_by_the_rest_of_its_name(suffix: str) -> None:
    pack = PACKINGS[suffix]
    name = f"folder/a.TXT.{suffix}"
    assert read(pack("日本語の本文".encode()), name) == [Document(id=name, text="日本語の本文", title="日本語の本文")]
    assert documents(read(pack(b"<p>Tiny.</p>"), f"a.html.{suffix}")) == {f"a.html.{suffix}": "Tiny."}
    rows = b'{"text": "one"}\n{"text": ""}\n{"id": "x", "text": "three"}\n'
    assert [getattr(item, "id", "") or getattr(item, "name", "") for item in read(pack(rows), f"a.jsonl.{suffix}")] == [
        f"a.jsonl.{suffix}#1",
        f"a.jsonl.{suffix}:2",
        "x",
    ]


@pytest.mark.parametrize("suffix", PACKINGS)
def test_a_packed_file_may_have_several_parts(suffix: str) -> None:
    pack = PACKINGS[suffix]
    parts = [pack(b'{"text": "%d"}\n' % number) for number in range(300)]
    padding = bytes(512) if suffix != "bz2" else b""
    found = read(b"".join(parts) + padding, f"a.jsonl.{suffix}")
    assert list(documents(found).values()) == [str(number) for number in range(300)]


@pytest.mark.parametrize(
    ("name", "pack"),
    [("a.tar.gz", gzip.compress), ("a.tgz", gzip.compress), ("a.tar.bz2", bz2.compress), ("a.tbz2", bz2.compress),
     ("a.tbz", bz2.compress), ("a.tar.xz", lzma.compress), ("a.txz", lzma.compress)],
)  # fmt: skip
def test_packed_tar_files(name: str, pack: Pack) -> None:
    data = pack(tarred({"a.txt": b"One.", "big.bin": noise(300_000), "b/c.txt": b"Two."}))
    assert documents(read(data, name)) == {f"{name}!a.txt": "One.", f"{name}!b/c.txt": "Two."}


@pytest.mark.parametrize("suffix", PACKINGS)
def test_a_packed_file_that_was_cut_off_is_read_up_to_there(suffix: str) -> None:
    letters = noise(1_000_000)
    rows = b"".join(b'{"text": "%s"}\n' % letters[place : place + 500] for place in range(0, 1_000_000, 500))
    name = f"a.jsonl.{suffix}"
    found = read(PACKINGS[suffix](rows)[:-20_000], name)
    assert len(documents(found)) > 100
    packing = {"gz": "gzip", "bz2": "bzip2", "xz": "xz"}[suffix]
    assert found[-1] == Remark(
        name, f"cut off ({packing} that does not come to its end); what could be unpacked is read"
    )


def test_a_packed_file_that_is_damaged_is_read_up_to_there() -> None:
    data = bytearray(gzip.compress(b"One. " + noise(1000), 0))
    data[-6] ^= 0xFF
    found = read(bytes(data), "a.txt.gz")
    assert found[1:] == [Remark("a.txt.gz", "damaged, or not gzip; what could be unpacked is read")]
    assert next(iter(documents(found).values())).startswith("One. ")


def test_what_is_not_packed_is_refused() -> None:
    assert reason(b"text", "a.txt.gz") == "damaged, or not gzip"
    assert reason(b"text", "a.txt.bz2") == "damaged, or not bzip2"
    assert reason(b"text", "a.txt.xz") == "damaged, or not xz"
    assert reason(b"", "a.txt.gz") == "empty"
    assert reason(gzip.compress(b""), "a.txt.gz") == "empty"
    assert reason(gzip.compress(b"x"), "noext.gz") == (
        "its name does not say what is in it; expected one such as name.txt.gz"
    )
    (found,) = read(gzip.compress(b"x"), "a.exe.gz")
    assert isinstance(found, Skipped)
    assert found.reason.startswith("holds .exe: ")
    assert found.cause == Cause.FORMAT


def test_large_packed_tables_are_read_as_they_are_unpacked(tmp_path: Path) -> None:
    rows = "id,text\n" + "".join(f"{number},text {number * 7919 % 10007}\n" for number in range(20_000)) + "x,終\n"
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(rows.encode()))
    found = read_documents([str(path)])
    assert next(found) == Document(id="0", text="text 0", title="text 0")
    *_, last = found
    assert last == Document(id="x", text="終", title="終")


# Archives in archives


def test_archives_in_archives_are_read_to_a_depth() -> None:
    data = zipped({"a.txt": "The innermost."})
    for number in range(3):
        data = zipped({f"{number}.zip": data})
    assert documents(read(data)) == {"a.zip!2.zip!1.zip!0.zip!a.txt": "The innermost."}
    assert read(zipped({"x.zip": data})) == [
        Skipped("a.zip!x.zip!2.zip!1.zip!0.zip", "archives nested more than 4 deep; unpack it")
    ]


def test_packed_files_in_archives_are_read() -> None:
    data = zipped({"b/x.csv.gz": gzip.compress(b"text\nrow"), "t.tgz": gzip.compress(tarred({"c.txt": b"inner"}))})
    assert documents(read(data)) == {"a.zip!b/x.csv.gz#2": "row", "a.zip!t.tgz!c.txt": "inner"}


def test_a_file_packed_again_and_again_is_read_to_a_depth() -> None:
    data = b"Text."
    for _ in range(10):
        data = gzip.compress(data)
    assert reason(data, "a.txt" + ".gz" * 10) == "archives nested more than 4 deep; unpack it"


# Bombs


def test_a_member_may_not_unpack_to_many_times_its_size() -> None:
    found = read(zipped({"bomb.txt": bytes(20_000_000), "a.txt": "Text."}))
    reported = "unpacks to more than 200 times its size; it is not read"
    assert found == [Skipped("a.zip!bomb.txt", reported), Document(id="a.zip!a.txt", text="Text.", title="Text.")]
    assert documents(read(zipped({"small.txt": "x" * 1_000_000}))) == {"a.zip!small.txt": "x" * 1_000_000}


@pytest.mark.parametrize("suffix", PACKINGS)
def test_a_packed_file_may_not_unpack_to_many_times_its_size(suffix: str) -> None:
    reported = "unpacks to more than 200 times its size; it is not read"
    bomb = PACKINGS[suffix](b"x,text\n" + (b"y" * 9_999 + b"\n") * 3_000)
    assert read(bomb, f"a.html.{suffix}") == [Skipped(f"a.html.{suffix}", reported)]
    assert read(bomb, f"a.csv.{suffix}")[-1] == Skipped(f"a.csv.{suffix}", reported)


def test_all_that_is_unpacked_counts_together() -> None:
    text = noise(400_000)
    inner = zipped({"1.txt": text, "2.txt": text}, zipfile.ZIP_STORED)
    data = zipped({"a.txt": text, "b.zip": inner, "c.txt": text}, zipfile.ZIP_STORED)
    reported = "unpacks to more than 1.7 MB; the rest of it is not read"
    found = read(data, limits=Limits(unpacked=1_700_000))
    assert list(documents(found)) == ["a.zip!a.txt", "a.zip!b.zip!1.txt"]
    assert found[2:] == [Skipped("a.zip!b.zip", reported), Skipped("a.zip", reported)]
    packed = gzip.compress(tarred({"a.txt": text, "b.zip": inner}))
    found = read(packed, "a.tar.gz", Limits(unpacked=1_700_000))
    assert found[-1] == Skipped("a.tar.gz!b.zip", reported)


@pytest.mark.parametrize("suffix", PACKINGS)
def test_large_files_that_are_read_as_they_are_unpacked_are_read_to_their_end(suffix: str) -> None:
    limits = Limits(unpacked=100_000)
    texts = [random.Random(number).randbytes(500).hex().encode() for number in range(400)]
    rows = [b'{"id": "%d", "text": "%s"}\n' % (number, text) for number, text in enumerate(texts)]
    packed = PACKINGS[suffix](b"".join(rows))
    assert list(documents(read(packed, f"a.jsonl.{suffix}", limits))) == [str(number) for number in range(400)]
    page = b"WARC/1.0\r\nWARC-Type: resource\r\nWARC-Target-URI: %d\r\nContent-Type: text/plain\r\n"
    pages = [page % number + b"Content-Length: 1000\r\n\r\n" + text + b"\r\n\r\n" for number, text in enumerate(texts)]
    found = read(b"".join(map(PACKINGS[suffix], pages)), f"a.warc.{suffix}", limits)
    assert list(documents(found)) == [f"a.warc.{suffix}!{number}" for number in range(400)]


def test_files_that_are_read_as_they_are_unpacked_have_an_end_too() -> None:
    limits = Limits(unpacked=100_000)
    packed = gzip.compress(b"id,text\n" + b"".join(b"%d,%s\n" % (number, b"x" * 500) for number in range(1_000)))
    most = f"{max(100_000, 20 * len(packed)) / 1e6:,.1f} MB"
    for name, reported in (("a.csv.gz", most), ("a.txt.gz", "0.1 MB")):
        reason = f"unpacks to more than {reported}; the rest of it is not read"
        assert read(packed, name, limits)[-1] == Skipped(name, reason)
    found = read(zipped({"a.csv.gz": packed}, zipfile.ZIP_STORED), limits=limits)
    assert found[-1] == Skipped("a.zip!a.csv.gz", "unpacks to more than 0.1 MB; the rest of it is not read")


def test_members_count_together() -> None:
    many: dict[str, str | bytes] = {f"{number}.txt": "x" for number in range(5)}
    data = zipped({"a.zip": zipped(many), "b.zip": zipped(many)})
    found = read(data, limits=Limits(members=10))
    assert len(documents(found)) == 8
    assert found[-1] == Skipped("a.zip!b.zip", "more than 10 files; the rest of them is not read")
    assert read(tarred({f"{number}.txt": b"x" for number in range(5)}), "a.tar", Limits(members=3))[-1] == (
        Skipped("a.tar", "more than 3 files; the rest of them is not read")
    )


def test_members_that_share_their_bytes_are_bounded() -> None:
    """Many entries in the table of contents for one member."""
    body = noise(200_000)
    one = zipped({"a.txt": body})
    place = one.index(b"PK\x01\x02")
    entry = one[place : one.index(b"PK\x05\x06")]
    bomb = (
        one[:place] + entry * 1000 + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1000, 1000, len(entry) * 1000, place, 0)
    )
    found = read(bomb, limits=Limits(unpacked=5_000_000))
    assert 1 <= len(documents(found)) <= 25
    assert any(isinstance(item, Skipped) for item in found)


def test_a_table_of_contents_may_not_be_larger_than_its_files() -> None:
    one = zipped({"a.txt": "x"})
    place = one.index(b"PK\x01\x02")
    entry = one[place : one.index(b"PK\x05\x06")]
    size = len(entry) * 10_000
    bomb = one[:place] + entry * 10_000 + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 9, 9, size, place, 0)
    assert reason(bomb, limits=Limits(members=100)) == "a table of contents of 0.5 MB, far more than 100 files"


def test_xz_may_not_take_all_memory() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 20}]
    data = bytearray(lzma.compress(b"Text.", filters=filters))
    place = data.index(b"\x21\x01") + 2
    data[place] = 40  # a dictionary of 4 GB
    data[20:24] = struct.pack("<I", zlib.crc32(data[12:20]))
    assert reason(bytes(data), "a.txt.xz") == "damaged, or not xz"


def test_lzma_in_a_zip_file_may_not_take_all_memory() -> None:
    data = bytearray(zipped({"a.txt": "Text."}, zipfile.ZIP_LZMA))
    place = 30 + len("a.txt") + 4
    assert data[place] == 0x5D
    data[place + 1 : place + 5] = b"\xff\xff\xff\x7f"
    assert read(bytes(data)) == [Skipped("a.zip!a.txt", "damaged")]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_bytes_are_read_or_reported(draw: st.DataObject) -> None:
    whole = {
        "a.zip": zipped({"a.txt": "Text.", "b.zip": zipped({"é.txt": "x"})}),
        "a.tar": tarred({"a.txt": b"Text.", "long" * 40 + ".txt": b"x"}),
        "a.tgz": gzip.compress(tarred({"a.txt": b"Text."})),
        "a.txt.bz2": bz2.compress(b"Text."),
        "a.csv.xz": lzma.compress(b"text\nrow\n"),
    }
    name = draw.draw(st.sampled_from(list(whole)))
    data = bytearray(whole[name])
    for place in draw.draw(st.lists(st.integers(0, len(data) - 1), max_size=4)):
        data[place] = draw.draw(st.integers(0, 255))
    data = data[: draw.draw(st.integers(0, len(data)))] + draw.draw(st.binary(max_size=30))
    for item in read(bytes(data), name):
        line = "" if isinstance(item, Document) else item.reason if isinstance(item, Skipped) else item.text
        assert "\n" not in line
