"""How well, how fast and in how much memory a folder of mixed files is read and indexed: of 10,000 files, how many of
the broken ones are named, and how many of the others come back to the letter."""

from __future__ import annotations

import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import Any

from eval.benchmarks.file_formats import Article
from eval.benchmarks.hash_encoder import HashEncoder
from eval.benchmarks.mixed_files import MixedFile, write_mixed_files
from eval.benchmarks.own_process import run_alone
from indexer.build import open_or_create
from indexer.reading import File, files, read_file
from indexer.stored_collection import StoredCollection
from indexer.updating import update

COUNT = 10_000
_ENOUGH = 2_000
"""Bytes of text from which on its encoding must be found."""
_SHOWN = 20
_SHOWN_OF_FORMAT = 3

_Told = tuple[str, str]
"""What was said of something: its name, and a line."""


def measure(progress: Callable[[str], None], count: int = COUNT, seed: int = 0) -> dict[str, Any]:
    """Figures of one run over a new folder, and the first of what went wrong in it."""
    with tempfile.TemporaryDirectory(prefix="search-eval-", ignore_cleanup_errors=True) as name:
        folder, collection = Path(name, "files"), Path(name, "collection")
        progress(f"writing {count} files")
        written = write_mixed_files(folder, count, seed)
        progress("reading and indexing them")
        ran = run_alone(_index, str(folder), str(collection))
        progress("comparing what was read with what was written")
        problems = _problems(written, folder, collection, ran.result)
    return _figures(written, problems, ran.result, ran.peak_mb)


@dataclass(frozen=True)
class _Indexed:
    """What a process says that has indexed a folder."""

    documents: int
    passages: int
    megabytes: float
    reading_seconds: float
    seconds: float
    milliseconds: Mapping[str, float]
    """To read a file, by suffix."""
    skipped: Sequence[_Told]
    remarks: Sequence[_Told]


def _index(folder: str, collection_folder: str) -> _Indexed:
    """Reads everything once for nothing, to know what reading alone takes, and then indexes it."""
    times: dict[str, list[float]] = defaultdict(list)
    size = 0
    for item in files([folder]):
        if isinstance(item, File):
            start = perf_counter()
            for _ in read_file(item):
                pass
            times[Path(item.path).suffix.lower()].append(perf_counter() - start)
            size += item.size
    encoder = HashEncoder()
    with open_or_create(Path(collection_folder), encoder) as collection:
        start = perf_counter()
        summary = update([folder], collection, encoder)
        seconds = perf_counter() - start
    return _Indexed(
        summary.added,
        summary.passages,
        size / 1e6,
        sum(map(sum, times.values())),
        seconds,
        {suffix: 1000 * fmean(own) for suffix, own in sorted(times.items())},
        [(item.name, item.reason) for item in summary.skipped],
        [(item.name, item.text) for item in summary.remarks],
    )


def _problems(written: Iterable[MixedFile], folder: Path, collection_folder: Path, indexed: _Indexed) -> dict[str, str]:
    """Path -> what went wrong with a file."""
    skipped, remarks = _by_path(indexed.skipped, folder), _by_path(indexed.remarks, folder)
    found = {}
    with StoredCollection.open(collection_folder) as collection:
        for file in written:
            ids = collection.files.documents(str(folder / file.path))
            texts = [own.text for own in map(collection.document, ids) if own]
            if problem := problem_of(file, texts, skipped[file.path], remarks[file.path]):
                found[file.path] = problem
    return found


def _by_path(told: Iterable[_Told], folder: Path) -> Mapping[str, list[_Told]]:
    """What was said of each file and its parts, by the file's path below a folder."""
    found: dict[str, list[_Told]] = defaultdict(list)
    for name, line in told:
        name = Path(name).relative_to(folder).as_posix()
        found[re.split("[!:#]", name)[0]].append((name, line))
    return found


