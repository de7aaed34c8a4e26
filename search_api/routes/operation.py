"""Whether the service works."""

from __future__ import annotations

from fastapi import APIRouter, Request

from search_api.routes.common import errors, opened
from search_api.schemas import Health, Ready

router = APIRouter(tags=["operation"])


@router.get("/health")
async def health() -> Health:
    """200 as soon as the process answers."""
    return Health()


@router.get("/ready", responses=errors(503))
def ready(request: Request) -> Ready:
    """200 once model and collection are loaded."""
    with opened(request).store.current() as store:
        statistics = store.statistics()
        return Ready(
            documents=statistics.documents,
            passages=statistics.passages,
            model=statistics.model,
            version=store.version,
        )
