"""A folder -> documents, queries and qrels, checked: what does not fit together is named with file and line.

corpus.jsonl                              documents, as BEIR has them
queries.jsonl, or topics.txt, topics.tsv  queries as BEIR has them, or TREC's topics
qrels/SPLIT.tsv, or qrels/SPLIT.txt       judgements as BEIR has them, or TREC's; qrels.txt: of any split
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from eval.errors import DatasetError
from eval.qrels import read_qrels
from eval.trec import lines_of, read_topics
from indexer.documents import Document, clean
from indexer.languages import language_of

_EXPECTED = "; a dataset is a folder with corpus.jsonl, queries.jsonl (or topics.txt) and qrels/test.tsv (or qrels.txt)"


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


def load_folder(folder: Path, split: str = "test", *, unjudged: bool = False) -> Dataset:
    """Rows may carry `language`, else it is found out.

    Queries without relevant documents are left out, as is usual; with `unjudged`, for those who are about to judge,
    they stay, and the qrels may be missing. Raises DatasetError.
    """
    documents = list(_documents(folder / "corpus.jsonl"))
    queries = {query.id: query for query in _queries(_one_of(folder, "queries.jsonl", "topics.txt", "topics.tsv"))}
    langs = {document.id: document.lang or language_of(document.text) for document in documents}
    judgements = _one_of(folder, f"qrels/{split}.tsv", f"qrels/{split}.txt", "qrels.txt")
    if unjudged:
        found = read_qrels(judgements, queries, langs) if judgements.exists() else {}
        qrels = {query: found.get(query, {}) for query in queries}
        judged = list(queries.values())
    else:
        qrels = read_qrels(judgements, queries, langs, _EXPECTED)
        judged = [query for query in queries.values() if any(grade > 0 for grade in qrels.get(query.id, {}).values())]
    if not judged:
        raise DatasetError(f"{folder}: no query has a relevant document")
    name = "/".join([part for part in folder.parts if part not in ("/", ".", "..")][-2:]) or folder.resolve().name
    return Dataset(name, documents, judged, qrels, langs, str(folder.resolve()), split)


def _one_of(folder: Path, *names: str) -> Path:
    """The file that there is; the first name where there is none. Raises DatasetError for two."""
    found = [folder / name for name in names if (folder / name).exists()]
    if len(found) > 1:
        raise DatasetError(f"{found[0]} and {found[1]} are both there, expected one; remove or rename the other")
    return found[0] if found else folder / names[0]


def sampled(dataset: Dataset, count: int | None) -> Dataset:
    """The dataset with at most `count` of its queries, each language with its share of them, always the same ones; all
    of them for None."""
    if count is None or count >= len(dataset.queries):
        return dataset
    # By language, and within each in an order that has nothing to do with the dataset's, which may be periodic.
    order = sorted(dataset.queries, key=lambda query: (query.lang, _hash(query.id)))
    kept = {order[place * len(order) // count].id for place in range(count)}
    return replace(dataset, queries=[query for query in dataset.queries if query.id in kept])


def _hash(identifier: str) -> bytes:
    return blake2b(identifier.encode(errors="surrogatepass")).digest()


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
    if file.suffix != ".jsonl":
        for identifier, text in read_topics(file).items():
            yield JudgedQuery(identifier, clean(text), language_of(text))
        return
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
