"""TREC's plain text formats: topics and runs. What does not fit is named with file and line."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from ctypes import c_float
from pathlib import Path

import numpy as np

from eval.errors import DatasetError

Scored = Mapping[str, Sequence[tuple[str, float]]]
"""Query id -> (document id, score), best first."""

_TAG = re.compile(r"<(/?[\w-]+)>(.*)")
_CLOSING = re.compile(r"</(num|title)>$", re.IGNORECASE)
_LABEL = re.compile(r"^(Number|Topic):")


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


def read_run(file: Path, documents: Container[str] | None = None) -> dict[str, list[tuple[str, float]]]:
    """`query Q0 document rank score tag` a line -> documents by falling score, equal ones by document id, as trec_eval
    has it; ranks are not looked at. `documents`: the ids that there are; None: any. Raises DatasetError."""
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
        if not math.isfinite(value):
            raise DatasetError(f"{file}:{number}: score {score!r}, expected a number")
        if documents is not None and document not in documents:
            raise DatasetError(f"{file}:{number}: document {document!r} is not one of the dataset's")
        if document in run.setdefault(query, {}):
            raise DatasetError(f"{file}:{number}: {document!r} was ranked for {query!r} before")
        run[query][document] = value
    if not run:
        raise DatasetError(f"{file}: an empty run")
    return {query: by_score(own) for query, own in run.items()}


def by_score(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    """Best first; of equal ones the larger document id first. As trec_eval has it, which keeps scores in single
    precision: what differs by less is equal."""
    return sorted(scores.items(), key=lambda item: (_single(item[1]), item[0]), reverse=True)


def written_run(run: Scored, tag: str) -> str:
    """The file of a run. A score that is not below the one above it is written as the next lower one in single
    precision, so that the order stays the same whatever reads them breaks ties by; any other is written in full."""
    lines = []
    for query, ranking in run.items():
        above = math.inf
        for rank, (document, score) in enumerate(ranking, 1):
            falling = score if _single(score) < above else np.nextafter(np.float32(above), np.float32(-math.inf))
            lines.append(f"{query} Q0 {document} {rank} {float(falling)!r} {tag}\n")
            above = _single(float(falling))
    return "".join(lines)


def _single(score: float) -> float:
    return c_float(score).value


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
    if not topics:
        raise DatasetError(f"{file}: no topics")
    return topics


def _classic_topics(file: Path, lines: Sequence[tuple[int, str]]) -> dict[str, str]:
    """A block ends where the next begins, a <num> or a <title> with the next tag."""
    blocks: list[tuple[int, dict[str, list[str]]]] = []
    tag = ""
    for number, line in lines:
        text = line.strip()
        if opened := _TAG.match(text):
            tag, text = opened[1].lower(), opened[2]
            if tag == "top":
                blocks.append((number, {"num": [], "title": []}))
        ends = _CLOSING.search(text)
        text = _LABEL.sub("", _CLOSING.sub("", text).strip()).strip()
        if text and blocks and tag in blocks[-1][1]:
            blocks[-1][1][tag].append(text)
        if ends:
            tag = ""
    topics: dict[str, str] = {}
    for number, parts in blocks:
        if not parts["num"] or not parts["title"]:
            raise DatasetError(f"{file}:{number}: a <top> without a <num> or a <title>, expected both")
        _add_topic(topics, parts["num"][0], " ".join(parts["title"]), file, number)
    return topics


def _add_topic(topics: dict[str, str], identifier: str, text: str, file: Path, number: int) -> None:
    if identifier.split() != [identifier]:
        raise DatasetError(f"{file}:{number}: query id {identifier!r}, expected text without white space")
    if identifier in topics:
        raise DatasetError(f"{file}:{number}: query id {identifier!r} was there before")
    topics[identifier] = text
