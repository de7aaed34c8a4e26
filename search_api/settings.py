"""Every environment variable and default of the search commands and the service."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import SettingsError
from indexer.paths import default_collection_folder


@dataclass(frozen=True)
class Settings:
    """`collection` None: the user's own where there is one, else the sample collection. `model` None: the one that
    the collection was made with."""

    collection: Path | None = None
    model: str | None = None
    sample: bool = False
    """Search the sample collection, whatever else there is."""
    host: str = "127.0.0.1"
    port: int = 8000

    @classmethod
    def from_environment(cls) -> Settings:
        """SEARCH_COLLECTION, SEARCH_MODEL, SEARCH_HOST and SEARCH_PORT. Raises SettingsError."""
        collection = os.environ.get("SEARCH_COLLECTION")
        port = os.environ.get("SEARCH_PORT") or str(cls.port)
        if not port.isdecimal():
            raise SettingsError(f"SEARCH_PORT is {port!r}, expected a number from 0 to 65535")
        return cls(
            collection=Path(collection) if collection else None,
            model=os.environ.get("SEARCH_MODEL") or None,
            host=os.environ.get("SEARCH_HOST") or cls.host,
            port=int(port),
        )

    def own_collection(self) -> Path:
        """Where the user's own collection is, or would be."""
        return self.collection or default_collection_folder()
