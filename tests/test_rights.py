"""Whoever lacks the rights for what a command has to do is told so in one line, and nothing changes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from indexer import cli
from tests.fakes import FakeEncoder
from tests.faults import committed
from tests.test_stored_collection import open_to_all, without_rights

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def fake_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "load_encoder", lambda *_: FakeEncoder())


@pytest.mark.usefixtures("own_cache", "fake_command")
@pytest.mark.parametrize("closed", [True, False], ids=["cannot be read", "can be read"])
@pytest.mark.parametrize("command", ["index", "--delete", "status"])
def test_the_command_on_a_collection_without_rights_says_so_in_one_line(
    closed: bool, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_to_all() as folder:
        (folder / "a.txt").write_text("The gas ban.")
        (folder / "b.txt").write_text("The drone ban.")
        target = folder / "c"
        assert cli.main(["--collection", str(target), str(folder / "a.txt")]) == 0
        arguments = {"index": [str(folder / "b.txt")], "--delete": ["--delete", str(folder / "a.txt")]}
        target.chmod(0 if closed else 0o555)
        capsys.readouterr()
        with without_rights():
            status = cli.main(["--collection", str(target), *arguments.get(command, ["status"])])
        out, said = capsys.readouterr()
        if command == "status" and not closed:
            assert (status, said) == (0, "")
            assert "documents   1 " in out
        else:
            assert status == 2, said
            assert said.count("\n") == 1, said
            assert "rights" in said
        target.chmod(0o755)
        assert committed(target) == {str(folder / "a.txt")}


@pytest.mark.usefixtures("own_cache", "fake_command")
@pytest.mark.parametrize("existing", [False, True], ids=["new", "existing"])
def test_the_command_where_it_may_not_write_says_so_in_one_line(
    existing: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_to_all() as folder:
        (folder / "a.txt").write_text("The gas ban.")
        (folder / "b.txt").write_text("The drone ban.")
        target = folder / "c"
        if existing:
            assert cli.main(["--collection", str(target), str(folder / "a.txt")]) == 0
            target.chmod(0o555)
        folder.chmod(0o555)
        capsys.readouterr()
        with without_rights():
            status = cli.main(["--collection", str(target), str(folder / "b.txt")])
        said = capsys.readouterr().err
        assert status == 2, said
        assert said.count("\n") == 1, said
        assert "rights" in said
        assert committed(target) == ({str(folder / "a.txt")} if existing else set())
