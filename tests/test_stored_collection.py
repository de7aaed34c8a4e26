"""What goes into a collection comes out of it, its sums are those of its vectors, and no failure changes it.

Texts are compared with the text itself, vectors with what a byte a component does, sums with sums over what is stored.
`new_collection`, `encoded`, `contents` and `recomputed_sums` also serve the tests of what stands on a collection.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.documents import Document
from indexer.errors import CollectionError, ModelMismatch
from indexer.filters import Filter
from indexer.language_means import LanguageSum, Prior
from indexer.parts import Part, Parts
from indexer.passages import Passage
from indexer.records import EncodedDocument, EncodedPassage, Statistics, StoredDocument
from indexer.stored_collection import StoredCollection

DIMENSION = 8
LANGUAGES = ("ar", "en", "ja", "zh")
DATABASE = "collection.sqlite"
PARTS = (Part(5, 0.7), Part(3, 0.3))
NO_PRIOR = Prior({}, {}, {})
_NOBODY = 65_534


def new_collection(folder: Path, parts: Parts = PARTS, prior: Prior = NO_PRIOR) -> StoredCollection:
    return StoredCollection.create(folder, model="fake", fingerprint="fake-1", parts=parts, budget=100, prior=prior)


def unit_vectors(seed: int, count: int, dimension: int = DIMENSION) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(count, dimension))
    unit: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def encoded(
    identifier: str, seed: int = 0, langs: Sequence[str] = ("en",), dimension: int = DIMENSION, **fields: Any
) -> EncodedDocument:
    """A document with a passage of one to three sentences in each of `langs`; its vectors come from the seed, as does
    which passages begin with a heading."""
    text, passages = "", []
    sentences = random.Random(seed)
    for number, lang in enumerate(langs):
        start, spans = len(text), []
        for sentence in range(sentences.randint(1, 3)):
            begin = len(text)
            text += f"{identifier} 😀 {seed}: sentence {sentence} of passage {number}."
            spans.append((begin, len(text)))
            text += " "
        headings = frozenset({0} if (seed + number) % 3 == 1 else ())
        passages.append(Passage(start, spans[-1][1], tuple(spans), lang, headings))
    vectors = iter(unit_vectors(seed, sum(1 + len(passage.sentences) for passage in passages), dimension))
    document = Document(id=identifier, text=text, lang=langs[0] if langs else "und", **fields)
    return EncodedDocument(
        document,
        document.lang or "und",
        f"digest {seed}".encode(),
        [
            EncodedPassage(passage, next(vectors), np.array([next(vectors) for _ in passage.sentences]))
            for passage in passages
        ],
    )


def contents(collection: StoredCollection) -> dict[str, tuple[object, ...]]:
    """Everything that a collection says of its documents, by id, without the numbers that it gives them."""
    vectors = {
        identifier: vector.tobytes()
        for ids, _, rows in collection.passage_vectors()
        for identifier, vector in zip(ids, rows, strict=True)
    }
    passages: dict[int, list[tuple[object, ...]]] = {}
    for passage in collection.passages(collection.passage_ids().tolist()):
        passages.setdefault(passage.document, []).append(
            (
                passage.start,
                passage.end,
                passage.lang,
                passage.sentences.tolist(),
                passage.headings.tolist(),
                passage.sentence_vectors.tobytes(),
                passage.document_vector.tobytes(),
                passage.vector.tobytes() == vectors[passage.id],
                vectors[passage.id],
            )
        )
    return {
        document.id: (
            document.title,
            document.lang,
            document.date,
            document.source,
            document.url,
            document.metadata,
            collection.digest(document.id),
            collection.text(number, 0, 1_000_000),
            passages[number],
        )
        for number, document in collection.documents(list(passages)).items()
    }


def recomputed_sums(collection: StoredCollection) -> dict[str, LanguageSum]:
    """The sums over the vectors that are stored."""
    sums: dict[str, LanguageSum] = {}
    passages = {passage.id: passage for passage in collection.passages(collection.passage_ids().tolist())}
    for ids, langs, vectors in collection.passage_vectors():
        for identifier, lang, vector in zip(ids, langs, vectors.astype(np.float64), strict=True):
            sentences = passages[identifier].sentence_vectors.astype(np.float64)
            own = LanguageSum(1, vector, len(sentences), sentences.sum(axis=0))
            sums[lang] = sums[lang].plus(own) if lang in sums else own
    return sums


def assert_sums_equal(got: Mapping[str, LanguageSum], expected: Mapping[str, LanguageSum]) -> None:
    assert got.keys() == expected.keys()
    for lang, own in expected.items():
        assert (got[lang].passages, got[lang].sentences) == (own.passages, own.sentences)
        np.testing.assert_allclose(got[lang].passage_sum, own.passage_sum, rtol=0, atol=1e-9)
        np.testing.assert_allclose(got[lang].sentence_sum, own.sentence_sum, rtol=0, atol=1e-9)


def numbers(collection: StoredCollection) -> dict[str, int]:
    """Each document's number, by id."""
    passages = collection.passages(collection.passage_ids().tolist())
    described = collection.documents([passage.document for passage in passages])
    return {document.id: number for number, document in described.items()}


