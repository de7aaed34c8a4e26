"""BEIR folders: what is read, and what does not fit together, named with file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.datasets import Dataset, JudgedQuery, load_folder, sampled
from eval.errors import DatasetError

_CORPUS: list[dict[str, Any]] = [
    {"_id": "d1", "title": "T", "text": "The ban was announced.", "language": "en"},
    {"_id": "d2", "title": "", "text": "政府は禁輸を発表した。"},
]
_QUERIES = [
    {"_id": "q1", "text": "ban", "language": "en"},
    {"_id": "q2", "text": "禁輸です"},
    {"_id": "q3", "text": "unjudged"},
]
_QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td2\t1\n"


def write(folder: Path, *, corpus: Any = _CORPUS, queries: Any = _QUERIES, qrels: str = _QRELS) -> Path:
    (folder / "qrels").mkdir()
    for name, rows in (("corpus", corpus), ("queries", queries)):
        text = rows if isinstance(rows, str) else "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text(qrels, encoding="utf-8")
    return folder


def test_documents_judged_queries_and_grades_are_read(tmp_path: Path) -> None:
    dataset = load_folder(write(tmp_path))
    assert [(document.id, document.title) for document in dataset.documents] == [("d1", "T"), ("d2", "")]
    assert [(query.id, query.lang) for query in dataset.queries] == [("q1", "en"), ("q2", "ja")]
    assert dataset.document_langs == {"d1": "en", "d2": "ja"}
    assert dataset.relevant("q1") == {"d1": 2}


def test_another_split_has_judgements_of_its_own(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "qrels" / "exact.tsv").write_text("q3\td1\t1\n", encoding="utf-8")
    dataset = load_folder(folder, "exact")
    assert [query.id for query in dataset.queries] == ["q3"]
    assert dataset.relevant("q3") == {"d1": 1}
    assert [query.id for query in load_folder(folder, "test").queries] == ["q1", "q2"]


def test_a_split_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"qrels/dev\.tsv: no such file or directory") as caught:
        load_folder(write(tmp_path), "dev")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"corpus": '{"_id": "d1", "text": "x"}\n{"_id"'}, r"corpus\.jsonl:2: not JSON"),
        ({"corpus": "[1]"}, r"corpus\.jsonl:1: a JSON list, expected an object"),
        ({"corpus": [_CORPUS[0], _CORPUS[0]]}, r"corpus\.jsonl:2: document id 'd1' was there on line 1"),
        ({"corpus": [{"_id": "d1", "text": " "}]}, r"corpus\.jsonl:1: document 'd1' has no text"),
        ({"queries": [_QUERIES[0], _QUERIES[0]]}, r"queries\.jsonl:2: query id 'q1' was there on line 1"),
        ({"queries": [{"text": "no id"}]}, r"queries\.jsonl:1: no _id"),
        ({"qrels": "q1\td9\t1\n"}, r"test\.tsv:1: document 'd9' is not in corpus\.jsonl"),
        ({"qrels": "q9\td1\t1\n"}, r"test\.tsv:1: query 'q9' is not one of the dataset's"),
        ({"qrels": "q1\td1\t-1\n"}, r"test\.tsv:1: grade '-1', expected a whole number from 0"),
        (
            {"qrels": "q1 d1 1\n"},
            r"test\.tsv:1: 3 columns, expected query-id, corpus-id and score",
        ),
        ({"qrels": "q1\td1\t1\nq1\td1\t1\n"}, r"test\.tsv:2: 'q1' and 'd1' were judged before"),
        ({"qrels": "q1\td1\t0\n"}, "no query has a relevant document"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(DatasetError, match=said) as caught:
        load_folder(write(tmp_path, **change))
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_no_dataset_says_what_one_holds(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"corpus\.jsonl: no such file or directory; a dataset is a folder with"):
        load_folder(tmp_path)


@pytest.mark.parametrize(
    ("corpus", "queries", "qrels", "said"),
    [
        (
            [{**_CORPUS[0], "_id": "d 1"}, _CORPUS[1]],
            _QUERIES,
            _QRELS,
            "corpus.jsonl:1: id 'd 1', expected text without",
        ),
        (_CORPUS, [{**_QUERIES[0], "_id": "q\t1"}], _QRELS, "queries.jsonl:1: id 'q\\t1', expected text"),
        ([{**_CORPUS[0], "language": ["en"]}], _QUERIES, _QRELS, "corpus.jsonl:1: language ['en'], expected a code"),
        (_CORPUS, [{**_QUERIES[0], "language": 7}], _QRELS, "queries.jsonl:1: language 7, expected a code"),
        (_CORPUS, _QUERIES, "q1\td1\t²\n", "test.tsv:1: grade '²', expected a whole number"),
        (_CORPUS, _QUERIES, f"q1\td1\t{'9' * 5000}\n", "test.tsv:1: grade '999"),
    ],
    ids=["document id", "query id", "document language", "query language", "superscript", "endless"],
)
def test_what_no_run_could_hold_is_named_when_it_is_read(
    tmp_path: Path, corpus: Any, queries: Any, qrels: str, said: str
) -> None:
    with pytest.raises(DatasetError) as caught:
        load_folder(write(tmp_path, corpus=corpus, queries=queries, qrels=qrels))
    assert said in str(caught.value)


def test_those_who_judge_see_every_query(tmp_path: Path) -> None:
    folder = write(tmp_path)
    dataset = load_folder(folder, unjudged=True)
    assert [query.id for query in dataset.queries] == ["q1", "q2", "q3"]
    assert dataset.qrels == {"q1": {"d1": 2, "d2": 0}, "q2": {"d2": 1}, "q3": {}}
    (folder / "qrels" / "test.tsv").unlink()
    assert load_folder(folder, unjudged=True).qrels == {"q1": {}, "q2": {}, "q3": {}}


def test_topics_and_judgements_as_trec_has_them(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "queries.jsonl").unlink()
    (folder / "qrels" / "test.tsv").unlink()
    (folder / "topics.txt").write_text("q1\twhy was the ban announced?\nq2\t禁輸です\nq3\tunjudged\n", encoding="utf-8")
    (folder / "qrels.txt").write_text("q1 0 d1 2\nq1 0 d2 0\nq2 0 d2 1\n", encoding="utf-8")
    dataset = load_folder(folder)
    assert [(query.id, query.text, query.lang) for query in dataset.queries] == [
        ("q1", "why was the ban announced?", "en"),
        ("q2", "禁輸です", "ja"),
    ]
    assert dataset.qrels == {"q1": {"d1": 2, "d2": 0}, "q2": {"d2": 1}}
    (folder / "qrels.txt").rename(folder / "qrels" / "dev.txt")
    assert load_folder(folder, "dev").qrels == dataset.qrels
    with pytest.raises(DatasetError, match=r"qrels/test\.tsv: no such file or directory"):
        load_folder(folder)


@pytest.mark.parametrize("extra", ["topics.txt", "topics.tsv", "qrels.txt", "qrels/test.txt"])
def test_two_files_of_one_kind_are_named(tmp_path: Path, extra: str) -> None:
    folder = write(tmp_path)
    (folder / extra).write_text("q1\tban\n", encoding="utf-8")
    kind = "queries.jsonl" if extra.startswith("topics") else "qrels/test.tsv"
    with pytest.raises(DatasetError) as caught:
        load_folder(folder)
    assert str(caught.value).startswith(f"{folder / kind} and {folder / extra} are both there, expected one")


def test_a_topic_whose_id_no_run_could_hold_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "queries.jsonl").unlink()
    (folder / "topics.tsv").write_text("q 1\tban\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"topics\.tsv:1: query id 'q 1', expected text without white space"):
        load_folder(folder)


@pytest.mark.parametrize("count", [1, 4, 30, 90, 119])
def test_a_sample_has_of_each_language_its_share_whatever_the_order(count: int) -> None:
    """Half of the queries are English, and languages take turns, as they do in `t01/en`, `t01/ar`."""
    langs = ["en", "ar", "en", "zh"] * 30
    queries = [JudgedQuery(f"q{place}", "?", lang) for place, lang in enumerate(langs)]
    dataset = Dataset("turns", [], queries, {}, {})
    kept = sampled(dataset, count).queries
    assert len(kept) == count
    assert kept == [query for query in queries if query in kept], "in the dataset's order"
    assert sampled(dataset, count).queries == kept
    for lang, share in (("en", 1 / 2), ("ar", 1 / 4), ("zh", 1 / 4)):
        assert abs(sum(query.lang == lang for query in kept) - share * count) <= 1
    assert sampled(dataset, None) is dataset
    assert sampled(dataset, 120) is dataset
