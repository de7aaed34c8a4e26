"""A dataset by name: a folder, or one of ir_datasets or MTEB where their packages and the network are there."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any

from eval.datasets import Dataset, JudgedQuery, load_folder
from eval.errors import DatasetError
from indexer.documents import Document, clean
from indexer.languages import language_of

_IR_DATASETS, _MTEB = "ir_datasets:", "mteb:"


def load(source: str, split: str = "test", *, unjudged: bool = False) -> Dataset:
    """With `unjudged`, the queries of a folder without relevant documents as well. Raises DatasetError."""
    if source.startswith(_IR_DATASETS):
        if split != "test":
            raise DatasetError(f"--split {split}: {source} has its split in its name, if any; leave --split out")
        return _from_ir_datasets(source.removeprefix(_IR_DATASETS))
    if source.startswith(_MTEB):
        return _from_mteb(source.removeprefix(_MTEB), split)
    return load_folder(Path(source), split, unjudged=unjudged)


def _from_ir_datasets(name: str) -> Dataset:
    try:
        import ir_datasets
    except ImportError as error:
        raise DatasetError(
            f"{_IR_DATASETS}{name} needs a package; install it with: pip install 'multilingual-search[datasets]'"
        ) from error
    try:
        found = ir_datasets.load(name)
        documents = [_ir_document(row) for row in found.docs_iter()]
        queries = {str(row.query_id): row.default_text() for row in found.queries_iter()}
        qrels: dict[str, dict[str, int]] = {}
        for row in found.qrels_iter():
            qrels.setdefault(str(row.query_id), {})[str(row.doc_id)] = max(0, int(row.relevance))
    except Exception as error:
        raise DatasetError(_unavailable(f"{_IR_DATASETS}{name}", error)) from error
    return _dataset(f"{_IR_DATASETS}{name}", documents, queries, qrels, "test")


def _ir_document(row: Any) -> tuple[str, str, str]:
    title = getattr(row, "title", None) or ""
    # Most default texts begin with the title, which has a field of its own here.
    return str(row.doc_id), title, row.default_text().removeprefix(title).lstrip()


def _from_mteb(name: str, split: str) -> Dataset:
    try:
        import mteb
    except ImportError as error:
        raise DatasetError(
            f"{_MTEB}{name} needs a package; install it with: pip install 'multilingual-search[datasets]'"
        ) from error
    task_name, _, subset = name.partition("/")
    try:
        task = mteb.get_task(task_name)
        task.load_data()
        if hasattr(task, "queries"):  # as mteb 1 had it; newer versions of the conversion want a number of processes
            convert = task.convert_v1_dataset_format_to_v2
            convert(*[None] * len(signature(convert).parameters))
        data = task.dataset[subset or next(iter(task.dataset))][split]
        documents = [(str(row["id"]), row.get("title") or "", row.get("text") or "") for row in data["corpus"]]
        queries = {str(row["id"]): str(row["text"]) for row in data["queries"]}
        qrels = {
            str(query): {str(document): max(0, int(grade)) for document, grade in own.items()}
            for query, own in data["relevant_docs"].items()
        }
    except Exception as error:
        raise DatasetError(_unavailable(f"{_MTEB}{name}", error)) from error
    return _dataset(f"{_MTEB}{name}", documents, queries, qrels, split)


def _dataset(
    name: str,
    documents: list[tuple[str, str, str]],
    queries: Mapping[str, Any],
    qrels: Mapping[str, Mapping[str, int]],
    split: str,
) -> Dataset:
    kept = [
        Document(id=identifier, text=clean(text if text.strip() else title), title=clean(title))
        for identifier, title, text in documents
        if (text + title).strip()
    ]
    langs = {document.id: language_of(document.text) for document in kept}
    judged = [
        JudgedQuery(query, clean(str(text)), language_of(str(text)))
        for query, text in queries.items()
        if any(grade > 0 and document in langs for document, grade in qrels.get(query, {}).items())
    ]
    if not judged:
        raise DatasetError(f"{name}: no query has a relevant document")
    known = {
        query.id: {document: grade for document, grade in qrels[query.id].items() if document in langs}
        for query in judged
    }
    return Dataset(name, kept, judged, known, langs, name, split)


def _unavailable(name: str, error: Exception) -> str:
    said = f"no {error}" if isinstance(error, KeyError) else str(error)
    reason = " ".join(said.split())[:200] or type(error).__name__
    return f"{name} cannot be read ({reason}); it is downloaded on first use: check its name and the network"