def in_bytes(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is left of rows whose largest component is 127."""
    scales = np.array([max(abs(component) for component in row) / np.float32(127) for row in vectors], np.float32)
    return np.array([np.round(row / scale) * scale for row, scale in zip(vectors, scales, strict=True)], np.float32)


def random_prior(seed: int, parts: Parts, langs: Sequence[str] = ("ar", "en", "ja")) -> Prior:
    """Means well away from zero, and sentences that scatter differently in each language, so that what leaves either
    as it is is not right by chance."""
    noise = np.random.default_rng(seed)
    dimension = sum(part.width for part in parts)
    means = 0.4 * unit_vectors(seed, len(langs), dimension).astype(np.float64)
    shifts = 0.2 * unit_vectors(seed + 1, len(langs), dimension).astype(np.float64)

    def scatter(width: int) -> NDArray[np.float32]:
        rows = noise.normal(size=(3 * width, width)) * np.linspace(0.1, 1, width)[noise.permutation(width)]
        covariance: NDArray[np.float32] = (rows.T @ rows / len(rows)).astype(np.float32)
        return covariance

    return Prior(
        {lang: LanguageSum(10, 10 * mean, 20, -20 * mean) for lang, mean in zip(langs, means, strict=True)},
        dict(zip(langs, shifts, strict=True)),
        {lang: [scatter(part.width) for part in parts] for lang in langs},
    )


@contextmanager
def without_rights() -> Iterator[None]:
    """Whatever the folder's owner may not do, we may not either, even as root."""
    if os.geteuid() != 0:
        yield
        return
    try:
        os.seteuid(_NOBODY)
    except OSError:
        pytest.skip("root here cannot do without its rights")
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def open_to_all() -> Iterator[Path]:
    """A folder that also another user can get at, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with without_rights():
            reachable = os.access(folder, os.R_OK, effective_ids=True)
        if not reachable:
            pytest.skip("no temporary folder that another user can reach")
        yield folder
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755)


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[StoredCollection]:
    with new_collection(tmp_path / "c") as created:
        yield created


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredCollection]:
    """For generated inputs, which a fixture of each test's own would not be renewed for."""
    with new_collection(tmp_path_factory.mktemp("shared") / "c") as created:
        yield created


# What goes in comes out


def test_a_new_collection_is_empty_and_knows_how_it_was_made(tmp_path: Path) -> None:
    with StoredCollection.create(
        tmp_path / "deep" / "c",
        model="m",
        fingerprint="f",
        parts=(Part(9, 0.6), Part(3, 0.4)),
        budget=77,
        prior=NO_PRIOR,
    ) as collection:
        assert (collection.model, collection.fingerprint, collection.budget) == ("m", "f", 77)
        assert (collection.parts, collection.dimension) == ((Part(9, 0.6), Part(3, 0.4)), 12)
        assert collection.version() == 0
        assert contents(collection) == {}
        assert collection.sums() == {}
        assert collection.passage_ids().tolist() == []
        statistics = collection.statistics()
        assert (statistics.documents, statistics.passages, statistics.documents_by_language) == (0, 0, {})


def test_what_was_put_is_there_after_reopening(tmp_path: Path) -> None:
    item = encoded(
        "a",
        3,
        ["en", "ja"],
        title="Title 題",
        date="2026-01-27",
        source="wire",
        url="https://example.org/a",
        metadata={"author": {"name": "علي"}, "tags": [1, None, True]},
    )
    with new_collection(tmp_path / "c") as collection:
        collection.put([item])
        before, sums = contents(collection), collection.sums()
    with StoredCollection.open(tmp_path / "c") as collection:
        assert contents(collection) == before
        assert_sums_equal(collection.sums(), sums)
        assert (collection.model, collection.fingerprint) == ("fake", "fake-1")
        assert (collection.parts, collection.dimension, collection.budget) == (PARTS, DIMENSION, 100)
        assert collection.version() == 1

        (number,) = numbers(collection).values()
        assert collection.documents([number]) == {
            number: StoredDocument(
                number,
                "a",
                "Title 題",
                "en",
                "2026-01-27",
                "wire",
                "https://example.org/a",
                {"author": {"name": "علي"}, "tags": [1, None, True]},
            )
        }
        assert collection.text(number, 0, 1_000_000) == item.document.text
        assert collection.digest("a") == b"digest 3"


def test_spans_languages_headings_and_vectors_come_back_as_they_are_kept(collection: StoredCollection) -> None:
    """Vectors in a byte a component."""
    item = encoded("a", 7, ["en", "ja", "ar"])
    collection.put([item])
    ids = collection.passage_ids()
    stored = collection.passages(ids.tolist())
    ((vector_ids, langs, vectors),) = collection.passage_vectors()
    assert ids.tolist() == vector_ids == [passage.id for passage in stored] == sorted(vector_ids)
    assert langs == ["en", "ja", "ar"]
    assert len(stored) == 3
    for own, got, vector in zip(item.passages, stored, vectors, strict=True):
        assert (got.start, got.end, got.lang) == (own.passage.start, own.passage.end, own.passage.lang)
        assert [tuple(span) for span in got.sentences.tolist()] == list(own.passage.sentences)
        np.testing.assert_allclose(vector, in_bytes(own.vector[None, :])[0], rtol=0, atol=1e-7)
        np.testing.assert_array_equal(got.vector, vector)
        np.testing.assert_allclose(got.sentence_vectors, in_bytes(own.sentence_vectors), rtol=0, atol=1e-7)
        assert got.sentence_vectors.dtype == np.float32
        moved = np.abs(got.sentence_vectors - own.sentence_vectors).max(axis=1)
        assert (moved <= np.abs(own.sentence_vectors).max(axis=1) / 254 * 1.0001).all()


@pytest.mark.parametrize("headings", [(), (0,), (2,), (0, 1), (0, 1, 2)])
def test_headings_are_the_sentences_that_were_headings(collection: StoredCollection, headings: tuple[int, ...]) -> None:
    spans, vectors = ((0, 3), (4, 7), (8, 11)), unit_vectors(0, 4)
    passage = Passage(0, 11, spans, "en", frozenset(headings))
    item = EncodedPassage(passage, vectors[0], vectors[1:])
    collection.put([EncodedDocument(Document(id="a", text="One two six"), "en", b"", [item])])
    (got,) = collection.passages(collection.passage_ids().tolist())
    assert got.headings.dtype == np.bool_
    assert got.headings.tolist() == [place in headings for place in range(3)]
    assert got.sentences.tolist() == [[0, 3], [4, 7], [8, 11]]


def test_each_passage_brings_the_mean_of_its_own_documents_vectors(collection: StoredCollection) -> None:
    items = [encoded("a", 1, ["en", "ja", "en"]), encoded("b", 2, ["ar"])]
    collection.put(items)
    number = numbers(collection)
    for item in items:
        mean = sum(passage.vector.astype(np.float64) for passage in item.passages) / len(item.passages)
        own = [
            passage.document_vector
            for passage in collection.passages(collection.passage_ids().tolist())
            if passage.document == number[item.document.id]
        ]
        assert len(own) == len(item.passages)
        for vector in own:
            assert vector.dtype == np.float32
            largest = max(np.abs(passage.vector).max() for passage in item.passages)  # rounded before and after
            np.testing.assert_allclose(vector, mean, rtol=0, atol=(np.abs(mean).max() + largest) / 254 * 1.0001)


def test_a_document_without_passages_can_be_stored_replaced_and_removed(collection: StoredCollection) -> None:
    empty = EncodedDocument(Document(id="a", text=""), "und", b"d", [])
    for item in (empty, encoded("a", 1), empty):
        collection.put([item])
        assert collection.statistics().documents == 1
        assert len(collection.passage_ids()) == len(item.passages)
        assert_sums_equal(collection.sums(), recomputed_sums(collection))
    assert collection.delete(["a"]) == ["a"]
    assert collection.statistics().documents == 0


def test_a_sentence_of_zeros_stays_one(collection: StoredCollection) -> None:
    passage = Passage(0, 2, ((0, 1), (1, 2)), "en")
    vectors = np.array([np.zeros(DIMENSION), np.full(DIMENSION, -0.5)], np.float32)
    item = EncodedPassage(passage, vectors[1], vectors)
    collection.put([EncodedDocument(Document(id="a", text="xy"), "en", b"", [item])])
    (got,) = collection.passages(collection.passage_ids().tolist())
    np.testing.assert_allclose(got.sentence_vectors, vectors, rtol=1e-6)


def test_sums_are_exactly_those_of_what_is_stored(collection: StoredCollection) -> None:
    """Not of what was given, so that what is removed later takes off exactly what it brought."""
    items = [encoded("a", 1, ["en", "ja"]), encoded("b", 2, ["ja"])]
    collection.put(items)
    japanese = [passage for item in items for passage in item.passages if passage.passage.lang == "ja"]
    own = collection.sums()["ja"]
    sentences = np.concatenate([passage.sentence_vectors for passage in japanese])
    assert (own.passages, own.sentences) == (2, len(sentences))
    expected = in_bytes(np.array([passage.vector for passage in japanese])).astype(np.float64).sum(axis=0)
    np.testing.assert_allclose(own.passage_sum, expected, rtol=0, atol=1e-12)
    ids = collection.passage_ids(Filter(langs=("ja",))).tolist()
    held = np.concatenate([passage.sentence_vectors for passage in collection.passages(ids)]).astype(np.float64)
    np.testing.assert_allclose(own.sentence_sum, held.sum(axis=0), rtol=0, atol=1e-12)
    np.testing.assert_allclose(own.sentence_sum, in_bytes(sentences).sum(axis=0), rtol=0, atol=1e-6)
    assert not np.allclose(own.sentence_sum, sentences.astype(np.float64).sum(axis=0), rtol=0, atol=1e-5)


def test_what_comes_and_goes_leaves_the_sums_of_the_others_as_they_were(collection: StoredCollection) -> None:
    collection.put([encoded("stays", 1, ["en", "ja"])])
    before = collection.sums()
    for seed in range(30):
        collection.put([encoded(f"d{seed % 7}", seed, ["en", "ja", "en"])])
    collection.delete([f"d{number}" for number in range(7)])
    after = collection.sums()
    assert_sums_equal(after, before)
    for lang in before:
        np.testing.assert_allclose(after[lang].sentence_sum, before[lang].sentence_sum, rtol=0, atol=1e-13)


def test_the_prior_comes_back_with_its_shifts_and_covariances(tmp_path: Path) -> None:
    given_prior = random_prior(3, PARTS, ["ja", "en"])
    new_collection(tmp_path / "c", prior=given_prior).close()
    with StoredCollection.open(tmp_path / "c") as collection:
        prior = collection.prior()
    assert_sums_equal(prior.sums, given_prior.sums)
    assert prior.query_shifts.keys() == prior.covariances.keys() == {"ja", "en"}
    for lang in ("ja", "en"):
        np.testing.assert_array_equal(prior.query_shifts[lang], given_prior.query_shifts[lang])
        assert [own.shape for own in prior.covariances[lang]] == [(5, 5), (3, 3)]
        for got, expected in zip(prior.covariances[lang], given_prior.covariances[lang], strict=True):
            assert got.dtype == np.float32
            np.testing.assert_allclose(got, expected, rtol=2**-11, atol=2**-25)  # half precision


def test_the_means_are_the_sums_shrunk_towards_the_stored_prior(tmp_path: Path) -> None:
    prior_sum, shift = np.arange(8.0), np.full(8, 0.25)
    squares = [np.eye(part.width, dtype=np.float32) for part in PARTS]
    prior = Prior({"en": LanguageSum(2, prior_sum, 4, -prior_sum)}, {"en": shift}, {"en": squares})
    with new_collection(tmp_path / "c", prior=prior) as created:
        created.put([encoded("a", 1, ["en"] * 10)])
    with StoredCollection.open(tmp_path / "c") as collection:
        own, means = collection.sums()["en"], collection.language_means()
    np.testing.assert_allclose(means.passages["en"], (own.passage_sum + 50 * prior_sum / 2) / 60, rtol=1e-5)
    sentences = (own.sentence_sum - 50 * prior_sum / 4) / (own.sentences + 50)
    np.testing.assert_allclose(means.sentences["en"], sentences, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(means.queries["en"], sentences + 0.25, rtol=1e-5, atol=1e-6)


def test_putting_a_document_again_replaces_it_its_passages_and_its_part_of_the_sums(
    tmp_path: Path, collection: StoredCollection
) -> None:
    collection.put([encoded("a", 1, ["en", "ar"]), encoded("b", 2)])
    collection.put([encoded("a", 5, ["ja"], title="new")])
    with new_collection(tmp_path / "fresh") as fresh:
        fresh.put([encoded("a", 5, ["ja"], title="new"), encoded("b", 2)])
        assert contents(collection) == contents(fresh)
        assert_sums_equal(collection.sums(), fresh.sums())
    assert len(collection.passage_ids()) == 2


def test_of_one_id_twice_in_a_batch_the_last_stays(collection: StoredCollection) -> None:
    collection.put([encoded("a", 1, ["en"]), encoded("a", 2, ["ja"])])
    assert collection.digest("a") == b"digest 2"
    assert_sums_equal(collection.sums(), recomputed_sums(collection))
    assert collection.sums().keys() == {"ja"}


def test_delete_removes_and_returns_the_ids_that_there_were(collection: StoredCollection) -> None:
    collection.put([encoded("a", 1), encoded("b", 2, ["ja"]), encoded("c", 3)])
    assert collection.delete(["c", "nothing", "b"]) == ["c", "b"]
    assert contents(collection).keys() == {"a"}
    assert collection.sums().keys() == {"en"}
    assert collection.digest("b") is None
    assert collection.delete(["b"]) == []


def test_each_change_makes_the_version_grow_by_one(collection: StoredCollection) -> None:
    seen = [collection.version()]
    changes: list[Callable[[], object]] = [
        lambda: collection.put([encoded("a", 1), encoded("b", 2)]),
        lambda: collection.put([encoded("a", 3)]),
        lambda: collection.delete(["a", "b"]),
    ]
    for change in changes:
        change()
        seen.append(collection.version())
    assert seen == [0, 1, 2, 3]


_Change = tuple[bool, list[tuple[int, int, list[str]]]]
_documents = st.tuples(
    st.integers(0, 4), st.integers(0, 50), st.lists(st.sampled_from(LANGUAGES), min_size=1, max_size=3)
)
_changes: st.SearchStrategy[list[_Change]] = st.lists(
    st.tuples(st.booleans(), st.lists(_documents, min_size=1, max_size=4)), max_size=8
)


@settings(deadline=None, max_examples=40)
@given(_changes)
def test_after_any_changes_the_sums_are_those_of_the_stored_vectors(changes: list[_Change]) -> None:
    expected: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as folder, new_collection(Path(folder)) as collection:
        for delete, items in changes:
            if delete:
                asked = list(dict.fromkeys(f"d{number}" for number, _, _ in items))
                assert collection.delete(asked) == [name for name in asked if expected.pop(name, None) is not None]
            else:
                collection.put([encoded(f"d{number}", seed, langs) for number, seed, langs in items])
                expected.update({f"d{number}": f"digest {seed}".encode() for number, seed, _ in items})
            assert_sums_equal(collection.sums(), recomputed_sums(collection))
        assert {name: row[6] for name, row in contents(collection).items()} == expected
        assert collection.version() == len(changes)
        assert collection.statistics().documents == len(expected)


# Reading parts of it


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1), st.data())
def test_text_is_the_slice_of_the_text(shared: StoredCollection, text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text) + 3))
    vectors = unit_vectors(0, 2)
    passage = EncodedPassage(Passage(0, len(text), ((0, len(text)),), "en"), vectors[0], vectors[1:])
    shared.put([EncodedDocument(Document(id="text", text=text), "en", b"", [passage])])
    assert shared.text(numbers(shared)["text"], start, end) == text[start:end]


