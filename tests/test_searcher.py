"""Ranking by hand with the fake encoder, and the product's promise with the real model on the sample collection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.build import index_documents, open_or_create
from indexer.collection import Collection
from indexer.documents import Document
from indexer.encoder import SentenceTransformerEncoder
from indexer.errors import QueryError
from indexer.sample import sample_documents
from indexer.store import LocalStore
from search_api.searcher import LONGEST_QUERY, Searcher, checked_query
from tests.fakes import FakeEncoder

_DOCUMENTS = [
    Document("en-ban", "The ban was announced on Monday. Shops stayed open.", "A ban", date="2026-01-06", url="u"),
    Document("en-gas", "Prices for gas rose. The weather was mild.", "Prices"),
    Document("ar-ban", "أعلنت الحكومة حظر التصدير. بقيت المتاجر مفتوحة.", "قرار"),
    Document("ar-gas", "ارتفعت أسعار غاز التدفئة. كان الطقس معتدلا.", "أسعار"),
    Document("ja-ban", "政府は禁輸を発表した。みせはあいていた。", "発表"),
    Document("zh-ban", "政府宣布禁令。商店照常营业。天气温和，街上很安静。", "公告"),
]


@pytest.fixture
def collection(tmp_path: Path, fake: FakeEncoder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collection]:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    with open_or_create(tmp_path / "collection", fake) as made:
        index_documents(_DOCUMENTS, made, fake)
        yield made


@pytest.fixture
def searcher(collection: Collection, fake: FakeEncoder) -> Searcher:
    return Searcher(LocalStore(collection), fake)


def test_every_language_answers_before_what_is_off_topic(searcher: Searcher) -> None:
    hits = searcher.search("ban").hits
    assert {hit.document_id for hit in hits[:4]} == {"en-ban", "ar-ban", "ja-ban", "zh-ban"}
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


def test_without_language_means_the_query_s_own_language_comes_first(collection: Collection, fake: FakeEncoder) -> None:
    plain = Searcher(LocalStore(collection, centred=False), fake, sentence_weight=0)
    assert {hit.document_id for hit in plain.search("ban").hits[:2]} == {"en-ban", "en-gas"}


def test_the_best_sentence_is_marked_with_exact_offsets(searcher: Searcher) -> None:
    for hit in searcher.search("ban").hits[:4]:
        (mark,) = hit.snippet.highlights
        text = next(document.text for document in _DOCUMENTS if document.id == hit.document_id)
        assert mark.kind == "sentence"
        assert text.startswith(hit.snippet.text[mark.start : mark.end])


def test_a_score_is_one_third_passage_and_two_thirds_best_sentence(
    collection: Collection, fake: FakeEncoder, searcher: Searcher
) -> None:
    means = collection.language_means()
    query = means.centre_query(fake.encode_queries(["ban"])[0], searcher.query_languages("ban"))
    (ids, langs, vectors) = next(collection.passage_vectors())
    expected = {}
    for identifier, lang, vector, stored in zip(ids, langs, vectors, collection.passages(ids), strict=True):
        passage = float(means.passages.centre(vector[None, :], [lang])[0] @ query)
        own = stored.sentence_vectors
        sentence = float((means.sentences.centre(own, [lang] * len(own)) @ query).max())
        expected[identifier] = passage / 3 + 2 * sentence / 3
    hits = searcher.search("ban").hits
    assert len(hits) == len(expected)
    for hit in hits:
        assert hit.score == pytest.approx(expected[hit.passage_id], abs=1e-3)


def test_scores_descend_and_the_total_counts_documents(searcher: Searcher) -> None:
    results = searcher.search("ban", limit=3)
    assert results.total == len(_DOCUMENTS)
    assert len(results.hits) == 3
    scores = [hit.score for hit in results.hits]
    assert scores == sorted(scores, reverse=True)


def test_languages_filter_passages(searcher: Searcher) -> None:
    assert {hit.lang for hit in searcher.search("ban", langs=["ar", "ja"]).hits} == {"ar", "ja"}
    assert searcher.search("ban", langs=["fi"]).hits == []


def test_a_hit_carries_what_is_known_of_its_document(searcher: Searcher) -> None:
    hit = next(hit for hit in searcher.search("ban").hits if hit.document_id == "en-ban")
    assert (hit.title, hit.date, hit.url, hit.lang) == ("A ban", "2026-01-06", "u", "en")
    assert hit.fields()["highlights"] == [{"start": 0, "end": 32, "kind": "sentence"}]


def test_what_is_indexed_meanwhile_is_found(collection: Collection, fake: FakeEncoder, searcher: Searcher) -> None:
    assert searcher.search("drone", limit=1).hits[0].document_id != "new"
    index_documents([Document("new", "A drone was seen.", "Sighting")], collection, fake)
    assert searcher.search("drone", limit=1).hits[0].document_id == "new"


def test_one_hit_a_document(collection: Collection, fake: FakeEncoder, searcher: Searcher) -> None:
    long = " ".join(["The ban goes on and on in this long report."] * 60)
    index_documents([Document("long", long, "Report")], collection, fake)
    hits = searcher.search("ban").hits
    assert [hit.document_id for hit in hits].count("long") == 1


@pytest.mark.parametrize(
    "query", ["", "   ", "\n", "?!", "😀", "…。", "x\x00y", "\ud800", "q" * (LONGEST_QUERY + 1), "q" * 20_000]
)
def test_what_is_no_question_is_one_line(query: str, searcher: Searcher) -> None:
    with pytest.raises(QueryError) as caught:
        searcher.search(query)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_a_limit_out_of_range_is_refused(limit: int, searcher: Searcher) -> None:
    with pytest.raises(QueryError, match="expected 1 to 100"):
        searcher.search("ban", limit)


def test_a_question_is_trimmed() -> None:
    assert checked_query("  稀土 \n") == "稀土"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory, encoder: SentenceTransformerEncoder) -> Searcher:
    collection = open_or_create(tmp_path_factory.mktemp("sample"), encoder)
    index_documents(sample_documents(), collection, encoder)
    return Searcher(LocalStore(collection), encoder)


_REPORTS = {"ar-january-ban": "حظرت الصين في يناير/كانون الثاني 2026", "zh-ban-industry": "2026年1月，中国宣布禁止"}


@pytest.mark.parametrize("query", ["rare earth export ban", "حظر تصدير المعادن النادرة"])
def test_three_languages_are_among_the_first_five(query: str, sample: Searcher) -> None:
    hits = sample.search(query, limit=5).hits
    assert len({hit.lang for hit in hits}) >= 3


def test_a_japanese_question_about_export_controls_finds_the_licences_first(sample: Searcher) -> None:
    assert sample.search("レアアース輸出規制").hits[0].document_id == "ja-export-licences"


def test_an_english_question_about_the_ban_is_answered_in_arabic_and_chinese(sample: Searcher) -> None:
    hits = {hit.document_id: hit for hit in sample.search("rare earth export ban", limit=4).hits}
    assert _REPORTS.keys() <= hits.keys()
    for identifier, beginning in _REPORTS.items():
        snippet = hits[identifier].snippet
        assert snippet.text[snippet.highlights[0].start :].startswith(beginning)
    assert not any(identifier.startswith("en-") for identifier in hits), "the onion ban is not about rare earths"


def test_an_arabic_question_about_the_ban_finds_the_report_first(sample: Searcher) -> None:
    assert sample.search("حظر تصدير المعادن النادرة").hits[0].document_id == "ar-january-ban"


def test_a_chinese_question_finds_the_chinese_articles_first(sample: Searcher) -> None:
    found = [hit.document_id for hit in sample.search("稀土出口禁令", limit=3).hits]
    assert set(found[:2]) == {"zh-licence-system", "zh-ban-industry"}


def test_plain_vectors_put_the_onion_ban_first(sample: Searcher, encoder: SentenceTransformerEncoder) -> None:
    """The trap that the language means are for: same words, same language, wrong story."""
    store = sample._store
    assert isinstance(store, LocalStore)
    plain = Searcher(LocalStore(store._collection, centred=False), encoder, sentence_weight=0)
    assert plain.search("rare earth export ban").hits[0].document_id == "en-onion-ban"


def test_seeds_of_five_articles_give_the_report_of_the_ban(
    benchmarks: Path, tmp_path: Path, encoder: SentenceTransformerEncoder
) -> None:
    from indexer.documents import read_documents

    folder = benchmarks.parent / "seeds"
    with open_or_create(tmp_path / "collection", encoder) as collection:
        summary = index_documents(read_documents([str(folder)]), collection, encoder)
        assert (summary.added, summary.skipped) == (5, [])
        searcher = Searcher(LocalStore(collection), encoder)
        for query in ("rare earth export ban", "حظر تصدير المعادن النادرة"):
            first = searcher.search(query).hits[0]
            assert Path(first.document_id).name.startswith("004_")
            mark = first.snippet.highlights[0]
            assert "حظر على العناصر الأرضية النادرة" in first.snippet.text[mark.start : mark.end]
        assert {"ar", "ja"} <= {hit.lang for hit in searcher.search("rare earth export ban", limit=5).hits}
        chinese = [Path(hit.document_id).name[:3] for hit in searcher.search("稀土出口禁令", limit=2).hits]
        assert "004" in chinese
        assert np.isfinite(searcher.search("レアアース輸出規制").hits[0].score)
