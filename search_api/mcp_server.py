"""The command `search-mcp`: the tools for language models, over standard input and output or on loopback."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from types import FrameType
from typing import NoReturn

from indexer.errors import SearchError
from indexer.models import load_query_encoder
from indexer.stored_collection import StoredCollection
from search_api.cli import INTERRUPTED, add_common, guarded, notice
from search_api.mcp.loading import Loading
from search_api.opening import open_searcher, with_options
from search_api.settings import Settings

_LOOPBACK = "127.0.0.1"
_PORT = 8001


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when the client has gone, 2 for an error."""
    return guarded(lambda: _serve(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="search-mcp",
        description="The tools `search` and `get_document` of the Model Context Protocol over one collection, for "
        "programs in which a language model works. They are started by such a program, not by hand.",
    )
    parser.add_argument(
        "--http", action="store_true", help=f"listen on {_LOOPBACK} (streamable HTTP, at /mcp) instead of stdin"
    )
    parser.add_argument("--port", type=int, help=f"with --http: the port to listen on ({_PORT})")
    add_common(parser)
    return parser


def _serve(options: argparse.Namespace) -> int:
    if options.port is not None and not options.http:
        raise SearchError("--port is for --http; without it, search-mcp speaks over standard input and output")
    port = _PORT if options.port is None else options.port
    if not 0 <= port <= 65_535:
        raise SearchError(f"--port {port}, expected 0 to 65535")
    if find_spec("mcp") is None:
        raise SearchError("search-mcp needs a package; install it with: pip install 'multilingual-search[mcp]'")
    settings = with_options(Settings.from_environment(), options.collection, options.model, sample=options.sample)
    if settings.collection is not None and not settings.sample:
        StoredCollection.open(settings.collection).close()  # what is wrong with it is said before a client waits
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="search-mcp: %(message)s")
    loading = Loading(partial(open_searcher, settings, notice, load_query_encoder))
    try:
        _over_http(loading, port) if options.http else _over_stdio(loading)
    finally:
        loading.close()
    return 0


def _over_stdio(loading: Loading) -> None:
    import anyio  # all this takes a second
    from mcp.server.stdio import stdio_server

    from search_api.mcp.tool_server import tool_server

    async def serve() -> None:
        server = tool_server(loading)
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    signal.signal(signal.SIGINT, _leave)
    anyio.run(serve)


def _leave(_: int, __: FrameType | None) -> NoReturn:
    """A thread waits for a line on stdin, for as long as there is none; nothing here needs tidying."""
    os._exit(INTERRUPTED)


def _over_http(loading: Loading, port: int) -> None:
    import uvicorn

    from search_api.mcp.tool_server import tool_server

    # The package lets through requests for loopback alone, from pages of loopback alone.
    app = tool_server(loading).streamable_http_app(host=_LOOPBACK, stateless_http=True, json_response=True)
    uvicorn.run(app, host=_LOOPBACK, port=port, log_level="info", access_log=False)
