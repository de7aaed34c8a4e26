"""A text and the words of a query -> the stretches of the text to mark, which a reader takes for words of the query.

Other forms of a word count, with its prefixes and particles; in scripts without spaces, runs of characters that the
query has too. Function words, found out by their form, are left unmarked.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from indexer.words import (
    ARABIC,
    DIGIT,
    HAN_OR_KANA,
    HANGUL,
    HEBREW,
    SPACELESS,
    THAI_LIKE,
    Word,
    kind_of_word,
    side_by_side,
    words_of,
)

Span = tuple[int, int]


def matching_spans(text: str, query: Sequence[Word]) -> list[Span]:
    """Stretches of text that hold words of the query, ascending and apart: what to highlight in a snippet.

    A query of one word finds that word, however little it says. In longer ones words that say little are found out by
    their form alone: a caller who knows which words most texts have had better leave them out of the query.
    """
    words, wanted = words_of(text), _wanted(tuple(query))
    same = ((word.start, word.end) for word in words if len(query) == 1 and word.text == query[0].text)
    spans = sorted([*same, *_spans_of_spaced(text, words, wanted), *_spans_of_spaceless(text, words, wanted)])
    merged: list[Span] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


@dataclass(frozen=True)
class _Wanted:
    """What a query's words are looked for by, worked out once for all texts."""

    forms: Set[str]
    """The words that stand between spaces, with and without prefixes."""
    alike: Mapping[str, Sequence[str]]
    """Their beginnings -> those of them without prefixes that begin so."""
    sentence: bool
    """Whether these are so many that function words are among them."""
    found: dict[str, bool]
    """Words of texts -> whether they are forms of one of these: those of the texts so far."""
    pairs: Set[tuple[str, str]]
    """Of scripts without spaces, what stands side by side."""
    longest: int
    """Characters of the longest such run."""
    all_kana: bool


_SENTENCE = 6  # words: a query this long has function words; those of keywords have none


@lru_cache(maxsize=64)
def _wanted(query: tuple[Word, ...]) -> _Wanted:
    spaced = {word.text for word in query if kind_of_word(word.text) not in SPACELESS}
    alike: dict[str, list[str]] = defaultdict(list)
    for bare in {_forms(word)[-1] for word in spaced}:
        alike[_beginning(bare)].append(bare)
    spaceless = [word for word in query if kind_of_word(word.text) in SPACELESS]
    pairs = {(word.text, after.text) for word, after in pairwise(spaceless) if side_by_side(word, after)}
    return _Wanted(
        forms={form for word in spaced for form in _forms(word)},
        alike=dict(alike),
        sentence=len(spaced) >= _SENTENCE,
        found={},
        pairs=pairs,
        longest=max(map(len, _runs(spaceless, pairs)), default=0),
        all_kana=all(_HIRAGANA.match(word.text) for word in spaceless),
    )


def _spans_of_spaced(text: str, words: Sequence[Word], wanted: _Wanted) -> Iterator[Span]:
    if not wanted.forms:
        return
    found = wanted.found
    for word in words:
        is_form = found.get(word.text)
        if is_form is None:
            is_form = found[word.text] = _is_form(word.text, wanted)
        if is_form and _says_something(text, word, wanted.sentence):
            yield word.start, word.end


def _is_form(word: str, wanted: _Wanted) -> bool:
    if kind_of_word(word) in SPACELESS:
        return False
    own = _forms(word)
    likely = wanted.alike.get(_beginning(own[-1]), ())
    return not wanted.forms.isdisjoint(own) or any(_alike(own[-1], bare) for bare in likely)


_PREFIXES = {
    ARABIC: re.compile("[وف]?(?:[بك]?ال|لل|[بكل])?"),
    HEBREW: re.compile("ו?[בכלמשה]{0,2}"),
}
"""Conjunctions, prepositions and the article, which are written as one with the noun."""


@lru_cache(maxsize=1 << 12)
def _forms(word: str) -> tuple[str, ...]:
    """The word, then what is left without its possible prefixes, shortest last; at least three letters."""
    prefixes = _PREFIXES.get(kind_of_word(word))
    if not prefixes:
        return (word,)
    return (word, *(word[i:] for i in range(1, min(5, len(word) - 2)) if prefixes.fullmatch(word, 0, i)))


