"""What is exported, read again, is what there was, to the field; and a file is written whole or not at all."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from indexer import exchange
from indexer.build import index_documents, open_or_create
from indexer.documents import Document, document_of
from indexer.errors import CollectionError, DocumentError
from indexer.exchange import export_jsonl, export_jsonl_file, export_parquet, export_vectors
from indexer.normal_form import normal_form
from indexer.parts import parts_of
from indexer.reading import json_lines
from indexer.reading.source import Context, Source
from indexer.records import EncodedDocument
from indexer.stored_collection import StoredCollection
from tests.fakes import FakeEncoder
from tests.filled import full_disk
from tests.test_stored_collection import (
    DATABASE,
    NO_PRIOR,
    PARTS,
    contents,
    encoded,
    new_collection,
    numbers,
    open_to_all,
    without_rights,
)

pq = pytest.importorskip("pyarrow.parquet")
parquet = pytest.importorskip("indexer.reading.parquet")

DOCUMENTS = [
    Document("ar", "بدأ حظر الغاز اليوم.\nوينتهي في مايو.", "حظر الغاز", "ar", "2026-01-05", "wire"),
    Document("en", "The ban on gas 🙂 began.", "Ban", None, "2026", "", "https://example.org/?a=1"),
    Document("ja", "ウランの禁輸が始まった。ガスは続く。", "禁輸", metadata={"ページ": 3, "著者": ["花子", None]}),
    Document("folder/b.pdf", "One two\nthree", "One two", pages=(0, 8), metadata={"pages": 2, "id": 7}),
]


def stored(documents: list[Document]) -> list[EncodedDocument]:
    return [EncodedDocument(document, document.lang or "und", b"d", []) for document in documents]


def read_jsonl(data: bytes) -> list[Any]:
    source = Source("f.jsonl", io.BytesIO(data), len(data), ".jsonl")
    return list(json_lines.read(source, Context(lambda _: iter(()))))


def read_parquet(data: bytes) -> list[Any]:
    source = Source("f.parquet", io.BytesIO(data), len(data), ".parquet")
    return list(parquet.read(source, Context(lambda _: iter(()))))


def jsonl_of(collection: StoredCollection) -> bytes:
    stream = io.BytesIO()
    export_jsonl(collection, stream)
    return stream.getvalue()


def parquet_of(collection: StoredCollection) -> bytes:
    file = collection.folder / "own.parquet"
    export_parquet(collection, file, overwrite=True)
    return file.read_bytes()


ROUNDS: list[tuple[Callable[[StoredCollection], bytes], Callable[[bytes], list[Any]]]] = [
    (jsonl_of, read_jsonl),
    (parquet_of, read_parquet),
]
WRITERS = [export_jsonl_file, export_parquet, export_vectors]


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[StoredCollection]:
    with new_collection(tmp_path / "c") as made:
        made.put(stored(DOCUMENTS))
        yield made


@pytest.fixture
def passages(tmp_path: Path) -> Iterator[StoredCollection]:
    with new_collection(tmp_path / "p") as made:
        made.put([encoded(f"d{n}", n, ["en", "ja", "ar"]) for n in range(20)])
        made.delete(["d3"])
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredCollection]:
    with new_collection(tmp_path_factory.mktemp("shared") / "c") as made:
        yield made


# Documents


@pytest.mark.parametrize(("write", "read"), ROUNDS, ids=["JSON Lines", "Parquet"])
def test_what_is_exported_and_read_again_is_what_there_was(collection: StoredCollection, write: Any, read: Any) -> None:
    assert read(write(collection)) == DOCUMENTS


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_line = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20)
_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=5,
)
_RESERVED = ["id", "_id", "title", "text", "lang", "language", "date", "source", "url", "metadata", "pages"]


@st.composite
def _documents(draw: st.DrawFn) -> Document:
    plain = normal_form(draw(_text.filter(lambda text: normal_form(text).strip())))
    begins = draw(st.lists(st.integers(0, len(plain)), max_size=3))
    return document_of(
        draw(_line.filter(bool)),
        plain,
        title=draw(_line.filter(bool)),
        lang=draw(st.sampled_from([None, "ar", "en", "ja", "zh", "und"])),
        date=draw(st.sampled_from(["", "2026", "2026-01", "2026-01-27"])),
        source=draw(_line),
        url=draw(_line),
        metadata=draw(st.dictionaries(_text | st.sampled_from(_RESERVED), _value, max_size=5)),
        pages=(0, *sorted(begins)) if begins else (),
    )


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_documents(), min_size=1, max_size=4, unique_by=lambda document: document.id))
@example([document_of("a", "x", metadata={name: {"metadata": [0]} for name in _RESERVED}, pages=(0, 1))])
@example([document_of("a", "x", metadata={name: 0}) for name in ("pages",)])
@example([document_of("a", "x", metadata={"": None, "pages": [], "metadata": {}})])
def test_whatever_a_document_holds_comes_back(shared: StoredCollection, documents: list[Document]) -> None:
    shared.delete([document.id for document in shared.all_documents()])
    shared.put(stored(documents))
    for write, read in ROUNDS:
        assert read(write(shared)) == documents


@pytest.mark.parametrize(("write", "read"), ROUNDS, ids=["JSON Lines", "Parquet"])
def test_a_collection_made_from_an_export_is_the_same(
    tmp_path: Path, fake: FakeEncoder, write: Any, read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passages, vectors and digests with it: the first one has nothing to do for it."""
    monkeypatch.setattr("indexer.build.prior_of", lambda _: NO_PRIOR)
    long = Document("long", "\n\n".join(f"Gas 🙂 {n}. The ban says so too." for n in range(80)), "Long", pages=(0, 90))
    with open_or_create(tmp_path / "a", fake) as first, open_or_create(tmp_path / "b", fake) as second:
        index_documents([*DOCUMENTS, long], first, fake)
        exported = read(write(first))
        index_documents(exported, second, fake)
        assert contents(second) == contents(first)
        assert second.sums().keys() == first.sums().keys()
        again = index_documents(exported, first, fake)
        assert (again.added, again.changed, again.unchanged) == (0, 0, 5)


