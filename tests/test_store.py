"""The local store answers as the collection and the indexes beneath it do, and sees what others have changed.

Expected values come from a collection of its own, opened beside the store, from exact numpy, and, for words, from plain
BM25 and from looking at the texts.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import indexer.store
from indexer import build
from indexer.alignment import AlignedQuery, LanguageMaps
from indexer.documents import Document
from indexer.errors import CollectionError
from indexer.filters import Filter
from indexer.language_means import LanguageMeans, MeanTable
from indexer.passages import Passage
from indexer.records import EncodedDocument, EncodedPassage, Statistics
from indexer.store import LocalStore
from indexer.stored_collection import StoredCollection
from indexer.vector_index import MAX_DRIFT
from indexer.words import terms_of, weights_of, words_of
from tests.test_lexical_index import exact as exact_words
from tests.test_lexical_index import holding, idf, texts_of
from tests.test_stored_collection import encoded, new_collection, numbers, open_to_all, unit_vectors, without_rights
from tests.test_vector_index import PARTS, SIZE, assert_finds, exact, filled, same_maps, same_means

DOCUMENTS = 400
VECTORS, WORDS = "vectors.index", "lexical.index"


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[StoredCollection]:
    """Another process's collection, so to say, with enough documents that a few more do not move its means."""
    with filled(tmp_path / "c", DOCUMENTS) as made:
        yield made


@pytest.fixture
def store(writer: StoredCollection) -> Iterator[LocalStore]:
    opened = LocalStore(StoredCollection.open(writer.folder))
    yield opened
    opened.close()


RAW: NDArray[np.float32] = unit_vectors(1, 1, SIZE)[0]
LANGS = {"en": 0.75, "ja": 0.25}


def query(store: LocalStore) -> AlignedQuery:
    return store.alignment.query(RAW, LANGS)


def expected_by(store: LocalStore, writer: StoredCollection, among: set[int] | None = None) -> Mapping[int, float]:
    """Exact scores of what is in the collection, with the store's means and maps."""
    return exact(writer, RAW, LANGS, store.alignment.means, store.alignment.maps, among)


def near(a: MeanTable, b: MeanTable) -> bool:
    return a.drift(b) < 1e-6


def test_candidates_are_the_nearest_passages(store: LocalStore, writer: StoredCollection) -> None:
    assert near(store.alignment.means.passages, writer.language_means().passages)
    assert_finds(store.candidates(query(store), 25), expected_by(store, writer), 25)


@pytest.mark.parametrize("langs", [["en"], ["ar", "ja"], ["ko"], ["ko", "ar"]])
def test_candidates_can_be_of_some_languages_only(
    store: LocalStore, writer: StoredCollection, langs: list[str]
) -> None:
    among = {passage.id for passage in writer.passages(writer.passage_ids().tolist()) if passage.lang in langs}
    expected = expected_by(store, writer, among)
    assert_finds(store.candidates(query(store), 10_000, Filter(langs=tuple(langs))), expected, 10_000)
    assert_finds(store.candidates(query(store), 5, Filter(langs=tuple(langs))), expected, 5)


def test_languages_are_those_of_the_passages(store: LocalStore, writer: StoredCollection) -> None:
    assert store.languages() == {"ar", "en", "ja"}
    writer.put([encoded("new", 1, ["ko"], SIZE)])
    assert store.languages() == {"ar", "en", "ja"}
    store.refresh()
    assert store.languages() == {"ar", "en", "ja", "ko"}
    writer.delete(["new"])
    store.refresh()
    assert store.languages() == {"ar", "en", "ja"}


def test_refresh_sees_what_another_process_has_added_and_removed(store: LocalStore, writer: StoredCollection) -> None:
    before = store.version
    writer.put([encoded("new", 9000, ["en", "ja"], SIZE)])
    writer.delete(["d3"])
    held = set(store.candidates(query(store), 10_000).tolist())
    new = set(writer.passage_ids().tolist()) - held
    gone = held - set(writer.passage_ids().tolist())
    assert len(new) == len(gone) == 2
    assert store.version == before
    assert store.quoting(["new"], 10).tolist() == []

    store.refresh()
    assert store.version == writer.version() == before + 2
    got = store.candidates(query(store), 10_000)
    assert new <= set(got.tolist())
    assert not gone & set(got.tolist())
    assert_finds(got, expected_by(store, writer))
    assert set(store.quoting(["new"], 10).tolist()) == set(store.worded("new", 10).tolist()) == new
    assert not gone & set(store.worded("sentence passage", 10_000).tolist())


