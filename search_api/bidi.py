"""Right-to-left text among other text on a terminal: isolated, so that neither turns the other around."""

from __future__ import annotations

import re
import unicodedata

RIGHT_TO_LEFT = frozenset({"ar", "fa", "ur", "he", "ps", "sd", "ug", "yi", "ckb", "dv"})
_LRI, _RLI, _PDI = "\u2066", "\u2067", "\u2069"
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_BIDI_CONTROLS = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """No control characters from documents: they could rewrite the screen or turn the line around."""
    return _BIDI_CONTROLS.sub("", _CONTROLS.sub(" ", text))


def isolated(text: str, direction: str) -> str:
    """Text that holds right-to-left letters, in its own direction; other text as it is."""
    if not direction:
        return text
    return f"{_RLI if direction == 'rtl' else _LRI}{text}{_PDI}"


def direction_of(text: str, lang: str = "") -> str:
    """`rtl` for text that reads from the right: it is in such a language and has such letters, or has more of them
    than of others. `ltr` for other text with such letters in it; empty where there are none."""
    right = left = 0
    for character in text:
        kind = unicodedata.bidirectional(character)
        right += kind in ("R", "AL")
        left += kind == "L"
    if not right:
        return ""
    return "rtl" if lang in RIGHT_TO_LEFT or right > left else "ltr"
