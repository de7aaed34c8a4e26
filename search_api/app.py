"""The web API over one searcher: routes, and errors as problem details. Run it with `search-serve`."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Any

from anyio import to_thread
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from indexer.errors import QueryError, SearchError
from search_api.opening import OpenSearcher
from search_api.schemas import Health, Problem, Ready, SearchRequest, SearchResponse

_LOG = logging.getLogger(__name__)
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {"application/problem+json": {}}, "description": HTTPStatus(status).phrase}
    for status in (422, 500, 503)
}
_EXAMPLE = {
    "query": "rare earth export ban",
    "total": 56,
    "hits": [
        {
            "rank": 1,
            "score": 0.3,
            "weak": False,
            "document_id": "ar-january-ban",
            "passage_id": 1,
            "lang": "ar",
            "title": "الحظر الصيني يصيب الصناعة اليابانية في موضع موجع",
            "source": "sample",
            "date": "2026-01-27",
            "url": "",
            "snippet": "حظرت الصين تصدير العناصر الأرضية النادرة.",
            "highlights": [{"start": 0, "end": 41, "kind": "sentence"}],
            "also_in": [],
        }
    ],
}
_OK: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"example": _EXAMPLE}}}}


def create_app(opening: Callable[[], OpenSearcher]) -> FastAPI:
    """The application; `opening` loads model and collection once, when the server starts.

    All work that blocks (encoding, SQLite, FAISS) runs in threads, never on the event loop.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.opened = await to_thread.run_sync(opening)
        yield
        app.state.opened.store.close()

    app = FastAPI(
        title="Multilingual semantic search",
        summary="A question in any language, ranked snippets from documents in all of them.",
        version="0.1.0",
        lifespan=lifespan,
    )
    _add_errors(app)
    _add_routes(app)
    return app


def _add_routes(app: FastAPI) -> None:
    @app.get("/search", responses={**_OK, **_ERRORS}, tags=["search"])
    def search(request: Request, parameters: Annotated[SearchRequest, Query()]) -> SearchResponse:
        """Search with the question in the URL."""
        return _answer(request, parameters)

    @app.post("/search", responses={**_OK, **_ERRORS}, tags=["search"])
    def search_by_body(request: Request, parameters: SearchRequest) -> SearchResponse:
        """Search with the question in the body, which keeps it out of access logs."""
        return _answer(request, parameters)

    @app.get("/health", tags=["operation"])
    async def health() -> Health:
        """200 as soon as the process answers."""
        return Health()

    @app.get("/ready", responses={503: _ERRORS[503]}, tags=["operation"])
    def ready(request: Request) -> Ready:
        """200 once model and collection are loaded."""
        opened = _opened(request)
        opened.store.refresh()
        statistics = opened.store.statistics()
        return Ready(
            documents=statistics.documents,
            passages=statistics.passages,
            model=statistics.model,
            version=opened.store.version,
        )


def _answer(request: Request, parameters: SearchRequest) -> SearchResponse:
    results = _opened(request).searcher.search(
        parameters.q,
        parameters.limit,
        parameters.lang,
        collapse=parameters.collapse,
        explain=parameters.explain,
    )
    return SearchResponse.of(results)


def _opened(request: Request) -> OpenSearcher:
    opened: OpenSearcher | None = getattr(request.app.state, "opened", None)
    if opened is None:
        raise HTTPException(
            503, "the collection is still being loaded; try again in a few seconds", {"Retry-After": "5"}
        )
    return opened


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return _problem(422, "; ".join(_one(item) for item in error.errors()))

    @app.exception_handler(QueryError)
    async def bad_query(_: Request, error: QueryError) -> JSONResponse:
        return _problem(422, str(error))

    @app.exception_handler(SearchError)
    async def failed(_: Request, error: SearchError) -> JSONResponse:
        _LOG.error("%s", error)  # it may name files, which is nothing for a client
        return _problem(503, "the collection cannot be read at the moment; the server's log says why")

    @app.exception_handler(Exception)
    async def broken(_: Request, error: Exception) -> JSONResponse:
        return _problem(500, "the server failed to answer; its log says why")  # the server logs the traceback

    @app.exception_handler(HTTPException)
    async def http_error(_: Request, error: HTTPException) -> JSONResponse:
        return _problem(error.status_code, str(error.detail), dict(error.headers or {}))


def _one(item: dict[str, Any]) -> str:
    """`limit: input should be less than or equal to 100, got 1000`; long input is not repeated."""
    place = ".".join(str(part) for part in item["loc"] if part not in ("query", "body")) or "body"
    got = repr(item.get("input"))
    message = str(item["msg"])[0].lower() + str(item["msg"])[1:]
    return f"{place}: {message}" + (f", got {got}" if len(got) <= 80 and item["type"] != "missing" else "")


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    detail = detail.encode("utf-8", "replace").decode("utf-8")
    problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(problem.model_dump(), status, headers, media_type="application/problem+json")
