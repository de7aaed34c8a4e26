"""The routes of the page: `/`, checked at every visit, and its files, kept by the browser for good."""

from __future__ import annotations

import hashlib
from functools import cache

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from search_api.page.assets import load_assets

router = APIRouter(include_in_schema=False)

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_FOR_GOOD = "public, max-age=31536000, immutable"


@router.api_route("/", methods=["GET", "HEAD"])
async def page(request: Request) -> Response:
    """The page; which question it shows is its script's matter."""
    opened = getattr(request.app.state, "opened", None)
    body, tag = _page(is_sample=bool(getattr(opened, "is_sample", False)))
    headers = {**_HEADERS, "Cache-Control": "no-cache", "ETag": tag}
    if tag in _tags(request.headers.get("If-None-Match", "")):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="text/html; charset=utf-8", headers=headers)


@router.api_route("/page/{digest}/{name:path}", methods=["GET", "HEAD"])
async def asset(digest: str, name: str) -> Response:
    """A file of the page. Those of another release are not there: a mixture of two would fail in odd ways."""
    assets = load_assets()
    found = assets.named.get(name) if digest == assets.digest else None
    if found is None:
        raise HTTPException(404, "no such file of the page; load the page again")
    return Response(found.body, media_type=found.media_type, headers={**_HEADERS, "Cache-Control": _FOR_GOOD})


@cache
def _page(*, is_sample: bool) -> tuple[bytes, str]:
    body = load_assets().page(is_sample=is_sample)
    return body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def _tags(header: str) -> set[str]:
    """The entity tags of If-None-Match; one that a proxy made weak on compressing counts too."""
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}
