"""A collection for programs: the same documents as through the command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer import Collection, Document
from indexer.errors import CollectionError, ModelMismatch
from indexer.store import LocalStore
from indexer.stored_collection import StoredCollection
from search_api.searcher import Searcher
from tests.fakes import FakeEncoder
from tests.test_stored_collection import contents

_BAN = Document("a", "The gas ban was announced on Monday.", "A ban", "en", "2026-01", "Paper", "u", {"tags": ["x"]})
_URANIUM = Document("b", "ウランの禁輸を発表した。")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collection]:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    with Collection(tmp_path / "made", encoder=FakeEncoder()) as collection:
        yield collection


def test_what_is_added_comes_back_as_it_was(made: Collection) -> None:
    summary = made.add([_BAN, _URANIUM])
    assert (summary.added, summary.skipped) == (2, [])
    assert made.get("a") == _BAN
    assert made.get("b") == _URANIUM, "no language was declared, and none is"
    assert made.get("c") is None
    assert list(made) == [_BAN, _URANIUM]
    assert len(made) == 2
    assert "a" in made
    assert "c" not in made
    assert made.languages() == {"en": 1, "ja": 1}


def test_adding_again_replaces_and_deleting_removes(made: Collection) -> None:
    made.add([_BAN, _URANIUM])
    changed = Document("a", "The drone ban.")
    assert made.add([changed, _URANIUM]).changed == 1
    assert made.get("a") == changed
    assert made.delete(["a", "c"]) == ["a"]
    assert list(made) == [_URANIUM]
    hits = Searcher(LocalStore(StoredCollection.open(made.folder)), FakeEncoder()).search("ban").hits
    assert [hit.document_id for hit in hits] == ["b"]


def test_files_are_read_as_by_the_command(made: Collection, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "ban.md").write_text("# A ban\n\nThe gas ban.")
    told: list[str] = []
    summary = made.update(tmp_path / "docs", progress=lambda _, name: told.append(name))
    assert summary.added == 1
    assert told == [str(tmp_path / "docs" / "ban.md")]
    assert made.update(tmp_path / "docs").unchanged == 1
    (tmp_path / "docs" / "ban.md").unlink()
    (tmp_path / "docs" / "new.txt").write_text("The drone.")
    assert made.update(str(tmp_path / "docs")).removed == 1
    assert [document.id for document in made] == [str(tmp_path / "docs" / "new.txt")]


def test_another_model_is_refused(made: Collection, tmp_path: Path) -> None:
    with pytest.raises(ModelMismatch):
        Collection(tmp_path / "made", encoder=FakeEncoder(fingerprint="fake-2"))
    (tmp_path / "file").write_text("")
    with pytest.raises(CollectionError):
        Collection(tmp_path / "file" / "made", encoder=FakeEncoder())


def test_the_embedded_model_is_the_default_and_stays_that_of_the_collection(tmp_path: Path) -> None:
    """In a process of its own, as a program would have it."""
    program = (
        "from indexer import Collection, Document\n"
        f"with Collection({str(tmp_path / 'made')!r}) as made:\n"
        "    made.add([Document('a', 'The ban was announced on Monday.')])\n"
        f"with Collection({str(tmp_path / 'made')!r}) as made:\n"
        "    print(len(made), made.get('a').text)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "1 The ban was announced on Monday.\n"
    with StoredCollection.open(tmp_path / "made") as opened:
        assert len(contents(opened)) == 1
        assert opened.model.endswith("+use")
