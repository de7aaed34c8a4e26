"""An archive, by what its name ends in -> what lies in it."""

from __future__ import annotations

from collections.abc import Iterator

from indexer.documents import Found
from indexer.errors import DocumentError
from indexer.reading.archives.packed import read_packed
from indexer.reading.archives.tar_files import read_tar
from indexer.reading.archives.zip_files import read_zip
from indexer.reading.source import Context, Source


def read(source: Source, context: Context) -> Iterator[Found]:
    """What lies inside, by name. Hidden files and those that systems put there for themselves are left out."""
    if source.depth >= context.limits.depth:
        raise DocumentError(f"archives nested more than {context.limits.depth} deep; unpack it")
    empty = True
    for item in _READERS.get(source.suffix, read_packed)(source, context):
        empty = False
        yield item
    if empty:
        raise DocumentError("no files in it")


_READERS = {".zip": read_zip, ".tar": read_tar}
