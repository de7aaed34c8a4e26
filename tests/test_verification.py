"""What is whole is called so, and each fault is named where it is."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer import vector_index
from indexer.build import index_documents, open_or_create, update_indexes
from indexer.checked_file import read_arrays, write_arrays
from indexer.compaction import compact
from indexer.documents import Document
from indexer.errors import CollectionError
from indexer.faiss_file import read_index
from indexer.saved_vector_index import new_file, save
from indexer.stored_collection import StoredCollection
from indexer.verification import verify
from tests.fakes import FakeEncoder
from tests.filled import change, filled, snapshot_of
from tests.test_stored_collection import (
    DATABASE,
    LANGUAGES,
    encoded,
    new_collection,
    random_prior,
)

AGAIN = "it is made again when the collection is next opened for searching"


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[StoredCollection]:
    with filled(tmp_path / "c") as made:
        yield made


def test_what_is_whole_is_whole(collection: StoredCollection) -> None:
    told: list[tuple[int, int]] = []
    assert verify(collection, lambda done, total: told.append((done, total))) == []
    assert told[0] == (0, 36)
    assert told[-1] == (36, 36)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert {total for _, total in told} == {36}


def test_an_empty_collection_is_whole(tmp_path: Path) -> None:
    with new_collection(tmp_path / "c") as collection:
        update_indexes(collection)
        assert verify(collection) == []


def test_a_collection_stays_whole_through_many_changes(tmp_path: Path) -> None:
    noise = random.Random(3)
    with new_collection(tmp_path / "c") as collection:
        for seed in range(60):
            langs = noise.choices(LANGUAGES, k=noise.randint(0, 4))
            collection.put([encoded(f"d{seed % 17}", seed, langs)])
            collection.delete([f"d{noise.randrange(17)}"])
        collection.put([encoded("long", 5, ["en"] * 600)])
        update_indexes(collection)
        assert verify(collection) == []


def test_what_was_indexed_from_texts_is_whole(
    tmp_path: Path, fake: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With passages whose vectors were taken from equal ones."""
    monkeypatch.setattr("indexer.build.prior_of", lambda _: random_prior(1, fake.parts))
    documents = [
        Document("en", "The ban on gas 🙂 began. It ends.\n\nHeading\n\nDrones!" * 30, "Ban", pages=(0, 9, 9, 30)),
        Document("ar", "بدأ حظر الغاز اليوم. وينتهي في مايو.", "حظر الغاز"),
        Document("ja", "ウランの禁輸が今日から始まった。ガスは五月まで続く。", metadata={"ページ": 3}),
        Document("zh", "天然气禁令今天开始。五月结束。"),
    ]
    with open_or_create(tmp_path / "c", fake) as collection:
        index_documents(documents, collection, fake)
        again = [replace(document, id=f"{document.id} again") for document in documents]
        assert index_documents(again, collection, fake).reused > 3
        assert verify(collection) == []


