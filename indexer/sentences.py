"""Text -> sentence spans: half-open (start, end) character offsets into the text as given.

Rules over the marks of each script, in one pass whose time is linear in the text. Every character that is not white
space lies in exactly one span. A line break ends a sentence, except inside hard-wrapped text of scripts that have
lower case. What a sentence is *about*, and how sentences become passages, is left to others.
"""

from __future__ import annotations

import re
import unicodedata

from indexer.abbreviations import BEFORE_NUMBERS, MAY_END, NEVER_END, OPENING_WORDS

Span = tuple[int, int]

MAX_CHARACTERS = 3_000
"""A longer "sentence" is a table or unpunctuated text; it is cut at the best place before this many characters."""

_TRAILING = "」』”’»）)】》〉\"'\\]"
_MARKS = ".!?…。！？｡．؟۔।‼⁇⁈⁉"
_EVENT = re.compile(rf"[\n\r\u2028\u2029]|[{_MARKS}]+|•")
_BREAKS = frozenset("\n\r\u2028\u2029")
_AFTER_MARKS = re.compile(rf"[{_TRAILING}]*(?:(?<=[{_TRAILING}])[{_MARKS}]+[{_TRAILING}]*)*")
_CJK_STOPS = frozenset("。！？｡．‼⁇⁈⁉")
_SPACES = re.compile(r"\s*")

_WORD_BEFORE = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*$")
_NEXT_WORD = re.compile(r"[\"'“‘«(\[]*([^\W\d_]+)")
_LIST_NUMBER = re.compile(r"(?:^|[\n\r])\s*(?:\(?\d{1,3}|[a-zA-Z])$")