def test_offsets_count_characters_also_after_emoji_and_other_scripts(collection: StoredCollection) -> None:
    text = "🙂🇯🇵 e\u0301 レアアース 👩‍👩‍👧 حظر end"
    vectors = unit_vectors(0, 2)
    passage = EncodedPassage(Passage(0, len(text), ((0, len(text)),), "en"), vectors[0], vectors[1:])
    collection.put([EncodedDocument(Document(id="a", text=text), "en", b"", [passage])])
    number = numbers(collection)["a"]
    for word in ("レアアース", "حظر", "end"):
        start = text.index(word)
        assert collection.text(number, start, start + len(word)) == word
    assert collection.text(number, 5, 5) == ""


def test_nothing_is_said_of_what_is_not_there(collection: StoredCollection) -> None:
    collection.put([encoded("a", 1)])
    assert collection.text(99, 0, 10) == ""
    assert collection.documents([99]) == {}
    assert collection.passages([99]) == []
    assert list(collection.passage_vectors([])) == []
    assert collection.digest("b") is None


def test_text_of_a_deleted_document_stays_empty_after_others_have_come(collection: StoredCollection) -> None:
    """A search reads passages, then their texts; another process may delete and add in between."""
    collection.put([encoded("a", 1), encoded("b", 2)])
    gone = numbers(collection)["b"]
    collection.delete(["b"])
    collection.put([encoded("c", 3)])
    assert collection.text(gone, 0, 10) == ""
    assert collection.documents([gone]) == {}


