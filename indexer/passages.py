"""Sentences -> passages: runs of whole sentences within a budget of tokens, with exact offsets into the text.

`text[start:end]` is the passage; every character that is not white space is in exactly one passage; none is empty or
over the budget. Passages end where the text has a seam (a heading, a change of language) when that leaves both sides
long enough. Encoding is left to `encoder.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Protocol

from indexer.languages import UNDETERMINED, language_of, language_probabilities
from indexer.sentences import Span, best_cut, sentence_spans

_MARKS = tuple(".!?…。！？｡．؟۔।:：;；؛،,，、\"'”’»」』)）]】")
_HEADING = 90
"""A line of its own that is shorter than this many characters and ends without a mark is taken for a heading."""
_LINE = 500  # characters of a line that are looked at
_LONG_ENOUGH = 25
"""A line of at least this many characters says its language on its own."""
_POSSIBLE, _PLAIN = 0.1, 0.6
"""A text is in the document's language when that is as probable as this; in another only when that is as plain."""


class TokenCounter(Protocol):
    """What packing needs to know of a tokenizer."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without prompt and special tokens."""

    def token_ends(self, text: str) -> list[int]:
        """For each token of the text, the offset just after its last character; ascending."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of a text: its span, the spans of its sentences (offsets into the whole text), its language, and the
    places of those sentences that are headings."""

    start: int
    end: int
    sentences: tuple[Span, ...]
    lang: str
    headings: frozenset[int] = frozenset()


class Seam(Enum):
    """Whether a passage may, would better, or must begin with a sentence."""

    NONE = "inside running text"
    HEADING = "a heading, the first of those that stand together"
    SUBHEADING = "a heading right behind another"
    LANGUAGE = "a line in another language than the one before"
    GAP = "what stands before it was left out"


@dataclass(frozen=True, slots=True)
class _Sentence:
    start: int
    end: int
    tokens: int
    seam: Seam
    heading: bool


def passages_of(
    text: str, counter: TokenCounter, budget: int, lang: str | None = None, left_out: Sequence[Span] = ()
) -> list[Passage]:
    """Cut a text into passages of at most `budget` tokens.

    `lang` is the document's declared language; passages whose text is plainly in another one keep their own. Sentences
    that lie within a span that is `left_out` are in no passage, and no passage goes over one.
    """
    if budget < 1:
        raise ValueError(f"a budget of {budget} tokens, expected at least 1")
    declared = lang or language_of(text)
    kept = [span for span in sentence_spans(text) if not _lies_in(span, left_out)]
    spans = _within_budget(text, kept, counter, budget)
    seams = _seams(text, [span for span, _ in spans], declared)
    if left_out:
        seams = _with_gaps(seams, [span for span, _ in spans], left_out)
    sentences = [
        _Sentence(*span, tokens, seam, heading) for (span, tokens), (seam, heading) in zip(spans, seams, strict=True)
    ]
    groups = _pack(sentences, budget)
    return [_passage(text, group, declared) for group in _fit(text, groups, counter, budget)]


def _lies_in(span: Span, spans: Sequence[Span]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in spans)


def _with_gaps(
    seams: Sequence[tuple[Seam, bool]], spans: Sequence[Span], left_out: Sequence[Span]
) -> list[tuple[Seam, bool]]:
    """A sentence behind what is left out begins a passage."""
    behind = [0, *(before[1] for before in spans[:-1])]
    return [
        (Seam.GAP if any(end <= start and begin >= before for begin, end in left_out) else seam, heading)
        for (seam, heading), (start, _), before in zip(seams, spans, behind, strict=True)
    ]


def _within_budget(text: str, spans: Sequence[Span], counter: TokenCounter, budget: int) -> list[tuple[Span, int]]:
    """Each sentence with its tokens; one that is over the budget alone becomes several."""
    counted = []
    for span, tokens in zip(spans, counter.count_tokens([text[a:b] for a, b in spans]), strict=True):
        if tokens <= budget:
            counted.append((span, tokens))
        else:
            parts = _split(text, span, counter, budget)
            counted += zip(parts, counter.count_tokens([text[a:b] for a, b in parts]), strict=True)
    return counted


