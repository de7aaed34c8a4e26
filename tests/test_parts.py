"""Parts of a vector: each gets its length, and an inner product is then the weighted mean of the parts' cosines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.parts import Part, Parts, joined, parts_of, spans, unit, unit_parts, written

TWO = (Part(2, 0.64), Part(3, 0.36))


def cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(a.astype(np.float64) @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


@st.composite
def some_parts(draw: st.DrawFn) -> Parts:
    """One to four parts; weights of three digits that sum to 1."""
    cuts = sorted(draw(st.sets(st.integers(1, 999), max_size=3)))
    shares = np.diff([0, *cuts, 1000]) / 1000
    return tuple(Part(draw(st.integers(1, 600)), float(share)) for share in shares)


def test_each_part_has_its_place_behind_the_one_before() -> None:
    assert list(spans((*TWO, Part(1, 0)))) == [
        (TWO[0], slice(0, 2)),
        (TWO[1], slice(2, 5)),
        (Part(1, 0), slice(5, 6)),
    ]


def test_each_part_gets_the_length_of_the_root_of_its_weight() -> None:
    rows = np.array([[3, 4, 0, 0, 2], [-5, 0, 2, 1, 2]], np.float32)
    scaled = unit_parts(rows, TWO)
    np.testing.assert_allclose(scaled, [[0.48, 0.64, 0, 0, 0.6], [-0.8, 0, 0.4, 0.2, 0.4]], rtol=1e-6)
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(rows[0], [3, 4, 0, 0, 2])


@pytest.mark.parametrize(
    ("row", "expected"),
    [([0, 0, 0, 3, 0], [0, 0, 0, 0.6, 0]), ([3, 4, 0, 0, 0], [0.48, 0.64, 0, 0, 0]), ([0] * 5, [0] * 5)],
)
def test_a_part_of_zeros_stays_zero_and_the_other_gets_its_length(row: list[float], expected: list[float]) -> None:
    np.testing.assert_allclose(unit_parts(np.array(row, np.float32), TWO), expected, rtol=1e-6)


def test_vectors_may_come_alone_or_in_arrays_of_any_depth() -> None:
    rows = np.random.default_rng(1).normal(size=(2, 3, 5)).astype(np.float32)
    scaled = unit_parts(rows, TWO)
    assert scaled.shape == rows.shape
    np.testing.assert_array_equal(scaled[1, 2], unit_parts(rows[1, 2], TWO))
    assert unit_parts(rows[:0], TWO).shape == (0, 3, 5)


def test_rows_may_be_scaled_in_place() -> None:
    parts = (Part(2, 0.25), Part(1, 0.75))
    rows = np.array([[3, 4, 5], [0, 0, -2]], np.float32)
    expected = unit_parts(rows, parts)
    assert unit_parts(rows, parts, out=rows) is rows
    np.testing.assert_array_equal(rows, expected)


def test_unit_is_the_length_one_of_a_single_part() -> None:
    rows = np.array([[3, 4], [0, 0], [-5, 0]], np.float32)
    np.testing.assert_allclose(unit(rows), [[0.6, 0.8], [0.0, 0.0], [-1.0, 0.0]], rtol=1e-6)


@given(some_parts(), st.integers(0, 2**32 - 1), st.floats(0.01, 100))
def test_an_inner_product_is_the_weighted_mean_of_the_parts_cosines(parts: Parts, seed: int, length: float) -> None:
    dimension = sum(part.width for part in parts)
    rows = (length * np.random.default_rng(seed).normal(size=(2, dimension))).astype(np.float32)
    a, b = unit_parts(rows, parts)
    expected = sum(part.weight * cosine(rows[0, place], rows[1, place]) for part, place in spans(parts))
    assert float(a @ b) == pytest.approx(expected, abs=1e-5)
    assert np.linalg.norm(a) == pytest.approx(1, abs=1e-5)


@given(some_parts(), st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_joining_unit_rows_gives_rows_that_need_no_scaling(parts: Parts, rows: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    each = [unit(random.normal(size=(rows, part.width)).astype(np.float32)) for part in parts]
    whole = joined(each, parts)
    assert whole.shape == (rows, sum(part.width for part in parts))
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole, unit_parts(np.concatenate(each, axis=1), parts), atol=1e-6)


def test_one_array_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match=r"zip\(\)"):
        joined([np.ones((1, 2), np.float32)], TWO)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ((Part(384, 1.0),), "384:1"),
        ((Part(384, 1 - 0.3), Part(512, 0.3)), "384:0.7 512:0.3"),
        ((), ""),
    ],
)
def test_parts_are_kept_as_text(parts: Parts, text: str) -> None:
    assert written(parts) == text
    assert parts_of(text) == parts


@given(some_parts())
def test_what_was_written_is_read_back(parts: Parts) -> None:
    assert parts_of(written(parts)) == parts


@pytest.mark.parametrize("text", ["384", "384:", ":1", "a:1", "384:b", "384:0.5:0.5", "3.5:1", "384 : 1"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parts_of(text)
