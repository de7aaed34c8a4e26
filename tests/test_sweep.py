"""A grid of settings: what it may hold, the order of its rows, and that each row is what its settings give alone."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import pytest

from eval import evaluation
from eval.bar import bar
from eval.datasets import Dataset
from eval.evaluation import System, evaluate
from eval.results import Result
from eval.sweep import SweepRow, grid_of, sweep
from eval.vector_cache import RememberingEncoder
from indexer.errors import SearchError
from indexer.models import default_model
from search_api.scoring import Stages
from tests.fakes import FakeEncoder
from tests.four_topics import WrongEncoder, four_topics


def quiet(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def asked(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The model `wrong` is one that has got worse; which models were asked for."""
    monkeypatch.setenv("SEARCH_CACHE", str(cache))
    models: list[str] = []

    def remembering(model: str) -> RememberingEncoder:
        models.append(model)
        wrong = model == "wrong"
        return RememberingEncoder(WrongEncoder(fingerprint="wrong") if wrong else FakeEncoder())

    monkeypatch.setattr(evaluation, "remembering", remembering)
    return iter([models])


def alone(dataset: Dataset, system: System) -> Result:
    return evaluate([dataset], system, 1, quiet).of[dataset.name]


def without_costs(result: Result) -> dict[str, object]:
    return {name: value for name, value in result.figures.items() if name != "costs"}


def test_a_grid_holds_the_values_of_each_setting() -> None:
    assert grid_of(["exact=0,0.5", "budget=40", "model=a,b+use"]) == {
        "exact": ["0", "0.5"],
        "budget": ["40"],
        "model": ["a", "b+use"],
    }
    assert grid_of(["budget=8"]) == {"budget": ["8"]}


@pytest.mark.parametrize(
    ("tries", "said"),
    [
        (["exact"], "--try exact, expected NAME=VALUE,VALUE"),
        (["exact="], "--try exact=, expected NAME=VALUE,VALUE"),
        (["exact=0,,1"], "--try exact=0,,1, expected NAME=VALUE,VALUE"),
        (["exact=0,"], "--try exact=0,, expected NAME=VALUE,VALUE"),
        (["exact=0", "means=1", "exact=1"], "--try exact is there twice; give all its values at once"),
        (["luck=1"], "luck=1: there is no setting 'luck', only "),
        (["=1"], "=1: there is no setting '', only "),
        (["exact=0,11"], "exact=11: expected 0 to 10"),
        (["exact=0,much"], "exact=much: expected a number behind exact="),
        (["means=0,2"], "means=2: expected 0 or 1"),
        (["budget=40,7"], "budget=7, expected at least 8 tokens"),
        (["budget=many"], "budget=many, expected at least 8 tokens"),
        (["budget=-40"], "budget=-40, expected at least 8 tokens"),
        (["budget=40.5"], "budget=40.5, expected at least 8 tokens"),
    ],
)
def test_what_cannot_be_tried_is_one_line_before_anything_slow(
    tries: list[str], said: str, asked: Iterator[list[str]]
) -> None:
    with pytest.raises(SearchError) as caught:
        grid_of(tries)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
    assert next(asked) == []


def test_each_row_is_what_its_settings_give_alone() -> None:
    datasets = [four_topics("one"), four_topics("two", ["ban", "gas"])]
    rows = sweep(datasets, grid_of(["means=0,1", "feedback=0,2", "budget=8,40"]), 1, quiet)
    assert len(rows) == 8
    tables = set()
    for row in rows:
        system = System(
            default_model(),
            Stages(means=row.settings["means"] == "1", feedback=float(row.settings["feedback"])),
            int(row.settings["budget"]),
        )
        assert list(row.results) == ["one", "two"]
        for dataset in datasets:
            expected = alone(dataset, system)
            result = row.results[dataset.name]
            assert (result.table, result.run) == (expected.table, expected.run)
            assert without_costs(result) == without_costs(expected)
            assert result.figures["costs"]["passages"] == expected.figures["costs"]["passages"]
        tables.add(repr(row.results["one"].run))
    assert len(tables) > 4, "settings that change nothing prove nothing"


def test_rows_come_best_first_and_equal_ones_as_they_were_given() -> None:
    dataset = four_topics()
    rows = sweep([dataset], grid_of(["means=0,1"]), 1, quiet)
    assert [row.settings for row in rows] == [{"means": "1"}, {"means": "0"}]
    assert rows[0].mean("nDCG@10") > rows[1].mean("nDCG@10") + 0.05
    again = sweep([dataset], grid_of(["means=1,0"]), 1, quiet)
    assert [row.settings for row in again] == [{"means": "1"}, {"means": "0"}]
    equal = sweep([dataset], grid_of(["exact=0.5,0.50", "budget=69,68"]), 1, quiet)
    assert [tuple(row.settings.values()) for row in equal] == [
        ("0.5", "69"),
        ("0.5", "68"),
        ("0.50", "69"),
        ("0.50", "68"),
    ]


def test_a_row_is_the_mean_over_its_datasets() -> None:
    datasets = [four_topics("one"), four_topics("two", ["ban", "gas"])]
    (row,) = sweep(datasets, grid_of(["means=0"]), 1, quiet)
    for column in ("nDCG@10", "RR cross"):
        values = [alone(dataset, System("any", Stages(means=False))).table.mean(column) for dataset in datasets]
        assert values[0] != values[1]
        assert row.mean(column) == pytest.approx(fmean(values))


def test_a_model_is_a_setting(asked: Iterator[list[str]]) -> None:
    right, wrong = sweep([four_topics()], grid_of(["model=wrong,right"]), 1, quiet)
    assert (dict(right.settings), dict(wrong.settings)) == ({"model": "right"}, {"model": "wrong"})
    assert right.mean("nDCG@10") > 0.9 > 0.8 > wrong.mean("nDCG@10")
    assert next(asked) == ["wrong", "right"]
    assert (right.results["four/topics"].figures["model"], wrong.results["four/topics"].figures["model"]) == (
        "right",
        "wrong",
    )


def test_a_budget_changes_the_passages() -> None:
    by_budget = {
        row.settings["budget"]: row.results["four/topics"].figures["costs"]["passages"]
        for row in sweep([four_topics()], grid_of(["budget=8,20,68"]), 1, quiet)
    }
    assert by_budget["8"] > by_budget["20"] > by_budget["68"] == 16
    default: SweepRow = sweep([four_topics()], grid_of(["exact=0.5"]), 1, quiet)[0]
    assert default.results["four/topics"].figures["costs"]["passages"] == 16


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_and_a_log_shows_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", _Terminal())
    terminal = sys.stderr
    assert isinstance(terminal, _Terminal)
    with bar(2) as (line, finished):
        assert finished is not None
        sweep([four_topics()], grid_of(["exact=0,0.5"]), 1, line, finished)
    assert "2/2" in terminal.getvalue()
    assert "search-eval: four/topics: encoding 16 queries" in terminal.getvalue()
    monkeypatch.undo()
    with bar(2) as (line, finished):
        assert finished is None
        line("a line")
    assert capsys.readouterr().err == "search-eval: a line\n"
