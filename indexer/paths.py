"""Where things lie when nobody says otherwise: the user's cache folder and the user's own collection."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

_APPLICATION = "multilingual-search"


def cache_folder() -> Path:
    """What can be made again: the built model, priors, the index of the sample collection. SEARCH_CACHE moves it."""
    return Path(os.environ.get("SEARCH_CACHE") or user_cache_path(_APPLICATION, appauthor=False))


def default_collection_folder() -> Path:
    """The user's own collection. SEARCH_COLLECTION moves it."""
    return Path(os.environ.get("SEARCH_COLLECTION") or user_data_path(_APPLICATION, appauthor=False) / "collection")
