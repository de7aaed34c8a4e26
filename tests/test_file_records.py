"""What a collection knows of the files that it was read from: their records, whose documents are whose, which of them a
run came across, vectors by key of their texts; and how a collection of the format before becomes one of this format.

Vectors are drawn from seeds, as in `test_collection.py`; a file's documents are made of nothing but their ids.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer import database
from indexer.build import FileBegins, FileEnds, Item, index_documents
from indexer.documents import Document, Remark, Skipped
from indexer.errors import CollectionError
from indexer.records import EncodedDocument, EncodedPassage, FileRecord
from indexer.stored_collection import StoredCollection
from indexer.summary import Summary
from tests.fakes import FakeEncoder
from tests.test_stored_collection import (
    DATABASE,
    NO_PRIOR,
    PARTS,
    assert_sums_equal,
    contents,
    encoded,
    new_collection,
    random_prior,
    recomputed_sums,
)


def record(path: str, **fields: Any) -> FileRecord:
    known: dict[str, Any] = {
        "path": path,
        "name": path.lstrip("/"),
        "size": 5,
        "modified": 1_700_000_000_123_456_789,
        "digest": b"digest of " + path.encode(),
        "reading": b"as text",
        "skipped": [],
        "remarks": [],
    }
    return FileRecord(**(known | fields))


def of(file: FileRecord | None, identifier: str, seed: int = 0) -> EncodedDocument:
    return replace(encoded(identifier, seed), file=file)


A, B = record("/d/a.jsonl"), record("/d/b.jsonl")


def owners(collection: StoredCollection) -> dict[str, str | None]:
    """Document -> its file."""
    return {identifier: collection.files.owner(identifier) for identifier in contents(collection)}


def assert_sound(collection: StoredCollection) -> None:
    assert_sums_equal(collection.sums(), recomputed_sums(collection))


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[StoredCollection]:
    with new_collection(tmp_path / "c") as created:
        yield created


# Records


def test_a_record_comes_back_as_it_was_also_after_reopening(tmp_path: Path) -> None:
    whole = record(
        "/حظر/禁令 😀.jsonl",
        size=2**40,
        modified=-1,
        digest=bytes(range(16)),
        reading=b"\0\xff",
        skipped=[Skipped("禁令:2", "not JSON (Expecting value)"), Skipped("b", "empty")],
        remarks=[Remark("禁令", "read as cp932, which is a guess")],
    )
    with new_collection(tmp_path / "c") as collection:
        collection.put([of(whole, "a"), of(whole, "b")], finished=[whole])
        assert collection.files.get(whole.path) == whole
    with StoredCollection.open(tmp_path / "c") as collection:
        assert collection.files.get(whole.path) == whole
        assert collection.files.get("/حظر") is None
        assert sorted(collection.files.documents(whole.path)) == ["a", "b"]
        assert collection.files.count(whole.path) == 2
        assert collection.files.owner("a") == whole.path
        assert collection.files.with_skipped() == [whole]


def test_of_what_is_unknown_there_is_nothing(collection: StoredCollection) -> None:
    collection.put([of(A, "a"), of(None, "none")], finished=[A])
    files = collection.files
    assert (files.get("/d/x"), files.documents("/d/x"), files.count("/d/x")) == (None, [], 0)
    assert (files.owner("x"), files.owner("none")) == (None, None)
    assert files.with_skipped() == []
    assert collection.forget(["/d/x"]) == []


def test_a_file_is_not_known_before_it_was_read_to_its_end(collection: StoredCollection) -> None:
    collection.put([of(A, "a")])
    assert collection.files.get(A.path) is None
    assert collection.files.count(A.path) == 1
    (unfinished,) = collection.files.below("/d")
    assert (unfinished.path, unfinished.name, unfinished.size) == (A.path, A.name, -1)
    collection.put([of(A, "b", 1)], finished=[A])
    assert collection.files.get(A.path) == A
    assert sorted(collection.files.documents(A.path)) == ["a", "b"]


def test_a_file_without_documents_is_known_as_well(collection: StoredCollection) -> None:
    empty = record("/d/empty.txt", size=0, skipped=[Skipped("d/empty.txt", "empty")])
    collection.put([], finished=[empty])
    assert collection.files.get(empty.path) == empty
    assert collection.files.count(empty.path) == 0
    assert collection.forget([empty.path]) == []
    assert collection.files.get(empty.path) is None


@pytest.mark.parametrize("folder", ["/d", "/d/"])
def test_what_is_below_a_folder_is_what_lies_in_it(collection: StoredCollection, folder: str) -> None:
    inside = ["/d/%.txt", "/d/_/x", "/d/a", "/d/a b", "/d/e/f/g", "/d/~", "/d/ア"]
    outside = ["/d", "/d.txt", "/d-/a", "/d0", "/da/b", "/D/a", "/c/d/a", "/"]
    collection.put([], finished=[record(path) for path in [*outside, *inside]])
    assert [own.path for own in collection.files.below(folder)] == sorted(inside)
    assert len(collection.files.below("/")) == len(inside) + len(outside)
    assert collection.files.below("/d/a") == []


def test_a_file_is_found_by_its_name_its_path_or_a_folder_above(
    collection: StoredCollection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = [str(tmp_path / "d" / name) for name in ("a.txt", "b.txt")]
    collection.put([], finished=[record(paths[0], name="elsewhere/a.txt"), record(paths[1], name="d/b.txt")])
    collection.put([of(record(str(tmp_path / "d2.txt")), "unfinished")])
    named = collection.files.named
    assert named("elsewhere/a.txt") == named("d/a.txt") == named("./d/../d/a.txt") == named(paths[0]) == paths[:1]
    assert named("d") == named(str(tmp_path / "d")) == named("d/") == paths
    assert named(".") == [*paths, str(tmp_path / "d2.txt")]
    assert named("d2.txt") == [str(tmp_path / "d2.txt")]
    assert named("a.txt") == named("d/c.txt") == []


def test_records_that_do_not_hold_what_they_should_are_damage(tmp_path: Path) -> None:
    with new_collection(tmp_path / "c") as collection:
        collection.put([of(A, "a")], finished=[A])
    for wrong in ("not JSON", "[1]", '[["a"]]', "{}x"):
        with closing(sqlite3.connect(tmp_path / "c" / DATABASE)) as connection:
            connection.execute("UPDATE files SET skipped = ?", (wrong,))
            connection.commit()
        with StoredCollection.open(tmp_path / "c") as collection:
            files = collection.files
            for read, name in ((files.get, A.path), (files.below, "/d"), (files.named, "/d")):
                with pytest.raises(CollectionError, match="is damaged") as caught:
                    read(name)
                assert "\n" not in str(caught.value)


# What a transaction does to them


def test_documents_that_a_finished_file_holds_no_more_leave(collection: StoredCollection) -> None:
    collection.put([of(A, "a"), of(A, "b", 1), of(A, "c", 2), of(B, "d", 3), of(None, "e", 4)], finished=[A, B])
    before, version = contents(collection), collection.version()
    seen = collection.seen_ids()
    for identifier in ("b", "new"):
        assert seen.add(identifier)
    later = replace(A, size=7, digest=b"other")
    assert sorted(collection.put([of(A, "new", 5)], finished=[later], seen=seen)) == ["a", "c"]
    after = contents(collection)
    assert after.keys() == {"b", "d", "e", "new"}
    assert {name: after[name] for name in "bde"} == {name: before[name] for name in "bde"}
    assert collection.version() == version + 1
    assert (collection.files.get(A.path), collection.files.get(B.path)) == (later, B)
    assert owners(collection) == {"b": A.path, "d": B.path, "e": None, "new": A.path}
    assert_sound(collection)


def test_without_what_was_seen_nothing_leaves(collection: StoredCollection) -> None:
    collection.put([of(A, "a"), of(A, "b", 1)], finished=[A])
    assert collection.put([of(A, "a", 2)], finished=[A]) == []
    assert contents(collection).keys() == {"a", "b"}


def test_a_touched_file_keeps_its_documents(collection: StoredCollection) -> None:
    collection.put([of(A, "a"), of(A, "b", 1)], finished=[A])
    before = contents(collection)
    touched = replace(A, modified=99)
    assert collection.put([], touched=[touched], seen=collection.seen_ids()) == []
    assert collection.files.get(A.path) == touched
    assert contents(collection) == before
    assert collection.files.count(A.path) == 2


def test_an_adopted_document_is_of_its_new_file(collection: StoredCollection) -> None:
    collection.put([of(A, "a"), of(A, "b", 1), of(None, "none", 2)], finished=[A])
    before = contents(collection)
    collection.put([], adopted={"b": (B, ""), "none": (B, "")})
    assert owners(collection) == {"a": A.path, "b": B.path, "none": B.path}
    assert collection.files.get(B.path) is None  # it is not read to its end
    assert contents(collection) == before
    collection.put([], finished=[A, B], seen=collection.seen_ids())
    assert contents(collection) == {}
    assert_sound(collection)


def test_a_document_adopted_and_its_old_file_finished_at_once_stays(collection: StoredCollection) -> None:
    collection.put([of(A, "a"), of(A, "b", 1)], finished=[A])
    seen = collection.seen_ids()
    assert seen.add("a")
    assert seen.add("b")
    assert collection.put([], adopted={"b": (B, "")}, finished=[A, B], seen=seen) == []
    assert collection.forget([A.path]) == ["a"]
    assert contents(collection).keys() == {"b"}


def test_a_document_that_is_replaced_is_of_the_file_that_it_comes_from_now(collection: StoredCollection) -> None:
    collection.put([of(A, "a"), of(A, "b", 1)], finished=[A])
    collection.put([of(B, "a", 3), of(None, "b", 4)])
    assert owners(collection) == {"a": B.path, "b": None}
    assert collection.forget([A.path]) == []
    assert contents(collection).keys() == {"a", "b"}


def test_forgotten_files_take_their_documents_with_them(collection: StoredCollection) -> None:
    c = record("/d/c.jsonl")
    collection.put([of(A, "a1"), of(A, "a2", 1), of(B, "b", 2), of(c, "c", 3), of(None, "none", 4)], finished=[A, B, c])
    before, version = contents(collection), collection.version()
    assert sorted(collection.forget([A.path, "/d/unknown", c.path])) == ["a1", "a2", "c"]
    assert contents(collection) == {name: before[name] for name in ("b", "none")}
    assert collection.version() == version + 1
    assert [own.path for own in collection.files.below("/")] == [B.path]
    assert_sound(collection)
    collection.put([of(A, "a1")], finished=[A])  # it may come again
    assert collection.files.documents(A.path) == ["a1"]


@pytest.mark.parametrize("where", ["finished", "touched", "adopted"])
def test_all_of_a_change_is_made_or_nothing(collection: StoredCollection, where: str) -> None:
    collection.put([of(A, "a"), of(A, "b", 1)], finished=[A])
    before, version, seen = contents(collection), collection.version(), collection.seen_ids()
    assert seen.add("new")
    impossible = record("/d/z", name=object())
    kept: dict[str, Any] = {"finished": [replace(A, size=1)], "touched": [], "adopted": {"b": (B, "")}}
    if where == "adopted":
        kept["adopted"]["a"] = (impossible, "")
    else:
        kept[where] = [*kept[where], impossible]
    with pytest.raises(CollectionError):
        collection.put([of(A, "new", 3)], seen=seen, **kept)
    assert (contents(collection), collection.version()) == (before, version)
    assert owners(collection) == {"a": A.path, "b": A.path}
    assert collection.files.below("/") == [A]
    assert_sound(collection)


def test_a_file_cannot_go_while_it_has_documents(collection: StoredCollection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever forgets to remove them is told by the database."""
    collection.put([of(A, "a")], finished=[A])
    monkeypatch.setattr(collection.files, "documents", lambda path: [])
    with pytest.raises(CollectionError):
        collection.forget([A.path])
    assert owners(collection) == {"a": A.path}


