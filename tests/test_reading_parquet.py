"""Rows of Parquet files become documents, to the field; what cannot is named with its row; and no file, however made,
takes more memory than was allowed."""

from __future__ import annotations

import base64
import datetime
import io
import random
import struct
import time
import tracemalloc
from collections.abc import Sequence
from decimal import Decimal
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.documents import Document, Found, Remark, Skipped
from indexer.errors import DocumentError
from indexer.reading.source import Context, Limits, Source

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
parquet = pytest.importorskip("indexer.reading.parquet")

TEXTS = {
    "ar": "بدأ حظر الغاز اليوم.\nوينتهي في مايو.",
    "en": "The ban on gas began today. 🙂",
    "ja": "ウランの禁輸が始まった。",
    "zh": "天然气禁令今天开始。",
}


def written(columns: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), stream, **options)
    return stream.getvalue()


def found(data: bytes, limits: Limits | None = None, **columns: str) -> list[Found]:
    source = Source("f.parquet", io.BytesIO(data), len(data), ".parquet")
    return list(parquet.read(source, Context(lambda _: iter(()), limits or Limits(), columns)))


def documents(columns: Any, **mapped: str) -> list[Document]:
    items = found(written(columns), None, **mapped)
    assert all(isinstance(item, Document) for item in items), items
    return [item for item in items if isinstance(item, Document)]


def metadata(column: Any) -> list[Any]:
    """What a column called `c` becomes, row by row; None where it is left out."""
    table = pa.table({"text": ["x"] * len(column), "c": column})
    return [document.metadata.get("c") for document in documents(table)]


def reason(data: bytes, limits: Limits | None = None) -> str:
    """Of a file that gives nothing at all."""
    with pytest.raises(DocumentError) as caught:
        found(data, limits)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Documents


def test_each_row_is_a_document_with_its_fields_and_the_rest_as_metadata() -> None:
    table = {
        "id": list(TEXTS),
        "title": [f"Title {lang}" for lang in TEXTS],
        "text": list(TEXTS.values()),
        "lang": ["ar", "en-GB", "ja", "zh_TW"],
        "date": ["2026-01-27", "2026-02", "2026", "2026-01-27T10:00:00Z"],
        "source": ["wire"] * 4,
        "url": [f"https://example.org/{lang}" for lang in TEXTS],
        "author": ["علي", "Ann", "花子", None],
        "words": [4, 6, 1, None],
    }
    expected = [
        Document(
            lang,
            text,
            f"Title {lang}",
            lang,
            date,
            "wire",
            f"https://example.org/{lang}",
            more,
        )
        for (lang, text), date, more in zip(
            TEXTS.items(),
            ("2026-01-27", "2026-02", "2026", "2026-01-27"),
            ({"author": "علي", "words": 4}, {"author": "Ann", "words": 6}, {"author": "花子", "words": 1}, {}),
            strict=True,
        )
    ]
    assert documents(table) == expected


def test_rows_without_an_id_are_named_by_the_file_and_their_number() -> None:
    table = {"text": ["one", "two", "three"], "id": [None, "", "own"]}
    assert [document.id for document in documents(table)] == ["f.parquet#1", "f.parquet#2", "own"]


def test_numbers_are_counted_across_row_groups_and_batches() -> None:
    data = written({"text": [f"text {n}" for n in range(3_500)]}, row_group_size=1_700)
    items = found(data)
    assert [(item.id, item.text) for item in items if isinstance(item, Document)] == [
        (f"f.parquet#{n + 1}", f"text {n}") for n in range(3_500)
    ]


def test_columns_can_be_said_to_be_fields() -> None:
    table = {"headline": ["H"], "body": ["Text"], "key": [7], "text": ["not this"]}
    mapped = {"headline": "title", "body": "text", "key": "id", "text": "abstract"}
    assert documents(table, **mapped) == [Document("7", "Text", "H", metadata={"text": "not this"})]


def test_other_usual_names_are_known_and_the_first_that_is_not_empty_counts() -> None:
    table = {"_id": [1, 2], "text": ["a", "b"], "lang": ["", "ja"], "language": ["en", "zh"]}
    assert [(own.id, own.lang) for own in documents(table)] == [("1", "en"), ("2", "ja")]


