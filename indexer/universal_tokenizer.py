"""Text -> the token numbers of the multilingual Universal Sentence Encoder, as SentencePiece finds them.

A piece of the vocabulary is looked up by its hash, all places of all texts at once. Tokens: Kudo 2018, "Subword
Regularization" (a unigram model, its best segmentation found by Viterbi).
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

PIECES = 128_000
"""How many the vocabulary has; also the number of a character that is none."""
LONGEST_PIECE = 16
LONGEST_REPLACED = 4
SINGLE, FIRST, LATER = 1, 2, 4
"""Kinds of a character: it is replaced; begins a replaced sequence; continues one."""

_MAX_TOKENS = 512
MAX_CHARACTERS = (_MAX_TOKENS + 2) * LONGEST_PIECE
"""Of a text no more are looked at."""
_UNKNOWN, _START, _END = 0, 1, 2
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class Tokenizer:
    """SentencePiece's nmt_nfkc normalisation and unigram model; numpy finds the pieces, Python the best path.

    tokenizers' Unigram is as fast, but takes 0.3 s to load this vocabulary, joins neighbouring unknown characters, and
    its normaliser replaces by grapheme where SentencePiece replaces the longest sequence.
    """

    def __init__(
        self,
        hashes: NDArray[np.uint64],
        pieces: NDArray[np.int32],
        scores: NDArray[np.float64],
        kinds: NDArray[np.uint8],
        replacements: Replacements,
    ) -> None:
        """`hashes`: of all beginnings of pieces, sorted; `pieces`: which piece each is, -1 for none; `scores` of the
        pieces, then of a character that is none; `kinds` of all code points."""
        self._hashes, self._pieces, self._scores, self._kinds = hashes, pieces, scores, kinds
        self._replaced = functools.lru_cache(65_536)(replacements.longest)

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Each text's token numbers, start and end included."""
        return [[_START, *found[: _MAX_TOKENS - 2], _END] for found in self._segments(self._normalised(texts))]

    def _normalised(self, texts: Sequence[str]) -> list[str]:
        """Characters replaced, spaces collapsed, each word with ▁ before it."""
        # A line break would become a space: so it can stand between the texts, which are read as one.
        joined = "\n".join([text.replace("\n", " ") for text in texts])
        kinds = self._kinds[code_points(joined)]
        begins = (kinds & SINGLE) != 0
        begins[:-1] |= ((kinds[:-1] & FIRST) != 0) & ((kinds[1:] & LATER) != 0)
        parts: list[str] = []
        done = 0
        for place in np.flatnonzero(begins).tolist():
            if place >= done:
                parts.append(joined[done:place])
                replacement, length = self._replaced(joined[place : place + LONGEST_REPLACED])
                parts.append(replacement)
                done = place + length
        parts.append(joined[done:])
        return [
            "".join([f"▁{word}" for word in line.split(" ") if word])[:MAX_CHARACTERS]
            for line in "".join(parts).split("\n")
        ]

    def _segments(self, lines: list[str]) -> list[list[int]]:
        """The pieces of the likeliest segmentation of each line; an empty line is one unknown piece."""
        joined = "\n".join(lines) + "\n"
        starts, ends, pieces = self._pieces_in(code_points(joined))
        scores = self._scores[pieces].tolist()
        best = [-np.inf] * (len(joined) + 1)
        came_by = [0] * (len(joined) + 1)
        at = 0
        for line in lines:
            best[at] = 0.0
            at += len(line) + 1
        origins, numbers = starts.tolist(), np.where(pieces == PIECES, _UNKNOWN, pieces).tolist()
        for way, (start, end, score) in enumerate(zip(origins, ends.tolist(), scores, strict=True)):
            total = best[start] + score
            if total > best[end]:  # of equal ones the first: the longest last piece
                best[end] = total
                came_by[end] = way
        found = []
        at = 0
        for line in lines:
            tokens = []
            place = at + len(line)
            while place > at:
                way = came_by[place]
                tokens.append(numbers[way])
                place = origins[way]
            tokens.reverse()
            found.append(tokens or [_UNKNOWN])
            at += len(line) + 1
        return found

    def _pieces_in(self, characters: NDArray[np.uint32]) -> tuple[Integers, Integers, Integers]:
        """(start, end, piece) of every piece at every place, by start; a character that is no piece counts as 128,000.

        All places grow by one character at a time, as long as what they have is the beginning of some piece.
        """
        places = np.flatnonzero(characters != ord("\n"))
        hashes = np.zeros(len(places), np.uint64)
        all_starts, all_ends, all_pieces = [], [], []
        for length in range(1, LONGEST_PIECE + 1):
            hashes = extended(hashes, characters[places + (length - 1)])
            slots = np.minimum(self._hashes.searchsorted(hashes), len(self._hashes) - 1)
            known = self._hashes[slots] == hashes
            pieces = np.where(known, self._pieces[slots], -1)
            if length == 1:
                pieces[pieces < 0] = PIECES  # its score stands after those of the pieces
            whole = np.flatnonzero(pieces >= 0)
            all_starts.append(places[whole])
            all_ends.append(places[whole] + length)
            all_pieces.append(pieces[whole])
            places, hashes = places[known], hashes[known]
        starts = np.concatenate(all_starts)
        order = starts.argsort(kind="stable")
        return starts[order], np.concatenate(all_ends)[order], np.concatenate(all_pieces)[order]


