"""Bytes -> how likely the text is that each encoding makes of them, in bits."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from indexer.reading.encodings.candidates import CANDIDATES, ONE_BYTE, Candidate
from indexer.reading.encodings.character_kinds import kinds_of_all
from indexer.reading.encodings.costs import BAD_BITS, character_bits, step_bits


@dataclass(frozen=True)
class Guess:
    codec: str
    bits: float


_CUT_BITS = 12.0
_BEGINNING = 1_000
"""So many bytes show which encodings fit badly, and need not be looked at any longer."""


@cache
def _table(codec: str) -> NDArray[np.intp]:
    """Byte -> code point in an encoding of one byte a character."""
    text = bytes(range(256)).decode(codec, "replace")
    return np.array([ord(character) for character in text], np.intp)


def guesses(data: bytes, candidates: Sequence[Candidate]) -> list[Guess]:
    """What the text costs in each encoding, in the language that fits best."""
    values = np.frombuffer(data, np.uint8)
    counts = np.bincount(values, minlength=256)
    pairs = np.bincount(values[:-1].astype(np.intp) << 8 | values[1:], minlength=65_536)
    present = np.flatnonzero(pairs)
    guesses = []
    for one in candidates:
        if one.codec not in ONE_BYTE:
            bits = _bits_of_text(data, one)
        else:
            codes = _table(one.codec)
            kinds = kinds_of_all()[codes]
            steps = float(step_bits()[kinds[present >> 8], kinds[present & 255]] @ pairs[present])
            bits = steps + min(float(character_bits(language)[codes] @ counts) for language in one.languages)
        guesses.append(Guess(one.codec, one.bits + bits))
    return guesses


def _bits_of_text(data: bytes, candidate: Candidate) -> float:
    beginning = data[:_BEGINNING].decode(candidate.codec, "replace")
    if beginning.count("\ufffd") * 20 > len(beginning) + 40:
        return len(data) * BAD_BITS
    decoder = codecs.getincrementaldecoder(candidate.codec)("replace")
    codes = _codes(decoder.decode(data))
    kinds = kinds_of_all()[codes]
    steps = float(step_bits()[kinds[:-1], kinds[1:]].sum())
    letters = min(float(character_bits(language)[codes].sum()) for language in candidate.languages)
    return _CUT_BITS * len(decoder.getstate()[0]) + steps + letters


def bits_beyond_ascii(data: bytes, codec: str) -> float:
    """For each byte of characters that are not ASCII; 0 where there are hardly any."""
    codes = _codes(data.decode(codec, "replace"))
    kinds, beyond = kinds_of_all()[codes], codes >= 128
    size = len(data) - int(np.count_nonzero(~beyond))
    if size < 8:
        return 0.0
    languages = next(candidate.languages for candidate in CANDIDATES if candidate.codec == codec)
    steps = float(step_bits()[kinds[:-1], kinds[1:]][beyond[:-1] | beyond[1:]].sum())
    return (steps + min(float(character_bits(language)[codes[beyond]].sum()) for language in languages)) / size


def _codes(text: str) -> NDArray[np.intp]:
    """Code points; U+FFFF for those above."""
    return np.minimum(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32), 0xFFFF).astype(np.intp)
