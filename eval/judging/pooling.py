"""The first documents of several runs -> what people are to judge: a sheet to grade in, and its grades read back.

Nothing in a pool says which run found a document, or how high, so that nobody grades by that.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from eval.datasets import Dataset
from eval.errors import DatasetError
from eval.judging.judgements import GRADES, Pair, check_ids
from eval.measures import Qrels
from eval.trec import Scored
from eval.whole_file import write_whole

_COLUMNS = ("query", "query text", "document", "title", "text", "grade")
_SHOWN = 300
"""Characters of a document's text in a sheet."""


class PoolRow(TypedDict):
    """A query and a document to judge for it; grade: None where there is none."""

    query: str
    query_text: str
    document: str
    title: str
    text: str
    grade: int | None


class GradedPool(NamedTuple):
    """The grades of a pool's file, and how many of its documents have none."""

    grades: dict[Pair, int]
    blank: int


def pool(runs: Sequence[Scored], depth: int) -> dict[str, list[str]]:
    """Query id -> the documents among the first `depth` of any run, in an order by a hash of both ids. Raises
    DatasetError."""
    if depth < 1:
        raise DatasetError(f"depth {depth}, expected at least 1")
    found: dict[str, set[str]] = {}
    for run in runs:
        for query, ranking in run.items():
            found.setdefault(query, set()).update(document for document, _ in ranking[:depth])
    return {query: sorted(found[query], key=lambda document: _order(query, document)) for query in sorted(found)}


def _order(query: str, document: str) -> bytes:
    return hashlib.blake2b(f"{query}\0{document}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def pool_rows(dataset: Dataset, pools: Mapping[str, Sequence[str]], qrels: Qrels) -> list[PoolRow]:
    """A row for each document of the pools, by query in the dataset's order, with the grade where the qrels have one.
    Raises DatasetError where the pools are of another dataset."""
    check_pools(dataset, pools)
    documents = {document.id: document for document in dataset.documents}
    rows: list[PoolRow] = []
    for query in dataset.queries:
        for identifier in pools.get(query.id, ()):
            document = documents[identifier]
            rows.append(
                PoolRow(
                    query=query.id,
                    query_text=query.text,
                    document=identifier,
                    title=document.title,
                    text=document.text,
                    grade=qrels.get(query.id, {}).get(identifier),
                )
            )
    return rows


def check_pools(dataset: Dataset, pools: Mapping[str, Sequence[str]]) -> None:
    """Raises DatasetError for what the dataset does not have, ids that do not fit in a line, and empty pools."""
    queries, documents = {query.id for query in dataset.queries}, {document.id for document in dataset.documents}
    for query, own in pools.items():
        if query not in queries:
            raise DatasetError(f"query {query!r} is not one of {dataset.name}; give runs of that dataset")
        for document in own:
            if document not in documents:
                raise DatasetError(f"document {document!r} is not one of {dataset.name}; give runs of that dataset")
            check_ids(query, document)
    if not any(pools.values()):
        raise DatasetError("nothing to judge: the runs found no documents")


def write_pool(rows: Sequence[PoolRow], file: Path) -> None:
    """Write a file to grade in, whole: JSON Lines (.jsonl) with the documents in full, or a sheet (.tsv) with their
    beginnings. Raises DatasetError.

    A sheet begins with a byte order mark, without which some spreadsheets take UTF-8 for something else, and no text in
    it is a formula. A file that is there already is left as it is: somebody may have filled it in.
    """
    if file.exists():
        raise DatasetError(f"{file} is there already and may hold grades; give another name, or remove it")
    if file.suffix == ".jsonl":
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    elif file.suffix == ".tsv":
        text = _sheet(rows)
    else:
        raise _unknown_suffix(file)
    write_whole(file, text)


def _sheet(rows: Sequence[PoolRow]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in rows:
        query_text, title = _one_line(row["query_text"]), _one_line(row["title"])
        cells = [row["query"], query_text, row["document"], title, _one_line(row["text"][:_SHOWN])]
        writer.writerow([*map(_as_text, cells), "" if row["grade"] is None else row["grade"]])
    return "\ufeff" + stream.getvalue()


def _one_line(text: str) -> str:
    return " ".join(text.split())


_FORMULA = re.compile("'*[=+@＝＋＠－-]")  # spreadsheets in Chinese and Japanese take the wide signs too
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)*(?:[eE][+-]?[0-9]+)?")


def _as_text(cell: str) -> str:
    """With an apostrophe in front of what a spreadsheet would calculate."""
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def _from_cell(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def read_pool(file: Path) -> GradedPool:
    """The grades of a file that `write_pool` wrote and somebody filled in. Raises DatasetError, with file and line."""
    if file.suffix == ".jsonl":
        rows = _json_rows(file)
    elif file.suffix == ".tsv":
        rows = _sheet_rows(file)
    else:
        raise _unknown_suffix(file)
    grades: dict[Pair, int] = {}
    seen: dict[Pair, int] = {}
    for number, query, document, grade in rows:
        pair = (query, document)
        if pair in seen:
            raise DatasetError(f"{file}:{number}: {query!r} and {document!r} were there on line {seen[pair]}")
        seen[pair] = number
        if grade.strip():
            if grade.strip() not in map(str, GRADES):
                raise DatasetError(f"{file}:{number}: grade {grade!r}, expected {GRADES[0]} to {GRADES[-1]} or nothing")
            grades[pair] = int(grade)
    return GradedPool(grades, len(seen) - len(grades))


def _json_rows(file: Path) -> Iterator[tuple[int, str, str, str]]:
    for number, line in enumerate(_text(file).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row: Any = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DatasetError(f"{file}:{number}: not JSON ({error})") from error
        if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in ("query", "document")):
            raise DatasetError(f"{file}:{number}: expected an object with query, document and grade")
        grade = row.get("grade")
        if grade is not None and (isinstance(grade, bool) or not isinstance(grade, (int, str))):
            raise DatasetError(f"{file}:{number}: grade {grade!r}, expected {GRADES[0]} to {GRADES[-1]} or null")
        yield number, row["query"], row["document"], "" if grade is None else str(grade)


def _sheet_rows(file: Path) -> Iterator[tuple[int, str, str, str]]:
    reader = csv.reader(io.StringIO(_text(file), newline=""), delimiter="\t")
    places: list[int] = []
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if not places:
                places = _places(file, reader.line_num, row)
            elif max(places[:2]) >= len(row):
                raise DatasetError(f"{file}:{reader.line_num}: {len(row)} columns, expected {len(_COLUMNS)} with tabs")
            else:
                query, document, grade = (row[place] if place < len(row) else "" for place in places)
                yield reader.line_num, _from_cell(query), _from_cell(document), grade
    except csv.Error as error:
        raise DatasetError(f"{file}:{reader.line_num}: not a sheet with tabs ({error})") from error


def _places(file: Path, number: int, header: Sequence[str]) -> list[int]:
    names = [cell.strip().lower() for cell in header]
    for name in ("query", "document", "grade"):
        if name not in names:
            raise DatasetError(f"{file}:{number}: no column {name!r}; expected {', '.join(_COLUMNS)} with tabs")
    return [names.index(name) for name in ("query", "document", "grade")]


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DatasetError(f"{file}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{file}: not UTF-8 (byte {error.start}); save it as UTF-8") from error


def _unknown_suffix(file: Path) -> DatasetError:
    return DatasetError(f"{file}: expected a name that ends in .tsv or .jsonl")