def test_another_process_sees_a_file_with_its_documents_or_not_at_all(collection: StoredCollection) -> None:
    with StoredCollection.open(collection.folder) as reader:
        collection.put([of(A, "a"), of(A, "b", 1)], finished=[A])
        assert (reader.files.get(A.path), reader.files.count(A.path)) == (A, 2)
        with reader.snapshot():
            assert reader.files.count(A.path) == 2
            collection.forget([A.path])
            assert (reader.files.get(A.path), reader.files.count(A.path)) == (A, 2)
        assert (reader.files.get(A.path), reader.files.count(A.path)) == (None, 0)


def test_pages_come_back(collection: StoredCollection) -> None:
    paged = encoded("a", 1)
    pages = (0, 7, 2**33)
    collection.put([replace(paged, document=replace(paged.document, pages=pages)), encoded("b", 2)])
    assert {own.id: own.pages for own in collection.documents([1, 2]).values()} == {"a": pages, "b": ()}


# What a run came across


def test_each_id_is_new_once_a_run(collection: StoredCollection) -> None:
    names = [f"d{number} 禁令" for number in range(10_000)]
    seen = collection.seen_ids()
    assert all(seen.add(name) for name in names)
    assert not any(seen.add(name) for name in names)
    assert seen.add("D1 禁令")  # letters count
    assert collection.seen_ids().add(names[0])


