"""The parts of a vector: one for each model that an encoder is made of, each of a fixed share of the whole.

A vector of length 1 whose parts have lengths sqrt(weight) gives, as inner product of two, the weighted mean of the
models' cosines. Taking off a mean changes those lengths; `unit_parts` restores them, part by part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """Of a vector: how many components, and its share in an inner product (the shares of all parts sum to 1)."""

    width: int
    weight: float


Parts = tuple[Part, ...]


def spans(parts: Sequence[Part]) -> Iterator[tuple[Part, slice]]:
    """Each part with its place in a vector."""
    start = 0
    for part in parts:
        yield part, slice(start, start + part.width)
        start += part.width


def unit_parts(vectors: Vectors, parts: Sequence[Part], out: Vectors | None = None) -> Vectors:
    """(..., dimension) rows with each part scaled to the length sqrt(weight); a part of zeros stays zero. `out`, which
    may be the rows themselves, is written to instead of a new array."""
    scaled = np.empty(vectors.shape, np.float32) if out is None else out
    for part, place in spans(parts):
        own = vectors[..., place]
        lengths = np.sqrt(np.einsum("...i,...i->...", own, own))[..., None]
        factors = np.float32(np.sqrt(part.weight)) / np.where(lengths == 0, 1, lengths)
        np.multiply(own, factors, out=scaled[..., place])
    return scaled


def unit(vectors: Vectors) -> Vectors:
    """Rows of length 1; a row of zeros stays zero."""
    return unit_parts(vectors, (Part(vectors.shape[-1], 1.0),))


def joined(vectors: Sequence[Vectors], parts: Sequence[Part]) -> Vectors:
    """One (n, width) array of unit rows per part -> (n, dimension) rows of length 1."""
    return np.concatenate(
        [own * np.float32(np.sqrt(part.weight)) for own, part in zip(vectors, parts, strict=True)], axis=1
    )


def written(parts: Sequence[Part]) -> str:
    """`384:0.7 512:0.3`: how a collection keeps it."""
    return " ".join(f"{part.width}:{part.weight:g}" for part in parts)


def parts_of(text: str) -> Parts:
    """The opposite of `written`. Raises ValueError."""
    pairs = (item.split(":") for item in text.split())
    return tuple(Part(int(width), float(weight)) for width, weight in pairs)
