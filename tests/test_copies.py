"""Copies and repeated lines of a collection: linked, counted and left out, whatever comes and goes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer import build
from indexer.build import index_documents, open_or_create
from indexer.documents import Document
from indexer.sample import sample_documents
from indexer.store import LocalStore
from indexer.stored_collection import StoredCollection
from indexer.updating import update
from search_api.searcher import Searcher
from tests.fakes import FakeEncoder
from tests.test_stored_collection import assert_sums_equal, contents, recomputed_sums


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeEncoder:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    return FakeEncoder()


@pytest.fixture
def collection(tmp_path: Path, fake: FakeEncoder) -> Iterator[StoredCollection]:
    with open_or_create(tmp_path / "made", fake) as made:
        yield made


@pytest.fixture(scope="module")
def articles() -> dict[str, str]:
    return {document.id: document.text for document in sample_documents()}


def links(collection: StoredCollection) -> dict[str, str]:
    """Copy -> first, by id."""
    documents = collection.documents(range(1, 1000))
    return {
        documents[copy].id: documents[first].id for copy, first in collection.copies.firsts(sorted(documents)).items()
    }


def put(collection: StoredCollection, fake: FakeEncoder, **texts: str) -> None:
    index_documents([Document(name, text) for name, text in texts.items()], collection, fake)


def edited(text: str) -> str:
    return (
        text.replace("،", "").replace("、", "").replace(" the ", " a ") + "\n\nRead more in our newsletter, sent daily."
    )


# Copies


def test_copies_are_linked_to_the_first_of_them(
    collection: StoredCollection, fake: FakeEncoder, articles: dict[str, str]
) -> None:
    names = list(articles)
    one, other = articles[names[0]], articles[names[100]]
    put(collection, fake, a=one, b=other, c=edited(one), d=edited(other), e=one.upper(), short="It rained.")
    assert links(collection) == {"c": "a", "d": "b", "e": "a"}
    assert collection.statistics().copies == 3
    put(collection, fake, later=one)
    assert links(collection)["later"] == "a", "also of what came in an earlier run"


def test_when_the_first_goes_the_next_is_the_first(
    collection: StoredCollection, fake: FakeEncoder, articles: dict[str, str]
) -> None:
    one = next(iter(articles.values()))
    put(collection, fake, a=one, b=edited(one), c=one, d=edited(one))
    collection.delete(["a"])
    assert links(collection) == {"c": "b", "d": "b"}
    put(collection, fake, b="Something else is told here now, about another matter altogether, at some length.")
    assert links(collection) == {"d": "c"}
    collection.delete(["c", "d"])
    assert links(collection) == {}
    put(collection, fake, e=one)
    assert links(collection) == {}, "no trace of what has gone"


def test_a_thousand_copies_are_looked_up_as_one(
    collection: StoredCollection, fake: FakeEncoder, articles: dict[str, str]
) -> None:
    one = next(iter(articles.values()))
    put(collection, fake, **{f"d{number}": one for number in range(60)})
    (rows,) = collection._connection.execute("SELECT count(DISTINCT document) FROM bands").fetchone()
    assert rows == 1
    assert len(links(collection)) == 59


def test_a_copy_is_named_with_the_hit_that_it_is_a_copy_of(
    collection: StoredCollection, fake: FakeEncoder, articles: dict[str, str]
) -> None:
    one = next(text for text in articles.values() if "ban" in text.lower())
    put(collection, fake, a=one, b=edited(one), other="The uranium was sold to another country last winter, they said.")
    searcher = Searcher(LocalStore(collection), fake)
    hits = {hit.document_id: [own.document_id for own in hit.also_in] for hit in searcher.search("ban").hits}
    assert hits in ({"a": ["b"], "other": []}, {"b": ["a"], "other": []})
    assert len(searcher.search("ban", collapse=False).hits) == 3


# Repeated lines

_TOP, _BOTTOM = "Subscribe to our newsletter", "All rights reserved · Example News"


def page(number: int, text: str) -> Document:
    heading = f"On {chr(ord('a') + number)} things"
    return Document(f"p{number}", f"{_TOP}\n\n{heading}\n\n{text}\n\n{_BOTTOM}", heading, source="Example News")


@pytest.fixture(scope="module")
def pages(articles: dict[str, str]) -> list[Document]:
    return [page(number, text) for number, text in enumerate(list(articles.values())[::13])]


def passage_texts(collection: StoredCollection, identifier: str) -> list[str]:
    document = collection.document(identifier)
    assert document is not None
    return [document.text[start:end] for start, end in spans(collection, identifier)]


def spans(collection: StoredCollection, identifier: str) -> list[tuple[int, int]]:
    passages = collection.passages(collection.passage_ids().tolist())
    names = {number: own.id for number, own in collection.documents([own.document for own in passages]).items()}
    return [(own.start, own.end) for own in passages if names[own.document] == identifier]


def test_lines_that_repeat_at_a_source_are_in_no_passage_but_in_the_text(
    collection: StoredCollection, fake: FakeEncoder, pages: list[Document]
) -> None:
    summary = index_documents(pages, collection, fake)
    assert summary.added == len(pages) > 5
    assert summary.unchanged == summary.changed == 0, "what is cut anew is not counted again"
    assert collection.statistics().repeated_lines == 2
    for document in pages:
        stored = collection.document(document.id)
        assert stored == document
        texts = "\n".join(passage_texts(collection, document.id))
        assert _TOP not in texts
        assert _BOTTOM not in texts
        body = document.text.removeprefix(f"{_TOP}\n\n").removesuffix(f"\n\n{_BOTTOM}")
        assert "".join(texts.split()) == "".join(body.split()), "and nothing else is left out"
    assert_sums_equal(collection.sums(), recomputed_sums(collection))


def test_later_documents_are_cut_without_them_and_nothing_is_done_twice(
    collection: StoredCollection, fake: FakeEncoder, pages: list[Document]
) -> None:
    index_documents(pages, collection, fake)
    before, encoded = contents(collection), len(fake.batches)
    again = index_documents(pages, collection, fake)
    assert (again.unchanged, len(fake.batches)) == (len(pages), encoded)
    assert contents(collection) == before
    new = page(25, 3 * "The gas ban was announced on Monday, and nobody asked a question about its price. ")
    index_documents([new], collection, fake)
    assert _TOP not in "".join(text for batch in fake.batches[encoded:] for text in batch)


def test_few_documents_or_another_source_leave_everything(
    collection: StoredCollection, fake: FakeEncoder, pages: list[Document]
) -> None:
    index_documents(pages[:4], collection, fake)
    index_documents([Document(f"n{own.id}", own.text, source="Other") for own in pages[4:8]], collection, fake)
    index_documents([Document(f"x{own.id}", own.text) for own in pages], collection, fake)
    assert collection.statistics().repeated_lines == 0
    assert any(_TOP in text for text in passage_texts(collection, "p0"))


def test_it_can_be_switched_off_and_on(collection: StoredCollection, fake: FakeEncoder, pages: list[Document]) -> None:
    collection.leave_out_boilerplate(False)
    index_documents(pages, collection, fake)
    assert any(_TOP in text for text in passage_texts(collection, "p0"))
    with StoredCollection.open(collection.folder) as opened:
        assert not opened.leaves_out_boilerplate, "the collection remembers it"
    collection.leave_out_boilerplate(True)
    index_documents(pages, collection, fake)
    assert not any(_TOP in text for text in passage_texts(collection, "p0"))
    collection.leave_out_boilerplate(False)
    index_documents(pages, collection, fake)
    assert any(_TOP in text for text in passage_texts(collection, "p0"))


def test_an_interruption_while_documents_are_cut_anew_is_made_good(
    tmp_path: Path, fake: FakeEncoder, pages: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "_BATCH_SENTENCES", 10)
    with open_or_create(tmp_path / "whole", fake) as whole:
        index_documents(pages, whole, fake)
        expected = contents(whole)
    with open_or_create(tmp_path / "cut", fake) as collection:
        put_all, calls = StoredCollection.put, 0

        def put_until(self: StoredCollection, *arguments: object, **named: object) -> list[str]:
            nonlocal calls
            calls += not named
            if calls == 3:
                raise KeyboardInterrupt
            return put_all(self, *arguments, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(StoredCollection, "put", put_until)
        with pytest.raises(KeyboardInterrupt):
            index_documents(pages, collection, fake)
        monkeypatch.setattr(StoredCollection, "put", put_all)
        index_documents([], collection, fake)
        assert contents(collection) == expected


def test_files_of_one_folder_are_of_one_source(
    tmp_path: Path, collection: StoredCollection, fake: FakeEncoder, pages: list[Document]
) -> None:
    (tmp_path / "site").mkdir()
    for document in pages:
        (tmp_path / "site" / f"{document.id}.txt").write_text(document.text, encoding="utf-8")
    update([str(tmp_path / "site")], collection, fake)
    assert collection.statistics().repeated_lines == 2
    again = update([str(tmp_path / "site")], collection, fake)
    assert again.unchanged == len(pages)


def test_counts_go_down_with_the_documents(
    collection: StoredCollection, fake: FakeEncoder, pages: list[Document]
) -> None:
    index_documents(pages, collection, fake)
    collection.delete([document.id for document in pages])
    assert counted(collection) == ({}, {0}), "and those that are left out stay known"
    assert collection.statistics().repeated_lines == 2
    index_documents([page(0, "A single page.")], collection, fake)
    collection.delete(["p0"])
    assert counted(collection) == ({}, {0})


def counted(collection: StoredCollection) -> tuple[dict[str, int], set[int]]:
    """Documents of each source, and the counts that lines have."""
    execute = collection._connection.execute
    return dict(execute("SELECT * FROM origins")), {row[0] for row in execute("SELECT DISTINCT documents FROM lines")}


def test_a_document_that_another_file_holds_now_counts_with_the_other_folder(
    tmp_path: Path, collection: StoredCollection, fake: FakeEncoder
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "stays.txt").write_text(f"The drone of {name}.", encoding="utf-8")
    moving = tmp_path / "one" / "a.jsonl"
    moving.write_text('{"id": "a", "text": "The ban.\\n\\nAll rights reserved"}\n', encoding="utf-8")
    folders = [str(tmp_path / "one"), str(tmp_path / "two")]
    update(folders, collection, fake)
    assert counted(collection)[0] == {folders[0]: 2, folders[1]: 1}
    moving.rename(tmp_path / "two" / "a.jsonl")
    assert update(folders, collection, fake).unchanged == 3
    assert counted(collection) == ({folders[0]: 1, folders[1]: 2}, {1})
    collection.delete(["a"])
    assert counted(collection)[0] == {folders[0]: 1, folders[1]: 1}


def test_what_is_gone_counts_no_more_when_the_lines_that_repeat_are_looked_for(
    tmp_path: Path, collection: StoredCollection, fake: FakeEncoder, pages: list[Document]
) -> None:
    """Of six pages out of sixteen a line is not left out, of the same six out of eight it is: in the run that finds the
    others gone."""
    site = tmp_path / "site"
    site.mkdir()
    for document in pages[:6]:
        (site / f"{document.id}.txt").write_text(document.text, encoding="utf-8")
    others = [site / f"other{number}.txt" for number in range(10)]
    for number, file in enumerate(others):
        file.write_text(f"The drone of {chr(97 + number) * 3} was built on an island.", encoding="utf-8")
    update([str(site)], collection, fake)
    assert collection.statistics().repeated_lines == 0
    for file in others[:8]:
        file.unlink()
    assert update([str(site)], collection, fake).removed == 8
    assert collection.statistics().repeated_lines == 2
