"""A run over files and folders reads what has changed and nothing else, and what is gone leaves.

Files are real ones; every write gives a file a new time of change. What was opened is told by a spy, what was encoded
by the fake encoder's log; what is stored is compared with what a first run makes of the same files.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
import tracemalloc
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer import lexical_index, updating, vector_index
from indexer.build import index_documents
from indexer.checked_file import read_arrays
from indexer.documents import Cause, Document, Found, Remark, Skipped
from indexer.encoder import Progress
from indexer.passages import Passage
from indexer.reading import File, Limits, Options, read_file
from indexer.stored_collection import StoredCollection
from indexer.updating import update
from tests.fakes import FakeEncoder
from tests.test_stored_collection import (
    NO_PRIOR,
    assert_sums_equal,
    contents,
    numbers,
    open_to_all,
    recomputed_sums,
    without_rights,
)

BUDGET = 20
TEXTS = {
    "ar.txt": "بدأ حظر الغاز اليوم. وينتهي في مايو.",
    "en.txt": "The ban on gas began today. It ends in May.",
    "ja.md": "# 禁輸\n\nウランの禁輸。五月まで。",
    "zh.html": "<html><head><title>禁令</title></head><body><p>天然气禁令今天生效。五月结束。</p></body></html>",
}
_times = count(1_700_000_000)


on_posix = pytest.mark.skipif(sys.platform == "win32", reason="rights, links and names of POSIX")


@dataclass(frozen=True)
class Run:
    """What a run said and did."""

    counts: dict[str, int]
    """Of its summary, without those that are 0."""
    skipped: list[tuple[str, str]]
    remarks: list[tuple[str, str]]
    encoded: list[str]


def indexed(collection: StoredCollection, *paths: str | Path, encoder: FakeEncoder | None = None, **how: Any) -> Run:
    encoder = encoder or FakeEncoder()
    summary = update([str(path) for path in paths], collection, encoder, **how)
    numbers_of = ("added", "changed", "unchanged", "removed", "passages", "reused")
    return Run(
        {name: value for name in numbers_of if (value := getattr(summary, name))},
        [(skipped.name, skipped.reason) for skipped in summary.skipped],
        [(remark.name, remark.text) for remark in summary.remarks],
        [text for batch in encoder.batches for text in batch],
    )


def made(folder: Path) -> StoredCollection:
    own = FakeEncoder()
    return StoredCollection.create(
        folder, model=own.name, fingerprint=own.fingerprint, parts=own.parts, budget=BUDGET, prior=NO_PRIOR
    )


def fresh(folder: Path, *paths: str | Path, **how: Any) -> dict[str, tuple[object, ...]]:
    """What a first run makes of the files."""
    with made(folder) as collection:
        indexed(collection, *paths, **how)
        return contents(collection)


def write(path: Path, text: str | bytes) -> Path:
    """Changed at a time of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return touch(path)


def touch(path: Path) -> Path:
    moment = next(_times) * 1_000_000_000
    os.utime(path, ns=(moment, moment))
    return path


def write_lines(path: Path, rows: Mapping[str, str]) -> Path:
    """JSON Lines of ids and texts."""
    return write(path, "".join(json.dumps({"id": own, "text": text}) + "\n" for own, text in rows.items()))


def rows_of(count: int, name: str = "r", sentences: int = 3) -> dict[str, str]:
    """Texts that have nothing in common, of one passage each."""
    return {
        f"{name}{number}": " ".join(f"Gas {name}{number} s{place}." for place in range(sentences))
        for number in range(count)
    }


def long_text(sentences: int) -> str:
    """Three tokens a sentence, so that six make a passage."""
    return " ".join(f"Gas long s{number}." for number in range(sentences))


def owners(collection: StoredCollection) -> dict[str, str | None]:
    """Document -> its file."""
    return {identifier: collection.files.owner(identifier) for identifier in contents(collection)}


def assert_sound(collection: StoredCollection) -> None:
    assert_sums_equal(collection.sums(), recomputed_sums(collection))


def assert_whole(collection: StoredCollection) -> None:
    """With both indexes."""
    assert_sound(collection)
    for name in ("vectors.index/manifest", "lexical.index/manifest"):
        saved = read_arrays(collection.folder / name)
        assert saved is not None, name
        assert int(saved["version"]) == collection.version(), name
    for index in (vector_index.open_index(collection), lexical_index.open_index(collection)):
        assert len(index) == len(collection.passage_ids())


@pytest.fixture(autouse=True)
def _without_indexes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Making them takes most of a run's time, so that only tests that look at them have them."""
    if "indexes" not in request.fixturenames:
        for module in ("vector_index", "lexical_index"):
            monkeypatch.setattr(f"indexer.{module}.open_index", lambda _: None)


@pytest.fixture
def indexes() -> None:
    """For a test that looks at them."""


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[StoredCollection]:
    with made(tmp_path / "c") as created:
        yield created


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a text in each of four languages."""
    folder = tmp_path / "files"
    for name, text in TEXTS.items():
        write(folder / name, text)
    return folder


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What happens to which file: `read` or `hashed`, and its name."""
    log: list[tuple[str, str]] = []
    read, hash_of = read_file, updating._digest

    def spy_read(file: File, *arguments: Any) -> Iterator[Found]:
        log.append(("read", os.path.basename(file.path)))
        return read(file, *arguments)

    def spy_hash(path: str) -> Any:
        log.append(("hashed", os.path.basename(path)))
        return hash_of(path)

    monkeypatch.setattr(updating, "read_file", spy_read)
    monkeypatch.setattr(updating, "_digest", spy_hash)
    return log


# Nothing has changed


@pytest.mark.usefixtures("indexes")
def test_a_second_run_opens_no_file(files: Path, collection: StoredCollection, opened: list[tuple[str, str]]) -> None:
    write_lines(files / "below" / "rows.jsonl", rows_of(300))
    first = indexed(collection, files)
    assert first.counts == {"added": 304, "passages": 304}
    assert [name for what, name in opened if what == "read"] == [*TEXTS, "rows.jsonl"]
    before, version = contents(collection), collection.version()
    opened.clear()
    second = indexed(collection, files)
    assert opened == []
    assert second == Run({"unchanged": 304}, [], [], [])
    assert (contents(collection), collection.version()) == (before, version)
    assert_whole(collection)


def test_a_second_run_from_another_process_opens_no_file(
    tmp_path: Path, files: Path, opened: list[tuple[str, str]]
) -> None:
    with made(tmp_path / "c") as collection:
        indexed(collection, files)
    opened.clear()
    with StoredCollection.open(tmp_path / "c", writable=True) as collection:
        assert indexed(collection, files).counts == {"unchanged": 4}
    assert opened == []


@pytest.mark.usefixtures("indexes")
def test_a_file_that_was_only_touched_is_hashed_once_and_not_read(
    files: Path, collection: StoredCollection, opened: list[tuple[str, str]]
) -> None:
    indexed(collection, files)
    before = contents(collection)
    touch(files / "en.txt")
    opened.clear()
    assert indexed(collection, files) == Run({"unchanged": 4}, [], [], [])
    assert opened == [("hashed", "en.txt")]
    assert_whole(collection)
    opened.clear()
    assert indexed(collection, files) == Run({"unchanged": 4}, [], [], [])
    assert opened == []
    assert contents(collection) == before


