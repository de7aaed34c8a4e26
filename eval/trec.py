"""TREC's plain text formats: topics, qrels and runs. What does not fit is named with file and line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from eval.errors import DatasetError

Scored = Mapping[str, Sequence[tuple[str, float]]]
"""Query id -> (document id, score), best first."""


def lines_of(file: Path, hint: str = "") -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 file that are not blank, with their numbers from 1. Raises DatasetError."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DatasetError(f"{file}: {(error.strerror or str(error)).lower()}{hint}") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{file}: not UTF-8 (byte {error.start})") from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line.rstrip("\r")


def read_qrels(file: Path) -> dict[str, dict[str, int]]:
    """`query 0 document grade` a line -> query id -> document id -> grade. Raises DatasetError."""
    qrels: dict[str, dict[str, int]] = {}
    for number, line in lines_of(file):
        parts = line.split()
        if len(parts) != 4:
            raise DatasetError(f"{file}:{number}: {len(parts)} columns, expected query, 0, document and grade")
        query, _, document, grade = parts
        if not grade.isdecimal():
            raise DatasetError(f"{file}:{number}: grade {grade!r}, expected a whole number from 0")
        if document in qrels.setdefault(query, {}):
            raise DatasetError(f"{file}:{number}: {query!r} and {document!r} were judged before")
        qrels[query][document] = int(grade)
    if not qrels:
        raise DatasetError(f"{file}: no judgements")
    return qrels


def read_run(file: Path) -> dict[str, list[tuple[str, float]]]:
    """`query Q0 document rank score tag` a line -> documents by falling score, equal ones by document id, as trec_eval
    has it; ranks are not looked at. Raises DatasetError."""
    run: dict[str, dict[str, float]] = {}
    for number, line in lines_of(file):
        parts = line.split()
        if len(parts) != 6:
            raise DatasetError(f"{file}:{number}: {len(parts)} columns, expected query, Q0, document, rank, score, tag")
        query, _, document, _, score, _ = parts
        try:
            value = float(score)
        except ValueError:
            value = math.nan
        if math.isnan(value):
            raise DatasetError(f"{file}:{number}: score {score!r}, expected a number")
        if document in run.setdefault(query, {}):
            raise DatasetError(f"{file}:{number}: {document!r} was ranked for {query!r} before")
        run[query][document] = value
    if not run:
        raise DatasetError(f"{file}: an empty run")
    return {query: by_score(own) for query, own in run.items()}


def by_score(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    """Best first; of equal ones the larger document id first, as trec_eval has it."""
    return sorted(scores.items(), key=lambda item: (item[1], item[0]), reverse=True)


def written_run(run: Scored, tag: str) -> str:
    """The file of a run. Scores are written so that they fall with every rank, whatever reads them breaks ties by."""
    lines = []
    for query, ranking in run.items():
        above = math.inf
        for rank, (document, score) in enumerate(ranking, 1):
            above = min(score, above - 1e-6)
            lines.append(f"{query} Q0 {document} {rank} {above:.6f} {tag}\n")
    return "".join(lines)


def read_topics(file: Path) -> dict[str, str]:
    """`id<TAB>text` a line, or the classic <top> blocks with <num> and <title> -> query id -> text. Raises
    DatasetError."""
    lines = list(lines_of(file))
    if any(line.strip().lower() == "<top>" for _, line in lines):
        return _classic_topics(file, lines)
    topics: dict[str, str] = {}
    for number, line in lines:
        identifier, tab, text = line.partition("\t")
        if not tab or not identifier.strip() or not text.strip():
            raise DatasetError(f"{file}:{number}: expected a query id, a tab and the query")
        _add_topic(topics, identifier.strip(), text.strip(), file, number)
    return topics


def _classic_topics(file: Path, lines: Sequence[tuple[int, str]]) -> dict[str, str]:
    topics: dict[str, str] = {}
    identifier, wanted = "", False
    for number, line in lines:
        text = line.strip()
        low = text.lower()
        if low.startswith("<num>"):
            identifier = text[5:].removesuffix("</num>").strip().removeprefix("Number:").strip()
        elif low.startswith("<title>") or wanted:
            text = text[7:].removesuffix("</title>").strip() if low.startswith("<title>") else text
            text = text.removeprefix("Topic:").strip()
            wanted = not text
            if text:
                if not identifier:
                    raise DatasetError(f"{file}:{number}: a title before its <num>")
                _add_topic(topics, identifier, text, file, number)
                identifier = ""
    if not topics:
        raise DatasetError(f"{file}: no <top> with <num> and <title>")
    return topics


def _add_topic(topics: dict[str, str], identifier: str, text: str, file: Path, number: int) -> None:
    if identifier in topics:
        raise DatasetError(f"{file}:{number}: query id {identifier!r} was there before")
    topics[identifier] = text
