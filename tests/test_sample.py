"""The sample collection holds what it promises, its judgements fit it, and its prior is computed once a model.

Counts and lengths are taken from the files themselves; the prior is compared with sums worked out here.
"""

from __future__ import annotations

import datetime
import io
import itertools
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.checked_file import write_arrays
from indexer.documents import Document
from indexer.language_means import LanguageSum, Prior
from indexer.parts import Part
from indexer.passages import passages_of
from indexer.sample import passage_budget, prior_of, sample_digest, sample_documents, sample_file
from indexer.sentences import sentence_spans
from tests.fakes import FakeEncoder

SEEDS = sample_file().parent
LANGUAGES = ("ar", "en", "ja", "zh")
SHIFT = np.array([0.5, 0, 0, 0, 0, 0, -0.25, 0])


class ShiftedQueries(FakeEncoder):
    """Encodes a query a fixed way off from where it would lie as a passage."""

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        shifted: NDArray[np.float32] = (super().encode_queries(texts) + SHIFT).astype(np.float32)
        return shifted


class TwoParts(FakeEncoder):
    """The same vectors, said to be made of two models': the topics' axes and the scripts'."""

    def __init__(self) -> None:
        super().__init__(fingerprint="fake-of-two")
        self.parts = (Part(4, 0.6), Part(4, 0.4))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return sample_documents()


def all_queries() -> list[dict[str, str]]:
    return [json.loads(line) for line in (SEEDS / "queries.jsonl").read_text(encoding="utf-8").splitlines()]


def queries(split: str) -> list[dict[str, str]]:
    """Questions of meaning are `t01/en` and so on, those for exact words `x-en-01`."""
    return [row for row in all_queries() if row["_id"].startswith("x-") == (split == "exact")]


def qrels(split: str) -> dict[str, dict[str, int]]:
    rows = (SEEDS / "qrels" / f"{split}.tsv").read_text(encoding="utf-8").splitlines()
    assert rows[0].split("\t") == ["query-id", "corpus-id", "score"]
    judged: dict[str, dict[str, int]] = {}
    for row in rows[1:]:
        query, document, grade = row.split("\t")
        assert document not in judged.setdefault(query, {}), row
        judged[query][document] = int(grade)
    return judged


# The documents


def test_there_are_enough_documents_of_each_language(documents: list[Document]) -> None:
    counts = Counter(document.lang for document in documents)
    assert len(documents) >= 48
    assert counts.keys() == set(LANGUAGES)
    assert min(counts.values()) >= 12


def test_ids_are_unique_and_say_the_language(documents: list[Document]) -> None:
    assert len({document.id for document in documents}) == len(documents)
    assert all(document.id.startswith(f"{document.lang}-") for document in documents)


def test_every_document_has_a_title_a_date_and_the_source(documents: list[Document]) -> None:
    for document in documents:
        assert document.title.strip() == document.title != ""
        assert len(document.title) <= 100
        assert datetime.date.fromisoformat(document.date).isoformat() == document.date
        assert document.source == "sample"
    assert len({document.title for document in documents}) == len(documents)


def test_documents_are_as_long_as_short_news(documents: list[Document]) -> None:
    for document in documents:
        if document.lang in ("en", "ar"):
            assert 120 <= len(document.text.split()) <= 300, document.id
        else:
            assert 280 <= len("".join(document.text.split())) <= 760, document.id


def test_only_near_copies_share_sentences(documents: list[Document]) -> None:
    """Two in each language; one of them is in the other Chinese script, so that it shares none letter by letter."""
    of: dict[str, str] = {}
    shared: dict[tuple[str, str], int] = {}
    for document in documents:
        for start, end in sentence_spans(document.text):
            sentence = " ".join(document.text[start:end].split())
            first = of.setdefault(sentence, document.id)
            if first != document.id:
                shared[first, document.id] = shared.get((first, document.id), 0) + 1
    assert Counter(first[:2] for first, _ in shared) == {"ar": 2, "en": 2, "ja": 2, "zh": 1}
    assert min(shared.values()) >= 3


def test_some_of_the_chinese_is_traditional(documents: list[Document]) -> None:
    def beyond_gb2312(text: str) -> int:
        return sum(
            1 for character in text if "\u4e00" <= character <= "\u9fff" and not character.encode("gb2312", "ignore")
        )

    traditional = [d.id for d in documents if d.lang == "zh" and beyond_gb2312(d.text) > 30]
    simplified = [d.id for d in documents if d.lang == "zh" and beyond_gb2312(d.text) == 0]
    assert len(traditional) >= 3
    assert len(simplified) >= 3