def test_only_size_and_time_say_that_a_file_is_as_it_was(
    files: Path, collection: StoredCollection, opened: list[tuple[str, str]]
) -> None:
    """Also where they lie: a file whose time of change was set back is not looked into."""
    indexed(collection, files)
    file = files / "en.txt"
    moment = file.stat().st_mtime_ns
    file.write_text(TEXTS["en.txt"].replace("gas", "ban"), encoding="utf-8")
    os.utime(file, ns=(moment, moment))
    opened.clear()
    assert indexed(collection, files).counts == {"unchanged": 4}
    assert opened == []


def test_a_file_of_which_a_part_could_not_be_read_is_named_again_without_being_opened(
    files: Path, collection: StoredCollection, opened: list[tuple[str, str]]
) -> None:
    write(files / "bad.html", "<html><body><script>1</script></body></html>")
    write(files / "binary.txt", b"\x00\x01\x02")
    write(files / "empty.txt", "")
    write(files / "undecodable.md", b"gas \xff\xfe\x80 \x81\x8d ban")
    write(files / "rows.jsonl", '{"text": "The gas is gone."}\nnot JSON\n{"id": "empty"}\n')
    first = indexed(collection, files)
    names = [str(files / name) for name in ("bad.html", "binary.txt", "empty.txt", "undecodable.md")]
    rows = [f"{files / 'rows.jsonl'}:{line}" for line in (2, 3)]
    told = dict(first.skipped)
    assert set(told) - {names[3]} == {*names[:3], *rows}
    assert told[names[2]] == "empty"
    assert "NUL" in told[names[1]]
    assert told[rows[1]] == 'no text; expected {"text": "..."} with something in it'
    documents = first.counts["added"]
    opened.clear()
    second = indexed(collection, files)
    assert opened == []
    assert second == Run({"unchanged": documents}, first.skipped, first.remarks, [])
    touch(files / "rows.jsonl")
    third = indexed(collection, files)
    assert opened == [("hashed", "rows.jsonl")]
    assert third == second


