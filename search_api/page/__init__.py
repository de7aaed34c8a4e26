"""The web page: one box, results in every language, a document opened at the passage."""

from __future__ import annotations

from search_api.page.serving import router

__all__ = ["router"]