def test_a_column_of_metadata_is_an_object_or_as_it_is() -> None:
    values = ['{"a": [1, {"b": null}], "text": "t", "pages": 9}', "no JSON", "[1]", None, "{}", '{"a": NaN']
    table = {"text": ["x"] * 6, "metadata": values, "a": ["own"] * 6}
    assert [own.metadata for own in documents(table)] == [
        {"a": "own", "text": "t", "pages": 9},
        {"metadata": "no JSON", "a": "own"},
        {"metadata": "[1]", "a": "own"},
        {"a": "own"},
        {"a": "own"},
        {"metadata": '{"a": NaN', "a": "own"},
    ]
    assert documents(pa.table({"text": ["x"], "metadata": [{"k": 1, "missing": None}]}))[0].metadata == {"k": 1}


@pytest.mark.parametrize(
    ("pages", "text", "taken"),
    [
        ([0, 2, 2, 5], "abcde", True),
        ([0], "abcde", True),
        ([], "abcde", None),
        ([1, 2], "abcde", False),
        ([0, 3, 2], "abcde", False),
        ([0, 6], "abcde", False),
        ([0, 2], "e\u0301tude", False),
        ([0, 2], "a\r\nb", False),
    ],
)
def test_pages_are_where_they_begin_in_the_text_or_as_they_are(pages: list[int], text: str, taken: bool | None) -> None:
    (own,) = documents(pa.table({"text": [text], "pages": pa.array([pages], pa.list_(pa.int64()))}))
    assert own.pages == (tuple(pages) if taken else ())
    assert own.metadata == ({"pages": pages} if taken is False else {})


def test_a_number_of_pages_is_metadata() -> None:
    assert [own.metadata for own in documents({"text": ["a", "b"], "pages": [12, 0]})] == [{"pages": 12}, {"pages": 0}]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["a", None], ["a", None]),
        (pa.array(["a", None], pa.large_string()), ["a", None]),
        (pa.array(["a", None], pa.string_view()), ["a", None]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
        (pa.array([1, -(2**63)], pa.int64()), [1, -(2**63)]),
        (pa.array([2**64 - 1], pa.uint64()), [2**64 - 1]),
        ([1.5, float("nan"), None], [1.5, None, None]),
        (pa.array([1.5], pa.float16()), [1.5]),
        ([True, False, None], [True, False, None]),
        (pa.nulls(2), [None, None]),
        ([Decimal("12.340")], ["12.340"]),
        ([datetime.date(2026, 1, 27), None], ["2026-01-27", None]),
        (pa.array([datetime.datetime(2026, 1, 27, 10, 5)], pa.timestamp("s")), ["2026-01-27 10:05:00"]),
        (pa.array([1769508300123456789], pa.timestamp("ns")), ["2026-01-27 10:05:00.123456789"]),
        (pa.array([datetime.datetime(2026, 1, 27, 10, 5)], pa.timestamp("s", "UTC")), ["2026-01-27 10:05:00Z"]),
        (pa.array([0], pa.timestamp("s", "Nowhere/At_All")), ["1970-01-01 00:00:00"]),
        ([datetime.time(10, 5)], ["10:05:00"]),
        ([["تفاح", "林檎"], [], None, [None, "x"]], [["تفاح", "林檎"], [], None, [None, "x"]]),
        ([[1, 2], [3]], [[1, 2], [3]]),
        (pa.array([["a"]], pa.large_list(pa.large_string())), [["a"]]),
        (
            [{"name": "علي", "born": {"year": 1990, "day": None}}, None],
            [{"name": "علي", "born": {"year": 1990}}, None],
        ),
        (pa.array([{"at": datetime.date(2026, 1, 27)}]), [{"at": "2026-01-27"}]),
    ],
    ids=str,
)
def test_values_are_as_json_has_them(column: Any, expected: list[Any]) -> None:
    assert metadata(column) == expected


def test_fields_may_be_numbers_dates_and_bytes() -> None:
    table = pa.table(
        {
            "id": pa.array([17], pa.int32()),
            "text": pa.array(["注: 本文".encode()], pa.binary()),
            "title": pa.array([b"\xff title"], pa.binary()),
            "date": pa.array([datetime.datetime(2026, 1, 27, 23)], pa.timestamp("us", "Asia/Tokyo")),
        }
    )
    (own,) = documents(table)
    assert (own.id, own.text, own.title) == ("17", "注: 本文", "\ufffd title")
    assert own.date in ("2026-01-27", "2026-01-28")


