"""The command `search-index`: files and folders -> a collection."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from indexer.build import Summary, index_documents, open_or_create, update_indexes
from indexer.collection import Collection
from indexer.documents import SUFFIXES, read_documents
from indexer.errors import SearchError
from indexer.models import load_encoder
from indexer.paths import default_collection_folder

DONE, SKIPPED, ERROR, INTERRUPTED = 0, 1, 2, 130
_NAMED = 50  # skipped files named before the rest are only counted


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0: all indexed; 1: something was skipped, and named; 2: an error; 130: interrupted."""
    try:
        return _run(_parser().parse_args(arguments))
    except SearchError as error:
        _say(str(error))
        return ERROR
    except KeyboardInterrupt:
        _say("interrupted; what was committed stays, and the next run goes on from there")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="search-index",
        description="Build or update a collection. Files that have not changed since are not encoded again.",
        epilog=f"Formats: {' '.join(sorted(SUFFIXES))}, UTF-8. "
        "Exit status: 0 all indexed, 1 something skipped, 2 error.",
    )
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="files, folders, or - for standard input; `status` shows what is in the collection",
    )
    parser.add_argument("--delete", nargs="+", default=[], metavar="ID", help="remove these documents")
    parser.add_argument("--collection", metavar="DIR", help="where the collection is or will be (SEARCH_COLLECTION)")
    parser.add_argument(
        "--model", metavar="NAME_OR_FOLDER", help="the model of a new collection: a hub name or a folder"
    )
    return parser


def _run(options: argparse.Namespace) -> int:
    if not options.paths and not options.delete:
        raise SearchError("no PATH given; name files or folders to index, `-` for standard input, or `status`")
    folder = Path(options.collection).expanduser() if options.collection else default_collection_folder()
    if options.delete:
        return _delete(folder, options.delete)
    if options.paths == ["status"]:
        return _status(folder)
    return _index(folder, options)


def _index(folder: Path, options: argparse.Namespace) -> int:
    model = options.model
    if model is None and Collection.exists(folder):
        with Collection.open(folder) as existing:
            model = existing.model
    encoder = load_encoder(model)
    with open_or_create(folder, encoder) as collection, _bar() as bar:
        task = bar.add_task("indexing", total=None)

        def progress(summary: Summary, document_id: str) -> None:
            bar.update(task, description=f"{summary.seen} documents, {summary.passages} passages · {document_id[-50:]}")

        summary = index_documents(read_documents(options.paths), collection, encoder, progress)
    _report(summary, folder)
    return SKIPPED if summary.skipped else DONE


def _bar() -> Progress:
    """On a terminal only; elsewhere nothing but the summary is printed."""
    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(20),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _report(summary: Summary, folder: Path) -> None:
    for skipped in summary.skipped[:_NAMED]:
        _say(f"skipped {skipped.name}: {skipped.reason}")
    if len(summary.skipped) > _NAMED:
        _say(f"skipped {len(summary.skipped) - _NAMED} more")
    _say(
        f"{summary.added} added, {summary.changed} changed, {summary.unchanged} unchanged, "
        f"{len(summary.skipped)} skipped; {summary.passages} passages encoded; collection {folder}"
    )


def _delete(folder: Path, ids: Sequence[str]) -> int:
    with Collection.open(folder, writable=True) as collection:
        deleted = collection.delete(ids)
        update_indexes(collection)
    for missing in sorted(set(ids) - set(deleted)):
        _say(f"no document {missing} in {folder}")
    _say(f"{len(deleted)} deleted")
    return DONE if len(deleted) == len(set(ids)) else SKIPPED


def _status(folder: Path) -> int:
    with Collection.open(folder) as collection:
        statistics = collection.statistics()
    languages = ", ".join(f"{lang} {count}" for lang, count in statistics.documents_by_language.items()) or "none"
    print(f"collection  {folder}")
    print(f"model       {statistics.model}")
    print(f"documents   {statistics.documents} ({languages})")
    print(f"passages    {statistics.passages}")
    print(f"size        {statistics.bytes / 1e6:.1f} MB")
    return DONE


def _say(text: str) -> None:
    print(f"search-index: {text}".encode("utf-8", "replace").decode("utf-8"), file=sys.stderr, flush=True)
