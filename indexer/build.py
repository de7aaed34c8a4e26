"""Documents -> collection: cut, encode, store, batch by batch. The stages in order, on one screen."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from indexer import database, lexical_index, saved_vector_index, vector_index
from indexer.boilerplate import boilerplate_spans
from indexer.checked_file import remove_abandoned
from indexer.cut_documents import CutDocument, digest_of, encode, origin_of
from indexer.documents import Document, Found, Remark, Skipped
from indexer.encoder import Encoder
from indexer.errors import CollectionError, ModelMismatch
from indexer.languages import language_of
from indexer.passages import passages_of
from indexer.records import FileRecord
from indexer.sample import passage_budget, prior_of
from indexer.saved_lexical_index import HOME, MANIFEST
from indexer.sentences import Span
from indexer.stored_collection import StoredCollection
from indexer.summary import Summary

_BATCH_SENTENCES = 1_000
"""Sentences to encode and commit at once: a few seconds' work, the most that an interruption loses."""
_BATCH_ITEMS = 10_000
"""Files and unchanged documents that are noted at once."""


@dataclass(frozen=True)
class FileBegins:
    """What follows is read from this file; from none, for None."""

    file: FileRecord | None


@dataclass(frozen=True)
class FileEnds:
    """A file was read to its end; or it was not `read`, since it is as it was."""

    file: FileRecord
    read: bool = True


Item = Found | FileBegins | FileEnds


def open_or_create(folder: Path, encoder: Encoder, budget: int | None = None) -> StoredCollection:
    """The collection in a folder, open for writing; where there is none a new one, with passages of at most `budget`
    tokens, or of the default for None."""
    if not StoredCollection.exists(folder):
        try:
            return StoredCollection.create(
                folder,
                model=encoder.name,
                fingerprint=encoder.fingerprint,
                parts=encoder.parts,
                budget=budget or passage_budget(encoder),
                prior=prior_of(encoder),
            )
        except CollectionError:
            if not StoredCollection.exists(folder):
                raise  # else another process was quicker
    collection = StoredCollection.open(folder, writable=True)
    try:
        collection.check_model(encoder.fingerprint, encoder.name)
    except ModelMismatch:
        collection.close()
        raise
    return collection


def index_documents(
    items: Iterable[Item],
    collection: StoredCollection,
    encoder: Encoder,
    progress: Callable[[Summary, str], None] | None = None,
    summary: Summary | None = None,
    behind: Callable[[], object] | None = None,
) -> Summary:
    """Add or replace documents; unchanged ones cost nothing. Commits batch by batch; what was committed stays.

    A FileBegins before a file's documents and its FileEnds behind them make them that file's: what it held when it was
    read before and holds no more is removed. `progress` is called with the summary so far and the last document's
    id. `behind` is called when all have been taken, and may remove others. The indexes are brought up to date at the
    end, also after an interruption.
    """
    summary = summary or Summary()
    run = _Run(collection, encoder, summary)
    try:
        for batch in run.batches(items):
            run.commit(batch)
            if progress and batch.last:
                progress(summary, batch.last)
        if behind:
            behind()
        run.leave_out_what_repeats()  # of which the share may have grown by what is gone
    finally:
        update_indexes(collection)
    return summary


def update_indexes(collection: StoredCollection) -> None:
    """Make what is derived from a collection again, or bring it up to date, so that no search has to; and remove what
    processes that were killed have left."""
    for name in (database.FILE, f"{HOME}/{MANIFEST}", saved_vector_index.HOME):
        remove_abandoned(collection.folder / name)
    saved_vector_index.remove_abandoned(collection.folder / saved_vector_index.HOME)
    vector_index.open_index(collection)
    lexical_index.open_index(collection)


@dataclass
class _Batch:
    """What is committed at once."""

    cut: list[CutDocument] = field(default_factory=list)
    begun: dict[str, FileRecord] = field(default_factory=dict)
    adopted: dict[str, tuple[FileRecord, str]] = field(default_factory=dict)
    finished: list[FileRecord] = field(default_factory=list)
    touched: list[FileRecord] = field(default_factory=list)
    sentences: int = 0
    last: str = ""

    @property
    def full(self) -> bool:
        notes = len(self.adopted) + len(self.finished) + len(self.touched)
        return self.sentences >= _BATCH_SENTENCES or notes >= _BATCH_ITEMS

    @property
    def empty(self) -> bool:
        return not (self.cut or self.adopted or self.finished or self.touched)


