"""What routes share: the opened collection, and how errors are described."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException

from search_api.opening import OpenSearcher
from search_api.schemas import Problem

VERSION = "X-Collection-Version"


def opened(request: Request) -> OpenSearcher:
    """Raises HTTPException until the collection is loaded."""
    found: OpenSearcher | None = getattr(request.app.state, "opened", None)
    if found is None:
        raise HTTPException(
            503, "the collection is still being loaded; try again in a few seconds", {"Retry-After": "5"}
        )
    return found


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the description of a route: problem details under each status."""
    return {
        status: {
            "model": Problem,
            "content": {"application/problem+json": {}},
            "description": HTTPStatus(status).phrase,
        }
        for status in statuses
    }
