"""The local store answers as the collection and the index beneath it do, and sees what others have changed.

Expected values come from a collection of its own, opened beside the store, and from exact numpy.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.collection import Collection
from indexer.errors import CollectionError
from indexer.language_means import MeanTable
from indexer.store import LocalStore
from indexer.vector_index import MAX_DRIFT
from tests.test_collection import encoded, numbers, unit_vectors
from tests.test_vector_index import SIZE, assert_finds, exact, filled, same_means

DOCUMENTS = 400


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Collection]:
    """Another process's collection, so to say, with enough documents that a few more do not move its means."""
    with filled(tmp_path / "c", DOCUMENTS) as made:
        yield made


@pytest.fixture
def store(writer: Collection) -> Iterator[LocalStore]:
    opened = LocalStore(Collection.open(writer.folder))
    yield opened
    opened.close()


def query() -> NDArray[np.float32]:
    (vector,) = unit_vectors(1, 1, SIZE)
    own: NDArray[np.float32] = vector
    return own


def near(a: MeanTable, b: MeanTable) -> bool:
    return a.drift(b) < 1e-6


def test_candidates_are_the_nearest_passages(store: LocalStore, writer: Collection) -> None:
    expected = exact(writer, query(), writer.language_means().passages)
    assert_finds(store.candidates(query(), 25, []), expected, 25)


@pytest.mark.parametrize("langs", [["en"], ["ar", "ja"], ["ko"], ["ko", "ar"]])
def test_candidates_can_be_of_some_languages_only(store: LocalStore, writer: Collection, langs: list[str]) -> None:
    among = {passage.id for passage in writer.passages(writer.passage_ids().tolist()) if passage.lang in langs}
    expected = exact(writer, query(), writer.language_means().passages, among)
    assert_finds(store.candidates(query(), 10_000, langs), expected, 10_000)
    assert_finds(store.candidates(query(), 5, langs), expected, 5)


def test_languages_are_those_of_the_passages(store: LocalStore, writer: Collection) -> None:
    assert store.languages() == {"ar", "en", "ja"}
    writer.put([encoded("new", 1, ["ko"], SIZE)])
    assert store.languages() == {"ar", "en", "ja"}
    store.refresh()
    assert store.languages() == {"ar", "en", "ja", "ko"}
    writer.delete(["new"])
    store.refresh()
    assert store.languages() == {"ar", "en", "ja"}


def test_refresh_sees_what_another_process_has_added_and_removed(store: LocalStore, writer: Collection) -> None:
    before = store.version
    writer.put([encoded("new", 9000, ["en", "ja"], SIZE)])
    writer.delete(["d3"])
    held = set(store.candidates(query(), 10_000, [])[0].tolist())
    new = set(writer.passage_ids().tolist()) - held
    gone = held - set(writer.passage_ids().tolist())
    assert len(new) == len(gone) == 2
    assert store.version == before

    store.refresh()
    assert store.version == writer.version() == before + 2
    got = store.candidates(query(), 10_000, [])
    assert new <= set(got[0].tolist())
    assert not gone & set(got[0].tolist())
    assert_finds(got, exact(writer, query(), store.means.passages))


def test_candidates_that_are_gone_are_left_out_of_the_passages_also_before_a_refresh(
    store: LocalStore, writer: Collection
) -> None:
    ids = store.candidates(query(), 50, [])[0].tolist()
    (gone,) = store.passages(ids[3:4])
    writer.delete([store.documents([gone.document])[gone.document].id])
    assert [passage.id for passage in store.passages(ids)] == [
        i for i in ids if i in set(writer.passage_ids().tolist())
    ]
    assert ids[3] not in [passage.id for passage in store.passages(ids)]
    assert store.documents([gone.document]) == {}
    assert store.text(gone.document, gone.start, gone.end) == ""


def test_a_refresh_without_a_change_reads_nothing_again(
    store: LocalStore, writer: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[bool] = []
    monkeypatch.setattr("indexer.store.open_index", lambda *_, **__: calls.append(True))
    store.refresh()
    assert calls == []


def test_means_of_passages_are_the_indexs_and_the_others_the_collections(store: LocalStore, writer: Collection) -> None:
    """The index lags behind by its drift; queries must be centred with what its vectors were centred with."""
    old = store.means
    assert same_means(old.passages, writer.language_means().passages)
    writer.put([encoded("new", 9000, ["en", "ja"], SIZE)])
    store.refresh()
    now = writer.language_means()
    assert 0 < old.passages.drift(now.passages) <= MAX_DRIFT
    assert same_means(store.means.passages, old.passages)
    assert same_means(store.means.sentences, now.sentences)
    assert same_means(store.means.queries, now.queries)
    assert not near(store.means.sentences, old.sentences)


def test_after_much_change_all_means_are_the_collections(store: LocalStore, writer: Collection) -> None:
    writer.put([encoded(f"ko{number}", 5000 + number, ["ko"] * 3, SIZE) for number in range(30)])
    store.refresh()
    now = writer.language_means()
    assert same_means(store.means.passages, now.passages)
    assert same_means(store.means.sentences, now.sentences)
    assert same_means(store.means.queries, now.queries)


def test_without_centring_vectors_and_means_are_plain(writer: Collection) -> None:
    store = LocalStore(Collection.open(writer.folder), centred=False)
    for means in (store.means.passages, store.means.sentences, store.means.queries):
        np.testing.assert_array_equal(means["en"], np.zeros(SIZE))
    assert_finds(store.candidates(query(), 30, []), exact(writer, query(), None), 30)
    writer.put([encoded("new", 9000, ["en", "ja"], SIZE)])
    store.refresh()
    assert_finds(store.candidates(query(), 30, []), exact(writer, query(), None), 30)
    np.testing.assert_array_equal(store.means.passages["en"], np.zeros(SIZE))
    store.close()


def test_passages_documents_texts_and_statistics_are_the_collections(store: LocalStore, writer: Collection) -> None:
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
        np.testing.assert_array_equal(got.sentence_vectors, expected.sentence_vectors)
    number = numbers(writer)["d5"]
    assert store.documents([number]) == writer.documents([number])
    assert store.documents([number])[number].id == "d5"
    text = encoded("d5", 5, ["ja", "en", "en"], SIZE).document.text
    assert store.text(number, 3, 30) == text[3:30]
    assert store.statistics() == writer.statistics()


def test_several_threads_may_ask_while_another_process_writes(store: LocalStore, writer: Collection) -> None:
    text = encoded("d5", 5, ["ja", "en", "en"], SIZE).document.text
    number = numbers(writer)["d5"]
    wrong: list[object] = []

    def ask() -> None:
        for _ in range(20):
            store.refresh()
            ids, cosines = store.candidates(query(), 20, ["en", "ja"])
            found = store.passages(ids.tolist())
            in_order = [passage.id for passage in found] == [
                identifier for identifier in ids.tolist() if identifier in {passage.id for passage in found}
            ]
            if store.text(number, 2, 25) != text[2:25] or len(cosines) != 20 or not in_order:
                wrong.append((ids, cosines))

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
    assert_finds(store.candidates(query(), 10_000, []), exact(writer, query(), store.means.passages))


def test_after_close_nothing_can_be_asked(writer: Collection) -> None:
    store = LocalStore(Collection.open(writer.folder))
    store.close()
    with pytest.raises(CollectionError):
        store.passages([1])
