"""Text -> words as exact search sees them, in any script, without a dictionary, a stemmer or a language detector.

A word is folded: what may be written in several ways is written in one (case, accents, width, Arabic letter forms,
kana, Traditional and Simplified characters, digits of any script). Its offsets are those of the text as given, because
the text is cut first and each piece folded by itself. In scripts without spaces a word is one character with its
marks; in all others it is a run of letters of one script. Digits are words of their own.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from indexer.han_variants import STANDS_FOR

Span = tuple[int, int]


class Word(NamedTuple):
    """A folded word; text[start:end] is what was written. One sign may hold several words: ½ holds two, ㍿ four."""

    text: str
    start: int
    end: int


# The kind of a character is one ASCII letter or sign, so that the kinds of a text are a string as long as the text.
_LATIN, _GREEK, _CYRILLIC, _ARABIC, _HEBREW, _HANGUL, _OTHER_LETTER = "a", "g", "c", "r", "e", "k", "o"
_HAN_OR_KANA, _THAI_LIKE = "h", "t"  # written without spaces: each character is a word
_DIGIT = "d"
_MARK = "m"  # belongs to the character before it
_IGNORED = "i"  # inside a word it is as if it were not there
_SIGN = "x"  # stands for other characters: ½ ㎏ ①
_APOSTROPHE, _QUOTE, _COMMA, _FULL_STOP, _THIN_SPACE, _NOTHING = "'", '"', ",", ".", "_", " "
_SPACELESS = frozenset((_HAN_OR_KANA, _THAI_LIKE))

_SCRIPTS = {
    "LATIN": _LATIN,
    "GREEK": _GREEK,
    "CYRILLIC": _CYRILLIC,
    "ARABIC": _ARABIC,
    "HEBREW": _HEBREW,
    "HANGUL": _HANGUL,
    "MODIFIER": _MARK,
    **dict.fromkeys("CJK IDEOGRAPHIC VERTICAL BOPOMOFO TANGUT NUSHU KHITAN".split(), _HAN_OR_KANA),
    **dict.fromkeys("HIRAGANA HENTAIGANA KATAKANA KATAKANA-HIRAGANA".split(), _HAN_OR_KANA),
    **dict.fromkeys("THAI LAO KHMER MYANMAR TAI NEW AHOM".split(), _THAI_LIKE),
}
"""The first word of a letter's Unicode name -> its kind. NEW is New Tai Lue."""

_APOSTROPHES = "'’‘ʼʻʽʾʿʹ′´׳״"
_SPECIAL = {
    **dict.fromkeys(_APOSTROPHES, _APOSTROPHE),
    '"': _QUOTE,
    **dict.fromkeys(",٬", _COMMA),
    ".": _FULL_STOP,
    **dict.fromkeys("\u00a0\u2009\u202f", _THIN_SPACE),
    **dict.fromkeys("ـ\u0345\u034f\u180b\u180c\u180d\u180f", _IGNORED),
    **dict.fromkeys("゛゜", _MARK),
    **dict.fromkeys(
        "\u0e4d\u0ecd", _THAI_LIKE
    ),  # half of Thai and Lao am, which NFKC takes apart: two words either way
    **dict.fromkeys("™℠", _NOTHING),  # else letters
}


class _Kinds(dict[int, str]):
    """Code point -> kind, found out when first asked for; a table for `str.translate`."""

    def __missing__(self, code: int) -> str:
        kind = _kind(chr(code))
        if unicodedata.category(chr(code)) not in ("Cn", "Co", "Cs"):  # a million of them, and no text needs them
            self[code] = kind
        return kind


_KINDS = _Kinds()


