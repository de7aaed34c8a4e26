"""An encoder whose vectors can be worked out by hand.

Axis 0 to 3 count the words of four topics; the other axes say the script, strongly, as a multilingual model does:
an Arabic text and an English one on the same topic are nearly at right angles until their languages' means are off.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.encoder import Progress
from indexer.parts import Part, Parts

Vectors = NDArray[np.float32]

TOPICS: tuple[tuple[str, ...], ...] = (
    ("ban", "حظر", "禁令", "禁輸"),
    ("uranium", "يورانيوم", "铀", "ウラン"),
    ("gas", "غاز", "天然气", "ガス"),
    ("drone", "مسيرة", "无人机", "ドローン"),
)
_SCRIPTS = (r"[a-z]", r"[\u0621-\u064a]", r"[\u3041-\u30ff]", r"[\u4e00-\u9fff]")
_SCRIPT_WEIGHT = 3.0
_TOKEN = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]|[^\s\u3041-\u30ff\u4e00-\u9fff]+")


class FakeEncoder:
    """An `Encoder`: a token is a word, or one Japanese or Chinese character; `batches` keeps what was encoded."""

    def __init__(self, name: str = "fake", fingerprint: str = "fake-1", max_tokens: int = 100) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.dimension = len(TOPICS) + len(_SCRIPTS)
        self.parts: Parts = (Part(self.dimension, 1.0),)
        self.max_tokens = max_tokens
        self.batches: list[list[str]] = []

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts)

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        self.batches.append(list(texts))
        if progress:
            progress(len(texts), len(texts))
        return self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(rows, texts, strict=True):
            lowered = text.lower()
            for axis, words in enumerate(TOPICS):
                row[axis] = sum(lowered.count(word) for word in words)
            counts = [len(re.findall(script, lowered)) for script in _SCRIPTS]
            row[len(TOPICS) + int(np.argmax(counts))] = _SCRIPT_WEIGHT
            row /= np.linalg.norm(row)
        return rows

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(_TOKEN.findall(text)) for text in texts]

    def token_ends(self, text: str) -> list[int]:
        return [match.end() for match in _TOKEN.finditer(text)]
