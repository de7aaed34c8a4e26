"""Indexing encodes what is new or changed and nothing else, and stores exactly that, batch by batch.

What was encoded is read from the fake encoder's log; what was stored is compared with the texts themselves and with
what a run without incident makes of the same documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer import cli, lexical_index
from indexer.build import index_documents, open_or_create
from indexer.checked_file import read_arrays
from indexer.documents import Document, Found, Skipped
from indexer.errors import ModelMismatch
from indexer.language_means import Prior
from indexer.parts import Part
from indexer.reading import read_documents
from indexer.sample import passage_budget, prior_of
from indexer.sentences import sentence_spans
from indexer.stored_collection import StoredCollection
from indexer.summary import Summary
from indexer.vector_index import open_index
from tests.fakes import FakeEncoder
from tests.test_stored_collection import assert_sums_equal, contents, numbers, recomputed_sums

ENGLISH = Document("en", "The ban on gas began today. It ends in May.", "Ban on gas", "en", "2026-01-05", "wire")
ARABIC = Document("ar", "بدأ حظر الغاز اليوم. وينتهي في مايو.", "حظر الغاز")
JAPANESE = Document("ja", "ウランの禁輸が今日から始まった。ガスは五月まで続く。", "禁輸", metadata={"page": 3})


def saved_versions(collection: StoredCollection) -> list[int]:
    """The versions that the indexes on disk cover."""
    files = [read_arrays(collection.folder / name) for name in ("vectors.index/manifest", "lexical.index/manifest")]
    return [int(saved["version"]) for saved in files if saved]


@pytest.fixture(scope="module")
def prior(tmp_path_factory: pytest.TempPathFactory) -> Prior:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEARCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        return prior_of(FakeEncoder())


@pytest.fixture(autouse=True)
def known_prior(prior: Prior, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Computed once for all tests; nothing but the documents is in the encoder's log."""
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("indexer.build.prior_of", lambda _: prior)


@pytest.fixture
def collection(tmp_path: Path, fake: FakeEncoder) -> Iterator[StoredCollection]:
    with open_or_create(tmp_path / "c", fake) as opened:
        yield opened


def long_document(name: str, sentences: int) -> Document:
    """Three tokens to a sentence."""
    return Document(name, " ".join(f"Gas {name} s{number}." for number in range(sentences)), "", "en")


def fresh(folder: Path, documents: Iterable[Found]) -> dict[str, tuple[object, ...]]:
    """What an uninterrupted first run makes of documents."""
    encoder = FakeEncoder()
    with open_or_create(folder, encoder) as collection:
        index_documents(documents, collection, encoder)
        return contents(collection)


def encoded_texts(encoder: FakeEncoder) -> list[str]:
    return [text for batch in encoder.batches for text in batch]


# What is stored


def test_documents_come_with_all_that_is_known_of_them(collection: StoredCollection, fake: FakeEncoder) -> None:
    summary = index_documents([ENGLISH, ARABIC, JAPANESE], collection, fake)
    assert (summary.added, summary.changed, summary.unchanged, summary.passages, summary.skipped) == (3, 0, 0, 3, [])
    assert summary.seen == 3
    number = numbers(collection)
    for document in (ENGLISH, ARABIC, JAPANESE):
        stored = collection.documents([number[document.id]])[number[document.id]]
        assert (stored.id, stored.title, stored.date, stored.source, stored.url, stored.metadata) == (
            document.id,
            document.title,
            document.date,
            document.source,
            document.url,
            document.metadata,
        )
        assert collection.text(number[document.id], 0, 10_000) == document.text
    assert collection.statistics().documents_by_language == {"ar": 1, "en": 1, "ja": 1}


def test_passages_and_sentences_are_slices_of_the_text(collection: StoredCollection, fake: FakeEncoder) -> None:
    document = Document(
        "long", "\n\n".join(f"🙂 Paragraph {n} says gas. It says ban too." for n in range(60)), "", "en"
    )
    index_documents([document], collection, fake)
    passages = collection.passages(collection.passage_ids().tolist())
    number = numbers(collection)["long"]
    assert len(passages) > 3
    for passage in passages:
        text = document.text[passage.start : passage.end]
        assert collection.text(number, passage.start, passage.end) == text
        assert fake.count_tokens([text])[0] <= collection.budget
        spans = passage.sentences.tolist()
        assert (spans[0][0], spans[-1][1]) == (passage.start, passage.end)
        assert all(document.text[a:b].strip() == document.text[a:b] != "" for a, b in spans)
    got = [tuple(span) for passage in passages for span in passage.sentences.tolist()]
    assert got == list(sentence_spans(document.text))


