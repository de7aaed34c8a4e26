"""What must hold of a collection, whatever has happened to the runs that made it: alone, and beside another run."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer import build, lexical_index, vector_index
from indexer.boilerplate import keys_of
from indexer.build import open_or_create
from indexer.checked_file import read_arrays
from indexer.duplicates import NEAR, bands_of, similarity
from indexer.stored_collection import StoredCollection
from indexer.updating import update
from indexer.vector_index import index_ids
from tests.faults import SteadyEncoder, remove, without_indexes
from tests.test_stored_collection import assert_sums_equal, contents, recomputed_sums

Contents = Mapping[str, tuple[object, ...]]

BEFORE_OR_AFTER = "documents are as before or as after"
INDEXES_SAVED = "a run that ends has brought the indexes up to date"
LEFT_OVER = "nothing is left over"
IN_THE_END = "in the end: "


def assert_same(got: Any, expected: Any) -> None:
    """Says where they differ."""
    if isinstance(got, dict) and isinstance(expected, dict):
        for key in sorted(got.keys() | expected.keys(), key=str):
            assert key in got, f"{key} is missing"
            assert key in expected, f"{key} is there"
            assert got[key] == expected[key], f"{key}: {got[key]}, expected {expected[key]}"
    assert got == expected, f"{got}, expected {expected}"


def assert_as_before_or_after(held: Contents, before: Contents, after: Contents, meanwhile: Contents) -> None:
    """Each document; none is missing that was there and is to be there. Meanwhile they are as they are before it is
    known which lines repeat."""
    for identifier, row in held.items():
        known = [own[identifier] for own in (before, after, meanwhile) if identifier in own]
        assert row in known, f"{identifier} is neither as it was nor as it is to be"
    missing = (before.keys() & after.keys()) - held.keys()
    assert not missing, f"{sorted(missing)} are missing"


def assert_whole(collection: StoredCollection) -> None:
    """With both indexes, and nothing left beside them."""
    assert_sums_equal(collection.sums(), recomputed_sums(collection))
    for name, version in saved_versions(collection.folder).items():
        assert version == collection.version(), name
    assert left_over(collection.folder) == []
    assert_indexes_agree(collection)


def saved_versions(folder: Path) -> dict[str, int | None]:
    """Of the collection, as the saved indexes have it."""
    saved = {name: read_arrays(folder / name) for name in ("vectors.index/manifest", "lexical.index/manifest")}
    return {name: int(own["version"]) if own else None for name, own in saved.items()}


def left_over(folder: Path) -> list[str]:
    """Files and folders that belong to no collection that is at rest; but for locks, which tantivy makes also when a
    folder is about to go."""
    own = {"collection.sqlite", "collection.sqlite-wal", "collection.sqlite-shm", "vectors.index", "lexical.index"}
    places = {folder: own}
    for home, what in ((folder / "vectors.index", "index"), (folder / "lexical.index", "folder")):
        manifest = read_arrays(home / "manifest")
        places[home] = {"lock", "manifest", str(manifest[what]) if manifest else ""}
    return sorted(
        str(place.relative_to(folder))
        for within, known in places.items()
        if within.is_dir()
        for place in within.iterdir()
        if place.name not in known and not (place.is_dir() and all(own.suffix == ".lock" for own in place.iterdir()))
    )


def assert_indexes_agree(collection: StoredCollection) -> None:
    """Opened, each holds the passages that there are."""
    ids = collection.passage_ids()
    held = np.sort(index_ids(vector_index.open_index(collection).index))
    assert held.tolist() == ids.tolist(), "passages of the index of vectors"
    worded = lexical_index.open_index(collection)
    assert len(worded) == len(ids), f"{len(worded)} passages in the index of words, {len(ids)} in the collection"
    texts = [own for block in collection.passage_texts() for own in block]
    with_gas = [identifier for identifier, text in texts if re.search(r"\bgas\b", text, re.IGNORECASE)]
    found = np.sort(worded.phrase(["gas"], len(ids)))
    assert found.tolist() == with_gas, "passages found by a word"


def assert_rows_are_sound(collection: StoredCollection) -> None:
    """By SQLite's own checks."""
    execute = collection._connection.execute
    assert execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert execute("PRAGMA foreign_key_check").fetchall() == []


def assert_copies_are_linked(collection: StoredCollection) -> None:
    """Each to a first that is there and that it is like; firsts are alike to none, and alone can be looked up."""
    execute = collection._connection.execute
    rows = execute("SELECT number, id, original, signature FROM documents").fetchall()
    signatures = {number: signature or b"" for number, _, _, signature in rows}
    names = {number: identifier for number, identifier, _, _ in rows}
    firsts = [number for number, _, original, _ in rows if original is None]
    for number, identifier, original, _ in rows:
        if original is not None:
            assert original in firsts, f"{identifier} is a copy of {names.get(original, 'nothing')}"
            assert similarity(signatures[number], signatures[original]) >= NEAR, f"{identifier} is no copy"
    for place, number in enumerate(firsts):
        for other in firsts[:place]:
            like = similarity(signatures[number], signatures[other])
            assert like < NEAR, f"{names[number]} and {names[other]} are copies ({like:.2f}) and both are firsts"
    expected = {(band, number) for number in firsts for band in bands_of(signatures[number])}
    assert set(execute("SELECT band, document FROM bands").fetchall()) == expected, "what firsts are looked up by"


