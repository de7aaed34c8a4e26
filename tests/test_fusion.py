"""Exact words in a ranking: they reorder within a language and move no language; a document with far more of the words
than others in its language is lifted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from search_api.fusion import fused

Vectors = NDArray[np.float32]

ROW = st.tuples(
    st.floats(-1, 1, width=32),
    st.floats(-1, 2, width=32),
    st.floats(0, 1, width=32),
    st.sampled_from(["ar", "en", "ja", "zh"]),
)
"""Meaning, the score to reorder by, the share of words, the language."""
ROWS = st.lists(ROW, max_size=40)
CASES = settings(deadline=None, max_examples=200)


def columns(rows: Sequence[tuple[float, float, float, str]]) -> tuple[Vectors, Vectors, Vectors, list[str]]:
    meaning, ranking, words = (np.array([row[i] for row in rows], np.float32) for i in range(3))
    return meaning, ranking, words, [row[3] for row in rows]


def by_language(scores: Vectors, langs: Sequence[str]) -> dict[str, list[float]]:
    """Language -> its scores, best first."""
    found: dict[str, list[float]] = defaultdict(list)
    for lang, value in zip(langs, scores.tolist(), strict=True):
        found[lang].append(value)
    return {lang: sorted(values, reverse=True) for lang, values in found.items()}


def lift_of(words: Sequence[float]) -> list[float]:
    """Of documents in one language, slowly: the fourth power of what is above the fourth most, else the least."""
    ordinary = sorted(words, reverse=True)[min(3, len(words) - 1)]
    return [15 * max(word - ordinary, 0) ** 4 for word in words]


@given(ROWS)
@CASES
def test_reordering_gives_each_language_the_scores_that_it_had(rows: list[tuple[float, float, float, str]]) -> None:
    meaning, ranking, _, langs = columns(rows)
    found = fused(meaning, ranking, np.zeros_like(meaning), langs, 0.5)
    assert by_language(found, langs) == by_language(meaning, langs)


@given(ROWS)
@CASES
def test_among_the_best_of_any_number_no_language_gains_a_document(
    rows: list[tuple[float, float, float, str]],
) -> None:
    meaning, ranking, _, langs = columns(rows)
    meaning = np.random.default_rng(len(rows)).permutation(len(rows)).astype(np.float32)  # all different
    found = fused(meaning, ranking, np.zeros_like(meaning), langs, 0.5)
    before, after = np.argsort(-meaning), np.argsort(-found)
    for count in range(len(rows) + 1):
        assert Counter(langs[place] for place in before[:count]) == Counter(langs[place] for place in after[:count])


@given(ROWS)
@CASES
def test_within_a_language_documents_are_in_the_order_of_meaning_and_words_together(
    rows: list[tuple[float, float, float, str]],
) -> None:
    meaning, ranking, _, langs = columns(rows)
    found = fused(meaning, ranking, np.zeros_like(meaning), langs, 0.5)
    for lang in set(langs):
        own = [place for place in range(len(rows)) if langs[place] == lang]
        for one in own:
            for other in own:
                assert not (ranking[one] > ranking[other] and found[one] < found[other])


@given(ROWS)
@CASES
def test_the_rest_of_a_score_is_the_lift_of_documents_with_more_words(
    rows: list[tuple[float, float, float, str]],
) -> None:
    meaning, ranking, words, langs = columns(rows)
    reordered = fused(meaning, ranking, np.zeros_like(meaning), langs, 0.5)
    lifted = fused(meaning, ranking, words, langs, 0.5) - reordered
    for lang in set(langs):
        own = [place for place in range(len(rows)) if langs[place] == lang]
        np.testing.assert_allclose(lifted[own], lift_of(words[own].tolist()), rtol=0, atol=1e-5)


@given(ROWS)
@CASES
def test_exact_0_changes_nothing(rows: list[tuple[float, float, float, str]]) -> None:
    meaning, ranking, words, langs = columns(rows)
    found = fused(meaning, ranking, words, langs, 0)
    np.testing.assert_array_equal(found, meaning)
    assert found is not meaning


@given(ROWS)
@CASES
def test_what_is_given_stays_as_it_is(rows: list[tuple[float, float, float, str]]) -> None:
    given_columns = columns(rows)
    kept = [column.copy() for column in given_columns[:3]]
    fused(*given_columns, 0.5)
    for column, copy in zip(given_columns[:3], kept, strict=True):
        np.testing.assert_array_equal(column, copy)


def test_the_best_place_of_a_language_goes_to_its_best_document_by_meaning_and_words() -> None:
    meaning = np.array([0.5, 0.4, 0.3, 0.45], np.float32)
    ranking = np.array([0.5, 0.4, 0.8, 0.45], np.float32)
    found = fused(meaning, ranking, np.zeros(4, np.float32), ["en", "en", "en", "ar"], 0.5)
    assert found.tolist() == pytest.approx([0.4, 0.3, 0.5, 0.45])


def test_equals_keep_their_order() -> None:
    meaning = np.array([0.1, 0.3, 0.2], np.float32)
    found = fused(meaning, np.zeros(3, np.float32), np.zeros(3, np.float32), ["en"] * 3, 0.5)
    assert found.tolist() == pytest.approx([0.3, 0.2, 0.1])


@pytest.mark.parametrize(
    ("words", "lifts"),
    [
        ([0.9, 0.1, 0.1, 0.1, 0.1], [6.144, 0, 0, 0, 0]),
        ([0.9, 0.9, 0.9, 0.1, 0.1], [6.144, 6.144, 6.144, 0, 0]),
        ([0.9, 0.9, 0.9, 0.9, 0.1], [0, 0, 0, 0, 0]),
        ([0.3, 0.2, 0.2, 0.1, 0.1], [0.024, 0.0015, 0.0015, 0, 0]),
        ([0.5, 0.5, 0.5, 0.5, 0.5], [0, 0, 0, 0, 0]),
        ([0.9, 0.1], [6.144, 0]),
        ([0.9, 0.9, 0.9], [0, 0, 0]),
        ([1.0], [0]),
    ],
    ids=[
        "a rare name",
        "in three documents",
        "in four, so not rare",
        "ordinary overlap",
        "all the same",
        "one of two",
        "all of three",
        "alone in its language",
    ],
)
def test_a_document_that_stands_out_by_its_words_is_lifted(words: list[float], lifts: list[float]) -> None:
    """Of Arabic documents as many have all the words, which lifts none of the others."""
    count = len(words)
    meaning = np.zeros(count + 4, np.float32)
    everything = np.array([*words, 1, 1, 1, 1], np.float32)
    found = fused(meaning, meaning, everything, ["en"] * count + ["ar"] * 4, 0.5)
    assert found.tolist() == pytest.approx([*lifts, 0, 0, 0, 0], abs=1e-5)


def test_no_documents_have_no_scores() -> None:
    none = np.zeros(0, np.float32)
    assert fused(none, none, none, [], 0.5).shape == (0,)
