"""The gate: what it lets pass, what it stops, and a baseline that does not fit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from eval.comparison import COMPARED, Values
from eval.errors import ResultError
from eval.gate import Verdict, check, read_baseline, write_baseline
from eval.measures import PEER
from eval.results import Result, Results
from eval.table import Table
from indexer.errors import SearchError

Columns = Mapping[str, Mapping[str, float]]

_LANGS = {f"q{number}": ("ar", "en", "ja", "zh")[number % 4] for number in range(60)}
_VALUES = np.random.default_rng(3).uniform(0.2, 0.8, (len(COMPARED), len(_LANGS)))
_COLUMNS: Columns = {
    name: dict(zip(_LANGS, row.tolist(), strict=True)) for name, row in zip(COMPARED, _VALUES, strict=True)
}


def _results(columns: Columns = _COLUMNS, langs: Mapping[str, str] = _LANGS, name: str = "tiny") -> Results:
    return Results({"system": "model", "sources": {}}, {name: Result(name, Table(langs, columns), {}, {})})


def _with(measure: str, change: Callable[[float, int], float]) -> Results:
    changed = {query: change(value, place) for place, (query, value) in enumerate(_COLUMNS[measure].items())}
    return _results({**_COLUMNS, measure: changed})


def _checked(now: Results, folder: Path) -> list[Verdict]:
    """Against the values above, stored and read again."""
    write_baseline(_results(), folder / "baseline.jsonl")
    return check(now, read_baseline(folder / "baseline.jsonl"))


def _refused(action: Callable[[], object]) -> str:
    with pytest.raises(ResultError) as error:
        action()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_baseline_comes_back_exactly(tmp_path: Path) -> None:
    file = tmp_path / "baseline.jsonl"
    langs = {"a\u2028b\x85": "en", "語": "ja"}
    columns = {name: dict.fromkeys(langs, 1 / 3) for name in COMPARED} | {PEER: {"語": 0.1 + 0.2}, "RR cross": {}}
    both = Results({"system": "s"}, {**_results().of, **_results(columns, langs, "other/語").of})
    write_baseline(both, file)
    read = read_baseline(file)
    assert list(read) == ["tiny", "other/語"]
    assert read["tiny"] == both.of["tiny"].table
    kept = {name: column for name, column in columns.items() if column}
    assert read["other/語"] == Table(langs, kept)
    assert [path.name for path in tmp_path.iterdir()] == ["baseline.jsonl"]
    assert all(verdict.difference.p == 1 for verdict in check(both, read))


def test_a_line_of_a_baseline_is_a_query_and_holds_what_is_compared(tmp_path: Path) -> None:
    file = tmp_path / "baseline.jsonl"
    write_baseline(_results({**_COLUMNS, "P@10": dict.fromkeys(_LANGS, 0.5), "RR>ja": {}}), file)
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [row["query"] for row in rows] == list(_LANGS)
    assert set(rows[0]) == {"dataset", "query", "language", *COMPARED}
    assert rows[1]["AP"] == _COLUMNS["AP"]["q1"]


def test_an_identical_run_passes(tmp_path: Path) -> None:
    verdicts = _checked(_results(), tmp_path)
    assert [verdict.difference.measure for verdict in verdicts] == list(COMPARED)
    for verdict in verdicts:
        assert (verdict.difference.difference, verdict.difference.p, verdict.difference.corrected) == (0, 1, 1)
        assert not verdict.loss


@pytest.mark.parametrize("measure", COMPARED)
def test_a_loss_on_most_queries_fails_and_names_the_measure(tmp_path: Path, measure: str) -> None:
    verdicts = _checked(_with(measure, lambda value, place: value + (0.01 if place % 6 == 0 else -0.02)), tmp_path)
    assert [(verdict.dataset, verdict.difference.measure) for verdict in verdicts if verdict.loss] == [
        ("tiny", measure)
    ]
    (lost,) = (verdict.difference for verdict in verdicts if verdict.loss)
    assert lost.difference == pytest.approx((10 * 0.01 - 50 * 0.02) / 60)
    assert lost.first == pytest.approx(np.mean(list(_COLUMNS[measure].values())))


def test_a_gain_passes(tmp_path: Path) -> None:
    verdicts = _checked(_with("AP", lambda value, place: value + 0.02), tmp_path)
    assert [verdict.difference.measure for verdict in verdicts if verdict.difference.significant] == ["AP"]
    assert not any(verdict.loss for verdict in verdicts)


def test_chance_passes(tmp_path: Path) -> None:
    verdicts = _checked(_with("AP", lambda value, place: value + (-0.1 if place % 2 else 0.095)), tmp_path)
    worse = [verdict.difference.measure for verdict in verdicts if verdict.difference.difference < 0]
    assert worse == ["AP"]
    assert not any(verdict.loss for verdict in verdicts), "a little less, but as many better as worse"
    few = _checked(_with("AP", lambda value, place: 0.0 if place < 3 else value), tmp_path)
    assert not any(verdict.loss for verdict in few), "three queries of sixty"


def test_chance_alone_raises_few_alarms() -> None:
    random, alarms = np.random.default_rng(4), 0
    for _ in range(60):
        noise = random.normal(0, 0.05, len(_LANGS))
        columns = {**_COLUMNS, **{name: _shifted(_COLUMNS[name], noise) for name in COMPARED}}
        alarms += any(verdict.loss for verdict in check(_results(columns), {"tiny": Table(_LANGS, _COLUMNS)}))
    assert alarms <= 5, "of 60, expected at most 2.5 % by chance"


def _shifted(column: Mapping[str, float], noise: Values) -> dict[str, float]:
    return {query: value + shift for (query, value), shift in zip(column.items(), noise.tolist(), strict=True)}


def test_a_loss_in_one_of_several_datasets_is_that_dataset_s(tmp_path: Path) -> None:
    write_baseline(Results({}, {**_results(name="a").of, **_results(name="b").of}), tmp_path / "baseline.jsonl")
    worse = {**_COLUMNS, "AP": {query: value / 2 for query, value in _COLUMNS["AP"].items()}}
    now = Results({}, {**_results(name="a").of, **_results(worse, name="b").of})
    verdicts = check(now, read_baseline(tmp_path / "baseline.jsonl"))
    assert [(verdict.dataset, verdict.difference.measure) for verdict in verdicts if verdict.loss] == [("b", "AP")]
    assert len(check(_results(name="a"), read_baseline(tmp_path / "baseline.jsonl"))) == len(COMPARED)


def test_a_baseline_of_other_datasets_or_queries_is_refused(tmp_path: Path) -> None:
    said = _refused(lambda: _checked(_results(name="other"), tmp_path))
    assert said == "the baseline has no other, only tiny; store it with --write"
    langs = {"x": "en", **_LANGS}
    columns = {name: {"x": 0.5, **column} for name, column in _COLUMNS.items()}
    said = _refused(lambda: _checked(_results(columns, langs), tmp_path))
    assert said.startswith("tiny: 1 queries are in the baseline only or in the dataset only, such as 'x'; store a new")


def test_values_that_only_one_side_has_are_refused(tmp_path: Path) -> None:
    fewer = {**_COLUMNS, PEER: {query: value for query, value in _COLUMNS[PEER].items() if query != "q0"}}
    for columns, known in ((fewer, 59), ({name: own for name, own in _COLUMNS.items() if name != PEER}, 0)):
        said = _refused(lambda columns=columns: _checked(_results(columns), tmp_path))  # type: ignore[misc]
        assert said.startswith(f"tiny: {PEER} is known of 60 queries in the baseline and of {known} now")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("<<<<<<< mine", "not JSON ("),
        ('{"dataset": "d", "query": "q", "langua', "not JSON ("),
        ("[" * 100_000, "not JSON ("),
        ("[]", "not a line of a baseline, expected an object with dataset, query and language"),
        ("1", "not a line of a baseline"),
        ('{"dataset": "d", "query": "q"}', "not a line of a baseline"),
        ('{"dataset": "d", "query": 1, "language": "en"}', "not a line of a baseline"),
        (
            '{"dataset": "d", "query": "q", "language": "en", "AP": "high"}',
            "AP is 'high', expected a number from 0 to 1",
        ),
        ('{"dataset": "d", "query": "q", "language": "en", "AP": null}', "AP is 'None', expected a number"),
        ('{"dataset": "d", "query": "q", "language": "en", "AP": true}', "AP is 'True', expected a number"),
        ('{"dataset": "d", "query": "q", "language": "en", "AP": NaN}', "AP is 'nan', expected a number"),
        ('{"dataset": "d", "query": "q", "language": "en", "AP": 1e999}', "AP is 'inf', expected a number"),
        ('{"dataset": "d", "query": "q", "language": "en", "AP": -0.1}', "AP is '-0.1', expected a number"),
        ('{"dataset": "tiny", "query": "q3", "language": "en"}', "query 'q3' of tiny was there before"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "baseline.jsonl"
    write_baseline(_results(), file)
    file.write_text(file.read_text(encoding="utf-8") + "\n" + line + "\n", encoding="utf-8")
    assert _refused(lambda: read_baseline(file)).startswith(f"{file}:{len(_LANGS) + 2}: {said}")


def test_a_baseline_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    store = "; store a baseline with: search-eval gate ... --write"
    assert (
        _refused(lambda: read_baseline(tmp_path / "none")) == f"{tmp_path / 'none'}: no such file or directory{store}"
    )
    assert _refused(lambda: read_baseline(tmp_path)) == f"{tmp_path}: is a directory{store}"
    file = tmp_path / "baseline.jsonl"
    file.write_bytes(b'{"dataset": "\xff"}\n')
    assert _refused(lambda: read_baseline(file)) == f"{file}: not UTF-8 (byte 13)"
    file.write_text("\n")
    assert _refused(lambda: read_baseline(file)) == f"{file}: an empty baseline{store}"


def test_a_mark_at_the_front_and_other_line_ends_change_nothing(tmp_path: Path) -> None:
    file = tmp_path / "baseline.jsonl"
    write_baseline(_results(), file)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert read_baseline(file)["tiny"] == _results().of["tiny"].table


def test_the_old_baseline_stays_when_the_new_one_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "baseline.jsonl"
    write_baseline(_results(), file)
    before = file.read_bytes()

    def full(path: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(SearchError) as error:
        write_baseline(_with("AP", lambda value, place: 0.0), file)
    assert str(error.value) == f"{file} cannot be written (no space left on device)"
    assert [path.name for path in tmp_path.iterdir()] == ["baseline.jsonl"]
    assert file.read_bytes() == before
