"""Bytes that say nothing -> the text that is likeliest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from indexer.errors import DocumentError
from indexer.reading.encodings.candidates import ALL, CANDIDATES, WIDE, Candidate
from indexer.reading.encodings.decoding import BLOCK, Decoded, strictly, whole_text, with_gaps
from indexer.reading.encodings.likelihood import Guess, bits_beyond_ascii, guesses
from indexer.reading.encodings.marks import SAMPLE


def declared_text(data: bytes, codec: str) -> Decoded | None:
    """None where the bytes do not fit, or where another encoding is so much likelier that the declaration must be
    wrong: servers and editors say ISO-8859-1 of any text."""
    found = strictly(data, codec)
    if not found or codec == "utf-8" or (data.isascii() and not codec.startswith("utf-")):
        return found
    sample = _sample(data)
    own = next((candidate for candidate in CANDIDATES if candidate.codec == codec), Candidate(codec, ALL, 0))
    rivals = CANDIDATES if own in CANDIDATES else ()
    bits, utf_8, *others = (guess.bits for guess in guesses(sample, [own, Candidate("utf-8", ALL, 0), *rivals]))
    if utf_8 < bits and whole_text(data, "utf-8"):
        return None
    return None if others and bits - min(others) > _CERTAIN + _CERTAIN_BITS * _not_ascii(sample) else found


def _not_ascii(data: bytes) -> int:
    """How many bytes."""
    return len(data) - len(data.translate(None, bytes(range(128, 256))))


_UNKNOWN = "not text in any encoding that is known; convert it to UTF-8"
_DENSE_BITS = 8.5
_SPARSE_BITS = 11.0
"""A byte of what is not ASCII costs less than this, where there is much of it and where there is little."""
_CLEAR = 15.0
"""Bits between the likeliest encoding and the next, from which there is no doubt."""
_CERTAIN, _CERTAIN_BITS = 60.0, 1.0
"""Bits, and bits for each byte that is not ASCII, from which likelihood overrules what is declared."""
_SHORT = 2_000
_BORDER = re.compile(rb"[\t\n\r -/]")
"""Bytes that are no part of another character in any of the encodings."""
_HIGH = re.compile(rb"[\x80-\xff]")


def detected_text(data: bytes, declared: str) -> Decoded:
    sample = _sample(data)
    candidates = CANDIDATES if len(sample) == len(data) else CANDIDATES[: -len(WIDE)]
    costs = guesses(sample, [replace(one, bits=0) if one.codec == declared else one for one in candidates])
    best, *others = sorted(costs, key=lambda guess: guess.bits)
    found = strictly(data, best.codec) or with_gaps(data, best.codec, len(data) // 500 + 1)
    if not found:
        raise DocumentError(_UNKNOWN)
    doubt = _doubt(sample, best, others)
    return replace(found, doubt="; ".join(part for part in (doubt, found.doubt) if part))


def _doubt(sample: bytes, best: Guess, others: Sequence[Guess]) -> str:
    """Raises DocumentError where even the best is not likely."""
    bits, share = bits_beyond_ascii(sample, best.codec), _not_ascii(sample) / len(sample)
    if share > 0.2 and bits > _DENSE_BITS:
        raise DocumentError(_UNKNOWN)
    text = sample.decode(best.codec, "replace")
    rival = next((guess for guess in others if sample.decode(guess.codec, "replace") != text), None)
    if bits > _SPARSE_BITS:
        return "detected, though it fits badly"
    if rival and rival.bits - best.bits < _CLEAR:
        return f"detected, the next likely is {rival.codec}"
    return f"detected in only {len(sample):,} bytes" if len(sample) < _SHORT else ""


def _sample(data: bytes) -> bytes:
    """The beginning, and pieces from all over it in which something is not ASCII; of whole characters."""
    if len(data) <= SAMPLE:
        return data
    end = SAMPLE // 2
    pieces = [_between_borders(data, 0, end)]
    for place in range(0, len(data), len(data) // 9):
        found = _HIGH.search(data, max(place, end))
        if not found:
            break
        start = max(found.start() - 64, end)
        end = start + BLOCK
        pieces.append(_between_borders(data, start, end))
    return b"".join(pieces)


def _between_borders(data: bytes, start: int, end: int) -> bytes:
    borders = [found.start() for found in _BORDER.finditer(data, start, end)]
    if start == 0:
        return data[: borders[-1] if borders else end]
    return data[borders[0] : borders[-1]] if borders else b""
