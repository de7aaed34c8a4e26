"""Files -> documents -> a collection on disk. For programs: `from indexer import Collection, Document`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from indexer.api import Collection, Document, Options, Summary

__all__ = ["Collection", "Document", "Options", "Summary"]


def __getattr__(name: str) -> Any:
    """Loaded when asked for: a search needs next to nothing of it."""
    if name in __all__:
        return getattr(import_module("indexer.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
