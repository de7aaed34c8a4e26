"""Scores by meaning against the formula worked out slowly, one number at a time, on vectors with two parts; and what
each stage changes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.alignment import AlignedQuery, Alignment, LanguageMaps
from indexer.language_means import LanguageMeans, MeanTable
from indexer.parts import Part
from indexer.records import StoredPassage
from search_api.scoring import Scores, Stages, score

Vector = NDArray[np.float64]

PARTS = (Part(6, 0.7), Part(4, 0.3))
SPANS = (slice(0, 6), slice(6, 10))
DIMENSION = 10
LANGS = ("ar", "en", "ja", "zh")
UNKNOWN = "fi"
"""A language that has neither mean nor map of its own."""


def random_alignment(rng: np.random.Generator) -> Alignment:
    """Means and maps of any shape: none of them is a rotation or symmetric, so that no transpose goes unseen."""

    def table() -> MeanTable:
        rows = 0.3 * rng.standard_normal((len(LANGS) + 1, DIMENSION)).astype(np.float32)
        return MeanTable(dict(zip(LANGS, rows, strict=False)), rows[-1])

    def maps() -> list[NDArray[np.float32]]:
        return [(np.eye(p.width) + 0.3 * rng.standard_normal((p.width, p.width))).astype(np.float32) for p in PARTS]

    generic = [0.4 * rng.standard_normal((3, part.width)).astype(np.float32) for part in PARTS]
    language_maps = LanguageMaps({lang: maps() for lang in LANGS}, maps(), generic)
    return Alignment(PARTS, LanguageMeans(table(), table(), table()), language_maps)


def random_passages(rng: np.random.Generator, count: int) -> list[StoredPassage]:
    """Of all languages, with one to five sentences, a third of them headings; some passages hold nothing else."""
    passages = []
    for number in range(count):
        sentences = int(rng.integers(1, 6))
        headings = rng.random(sentences) < 0.33
        passages.append(
            passage(
                number,
                [*LANGS, UNKNOWN][number % 5],
                rng.standard_normal(DIMENSION),
                rng.standard_normal((sentences, DIMENSION)),
                headings.tolist(),
                rng.standard_normal(DIMENSION),
            )
        )
    passages[count // 2] = replace(
        passages[count // 2], headings=np.ones(len(passages[count // 2].sentence_vectors), bool)
    )
    return passages


def passage(
    number: int,
    lang: str,
    vector: Vector,
    sentence_vectors: Vector,
    headings: Sequence[bool],
    document_vector: Vector,
) -> StoredPassage:
    return StoredPassage(
        id=number,
        document=number,
        start=0,
        end=10 * len(sentence_vectors),
        lang=lang,
        sentences=np.array([(10 * i, 10 * i + 9) for i in range(len(sentence_vectors))], np.int32),
        headings=np.array(headings, bool),
        vector=vector.astype(np.float32),
        sentence_vectors=sentence_vectors.astype(np.float32),
        document_vector=document_vector.astype(np.float32),
    )


# The formula, in double precision and without NumPy's help where it is short


def unit(vector: Vector) -> Vector:
    scaled = np.zeros(DIMENSION)
    for part, place in zip(PARTS, SPANS, strict=True):
        length = math.sqrt(sum(x * x for x in vector[place]))
        scaled[place] = vector[place] * math.sqrt(part.weight) / (length or 1)
    return scaled


def dot(one: Vector, other: Vector) -> float:
    return sum(float(a) * float(b) for a, b in zip(one, other, strict=True))


def map_of(alignment: Alignment, lang: str) -> Vector:
    """(dimension, dimension), a block per part."""
    whole = np.zeros((DIMENSION, DIMENSION))
    for place, matrix in zip(SPANS, alignment.maps.of.get(lang, alignment.maps.fallback), strict=True):
        whole[place, place] = matrix
    return whole


def generic_of(alignment: Alignment, row: Vector) -> float:
    """With unit parts u_i of a text and deviations d along orthogonal directions, the deviation of
    sum_i weight_i * <u_i, another text's part>."""
    total = 0.0
    for part, place, directions in zip(PARTS, SPANS, alignment.maps.generic, strict=True):
        own = row[place] / math.sqrt(part.weight)
        total += part.weight * math.sqrt(sum(dot(own, direction.astype(np.float64)) ** 2 for direction in directions))
    return total