def test_of_many_documents_those_that_were_not_seen_leave(tmp_path: Path) -> None:
    parts = [replace(encoded(f"d{number}"), passages=[], file=A if number % 2 else B) for number in range(10_000)]
    with new_collection(tmp_path / "c") as collection:
        collection.put(parts, finished=[A, B])
        seen = collection.seen_ids()
        for number in range(0, 10_000, 3):
            assert seen.add(f"d{number}")
        expected = {f"d{number}" for number in range(1, 10_000, 2) if number % 3}
        assert set(seen.unseen(A.path)) == expected
        assert set(collection.put([], finished=[A], seen=seen)) == expected
        assert set(collection.files.documents(A.path)) == {f"d{number}" for number in range(3, 10_000, 6)}
        assert collection.files.count(B.path) == 5_000


def test_what_was_seen_is_kept_when_a_transaction_fails(collection: StoredCollection) -> None:
    collection.put([of(A, "a")], finished=[A])
    seen = collection.seen_ids()
    assert seen.add("a")
    with pytest.raises(CollectionError):
        collection.put([], finished=[record("/d/z", name=object())], seen=seen)
    assert not seen.add("a")
    assert collection.put([], finished=[A], seen=seen) == []


def test_what_was_seen_is_not_part_of_the_collection(collection: StoredCollection) -> None:
    with StoredCollection.open(collection.folder) as reader:
        assert collection.seen_ids().add("a")
        assert reader.seen_ids().add("a")
    assert "seen" not in tables(collection.folder)


