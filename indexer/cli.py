"""The command `search-index`: files and folders -> a collection, and what else there is to do with one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from indexer import upkeep
from indexer.build import index_documents, open_or_create
from indexer.errors import SearchError
from indexer.lazy_encoder import load_encoder
from indexer.progress import display, say
from indexer.reading import SUFFIXES, Options, read_documents
from indexer.run_log import log_summary, logged_to
from indexer.stored_collection import model_of
from indexer.updating import update
from indexer.watching import changes

DONE, SKIPPED, ERROR, INTERRUPTED = 0, 1, 2, 130
_WITH_VALUE = ("--collection", "--model", "--column", "--boilerplate", "--log")
_IMPORT = "import"
_FIELDS = ("id", "title", "text", "lang", "date", "source", "url")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0: all indexed; 1: something was skipped, and named; 2: an error; 130: interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        place = _first_positional(given)
        if place is None:
            return _run(_parser().parse_args(given))
        word, others = given[place], given[:place] + given[place + 1 :]
        if word in upkeep.COMMANDS:
            return upkeep.run([word, *others])
        if word == _IMPORT:
            return _run(_parser().parse_args(others), importing=True)
        return _run(_parser().parse_args(given))
    except SearchError as error:
        say(str(error))
        return ERROR
    except KeyboardInterrupt:
        say("interrupted; what was committed stays, and the next run goes on from there")
        return INTERRUPTED


def _first_positional(arguments: Sequence[str]) -> int | None:
    """Where a PATH or a command stands."""
    place = 0
    while place < len(arguments):
        if not arguments[place].startswith("-") or arguments[place] == "-":
            return place
        place += 2 if arguments[place] in _WITH_VALUE else 1
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="search-index",
        description="Build or update a collection. Files that have not changed since are not opened; documents of "
        "files that have gone from a folder leave.",
        epilog=f"Formats: {' '.join(SUFFIXES)}. Or one of these instead of a PATH (write ./{upkeep.COMMANDS[0]} for a "
        f"file of that name): {', '.join(upkeep.COMMANDS)}; or `{_IMPORT} FILE`, for what `export` has written: its "
        f"documents belong to no file then. `search-index {upkeep.COMMANDS[0]} --help` says more. Exit "
        "status: 0 all indexed, 1 something skipped, 2 error.",
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files, folders, or - for standard input")
    parser.add_argument("--watch", action="store_true", help="go on: index what changes in the folders, until Ctrl-C")
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="FIELD=NAME",
        help=f"the column of a table, or field of JSON Lines, that holds one of {', '.join(_FIELDS)}; repeat for more",
    )
    parser.add_argument(
        "--boilerplate",
        choices=["leave-out", "keep"],
        help="lines that repeat on many documents of a source; as the collection has it, at first left out",
    )
    parser.add_argument("--keep-deleted", action="store_true", help="keep documents of files that are gone")
    parser.add_argument("--delete", nargs="+", default=[], metavar="ID", help="remove these documents")
    parser.add_argument("--json", action="store_true", help="what happens, as an object a line on standard output")
    parser.add_argument("--log", metavar="FILE", help="append what was done and skipped, with times")
    upkeep.add_collection(parser)
    parser.add_argument(
        "--model", metavar="NAME_OR_FOLDER", help="the model of a new collection: a hub name or a folder"
    )
    return parser


def _run(options: argparse.Namespace, *, importing: bool = False) -> int:
    if not options.paths and not options.delete:
        raise SearchError("no PATH given; name files or folders to index, `-` for standard input, or `status`")
    if importing and options.watch:
        raise SearchError("import --watch: what is imported is read once; leave out one of the two")
    folder = upkeep.folder_of(options)
    if options.delete:
        return upkeep.remove(folder, options.delete)
    with logged_to(options.log):
        return _index(folder, options, importing)


def _index(folder: Path, options: argparse.Namespace, importing: bool) -> int:
    reading = Options(columns=_columns(options.column))
    encoder = load_encoder(options.model or model_of(folder))
    with open_or_create(folder, encoder) as collection:
        if options.boilerplate:
            collection.leave_out_boilerplate(options.boilerplate == "leave-out")

        def once() -> int:
            with display(events=options.json) as shown:
                if importing:
                    found = read_documents(options.paths, reading)
                    summary = index_documents(found, collection, encoder, shown.progress)
                else:
                    kept = options.keep_deleted
                    summary = update(options.paths, collection, encoder, reading, shown.progress, keep_deleted=kept)
            shown.done(summary, folder)
            log_summary(summary, folder)
            return SKIPPED if summary.skipped else DONE

        status = once()
        if options.watch:
            say("watching for changes; stop with Ctrl-C")
            for _ in changes(options.paths):
                once()
    return status


def _columns(given: Sequence[str]) -> Mapping[str, str]:
    """`FIELD=NAME` each -> name -> field."""
    columns = {}
    for text in given:
        field, equals, name = text.partition("=")
        if not equals or not name or field not in _FIELDS:
            raise SearchError(f"--column {text}, expected FIELD=NAME with a field of {', '.join(_FIELDS)}")
        columns[name] = field
    return columns
