"""The file of API keys: what is kept, who may read it, and that no change is lost."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from indexer.errors import SettingsError
from search_api import keys
from search_api.keys import KeyRing, add_key, read_keys, remove_key

posix = pytest.mark.skipif(os.name == "nt", reason="no such modes")


def test_a_key_is_long_random_and_kept_as_a_hash_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    made = [add_key(file, f"key-{number}", "read") for number in range(20)]
    assert len(set(made)) == 20
    for key in made:
        assert key.startswith("search_")
        assert len(key.removeprefix("search_")) == 43  # 256 bits in base 64
        assert key.removeprefix("search_") not in file.read_text()
    content = json.loads(file.read_text())
    assert list(content) == ["format", "keys"]
    assert [list(key) for key in content["keys"]] == [["name", "scope", "sha256", "created"]] * 20


@posix
def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        file = tmp_path / "new" / "folder" / "keys.json"
        add_key(file, "a", "read")
        remove_key(file, "a")
        add_key(file, "b", "read")
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert not [path for path in file.parent.iterdir() if path.stat().st_mode & 0o077]


@posix
def test_what_others_may_change_is_not_trusted(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    add_key(file, "a", "read")
    file.chmod(0o620)
    with pytest.raises(SettingsError, match="others may change the API keys; mend that with chmod 600"):
        read_keys(file)


def test_the_ring_knows_whose_a_key_is(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    made = {name: add_key(file, name, "write" if name == "b" else "read") for name in "abc"}
    ring = KeyRing(file)
    for name, key in made.items():
        found = ring.find(key)
        assert found is not None
        assert (found.name, found.allows("read"), found.allows("write")) == (name, True, name == "b")
    for wrong in (
        "",
        "search_",
        made["a"][:-1],
        made["a"] + " ",
        made["a"].upper(),
        "\udcff",
        read_keys(file)[0].sha256,
    ):
        assert ring.find(wrong) is None


def test_the_ring_looks_at_most_twice_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys.json"
    key = add_key(file, "a", "read")
    ring = KeyRing(file)
    now = 1000.0
    monkeypatch.setattr(keys, "time", SimpleNamespace(monotonic=lambda: now))
    assert ring.find(key)
    remove_key(file, "a")
    assert ring.find(key)
    now += 0.6
    assert ring.find(key) is None
    file.unlink()
    now += 0.6
    assert ring.find(key) is None


def test_no_change_is_lost_when_several_come_at_once(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    threads = [threading.Thread(target=add_key, args=(file, f"key-{number}", "read")) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(key.name for key in read_keys(file)) == [f"key-{number}" for number in range(8)]
    assert sorted(path.name for path in tmp_path.iterdir()) in (["keys.json"], ["keys.json", "keys.json.lock"])


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "a\nb", "../x", "é"])
def test_a_name_can_stand_in_a_log(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="expected up to 64"):
        add_key(tmp_path / "keys.json", name, "read")
    assert not list(tmp_path.iterdir())


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    with pytest.raises(SettingsError, match="make one with `search-serve keys add NAME"):
        read_keys(file)
    with pytest.raises(SettingsError, match="there are no keys yet"):
        remove_key(file, "a")
    add_key(file, "a", "read")
    with pytest.raises(SettingsError, match="there is a key 'a' already"):
        add_key(file, "a", "write")
    with pytest.raises(SettingsError, match="there is no key 'b'"):
        remove_key(file, "b")
    for damage in ("{", "[]", '{"format": 2, "keys": []}', '{"format": 1, "keys": [{"name": "a"}]}', "[" * 100_000):
        file.write_text(damage)
        with pytest.raises(SettingsError, match="not a file of API keys"):
            read_keys(file)
        with pytest.raises(SettingsError, match="not a file of API keys"):
            add_key(file, "new", "read")
        assert file.read_text() == damage
    (tmp_path / "taken").write_text("")
    with pytest.raises(SettingsError, match="cannot be written"):
        add_key(tmp_path / "taken" / "keys.json", "a", "read")
