"""Grades given by people: a file that only grows, how far its judges agree, and the qrels that come of it.

The file is JSON Lines, {"query", "document", "judge", "grade", "time"}; whoever grades a document again appends a line,
and the last one counts.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from itertools import combinations
from pathlib import Path
from statistics import fmean, median
from typing import Any

from eval.errors import DatasetError
from eval.whole_file import write_whole

GRADES = range(4)
"""0: not relevant, 1: touches on it, 2: answers in part, 3: answers."""

Pair = tuple[str, str]
"""Query id and document id."""
ByJudge = Mapping[str, Mapping[Pair, int]]
"""Judge -> query and document -> grade."""

_TEXTS = ("query", "document", "judge", "time")


@dataclass(frozen=True)
class Torn:
    """The last line of a file, written only in part when the program or the machine stopped."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: the last line was cut off; it is left out, and the next grade takes its place"


@dataclass(frozen=True)
class Judgements:
    """What a file says: of each judge the last grade of each document."""

    grades: dict[str, dict[Pair, int]]
    torn: Torn | None = None


def read_judgements(file: Path) -> Judgements:
    """A file that is not there yet holds none. Raises DatasetError, with file and line."""
    return _read(file, _content(file))


class Journal:
    """The file, open to one more grade at a time. Threads may share it; so may programs that write now and then."""

    def __init__(self, file: Path) -> None:
        """Raises DatasetError, with file and line."""
        self._file = file
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._judgements = Judgements({})
        self.read()

    def read(self) -> Judgements:
        """What the file says now. Raises DatasetError."""
        with self._lock:
            stamp = _stamp(self._file)
            if stamp is None or stamp != self._stamp:
                self._judgements, self._stamp = read_judgements(self._file), stamp
            return self._judgements

    def add(self, pair: Pair, judge: str, grade: int) -> None:
        """Append a line and wait until the disk has it; a line that cannot be written whole is taken back. Raises
        DatasetError."""
        row = {"query": pair[0], "document": pair[1], "judge": judge, "grade": grade, "time": _now()}
        line = (json.dumps(row, ensure_ascii=False) + "\n").encode()
        with self._lock:
            content = _content(self._file)
            torn = _read(self._file, content).torn is not None
            if content and not content.endswith(b"\n") and not torn:
                line = b"\n" + line
            try:
                with self._file.open("ab", buffering=0) as target:
                    if torn:
                        target.truncate(content.rfind(b"\n") + 1)
                    _append(target, line)
            except OSError as error:
                raise _unwritable(self._file, error) from error


def _append(target: FileIO, line: bytes) -> None:
    before = target.seek(0, os.SEEK_END)
    try:
        if target.write(line) != len(line):
            raise OSError("the disk is full")
        os.fsync(target.fileno())
    except OSError:
        target.truncate(before)
        raise


def _stamp(file: Path) -> tuple[int, int] | None:
    """Changes whenever the file does; None where there is none."""
    try:
        state = file.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(file, error) from error
    return state.st_size, state.st_mtime_ns


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise _unreadable(file, error) from error


def _read(file: Path, content: bytes) -> Judgements:
    grades: dict[str, dict[Pair, int]] = {}
    lines = content.split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode())
        except (ValueError, RecursionError) as error:
            if number == len(lines):
                return Judgements(grades, Torn(file, number))
            reason = f"byte {error.start} is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            raise DatasetError(f"{file}:{number}: not JSON ({reason}); mend or remove the line") from error
        pair, judge, grade = _checked(row, f"{file}:{number}")
        grades.setdefault(judge, {})[pair] = grade
    return Judgements(grades)


def _checked(row: Any, place: str) -> tuple[Pair, str, int]:
    if not isinstance(row, dict):
        raise DatasetError(f"{place}: a JSON {type(row).__name__}, expected an object; mend or remove the line")
    for name in _TEXTS:
        if not isinstance(row.get(name), str) or not row[name]:
            raise DatasetError(f"{place}: no {name}; expected {', '.join((*_TEXTS, 'grade'))}")
    grade = row.get("grade")
    if isinstance(grade, bool) or not isinstance(grade, int) or grade not in GRADES:
        raise DatasetError(f"{place}: grade {grade!r}, expected {GRADES[0]} to {GRADES[-1]}")
    return (row["query"], row["document"]), row["judge"], grade