def test_the_lines_are_as_other_programs_expect_them(collection: StoredCollection) -> None:
    lines = jsonl_of(collection).decode("utf-8").splitlines()
    assert lines[1] == (
        '{"id": "en", "title": "Ban", "text": "The ban on gas 🙂 began.", "date": "2026", '
        '"url": "https://example.org/?a=1"}'
    )
    assert json.loads(lines[0]) == {
        "id": "ar",
        "title": "حظر الغاز",
        "text": "بدأ حظر الغاز اليوم.\nوينتهي في مايو.",
        "lang": "ar",
        "date": "2026-01-05",
        "source": "wire",
    }
    assert json.loads(lines[2])["著者"] == ["花子", None]
    assert json.loads(lines[3]) == {
        "id": "folder/b.pdf",
        "title": "One two",
        "text": "One two\nthree",
        "metadata": {"pages": 2, "id": 7},
        "pages": [0, 8],
    }


def test_the_columns_are_as_other_programs_expect_them(tmp_path: Path, collection: StoredCollection) -> None:
    assert export_parquet(collection, tmp_path / "d.parquet") == 4
    table = pq.read_table(tmp_path / "d.parquet")
    words = ("id", "title", "text", "lang", "date", "source", "url", "metadata")
    assert {field.name: str(field.type) for field in table.schema} == {
        **dict.fromkeys(words, "string"),
        "pages": "list<element: int64>",
    }
    assert table.column("id").to_pylist() == ["ar", "en", "ja", "folder/b.pdf"]
    assert table.column("lang").to_pylist() == ["ar", None, None, None]
    assert table.column("text").to_pylist() == [document.text for document in DOCUMENTS]
    assert table.column("pages").to_pylist() == [[], [], [], [0, 8]]
    assert json.loads(table.column("metadata")[2].as_py()) == DOCUMENTS[2].metadata