def test_each_vector_is_that_of_its_own_text(collection: StoredCollection, fake: FakeEncoder) -> None:
    """Also across documents that were encoded in one batch."""
    documents = [ENGLISH, long_document("d", 100), ARABIC, JAPANESE, long_document("e", 70)]
    index_documents(documents, collection, fake)
    assert len(fake.batches) == 1
    text_of = {document.id: document for document in documents}
    passages = {passage.id: passage for passage in collection.passages(collection.passage_ids().tolist())}
    described = collection.documents([passage.document for passage in passages.values()])
    for ids, langs, vectors in collection.passage_vectors():
        for identifier, lang, vector in zip(ids, langs, vectors, strict=True):
            passage = passages[identifier]
            document = text_of[described[passage.document].id]
            own = document.text[passage.start : passage.end]
            if document.title and document.title not in own:
                own = f"{document.title}\n{own}"
            rounding = 1 / 254  # of vectors whose components are at most 1
            np.testing.assert_allclose(vector, fake.encode_queries([own])[0], atol=rounding)
            sentences = [document.text[a:b] for a, b in passage.sentences.tolist()]
            np.testing.assert_allclose(passage.sentence_vectors, fake.encode_queries(sentences), atol=rounding)
            beside = [other for other in passages.values() if other.document == passage.document]
            mean = sum(other.vector for other in beside) / len(beside)
            np.testing.assert_allclose(passage.document_vector, mean, atol=2 * rounding)
            assert lang == passage.lang == described[passage.document].lang
    assert len(passages) > len(documents)
    assert_sums_equal(collection.sums(), recomputed_sums(collection))


def test_headings_are_stored_as_such(collection: StoredCollection, fake: FakeEncoder) -> None:
    text = "On gas\n\nThe ban began today. It ends in May.\n\nOn drones\n\nThe drone is new."
    index_documents([Document("a", text, "", "en"), JAPANESE], collection, fake)
    headings: list[str] = []
    others: list[str] = []
    number = numbers(collection)["a"]
    for passage in collection.passages(collection.passage_ids().tolist()):
        if passage.document == number:
            for (start, end), heading in zip(passage.sentences.tolist(), passage.headings, strict=True):
                (headings if heading else others).append(text[start:end])
        else:
            assert not passage.headings.any()
    assert headings == ["On gas", "On drones"]
    assert others == ["The ban began today.", "It ends in May.", "The drone is new."]


def test_the_title_is_encoded_in_front_of_a_passage_but_not_of_its_sentences(
    collection: StoredCollection, fake: FakeEncoder
) -> None:
    index_documents([ENGLISH], collection, fake)
    assert fake.batches == [[f"Ban on gas\n{ENGLISH.text}", "The ban on gas began today.", "It ends in May."]]


def test_a_title_that_the_text_begins_with_is_not_encoded_twice(
    collection: StoredCollection, fake: FakeEncoder
) -> None:
    document = replace(ENGLISH, title="The ban on gas began today.")
    index_documents([document], collection, fake)
    assert fake.batches == [[ENGLISH.text, "The ban on gas began today.", "It ends in May."]]


def test_a_declared_language_stands_where_the_text_does_not_say_otherwise(
    collection: StoredCollection, fake: FakeEncoder
) -> None:
    documents = [Document("declared", "東京大学 2026", lang="ja"), Document("found", JAPANESE.text)]
    index_documents(documents, collection, fake)
    assert {document.lang for document in collection.documents(list(numbers(collection).values())).values()} == {"ja"}
    assert {passage.lang for passage in collection.passages(collection.passage_ids().tolist())} == {"ja"}


# Once more