def _beginning(word: str) -> str:
    """Words that begin with less in common are not alike."""
    return word[:2] if kind_of_word(word) == HANGUL else word[:4]


def _alike(word: str, other: str) -> bool:
    """Whether two words may be forms of one: the trigrams of their common beginning are 60 % of both words' trigrams.

    Particles can make a Korean word much longer: there the common beginning is 60 % of the shorter word.
    """
    kind = kind_of_word(word)
    common = next((i for i, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    if kind == DIGIT:
        return False
    if kind == HANGUL:
        return common >= 0.6 * min(len(word), len(other))
    return 2 * (common - 1) >= 0.6 * (len(word) + len(other))


def _says_something(text: str, word: Word, sentence: bool) -> bool:
    """Whether a word is no function word, by its form: they are short, and written small inside a sentence.

    Two letters count in capitals (EU), and three-letter words of a query that is a sentence with one capital (Kim).
    """
    kind, written, length = kind_of_word(word.text), text[word.start : word.end], len(word.text)
    if kind == DIGIT or length > 3:
        return True
    if kind == HANGUL:
        return length > 1
    if length < 3:
        return length == 2 and written.isupper()
    if not sentence or written.isupper() or written.lower() == written.upper():
        return True
    before = text[max(0, word.start - 8) : word.start].rstrip()
    return written[0].isupper() and (before[-1:].isalnum() or before[-1:] == ",")


_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc-\u30ff\uff66-\uff9f]+")
_HIRAGANA = re.compile("[\u3041-\u309f\u30fc]")
_THAI_LIKE_RUN = 4  # characters: two or three are a syllable, which many words have
_KANA_RUN = 3


def _spans_of_spaceless(text: str, words: Sequence[Word], wanted: _Wanted) -> Iterator[Span]:
    """Runs of two or more characters, each pair of which stands side by side in the query too.

    Hiragana alone is inflection and particles (している), unless the query is all kana. Of a katakana word most must be
    there, else ニュース would answer レアアース by its end. A run begins where a word can begin.
    """
    if not wanted.pairs:
        return
    katakana_words = [match.span() for match in _KATAKANA.finditer(text)]
    for run in _runs(words, wanted.pairs):
        if kind_of_word(run[0].text) == THAI_LIKE:
            counts = len(run) >= min(_THAI_LIKE_RUN, wanted.longest)
        else:
            run = _without_parts_of_katakana(text, run, katakana_words)
            if wanted.all_kana and len(run) >= min(_KANA_RUN, wanted.longest):
                counts = True
            else:
                run = run[_word_begins(text, run) :]
                counts = len(run) > 1
        if counts:
            yield run[0].start, run[-1].end


def _runs(words: Sequence[Word], pairs: Set[tuple[str, str]]) -> Iterator[list[Word]]:
    run: list[Word] = []
    for before, word in pairwise(words):
        if (before.text, word.text) in pairs and side_by_side(before, word):
            run = run or [before]
            run.append(word)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _without_parts_of_katakana(text: str, run: list[Word], katakana_words: Sequence[Span]) -> list[Word]:
    """The run without the katakana words at its ends of which it holds too little."""
    start, end = run[0].start, run[-1].end
    for offset in (start, end - 1):
        at = bisect_right(katakana_words, (offset, len(text))) - 1
        if at >= 0 and offset < katakana_words[at][1]:
            first, last = katakana_words[at]
            held = min(last, end) - max(first, start)
            if held < 5 and held < 0.8 * (last - first):
                run = [word for word in run if not first <= word.start < last]
    return run


def _word_begins(text: str, run: Sequence[Word]) -> int:
    """How many characters of a run come before the first that can begin a word: hiragana, and a Han character between
    another one and hiragana, such as 本 in 山本の."""
    at = 0
    if len(run) > 1 and _HIRAGANA.match(text, run[1].start) and _ends_word_of_han(text, run[0].start):
        at = 1
    while at < len(run) and _HIRAGANA.match(text, run[at].start):
        at += 1
    return at


def _ends_word_of_han(text: str, at: int) -> bool:
    return at > 0 and _is_han(text[at - 1]) and _is_han(text[at])


def _is_han(character: str) -> bool:
    return kind_of_word(character) == HAN_OR_KANA and not (_HIRAGANA.match(character) or _KATAKANA.match(character))