def test_documents_are_exported_a_group_at_a_time(
    tmp_path: Path, passages: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = list(passages.all_documents())
    for documents, characters, groups in ((7, 10**9, [7, 7, 5]), (10**9, 1, [1] * 19)):
        monkeypatch.setattr(exchange, "_GROUP_DOCUMENTS", documents)
        monkeypatch.setattr(exchange, "_GROUP_CHARACTERS", characters)
        assert export_parquet(passages, tmp_path / "d.parquet", overwrite=True) == 19
        written = pq.ParquetFile(tmp_path / "d.parquet").metadata
        assert [written.row_group(number).num_rows for number in range(written.num_row_groups)] == groups
        assert read_parquet((tmp_path / "d.parquet").read_bytes()) == [
            replace(document, title=document.title or got.title)
            for document, got in zip(expected, read_parquet((tmp_path / "d.parquet").read_bytes()), strict=True)
        ]


def test_an_empty_collection_gives_an_empty_file(tmp_path: Path) -> None:
    with new_collection(tmp_path / "c") as collection:
        assert [write(collection, tmp_path / write.__name__) for write in WRITERS] == [0, 0, 0]
    assert (tmp_path / "export_jsonl_file").read_bytes() == b""
    assert pq.read_table(tmp_path / "export_parquet").num_rows == 0
    assert pq.read_table(tmp_path / "export_vectors").num_rows == 0


def test_what_others_commit_meanwhile_is_not_exported(collection: StoredCollection) -> None:
    class Watched(io.BytesIO):
        def write(self, data: Any) -> int:
            writer.delete(["ja"])
            writer.put(stored([Document(f"new {self.tell()}", "x", "x")]))
            return super().write(data)

    stream = Watched()
    with StoredCollection.open(collection.folder, writable=True) as writer:
        assert export_jsonl(collection, stream) == 4
    assert read_jsonl(stream.getvalue()) == DOCUMENTS
    assert len(list(collection.all_documents())) == 7


def test_passages_that_others_take_away_meanwhile_are_exported_all_the_same(
    tmp_path: Path, passages: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "_GROUP_PASSAGES", 10)
    read = StoredCollection.passage_texts
    with StoredCollection.open(passages.folder, writable=True) as writer:

        def meanwhile(collection: StoredCollection, ids: list[int]) -> Iterator[Any]:
            writer.delete([document.id for document in writer.all_documents()][:3])
            yield from read(collection, ids)

        monkeypatch.setattr(StoredCollection, "passage_texts", meanwhile)
        assert export_vectors(passages, tmp_path / "v.parquet") == 57
    assert len(set(pq.read_table(tmp_path / "v.parquet").column("document").to_pylist())) == 19
    assert len(list(passages.all_documents())) == 1


def test_standard_output_gets_utf_8_whatever_its_encoding(
    collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "ascii"))
    print("before")
    assert export_jsonl(collection, sys.stdout) == 4
    before, _, lines = raw.getvalue().partition(b"\n")
    assert before == b"before"
    assert read_jsonl(lines) == DOCUMENTS


def test_a_stream_that_breaks_off_says_so_itself(collection: StoredCollection) -> None:
    class Closed(io.BytesIO):
        def write(self, data: Any) -> int:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        export_jsonl(collection, Closed())
    assert export_jsonl(collection, io.BytesIO()) == 4


# Passages with vectors


def test_every_passage_comes_with_its_text_and_vector(
    tmp_path: Path, passages: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "_GROUP_PASSAGES", 10)
    assert export_vectors(passages, tmp_path / "v.parquet") == 57
    table = pq.read_table(tmp_path / "v.parquet")
    assert {field.name: str(field.type) for field in table.schema} == {
        "document": "string",
        "start": "int64",
        "end": "int64",
        "lang": "string",
        "text": "string",
        "vector": "fixed_size_list<element: float>[8]",
    }
    own = passages.passages(passages.passage_ids().tolist())
    number = numbers(passages)
    for row, passage in zip(table.to_pylist(), own, strict=True):
        assert number[row["document"]] == passage.document
        assert (row["start"], row["end"], row["lang"]) == (passage.start, passage.end, passage.lang)
        assert row["text"] == passages.text(passage.document, passage.start, passage.end) != ""
        np.testing.assert_array_equal(np.array(row["vector"], np.float32), passage.vector)
    assert pq.ParquetFile(tmp_path / "v.parquet").metadata.num_row_groups == 6
    said = table.schema.metadata
    assert (said[b"model"], said[b"fingerprint"]) == (b"fake", b"fake-1")
    assert parts_of(said[b"parts"].decode()) == PARTS


