"""Vectors in a byte a component: each row as int8 with a float32 scale of its own.

Half the bytes of float16; the ranking is the same (figures in docs/ranking.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

_SCALE_BYTES = 4


def packed(rows: Vectors) -> bytes:
    """(n, dimension) -> n scales, then n * dimension bytes; no component moves by more than half a 127th of its row's
    largest."""
    largest = np.abs(rows).max(axis=1, initial=0)
    scales = (np.where(largest == 0, 1, largest) / 127).astype("<f4")
    return bytes(scales.tobytes() + np.rint(rows / scales[:, None]).astype(np.int8).tobytes())


def packed_rows(blob: bytes, dimension: int) -> int:
    """How many rows there are. Raises ValueError where they are not of this dimension."""
    count, left_over = divmod(len(blob), dimension + _SCALE_BYTES)
    if left_over:
        raise ValueError(f"{len(blob)} bytes are not vectors of {dimension} components")
    return count


def unpacked(blobs: Sequence[bytes], counts: Sequence[int], dimension: int) -> Vectors:
    """(sum of counts, dimension) float32: the rows of each blob, one after the other. Raises ValueError where the
    bytes of one are not as many rows as its count says."""
    for blob, count in zip(blobs, counts, strict=True):
        if packed_rows(blob, dimension) != count:
            raise ValueError(f"{len(blob)} bytes are not {count} vectors of {dimension} components")
    heads = [count * _SCALE_BYTES for count in counts]
    scales = np.frombuffer(b"".join(blob[:head] for blob, head in zip(blobs, heads, strict=True)), "<f4")
    components = np.frombuffer(b"".join(blob[head:] for blob, head in zip(blobs, heads, strict=True)), np.int8)
    rows: Vectors = components.reshape(len(scales), dimension).astype(np.float32)
    rows *= scales[:, None]
    return rows