def test_ids_of_deleted_passages_are_not_given_again(collection: StoredCollection) -> None:
    collection.put([encoded("a", 1, ["en", "en"])])
    before = set(collection.passage_ids().tolist())
    collection.delete(["a"])
    collection.put([encoded("a", 1, ["en", "en"])])
    assert before.isdisjoint(collection.passage_ids().tolist())


def test_passages_come_in_the_order_asked_for_without_those_that_are_gone(collection: StoredCollection) -> None:
    collection.put([encoded(f"d{number}", number, ["en", "ja"]) for number in range(400)])
    collection.delete(["d3", "d250"])
    held = collection.passage_ids().tolist()
    asked = list(range(1, 801))
    random.Random(1).shuffle(asked)
    got = [passage.id for passage in collection.passages(asked)]
    assert len(held) == 796
    assert got == [identifier for identifier in asked if identifier in set(held)]


def test_passage_ids_are_ascending_and_can_be_those_of_some_languages(collection: StoredCollection) -> None:
    collection.put([encoded("a", 1, ["ja", "en", "ar"]), encoded("b", 2, ["en"]), encoded("c", 3, ["ja"])])
    langs = {passage.id: passage.lang for passage in collection.passages(collection.passage_ids().tolist())}
    assert collection.passage_ids().tolist() == sorted(langs)
    assert collection.passage_ids(Filter(langs=("en",))).tolist() == sorted(
        i for i, lang in langs.items() if lang == "en"
    )
    assert collection.passage_ids(Filter(langs=("ar", "ja"))).tolist() == sorted(
        i for i, lang in langs.items() if lang != "en"
    )
    assert collection.passage_ids(Filter(langs=("ko",))).tolist() == []