def _kind(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if "\U00020000" <= character < "\U00040000":
        return _HAN_OR_KANA  # the planes of rare Han characters, with those of later Unicode versions
    category = unicodedata.category(character)
    if category == "Nd":
        return _DIGIT
    if category == "Cf" or "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
        return _IGNORED  # the latter are variation selectors
    if category[0] == "M":
        return _MARK
    plain = unicodedata.normalize("NFKC", character)
    if category[0] == "N":
        return _HAN_OR_KANA if plain == character and unicodedata.digit(character, None) is None else _SIGN
    if plain == character:
        return _kind_of_letter(character) if category[0] == "L" else _NOTHING
    kinds = [kind for kind in map(_kind, plain) if kind not in (_MARK, _IGNORED)]
    if not kinds:
        return _MARK
    if set(kinds) <= {_APOSTROPHE, _QUOTE, _COMMA, _FULL_STOP, _NOTHING}:
        return kinds[0] if len(kinds) == 1 else _NOTHING
    if category[0] == "L" and len(set(kinds)) == 1 and (len(kinds) == 1 or kinds[0] not in _SPACELESS):
        return kinds[0]
    return _SIGN


def _kind_of_letter(letter: str) -> str:
    return _SCRIPTS.get(unicodedata.name(letter, "").partition(" ")[0], _OTHER_LETTER)


def _kind_of_word(word: str) -> str:
    return _KINDS[ord(word[0])]


_PIECES = re.compile(
    # Groups of three digits between separators of one sort; any other digits.
    r"d{1,3}(?:(?:,ddd)+|(?:'ddd)+|(?:_ddd)+)(?!d)|d+"
    r"|[ht][mi]*|x"
    # Initials: U.S. = US, a.m. = am.
    r"|a[mi]*+(?:\.a[mi]*+)+(?!['a])"
    # An apostrophe between letters is part of the word, but not in scripts that put quotes next to letters.
    r"|a[ami]*(?:'a[ami]*)*|c[cmi]*(?:'c[cmi]*)*|e[emi]*(?:['\"]e[emi]*)*"
    r"|g[gmi]*|r[rmi]*|k[kmi]*|o[omi]*"
)
"""Over the kinds of a text's characters."""

_SELDOM_AGAIN = 64  # characters: longer pieces are not kept in memory


def words_of(text: str) -> list[Word]:
    """The words of a text, in order.

    >>> [word.text for word in words_of("Haddad's F-35: 1,200 ﾄﾞﾙ")]
    ['haddad', 'f', '35', '1200', 'ど', 'る']
    """
    words = []
    for match in _PIECES.finditer(text.translate(_KINDS)):
        start, end = match.span()
        piece = text[start:end]
        for folded, first, last in _folded(piece) if end - start <= _SELDOM_AGAIN else _fold(piece):
            words.append(Word(folded, start + first, start + last))
    return words


_VOICING = str.maketrans("゛゜", "\u3099\u309a")  # a space with the mark -> the mark
_ELIDED = re.compile(f"(?:[A-Za-z]|[Qq]u)[{_APOSTROPHES}]")
_POSSESSIVE = re.compile(f"[{_APOSTROPHES}][Ss]")


def _fold(piece: str) -> tuple[Word, ...]:
    """The words of a match of `_PIECES`, with offsets into the piece.

    Latin apostrophes: don't is one word, dont. An elided word is a word, l'homme = l + homme, O'Neill = o + neill. A
    last 's is left out, because it says nothing and Haddad's must find Haddad.
    """
    start, end = 0, len(piece)
    if piece.isascii() and piece.isalpha():
        return (Word(piece.lower(), start, end),)
    kind = _kind_of_word(piece)
    if kind == _SIGN:
        digit = unicodedata.digit(piece, None)
        plain = unicodedata.normalize("NFKC", piece) if digit is None else str(digit)
        return tuple(Word(word.text, start, end) for word in words_of(plain))
    if kind == _DIGIT:
        return (Word("".join(str(unicodedata.digit(c)) for c in piece if _KINDS[ord(c)] == _DIGIT), start, end),)
    words = []
    if kind == _LATIN:
        while _POSSESSIVE.fullmatch(piece, end - 2, end):
            end -= 2
        while elided := _ELIDED.match(piece, start, end):
            words.append(Word(_fold_letters(piece[start : elided.end() - 1], kind), start, elided.end() - 1))
            start = elided.end()
    piece = piece.translate(_VOICING)
    if kind in _SPACELESS:
        words.append(Word(_fold_character(piece), start, end))
    else:
        while _KINDS[ord(piece[end - 1])] == _IGNORED:
            end -= 1
        words.append(Word(_fold_letters(piece[start:end], kind), start, end))
    return tuple(word for word in words if word.text)


_folded = lru_cache(maxsize=1 << 14)(_fold)

_SAME_LETTERS: dict[int, int | str | None] = {
    **str.maketrans("øđðłħŧıёѐѝٱىیےکةہە", "oddlhtiееиايييكههه", _APOSTROPHES + "ـ"),
    ord("æ"): "ae",
    ord("œ"): "oe",
    ord("þ"): "th",
}


def _fold_letters(letters: str, kind: str) -> str:
    if kind == _OTHER_LETTER:  # whose marks may be vowels
        plain = _without_ignored(unicodedata.normalize("NFKC", letters))
        return unicodedata.normalize("NFKC", plain.casefold())
    # Marks go, but not those that make another letter, as in Cyrillic й.
    composed = kind in (_CYRILLIC, _HANGUL)
    plain = unicodedata.normalize("NFKC", letters) if composed else unicodedata.normalize("NFKD", letters)
    return "".join(filter(str.isalpha, plain)).casefold().translate(_SAME_LETTERS)


_SAME_CHARACTERS = STANDS_FOR | {katakana: katakana - 0x60 for katakana in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)}


