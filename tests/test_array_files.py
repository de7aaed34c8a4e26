"""What numpy saved is read as numpy reads it, and without parsing Python; anything else is refused."""

from __future__ import annotations

import ast
import io
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.array_files import array_in, arrays_in
from indexer.checked_file import read_arrays, write_arrays
from indexer.universal_model_folder import mapped, model_folder

ARRAYS: dict[str, NDArray[Any]] = {
    "floats": np.arange(12, dtype=np.float32).reshape(3, 4),
    "halves": np.linspace(-1, 1, 6).astype(np.float16).reshape(1, 2, 3),
    "a number": np.array(7, np.int64),
    "bytes": np.frombuffer(b"\x00\xff\x93NUMPY", np.uint8),
    "truths": np.array([True, False]),
    "strings": np.array(["en", "日本語", ""]),
    "no strings": np.array([], dtype=np.str_),
    "empty strings": np.array(["", ""]),
    "nothing": np.empty((0, 5), np.float32),
    "by columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "from the other end": np.arange(3, dtype=">i4"),
    "many": np.arange(70_000, dtype=np.uint16),
}


def saved(array: NDArray[Any], *, version: tuple[int, int] | None = None) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version)
    return stream.getvalue()


def assert_same(got: NDArray[Any], expected: NDArray[Any]) -> None:
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_an_array_is_what_numpy_reads(name: str, version: tuple[int, int]) -> None:
    content = saved(ARRAYS[name], version=version)
    assert_same(array_in(content), np.load(io.BytesIO(content)))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_what_numpy_reads_and_may_be_changed(save: Any) -> None:
    stream = io.BytesIO()
    save(stream, **ARRAYS)
    got = arrays_in(stream.getvalue())
    assert list(got) == list(ARRAYS)
    for name, array in got.items():
        assert_same(array, ARRAYS[name])
        assert array.flags.writeable


def test_python_is_not_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On some releases that fails while another thread does it too."""
    folder = model_folder()
    expected = np.load(folder / "scores.npy")
    write_arrays(tmp_path / "arrays", ARRAYS)

    def fails(*_: object) -> NoReturn:
        raise SystemError("AST constructor recursion depth mismatch (before=51, after=55)")

    monkeypatch.setattr(ast, "literal_eval", fails)
    with pytest.raises(SystemError):
        np.load(folder / "scores.npy")
    read = read_arrays(tmp_path / "arrays")
    assert read is not None
    for name, array in read.items():
        assert_same(array, ARRAYS[name])
    assert_same(mapped(folder, "scores"), expected)


WHOLE = saved(ARRAYS["floats"])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text, and more of it",
        WHOLE[:5],
        WHOLE[:11],
        WHOLE[:60],
        WHOLE[:-1],
        WHOLE + b"\0",
        WHOLE[:6] + b"\x09" + WHOLE[7:],
        WHOLE.replace(b"'<f4'", b"'|O8'"),
        WHOLE.replace(b"(3, 4)", b"(4, 4)"),
        WHOLE.replace(b"(3, 4)", b"(3+4) "),
        saved(np.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f8")])),
        saved(np.array(["2020-01-01"], dtype="datetime64[D]")),
    ],
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        array_in(content)
    stream = io.BytesIO()
    np.savez(stream, a=np.zeros(3))
    with pytest.raises(ValueError, match="no arrays"):
        arrays_in(content)
    with pytest.raises(ValueError, match=r"."):
        arrays_in(stream.getvalue()[:-30])
