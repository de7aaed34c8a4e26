"""Comparisons: p-values against every flip of signs, intervals against simulated truth, and the rest by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval import comparison
from eval.comparison import COMPARED, Change, PairOutcome, compare, differences, holm, interval, randomisation, topic_of
from eval.errors import ResultError
from eval.results import Result
from eval.table import Table

_tenths = st.integers(-10, 10)


def _exact(sums: Sequence[int]) -> float:
    """The share of all flips whose sum is as far from 0, in whole numbers."""
    found = [abs(sum(sign * value for sign, value in zip(signs, sums, strict=True))) for signs in _signs(len(sums))]
    return sum(value >= abs(sum(sums)) for value in found) / len(found)


def _signs(count: int) -> list[tuple[int, ...]]:
    return list(product((1, -1), repeat=count))


def _near(value: float, exact: float) -> bool:
    """Within five standard errors of as many draws, and the one that counts itself."""
    return abs(value - exact) <= 5 * math.sqrt(exact * (1 - exact) / comparison._DRAWS) + 2 / comparison._DRAWS


def _own(count: int) -> list[str]:
    return [f"t{number}" for number in range(count)]


@settings(max_examples=50)
@given(st.lists(_tenths, min_size=1, max_size=10))
def test_p_is_that_of_all_flips(tenths: list[int]) -> None:
    value = randomisation(np.array([tenth / 10 for tenth in tenths]), _own(len(tenths)))
    assert _near(value, _exact(tenths)), "0.1 + 0.2 is as far from 0 as 0.3"


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), _tenths), min_size=1, max_size=30))
def test_p_is_that_of_all_flips_of_whole_topics(rows: list[tuple[str, int]]) -> None:
    sums: dict[str, int] = {}
    for topic, tenth in rows:
        sums[topic] = sums.get(topic, 0) + tenth
    value = randomisation(np.array([tenth / 10 for _, tenth in rows]), [topic for topic, _ in rows])
    assert _near(value, _exact(list(sums.values())))


def test_p_by_hand() -> None:
    assert _exact([1, 1, 1, 1]) == 2 / 16
    assert randomisation(np.full(4, 0.1), _own(4)) == pytest.approx(2 / 16, abs=0.015)
    assert randomisation(np.full(60, 0.1), _own(60)) == 1 / 10_001, "never 0"
    assert randomisation(np.array([0.1, -0.1, 0.0]), _own(3)) == 1.0
    assert randomisation(np.zeros(5), _own(5)) == 1.0
    assert randomisation(np.array([0.5]), _own(1)) == 1.0, "one topic is no evidence"


def test_p_is_two_sided() -> None:
    values = np.array([0.3, 0.2, -0.1, 0.4, 0.25, 0.1])
    assert randomisation(values, _own(6)) == randomisation(-values, _own(6))


def test_languages_of_a_topic_are_no_independent_witnesses() -> None:
    values, topics = np.full(32, 0.1), [f"t{number // 8}" for number in range(32)]
    assert randomisation(values, _own(32)) < 0.001
    assert randomisation(values, topics) == pytest.approx(2 / 16, abs=0.015)
    langs = {
        f"t{topic}/{lang}": lang for topic in range(4) for lang in ("ar", "de", "en", "fr", "ja", "ko", "zh", "es")
    }
    (row,) = differences(_table(langs, 0.5), _table(langs, 0.6), ["AP"])
    assert row.p == pytest.approx(2 / 16, abs=0.015)
    assert not row.significant
    queries = {f"q{number}": "en" for number in range(32)}
    (other,) = differences(_table(queries, 0.5), _table(queries, 0.6), ["AP"])
    assert other.significant


def test_topics_are_told_by_the_language_at_the_end() -> None:
    assert topic_of("t01/en", "en") == topic_of("t01/ar", "ar") == "t01"
    assert topic_of("t01/en", "ar") == "t01/en"
    assert topic_of("screen", "en") == "screen"
    assert topic_of("t/en/en", "en") == "t/en"


@pytest.mark.parametrize("languages", [1, 4])
def test_intervals_hold_the_truth_as_often_as_they_say(monkeypatch: pytest.MonkeyPatch, languages: int) -> None:
    monkeypatch.setattr(comparison, "_DRAWS", 1000)
    random, topics, runs = np.random.default_rng(1), 40, 400
    names = [f"t{number}" for number in range(topics) for _ in range(languages)]
    held, held_by_query = 0, 0
    for _ in range(runs):
        values = 0.03 + np.repeat(random.normal(0, 0.1, topics), languages) + random.normal(0, 0.02, len(names))
        low, high = interval(values, names)
        held += low <= 0.03 <= high
        low, high = interval(values, _own(len(names)))
        held_by_query += low <= 0.03 <= high
    assert 0.91 <= held / runs <= 0.98
    if languages > 1:
        assert held_by_query / runs < 0.8, "queries are not independent"


def test_intervals_by_hand() -> None:
    assert interval(np.full(5, 0.25), _own(5)) == (0.25, 0.25)
    # Of two topics, 0 or 1: the mean of a sample is 0, 1/2, 1 with 1/4, 1/2, 1/4.
    assert interval(np.array([0.0, 1.0]), _own(2)) == (0.0, 1.0)
    assert interval(np.array([0.0, 1.0]), _own(2), 0.4) == (0.5, 0.5)
    # A topic counts by its queries: three of 0 and one of 1 are 0, 1/4, 1.
    assert interval(np.array([0.0, 0.0, 0.0, 1.0]), ["a", "a", "a", "b"], 0.4) == (0.25, 0.25)


def test_holm_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04, times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04, and never below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([0.04]) == [0.04]
    assert holm([]) == []


@given(st.lists(st.integers(0, 100), min_size=1, max_size=6))
def test_holm_is_bonferroni_in_every_set_that_holds_the_measure(hundredths: list[int]) -> None:
    values = [value / 100 for value in hundredths]
    places = range(len(values))
    sets = [chosen for size in range(1, len(values) + 1) for chosen in combinations(places, size)]
    for place, corrected in enumerate(holm(values)):
        worst = max(len(chosen) * min(values[other] for other in chosen) for chosen in sets if place in chosen)
        assert corrected == pytest.approx(min(1.0, worst))


def _table(langs: Mapping[str, str], value: float, **columns: Mapping[str, float]) -> Table:
    """Every measure that is compared has the value for every query, apart from the columns given."""
    usual = {name: dict.fromkeys(langs, value) for name in COMPARED}
    return Table(langs, {**usual, **columns})


def _result(langs: Mapping[str, str], columns: Mapping[str, Mapping[str, float]]) -> Result:
    return Result("tiny", Table(langs, columns), {}, {})


_LANGS = {"q1": "en", "q2": "en", "q3": "ja", "q4": "ja"}
_FIRST = _result(
    _LANGS,
    {
        "nDCG@10": {"q1": 0.5, "q2": 0.5, "q3": 0.25, "q4": 0.0},
        "RR cross": {"q1": 0.5, "q3": 1.0},
        "RR>en": {"q1": 0.5, "q2": 1.0, "q3": 0.25},
        "RR>ja": {"q1": 0.5, "q2": 0.25, "q4": 1.0},
        "RR>zh": {"q1": 1.0},
    },
)
_SECOND = _result(
    _LANGS,
    {
        "nDCG@10": {"q1": 0.75, "q2": 0.5, "q3": 0.0, "q4": 0.5},
        "RR cross": {"q1": 0.25, "q3": 1.0},
        "RR>en": {"q1": 1.0, "q2": 0.5, "q3": 0.5},
        "RR>ja": {"q1": 0.5, "q2": 1.0, "q4": 1.0},
        "P@10": {"q1": 1.0},
    },
)


def test_differences_by_hand() -> None:
    ndcg, cross = compare(_FIRST, _SECOND).differences
    assert (ndcg.measure, ndcg.queries) == ("nDCG@10", 4)
    assert (ndcg.first, ndcg.second, ndcg.difference) == (0.3125, 0.4375, 0.125)
    assert ndcg.low < 0.125 < ndcg.high
    # 0.25, 0, -0.25, 0.5: of the eight flips that matter all but those of sum 0 are as far away.
    assert ndcg.p == pytest.approx(_exact([1, 0, -1, 2]), abs=0.025)
    assert (cross.measure, cross.queries) == ("RR cross", 2)
    assert (cross.first, cross.second, cross.difference, cross.p) == (0.75, 0.625, -0.125, 1.0)
    assert [ndcg.corrected, cross.corrected] == holm([ndcg.p, cross.p])


def test_the_correction_counts_every_measure() -> None:
    langs = {f"q{number}": "en" for number in range(6)}
    rows = differences(_table(langs, 0.5), _table(langs, 0.5, AP=dict.fromkeys(langs, 0.6)))
    assert [row.measure for row in rows] == list(COMPARED)
    assert [row.p for row in rows if row.measure != "AP"] == [1.0] * 5
    (changed,) = (row for row in rows if row.measure == "AP")
    assert changed.p == pytest.approx(2 / 64, abs=0.009)
    assert changed.corrected == pytest.approx(6 * changed.p)
    assert changed.p < comparison.CHANCE < changed.corrected
    assert not changed.significant, "one of six measures is likely to be that lucky"


def test_identical_runs_do_not_differ() -> None:
    found = compare(_FIRST, _FIRST)
    assert [(row.difference, row.low, row.high, row.p, row.corrected) for row in found.differences] == [
        (0, 0, 0, 1, 1)
    ] * 2
    assert found.changes == []
    assert {(pair.better, pair.worse, pair.difference) for pair in found.pairs} == {(0, 0, 0.0)}


def test_pairs_count_better_and_worse() -> None:
    assert compare(_FIRST, _SECOND).pairs == [
        PairOutcome("en", "en", 1, 1, 0, 0.0),
        PairOutcome("en", "ja", 1, 0, 1, 0.375),
        PairOutcome("ja", "en", 1, 0, 0, 0.25),
        PairOutcome("ja", "ja", 0, 0, 1, 0.0),
    ], "zh is in the first only"


def test_changes_are_those_that_changed_most_first() -> None:
    expected = [Change("q4", "ja", 0.0, 0.5), Change("q1", "en", 0.5, 0.75), Change("q3", "ja", 0.25, 0.0)]
    assert compare(_FIRST, _SECOND).changes == expected, "of equal ones by id; q2 did not change"
    assert compare(_FIRST, _SECOND, 2).changes == expected[:2]
    losses = [Change(change.query, change.lang, change.second, change.first) for change in expected]
    assert compare(_SECOND, _FIRST).changes == losses, "a loss counts as a gain does"
    assert compare(_FIRST, _SECOND, 0).changes == []


def test_other_queries_are_refused() -> None:
    fewer = _result({"q1": "en", "q2": "en", "x": "en"}, {"nDCG@10": {"q1": 0.0, "q2": 0.0, "x": 0.0}})
    for pair in ((_FIRST, fewer), (fewer, _FIRST)):
        with pytest.raises(ResultError) as error:
            compare(*pair)
        assert str(error.value) == (
            "tiny: the runs are of other queries (3 are in one only, such as 'q3'); "
            "run both on the same dataset and split"
        )


def test_the_same_runs_give_the_same_figures() -> None:
    random = np.random.default_rng(2)
    langs = {f"t{number}/{lang}": lang for number in range(30) for lang in ("en", "ja")}
    first, second = (
        _result(langs, {name: dict(zip(langs, random.random(len(langs)).tolist(), strict=True)) for name in COMPARED})
        for _ in range(2)
    )
    assert compare(first, second) == compare(first, second)
    turned = compare(second, first).differences
    for row, other in zip(compare(first, second).differences, turned, strict=True):
        assert other.p == row.p
        assert [other.low, other.high] == pytest.approx([-row.high, -row.low], abs=0.01)


def test_the_order_of_queries_is_no_matter() -> None:
    table = _FIRST.table
    backwards = _result(_turned(table.langs), {name: _turned(column) for name, column in table.columns.items()})
    assert compare(backwards, _SECOND).differences == compare(_FIRST, _SECOND).differences
    assert compare(backwards, _SECOND).changes == compare(_FIRST, _SECOND).changes


def _turned(row: Mapping[str, Any]) -> dict[str, Any]:
    return dict(reversed(list(row.items())))
