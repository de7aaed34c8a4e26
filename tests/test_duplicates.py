"""Copies of the sample's articles are linked, and nothing else is; signatures are those that are stored already."""

from __future__ import annotations

import hashlib
import json
import random
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.duplicates import (
    FEWEST_CHARACTERS,
    MOST_CHARACTERS,
    NEAR,
    bands_of,
    signature_of,
    similarity,
)
from indexer.han_variants import STANDS_FOR
from tests.timing import seconds

SEEDS = Path(__file__).parents[1] / "seeds" / "corpus.jsonl"
LANGUAGES = ["ar", "en", "ja", "zh"]

SAME_REPORT = {  # the sample has an agency's report in two papers, edited by each
    ("ar-empty-towers", "ar-grounded-passengers"),
    ("ar-vara-rate", "ar-dearer-loans"),
    ("en-bitter-record", "en-coffee-bill"),
    ("en-dawn-shock", "en-quake-toll"),
    ("ja-paper-charts", "ja-nine-wards"),
    ("ja-sashimi-quota", "ja-bigeye-reduction"),
    ("zh-thirsty-wafers", "zh-factory-waits"),
}


def articles(language: str = "") -> dict[str, str]:
    with SEEDS.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return {row["_id"]: row["text"] for row in rows if language in ("", row["language"])}


def likeness(one: str, other: str) -> float:
    return similarity(signature_of(one), signature_of(other))


def found(one: bytes, other: bytes) -> bool:
    return bool(set(bands_of(one)) & set(bands_of(other)))


def linked(one: str, other: str) -> bool:
    first, second = signature_of(one), signature_of(other)
    return found(first, second) and similarity(first, second) >= NEAR


def edited(text: str, share: float, others: str, chance: random.Random) -> str:
    """Words replaced by words of other articles; without spaces, pairs of characters."""
    pieces = re.split(r"(\s+)", text) if text.count(" ") > 50 else re.findall(r"..?", text, re.DOTALL)
    pool = others.split() if text.count(" ") > 50 else re.findall(r"\w\w", others)
    words = [place for place, piece in enumerate(pieces) if piece.strip()]
    for place in chance.sample(words, int(len(words) * share)):
        pieces[place] = chance.choice(pool)
    return "".join(pieces)


def surrounded(text: str, share: float, others: str, chance: random.Random) -> str:
    length = int(len(text) * share)
    start = chance.randrange(len(others) - length)
    lines = others[start : start + length]
    return f"{lines[: length // 3]}\n\n{text}\n\n{lines[length // 3 :]}"


def test_of_all_articles_only_the_same_reports_are_linked() -> None:
    signatures = {name: signature_of(text) for name, text in articles().items()}
    pairs = {
        pair
        for pair in combinations(signatures, 2)
        if found(signatures[pair[0]], signatures[pair[1]])
        and similarity(signatures[pair[0]], signatures[pair[1]]) >= NEAR
    }
    assert pairs == SAME_REPORT
    others = set(combinations(signatures, 2)) - SAME_REPORT
    assert max(similarity(signatures[one], signatures[other]) for one, other in others) < 0.25


@pytest.mark.parametrize("language", LANGUAGES)
def test_copies_with_lines_around_them_and_light_edits(language: str) -> None:
    chance = random.Random(language)
    texts = list(articles(language).values())
    wanted = {"around": 1.0, "edited": 1.0, "both": 0.95, "around both": 0.85}
    results: dict[str, list[bool]] = {kind: [] for kind in wanted}
    for place, text in enumerate(texts):
        others = texts[place - 1] + texts[place - 2] + texts[place - 3]
        edit = edited(text, 0.05, others, chance)
        results["around"].append(linked(text, surrounded(text, 0.2, others, chance)))
        results["edited"].append(linked(text, edit))
        results["both"].append(linked(text, surrounded(edit, 0.1, others, chance)))
        one, other = (surrounded(text, 0.2, lines, chance) for lines in (texts[place - 4], texts[place - 5]))
        results["around both"].append(linked(one, other))
    shares = {kind: sum(values) / len(values) for kind, values in results.items()}
    assert all(shares[kind] >= share for kind, share in wanted.items()), shares


