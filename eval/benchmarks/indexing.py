"""What indexing costs where there is much already, much to come, or something that means harm.

Vectors are those of a hash, so that what takes time is reading, cutting, storing, and the indexes.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count as numbers_from
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any
from unittest import mock

from eval.benchmarks.hash_encoder import AS_THE_MODEL, SMALL, HashEncoder
from eval.benchmarks.hostile_files import KINDS, write_hostile
from eval.benchmarks.mixed_files import LANGUAGES, material
from eval.benchmarks.own_process import memory_mb, peak_mb, run_alone
from indexer import lexical_index, vector_index
from indexer.build import index_documents, open_or_create
from indexer.documents import Document
from indexer.encoder import Encoder
from indexer.errors import SearchError
from indexer.reading import read_documents
from indexer.stored_collection import StoredCollection
from indexer.summary import Summary
from indexer.updating import update

_DOCUMENT = 2_000
"""Bytes of UTF-8."""
_QUARTERS = (0.25, 0.5, 0.75, 1.0)
_ROOM = 6
"""Bytes on disk for each one of a large file: itself, and what is stored of it."""


def measure(
    progress: Callable[[str], None],
    *,
    passages: int = 100_000,
    added: int = 100,
    unchanged: int = 10_000,
    gigabytes: float = 2.0,
    tiny: int = 100_000,
    line_gigabytes: float = 1.0,
) -> dict[str, Any]:
    """Seconds and megabytes of memory of each: `added` files to a collection of so many `passages`; a second look at
    so many `unchanged` files; a JSON Lines file of so many `gigabytes`; so many `tiny` files; a line, and packed text,
    of `line_gigabytes`."""
    return {
        "adding": adding(progress, passages, added),
        "unchanged": second_look(progress, unchanged),
        "large_file": large_file(progress, gigabytes),
        "hostile": hostile(progress, tiny, line_gigabytes),
    }


# Much is there already


def adding(progress: Callable[[str], None], passages: int, added: int) -> dict[str, Any]:
    """The same files into a large collection and into an empty one."""
    encoder = HashEncoder(AS_THE_MODEL)
    with _temporary_folder() as folder:
        documents = _documents(Random(0))
        write_texts(folder / "warm", documents, 1)
        write_texts(folder / "added", documents, added)
        with open_or_create(folder / "first", encoder) as first:
            _timed(folder / "warm", first, encoder)  # what is imported and read once in a process is not measured
        with open_or_create(folder / "empty", encoder) as empty:
            into_empty = _timed(folder / "added", empty, encoder)
        with open_or_create(folder / "large", encoder) as large:
            progress(f"a collection of {passages} passages")
            start = perf_counter()
            _fill(large, encoder, documents, passages)
            filled = perf_counter() - start
            progress(f"{added} more files")
            into_large = _timed(folder / "added", large, encoder)
            statistics = large.statistics()
    return {
        "passages": statistics.passages,
        "bytes_per_passage": statistics.bytes / statistics.passages,
        "filling_s": filled,
        "files": added,
        "into_empty": into_empty,
        "into_large": into_large,
        "ratio": into_large["seconds"] / into_empty["seconds"],
    }


def _fill(collection: StoredCollection, encoder: Encoder, documents: Iterator[Document], passages: int) -> None:
    summary = Summary()

    def enough() -> Iterator[Document]:
        while summary.passages < passages:
            yield next(documents)

    index_documents(enough(), collection, encoder, summary=summary)


def _timed(folder: Path, collection: StoredCollection, encoder: Encoder) -> dict[str, float]:
    """Seconds to bring a collection up to date, in all and by part."""
    parts = {"vector_index_s": 0.0, "lexical_index_s": 0.0}
    with _timing(vector_index, parts, "vector_index_s"), _timing(lexical_index, parts, "lexical_index_s"):
        start = perf_counter()
        update([str(folder)], collection, encoder)
        seconds = perf_counter() - start
    return {"seconds": seconds, "reading_and_storing_s": seconds - sum(parts.values()), **parts}


@contextmanager
def _timing(index: Any, times: dict[str, float], name: str) -> Iterator[None]:
    """Adds up how long a module's `open_index` takes."""
    original = index.open_index

    def timed(*arguments: Any, **named: Any) -> Any:
        start = perf_counter()
        try:
            return original(*arguments, **named)
        finally:
            times[name] += perf_counter() - start

    with mock.patch.object(index, "open_index", timed):
        yield


def second_look(progress: Callable[[str], None], count: int) -> dict[str, float]:
    """A folder is indexed, and indexed again."""
    encoder = HashEncoder(SMALL)
    with _temporary_folder() as folder, open_or_create(folder / "collection", encoder) as collection:
        progress(f"{count} files, twice")
        write_texts(folder / "files", _documents(Random(0)), count)
        times = []
        for _ in range(2):
            start = perf_counter()
            summary = update([str(folder / "files")], collection, encoder)
            times.append(perf_counter() - start)
    if summary.unchanged != count:
        raise SearchError(f"{summary.unchanged} of {count} files are unchanged in the second run; expected all")
    return {"files": count, "first_s": times[0], "second_s": times[1]}


# Much is to come