def oracle_query(raw: Vector, shares: Mapping[str, float], alignment: Alignment) -> dict[str, Vector]:
    """A query's vector towards each language."""
    mean = sum(share * alignment.means.queries[lang].astype(np.float64) for lang, share in shares.items())
    mapped = np.zeros(DIMENSION)
    for lang, share in shares.items():
        mapped += share * ((raw - mean) @ map_of(alignment, lang))
    return {lang: unit(map_of(alignment, lang) @ mapped) for lang in (*LANGS, UNKNOWN)}


def oracle(
    towards: Mapping[str, Vector], passages: Sequence[StoredPassage], alignment: Alignment, stages: Stages
) -> dict[str, list[float]]:
    """The fields of `Scores` by name."""
    rows, sentence_rows, allowed = [], [], []
    for own in passages:
        mean, sentence_mean = alignment.means.passages[own.lang], alignment.means.sentences[own.lang]
        plain = unit(own.vector.astype(np.float64) - mean)
        sentences = [unit(vector.astype(np.float64) - sentence_mean) for vector in own.sentence_vectors]
        if stages.context:
            document = unit(own.document_vector.astype(np.float64) - mean)
            sentences = [unit(sentence + 0.2 * plain + 0.1 * document) for sentence in sentences]
            plain = unit(plain + 0.3 * document)
        rows.append(plain)
        sentence_rows.append(sentences)
        places = [place for place, heading in enumerate(own.headings) if not (stages.context and heading)]
        allowed.append(places or list(range(len(sentences))))

    def once(queries: Mapping[str, Vector]) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {
            name: [] for name in ("own", "passage", "sentence", "generic", "best_sentence")
        }
        for own, plain, sentences, places in zip(passages, rows, sentence_rows, allowed, strict=True):
            query = queries[own.lang]
            values = {
                place: dot(sentences[place], query) - stages.generic * generic_of(alignment, sentences[place])
                for place in places
            }
            best = max(places, key=lambda place: (values[place], -place))
            in_passage = dot(plain, query)
            of_passage = in_passage - stages.generic * generic_of(alignment, plain)
            share = stages.sentences
            found["own"].append((1 - share) * of_passage + share * values[best])
            found["passage"].append(in_passage)
            found["sentence"].append(dot(sentences[best], query))
            found["generic"].append(
                (1 - share) * stages.generic * generic_of(alignment, plain)
                + share * stages.generic * generic_of(alignment, sentences[best])
            )
            found["best_sentence"].append(best)
        return found

    first = once(towards)
    if not stages.feedback:
        return {**first, "total": first["own"]}
    top = sorted(range(len(passages)), key=lambda place: -first["own"][place])[:10]
    weights = [math.exp((first["own"][place] - first["own"][top[0]]) / 0.05) for place in top]
    centre = np.zeros(DIMENSION)
    for place, weight in zip(top, weights, strict=True):
        best_row = sentence_rows[place][int(first["best_sentence"][place])]
        centre += weight / sum(weights) * (rows[place] + best_row) / 2
    again = once({lang: unit(vector + stages.feedback * centre) for lang, vector in towards.items()})
    return {**first, "total": again["own"]}


QUERY_LANGUAGES = [{"en": 1.0}, {"zh": 0.6, "ja": 0.4}, {UNKNOWN: 1.0}]


class Case:
    """Candidates, a query and an alignment, all at random."""

    def __init__(self, seed: int, count: int = 40) -> None:
        rng = np.random.default_rng(seed)
        self.alignment = random_alignment(rng)
        self.passages = random_passages(rng, count)
        self.shares = QUERY_LANGUAGES[seed % 3]
        self.raw = rng.standard_normal(DIMENSION).astype(np.float32)
        self.query: AlignedQuery = self.alignment.query(self.raw, self.shares)

    def scores(self, stages: Stages) -> Scores:
        return score(self.query, self.passages, self.alignment, stages)


STAGES = {
    "all": Stages(),
    "without sentences": Stages(sentences=0.0),
    "sentences alone": Stages(sentences=1.0),
    "without context": Stages(context=False),
    "without generic": Stages(generic=0.0),
    "without feedback": Stages(feedback=0.0),
    "more feedback": Stages(feedback=2.0),
    "nothing": Stages(sentences=0.0, context=False, generic=0.0, feedback=0.0),
}


