"""Measures by hand and against trec_eval's own answers, and the two sides of the language question."""

from __future__ import annotations

import math

import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from eval.datasets import Dataset, JudgedQuery
from eval.figures import figures
from eval.measures import MEASURES, per_query
from indexer.documents import Document

_DOCUMENTS = [f"d{number}" for number in range(30)]


def test_measures_by_hand() -> None:
    values = per_query({"q": ["x", "b", "a"]}, {"q": {"a": 1, "b": 2, "x": 0}})
    assert values["RR"]["q"] == 0.5
    assert values["AP"]["q"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    gained = 2 / math.log2(3) + 1 / math.log2(4)
    assert values["nDCG@10"]["q"] == pytest.approx(gained / (2 / math.log2(2) + 1 / math.log2(3)))
    assert values["R@100"]["q"] == 1


def test_a_judged_query_without_a_run_counts_as_zero() -> None:
    values = per_query({"q1": ["a"]}, {"q1": {"a": 1}, "q2": {"a": 1}})
    assert values["RR"] == {"q1": 1.0, "q2": 0.0}
    assert per_query({}, {"q": {"a": 1}})["AP"] == {"q": 0.0}


def test_equal_scores_cannot_change_the_order() -> None:
    assert per_query({"q": ["z", "a"]}, {"q": {"a": 1}})["RR"]["q"] == 0.5
    assert per_query({"q": ["a", "z"]}, {"q": {"a": 1}})["RR"]["q"] == 1.0


@given(
    st.permutations(_DOCUMENTS),
    st.dictionaries(st.sampled_from(_DOCUMENTS), st.integers(0, 3), min_size=1).filter(lambda row: any(row.values())),
)
def test_measures_equal_trec_eval(ranking: list[str], judged: dict[str, int]) -> None:
    evaluator = pytrec_eval.RelevanceEvaluator({"q": judged}, {"map", "recip_rank", "ndcg_cut_10", "recall_100"})
    theirs = evaluator.evaluate({"q": {document: float(-rank) for rank, document in enumerate(ranking)}})["q"]
    ours = per_query({"q": ranking}, {"q": judged})
    for name, trec_name in {"AP": "map", "RR": "recip_rank", "nDCG@10": "ndcg_cut_10", "R@100": "recall_100"}.items():
        assert ours[name]["q"] == pytest.approx(theirs[trec_name], abs=1e-9)


def _dataset() -> Dataset:
    """One English query; an English and two Japanese documents are relevant, a Chinese one is not."""
    return Dataset(
        "by-hand",
        [Document(identifier, "text") for identifier in ("en1", "ja1", "ja2", "zh1")],
        [JudgedQuery("q", "ban", "en"), JudgedQuery("r", "禁令", "zh")],
        {"q": {"en1": 1, "ja1": 2, "ja2": 1, "zh1": 0}, "r": {"ja1": 1}},
        {"en1": "en", "ja1": "ja", "ja2": "ja", "zh1": "zh"},
    )


def test_the_other_side_s_relevant_documents_are_left_out_of_the_ranking() -> None:
    result = figures(_dataset(), {"q": ["en1", "zh1", "ja2", "ja1"], "r": ["zh1", "ja1"]}, "model")
    assert result["same_language"] == {"queries": 1, "RR": 1.0, "nDCG@10": 1.0}
    assert result["cross_language"]["queries"] == 2
    assert result["cross_language"]["RR"] == pytest.approx((1 / 2 + 1 / 2) / 2), "zh1 stays, en1 does not"
    assert result["language_pairs"] == {
        "en>en": {"queries": 1, "RR": 1.0},
        "en>ja": {"queries": 1, "RR": 0.5},
        "zh>ja": {"queries": 1, "RR": 0.5},
    }


def test_figures_have_the_fields_of_the_contract() -> None:
    result = figures(_dataset(), {"q": ["en1"], "r": []}, "model")
    assert list(result) == [
        "dataset", "queries", "documents", "model", "measures", "first_hit_right", "same_language", "cross_language",
        "language_pairs", "equal_expected_ranks", "language_shares",
    ]  # fmt: skip
    assert result["first_hit_right"] == 0.5
    assert (result["dataset"], result["queries"], result["documents"]) == ("by-hand", 2, 4)
    assert list(result["measures"]) == list(MEASURES)
    assert result["measures"]["RR"] == 0.5