# Not the words that begin a sentence with the same letters: もし, なぜ, でも, だが, ところで, はい ...
_PARTICLES = re.compile(
    r"と(?!ころ)|って|が|を|に(?!も)|は(?!い)|の|も(?!し|う|っと)|で(?!も|す)|だ(?!が|から)"
    r"|など|な(?!ぜ|お|ん)|や(?!は)|か|よ(?!う)|ね|[、，,;；：]"
)
_CHINESE_SPEAKER = re.compile(r"[^\s。！？，,]{0,8}?(?:说|說|称|稱|表示|指出|写道|寫道|问道|問道|道)。")
_ARABIC = re.compile(r"[\u0620-\u064a\u066e-\u06d3]")
_ARABIC_ERA = re.compile(r"[\d٠-٩]\s*(?:ق\s?\.\s?)?[مه]\Z")
_HAN_OR_KANA = re.compile(r"[\u3005\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


def sentence_spans(text: str) -> list[Span]:
    """The sentences of a text in order, without the white space around them.

    >>> sentence_spans("Dr. Abe came. 彼は「行く。」と言った。終わり")
    [(0, 13), (14, 27), (27, 30)]
    """
    spans: list[Span] = []
    start = 0
    for end in _ends(text):
        _append(spans, text, start, end)
        start = end
    _append(spans, text, start, len(text))
    return spans


def _append(spans: list[Span], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while end - start > MAX_CHARACTERS:
        cut = best_cut(text, start, start + MAX_CHARACTERS)
        spans.append((start, _trimmed(text, start, cut)))
        start = _SPACES.match(text, cut).end()  # type: ignore[union-attr]
    if end > start:
        spans.append((start, end))


def _trimmed(text: str, start: int, end: int) -> int:
    while end > start + 1 and text[end - 1].isspace():
        end -= 1
    return end


_CUTS = (
    re.compile(r"[;؛；:：]\s*"),
    re.compile(r"[,،，、]\s*"),
    re.compile(r"[)\]）】」』”»–—]\s*"),
    re.compile(r"\s+"),
)


def best_cut(text: str, start: int, limit: int) -> int:
    """Where to cut a sentence that must end at or before `limit`: the last strong pause in the latter half of
    text[start:limit], else a comma, a bracket, a space, else between two characters that do not combine."""
    middle = start + (limit - start) // 2
    for cut in _CUTS:
        ends = (match.end() for match in cut.finditer(text, middle, limit))
        places = [place for place in ends if place < limit and not _joined(text, place)]
        if places:
            return places[-1]
    for place in range(limit, max(start, limit - 32), -1):
        if not _joined(text, place):
            return place
    return limit


def _joined(text: str, place: int) -> bool:
    """Whether the characters before and at `place` are seen as one: a letter and its mark, the parts of an emoji."""
    return place < len(text) and (_combines(text[place]) or text[place - 1 : place] == _JOINER)


_JOINER = "\u200d"


def _combines(character: str) -> bool:
    """A mark, joiner, selector or skin tone that belongs to the character before it."""
    return (
        unicodedata.category(character) in ("Mn", "Mc", "Me")
        or character == _JOINER
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )


def _ends(text: str) -> list[int]:
    """Offsets just after each sentence, closing quotes included; the end of the text may be missing."""
    ends: list[int] = []
    straight_quotes, counted = 0, 0  # straight quotes of this line up to `counted`: an even number means all are closed
    at = 0
    for match in _EVENT.finditer(text):
        start, end = match.span()
        character = text[start]
        if character in _BREAKS:
            straight_quotes, counted = 0, end
            if _breaks_sentence(text, start, end):
                ends.append(end)
        elif character == "•":
            if start == 0 or text[start - 1].isspace():
                ends.append(start)
        elif start >= at:
            after = _AFTER_MARKS.match(text, end).end()  # type: ignore[union-attr]
            if after > end and text[end] == '"' and not text[after : after + 1].isspace():
                straight_quotes += text.count('"', counted, end)
                counted = end
                if straight_quotes % 2 == 0:
                    after = end  # this quote opens the next sentence
            at = after
            if _ends_sentence(text, start, end, after):
                ends.append(after)
    return ends


def _breaks_sentence(text: str, start: int, end: int) -> bool:
    """A line break ends the sentence unless the text is hard-wrapped: no mark before it, lower case right behind."""
    following = text[end : end + 1]
    if not following.islower():
        return True
    return start == 0 or text[start - 1] in _MARKS or text[start - 1].isspace() or text[start - 1] in ":;"


def _ends_sentence(text: str, start: int, end: int, after: int) -> bool:
    """Whether the marks at text[start:end], with closers up to `after`, end a sentence."""
    mark = text[end - 1]
    gap = _SPACES.match(text, after).end()  # type: ignore[union-attr]
    if gap >= len(text):
        return True
    following = text[gap]
    if mark in _CJK_STOPS:
        return _ends_cjk(text, after, gap)
    if mark in "؟۔।":
        return True
    if mark == "…":
        return gap > after and not following.islower() and not _HAN_OR_KANA.match(following)
    if gap == after:
        return _ends_without_space(text, start, end, after)
    if following.islower():
        return False
    if mark == "." and end - start == 1:
        return _full_stop_ends(text, start, gap)
    return True


def _ends_cjk(text: str, after: int, gap: int) -> bool:
    """。！？: not when a particle or the speaker goes on behind the closing quote, as in 「…。」と述べた."""
    closed = text[after - 1] not in _CJK_STOPS
    if closed and gap == after:
        return not (_PARTICLES.match(text, after) or _CHINESE_SPEAKER.match(text, after))
    if not closed and text[after - 1] in "！？" and gap == after:
        return not re.match(r"と|って|、|，", text[after : after + 2])
    return True


def _ends_without_space(text: str, start: int, end: int, after: int) -> bool:
    """A Latin mark glued to the next letter ends a sentence only in scripts that have no other sign for it."""
    if start == 0:
        return False
    before, following = text[start - 1], text[after]
    if _ARABIC.match(before) or before in '"”»':
        return bool(_ARABIC.match(following)) and not _is_arabic_initial(text, start)
    return (
        end - start == 1
        and bool(_HAN_OR_KANA.match(before))
        and bool(_HAN_OR_KANA.match(following) or following in "「『“")
    )


def _is_arabic_initial(text: str, stop: int) -> bool:
    """A single Arabic letter before the stop: د. (doctor), أ. (professor), م. (engineer or the Christian era)."""
    if stop == 0 or not _ARABIC.match(text[stop - 1]):
        return False
    return stop == 1 or not (text[stop - 2].isalnum() or _combines(text[stop - 2]))


def _full_stop_ends(text: str, start: int, gap: int) -> bool:
    """A single full stop with white space and no lower-case letter behind it."""
    if _is_arabic_initial(text, start):
        return bool(_ARABIC_ERA.search(text, max(0, start - 12), start))
    if start and not text[start - 1].isalnum():
        return True
    window = text[max(0, start - 24) : start]
    found = _WORD_BEFORE.search(window)
    word = found.group() if found else ""
    if _LIST_NUMBER.search(window):
        return False
    lowered = word.lower().rsplit("-", 1)[-1]
    opening = _NEXT_WORD.match(text, gap)
    begins = opening is not None and opening.group(1).lower() in OPENING_WORDS
    if lowered in BEFORE_NUMBERS:
        return not text[gap].isdigit()
    if lowered in NEVER_END:
        return False
    if lowered in MAY_END or (len(word) == 1 and word.isupper()) or re.fullmatch(r"(?:[A-Z]\.)+[A-Z]", word):
        return begins
    return True