@pytest.mark.parametrize("stages", STAGES.values(), ids=STAGES.keys())
@pytest.mark.parametrize("seed", range(6))
def test_scores_are_those_of_the_formula(seed: int, stages: Stages) -> None:
    case = Case(seed)
    expected = oracle(
        oracle_query(case.raw.astype(np.float64), case.shares, case.alignment), case.passages, case.alignment, stages
    )
    found = case.scores(stages)
    assert found.best_sentence.tolist() == expected["best_sentence"]
    for name in ("passage", "sentence", "generic", "own", "total"):
        np.testing.assert_allclose(getattr(found, name), expected[name], rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("count", [1, 2, 9, 10, 11])
def test_few_candidates_are_scored_by_the_same_formula(count: int) -> None:
    case = Case(7, count)
    expected = oracle(
        oracle_query(case.raw.astype(np.float64), case.shares, case.alignment), case.passages, case.alignment, Stages()
    )
    np.testing.assert_allclose(case.scores(Stages()).total, expected["total"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("stages", STAGES.values(), ids=STAGES.keys())
def test_the_evidence_is_the_sum_of_what_it_is_made_of(stages: Stages) -> None:
    found = Case(1).scores(stages)
    share = stages.sentences
    summed = (1 - share) * found.passage + share * found.sentence - found.generic
    np.testing.assert_allclose(found.own, summed, rtol=0, atol=1e-5)


# One stage at a time

NAMES = [field.name for field in fields(Scores)]
UNCHANGED = {
    "means": (Stages(means=False), NAMES),
    "maps": (Stages(maps=False), NAMES),
    "exact": (Stages(exact=0.0), NAMES),
    "feedback": (Stages(feedback=0.0), ["own", "passage", "sentence", "generic", "best_sentence"]),
    "generic": (Stages(generic=0.0), ["passage"]),
    "sentences": (Stages(sentences=0.0), ["passage", "sentence", "best_sentence"]),
    "context": (Stages(context=False), []),
}
"""Stage -> the fields that are as with all stages. Means and maps are the store's, exact words are the fusion's."""


@pytest.mark.parametrize(("stages", "unchanged"), UNCHANGED.values(), ids=UNCHANGED.keys())
def test_a_stage_that_is_left_out_changes_what_it_should_and_nothing_else(
    stages: Stages, unchanged: Sequence[str]
) -> None:
    case = Case(2)
    before, after = case.scores(Stages()), case.scores(stages)
    same = [name for name in NAMES if np.array_equal(getattr(before, name), getattr(after, name))]
    assert same == [name for name in NAMES if name in unchanged]


def test_without_feedback_the_evidence_is_the_score() -> None:
    found = Case(3).scores(Stages(feedback=0.0))
    np.testing.assert_array_equal(found.total, found.own)


def test_without_generic_nothing_is_taken_off() -> None:
    assert not Case(3).scores(Stages(generic=0.0)).generic.any()


def test_without_sentences_the_passage_alone_counts() -> None:
    found = Case(3).scores(Stages(sentences=0.0, generic=0.0))
    np.testing.assert_allclose(found.own, found.passage, rtol=0, atol=1e-6)


def test_without_context_neither_the_document_nor_the_passage_is_seen_in_a_sentence() -> None:
    case = Case(4)
    rng = np.random.default_rng(0)
    case.passages = [
        replace(own, document_vector=rng.standard_normal(DIMENSION).astype(np.float32)) for own in case.passages
    ]
    other = Case(4)
    plain = Stages(context=False)
    np.testing.assert_array_equal(case.scores(plain).total, other.scores(plain).total)
    assert not np.allclose(case.scores(Stages()).total, other.scores(Stages()).total, atol=1e-3)


@pytest.mark.parametrize("stages", [Stages(), Stages(feedback=0.0)], ids=["with feedback", "without"])
def test_the_order_of_candidates_changes_no_score(stages: Stages) -> None:
    case = Case(5)
    expected = case.scores(stages)
    order = np.random.default_rng(1).permutation(len(case.passages))
    case.passages = [case.passages[place] for place in order]
    found = case.scores(stages)
    for name in NAMES:
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name)[order], rtol=0, atol=1e-5)


def test_evidence_is_a_passage_s_own_and_feedback_comes_from_the_ten_best() -> None:
    case = Case(6)
    everything = case.scores(Stages())
    best = np.argsort(-everything.own)
    case.passages = [case.passages[place] for place in best[:10]]
    of_ten = case.scores(Stages())
    np.testing.assert_allclose(of_ten.total, everything.total[best[:10]], rtol=0, atol=1e-5)
    case.passages = case.passages[1:]
    without_the_best = case.scores(Stages())
    np.testing.assert_allclose(without_the_best.own, everything.own[best[1:10]], rtol=0, atol=1e-5)
    assert np.abs(without_the_best.total - everything.total[best[1:10]]).max() > 1e-3


# Best sentences by hand: means of zero and no maps

PLAIN = Alignment.none(PARTS)


def axis(number: int) -> Vector:
    """A text about one thing: the same in both parts."""
    vector = np.zeros(DIMENSION)
    vector[number] = math.sqrt(0.7)
    vector[6 + number] = math.sqrt(0.3)
    return vector


def best_of(topics: Sequence[int], headings: Sequence[bool], stages: Stages) -> int:
    """The best sentence for a question about topic 0."""
    rows = np.array([axis(topic) for topic in topics])
    own = passage(1, "en", rows.mean(axis=0), rows, headings, rows.mean(axis=0))
    query = PLAIN.query(axis(0).astype(np.float32), {"en": 1.0})
    return int(score(query, [own], PLAIN, stages).best_sentence[0])


@pytest.mark.parametrize(
    ("topics", "headings", "expected", "without_context"),
    [
        ([1, 0, 2], [False, False, False], 1, 1),
        ([0, 1, 2], [True, False, False], 1, 0),
        ([1, 2, 0], [False, False, True], 0, 2),
        ([0, 2, 0], [True, False, False], 2, 0),
        ([1, 0], [True, True], 1, 1),
        ([0], [True], 0, 0),
        ([1, 0, 0], [False, False, False], 1, 1),
    ],
    ids=["text", "heading first", "heading last", "said again", "headings alone", "one heading", "the first of equals"],
)
def test_a_heading_is_the_best_sentence_only_where_there_is_nothing_else(
    topics: list[int], headings: list[bool], expected: int, without_context: int
) -> None:
    assert best_of(topics, headings, Stages()) == expected
    assert best_of(topics, headings, Stages(context=False)) == without_context


def test_the_same_text_scores_one_where_nothing_is_taken_off() -> None:
    own = passage(1, "en", axis(0), axis(0)[None, :], [False], axis(0))
    query = PLAIN.query(axis(0).astype(np.float32), {"en": 1.0})
    found = score(query, [own], PLAIN, Stages())
    assert [float(found.own[0]), float(found.total[0])] == pytest.approx([1, 1], abs=1e-6)


def test_a_text_that_lies_where_all_lie_loses_to_one_as_near_that_does_not() -> None:
    """Both share the same half with the question; one of them has its other half where all texts vary."""
    generic = [np.zeros((1, part.width), np.float32) for part in PARTS]
    for rows in generic:
        rows[0, 1] = 0.5
    maps = replace(LanguageMaps.none(PARTS), generic=generic)
    alignment = Alignment(PARTS, LanguageMeans.none(DIMENSION), maps)
    passages = []
    for number in (1, 2):
        both = (axis(0) + axis(number)) / math.sqrt(2)
        passages.append(passage(number, "en", both, both[None, :], [False], both))
    query = alignment.query(axis(0).astype(np.float32), {"en": 1.0})
    found = score(query, passages, alignment, Stages(feedback=0.0))
    near = 1 / math.sqrt(2)
    assert found.own.tolist() == pytest.approx([near - 1.25 * 0.5 * near, near], abs=1e-5)


def test_a_part_without_anything_in_it_counts_as_nothing() -> None:
    half = axis(0)
    half[6:] = 0
    own = passage(1, "en", half, half[None, :], [False], half)
    query = PLAIN.query(axis(0).astype(np.float32), {"en": 1.0})
    found = score(query, [own], PLAIN, Stages(feedback=0.0))
    assert found.own[0] == pytest.approx(0.7, abs=1e-6)