@dataclass(frozen=True)
class Agreement:
    """Of two judges, over the documents that both graded: kappa is 1 where they always agree, 0 where they agree as
    often as chance has it. None where there is nothing in common, or one grade only (any agreement is then chance)."""

    pairs: int
    same: float | None
    """The share with the same grade."""
    kappa: float | None
    """Cohen 1960, "A coefficient of agreement for nominal scales"."""
    weighted: float | None
    """Cohen 1968, with squared differences: 0 for 3 is nine times as bad as 0 for 1."""


def kappa(first: Mapping[Pair, int], second: Mapping[Pair, int]) -> Agreement:
    """How far two judges agree."""
    grades = [(grade, second[pair]) for pair, grade in first.items() if pair in second]
    same = fmean(ours == theirs for ours, theirs in grades) if grades else None
    return Agreement(
        len(grades),
        same,
        _kappa(grades, lambda ours, theirs: ours != theirs),
        _kappa(grades, lambda ours, theirs: (ours - theirs) ** 2),
    )


def _kappa(grades: Sequence[tuple[int, int]], distance: Callable[[int, int], float]) -> float | None:
    """1 less the observed over the expected disagreement: that of every grade of one with every grade of the other."""
    observed = sum(distance(ours, theirs) for ours, theirs in grades) * len(grades)
    expected = sum(distance(ours, theirs) * count for (ours, theirs), count in _crossed(grades).items())
    return 1 - observed / expected if expected else None


def _crossed(grades: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    ours, theirs = [first for first, _ in grades], [second for _, second in grades]
    return {(a, b): ours.count(a) * theirs.count(b) for a in set(ours) for b in set(theirs)}


def kappas(judgements: ByJudge) -> dict[tuple[str, str], Agreement]:
    """Of every two judges, in order of their names."""
    return {(a, b): kappa(judgements[a], judgements[b]) for a, b in combinations(sorted(judgements), 2)}


def median_down(grades: Sequence[int]) -> int:
    """The median, rounded down where it lies between two grades."""
    return int(median(grades))


def agreed(judgements: ByJudge, rule: Callable[[Sequence[int]], int] = median_down) -> dict[str, dict[str, int]]:
    """Qrels, query id -> document id -> grade: the rule makes one grade of those of all who judged a document."""
    given: dict[Pair, list[int]] = {}
    for grades in judgements.values():
        for pair, grade in grades.items():
            given.setdefault(pair, []).append(grade)
    qrels: dict[str, dict[str, int]] = {}
    for (query, document), found in given.items():
        qrels.setdefault(query, {})[document] = rule(found)
    return qrels


def written_qrels(qrels: Mapping[str, Mapping[str, int]]) -> str:
    """BEIR's file of qrels. Raises DatasetError for an id that a line cannot hold."""
    lines = ["query-id\tcorpus-id\tscore"]
    for query, row in qrels.items():
        for document, grade in row.items():
            check_ids(query, document)
            lines.append(f"{query}\t{document}\t{grade}")
    return "\n".join(lines) + "\n"


def write_qrels(qrels: Mapping[str, Mapping[str, int]], file: Path) -> None:
    """Write a new file, all of it or nothing. Raises DatasetError, also where the file is there already."""
    if file.exists():
        raise DatasetError(f"{file} is there already; qrels are not overwritten: give another name, or remove it")
    write_whole(file, written_qrels(qrels))


def check_ids(*identifiers: str) -> None:
    """Raises DatasetError for an id that does not fit into a line of columns."""
    for identifier in identifiers:
        if not identifier or re.search("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029\ud800-\udfff\x00]", identifier):
            raise DatasetError(f"id {identifier!r}: expected text without tabs and line breaks; give it another id")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _unreadable(file: Path, error: OSError) -> DatasetError:
    return DatasetError(f"{file} cannot be read ({(error.strerror or str(error)).lower()})")


def _unwritable(file: Path, error: OSError) -> DatasetError:
    return DatasetError(f"{file} cannot be written ({(error.strerror or str(error)).lower()})")