def many_passages(vectors: NDArray[np.float32]) -> EncodedDocument:
    """More of them than are read at once."""
    passage, sentence = Passage(0, 1, ((0, 1),), "en"), np.ones((1, vectors.shape[1]), np.float32)
    passages = [EncodedPassage(passage, vector, sentence) for vector in vectors]
    return EncodedDocument(Document(id="many", text="x"), "en", b"", passages)


def test_vectors_of_all_passages_come_once_and_in_order_also_beyond_a_block(tmp_path: Path) -> None:
    vectors = unit_vectors(4, 10_500, 2)
    with new_collection(tmp_path / "c", (Part(2, 1),)) as collection:
        collection.put([many_passages(vectors)])
        blocks = list(collection.passage_vectors())
        ids = [identifier for block in blocks for identifier in block[0]]
        assert len(blocks) > 1
        assert ids == collection.passage_ids().tolist()
        assert {lang for block in blocks for lang in block[1]} == {"en"}
        np.testing.assert_allclose(np.concatenate([block[2] for block in blocks]), in_bytes(vectors), rtol=0, atol=1e-7)
        some = ids[5:-5:7]
        blocks = list(collection.passage_vectors(some))
        assert [identifier for block in blocks for identifier in block[0]] == some
        np.testing.assert_allclose(
            np.concatenate([block[2] for block in blocks]), in_bytes(vectors)[5:-5:7], rtol=0, atol=1e-7
        )


def test_texts_of_passages_are_slices_of_their_documents_also_beyond_a_block(collection: StoredCollection) -> None:
    items = [encoded(f"d{number}", number, ["en", "ja"]) for number in range(700)]
    collection.put(items)
    collection.delete(["d3"])
    kept = [item for item in items if item.document.id != "d3"]
    expected = [
        item.document.text[passage.passage.start : passage.passage.end] for item in kept for passage in item.passages
    ]
    ids = collection.passage_ids().tolist()
    blocks = list(collection.passage_texts())
    assert len(blocks) > 1
    assert [pair for block in blocks for pair in block] == list(zip(ids, expected, strict=True))

    places = random.Random(4).sample(range(len(ids)), 900)
    asked = [ids[place] for place in places]
    blocks = list(collection.passage_texts([*asked, 99_999]))
    assert len(blocks) > 1
    wanted = sorted(places)
    assert [pair for block in blocks for pair in block] == [(ids[place], expected[place]) for place in wanted]
    assert list(collection.passage_texts([99_999])) == list(collection.passage_texts([])) == []


def _sample_of(collection: StoredCollection, lang: str, limit: int) -> list[tuple[int, int]]:
    """A sample as places: (id of the passage, sentence), each found by its vector, which no other sentence has."""
    where = {
        vector.tobytes(): (passage.id, place)
        for passage in collection.passages(collection.passage_ids().tolist())
        for place, vector in enumerate(passage.sentence_vectors)
    }
    return [where[row.tobytes()] for row in collection.sentence_sample(lang, limit)]


def test_a_sample_of_more_sentences_than_there_are_is_all_of_a_language(collection: StoredCollection) -> None:
    collection.put([encoded(f"d{number}", number, ["en", "ja"]) for number in range(30)])
    passages = collection.passages(collection.passage_ids(Filter(langs=("ja",))).tolist())
    expected = [(passage.id, place) for passage in passages for place in range(len(passage.sentences))]
    for limit in (len(expected), 1000):
        assert _sample_of(collection, "ja", limit) == expected


def test_a_sample_of_sentences_is_spread_evenly_over_the_passages_of_a_language(collection: StoredCollection) -> None:
    collection.put([encoded(f"d{number}", number, ["en", "ja"]) for number in range(300)])
    japanese = collection.passage_ids(Filter(langs=("ja",))).tolist()
    sample = _sample_of(collection, "ja", 60)
    assert len(sample) == len(set(sample)) == pytest.approx(60, rel=0.25)
    places = sorted({japanese.index(identifier) for identifier, _ in sample})
    assert places[0] == 0
    assert places[-1] == 299
    steps = np.diff(places)
    assert steps.max() - steps.min() <= 1
    for passage in collection.passages([japanese[place] for place in places]):
        assert [place for own, place in sample if own == passage.id] == list(range(len(passage.sentences)))


@pytest.mark.parametrize("lang", ["ko", "ja"])
def test_of_a_language_that_is_not_there_or_has_gone_there_is_no_sample(
    collection: StoredCollection, lang: str
) -> None:
    collection.put([encoded("a", 1, ["en"]), encoded("b", 2, ["ja"])])
    collection.delete(["b"])
    assert collection.sentence_sample(lang, 10).shape == (0, DIMENSION)
    assert len(collection.sentence_sample("en", 1)) >= 1


def test_statistics_count_documents_passages_languages_and_bytes_with_those_of_the_indexes(
    collection: StoredCollection,
) -> None:
    collection.put([encoded("a", 1, ["ja", "en"]), encoded("b", 2, ["en"]), encoded("c", 3, ["ja", "ja"])])
    (collection.folder / "vectors.index").write_bytes(b"12345")
    (collection.folder / "lexical.index" / "deep").mkdir(parents=True)
    (collection.folder / "lexical.index" / "deep" / "terms").write_bytes(b"123")
    expected = 8 + sum(file.stat().st_size for file in collection.folder.glob("collection.sqlite*"))
    assert collection.statistics() == Statistics(3, 5, {"ja": 2, "en": 1}, "fake", expected)


# Opening what is not a good collection


def damaged(folder: Path, change: Callable[[Path], object]) -> Path:
    """A collection with some documents whose file something has happened to; returns the file."""
    with new_collection(folder, prior=random_prior(5, PARTS)) as collection:
        collection.put([encoded(f"d{number}", number, ["en", "ja"]) for number in range(50)])
        collection.put([encoded("long", 1, ["en"] * 300)])
    file = folder / DATABASE
    change(file)
    return file


