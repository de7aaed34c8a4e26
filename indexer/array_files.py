"""What numpy has saved, read without `numpy.load`.

That parses the header of each array as Python, with `ast.literal_eval`, which fails now and then in some releases of
Python 3.11 and 3.12 while another thread does the same (CPython issue 106905, "AST constructor recursion depth
mismatch"). A service reads its indexes anew while it answers. The format: numpy's NEP 1.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGIC = b"\x93NUMPY"
_LENGTH_BYTES = {1: 2, 2: 4, 3: 4}
"""Of the header's length, by the version of the format."""
_HEADER = re.compile(
    r"\{'descr': '([<>|][biufcUS]\d+)', 'fortran_order': (False|True), 'shape': \(((?:\d+, ?)*\d*)\), \}\s*"
)


def array_in(content: Any) -> NDArray[Any]:
    """The array of a `.npy` file of numbers or strings, in the bytes that hold it, without copying. Raises ValueError
    for anything else."""
    view = memoryview(content)
    length_bytes = _LENGTH_BYTES.get(view[6]) if bytes(view[:6]) == _MAGIC and len(view) > 12 else None
    if length_bytes is None:
        raise ValueError("no array of numpy's")
    start = 8 + length_bytes
    end = start + int.from_bytes(view[8:start], "little")
    header = _HEADER.fullmatch(bytes(view[start:end]).decode("latin-1"))
    if not header:
        raise ValueError("an array with a header of another kind")
    kind, transposed, sizes = header.groups()
    shape = tuple(int(size) for size in sizes.split(",") if size.strip())
    count = math.prod(shape)
    dtype = np.dtype(kind)
    if len(view) != end + count * dtype.itemsize:
        raise ValueError(f"{len(view) - end} bytes, expected {count * dtype.itemsize}")
    flat = np.frombuffer(view, dtype, count, end) if count and dtype.itemsize else np.empty(count, dtype)
    return flat.reshape(shape, order="F" if transposed == "True" else "C")


def arrays_in(content: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of an `.npz` file, which may be changed. Raises ValueError for anything else."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as members:
            return {name.removesuffix(".npy"): array_in(members.read(name)).copy() for name in members.namelist()}
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise ValueError(f"no arrays of numpy's ({error})") from error
