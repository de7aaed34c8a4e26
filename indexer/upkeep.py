"""What there is to do with a collection beside filling it: `search-index status`, `rm`, `verify` and others."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from indexer import exchange, vector_index
from indexer.backup import backup
from indexer.build import update_indexes
from indexer.collection_view import CollectionView
from indexer.compaction import compact
from indexer.errors import SearchError
from indexer.paths import default_collection_folder
from indexer.progress import say
from indexer.stored_collection import StoredCollection
from indexer.verification import verify

DONE, WRONG = 0, 1
_ERRORS_SHOWN = 10


def run(arguments: Sequence[str]) -> int:
    """The exit status: 0, or 1 where something is wrong or was not there. Raises SearchError."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.run
    return command(options)


def add_collection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--collection", metavar="DIR", help="where the collection is or will be (SEARCH_COLLECTION)")


def folder_of(options: argparse.Namespace) -> Path:
    return Path(options.collection).expanduser() if options.collection else default_collection_folder()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="search-index")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        add_collection(command)
        command.set_defaults(run=run)
        return command

    status = add("status", _status, "what is in the collection, and what could not be read")
    status.add_argument("--json", action="store_true", help="as one JSON object")
    removing = add("rm", _remove, "remove documents, or all of a file or a folder, until the file changes")
    removing.add_argument("names", nargs="+", metavar="ID_OR_PATH")
    add("verify", _verify, "check everything that is stored; exit with 1 where something is wrong")
    add("compact", _compact, "give back the room of what was removed")
    exporting = add("export", _export, "write all documents to a file, or - for standard output")
    exporting.add_argument("file", metavar="FILE", help="JSON Lines (.jsonl), or Parquet (.parquet)")
    exporting.add_argument("--vectors", action="store_true", help="passages with their vectors instead (.parquet)")
    copying = add("backup", _backup, "copy the collection while it is in use")
    copying.add_argument("folder", type=Path, metavar="DIR", help="a new folder")
    add("upgrade", _upgrade, "bring a collection of an earlier version up to date")
    return parser


COMMANDS = ("status", "rm", "verify", "compact", "export", "backup", "upgrade")


def _status(options: argparse.Namespace) -> int:
    folder = folder_of(options)
    with StoredCollection.open(folder) as collection:
        statistics = collection.statistics()
        troubled = collection.files.with_skipped()
        drift = _drift(collection)
    errors = [(own.name, own.reason) for record in troubled for own in record.skipped]
    if options.json:
        print(
            json.dumps(
                {
                    "collection": str(folder),
                    **asdict(statistics),
                    "drift": drift,
                    "errors": [{"name": name, "reason": reason} for name, reason in errors],
                },
                ensure_ascii=False,
            )
        )
        return DONE
    languages = ", ".join(f"{lang} {count}" for lang, count in statistics.documents_by_language.items()) or "none"
    print(f"collection  {folder}")
    print(f"model       {statistics.model}")
    print(f"documents   {statistics.documents} ({languages})")
    print(f"files       {statistics.files}")
    print(f"passages    {statistics.passages}")
    if statistics.copies:
        print(f"copies      {statistics.copies} documents are copies of others")
    if statistics.repeated_lines:
        print(f"left out    {statistics.repeated_lines} lines that stand on many documents of a source")
    print(f"size        {statistics.bytes / 1e6:.1f} MB")
    if drift is None:
        print("drift       unknown: no index; the next search makes it")
    else:
        print(f"drift       {drift:.4f} (above {vector_index.MAX_DRIFT} the index is made anew)")
    if errors:
        print(f"not read    {len(errors)}")
        for name, reason in errors[:_ERRORS_SHOWN]:
            print(f"  {name}: {reason}")
        if len(errors) > _ERRORS_SHOWN:
            print(f"  and {len(errors) - _ERRORS_SHOWN} more; --json names them all")
    return DONE


def _drift(collection: CollectionView) -> float | None:
    """How far the language means have moved since the index of vectors was made; None where there is no index."""
    saved = vector_index.load_saved(collection)
    return None if saved is None else saved.drift(collection.language_means().passages)


def _remove(options: argparse.Namespace) -> int:
    return remove(folder_of(options), options.names)


def remove(folder: Path, names: Sequence[str]) -> int:
    """Documents by id, of files by path, and of all below folders; they stay away until their files change."""
    with StoredCollection.open(folder, writable=True) as collection:
        removed, missing = 0, []
        for name in dict.fromkeys(names):
            of_files = [own for path in collection.files.named(name) for own in collection.files.documents(path)]
            count = len(collection.delete([name])) or len(collection.delete(of_files))
            removed += count
            if not count:
                missing.append(name)
        if removed:
            update_indexes(collection)
    for name in missing:
        say(f"no document, file or folder {name} in {folder}")
    say(f"{removed} removed")
    return WRONG if missing else DONE


def _verify(options: argparse.Namespace) -> int:
    with StoredCollection.open(folder_of(options)) as collection:
        wrong = verify(collection)
        documents = collection.statistics().documents
    for line in wrong:
        say(line)
    say(
        f"{documents} documents checked; {len(wrong)} things are wrong"
        if wrong
        else f"{documents} documents; all whole"
    )
    return WRONG if wrong else DONE


def _compact(options: argparse.Namespace) -> int:
    with StoredCollection.open(folder_of(options), writable=True) as collection:
        before, after = compact(collection)
    say(f"{before / 1e6:.1f} MB before, {after / 1e6:.1f} MB now")
    return DONE


def _export(options: argparse.Namespace) -> int:
    file = Path(options.file)
    if options.vectors and file.suffix != ".parquet":
        raise SearchError(f"--vectors to {options.file}, expected a name that ends in .parquet")
    with StoredCollection.open(folder_of(options)) as collection:
        if options.file == "-":
            count = exchange.export_jsonl(collection, sys.stdout)
        elif options.vectors:
            count = exchange.export_vectors(collection, file)
        elif file.suffix == ".parquet":
            count = exchange.export_parquet(collection, file)
        elif file.suffix in (".jsonl", ".ndjson"):
            count = exchange.export_jsonl_file(collection, file)
        else:
            raise SearchError(f"export to {options.file}, expected a name that ends in .jsonl or .parquet, or -")
    say(f"{options.file}: {count} {'passages' if options.vectors else 'documents'}")
    return DONE


def _backup(options: argparse.Namespace) -> int:
    with StoredCollection.open(folder_of(options)) as collection:
        size = backup(collection, options.folder)
    say(f"{options.folder}: {size / 1e6:.1f} MB")
    return DONE


def _upgrade(options: argparse.Namespace) -> int:
    folder = folder_of(options)
    with StoredCollection.open(folder, writable=True) as collection:
        update_indexes(collection)
    say(f"{folder} is up to date")
    return DONE
