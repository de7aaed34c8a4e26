"""Arrays in a file that is either whole or not there: written aside and moved into place, read only with its checksum.

For what can be made again (the vector index, the prior); so a file that is damaged reads as none.
"""

from __future__ import annotations

import glob
import hashlib
import io
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.array_files import arrays_in

_CHECKSUM = 32
_UNFINISHED = re.compile(r"\.\d+(-journal)?$")
_ABANDONED = 3600
"""Seconds after which an unfinished file is nobody's."""


def write_arrays(file: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Replace the file. Raises OSError, and leaves nothing half-written behind."""
    stream = io.BytesIO()
    np.savez(stream, **dict(arrays))  # type: ignore[arg-type]  # its signature mixes arrays and options
    content = stream.getvalue()
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as target:
            target.write(hashlib.blake2b(content, digest_size=_CHECKSUM).digest())
            target.write(content)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


def remove_abandoned(file: Path) -> None:
    """What processes that were killed wrote aside and never moved into place, once nobody can be at it any more."""
    for other in file.parent.glob(f"{glob.escape(file.name)}.*"):
        with suppress(OSError):
            if _UNFINISHED.search(other.name) and time.time() - other.stat().st_mtime > _ABANDONED:
                other.unlink()


def read_arrays(file: Path) -> dict[str, NDArray[Any]] | None:
    """What `write_arrays` wrote; None where there is no such file, or not all of it, or something else."""
    try:
        data = file.read_bytes()
    except OSError:
        return None
    content = data[_CHECKSUM:]
    if hashlib.blake2b(content, digest_size=_CHECKSUM).digest() != data[:_CHECKSUM]:
        return None
    return arrays_in(content)