def test_no_room_for_what_was_seen_is_an_error_of_one_line(collection: StoredCollection) -> None:
    seen = collection.seen_ids()
    collection._connection.execute("PRAGMA temp.max_page_count = 3")
    with pytest.raises(CollectionError, match="full") as caught:
        list(map(seen.add, (f"document {number}" for number in range(10_000))))
    assert "\n" not in str(caught.value)


def test_nothing_is_looked_for_in_all_documents(collection: StoredCollection) -> None:
    """There may be millions, and each file asks."""
    seen, asked = collection.seen_ids(), list[str]()
    collection._connection.set_trace_callback(asked.append)
    files = collection.files
    for look in (files.get, files.below, files.count, files.documents, files.owner):
        look("/d/a")
    list(seen.unseen("/d/a"))
    collection.vectors_of([b"k1", b"k2"])
    collection._connection.set_trace_callback(None)
    assert len(asked) == 7
    for query in asked:
        plan = [str(row[3]) for row in collection._connection.execute(f"EXPLAIN QUERY PLAN {query}")]
        assert any(step.startswith("SEARCH") for step in plan), query
        assert not any(step.startswith("SCAN") for step in plan), query


# Vectors by key


def keyed(identifier: str, seed: int, keys: Sequence[bytes]) -> EncodedDocument:
    """A document with a passage for each key."""
    plain = encoded(identifier, seed, ["en"] * len(keys))
    passages = [
        EncodedPassage(own.passage, own.vector, own.sentence_vectors, key)
        for own, key in zip(plain.passages, keys, strict=True)
    ]
    return replace(plain, passages=passages)