def problem_of(file: MixedFile, texts: Sequence[str], skipped: Sequence[_Told], remarks: Sequence[_Told] = ()) -> str:
    """What is wrong with what was read of a file, given the texts of its documents and what was said of it; nothing
    where it is as it should be. White space makes no difference, nor whether an article's title stands before it."""
    told = [*skipped, *remarks] if file.cut else skipped
    for part in file.broken:
        if not any(_is_part(name, part) for name, _ in told):
            return f"{part} is not reported"
    for _, line in (*skipped, *remarks):
        if "\n" in line or not line.strip():
            return f"not one line: {line!r}"
    if file.cut:
        return ""
    if skipped and not file.broken:
        return f"reported: {skipped[0][1]}"
    return _first_difference(file, [_squeezed(text) for text in texts])


def _first_difference(file: MixedFile, texts: Sequence[str]) -> str:
    """Of texts without white space."""
    for text in texts:
        for words in file.absent:
            if _squeezed(words) in text:
                return f"holds {words!r}"
    if len(file.articles) == 1 and len(texts) > 1:
        texts = ["".join(texts)]  # chapters or slides, each a document
    if len(texts) != len(file.articles):
        return f"{len(texts)} documents, expected {len(file.articles)}"
    pairs = zip(texts, file.articles, strict=True)
    return next(filter(None, (_difference(*pair, within=bool(file.absent)) for pair in pairs)), "")


def _is_part(name: str, whole: str) -> bool:
    """Whether a name is of a file, member or line, or of a part of it."""
    return name == whole or (name.startswith(whole) and name[len(whole)] in ":!#")


def _difference(text: str, article: Article, *, within: bool) -> str:
    """Of a text, without white space, and an article; `within`: other text may stand around it."""
    expected, title = _squeezed(article.text), _squeezed(article.title)
    if expected in text if within else text in (expected, title + expected):
        return ""
    start = text.find(expected[:12])
    got = text[start:] if start >= 0 else text.removeprefix(title)
    place = next((at for at, pair in enumerate(zip(got, expected, strict=False)) if len(set(pair)) > 1), -1)
    if place < 0:
        return f"{len(text)} characters, expected {len(expected)}: {text[:20]!r} … {text[-20:]!r}"
    begin = max(0, place - 5)
    return f"character {place}: {got[begin : place + 15]!r}, expected {expected[begin : place + 15]!r}"


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _figures(
    written: Sequence[MixedFile], problems: Mapping[str, str], indexed: _Indexed, peak_mb: float
) -> dict[str, Any]:
    good = [file for file in written if not file.broken]
    broken = [file for file in written if file.broken]
    long = [file for file in good if file.charset and file.size >= _ENOUGH]
    return {
        "files": len(written),
        "documents": indexed.documents,
        "passages": indexed.passages,
        "megabytes": indexed.megabytes,
        "reading_s": indexed.reading_seconds,
        "indexing_s": indexed.seconds,
        "peak_mb": peak_mb,
        "good": _share(good, problems),
        "broken": _share(broken, problems),
        "encodings": _share(long, problems),
        "by_encoding": {charset: _share(own, problems) for charset, own in _grouped(long, "charset")},
        "by_format": {name: _share(own, problems) for name, own in _grouped(good, "format")},
        "milliseconds_by_suffix": dict(indexed.milliseconds),
        "remarks": len(indexed.remarks),
        "failures": _failures(written, problems),
    }


def _failures(written: Iterable[MixedFile], problems: Mapping[str, str]) -> list[dict[str, str]]:
    """The first ones, of each format a few."""
    shown: Counter[str] = Counter()
    failures: list[dict[str, str]] = []
    for file in written:
        if file.path in problems and len(failures) < _SHOWN and shown[file.format] < _SHOWN_OF_FORMAT:
            shown[file.format] += 1
            about = {"path": file.path, "format": file.format, "charset": file.charset}
            failures.append(about | {"problem": problems[file.path]})
    return failures


def _grouped(written: Iterable[MixedFile], field: str) -> list[tuple[str, list[MixedFile]]]:
    groups: dict[str, list[MixedFile]] = defaultdict(list)
    for file in written:
        groups[getattr(file, field)].append(file)
    return sorted(groups.items())


def _share(written: Sequence[MixedFile], problems: Mapping[str, str]) -> dict[str, Any]:
    right = sum(file.path not in problems for file in written)
    return {"files": len(written), "right": right, "share": right / len(written) if written else None}
