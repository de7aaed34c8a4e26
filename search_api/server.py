"""The command `search-serve`: the API over one collection, on loopback, until it is interrupted."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from indexer.errors import SettingsError
from search_api.cli import add_common
from search_api.cli import guarded as without_traceback
from search_api.keys import read_keys
from search_api.keys_command import add_keys_command, run_keys_command
from search_api.settings import ServiceSettings, Settings, is_loopback, settable, variable_of

_EPILOG = "Options may stand in the environment, under the names in brackets. Exit status: 0 stopped, 2 error."


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when stopped, 2 for an error."""
    options = _parser().parse_args(arguments)
    run = run_keys_command if options.command == "keys" else _serve
    return without_traceback(lambda: run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="search-serve", description="The search API over one collection.", epilog=_EPILOG, allow_abbrev=False
    )
    add_common(parser)
    for own in settable():
        flag, told = f"--{own.name.replace('_', '-')}", f"{own.metadata['help']} [{variable_of(own)}"
        if own.metadata["metavar"]:
            shown = f"; {_shown(own.default)}]" if own.default not in (None, ()) else "]"
            parser.add_argument(flag, metavar=own.metadata["metavar"], help=told + shown)
        else:
            parser.add_argument(flag, action="store_const", const="yes", help=f"{told}=yes]")
    parser.add_argument(
        "--no-keys", dest="require_keys", action="store_const", const="no", help="the same as --require-keys no"
    )
    add_keys_command(parser.add_subparsers(dest="command", metavar="COMMAND"))
    return parser


def _shown(default: object) -> str:
    return f"{default:g}" if isinstance(default, float) else str(default)


def _serve(options: argparse.Namespace) -> int:
    given = {own.name: text for own in settable() if (text := getattr(options, own.name)) is not None}
    service = ServiceSettings.from_environment(given)
    _check_keys(service)
    # Threads that share so small matrices wait for each other most of the time, and keep all cores busy with that.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from search_api.opening import with_options  # with what follows a second or more, which `keys` need not wait for
    from search_api.serving import serve

    searched = with_options(Settings.from_environment(), options.collection, options.model, sample=options.sample)
    with ExitStack() as stack:
        return serve(searched, service, stack, say)


def _check_keys(service: ServiceSettings) -> None:
    """Raises SettingsError where nobody could get in; says so where anybody can."""
    if service.keys_required():
        if not read_keys(service.keys_file()):
            raise SettingsError(
                f"{service.keys_file()} holds no API keys; make one with `search-serve keys add NAME --scope read`"
            )
    elif not is_loopback(service.host):
        say(f"no keys are asked for: whoever reaches {service.host} may search and change the collection")


def say(text: str) -> None:
    """One line on stderr."""
    line = f"search-serve: {text}\n"
    sys.stderr.write(line.encode("utf-8", "replace").decode("utf-8"))
    sys.stderr.flush()
