"""An index of FAISS's <-> a file: searched in the file's own pages, which all processes share, or changed in memory.

Through Python's files, since FAISS's own know neither names beyond ASCII on every system nor which error it was.
"""

from __future__ import annotations

import hashlib
import mmap
from pathlib import Path
from typing import Any, BinaryIO

import faiss
import numpy as np

_FAISS: Any = faiss  # its types lack what reads and writes
_DIGEST = 32
_BLOCK = 1 << 20
"""Bytes that are written or read at once."""


def write_index(index: Any, file: Path) -> bytes:
    """Into a file that is not there yet; returns its digest. Raises OSError."""
    digest, waiting = _new_digest(), bytearray()

    def write_waiting() -> None:
        digest.update(waiting)
        target.write(waiting)
        waiting.clear()

    def take(piece: bytes) -> None:
        waiting.extend(piece)
        if len(waiting) >= _BLOCK:
            write_waiting()

    with file.open("xb") as target:
        _FAISS.write_index(index, _FAISS.PyCallbackIOWriter(take, _BLOCK))
        write_waiting()
    return digest.digest()


def holds(file: Path, digest: bytes) -> bool:
    """Whether it is what was written. Raises OSError."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, _new_digest).digest() == digest


def map_index(file: Path) -> Any:
    """For searching: it takes no memory but what processes have in common, and lasts when the file is removed. FAISS
    crashes where it is changed. Raises OSError, ValueError, and FAISS's RuntimeError."""
    with file.open("rb") as stream:
        try:
            pages = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError:
            return _read(stream)  # on a file system that cannot map
    content = np.frombuffer(pages, np.uint8)
    index = _FAISS.read_index(_FAISS.ZeroCopyIOReader(_FAISS.swig_ptr(content), content.size))
    index.referenced_objects = [content]  # which it points into
    return index


def read_index(file: Path) -> Any:
    """Into memory, where it may be changed. Raises OSError, and FAISS's RuntimeError."""
    with file.open("rb") as stream:
        return _read(stream)


def _read(stream: BinaryIO) -> Any:
    return _FAISS.read_index(_FAISS.PyCallbackIOReader(stream.read, _BLOCK))


def _new_digest() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=_DIGEST)
