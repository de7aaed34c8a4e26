"""Folders of results: what is saved is what is loaded, whole or not there, and what does not fit is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval import results as module
from eval.datasets import Dataset, JudgedQuery
from eval.errors import ResultError
from eval.results import Result, Results, check_free, folder_name, load, save, shared
from eval.table import table_of
from eval.trec import read_run
from indexer.documents import Document

_LANGS = {"en1": "en", "en2": "en", "ja1": "ja", "語": "ja"}
_RANKINGS: dict[str, list[tuple[str, float]]] = {
    "q/1": [("ja1", 0.1 + 0.2), ("en1", 1 / 3), ("語", 1e-7)],
    "q2": [("en2", 12.5)],
    "q3": [],
}


def _result(name: str = "tiny", rankings: Mapping[str, Sequence[tuple[str, float]]] = _RANKINGS) -> Result:
    """Scores fall, `q3` found nothing, and no language is relevant to all queries."""
    run = {query: sorted(ranking, key=lambda item: -item[1]) for query, ranking in rankings.items()}
    dataset = Dataset(
        name,
        [Document(identifier, "text") for identifier in _LANGS],
        [JudgedQuery(query, "text", lang) for query, lang in zip(rankings, ("en", "ja", "zh"), strict=False)],
        {query: {"en1": 1, "ja1": 3} if place else {"en1": 2} for place, query in enumerate(rankings)},
        _LANGS,
    )
    table = table_of(dataset, {query: [document for document, _ in ranking] for query, ranking in run.items()})
    return Result(name, table, run, {"measures": {"RR": 1 / 3}, "costs": {"peak": None, "text": "語"}})


def _results(*found: Result) -> Results:
    settings = {"system": "model exact=0.5", "sources": {}, "stages": {"exact": 0.1}, "budget": None}
    return Results(settings, {result.dataset: result for result in found or (_result(),)})


def _saved(folder: Path, *found: Result) -> Path:
    save(_results(*found), folder / "run")
    return folder / "run"


def _refused(folder: Path) -> str:
    with pytest.raises(ResultError) as error:
        load(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_is_saved_comes_back_exactly(tmp_path: Path) -> None:
    before = _results(_result("a/b"), _result("c"))
    save(before, tmp_path / "run")
    after = load(tmp_path / "run")
    assert dict(after.of) == dict(before.of), "every float and every empty ranking"
    assert list(after.of) == ["a/b", "c"]
    assert after.settings == {**before.settings, "datasets": ["a/b", "c"]}
    assert after.system == "model exact=0.5"
    save(after, tmp_path / "again")
    for file in (tmp_path / "run").rglob("*.*"):
        assert (tmp_path / "again" / file.relative_to(tmp_path / "run")).read_bytes() == file.read_bytes()


def test_what_is_in_a_folder(tmp_path: Path) -> None:
    folder = _saved(tmp_path, _result("a/b"))
    assert sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()) == [
        "a-b/figures.json",
        "a-b/per-query.tsv",
        "a-b/run.trec",
        "settings.json",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert read_run(folder / "a-b" / "run.trec")["q/1"][0] == ("en1", 1 / 3)
    assert {line.split()[-1] for line in (folder / "a-b" / "run.trec").read_text().splitlines()} == {"model-exact=0.5"}
    rows = [line.split("\t") for line in (folder / "a-b" / "per-query.tsv").read_text().splitlines()]
    assert [row[:2] for row in rows] == [["query", "language"], ["q/1", "en"], ["q2", "ja"], ["q3", "zh"]]
    assert dict(zip(rows[0], rows[1], strict=True))["RR>ja"] == "", "no value, not 0"
    assert json.loads((folder / "a-b" / "figures.json").read_text())["costs"] == {"peak": None, "text": "語"}


def test_a_run_that_found_nothing_at_all(tmp_path: Path) -> None:
    result = _result("tiny", {"q": [], "r": []})
    assert load(_saved(tmp_path, result)).of == {"tiny": result}


def test_scores_that_tie_keep_their_order(tmp_path: Path) -> None:
    run = {"q/1": [("en1", 0.5), ("語", 0.5), ("ja1", 0.5)]}
    loaded = load(_saved(tmp_path, _result("tiny", run))).of["tiny"].run["q/1"]
    assert [document for document, _ in loaded] == ["en1", "語", "ja1"]


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch])
def test_nothing_that_is_there_is_overwritten(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "run")
    for refused in (lambda folder: save(_results(), folder), check_free):
        with pytest.raises(ResultError, match="is there already; give another --output, or remove it"):
            refused(tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    check_free(tmp_path / "other")


@pytest.mark.parametrize("stop", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("files", range(7))
def test_nothing_is_left_when_writing_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: BaseException, files: int
) -> None:
    write, written = Path.write_text, 0

    def stopping(file: Path, text: str, **options: Any) -> int:
        nonlocal written
        if written == files:
            write(file, text[: len(text) // 2], **options)
            raise stop
        written += 1
        return write(file, text, **options)

    monkeypatch.setattr(Path, "write_text", stopping)
    with pytest.raises(ResultError if isinstance(stop, OSError) else KeyboardInterrupt) as error:
        save(_results(_result("a"), _result("b")), tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
    if isinstance(stop, OSError):
        assert str(error.value) == f"{tmp_path / 'run'} cannot be written (no space left on device)"


def test_nothing_is_left_when_the_last_step_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(file: Path, target: Path) -> Path:
        raise OSError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(ResultError, match=r"run cannot be written \(permission denied\)"):
        save(_results(), tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bad", ["two words", "tab\tbed", "line\nbreak", "全角\u3000空白", " ", "", "\ud800"])
def test_ids_that_no_run_can_hold_are_refused(tmp_path: Path, bad: str) -> None:
    table = _result().table
    query = Result("tiny", replace(table, langs={"q1": "en", bad: "en"}), {}, {})
    document = Result("tiny", table, {"q2": [("en1", 2.0), (bad, 1.0)]}, {})
    for kind, result in (("query", query), ("document", document)):
        with pytest.raises(ResultError) as error:
            save(_results(result), tmp_path / "run")
        assert str(error.value).startswith(f"tiny: {kind} id {bad!r} cannot be written")
        assert "\n" not in str(error.value)
        assert list(tmp_path.iterdir()) == []


def test_languages_that_no_table_can_hold_are_refused(tmp_path: Path) -> None:
    table = _result().table
    for broken in (
        replace(table, langs={**table.langs, "q2": "e\tn"}),
        replace(table, columns={**table.columns, "RR>e\tn": {}}),
    ):
        with pytest.raises(ResultError, match=r"tiny: language 'e\\tn' cannot be written"):
            save(_results(Result("tiny", broken, {}, {})), tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_datasets_that_would_share_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="datasets 'a/b' and 'a-b' would share a folder"):
        save(_results(_result("a/b"), _result("a-b")), tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
    assert folder_name("ntrex-mixed/pool0") == "ntrex-mixed-pool0"


def test_a_folder_that_is_not_one_of_results(tmp_path: Path) -> None:
    expected = f"{tmp_path / 'settings.json'}: no such file or directory; expected a folder that search-eval run"
    assert _refused(tmp_path).startswith(expected)
    assert _refused(tmp_path / "none").startswith(str(tmp_path / "none" / "settings.json") + ": no such file")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON ("),
        ("", "not JSON ("),
        ("[" * 100_000, "not JSON ("),
        ("[]", "a JSON list, expected an object"),
        ("{}", "no list of datasets"),
        ('{"system": "s", "datasets": "tiny"}', "no list of datasets"),
        ('{"system": "s", "datasets": [1]}', "no list of datasets"),
        ('{"datasets": ["tiny"]}', "no system"),
    ],
)
def test_broken_settings_are_named(tmp_path: Path, text: str, said: str) -> None:
    file = _saved(tmp_path) / "settings.json"
    file.write_text(text)
    assert _refused(file.parent).startswith(f"{file}: {said}")


@pytest.mark.parametrize("name", ["run.trec", "per-query.tsv", "figures.json"])
def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path, name: str) -> None:
    folder = _saved(tmp_path)
    (folder / "tiny" / name).write_bytes(b"\xff\xfe")
    assert _refused(folder).startswith(f"{folder / 'tiny' / name}: not ")
    (folder / "tiny" / name).unlink()
    assert _refused(folder).startswith(f"{folder / 'tiny' / name}: no such file or directory; ")


def _change(folder: Path, name: str, change: Callable[[str], str]) -> Path:
    file = folder / "tiny" / name
    file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")
    return file


def _without_column(text: str, column: str) -> str:
    rows = [line.split("\t") for line in text.splitlines()]
    place = rows[0].index(column)
    return "".join("\t".join(row[:place] + row[place + 1 :]) + "\n" for row in rows)


@pytest.mark.parametrize("column", ["nDCG@10", "AP", "Success@1"])
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    folder = _saved(tmp_path)
    file = _change(folder, "per-query.tsv", lambda text: _without_column(text, column))
    assert _refused(folder).startswith(f"{file}:1: no column {column}; ")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: "", ":1: no column nDCG@10"),
        (
            lambda text: _without_column(text, "language"),
            ":1: begins with query and nDCG@10, expected query and language",
        ),
        (lambda text: text[: text.rindex("q3") + 1], ":4: 1 columns, expected"),
        (lambda text: text[: text.rindex("\t")], ":4: "),
        (lambda text: text[: text.rindex("\n")], ":4: the last line was cut off"),
        (lambda text: text.replace("q2\tja\t", "q2\tja\t0.5\t"), ":3: "),
        (lambda text: text.replace("q2\tja\t", "q2\tja\tx"), ":3: nDCG@10 is 'x"),
        (lambda text: text.replace("q2\tja\t0.0\t", "q2\tja\tnan\t"), ":3: nDCG@10 is 'nan', expected a number"),
        (lambda text: text.replace("q2\tja", "q/1\tja"), ":3: query 'q/1' was there before"),
    ],
)
def test_a_torn_or_changed_table_is_named_with_its_line(
    tmp_path: Path, change: Callable[[str], str], said: str
) -> None:
    folder = _saved(tmp_path)
    file = _change(folder, "per-query.tsv", change)
    assert _refused(folder).startswith(f"{file}{said}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[: text.rindex(" ")], ":4: 5 columns, expected query, Q0, document, rank, score, tag"),
        (lambda text: text.replace("12.5", "12,5"), ":4: score '12,5', expected a number"),
        (lambda text: text + text, ":5: 'en1' was ranked for 'q/1' before"),
    ],
)
def test_a_torn_or_changed_run_is_named_with_its_line(tmp_path: Path, change: Callable[[str], str], said: str) -> None:
    folder = _saved(tmp_path)
    file = _change(folder, "run.trec", change)
    assert _refused(folder) == f"{file}{said}"


def test_shared_datasets_are_in_the_order_of_the_first() -> None:
    a, b, c = (_result(name) for name in "abc")
    assert shared([_results(c, a, b), _results(a, c)]) == ["c", "a"]
    assert shared([_results(a)]) == ["a"]
    with pytest.raises(ResultError, match="no dataset in common: a and b, c"):
        shared([_results(a, b), _results(c)])


def test_the_temporary_name_is_beside_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def written(run: object, tag: str) -> str:
        seen.extend(path.name for path in tmp_path.iterdir())
        return ""

    monkeypatch.setattr(module, "written_run", written)
    save(_results(), tmp_path / "run")
    assert len(seen) == 1
    assert seen[0].startswith(".run."), "a reader never sees half of it under its name"
