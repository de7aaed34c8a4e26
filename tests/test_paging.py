"""Pages join to one order, fetched as often as anybody likes: none twice, none lost, also where many tell one story."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from indexer.build import index_documents, open_or_create
from indexer.documents import Document
from indexer.errors import QueryError
from indexer.store import LocalStore
from indexer.stored_collection import StoredCollection
from search_api.question import question_of
from search_api.searcher import MODES, MOST_HITS, Mode, Searcher
from tests.fakes import FakeEncoder
from tests.faults import words as some_words

_DOCUMENTS = 150
_QUERIES = ("gas ban", '"the gas ban"', "drone")


def documents() -> list[Document]:
    """One in three tells the story of the first; others have many passages."""
    chance = random.Random(3)
    made = []
    for number in range(_DOCUMENTS):
        if number % 3 == 0:
            text = f"The gas ban of Monday was announced to all by the ministry of trade {'again ' * (number % 4)}."
        else:
            lines = 40 if number % 10 == 1 else 2
            text = " ".join(
                f"The {chance.choice(('gas', 'ban', 'drone', 'gas ban'))} of {' '.join(some_words(chance, 6))}."
                for _ in range(lines)
            )
        made.append(
            Document(
                f"d{number:03}", text, f"Title {number}", "en", source=f"s{number % 4}", date=f"20{number % 20:02}"
            )
        )
    return made


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    folder, fake = tmp_path_factory.mktemp("paging") / "c", FakeEncoder()
    with open_or_create(folder, fake) as made:
        index_documents(documents(), made, fake)
    with closing(LocalStore(StoredCollection.open(folder))) as store:
        yield Searcher(store, fake)


def page(
    searcher: Searcher, query: str, offset: int, limit: int, mode: Mode, *, collapse: bool
) -> list[tuple[int, str]]:
    hits = searcher.search(query, limit, offset=offset, mode=mode, collapse=collapse).hits
    return [(hit.rank, hit.document_id) for hit in hits]


@pytest.mark.parametrize("collapse", [True, False], ids=["stories", "documents"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("limit", [1, 3, 10, 20, 25, 50, 100])
def test_pages_join_to_one_order(searcher: Searcher, limit: int, mode: Mode, collapse: bool) -> None:
    query = _QUERIES[limit % 3]
    starts = range(0, MOST_HITS - limit + 1, limit) if limit > 1 else (0, 1, 2, 3, 19, 20, 21, 40, 70, 99)
    pages = {start: page(searcher, query, start, limit, mode, collapse=collapse) for start in starts}
    for start, own in pages.items():
        assert [rank for rank, _ in own] == list(range(start + 1, start + 1 + len(own)))
    if limit > 1:
        joined = [identifier for own in pages.values() for _, identifier in own]
        assert len(joined) == len(set(joined))
        assert [len(own) for own in pages.values()] == [min(limit, max(0, len(joined) - start)) for start in starts]
        assert len(joined) > 20 or (collapse and mode == "lexical")
        assert mode == "lexical" or collapse or len(joined) == MOST_HITS // limit * limit
    for start in reversed(starts):
        assert page(searcher, query, start, limit, mode, collapse=collapse) == pages[start]


@pytest.mark.parametrize("limit", [1, 7, 20, 60])
@pytest.mark.parametrize("query", _QUERIES)
def test_a_page_begins_anywhere_in_the_same_order(searcher: Searcher, limit: int, query: str) -> None:
    """Pages of one size that overlap agree on what they share."""
    order: dict[int, str] = {}
    for offset in (0, 1, 5, 13, 20, 33, 40):
        for rank, identifier in page(searcher, query, offset, limit, "hybrid", collapse=True):
            assert order.setdefault(rank, identifier) == identifier
    assert len(set(order.values())) == len(order)


def test_a_story_told_very_often_does_not_hide_the_second(tmp_path: Path) -> None:
    """Many more than are looked at at first."""
    fake, chance = FakeEncoder(), random.Random(5)
    text = "The gas ban of Monday was announced to all by the ministry of trade."
    copies = [Document(f"copy{number:02}", f"{text} {'x' * (number + 1)}", "T", "en") for number in range(70)]
    others = [
        Document(f"other{number}", f"A gas ban {' '.join(some_words(chance, 30))}.", "O", "en") for number in range(5)
    ]
    with open_or_create(tmp_path / "c", fake) as made:
        index_documents([*copies, *others], made, fake)
    with closing(LocalStore(StoredCollection.open(tmp_path / "c"))) as store:
        searcher = Searcher(store, fake)
        for limit in (1, 2, 6, 30):
            pages = (searcher.search("gas ban of Monday", limit, offset=start) for start in range(0, 36 - limit, limit))
            hits = list(chain.from_iterable(results.hits for results in pages))[:6]
            assert len(hits) == 6
            assert hits[0].document_id.startswith("copy")
            assert {hit.document_id for hit in hits[1:]} == {own.id for own in others}


def test_a_page_of_a_hundred_is_what_an_evaluation_ranks(searcher: Searcher) -> None:
    for query in _QUERIES:
        vector = FakeEncoder().encode_queries([query])[0]
        ranked = searcher.rank(vector, question_of(query), MOST_HITS)
        expected = searcher.document_ids(ranked)[:MOST_HITS]
        results = searcher.search(query, MOST_HITS, collapse=False)
        assert [hit.document_id for hit in results.hits] == expected
        np.testing.assert_allclose([hit.score for hit in results.hits], [own.score for own in ranked[:MOST_HITS]])
        assert results.total == len(ranked)


def test_scores_fall_over_all_pages_and_a_least_score_cuts_the_same_order(searcher: Searcher) -> None:
    for mode in MODES:
        hits = joined(searcher, mode, None)
        scores = [hit[1] for hit in hits]
        assert scores == sorted(scores, reverse=True)
        least = scores[len(scores) // 2]
        assert joined(searcher, mode, least) == [hit for hit in hits if hit[1] >= least]


def joined(searcher: Searcher, mode: Mode, least: float | None) -> Sequence[tuple[str, float]]:
    pages = [
        searcher.search("gas ban", 10, offset=offset, mode=mode, min_score=least, collapse=False)
        for offset in range(0, 100, 10)
    ]
    return [(hit.document_id, hit.score) for results in pages for hit in results.hits]


@pytest.mark.parametrize(("limit", "offset"), [(0, 0), (101, 0), (-1, 0), (10, -1), (10, 91), (100, 1), (1, 100)])
def test_pages_beyond_a_hundred_are_one_line(searcher: Searcher, limit: int, offset: int) -> None:
    with pytest.raises(QueryError, match=f"{offset if 0 < limit < 101 else limit}"):
        searcher.search("gas", limit, offset=offset)
