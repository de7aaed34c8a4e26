"""A BEIR folder -> documents, queries and qrels, checked: what does not fit together is named with file and line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.errors import DatasetError
from eval.trec import lines_of
from indexer.documents import Document, clean
from indexer.languages import language_of

_EXPECTED = "; a BEIR folder holds corpus.jsonl, queries.jsonl and qrels/test.tsv"


@dataclass(frozen=True)
class JudgedQuery:
    """A query and the language that it is written in."""

    id: str
    text: str
    lang: str


@dataclass(frozen=True)
class Dataset:
    """Documents, queries and qrels: query id -> document id -> grade (0: judged, not relevant)."""

    name: str
    documents: Sequence[Document]
    queries: Sequence[JudgedQuery]
    qrels: Mapping[str, Mapping[str, int]]
    document_langs: Mapping[str, str]
    source: str = ""
    """Where it was read from."""
    split: str = "test"
    """Which judgements."""

    def relevant(self, query_id: str) -> dict[str, int]:
        """The documents with a grade above 0."""
        return {document: grade for document, grade in self.qrels[query_id].items() if grade > 0}


def load_beir(folder: Path, split: str = "test", *, unjudged: bool = False) -> Dataset:
    """Read corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv; rows may carry `language`, else it is found out.

    Queries without relevant documents are left out, as is usual; with `unjudged`, for those who are about to judge,
    they stay, and the qrels may be missing. Raises DatasetError.
    """
    documents = list(_documents(folder / "corpus.jsonl"))
    queries = {query.id: query for query in _queries(folder / "queries.jsonl")}
    langs = {document.id: document.lang or language_of(document.text) for document in documents}
    judgements = folder / "qrels" / f"{split}.tsv"
    if unjudged:
        found = _qrels(judgements, queries.keys(), langs.keys()) if judgements.exists() else {}
        qrels = {query: found.get(query, {}) for query in queries}
        judged = list(queries.values())
    else:
        qrels = _qrels(judgements, queries.keys(), langs.keys())
        judged = [query for query in queries.values() if any(grade > 0 for grade in qrels.get(query.id, {}).values())]
    if not judged:
        raise DatasetError(f"{folder}: no query has a relevant document")
    name = "/".join([part for part in folder.parts if part not in ("/", ".", "..")][-2:]) or folder.resolve().name
    return Dataset(name, documents, judged, qrels, langs, str(folder.resolve()), split)


def evenly(dataset: Dataset, count: int | None) -> Dataset:
    """The dataset with at most `count` of its queries, evenly spaced; all of them for None."""
    if count is None or count >= len(dataset.queries):
        return dataset
    total = len(dataset.queries)
    return replace(dataset, queries=[dataset.queries[place * total // count] for place in range(count)])


def _documents(file: Path) -> Iterator[Document]:
    seen: dict[str, int] = {}
    for number, row in _rows(file):
        identifier = _id(file, number, row)
        if identifier in seen:
            raise DatasetError(f"{file}:{number}: document id {identifier!r} was there on line {seen[identifier]}")
        seen[identifier] = number
        text, title = row.get("text") or "", row.get("title") or ""
        if not isinstance(text, str) or not isinstance(title, str) or not (text + title).strip():
            raise DatasetError(f"{file}:{number}: document {identifier!r} has no text")
        yield Document(
            id=identifier,
            text=clean(text if text.strip() else title),
            title=clean(title),
            lang=_language(file, number, row),
        )


def _queries(file: Path) -> Iterator[JudgedQuery]:
    seen: dict[str, int] = {}
    for number, row in _rows(file):
        identifier, text = _id(file, number, row), clean(_field(file, number, row, "text"))
        if identifier in seen:
            raise DatasetError(f"{file}:{number}: query id {identifier!r} was there on line {seen[identifier]}")
        seen[identifier] = number
        yield JudgedQuery(identifier, text, _language(file, number, row) or language_of(text))


def _rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in lines_of(file, _EXPECTED):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DatasetError(f"{file}:{number}: not JSON ({error})") from error
        if not isinstance(row, dict):
            raise DatasetError(f"{file}:{number}: a JSON {type(row).__name__}, expected an object")
        yield number, row


def _field(file: Path, number: int, row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, (str, int)) or value == "":
        raise DatasetError(f"{file}:{number}: no {name}")
    return str(value)


def _id(file: Path, number: int, row: dict[str, Any]) -> str:
    """Without white space, which TREC's files cannot hold."""
    identifier = _field(file, number, row, "_id")
    if identifier.split() != [identifier] or any("\ud800" <= character <= "\udfff" for character in identifier):
        raise DatasetError(f"{file}:{number}: id {identifier!r}, expected text without white space")
    return identifier


def _language(file: Path, number: int, row: dict[str, Any]) -> str | None:
    language = row.get("language") or None
    if not isinstance(language, str | None) or (language and language.split() != [language]):
        raise DatasetError(f"{file}:{number}: language {language!r}, expected a code such as en")
    return language


def _qrels(file: Path, queries: Any, documents: Any) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for number, line in lines_of(file, _EXPECTED):
        parts = line.rstrip("\r").split("\t")
        if number == 1 and parts[-1].strip() == "score":
            continue
        if len(parts) != 3:
            raise DatasetError(
                f"{file}:{number}: {len(parts)} columns, expected query-id, corpus-id and score with tabs"
            )
        query, document, score = parts
        if query not in queries:
            raise DatasetError(f"{file}:{number}: query {query!r} is not in queries.jsonl")
        if document not in documents:
            raise DatasetError(f"{file}:{number}: document {document!r} is not in corpus.jsonl")
        if not (score.strip().isdecimal() and len(score.strip()) < 5):
            raise DatasetError(f"{file}:{number}: grade {score!r}, expected a whole number from 0")
        if document in qrels.setdefault(query, {}):
            raise DatasetError(f"{file}:{number}: {query!r} and {document!r} were judged before")
        qrels[query][document] = int(score)
    return qrels
