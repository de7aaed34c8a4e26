"""Which collection is meant, found without opening it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from indexer.errors import SettingsError
from indexer.paths import cache_folder, default_collection_folder
from search_api import warm


class Place(NamedTuple):
    """A collection's folder; of the sample any that holds its documents, and None before it was indexed."""

    folder: Path | None
    is_sample: bool
    model: str | None
    """Asked for by name."""

    def socket(self) -> Path | None:
        """Where a server that may answer listens; None where there is none, or where it is not known which it is."""
        if self.model is not None or self.folder is None:
            return None
        folders = list(sample_folders()) if self.is_sample else [self.folder]
        sockets = [path for folder in folders if (path := warm.socket_path(folder)) and path.exists()]
        return sockets[0] if len(sockets) == 1 else None


def place_of(options: argparse.Namespace) -> Place:
    """As `open_searcher` finds it. Raises SettingsError for an empty name."""
    if options.collection is not None and not options.collection.strip():
        raise SettingsError("--collection is empty; give a folder")
    own = Path(options.collection).expanduser() if options.collection else default_collection_folder()
    named = bool(options.collection or os.environ.get("SEARCH_COLLECTION"))
    model = options.model or os.environ.get("SEARCH_MODEL") or None
    if options.sample or not (named or (own / warm.COLLECTION_FILE).exists()):
        return Place(next(sample_folders(), None), is_sample=True, model=model)
    return Place(own, is_sample=False, model=model)


def sample_folders() -> Iterator[Path]:
    """Where the sample collection lies, once for each model that it was indexed with."""
    import hashlib  # what only the sample needs

    import seeds
    from indexer.database import FORMAT

    digest = hashlib.sha256((Path(seeds.__path__[0]) / "corpus.jsonl").read_bytes()).hexdigest()[:8]
    for folder in sorted((cache_folder() / "samples").glob(f"*-{digest}-{FORMAT}")):
        if (folder / warm.COLLECTION_FILE).is_file():
            yield folder
