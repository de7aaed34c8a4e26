"""Arrays in a file that is either whole or not there: written aside and moved into place, read only with its checksum.

For what can be made again (the vector index, the prior); so a file that is damaged reads as none.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHECKSUM = 32


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


def read_arrays(file: Path) -> dict[str, NDArray[Any]] | None:
    """What `write_arrays` wrote; None where there is no such file, or not all of it, or something else."""
    try:
        data = file.read_bytes()
    except OSError:
        return None
    content = memoryview(data)[_CHECKSUM:]
    if hashlib.blake2b(content, digest_size=_CHECKSUM).digest() != data[:_CHECKSUM]:
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)