def test_what_was_remarked_is_remarked_again(
    tmp_path: Path, collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = read_file

    def remarking(file: File, options: Options, name: str, *others: Any) -> Iterator[Found]:
        yield from read(file, options, name, *others)
        yield Remark(name, "page 3 「図」 has no text")

    monkeypatch.setattr(updating, "read_file", remarking)
    file = write(tmp_path / "a.txt", TEXTS["en.txt"])
    remarks = [(str(file), "page 3 「図」 has no text")]
    assert indexed(collection, file) == Run({"added": 1, "passages": 1}, [], remarks, indexed_texts("en.txt"))
    assert indexed(collection, file) == Run({"unchanged": 1}, [], remarks, [])


def test_what_was_skipped_is_skipped_again_for_the_same_cause(
    tmp_path: Path, collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a part of a file is broken or of another format decides on how it is shown."""
    read = read_file

    def skipping(file: File, options: Options, name: str, *others: Any) -> Iterator[Found]:
        yield from read(file, options, name, *others)
        yield Skipped(f"{name}!a.xyz", "no format that is read", Cause.FORMAT)
        yield Skipped(f"{name}!b.txt", "empty")

    monkeypatch.setattr(updating, "read_file", skipping)
    file = write(tmp_path / "a.txt", TEXTS["en.txt"])
    skipped = [update([str(file)], collection, FakeEncoder()).skipped for _ in range(2)]
    assert [(own.name, own.cause) for own in skipped[0]] == [
        (f"{file}!a.xyz", Cause.FORMAT),
        (f"{file}!b.txt", Cause.CONTENT),
    ]
    assert skipped[1] == skipped[0]


def indexed_texts(name: str) -> list[str]:
    """What is encoded of one of the plain texts: a passage and its sentences."""
    text = TEXTS[name]
    return [text, *(f"{sentence.rstrip('.')}." for sentence in text.split(". "))]


def test_a_file_of_no_known_format_is_never_opened_and_named_each_time(
    files: Path, collection: StoredCollection, monkeypatch: pytest.MonkeyPatch, opened: list[tuple[str, str]]
) -> None:
    other, names = write(files / "picture.xyz", b"\x00\x01"), list[str]()

    def spy(path: str, mode: str) -> Any:
        names.append(os.path.basename(path))
        return open(path, mode)

    monkeypatch.setattr(sys.modules[read_file.__module__], "open", spy, raising=False)
    for expected in ({"added": 4, "passages": 4}, {"unchanged": 4}):
        run = indexed(collection, files)
        assert run.counts == expected
        assert [name for name, _ in run.skipped] == [str(other)]
        assert "format" in run.skipped[0][1]
    assert names == list(TEXTS)
    assert ("hashed", "picture.xyz") not in opened


# Something has changed


def test_of_a_changed_file_only_the_changed_passages_are_encoded(
    tmp_path: Path, files: Path, collection: StoredCollection
) -> None:
    changing = write(files / "long.txt", long_text(60))
    passages = indexed(collection, files).counts["passages"] - 4
    assert passages == 10
    kept = {name: own for name, own in contents(collection).items() if name != str(changing)}
    write(changing, long_text(60).replace("s33.", "drone."))
    run = indexed(collection, files)
    assert run.counts == {"changed": 1, "unchanged": 4, "passages": 10, "reused": 9}
    assert len(run.encoded) == 1 + 6  # a passage and its sentences
    assert run.encoded[0].count("Gas long") == 6
    assert "Gas long drone." in run.encoded
    after = contents(collection)
    assert after == {**kept, str(changing): after[str(changing)]}
    assert after == fresh(tmp_path / "fresh", files)
    assert_sound(collection)


def test_the_vector_of_a_document_is_the_same_however_its_passages_came(
    tmp_path: Path, collection: StoredCollection
) -> None:
    """Encoded now or taken from what is stored, which is rounded."""

    class Finer(FakeEncoder):
        def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            rows = [np.random.default_rng(list(text.encode())).normal(size=self.dimension) for text in texts]
            unit: NDArray[np.float32] = np.array([row / np.linalg.norm(row) for row in rows], np.float32)
            return unit

    file = write(tmp_path / "a.txt", long_text(120))
    indexed(collection, file, encoder=Finer())
    write(file, long_text(120).replace("s33.", "drone."))
    run = indexed(collection, file, encoder=Finer())
    assert run.counts == {"changed": 1, "passages": 20, "reused": 19}
    assert contents(collection) == fresh(tmp_path / "fresh", file, encoder=Finer())


def test_another_content_of_the_same_size_is_read(
    tmp_path: Path, files: Path, collection: StoredCollection, opened: list[tuple[str, str]]
) -> None:
    indexed(collection, files)
    write(files / "en.txt", TEXTS["en.txt"].replace("gas", "ban"))
    opened.clear()
    run = indexed(collection, files)
    assert run.counts == {"changed": 1, "unchanged": 3, "passages": 1}
    assert [own for own in opened if own[0] == "read"] == [("read", "en.txt")]
    assert {name for _, name in opened} == {"en.txt"}
    assert contents(collection) == fresh(tmp_path / "fresh", files)
    assert indexed(collection, files).counts == {"unchanged": 4}


def test_another_title_encodes_the_passages_that_it_stands_above(tmp_path: Path, collection: StoredCollection) -> None:
    body = f"<p>{TEXTS['en.txt']} {long_text(30)}</p>"
    page = "<html><head><title>{}</title></head><body><article>{}</article></body></html>"
    file = write(tmp_path / "a.html", page.format("On drones", body))
    indexed(collection, file)
    write(file, page.format("On uranium", body))
    run = indexed(collection, file)
    assert run.counts["changed"] == 1
    assert run.counts.get("reused", 0) == 0
    assert any(text.startswith("On uranium\n") for text in run.encoded)
    assert contents(collection) == fresh(tmp_path / "fresh", file)


def test_a_new_file_is_added(files: Path, collection: StoredCollection, opened: list[tuple[str, str]]) -> None:
    indexed(collection, files)
    opened.clear()
    new = write(files / "below" / "new.txt", "The drone is new.")
    assert indexed(collection, files).counts == {"added": 1, "unchanged": 4, "passages": 1}
    assert opened == [("read", "new.txt"), ("hashed", "new.txt")]
    assert owners(collection)[str(new)] == str(new)


def test_a_file_that_gives_nothing_any_more_has_no_documents(files: Path, collection: StoredCollection) -> None:
    indexed(collection, files)
    write(files / "en.txt", b"\x00\x01")
    run = indexed(collection, files)
    assert run.counts == {"unchanged": 3, "removed": 1}
    assert [name for name, _ in run.skipped] == [str(files / "en.txt")]
    assert set(contents(collection)) == {str(files / name) for name in TEXTS if name != "en.txt"}
    assert_sound(collection)
    assert indexed(collection, files) == Run({"unchanged": 3}, run.skipped, [], [])


def test_other_limits_or_columns_have_the_files_read_again(
    tmp_path: Path, collection: StoredCollection, opened: list[tuple[str, str]]
) -> None:
    folder = tmp_path / "files"
    write(folder / "rows.jsonl", '{"id": "a", "text": "Gas.", "headline": "On gas"}\n{"id": "b", "text": "Ban."}\n')
    first = Options()
    titled = Options(columns={"headline": "title"})
    small = Options(Limits(line=30), {"headline": "title"})
    assert indexed(collection, folder, options=first).counts == {"added": 2, "passages": 2}
    opened.clear()
    for options, counts in (
        (titled, {"changed": 1, "unchanged": 1, "passages": 1}),
        (titled, {"unchanged": 2}),
        (small, {"unchanged": 1, "removed": 1}),
        (small, {"unchanged": 1}),
        (first, {"added": 1, "unchanged": 1, "passages": 1}),
    ):
        assert indexed(collection, folder, options=options).counts == counts
    assert [own for own in opened if own[0] == "read"] == [("read", "rows.jsonl")] * 3


@pytest.mark.parametrize(
    "constant",
    [
        "indexer.updating.READING",
        "indexer.cut_documents.CUTTING",
    ],
)
def test_files_are_read_again_when_the_program_reads_or_cuts_differently(
    files: Path,
    collection: StoredCollection,
    opened: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    constant: str,
) -> None:
    indexed(collection, files)
    opened.clear()
    monkeypatch.setattr(constant, 1_000)
    run = indexed(collection, files)
    assert [name for what, name in opened if what == "read"] == list(TEXTS)
    assert run.counts in ({"unchanged": 4}, {"changed": 4, "passages": 4, "reused": 4})
    assert run.encoded == []


# Something is gone


def test_the_documents_of_a_removed_file_leave(tmp_path: Path, files: Path, collection: StoredCollection) -> None:
    write_lines(files / "rows.jsonl", rows_of(20))
    indexed(collection, files)
    (files / "rows.jsonl").unlink()
    (files / "ja.md").unlink()
    assert indexed(collection, files) == Run({"unchanged": 3, "removed": 21}, [], [], [])
    assert contents(collection) == fresh(tmp_path / "fresh", files)
    assert_sums_equal(collection.sums(), recomputed_sums(collection))
    assert collection.files.get(str(files / "ja.md")) is None
    assert indexed(collection, files) == Run({"unchanged": 3}, [], [], [])


@pytest.mark.usefixtures("indexes")
def test_the_indexes_have_lost_what_was_removed_when_a_run_ends(files: Path, collection: StoredCollection) -> None:
    indexed(collection, files)
    (files / "ja.md").unlink()
    indexed(collection, files)
    assert_whole(collection)


def test_a_removed_folder_inside_the_folder_takes_its_documents_with_it(
    files: Path, collection: StoredCollection
) -> None:
    write(files / "below" / "deep" / "a.txt", "The drone is new.")
    write(files / "below-not" / "a.txt", "The drone is old.")
    indexed(collection, files)
    shutil.rmtree(files / "below")
    assert indexed(collection, files) == Run({"unchanged": 5, "removed": 1}, [], [], [])
    assert str(files / "below-not" / "a.txt") in contents(collection)


def test_what_lies_outside_of_the_folders_of_a_run_stays(
    tmp_path: Path, files: Path, collection: StoredCollection
) -> None:
    other = write(tmp_path / "files 2" / "a.txt", "The drone is new.")
    indexed(collection, files, other.parent)
    other.unlink()
    write(other.parent / "b.txt", "The drone is old.")
    assert indexed(collection, files).counts == {"unchanged": 4}
    assert str(other) in contents(collection)
    assert indexed(collection, other.parent).counts == {"added": 1, "removed": 1, "passages": 1}


def test_a_file_that_is_named_and_gone_is_said_to_be_and_keeps_its_documents(
    files: Path, collection: StoredCollection
) -> None:
    file = files / "en.txt"
    indexed(collection, file)
    file.unlink()
    run = indexed(collection, file)
    assert run == Run({}, [(str(file), "no such file or folder")], [], [])
    assert set(contents(collection)) == {str(file)}


def test_a_renamed_file_has_a_new_id_and_nothing_is_encoded(
    tmp_path: Path, files: Path, collection: StoredCollection
) -> None:
    indexed(collection, files)
    (files / "en.txt").rename(files / "renamed.txt")
    run = indexed(collection, files)
    assert run == Run({"added": 1, "unchanged": 3, "removed": 1, "passages": 1, "reused": 1}, [], [], [])
    assert contents(collection) == fresh(tmp_path / "fresh", files)


def test_a_file_moved_between_two_folders_goes_with_nothing_encoded(
    tmp_path: Path, collection: StoredCollection
) -> None:
    """In either direction: the folder that is walked through first may be the one that it leaves."""
    one, two = tmp_path / "one", tmp_path / "two"
    write(one / "a.txt", TEXTS["en.txt"])
    write(two / "b.txt", TEXTS["ar.txt"])
    for folder in (one, two):
        write(folder / "stays.txt", f"The drone of {folder.name}.")
    indexed(collection, one, two)
    (one / "a.txt").rename(two / "a.txt")
    (two / "b.txt").rename(one / "b.txt")
    run = indexed(collection, one, two)
    assert run == Run({"added": 2, "unchanged": 2, "removed": 2, "passages": 2, "reused": 2}, [], [], [])
    assert contents(collection) == fresh(tmp_path / "fresh", one, two)


def test_documents_with_ids_of_their_own_stay_where_their_file_is_moved(
    tmp_path: Path, collection: StoredCollection
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    write_lines(one / "a.jsonl", rows_of(5, "a"))
    write_lines(two / "b.jsonl", rows_of(5, "b"))
    for folder in (one, two):
        write(folder / "stays.txt", f"The drone of {folder.name}.")
    indexed(collection, one, two)
    before, number = contents(collection), numbers(collection)
    (one / "a.jsonl").rename(two / "a.jsonl")
    (two / "b.jsonl").rename(one / "b.jsonl")
    assert indexed(collection, one, two) == Run({"unchanged": 12}, [], [], [])
    assert (contents(collection), numbers(collection)) == (before, number)
    assert {owners(collection)[f"a{n}"] for n in range(5)} == {str(two / "a.jsonl")}
    assert {owners(collection)[f"b{n}"] for n in range(5)} == {str(one / "b.jsonl")}
    assert indexed(collection, one, two).counts == {"unchanged": 12}


def test_a_folder_that_is_empty_keeps_its_documents_and_is_remarked(files: Path, collection: StoredCollection) -> None:
    """As a disk that is not mounted looks."""
    indexed(collection, files)
    before = contents(collection)
    for name in TEXTS:
        (files / name).unlink()
    run = indexed(collection, files)
    assert run.counts == {}
    assert run.skipped == [(str(files), "a folder without files")]
    ((name, text),) = run.remarks
    assert name == str(files)
    assert "4 are kept" in text
    assert contents(collection) == before
    for name, content in TEXTS.items():
        write(files / name, content)
    assert indexed(collection, files) == Run({"unchanged": 4}, [], [], [])


def test_a_folder_that_is_gone_keeps_its_documents(files: Path, collection: StoredCollection) -> None:
    indexed(collection, files)
    before = contents(collection)
    shutil.rmtree(files)
    assert indexed(collection, files) == Run({}, [(str(files), "no such file or folder")], [], [])
    assert contents(collection) == before


def test_deleted_files_are_kept_for_whoever_wants_that(files: Path, collection: StoredCollection) -> None:
    rows = write_lines(files / "rows.jsonl", rows_of(3))
    indexed(collection, files)
    (files / "en.txt").unlink()
    write_lines(rows, rows_of(2))
    run = indexed(collection, files, keep_deleted=True)
    assert run.counts == {"unchanged": 5, "removed": 1}  # a row of a file that is there is no file
    assert str(files / "en.txt") in contents(collection)
    assert indexed(collection, files).counts == {"unchanged": 5, "removed": 1}
    assert str(files / "en.txt") not in contents(collection)


# Folders in folders, names and places


def test_a_folder_inside_a_folder_may_be_given_as_well(
    files: Path, collection: StoredCollection, opened: list[tuple[str, str]]
) -> None:
    inside = write(files / "below" / "a.txt", "The drone is new.").parent
    write(inside / "b.txt", "The drone is old.")
    for paths in ((files, inside), (inside, files)):
        run = indexed(collection, *paths)
        assert run.counts in ({"added": 6, "passages": 6}, {"unchanged": 6})
    assert len([what for what, _ in opened if what == "read"]) == 6
    (inside / "a.txt").unlink()
    assert indexed(collection, inside, files).counts == {"unchanged": 5, "removed": 1}
    (inside / "b.txt").unlink()
    run = indexed(collection, files, inside)
    assert run.counts["unchanged"] == 4
    assert run.counts["removed"] == 1  # the outer folder has files


def test_a_file_that_is_named_twice_is_read_once(
    files: Path, collection: StoredCollection, opened: list[tuple[str, str]]
) -> None:
    run = indexed(collection, files / "en.txt", files, files / "en.txt", files)
    assert run == Run({"added": 4, "passages": 4}, [], [], run.encoded)
    assert len([what for what, _ in opened if what == "read"]) == 4


@pytest.mark.parametrize("spelling", ["{absolute}", "./files", "files/", "../{parent}/files", "files/../files", "."])
@pytest.mark.parametrize("change", [False, True], ids=["unchanged", "changed"])
def test_a_file_keeps_its_name_however_its_folder_is_spelt_later(
    tmp_path: Path,
    files: Path,
    collection: StoredCollection,
    monkeypatch: pytest.MonkeyPatch,
    spelling: str,
    change: bool,
) -> None:
    write(files / "rows.jsonl", '{"text": "The gas is gone."}\n{"text": "The ban is gone."}\n')
    monkeypatch.chdir(tmp_path)
    indexed(collection, "files")
    names = {f"files/{name}" for name in TEXTS} | {"files/rows.jsonl#1", "files/rows.jsonl#2"}
    assert set(contents(collection)) == names
    if change:
        write(files / "en.txt", "The drone is new.")
        write(files / "rows.jsonl", '{"text": "The gas is gone."}\n{"text": "The drone is gone."}\nno JSON\n')
    if spelling == ".":
        monkeypatch.chdir(files)
    run = indexed(collection, spelling.format(absolute=files, parent=tmp_path.name))
    assert run.counts == ({"changed": 2, "unchanged": 4, "passages": 2} if change else {"unchanged": 6})
    assert [name for name, _ in run.skipped] == (["files/rows.jsonl:3"] if change else [])
    assert set(contents(collection)) == names
    (files / "zh.html").unlink()
    assert indexed(collection, files).counts == {"unchanged": 5, "removed": 1}


def test_runs_from_different_working_folders_mean_the_same_files(
    tmp_path: Path, files: Path, collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = write(files / "below" / "a.txt", "The drone is new.").parent
    monkeypatch.chdir(tmp_path)
    indexed(collection, "files")
    monkeypatch.chdir(files)
    assert indexed(collection, "below").counts == {"unchanged": 1}
    monkeypatch.chdir(inside)
    assert indexed(collection, "..").counts == {"unchanged": 5}
    new = write(inside / "b.txt", "The drone is old.")
    assert indexed(collection, ".").counts == {"added": 1, "unchanged": 1, "passages": 1}
    assert owners(collection)["./b.txt"] == str(new)
    monkeypatch.chdir(tmp_path)
    assert indexed(collection, "files").counts == {"unchanged": 6}


def test_files_of_the_same_name_below_two_working_folders_are_two(
    tmp_path: Path, collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = write(tmp_path / "one" / "docs" / "README.md", "# The gas\n\nThe gas is gone.")
    two = write(tmp_path / "two" / "docs" / "README.md", "# The ban\n\nThe ban is gone.")
    for place in ("one", "two", "one", "two"):
        monkeypatch.chdir(tmp_path / place)
        run = indexed(collection, "docs")
        assert not run.counts.get("changed")
    texts = {str(own[7]) for own in contents(collection).values()}
    assert (any("The gas is gone." in text for text in texts), any("The ban is gone." in text for text in texts)) == (
        True,
        True,
    )
    assert set(owners(collection).values()) == {str(one), str(two)}


@on_posix
def test_a_link_to_a_file_is_a_file_of_its_own(tmp_path: Path, files: Path, collection: StoredCollection) -> None:
    target = write(tmp_path / "elsewhere" / "target.txt", "The drone is new.")
    (files / "link.txt").symlink_to(target)
    assert indexed(collection, files).counts == {"added": 5, "passages": 5}
    write(target, "The uranium is old.")
    assert indexed(collection, files).counts == {"changed": 1, "unchanged": 4, "passages": 1}
    number = numbers(collection)[str(files / "link.txt")]
    assert collection.text(number, 0, 100) == "The uranium is old."
    (files / "link.txt").unlink()
    assert indexed(collection, files).counts == {"unchanged": 4, "removed": 1}


@on_posix
def test_a_link_to_a_folder_is_named_and_not_followed(
    tmp_path: Path, files: Path, collection: StoredCollection
) -> None:
    write(tmp_path / "elsewhere" / "target.txt", "The drone is new.")
    (files / "link").symlink_to(tmp_path / "elsewhere")
    for _ in range(2):
        run = indexed(collection, files)
        assert run.skipped == [(str(files / "link"), "a link to a folder; name that folder to index it")]
        assert len(contents(collection)) == 4


@on_posix
def test_a_link_to_nothing_does_not_keep_what_is_gone(files: Path, collection: StoredCollection) -> None:
    (files / "link.txt").symlink_to(files / "nowhere.txt")
    indexed(collection, files)
    (files / "ja.md").unlink()
    run = indexed(collection, files)
    assert run.counts == {"unchanged": 3, "removed": 1}
    assert run.remarks == []
    assert [name for name, _ in run.skipped] == [str(files / "link.txt")]


@on_posix
def test_a_link_whose_target_is_gone_for_a_while_keeps_its_documents(
    tmp_path: Path, files: Path, collection: StoredCollection
) -> None:
    target = write(tmp_path / "elsewhere" / "target.txt", "The drone is new.")
    (files / "link.txt").symlink_to(target)
    indexed(collection, files)
    target.rename(target.with_name("away.txt"))
    assert indexed(collection, files).counts == {"unchanged": 4}
    assert str(files / "link.txt") in contents(collection)


@pytest.mark.parametrize("place", [".hidden/a.txt", ".hidden.txt"])
def test_a_hidden_file_that_was_named_stays_while_it_is_there(
    files: Path, collection: StoredCollection, place: str
) -> None:
    """A run over the folder does not come across it."""
    hidden = write(files / place, "The drone is new.")
    given = hidden.parent if place.endswith("/a.txt") else hidden
    indexed(collection, files, given)
    assert str(hidden) in contents(collection)
    run = indexed(collection, files)
    assert run.counts == {"unchanged": 4}
    assert str(hidden) in contents(collection)
    hidden.unlink()
    assert indexed(collection, files).counts == {"unchanged": 4, "removed": 1}


@on_posix
def test_a_folder_behind_a_link_that_was_named_stays_while_it_is_there(
    tmp_path: Path, files: Path, collection: StoredCollection
) -> None:
    write(tmp_path / "elsewhere" / "a.txt", "The drone is new.")
    (files / "link").symlink_to(tmp_path / "elsewhere")
    assert indexed(collection, files / "link").counts == {"added": 1, "passages": 1}
    assert indexed(collection, files).counts == {"added": 4, "passages": 4}
    assert str(files / "link" / "a.txt") in contents(collection)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are text")
def test_a_name_that_is_not_utf_8_is_a_name_like_others(files: Path, collection: StoredCollection) -> None:
    odd = os.fsencode(files) + b"/odd \xff.txt"
    Path(os.fsdecode(odd)).write_text("The drone is new.", encoding="utf-8")
    assert indexed(collection, files).counts == {"added": 5, "passages": 5}
    assert f"{files}/odd \ufffd.txt" in contents(collection)
    assert indexed(collection, files).counts == {"unchanged": 5}
    os.unlink(odd)
    assert indexed(collection, files).counts == {"unchanged": 4, "removed": 1}


@pytest.mark.parametrize(
    "name", ["100%_a'b\"c.txt", "[a]*?.txt" if os.name == "posix" else "[a].txt", "文書 وثيقة.txt"]
)
def test_names_with_signs_are_names_like_others(files: Path, collection: StoredCollection, name: str) -> None:
    file = write(files / name, "The drone is new.")
    assert indexed(collection, files).counts == {"added": 5, "passages": 5}
    file.unlink()
    assert indexed(collection, files).counts == {"unchanged": 4, "removed": 1}


# JSON Lines


@pytest.mark.usefixtures("indexes")
def test_only_what_is_changed_or_removed_in_a_file_of_many_changes(
    tmp_path: Path, collection: StoredCollection
) -> None:
    rows = rows_of(50)
    file = write_lines(tmp_path / "rows.jsonl", rows)
    indexed(collection, file)
    before, number = contents(collection), numbers(collection)
    del rows["r7"]
    rows["r30"] = "The drone is new."
    rows["new"] = "The drone is old."
    write_lines(file, rows)
    run = indexed(collection, file)
    assert run.counts == {"added": 1, "changed": 1, "unchanged": 48, "removed": 1, "passages": 2}
    assert sorted(run.encoded) == sorted([rows["r30"], rows["new"]] * 2)
    after = contents(collection)
    assert after == fresh(tmp_path / "fresh", file)
    same = rows.keys() - {"r30", "new"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert {name: numbers(collection)[name] for name in same} == {name: number[name] for name in same}
    assert_whole(collection)
    assert indexed(collection, file).counts == {"unchanged": 50}


@pytest.mark.parametrize("place", [0, 10, 20])
def test_a_line_put_in_between_shifts_the_ids_and_encodes_nothing_else(
    tmp_path: Path, collection: StoredCollection, place: int
) -> None:
    lines = [json.dumps({"text": text}) for text in rows_of(20).values()]
    file = write(tmp_path / "rows.jsonl", "\n".join(lines))
    indexed(collection, file)
    lines.insert(place, json.dumps({"text": "The drone is new."}))
    write(file, "\n".join(lines))
    run = indexed(collection, file)
    assert set(run.encoded) == {"The drone is new."}
    assert run.counts.get("changed", 0) == run.counts.get("reused", 0) == 20 - place
    assert contents(collection) == fresh(tmp_path / "fresh", file)
    del lines[place]
    write(file, "\n".join(lines))
    run = indexed(collection, file)
    assert (run.encoded, run.counts["removed"]) == ([], 1)
    assert contents(collection) == fresh(tmp_path / "fresh 2", file)


# Documents that are in several files


@pytest.mark.parametrize("changed", [False, True], ids=["as it was", "changed"])
@pytest.mark.parametrize(("old", "new"), [("a", "b"), ("b", "a")])
@pytest.mark.parametrize("batch", [1, 1_000])
def test_a_document_that_moves_to_another_file_is_that_files(
    tmp_path: Path,
    collection: StoredCollection,
    monkeypatch: pytest.MonkeyPatch,
    changed: bool,
    old: str,
    new: str,
    batch: int,
) -> None:
    """Whichever file is read first, and whether both are in a batch."""
    monkeypatch.setattr("indexer.build._BATCH_SENTENCES", batch)
    monkeypatch.setattr("indexer.build._BATCH_ITEMS", batch)
    folder = tmp_path / "files"
    text = "The drone is new."
    write_lines(folder / f"{old}.jsonl", {"x": text, "old": "The gas is gone."})
    write_lines(folder / f"{new}.jsonl", {"new": "The ban is gone."})
    indexed(collection, folder)
    write_lines(folder / f"{old}.jsonl", {"old": "The gas is gone."})
    write_lines(folder / f"{new}.jsonl", {"new": "The ban is gone.", "x": text + (" It flies." if changed else "")})
    run = indexed(collection, folder)
    assert run.skipped == []
    assert contents(collection) == fresh(tmp_path / "fresh", folder)
    assert owners(collection)["x"] == str(folder / f"{new}.jsonl")
    (folder / f"{old}.jsonl").unlink()
    assert indexed(collection, folder).counts == {"unchanged": 2, "removed": 1}
    assert set(contents(collection)) == {"x", "new"}
    (folder / f"{new}.jsonl").unlink()
    write(folder / "stays.txt", "The uranium is old.")
    assert indexed(collection, folder).counts == {"added": 1, "removed": 2, "passages": 1}


def test_a_document_whose_file_is_renamed_stays_though_its_old_file_is_gone(
    tmp_path: Path, collection: StoredCollection
) -> None:
    folder = tmp_path / "files"
    write_lines(folder / "b.jsonl", rows_of(3))
    indexed(collection, folder)
    (folder / "b.jsonl").rename(folder / "a.jsonl")
    assert indexed(collection, folder) == Run({"unchanged": 3}, [], [], [])
    assert set(owners(collection).values()) == {str(folder / "a.jsonl")}
    assert [own.path for own in collection.files.below(str(folder))] == [str(folder / "a.jsonl")]


_FIRST, _SECOND = "The gas of the first file.", "The ban of the second file."


@pytest.fixture
def twice(tmp_path: Path, collection: StoredCollection) -> Path:
    """A folder with the same id in two files, of which the first one's document is kept."""
    folder = tmp_path / "files"
    write_lines(folder / "a.jsonl", {"x": _FIRST, "a": "The drone is new."})
    write_lines(folder / "b.jsonl", {"x": _SECOND, "b": "The drone is old."})
    run = indexed(collection, folder)
    assert run.counts == {"added": 3, "passages": 3}
    assert [name for name, _ in run.skipped] == ["x"]
    assert text_of(collection, "x") == _FIRST
    return folder


def text_of(collection: StoredCollection, identifier: str) -> str:
    return collection.text(numbers(collection)[identifier], 0, 10_000)


def test_an_id_in_two_files_is_named_in_every_run(twice: Path, collection: StoredCollection) -> None:
    for _ in range(2):
        run = indexed(collection, twice)
        assert (run.counts, [name for name, _ in run.skipped]) == ({"unchanged": 3}, ["x"])
        assert text_of(collection, "x") == _FIRST


@pytest.mark.parametrize("name", ["a.jsonl", "b.jsonl"])
@pytest.mark.parametrize("how", ["touched", "changed"])
def test_of_an_id_in_two_files_the_first_is_kept_whichever_changes(
    twice: Path, collection: StoredCollection, name: str, how: str
) -> None:
    file = twice / name
    if how == "touched":
        touch(file)
    else:
        write(file, file.read_text(encoding="utf-8") + '{"id": "more", "text": "The uranium is old."}\n')
    run = indexed(collection, twice)
    assert text_of(collection, "x") == _FIRST
    assert owners(collection)["x"] == str(twice / "a.jsonl")
    assert not run.counts.get("changed")
    assert [own for own, _ in run.skipped] == ["x"]


def test_an_id_that_is_twice_in_a_file_is_named_in_every_run(tmp_path: Path, collection: StoredCollection) -> None:
    line = json.dumps({"id": "x", "text": _FIRST})
    file = write(tmp_path / "a.jsonl", f"{line}\n{line.replace('gas', 'ban')}\n")
    for counts in ({"added": 1, "passages": 1}, {"unchanged": 1}):
        run = indexed(collection, file)
        assert (run.counts, [name for name, _ in run.skipped]) == (counts, ["x"])
        assert text_of(collection, "x") == _FIRST


@pytest.mark.parametrize("how", ["deleted", "without it"])
def test_of_an_id_in_two_files_the_second_is_taken_when_the_first_is_gone(
    twice: Path, collection: StoredCollection, how: str
) -> None:
    if how == "deleted":
        (twice / "a.jsonl").unlink()
    else:
        write_lines(twice / "a.jsonl", {"a": "The drone is new."})
    indexed(collection, twice)
    run = indexed(collection, twice)  # at the latest
    assert text_of(collection, "x") == _SECOND
    assert owners(collection)["x"] == str(twice / "b.jsonl")
    assert run.skipped == []


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(False, id="unchanged"),
        pytest.param(True, id="changed"),
    ],
)
def test_of_two_equal_documents_in_two_files_one_stays_when_the_other_is_gone(
    tmp_path: Path, collection: StoredCollection, changed: bool
) -> None:
    folder = tmp_path / "files"
    for name in ("a.jsonl", "b.jsonl"):
        write_lines(folder / name, {"x": _FIRST, name: "The drone is new."})
    indexed(collection, folder)
    if changed:
        write_lines(folder / "b.jsonl", {"x": _FIRST, "b.jsonl": "The drone is old."})
        indexed(collection, folder)
    (folder / "b.jsonl").unlink()
    indexed(collection, folder)
    assert set(contents(collection)) == {"x", "a.jsonl"}
    assert owners(collection)["x"] == str(folder / "a.jsonl")


