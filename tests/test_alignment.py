"""Maps against matrix powers written out plainly, and what they are for: the same topics in two languages meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.alignment import RIDGE, SHRINKAGE, Alignment, LanguageMaps
from indexer.language_means import LanguageMeans, LanguageSum, MeanTable, Prior
from indexer.parts import Part, Parts, unit, unit_parts

Vectors = NDArray[np.float32]
Matrix = NDArray[np.float64]

ONE: Parts = (Part(5, 1.0),)
TWO: Parts = (Part(5, 0.7), Part(3, 0.3))
NO_PRIOR = Prior({}, {}, {})


def row32(*values: float) -> Vectors:
    return np.array(values, np.float32)


def prior_with(covariances: Mapping[str, Sequence[Matrix]]) -> Prior:
    """Of scatter alone."""
    return Prior({}, {}, {lang: [own.astype(np.float32) for own in each] for lang, each in covariances.items()})


def scatter(seed: int, width: int = 5) -> Matrix:
    """A covariance that leans to a few directions, exact in float32."""
    rows = np.random.default_rng(seed).normal(size=(20, width)) * 2.0 ** -np.arange(width)
    covariance: Matrix = (rows.T @ rows / 20).astype(np.float32).astype(np.float64)
    return covariance


def power(matrix: Matrix, exponent: float) -> Matrix:
    """The oracle: the sum of the eigenvectors' own squares, each with its eigenvalue to that power."""
    values, vectors = np.linalg.eigh(matrix)
    total = np.zeros_like(matrix)
    for place, value in enumerate(values):
        total += value**exponent * np.outer(vectors[:, place], vectors[:, place])
    return total


def expected_map(own: Matrix, everyone: Sequence[Matrix]) -> Matrix:
    pooled = np.mean(everyone, axis=0)
    ridge = 5 * np.trace(pooled) / len(pooled) * np.eye(len(pooled))
    expected: Matrix = power(own + ridge, -1 / 2) @ power(pooled + ridge, 1 / 4)
    return expected


def aligned_with(maps: LanguageMaps, parts: Parts, means: LanguageMeans | None = None) -> Alignment:
    return Alignment(parts, means or LanguageMeans.none(sum(part.width for part in parts)), maps)


def rows_of(seed: int, count: int, parts: Parts) -> Vectors:
    return np.random.default_rng(seed).normal(size=(count, sum(part.width for part in parts))).astype(np.float32)


# The maps


def test_the_oracle_is_the_matrix_power() -> None:
    quarter = power(scatter(1), 1 / 4)
    np.testing.assert_allclose(quarter @ quarter @ quarter @ quarter, scatter(1), atol=1e-12)
    np.testing.assert_allclose(power(scatter(1), -1 / 2) @ power(scatter(1), 1 / 2), np.eye(5), atol=1e-12)


def test_maps_of_independent_directions_are_worked_out_by_hand() -> None:
    prior = prior_with({"en": [np.diag([11.0, 1.0])], "ja": [np.diag([1.0, 3.0])]})
    maps = LanguageMaps.measured({}, prior, (Part(2, 1.0),))
    assert RIDGE == 5
    # P is (6, 2), its mean eigenvalue 4, the ridge 20: (11 + 20)^-1/2 * (6 + 20)^1/4 and so on.
    np.testing.assert_allclose(maps["en"][0], np.diag([31**-0.5 * 26**0.25, 21**-0.5 * 22**0.25]), rtol=1e-6)
    np.testing.assert_allclose(maps["ja"][0], np.diag([21**-0.5 * 26**0.25, 23**-0.5 * 22**0.25]), rtol=1e-6)
    np.testing.assert_allclose(maps["ko"][0], np.diag([26**-0.25, 22**-0.25]), rtol=1e-6)


def test_maps_are_the_documented_powers_of_the_covariances() -> None:
    own = {"ar": scatter(1), "en": scatter(2), "zh": scatter(3)}
    maps = LanguageMaps.measured({}, prior_with({lang: [each] for lang, each in own.items()}), ONE)
    assert maps.of.keys() == own.keys()
    for lang, covariance in own.items():
        np.testing.assert_allclose(maps[lang][0], expected_map(covariance, list(own.values())), rtol=1e-5, atol=1e-6)
        assert maps[lang][0].dtype == np.float32


def test_each_part_has_maps_of_its_own() -> None:
    own = {"en": [scatter(1), scatter(2, 3)], "ar": [scatter(3), scatter(4, 3)]}
    maps = LanguageMaps.measured({}, prior_with(own), TWO)
    for number in range(2):
        everyone = [each[number] for each in own.values()]
        for lang, each in own.items():
            np.testing.assert_allclose(maps[lang][number], expected_map(each[number], everyone), rtol=1e-5, atol=1e-6)


