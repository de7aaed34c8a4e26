"""Folders that mean harm: too many files, a line or packed text without end, links that go round."""

from __future__ import annotations

import gzip
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from eval.benchmarks.broken_files import makers, odd_entries
from eval.benchmarks.mixed_files import english
from indexer.reading import SUFFIXES, Limits

_IN_FOLDER = 1_000
_BLOCK = 1_000_000


def write_hostile(kind: str, folder: Path, tiny: int, size: int) -> None:
    """One of KINDS: `tiny` files, or a line, or packed text, of `size` bytes."""
    folder.mkdir(parents=True)
    _WRITERS[kind](folder, tiny, size)


def _tiny_files(folder: Path, tiny: int, size: int) -> None:
    for number in range(tiny):
        if number % _IN_FOLDER == 0:
            place = folder / f"{number // _IN_FOLDER:04}"
            place.mkdir()
        (place / f"{number:07}.txt").write_text(f"This is file {number}.", encoding="utf-8")


def _one_line(folder: Path, tiny: int, size: int) -> None:
    """The line, and one behind it that can be read."""
    with (folder / "line.jsonl").open("wb") as stream:
        stream.write(b'{"text": "')
        stream.writelines(_blocks(size))
        stream.write(b'"}\n{"text": "The last line is short."}\n')


def _every_suffix(folder: Path, tiny: int, size: int) -> None:
    """The same line under the suffix of every format: nothing of it is what it says it is."""
    _one_line(folder, tiny, size)
    for suffix in SUFFIXES:
        if suffix != ".jsonl":
            _linked(folder / "line.jsonl", folder / f"line{suffix}")
    (folder / "line.jsonl").unlink()


def _largest_text(folder: Path, tiny: int, size: int) -> None:
    """A text of one line that is as large as a text may be."""
    with (folder / "text.txt").open("wb") as stream:
        stream.writelines(_blocks(min(size, Limits().text)))


def _linked(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _packed(folder: Path, tiny: int, size: int) -> None:
    """Text that is a thousand times smaller when it is packed."""
    with gzip.open(folder / "text.txt.gz", "wb", 6) as stream:
        for block in _blocks(size):
            stream.write(block)
    with (
        zipfile.ZipFile(folder / "text.zip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("text.txt", "w", force_zip64=True) as member,
    ):
        for block in _blocks(size):
            member.write(block)


def _damaged(folder: Path, tiny: int, size: int) -> None:
    """A file of each kind of damage: entities that name each other, archives in archives, and so on."""
    random = Random(0)
    articles = english(3)
    for number, (_, make) in enumerate(makers()):
        broken = make(articles, random)
        (folder / f"{number:02}{broken.suffix}").write_bytes(broken.content)


def _links(folder: Path, tiny: int, size: int) -> None:
    """Links to the folder itself, to nothing and to a device; a pipe."""
    for _ in odd_entries(folder):
        pass


def _blocks(size: int) -> Iterator[bytes]:
    block = b"word " * (_BLOCK // 5)
    for _ in range(max(1, size // _BLOCK)):
        yield block


_WRITERS: dict[str, Callable[[Path, int, int], None]] = {
    "tiny files": _tiny_files,
    "a line": _one_line,
    "a line as every format": _every_suffix,
    "the largest text": _largest_text,
    "packed text": _packed,
    "damaged files": _damaged,
    "links and pipes": _links,
}
KINDS = tuple(_WRITERS)
