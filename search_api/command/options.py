"""The options of the command `search`."""

from __future__ import annotations

import argparse

from search_api.command.wanted import MODES

FORMATS = ("text", "json", "csv", "md")
SHELLS = ("bash", "zsh", "fish")


def search_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="search",
        description="Ranked snippets from documents in any language, for a question in any language.",
        epilog="Index your own files with: search-index PATH. Exit status: 0 hits, 1 none, 2 error.",
    )
    parser.add_argument(
        "query", nargs="*", help="the question; several words need no quotes; - reads questions from standard input"
    )
    _add_filters(parser.add_argument_group("what may answer"))
    _add_output(parser.add_argument_group("what is printed"))
    _add_ways(parser.add_argument_group("other ways to ask"))
    add_common(parser)
    return parser


def _add_filters(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--lang",
        action="append",
        default=[],
        metavar="CODE",
        help="only passages in this language; repeat for several (ar, en, ja, zh, ...)",
    )
    group.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="NAME",
        help="only documents of this source; repeat for several",
    )
    group.add_argument(
        "--since", metavar="DATE", help="from YYYY, YYYY-MM or YYYY-MM-DD on, or the last 7d, 2w, 3m, 1y"
    )
    group.add_argument("--until", metavar="DATE", help="up to a date, that day included")
    group.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="FIELD:VALUE",
        help="only documents with this in a field of their own, such as author:Sato; repeat for more",
    )
    group.add_argument("--mode", choices=MODES, default=MODES[0], help="by meaning, by exact words, or both (hybrid)")


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument("-n", "--limit", type=int, default=10, metavar="N", help="documents at most (10)")
    group.add_argument("--offset", type=int, default=0, metavar="N", help="leave out the first N")
    group.add_argument("--format", choices=FORMATS, help="text, one JSON object a line, a table, or Markdown (text)")
    group.add_argument("--json", action="store_true", help="the same as --format json")
    group.add_argument(
        "--no-collapse", action="store_true", help="documents that tell the same story as hits of their own"
    )
    group.add_argument("--explain", action="store_true", help="what each stage of ranking contributed")
    group.add_argument(
        "--full", type=int, metavar="N", help="the whole document of hit N, at the sentence that answers"
    )
    group.add_argument("--open", type=int, metavar="N", help="open the file or web page of hit N")


def _add_ways(group: argparse._ArgumentGroup) -> None:
    group.add_argument("-i", "--interactive", action="store_true", help="a prompt for questions; :help says more")
    group.add_argument("--stdin", action="store_true", help="questions from standard input, one a line, in order")
    group.add_argument("--no-server", action="store_true", help="load the model, though a server could answer")
    group.add_argument("--completion", choices=SHELLS, help="print the completion script for a shell")
    group.add_argument("--complete", choices=["languages", "sources"], help=argparse.SUPPRESS)


def add_common(parser: argparse.ArgumentParser) -> None:
    """What `search` and `search-serve` share."""
    parser.add_argument(
        "--collection", metavar="DIR", help="the collection (SEARCH_COLLECTION, else your own, else the sample)"
    )
    parser.add_argument("--sample", action="store_true", help="the sample collection, though there is one of your own")
    parser.add_argument(
        "--model", metavar="NAME_OR_FOLDER", help="the model (SEARCH_MODEL, else the one the collection was made with)"
    )