def assert_lines_are_counted(collection: StoredCollection) -> None:
    """As they stand in the documents that are counted: those that have a source and are no copies."""
    execute = collection._connection.execute
    documents: Counter[str] = Counter()
    lines: Counter[tuple[str, int]] = Counter()
    for origin, text in execute("SELECT origin, text FROM documents WHERE origin IS NOT NULL AND original IS NULL"):
        documents[origin] += 1
        lines.update((origin, key) for key in keys_of(text))
    held = dict(execute("SELECT origin, documents FROM origins WHERE documents != 0").fetchall())
    assert held == dict(documents), f"documents of sources: {held}, expected {dict(documents)}"
    counts = {row[:2]: row[2] for row in execute("SELECT origin, key, documents FROM lines WHERE documents != 0")}
    assert counts == dict(lines), "documents with a line"


def assert_sums_are_right(collection: StoredCollection) -> None:
    assert_sums_equal(collection.sums(), recomputed_sums(collection))


SOUND: dict[str, Callable[[StoredCollection], None]] = {
    "the file is whole": assert_rows_are_sound,
    "sums are those of what is stored": assert_sums_are_right,
    "copies are linked to firsts": assert_copies_are_linked,
    "lines are counted as they stand": assert_lines_are_counted,
    "indexes open and agree": assert_indexes_agree,
}
"""What holds of any collection at any time."""


EVERYTHING = ("documents", "files", "files of documents", "copies", "documents of sources", "lines")
"""The parts of what a run has made."""


def everything(collection: StoredCollection) -> dict[str, Any]:
    """What two runs over the same files must have in common.

    Which of several copies is the first depends on which came first, so groups are compared; so does whose lines are
    counted, so those of sources with copies are only counted up to their number of documents.
    """
    execute = collection._connection.execute
    rows = execute(
        "SELECT id, (SELECT id FROM documents AS first WHERE first.number = own.original) FROM documents AS own"
    )
    groups: dict[str, set[str]] = {}
    for identifier, first in rows:
        groups.setdefault(first or identifier, set()).add(identifier)
    with_copies = {
        os.path.dirname(path)
        for (path,) in execute(
            "SELECT path FROM files JOIN documents AS own ON own.file = files.number WHERE original IS NOT NULL"
        )
    }
    lines = execute("SELECT origin, key, documents, repeated FROM lines WHERE documents != 0 OR repeated").fetchall()
    held = contents(collection)
    parts = (
        held,
        {record.path: record for record in collection.files.below(os.sep)},
        {identifier: collection.files.owner(identifier) for identifier in held},
        sorted(sorted(group) for group in groups.values()),
        dict(execute("SELECT origin, documents FROM origins WHERE documents != 0").fetchall()),
        {row[:2]: row[2:] for row in lines if row[0] not in with_copies},
    )
    return dict(zip(EVERYTHING, parts, strict=True))


def updated(place: Path, files: Path, *, all_lines: bool = False) -> dict[str, Any]:
    """What a run to which nothing happens makes of files, but for the indexes; or, with `all_lines`, one that leaves
    out no lines that repeat."""
    encoder = SteadyEncoder()
    with pytest.MonkeyPatch.context() as patch, open_or_create(place, encoder) as collection:
        without_indexes(patch)
        patch.setattr(build, "_BATCH_SENTENCES", 1_000)
        if all_lines:
            collection.leave_out_boilerplate(False)
        update([str(files)], collection, encoder)
        return everything(collection)


class Complaints:
    """Promises that were not kept, and what was wrong."""

    def __init__(self) -> None:
        self.of: dict[str, list[str]] = {}

    def __len__(self) -> int:
        return sum(map(len, self.of.values()))

    def add(self, promise: str, what: object) -> None:
        self.of.setdefault(promise, []).append(str(what)[:600])

    def check(self, promise: str, where: str, check: Callable[..., object], *given: object) -> None:
        try:
            check(*given)
        except Exception as error:  # noqa: BLE001  # whoever asks goes on to other promises
            self.add(promise, f"{where}: {error or repr(error)}")


class Expectation:
    """What runs over files are to make of a collection, from what it held `before` a run."""

    def __init__(self, place: Path, files: Path, before: Contents) -> None:
        """Pages with lines that repeat are in the folder `site`."""
        self.before = before
        self.after = updated(place / "after", files)
        self.meanwhile: Contents = updated(place / "meanwhile", files / "site", all_lines=True)["documents"]
        remove(place)

    def check_left(self, complaints: Complaints, where: str, left: StoredCollection, *, indexes: bool = True) -> None:
        """By a run that did not end. Opening the indexes mends them."""
        _check_sound(complaints, where, left, indexes=indexes)
        states = self.before, self.after["documents"], self.meanwhile
        complaints.check(BEFORE_OR_AFTER, where, assert_as_before_or_after, contents(left), *states)

    def check_end(
        self, complaints: Complaints, where: str, collection: StoredCollection, *, indexes: bool = True
    ) -> None:
        """Of a run that did end."""
        if indexes:
            saved, version = saved_versions(collection.folder), collection.version()
            complaints.check(INDEXES_SAVED, where, assert_same, saved, dict.fromkeys(saved, version))
        _check_sound(complaints, where, collection, indexes=indexes)
        for what, own in everything(collection).items():
            complaints.check(f"{IN_THE_END}{what}", where, assert_same, own, self.after[what])


def _check_sound(complaints: Complaints, where: str, collection: StoredCollection, *, indexes: bool) -> None:
    for promise, holds in SOUND.items():
        if indexes or holds is not assert_indexes_agree:
            complaints.check(promise, where, holds, collection)


PROMISES = (*SOUND, BEFORE_OR_AFTER, INDEXES_SAVED, LEFT_OVER, *(f"{IN_THE_END}{what}" for what in EVERYTHING))