def _other_program(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
        connection.commit()


def _other_program_with_a_table_of_our_name(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE settings (name TEXT, value TEXT)")
        connection.execute("INSERT INTO settings VALUES ('theme', 'dark')")
        connection.commit()


def _pragma(statement: str) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(statement)

    return change


@pytest.mark.parametrize("writable", [False, True])
def test_where_there_is_none_the_error_says_how_to_make_one(tmp_path: Path, writable: bool) -> None:
    with pytest.raises(CollectionError, match=r"no collection in .*search-index"):
        StoredCollection.open(tmp_path / "none", writable=writable)
    assert not StoredCollection.exists(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_second_collection_is_not_created_in_the_same_folder(collection: StoredCollection) -> None:
    collection.put([encoded("a", 1)])
    with pytest.raises(CollectionError, match="holds a collection already"):
        new_collection(collection.folder)
    assert StoredCollection.exists(collection.folder)
    assert contents(collection).keys() == {"a"}


@pytest.mark.parametrize("writable", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda file: file.write_bytes(random.Random(5).randbytes(20_000)), id="garbage"),
        pytest.param(lambda file: file.write_bytes(b"not a database, just a note\n" * 50), id="text"),
        pytest.param(lambda file: os.truncate(file, file.stat().st_size // 2), id="half"),
        pytest.param(lambda file: os.truncate(file, 5_000), id="a page and a bit"),
        pytest.param(lambda file: os.truncate(file, 100), id="a header"),
    ],
)
def test_a_damaged_file_is_called_damaged_and_left_as_it_is(
    tmp_path: Path, change: Callable[[Path], object], writable: bool
) -> None:
    file = damaged(tmp_path / "c", change)
    before = file.read_bytes()
    with pytest.raises(CollectionError, match="is damaged") as caught:
        StoredCollection.open(tmp_path / "c", writable=writable)
    assert str(tmp_path / "c") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert file.read_bytes() == before


@pytest.mark.parametrize("writable", [False, True])
@pytest.mark.parametrize("change", [_other_program, _other_program_with_a_table_of_our_name])
def test_an_sqlite_file_of_another_program_is_called_that_and_left_as_it_is(
    tmp_path: Path, change: Callable[[Path], None], writable: bool
) -> None:
    file = damaged(tmp_path / "c", change)
    before = file.read_bytes()
    with pytest.raises(CollectionError, match="another program"):
        StoredCollection.open(tmp_path / "c", writable=writable)
    assert file.read_bytes() == before


def test_our_tables_without_our_mark_are_of_another_program(tmp_path: Path) -> None:
    damaged(tmp_path / "c", _pragma("PRAGMA application_id = 17"))
    with pytest.raises(CollectionError, match="another program"):
        StoredCollection.open(tmp_path / "c")


@pytest.mark.parametrize("writable", [False, True])
@pytest.mark.parametrize("other", [0, 1, 2, 99])
def test_another_format_is_refused_with_the_one_that_is_read_and_what_to_do(
    tmp_path: Path, other: int, writable: bool
) -> None:
    file = damaged(tmp_path / "c", _pragma(f"PRAGMA user_version = {other}"))
    before = file.read_bytes()
    with pytest.raises(CollectionError, match=rf"format {other}\b.*reads 4\b.*index the files again") as caught:
        StoredCollection.open(tmp_path / "c", writable=writable)
    assert "\n" not in str(caught.value)
    assert file.read_bytes() == before


def test_a_collection_as_the_first_release_made_it_is_refused_for_its_format(tmp_path: Path) -> None:
    """Its tables lack columns, but that is not what it is told by."""
    with closing(sqlite3.connect(damaged(tmp_path / "c", _pragma("PRAGMA user_version = 1")))) as connection:
        connection.execute("ALTER TABLE documents DROP COLUMN vector")
        connection.execute("ALTER TABLE prior DROP COLUMN covariances")
        connection.execute("UPDATE settings SET name = 'dimension', value = '8' WHERE name = 'parts'")
        connection.commit()
    with pytest.raises(CollectionError, match=r"format 1\b.*reads 4\b"):
        StoredCollection.open(tmp_path / "c")


def _read_everything(folder: Path) -> None:
    with StoredCollection.open(folder) as collection:
        collection.version()
        passages = collection.passages(collection.passage_ids().tolist())
        for _ in collection.passage_vectors():
            pass
        for _ in collection.passage_texts():
            pass
        for document in collection.documents([passage.document for passage in passages]).values():
            collection.digest(document.id)
            collection.text(document.number, 0, 1_000_000)
        collection.language_means()
        for lang in collection.sums():
            collection.sentence_sample(lang, 20)
        collection.statistics()


@pytest.mark.parametrize("filler", [b"\0", b"\xff", None], ids=["zeros", "ones", "noise"])
def test_a_damaged_page_anywhere_is_an_error_of_one_line_or_does_no_harm(tmp_path: Path, filler: bytes | None) -> None:
    file = damaged(tmp_path / "c", lambda file: None)
    good = file.read_bytes()
    noise = random.Random(2)
    wrong = []
    for start in range(0, len(good), 4096):
        page = filler * 4096 if filler else noise.randbytes(4096)
        folder = tmp_path / f"page {start // 4096}"
        folder.mkdir()
        (folder / DATABASE).write_bytes(good[:start] + page + good[start + 4096 :])
        try:
            _read_everything(folder)
        except CollectionError as error:
            if "\n" in str(error) or len(str(error)) > 400:
                wrong.append(f"page {start // 4096}: {error}"[:500])
        except Exception as error:  # noqa: BLE001
            wrong.append(f"page {start // 4096}: {error!r}")
    assert wrong == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE passages SET vector = x'00'",
        "UPDATE passages SET vector = 'text'",
        "UPDATE passages SET sentence_vectors = x'0000'",
        "UPDATE passages SET sentences = x'00'",
        "UPDATE passages SET sentences = x'0000000001000000'",
        "UPDATE passages SET sentences = sentences || sentences",
        "UPDATE passages SET sentence_vectors = substr(sentence_vectors, 2)",
        "UPDATE documents SET vector = x'00'",
        "UPDATE documents SET vector = x''",
        "UPDATE sums SET passage_sum = x'00'",
        "UPDATE documents SET metadata = '{'",
        "UPDATE documents SET text = CAST(x'6162FF0A0A' AS TEXT)",
        "DELETE FROM settings WHERE name = 'model'",
        "DELETE FROM settings WHERE name = 'version'",
        "DELETE FROM settings WHERE name = 'parts'",
        "UPDATE settings SET value = '8' WHERE name = 'parts'",
        "UPDATE settings SET value = '' WHERE name = 'parts'",
        "UPDATE settings SET value = '9:1' WHERE name = 'parts'",
        "UPDATE settings SET value = '8:1' WHERE name = 'parts'",
        "UPDATE prior SET covariances = x''",
        "UPDATE prior SET covariances = substr(covariances, 5)",
        "UPDATE prior SET query_shift = x'00'",
        "DROP TABLE prior",
    ],
)
def test_damaged_content_is_called_damaged_in_one_line(tmp_path: Path, statement: str) -> None:
    def change(file: Path) -> None:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(statement)
            connection.commit()

    damaged(tmp_path / "c", change)
    with pytest.raises(CollectionError, match="is damaged") as caught:
        _read_everything(tmp_path / "c")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE passages SET vector = x'00'",
        "UPDATE passages SET sentence_vectors = x'0000'",
        "UPDATE passages SET lang = 'xx'",
        "UPDATE sums SET passage_sum = x'00'",
    ],
)
def test_damaged_content_is_called_damaged_also_when_it_is_to_be_replaced(tmp_path: Path, statement: str) -> None:
    def change(file: Path) -> None:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(statement)
            connection.commit()

    damaged(tmp_path / "c", change)
    with StoredCollection.open(tmp_path / "c", writable=True) as collection:
        writes: list[Callable[[], object]] = [
            lambda: collection.put([encoded("d1", 1)]),
            lambda: collection.delete(["d1"]),
        ]
        for write in writes:
            with pytest.raises(CollectionError, match="is damaged"):
                write()
        assert collection.version() == 2


