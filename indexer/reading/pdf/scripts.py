"""What the writing systems do with lines: spaces between words, direction, marks on letters."""

from __future__ import annotations

import re
import unicodedata

UNSPACED = re.compile("[\u3000-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff65\U00020000-\U0003ffff]")
"""Chinese and Japanese, which part no words."""
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff]")
_KINDS = {"R": "R", "AL": "R", "L": "L", "EN": "1", "AN": "1"}


def is_mark(text: str) -> bool:
    return text != "" and unicodedata.combining(text[0]) > 0


def kind_of(text: str) -> str:
    return next((kind for kind in (_KINDS.get(unicodedata.bidirectional(one)) for one in text) if kind), "")
