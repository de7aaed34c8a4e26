"""What a request is, by its method and path: which scope of key it needs, how large its body may be, where it waits."""

from __future__ import annotations

from search_api.keys import Scope
from search_api.settings import ServiceSettings

METRICS = "/metrics"
SEARCH = "/search"
BULK = "/documents/bulk"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})

_DOCUMENTS = "/documents"
_OPEN_PATHS = frozenset({"/", "/health", "/ready", "/openapi.json", "/favicon.ico", "/robots.txt"})
_OPEN_FOLDERS = ("/page/",)
"""The page's own files, which hold nothing of the collection."""


def is_open(method: str, path: str) -> bool:
    """Whether anyone may have it: it tells nothing of what is in the collection. A path that is not named is not."""
    if method == "OPTIONS":
        return True
    return method in SAFE_METHODS and (path in _OPEN_PATHS or path.startswith(_OPEN_FOLDERS))


def needed_scope(method: str, path: str) -> Scope:
    """Of what is not open."""
    return "read" if method in SAFE_METHODS or (method == "POST" and path == SEARCH) else "write"


def largest_body(path: str, settings: ServiceSettings) -> int:
    if path == BULK:
        return settings.max_bulk
    return settings.max_document if _is_document(path) else settings.max_body


def gate_of(method: str, path: str) -> str | None:
    """The queue in which it waits for its turn; None for what costs next to nothing."""
    if path == SEARCH and method in ("GET", "HEAD", "POST"):
        return "search"
    return "write" if _is_document(path) and method not in SAFE_METHODS else None


def _is_document(path: str) -> bool:
    return path == _DOCUMENTS or path.startswith(_DOCUMENTS + "/")