def test_the_digest_changes_with_the_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = sample_digest()
    assert len(own) == 8
    assert int(own, 16) >= 0
    file = tmp_path / "corpus.jsonl"
    file.write_bytes(sample_file().read_bytes())
    monkeypatch.setattr("indexer.sample.sample_file", lambda: file)
    assert sample_digest() == own
    file.write_bytes(sample_file().read_bytes().replace(b"2026", b"2027", 1))
    assert sample_digest() != own


# The questions and judgements


def test_queries_have_ids_and_texts_of_their_own() -> None:
    rows = all_queries()
    assert len({row["_id"] for row in rows}) == len(rows) == len({row["text"] for row in rows})
    assert all(row["text"].strip() == row["text"] != "" for row in rows)


@pytest.mark.parametrize(("split", "each"), [("test", 60), ("exact", 21)])
def test_there_are_as_many_queries_of_each_language(split: str, each: int) -> None:
    assert Counter(row["language"] for row in queries(split)) == dict.fromkeys(LANGUAGES, each)


def test_each_question_of_meaning_is_asked_in_all_languages() -> None:
    topics: dict[str, set[str]] = {}
    for row in queries("test"):
        topic, lang = row["_id"].split("/")
        assert lang == row["language"]
        topics.setdefault(topic, set()).add(lang)
    assert set(map(frozenset, topics.values())) == {frozenset(LANGUAGES)}


@pytest.mark.parametrize("split", ["test", "exact"])
def test_judgements_are_of_queries_and_documents_that_there_are(split: str, documents: list[Document]) -> None:
    judged = qrels(split)
    assert judged.keys() == {row["_id"] for row in queries(split)}
    known = {document.id for document in documents}
    assert {document for of_query in judged.values() for document in of_query} <= known


def test_each_question_of_meaning_has_the_best_grade_and_enough_of_the_worst() -> None:
    for query, of_query in qrels("test").items():
        grades = Counter(of_query.values())
        assert grades.keys() <= {0, 1, 2, 3}, query
        assert grades[3] >= 1, query
        assert grades[0] >= 2, query


def test_judgements_do_not_depend_on_the_language_of_the_question() -> None:
    by_topic: dict[str, list[dict[str, int]]] = {}
    for query, of_query in qrels("test").items():
        by_topic.setdefault(query.split("/")[0], []).append(of_query)
    for topic, each in by_topic.items():
        assert all(a == b for a, b in itertools.pairwise(each)), topic


def test_queries_for_exact_words_say_what_kind_they_are_of() -> None:
    rows = queries("exact")
    assert {row["kind"] for row in rows} == {"name", "number", "phrase", "code", "mixed"}
    assert all(row["_id"].split("-")[1] == row["language"] and row["note"] for row in rows)


def test_every_document_that_holds_the_exact_words_is_an_answer(documents: list[Document]) -> None:
    judged, written = qrels("exact"), 0
    for row in queries("exact"):
        words = row["text"].strip('"“”«»「」《》')
        holding = {document.id for document in documents if words in f"{document.title}\n{document.text}"}
        written += bool(holding)
        answers = judged[row["_id"]]
        assert set(answers.values()) == {1}, row
        assert holding <= answers.keys(), row
    assert written >= 40  # the others are written in another way than in the documents


# The budget


@pytest.mark.parametrize(("reads", "budget"), [(512, 140), (172, 140), (171, 139), (100, 68), (40, 8), (10, 8)])
def test_the_budget_leaves_room_for_a_title_in_what_the_model_reads(reads: int, budget: int) -> None:
    assert passage_budget(FakeEncoder(max_tokens=reads)) == budget


# The prior


def expected_prior(documents: list[Document], encoder: FakeEncoder) -> dict[str, LanguageSum]:
    sums: dict[str, LanguageSum] = {}
    for document in documents:
        for passage in passages_of(document.text, encoder, passage_budget(encoder), document.lang):
            text = f"{document.title}\n{document.text[passage.start : passage.end]}"
            sentences = encoder.encode_passages([document.text[a:b] for a, b in passage.sentences])
            own = LanguageSum(
                1,
                encoder.encode_passages([text])[0].astype(np.float64),
                len(sentences),
                sentences.astype(np.float64).sum(axis=0),
            )
            sums[passage.lang] = sums[passage.lang].plus(own) if passage.lang in sums else own
    return sums