def test_verifying_changes_nothing(collection: StoredCollection) -> None:
    change(collection, "UPDATE passages SET lang = 'xx' WHERE id = 3")
    shutil.rmtree(collection.folder / "lexical.index")
    collection.close()
    before = snapshot_of(collection.folder)
    with StoredCollection.open(collection.folder) as reader:
        assert len(verify(reader)) > 0
    assert {name: before[name] for name in before if name in snapshot_of(collection.folder)} == before
    assert not (collection.folder / "lexical.index").exists()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ('UPDATE passages SET "end" = 9999 WHERE id = 3', ["passage 3: does not lie in its document's text"]),
        (
            "UPDATE passages SET start = -1 WHERE id = 1",
            ["passage 1: does not lie in its document's text"],
        ),
        (
            'UPDATE passages SET "end" = "end" - 1 WHERE id = 3',
            ["passage 3: its sentences do not lie in it, one behind the other"],
        ),
        (
            "UPDATE passages SET start = start + 1 WHERE id = 2",
            ["passage 2: its sentences do not lie in it, one behind the other"],
        ),
        (
            "UPDATE passages SET sentences = CAST(x'0A0000000200000000000000' || substr(sentences, 13) AS BLOB) "
            "WHERE id = 1",
            ["passage 1: its sentences do not lie in it, one behind the other"],
        ),
        ("UPDATE documents SET digest = x'' WHERE id = 'd4'", ["document d4: no digest"]),
        ("UPDATE documents SET lang = '' WHERE id = 'd4'", ["document d4: no language"]),
        ("UPDATE documents SET metadata = '[]' WHERE id = 'd4'", ["document d4: its metadata are no JSON object"]),
        ("UPDATE documents SET metadata = '{' WHERE id = 'd4'", ["document d4: its metadata are no JSON object"]),
        ("UPDATE documents SET pages = x'00' WHERE id = 'd4'", ["document d4: its pages do not lie in its text"]),
        (
            "UPDATE documents SET pages = x'0100000000000000' WHERE id = 'd4'",
            ["document d4: its pages do not lie in its text"],
        ),
        (
            "UPDATE documents SET pages = CAST(pages || x'FFFFFF7F00000000' AS BLOB) WHERE id = 'd0'",
            ["document d0: its pages do not lie in its text"],
        ),
        (
            "UPDATE documents SET text = CAST(text || x'FF' AS TEXT) WHERE id = 'd4'",
            ["document d4: its text is not UTF-8"],
        ),
        (
            "UPDATE documents SET vector = (SELECT vector FROM documents WHERE id = 'd5') WHERE id = 'd4'",
            ["document d4: its vector is not the mean of its passages'"],
        ),
        (
            "UPDATE documents SET vector = x'00' WHERE id = 'd4'",
            ["document d4, its vector: cannot be read (1 bytes are not vectors of 8 components)"],
        ),
        ("DELETE FROM sums WHERE lang = 'ar'", ["sums of ar: not those of its passages"]),
        ("UPDATE sums SET lang = 'xx' WHERE lang = 'ar'", ["sums of ar: not th", "sums of xx: not those of its pass"]),
        ("UPDATE sums SET passages = passages + 1 WHERE lang = 'ar'", ["sums of ar: not those of its passages"]),
        ("UPDATE sums SET sentences = sentences + 1 WHERE lang = 'ar'", ["sums of ar: not those of its passages"]),
        (
            "UPDATE sums SET sentence_sum = passage_sum WHERE lang = 'ar'",
            ["sums of ar: not those of its passages"],
        ),
        (
            "UPDATE states SET version = 7 WHERE version = 1",
            ["version: 1 has no mark", "vectors.index: of another", "lexical.index: of"],
        ),
        ("DELETE FROM settings WHERE name = 'version'", ["version: cannot be read", "vectors.index: cann", "lexical."]),
    ],
)
def test_each_fault_is_named_where_it_is(collection: StoredCollection, statement: str, expected: list[str]) -> None:
    change(collection, statement)
    found = verify(collection)
    assert len(found) == len(expected)
    for line, beginning in zip(found, expected, strict=True):
        assert line.startswith(beginning)
        assert "\n" not in line


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("UPDATE passages SET vector = x'00' WHERE id = 3", "passage 3: cannot be read (1 bytes are not"),
        (
            "UPDATE passages SET vector = CAST(vector || vector AS BLOB) WHERE id = 3",
            "passage 3: cannot be read (24 bytes are not 1",
        ),
        ("UPDATE passages SET vector = 'text' WHERE id = 3", "passage 3: cannot be read ("),
        ("UPDATE passages SET sentences = x'00' WHERE id = 3", "passage 3: cannot be read ("),
        ("UPDATE passages SET start = 'x' WHERE id = 3", "passage 3: cannot be read ("),
        (
            "UPDATE passages SET sentence_vectors = CAST(sentence_vectors || vector AS BLOB) WHERE id = 1",
            "passage 1: 3 vectors of 2 sentences",
        ),
        (
            "UPDATE passages SET vector = CAST(x'0000C07F' || substr(vector, 5) AS BLOB) WHERE id = 3",
            "passage 3: a vector that is not finite",
        ),
        (
            "UPDATE passages SET sentence_vectors = CAST(x'0000807F' || substr(sentence_vectors, 5) AS BLOB) "
            "WHERE id = 3",
            "passage 3: a vector that is not finite",
        ),
        ("UPDATE documents SET metadata = CAST(x'7BFF7D' AS TEXT) WHERE id = 'd4'", "document d4: its metadata are"),
        ("UPDATE documents SET id = CAST(x'64FF' AS TEXT), digest = x'' WHERE id = 'd4'", "document d\ufffd: no dig"),
        ("UPDATE prior SET covariances = substr(covariances, 5)", "prior: cannot be read ("),
        ("DELETE FROM prior", ""),
        ('UPDATE files SET skipped = \'[["a", "b", "NONE"]]\'', "file /f: cannot be read ('NONE')"),
        ("UPDATE files SET remarks = '{'", "file /f: cannot be read ("),
        ("UPDATE sums SET passage_sum = x'00' WHERE lang = 'ar'", "sums: cannot be read ("),
    ],
)
def test_a_fault_that_others_follow_from_is_among_those_that_are_named(
    collection: StoredCollection, statement: str, line: str
) -> None:
    change(collection, statement)
    found = verify(collection)
    assert bool(found) == bool(line)
    assert sum(each.startswith(line) for each in found) == bool(line)
    assert len(found) <= 5, found


