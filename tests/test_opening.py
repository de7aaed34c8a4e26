"""Which collection a command means, and that the sample in the cache is made again whenever it is not whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.build import open_or_create
from indexer.encoder import QueryEncoder
from indexer.errors import CollectionError, SettingsError
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
    monkeypatch.setattr(opening, "fingerprint", lambda _: "fake-1")
    monkeypatch.setattr(opening, "folder_of", lambda _: Path())


def load(_: str) -> QueryEncoder:
    return FakeEncoder()


def sample_documents_found(settings: Settings, said: list[str]) -> int:
    opened = open_searcher(settings, said.append, load)
    assert opened.is_sample
    count = opened.store.statistics().documents
    opened.store.close()
    return count


def test_with_no_collection_the_sample_is_indexed_once(tmp_path: Path) -> None:
    said: list[str] = []
    assert sample_documents_found(Settings(), said) == 56
    assert sample_documents_found(Settings(), said) == 56
    assert said == ["indexing the sample collection (56 documents), once"]


@pytest.mark.parametrize("damage", [b"", b"garbage" * 5000], ids=["empty", "garbage"])
def test_a_damaged_sample_is_made_again(tmp_path: Path, damage: bytes) -> None:
    said: list[str] = []
    sample_documents_found(Settings(), said)
    (file,) = (tmp_path / "cache" / "samples").rglob("collection.sqlite")
    file.write_bytes(damage)
    assert sample_documents_found(Settings(), said) == 56
    assert len(said) == 2


def test_a_collection_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match=r"no collection in .*; make one with"):
        open_searcher(Settings(collection=tmp_path / "nowhere"), print, load)


def test_an_own_collection_comes_before_the_sample_unless_that_is_asked_for(tmp_path: Path) -> None:
    open_or_create(Settings().own_collection(), FakeEncoder()).close()
    opened = open_searcher(Settings(), print, load)
    assert not opened.is_sample
    opened.store.close()
    assert sample_documents_found(Settings(sample=True), []) == 56


def test_options_come_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCH_COLLECTION", "/from/environment")
    monkeypatch.setenv("SEARCH_MODEL", "one")
    settings = Settings.from_environment()
    assert (settings.collection, settings.model) == (Path("/from/environment"), "one")
    changed = with_options(settings, "/from/option", "two", sample=False)
    assert (changed.collection, changed.model) == (Path("/from/option"), "two")
    with pytest.raises(SettingsError, match="--collection is empty"):
        with_options(settings, " ", None, sample=False)


def test_a_port_that_is_no_number_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCH_PORT", "http")
    with pytest.raises(SettingsError, match="SEARCH_PORT is 'http', expected a number"):
        Settings.from_environment()