def test_sentences_outweigh_the_prior_by_their_number() -> None:
    assert SHRINKAGE == 200
    known = {"en": scatter(1), "ja": scatter(2)}
    rows = 3 * rows_of(5, 300, ONE)
    own = rows.T.astype(np.float64) @ rows / 300
    maps = LanguageMaps.measured({"en": rows}, prior_with({lang: [each] for lang, each in known.items()}), ONE)
    shrunk = 0.6 * own + 0.4 * known["en"]
    np.testing.assert_allclose(maps["en"][0], expected_map(shrunk, [shrunk, known["ja"]]), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(maps["ja"][0], expected_map(known["ja"], [shrunk, known["ja"]]), rtol=1e-5, atol=1e-6)


def test_a_few_sentences_hardly_move_the_priors_map() -> None:
    prior = prior_with({"en": [scatter(1)], "ja": [scatter(2)]})
    rows = {count: rows_of(6, 2000, ONE)[:count] for count in (0, 2, 2000)}
    before = LanguageMaps.measured({}, prior, ONE)["en"][0]
    moved = {
        count: float(np.linalg.norm(LanguageMaps.measured({"en": few}, prior, ONE)["en"][0] - before))
        for count, few in rows.items()
    }
    assert moved[0] == 0
    assert 0 < moved[2] < 0.1 * moved[2000]


def test_a_language_that_the_prior_lacks_is_shrunk_towards_the_mean_of_the_priors_languages() -> None:
    known = [scatter(1), scatter(2)]
    rows = rows_of(7, 100, ONE)
    maps = LanguageMaps.measured({"ar": rows}, prior_with({"en": [known[0]], "ja": [known[1]]}), ONE)
    own = (rows.T.astype(np.float64) @ rows + 200 * (known[0] + known[1]) / 2) / 300
    np.testing.assert_allclose(maps["ar"][0], expected_map(own, [*known, own]), rtol=1e-5, atol=1e-6)


def test_without_a_prior_maps_are_the_collections_own() -> None:
    samples = {"en": rows_of(8, 3, ONE), "ar": rows_of(9, 40, ONE)}
    own = {lang: rows.T.astype(np.float64) @ rows / len(rows) for lang, rows in samples.items()}
    maps = LanguageMaps.measured(samples, NO_PRIOR, ONE)
    for lang, covariance in own.items():
        np.testing.assert_allclose(maps[lang][0], expected_map(covariance, list(own.values())), rtol=1e-5, atol=1e-6)


def test_a_language_that_neither_has_is_taken_to_scatter_as_all_do() -> None:
    known = [scatter(1), scatter(2)]
    maps = LanguageMaps.measured({}, prior_with({"en": [known[0]], "ja": [known[1]]}), ONE)
    expected = expected_map((known[0] + known[1]) / 2, known)
    np.testing.assert_allclose(maps["ko"][0], expected, rtol=1e-5, atol=1e-6)
    assert "ko" not in maps.of


@pytest.mark.parametrize("langs", [[], ["en"], ["en", "ar"]])
def test_with_neither_prior_nor_sentences_nothing_is_mapped(langs: list[str]) -> None:
    maps = LanguageMaps.measured({lang: np.empty((0, 8), np.float32) for lang in langs}, NO_PRIOR, TWO)
    for matrix, part in zip(maps["en"], TWO, strict=True):
        np.testing.assert_array_equal(matrix, np.eye(part.width))


@pytest.mark.parametrize("prior", [NO_PRIOR, prior_with({"ja": [scatter(1)]})], ids=["no prior", "prior"])
def test_a_language_without_sentences_is_no_language_of_the_collection(prior: Prior) -> None:
    rows = rows_of(10, 30, ONE)
    with_empty = LanguageMaps.measured({"en": rows, "ar": rows[:0]}, prior, ONE)
    without = LanguageMaps.measured({"en": rows}, prior, ONE)
    assert with_empty.of.keys() == without.of.keys()
    for lang in ("en", "ja", "ar"):
        np.testing.assert_array_equal(with_empty[lang][0], without[lang][0])


def test_sentences_that_are_all_alike_are_no_fault() -> None:
    alike = np.zeros((10, 5), np.float32)
    alignment = aligned_with(LanguageMaps.measured({"en": alike}, NO_PRIOR, ONE), ONE)
    vector = rows_of(11, 1, ONE)[0]
    np.testing.assert_allclose(alignment.query(vector, {"en": 1}).towards("en"), unit(vector), atol=1e-6)
    np.testing.assert_array_equal(alignment.generic(vector[None, :]), [0])


# Queries and rows


def two_languages(seed: int = 0) -> Alignment:
    """Two parts, en and ar with means and scatter of their own, ko with neither."""
    random = np.random.default_rng(seed)

    def table() -> MeanTable:
        return MeanTable(
            {lang: random.normal(size=8).astype(np.float32) for lang in ("ar", "en")},
            random.normal(size=8).astype(np.float32),
        )

    covariances = {"en": [scatter(seed + 1), scatter(seed + 2, 3)], "ar": [scatter(seed + 3), scatter(seed + 4, 3)]}
    maps = LanguageMaps.measured({}, prior_with(covariances), TWO)
    return Alignment(TWO, LanguageMeans(table(), table(), table()), maps)


def block(maps: Sequence[Vectors]) -> Matrix:
    """The maps of two parts as one matrix."""
    whole = np.zeros((8, 8))
    whole[:5, :5], whole[5:, 5:] = maps
    return whole


@pytest.mark.parametrize("towards", ["en", "ar", "ko"])
@pytest.mark.parametrize("asked", ["en", "ar", "ko"])
def test_a_query_loses_its_mean_and_goes_through_both_languages_maps(asked: str, towards: str) -> None:
    alignment = two_languages()
    vector = rows_of(12, 1, TWO)[0]
    query = alignment.query(vector, {asked: 1.0})
    centred = (vector.astype(np.float64) - alignment.means.queries[asked]) @ block(alignment.maps[asked])
    np.testing.assert_allclose(query.centred, centred, atol=1e-5)
    expected = unit_parts((centred @ block(alignment.maps[towards]).T).astype(np.float32), TWO)
    np.testing.assert_allclose(query.towards(towards), expected, atol=1e-5)
    assert np.linalg.norm(query.towards(towards)[:5]) == pytest.approx(0.7**0.5, abs=1e-5)


def test_a_query_that_may_be_in_two_languages_is_mapped_by_a_mixture() -> None:
    alignment = two_languages()
    vector = rows_of(13, 1, TWO)[0]
    means, maps = alignment.means.queries, alignment.maps
    centred = vector - (0.25 * means["en"].astype(np.float64) + 0.75 * means["ar"])
    expected = centred @ (0.25 * block(maps["en"]) + 0.75 * block(maps["ar"]))
    np.testing.assert_allclose(alignment.query(vector, {"en": 0.25, "ar": 0.75}).centred, expected, atol=1e-5)


def test_probabilities_of_a_query_need_not_sum_to_one() -> None:
    alignment = two_languages()
    vector = rows_of(14, 1, TWO)[0]
    one, other = alignment.query(vector, {"en": 0.25, "ar": 0.75}), alignment.query(vector, {"en": 2, "ar": 6})
    np.testing.assert_allclose(one.centred, other.centred, atol=1e-6)


def test_passages_and_sentences_lose_their_own_means_and_are_not_mapped() -> None:
    alignment = two_languages()
    rows, langs = rows_of(15, 4, TWO), ["en", "ar", "ko", "en"]
    for aligned, means in (
        (alignment.passages(rows, langs), alignment.means.passages),
        (alignment.sentences(rows, langs), alignment.means.sentences),
    ):
        expected = unit_parts(rows - np.stack([means[lang] for lang in langs]), TWO)
        np.testing.assert_allclose(aligned, expected, atol=1e-6)


def test_a_text_at_its_languages_mean_is_zero_and_not_a_nan() -> None:
    alignment = two_languages()
    at_mean = alignment.means.passages["en"][None, :]
    np.testing.assert_array_equal(alignment.passages(at_mean, ["en"]), np.zeros((1, 8)))
    query = alignment.query(alignment.means.queries["en"], {"en": 1.0})
    np.testing.assert_array_equal(query.towards("ar"), np.zeros(8))


def test_no_rows_give_no_rows() -> None:
    alignment = two_languages()
    empty = np.empty((0, 8), np.float32)
    assert alignment.passages(empty, []).shape == alignment.mapped(empty, []).shape == (0, 8)
    assert alignment.generic(empty).shape == (0,)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["en", "ar", "ko"]), st.sampled_from(["en", "ar", "ko"]))