@pytest.mark.parametrize("column", ["vector", "sentence_vectors"])
def test_one_byte_of_a_passage_that_changed_shows_in_the_sums(collection: StoredCollection, column: str) -> None:
    """The smallest change that a vector can have: one step of one component."""
    with closing(sqlite3.connect(collection.folder / DATABASE, isolation_level=None)) as connection:
        ((identifier, lang, blob),) = connection.execute(f"SELECT id, lang, {column} FROM passages WHERE id = 2")
        moved = blob[:-1] + bytes([(blob[-1] + 1) % 256 if blob[-1] != 127 else 126])
        connection.execute(f"UPDATE passages SET {column} = ? WHERE id = ?", (moved, identifier))
    assert verify(collection) == [f"sums of {lang}: not those of its passages"]


def test_a_passage_of_no_document_is_named(collection: StoredCollection) -> None:
    change(collection, "UPDATE passages SET document = 99 WHERE id = 2")
    found = verify(collection)
    assert "passages 2: refers to one of documents that is not there" in found
    assert "sums of en: not those of its passages" in found


def test_of_many_faults_of_a_kind_ten_are_named_and_the_rest_counted(collection: StoredCollection) -> None:
    change(collection, "UPDATE documents SET digest = x''", "UPDATE documents SET lang = '' WHERE id = 'd3'")
    assert verify(collection) == [
        *(f"document d{number}: no digest" for number in range(4)),
        "document d3: no language",
        *(f"document d{number}: no digest" for number in range(4, 10)),
        "2 more: no digest",
    ]