def test_the_same_documents_again_encode_nothing_and_change_nothing(
    collection: StoredCollection, fake: FakeEncoder
) -> None:
    documents = [ENGLISH, ARABIC, JAPANESE, long_document("d", 50)]
    index_documents(documents, collection, fake)
    before, version, batches = contents(collection), collection.version(), len(fake.batches)
    summary = index_documents(documents, collection, fake)
    assert (summary.added, summary.changed, summary.unchanged, summary.passages) == (0, 0, 4, 0)
    assert summary.seen == 4
    assert len(fake.batches) == batches
    assert collection.version() == version
    assert contents(collection) == before


def test_the_same_files_again_from_another_process_encode_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for document in (ENGLISH, ARABIC, JAPANESE):
        (folder / f"{document.id}.txt").write_text(document.text, encoding="utf-8")
    for expected in ((3, 0), (0, 3)):
        encoder = FakeEncoder()
        with open_or_create(tmp_path / "c", encoder) as collection:
            summary = index_documents(read_documents([str(folder)]), collection, encoder)
            assert (summary.added, summary.unchanged) == expected
            assert bool(encoder.batches) == bool(summary.added)
            assert collection.version() == 1


def test_a_changed_file_replaces_its_passages_and_leaves_the_others(tmp_path: Path) -> None:
    folder, encoder = tmp_path / "files", FakeEncoder()
    folder.mkdir()
    changing, staying = folder / "a.txt", folder / "b.txt"
    changing.write_text(long_document("old", 90).text, encoding="utf-8")
    staying.write_text(ENGLISH.text, encoding="utf-8")
    with open_or_create(tmp_path / "c", encoder) as collection:
        index_documents(read_documents([str(folder)]), collection, encoder)
        kept = contents(collection)[str(staying)]
        changing.write_text("The drone is new. The uranium is old.", encoding="utf-8")
        encoder.batches.clear()
        summary = index_documents(read_documents([str(folder)]), collection, encoder)
        assert (summary.added, summary.changed, summary.unchanged, summary.passages) == (0, 1, 1, 1)
        assert not any("Gas old" in text or "ban" in text for text in encoded_texts(encoder))
        after = contents(collection)
        assert after.keys() == {str(changing), str(staying)}
        assert after[str(staying)] == kept
        assert after == fresh(tmp_path / "fresh", read_documents([str(folder)]))
        assert_sums_equal(collection.sums(), recomputed_sums(collection))


@pytest.mark.parametrize(
    "changed",
    [
        replace(JAPANESE, text=JAPANESE.text + "終わり。"),
        replace(JAPANESE, title="禁輸の話"),
        replace(JAPANESE, lang="zh"),
        replace(JAPANESE, date="2026-02-02"),
        replace(JAPANESE, source="wire"),
        replace(JAPANESE, url="https://example.org"),
        replace(JAPANESE, metadata={"page": 4}),
    ],
    ids=["text", "title", "lang", "date", "source", "url", "metadata"],
)
def test_a_change_of_anything_that_is_stored_is_seen(
    tmp_path: Path, collection: StoredCollection, fake: FakeEncoder, changed: Document
) -> None:
    index_documents([JAPANESE, ENGLISH], collection, fake)
    summary = index_documents([changed, ENGLISH], collection, fake)
    assert (summary.changed, summary.unchanged) == (1, 1)
    assert contents(collection) == fresh(tmp_path / "fresh", [changed, ENGLISH])


def test_the_order_of_metadata_is_no_change(collection: StoredCollection, fake: FakeEncoder) -> None:
    index_documents([replace(ENGLISH, metadata={"a": 1, "b": 2})], collection, fake)
    summary = index_documents([replace(ENGLISH, metadata={"b": 2, "a": 1})], collection, fake)
    assert (summary.changed, summary.unchanged) == (0, 1)


def test_documents_that_do_not_come_again_stay(collection: StoredCollection, fake: FakeEncoder) -> None:
    index_documents([ENGLISH, ARABIC], collection, fake)
    summary = index_documents([JAPANESE], collection, fake)
    assert (summary.added, summary.unchanged) == (1, 0)
    assert contents(collection).keys() == {"ar", "en", "ja"}


# What is left out


