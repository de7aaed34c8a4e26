"""Modes of search, least scores and facets, against plain BM25, the stages of ranking, and counting by hand."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.build import index_documents, open_or_create
from indexer.documents import Document
from indexer.errors import QueryError
from indexer.filters import Filter
from indexer.store import LocalStore
from indexer.stored_collection import StoredCollection
from indexer.words import words_of
from search_api.query_text import LONGEST_QUERY
from search_api.scoring import Stages
from search_api.searcher import MODES, Searcher
from tests.fakes import FakeEncoder
from tests.faults import words as some_words
from tests.test_lexical_index import exact as exact_words
from tests.test_lexical_index import filled, holding

_ENGLISH = ("gas", "ban", "drone", "uranium", "export", "minister")
_ARABIC = ("حظر", "غاز", "مسيرة", "يورانيوم", "وزير")
_JAPANESE = ("禁輸", "ガス", "ドローン", "ウラン", "大臣")
_QUERIES = ("gas ban", "export minister uranium", "غاز حظر", "ガスの禁輸", "ban ガス", "nothing of the kind", "the")


def documents() -> list[Document]:
    chance = random.Random(11)
    made = []
    for number in range(60):
        lang, words = (("en", _ENGLISH), ("ar", _ARABIC), ("ja", _JAPANESE))[number % 3]
        end = "。" if lang == "ja" else ". "
        sentences = []
        for _ in range(chance.choice((1, 2, 3))):
            chosen = chance.choices(words, k=chance.randint(1, 4))
            sentences.append(
                "、".join(chosen) if lang == "ja" else " ".join([*chosen, *some_words(chance, 2)]).capitalize()
            )
        if number in (6, 30):
            sentences[0] = "An export of drone was seen"
        date = ("", "2024", "2025-03", "2026-01-06")[number % 4]
        text = "".join(f"{sentence}{end}" for sentence in sentences).strip()
        made.append(Document(f"{lang}{number:02}", text, lang=lang, source=("", "a", "b")[number % 5 % 3], date=date))
    return made


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStore]:
    folder, fake = tmp_path_factory.mktemp("modes") / "c", FakeEncoder()
    with open_or_create(folder, fake) as made:
        index_documents(documents(), made, fake)
    with closing(LocalStore(StoredCollection.open(folder))) as opened:
        yield opened


@pytest.fixture
def searcher(store: LocalStore) -> Searcher:
    return Searcher(store, FakeEncoder())


@pytest.mark.parametrize("query", _QUERIES)
@pytest.mark.parametrize("among", [Filter(), Filter(langs=("ja", "en")), Filter(sources=("a",))])
def test_by_meaning_alone_is_without_the_stage_of_words(store: LocalStore, query: str, among: Filter) -> None:
    plain = Searcher(store, FakeEncoder(), Stages(exact=0.0))
    for collapse in (True, False):
        found = Searcher(store, FakeEncoder()).search(
            query, 30, among, mode="semantic", collapse=collapse, explain=True
        )
        assert found == plain.search(query, 30, among, collapse=collapse, explain=True)
        assert all(hit.explanation and hit.explanation["words"] == 0 for hit in found.hits)


def test_by_meaning_and_words_is_neither_alone(searcher: Searcher) -> None:
    query = '"An export of drone"'
    orders = {
        mode: [hit.document_id for hit in searcher.search(query, 30, mode=mode, collapse=False).hits] for mode in MODES
    }
    assert set(orders["hybrid"][:2]) == set(orders["lexical"][:2]) == {"en06", "en30"}
    assert orders["lexical"] != orders["semantic"]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStore]:
    """Documents of two passages of a few words."""
    with filled(tmp_path_factory.mktemp("short") / "c", 80) as made, closing(LocalStore(made)) as opened:
        yield opened


@pytest.mark.parametrize(
    "query", ["gas", "ban gas", "gas ban", "禁輸 ウラン", "حظر 35", "190", "unheard of", "drone 190 غاز"]
)
@pytest.mark.parametrize("among", [Filter(), Filter(langs=("en",)), Filter(langs=("ar",))])
def test_by_words_alone_is_bm25(short: LocalStore, query: str, among: Filter) -> None:
    """Every document by its best passage; the query word for word counts as much as there is."""
    expected = shares(short, query) if among.langs != ("ar",) else {}
    results = Searcher(short, FakeEncoder()).search(query, 100, among, mode="lexical", collapse=False)
    assert {hit.document_id for hit in results.hits} == set(expected)
    assert results.total == len(expected)
    own = [expected[hit.document_id] for hit in results.hits]
    np.testing.assert_allclose(own, sorted(own, reverse=True), rtol=1e-5)
    np.testing.assert_allclose([hit.score for hit in results.hits], own, rtol=1e-4)
    assert results.hits or query == "unheard of" or among.langs == ("ar",)


def shares(store: LocalStore, query: str) -> dict[str, float]:
    """Document -> the best share of its passages."""
    collection = store._collection
    most = store._words.best_possible(query)
    scores = exact_words(collection, query)
    whole = holding(collection, [word.text for word in words_of(query)])
    found: dict[str, float] = {}
    for passage in collection.passages([*scores, *(own for own in whole if own not in scores)]):
        share = 1.0 if passage.id in whole else scores[passage.id] / most
        name = collection.documents([passage.document])[passage.document].id
        found[name] = max(found.get(name, 0), share)
    return found


def test_by_words_alone_nothing_is_encoded(store: LocalStore) -> None:
    class Broken(FakeEncoder):
        def _encode(self, texts: object) -> NDArray[np.float32]:
            raise AssertionError("it is encoded")

    assert Searcher(store, Broken()).search("gas", mode="lexical").hits


def test_by_words_alone_quotations_come_first(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of several, all of them; in whatever passages of a document."""
    long = " ".join(f"{word.capitalize()} stood there." for word in some_words(random.Random(2), 80))
    made = [
        Document("both", "The red gas came. The blue drone went.", lang="en"),
        Document("apart", f"The red gas came. {long} The blue drone went.", lang="en"),
        Document("one", "The red gas. The red gas. Drone, then blue.", lang="en"),
        Document("words", "Red blue gas, then drone. Blue, and gas.", lang="en"),
        Document("none", "The weather was mild.", lang="en"),
    ]
    folder, fake = tmp_path_factory.mktemp("quoting") / "c", FakeEncoder(max_tokens=60)
    with open_or_create(folder, fake, budget=60) as collection:
        index_documents(made, collection, fake)
        assert len(collection.passage_ids()) > len(made)
    with closing(LocalStore(StoredCollection.open(folder))) as store:
        results = Searcher(store, fake).search('"red gas" "blue drone"', mode="lexical", collapse=False, explain=True)
        found = [hit.document_id for hit in results.hits]
        assert (set(found[:2]), set(found[2:4])) == ({"both", "apart"}, {"one", "words"})
        assert [hit.explanation["quoted"] for hit in results.hits[:4] if hit.explanation] == [1, 1, 0, 0]
        scores = [hit.score for hit in results.hits]
        assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("query", [query for query in _QUERIES if query != "the"])