def large_file(progress: Callable[[str], None], gigabytes: float) -> dict[str, Any]:
    """Memory at every quarter of a JSON Lines file: of one who only reads it, and of one who indexes it."""
    with _temporary_folder() as folder:
        free = shutil.disk_usage(folder).free
        if free < _ROOM * gigabytes * 1e9:
            raise SearchError(f"{free / 1e9:.0f} GB free in {folder.parent}, expected {_ROOM * gigabytes:.0f} GB")
        progress(f"writing a file of {gigabytes:g} GB")
        file = folder / "large.jsonl"
        size = _write_lines(file, int(gigabytes * 1e9))
        progress("reading it")
        reading = run_alone(_read_large, str(file), size)
        progress("indexing it")
        indexing = run_alone(_index_large, str(file), str(folder / "collection"))
    return {
        "megabytes": size / 1e6,
        "reading": _speed(reading.result, size) | {"peak_mb": reading.peak_mb},
        "indexing": _speed(indexing.result, size) | {"peak_mb": indexing.peak_mb},
    }


def _write_lines(file: Path, size: int) -> int:
    with file.open("wb") as stream:
        for document in _documents(Random(1)):
            stream.write(json.dumps({"title": document.title, "text": document.text}, ensure_ascii=False).encode())
            stream.write(b"\n")
            if stream.tell() >= size:
                return stream.tell()
    raise AssertionError  # there is no end of documents


def _read_large(file: str, size: int) -> dict[str, Any]:
    memory = _Quarters()
    documents = read = 0
    start = perf_counter()
    for item in read_documents([file]):
        if isinstance(item, Document):
            documents += 1
            read += len(item.text.encode())
            memory.at(read / size)
    memory.at(1.0)
    return {"documents": documents, "seconds": perf_counter() - start, "resident_mb": memory.found}


def _index_large(file: str, collection_folder: str) -> dict[str, Any]:
    """The indexes are brought up to date at the end; until then memory is another matter."""
    encoder, memory = HashEncoder(SMALL), _Quarters()
    with open_or_create(Path(collection_folder), encoder) as collection:
        start = perf_counter()
        before_indexes = [0.0, 0.0]

        def noted(summary: Summary, document_id: str) -> None:
            memory.at(summary.read / max(1, summary.to_read))
            before_indexes[:] = [perf_counter() - start, peak_mb()]

        summary = update([file], collection, encoder, progress=noted)
        memory.at(1.0)
        seconds = perf_counter() - start
    return {
        "documents": summary.added,
        "passages": summary.passages,
        "seconds": seconds,
        "seconds_before_indexes": before_indexes[0],
        "peak_mb_before_indexes": before_indexes[1],
        "resident_mb": memory.found,
    }


class _Quarters:
    """The memory that this process has when a quarter of the work is done, a half, and so on."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}

    def at(self, share: float) -> None:
        for quarter in _QUARTERS[len(self.found) :]:
            if share >= quarter:
                self.found[f"{quarter:.0%}"] = memory_mb()


def _speed(result: dict[str, Any], size: int) -> dict[str, Any]:
    return result | {"mb_per_s": size / 1e6 / result["seconds"]}


# Something means harm


@dataclass(frozen=True)
class _Run:
    seconds: float
    documents: int
    reported: list[str]


def hostile(progress: Callable[[str], None], tiny: int, gigabytes: float) -> dict[str, Any]:
    """Each kind of hostile folder, indexed alone."""
    figures = {}
    for kind in KINDS:
        progress(kind)
        with _temporary_folder() as folder:
            write_hostile(kind, folder / "files", tiny, int(gigabytes * 1e9))
            ran = run_alone(_index_folder, str(folder / "files"), str(folder / "collection"))
        figures[kind] = {
            "seconds": ran.result.seconds,
            "peak_mb": ran.peak_mb,
            "documents": ran.result.documents,
            "reported": len(ran.result.reported),
            "first_reported": ran.result.reported[:5],
        }
    return figures


def _index_folder(folder: str, collection_folder: str) -> _Run:
    encoder = HashEncoder(SMALL)
    with open_or_create(Path(collection_folder), encoder) as collection:
        start = perf_counter()
        summary = update([folder], collection, encoder)
        seconds = perf_counter() - start
    names = [f"{os.path.relpath(item.name, folder)}: {item.reason}" for item in summary.skipped]
    return _Run(seconds, summary.added, names)


# Texts


def _documents(random: Random) -> Iterator[Document]:
    """Without end, of about 2 KB each, in all languages; no paragraph is in two of them."""
    for number in numbers_from(1):
        lang = random.choice(LANGUAGES)
        titles, lines = material(lang)
        paragraphs: list[str] = []
        size = 0
        while size < _DOCUMENT:
            paragraphs.append(f"{random.choice(lines)} {number}.{len(paragraphs)}")
            size += len(paragraphs[-1].encode())
        title = f"{number} {random.choice(titles)}"
        yield Document(f"document-{number}", f"{title}\n\n" + "\n\n".join(paragraphs), title)


def write_texts(folder: Path, documents: Iterator[Document], count: int) -> None:
    for number in range(count):
        place = folder / f"{number // 500:03}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:06}.txt").write_text(next(documents).text, encoding="utf-8")


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="search-eval-", ignore_cleanup_errors=True) as name:
        yield Path(name)