def test_an_id_that_comes_twice_in_a_run_is_skipped_and_named(
    tmp_path: Path, collection: StoredCollection, fake: FakeEncoder
) -> None:
    second = replace(ARABIC, id="en")
    summary = index_documents([ENGLISH, second, JAPANESE], collection, fake)
    assert (summary.added, summary.changed, summary.seen) == (2, 0, 3)
    assert [skipped.name for skipped in summary.skipped] == ["en"]
    assert "unique" in summary.skipped[0].reason
    assert contents(collection) == fresh(tmp_path / "fresh", [ENGLISH, JAPANESE])
    again = index_documents([ENGLISH, second, JAPANESE], collection, fake)
    assert (again.unchanged, len(again.skipped)) == (2, 1)


def test_what_could_not_be_read_is_counted_and_changes_nothing(collection: StoredCollection, fake: FakeEncoder) -> None:
    skipped = [Skipped("bad.pdf", "not a supported format"), Skipped("empty.txt", "empty")]
    summary = index_documents([skipped[0], ENGLISH, skipped[1]], collection, fake)
    assert summary.skipped == skipped
    assert (summary.added, summary.seen) == (1, 3)
    assert contents(collection).keys() == {"en"}


def test_a_run_of_nothing_changes_nothing(collection: StoredCollection, fake: FakeEncoder) -> None:
    summary = index_documents([Skipped("x", "y")], collection, fake)
    assert (summary.added, summary.seen) == (0, 1)
    assert collection.version() == 0
    assert fake.batches == []


# Batches


def test_batches_are_committed_one_by_one_and_progress_is_told(collection: StoredCollection, fake: FakeEncoder) -> None:
    """A batch ends with the document that brings it to a thousand sentences."""
    documents = [long_document(f"d{number}", 400) for number in range(7)]
    told: list[tuple[int, int, str, int, set[str]]] = []
    with StoredCollection.open(collection.folder) as reader:

        def progress(summary: Summary, last: str) -> None:
            told.append((summary.added, summary.passages, last, reader.version(), set(contents(reader))))

        summary = index_documents(documents, collection, fake, progress)
    assert [(added, last, version) for added, _, last, version, _ in told] == [
        (3, "d2", 1),
        (6, "d5", 2),
        (7, "d6", 3),
    ]
    assert [held for *_, held in told] == [{f"d{n}" for n in range(count)} for count in (3, 6, 7)]
    assert len(fake.batches) == 3
    assert told[-1][1] == summary.passages == len(collection.passage_ids())


def test_an_interruption_keeps_what_was_committed_and_the_next_run_does_the_rest(
    tmp_path: Path, collection: StoredCollection, fake: FakeEncoder
) -> None:
    documents = [long_document(f"d{number}", 400) for number in range(8)]

    def interrupted() -> Iterator[Document]:
        yield from documents[:5]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index_documents(interrupted(), collection, fake)
    assert contents(collection).keys() == {"d0", "d1", "d2"}
    assert_sums_equal(collection.sums(), recomputed_sums(collection))
    assert collection.version() == 1
    assert saved_versions(collection) == [1, 1]  # the indexes, too, have what was committed

    fake.batches.clear()
    summary = index_documents(documents, collection, fake)
    assert (summary.added, summary.changed, summary.unchanged) == (5, 0, 3)
    assert not any(text.startswith(("Gas d0 ", "Gas d1 ", "Gas d2 ")) for text in encoded_texts(fake))
    assert contents(collection) == fresh(tmp_path / "fresh", documents)
    assert_sums_equal(collection.sums(), recomputed_sums(collection))
    for index in (open_index(collection), lexical_index.open_index(collection)):
        assert len(index) == len(collection.passage_ids())