@pytest.mark.parametrize(
    "column",
    [
        pa.array([b"\x00\x01"], pa.binary()),
        pa.array([b"1234"], pa.binary(4)),
        pa.array([[0.25, 0.5]], pa.list_(pa.float32())),
        pa.array([[0.25, 0.5]], pa.list_(pa.float32(), 2)),
        pa.array([[[1]]]),
        pa.array([[{"a": 1}]]),
        pa.array([{"bytes": b"\x89PNG", "path": "a.png"}]),
        pa.array([{"tags": ["a"]}]),
        pa.array([[("k", "v")]], pa.map_(pa.string(), pa.string())),
        pa.array([datetime.timedelta(1)]),
    ],
    ids=lambda column: str(column.type),
)
def test_columns_of_anything_else_are_left_out_and_named(column: Any) -> None:
    items = found(written({"text": ["x"], "other": column, "kept": [1]}))
    assert items == [
        Remark("f.parquet", "columns left out, since they hold neither words nor single numbers: other"),
        Document("f.parquet#1", "x", "x", metadata={"kept": 1}),
    ]


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_every_packing_and_kind_of_page_is_read(compression: str, version: str) -> None:
    noise = random.Random(5)
    texts = [noise.choice(list(TEXTS.values())) + f" {n % 70}" for n in range(3_000)]
    tags = [noise.choices(["a", "علي", "花子"], k=noise.randint(0, 3)) for _ in texts]
    data = written(
        {"text": texts, "tags": tags, "n": range(3_000)},
        compression=compression,
        data_page_version=version,
        data_page_size=2_000,
        row_group_size=1_300,
    )
    items = found(data)
    assert [(own.text, own.metadata) for own in items if isinstance(own, Document)] == [
        (text, {"tags": own, "n": n}) for n, (text, own) in enumerate(zip(texts, tags, strict=True))
    ]


@pytest.mark.parametrize("encoding", ["PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"])
def test_every_encoding_of_words_is_read(encoding: str) -> None:
    texts = [f"text {n // 3}" for n in range(2_500)]
    data = written({"text": texts}, use_dictionary=False, column_encoding=encoding)
    assert [own.text for own in found(data) if isinstance(own, Document)] == texts


def test_names_with_dots_are_columns_of_their_own() -> None:
    assert documents({"text": ["x"], "a.b": [1], "a": ["y"]})[0].metadata == {"a.b": 1, "a": "y"}


# What is skipped


def test_rows_without_a_text_are_skipped_by_number() -> None:
    table = {"text": ["one", None, "", " \n", "five"]}
    items = found(written(table))
    assert [item.text if isinstance(item, Document) else (item.name, item.reason) for item in items] == [  # type: ignore[union-attr]
        "one",
        ("f.parquet:2", "no text"),
        ("f.parquet:3", "no text"),
        ("f.parquet:4", "no text"),
        "five",
    ]


def test_of_many_rows_without_a_text_the_first_are_named_and_the_rest_counted() -> None:
    items = found(written({"text": [None] * 5_000 + ["last"]}))
    assert len(items) == 102
    assert items[99] == Skipped("f.parquet:100", "no text")
    assert items[100:] == [
        Document("f.parquet#5001", "last", "last"),
        Skipped("f.parquet", "4900 more rows, most likely for the same reasons"),
    ]


def test_a_text_that_is_not_utf_8_is_skipped_with_its_first_byte() -> None:
    table = pa.table({"text": pa.array([b"ok", b"caf\xe9", "日本".encode()], pa.binary())})
    assert found(written(table)) == [
        Document("f.parquet#1", "ok", "ok"),
        Skipped("f.parquet:2", "not UTF-8 (byte 3 of the text is 0xe9)"),
        Document("f.parquet#3", "日本", "日本"),
    ]


def test_a_field_of_another_kind_is_skipped() -> None:
    assert found(written({"text": ["x"], "title": [["a"]]})) == [
        Skipped("f.parquet:1", "title is a list, expected a string")
    ]
    assert found(written({"text": [1, 2]}))[0] == Skipped("f.parquet:1", "no text")


def test_metadata_that_are_nested_too_deeply_are_skipped() -> None:
    for depth in (100, 900, 5_000, 100_000):
        deep = '{"a": ' * depth + "1" + "}" * depth
        items = found(written({"text": ["x", "y"], "metadata": [deep, "{}"]}))
        assert len(items) == 2
        assert items[1] == Document("f.parquet#2", "y", "y")
        assert isinstance(items[0], Document) or items[0] == Skipped(
            "f.parquet:1", "metadata nested too deeply to be read"
        )


def test_a_file_without_rows_is_empty() -> None:
    assert reason(b"") == "empty"
    assert reason(written(pa.table({"text": pa.array([], pa.string())}))) == "empty"


def test_without_a_column_text_the_others_are_named() -> None:
    assert reason(written({"body": ["x"], "n": [1]})) == (
        "no text column among body, n; say which with --column text=NAME"
    )
    many = {f"column {n}\n{'x' * 100}": [n] for n in range(30)}
    said = reason(written(many))
    assert said.endswith(", ...; say which with --column text=NAME")
    assert len(said) < 1_000
    assert "text column" in reason(written({"text": pa.array([[0.5]], pa.list_(pa.float32()))}))


