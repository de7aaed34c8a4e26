"""The means are the documented formula, worked out by hand; centring takes off exactly the shift between languages.

Numbers are small enough to check on paper; where they are generated, the oracle is numpy in double precision.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.language_means import SHRINKAGE, LanguageMeans, LanguageSum, MeanTable, Prior
from indexer.parts import Part, unit

NO_PRIOR = Prior({}, {}, {})
TWO = (Part(2, 1.0),)


def row(*values: float) -> NDArray[np.float64]:
    return np.array(values, np.float64)


def row32(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def language_sum(
    passages: int, passage_sum: NDArray[np.float64], sentences: int, sentence_sum: NDArray[np.float64]
) -> LanguageSum:
    return LanguageSum(passages, passage_sum, sentences, sentence_sum)


def table(means: Mapping[str, NDArray[np.float32]], fallback: NDArray[np.float32]) -> MeanTable:
    return MeanTable(means, fallback)


PRIOR = Prior(
    {
        "en": language_sum(2, row(0, 8), 4, row(4, 0)),  # means (0, 4) and (1, 0)
        "ja": language_sum(1, row(2, 0), 2, row(0, 6)),  # means (2, 0) and (0, 3)
    },
    {"en": row(0.5, 0), "ja": row(0, 0.25)},
    {},
)


def test_a_mean_is_shrunk_towards_the_prior_by_the_formula() -> None:
    sums = {"en": language_sum(3, row(6, 0), 10, row(0, 20))}
    means = LanguageMeans.shrunk(sums, PRIOR, TWO)
    assert SHRINKAGE == 50
    # (3 * (2, 0) + 50 * (0, 4)) / 53 and (10 * (0, 2) + 50 * (1, 0)) / 60
    np.testing.assert_allclose(means.passages["en"], [6 / 53, 200 / 53], rtol=1e-6)
    np.testing.assert_allclose(means.sentences["en"], [50 / 60, 20 / 60], rtol=1e-6)


def test_k_says_how_many_texts_the_prior_weighs() -> None:
    sums = {"en": language_sum(3, row(6, 0), 10, row(0, 20))}
    means = LanguageMeans.shrunk(sums, PRIOR, TWO, k=1)
    np.testing.assert_allclose(means.passages["en"], [6 / 4, 4 / 4], rtol=1e-6)
    np.testing.assert_allclose(means.sentences["en"], [1 / 11, 20 / 11], rtol=1e-6)


def test_a_language_that_the_prior_lacks_is_shrunk_towards_the_mean_of_the_priors_languages() -> None:
    sums = {"ar": language_sum(10, row(10, 10), 50, row(50, 0))}
    means = LanguageMeans.shrunk(sums, PRIOR, TWO)
    # The prior's languages lie at (0, 4) and (2, 0), their mean at (1, 2); sentences at (1, 0), (0, 3) and (0.5, 1.5).
    np.testing.assert_allclose(means.passages["ar"], [(10 + 50 * 1) / 60, (10 + 50 * 2) / 60], rtol=1e-6)
    np.testing.assert_allclose(means.sentences["ar"], [(50 + 50 * 0.5) / 100, 50 * 1.5 / 100], rtol=1e-6)


def test_each_language_of_the_prior_weighs_the_same_in_the_fallback() -> None:
    means = LanguageMeans.shrunk({}, PRIOR, TWO)
    np.testing.assert_allclose(means.passages["ko"], [1, 2])
    np.testing.assert_allclose(means.sentences["ko"], [0.5, 1.5])


def test_a_language_that_only_the_prior_has_keeps_the_priors_mean() -> None:
    means = LanguageMeans.shrunk({"en": language_sum(3, row(6, 0), 10, row(0, 20))}, PRIOR, TWO)
    np.testing.assert_allclose(means.passages["ja"], [2, 0])
    np.testing.assert_allclose(means.sentences["ja"], [0, 3])


def test_without_a_prior_means_are_the_collections_own() -> None:
    sums = {"en": language_sum(4, row(2, 6), 8, row(8, 4))}
    means = LanguageMeans.shrunk(sums, NO_PRIOR, TWO)
    np.testing.assert_allclose(means.passages["en"], [0.5, 1.5])
    np.testing.assert_allclose(means.sentences["en"], [1, 0.5])
    np.testing.assert_array_equal(means.passages["ja"], [0, 0])
    np.testing.assert_array_equal(means.queries["ja"], [0, 0])


def test_a_language_with_a_count_of_nothing_has_the_priors_mean() -> None:
    means = LanguageMeans.shrunk({"en": language_sum(0, row(0, 0), 0, row(0, 0))}, PRIOR, TWO)
    np.testing.assert_allclose(means.passages["en"], [0, 4])
    np.testing.assert_allclose(means.sentences["en"], [1, 0])


def test_an_empty_language_of_the_prior_is_no_prior() -> None:
    prior = Prior({**PRIOR.sums, "xx": language_sum(0, row(0, 0), 0, row(0, 0))}, PRIOR.query_shifts, {})
    means = LanguageMeans.shrunk({}, prior, TWO)
    np.testing.assert_allclose(means.passages["ko"], [1, 2])


def test_a_language_that_the_prior_has_no_sentences_of_has_no_part_in_their_fallback() -> None:
    prior = Prior({**PRIOR.sums, "xx": language_sum(2, row(0, 0), 0, row(0, 0))}, PRIOR.query_shifts, {})
    means = LanguageMeans.shrunk({}, prior, TWO)
    np.testing.assert_allclose(means.passages["ko"], [2 / 3, 4 / 3], rtol=1e-6)
    np.testing.assert_allclose(means.sentences["ko"], [0.5, 1.5])


def test_a_querys_mean_is_its_sentences_mean_plus_the_shift_between_prompts() -> None:
    means = LanguageMeans.shrunk({"en": language_sum(3, row(6, 0), 10, row(0, 20))}, PRIOR, TWO)
    np.testing.assert_allclose(means.queries["en"], [50 / 60 + 0.5, 20 / 60], rtol=1e-6)
    np.testing.assert_allclose(means.queries["ja"], [0, 3.25])


def test_a_language_without_a_shift_gets_the_average_shift() -> None:
    means = LanguageMeans.shrunk({"ar": language_sum(10, row(10, 10), 50, row(50, 0))}, PRIOR, TWO)
    np.testing.assert_allclose(means.queries["ar"], [0.75 + 0.25, 0.75 + 0.125])
    np.testing.assert_allclose(means.queries["ko"], [0.5 + 0.25, 1.5 + 0.125])


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 10_000), st.floats(0.5, 500), st.integers(0, 2**32 - 1))
def test_shrinkage_lies_between_own_mean_and_prior_by_their_weights(own: int, prior: int, k: float, seed: int) -> None:
    own_mean, prior_mean = np.random.default_rng(seed).normal(size=(2, 5))
    sums = {"en": LanguageSum(own, own * own_mean, own, own * prior_mean)}
    before = Prior({"en": LanguageSum(prior, prior * prior_mean, prior, prior * own_mean)}, {"en": np.zeros(5)}, {})
    means = LanguageMeans.shrunk(sums, before, (Part(5, 1.0),), k)
    weight = own / (own + k)
    np.testing.assert_allclose(means.passages["en"], weight * own_mean + (1 - weight) * prior_mean, atol=1e-5)
    np.testing.assert_allclose(means.sentences["en"], weight * prior_mean + (1 - weight) * own_mean, atol=1e-5)


def in_a_large_collection(means: Mapping[str, NDArray[np.float64]]) -> dict[str, LanguageSum]:
    """So many texts that the prior moves no mean."""
    many = 10**12
    return {lang: LanguageSum(many, many * mean, many, many * mean) for lang, mean in means.items()}


def priors_means(means: Mapping[str, NDArray[np.float64]]) -> Prior:
    size = next(iter(means.values())).shape
    sums = {lang: LanguageSum(1, mean, 1, mean) for lang, mean in means.items()}
    return Prior(sums, {lang: np.zeros(size) for lang in means}, {})


@pytest.mark.parametrize(
    ("english", "share"),
    [
        (row(4, 0), 1.0),  # the prior's offsets are (2, 0) and (-2, 0)
        (row(8, 0), 1.0),  # twice as far: half of it confirmed, enough
        (row(16, 0), 0.5),  # four times: a quarter
        (row(4, 4), 1.0),  # half along, half across
        (row(4, 12), 0.2),  # offsets (2, 6): 4 / 40, twice that
        (row(0, 4), 0.0),  # all across
        (row(-4, 0), 0.0),  # the other way
        (row(2, 0), 1.0),  # nearer than in the prior
    ],
)
def test_languages_are_brought_together_as_far_as_other_text_confirms_that_they_lie_apart(
    english: NDArray[np.float64], share: float
) -> None:
    prior = priors_means({"en": row(4, 0), "ja": row(0, 0)})
    sums = in_a_large_collection({"en": english, "ja": row(0, 0)})
    means = LanguageMeans.shrunk(sums, prior, TWO)
    for own in (means.passages, means.sentences, means.queries):
        np.testing.assert_allclose(own["en"] - own["ja"], share * english, atol=1e-6)
        np.testing.assert_allclose((own["en"] + own["ja"]) / 2, english / 2, atol=1e-6)


def test_each_part_is_confirmed_for_itself() -> None:
    """The first model keeps languages apart, the second does not."""
    prior = priors_means({"en": row(4, 0, 0), "ja": row(0, 0, 0)})
    sums = in_a_large_collection({"en": row(4, 0, 6), "ja": row(0, 0, 0)})
    means = LanguageMeans.shrunk(sums, prior, (Part(1, 0.7), Part(2, 0.3)))
    np.testing.assert_allclose(means.passages["en"], [4, 0, 3], atol=1e-6)
    np.testing.assert_allclose(means.passages["ja"], [0, 0, 3], atol=1e-6)


def test_a_language_outside_the_prior_is_brought_as_near_as_the_others() -> None:
    prior = priors_means({"en": row(4, 0), "ja": row(0, 0)})
    sums = in_a_large_collection({"en": row(16, 0), "ja": row(0, 0), "ko": row(8, 10)})
    means = LanguageMeans.shrunk(sums, prior, TWO)
    np.testing.assert_allclose(means.passages["ko"], [8, 5], atol=1e-6)  # half of the way to the centre (8, 0)


def test_a_small_collection_has_too_little_text_to_contradict_the_prior() -> None:
    prior = priors_means({"en": row(4, 0), "ja": row(0, 0)})
    sums = {"en": LanguageSum(5, row(0, 20), 5, row(0, 20)), "ja": LanguageSum(5, row(0, 0), 5, row(0, 0))}
    means = LanguageMeans.shrunk(sums, prior, TWO)
    np.testing.assert_allclose(means.passages["en"], [200 / 55, 20 / 55], atol=1e-6)


def test_one_language_alone_is_centred_whole() -> None:
    prior = priors_means({"en": row(4, 0), "ja": row(0, 0)})
    means = LanguageMeans.shrunk(in_a_large_collection({"en": row(0, 9)}), prior, TWO)
    np.testing.assert_allclose(means.passages["en"], [0, 9], atol=1e-6)


def test_sums_add_and_take_away() -> None:
    a, b = language_sum(1, row(1, 2), 2, row(3, 4)), language_sum(10, row(10, 20), 20, row(30, 40))
    both = a.plus(b)
    assert (both.passages, both.sentences) == (11, 22)
    np.testing.assert_array_equal(both.passage_sum, [11, 22])
    np.testing.assert_array_equal(both.sentence_sum, [33, 44])
    back = both.plus(b, -1)
    assert (back.passages, back.sentences) == (1, 2)
    np.testing.assert_array_equal(back.passage_sum, [1, 2])
    np.testing.assert_array_equal(back.sentence_sum, [3, 4])


def test_centring_takes_off_each_rows_own_mean_and_nothing_else() -> None:
    means = table({"en": row32(1, 1), "ja": row32(0, -1)}, row32(5, 5))
    vectors = np.array([[4, 5], [4, 2], [4, 2]], np.float32)
    centred = means.centre(vectors, ["en", "ja", "en"])
    np.testing.assert_array_equal(centred, [[3, 4], [4, 3], [3, 1]])
    assert centred.dtype == np.float32
    np.testing.assert_array_equal(vectors, [[4, 5], [4, 2], [4, 2]])


def test_an_unknown_language_is_centred_with_the_fallback() -> None:
    means = table({"en": row32(1, 1)}, row32(0, 2))
    np.testing.assert_array_equal(means.centre(row32(3, 6)[None, :], ["ko"]), [[3, 4]])


def test_no_rows_are_centred_to_no_rows() -> None:
    empty = np.empty((0, 2), np.float32)
    assert table({}, row32(0, 0)).centre(empty, []).shape == (0, 2)


@settings(deadline=None)
@given(st.integers(2, 20), st.floats(0.1, 30), st.integers(0, 2**32 - 1))
def test_centring_removes_a_constant_offset_per_language_exactly(texts: int, offset: float, seed: int) -> None:
    """The same topics in two languages, each shifted its own way, end up in the same places."""
    random = np.random.default_rng(seed)
    topics = random.normal(size=(texts, 6))
    shifted = {lang: topics + offset * random.normal(size=6) for lang in ("en", "ar")}
    sums = {lang: LanguageSum(texts, rows.sum(axis=0), 0, np.zeros(6)) for lang, rows in shifted.items()}
    means = LanguageMeans.shrunk(sums, NO_PRIOR, (Part(6, 1.0),))
    english, arabic = (
        unit(means.passages.centre(rows.astype(np.float32), [lang] * texts)).astype(np.float64)
        for lang, rows in shifted.items()
    )
    far_from_the_mean = np.linalg.norm(topics - topics.mean(axis=0), axis=1) > 0.3
    np.testing.assert_allclose((english * arabic).sum(axis=1)[far_from_the_mean], 1, atol=1e-4)


def test_a_query_that_may_be_in_two_languages_is_centred_with_a_mixture() -> None:
    zero = table({}, row32(0, 0))
    means = LanguageMeans(zero, zero, table({"ja": row32(4, 0), "zh": row32(0, 8)}, row32(100, 100)))
    # 0.25 * (4, 0) + 0.75 * (0, 8) = (1, 6)
    np.testing.assert_array_equal(means.centre_query(row32(4, 10), {"ja": 0.25, "zh": 0.75}), [3, 4])


def test_a_query_in_an_unknown_language_is_centred_with_the_fallback() -> None:
    zero = table({}, row32(0, 0))
    means = LanguageMeans(zero, zero, table({"ja": row32(4, 0)}, row32(1, 2)))
    np.testing.assert_array_equal(means.centre_query(row32(4, 6), {"ko": 1.0}), [3, 4])


def test_drift_is_the_longest_way_that_a_mean_has_gone() -> None:
    before = table({"en": row32(0, 0), "ja": row32(1, 1)}, row32(9, 9))
    after = table({"en": row32(0, 1), "ja": row32(4, 5)}, row32(9, 9))
    assert before.drift(after) == pytest.approx(5.0)
    assert after.drift(before) == pytest.approx(5.0)


def test_drift_counts_a_language_that_came_or_went_from_the_fallback() -> None:
    before = table({"en": row32(0, 0)}, row32(1, 0))
    after = table({"en": row32(0, 0), "ar": row32(4, 4)}, row32(1, 0))
    assert before.drift(after) == pytest.approx(5.0)
    assert after.drift(before) == pytest.approx(5.0)


def test_nothing_drifts_from_itself() -> None:
    before = table({"en": row32(3, 4)}, row32(1, 0))
    assert before.drift(before) == 0
    assert table({}, row32(0, 0)).drift(table({}, row32(0, 0))) == 0


def test_no_means_change_nothing() -> None:
    means = LanguageMeans.none(2)
    vectors = np.array([[3, 4], [0, -2]], np.float32)
    np.testing.assert_array_equal(means.passages.centre(vectors, ["en", "ar"]), vectors)
    np.testing.assert_array_equal(means.sentences.centre(vectors, ["en", "ar"]), vectors)
    np.testing.assert_array_equal(means.centre_query(row32(3, 4), {"en": 0.5, "ja": 0.5}), [3, 4])