def test_another_model_is_refused_naming_both(collection: StoredCollection) -> None:
    collection.check_model("fake-1", "fake")
    collection.check_model("fake-1", "a folder with the same model")
    with pytest.raises(ModelMismatch, match=r"model fake \(fake-1\).*not other \(other-1\)") as caught:
        collection.check_model("other-1", "other")
    assert str(collection.folder) in str(caught.value)
    assert isinstance(caught.value, CollectionError)


def test_another_version_of_the_model_is_refused_naming_both_fingerprints(collection: StoredCollection) -> None:
    with pytest.raises(ModelMismatch, match=r"fake \(fake-1\).*this version of it \(fake-2\)"):
        collection.check_model("fake-2", "fake")


def test_a_refused_file_is_closed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From Python 3.13 on, a connection that nobody closed is a warning."""
    damaged(tmp_path / "garbage", lambda file: file.write_bytes(b"garbage" * 1000))
    damaged(tmp_path / "mark", _pragma("PRAGMA application_id = 17"))
    damaged(tmp_path / "format", _pragma("PRAGMA user_version = 1"))
    damaged(tmp_path / "other", _other_program)
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def spy(*arguments: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*arguments, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", spy)
    for name in ("garbage", "mark", "format", "other"):
        with pytest.raises(CollectionError):
            StoredCollection.open(tmp_path / name)
    still_open = []
    for connection in opened:
        try:
            connection.execute("PRAGMA user_version")
            still_open.append(connection)
        except sqlite3.ProgrammingError:
            continue
        except sqlite3.DatabaseError:
            still_open.append(connection)
        connection.close()
    assert len(opened) >= 4
    assert len(still_open) == 0


# Failures leave it as it was


class Failing(list[EncodedDocument]):
    """Documents of which the last never comes."""

    def __init__(self, documents: Sequence[EncodedDocument], error: BaseException) -> None:
        super().__init__(documents)
        self._error = error

    def __iter__(self) -> Iterator[EncodedDocument]:
        yield from list.__iter__(self)
        raise self._error


@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt(), MemoryError()])
def test_a_put_that_fails_in_the_middle_changes_nothing(collection: StoredCollection, error: BaseException) -> None:
    collection.put([encoded("a", 1, ["en", "ja"]), encoded("b", 2)])
    before, sums = contents(collection), collection.sums()
    with pytest.raises(type(error)):
        collection.put(Failing([encoded("a", 9, ["ar"]), encoded("new", 8)], error))
    assert contents(collection) == before
    assert_sums_equal(collection.sums(), sums)
    assert collection.version() == 1
    collection.put([encoded("c", 3)])
    assert contents(collection).keys() == {"a", "b", "c"}
    assert collection.version() == 2


def test_a_vector_that_cannot_be_stored_changes_nothing(collection: StoredCollection) -> None:
    collection.put([encoded("a", 1)])
    before, sums = contents(collection), collection.sums()
    bad = encoded("b", 2, ["en", "ja"])
    broken = EncodedPassage(bad.passages[1].passage, np.array([object()] * DIMENSION), bad.passages[1].sentence_vectors)
    with pytest.raises(TypeError):
        collection.put(
            [encoded("a", 5), EncodedDocument(bad.document, bad.lang, bad.digest, [bad.passages[0], broken])]
        )
    assert contents(collection) == before
    assert_sums_equal(collection.sums(), sums)
    assert collection.version() == 1


def test_a_create_that_fails_can_be_done_again(tmp_path: Path) -> None:
    class Interrupted(dict[str, LanguageSum]):
        def items(self) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        new_collection(tmp_path / "c", prior=Prior(Interrupted(), {}, {}))
    assert not StoredCollection.exists(tmp_path / "c")
    assert list((tmp_path / "c").iterdir()) == []
    with new_collection(tmp_path / "c") as collection:
        collection.put([encoded("a", 1)])
        assert contents(collection).keys() == {"a"}


# Several processes


class Watched(list[EncodedDocument]):
    """Documents that call back after each, when what has been put so far is in an open transaction."""

    def __init__(self, documents: Sequence[EncodedDocument], after_each: Callable[[], None]) -> None:
        super().__init__(documents)
        self._after_each = after_each

    def __iter__(self) -> Iterator[EncodedDocument]:
        for document in list.__iter__(self):
            yield document
            self._after_each()


def test_readers_see_the_old_state_until_a_writer_has_committed(collection: StoredCollection) -> None:
    collection.put([encoded("a", 1, ["en"]), encoded("b", 2)])
    with StoredCollection.open(collection.folder) as reader:
        before, sums = contents(reader), reader.sums()
        looks = []

        def look() -> None:
            looks.append(contents(reader) == before)
            assert_sums_equal(reader.sums(), sums)
            assert reader.version() == 1

        collection.put(Watched([encoded("a", 9, ["ja"]), encoded("c", 3)], look))
        assert looks == [True, True]
        assert contents(reader) == contents(collection) != before
        assert reader.version() == 2
        assert_sums_equal(reader.sums(), collection.sums())


def test_a_writer_does_not_wait_for_a_reader_who_goes_on_reading_the_old_state(tmp_path: Path) -> None:
    vectors = unit_vectors(4, 10_500, 2)
    with new_collection(tmp_path / "c", (Part(2, 1),)) as writer, StoredCollection.open(tmp_path / "c") as reader:
        writer.put([many_passages(vectors)])
        writer._connection.execute("PRAGMA busy_timeout = 50")
        blocks = reader.passage_vectors()
        first = next(blocks)
        writer.delete(["many"])
        writer.put([encoded("new", 1, dimension=2)])
        rest = list(blocks)
        np.testing.assert_allclose(
            np.concatenate([first[2], *(block[2] for block in rest)]), in_bytes(vectors), rtol=0, atol=1e-7
        )
        assert contents(reader).keys() == {"new"}


def test_a_second_writer_waits_for_the_first(collection: StoredCollection) -> None:
    collection.put([encoded("a", 1)])
    with closing(sqlite3.connect(collection.folder / DATABASE, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        committed = threading.Event()

        def commit() -> None:
            committed.set()
            other.execute("COMMIT")

        timer = threading.Timer(0.3, commit)
        timer.start()
        collection.put([encoded("b", 2)])
        assert committed.is_set()
        timer.join()
    assert contents(collection).keys() == {"a", "b"}


def test_a_second_writer_that_has_waited_long_enough_says_why_in_one_line(collection: StoredCollection) -> None:
    collection.put([encoded("a", 1)])
    collection._connection.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(collection.folder / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        changes: list[Callable[[], object]] = [
            lambda: collection.put([encoded("b", 2)]),
            lambda: collection.delete(["a"]),
        ]
        for change in changes:
            with pytest.raises(CollectionError, match="another process is writing") as caught:
                change()
            assert "\n" not in str(caught.value)
        other.execute("ROLLBACK")
    assert contents(collection).keys() == {"a"}
    collection.put([encoded("b", 2)])
    assert contents(collection).keys() == {"a", "b"}


def test_two_writers_take_turns_and_no_change_is_lost(collection: StoredCollection) -> None:
    def write(name: str) -> None:
        with StoredCollection.open(collection.folder, writable=True) as own:
            for number in range(20):
                own.put([encoded(f"{name}{number}", number, ["en", "ja"])])
                own.delete([f"{name}{number - 3}"])

    threads = [threading.Thread(target=write, args=(name,)) for name in ("x", "y")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert contents(collection).keys() == {f"{name}{number}" for name in "xy" for number in (17, 18, 19)}
    assert collection.version() == 80
    assert_sums_equal(collection.sums(), recomputed_sums(collection))


def test_a_collection_opened_for_reading_cannot_be_written(collection: StoredCollection) -> None:
    collection.put([encoded("a", 1)])
    with StoredCollection.open(collection.folder) as reader:
        with pytest.raises(CollectionError, match="read-only"):
            reader.put([encoded("b", 2)])
        assert contents(reader).keys() == {"a"}


# Folders without rights


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
def test_a_collection_in_a_folder_that_cannot_be_written_can_be_read(tmp_path: Path) -> None:
    with new_collection(tmp_path / "c") as made:
        made.put([encoded("a", 1, ["en", "ja"])])
        expected = contents(made)
    with open_to_all() as folder:
        shutil.copytree(tmp_path / "c", folder / "c")
        (folder / "c" / DATABASE).chmod(0o444)
        (folder / "c").chmod(0o555)
        with without_rights():
            with StoredCollection.open(folder / "c") as collection:
                assert contents(collection) == expected
                collection.language_means()
                with pytest.raises(CollectionError, match="rights"):
                    collection.delete(["a"])
            with (
                pytest.raises(CollectionError, match="rights"),
                StoredCollection.open(folder / "c", writable=True) as collection,
            ):
                collection.delete(["a"])


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
@pytest.mark.parametrize("existing", [False, True], ids=["its folder", "in its folder"])
def test_where_no_collection_can_be_created_the_error_speaks_of_rights(existing: bool) -> None:
    with open_to_all() as folder:
        target = folder if existing else folder / "c"
        folder.chmod(0o555)
        with without_rights(), pytest.raises(CollectionError, match="rights") as caught:
            new_collection(target)
        assert "\n" not in str(caught.value)
        assert list(folder.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
@pytest.mark.parametrize("closed", ["folder", "file"])
def test_a_collection_that_cannot_be_read_is_an_error_that_speaks_of_rights(tmp_path: Path, closed: str) -> None:
    with new_collection(tmp_path / "c") as made:
        made.put([encoded("a", 1)])
    with open_to_all() as folder:
        shutil.copytree(tmp_path / "c", folder / "c")
        (folder / "c" if closed == "folder" else folder / "c" / DATABASE).chmod(0)
        with without_rights(), pytest.raises(CollectionError, match="rights") as caught:
            StoredCollection.open(folder / "c")
        assert "\n" not in str(caught.value)