def _split(text: str, span: Span, counter: TokenCounter, budget: int) -> list[Span]:
    """Cut an over-long sentence at its best places, each part within the budget when tokenized on its own."""
    parts = []
    start, end = span
    while start < end:
        ends = counter.token_ends(text[start:end])
        if len(ends) <= budget:
            parts.append((start, end))
            break
        limit = start + max(1, ends[budget - 1])
        cut = best_cut(text, start, min(limit, end))
        while cut - start > 1 and counter.count_tokens([text[start:cut]])[0] > budget:
            cut = best_cut(text, start, cut - max(1, (cut - start) // 16))
        stop = cut
        while stop > start + 1 and text[stop - 1].isspace():
            stop -= 1
        parts.append((start, stop))
        start = cut
        while start < end and text[start].isspace():
            start += 1
    return parts


def _seams(text: str, spans: Sequence[Span], declared: str) -> list[tuple[Seam, bool]]:
    """What each sentence is to the one before it, and whether it is a heading."""
    seams = []
    language = None
    after_heading = False
    for index, (start, end) in enumerate(spans):
        line_start = index == 0 or "\n" in text[spans[index - 1][1] : start]
        line_end = index + 1 == len(spans) or "\n" in text[end : spans[index + 1][0]]
        heading = line_start and line_end and _is_heading(text[start:end])
        seam = (Seam.SUBHEADING if after_heading else Seam.HEADING) if heading else Seam.NONE
        line = text[start : start + _LINE].partition("\n")[0] if line_start else ""
        if len(line) >= _LONG_ENOUGH:
            own = _language(line, declared)
            if language not in (None, own):
                seam = Seam.LANGUAGE
            language = own
        seams.append((seam, heading))
        after_heading = heading
    return seams


def _is_heading(line: str) -> bool:
    return line.startswith("#") or (len(line) < _HEADING and not line.endswith(_MARKS))


def _pack(sentences: Sequence[_Sentence], budget: int) -> list[list[_Sentence]]:
    """Fill passages up to the budget; a heading ends one that is already a third full, another language any."""
    groups: list[list[_Sentence]] = []
    tokens = 0
    for sentence in sentences:
        full = not groups or tokens + sentence.tokens > budget
        heading = sentence.seam is Seam.HEADING and 3 * tokens >= budget
        if full or heading or sentence.seam in (Seam.LANGUAGE, Seam.GAP):
            groups.append([])
            tokens = 0
        groups[-1].append(sentence)
        tokens += sentence.tokens
    return _carry_headings(groups, budget)


def _carry_headings(groups: list[list[_Sentence]], budget: int) -> list[list[_Sentence]]:
    """Headings that ended up last in their passage go with the text that they head, where that fits."""
    for before, after in pairwise(groups):
        last = len(before)
        while last > 0 and before[last - 1].seam in (Seam.HEADING, Seam.SUBHEADING):
            last -= 1
        stranded = before[last:]
        fits = sum(sentence.tokens for sentence in (*stranded, *after)) <= budget
        if stranded and last > 0 and after[0].seam is Seam.NONE and fits:
            after[:0] = stranded
            del before[last:]
    return groups


def _fit(text: str, groups: Sequence[list[_Sentence]], counter: TokenCounter, budget: int) -> list[list[_Sentence]]:
    """Tokens of a whole can differ by a few from the sum of its sentences: count it, and halve what is over."""
    fitting: list[list[_Sentence]] = []
    waiting = [list(group) for group in groups if group]
    while waiting:
        counts = counter.count_tokens([text[group[0].start : group[-1].end] for group in waiting])
        halves: list[list[_Sentence]] = []
        if all(count <= budget or len(group) == 1 for group, count in zip(waiting, counts, strict=True)):
            fitting += waiting
            break
        for group, count in zip(waiting, counts, strict=True):
            if count <= budget or len(group) == 1:
                halves.append(group)
            else:
                halves += [group[: len(group) // 2], group[len(group) // 2 :]]
        waiting = halves
    return fitting


def _passage(text: str, sentences: Sequence[_Sentence], declared: str) -> Passage:
    start, end = sentences[0].start, sentences[-1].end
    return Passage(
        start=start,
        end=end,
        sentences=tuple((sentence.start, sentence.end) for sentence in sentences),
        lang=_language(text[start:end], declared),
        headings=frozenset(place for place, sentence in enumerate(sentences) if sentence.heading),
    )


def _language(text: str, declared: str) -> str:
    """The language of a stretch of a document: the document's, unless the text is plainly in another one. A list of
    names in kanji inside a Japanese document stays Japanese; a paragraph of Chinese does not."""
    probabilities = language_probabilities(text)
    if UNDETERMINED in probabilities or probabilities.get(declared, 0.0) >= _POSSIBLE:
        return declared
    own, probability = next(iter(probabilities.items()))
    return own if probability >= _PLAIN else declared


def text_to_encode(text: str, title: str, passage: Passage) -> str:
    """What the encoder reads of a passage: its text, below the document's title where the text does not begin with it.

    At most 100 characters of the title, so that a budget 32 tokens short of the model's limit leaves room for them.
    """
    own = text[passage.start : passage.end]
    title = title.removesuffix("…").strip()
    if not title or text.lstrip().startswith(title) or title in own:
        return own
    return f"{title[:100]}\n{own}"
