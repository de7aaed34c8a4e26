"""Files and folders -> what has changed in them since they were last read, and what has gone."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from indexer import cut_documents
from indexer.build import FileBegins, FileEnds, Item, index_documents
from indexer.documents import Cause, Remark, Skipped
from indexer.encoder import Encoder
from indexer.reading import READING, STANDARD_INPUT, File, Options, absolute, files, read_file, read_standard_input
from indexer.records import FileRecord
from indexer.stored_collection import StoredCollection
from indexer.summary import Summary

_NAMED = 1_000
"""Parts of one file that are named before the others are only counted."""


@dataclass
class _Root:
    """A folder that was walked through."""

    folder: str
    """As given."""
    files: int = 0
    failed: bool = False
    """Parts of it could not be looked into."""


def update(
    paths: Sequence[str],
    collection: StoredCollection,
    encoder: Encoder,
    options: Options | None = None,
    progress: Callable[[Summary, str], None] | None = None,
    *,
    keep_deleted: bool = False,
) -> Summary:
    """Bring a collection up to date with files, folders, and standard input (`-`).

    A file whose size and time of change are as they were is not opened; one with the same bytes is not read. Documents
    of files that are gone from a folder leave, unless `keep_deleted`, or nothing at all is left in that folder, or a
    part of it could not be looked into.
    """
    summary = Summary()
    reader = _Reader(collection, options or Options(), summary)
    roots: list[_Root] = []

    def forget() -> None:
        gone = [path for root in roots for path in _gone(root, collection, reader.present, summary)]
        if gone:
            summary.removed += len(collection.forget(gone))

    behind = None if keep_deleted else forget
    return index_documents(reader.items(paths, roots), collection, encoder, progress, summary, behind)


def _gone(root: _Root, collection: StoredCollection, present: set[str], summary: Summary) -> list[str]:
    """The files of a folder that are no longer there."""
    known = [record.path for record in collection.files.below(absolute(root.folder))]
    gone = [path for path in known if path not in present and not os.path.isfile(path)]  # hidden, or behind a link
    if gone and root.failed:
        summary.remarks.append(
            Remark(root.folder, f"{len(gone)} files were not found, and kept, since not all folders could be read")
        )
        return []
    if gone and not root.files:
        summary.remarks.append(
            Remark(root.folder, f"holds no files any more; its {len(gone)} are kept; remove them with: search-index rm")
        )
        return []
    return gone


class _Reader:
    def __init__(self, collection: StoredCollection, options: Options, summary: Summary) -> None:
        self._collection = collection
        self._options = options
        self._reading = _reading_of(options)
        self._summary = summary
        self.present: set[str] = set()
        """Absolute paths of the files that there are."""

    def items(self, paths: Sequence[str], roots: list[_Root]) -> Iterator[Item]:
        walked = [list(self._walk(path, roots)) for path in paths]
        self._summary.to_read = sum(self._to_read(file) for own in walked for file in own)
        for path, own in zip(paths, walked, strict=True):
            if path == STANDARD_INPUT:
                yield from read_standard_input(self._options)
            for file in own:
                yield from [file] if isinstance(file, Skipped) else self._file(file)

    def _walk(self, path: str, roots: list[_Root]) -> Iterator[File | Skipped]:
        if path == STANDARD_INPUT:
            return
        root = _Root(path)
        if os.path.isdir(path):
            roots.append(root)
        for item in files([path]):
            if isinstance(item, Skipped):
                if item.cause is Cause.ACCESS and os.path.islink(item.name):
                    self.present.add(absolute(item.name))  # what it links to may come back
                elif item.cause is Cause.ACCESS:
                    root.failed = True
                yield item
                continue
            root.files += 1
            if item.absolute not in self.present:  # else it was named twice
                self.present.add(item.absolute)
                yield item

    def _to_read(self, file: File | Skipped) -> int:
        """Bytes."""
        if isinstance(file, Skipped):
            return 0
        known = self._known(file)
        return 0 if known and known.modified == file.modified else file.size

    def _known(self, file: File) -> FileRecord | None:
        """A file that was read in the same way, and had the same size."""
        known = self._collection.files.get(file.absolute)
        return known if known and known.reading == self._reading and known.size == file.size else None

    def _file(self, file: File) -> Iterator[Item]:
        known = self._known(file)
        if known and known.modified == file.modified:
            yield from self._as_before(known)
            return
        before, self._summary.file = self._summary.read, file.name
        if known and _digest(file.path) == known.digest:
            yield from self._as_before(known)
            yield FileEnds(replace(known, modified=file.modified), read=False)
        else:
            yield from self._read(file)
        self._summary.read = before + file.size

    def _as_before(self, known: FileRecord) -> Iterator[Item]:
        """What was said of it is said again."""
        self._summary.unchanged += self._collection.files.count(known.path)
        yield from known.skipped
        yield from known.remarks

    def _read(self, file: File) -> Iterator[Item]:
        name = self._collection.files.name_for(file.absolute, file.name)
        record = FileRecord(file.absolute, name, file.size, file.modified, b"", self._reading)
        yield FileBegins(record)
        skipped: list[Skipped] = []
        remarks: list[Remark] = []
        more, before = 0, self._summary.read

        def told(position: int) -> None:
            self._summary.read = max(self._summary.read, before + position)

        for item in read_file(file, self._options, name, told):
            if isinstance(item, Skipped):
                if len(skipped) == _NAMED:
                    more += 1
                    continue
                skipped.append(item)
            elif isinstance(item, Remark):
                remarks.append(item)
            yield item
        if more:
            skipped.append(Skipped(name, f"{more} more of its parts"))
            yield skipped[-1]
        # What could not be opened, or is of no format that is read, is looked at again the next time.
        of_no_format = any(own.name == name and own.cause in (Cause.FORMAT, Cause.PACKAGE) for own in skipped)
        unread = of_no_format or any(own.cause is Cause.ACCESS for own in skipped)
        digest = None if unread else _digest(file.path)
        if digest is None:
            yield FileBegins(None)
            return
        # The digest of a file that changed meanwhile is not of what was read: with none it is read again.
        record = replace(record, digest=digest if _is_still(file) else b"")
        if any(own.cause is Cause.PACKAGE for own in skipped):  # of a file in this one: it may be installed by then
            record = replace(record, reading=b"")
        yield FileEnds(replace(record, skipped=skipped, remarks=remarks))


def _reading_of(options: Options) -> bytes:
    """Stands for how a file is read."""
    how = repr((READING, options.limits, sorted(options.columns.items()), cut_documents.CUTTING))
    return hashlib.blake2b(how.encode(), digest_size=8).digest()


def _is_still(file: File) -> bool:
    """As it was found."""
    try:
        status = os.stat(file.path)
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (file.size, file.modified)


def _digest(path: str) -> bytes | None:
    """Of a file's bytes; None where they cannot be read: another time they may."""
    try:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).digest()
    except OSError:
        return None
