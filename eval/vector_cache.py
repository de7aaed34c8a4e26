"""An encoder that remembers: vectors of a text are computed once, as long as model and text stay the same.

For evaluation, where the same texts are ranked again and again. Vectors are kept as they are (float32), so that nothing
changes but the time. They lie in the cache folder, in files that only ever are added; a damaged one reads as none.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.checked_file import read_arrays, write_arrays
from indexer.encoder import Encoder, Progress
from indexer.paths import cache_folder

Vectors = NDArray[np.float32]

_DIGEST = 16
_FILE_ROWS = 2_000
"""So many new vectors are written at once; the last ones when the encoder is closed."""


class RememberingEncoder:
    """Has everything of the encoder beneath. `close` saves what is new."""

    def __init__(self, encoder: Encoder, folder: Path | None = None) -> None:
        """`folder`: where vectors lie; the cache folder's `vectors` for None."""
        self._encoder = encoder
        self.name, self.fingerprint = encoder.name, encoder.fingerprint
        self.dimension, self.parts, self.max_tokens = encoder.dimension, encoder.parts, encoder.max_tokens
        home = (folder or cache_folder() / "vectors") / encoder.fingerprint
        self._passages = _Memory(home / "passages", encoder.dimension)
        self._queries = _Memory(home / "queries", encoder.dimension)

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        return self._passages.get(texts, lambda new: self._encoder.encode_passages(new, progress))

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._queries.get(texts, self._encoder.encode_queries)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._encoder.count_tokens(texts)

    def token_ends(self, text: str) -> list[int]:
        return self._encoder.token_ends(text)

    def close(self) -> None:
        self._passages.save()
        self._queries.save()

    def __enter__(self) -> RememberingEncoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Memory:
    """Digest of a text -> its vector, from all files of a folder and what has come since."""

    def __init__(self, folder: Path, dimension: int) -> None:
        self._folder, self._dimension = folder, dimension
        self._known: dict[bytes, Vectors] | None = None
        self._new: list[bytes] = []

    def get(self, texts: Sequence[str], encode: Callable[[list[str]], Vectors]) -> Vectors:
        known = self._read()
        digests = [_digest(text) for text in texts]
        new = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in known}
        if new:
            for digest, vector in zip(new, encode(list(new.values())), strict=True):
                known[digest] = vector
                self._new.append(digest)
            if len(self._new) >= _FILE_ROWS:
                self.save()
        rows = [known[digest] for digest in digests]
        return np.stack(rows) if rows else np.empty((0, self._dimension), np.float32)

    def _read(self) -> dict[bytes, Vectors]:
        if self._known is None:
            self._known = {}
            for file in sorted(self._folder.glob("*.vectors")):
                saved = read_arrays(file) or {}
                vectors = saved.get("vectors", np.empty((0, 0), np.float32))
                if vectors.shape[1:] == (self._dimension,) and vectors.dtype == np.float32:
                    self._known |= zip(map(bytes, saved["digests"]), vectors, strict=True)
        return self._known

    def save(self) -> None:
        if self._new and self._known is not None:
            digests = np.frombuffer(b"".join(self._new), np.uint8).reshape(-1, _DIGEST)
            vectors = np.stack([self._known[digest] for digest in self._new])
            # A full disk, or a folder without rights: they are only computed again next time.
            with suppress(OSError):
                write_arrays(self._folder / f"{secrets.token_hex(8)}.vectors", {"digests": digests, "vectors": vectors})
            self._new = []


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST).digest()
