"""Datasets by name: the packages of others through stand-ins that have their documented surface, no network."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import pytest

from eval.datasets import Dataset, load_folder
from eval.errors import DatasetError
from eval.sources import load
from indexer.documents import Document
from tests.four_topics import four_topics, write


class _TitledDoc(NamedTuple):
    """Like ir_datasets' BeirTitleDoc."""

    doc_id: str
    text: str
    title: str

    def default_text(self) -> str:
        return f"{self.title} {self.text}"


class _PlainDoc(NamedTuple):
    """Like ir_datasets' GenericDoc and GenericQuery."""

    doc_id: str
    text: str

    @property
    def query_id(self) -> str:
        return self.doc_id

    def default_text(self) -> str:
        return self.text


class _Qrel(NamedTuple):
    """Like ir_datasets' TrecQrel."""

    query_id: str
    doc_id: str
    relevance: int
    iteration: str = "0"


_DOCUMENTS: list[Any] = [
    _TitledDoc("d1", "The ban was announced today.", "Ban"),
    _PlainDoc("d2", "政府は禁輸を発表した。"),
    _TitledDoc("d3", "", "Only a title"),
    _TitledDoc("d4", "", ""),
    _PlainDoc("d5", " \n"),
    _PlainDoc("d6", "half a pair \ud800 and a \x00"),
]
_QUERIES = [
    _PlainDoc("q1", "export ban"),
    _PlainDoc("q2", "禁輸です"),
    _PlainDoc("q3", "has no judgements"),
    _PlainDoc("q4", "only the unknown is relevant"),
    _PlainDoc("q5", "nothing is relevant"),
]
_QRELS = [
    _Qrel("q1", "d1", 2),
    _Qrel("q1", "d2", -2),
    _Qrel("q1", "d4", 1),
    _Qrel("q1", "unknown", 1),
    _Qrel("q2", "d2", 1),
    _Qrel("q4", "unknown", 1),
    _Qrel("q4", "d4", 1),
    _Qrel("q5", "d1", 0),
    _Qrel("q9", "d1", 1),
]


def with_module(monkeypatch: pytest.MonkeyPatch, name: str, **functions: Any) -> None:
    module = ModuleType(name)
    vars(module).update(functions)
    monkeypatch.setitem(sys.modules, name, module)


def with_ir_datasets(monkeypatch: pytest.MonkeyPatch, load_: Callable[[str], Any] | None = None) -> list[str]:
    asked: list[str] = []

    def found(name: str) -> Any:
        asked.append(name)
        return SimpleNamespace(
            docs_iter=lambda: iter(_DOCUMENTS), queries_iter=lambda: iter(_QUERIES), qrels_iter=lambda: iter(_QRELS)
        )

    with_module(monkeypatch, "ir_datasets", load=load_ or found)
    return asked


class _Task:
    """Like a task of mteb 2: subset -> split -> data, there after `load_data`."""

    def __init__(self, name: str) -> None:
        if name != "NanoNews":
            raise KeyError(f"KeyError: '{name}' not found")

    def load_data(self, num_proc: int | None = None, **_: Any) -> None:
        corpus = [
            {"id": "d1", "title": "Ban", "text": "The ban was announced today."},
            {"id": "d2", "title": None, "text": "政府は禁輸を発表した。"},
            {"id": 3, "text": "Without a title."},
            {"id": "d4", "title": "", "text": " "},
        ]
        test = {
            "corpus": corpus,
            "queries": [{"id": "q1", "text": "export ban"}, {"id": "q2", "text": "禁輸です"}],
            "relevant_docs": {"q1": {"d1": 2, "3": 1, "d4": 1, "unknown": 1}, "q2": {"d4": 1}},
            "top_ranked": None,
        }
        other = {**test, "relevant_docs": {"q2": {"d2": 1, "d1": 0}}}
        self.dataset = {"default": {"test": test, "dev": other}, "ja": {"test": other}}


class _OldTask(_Task):
    """Like a task that still loads in the form of mteb 1."""

    def load_data(self, num_proc: int | None = None, **_: Any) -> None:
        super().load_data()
        self.queries: dict[str, Any] = {}
        self._later, self.dataset = self.dataset, {}

    def convert_v1_dataset_format_to_v2(self) -> None:
        self.dataset = self._later


class _NewerOldTask(_OldTask):
    """The same, as of mteb 2.26."""

    def convert_v1_dataset_format_to_v2(self, num_proc: int | None) -> None:  # type: ignore[override]
        assert num_proc is None
        super().convert_v1_dataset_format_to_v2()


def one_line(source: str, split: str = "test") -> str:
    with pytest.raises(DatasetError) as caught:
        load(source, split)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("source", "package"), [("ir_datasets:beir/nano", "ir_datasets"), ("mteb:NanoNews", "mteb")])
def test_without_its_package_a_name_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, source: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert one_line(source) == (
        f"{source} needs a package; install it with: pip install 'multilingual-search[datasets]'"
    )


