"""Text -> words as exact search sees them, in any script, without a dictionary, a stemmer or a language detector.

A word is folded: what may be written in several ways is written in one (case, accents, width, Arabic letter forms,
kana, Traditional and Simplified characters, digits of any script). Its offsets are those of the text as given, because
the text is cut first and each piece folded by itself. In scripts without spaces a word is one character with its
marks; in all others it is a run of letters of one script. Digits are words of their own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from indexer.han_variants import STANDS_FOR


class Word(NamedTuple):
    """A folded word; text[start:end] is what was written. One sign may hold several words: ½ holds two, ㍿ four."""

    text: str
    start: int
    end: int


# The kind of a character is one ASCII letter or sign, so that the kinds of a text are a string as long as the text.
# Those without an underscore are also kinds of words.
LATIN, GREEK, CYRILLIC, ARABIC, HEBREW, HANGUL, OTHER_LETTER = "a", "g", "c", "r", "e", "k", "o"
HAN_OR_KANA, THAI_LIKE = "h", "t"  # written without spaces: each character is a word
DIGIT = "d"
_MARK = "m"  # belongs to the character before it
_IGNORED = "i"  # inside a word it is as if it were not there
_SIGN = "x"  # stands for other characters: ½ ㎏ ①
_APOSTROPHE, _QUOTE, _COMMA, _FULL_STOP, _THIN_SPACE, _NOTHING = "'", '"', ",", ".", "_", " "
SPACELESS = frozenset((HAN_OR_KANA, THAI_LIKE))

_SCRIPTS = {
    "LATIN": LATIN,
    "GREEK": GREEK,
    "CYRILLIC": CYRILLIC,
    "ARABIC": ARABIC,
    "HEBREW": HEBREW,
    "HANGUL": HANGUL,
    "MODIFIER": _MARK,
    **dict.fromkeys("CJK IDEOGRAPHIC VERTICAL BOPOMOFO TANGUT NUSHU KHITAN".split(), HAN_OR_KANA),
    **dict.fromkeys("HIRAGANA HENTAIGANA KATAKANA KATAKANA-HIRAGANA".split(), HAN_OR_KANA),
    **dict.fromkeys("THAI LAO KHMER MYANMAR TAI NEW AHOM".split(), THAI_LIKE),
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
    **dict.fromkeys("\u0e4d\u0ecd", THAI_LIKE),  # half of Thai and Lao am, which NFKC takes apart: two words either way
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
        return HAN_OR_KANA  # the planes of rare Han characters, with those of later Unicode versions
    category = unicodedata.category(character)
    if category == "Nd":
        return DIGIT
    if category == "Cf" or "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
        return _IGNORED  # the latter are variation selectors
    if category[0] == "M":
        return _MARK
    plain = unicodedata.normalize("NFKC", character)
    if category[0] == "N":
        return HAN_OR_KANA if plain == character and unicodedata.digit(character, None) is None else _SIGN
    if plain == character:
        return _kind_of_letter(character) if category[0] == "L" else _NOTHING
    kinds = [kind for kind in map(_kind, plain) if kind not in (_MARK, _IGNORED)]
    if not kinds:
        return _MARK
    if set(kinds) <= {_APOSTROPHE, _QUOTE, _COMMA, _FULL_STOP, _NOTHING}:
        return kinds[0] if len(kinds) == 1 else _NOTHING
    if category[0] == "L" and len(set(kinds)) == 1 and (len(kinds) == 1 or kinds[0] not in SPACELESS):
        return kinds[0]
    return _SIGN


def _kind_of_letter(letter: str) -> str:
    return _SCRIPTS.get(unicodedata.name(letter, "").partition(" ")[0], OTHER_LETTER)


def kind_of_word(word: str) -> str:
    """The kind of a word, which is that of its first character."""
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
            words.append(_word(Word, (folded, start + first, start + last)))
    return words


_word = tuple.__new__  # half the time of what a NamedTuple comes with, for what most of the time goes to


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
    kind = kind_of_word(piece)
    if kind == _SIGN:
        digit = unicodedata.digit(piece, None)
        plain = unicodedata.normalize("NFKC", piece) if digit is None else str(digit)
        return tuple(Word(word.text, start, end) for word in words_of(plain))
    if kind == DIGIT:
        return (Word("".join(str(unicodedata.digit(c)) for c in piece if _KINDS[ord(c)] == DIGIT), start, end),)
    words = []
    if kind not in SPACELESS:
        end = _last_letter(piece, end)
    if kind == LATIN:
        while _POSSESSIVE.fullmatch(piece, end - 2, end):
            end = _last_letter(piece, end - 2)
        while elided := _ELIDED.match(piece, start, end):
            words.append(Word(_fold_letters(piece[start : elided.end() - 1], kind), start, elided.end() - 1))
            start = elided.end()
    piece = piece.translate(_VOICING)
    if kind in SPACELESS:
        words.append(Word(_fold_character(piece), start, end))
    else:
        words.append(Word(_fold_letters(piece[start:end], kind), start, end))
    return tuple(word for word in words if word.text)


def _last_letter(piece: str, end: int) -> int:
    """Where it ends without what is ignored behind it."""
    while _KINDS[ord(piece[end - 1])] == _IGNORED:
        end -= 1
    return end


_folded = lru_cache(maxsize=1 << 14)(_fold)

_SAME_LETTERS: dict[int, int | str | None] = {
    **str.maketrans("øđðłħŧıёѐѝٱىیےکةہە", "oddlhtiееиايييكههه", _APOSTROPHES + "ـ"),
    ord("æ"): "ae",
    ord("œ"): "oe",
    ord("þ"): "th",
}


def _fold_letters(letters: str, kind: str) -> str:
    if kind == OTHER_LETTER:  # whose marks may be vowels
        plain = _without_ignored(unicodedata.normalize("NFKC", letters))
        return unicodedata.normalize("NFKC", plain.casefold())
    # Marks go, but not those that make another letter, as in Cyrillic й.
    composed = kind in (CYRILLIC, HANGUL)
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
        if kind_of_word(word.text) not in SPACELESS:
            terms += _terms_of_spaced(word.text)
            before = None
            continue
        terms.append(word.text)
        if before and side_by_side(before, word):
            terms.append(before.text + word.text)
        before = word
    return terms


@lru_cache(maxsize=1 << 14)
def _terms_of_spaced(word: str) -> tuple[str, ...]:
    kind = kind_of_word(word)
    if kind == DIGIT:
        return (word,)
    marked = f"_{word}_"
    if kind == HANGUL:
        return (marked, *(word[i : i + 2] for i in range(len(word) - 1)))
    if len(word) < 3:
        return (marked,)
    return (marked, *(marked[i : i + 3] for i in range(len(word))))


def weights_of(words: Sequence[Word]) -> dict[str, float]:
    """The terms of a query, each with its weight. A word between spaces weighs 1, half of it as a whole and half by its
    pieces together, so that a long word does not outweigh a number; so do two characters of a script without spaces.

    >>> weights_of(words_of("35 of 経済"))
    {'35': 1.0, '_of_': 1.0, '经': 0.25, '济': 0.25, '经济': 0.5}
    """
    weights: dict[str, float] = {}
    for word in words:
        if kind_of_word(word.text) not in SPACELESS:
            whole, *pieces = _terms_of_spaced(word.text)
            weights[whole] = 0.5 if pieces else 1.0
            for piece in pieces:
                weights[piece] = max(0.5 / len(pieces), weights.get(piece, 0.0))
    for term in terms_of(words):
        weights.setdefault(term, 0.25 if len(term) == 1 else 0.5)
    return weights


def side_by_side(word: Word, following: Word) -> bool:
    """Whether nothing stands between two words of one text."""
    return word.start <= following.start <= word.end
