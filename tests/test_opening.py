"""Which collection a command means, and that the sample in the cache is made again whenever it is not whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.build import open_or_create
from indexer.encoder import QueryEncoder
from indexer.errors import CollectionError, ModelMismatch, SettingsError
from indexer.stored_collection import FORMAT
from search_api import opening
from search_api.opening import open_searcher, with_options
from search_api.settings import Settings
from tests.fakes import FakeEncoder


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SEARCH_COLLECTION", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(opening, "load_encoder", lambda *_: FakeEncoder())
    monkeypatch.setattr(opening, "fingerprint_of", lambda _: "fake-1")


def load(_: str) -> QueryEncoder:
    return FakeEncoder()


def sample_documents_found(settings: Settings, said: list[str]) -> int:
    opened = open_searcher(settings, said.append, load)
    assert opened.is_sample
    with opened.store.current() as store:
        count = sum(documents for documents, _ in store.counts().values())
    opened.store.close()
    return count


def test_with_no_collection_the_sample_is_indexed_once(tmp_path: Path) -> None:
    said: list[str] = []
    assert sample_documents_found(Settings(), said) == 160
    assert sample_documents_found(Settings(), said) == 160
    assert said == ["indexing the sample collection (160 documents), once"]


@pytest.mark.parametrize("damage", [b"", b"garbage" * 5000], ids=["empty", "garbage"])
def test_a_damaged_sample_is_made_again(tmp_path: Path, damage: bytes) -> None:
    said: list[str] = []
    sample_documents_found(Settings(), said)
    (file,) = (tmp_path / "cache" / "samples").rglob("collection.sqlite")
    file.write_bytes(damage)
    assert sample_documents_found(Settings(), said) == 160
    assert len(said) == 2


def test_a_collection_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match=r"no collection in .*; make one with"):
        open_searcher(Settings(collection=tmp_path / "nowhere"), print, load)


def test_an_own_collection_comes_before_the_sample_unless_that_is_asked_for(tmp_path: Path) -> None:
    open_or_create(Settings().own_collection(), FakeEncoder()).close()
    opened = open_searcher(Settings(), print, load)
    assert not opened.is_sample
    opened.store.close()
    assert sample_documents_found(Settings(sample=True), []) == 160


def test_the_sample_of_another_model_or_format_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    sample_documents_found(Settings(), said)
    (before,) = (tmp_path / "cache" / "samples").iterdir()
    monkeypatch.setattr(opening, "fingerprint_of", lambda _: "fake-2")
    monkeypatch.setattr(opening, "load_encoder", lambda *_: FakeEncoder(fingerprint="fake-2"))
    opened = open_searcher(Settings(), said.append, lambda _: FakeEncoder(fingerprint="fake-2"))
    opened.store.close()
    folders = {folder.name for folder in (tmp_path / "cache" / "samples").iterdir()}
    assert len(said) == 2
    assert folders - {before.name} == {before.name.replace("fake-1", "fake-2")}
    assert before.name.endswith(f"-{FORMAT}")


def test_a_collection_is_opened_with_the_model_that_made_it_unless_another_is_asked_for(tmp_path: Path) -> None:
    open_or_create(tmp_path / "own", FakeEncoder("small+use")).close()
    asked: list[str] = []

    def note(name: str) -> QueryEncoder:
        asked.append(name)
        return FakeEncoder(name, "fake-1" if name == "small+use" else "fake-2")

    open_searcher(Settings(collection=tmp_path / "own"), print, note).store.close()
    with pytest.raises(ModelMismatch, match=r"search it with --model small\+use"):
        open_searcher(Settings(collection=tmp_path / "own", model="small"), print, note)
    assert asked == ["small+use", "small"]


def test_options_come_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCH_COLLECTION", "/from/environment")
    monkeypatch.setenv("SEARCH_MODEL", "one")
    settings = Settings.from_environment()
    assert (settings.collection, settings.model) == (Path("/from/environment"), "one")
    changed = with_options(settings, "/from/option", "two", sample=False)
    assert (changed.collection, changed.model) == (Path("/from/option"), "two")
    with pytest.raises(SettingsError, match="--collection is empty"):
        with_options(settings, " ", None, sample=False)
