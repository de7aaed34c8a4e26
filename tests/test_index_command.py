"""The command search-index: what it says and exits with, and what it makes of a collection."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer import cli, updating, watching
from indexer.errors import SearchError
from indexer.stored_collection import StoredCollection
from tests.fakes import FakeEncoder
from tests.test_stored_collection import contents


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeEncoder:
    encoder = FakeEncoder()
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cli, "load_encoder", lambda *_: encoder)
    monkeypatch.chdir(tmp_path)
    return encoder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs" / "deep").mkdir(parents=True)
    (tmp_path / "docs" / "ban.txt").write_text("The gas ban. It was announced on Monday.")
    (tmp_path / "docs" / "deep" / "ja.md").write_text(
        "# \u7981\u8f38\n\n\u30a6\u30e9\u30f3\u306e\u7981\u8f38\u3092\u767a\u8868\u3057\u305f\u3002"
    )
    return tmp_path / "docs"


def run(*arguments: str) -> int:
    return cli.main(["--collection", "made", *arguments])


def ids() -> set[str]:
    with StoredCollection.open(Path("made")) as collection:
        return set(contents(collection))


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.removeprefix("search-index: ") for line in capsys.readouterr().err.splitlines()]


def test_what_changes_in_a_folder_is_what_changes_in_the_collection(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("docs") == 0
    assert said(capsys) == ["2 added, 0 changed, 0 unchanged, 0 skipped; 2 passages encoded; collection made"]
    assert run("docs") == 0
    assert said(capsys) == ["0 added, 0 changed, 2 unchanged, 0 skipped; 0 passages encoded; collection made"]
    (folder / "ban.txt").rename(folder / "renamed.txt")
    assert run("docs") == 0
    assert said(capsys) == [
        "1 added, 0 changed, 1 unchanged, 1 removed, 0 skipped; 1 passages encoded (1 of known texts); collection made"
    ]
    assert ids() == {"docs/renamed.txt", "docs/deep/ja.md"}
    (folder / "renamed.txt").unlink()
    assert run("docs", "--keep-deleted") == 0
    assert "docs/renamed.txt" in ids()
    assert run("docs") == 0
    assert ids() == {"docs/deep/ja.md"}


def test_what_is_skipped_is_named_and_other_formats_are_counted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "empty.txt").write_text("")
    for number in range(3):
        (folder / f"{number}.png").write_bytes(b"\x89PNG")
    (folder / "Makefile").write_text("all:")
    for _ in range(2):
        assert run("docs") == 1
        lines = said(capsys)
        assert lines[:2] == ["skipped docs/empty.txt: empty", "skipped files of other formats: 3 .png, 1 no suffix"]
        assert "5 skipped" in lines[2]


def test_events_are_objects_that_name_everything(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "empty.txt").write_text("")
    (folder / "x.png").write_bytes(b"\x89PNG")
    assert run("docs", "--json") == 1
    caught = capsys.readouterr()
    events = [json.loads(line) for line in caught.out.splitlines()]
    assert caught.err == ""
    assert {(event["name"], event["cause"]) for event in events if event["event"] == "skipped"} == {
        ("docs/empty.txt", "content"),
        ("docs/x.png", "format"),
    }
    (progress,) = (event for event in events if event["event"] == "progress")
    size = sum(file.stat().st_size for file in folder.rglob("*.*"))
    assert progress["bytes"] <= progress["bytes_total"] == size
    assert progress["documents"] >= 2
    assert events[-1] == {
        "event": "done",
        "added": 2,
        "changed": 0,
        "unchanged": 0,
        "removed": 0,
        "skipped": 2,
        "passages": 2,
        "reused": 0,
        "collection": "made",
    }


def test_an_archive_with_a_file_of_another_format_is_not_read_twice(
    folder: Path, fake: FakeEncoder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.writestr("deep/a.txt", "The gas ban.")
        archive.writestr("x.exe", b"MZ")
    assert run("docs") == 1
    assert "docs/all.zip!deep/a.txt" in ids()
    capsys.readouterr()
    monkeypatch.setattr(updating, "read_file", None)
    assert run("docs") == 1
    assert said(capsys)[0].startswith("skipped docs/all.zip!x.exe: .exe is no format that is read")


def test_columns_of_records_are_named_on_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "rows.jsonl").write_text(json.dumps({"head": "A ban", "story": "The gas ban.", "n": 3}) + "\n")
    assert run("docs/rows.jsonl") == 1
    assert "no text" in said(capsys)[0]
    assert run("docs/rows.jsonl", "--column", "text=story", "--column", "title=head") == 0
    with StoredCollection.open(Path("made")) as collection:
        (number,) = {passage.document for passage in collection.passages(collection.passage_ids().tolist())}
        stored = collection.documents([number])[number]
    assert (stored.title, stored.metadata) == ("A ban", {"n": 3})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no PATH given"),
        (["docs", "--column", "story"], "--column story, expected FIELD=NAME with a field of id, title, text"),
        (["docs", "--column", "story=text"], "--column story=text, expected FIELD=NAME"),
        (["export", "made.zip"], "expected a name that ends in .jsonl or .parquet, or -"),
        (["export", "made.jsonl", "--vectors"], "expected a name that ends in .parquet"),
    ],
)
def test_a_mistake_is_one_line(
    folder: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run("docs")
    capsys.readouterr()
    assert run(*arguments) == 2
    (line,) = said(capsys)
    assert message in line


def test_status_shows_what_is_there_and_what_could_not_be_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "empty.txt").write_text("")
    run("docs")
    capsys.readouterr()
    assert run("status") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "documents   2 (en 1, ja 1)" in lines
    assert "files       3" in lines
    assert lines[-2:] == ["not read    1", "  docs/empty.txt: empty"]
    assert cli.main(["status", "--collection", "made", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["documents"], status["passages"], status["model"]) == (2, 2, "fake")
    assert status["errors"] == [{"name": "docs/empty.txt", "reason": "empty"}]
    assert status["drift"] == 0.0
    assert "drift       0.0000 (above 0.02 the index is made anew)" in lines
    (Path("made") / "vectors.index" / "manifest").unlink()
    run("status")
    assert "drift       unknown: no index; the next search makes it" in capsys.readouterr().out.splitlines()


def test_status_shows_how_far_the_means_have_moved(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("docs")
    with StoredCollection.open(Path("made"), writable=True) as collection:
        before = collection.language_means().passages
        collection.delete(["docs/ban.txt"])
        after = collection.language_means().passages
    moved = max(float(np.linalg.norm(before[lang] - after[lang])) for lang in ("en", "ja"))
    capsys.readouterr()
    run("status", "--json")
    assert json.loads(capsys.readouterr().out)["drift"] == pytest.approx(moved)
    assert moved > 0


def test_documents_files_and_folders_are_removed_by_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "rows.jsonl").write_text('{"id": "a", "text": "Gas."}\n{"id": "b", "text": "Drones."}\n')
    run("docs")
    assert run("rm", "a", "gone") == 1
    assert said(capsys)[-2:] == ["no document, file or folder gone in made", "1 removed"]
    assert ids() == {"b", "docs/ban.txt", "docs/deep/ja.md"}
    assert run("rm", "docs/rows.jsonl", "docs/deep") == 0
    assert ids() == {"docs/ban.txt"}
    assert run("docs") == 0
    assert ids() == {"docs/ban.txt"}, "what was removed stays away"
    (folder / "rows.jsonl").write_text('{"id": "b", "text": "Drones again."}\n')
    assert run("docs") == 0
    assert ids() == {"b", "docs/ban.txt"}, "until its file changes"
    assert run("rm", "b") == 0
    assert run("--delete", "docs/ban.txt") == 0
    assert ids() == set()


def test_a_collection_is_verified_compacted_backed_up_exported_and_read_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("docs")
    before = contents_of("made")
    assert run("verify") == 0
    assert run("compact") == 0
    assert run("backup", "copy") == 0
    assert contents_of("copy") == before == contents_of("made")
    capsys.readouterr()
    assert run("export", "-") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["id"] for row in rows} == set(before)
    assert run("export", "all.jsonl") == 0
    assert cli.main(["all.jsonl", "--collection", "again"]) == 0
    assert contents_of("again").keys() == before.keys()
    assert run("upgrade") == 0


def contents_of(name: str) -> dict[str, Any]:
    with StoredCollection.open(Path(name)) as collection:
        return contents(collection)


def test_a_file_whose_name_is_a_command_is_indexed_by_its_path(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder.parent / "status").mkdir()
    (folder.parent / "status" / "a.txt").write_text("Gas.")
    assert run("./status") == 0
    assert ids() == {"./status/a.txt"}


# Watching


def test_what_changes_while_it_is_watched_is_indexed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def changed(paths: Any) -> Iterator[None]:
        assert paths == ["docs"]
        (folder / "new.txt").write_text("A drone.")
        yield None
        (folder / "ban.txt").unlink()
        yield None

    monkeypatch.setattr(cli, "changes", changed)
    assert run("docs", "--watch") == 0
    assert ids() == {"docs/new.txt", "docs/deep/ja.md"}
    assert any("watching for changes" in line for line in said(capsys))


@pytest.mark.skipif(sys.platform == "win32", reason="the folder's path is compared as POSIX has it")
def test_a_change_in_a_folder_is_seen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_QUIET", 50)

    def write() -> None:
        for number in range(40):  # until it is seen: watching may begin late
            time.sleep(0.1)
            (folder / f"{number}.txt").write_text("Gas.")

    threading.Thread(target=write, daemon=True).start()
    assert next(iter(watching.changes(["docs", "-"]))) is None


def test_there_must_be_something_to_watch() -> None:
    with pytest.raises(SearchError, match="--watch needs a folder or file that is there, got - none"):
        next(iter(watching.changes(["-", "none"])))


def test_a_log_says_when_what_was_done_and_skipped(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "empty.txt").write_text("")
    assert run("docs", "--log", "run.log") == 1
    assert run("docs", "--log", "run.log") == 1
    lines = Path("run.log").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (INFO|WARNING) .+", line) for line in lines)
    assert [line.split(" ", 1)[1] for line in lines] == [
        "WARNING skipped docs/empty.txt: empty",
        "INFO made: 2 added, 0 changed, 0 unchanged, 0 removed, 1 skipped; 2 passages, 0 of them of known texts",
        "WARNING skipped docs/empty.txt: empty",
        "INFO made: 0 added, 0 changed, 2 unchanged, 0 removed, 1 skipped; 0 passages, 0 of them of known texts",
    ]
    capsys.readouterr()
    assert run("docs", "--log", "no/run.log") == 2
    assert said(capsys) == ["cannot write the log no/run.log: No such file or directory; name another file"]
    assert run("docs", "--log", "run.log", "--column", "wrong") == 2
    assert "ERROR --column wrong, expected" in Path("run.log").read_text(encoding="utf-8").splitlines()[-1]


def test_what_was_exported_is_imported_and_its_files_can_be_indexed_where_they_are(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "rows.jsonl").write_text('{"id": "a", "text": "Gas.", "lang": "en", "date": "2026-01", "tags": ["x"]}\n')
    assert run("docs") == 0
    with StoredCollection.open(Path("made")) as collection:
        expected = list(collection.all_documents())
    assert run("export", "all.jsonl") == 0
    assert cli.main(["import", "all.jsonl", "--collection", "other"]) == 0
    with StoredCollection.open(Path("other")) as collection:
        assert list(collection.all_documents()) == expected
        assert collection.statistics().files == 0
    capsys.readouterr()
    assert cli.main(["docs", "--collection", "other"]) == 0
    assert said(capsys) == ["0 added, 0 changed, 3 unchanged, 0 skipped; 0 passages encoded; collection other"]
    (folder / "ban.txt").unlink()
    assert cli.main(["docs", "--collection", "other"]) == 0
    assert "1 removed" in said(capsys)[-1], "they are those files' by now"
    assert cli.main(["import", "all.jsonl", "--watch"]) == 2
    assert "read once" in said(capsys)[-1]