def test_mapped_passages_are_scored_by_the_centred_query_as_by_the_one_turned_towards_them(
    seed: int, asked: str, lang: str
) -> None:
    """Of each part: the two differ by one factor, which is the same for all passages of a language."""
    alignment = two_languages(1)
    rows = alignment.passages(rows_of(seed, 6, TWO), [lang] * 6)
    query = alignment.query(rows_of(seed + 1, 1, TWO)[0], {asked: 1.0})
    for place, weight in ((slice(0, 5), 0.7), (slice(5, 8), 0.3)):
        indexed = alignment.mapped(rows, [lang] * 6)[:, place].astype(np.float64) @ query.centred[place]
        scored = rows[:, place].astype(np.float64) @ query.towards(lang)[place]
        length = np.linalg.norm((query.centred @ block(alignment.maps[lang]).T)[place]) / weight**0.5
        np.testing.assert_allclose(indexed, length * scored, atol=1e-4)


def test_rows_of_several_languages_are_mapped_each_by_its_own() -> None:
    alignment = two_languages()
    rows, langs = rows_of(16, 5, TWO), ["en", "ko", "ar", "en", "ar"]
    mapped = alignment.mapped(rows, langs)
    for row, lang, got in zip(rows, langs, mapped, strict=True):
        np.testing.assert_allclose(got, row @ block(alignment.maps[lang]), atol=1e-5)


