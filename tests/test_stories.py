"""One story told several times: copies by their words, translations by their vectors, each with the first telling."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.words import terms_of, words_of
from search_api.stories import COPY, first_tellings, with_copies

Vectors = NDArray[np.float32]

BAN = "The ministry banned exports of rare earths on Monday."
BAN_AGAIN = "The ministry banned exports of rare earths on Monday, it said."
RAIN = "Heavy rain is expected in the north until Sunday evening."
RARE = "Rare earths are seventeen metals; most of them are mined in China."


def at(*degrees: float) -> Vectors:
    """Vectors of length 1 in a plane: the inner product of two is the cosine of the angle between them."""
    return np.array([(math.cos(math.radians(d)), math.sin(math.radians(d))) for d in degrees], np.float32)


NEAR = math.degrees(math.acos(0.56))
"""About 56 degrees: nearer than this, texts in two languages are one story."""


def shared(one: str, other: str) -> float:
    a, b = set(terms_of(words_of(one))), set(terms_of(words_of(other)))
    return len(a & b) / len(a | b)


def firsts_of(vectors: Vectors, langs: Sequence[str], texts: Sequence[str]) -> list[int]:
    return first_tellings(vectors, langs, texts.__getitem__)


def test_a_copy_is_told_by_the_first() -> None:
    assert shared(BAN, BAN_AGAIN) > COPY
    assert firsts_of(at(0, 10, 20), ["en"] * 3, [BAN, RAIN, BAN_AGAIN]) == [0, 1, 0]


@pytest.mark.parametrize("copy", [BAN, BAN.upper(), "  " + BAN.replace(" ", "\n"), BAN.replace("ministry", "minístry")])
def test_case_accents_and_spaces_make_no_other_text(copy: str) -> None:
    assert firsts_of(at(0, 0), ["en", "en"], [BAN, copy]) == [0, 0]


@pytest.mark.parametrize(
    ("degrees", "expected"), [(0, 0), (44, 0), (47, 1), (90, 1)], ids=["same", "near", "not near", "unrelated"]
)
def test_the_same_words_about_something_else_are_no_copy(degrees: float, expected: int) -> None:
    """Vectors farther than 0.7 (45.6 degrees) are not even compared by their words."""
    assert firsts_of(at(0, degrees), ["en", "en"], [BAN, BAN]) == [0, expected]


def test_another_text_on_the_same_topic_in_the_same_language_is_a_story_of_its_own() -> None:
    assert shared(BAN, RARE) < COPY
    assert firsts_of(at(0, 0), ["en", "en"], [BAN, RARE]) == [0, 1]


def test_how_much_must_be_shared_is_counted_in_terms() -> None:
    """Chinese characters and pairs: of 甲乙丙丁戊 there are 5 + 4; of its first four 4 + 3, all shared: 7 of 9."""
    texts = ["甲乙丙丁戊", "甲乙丙丁"]
    assert shared(*texts) == pytest.approx(7 / 9)
    assert firsts_of(at(0, 0), ["zh", "zh"], texts) == [0, 0]
    texts = ["甲乙丙丁戊", "甲乙丙"]  # 5 of 9
    assert shared(*texts) == pytest.approx(5 / 9)
    assert firsts_of(at(0, 0), ["zh", "zh"], texts) == [0, 1]


@pytest.mark.parametrize("text", ["", "…", " "])
def test_texts_without_words_are_no_copies(text: str) -> None:
    assert firsts_of(at(0, 0), ["en", "en"], [text, text]) == [0, 1]


@pytest.mark.parametrize(
    ("degrees", "expected"), [(0, 0), (NEAR - 0.5, 0), (NEAR + 0.5, 1), (180, 1)], ids=["0", "near", "far", "opposite"]
)
def test_a_translation_is_told_by_its_vector_whatever_its_words(degrees: float, expected: int) -> None:
    for texts in ([BAN, "حظرت الوزارة التصدير."], [BAN, BAN]):
        assert firsts_of(at(0, degrees), ["en", "ar"], texts) == [0, expected]


def test_a_vector_as_near_as_a_translation_s_is_nothing_in_the_same_language() -> None:
    assert firsts_of(at(0, 0, 0), ["en", "en", "ar"], [BAN, RAIN, "حظر"]) == [0, 1, 0]


def test_a_chain_is_cut_where_the_first_telling_is_too_far() -> None:
    """A is as near to B as B is to C, but C is compared with A alone, which tells B's story already."""
    far, near = NEAR + 10, NEAR - 10
    assert firsts_of(at(0, near, 2 * near), ["ar", "en", "ja"], ["", "", ""]) == [0, 0, 2]
    assert firsts_of(at(near, 0, 2 * near), ["en", "ar", "ja"], ["", "", ""]) == [0, 0, 0]
    assert firsts_of(at(0, far, near), ["ar", "en", "ja"], ["", "", ""]) == [0, 1, 0]


