"""The web API over one collection: routes, the page, and errors as problem details. Run it with `search-serve`."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from indexer.errors import QueryError, SearchError
from search_api.invalid_input import described
from search_api.opening import OpenSearcher
from search_api.page import router as page
from search_api.problems import problem
from search_api.routes import documents, operation, search

_LOG = logging.getLogger(__name__)


def create_app(opening: Callable[[], OpenSearcher]) -> FastAPI:
    """The application; `opening` loads model and collection once, when the server starts.

    All work that blocks (encoding, SQLite, FAISS) runs in threads, never on the event loop.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.opened = await to_thread.run_sync(opening)
        yield
        await to_thread.run_sync(app.state.opened.close)

    app = FastAPI(
        title="Multilingual semantic search",
        summary="A question in any language, ranked snippets from documents in all of them.",
        version="0.1.0",
        lifespan=lifespan,
        docs_url=None,  # a page that loads scripts from elsewhere
        redoc_url=None,
    )
    _add_errors(app)
    for router in (search.router, documents.router, operation.router, page):
        app.include_router(router)
    return app


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return problem(422, described(error.errors()))

    @app.exception_handler(QueryError)
    async def bad_query(_: Request, error: QueryError) -> Response:
        return problem(422, str(error))

    @app.exception_handler(SearchError)
    async def failed(_: Request, error: SearchError) -> Response:
        _LOG.error("%s", error)  # it may name files, which is nothing for a client
        detail = "the collection cannot be read or written at the moment; the server's log says why"
        return problem(503, detail, {"Retry-After": "10"})

    @app.exception_handler(Exception)
    async def broken(_: Request, error: Exception) -> Response:
        return problem(500, "the server failed to answer; its log says why")  # the server logs the traceback

    @app.exception_handler(HTTPException)
    async def http_error(_: Request, error: HTTPException) -> Response:
        return problem(error.status_code, str(error.detail), error.headers)