def test_two_parts_are_two_alignments_side_by_side() -> None:
    both = two_languages()
    raw, langs = rows_of(17, 4, TWO), ["en", "ar", "ko", "ar"]
    query = both.query(raw[0], {"en": 0.5, "ar": 0.5})
    for number, place in enumerate((slice(0, 5), slice(5, 8))):
        root = TWO[number].weight ** 0.5
        parts = (Part(TWO[number].width, 1.0),)

        def cut(table: MeanTable, place: slice = place) -> MeanTable:
            return MeanTable({lang: mean[place] for lang, mean in table.of.items()}, table.fallback[place])

        means = LanguageMeans(*(cut(t) for t in (both.means.passages, both.means.sentences, both.means.queries)))
        maps = LanguageMaps(
            {lang: [own[number]] for lang, own in both.maps.of.items()},
            [both.maps.fallback[number]],
            [both.maps.generic[number]],
        )
        alone = Alignment(parts, means, maps)
        own_query = alone.query(raw[0, place], {"en": 0.5, "ar": 0.5})
        own_rows = alone.passages(raw[:, place], langs)
        np.testing.assert_allclose(both.passages(raw, langs)[:, place], root * own_rows, atol=1e-6)
        for lang in ("en", "ar", "ko"):
            np.testing.assert_allclose(query.towards(lang)[place], root * own_query.towards(lang), atol=1e-6)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100))
def test_the_length_of_vectors_changes_nothing(seed: int, factor: float) -> None:
    samples = {"en": rows_of(seed, 30, ONE), "ar": rows_of(seed + 1, 30, ONE)}
    longer = {lang: np.float32(factor) * rows for lang, rows in samples.items()}
    short, long = (aligned_with(LanguageMaps.measured(each, NO_PRIOR, ONE), ONE) for each in (samples, longer))
    vector = rows_of(seed + 2, 1, ONE)[0]
    np.testing.assert_allclose(
        short.query(vector, {"en": 1}).towards("ar"),
        long.query(np.float32(factor) * vector, {"en": 1}).towards("ar"),
        atol=1e-5,
    )
    np.testing.assert_allclose(short.generic(vector[None, :]), long.generic(vector[None, :]), rtol=1e-4)


def test_the_plain_index_leaves_the_models_cosines() -> None:
    plain = Alignment.none(ONE)
    rows, langs = rows_of(18, 3, ONE), ["en", "ar", "ko"]
    vector = rows_of(19, 1, ONE)[0]
    query = plain.query(vector, {"en": 0.5, "ar": 0.5})
    expected = [float(row @ vector / np.linalg.norm(row) / np.linalg.norm(vector)) for row in rows]
    for aligned in (plain.passages(rows, langs), plain.sentences(rows, langs)):
        np.testing.assert_allclose([row @ query.towards("ar") for row in aligned], expected, atol=1e-6)
        np.testing.assert_array_equal(plain.mapped(aligned, langs), aligned)
        np.testing.assert_array_equal(plain.generic(aligned), np.zeros(3))


# What texts have in common


def test_how_generic_a_vector_is_is_its_deviation_by_the_covariance() -> None:
    pooled = (scatter(1) + scatter(2)) / 2
    prior = prior_with({"en": [scatter(1)], "ja": [scatter(2)]})
    alignment = aligned_with(LanguageMaps.measured({}, prior, ONE), ONE)
    rows = unit(rows_of(20, 7, ONE))
    expected = [np.sqrt(row @ pooled @ row / np.trace(pooled)) for row in rows.astype(np.float64)]
    np.testing.assert_allclose(alignment.generic(rows), expected, rtol=1e-5)