def test_a_dataset_of_ir_datasets_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = with_ir_datasets(monkeypatch)
    dataset = load("ir_datasets:beir/nano")
    assert asked == ["beir/nano"]
    assert dataset.name == dataset.source == "ir_datasets:beir/nano"
    assert list(dataset.documents) == [
        Document("d1", "The ban was announced today.", title="Ban"),
        Document("d2", "政府は禁輸を発表した。"),
        Document("d3", "Only a title", title="Only a title"),
        Document("d6", "half a pair \ufffd and a \ufffd"),
    ]
    assert dataset.document_langs == {"d1": "en", "d2": "ja", "d3": "en", "d6": "en"}
    assert [(query.id, query.text, query.lang) for query in dataset.queries] == [
        ("q1", "export ban", "en"),
        ("q2", "禁輸です", "ja"),
    ]
    assert dataset.qrels == {"q1": {"d1": 2, "d2": 0}, "q2": {"d2": 1}}
    assert dataset.relevant("q1") == {"d1": 2}


def test_a_task_of_mteb_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with_module(monkeypatch, "mteb", get_task=_Task)
    dataset = load("mteb:NanoNews")
    assert dataset.name == dataset.source == "mteb:NanoNews"
    assert dataset.split == "test"
    assert list(dataset.documents) == [
        Document("d1", "The ban was announced today.", title="Ban"),
        Document("d2", "政府は禁輸を発表した。"),
        Document("3", "Without a title."),
    ]
    assert [(query.id, query.text, query.lang) for query in dataset.queries] == [("q1", "export ban", "en")]
    assert dataset.qrels == {"q1": {"d1": 2, "3": 1}}


@pytest.mark.parametrize(("source", "split"), [("mteb:NanoNews", "dev"), ("mteb:NanoNews/ja", "test")])
def test_a_split_or_subset_of_mteb_has_its_own_judgements(
    monkeypatch: pytest.MonkeyPatch, source: str, split: str
) -> None:
    with_module(monkeypatch, "mteb", get_task=_Task)
    dataset = load(source, split)
    assert dataset.qrels == {"q2": {"d2": 1, "d1": 0}}
    assert (dataset.name, dataset.split) == (source, split)


@pytest.mark.parametrize("task", [_OldTask, _NewerOldTask])
def test_a_task_in_the_older_form_is_read(monkeypatch: pytest.MonkeyPatch, task: type[_Task]) -> None:
    with_module(monkeypatch, "mteb", get_task=_Task)
    usual = load("mteb:NanoNews")
    with_module(monkeypatch, "mteb", get_task=task)
    assert load("mteb:NanoNews") == usual


def _fails(error: Exception) -> Callable[[str], Any]:
    def raising(name: str) -> Any:
        raise error

    return raising


def _fails_later(_: str) -> Any:
    def documents() -> Iterator[Any]:
        yield _DOCUMENTS[0]
        raise OSError("connection reset\nby peer")

    return SimpleNamespace(docs_iter=documents, queries_iter=list, qrels_iter=list)


_ADVICE = "it is downloaded on first use: check its name and the network"


@pytest.mark.parametrize(
    ("failing", "reason"),
    [
        (_fails(ConnectionError("no\nroute  to host")), "no route to host"),
        (_fails(KeyError("nano")), "no 'nano'"),
        (_fails(RuntimeError()), "RuntimeError"),
        (_fails(OSError("x" * 1000)), "x" * 200),
        (_fails_later, "connection reset by peer"),
    ],
)
def test_a_download_that_fails_is_one_line(
    monkeypatch: pytest.MonkeyPatch, failing: Callable[[str], Any], reason: str
) -> None:
    with_ir_datasets(monkeypatch, failing)
    assert one_line("ir_datasets:nano") == f"ir_datasets:nano cannot be read ({reason}); {_ADVICE}"
    if failing is not _fails_later:
        with_module(monkeypatch, "mteb", get_task=failing)
        assert one_line("mteb:nano") == f"mteb:nano cannot be read ({reason}); {_ADVICE}"


@pytest.mark.parametrize(
    ("source", "split", "reason"),
    [
        ("mteb:NanoNews", "train", "no 'train'"),
        ("mteb:NanoNews/xx", "test", "no 'xx'"),
        ("mteb:NanoNews/ja", "dev", "no 'dev'"),
    ],
)
def test_a_split_or_subset_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, source: str, split: str, reason: str
) -> None:
    with_module(monkeypatch, "mteb", get_task=_Task)
    assert one_line(source, split) == f"{source} cannot be read ({reason}); {_ADVICE}"


def test_no_relevant_document_at_all_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = SimpleNamespace(
        docs_iter=lambda: iter(_DOCUMENTS), queries_iter=lambda: iter(_QUERIES), qrels_iter=lambda: iter(_QRELS[-2:])
    )
    with_ir_datasets(monkeypatch, lambda _: nothing)
    assert one_line("ir_datasets:nano") == "ir_datasets:nano: no query has a relevant document"


def test_a_folder_is_a_folder(tmp_path: Path) -> None:
    dataset = load(write(tmp_path / "four" / "topics"))
    usual = four_topics("four/topics")
    assert dataset == load_folder(tmp_path / "four" / "topics")
    assert isinstance(dataset, Dataset)
    assert (list(dataset.documents), list(dataset.queries)) == (list(usual.documents), list(usual.queries))
    assert (dataset.name, dataset.qrels) == (usual.name, usual.qrels)
    (tmp_path / "four" / "topics" / "qrels" / "few.tsv").write_text("ask-ban-en\tgas-ja\t3\n", encoding="utf-8")
    assert load(dataset.source, "few").qrels == {"ask-ban-en": {"gas-ja": 3}}
    assert one_line(str(tmp_path)).startswith(f"{tmp_path / 'corpus.jsonl'}: no such file or directory")
