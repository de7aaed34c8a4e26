"""The table of a run: every column by hand or by trec_eval, and PEER by Kruskal and Wallis on explicit ranks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kruskal

from eval.datasets import Dataset, JudgedQuery
from eval.errors import DatasetError
from eval.measures import FIRST_HIT, MEASURES, PEER, equal_expected_ranks, language_shares
from eval.table import Table, table_of
from indexer.documents import Document

_LANGS = ("ar", "en", "ja")
_TREC = {
    "nDCG@10": "ndcg_cut_10",
    "nDCG@20": "ndcg_cut_20",
    "RR": "recip_rank",
    "AP": "map",
    "R@100": "recall_100",
    "P@10": "P_10",
    FIRST_HIT: "success_1",
}


def _dataset(langs: Mapping[str, str], qrels: Mapping[str, Mapping[str, int]], *queries: tuple[str, str]) -> Dataset:
    return Dataset(
        "by-hand",
        [Document(identifier, "text") for identifier in langs],
        [JudgedQuery(query, "text", lang) for query, lang in queries],
        qrels,
        langs,
    )


_HAND = _dataset(
    {"en1": "en", "en2": "en", "ja1": "ja", "ja2": "ja", "zh1": "zh"},
    {"e": {"en1": 1, "ja1": 3, "ja2": 1, "zh1": 0}, "j": {"ja1": 1}, "z": {"en1": 2}, "n": {"zh1": 1}},
    ("e", "en"),
    ("j", "ja"),
    ("z", "zh"),
    ("n", "en"),
)
_RUN = {"e": ["ja2", "zh1", "en1", "en2", "ja1"], "j": ["en1", "ja1"], "z": ["ja1", "ja2", "zh1"]}
"""`e`: ranks ja 1 and 5, en 3; `j`: its own language at 2; `z`: nothing right; `n` is not in the run."""


@pytest.fixture(scope="module")
def table() -> Table:
    return table_of(_HAND, _RUN)


def _log_gains(*gains: float) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))


_BY_HAND: dict[str, dict[str, float]] = {
    "RR": {"e": 1, "j": 1 / 2, "z": 0, "n": 0},
    "AP": {"e": (1 / 1 + 2 / 3 + 3 / 5) / 3, "j": 1 / 2, "z": 0, "n": 0},
    "nDCG@10": {
        "e": _log_gains(1, 0, 1, 0, 3) / _log_gains(3, 1, 1),
        "j": _log_gains(0, 1) / _log_gains(1),
        "z": 0,
        "n": 0,
    },
    "R@100": {"e": 1, "j": 1, "z": 0, "n": 0},
    "P@10": {"e": 3 / 10, "j": 1 / 10, "z": 0, "n": 0},
    "Judged@10": {"e": 4 / 5, "j": 1 / 2, "z": 0, "n": 0},
    FIRST_HIT: {"e": 1, "j": 0, "z": 0, "n": 0},
    # Of `e` ja2 and ja1 leave the ranking: zh1, en1, en2.
    "RR same": {"e": 1 / 2, "j": 1 / 2},
    "nDCG@10 same": {"e": 1 / math.log2(3), "j": 1 / math.log2(3)},
    # Of `e` en1 leaves it: ja2, zh1, en2, ja1.
    "RR cross": {"e": 1, "z": 0, "n": 0},
    "nDCG@10 cross": {"e": _log_gains(1, 0, 0, 3) / _log_gains(3, 1), "z": 0, "n": 0},
    "RR>en": {"e": 1 / 2, "z": 0},
    "RR>ja": {"e": 1, "j": 1 / 2},
    "RR>zh": {"n": 0},
    "top10:en": {"e": 2 / 5, "j": 1 / 2, "z": 0, "n": 0},
    "top10:ja": {"e": 2 / 5, "j": 1 / 2, "z": 2 / 3, "n": 0},
    "top10:zh": {"e": 1 / 5, "j": 0, "z": 1 / 3, "n": 0},
}


@pytest.mark.parametrize("column", _BY_HAND)
def test_columns_by_hand(table: Table, column: str) -> None:
    assert table.columns[column] == pytest.approx(_BY_HAND[column], abs=1e-12)


def test_no_column_is_left_out_of_these_tests(table: Table) -> None:
    assert set(table.columns) == {*_BY_HAND, "nDCG@20", PEER}
    assert table.columns["nDCG@20"] == table.columns["nDCG@10"], "these rankings are short"
    assert table.langs == {"e": "en", "j": "ja", "z": "zh", "n": "en"}
    assert table.document_langs() == ["en", "ja", "zh"]


def test_peer_has_a_value_only_for_relevant_documents_in_several_languages(table: Table) -> None:
    # Ranks from 1: ja 1 and 5, en 3. Mean ranks are 2 and 2, so H = 0.
    assert table.columns[PEER] == {"e": pytest.approx(1.0)}


def test_pairs_are_of_query_and_document_languages(table: Table) -> None:
    assert table.pairs() == {
        ("en", "en"): {"e": pytest.approx(1 / 2)},
        ("en", "ja"): {"e": 1.0},
        ("en", "zh"): {"n": 0.0},
        ("ja", "ja"): {"j": 0.5},
        ("zh", "en"): {"z": 0.0},
    }


def test_means_are_over_the_queries_that_have_a_value(table: Table) -> None:
    assert table.mean("RR") == pytest.approx((1 + 1 / 2) / 4)
    assert table.mean("RR same") == pytest.approx((1 / 2 + 1 / 2) / 2)
    assert table.mean("RR>ja") == pytest.approx((1 + 1 / 2) / 2)
    assert table.mean("RR>ko") == 0


def test_a_query_that_the_run_lacks_counts_as_zero() -> None:
    empty = table_of(_HAND, {})
    for column in (*MEASURES, FIRST_HIT):
        assert empty.columns[column] == dict.fromkeys("ejzn", 0.0)
    assert empty.columns["RR cross"] == {"e": 0.0, "z": 0.0, "n": 0.0}
    assert empty.columns["RR same"] == {"e": 0.0, "j": 0.0}
    assert empty.columns[PEER] == {"e": 1.0}, "all behind alike"
    assert table_of(_HAND, dict.fromkeys("ejzn", ())) == empty


def test_queries_that_nobody_asked_for_are_left_out() -> None:
    assert table_of(_HAND, {**_RUN, "other": ["en1"]}) == table_of(_HAND, _RUN)


@pytest.mark.parametrize("place", range(3))
def test_half_a_surrogate_pair_is_named_before_trec_eval_sees_it(place: int) -> None:
    query, judged, ranked = ("\ud800x" if place == number else f"id{number}" for number in range(3))
    dataset = _dataset({judged: "en", ranked: "en"}, {query: {judged: 1}}, (query, "en"))
    with pytest.raises(DatasetError, match=r"^id '\\ud800x' is no Unicode text; give it another one$"):
        table_of(dataset, {query: [ranked]})


def test_grades_are_used_as_grades() -> None:
    dataset = _dataset({"a": "en", "b": "en"}, {"q": {"a": 3, "b": 1}}, ("q", "en"))
    right, wrong = (table_of(dataset, {"q": order}).columns for order in (["a", "b"], ["b", "a"]))
    for column in ("nDCG@10", "nDCG@20", "nDCG@10 same"):
        assert right[column]["q"] == pytest.approx(1.0)
        assert wrong[column]["q"] == pytest.approx(_log_gains(1, 3) / _log_gains(3, 1))
    assert (right["AP"], right["RR"]) == (wrong["AP"], wrong["RR"])


_DOCUMENTS = {f"d{number}": _LANGS[number % len(_LANGS)] for number in range(130)}
_Judged = dict[str, int]
_judged = st.dictionaries(st.sampled_from([*_DOCUMENTS]), st.integers(0, 3), min_size=1, max_size=40).filter(
    lambda row: any(row.values())
)
_ranked = st.lists(st.sampled_from([*_DOCUMENTS]), unique=True, max_size=130)
_long = st.permutations([*_DOCUMENTS])


def _trec_eval(ranking: Sequence[str], judged: Mapping[str, int], name: str) -> float:
    if not ranking:
        return 0.0
    evaluator = pytrec_eval.RelevanceEvaluator({"q": dict(judged)}, {_TREC[name]})
    scores = {document: 1000.0 - rank for rank, document in enumerate(ranking)}
    return float(evaluator.evaluate({"q": scores})["q"][_TREC[name]])


def _without(ranking: Sequence[str], judged: _Judged, kept: Sequence[str]) -> tuple[list[str], _Judged]:
    """The relevant documents in other languages than the kept ones are in neither."""
    gone = {document for document, grade in judged.items() if grade > 0 and _DOCUMENTS[document] not in kept}
    left = {document: grade for document, grade in judged.items() if document not in gone}
    return [document for document in ranking if document not in gone], left


@given(_ranked | _long, _judged, st.sampled_from(_LANGS))
def test_every_column_equals_trec_eval(ranking: list[str], judged: _Judged, lang: str) -> None:
    columns = table_of(_dataset(_DOCUMENTS, {"q": judged}, ("q", lang)), {"q": ranking}).columns
    for name in (*MEASURES, FIRST_HIT):
        if name == "Judged@10":
            expected = sum(document in judged for document in ranking[:10]) / max(1, len(ranking[:10]))
        else:
            expected = _trec_eval(ranking, judged, name)
        assert columns[name]["q"] == pytest.approx(expected, abs=1e-9), name
    sides = {f"{{}}>{other}": [other] for other in _LANGS}
    sides |= {"{} same": [lang], "{} cross": [other for other in _LANGS if other != lang]}
    for label, kept in sides.items():
        left_ranking, left = _without(ranking, judged, kept)
        for name in ("RR",) if ">" in label else ("RR", "nDCG@10"):
            values = columns.get(label.format(name), {})
            if any(left.values()):
                assert values["q"] == pytest.approx(_trec_eval(left_ranking, left, name), abs=1e-9), label
            else:
                assert values == {}, label


@given(_ranked, _judged)
def test_shares_add_up(ranking: list[str], judged: _Judged) -> None:
    shares = language_shares(ranking, _DOCUMENTS)
    assert shares == {
        lang: pytest.approx(sum(_DOCUMENTS[document] == lang for document in ranking[:10]) / max(1, len(ranking[:10])))
        for lang in _LANGS
    }
    assert sum(shares.values()) == pytest.approx(1.0 if ranking else 0.0)


def _relevant(langs: Mapping[str, str]) -> dict[str, int]:
    return dict.fromkeys(langs, 1)


def _peer_by_hand(groups: Sequence[Sequence[float]]) -> float:
    """Two or three groups of ranks, none of them twice, by the formula of Kruskal and Wallis (1952)."""
    every = sorted(rank for group in groups for rank in group)
    place = {rank: number for number, rank in enumerate(every, 1)}
    count = len(every)
    squares = sum(sum(place[rank] for rank in group) ** 2 / len(group) for group in groups)
    statistic = 12 / (count * (count + 1)) * squares - 3 * (count + 1)
    # The chi-square distribution with one degree of freedom, or with two.
    return math.erfc(math.sqrt(max(0.0, statistic) / 2)) if len(groups) == 2 else math.exp(-statistic / 2)


def test_peer_on_explicit_ranks() -> None:
    langs = {"e1": "en", "e2": "en", "j1": "ja", "j2": "ja", "j3": "ja", "a1": "ar", "a2": "ar"}
    ranking = ["e1", "x", "j1", "e2", "a1", "j2", "x2", "a2", "j3"]
    groups = [[1, 4], [3, 6, 9], [5, 8]]
    value = equal_expected_ranks(ranking, _relevant(langs), langs)
    assert value == pytest.approx(_peer_by_hand(groups))
    assert value == pytest.approx(float(kruskal(*groups).pvalue))
    two = {document: lang for document, lang in langs.items() if lang != "ar"}
    assert equal_expected_ranks(ranking, _relevant(two), langs) == pytest.approx(_peer_by_hand(groups[:2]))


def test_peer_leaves_what_is_not_relevant_out() -> None:
    langs = {"e1": "en", "j1": "ja", "e2": "en", "j2": "ja", "a1": "ar"}
    relevant = {"e1": 1, "j1": 3, "e2": 1, "j2": 2}
    value = equal_expected_ranks([*langs], relevant, langs)
    assert value == pytest.approx(_peer_by_hand([[1, 3], [2, 4]]))
    assert equal_expected_ranks([*langs], {**relevant, "a1": 0}, langs) == value


def test_peer_counts_what_is_below_the_hundredth_as_one_place_behind() -> None:
    langs = {"e1": "en", "e2": "en", "j1": "ja", "j2": "ja", "j3": "ja"}
    others = [f"x{number}" for number in range(97)]
    ranking = ["e1", *others, "e2", "j1", "j2"]
    assert ranking.index("j1") == 99, "the last one that counts"
    expected = float(kruskal([1, 99], [100, 101, 101]).pvalue)
    assert equal_expected_ranks(ranking, _relevant(langs), langs) == pytest.approx(expected)
    assert equal_expected_ranks(ranking[:-1], _relevant(langs), langs) == pytest.approx(expected), "not found at all"


def test_peer_has_nothing_to_compare_in_one_language() -> None:
    langs = {"e1": "en", "e2": "en", "j1": "ja"}
    assert equal_expected_ranks(["e1", "j1"], {"e1": 1, "e2": 2}, langs) is None
    assert equal_expected_ranks(["e1", "j1"], {"e1": 1, "e2": 2, "j1": 0}, langs) is None
    assert equal_expected_ranks(["e1"], {}, langs) is None


def test_peer_is_one_where_all_are_at_the_same_place() -> None:
    langs = {"e1": "en", "j1": "ja", "x": "ar"}
    assert equal_expected_ranks(["x"], {"e1": 1, "j1": 1}, langs) == 1.0


def test_peer_is_large_in_turn_and_small_where_a_language_is_behind() -> None:
    langs = {f"{lang}{number}": lang for number in range(20) for lang in ("en", "ja")}
    in_turn = equal_expected_ranks([*langs], _relevant(langs), langs)
    behind = equal_expected_ranks(sorted(langs), _relevant(langs), langs)
    assert in_turn is not None
    assert behind is not None
    assert in_turn > 0.75
    assert behind < 1e-6
    mirrored = [f"{lang}{number}" for number in range(20) for lang in (("en", "ja") if number % 2 else ("ja", "en"))]
    assert equal_expected_ranks(mirrored, _relevant(langs), langs) == pytest.approx(1.0)
    turned = equal_expected_ranks(sorted(langs, reverse=True), _relevant(langs), langs)
    assert turned == pytest.approx(behind), "whichever language it is"