class _Run:
    """One pass over documents."""

    def __init__(self, collection: StoredCollection, encoder: Encoder, summary: Summary) -> None:
        self._collection = collection
        self._encoder = encoder
        self._summary = summary
        self._seen = collection.seen_ids()
        self._file: FileRecord | None = None
        self._touched: set[str] = set()
        self._doubles: list[Skipped] = []
        """Of the file that is being read."""
        self._repeats: dict[str, frozenset[int]] = {}

    def batches(self, items: Iterable[Item]) -> Iterator[_Batch]:
        batch = _Batch()
        for item in items:
            self._take(item, batch)
            if batch.full:
                yield batch
                batch = _Batch()
        if not batch.empty:
            yield batch

    def _take(self, item: Item, batch: _Batch) -> None:
        if isinstance(item, Skipped):
            self._summary.skipped.append(item)
        elif isinstance(item, Remark):
            self._summary.remarks.append(item)
        elif isinstance(item, FileBegins):
            self._file, self._doubles = item.file, []
        elif isinstance(item, FileEnds):
            self._end(item, batch)
        elif not self._seen.add(item.id):
            self._double(item.id, "its id was there before in this run; ids must be unique")
        else:
            owner = self._other_owner(item.id)
            if owner and (owner.path in self._touched or self._is_as_it_was(owner)):
                self._double(item.id, f"its id is that of a document in {owner.path}; ids must be unique")
                return
            if self._file:  # without the document, its owner is not as it was read either
                batch.begun |= {file.path: file for file in (self._file, owner) if file}
            self._take_document(item, batch)

    def _end(self, item: FileEnds, batch: _Batch) -> None:
        if not item.read:
            batch.touched.append(item.file)
            self._touched.add(item.file.path)
        elif self._doubles:  # read again each time, since the other document may be gone by then
            batch.finished.append(replace(item.file, reading=b"", skipped=[*item.file.skipped, *self._doubles]))
        else:
            batch.finished.append(item.file)
        self._file, self._doubles = None, []

    def _double(self, identifier: str, reason: str) -> None:
        self._doubles.append(Skipped(identifier, reason))
        self._summary.skipped.append(self._doubles[-1])

    def _other_owner(self, identifier: str) -> FileRecord | None:
        """The file that a document is of by now, where that is not the one that is being read."""
        owner = self._collection.files.of(identifier)
        return None if owner and self._file and owner.path == self._file.path else owner

    def _is_as_it_was(self, file: FileRecord) -> bool:
        """It holds its documents for sure; not so one that was not read to its end."""
        try:
            status = os.stat(file.path)
        except OSError:
            return False
        return (file.size, file.modified) == (status.st_size, status.st_mtime_ns)

    def _take_document(self, document: Document, batch: _Batch, *, counted: bool = True) -> None:
        origin = origin_of(document, self._file)
        left_out: Sequence[Span] = ()
        if origin and self._collection.leaves_out_boilerplate:
            left_out = boilerplate_spans(document.text, self._repeated(origin).__contains__)
        digest = digest_of(document, self._collection.budget, left_out)
        batch.last = document.id
        if self._collection.digest(document.id) == digest:
            self._summary.unchanged += counted
            if self._file and self._collection.files.owner(document.id) != self._file.path:
                batch.adopted[document.id] = (self._file, origin)
            return
        lang = document.lang or language_of(document.text)
        passages = passages_of(document.text, self._encoder, self._collection.budget, lang, left_out)
        batch.cut.append(CutDocument(document, lang, digest, passages, self._file, origin))
        batch.sentences += sum(len(passage.sentences) for passage in passages)

    def _repeated(self, origin: str) -> frozenset[int]:
        if origin not in self._repeats:
            self._repeats[origin] = self._collection.lines.repeated(origin)
        return self._repeats[origin]

    def leave_out_what_repeats(self) -> None:
        """Cut the documents anew of sources of which more lines are known to repeat by now. The lines are marked in the
        end: after an interruption, the next run does it."""
        if not self._collection.leaves_out_boilerplate:
            return
        newly = self._collection.lines.newly_repeated()
        for origin, keys in newly.items():
            self._repeats[origin] = self._repeated(origin) | keys
            batch = _Batch()
            for identifier in self._collection.lines.documents(origin):
                document = self._collection.document(identifier)
                self._file = self._collection.files.of(identifier)
                if document:
                    self._take_document(document, batch, counted=False)
                if batch.full:
                    self._commit_again(batch)
                    batch = _Batch()
            self._commit_again(batch)
        if newly:
            self._collection.leave_out(newly)

    def _commit_again(self, batch: _Batch) -> None:
        """Documents that have been counted already."""
        encoded, _ = encode(batch.cut, self._collection, self._encoder)
        if encoded:
            self._collection.put(encoded)

    def commit(self, batch: _Batch) -> None:
        encoded, reused = encode(batch.cut, self._collection, self._encoder)
        replaced = sum(self._collection.digest(item.document.id) is not None for item in encoded)
        gone = self._collection.put(
            encoded,
            begun=list(batch.begun.values()),
            adopted=batch.adopted,
            finished=batch.finished,
            touched=batch.touched,
            seen=self._seen,
        )
        self._summary.changed += replaced
        self._summary.added += len(encoded) - replaced
        self._summary.removed += len(gone)
        self._summary.passages += sum(len(item.passages) for item in encoded)
        self._summary.reused += reused
