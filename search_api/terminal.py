"""Hits -> text for a terminal: lines cut as each script allows, right-to-left text isolated, the answer marked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len

from search_api.searcher import Hit

_RIGHT_TO_LEFT = frozenset({"ar", "fa", "ur", "he", "ps", "sd", "ug", "yi", "ckb", "dv"})
_ISOLATE_RTL, _END_ISOLATE = "\u2067", "\u2069"
_BIDI_CONTROLS = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")
_WIDE = "\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60"
_NOT_FIRST = frozenset("。、，．！？；：」』）】》〉”’!?,.;:)]}…ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々")
_NOT_LAST = frozenset("「『（【《〈“‘([{")
_BREAK = re.compile(rf"\s+|(?<=[{_WIDE}])|(?=[{_WIDE}])")

MARKS = ("⟦", "⟧")
"""Around the best sentence where there are no colours."""


def lines_of(hit: Hit, width: int, color: bool) -> list[str]:
    """A hit as lines of at most `width` columns: rank, score, language and title; date, source and id; the snippet."""
    head = f"{hit.rank:>2}  {hit.score:.2f}{'?' if hit.weak else ' '} {hit.lang:<3} "
    title = clip(_clean(hit.title) or _clean(hit.document_id), width - cell_len(head))
    page = f"page {hit.page}" if hit.page else ""
    about = " · ".join(_clean(part) for part in (hit.date, hit.source, hit.document_id, page) if part)
    lines = [head + _styled(isolated(title, hit.lang), "1", color)]
    lines.append("    " + _styled(clip(about, width - 4), "2", color))
    indent = 10 if width >= 30 else 2
    marked = wrap(marked_snippet(hit, color), max(2, width - indent))
    lines += [" " * indent + isolated(line, hit.lang) for line in _reopened(marked)]
    for telling in hit.also_in:
        title = isolated(clip(_clean(telling.title) or _clean(telling.document_id), width - 18), telling.lang)
        lines.append("    " + _styled(f"also in {telling.lang:<3} {title}", "2", color))
    if hit.explanation is not None:
        parts = "  ".join(f"{name} {value:.3f}" for name, value in hit.explanation.items())
        lines += ["    " + _styled(line, "2", color) for line in wrap(parts, max(2, width - 4))]
    return lines


def marked_snippet(hit: Hit, color: bool) -> str:
    """The snippet with its best sentence between marks; with colours, control sequences do."""
    text, (start, end) = hit.snippet.text, (hit.snippet.highlights[0].start, hit.snippet.highlights[0].end)
    before, after = (_BOLD, _PLAIN) if color else MARKS
    return _clean(text[:start]) + before + _clean(text[start:end]) + after + _clean(text[end:])


_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def _reopened(lines: list[str]) -> Iterator[str]:
    """Bold that goes over a line's end is ended there and begun again, so that indents and isolates stay plain."""
    bold = False
    for line in lines:
        start = _BOLD if bold else ""
        bold = line.rfind(_BOLD) > line.rfind(_PLAIN) if _BOLD in line or _PLAIN in line else bold
        yield start + line + (_PLAIN if bold else "")


def _styled(text: str, code: str, color: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if color else text


def _clean(text: str) -> str:
    """No control characters from documents: they could rewrite the screen or turn the line around."""
    return _BIDI_CONTROLS.sub("", _CONTROLS.sub(" ", text))


def isolated(text: str, lang: str) -> str:
    """Right-to-left text in its own direction, so that it does not turn what stands around it; other text as it is."""
    return f"{_ISOLATE_RTL}{text}{_END_ISOLATE}" if lang in _RIGHT_TO_LEFT else text


def clip(text: str, width: int) -> str:
    """At most `width` columns, with an ellipsis where something was cut off."""
    if cell_len(text) <= width:
        return text
    kept = ""
    for character in text:
        if cell_len(kept + character) > width - 1:
            break
        kept += character
    return kept.rstrip() + "…"


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns, cut at spaces and between Chinese or Japanese characters, but not before a
    closing mark or small kana nor after an opening bracket; a word longer than a line is cut where the line ends."""
    lines: list[str] = []
    line, columns = "", 0
    for piece in _pieces(text):
        if line and columns + _columns(piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        if not line:
            piece = piece.lstrip()
        while _columns(piece.rstrip()) > width:
            cut = next(i for i in range(len(piece), 0, -1) if _columns(piece[:i]) <= width)
            lines.append(piece[:cut])
            piece = piece[cut:]
        line += piece
        columns = _columns(line)
    return [*lines, line.rstrip()] if line.strip() else lines


def _columns(text: str) -> int:
    return cell_len(text.replace(_BOLD, "").replace(_PLAIN, ""))


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces between which a line may end."""
    start = 0
    for match in _BREAK.finditer(text):
        at = match.end()
        if at <= start or at >= len(text):
            continue
        before = text[start:at].rstrip()[-1:]
        if match.group() == "" and (
            text[at] in _NOT_FIRST or text[at] in MARKS[1] or before in _NOT_LAST or before == MARKS[0]
        ):
            continue
        if match.group() == "" and (text.startswith(_PLAIN, at) or text[start:at].endswith(_BOLD)):
            continue
        yield text[start:at]
        start = at
    yield text[start:]
