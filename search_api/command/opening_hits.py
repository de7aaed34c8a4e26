"""`--open`: a hit's file or web page, in the program that the system has for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from indexer import glance
from indexer.errors import SearchError
from search_api.command.web_address import web_address
from search_api.hit_fields import HitFields

_PATIENCE = 3.0
"""Seconds to wait for what an opener says; one that goes on is the program itself."""


def open_hit(hit: HitFields, folder: Path | None, notice: Callable[[str], None]) -> None:
    """Raises SearchError, saying what cannot be opened and how else to read it."""
    target = _target(hit, folder, notice)
    notice(f"opening {target}")
    _open(target)


def _target(hit: HitFields, folder: Path | None, notice: Callable[[str], None]) -> str:
    """The file, where the document is all that is in it; else the web page; else the file that it is one part of."""
    number, identifier = hit["rank"], hit["document_id"]
    address = web_address(hit["url"])
    origin = glance.origins(folder, [identifier]).get(identifier) if folder else None
    there = origin is not None and os.path.exists(origin.path)
    others = glance.documents_of(folder, origin.path) - 1 if folder and origin and there else 0
    inner = identifier.removeprefix(f"{origin.name}!") if origin else identifier
    if origin and there and not others and inner == identifier:
        return origin.path
    if address:
        return address
    if origin is None:
        raise SearchError(
            f"hit {number} ({identifier}) belongs to no file and has no web address; read it with --full {number}"
        )
    if not there:
        raise SearchError(
            f"hit {number} was read from {origin.path}, which is no longer there; read it with --full {number}"
        )
    if inner != identifier:
        raise SearchError(
            f"hit {number} is {inner} inside {origin.path}; what lies in a file cannot be opened by itself: unpack it, "
            f"or read it with --full {number}"
        )
    notice(f"{origin.path} holds {others:,} other documents as well; hit {number} is {identifier}")
    return origin.path


def _open(target: str) -> None:
    if sys.platform == "win32":
        try:
            os.startfile(target)
        except OSError as error:
            raise SearchError(f"no program opens {target} ({error.strerror or error})") from error
        return
    opener = _opener()
    if opener is None:
        raise SearchError(f"no program to open things with (xdg-open) is installed here; open {target} yourself")
    nowhere = subprocess.DEVNULL
    started = subprocess.Popen([opener, target], stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)
    try:
        status = started.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        return
    if status:
        raise SearchError(f"{Path(opener).name} could not open {target} (exit status {status}); open it yourself")


def _opener() -> str | None:
    """Linux under Windows has the second, where the first is not set up."""
    names = ("open",) if sys.platform == "darwin" else ("wslview", "xdg-open")
    return next((found for name in names if (found := shutil.which(name))), None)
