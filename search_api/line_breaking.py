"""Text -> lines of a terminal's width, cut where each script allows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len

BOLD, PLAIN = "\x1b[1m", "\x1b[0m"
MARKS = ("⟦", "⟧")
"""Around the best sentence where there are no colours."""

_WIDE = (
    "\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60"
    "\U0001b000-\U0001b16f\U00020000-\U0003fffd"
)
_NOT_FIRST = frozenset(
    "。、，．！？；：」』）】》〉”’!?,.;:)]}…ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々"
    "〕〗〙〛〟］｝｠»›‥・·〜～—―ゎゕゖヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿゝゞヽヾ〻゛゜％‰℃°、。」・"
)
_NOT_LAST = frozenset("「『（【《〈“‘([{〔〖〘〚〝［｛｟«‹￥＄￡＃「")
_BREAK = re.compile(rf"\s+|(?<=[{_WIDE}])|(?=[{_WIDE}])")


def columns(text: str) -> int:
    """How many columns a text takes, control sequences of its own none."""
    return cell_len(text.replace(BOLD, "").replace(PLAIN, ""))


def clip(text: str, width: int) -> str:
    """At most `width` columns, with an ellipsis where something was cut off."""
    if cell_len(text) <= width:
        return text
    if width < 1:
        return ""
    kept = ""
    for character in text:
        if cell_len(kept + character) > width - 1:
            break
        kept += character
    return kept.rstrip() + "…"


def clip_start(text: str, width: int) -> str:
    """At most `width` columns, the last ones: of a path the name, not the first folders."""
    if cell_len(text) <= width:
        return text
    start = next((at for at in range(len(text)) if cell_len(text[at:]) < width), len(text))
    return "…" + text[start:].lstrip() if width > 0 else ""


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns, cut at spaces and between Chinese or Japanese characters, but not before a
    closing mark or small kana nor after an opening bracket; a word longer than a line is cut where the line ends."""
    lines: list[str] = []
    line, filled = "", 0
    for piece in _pieces(text):
        if line and filled + columns(piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        if not line:
            piece = piece.lstrip()
        while columns(piece.rstrip()) > width:
            cut = next((i for i in range(min(len(piece), 2 * width + 8), 0, -1) if columns(piece[:i]) <= width), 1)
            lines.append(piece[:cut])
            piece = piece[cut:]
        line += piece
        filled = columns(line)
    return [*lines, line.rstrip()] if line.strip() else lines


def reopened(lines: list[str]) -> Iterator[str]:
    """Bold that goes over a line's end is ended there and begun again, so that indents and isolates stay plain."""
    bold = False
    for line in lines:
        start = BOLD if bold else ""
        bold = line.rfind(BOLD) > line.rfind(PLAIN) if BOLD in line or PLAIN in line else bold
        yield start + line + (PLAIN if bold else "")


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces between which a line may end."""
    start = 0
    for match in _BREAK.finditer(text):
        at = match.end()
        if at <= start or at >= len(text):
            continue
        if match.group() == "" and not _may_end(text, start, at):
            continue
        yield text[start:at]
        start = at
    yield text[start:]


def _may_end(text: str, start: int, at: int) -> bool:
    """Whether a line may end between two characters without white space between them."""
    before = text[start:at].rstrip()[-1:]
    if text[at] in _NOT_FIRST or text[at] == MARKS[1] or before in _NOT_LAST or before == MARKS[0]:
        return False
    return not (text.startswith(PLAIN, at) or text[start:at].endswith(BOLD))