def test_traditional_and_simplified_are_two_texts() -> None:
    texts = [text for name, text in articles("zh").items() if "-hant-" in name]
    assert len(texts) == 12
    assert max(likeness(text, text.translate(STANDS_FOR)) for text in texts) < 0.4


WEATHER = {
    "ar": "طقس المرفأ ليوم {}/{}\n\nالجو مشمس اليوم، والحرارة العظمى {} درجة والصغرى {} درجة مئوية. الرياح شمالية "
    "بسرعة {} كيلومتراً في الساعة، ونسبة الرطوبة {} في المئة. تصدر النشرة كل ست ساعات وقد تتغير دون إشعار مسبق.",
    "en": "Weather for Sorrin, {}/{}\n\nSunny today with a high of {} degrees and a low of {}. Winds from the north "
    "at {} kilometres an hour. The chance of rain is {} per cent. Forecasts are issued every six hours and may change.",
    "ja": "{}月{}日の南浜市の天気は晴れ。最高気温は{}度、最低気温は{}度の見込み。風速は{}メートル、降水確率は{}％。"
    "気象台は、急な天気の変化に注意するよう呼びかけている。",
    "zh": "{}月{}日，南滨市天气晴，最高气温{}度，最低气温{}度，北风每秒{}米，降水概率{}%。"
    "气象台提醒市民注意天气变化，及时增减衣物。",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_reports_in_the_same_words_with_other_numbers(language: str) -> None:
    one, other = WEATHER[language].format(3, 12, 27, 14, 35, 10), WEATHER[language].format(4, 13, 31, 19, 8, 60)
    assert not linked(one, other)
    assert linked(one, one.replace("35", "36"))


def test_numbers_count_in_the_digits_of_arabic_too() -> None:
    text = WEATHER["ar"].format(3, 12, 27, 14, 35, 10)
    for zero in "٠۰":
        digits = {ord("0") + digit: ord(zero) + digit for digit in range(10)}
        assert signature_of(text.translate(digits)) == signature_of(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Harbour Is CLOSED", "the  harbour\nis — “closed”!"),
        ("ｈａｒｂｏｕｒ　１２", "harbour 12"),
        ("مُحَمَّد في المـــرفأ", "محمد في المرفأ"),
        ("港は、閉鎖\nされた。", "港は閉鎖された"),
        ("ｶﾞｿﾘﾝ", "ガソリン"),
        ("re\u0301sume\u0301 Straße", "résumé STRASSE"),
        ("sta\u00adtion_one", "station one"),
    ],
)
def test_written_in_another_way(one: str, other: str) -> None:
    rest = " and then the text goes on for a while, with words enough to tell it from another"
    assert signature_of(one + rest) == signature_of(other + rest) != b""


def test_vowels_of_thai_and_hindi_count() -> None:
    for one, other in (("กิ", "กี"), ("कि", "की")):
        assert likeness(one * 80, other * 80) == 0.0


def test_short_texts_have_no_signature() -> None:
    assert signature_of("a" * (FEWEST_CHARACTERS - 1) + " !? " * 9) == b""
    assert len(signature_of("a" * FEWEST_CHARACTERS)) == 512
    assert bands_of(b"") == []
    assert similarity(b"", b"") == similarity(signature_of("a" * 99), b"") == 0.0