# What cannot be read


@contextmanager
def as_someone_else(collection: StoredCollection) -> Iterator[None]:
    """Who may do with the collection what we may."""
    for path in [collection.folder, *collection.folder.rglob("*")]:
        path.chmod(0o777)
    with without_rights():
        yield


@on_posix
def test_a_file_that_may_not_be_read_keeps_its_documents_and_is_tried_again(opened: list[tuple[str, str]]) -> None:
    with open_to_all() as base, made(base / "c") as collection:
        files = base / "files"
        file = write_lines(files / "a.jsonl", rows_of(3))
        write(files / "b.txt", TEXTS["en.txt"])
        new = write(files / "new.txt", "The drone is new.")
        for path in (base, files, *files.iterdir()):
            path.chmod(0o755)
        new.chmod(0)
        refused = [(str(new), "permission denied")]
        with as_someone_else(collection):
            run = indexed(collection, files)
            assert (run.counts, run.skipped) == ({"added": 4, "passages": 4}, refused)
        write_lines(file, rows_of(2, "s")).chmod(0)
        for _ in range(2):
            opened.clear()
            with as_someone_else(collection):
                run = indexed(collection, files)
            assert run == Run({"unchanged": 1}, [(str(file), "permission denied"), *refused], [], [])
            assert [name for what, name in opened if what == "read"] == ["a.jsonl", "new.txt"]
            assert set(contents(collection)) == {"r0", "r1", "r2", str(files / "b.txt")}
        for path in (file, new):
            path.chmod(0o755)
        with as_someone_else(collection):
            run = indexed(collection, files)
        assert run.counts == {"added": 3, "unchanged": 1, "removed": 3, "passages": 3}
        assert_sound(collection)


