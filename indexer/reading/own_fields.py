"""What a file says of itself -> that of it which somebody meant."""

from __future__ import annotations

import re

from indexer.documents import language_tag
from indexer.languages import language_probabilities
from indexer.reading.blocks import tidy

_NO_TITLE = re.compile(
    r"(?:microsoft \w+ - .*"
    r"|(?:untitled|document|presentation|slide|layout|unnamed|無題|文書|文档|文稿|مستند)[\s\d_-]*"
    r"|(?:powerpoint|word) (?:presentation|document)|.{0,20}\bpowerpoint\b.{0,20}|about:blank|https?://\S*|\S*\.\w{2,5})",
    re.IGNORECASE,
)


def own_title(text: str) -> str:
    """Empty for what programs write where nobody gave a title: `untitled`, the name of a file."""
    text = tidy(text).replace("\n", " ")
    return "" if _NO_TITLE.fullmatch(text) or re.search("[\x00-\x1f\x7f-\x9f\ufffd]", text) else text


def own_language(tag: str, text: str) -> str:
    """Empty where a text is in another language than its file says: programs write that of the computer."""
    code = language_tag(tag)
    return code if code and code in language_probabilities(text) else ""