def test_the_beginning_of_a_very_long_text_counts() -> None:
    text = " ".join(map(str, range(60_000)))
    assert len(text) > MOST_CHARACTERS
    assert signature_of(text) == signature_of(text[:MOST_CHARACTERS]) != signature_of(text[: MOST_CHARACTERS // 2])


def test_time_is_linear() -> None:
    texts = ("x" * 20_000_000, "ﷺ" * MOST_CHARACTERS, " " * 20_000_000, "e\u0301" * 1_000_000)
    assert seconds(lambda: list(map(signature_of, texts))) < 10


def _letters(count: int, chance: random.Random) -> str:
    return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=count))


@pytest.mark.parametrize("length", [120, 1000])
@pytest.mark.parametrize("share", [0.3, 0.65, 0.9])
def test_similarity_is_the_share_of_the_pieces_in_common(length: int, share: float) -> None:
    chance = random.Random(length)
    common = int(2 * length * share / (1 + share))
    errors = []
    for _ in range(60):
        text, first, second = _letters(common, chance), _letters(length - common, chance), _letters(length, chance)
        one, other = text + first, text + second[: length - common]
        pieces, of_other = ({word[place : place + 5] for place in range(len(word) - 4)} for word in (one, other))
        errors.append(likeness(one, other) - len(pieces & of_other) / len(pieces | of_other))
    assert abs(np.mean(errors)) < 0.02
    assert np.std(errors) < 0.055  # 128 permutations: 0.043


def test_bands_find_near_texts() -> None:
    chance = np.random.Generator(np.random.PCG64(1))
    for near, low, high in ((0.1, 0, 0.01), (0.3, 0.02, 0.12), (0.65, 0.93, 0.99), (0.7, 0.97, 1), (0.8, 1, 1)):
        hits = 0
        for _ in range(500):
            one = chance.integers(0, 1 << 32, 128, dtype=np.uint32)
            other = np.where(chance.random(128) < near, one, chance.integers(0, 1 << 32, 128, dtype=np.uint32))
            hits += found(one.astype("<u4").tobytes(), other.astype("<u4").tobytes())
        assert low <= hits / 500 <= high, near


def test_bands_are_numbers_for_a_database() -> None:
    bands = bands_of(signature_of("The harbour is closed. " * 9))
    assert len(set(bands)) == 25
    assert all(type(band) is int and -(1 << 63) <= band < 1 << 63 for band in bands)
    assert len(set(bands_of(bytes(512)))) == 25  # the same rows in each


def digest(text: str) -> str:
    signature = signature_of(text)
    return hashlib.sha256(signature + json.dumps(bands_of(signature)).encode()).hexdigest()[:16]


STORED = {
    "en": (
        "The harbour is closed. Two of the 4 quays have cracked along their length, says the port captain.",
        "508a8a770480936b",
    ),
    "mixed": (
        "港は閉鎖された。أُغلق الميناء. 항구가 폐쇄되었다. 2026年3月1日、港湾当局が発表した。"
        "Порт закрыт до 5 марта из-за шторма.",
        "b595a76f250f8177",
    ),
    "long": ("The harbour is closed. " * 3 + " ".join(map(str, range(5000))), "c1a4b8430c765c65"),
}


@pytest.mark.parametrize("name", STORED)
def test_signatures_and_bands_are_those_of_this_scheme(name: str) -> None:
    # If this fails, raise SCHEME: what is stored can no longer be compared.
    text, expected = STORED[name]
    assert digest(text) == expected


def test_signatures_are_the_same_in_every_process() -> None:
    text = STORED["en"][0]
    program = f"from indexer.duplicates import *; print(signature_of({text!r}).hex(), bands_of(signature_of({text!r})))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == f"{signature_of(text).hex()} {bands_of(signature_of(text))}\n"


@given(st.text(), st.text())
def test_any_text(one: str, other: str) -> None:
    first, second = signature_of(one * 20), signature_of(other * 20)
    assert len(first) in (0, 512)
    assert similarity(first, first) == (1.0 if first else 0.0)
    assert similarity(first, second) == similarity(second, first)
    assert 0.0 <= similarity(first, second) <= 1.0
