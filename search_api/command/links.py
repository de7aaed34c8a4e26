"""Addresses behind titles on terminals (OSC 8): of web pages, and of files that are there."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from indexer import glance
from indexer.errors import CollectionError
from search_api.command.web_address import web_address
from search_api.hit_fields import HitFields


def targets(hits: Sequence[HitFields], folder: Path | None) -> Mapping[int, str]:
    """Rank -> where the hit's title leads: its file, if that is there and is one document, else its web page."""
    found = {hit["rank"]: address for hit in hits if (address := web_address(hit["url"]))}
    try:
        files = glance.origins(folder, [hit["document_id"] for hit in hits]) if folder else {}
    except CollectionError:
        files = {}  # a search that went well does not end for want of links
    for hit in hits:
        origin = files.get(hit["document_id"])
        if origin and hit["document_id"] == origin.name and os.path.isfile(origin.path):
            found[hit["rank"]] = _file_address(origin.path)
    return found


def _file_address(path: str) -> str:
    """With the machine's name, by which a terminal on another one knows that the file is not its own."""
    address = Path(path).as_uri()
    return address if sys.platform == "win32" else f"file://{quote(socket.gethostname())}{address[len('file://') :]}"