# Files


@pytest.mark.parametrize("write", WRITERS)
def test_a_file_that_is_there_is_left_as_it_is_unless_told(
    tmp_path: Path, passages: StoredCollection, write: Any
) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"mine")
    with pytest.raises(CollectionError, match=r"f is there already; remove it, or name another$"):
        write(passages, file)
    assert file.read_bytes() == b"mine"
    assert write(passages, file, overwrite=True) in (19, 57)
    assert len(file.read_bytes()) > 100


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_no_file_is_never_overwritten(
    tmp_path: Path, passages: StoredCollection, write: Any, overwrite: bool
) -> None:
    (tmp_path / "folder").mkdir()
    for place in (tmp_path / "folder", Path("/dev/null")):
        if place.exists():
            with pytest.raises(CollectionError, match=r"is not a file; name another$"):
                write(passages, place, overwrite=overwrite)
            assert not place.is_file()


class Failing:
    """Stands for a reading method of a collection that breaks off in the middle."""

    def __init__(self, name: str, error: BaseException) -> None:
        self._read, self._error = getattr(StoredCollection, name), error

    def __get__(self, collection: StoredCollection, _: object) -> Callable[..., Iterator[Any]]:
        def read(*given: Any) -> Iterator[Any]:
            if given and min(given[0]) > 20:
                raise self._error
            for count, item in enumerate(self._read(collection, *given)):
                if count == 10:
                    raise self._error
                yield item

        return read


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("error", [KeyboardInterrupt(), CollectionError("damaged")], ids=["interrupted", "damaged"])
def test_of_an_export_that_fails_nothing_is_left(
    tmp_path: Path, passages: StoredCollection, write: Any, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "_GROUP_DOCUMENTS", 3)
    monkeypatch.setattr(exchange, "_GROUP_PASSAGES", 3)
    (tmp_path / "there").write_bytes(b"mine")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("all_documents", "passage_texts"):
            patch.setattr(StoredCollection, name, Failing(name, error))
        for file in (tmp_path / "new", tmp_path / "there"):
            with pytest.raises(type(error)):
                write(passages, file, overwrite=True)
    assert (tmp_path / "there").read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p", "there"]
    assert write(passages, tmp_path / "new") in (19, 57)


@pytest.mark.parametrize("write", WRITERS)
def test_on_a_full_disk_an_export_is_an_error_of_one_line_and_nothing_is_left(
    tmp_path: Path, passages: StoredCollection, write: Any
) -> None:
    with full_disk(1_000), pytest.raises(CollectionError, match="f: cannot be written") as caught:
        write(passages, tmp_path / "f")
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


@pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")
@pytest.mark.parametrize("write", WRITERS)
def test_where_nothing_can_be_written_the_error_says_why(passages: StoredCollection, write: Any) -> None:
    with pytest.raises(CollectionError, match=r"cannot be written \(no such file or directory\)"):
        write(passages, passages.folder / "none" / "f")
    with open_to_all() as folder:
        folder.chmod(0o555)
        with without_rights(), pytest.raises(CollectionError, match=r"cannot be written \(permission denied\)"):
            write(passages, folder / "f")


@pytest.mark.parametrize("write", [export_parquet, export_vectors])
def test_without_the_package_the_error_says_what_to_install(
    tmp_path: Path, passages: StoredCollection, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DocumentError, match=r"pip install 'multilingual-search\[parquet\]'$"):
        write(passages, tmp_path / "f")
    assert not (tmp_path / "f").exists()
    export_jsonl_file(passages, tmp_path / "f")


def test_a_damaged_collection_is_an_error_and_nothing_is_left(tmp_path: Path, passages: StoredCollection) -> None:
    passages.close()
    file = passages.folder / DATABASE
    file.write_bytes(file.read_bytes().replace(b"sentence 0 of passage 1", b"\xff" * 23))
    for write in (export_jsonl_file, export_parquet):
        with (
            StoredCollection.open(passages.folder) as opened,
            pytest.raises(CollectionError, match="is damaged"),
        ):
            write(opened, tmp_path / "f")
        assert not (tmp_path / "f").exists()