def expected_covariance(documents: list[Document], encoder: FakeEncoder, lang: str) -> NDArray[np.float64]:
    sentences = [
        document.text[start:end]
        for document in documents
        for passage in passages_of(document.text, encoder, passage_budget(encoder), document.lang)
        for start, end in passage.sentences
        if passage.lang == lang
    ]
    covariance: NDArray[np.float64] = np.cov(encoder.encode_passages(sentences).T.astype(np.float64), bias=True)
    return covariance


def assert_same_prior(got: Prior, expected: Prior) -> None:
    assert got.sums.keys() == expected.sums.keys() == got.query_shifts.keys() == expected.query_shifts.keys()
    assert got.covariances.keys() == expected.covariances.keys() == expected.sums.keys()
    for lang, own in expected.sums.items():
        assert (got.sums[lang].passages, got.sums[lang].sentences) == (own.passages, own.sentences)
        np.testing.assert_array_equal(got.sums[lang].passage_sum, own.passage_sum)
        np.testing.assert_array_equal(got.sums[lang].sentence_sum, own.sentence_sum)
        np.testing.assert_array_equal(got.query_shifts[lang], expected.query_shifts[lang])
        for one, other in zip(got.covariances[lang], expected.covariances[lang], strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_prior_sums_passages_under_their_titles_and_sentences(cache: Path, documents: list[Document]) -> None:
    prior = prior_of(ShiftedQueries())
    expected = expected_prior(documents, FakeEncoder())
    assert prior.sums.keys() == expected.keys() == set(LANGUAGES)
    for lang, own in expected.items():
        assert (prior.sums[lang].passages, prior.sums[lang].sentences) == (own.passages, own.sentences)
        np.testing.assert_allclose(prior.sums[lang].passage_sum, own.passage_sum, atol=1e-5)
        np.testing.assert_allclose(prior.sums[lang].sentence_sum, own.sentence_sum, atol=1e-5)


def test_the_prior_measures_how_far_queries_lie_from_sentences(cache: Path) -> None:
    for shift in prior_of(ShiftedQueries()).query_shifts.values():
        np.testing.assert_allclose(shift, SHIFT, atol=1e-6)
    for shift in prior_of(FakeEncoder(fingerprint="same-prompts")).query_shifts.values():
        np.testing.assert_allclose(shift, np.zeros(8), atol=1e-6)


def test_the_prior_measures_how_sentences_scatter_around_their_mean(cache: Path, documents: list[Document]) -> None:
    encoder = FakeEncoder()
    covariances = prior_of(encoder).covariances
    assert covariances.keys() == set(LANGUAGES)
    for lang, (covariance,) in covariances.items():
        np.testing.assert_allclose(covariance, expected_covariance(documents, encoder, lang), atol=1e-6)
        assert covariance.dtype == np.float32


def test_the_scatter_of_each_part_is_measured_on_its_own(cache: Path, documents: list[Document]) -> None:
    encoder = TwoParts()
    for _ in ("computed", "from the cache"):
        for lang, (topics, scripts) in prior_of(encoder).covariances.items():
            whole = expected_covariance(documents, encoder, lang)
            np.testing.assert_allclose(topics, whole[:4, :4], atol=1e-6)
            np.testing.assert_allclose(scripts, whole[4:, 4:], atol=1e-6)


def test_a_second_call_encodes_nothing_and_gives_the_same(cache: Path) -> None:
    encoder = ShiftedQueries()
    first = prior_of(encoder)
    encoded = len(encoder.batches)
    assert encoded > 0
    second = prior_of(encoder)
    assert len(encoder.batches) == encoded
    assert_same_prior(second, first)
    (file,) = (cache / "priors").iterdir()
    assert file.name.startswith(f"fake-1-{sample_digest()}")


def test_another_model_has_a_prior_of_its_own(cache: Path) -> None:
    prior_of(FakeEncoder())
    other = ShiftedQueries(fingerprint="fake-2")
    prior = prior_of(other)
    assert other.batches
    np.testing.assert_allclose(prior.query_shifts["en"], SHIFT, atol=1e-6)
    assert len(list((cache / "priors").iterdir())) == 2


def test_other_sample_documents_make_another_prior(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prior_of(FakeEncoder())
    monkeypatch.setattr("indexer.sample.sample_digest", lambda: "00000000")
    encoder = FakeEncoder()
    prior_of(encoder)
    assert encoder.batches


def test_progress_is_told_of_each_language(cache: Path) -> None:
    told: list[tuple[int, int]] = []
    prior_of(FakeEncoder(), lambda done, total: told.append((done, total)))
    assert len(told) == len(LANGUAGES)
    assert all(done == total > 0 for done, total in told)


def _npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    return stream.getvalue()


def _with(data: bytes, place: int, byte: int) -> bytes:
    return data[:place] + bytes([byte]) + data[place + 1 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "garbage": lambda data: random.Random(1).randbytes(3000),
    "text": lambda data: b"not what you think\n",
    "half": lambda data: data[: len(data) // 2],
    "one byte short": lambda data: data[:-1],
    "one byte changed": lambda data: _with(data, len(data) // 2, data[len(data) // 2] ^ 0xFF),
    "an array": lambda data: _npy(),
    "compressed otherwise": lambda data: _with(data, data.index(b"PK\x01\x02") + 10, 0x63),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_cache_file_is_computed_and_saved_again(cache: Path, damage: str) -> None:
    expected = prior_of(FakeEncoder())
    (file,) = (cache / "priors").iterdir()
    file.write_bytes(DAMAGE[damage](file.read_bytes()))
    encoder = FakeEncoder()
    assert_same_prior(prior_of(encoder), expected)
    encoded = len(encoder.batches)
    assert encoded > 0
    assert_same_prior(prior_of(encoder), expected)
    assert len(encoder.batches) == encoded


@pytest.mark.parametrize(
    ("langs", "shape"),
    [(["en"], (1, 4)), (["en"], (1, 16)), ([], (0,)), ([], (0, 0))],
    ids=["narrower", "wider", "no languages", "no languages and no width"],
)
def test_a_whole_file_of_another_width_is_computed_and_saved_again(
    cache: Path, langs: list[str], shape: tuple[int, ...]
) -> None:
    expected = prior_of(FakeEncoder())
    (file,) = (cache / "priors").iterdir()
    width = shape[-1]
    write_arrays(
        file,
        {
            "langs": np.array(langs, np.str_),
            "passages": np.ones(len(langs), np.int64),
            "passage_sums": np.ones(shape),
            "sentences": np.ones(len(langs), np.int64),
            "sentence_sums": np.ones(shape),
            "shifts": np.ones(shape),
            "covariances0": np.ones((len(langs), width, width), np.float32),
        },
    )
    encoder = FakeEncoder()
    assert_same_prior(prior_of(encoder), expected)
    assert encoder.batches
    assert_same_prior(prior_of(FakeEncoder()), expected)


@pytest.mark.filterwarnings("ignore")  # zipfile's, about names that the damage has doubled
def test_whatever_byte_of_the_cache_file_is_wrong_the_prior_is_right(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = prior_of(FakeEncoder())
    monkeypatch.setattr("indexer.sample._compute", lambda *_: expected)  # 0.1 s each otherwise
    (file,) = (cache / "priors").iterdir()
    good, noise = file.read_bytes(), random.Random(4)
    wrong = []
    directory = good.index(b"PK\x01\x02")
    for place in [*range(0, directory, 20), *range(directory, len(good), 2)]:
        file.write_bytes(_with(good, place, good[place] ^ noise.randint(1, 255)))
        try:
            assert_same_prior(prior_of(FakeEncoder()), expected)
        except Exception as error:  # noqa: BLE001
            wrong.append(f"byte {place}: {error!r}")
    assert wrong == []


def test_where_nothing_can_be_kept_the_prior_is_computed_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a file, no folder"
    file.write_text("")
    monkeypatch.setenv("SEARCH_CACHE", str(file))
    encoder = FakeEncoder()
    first = prior_of(encoder)
    encoded = len(encoder.batches)
    assert_same_prior(prior_of(encoder), first)
    assert len(encoder.batches) == 2 * encoded


def test_on_a_full_disk_no_half_file_stays(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        prior = prior_of(FakeEncoder())
    assert prior.sums.keys() == set(LANGUAGES)
    assert not [file for file in cache.rglob("*") if file.is_file()]