def test_a_filter_of_languages_also_sees_what_came_before_a_refresh(
    store: LocalStore, writer: StoredCollection
) -> None:
    before = set(store.candidates(query(store), 10_000, Filter(langs=("en",))).tolist())
    assert before == set(writer.passage_ids(Filter(langs=("en",))).tolist())
    writer.put([encoded("new", 9000, ["en", "ja"], SIZE)])
    store.refresh()
    after = set(store.candidates(query(store), 10_000, Filter(langs=("en",))).tolist())
    assert after == set(writer.passage_ids(Filter(langs=("en",))).tolist()) > before


def test_any_number_of_filters_finds_what_it_should(store: LocalStore, writer: StoredCollection) -> None:
    """Also those beyond the few that are remembered, and the same languages in another order."""
    for number in range(40):
        for langs in ([f"x{number}", "ja"], ["ja", f"x{number}", "ja"]):
            found = store.candidates(query(store), 10_000, Filter(langs=tuple(langs)))
            assert sorted(found.tolist()) == writer.passage_ids(Filter(langs=("ja",))).tolist()


def test_candidates_that_are_gone_are_left_out_of_the_passages_also_before_a_refresh(
    store: LocalStore, writer: StoredCollection
) -> None:
    ids = store.candidates(query(store), 50).tolist()
    (gone,) = store.passages(ids[3:4])
    writer.delete([store.documents([gone.document])[gone.document].id])
    assert [passage.id for passage in store.passages(ids)] == [
        i for i in ids if i in set(writer.passage_ids().tolist())
    ]
    assert ids[3] not in [passage.id for passage in store.passages(ids)]
    assert store.documents([gone.document]) == {}
    assert store.text(gone.document, gone.start, gone.end) == ""


