"""The command `search-serve`: the API over one collection, on loopback, until it is interrupted."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import uvicorn

from indexer.errors import SearchError
from search_api.app import create_app
from search_api.cli import add_common, guarded, notice
from search_api.opening import open_searcher, with_options
from search_api.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when stopped, 2 for an error."""
    return guarded(lambda: _serve(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="search-serve", description="The search API over one collection.")
    parser.add_argument("--host", help="address to listen on (127.0.0.1, or SEARCH_HOST)")
    parser.add_argument("--port", type=int, help="port to listen on (8000, or SEARCH_PORT)")
    add_common(parser)
    return parser


def _serve(options: argparse.Namespace) -> int:
    settings = with_options(Settings.from_environment(), options.collection, options.model, sample=options.sample)
    host = options.host or settings.host
    port = options.port if options.port is not None else settings.port
    if not 0 <= port <= 65_535:
        raise SearchError(f"--port {port}, expected 0 to 65535")
    opened = open_searcher(settings, notice)  # before listening, so that what is wrong is one line here
    uvicorn.run(create_app(lambda: opened), host=host, port=port, log_level="info", access_log=False)
    return 0
