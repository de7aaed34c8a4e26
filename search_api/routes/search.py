"""Questions, and what there is to ask about."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from search_api import metrics
from search_api.routes.common import VERSION, errors, opened
from search_api.schemas import LanguageBody, Languages, SearchParameters, SearchRequest, SearchResponse, Stats

router = APIRouter(tags=["search"])

_EXAMPLE = {
    "query": "rare earth export ban",
    "total": 56,
    "offset": 0,
    "version": 12,
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
            "start": 52,
            "end": 300,
            "sentence": {"start": 52, "end": 93},
            "also_in": [],
        }
    ],
}
_OK: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"example": _EXAMPLE}}}}
_ERRORS = errors(400, 422, 429, 500, 503)
_ANY = "*"


@router.get(
    "/search",
    responses={**_OK, 304: {"description": "The answer is the one that `If-None-Match` names."}, **_ERRORS},
    response_model=SearchResponse,
    response_model_exclude_none=True,
)
def search(request: Request, parameters: Annotated[SearchParameters, Query()]) -> Response:
    """Search with the question in the URL."""
    known = _tags(request.headers.get("If-None-Match", ""))
    with opened(request).store.current() as store:
        headers = _headers(request, store.version, store.mark, parameters)
    if headers["ETag"] in known:
        return Response(status_code=304, headers=headers)
    answer, mark = _answer(request, parameters)
    headers = _headers(request, answer.version, mark, parameters)
    if _ANY in known:  # whatever it is, once there is an answer at all
        return Response(status_code=304, headers=headers)
    return _written(answer, headers)


@router.post("/search", responses={**_OK, **_ERRORS}, response_model=SearchResponse, response_model_exclude_none=True)
def search_by_body(request: Request, parameters: SearchRequest) -> Response:
    """Search with the question in the body, which keeps it out of the logs of proxies."""
    answer, _ = _answer(request, parameters)
    return _written(answer, {VERSION: str(answer.version)})


@router.get("/languages", responses=errors(503))
def languages(request: Request) -> Languages:
    """Which languages the collection holds."""
    with opened(request).store.current() as store:
        counts = store.counts()
    bodies = [LanguageBody(lang=lang, documents=own[0], passages=own[1]) for lang, own in counts.items()]
    return Languages(languages=bodies)


@router.get("/stats", responses=errors(503))
def stats(request: Request) -> Stats:
    """How much the collection holds."""
    found = opened(request)
    with found.store.current() as store:
        statistics, version = store.statistics(), store.version
    return Stats(
        documents=statistics.documents,
        passages=statistics.passages,
        languages=dict(statistics.documents_by_language),
        files=statistics.files,
        copies=statistics.copies,
        bytes=statistics.bytes,
        model=statistics.model,
        version=version,
        sample=found.is_sample,
    )


def _answer(request: Request, parameters: SearchRequest) -> tuple[SearchResponse, str]:
    results = opened(request).searcher.search(
        parameters.q,
        parameters.limit,
        parameters.among(),
        offset=parameters.offset,
        mode=parameters.mode,
        min_score=parameters.min_score,
        collapse=parameters.collapse,
        explain=parameters.explain,
        facets=parameters.facets,
    )
    metrics.query_language(results.language)
    return SearchResponse.of(results), results.mark


def _written(answer: SearchResponse, headers: dict[str, str]) -> Response:
    """As FastAPI would write it, which would check it once more and use two more threads."""
    return Response(answer.model_dump_json(exclude_none=True), headers=headers, media_type="application/json")


def _headers(request: Request, version: int, mark: str, parameters: SearchRequest) -> dict[str, str]:
    """Of an answer. Its tag is weak, since a proxy may pack the answer; it says nothing of the question to those who do
    not know it. Another release may rank otherwise."""
    content = f"{request.app.version} {mark} {parameters.model_dump_json()}"
    digest = hashlib.blake2b(content.encode(), digest_size=16)
    return {"ETag": f'W/"{digest.hexdigest()}"', "Cache-Control": "private, no-cache", VERSION: str(version)}


def _tags(header: str) -> set[str]:
    """As weak ones, and `*`."""
    tags = {part.strip() for part in header.split(",")}
    return {tag if tag == _ANY or tag.startswith("W/") else f"W/{tag}" for tag in tags if tag}