class Replacements:
    """SentencePiece's precompiled character map: a double-array trie of UTF-8 keys (Darts-clone's layout), then the
    replacements, each ended by a zero byte."""

    def __init__(self, data: bytes) -> None:
        (size,) = struct.unpack_from("<I", data)
        self._units = struct.unpack_from(f"<{size // 4}I", data, 4)
        self._values = data[4 + size :]

    def longest(self, text: str) -> tuple[str, int]:
        """What replaces the longest beginning of the text that has a replacement, and its length in characters; the
        first character itself where there is none."""
        raw = text.encode("utf-8", "surrogatepass")
        units = self._units
        node = _offset(units[0])
        length = value = 0
        for place, byte in enumerate(raw):
            node ^= byte
            unit = units[node]
            if (unit & 0x800000FF) != byte:
                break
            node ^= _offset(unit)
            if unit & 0x100:
                length, value = place + 1, units[node] & 0x7FFFFFFF
        if not length:
            return text[0], 1
        end = self._values.index(b"\0", value)
        return self._values[value:end].decode("utf-8"), len(raw[:length].decode("utf-8"))

    def sequences(self) -> Iterator[str]:
        """Every sequence that is replaced."""
        units = np.array(self._units, np.int64)
        labels = np.arange(1, 256)
        waiting = [(np.array([_offset(self._units[0])]), np.zeros((1, 0), np.uint8))]
        while waiting:
            nodes, keys = waiting.pop()
            children = nodes[:, None] ^ labels
            parents, taken = np.nonzero(
                (units[np.minimum(children, len(units) - 1)] & 0x800000FF == labels) & (children < len(units))
            )
            places = children[parents, taken]
            reached = units[places]
            keys = np.column_stack([keys[parents], labels[taken].astype(np.uint8)])
            for key in keys[reached & 0x100 != 0]:
                yield key.tobytes().decode("utf-8")
            nodes = places ^ ((reached >> 10) << ((reached & 0x200) >> 6))
            for first in range(0, len(nodes), 4_096):  # some MB at a time
                waiting.append((nodes[first : first + 4_096], keys[first : first + 4_096]))


def _offset(unit: int) -> int:
    return (unit >> 10) << ((unit & 0x200) >> 6)


def code_points(text: str) -> NDArray[np.uint32]:
    """The text's characters as numbers, lone surrogates included."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def extended(hashes: NDArray[np.uint64], characters: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """64-bit hashes of strings with one more character; among 300,000 keys a wrong match has odds of 1 in 10^13."""
    longer: NDArray[np.uint64] = (hashes + characters + np.uint64(1)) * _MULTIPLIER
    return longer
