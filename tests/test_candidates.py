"""What is read whole is the best of what the store finds, by exact numpy over the vectors that are stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from indexer.alignment import AlignedQuery
from indexer.documents import Document
from indexer.filters import EVERYTHING, Filter
from indexer.parts import Part
from indexer.passages import Passage
from indexer.records import EncodedDocument, EncodedPassage, StoredPassage
from indexer.store import LocalStore
from indexer.stored_collection import StoredCollection
from search_api.candidates import candidates_for
from search_api.question import question_of
from search_api.scoring import Stages
from tests.test_stored_collection import new_collection, unit_vectors

SIZE = 12
LANGS = ("en", "ja", "ar")
QUERY = unit_vectors(77, 1, SIZE)[0]


def text_of(number: int) -> str:
    """Every 40th holds a rare name, two of them a quotation."""
    if number in (33, 273):
        return f"The old zephyr blew, number {number}."
    return f"Zephyr and others, number {number}." if number % 40 == 0 else f"Some other text, number {number}."


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredCollection]:
    folder = tmp_path_factory.mktemp("candidates") / "c"
    with new_collection(folder, (Part(SIZE - 4, 0.7), Part(4, 0.3))) as made:
        documents = []
        for number in range(600):
            text, lang, vectors = text_of(number), LANGS[number % 3], unit_vectors(number, 3, SIZE)
            passage = Passage(0, len(text), ((0, 8), (9, len(text))), lang)
            documents.append(
                EncodedDocument(
                    Document(f"d{number}", text), lang, b"", [EncodedPassage(passage, vectors[0], vectors[1:])]
                )
            )
        made.put(documents)
        yield made


@pytest.fixture
def store(collection: StoredCollection) -> Iterator[LocalStore]:
    with closing(LocalStore(StoredCollection.open(collection.folder))) as opened:
        yield opened


def aligned(store: LocalStore) -> AlignedQuery:
    return store.alignment.query(QUERY, {"en": 1.0})


def similarities(store: LocalStore, collection: StoredCollection) -> dict[int, float]:
    """Of each passage with the query, centred, parts of length sqrt(weight), the query turned to its language."""
    found = {}
    for ids, langs, vectors in collection.passage_vectors():
        for identifier, lang, vector in zip(ids, langs, vectors.astype(np.float64), strict=True):
            centred = vector - store.alignment.means.passages[lang]
            first, second = centred[: SIZE - 4], centred[SIZE - 4 :]
            own = np.concatenate(
                [first * np.sqrt(0.7) / np.linalg.norm(first), second * np.sqrt(0.3) / np.linalg.norm(second)]
            )
            found[identifier] = float(own @ aligned(store).towards(lang))
    return found


def ids_of(passages: Sequence[StoredPassage]) -> list[int]:
    return [passage.id for passage in passages]


@pytest.mark.parametrize(("limit", "kept"), [(1, 64), (10, 64), (21, 64), (22, 66), (100, 300)])
def test_the_nearest_are_kept_best_first(
    store: LocalStore, collection: StoredCollection, limit: int, kept: int
) -> None:
    exact = similarities(store, collection)
    near = store.candidates(aligned(store), max(100, 5 * limit)).tolist()
    best = sorted(near, key=lambda identifier: -exact[identifier])[:kept]
    found = candidates_for(question_of("zephyr"), aligned(store), store, limit, EVERYTHING, Stages(exact=0))
    got = ids_of(found.passages)
    np.testing.assert_allclose([exact[own] for own in got], [exact[own] for own in best], atol=1e-6)
    assert not found.words.any()
    assert found.quoting.shape == (0, kept)


def test_words_count_as_they_do_in_the_ranking(store: LocalStore, collection: StoredCollection) -> None:
    """What holds the name has the best places of its language, however far it is from the query."""
    exact = similarities(store, collection)
    found = candidates_for(question_of("zephyr"), aligned(store), store, 10, EVERYTHING, Stages())
    ids = ids_of(found.passages)
    named = {number + 1 for number in range(600) if "ephyr" in text_of(number)}
    assert {own for own, share in zip(ids, found.words, strict=True) if share} == named & set(ids)
    assert set(found.words.tolist()) == {0.0, 1.0}  # who holds the word holds the query word for word
    without = candidates_for(question_of("zephyr"), aligned(store), store, 10, EVERYTHING, Stages(exact=0))
    assert len(named & set(ids)) > 2 * len(named & set(ids_of(without.passages)))
    for lang in LANGS:
        own = [passage.id for passage in found.passages if passage.lang == lang]
        shares = [float(identifier in named) for identifier in own]
        promising = [exact[identifier] + 0.5 * share for identifier, share in zip(own, shares, strict=True)]
        np.testing.assert_allclose(promising, sorted(promising, reverse=True), atol=1e-6)


def test_a_name_that_stands_out_is_kept_although_hundreds_are_nearer(
    store: LocalStore, collection: StoredCollection
) -> None:
    exact = similarities(store, collection)
    named = sorted(exact, key=lambda identifier: -exact[identifier])[300]
    without = candidates_for(question_of("number"), aligned(store), store, 1, EVERYTHING, Stages())
    assert named not in ids_of(without.passages)
    found = candidates_for(question_of(f"number {named - 1}"), aligned(store), store, 1, EVERYTHING, Stages())
    assert found.words[ids_of(found.passages).index(named)] == max(found.words)


def test_who_holds_the_query_word_for_word_has_all_of_its_words(store: LocalStore) -> None:
    """The others by BM25, of which no passage could have all."""
    found = candidates_for(question_of("old zephyr blew"), aligned(store), store, 10, EVERYTHING, Stages())
    ids = ids_of(found.passages)
    shares = store.word_shares("old zephyr blew", np.array(ids))
    literal = [identifier in (34, 274) for identifier in ids]
    assert sum(literal) == 2
    np.testing.assert_allclose(found.words, np.where(literal, 1, shares), atol=1e-6)
    assert 0 < shares.max() < 0.9


def test_what_is_quoted_comes_before_all_else(store: LocalStore) -> None:
    found = candidates_for(question_of('"old zephyr" "number 33"'), aligned(store), store, 10, EVERYTHING, Stages())
    assert ids_of(found.passages)[:2] == [34, 274]  # both quotations, one of them
    assert found.quoting[:, :2].tolist() == [[True, True], [True, False]]
    assert not found.quoting[:, 2:].any()
    assert len(found.passages) == len(found.words) == found.quoting.shape[1] == 64


def test_only_the_languages_that_are_asked_for_come(store: LocalStore) -> None:
    found = candidates_for(question_of('"zephyr"'), aligned(store), store, 10, Filter(langs=("ja", "ar")), Stages())
    assert {passage.lang for passage in found.passages} == {"ja", "ar"}
    assert sum(found.quoting[0]) == sum("ephyr" in text_of(number) for number in range(600) if number % 3)


def test_what_another_process_has_deleted_is_left_out(tmp_path: Path, collection: StoredCollection) -> None:
    with new_collection(tmp_path / "c", (Part(SIZE - 4, 0.7), Part(4, 0.3))) as writer:
        vectors = unit_vectors(5, 80, SIZE)
        for number in range(40):
            passage = EncodedPassage(Passage(0, 3, ((0, 3),), "en"), vectors[number], vectors[40 + number, None])
            writer.put([EncodedDocument(Document(f"d{number}", "gas"), "en", b"", [passage])])
        with closing(LocalStore(StoredCollection.open(tmp_path / "c"))) as store:
            writer.delete([f"d{number}" for number in range(0, 40, 2)])
            found = candidates_for(question_of("gas"), aligned(store), store, 10, EVERYTHING, Stages())
            assert sorted(ids_of(found.passages)) == list(range(2, 41, 2))
            writer.delete([f"d{number}" for number in range(40)])
            found = candidates_for(question_of('"gas"'), aligned(store), store, 10, EVERYTHING, Stages())
            assert (len(found.passages), found.words.shape, found.quoting.shape) == (0, (0,), (1, 0))