@on_posix
def test_nothing_leaves_from_below_a_folder_that_may_not_be_looked_into() -> None:
    with open_to_all() as base, made(base / "c") as collection:
        files = base / "files"
        closed = write(files / "closed" / "a.txt", "The drone is new.").parent
        write(files / "b.txt", TEXTS["en.txt"])
        gone = write(files / "gone.txt", "The uranium is old.")
        for path in (base, files, *files.rglob("*")):
            path.chmod(0o755)
        with as_someone_else(collection):
            indexed(collection, files)
        before = contents(collection)
        closed.chmod(0)
        gone.unlink()
        with as_someone_else(collection):
            run = indexed(collection, files)
        assert (run.counts, run.skipped) == ({"unchanged": 1}, [(str(closed), "permission denied")])
        ((name, text),) = run.remarks
        assert name == str(files)
        assert text.startswith("2 files were not found, and kept")
        assert contents(collection) == before
        closed.chmod(0o755)
        with as_someone_else(collection):
            assert indexed(collection, files).counts == {"unchanged": 2, "removed": 1}


@on_posix
def test_a_folder_that_may_not_be_looked_into_at_all_keeps_everything() -> None:
    with open_to_all() as base, made(base / "c") as collection:
        files = write(base / "files" / "a.txt", "The drone is new.").parent
        for path in (base, files, *files.iterdir()):
            path.chmod(0o755)
        with as_someone_else(collection):
            indexed(collection, files)
            before = contents(collection)
        files.chmod(0)
        with as_someone_else(collection):
            run = indexed(collection, files)
        assert (run.counts, run.skipped) == ({}, [(str(files), "permission denied")])
        assert [name for name, _ in run.remarks] == [str(files)]
        assert contents(collection) == before