@pytest.mark.parametrize(
    "data",
    [b"PAR1", b"not a table at all", b"PAR1" + b"\0" * 100 + b"PAR1", b"PAR1\xff\xff\xff\x7fPAR1", b"\0" * 1000],
)
def test_what_is_no_parquet_file_is_called_that(data: bytes) -> None:
    assert reason(data).startswith("not a Parquet file, or not all of one (")


def test_of_a_file_that_is_cut_off_nothing_is_read() -> None:
    data = written({"text": [f"text {n}" for n in range(100)]})
    for length in range(1, len(data), 37):
        assert reason(data[:length]).startswith("not a Parquet file, or not all of one (")


def test_what_is_whole_of_a_damaged_file_is_read() -> None:
    texts = [f"text {n} {random.Random(n).random()}" for n in range(300)]
    data = bytearray(written({"text": texts}, row_group_size=100, use_dictionary=False))
    chunk = pq.ParquetFile(io.BytesIO(bytes(data))).metadata.row_group(1).column(0)
    middle = chunk.data_page_offset + chunk.total_compressed_size // 2
    data[middle : middle + 200] = bytes(200)
    items = found(bytes(data))
    (skipped,) = [item for item in items if isinstance(item, Skipped)]
    assert skipped.name == "f.parquet:101"
    assert skipped.reason.startswith("rows up to 200 are damaged (")
    assert [own.text for own in items if isinstance(own, Document)] == texts[:100] + texts[200:]


# Whatever is in the file

_BASE = written(
    {
        "id": [str(n) for n in range(40)],
        "text": [f"{text} {n}" for n, text in enumerate(list(TEXTS.values()) * 10)],
        "tags": [["a", "b"][: n % 3] for n in range(40)],
        "when": [datetime.datetime(2026, 1, 1)] * 40,
        "who": [{"name": "x", "n": n} for n in range(40)],
    },
    row_group_size=15,
    data_page_size=200,
)


def check(data: bytes) -> None:
    try:
        items = found(data, Limits(text=1_000_000, line=100_000))
    except DocumentError as error:
        items = [Skipped("", str(error))]
    assert len(items) < 1_000
    for item in items:
        if isinstance(item, Skipped):
            assert "\n" not in item.reason
            assert len(item.reason) < 1_500


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, len(_BASE) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_bytes_that_changed_do_no_harm(changes: Sequence[tuple[int, int]]) -> None:
    data = bytearray(_BASE)
    for place, value in changes:
        data[place] = value
    check(bytes(data))


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=400), st.booleans())
def test_random_bytes_do_no_harm(content: bytes, framed: bool) -> None:
    check(b"PAR1" + content + struct.pack("<I", len(content)) + b"PAR1" if framed else content)


def held(data: bytes, limits: Limits) -> tuple[list[Found], int, float]:
    """What is found, the most bytes that were held meanwhile, and the seconds that it took."""
    source = Source("f.parquet", io.BytesIO(data), len(data), ".parquet")
    items, most = [], 0
    tracemalloc.start()
    began, before = time.monotonic(), pa.total_allocated_bytes()
    for item in islice(parquet.read(source, Context(lambda _: iter(()), limits)), 100):
        items.append(item)
        most = max(most, pa.total_allocated_bytes() - before)
    seconds = time.monotonic() - began
    most += tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return items, most, seconds


def test_one_long_text_in_a_million_rows_is_not_held_a_million_times() -> None:
    """A hundred kilobytes that unpack to a hundred gigabytes."""
    words = pa.array(["x" * 100_000])
    table = pa.table({"text": pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), words)})
    data = written(table)
    assert len(data) < 200_000
    items, most, seconds = held(data, Limits(text=1_000_000, ratio=20))
    texts = [item for item in items if isinstance(item, Document)]
    assert len(texts) == 11  # a little more than a megabyte
    assert items[-1] == Skipped("f.parquet", "holds more than 20 times its own size; the rest was not read")
    assert most < 10_000_000
    assert seconds < 5


@pytest.mark.parametrize("store_schema", [True, False])
def test_one_long_word_in_a_list_a_million_times_is_not_read(store_schema: bool) -> None:
    lists = pa.ListArray.from_arrays(
        pa.array([0, 1_000_000, 1_000_001], pa.int32()),
        pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_001, pa.int32()), pa.array(["x" * 100_000])),
    )
    data = written(pa.table({"text": ["a", "b"], "tags": lists}), store_schema=store_schema)
    items, most, seconds = held(data, Limits(text=10_000_000, line=1_000_000))
    assert items[0] == Skipped("f.parquet:1", "a list of more than 1.0 MB, which is the most that is read")
    assert items[1] == Document("f.parquet#2", "b", "b", metadata={"tags": ["x" * 100_000]})
    assert most < 40_000_000
    assert seconds < 5