def test_how_generic_a_vector_is_is_how_far_texts_spread_along_it() -> None:
    texts = rows_of(21, 500, ONE) * row32(4, 2, 1, 0.5, 0.25)
    texts -= texts.mean(axis=0)
    alignment = aligned_with(LanguageMaps.measured({"en": texts}, NO_PRIOR, ONE), ONE)
    rows = np.eye(5, dtype=np.float32)
    spread = texts.std(axis=0)
    np.testing.assert_allclose(alignment.generic(rows), spread / np.linalg.norm(spread), rtol=1e-4)
    assert (np.diff(alignment.generic(rows)) < 0).all()


def test_of_two_parts_the_deviations_add_up_by_their_weights() -> None:
    alignment = two_languages()
    rows = unit_parts(rows_of(22, 6, TWO), TWO)
    first, second = (scatter(1) + scatter(3)) / 2, (scatter(2, 3) + scatter(4, 3)) / 2
    expected = [
        np.sqrt(0.7 * row[:5] @ first @ row[:5] / np.trace(first))
        + np.sqrt(0.3 * row[5:] @ second @ row[5:] / np.trace(second))
        for row in rows.astype(np.float64)
    ]
    np.testing.assert_allclose(alignment.generic(rows), expected, rtol=1e-5)


def test_of_a_wide_vector_only_the_32_strongest_directions_count() -> None:
    parts = (Part(40, 1.0),)
    deviations = 0.9 ** np.arange(40)
    alignment = aligned_with(LanguageMaps.measured({}, prior_with({"en": [np.diag(deviations**2)]}), parts), parts)
    assert alignment.maps.generic[0].shape == (32, 40)
    expected = np.where(np.arange(40) < 32, deviations / np.linalg.norm(deviations), 0)
    np.testing.assert_allclose(alignment.generic(np.eye(40, dtype=np.float32)), expected, rtol=1e-4, atol=1e-7)


# What it is for


def translated(seed: int) -> dict[str, Vectors]:
    """The same 250 topics twice: each language adds a mean, noise, and a strong scatter in two directions of its own,
    which have nothing to do with the topics."""
    random = np.random.default_rng(seed)
    topics = random.normal(size=(250, 96))
    rows = {}
    for lang in ("en", "ar"):
        own_directions = np.linalg.qr(random.normal(size=(96, 2)))[0]
        noise = 0.5 * random.normal(size=topics.shape)
        manner = 6 * random.normal(size=(250, 2)) @ own_directions.T
        rows[lang] = unit((topics + noise + manner + 3 * random.normal(size=96)).astype(np.float32))
    return rows


def measured_on(rows: Mapping[str, Vectors], *, maps: bool) -> Alignment:
    parts = (Part(96, 1.0),)
    sums = {lang: (len(own), own.sum(axis=0, dtype=np.float64)) for lang, own in rows.items()}
    means = LanguageMeans.shrunk({lang: LanguageSum(*each, *each) for lang, each in sums.items()}, NO_PRIOR, parts)
    samples = {lang: means.sentences.centre(own, [lang] * len(own)) for lang, own in rows.items()}
    return Alignment(
        parts, means, LanguageMaps.measured(samples, NO_PRIOR, parts) if maps else LanguageMaps.none(parts)
    )


def share_next_to_their_translation(rows: Mapping[str, Vectors], alignment: Alignment) -> float:
    """Of the English texts, those that are nearer to their translation than to any other text of either language."""
    count = len(rows["en"])
    passages = {lang: alignment.passages(own, [lang] * count) for lang, own in rows.items()}
    queries = [alignment.query(vector, {"en": 1.0}) for vector in rows["en"]]
    same = np.stack([passages["en"] @ query.towards("en") for query in queries])
    np.fill_diagonal(same, -np.inf)
    other = np.stack([passages["ar"] @ query.towards("ar") for query in queries])
    nearest = np.hstack([same, other]).argmax(axis=1)
    return float((nearest == count + np.arange(count)).mean())


@pytest.mark.parametrize("seed", range(4))
def test_alignment_brings_translations_together_where_plain_cosine_does_not(seed: int) -> None:
    rows = translated(seed)
    assert share_next_to_their_translation(rows, Alignment.none((Part(96, 1.0),))) < 0.01
    assert share_next_to_their_translation(rows, measured_on(rows, maps=False)) < 0.7
    assert share_next_to_their_translation(rows, measured_on(rows, maps=True)) > 0.8
