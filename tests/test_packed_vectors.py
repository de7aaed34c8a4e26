"""Vectors in a byte a component: within the promised distance of the originals, byte for byte as described."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.packed_vectors import packed, packed_rows, unpacked
from indexer.parts import unit


def test_a_row_is_its_scale_and_a_signed_byte_for_each_component() -> None:
    rows = np.array([[127, -127, 63.6, 0.4], [-2.54, 0.01, 0.02, 0.05]], np.float32)
    blob = packed(rows)
    assert blob == struct.pack("<2f", 1, 0.02) + struct.pack("8b", 127, -127, 64, 0, -127, 0, 1, 2)
    np.testing.assert_allclose(
        unpacked([blob], [2], 4), [[127.0, -127.0, 64.0, 0.0], [-2.54, 0.0, 0.02, 0.04]], rtol=1e-6
    )


@given(
    st.integers(0, 8), st.integers(1, 40), st.integers(0, 2**32 - 1), st.floats(1e-6, 1e6), st.sampled_from([0, 1, 4])
)
def test_no_component_moves_by_more_than_half_a_127th_of_its_rows_largest(
    count: int, dimension: int, seed: int, length: float, spikes: int
) -> None:
    random = np.random.default_rng(seed)
    rows = (length * random.normal(size=(count, dimension)) * np.exp(spikes * random.normal(size=(count, 1)))).astype(
        np.float32
    )
    got = unpacked([packed(rows)], [count], dimension)
    largest = np.abs(rows.astype(np.float64)).max(axis=1, keepdims=True)
    assert got.dtype == np.float32
    assert (np.abs(got.astype(np.float64) - rows) <= largest * (0.5 / 127 + 1e-6)).all()


def test_each_row_has_a_scale_of_its_own() -> None:
    rows = np.array([[1, 0.5], [1e-4, -0.5e-4], [1e4, 0.25e4]], np.float32)
    np.testing.assert_allclose(unpacked([packed(rows)], [3], 2), rows, rtol=0.01)


def test_rows_of_zeros_stay_zero() -> None:
    rows = np.array([[0, 0], [3, 4], [0, 0]], np.float32)
    got = unpacked([packed(rows)], [3], 2)
    np.testing.assert_array_equal(got[[0, 2]], [[0, 0], [0, 0]])
    assert got[1, 1] == pytest.approx(4)


def test_cosines_of_unit_vectors_hardly_change() -> None:
    rows = unit(np.random.default_rng(2).normal(size=(200, 384)).astype(np.float32))
    got = unpacked([packed(rows)], [200], 384)
    assert np.abs(got @ got.T - rows @ rows.T).max() < 0.003
    assert (unit(got) * rows).sum(axis=1).min() > 0.9999


@pytest.mark.parametrize(("count", "dimension"), [(0, 3), (1, 1), (7, 896)])
def test_the_bytes_say_how_many_rows_there_are(count: int, dimension: int) -> None:
    blob = packed(np.ones((count, dimension), np.float32))
    assert len(blob) == count * (dimension + 4)
    assert packed_rows(blob, dimension) == count
    assert unpacked([blob], [count], dimension).shape == (count, dimension)


def test_rows_of_several_blobs_come_one_after_the_other() -> None:
    random = np.random.default_rng(3)
    each = [random.normal(size=(count, 6)).astype(np.float32) for count in (2, 0, 1, 4)]
    got = unpacked([packed(rows) for rows in each], [2, 0, 1, 4], 6)
    np.testing.assert_array_equal(got, np.concatenate([unpacked([packed(rows)], [len(rows)], 6) for rows in each]))
    np.testing.assert_allclose(got, np.concatenate(each), atol=0.02)
    assert unpacked([], [], 6).shape == (0, 6)


_DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "a byte short": lambda blob: blob[:-1],
    "a byte long": lambda blob: blob + b"\0",
    "another thing": lambda _: b"abc",
}


@pytest.mark.parametrize("damage", _DAMAGE)
def test_bytes_that_are_no_rows_are_refused(damage: str) -> None:
    good = packed(np.ones((2, 5), np.float32))
    bad = _DAMAGE[damage](good)
    with pytest.raises(ValueError, match=f"{len(bad)} bytes are not vectors of 5 components"):
        packed_rows(bad, 5)
    with pytest.raises(ValueError, match=f"{len(bad)} bytes are not vectors of 5 components"):
        unpacked([good, bad], [2, 2], 5)


@pytest.mark.parametrize("counts", [(2, 1), (2, 3), (1, 3), (3, 1)])
def test_another_number_of_rows_is_refused(counts: tuple[int, int]) -> None:
    wrong = next(count for count in counts if count != 2)
    with pytest.raises(ValueError, match=f"18 bytes are not {wrong} vectors of 5 components"):
        unpacked([packed(np.ones((2, 5), np.float32))] * 2, counts, 5)


def test_what_is_unpacked_may_be_written_to() -> None:
    got = unpacked([packed(np.ones((1, 2), np.float32))], [1], 2)
    got += 1
    np.testing.assert_allclose(got, [[2, 2]])
