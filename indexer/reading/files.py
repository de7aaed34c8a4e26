"""Paths -> files, in order, and files -> documents."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from indexer.documents import Cause, Found, Skipped, clean
from indexer.errors import DocumentError
from indexer.reading.formats import cause_of, format_of, read_source
from indexer.reading.source import Context, Limits, Source

STANDARD_INPUT = "-"
_IN_MEMORY = 16_000_000
_SIGNS = ((b"%PDF-", ".pdf"), (b"{", ".jsonl"))


@dataclass(frozen=True)
class File:
    """A file to read. `path` is as it was given, `absolute` where it is whatever the working folder."""

    path: str
    absolute: str
    size: int
    modified: int
    """Nanoseconds since 1970."""

    @property
    def name(self) -> str:
        """The path as text: a name that is not UTF-8 reaches us with halves of surrogate pairs in it."""
        return clean(self.path)


def files(paths: Iterable[str]) -> Iterator[File | Skipped]:
    """The files that are named, and those below folders in order of name; hidden ones and links to folders are left
    out, the latter by name. What does not exist, or is no regular file, yields Skipped."""
    for path in paths:
        if os.path.isdir(path):
            yield from _below(path)
        else:
            yield _file(path)


def _below(folder: str) -> Iterator[File | Skipped]:
    failures: list[OSError] = []
    found = False
    for parent, folders, names in os.walk(folder, onerror=failures.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if os.path.islink(os.path.join(parent, name)):
                yield Skipped(clean(os.path.join(parent, name)), "a link to a folder; name that folder to index it")
        for name in sorted(names):
            if not name.startswith("."):
                found = True
                yield _file(os.path.join(parent, name))
    for failure in failures:
        found = True
        yield Skipped(clean(str(failure.filename)), reason_of(failure), Cause.ACCESS)
    if not found:
        yield Skipped(clean(folder), "a folder without files")


def _file(path: str) -> File | Skipped:
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # a name with a NUL is none
        return Skipped(clean(path), "no such file or folder", Cause.ACCESS)
    except OSError as error:
        return Skipped(clean(path), reason_of(error), Cause.ACCESS)
    if not stat.S_ISREG(status.st_mode):
        return Skipped(clean(path), "not a regular file")
    return File(path, absolute(path), status.st_size, status.st_mtime_ns)


def absolute(path: str) -> str:
    """Where a file is whatever the working folder, as text: what is not UTF-8 in it is written out."""
    return os.path.abspath(path).encode("utf-8", "backslashreplace").decode()


def reason_of(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


@dataclass(frozen=True)
class Options:
    """How files are read."""

    limits: Limits = field(default_factory=Limits)
    columns: Mapping[str, str] = field(default_factory=dict)
    """As a Context has it."""

    @property
    def context(self) -> Context:
        def read(source: Source) -> Iterator[Found]:
            return _guarded(source, context)

        context = Context(read, self.limits, self.columns)
        return context


def read_file(
    file: File, options: Options | None = None, name: str = "", told: Callable[[int], None] | None = None
) -> Iterator[Found]:
    """What a file gives; Skipped where that is nothing. `name`: what it is called, its path for none. `told` is told
    after each document how many bytes into the file the reader is."""
    name = name or file.name
    suffix = Path(file.path).suffix.lower()
    try:
        format_of(suffix)  # before a file is opened that nobody can read
    except DocumentError as error:
        yield Skipped(name, str(error), cause_of(error))
        return
    try:
        with open(file.path, "rb") as stream:
            for item in _guarded(Source(name, stream, file.size, suffix), (options or Options()).context):
                if told and not stream.closed:
                    told(stream.tell())
                yield item
    except OSError as error:
        yield Skipped(name, reason_of(error), Cause.ACCESS)


def _guarded(source: Source, context: Context) -> Iterator[Found]:
    try:
        yield from read_source(source, context)
    except DocumentError as error:
        yield Skipped(source.name, str(error))


def read_standard_input(options: Options | None = None) -> Iterator[Found]:
    """Its first bytes say what it is; what says nothing is text."""
    with SpooledTemporaryFile(_IN_MEMORY) as kept:
        size = 0
        while block := sys.stdin.buffer.read(1_000_000):
            kept.write(block)
            size += len(block)
        kept.seek(0)
        beginning = kept.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
        kept.seek(0)
        suffix = next((suffix for sign, suffix in _SIGNS if beginning.startswith(sign)), ".txt")
        source = Source("stdin", cast(BinaryIO, kept), size, suffix)
        yield from _guarded(source, (options or Options()).context)


def read_documents(paths: Iterable[str], options: Options | None = None) -> Iterator[Found]:
    """Documents of files, of the files below folders, and of standard input where a path is `-`."""
    for path in paths:
        if path == STANDARD_INPUT:
            yield from read_standard_input(options)
            continue
        for item in files([path]):
            if isinstance(item, Skipped):
                yield item
            else:
                yield from read_file(item, options)
