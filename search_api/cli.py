"""The command `search`: questions, ranked snippets, and out again.

A server that has the model loaded answers at once, so what only a search without one needs is imported when it is known
that there is none.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence

from indexer.errors import QueryError, SearchError
from search_api.command.options import add_common, search_parser
from search_api.command.output import prepare
from search_api.command.session import Session
from search_api.command.wanted import MOST_HITS, Wanted, wanted_of

__all__ = ["add_common", "guarded", "main", "notice"]

HITS, NO_HITS, ERROR, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """`search`: exit status 0 with hits, 1 without, 2 for an error."""
    prepare()
    return guarded(lambda: _run(search_parser().parse_args(arguments)))


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


def _run(options: argparse.Namespace) -> int:
    if options.completion:
        from search_api.command.completion import script  # nothing else needs it

        print(script(options.completion), end="")
        return HITS
    if options.complete:
        from search_api.command.completion import values

        print("\n".join(values(options.complete, options)))
        return HITS
    form = "json" if options.json else options.format or "text"
    if options.json and options.format not in (None, "json"):
        raise SearchError(f"--json with --format {options.format}; leave out one of the two")
    many = options.stdin or options.query == ["-"]
    wanted = wanted_of(options)
    if options.interactive:
        return _prompt(wanted, options, many)
    if many:
        return _answer_all(wanted, options, form)
    if not options.query:
        raise SearchError("no question given; write some words, - to read questions from standard input, or -i")
    return _answer_one(wanted.asking(" ".join(options.query)), options, form)


def _answer_one(wanted: Wanted, options: argparse.Namespace, form: str) -> int:
    number = _number(wanted, options, form)
    session = Session(options, notice, form)
    answer = session.answer(wanted._replace(limit=max(wanted.limit, number - wanted.offset)))
    if number and answer["hits"]:
        hit = session.hit(answer, wanted, number)
        if options.open is not None:
            session.open(hit)
        if options.full is not None:
            session.show(hit)
        return HITS
    session.print(answer)
    if not answer["hits"]:
        session.tell_none(wanted)
    if form == "text":
        session.tell_sample()
    return HITS if answer["hits"] else NO_HITS


def _number(wanted: Wanted, options: argparse.Namespace, form: str) -> int:
    """Of the hit that is asked for by --open or --full; 0 for none."""
    asked = {name: number for name in ("open", "full") if (number := getattr(options, name)) is not None}
    for name, number in asked.items():
        if not wanted.offset < number <= MOST_HITS:
            raise SearchError(f"--{name} {number}, expected the number of a hit, {wanted.offset + 1} to {MOST_HITS}")
    if len(set(asked.values())) > 1:
        raise SearchError(f"--open {options.open} --full {options.full}; expected the same hit, or one of the two")
    if options.full is not None and form not in ("text", "json"):
        raise SearchError(f"--full with --format {form}, expected text or json")
    return next(iter(asked.values()), 0)


def _answer_all(wanted: Wanted, options: argparse.Namespace, form: str) -> int:
    """Every question of standard input, in order; one that makes no sense is named, and the others answered."""
    if options.open is not None or options.full is not None or options.query not in ([], ["-"]):
        raise SearchError(
            "questions from standard input; leave out --open, --full and the question on the command line"
        )
    session = Session(options, notice, form, many=True)
    found = failed = False
    for number, line in _questions():
        try:
            asked = wanted.asking(line)
            answer = session.answer(asked)
        except QueryError as error:
            notice(f"line {number}: {error}")
            failed = True
            continue
        session.print(answer)
        sys.stdout.flush()  # whoever reads this may be waiting for it before asking on
        if not answer["hits"]:
            session.tell_none(asked)
        found = found or bool(answer["hits"])
    return ERROR if failed else HITS if found else NO_HITS


def _questions() -> Iterator[tuple[int, str]]:
    """(number, line) of standard input without empty lines, as soon as each is there."""
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(
            encoding=None if os.environ.get("PYTHONIOENCODING") or sys.stdin.isatty() else "utf-8",
            errors="surrogateescape",
        )
    for number, line in enumerate(iter(sys.stdin.readline, ""), start=1):
        if question := line.lstrip("\ufeff").strip():
            yield number, question


def _prompt(wanted: Wanted, options: argparse.Namespace, many: bool) -> int:
    others = (options.query, options.json, options.format, options.open is not None, options.full is not None)
    if many or any(others):
        raise SearchError(
            "-i asks for questions at a prompt; leave out the question, --stdin, --format, --open, --full"
        )
    from search_api.command.prompt import Prompt  # needs the terminal's line editor

    Prompt(Session(options, notice), wanted, notice).converse()
    return HITS
