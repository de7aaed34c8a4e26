"""BM25 over the words of a collection's passages, and phrases: derived, checked, and rebuilt whenever in doubt.

The only file that imports tantivy. Beside the collection lies a folder with a manifest and the folder of tantivy's
files that it names. Those never change: what brings them up to date works on hard links in a folder of its own, and
then names that in the manifest, so that readers have one state or the other. What does not fit is thrown away and made
again from the collection.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import secrets
import shutil
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import tantivy
from filelock import FileLock
from numpy.typing import NDArray
from tantivy import Occur, Query
from tantivy.tantivy import __version__ as _tantivy_version

from indexer.checked_file import read_arrays, write_arrays
from indexer.collection import Collection
from indexer.words import terms_of, weights_of, words_of

Ids = NDArray[np.int64]
Scores = NDArray[np.float32]

_FORMAT = 1
"""Raise when words, terms or fields change."""
_MADE_BY = f"{_FORMAT}, Unicode {unicodedata.unidata_version}, {_tantivy_version}"

_HOME = "lexical.index"
_MANIFEST = "manifest"
_LOCK = "lock"
_REWRITTEN = ("meta.json", ".managed.json")
"""Files that tantivy writes again under the same name; all others keep what they were written with."""

MAX_TERMS = 32
"""Of a query's terms, only this many are looked up, the rarest ones: a sentence of five words has as many, and the
common trigrams that longer questions lose say next to nothing (figures in docs/ranking.md)."""
MAX_DEAD = 0.5
"""Deleted passages count in document frequencies until their segment is merged; a larger share asks for a new index."""

_K1 = 1.2  # tantivy's, as is b = 0.75
_FEW = 1_000  # ids that a query can name one by one; more are cheaper to find among the best of all
_HEAP = 128_000_000  # bytes; a new segment begins when they are full


class _Chosen(NamedTuple):
    """What is looked up for a query."""

    any_term: Query | None
    """None where no passage holds any of its terms."""
    best_possible: float


class LexicalIndex:
    """An index as of one version of the collection. Methods may be called from several threads."""

    def __init__(self, searcher: tantivy.Searcher, counted: int, version: int, state: bytes) -> None:
        """`counted`: the passages behind the document frequencies, with deleted ones that no merge has removed."""
        self.version = version
        """The collection's version that the index covers."""
        self.state = state
        """The mark of the collection at that version."""
        self._searcher = searcher
        self._counted = counted
        self._last: tuple[str, _Chosen] = ("", _Chosen(None, 0.0))

    def __len__(self) -> int:
        return self._searcher.num_docs

    def search(self, query: str, limit: int, among: Ids | None = None) -> tuple[Ids, Scores]:
        """The `limit` passages (of `among`, where given) with the largest BM25, which counts each term once.

        Returns (ids, scores), best first; fewer where fewer hold any of the terms.
        """
        limit = min(limit, len(self))
        any_term = self._chosen(query).any_term
        if limit == 0 or any_term is None or (among is not None and len(among) == 0):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if among is None:
            return self._hits(any_term, limit)
        if len(among) <= _FEW:
            among = np.unique(among)
            scores = self.scores(query, among)
            best = np.argsort(-scores, kind="stable")[: min(limit, np.count_nonzero(scores))]
            return among[best], scores[best]
        fetched = 2 * limit * max(1, len(self) // len(among))
        while True:
            fetched = min(fetched, len(self))
            ids, scores = self._hits(any_term, fetched)
            wanted = np.isin(ids, among)
            if np.count_nonzero(wanted) >= limit or len(ids) < fetched or fetched == len(self):
                return ids[wanted][:limit], scores[wanted][:limit]
            fetched *= 8

    def scores(self, query: str, ids: Ids) -> Scores:
        """BM25 of given passages, as `search` gives it; 0 where no term is found, and for what is no passage."""
        any_term = self._chosen(query).any_term
        found: dict[int, float] = {}
        if any_term is not None and len(self):
            for start in range(0, len(ids), _FEW):
                part = ids[start : start + _FEW].tolist()
                query_among = Query.boolean_query([(Occur.Must, any_term), (Occur.Must, _one_of(part))])
                found_ids, scores = self._hits(query_among, len(part))
                found.update(zip(found_ids.tolist(), scores.tolist(), strict=True))
        return np.array([found.get(identifier, 0.0) for identifier in ids.tolist()], np.float32)

    def best_possible(self, query: str) -> float:
        """What no passage's BM25 for this query can exceed, as if it held each term infinitely often.

        Terms that no passage holds count as well, as the rarest.
        """
        return self._chosen(query).best_possible

    def phrase(self, words: Sequence[str], limit: int) -> Ids:
        """Passages that hold folded words side by side in this order; at most `limit`, which of them is undefined."""
        limit = min(limit, len(self))
        if limit == 0 or not words:
            return np.empty(0, np.int64)
        if len(words) == 1:
            query = Query.term_query(_SCHEMA, "words", words[0], index_option="basic")
        else:
            query = Query.phrase_query(_SCHEMA, "words", list(words))
        return self._hits(Query.const_score_query(query, 1.0), limit)[0]

    def _hits(self, query: Query, limit: int) -> tuple[Ids, Scores]:
        hits = self._searcher.search(query, limit, count=False).hits
        ids = self._searcher.fast_field_values("id", [address for _, address in hits])
        return np.array(ids, np.int64), np.array([score for score, _ in hits], np.float32)

    def _chosen(self, query: str) -> _Chosen:
        """The last one is kept, because a query is mostly searched, scored and bounded in a row."""
        last, chosen = self._last
        if last != query:
            chosen = self._choose(query)
            self._last = (query, chosen)
        return chosen

    def _choose(self, query: str) -> _Chosen:
        weights = weights_of(words_of(query))
        frequencies = [(self._searcher.doc_freq("terms", term), term) for term in weights]
        held = sorted(item for item in frequencies if item[0])[:MAX_TERMS]
        absent = sum(weights[term] for frequency, term in frequencies if frequency == 0)
        best = (_K1 + 1) * (
            absent * self._idf(0) + sum(weights[term] * self._idf(frequency) for frequency, term in held)
        )
        terms = [(Occur.Should, _weighted(term, weights[term])) for _, term in held]
        return _Chosen(Query.boolean_query(terms) if terms else None, best)

    def _idf(self, frequency: int) -> float:
        return math.log1p((self._counted - frequency + 0.5) / (frequency + 0.5))


def _weighted(term: str, weight: float) -> Query:
    return Query.boost_query(Query.term_query(_SCHEMA, "terms", term, index_option="freq"), weight)


def _one_of(ids: Sequence[int]) -> Query:
    """Adds nothing to the score. A term set would need seven times as long for 200 ids."""
    each = [(Occur.Should, Query.term_query(_SCHEMA, "id", identifier, index_option="basic")) for identifier in ids]
    return Query.const_score_query(Query.boolean_query(each), 0.0)


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("id", indexed=True, fast=True)
    builder.add_text_field("terms", tokenizer_name="between spaces", index_option="freq")
    builder.add_text_field("words", tokenizer_name="between spaces", index_option="position")
    return builder.build()


_SCHEMA = _schema()


def open_index(collection: Collection) -> LexicalIndex:
    """The index of a collection as it is now: the saved one where it is whole, brought up to date, else a new one.

    What was made anew is saved where the folder can be written; other processes wait for it. Elsewhere a saved index
    is brought up to date in a temporary folder, and a new one is made in memory.
    """
    home = collection.folder / _HOME
    with _alone(home) as writable:
        saved = _read_manifest(home)
        while True:
            # What was saved before the snapshot began is never newer than it.
            with collection.snapshot():
                if saved and (found := _from_saved(saved, collection, home if writable else None)):
                    return found
                newer = _read_manifest(home)
                if newer is None or (saved and newer.folder == saved.folder):
                    return _new(collection, home if writable else None)
            saved = newer  # another process has saved it meanwhile, which can only be where we may not write


@contextmanager
def _alone(home: Path) -> Iterator[bool]:
    """One process or thread at a time, where the folder can be written: yields whether it can."""
    lock = FileLock(home / _LOCK)
    try:
        home.mkdir(exist_ok=True)
        lock.acquire()
    except (OSError, NotImplementedError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


@dataclass(frozen=True)
class _Saved:
    folder: Path
    version: int
    state: bytes
    ids: Ids
    digests: Mapping[str, bytes]
    """Of each of tantivy's files, by name."""


def _read_manifest(home: Path) -> _Saved | None:
    saved = read_arrays(home / _MANIFEST)
    if saved is None:
        return None
    try:
        if str(saved["made_by"]) != _MADE_BY:
            return None
        digests = dict(zip(saved["files"].tolist(), map(bytes, saved["digests"]), strict=True))
        folder = home / str(saved["folder"])
        return _Saved(folder, int(saved["version"]), saved["state"].tobytes(), saved["ids"], digests)
    except (KeyError, ValueError, TypeError):
        return None  # whole, but saved by another release of this program


def _from_saved(saved: _Saved, collection: Collection, home: Path | None) -> LexicalIndex | None:
    """The saved index as it is or brought up to date; None where it does not fit, or cannot be used."""
    if collection.state(saved.version) != saved.state:
        return None  # of another collection, or of changes that a restored backup has not seen
    try:
        if any(_digest(saved.folder / name) != digest for name, digest in saved.digests.items()):
            return None
        if saved.version == collection.version():
            if home:
                _remove_others(home, saved.folder)
            return _open_saved(saved)
        wanted = collection.passage_ids()
        counted = _counted(saved.folder)
        if counted - np.isin(saved.ids, wanted).sum() > MAX_DEAD * counted:
            return None
    except (OSError, ValueError):
        return None
    if home:
        with suppress(OSError, ValueError):
            return _make(home, collection, wanted, saved)
    with suppress(OSError, ValueError), _temporary_folder() as place:
        return _catch_up(place, collection, wanted, saved)
    return None


def _new(collection: Collection, home: Path | None) -> LexicalIndex:
    ids = collection.passage_ids()
    if home:
        # A full disk: the index in memory is as good, only not there next time.
        with suppress(OSError, ValueError):
            return _make(home, collection, ids, None)
    index = tantivy.Index(_SCHEMA)
    _write(index, collection.passage_texts())
    return _opened(index, len(ids), collection)


def _make(home: Path, collection: Collection, ids: Ids, saved: _Saved | None) -> LexicalIndex:
    """Bring the saved index up to date, or make a new one, and save it. Raises OSError, and tantivy's ValueError."""
    folder = home / secrets.token_hex(8)
    try:
        folder.mkdir()
        if saved:
            made = _catch_up(folder, collection, ids, saved)
        else:
            index = tantivy.Index(_SCHEMA, path=str(folder))
            _write(index, collection.passage_texts())
            made = _opened(index, _counted(folder), collection)
        kept = {name: digest for name, digest in saved.digests.items() if name not in _REWRITTEN} if saved else {}
        files = sorted(file for file in folder.iterdir() if file.suffix != ".lock")
        digests = [kept.get(file.name) or _digest(file) for file in files]
        write_arrays(
            home / _MANIFEST,
            {
                "made_by": np.array(_MADE_BY),
                "folder": np.array(folder.name),
                "version": np.array(made.version, np.int64),
                "state": np.frombuffer(made.state, np.uint8),
                "ids": ids,
                "files": np.array([file.name for file in files]),
                "digests": np.frombuffer(b"".join(digests), np.uint8).reshape(len(files), -1),
            },
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _remove_others(home, folder)
    return made


def _remove_others(home: Path, folder: Path) -> None:
    """Earlier states, and what is left of processes that were killed."""
    for other in home.iterdir():
        if other.is_dir() and other != folder:
            shutil.rmtree(other, ignore_errors=True)


def _catch_up(folder: Path, collection: Collection, ids: Ids, saved: _Saved) -> LexicalIndex:
    """In a folder of its own: take off what has left the collection, add what has come."""
    _bring(saved, folder, os.link)
    index = tantivy.Index.open(str(folder))
    come = ids[~np.isin(ids, saved.ids)].tolist()
    _write(index, collection.passage_texts(come), saved.ids[~np.isin(saved.ids, ids)].tolist())
    return _opened(index, _counted(folder), collection)


def _bring(saved: _Saved, folder: Path, link: Callable[[Path, Path], object]) -> None:
    for name in saved.digests:
        source, target = saved.folder / name, folder / name
        if name not in _REWRITTEN:
            with suppress(OSError, NotImplementedError):
                link(source, target)
        if not target.exists():
            shutil.copyfile(source, target)


def _write(index: tantivy.Index, blocks: Iterator[list[tuple[int, str]]], gone: Sequence[int] = ()) -> None:
    index.register_tokenizer("between spaces", _BETWEEN_SPACES)
    writer = index.writer(heap_size=_HEAP, num_threads=1)
    if gone:
        writer.delete_documents_by_query(Query.term_set_query(_SCHEMA, "id", gone))
    for block in blocks:
        for identifier, text in block:
            words = words_of(text)
            document = tantivy.Document()
            document.add_unsigned("id", identifier)
            document.add_text("terms", " ".join(terms_of(words)))
            document.add_text("words", " ".join(word.text for word in words))
            writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()


_BETWEEN_SPACES = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
"""Not by tantivy's own name for it, so that no filter of letters or lengths comes with it."""


def _opened(index: tantivy.Index, counted: int, collection: Collection) -> LexicalIndex:
    version = collection.version()
    return LexicalIndex(_searcher(index), counted, version, collection.state(version) or b"")


def _searcher(index: tantivy.Index) -> tantivy.Searcher:
    """It has all files open, so that their folder may go, at least on POSIX."""
    index.config_reader("manual")
    index.reload()
    return index.searcher()


def _open_saved(saved: _Saved) -> LexicalIndex:
    """Raises OSError, and tantivy's ValueError."""
    counted = _counted(saved.folder)
    try:
        searcher = _searcher(tantivy.Index.open(str(saved.folder)))
    except ValueError:  # in a folder that nobody may write, tantivy cannot take the lock that it reads with
        with _temporary_folder() as place:
            _bring(saved, place, os.symlink)
            searcher = _searcher(tantivy.Index.open(str(place)))
    return LexicalIndex(searcher, counted, saved.version, saved.state)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="lexical-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _counted(folder: Path) -> int:
    """The passages in all segments, with the deleted ones, which tantivy counts in document frequencies."""
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_text())
    return sum(segment["max_doc"] for segment in meta["segments"])


def _digest(file: Path) -> bytes:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).digest()