def test_an_encoder_that_fails_keeps_what_was_committed(
    tmp_path: Path, collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [long_document(f"d{number}", 600) for number in range(6)]

    class Failing(FakeEncoder):
        def count_tokens(self, texts: object) -> list[int]:
            if len(self.batches) == 2:
                raise MemoryError
            return super().count_tokens(texts)  # type: ignore[arg-type]

    with pytest.raises(MemoryError):
        index_documents(documents, collection, Failing())
    assert contents(collection).keys() == {"d0", "d1", "d2", "d3"}
    encoder = FakeEncoder()
    assert index_documents(documents, collection, encoder).added == 2
    assert contents(collection) == fresh(tmp_path / "fresh", documents)


def test_the_saved_indexes_cover_the_collection_after_a_run(collection: StoredCollection, fake: FakeEncoder) -> None:
    for documents in ([ENGLISH, ARABIC], [JAPANESE], [ENGLISH]):
        index_documents(documents, collection, fake)
        assert saved_versions(collection) == [collection.version()] * 2
        for index in (open_index(collection), lexical_index.open_index(collection)):
            assert len(index) == len(collection.passage_ids())


# The collection


def test_a_new_collection_is_made_for_the_model(tmp_path: Path, prior: Prior) -> None:
    encoder = FakeEncoder(name="small", fingerprint="small-1", max_tokens=60)
    with open_or_create(tmp_path / "c", encoder) as collection:
        assert (collection.model, collection.fingerprint) == ("small", "small-1")
        assert (collection.parts, collection.dimension) == ((Part(8, 1.0),), 8)
        assert collection.budget == passage_budget(encoder) == 28
        means = collection.language_means()
        for lang, own in prior.sums.items():
            np.testing.assert_allclose(means.passages[lang], own.passage_sum / own.passages, rtol=1e-5)
        kept = collection.prior()
        assert kept.covariances.keys() == prior.covariances.keys() == prior.sums.keys()
        for lang, (square,) in prior.covariances.items():
            np.testing.assert_allclose(kept.covariances[lang][0], square, rtol=2**-11, atol=2**-25)


def test_a_collection_of_a_model_with_two_parts_knows_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose prior has a covariance for each, and whose sentences keep to theirs."""

    class TwoParts(FakeEncoder):
        def __init__(self) -> None:
            super().__init__(fingerprint="two")
            self.parts = (Part(5, 0.7), Part(3, 0.3))

    encoder = TwoParts()
    monkeypatch.setattr("indexer.build.prior_of", prior_of)
    with open_or_create(tmp_path / "c", encoder) as collection:
        index_documents([ENGLISH, ARABIC, JAPANESE], collection, encoder)
    with StoredCollection.open(tmp_path / "c") as collection:
        assert collection.parts == encoder.parts
        assert {tuple(own.shape for own in squares) for squares in collection.prior().covariances.values()} == {
            ((5, 5), (3, 3))
        }
        index = open_index(collection)
        assert index.index.d == 5
        assert [square.shape for square in index.alignment.maps["en"]] == [(5, 5), (3, 3)]
    assert StoredCollection.exists(tmp_path / "c")


def test_an_existing_collection_is_opened_and_its_budget_kept(tmp_path: Path) -> None:
    with open_or_create(tmp_path / "c", FakeEncoder(max_tokens=60)) as collection:
        index_documents([ENGLISH], collection, FakeEncoder(max_tokens=60))
    with open_or_create(tmp_path / "c", FakeEncoder(max_tokens=100)) as collection:
        assert collection.budget == 28
        assert contents(collection).keys() == {"en"}
        assert index_documents([ENGLISH, ARABIC], collection, FakeEncoder()).added == 1


def test_a_collection_of_another_model_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with open_or_create(tmp_path / "c", FakeEncoder()) as collection:
        index_documents([ENGLISH], collection, FakeEncoder())
        before = contents(collection)
    with pytest.raises(ModelMismatch, match=r"fake .*other"):
        open_or_create(tmp_path / "c", FakeEncoder("other", "other-1"))
    with StoredCollection.open(tmp_path / "c") as collection:
        assert contents(collection) == before


def test_a_collection_of_another_model_is_closed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From Python 3.13 on, a connection that nobody closed is a warning."""
    open_or_create(tmp_path / "c", FakeEncoder()).close()
    closed: list[StoredCollection] = []
    close = StoredCollection.close

    def spy(self: StoredCollection) -> None:
        closed.append(self)
        close(self)

    monkeypatch.setattr(StoredCollection, "close", spy)
    with pytest.raises(ModelMismatch):
        open_or_create(tmp_path / "c", FakeEncoder("other", "other-1"))
    assert len(closed) == 1


def test_the_command_that_deletes_brings_both_indexes_up_to_date(
    collection: StoredCollection, fake: FakeEncoder
) -> None:
    index_documents([ENGLISH, ARABIC, JAPANESE], collection, fake)
    assert cli.main(["--collection", str(collection.folder), "--delete", "en"]) == 0
    assert saved_versions(collection) == [2, 2]
    assert contents(collection).keys() == {"ar", "ja"}