@pytest.mark.parametrize("compression", ["gzip", "zstd", "brotli"])
def test_a_page_that_unpacks_to_more_than_may_be_held_is_not_unpacked(compression: str) -> None:
    data = written({"text": ["x" * 30_000_000, "y"]}, compression=compression, use_dictionary=False)
    assert len(data) < 100_000
    items, most, _ = held(data, Limits(text=1_000_000))
    assert items == [
        Skipped("f.parquet:1", "rows up to 2 cannot be read: 30 MB at once, expected at most 5.0 MB"),
    ]
    assert most < 1_000_000


def test_a_text_longer_than_one_may_be_is_skipped_and_the_others_are_read() -> None:
    items = found(written({"text": ["x" * 3_000, "y", "z" * 1_000]}), Limits(text=1_000))
    assert items == [
        Skipped("f.parquet:1", "text: 0.0 MB, expected at most 0.0 MB"),
        Document("f.parquet#2", "y", "y"),
        Document("f.parquet#3", "z" * 1_000, "z" * 100 + "…"),
    ]


def test_large_texts_are_held_a_few_at_a_time() -> None:
    texts = [chr(65 + n % 26) * 400_000 for n in range(100)]
    data = written({"text": texts}, use_dictionary=False, write_batch_size=1)
    source = Source("f.parquet", io.BytesIO(data), len(data), ".parquet")
    most = 0
    for count, item in enumerate(parquet.read(source, Context(lambda _: iter(()), Limits(text=500_000)))):
        assert isinstance(item, Document)
        assert item.text == texts[count]
        most = max(most, pa.total_allocated_bytes())
    assert count == 99
    assert most < 5_000_000


def test_a_column_of_nothing_but_repetitions_is_refused_by_what_it_would_become() -> None:
    lists = pa.ListArray.from_arrays(pa.array([0, 3_000_000], pa.int32()), pa.array([7] * 3_000_000))
    data = written(pa.table({"text": ["a"], "n": lists}))
    assert len(data) < 20_000
    items, most, _ = held(data, Limits(text=1_000_000))
    assert items == [Skipped("f.parquet:1", "rows up to 1 cannot be read: 24 MB at once, expected at most 5.0 MB")]
    assert most < 1_000_000


def test_lists_of_words_that_grow_out_of_each_other_are_refused() -> None:
    lists = pa.array([["x" * n for n in range(100)]])
    data = written(
        pa.table({"text": ["a"], "tags": lists}),
        use_dictionary=False,
        column_encoding={"tags.list.element": "DELTA_BYTE_ARRAY", "text": "PLAIN"},
    )
    (skipped,) = found(data)
    assert isinstance(skipped, Skipped)
    assert "an encoding that is not read" in skipped.reason


def test_a_footer_that_contradicts_itself_does_not_end_the_process() -> None:
    """As it does where pyarrow is asked for the column that it is about: its file has one byte changed, a level of a
    column that has statistics of its levels."""
    data = base64.b64decode(
        "UEFSMRUAFRYVFiwVAhUAFQYVBhwAAAACAAAAAgEBAAAAeBUEGSw1ABgGc2NoZW1hFQIAFQwmAhgEdGV4dCUATBwAAAAWAhkcGRwmABwVDBkl"
        "BgAZGAR0ZXh0FQAWAhY8FjwmCEkcFQAVABUCADwWAhkGGSYAAgAAABY8FgImCBY8ACggcGFycXVldC1jcHAtYXJyb3cgdmVyc2lvbiAyNi4w"
        "LjEZHBwAAACIAAAAUEFSMQ=="
    )
    try:
        items = found(data)
    except DocumentError as error:
        items = [Skipped("", str(error))]
    assert [type(item) for item in items] == [Skipped]


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_stream_in_a_temporary_file_is_read_and_left_open(in_memory: bool) -> None:
    """As what lies in an archive comes."""
    data = written({"text": list(TEXTS.values())})
    with SpooledTemporaryFile(10**6 if in_memory else 10) as stream:
        stream.write(data)
        stream.seek(0)
        source = Source("f", cast(BinaryIO, stream), len(data), ".parquet")
        items = list(parquet.read(source, Context(lambda _: iter(()))))
        assert [own.text for own in items] == list(TEXTS.values())
        assert not stream.closed