@pytest.mark.parametrize("filler", [b"\0", b"\xff", None], ids=["zeros", "ones", "noise"])
def test_no_page_of_the_file_can_be_lost_unnoticed(tmp_path: Path, filler: bytes | None) -> None:
    with filled(tmp_path / "c", 70) as collection:
        compact(collection)
    good = (tmp_path / "c" / DATABASE).read_bytes()
    noise, unnoticed = random.Random(2), []
    for start in range(0, len(good), 4096):
        page = filler * 4096 if filler else noise.randbytes(4096)
        (tmp_path / "c" / DATABASE).write_bytes(good[:start] + page + good[start + 4096 :])
        try:
            with StoredCollection.open(tmp_path / "c") as opened:
                found = verify(opened)
            if not found or any("\n" in line or len(line) > 500 for line in found):
                unnoticed.append((start // 4096, found))
        except CollectionError as error:
            if "\n" in str(error):
                unnoticed.append((start // 4096, [str(error)]))
    assert unnoticed == []
    assert len(good) > 10 * 4096


def test_changes_of_other_processes_meanwhile_do_no_harm(tmp_path: Path) -> None:
    with filled(tmp_path / "c") as collection, StoredCollection.open(tmp_path / "c") as reader:
        seeds = iter(range(100, 1000))

        def meanwhile(*_: int) -> None:
            seed = next(seeds)
            collection.delete([f"d{seed % 12}"])
            collection.put([encoded(f"d{seed % 12}", seed, ["ar"]), encoded(f"n{seed}", seed, ["zh"])])

        assert verify(reader, meanwhile) == []
        assert collection.version() > 10


# Verify: what is derived


def test_indexes_that_are_not_there_will_be_made_again(collection: StoredCollection) -> None:
    for name in ("vectors.index", "lexical.index"):
        shutil.rmtree(collection.folder / name)
    missing = f"not there, not whole, or of another release; {AGAIN}"
    assert verify(collection) == [f"vectors.index: {missing}", f"lexical.index: {missing}"]
    update_indexes(collection)
    assert verify(collection) == []


def test_each_file_of_the_index_of_vectors_is_looked_at(collection: StoredCollection) -> None:
    files = [file for file in (collection.folder / "vectors.index").iterdir() if file.name != "lock"]
    assert len(files) == 2
    for file in files:
        content = file.read_bytes()
        half = len(content) // 2
        for damaged in (content[:-1], content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :]):
            file.write_bytes(damaged)
            assert verify(collection) == [f"vectors.index: not there, not whole, or of another release; {AGAIN}"]
        file.write_bytes(content)
    assert verify(collection) == []


def test_each_file_of_the_index_of_words_is_looked_at(collection: StoredCollection) -> None:
    (folder,) = [place for place in (collection.folder / "lexical.index").iterdir() if place.is_dir()]
    files = [file for file in folder.iterdir() if file.suffix != ".lock"]
    assert len(files) > 5
    for file in files:
        content = file.read_bytes()
        for place in (len(content) // 3, len(content) - 1):
            file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            assert verify(collection) == [f"lexical.index: not there, not whole, or of another release; {AGAIN}"]
        file.write_bytes(content)
    assert verify(collection) == []


def test_an_index_that_is_behind_is_brought_up_to_date(collection: StoredCollection) -> None:
    collection.put([encoded("new", 3)])
    behind = "of version 1, the collection has 2; it is brought up to date when that is next opened for searching"
    assert verify(collection) == [f"vectors.index: {behind}", f"lexical.index: {behind}"]
    update_indexes(collection)
    assert verify(collection) == []


def test_indexes_of_another_collection_will_be_made_again(tmp_path: Path, collection: StoredCollection) -> None:
    with filled(tmp_path / "other") as other:
        for name in ("vectors.index", "lexical.index"):
            shutil.move(collection.folder / name, tmp_path / name)
            shutil.move(other.folder / name, collection.folder / name)
    other_past = f"of another collection, or another past of this one; {AGAIN}"
    assert verify(collection) == [f"vectors.index: {other_past}", f"lexical.index: {other_past}"]


@pytest.mark.parametrize("name", ["vectors.index", "lexical.index"])
def test_an_index_of_other_passages_is_named_with_what_to_do(collection: StoredCollection, name: str) -> None:
    """Which no search would find out."""
    if name == "vectors.index":
        held = vector_index.load_saved(collection)
        assert held is not None
        index = read_index(held.file)
        index.remove_ids(np.array([4, 5]))
        save(index, replace(held, file=new_file(collection.folder / name)))
    else:
        collection.delete(["d1"])
        collection.put([encoded("d1", 1, ["ar", "en", "ja"])])
        update_indexes(collection)
        manifest = collection.folder / name / "manifest"
        saved = read_arrays(manifest)
        assert saved is not None
        write_arrays(manifest, {**saved, "ids": np.where(saved["ids"] == 37, 4, saved["ids"])})
    assert verify(collection) == [
        f"{name}: 2 passages are only in it, or only in the collection; remove it, and {AGAIN}"
    ]