def test_a_refresh_without_a_change_reads_nothing_again(
    store: LocalStore, writer: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[bool] = []
    for index in ("vector_index", "lexical_index"):
        opening = getattr(indexer.store, index).open_index

        def spied(*given: Any, opening: Any = opening, **named: Any) -> Any:
            calls.append(True)
            return opening(*given, **named)

        monkeypatch.setattr(f"indexer.store.{index}.open_index", spied)
    store.refresh()
    assert calls == []
    writer.put([encoded("new", 9000, ["en"], SIZE)])
    store.refresh()
    assert calls == [True, True]


def test_means_of_passages_are_the_indexs_and_the_others_the_collections(
    store: LocalStore, writer: StoredCollection
) -> None:
    """The index lags behind by its drift; queries must be centred with what its vectors were centred with."""
    old, maps = store.alignment.means, store.alignment.maps
    assert same_means(old.passages, writer.language_means().passages)
    writer.put([encoded("new", 9000, ["en", "ja"], SIZE)])
    store.refresh()
    now = writer.language_means()
    assert 0 < old.passages.drift(now.passages) <= MAX_DRIFT
    assert same_means(store.alignment.means.passages, old.passages)
    assert same_means(store.alignment.means.sentences, now.sentences)
    assert same_means(store.alignment.means.queries, now.queries)
    assert not near(store.alignment.means.sentences, old.sentences)
    assert same_maps(store.alignment.maps, maps)


def test_after_much_change_means_and_maps_are_the_collections(store: LocalStore, writer: StoredCollection) -> None:
    assert "ko" not in store.alignment.maps.of
    writer.put([encoded(f"ko{number}", 5000 + number, ["ko"] * 3, SIZE) for number in range(30)])
    store.refresh()
    now = writer.language_means()
    assert same_means(store.alignment.means.passages, now.passages)
    assert same_means(store.alignment.means.sentences, now.sentences)
    assert same_means(store.alignment.means.queries, now.queries)


@pytest.mark.parametrize("means", [False, True])
def test_a_store_for_comparison_leaves_out_what_it_should_and_saves_no_vectors(
    writer: StoredCollection, means: bool
) -> None:
    """Without means there are no maps either; words are the same."""
    with closing(LocalStore(StoredCollection.open(writer.folder), means=means, maps=not means)) as store:
        for _ in range(2):
            own = writer.language_means() if means else LanguageMeans.none(SIZE)
            for name in ("passages", "sentences", "queries"):
                assert same_means(getattr(store.alignment.means, name), getattr(own, name))
            assert same_maps(store.alignment.maps, LanguageMaps.none(PARTS))
            found = store.candidates(query(store), 30)
            assert_finds(found, exact(writer, RAW, LANGS, own if means else None, None), 30)
            assert len(store.quoting(["sentence"], 10_000)) == len(writer.passage_ids())
            writer.put([encoded("new", 9000, ["en", "ja"], SIZE)])
            store.refresh()
    assert not (writer.folder / VECTORS).exists()


# Words


TEXTS = {
    "en": ["the drone ban", "ban on gas", "gas drone deal", "a ban, a drone and a ban", "uranium"],
    "ja": ["禁輸とガス", "drone ban の話", "ガスと drone"],
    "ar": ["حظر الغاز", "حظر drone", "مسيرة"],
}


def texts_in(folder: Path, texts: Mapping[str, list[str]]) -> StoredCollection:
    """A document of one passage for each text, languages one after the other."""
    collection = new_collection(folder)
    documents = []
    for lang, own in texts.items():
        for number, text in enumerate(own):
            vectors = unit_vectors(number, 2)
            passage = EncodedPassage(Passage(0, len(text), ((0, len(text)),), lang), vectors[0], vectors[1:])
            documents.append(EncodedDocument(Document(f"{lang}{number}", text), lang, b"", [passage]))
    collection.put(documents)
    return collection


@pytest.fixture
def texts(tmp_path: Path) -> Iterator[tuple[LocalStore, StoredCollection]]:
    with texts_in(tmp_path / "texts", TEXTS) as made, closing(LocalStore(StoredCollection.open(made.folder))) as store:
        yield store, made


@pytest.mark.parametrize("langs", [[], ["en"], ["ja"], ["ar", "ja"], ["ko"]])
@pytest.mark.parametrize("text", ["drone ban", "ガス", "the gas in حظر", "unheard of", "", "!?"])
def test_worded_passages_are_those_with_the_best_bm25(
    texts: tuple[LocalStore, StoredCollection], text: str, langs: list[str]
) -> None:
    """Frequencies are counted in all languages, whichever are asked for."""
    store, collection = texts
    among = set(collection.passage_ids(Filter(langs=tuple(langs))).tolist())
    expected = {identifier: score for identifier, score in exact_words(collection, text).items() if identifier in among}
    for limit in (1, 2, 100):
        ids = store.worded(text, limit, Filter(langs=tuple(langs))).tolist()
        best = sorted(expected.values(), reverse=True)[:limit]
        assert len(set(ids)) == len(ids) == len(best)
        np.testing.assert_allclose([expected[identifier] for identifier in ids], best, rtol=1e-5)


@pytest.mark.parametrize("langs", [[], ["en"], ["ja"], ["ar", "ja"], ["ko"]])
@pytest.mark.parametrize("phrase", ["drone", "drone ban", "ban drone", "ガス", "حظر", "unheard", "a ban", ""])
def test_quoting_passages_are_those_that_hold_the_words_side_by_side(
    texts: tuple[LocalStore, StoredCollection], phrase: str, langs: list[str]
) -> None:
    store, collection = texts
    words = [word.text for word in words_of(phrase)]
    expected = set(holding(collection, words) if words else []) & set(
        collection.passage_ids(Filter(langs=tuple(langs))).tolist()
    )
    assert set(store.quoting(words, 100, Filter(langs=tuple(langs))).tolist()) == expected
    some = store.quoting(words, 1, Filter(langs=tuple(langs))).tolist()
    assert len(some) == min(1, len(expected))
    assert set(some) <= expected


def test_a_limit_counts_passages_of_the_languages_asked_for_and_no_others(tmp_path: Path) -> None:
    """However many of another language hold the words, and hold them oftener."""
    many = {"en": ["drone ban drone ban"] * 300, "ja": ["drone ban と長い話が続くだけの文"] * 3}
    with texts_in(tmp_path / "c", many) as made, closing(LocalStore(StoredCollection.open(made.folder))) as store:
        japanese = set(made.passage_ids(Filter(langs=("ja",))).tolist())
        for found in (
            store.quoting(["drone", "ban"], 5, Filter(langs=("ja",))),
            store.worded("drone ban", 5, Filter(langs=("ja",))),
        ):
            assert set(found.tolist()) == japanese
        for found in (
            store.quoting(["drone", "ban"], 2, Filter(langs=("ja",))),
            store.worded("drone ban", 2, Filter(langs=("ja",))),
        ):
            assert len(found) == 2
            assert set(found.tolist()) < japanese
        assert not set(store.worded("drone ban", 5).tolist()) & japanese


@pytest.mark.parametrize("text", ["drone", "drone ban", "ガス", "drone unheard", "ban ban ban"])
def test_word_shares_are_bm25_over_the_most_that_there_could_be(
    texts: tuple[LocalStore, StoredCollection], text: str
) -> None:
    """Each term at most 2.2 times its weight, unheard ones as the rarest; what is no passage has nothing."""
    store, collection = texts
    ids = np.array([*collection.passage_ids().tolist()[::-1], 99_999], np.int64)
    held = [set(terms_of(words_of(own))) for own in texts_of(collection).values()]
    most = 2.2 * sum(
        share * idf(sum(term in own for own in held), len(held)) for term, share in weights_of(words_of(text)).items()
    )
    scores = exact_words(collection, text)
    shares = store.word_shares(text, ids)
    assert shares.dtype == np.float32
    assert 0 < shares.max() < 1
    np.testing.assert_allclose(shares, [scores.get(identifier, 0) / most for identifier in ids.tolist()], rtol=1e-5)


@pytest.mark.parametrize("text", ["", "!?", "unheard"])
def test_where_no_passage_has_a_word_all_shares_are_zero(texts: tuple[LocalStore, StoredCollection], text: str) -> None:
    store, collection = texts
    ids = collection.passage_ids()
    assert store.word_shares(text, ids).tolist() == [0.0] * len(ids)
    assert store.word_shares(text, ids[:0]).shape == (0,)


def test_a_word_that_no_passage_has_lowers_the_shares_of_all(texts: tuple[LocalStore, StoredCollection]) -> None:
    store, collection = texts
    ids = collection.passage_ids()
    one, both = store.word_shares("drone", ids), store.word_shares("drone unheard", ids)
    assert (both[one > 0] < one[one > 0]).all()
    assert (both[one > 0] > 0).all()


# Indexes that are not what they should be


def answers(store: LocalStore) -> list[list[object]]:
    """What the store says of vectors and of words."""
    ids = np.arange(1, 200, dtype=np.int64)
    return [
        store.candidates(query(store), 50).tolist(),
        store.candidates(query(store), 50, Filter(langs=("ja",))).tolist(),
        sorted(store.worded("d7 3", 30, Filter(langs=("en",))).tolist()),
        sorted(store.quoting(["sentence", "1"], 10_000).tolist()),
        store.word_shares("d7 sentence", ids).tolist(),
    ]


def _emptied(place: Path) -> None:
    for file in [place, *place.rglob("*")]:
        if file.is_file():
            file.write_bytes(b"")


def _cut(place: Path) -> None:
    for file in [place, *place.rglob("*")]:
        if file.is_file():
            os.truncate(file, file.stat().st_size // 2)


def _turned_over(place: Path) -> None:
    for file in [place, *place.rglob("*")]:
        if file.is_file():
            file.write_bytes(file.read_bytes()[::-1])


def _removed(place: Path) -> None:
    shutil.rmtree(place) if place.is_dir() else place.unlink()


def _of_the_other_kind(place: Path) -> None:
    was_folder = place.is_dir()
    _removed(place)
    if was_folder:
        place.write_bytes(b"no folder")
    else:
        (place / "deep").mkdir(parents=True)


DAMAGE: dict[str, Callable[[Path], None]] = {
    "removed": _removed,
    "emptied": _emptied,
    "cut": _cut,
    "turned over": _turned_over,
    "of the other kind": _of_the_other_kind,
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("names", [(VECTORS,), (WORDS,), (VECTORS, WORDS)], ids=["vectors", "words", "both"])
def test_whatever_happens_to_the_indexes_the_answers_are_the_same(
    writer: StoredCollection, names: tuple[str, ...], damage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    build.update_indexes(writer)
    with closing(LocalStore(StoredCollection.open(writer.folder))) as store:
        expected = answers(store)
    for name in names:
        DAMAGE[damage](writer.folder / name)
    for _ in range(2):  # made again, then opened
        with closing(LocalStore(StoredCollection.open(writer.folder))) as store:
            assert answers(store) == expected
    assert capfd.readouterr() == ("", "")


def _contents_of(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
@pytest.mark.parametrize("state", ["saved", "behind", "missing", "damaged"])
def test_in_a_folder_that_cannot_be_written_the_answers_are_the_same(state: str) -> None:
    """One that is behind is brought up to date in memory."""
    with open_to_all() as folder, filled(folder / "c", 100) as writer:
        build.update_indexes(writer)
        if state == "behind":
            writer.put([encoded("new", 9000, ["en", "ja"], SIZE)])
            writer.delete(["d3"])
        ids = writer.passage_ids().tolist()
        shutil.copytree(folder / "c", folder / "copy")
        with closing(LocalStore(StoredCollection.open(folder / "copy"))) as store:
            expected = answers(store)
        writer.close()
        for name in (VECTORS, WORDS):
            if state == "missing":
                _removed(folder / "c" / name)
            elif state == "damaged":
                _cut(folder / "c" / name)
        for path in [folder / "c", *(folder / "c").rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        before = _contents_of(folder / "c")
        with without_rights(), closing(LocalStore(StoredCollection.open(folder / "c"))) as store:
            assert answers(store) == expected
            assert sorted(store.candidates(query(store), 10_000).tolist()) == ids
            assert sorted(store.worded("sentence", 10_000).tolist()) == ids
        assert _contents_of(folder / "c") == before


# The collection beneath


def test_passages_documents_texts_and_statistics_are_the_collections(
    store: LocalStore, writer: StoredCollection
) -> None:
    ids = [5, 1, 99_999, 7]
    for got, expected in zip(store.passages(ids), writer.passages(ids), strict=True):
        assert (got.id, got.document, got.start, got.end, got.lang) == (
            expected.id,
            expected.document,
            expected.start,
            expected.end,
            expected.lang,
        )
        np.testing.assert_array_equal(got.sentences, expected.sentences)
        for name in ("headings", "vector", "sentence_vectors", "document_vector"):
            np.testing.assert_array_equal(getattr(got, name), getattr(expected, name))
    number = numbers(writer)["d5"]
    assert store.documents([number]) == writer.documents([number])
    assert store.documents([number])[number].id == "d5"
    text = encoded("d5", 5, ["ja", "en", "en"], SIZE).document.text
    assert store.text(number, 3, 30) == text[3:30]
    assert store.statistics() == writer.statistics()


def test_what_is_counted_is_counted_once_for_a_version(
    store: LocalStore, writer: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = []
    statistics = StoredCollection.statistics

    def counting(collection: StoredCollection) -> Statistics:
        counted.append(collection.version())
        return statistics(collection)

    monkeypatch.setattr(StoredCollection, "statistics", counting)
    for deleted in (0, 1):
        with store.current():
            for _ in range(2):
                passages = {lang: own.passages for lang, own in writer.sums().items()}
                documents = dict(statistics(writer).documents_by_language)
                assert store.statistics() == statistics(writer)
                assert store.counts() == {lang: (documents.get(lang, 0), passages[lang]) for lang in passages}
        assert len(counted) == deleted + 1
        writer.delete(["d5"])
    with store.current():
        before = store.statistics().bytes
        (writer.folder / "more").write_bytes(b"12345")
        assert store.statistics().bytes == before + 5, "of files, whatever the version"


def test_several_threads_may_ask_while_another_process_writes(store: LocalStore, writer: StoredCollection) -> None:
    text = encoded("d5", 5, ["ja", "en", "en"], SIZE).document.text
    number = numbers(writer)["d5"]
    wrong: list[object] = []

    def ask() -> None:
        for _ in range(20):
            with store.current():
                ids = store.candidates(query(store), 20, Filter(langs=("en", "ja")))
                shares = store.word_shares("sentence 1", store.worded("sentence 1", 20, Filter(langs=("en",))))
                quoting = store.quoting(["passage", "1"], 20, Filter(langs=("en", "ja")))
                found = [passage.id for passage in store.passages(ids.tolist())]
                if store.text(number, 2, 25) != text[2:25] or len(ids) != 20 or found != ids.tolist():
                    wrong.append(ids)
            if len(shares) != 20 or not (shares > 0).all() or not (np.diff(shares) <= 1e-6).all() or len(quoting) != 20:
                wrong.append((shares, quoting))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for change in range(10):
        writer.put([encoded(f"t{change}", 10_000 + change, ["en"], SIZE)])
        writer.delete([f"d{100 + 3 * change}"])
    for thread in threads:
        thread.join()
    assert wrong == []
    store.refresh()
    assert_finds(store.candidates(query(store), 10_000), expected_by(store, writer))
    assert sorted(store.worded("sentence", 10_000).tolist()) == writer.passage_ids().tolist()


def test_after_close_nothing_can_be_asked(writer: StoredCollection) -> None:
    store = LocalStore(StoredCollection.open(writer.folder))
    store.close()
    with pytest.raises(CollectionError):
        store.passages([1])