def _fold_character(character: str) -> str:
    parts = unicodedata.normalize("NFKD", character).translate(_SAME_CHARACTERS)
    return unicodedata.normalize("NFC", _without_ignored(parts))


def _without_ignored(text: str) -> str:
    return "".join(c for c in text if _KINDS[ord(c)] != _IGNORED)


def terms_of(words: Sequence[Word]) -> list[str]:
    """What BM25 counts, none with white space in it.

    Of a word between spaces the word itself, between underscores, and its trigrams, which bring inflected, prefixed
    and misspelt forms together; no trigram looks like a word. Hangul has pairs of syllables instead, because most
    Korean nouns have two. Of scripts without spaces each character, and each pair that stands side by side.

    >>> terms_of(words_of("ban 経済 35"))
    ['_ban_', '_ba', 'ban', 'an_', '经', '济', '经济', '35']
    """
    terms: list[str] = []
    before: Word | None = None
    for word in words:
        if _kind_of_word(word.text) not in _SPACELESS:
            terms += _terms_of_spaced(word.text)
            before = None
            continue
        terms.append(word.text)
        if before and _side_by_side(before, word):
            terms.append(before.text + word.text)
        before = word
    return terms


@lru_cache(maxsize=1 << 14)
def _terms_of_spaced(word: str) -> tuple[str, ...]:
    kind = _kind_of_word(word)
    if kind == _DIGIT:
        return (word,)
    marked = f"_{word}_"
    if kind == _HANGUL:
        return (marked, *(word[i : i + 2] for i in range(len(word) - 1)))
    if len(word) < 3:
        return (marked,)
    return (marked, *(marked[i : i + 3] for i in range(len(word))))


def _side_by_side(word: Word, following: Word) -> bool:
    return word.start <= following.start <= word.end


def matching_spans(text: str, query: Sequence[Word]) -> list[Span]:
    """Stretches of text that hold words of the query, ascending and apart: what to highlight in a snippet.

    A query of one word finds that word, however little it says. In longer ones words that say little are found out by
    their form alone: a caller who knows which words most texts have had better leave them out of the query.
    """
    words = words_of(text)
    same = ((word.start, word.end) for word in words if len(query) == 1 and word.text == query[0].text)
    spans = sorted([*same, *_spans_of_spaced(text, words, query), *_spans_of_spaceless(text, words, query)])
    merged: list[Span] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


_SENTENCE = 6  # words: a query this long has function words; those of keywords have none


