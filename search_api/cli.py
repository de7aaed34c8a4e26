"""The command `search`: one question, ranked snippets, and out again."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence

from indexer.errors import SearchError
from indexer.models import load_query_encoder
from search_api.opening import OpenSearcher, open_searcher, with_options
from search_api.question import checked_query
from search_api.searcher import MOST_HITS, Results
from search_api.settings import Settings
from search_api.terminal import lines_of

HITS, NO_HITS, ERROR, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """`search`: exit status 0 with hits, 1 without, 2 for an error."""
    return guarded(lambda: _search(_search_parser().parse_args(arguments)))


def guarded(command: Callable[[], int]) -> int:
    """A user's mistake is one line on stderr, never a traceback."""
    try:
        status = command()
        sys.stdout.flush()
        return status
    except SearchError as error:
        notice(str(error))
        return ERROR
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has what it wanted: `| head`
        return HITS


def notice(text: str) -> None:
    """One line on stderr, whatever it holds."""
    line = f"search: {text}"
    print(line.encode("utf-8", "replace").decode("utf-8"), file=sys.stderr, flush=True)


def _search_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="search",
        description="Ranked snippets from documents in any language, for a question in any language.",
        epilog="Index your own files with: search-index PATH. Exit status: 0 hits, 1 none, 2 error.",
    )
    parser.add_argument("query", nargs="+", help="the question; several words need no quotes")
    parser.add_argument("-n", "--limit", type=int, default=10, metavar="N", help="documents at most (10)")
    parser.add_argument(
        "--lang",
        action="append",
        default=[],
        metavar="CODE",
        help="only passages in this language; repeat for several (ar, en, ja, zh, ...)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line, for programs")
    parser.add_argument(
        "--no-collapse", action="store_true", help="documents that tell the same story as hits of their own"
    )
    parser.add_argument("--explain", action="store_true", help="what each stage of ranking contributed")
    add_common(parser)
    return parser


def add_common(parser: argparse.ArgumentParser) -> None:
    """What `search` and `search-serve` share."""
    parser.add_argument(
        "--collection", metavar="DIR", help="the collection (SEARCH_COLLECTION, else your own, else the sample)"
    )
    parser.add_argument("--sample", action="store_true", help="the sample collection, though there is one of your own")
    parser.add_argument(
        "--model", metavar="NAME_OR_FOLDER", help="the model (SEARCH_MODEL, else the one the collection was made with)"
    )


def _search(options: argparse.Namespace) -> int:
    query = checked_query(" ".join(options.query))  # before anything slow
    if not 1 <= options.limit <= MOST_HITS:
        raise SearchError(f"--limit {options.limit}, expected 1 to {MOST_HITS}")
    settings = with_options(Settings.from_environment(), options.collection, options.model, sample=options.sample)
    opened = open_searcher(settings, notice, load_query_encoder)
    results = opened.searcher.search(
        query, options.limit, options.lang, collapse=not options.no_collapse, explain=options.explain
    )
    if options.json:
        _print_json(results)
    else:
        _print_text(results, opened, options.lang)
    return HITS if results.hits else NO_HITS


def _print_json(results: Results) -> None:
    for hit in results.hits:
        print(json.dumps(hit.fields(), ensure_ascii=False))


def _print_text(results: Results, opened: OpenSearcher, langs: Sequence[str]) -> None:
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    width = min(shutil.get_terminal_size((100, 24)).columns, 110)
    for hit in results.hits:
        print("\n".join(lines_of(hit, width, color)) + "\n")
    if not results.hits:
        held = ", ".join(sorted(opened.store.languages())) or "nothing yet"
        wanted = f" in {', '.join(langs)}" if langs else ""
        notice(f"nothing found{wanted}; the collection holds passages in: {held}")
    if opened.is_sample:
        notice("this is the sample collection; index your own files with: search-index PATH")
