"""The encodings that a text may be in, and the languages that are written in each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """An encoding, the languages that are written in it, and the bits that it costs to assume it."""

    codec: str
    languages: tuple[str, ...]
    bits: float


_WESTERN = ("en", "fr", "de", "es", "pt", "it", "sv", "is")
_CENTRAL = ("pl", "cs", "hu", "hr", "ro")
LATIN = (*_WESTERN, *_CENTRAL, "tr", "lt", "lv", "et")
_CYRILLIC = ("ru", "uk", "sr")
ALL = (*LATIN, *_CYRILLIC, "el", "he", "th", "ar", "fa", "ja", "zh", "zh-Hant", "ko")
CANDIDATES = (
    Candidate("cp1252", _WESTERN, 0),
    Candidate("cp1256", ("ar", "fa"), 4),
    Candidate("cp932", ("ja",), 4),
    Candidate("gb18030", ("zh", "zh-Hant"), 4),
    Candidate("big5hkscs", ("zh-Hant",), 4),
    Candidate("cp949", ("ko",), 4),
    Candidate("euc_jp", ("ja",), 6),
    Candidate("cp1251", _CYRILLIC, 4),
    Candidate("koi8-r", ("ru",), 8),
    Candidate("koi8-u", ("uk",), 10),
    Candidate("cp1250", _CENTRAL, 8),
    Candidate("cp1253", ("el",), 8),
    Candidate("cp1254", ("tr",), 8),
    Candidate("cp1255", ("he",), 8),
    Candidate("cp1257", ("lt", "lv", "et"), 8),
    Candidate("cp874", ("th",), 8),
    Candidate("iso8859-2", _CENTRAL, 12),
    Candidate("iso8859-5", _CYRILLIC, 12),
    Candidate("iso8859-6", ("ar",), 8),
    Candidate("iso8859-7", ("el",), 12),
    Candidate("cp866", ("ru",), 12),
    Candidate("mac-cyrillic", ("ru",), 16),
    Candidate("cp720", ("ar",), 16),
    Candidate("cp850", _WESTERN, 20),
    Candidate("mac-roman", _WESTERN, 20),
    Candidate("utf-16-le", ALL, 30),
    Candidate("utf-16-be", ALL, 30),
)
WIDE = tuple(candidate for candidate in CANDIDATES if candidate.codec.startswith("utf-16"))
ONE_BYTE = frozenset(
    candidate.codec
    for candidate in CANDIDATES
    if candidate.codec.startswith(("cp12", "iso", "koi", "mac", "cp7", "cp8"))
)