def test_of_two_stories_that_it_could_tell_a_document_tells_the_better_ranked() -> None:
    assert firsts_of(at(0, 80, 79), ["ar", "en", "ja"], ["", "", ""]) == [0, 1, 1]
    assert firsts_of(at(0, 80, 40), ["ar", "en", "ja"], ["", "", ""]) == [0, 1, 0]
    assert firsts_of(at(80, 0, 40), ["en", "ar", "ja"], ["", "", ""]) == [0, 1, 0]


def test_copies_and_translations_of_one_story_are_one() -> None:
    texts = [BAN, "حظرت الوزارة التصدير.", RAIN, BAN_AGAIN, "政府は輸出を禁止した。"]
    assert firsts_of(at(0, 5, 90, 3, 8), ["en", "ar", "en", "en", "ja"], texts) == [0, 0, 2, 0, 0]


def test_only_texts_of_one_language_that_are_near_are_looked_at() -> None:
    looked_at: list[int] = []

    def text_at(place: int) -> str:
        looked_at.append(place)
        return BAN

    assert first_tellings(at(0, 5, 90, 3), ["en", "ar", "en", "en"], text_at) == [0, 0, 2, 0]
    assert sorted(looked_at) == [0, 3]


def test_no_documents_tell_nothing_and_one_tells_its_own_story() -> None:
    assert firsts_of(np.zeros((0, 2), np.float32), [], []) == []
    assert firsts_of(at(0), ["en"], [BAN]) == [0]


def oracle(vectors: Vectors, langs: Sequence[str], texts: Sequence[str]) -> list[int]:
    """Each document against every first telling above it, in order."""
    firsts: list[int] = []
    for place in range(len(langs)):
        own = place
        for earlier in range(place):
            if firsts[earlier] != earlier:
                continue
            near = float(vectors[place].astype(np.float64) @ vectors[earlier])
            alike = near >= 0.7 and shared(texts[place] or "x", texts[earlier] or "y") >= 0.6
            if near >= 0.56 if langs[place] != langs[earlier] else alike:
                own = earlier
                break
        firsts.append(own)
    return firsts


TOLD = st.tuples(
    st.integers(0, 35).map(lambda d: 10 * d + 0.3),
    st.sampled_from("ar en zh".split()),
    st.sampled_from([BAN, BAN_AGAIN, RAIN]),
)


@given(st.lists(TOLD, max_size=15))
@settings(deadline=None, max_examples=200)
def test_every_document_is_with_the_first_that_tells_its_story(told: list[tuple[float, str, str]]) -> None:
    vectors = at(*(row[0] for row in told)).reshape(-1, 2)
    langs, texts = [row[1] for row in told], [row[2] for row in told]
    firsts = firsts_of(vectors, langs, texts)
    assert firsts == oracle(vectors, langs, texts)
    assert all(first <= place and firsts[first] == first for place, first in enumerate(firsts))


def test_known_copies_are_one_story() -> None:
    assert with_copies([0, 1, 2, 3], [7, 8, 7, 9]) == [0, 1, 0, 3]
    assert with_copies([0, 0, 2, 3], [7, 8, 9, 8]) == [0, 0, 2, 0], "a copy of what tells the same as the first"
    assert with_copies([0, 1, 2, 2], [7, 8, 7, 9]) == [0, 1, 0, 0], "what tells the same as a copy of the first"
    assert with_copies([0, 1, 2], [1, 2, 3]) == [0, 1, 2]
    assert with_copies([], []) == []
