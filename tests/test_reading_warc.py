"""Web archives: the pages in them, as they were sent; what is damaged is reported by its place, and costs no other
page."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import io
import lzma
import time
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.documents import Document, Found, Remark, Skipped
from indexer.reading.files import Options
from indexer.reading.source import Limits, Source

JAPANESE = "経済産業省は十日、半導体の製造装置の輸出規制を強化すると発表した。来月から施行される。"
ARABIC = "أعلنت الوزارة يوم الاثنين أن تصدير المعادن النادرة سيحتاج إلى ترخيص ابتداء من الشهر المقبل."
CHINESE = "商务部周一宣布，从下个月起，稀土出口将需要许可证。企业表示，他们早已预料到这一决定。"
ENGLISH = "The ministry announced on Monday that exports of rare earths will need a licence from next month."


def record(body: bytes, address: str = "https://a.example/", kind: str = "response", **headers: str) -> bytes:
    lines = {
        "WARC-Type": kind,
        "WARC-Target-URI": address,
        "WARC-Date": "2024-05-06T10:00:00Z",
        "Content-Type": "application/http; msgtype=response" if kind == "response" else "text/plain",
        "Content-Length": str(len(body)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return b"WARC/1.0\r\n" + head.encode() + b"\r\n" + body + b"\r\n\r\n"


def answer(body: bytes, kind: str = "text/plain; charset=utf-8", status: str = "200 OK", **headers: str) -> bytes:
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}\r\n".encode() + body


def page(text: str, address: str = "https://a.example/") -> bytes:
    return record(answer(text.encode()), address)


def read(data: bytes, name: str = "a.warc", limits: Limits | None = None) -> list[Found]:
    source = Source(name, io.BytesIO(data), len(data), name[name.rindex(".") :])
    return list(Options(limits or Limits()).context.read(source))


def text_of(data: bytes) -> str:
    (found,) = read(data)
    assert isinstance(found, Document), found
    return found.text


def texts(found: list[Found]) -> list[str]:
    return [item.text for item in found if isinstance(item, Document)]


def reason(data: bytes) -> str:
    (found,) = read(data)
    assert isinstance(found, Skipped), found
    assert found.name == "a.warc"
    assert "\n" not in found.reason
    return found.reason


# Pages


def test_pages_are_documents_with_their_address_and_date() -> None:
    html = f"<html lang=ja><head><title>規制</title></head><body><p>{JAPANESE}</p></body></html>"
    data = (
        record(b"software: x\r\n", "", "warcinfo", Content_Type="application/warc-fields")
        + record(b"GET / HTTP/1.1\r\n\r\n", kind="request", Content_Type="application/http; msgtype=request")
        + record(answer(html.encode("shift_jis"), "text/html; charset=Shift_JIS"), "https://a.example/規制.html")
        + record(ARABIC.encode(), "<https://b.example/>", "conversion")
        + record(CHINESE.encode("gb18030"), "urn:text:1", "resource", Content_Type='text/plain; charset="gbk"')
        + record(b"robots\r\n", kind="metadata")
    )
    assert read(data) == [
        Document(
            id="a.warc!https://a.example/規制.html",
            text=JAPANESE,
            title="規制",
            lang="ja",
            date="2024-05-06",
            url="https://a.example/規制.html",
        ),
        Document(
            id="a.warc!https://b.example/", text=ARABIC, title=ARABIC, date="2024-05-06", url="https://b.example/"
        ),
        Document(id="a.warc!urn:text:1", text=CHINESE, title=CHINESE, date="2024-05-06"),
    ]


def test_names_are_unique() -> None:
    found = read(page("one") + page("two") + page("three"))
    assert [item.id for item in found if isinstance(item, Document)] == [
        "a.warc!https://a.example/",
        "a.warc!https://a.example/#2",
        "a.warc!https://a.example/#3",
    ]


@pytest.mark.parametrize(
    "left_out",
    [
        record(answer(b"gone", status="404 Not Found")),
        record(answer(b"moved", status="301 Moved Permanently")),
        record(answer(b"part", status="206 Partial Content")),
        record(answer(b"old"), kind="revisit", Content_Type="application/http; msgtype=response"),
        record(answer(b"GIF89a", "image/gif")),
        record(answer(b"body {}", "text/css")),
        record(answer(b"var x", "application/javascript")),
        record(answer(b"User-agent: *"), "https://a.example/robots.txt"),
        record(answer(b"<urlset/>", "text/xml"), "https://a.example/sitemap.xml"),
        record(b"20240506 a.example", "dns:a.example", Content_Type="text/dns"),
        record(b"no answer at all"),
        record(answer(b"\0\1", "application/octet-stream"), "https://a.example/x.bin"),
    ],
)
def test_what_is_no_page_is_left_out(left_out: bytes) -> None:
    assert texts(read(left_out + page("A page."))) == ["A page."]
    assert reason(left_out) == "no pages in it"


def test_feeds_are_read() -> None:
    feed = "<?xml version='1.0'?>\n<rss><channel><item><title>見出し</title></item></channel></rss>".encode()
    for kind in ("application/rss+xml", "text/xml", "application/xml"):
        assert text_of(record(answer(feed, kind))) == "見出し"


def test_the_address_says_the_format_where_the_server_does_not_know_it() -> None:
    data = answer(b"# One\n\nTwo", "application/octet-stream")
    assert text_of(record(data, "https://a.example/x.MD?y=1")) == "One\n\nTwo"


def test_headers_may_be_folded_and_in_any_case() -> None:
    body = b"HTTP/1.0 200\ncontent-TYPE: text/plain;\n\tcharset=big5\n\n" + "稀土出口將需要許可證".encode("big5")
    head = (
        f"WARC/1.1\nwarc-type: Response\nWARC-TARGET-URI:https://a.example/\n"
        f"Content-type: application/http;\n msgtype=response\ncontent-length:{len(body)}\n\n"
    )
    assert text_of(head.encode() + body + b"\n\n") == "稀土出口將需要許可證"


# How bodies were sent


def chunked(body: bytes, size: int = 7) -> bytes:
    parts = [body[place : place + size] for place in range(0, len(body), size)]
    return b"".join(b"%x;a=b\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


TEXT = f"{JAPANESE} {ENGLISH}"
DEFLATE = zlib.compressobj(wbits=-15)
BODIES = {
    "chunks": ({"Transfer_Encoding": "chunked"}, chunked(TEXT.encode())),
    "chunks that were joined": ({"Transfer_Encoding": "chunked"}, TEXT.encode()),
    "chunks that were cut off": ({"Transfer_Encoding": "chunked"}, chunked(TEXT.encode(), 1000)[:-5]),
    "gzip": ({"Content_Encoding": "gzip"}, gzip.compress(TEXT.encode())),
    "gzip that was unpacked": ({"Content_Encoding": "gzip"}, TEXT.encode()),
    "gzip in chunks": (
        {"Content_Encoding": "x-gzip", "Transfer_Encoding": "Chunked"},
        chunked(gzip.compress(TEXT.encode())),
    ),
    "gzip twice": ({"Content_Encoding": "gzip, gzip"}, gzip.compress(gzip.compress(TEXT.encode()))),
    "zlib": ({"Content_Encoding": "deflate"}, zlib.compress(TEXT.encode())),
    "deflate": ({"Content_Encoding": "deflate"}, DEFLATE.compress(TEXT.encode()) + DEFLATE.flush()),
    "deflate that was unpacked": ({"Content_Encoding": "deflate"}, TEXT.encode()),
    "identity": ({"Content_Encoding": "identity"}, TEXT.encode()),
}


@pytest.mark.parametrize(("headers", "body"), BODIES.values(), ids=BODIES.keys())
def test_bodies_are_unpacked(headers: dict[str, str], body: bytes) -> None:
    assert text_of(record(answer(body, **headers))) == TEXT


def test_gzip_that_was_cut_off_is_read_up_to_there() -> None:
    numbers = "\n".join(map(str, range(10_000)))
    text = text_of(record(answer(gzip.compress(numbers.encode())[:-1000], Content_Encoding="gzip")))
    assert len(text) > 10_000
    assert numbers.startswith(text)


def test_brotli_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    data = record(answer(b"\x0b\x02\x80Text.\x03", Content_Encoding="br"))
    if importlib.util.find_spec("brotli"):
        assert text_of(data) == "Text."
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "brotli" else find(name))
    assert read(data) == [
        Skipped("a.warc!https://a.example/", "packed as br; install what unpacks it with: pip install brotli")
    ]


def test_other_packings_are_reported() -> None:
    assert read(record(answer(b"x", Content_Encoding="zstd"))) == [
        Skipped("a.warc!https://a.example/", "packed as zstd, which is not supported")
    ]


def test_a_body_may_not_unpack_to_too_much() -> None:
    bomb = record(answer(gzip.compress(bytes(30_000_000)), Content_Encoding="gzip"))
    name = "a.warc!https://a.example/"
    assert read(bomb) == [Skipped(name, "unpacks to more than 200 times its size; it is not read")]
    body = gzip.compress(b"".join(b"%d " % number for number in range(30_000)))
    assert read(record(answer(body, Content_Encoding="gzip")), limits=Limits(text=100_000)) == [
        Skipped(name, "unpacks to more than 0.1 MB, which is the most that is read")
    ]


# Whole archives


@pytest.mark.parametrize("name", ["a.warc.gz", "a.warc.bz2", "a.warc.xz"])
def test_a_packed_archive_is_read_too(name: str) -> None:
    packings: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    pack = packings[name.rpartition(".")[2]]
    data = b"".join(pack(page(f"Page {number}.", f"https://a.example/{number}")) for number in range(100))
    found = read(data, name)
    assert texts(found) == [f"Page {number}." for number in range(100)]
    assert isinstance(found[0], Document)
    assert found[0].id == f"{name}!https://a.example/0"


def test_what_is_no_archive_is_refused() -> None:
    assert reason(b"Text.") == 'not a web archive (no "WARC/" at its beginning)'
    assert reason(b"") == "empty"
    assert reason(record(b"software: x", kind="warcinfo")) == "no pages in it"


def test_a_record_that_is_too_large_is_passed_over() -> None:
    first = page("x" * 2000)
    assert read(first + page("Two."), limits=Limits(text=500)) == [
        Skipped("a.warc:0", "a record of 0.0 MB, expected at most 0.0 MB: https://a.example/"),
        Document(
            id="a.warc!https://a.example/", text="Two.", title="Two.", date="2024-05-06", url="https://a.example/"
        ),
    ]


NOT_AS_LONG = "a damaged record (it is not as long as it says)"


def test_a_record_that_is_not_as_long_as_it_says_costs_no_other() -> None:
    one, two, three = page("One."), page("Two."), page("Three.")
    length = len(answer(b"Two."))
    for wrong in (length - 3, length + 5, length + len(three) - 10, 90_000_000):
        damaged = two.replace(b"Content-Length: %d" % length, b"Content-Length: %d" % wrong)
        found = read(one + damaged + three + damaged + one)
        assert found[1] == Skipped(f"a.warc:{len(one)}", NOT_AS_LONG)
        assert texts(found) == ["One.", "Three.", "One."]
        assert found[3] == Skipped(f"a.warc:{len(one + damaged + three)}", NOT_AS_LONG)


@pytest.mark.parametrize("length", [b"", b"-1", b"x", b"1" * 100])
def test_a_record_that_does_not_say_how_long_it_is_costs_no_other(length: bytes) -> None:
    one, two, three = page("One."), page("Two."), page("Three.")
    damaged = two.replace(b"Content-Length: %d" % len(answer(b"Two.")), b"Content-Length: " + length)
    found = read(one + damaged + three)
    assert found[1] == Skipped(f"a.warc:{len(one)}", "a damaged record (it does not say how long it is)")
    assert texts(found) == ["One.", "Three."]


def test_an_archive_that_was_cut_off_is_read_up_to_there() -> None:
    data = page("One.") + page("Two.")
    found = read(data[:-10])
    assert texts(found) == ["One."]
    assert found[1:] == [Skipped(f"a.warc:{len(page('One.'))}", NOT_AS_LONG)]
    packed = gzip.compress(page("One.")) + gzip.compress(page("Two."))[:-50]
    found = read(packed, "a.warc.gz")
    assert texts(found) == ["One."]
    assert found[-1] == Remark(
        "a.warc.gz", "cut off (gzip that does not come to its end); what could be unpacked is read"
    )


def test_headers_without_an_end_are_given_up() -> None:
    found = read(b"WARC/1.0\r\n" + b"a: b\r\n" * 5000 + page("Two."))
    assert found[0] == Skipped("a.warc:0", "a damaged record (its headers have no end)")
    assert texts(found) == ["Two."]


def test_damaged_records_cannot_make_reading_slow() -> None:
    one = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 9000000\r\n\r\nx\r\n\r\n"
    before = time.perf_counter()
    found = read(one * 100_000, limits=Limits(text=9_000_000))
    assert time.perf_counter() - before < 5
    assert all(isinstance(item, Skipped) for item in found)


_PIECES = st.sampled_from(
    [b"WARC/1.0\r\n", b"\r\n", page("x"), b"\r\n\r\n", b"WARC-Type: response\r\n", b"Content-Length: 30\r\n", b"x" * 30,
     b"HTTP/1.1 200", b"Content-Type: application/http\r\n", b"WARC-Target-URI: http://[\r\n",
     b"Content-Type: text/html\r\n"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.lists(_PIECES, max_size=15).map(b"".join)))
def test_any_bytes_are_read_or_reported(data: bytes) -> None:
    for item in (*read(data), *read(b"WARC/1.0\r\n" + data), *read(record(data))):
        line = "" if isinstance(item, Document) else item.reason if isinstance(item, Skipped) else item.text
        assert "\n" not in line