def test_by_words_alone_the_sentence_with_most_of_them_answers(
    store: LocalStore, searcher: Searcher, query: str
) -> None:
    wanted = {word.text for word in words_of(query)}
    hits = searcher.search(query, 100, mode="lexical", collapse=False).hits
    several = 0
    for hit in hits:
        (passage,) = store.passages([hit.passage_id])
        spans = [(int(start), int(end)) for start, end in passage.sentences]
        counts = [len(wanted & {own.text for own in words_of(store.text(passage.document, *span))}) for span in spans]
        assert hit.sentence == spans[counts.index(max(counts))]
        mark = hit.snippet.highlights[0]
        shown = hit.snippet.text[mark.start : mark.end]
        assert (mark.kind, shown) == ("sentence", " ".join(store.text(passage.document, *hit.sentence).split()))
        several += len(set(counts)) > 1
    assert not hits or several or query == "nothing of the kind"


@pytest.mark.parametrize("mode", MODES)
def test_a_least_score_leaves_out_what_scores_less(searcher: Searcher, mode: str) -> None:
    everything = searcher.search("gas ban", 100, mode=mode, collapse=False, facets=True)  # type: ignore[arg-type]
    for least in (-10.0, everything.hits[4].score, everything.hits[-1].score + 1e-9, 0.08, 1.01, 10.0):
        some = searcher.search("gas ban", 100, mode=mode, collapse=False, min_score=least, facets=True)  # type: ignore[arg-type]
        kept = [hit for hit in everything.hits if hit.score >= least]
        assert some.hits == kept
        assert some.total == len(kept)
        assert some.facets is not None
        assert sum(count for _, count in some.facets["lang"]) == len(kept)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "among", [Filter(), Filter(langs=("en",)), Filter(date_from="2025"), Filter(sources=("none",))]
)
def test_facets_are_counted_over_all_that_was_found(searcher: Searcher, mode: str, among: Filter) -> None:
    known = {document.id: document for document in documents()}
    results = searcher.search("gas ban", 100, among, mode=mode, collapse=False, facets=True)  # type: ignore[arg-type]
    found = [known[hit.document_id] for hit in results.hits]
    assert results.facets is not None
    assert list(results.facets) == ["lang", "source", "year"]
    for name, values in (
        ("lang", [hit.lang for hit in results.hits]),
        ("source", [own.source for own in found if own.source]),
        ("year", [own.date[:4] for own in found if own.date]),
    ):
        assert dict(results.facets[name]) == Counter(values), name
        assert len(results.facets[name]) == len(set(values))
    counts = [count for _, count in results.facets["source"]]
    assert counts == sorted(counts, reverse=True)
    years = [year for year, _ in results.facets["year"]]
    assert years == sorted(years, reverse=True)
    few = searcher.search("gas ban", 2, among, mode=mode, facets=True)  # type: ignore[arg-type]
    assert few.facets is not None
    assert sum(count for _, count in few.facets["lang"]) == few.total
    assert searcher.search("gas ban", 2, among).facets is None


def test_what_is_no_mode_is_one_line(searcher: Searcher) -> None:
    with pytest.raises(QueryError, match=r"mode 'fast', expected one of hybrid, semantic, lexical"):
        searcher.search("gas", mode="fast")  # type: ignore[arg-type]
    for mode in MODES:
        with pytest.raises(QueryError, match="shorten"):
            searcher.search("x" * (LONGEST_QUERY + 1), mode=mode)