def test_a_file_that_goes_before_it_is_read_is_named_and_leaves_next_time(
    files: Path, collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed(collection, files)
    write(files / "en.txt", "The drone is new.")
    new = write(files / "new.txt", "The drone is old.")
    read = read_file

    def going(file: File, *arguments: Any) -> Iterator[Found]:
        os.unlink(file.path)
        return read(file, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(updating, "read_file", going)
        run = indexed(collection, files)
    reason = os.strerror(2).lower()
    assert run == Run({"unchanged": 3}, [(str(files / "en.txt"), reason), (str(new), reason)], [], [])
    assert set(contents(collection)) == {str(files / name) for name in TEXTS}
    assert indexed(collection, files) == Run({"unchanged": 3, "removed": 1}, [], [], [])


def test_a_file_that_goes_before_it_is_hashed_is_no_error(
    files: Path, collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed(collection, files)
    touch(files / "en.txt")
    hash_of = updating._digest

    def going(path: str) -> Any:
        os.unlink(path)
        return hash_of(path)

    with monkeypatch.context() as patch:
        patch.setattr(updating, "_digest", going)
        run = indexed(collection, files)
    assert run == Run({"unchanged": 3}, [(str(files / "en.txt"), os.strerror(2).lower())], [], [])
    assert indexed(collection, files).counts == {"unchanged": 3, "removed": 1}


@pytest.mark.parametrize(
    ("before", "size"),
    [
        ("read", "another size"),
        ("read", "the same size"),
        ("hashed", "another size"),
        ("hashed", "the same size"),
    ],
)
def test_a_file_that_changes_while_it_is_read_is_read_again_next_time(
    tmp_path: Path, files: Path, collection: StoredCollection, monkeypatch: pytest.MonkeyPatch, before: str, size: str
) -> None:
    """Before it is opened, or when it was read and before its bytes are noted."""
    file = files / "en.txt"
    later = TEXTS["en.txt"].replace("gas", "ban") if size == "the same size" else "The drone is new."
    read, hash_of = read_file, updating._digest

    def changing_read(own: File, *arguments: Any) -> Iterator[Found]:
        if own.path == str(file):
            write(file, later)
        return read(own, *arguments)

    def changing_hash(path: str) -> Any:
        if path == str(file):
            write(file, later)
        return hash_of(path)

    with monkeypatch.context() as patch:
        if before == "read":
            patch.setattr(updating, "read_file", changing_read)
        else:
            patch.setattr(updating, "_digest", changing_hash)
        indexed(collection, files)
    indexed(collection, files)
    assert text_of(collection, str(file)) == later
    assert contents(collection) == fresh(tmp_path / "fresh", files)


def test_a_file_of_which_reading_fails_halfway_keeps_what_it_held(
    tmp_path: Path, collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a network disk that goes away: what was read is taken, and nothing leaves."""
    file = write_lines(tmp_path / "a.jsonl", rows_of(6))
    indexed(collection, file)
    write_lines(file, {**rows_of(2), "new": "The drone is new.", "r5": rows_of(6)["r5"]})
    read = read_file

    def failing(own: File, options: Options, name: str, *others: Any) -> Iterator[Found]:
        items = read(own, options, name, *others)
        yield from (next(items) for _ in range(3))
        yield Skipped(name, "input/output error", Cause.ACCESS)

    with monkeypatch.context() as patch:
        patch.setattr(updating, "read_file", failing)
        run = indexed(collection, file)
    assert run.counts == {"added": 1, "unchanged": 2, "passages": 1}
    assert set(contents(collection)) == {*rows_of(6), "new"}
    assert indexed(collection, file).counts == {"unchanged": 4, "removed": 3}
    assert contents(collection) == fresh(tmp_path / "fresh", file)


# Interruptions


class Interrupted(FakeEncoder):
    """By the user, at the batch with this number."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> NDArray[np.float32]:
        if len(self.batches) == self._at:
            raise KeyboardInterrupt
        return super().encode_passages(texts, progress)


@pytest.fixture
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four documents of three sentences."""
    monkeypatch.setattr("indexer.build._BATCH_SENTENCES", 12)


@pytest.mark.usefixtures("indexes", "_small_batches")
@pytest.mark.parametrize("at", [0, 1, 3, 4])
def test_a_run_interrupted_within_a_file_goes_on_from_there(
    tmp_path: Path, collection: StoredCollection, opened: list[tuple[str, str]], at: int
) -> None:
    folder = tmp_path / "files"
    rows = write_lines(folder / "rows.jsonl", rows_of(18))
    with pytest.raises(KeyboardInterrupt):
        indexed(collection, folder, encoder=Interrupted(at))
    assert set(contents(collection)) == {f"r{number}" for number in range(4 * at)}
    assert collection.files.get(str(rows)) is None
    assert_whole(collection)
    opened.clear()
    run = indexed(collection, folder)
    assert opened == [("read", "rows.jsonl"), ("hashed", "rows.jsonl")]
    rest = {"added": 18 - 4 * at, "unchanged": 4 * at, "passages": 18 - 4 * at}
    assert run.counts == {name: value for name, value in rest.items() if value}
    assert len(run.encoded) == 4 * (18 - 4 * at)
    assert contents(collection) == fresh(tmp_path / "fresh", folder)
    assert set(owners(collection).values()) == {str(rows)}
    assert_whole(collection)
    assert indexed(collection, folder).counts == {"unchanged": 18}


@pytest.mark.usefixtures("_small_batches")
def test_what_is_removed_from_a_file_after_an_interruption_leaves(tmp_path: Path, collection: StoredCollection) -> None:
    folder = tmp_path / "files"
    rows = rows_of(18)
    file = write_lines(folder / "rows.jsonl", rows)
    with pytest.raises(KeyboardInterrupt):
        indexed(collection, folder, encoder=Interrupted(2))
    assert len(contents(collection)) == 8
    del rows["r3"], rows["r12"]
    rows["r5"] = "The drone is new."
    write_lines(file, rows)
    run = indexed(collection, folder)
    assert run.counts == {"added": 9, "changed": 1, "unchanged": 6, "removed": 1, "passages": 10}
    assert contents(collection) == fresh(tmp_path / "fresh", folder)
    assert_sound(collection)


@pytest.mark.usefixtures("_small_batches")
def test_an_interrupted_file_that_is_removed_leaves(tmp_path: Path, collection: StoredCollection) -> None:
    folder = tmp_path / "files"
    file = write_lines(folder / "rows.jsonl", rows_of(18))
    write(folder / "stays.txt", "The drone is new.")
    with pytest.raises(KeyboardInterrupt):
        indexed(collection, folder, encoder=Interrupted(2))
    file.unlink()
    assert indexed(collection, folder).counts == {"added": 1, "removed": 8, "passages": 1}
    assert set(contents(collection)) == {str(folder / "stays.txt")}


@pytest.mark.usefixtures("_small_batches")
def test_an_update_interrupted_within_a_file_goes_on_from_there(tmp_path: Path, collection: StoredCollection) -> None:
    """What it held before leaves only when it was read to its end."""
    folder = tmp_path / "files"
    file = write_lines(folder / "rows.jsonl", rows_of(10, "old"))
    indexed(collection, folder)
    write_lines(file, rows_of(10, "new"))
    with pytest.raises(KeyboardInterrupt):
        indexed(collection, folder, encoder=Interrupted(1))
    assert set(contents(collection)) == {*rows_of(10, "old"), *rows_of(4, "new")}
    assert_sound(collection)
    run = indexed(collection, folder)
    assert run.counts == {"added": 6, "unchanged": 4, "removed": 10, "passages": 6}
    assert contents(collection) == fresh(tmp_path / "fresh", folder)


@pytest.mark.usefixtures("_small_batches")
@pytest.mark.parametrize("how", ["of a new time", "as it was"])
def test_a_file_that_is_put_back_after_an_interrupted_update_is_read_again(
    tmp_path: Path, collection: StoredCollection, how: str
) -> None:
    """As when another branch is checked out, and left again."""
    folder = tmp_path / "files"
    file = write_lines(folder / "rows.jsonl", rows_of(10))
    moment = file.stat().st_mtime_ns
    indexed(collection, folder)
    before = contents(collection)
    write_lines(file, {**rows_of(10, sentences=4), **rows_of(10, "new")})
    with pytest.raises(KeyboardInterrupt):
        indexed(collection, folder, encoder=Interrupted(2))
    write_lines(file, rows_of(10))
    if how == "as it was":
        os.utime(file, ns=(moment, moment))
    indexed(collection, folder)
    assert contents(collection) == before


@pytest.mark.usefixtures("_small_batches")
def test_an_interrupted_file_keeps_its_name_however_it_is_spelt_later(
    tmp_path: Path, collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "\n".join(json.dumps({"text": text}) for text in rows_of(18).values())
    file = write(tmp_path / "files" / "rows.jsonl", lines)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        indexed(collection, "files", encoder=Interrupted(2))
    expected = {f"files/rows.jsonl#{number}" for number in range(1, 19)}
    run = indexed(collection, file.parent)
    assert (set(contents(collection)), run.counts) == (expected, {"added": 10, "unchanged": 8, "passages": 10})
    write(file, f"{lines}\n")
    assert indexed(collection, "./files").counts == {"unchanged": 18}
    assert set(contents(collection)) == expected


def test_a_run_interrupted_between_files_keeps_those_that_were_read(
    tmp_path: Path,
    files: Path,
    collection: StoredCollection,
    monkeypatch: pytest.MonkeyPatch,
    opened: list[tuple[str, str]],
) -> None:
    monkeypatch.setattr("indexer.build._BATCH_ITEMS", 1)
    gone = write(files / "0.txt", "The drone is old.")
    indexed(collection, gone)
    gone.unlink()
    with pytest.raises(KeyboardInterrupt):
        indexed(collection, files, encoder=Interrupted(2))
    assert set(contents(collection)) == {str(gone), *(str(files / name) for name in ("ar.txt", "en.txt"))}
    opened.clear()
    assert indexed(collection, files).counts == {"added": 2, "unchanged": 2, "removed": 1, "passages": 2}
    assert [name for what, name in opened if what == "read"] == ["ja.md", "zh.html"]
    assert contents(collection) == fresh(tmp_path / "fresh", files)


# Documents of no file


class _Input:
    def __init__(self, stream: Any) -> None:
        self.buffer = stream


def test_documents_of_standard_input_belong_to_no_file_and_stay(
    tmp_path: Path, files: Path, collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = write_lines(tmp_path / "piped", rows_of(3, "piped"))
    with piped.open("rb") as stream:
        monkeypatch.setattr(sys, "stdin", _Input(stream))
        assert indexed(collection, files, "-").counts == {"added": 7, "passages": 7}
    assert {name: own for name, own in owners(collection).items() if own is None} == dict.fromkeys(rows_of(3, "piped"))
    (files / "en.txt").unlink()
    assert indexed(collection, files, tmp_path / "files").counts == {"unchanged": 3, "removed": 1}
    assert set(rows_of(3, "piped")) <= set(contents(collection))
    with piped.open("rb") as stream:
        monkeypatch.setattr(sys, "stdin", _Input(stream))
        assert indexed(collection, "-").counts == {"unchanged": 3}


def test_documents_of_no_file_stay_where_files_are_updated(files: Path, collection: StoredCollection) -> None:
    index_documents([Document("own", "The gas is gone.", "", "en")], collection, FakeEncoder())
    indexed(collection, files)
    write(files / "en.txt", "The drone is new.")
    (files / "ar.txt").unlink()
    indexed(collection, files)
    assert (owners(collection)["own"], len(contents(collection))) == (None, 4)


def test_a_document_of_no_file_that_a_file_holds_is_that_files(tmp_path: Path, collection: StoredCollection) -> None:
    folder = tmp_path / "files"
    write(folder / "stays.txt", "The drone is new.")
    file = write_lines(folder / "a.jsonl", {"own": "The gas is gone."})
    index_documents(
        [Document("own", "The gas is gone.", "The gas is gone."), Document("other", "The ban is gone.")],
        collection,
        FakeEncoder(),
    )
    assert indexed(collection, folder).counts == {"added": 1, "unchanged": 1, "passages": 1}
    assert owners(collection)["own"] == str(file)
    file.unlink()
    assert indexed(collection, folder).counts == {"unchanged": 1, "removed": 1}
    assert set(contents(collection)) == {str(folder / "stays.txt"), "other"}


# Memory


def test_memory_does_not_grow_with_the_number_of_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor when they are read once more and found unchanged. Cutting is left out, since it takes most of the time."""
    build = "indexer.build."
    monkeypatch.setattr(build + "passages_of", lambda text, *_: [Passage(0, len(text), ((0, len(text)),), "en")])
    for name, value in (
        ("build.language_of", "en"),
        ("build.update_indexes", None),
        ("cut_documents.signature_of", b""),
        ("cut_documents.keys_of", ()),
    ):
        monkeypatch.setattr(f"indexer.{name}", lambda *_, value=value: value)
    monkeypatch.setattr(build + "_BATCH_SENTENCES", 100)

    class Forgetful(FakeEncoder):
        def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> NDArray[np.float32]:
            return np.ones((len(texts), self.dimension), np.float32)

    def peaks(documents: int) -> list[int]:
        file = tmp_path / f"{documents}.jsonl"
        with file.open("w", encoding="utf-8") as stream:
            for number in range(documents):
                stream.write(json.dumps({"id": f"d{number}", "text": (f"{number}x" * 1_000)[:1_000]}) + "\n")
        found = []
        with made(tmp_path / str(documents)) as collection:
            for counts in ({"added": documents, "passages": documents}, {"unchanged": documents}):
                write(file, file.read_bytes() + b"\n")
                tracemalloc.start()
                try:
                    assert indexed(collection, file, encoder=Forgetful()).counts == counts
                    found.append(tracemalloc.get_traced_memory()[1])
                finally:
                    tracemalloc.stop()
        return found

    peaks(100)  # what is loaded and kept the first time
    for few, many in zip(peaks(500), peaks(2_500), strict=True):
        assert many < few + 60_000  # 30 bytes a document


def test_what_needed_a_package_is_read_once_that_is_installed(
    tmp_path: Path, collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also inside of an archive, of which the rest was read before."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"id": ["row"], "text": [TEXTS["ar.txt"]]}), tmp_path / "rows.parquet")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("a.txt", TEXTS["en.txt"])
        archive.write(tmp_path / "rows.parquet", "rows.parquet")
    (tmp_path / "rows.parquet").unlink()
    found = importlib.util.find_spec
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name, *_: None if name == "pyarrow" else found(name))
        for counts in ({"added": 1, "passages": 1}, {"unchanged": 1}):
            run = indexed(collection, tmp_path / "all.zip")
            assert run.counts == counts
            ((name, reason),) = run.skipped
            assert name.endswith("all.zip!rows.parquet")
            assert "pip install 'multilingual-search[parquet]'" in reason
    assert indexed(collection, tmp_path / "all.zip").counts == {"added": 1, "unchanged": 1, "passages": 1}
    assert "row" in contents(collection)
