"""The command search-eval: what it prints, writes and exits with; a mistake is one line, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from eval import cli, evaluation, results
from eval.comparison import COMPARED
from eval.datasets import load_folder
from eval.evaluation import System, default_system
from eval.experiment import Outcome, run_dataset
from eval.figures import figures
from eval.stages import WITHOUT, without
from eval.vector_cache import RememberingEncoder
from indexer.sample import sample_file
from search_api.scoring import Stages
from tests.fakes import FakeEncoder
from tests.four_topics import WrongEncoder, four_topics, write

_SEEDS = sample_file().parent
_NAME = "sets/four"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def encoders(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[FakeEncoder]:
    """Those that were used; the model `wrong` is one that has got worse. Their vectors are forgotten with the test."""
    monkeypatch.setenv("SEARCH_CACHE", str(cache))
    used: list[FakeEncoder] = []

    def remembering(model: str) -> RememberingEncoder:
        used.append(WrongEncoder(fingerprint="wrong") if model == "wrong" else FakeEncoder())
        return RememberingEncoder(used[-1], tmp_path / "vectors")

    monkeypatch.setattr(evaluation, "remembering", remembering)
    return used


@pytest.fixture
def four(tmp_path: Path) -> str:
    return write(tmp_path / "sets" / "four")


def ok(*arguments: str) -> None:
    assert cli.main([*arguments]) == 0


def one_line(arguments: Sequence[str], capsys: pytest.CaptureFixture[str], status: int = 2) -> str:
    """What is said; everything else that may be on standard error is progress."""
    capsys.readouterr()
    assert cli.main(arguments) == status
    caught = capsys.readouterr()
    assert caught.out == ""
    lines = [line for line in caught.err.splitlines() if not re.search(r": \d+ of \d+ documents|: encoding \d+", line)]
    assert len(lines) == 1, caught.err
    assert lines[0].startswith("search-eval: ")
    return lines[0].removeprefix("search-eval: ")


def figures_of(dataset: str, stages: Stages | None = None) -> dict[str, Any]:
    """By the plain path."""
    loaded = load_folder(Path(dataset))
    run = run_dataset(loaded, FakeEncoder(), stages or Stages(), lambda _: None)
    return figures(loaded, run, default_system().model)


def without_costs(row: Mapping[str, Any]) -> dict[str, Any]:
    assert row["costs"]["passages"] > 0
    return {name: value for name, value in row.items() if name != "costs"}


def files(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


# run


def test_each_stage_can_be_left_out_on_the_command_line(
    four: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[System] = []

    def noted(tasks: Sequence[tuple[Any, System]], *_: Any) -> list[Outcome]:
        asked.extend(system for _, system in tasks)
        empty: dict[str, list[Any]] = {query.id: [] for query in tasks[0][0].queries}
        return [Outcome(empty, empty, 1.0, 1.0, 1, 1.0, None)]

    monkeypatch.setattr(evaluation, "outcomes_of", noted)
    for name in WITHOUT:
        ok("run", four, "--without", name)
    ok("run", four, "--without", "maps", "--without", "exact")
    assert [system.stages for system in asked] == [
        *(without([name]) for name in WITHOUT),
        Stages(maps=False, exact=0.0),
    ]
    asked.clear()
    ok("run", four, "--without", "maps", "--set", "exact=2", "--set", "context=0", "--budget", "8", "--model", "m")
    assert asked == [System("m", Stages(maps=False, exact=2.0, context=False), 8)]
    with pytest.raises(SystemExit) as caught:
        cli.main(["run", four, "--without", "luck"])
    assert caught.value.code == 2
    assert "invalid choice: 'luck'" in capsys.readouterr().err


def test_figures_are_those_of_the_plain_path(four: str, capsys: pytest.CaptureFixture[str]) -> None:
    ok("run", four, "--json", "-", "--without", "means")
    caught = capsys.readouterr()
    row = json.loads(caught.out)
    assert without_costs(row) == figures_of(four, without(["means"]))
    assert row["dataset"] == _NAME
    values = [row["measures"]["nDCG@10"], row["measures"]["AP"], row["measures"]["R@100"], row["first_hit_right"]]
    values += [row["same_language"]["RR"], row["cross_language"]["RR"], row["equal_expected_ranks"]]
    line = _NAME.ljust(12) + "".join(f"  {value:8.3f}" for value in values)
    assert line in caught.err.splitlines(), "the table goes where it does not disturb"
    ok("run", four, "--without", "means")
    assert capsys.readouterr().out.splitlines()[1] == line


def test_weights_are_what_is_set(four: str, capsys: pytest.CaptureFixture[str]) -> None:
    ok("run", four, "--set", "means=0", "--set", "maps=0", "--set", "generic=0", "--json", "-")
    changed = json.loads(capsys.readouterr().out)
    assert without_costs(changed) == figures_of(four, without(["means"])) != figures_of(four)
    ok("run", four, "--budget", "8", "--json", "-")
    assert json.loads(capsys.readouterr().out)["costs"]["passages"] > 16


def test_a_split_chooses_the_judgements(capsys: pytest.CaptureFixture[str]) -> None:
    judged = {}
    for split in ("test", "exact"):
        ok("run", str(_SEEDS), "--split", split, "--json", "-")
        judged[split] = json.loads(capsys.readouterr().out)["queries"]
    assert judged == {split: len(load_folder(_SEEDS, split).queries) for split in judged}
    assert judged["test"] >= 80 != judged["exact"]


def test_the_command_writes_figures_whole_or_not_at_all(
    four: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    ok("run", four, "--json", str(file))
    assert without_costs(json.loads(file.read_text(encoding="utf-8"))) == figures_of(four)
    assert [path.name for path in tmp_path.glob("figures*")] == ["figures.json"]
    capsys.readouterr()
    ok("run", four, "--json", "-")
    assert json.loads(capsys.readouterr().out)["documents"] == 16
    assert cli.main(["run", four, "--json", str(tmp_path / "no" / "where")]) == 2
    assert "no/where cannot be written (no such file or directory)" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()


def test_several_datasets_give_their_mean(four: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two = write(tmp_path / "sets" / "two", ["ban", "gas"])
    judgements = "ask-ban-en\tgas-ja\t1\nask-ban-ja\tban-ja\t1\n"
    (Path(two) / "qrels" / "test.tsv").write_text(judgements, encoding="utf-8")
    ok("run", four, two, "--jobs", "1", "--json", "-", "--without", "means")
    caught = capsys.readouterr()
    both = json.loads(caught.out)
    expected = [figures_of(name, without(["means"])) for name in (four, two)]
    assert [without_costs(row) for row in both["runs"]] == expected
    for part in ("measures", "same_language", "cross_language"):
        for name, value in both["mean"][part].items():
            assert value == pytest.approx((expected[0][part][name] + expected[1][part][name]) / 2), name
    assert both["mean"]["measures"].keys() == expected[0]["measures"].keys()
    assert both["mean"]["measures"]["nDCG@10"] not in (row["measures"]["nDCG@10"] for row in expected)
    assert [row["first_hit_right"] for row in expected] == [1.0, 0.5]
    assert both["mean"]["first_hit_right"] == (expected[0]["first_hit_right"] + expected[1]["first_hit_right"]) / 2
    (line,) = (line for line in caught.err.splitlines() if line.startswith("mean "))
    assert float(line.split()[1]) == pytest.approx(both["mean"]["measures"]["nDCG@10"], abs=0.0005)


def test_of_each_dataset_only_some_queries(four: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ok("run", four, "--queries", "3", "--output", str(tmp_path / "few"), "--json", "-")
    assert json.loads(capsys.readouterr().out)["queries"] == 3
    every = [query.id for query in four_topics().queries]
    kept = list(results.load(tmp_path / "few").of[_NAME].table.langs)
    assert kept == [query for query in every if query in kept], "in the dataset's order"
    ok("run", four, "--queries", "99", "--json", "-")
    assert json.loads(capsys.readouterr().out)["queries"] == 16


def test_output_is_a_folder_of_all_that_was_measured(
    four: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two = write(tmp_path / "sets" / "two", ["ban", "gas"])
    folder = tmp_path / "deep" / "out"
    ok("run", four, two, "--jobs", "1", "--output", str(folder), "--json", "-", "--set", "exact=0")
    both = json.loads(capsys.readouterr().out)
    assert files(folder) == sorted(
        ["settings.json"]
        + [f"sets-{name}/{part}" for name in ("four", "two") for part in ("figures.json", "per-query.tsv", "run.trec")]
    )
    assert [path.name for path in folder.parent.iterdir()] == ["out"]
    saved = results.load(folder)
    assert [dict(result.figures) for result in saved.of.values()] == both["runs"]
    assert saved.system == f"{default_system().model} exact=0"
    assert saved.settings["stages"] == asdict(Stages(exact=0.0))
    assert saved.settings["sources"] == {_NAME: four, "sets/two": two}
    assert saved.of[_NAME].table.mean("nDCG@10") == pytest.approx(both["runs"][0]["measures"]["nDCG@10"])
    run = run_dataset(load_folder(Path(four)), FakeEncoder(), Stages(exact=0.0), lambda _: None)
    assert {query: [document for document, _ in own] for query, own in saved.of[_NAME].run.items()} == run


# compare


@pytest.fixture
def runs(four: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, Path]:
    """Folders of a good model and of a worse one."""
    ok("run", four, "--output", str(tmp_path / "good"))
    ok("run", four, "--output", str(tmp_path / "bad"), "--model", "wrong")
    capsys.readouterr()
    return tmp_path / "good", tmp_path / "bad"


def test_a_run_compared_with_itself_differs_in_nothing(
    runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    good = str(runs[0])
    ok("compare", good, good)
    lines = capsys.readouterr().out.splitlines()
    table = [line.split() for line in lines if line.startswith(COMPARED)]
    assert [" ".join(cells[:-8]) for cells in table] == list(COMPARED)
    for cells in table:
        queries, first, second, *rest = cells[-8:]
        assert (queries, first, rest) == ("16", second, ["+0.000", "+0.000", "+0.000", "1.0000", "1.0000"])
    assert "*" not in "".join(lines)
    assert "  en>ja: 0/0/4, +0.000" in lines
    assert not any("->" in line for line in lines), "no query changed"
    ok("compare", good, good, "--json", "-")
    compared = json.loads(capsys.readouterr().out)
    assert compared[_NAME]["changes"] == []
    assert {row["p"] for row in compared[_NAME]["differences"]} == {1.0}


def test_what_a_worse_run_lost_is_shown_with_its_hits_and_titles(
    runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = (results.load(folder).of[_NAME] for folder in runs)
    ok("compare", str(runs[0]), str(runs[1]), "--changes", "4")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [f"first:  {default_system().name}", "second: wrong", "", _NAME]
    row = next(line.split() for line in lines if line.startswith("nDCG@10"))
    gained = bad.table.mean("nDCG@10") - good.table.mean("nDCG@10")
    assert row[1:5] == [
        "16",
        f"{good.table.mean('nDCG@10'):.3f}",
        f"{bad.table.mean('nDCG@10'):.3f}",
        f"{gained:+.3f}",
    ]
    assert gained < -0.15
    assert row[-1] == "*"
    dataset = four_topics()
    texts = {query.id: query.text for query in dataset.queries}
    titles = {document.id: document.title for document in dataset.documents}
    loss = {
        query: bad.table.columns["nDCG@10"][query] - value for query, value in good.table.columns["nDCG@10"].items()
    }
    shown = [place for place, line in enumerate(lines) if " -> " in line]
    assert len(shown) == 4
    for place, query in zip(shown, sorted(loss, key=lambda query: (-abs(loss[query]), query)), strict=False):
        before, after = (own.table.columns["nDCG@10"][query] for own in (good, bad))
        assert lines[place] == f"{query}: nDCG@10 {before:.3f} -> {after:.3f}  {texts[query]}"
        for rank in range(3):
            sides = []
            for own in (good, bad):
                document = own.run[query][rank][0]
                sides.append(f"[{dataset.qrels[query].get(document, '-')}] {document} {titles[document]}")
            assert lines[place + 1 + rank] == f"  {rank + 1}  {sides[0]}  |  {sides[1]}"


def test_a_comparison_as_json_has_the_same_figures(
    runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "compared.json"
    ok("compare", str(runs[0]), str(runs[1]), "--changes", "2", "--json", str(file))
    lines = capsys.readouterr().out.splitlines()
    compared = json.loads(file.read_text(encoding="utf-8"))[_NAME]
    assert [row["measure"] for row in compared["differences"]] == list(COMPARED)
    assert len(compared["changes"]) == 2
    for row in compared["differences"]:
        (line,) = (line for line in lines if line.startswith(f"{row['measure']} "))
        assert f"{row['difference']:+.3f}" in line
        assert f"{row['corrected']:.4f}{' *' if row['corrected'] < 0.05 else ''}" in line
    assert all(change["second"] < change["first"] for change in compared["changes"])


def test_a_comparison_without_its_dataset_still_has_ids(
    four: str, runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (Path(four) / "corpus.jsonl").unlink()
    good = results.load(runs[0]).of[_NAME]
    ok("compare", str(runs[0]), str(runs[1]), "--changes", "1")
    lines = capsys.readouterr().out.splitlines()
    (place,) = (place for place, line in enumerate(lines) if " -> " in line)
    query = lines[place].split(":")[0]
    assert lines[place].endswith(f"{results.load(runs[1]).of[_NAME].table.columns['nDCG@10'][query]:.3f}  ")
    assert lines[place + 1].startswith(f"  1  [-] {good.run[query][0][0]}  |  [-] ")


# score


def test_a_run_of_another_system_has_the_figures_of_a_run_of_ours(
    four: str, runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = runs[0] / "sets-four" / "run.trec"
    ok("score", four, str(written), "--system", "another one", "--output", str(tmp_path / "scored"), "--json", "-")
    caught = capsys.readouterr()
    figures = json.loads(caught.out)
    ours = results.load(runs[0]).of[_NAME]
    assert {**figures, "model": "", "costs": {}} == {**ours.figures, "model": "", "costs": {}}
    assert caught.err.splitlines()[1].startswith(_NAME)
    scored = results.load(tmp_path / "scored")
    assert scored.system == "another one"
    assert scored.of[_NAME].run == ours.run
    ok("compare", str(runs[0]), str(tmp_path / "scored"))
    assert "+0.000" in capsys.readouterr().out
    ok("score", four, str(written), "--output", str(tmp_path / "named"))
    assert results.load(tmp_path / "named").system == "run"
    assert "is there already" in one_line(["score", four, str(written), "--output", str(tmp_path / "named")], capsys)


def test_what_a_run_lacks_counts_as_0_and_is_said(
    four: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [query.id for query in four_topics().queries]
    file = tmp_path / "other.run"
    lines = [f"{asked[0]} Q0 {asked[0].removeprefix('ask-')} 1 9 t", f"nobody Q0 {asked[0].removeprefix('ask-')} 1 9 t"]
    file.write_text("\n".join(lines), encoding="utf-8")
    ok("score", four, str(file), "--json", "-")
    caught = capsys.readouterr()
    lacking = sorted(set(asked) - {asked[0]})
    assert caught.err.splitlines()[:2] == [
        f"search-eval: {file}: judged queries that it lacks, which count as 0: 15, such as '{lacking[0]}'",
        f"search-eval: {file}: queries that nobody judged, left out: 1, such as 'nobody'",
    ]
    assert json.loads(caught.out)["measures"]["RR"] == pytest.approx(1 / 16)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ": an empty run"),
        ("nobody Q0 {known} 1 1 t", ": none of the queries of sets/four, such as 'ask-"),
        ("nobody Q0 {known} 1 1 t\nnobody Q0 gone 2 0 t", ":2: document 'gone' is not one of the dataset's"),
        ("nobody Q0 {known} 1 high t", ":1: score 'high', expected a number"),
    ],
)
def test_a_run_that_does_not_fit_is_named(
    four: str, text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "other.run"
    file.write_text(text.format(known=four_topics().documents[0].id), encoding="utf-8")
    message = one_line(["score", four, str(file), "--output", str(tmp_path / "scored")], capsys)
    assert message.startswith(f"{file}{said}")
    assert not (tmp_path / "scored").exists()


# report


def test_a_report_is_written_of_one_run_or_two(
    runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, text = tmp_path / "report.html", tmp_path / "report.md"
    ok("report", str(runs[0]), str(runs[1]), "--output", str(page))
    assert capsys.readouterr().err == f"search-eval: {page}: written\n"
    ok("report", str(runs[0]), "--output", str(text))
    good = results.load(runs[0]).of[_NAME]
    html, markdown = page.read_text(encoding="utf-8"), text.read_text(encoding="utf-8")
    assert html.startswith("<!DOCTYPE html>")
    for value in (f"{good.table.mean('nDCG@10'):.3f}", f"{good.table.mean('RR cross'):.3f}"):
        assert value in html
        assert value in markdown
    dataset = four_topics()
    changed = max(good.run, key=lambda query: good.table.columns["nDCG@10"][query])
    assert {query.id: query.text for query in dataset.queries}[changed] in html
    assert any(document.title in html for document in dataset.documents), "titles, not ids alone"
    assert "wrong" in html
    assert "wrong" not in markdown


def test_a_report_needs_a_name_that_says_its_form(
    runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("report.pdf", "report"):
        said = one_line(["report", str(runs[0]), "--output", str(tmp_path / name)], capsys)
        assert said == f"--output {tmp_path / name}, expected a name that ends in .html or .md"
    assert "expected a folder that search-eval run --output wrote" in one_line(
        ["report", str(tmp_path / "none"), "--output", str(tmp_path / "report.md")], capsys
    )


# gate


def test_the_gate_lets_pass_what_is_as_good_and_stops_what_is_worse(
    four: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline = tmp_path / "baseline.jsonl"
    ok("gate", four, "--baseline", str(baseline), "--write")
    assert f"{baseline}: stored as the baseline" in capsys.readouterr().err
    rows = [json.loads(line) for line in baseline.read_text(encoding="utf-8").splitlines()]
    assert [(row["dataset"], row["query"], row["language"]) for row in rows] == [
        (_NAME, query.id, query.lang) for query in four_topics().queries
    ]
    assert sum(row["nDCG@10"] for row in rows) / 16 == pytest.approx(figures_of(four)["measures"]["nDCG@10"])

    ok("gate", four, "--baseline", str(baseline))
    caught = capsys.readouterr()
    assert caught.out.splitlines()[0] == _NAME
    assert "significantly worse" not in caught.err

    stored = baseline.read_bytes()
    assert cli.main(["gate", four, "--baseline", str(baseline), "--model", "wrong"]) == 1
    caught = capsys.readouterr()
    worse = [line for line in caught.out.splitlines() if line.endswith(" *")]
    assert {line[:12].strip() for line in worse} >= {"nDCG@10", "AP", "RR cross"}
    assert f"significantly worse than {baseline} in {len(worse)} figures (corrected p below 0.05)" in caught.err
    assert baseline.read_bytes() == stored

    ok("gate", four, "--baseline", str(baseline), "--model", "wrong", "--write")
    ok("gate", four, "--baseline", str(baseline))
    assert "significantly worse" not in capsys.readouterr().err, "better is no loss"


def test_a_gate_without_a_fitting_baseline_is_a_mistake(
    four: str, tmp_path: Path, encoders: list[FakeEncoder], capsys: pytest.CaptureFixture[str]
) -> None:
    baseline = tmp_path / "baseline.jsonl"
    arguments = ["gate", four, "--baseline", str(baseline)]
    assert one_line(arguments, capsys) == (
        f"{baseline}: no such file or directory; store a baseline with: search-eval gate ... --write"
    )
    baseline.write_text('{"dataset": "x"\n', encoding="utf-8")
    assert one_line(arguments, capsys).startswith(f"{baseline}:1: not ")
    assert encoders == [], "said before anything slow"
    ok("gate", write(tmp_path / "sets" / "two", ["ban"]), "--baseline", str(baseline), "--write")
    assert one_line(arguments, capsys) == f"the baseline has no {_NAME}, only sets/two; store it with --write"
    ok(*arguments, "--write", "--queries", "4")
    assert one_line(arguments, capsys).startswith(f"{_NAME}: 12 queries are in the baseline only or in the dataset")
    assert one_line([*arguments[:3], str(tmp_path / "no" / "where"), "--write"], capsys) == (
        f"{tmp_path}/no/where cannot be written (no such file or directory)"
    )
    assert not (tmp_path / "no").exists()


# sweep


def test_a_sweep_is_a_table_best_first(four: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows.json"
    ok("sweep", four, "--try", "means=0,1", "--try", "budget=8,40", "--jobs", "1", "--json", str(file))
    lines = capsys.readouterr().out.splitlines()
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    assert sorted((row["settings"]["means"], row["settings"]["budget"]) for row in rows) == [
        ("0", "40"),
        ("0", "8"),
        ("1", "40"),
        ("1", "8"),
    ]
    assert [row["settings"]["means"] for row in rows] == ["1", "1", "0", "0"]
    assert [row["means"]["nDCG@10"] for row in rows] == sorted((row["means"]["nDCG@10"] for row in rows), reverse=True)
    assert lines[0].split() == ["nDCG@10", "AP", "RR", "same", "RR", "cross"]
    for line, row in zip(lines[1:], rows, strict=True):
        own = row["datasets"][_NAME]
        values = [own["measures"]["nDCG@10"], own["measures"]["AP"]]
        values += [own["same_language"]["RR"], own["cross_language"]["RR"]]
        assert line.split() == [
            f"means={row['settings']['means']}",
            f"budget={row['settings']['budget']}",
            *(f"{value:.3f}" for value in values),
        ]
        assert list(row["means"].values()) == pytest.approx(values)
    by_budget = {row["settings"]["budget"]: row["datasets"][_NAME]["costs"]["passages"] for row in rows}
    assert by_budget["8"] > by_budget["40"]


def test_a_sweep_of_several_datasets_names_each(four: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two = write(tmp_path / "sets" / "two", ["ban", "gas"])
    ok("sweep", four, two, "--try", "means=0", "--jobs", "1")
    head, line = capsys.readouterr().out.splitlines()
    assert head.split("  ")[-2:] == [f"nDCG@10 {_NAME}", "nDCG@10 sets/two"]
    values = [figures_of(name, Stages(means=False))["measures"]["nDCG@10"] for name in (four, two)]
    assert line.split()[-2:] == [f"{value:.3f}" for value in values]
    assert line.split()[1] == f"{sum(values) / 2:.3f}"
    assert len(head) == len(line)


# mistakes


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "/nowhere"], "/nowhere/corpus.jsonl: no such file or directory"),
        (["run", str(_SEEDS), "--split", "nowhere"], "qrels/nowhere.tsv: no such file or directory"),
        (["bench", "sentences"], "bench sentences needs --data DIR"),
        (["run", "FOUR", "--queries", "0"], "--queries 0, expected at least 1"),
        (["run", "FOUR", "--queries", "-3"], "--queries -3, expected at least 1"),
        (["run", "FOUR", "--jobs", "0"], "--jobs 0, expected at least 1"),
        (["gate", "FOUR", "--baseline", "x", "--write", "--jobs", "-1"], "--jobs -1, expected at least 1"),
        (["sweep", "FOUR", "--try", "exact=0", "--jobs", "0"], "--jobs 0, expected at least 1"),
        (["run", "FOUR", "--budget", "7"], "--budget 7, expected at least 8 tokens"),
        (["run", "FOUR", "FOUR"], "two datasets are called sets/four; give each once"),
        (["sweep", "FOUR", "FOUR", "--try", "exact=0"], "two datasets are called sets/four; give each once"),
        (["run", "FOUR", "--set", "luck=1"], "luck=1: there is no setting 'luck', only context, "),
        (["run", "FOUR", "--set", "exact"], "exact: expected a number behind exact="),
        (["run", "FOUR", "--set", "sentences=2"], "sentences=2: expected 0 to 1"),
        (["gate", "FOUR", "--baseline", "/nowhere/x"], "/nowhere/x: no such file or directory; store a baseline"),
        (["sweep", "/nowhere", "--try", "luck=0,1"], "luck=0: there is no setting 'luck'"),
        (["sweep", "FOUR", "--try", "exact"], "--try exact, expected NAME=VALUE,VALUE"),
        (["compare", "/nowhere/a", "/nowhere/b"], "/nowhere/a/settings.json: no such file or directory; expected a"),
        (["run", "ir_datasets:x/y"], "ir_datasets:x/y needs a package; install it with: pip install"),
    ],
    ids=lambda value: " ".join(value)[-30:] if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line(
    arguments: list[str],
    said: str,
    four: str,
    encoders: list[FakeEncoder],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "ir_datasets", None)
    assert said in one_line([four if word == "FOUR" else word for word in arguments], capsys)
    assert encoders == [], "said before anything slow"


def test_an_output_that_is_there_is_refused_before_anything_is_encoded(
    four: str, tmp_path: Path, encoders: list[FakeEncoder], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    file.write_text("mine")
    for there in (folder, file):
        said = one_line(["run", four, "--output", str(there)], capsys)
        assert said == f"{there} is there already; give another --output, or remove it"
    assert encoders == []
    assert (list(folder.iterdir()), file.read_text()) == ([], "mine")


def test_runs_of_other_queries_or_datasets_cannot_be_compared(
    four: str, runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ok("run", four, "--queries", "4", "--output", str(tmp_path / "few"))
    ok("run", write(tmp_path / "sets" / "two", ["ban"]), "--output", str(tmp_path / "two"))
    said = one_line(["compare", str(runs[0]), str(tmp_path / "few")], capsys)
    assert said.startswith(f"{_NAME}: the runs are of other queries (12 are in one only, such as ")
    said = one_line(["compare", str(runs[0]), str(tmp_path / "two")], capsys)
    assert said == f"no dataset in common: {_NAME}, sets/two"


@pytest.mark.parametrize("part", ["settings.json", "sets-four/run.trec", "sets-four/per-query.tsv"])
def test_a_damaged_folder_of_results_is_named(
    runs: tuple[Path, Path], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = runs[1] / part
    file.write_text("a b\tc\td\n" + file.read_text(encoding="utf-8")[:200], encoding="utf-8")
    assert one_line(["compare", *map(str, runs)], capsys).startswith(str(file))
    file.unlink()
    assert one_line(["compare", *map(str, runs)], capsys).startswith(f"{file}: no such file or directory")


# interruptions


def interrupted(*_: Any, **__: Any) -> Any:
    raise KeyboardInterrupt


def full(*_: Any, **__: Any) -> Any:
    raise OSError(28, os.strerror(28))


def test_ctrl_c_exits_with_130_and_leaves_nothing(
    four: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline = tmp_path / "out" / "baseline"
    commands = [
        ["run", four, "--output", str(tmp_path / "out" / "folder"), "--json", str(tmp_path / "out" / "figures")],
        ["gate", four, "--baseline", str(baseline), "--write"],
        ["sweep", four, "--try", "exact=0,1", "--jobs", "1", "--json", str(tmp_path / "out" / "rows")],
    ]
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(FakeEncoder, "encode_queries", interrupted)
    for arguments in commands:
        assert one_line(arguments, capsys, status=130) == "interrupted; nothing was written"
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("happens", "status", "said"),
    [
        (interrupted, 130, "interrupted; nothing was written"),
        (full, 2, "OUT cannot be written (no space left on device)"),
    ],
)
def test_nothing_half_written_stays(
    happens: Callable[..., Any],
    status: int,
    said: str,
    four: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The run and the table of the first dataset are written when it happens."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.setattr(results, "_json", happens)
    assert cli.main(["run", four, "--output", str(place / "out")]) == status
    assert capsys.readouterr().err.splitlines()[-1] == f"search-eval: {said.replace('OUT', str(place / 'out'))}"
    assert list(place.iterdir()) == []