def test_vectors_are_found_by_the_key_of_their_texts(collection: StoredCollection) -> None:
    documents = [keyed("a", 1, [b"k1", b"k2"]), keyed("b", 2, [b"", b"\0\xff"])]
    collection.put(documents)
    found = collection.vectors_of([b"k2", b"\0\xff", b"unknown", b"k1", b""])
    assert found.keys() == {b"k1", b"k2", b"\0\xff"}
    stored = {
        (own.document, own.start): (own.vector, own.sentence_vectors)
        for own in collection.passages(collection.passage_ids().tolist())
    }
    for number, document in enumerate(documents, 1):
        for item in document.passages:
            if item.key:
                vector, sentences = found[item.key]
                kept_vector, kept_sentences = stored[number, item.passage.start]
                np.testing.assert_array_equal(vector, kept_vector)
                np.testing.assert_array_equal(sentences, kept_sentences)
                assert sentences.shape == (len(item.passage.sentences), collection.dimension)
                np.testing.assert_allclose(vector, item.vector, atol=1 / 254)


def test_what_is_found_is_stored_again_as_the_same_bytes(collection: StoredCollection) -> None:
    """Vectors are stored rounded; to round them once more changes nothing."""
    collection.put([keyed("a", seed, [b"k"]) if seed == 1 else encoded(f"x{seed}", seed) for seed in range(1, 9)])
    before = contents(collection)["a"]
    vector, sentences = collection.vectors_of([b"k"])[b"k"]
    again = keyed("a", 1, [b"k"])
    (passage,) = again.passages
    collection.put([replace(again, passages=[replace(passage, vector=vector, sentence_vectors=sentences)])])
    assert contents(collection)["a"] == before


def test_many_keys_are_found_and_those_of_several_documents_too(collection: StoredCollection) -> None:
    keys = [f"key {number}".encode() for number in range(1_203)]
    collection.put([keyed("a", 1, keys[::2]), keyed("b", 1, keys[::2])])
    assert collection.vectors_of(keys).keys() == set(keys[::2])
    assert collection.vectors_of([]) == {}
    collection.delete(["a"])
    assert collection.vectors_of(keys).keys() == set(keys[::2])
    collection.delete(["b"])
    assert collection.vectors_of(keys) == {}


def test_vectors_of_another_width_are_damage(collection: StoredCollection) -> None:
    collection.put([keyed("a", 1, [b"k"])])
    collection._connection.execute("UPDATE passages SET vector = x'0102'")
    with pytest.raises(CollectionError, match="is damaged"):
        collection.vectors_of([b"k"])


# A run over files


@pytest.fixture
def built(tmp_path: Path) -> Iterator[StoredCollection]:
    own = FakeEncoder()
    with StoredCollection.create(
        tmp_path / "built", model=own.name, fingerprint=own.fingerprint, parts=own.parts, budget=20, prior=NO_PRIOR
    ) as created:
        yield created


def text(identifier: str, body: str = "The gas is gone.", title: str = "") -> Document:
    return Document(identifier, f"{body} Document {identifier[0]} ends.", title, "en")


def run(collection: StoredCollection, *items: Item) -> tuple[Summary, list[str]]:
    encoder = FakeEncoder()
    summary = index_documents(items, collection, encoder)
    return summary, [own for batch in encoder.batches for own in batch]


def test_documents_are_of_the_file_that_they_stand_in(built: StoredCollection) -> None:
    items: list[Item] = [text("before"), FileBegins(A), text("a"), Skipped("x", "y"), text("b"), FileEnds(A)]
    items += [text("between"), FileBegins(B), text("c"), FileBegins(None), text("d")]
    run(built, *items)
    assert owners(built) == {
        "before": None,
        "a": A.path,
        "b": A.path,
        "between": None,
        "c": B.path,
        "d": None,
    }
    assert built.files.get(A.path) == A
    assert built.files.get(B.path) is None


def test_a_file_that_ends_loses_what_it_holds_no_more(built: StoredCollection) -> None:
    run(built, FileBegins(A), text("a"), text("b"), FileEnds(A), FileBegins(B), text("c"), FileEnds(B))
    later = replace(A, size=9)
    summary, _ = run(built, FileBegins(A), text("b"), FileEnds(later))
    assert (summary.removed, summary.unchanged, summary.added, summary.changed) == (1, 1, 0, 0)
    assert owners(built) == {"b": A.path, "c": B.path}
    assert built.files.get(A.path) == later
    assert_sound(built)


def test_a_file_that_does_not_end_loses_nothing(built: StoredCollection) -> None:
    run(built, FileBegins(A), text("a"), text("b"), FileEnds(A))
    unended: list[list[Item]] = [[FileBegins(A), text("b")], [FileBegins(A), text("b"), FileBegins(None)]]
    for items in unended:
        summary, _ = run(built, *items)
        assert (summary.removed, summary.unchanged) == (0, 1)
    assert contents(built).keys() == {"a", "b"}


