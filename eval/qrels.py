"""Judgements from a file, BEIR's or TREC's -> qrels; what does not fit together is named with file and line."""

from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import Path

from eval.errors import DatasetError
from eval.trec import lines_of

_HEADER_ENDS = "score"
_BEIR, _TREC = "query-id, corpus-id and score with tabs", "query, 0, document and grade"


def read_qrels(
    file: Path, queries: Container[str] | None = None, documents: Container[str] | None = None, hint: str = ""
) -> dict[str, dict[str, int]]:
    """Query id -> document id -> grade from 0. BEIR: `query-id<TAB>corpus-id<TAB>score` a line, with or without that
    header; TREC: `query 0 document grade`. `queries`, `documents`: the ids that there are; None: any. `hint`:
    said of a file that cannot be read. Raises DatasetError."""
    qrels: dict[str, dict[str, int]] = {}
    for number, query, document, grade in _rows(file, hint):
        if queries is not None and query not in queries:
            raise DatasetError(f"{file}:{number}: query {query!r} is not one of the dataset's")
        if documents is not None and document not in documents:
            raise DatasetError(f"{file}:{number}: document {document!r} is not in corpus.jsonl")
        if not grade.isdecimal() or len(grade) > 9:
            raise DatasetError(f"{file}:{number}: grade {grade!r}, expected a whole number from 0")
        if document in qrels.setdefault(query, {}):
            raise DatasetError(f"{file}:{number}: {query!r} and {document!r} were judged before")
        qrels[query][document] = int(grade)
    if not qrels:
        raise DatasetError(f"{file}: no judgements")
    return qrels


def _rows(file: Path, hint: str) -> Iterator[tuple[int, str, str, str]]:
    """Number of the line, query, document, grade. The first line says which form the file has."""
    lines = list(lines_of(file, hint))
    trec = bool(lines) and len(lines[0][1].split()) == 4
    for place, (number, line) in enumerate(lines):
        parts = line.split() if trec else [part.strip() for part in line.split("\t")]
        if place == 0 and parts[-1] == _HEADER_ENDS:
            continue
        if len(parts) != (4 if trec else 3):
            expected = _TREC if trec else _BEIR if place else f"{_BEIR}, or {_TREC}"
            raise DatasetError(f"{file}:{number}: {len(line.split())} columns, expected {expected}")
        yield number, parts[0], parts[-2], parts[-1]