def _spans_of_spaced(text: str, words: Sequence[Word], query: Sequence[Word]) -> Iterator[Span]:
    wanted = {word.text for word in query if _kind_of_word(word.text) not in _SPACELESS}
    forms = {form for word in wanted for form in _forms(word)}
    alike: dict[str, list[str]] = defaultdict(list)
    for bare in {_forms(word)[-1] for word in wanted}:
        alike[_beginning(bare)].append(bare)
    sentence = len(wanted) >= _SENTENCE
    found: dict[str, bool] = {}
    for word in words:
        folded = word.text
        if _kind_of_word(folded) in _SPACELESS:
            continue
        if folded not in found:
            own = _forms(folded)
            likely = alike.get(_beginning(own[-1]), ())
            found[folded] = not forms.isdisjoint(own) or any(_alike(own[-1], bare) for bare in likely)
        if found[folded] and _says_something(text, word, sentence):
            yield word.start, word.end


_PREFIXES = {
    _ARABIC: re.compile("[وف]?(?:[بك]?ال|لل|[بكل])?"),
    _HEBREW: re.compile("ו?[בכלמשה]{0,2}"),
}
"""Conjunctions, prepositions and the article, which are written as one with the noun."""


@lru_cache(maxsize=1 << 12)
def _forms(word: str) -> tuple[str, ...]:
    """The word, then what is left without its possible prefixes, shortest last; at least three letters."""
    prefixes = _PREFIXES.get(_kind_of_word(word))
    if not prefixes:
        return (word,)
    return (word, *(word[i:] for i in range(1, min(5, len(word) - 2)) if prefixes.fullmatch(word, 0, i)))


def _beginning(word: str) -> str:
    """Words that begin with less in common are not alike."""
    return word[:2] if _kind_of_word(word) == _HANGUL else word[:4]


def _alike(word: str, other: str) -> bool:
    """Whether two words may be forms of one: the trigrams of their common beginning are 60 % of both words' trigrams.

    Particles can make a Korean word much longer: there the common beginning is 60 % of the shorter word.
    """
    kind = _kind_of_word(word)
    common = next((i for i, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    if kind == _DIGIT:
        return False
    if kind == _HANGUL:
        return common >= 0.6 * min(len(word), len(other))
    return 2 * (common - 1) >= 0.6 * (len(word) + len(other))


def _says_something(text: str, word: Word, sentence: bool) -> bool:
    """Whether a word is no function word, by its form: they are short, and written small inside a sentence.

    Two letters count in capitals (EU), and three-letter words of a query that is a sentence with one capital (Kim).
    """
    kind, written, length = _kind_of_word(word.text), text[word.start : word.end], len(word.text)
    if kind == _DIGIT or length > 3:
        return True
    if kind == _HANGUL:
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


def _spans_of_spaceless(text: str, words: Sequence[Word], query: Sequence[Word]) -> Iterator[Span]:
    """Runs of two or more characters, each pair of which stands side by side in the query too.

    Hiragana alone is inflection and particles (している), unless the query is all kana. Of a katakana word most must be
    there, else ニュース would answer レアアース by its end. A run begins where a word can begin.
    """
    spaceless = [word for word in query if _kind_of_word(word.text) in _SPACELESS]
    pairs = {(word.text, after.text) for word, after in pairwise(spaceless) if _side_by_side(word, after)}
    longest = max(map(len, _runs(spaceless, pairs)), default=0)
    all_kana = all(_HIRAGANA.match(word.text) for word in spaceless)
    katakana_words = [match.span() for match in _KATAKANA.finditer(text)] if pairs else []
    for run in _runs(words, pairs):
        if _kind_of_word(run[0].text) == _THAI_LIKE:
            counts = len(run) >= min(_THAI_LIKE_RUN, longest)
        else:
            run = _without_parts_of_katakana(text, run, katakana_words)
            if all_kana and len(run) >= min(_KANA_RUN, longest):
                counts = True
            else:
                run = run[_word_begins(text, run) :]
                counts = len(run) > 1
        if counts:
            yield run[0].start, run[-1].end


def _runs(words: Sequence[Word], pairs: Set[tuple[str, str]]) -> Iterator[list[Word]]:
    run: list[Word] = []
    for before, word in pairwise(words):
        if (before.text, word.text) in pairs and _side_by_side(before, word):
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
    return _KINDS[ord(character)] == _HAN_OR_KANA and not (_HIRAGANA.match(character) or _KATAKANA.match(character))