def test_a_file_that_was_not_read_loses_nothing(built: StoredCollection) -> None:
    run(built, FileBegins(A), text("a"), text("b"), FileEnds(A))
    touched = replace(A, modified=5)
    summary, _ = run(built, FileEnds(touched, read=False))
    assert (summary.removed, summary.seen) == (0, 0)
    assert built.files.get(A.path) == touched
    assert owners(built) == {"a": A.path, "b": A.path}


def test_a_document_that_is_its_files_already_changes_nothing(built: StoredCollection) -> None:
    """One of another file, or of none, becomes this one's, also where nothing else is to be noted."""
    run(built, FileBegins(A), text("a"), FileEnds(A), text("none"))
    version = built.version()
    run(built, FileBegins(A), text("a"))
    assert built.version() == version
    run(built, FileBegins(B), text("a"), text("none"))
    assert owners(built) == {"a": B.path, "none": B.path}
    run(built, text("a"))
    assert owners(built)["a"] == B.path


@pytest.mark.parametrize("limit", [1, 2, 1_000])
def test_files_are_noted_in_batches(built: StoredCollection, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """Whose size makes no difference."""
    monkeypatch.setattr("indexer.build._BATCH_ITEMS", limit)
    batches: list[int] = []
    put = built.put

    def spy(documents: Sequence[EncodedDocument], **notes: Any) -> list[str]:
        batches.append(len(documents))
        return put(documents, **notes)

    monkeypatch.setattr(built, "put", spy)
    records = [record(f"/d/{number}") for number in range(5)]
    items: list[Item] = []
    for number, own in enumerate(records):
        items += [FileBegins(own), text(f"{number}"), text(f"{number}+"), FileEnds(own)]
    summary, _ = run(built, *items)
    assert (summary.added, batches) == (10, {1: [2] * 5, 2: [4, 4, 2], 1_000: [10]}[limit])
    assert built.files.below("/d") == records
    shifted: list[Item] = []
    for number, own in enumerate(records):  # each holds one of its own and one of the file before
        shifted += [FileBegins(own), text(f"{number}"), text(f"{(number - 1) % 5}+"), FileEnds(own)]
    summary, texts = run(built, *shifted)
    assert contents(built).keys() == {f"{number}{sign}" for number in range(5) for sign in ("", "+")}
    if limit == 1_000:
        assert (summary.unchanged, summary.removed, texts) == (10, 0, [])
    assert {name: owners(built)[name] for name in ("0", "0+", "4+")} == {"0": "/d/0", "0+": "/d/1", "4+": "/d/0"}
    assert_sound(built)


def test_texts_that_are_known_are_not_encoded_again(built: StoredCollection) -> None:
    body = "The gas is gone. The ban is on."
    first, texts = run(built, Document("a", body, "On gas", "en"))
    assert (first.passages, first.reused, texts) == (1, 0, [f"On gas\n{body}", "The gas is gone.", "The ban is on."])
    for number, (document, reused) in enumerate(
        [
            (Document("b", body, "On gas", "en", date="2026"), 1),  # the same texts
            (Document("c", body, "On ban", "en"), 0),  # another title above the passage
            (Document("d", "The gas is gone. The ban\nis on.", "On gas", "en"), 0),  # other white space
            (Document("e", f"  {body}", "On gas", "en"), 1),
        ]
    ):
        summary, texts = run(built, document)
        assert (summary.passages, summary.reused) == (1, reused), number
        assert bool(texts) == (not reused), number
    passages = built.passages(built.passage_ids().tolist())
    assert [passages[place].start for place in (0, 1, 4)] == [0, 0, 2]
    for place in (1, 4):
        np.testing.assert_array_equal(passages[0].vector, passages[place].vector)
        np.testing.assert_array_equal(passages[0].sentence_vectors, passages[place].sentence_vectors)
    assert_sound(built)


def test_sentences_that_are_cut_differently_are_other_texts(
    built: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text of the passage is the same, those of its sentences are not."""
    run(built, Document("a", "The gas is gone. The ban is on.", "", "en"))
    monkeypatch.setattr("indexer.passages.sentence_spans", lambda text: [(0, len(text))])
    summary, texts = run(built, Document("b", "The gas is gone. The ban is on.", "", "en"))
    assert (summary.passages, summary.reused, len(texts)) == (1, 0, 2)
    assert {len(own.sentence_vectors) for own in built.passages(built.passage_ids().tolist())} == {1, 2}


def test_texts_that_nobody_holds_any_more_are_encoded_again(built: StoredCollection) -> None:
    run(built, text("a"))
    built.delete(["a"])
    summary, texts = run(built, text("a"))
    assert (summary.reused, len(texts)) == (0, 3)


# The format before


_FORMAT_3 = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE states (version INTEGER PRIMARY KEY, state BLOB NOT NULL);
CREATE TABLE documents (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    digest BLOB NOT NULL,
    vector BLOB NOT NULL,
    title TEXT NOT NULL,
    lang TEXT NOT NULL,
    date TEXT NOT NULL,
    source TEXT NOT NULL,
    url TEXT NOT NULL,
    metadata TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    lang TEXT NOT NULL,
    vector BLOB NOT NULL,
    sentences BLOB NOT NULL,
    sentence_vectors BLOB NOT NULL
);
CREATE INDEX passages_by_document ON passages (document);
CREATE INDEX passages_by_language ON passages (lang);
CREATE TABLE sums (
    lang TEXT PRIMARY KEY,
    passages INTEGER NOT NULL,
    passage_sum BLOB NOT NULL,
    sentences INTEGER NOT NULL,
    sentence_sum BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE prior (
    lang TEXT PRIMARY KEY,
    passages INTEGER NOT NULL,
    passage_sum BLOB NOT NULL,
    sentences INTEGER NOT NULL,
    sentence_sum BLOB NOT NULL,
    query_shift BLOB NOT NULL,
    covariances BLOB NOT NULL
) WITHOUT ROWID;
PRAGMA application_id = 1399153010;
PRAGMA user_version = 3;
PRAGMA journal_mode = WAL;
"""


@pytest.fixture
def old(tmp_path: Path) -> tuple[Path, dict[str, tuple[object, ...]]]:
    """A collection of format 3, and what it holds."""
    now, folder = tmp_path / "now", tmp_path / "old"
    folder.mkdir()
    with new_collection(now, prior=random_prior(3, PARTS)) as collection:
        collection.put([encoded("a", 1, ["en", "ja"], title="題", metadata={"tags": [1, "حظر"]}), encoded("b", 2)])
        collection.put([encoded("c", 3, ["zh", "zh", "ar"], date="2026-01-27", url="https://example.org")])
        collection.delete(["b"])
        held = contents(collection)
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        connection.executescript(_FORMAT_3)
        connection.execute("ATTACH ? AS now", (str(now / DATABASE),))
        for (table,) in connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            columns = ", ".join(f'"{own[1]}"' for own in connection.execute(f"PRAGMA main.table_info({table})"))
            connection.execute(f"DELETE FROM main.{table}")
            connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM now.{table}")
        connection.commit()
    return folder, held


def tables(folder: Path) -> dict[str, set[tuple[object, ...]]]:
    """Table or index -> its columns, in whatever order."""
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        return {
            name: {own[1:] for own in connection.execute(f"PRAGMA {kind}_info({name})")}
            | {own[2:] for own in connection.execute(f"PRAGMA foreign_key_list({name})")}
            if kind == "table"
            else {(own[2],) for own in connection.execute(f"PRAGMA index_info({name})")}
            for kind, name in connection.execute("SELECT type, name FROM sqlite_master")
        }


def format_of(folder: Path) -> int:
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_what_only_reads_says_how_to_bring_an_older_format_up_to_date(old: tuple[Path, object]) -> None:
    folder, _ = old
    before = (folder / DATABASE).read_bytes()
    with pytest.raises(CollectionError) as caught:
        StoredCollection.open(folder)
    assert str(caught.value) == (
        f"{folder} has collection format 3, this program reads 4; bring it up to date with: "
        f"search-index upgrade --collection {folder}"
    )
    assert (folder / DATABASE).read_bytes() == before


def test_what_writes_brings_an_older_format_up_to_date(
    tmp_path: Path, old: tuple[Path, dict[str, tuple[object, ...]]]
) -> None:
    folder, held = old
    with StoredCollection.open(folder, writable=True) as collection:
        assert contents(collection) == held
        assert collection.version() == 3
        assert_sound(collection)
    assert format_of(folder) == database.FORMAT == 4
    new_collection(tmp_path / "new").close()
    assert tables(folder) == tables(tmp_path / "new")
    for writable in (False, True):
        with StoredCollection.open(folder, writable=writable) as collection:
            assert contents(collection) == held
            assert collection.files.below("/") == []
            assert collection.documents([1])[1].pages == ()
            assert collection.files.owner("a") is None
    with StoredCollection.open(folder) as collection, StoredCollection.open(tmp_path / "now") as now:
        assert_sums_equal(collection.sums(), now.sums())
        assert_sums_equal(collection.prior().sums, now.prior().sums)
        assert collection.state(3) == now.state(3)


def test_a_collection_brought_up_to_date_is_one_like_others(old: tuple[Path, dict[str, tuple[object, ...]]]) -> None:
    folder, held = old
    with StoredCollection.open(folder, writable=True) as collection:
        collection.put([keyed("new", 9, [b"k"])], adopted={"a": (A, "")}, finished=[A])
        assert contents(collection).keys() == {"a", "c", "new"}
        assert contents(collection)["c"] == held["c"]
        assert collection.files.documents(A.path) == ["a"]
        assert collection.vectors_of([b"k"]).keys() == {b"k"}
        assert collection.forget([A.path]) == ["a"]
        collection.delete(["c", "new"])
        assert (contents(collection), collection.sums()) == ({}, {})


class _Interrupting(sqlite3.Connection):
    """At one of its statements, counted from the first that changes something."""

    left: int = -1
    begun = False

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        self.begun = self.begun or sql.startswith("BEGIN")
        if self.begun:
            if type(self).left == 0:
                raise KeyboardInterrupt
            type(self).left -= 1
        return super().execute(sql, *parameters)


def test_an_interruption_anywhere_in_it_leaves_the_older_format_as_it_was(
    old: tuple[Path, dict[str, tuple[object, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, held = old
    before = tables(folder)
    connect = sqlite3.connect
    monkeypatch.setattr(
        "indexer.database.sqlite3.connect", lambda *given, **named: connect(*given, factory=_Interrupting, **named)
    )
    interrupted = 0
    for place in range(100):
        _Interrupting.left = place
        try:
            StoredCollection.open(folder, writable=True).close()
        except KeyboardInterrupt:
            interrupted += 1
            if format_of(folder) == 4:
                break  # what comes after is not part of it
            assert tables(folder) == before, place
    _Interrupting.left = -1
    assert interrupted > 10
    with StoredCollection.open(folder, writable=True) as collection:
        assert contents(collection) == held
    assert format_of(folder) == 4


def test_an_error_within_it_is_one_line_and_leaves_the_older_format_as_it_was(
    old: tuple[Path, dict[str, tuple[object, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, held = old
    before = tables(folder)
    statements = database._UPGRADES[3].split(";")
    middle = len(statements) // 2
    with monkeypatch.context() as patch:
        wrong = ";".join([*statements[:middle], "INSERT INTO nowhere VALUES (1)", *statements[middle:]])
        patch.setitem(database._UPGRADES, 3, wrong)
        with pytest.raises(CollectionError) as caught:
            StoredCollection.open(folder, writable=True)
    assert "\n" not in str(caught.value)
    assert (format_of(folder), tables(folder)) == (3, before)
    with StoredCollection.open(folder, writable=True) as collection:
        assert contents(collection) == held


def test_two_that_bring_it_up_to_date_at_once_do_it_once(
    old: tuple[Path, dict[str, tuple[object, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have found the older format before the first one begins."""
    folder, held = old
    check: Callable[..., None] = database._check

    def another(*given: Any, **named: Any) -> None:
        check(*given, **named)
        with monkeypatch.context() as patch:
            patch.setattr(database, "_check", check)
            StoredCollection.open(folder, writable=True).close()

    monkeypatch.setattr(database, "_check", another)
    with StoredCollection.open(folder, writable=True) as collection:
        assert contents(collection) == held
    assert format_of(folder) == 4
