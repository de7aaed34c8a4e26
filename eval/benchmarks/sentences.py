"""How well and how fast text is cut into sentences.

Data: LANG.jsonl files, rows with `text`, `boundaries` (offsets just after a sentence) and `neutral` (offsets that
count neither way). A predicted end counts as right anywhere within the white space and closing quotes behind it.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import median
from typing import Any

from eval.errors import DatasetError
from indexer.sentences import sentence_spans

_SKIPPED = frozenset(" \t\n\r\u3000\u00a0\"'“”‘’「」『』«»）)】》〉]")


def measure(folder: Path) -> dict[str, Any]:
    """{"languages": {lang: {"precision", "recall", "F1", "boundaries"}}, "MB_per_second": ..}"""
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise DatasetError(f"{folder} has no .jsonl files")
    rows = {file.stem: [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] for file in files}
    return {
        "languages": {lang: _accuracy(of_lang) for lang, of_lang in rows.items()},
        "MB_per_second": _speed([row["text"] for of_lang in rows.values() for row in of_lang]),
    }


def _accuracy(rows: list[dict[str, Any]]) -> dict[str, float]:
    right = wrong = missed = 0
    for row in rows:
        text = row["text"]
        found = {_forward(text, end) for _, end in sentence_spans(text)}
        true = {_forward(text, end) for end in row["boundaries"]}
        neutral = {_forward(text, end) for end in row["neutral"]} - true
        right += len(found & true)
        wrong += len(found - true - neutral)
        missed += len(true - found)
    precision, recall = right / (right + wrong), right / (right + missed)
    f1 = 2 * precision * recall / (precision + recall)
    return {"precision": precision, "recall": recall, "F1": f1, "boundaries": right + missed}


def _forward(text: str, place: int) -> int:
    while place < len(text) and text[place] in _SKIPPED:
        place += 1
    return place


def _speed(texts: list[str]) -> float:
    """Megabytes of UTF-8 a second of one core, the median of five passes over all texts."""
    size = sum(len(text.encode()) for text in texts)
    times = []
    for _ in range(5):
        start = time.process_time()
        for text in texts:
            sentence_spans(text)
        times.append(time.process_time() - start)
    return size / median(times) / 1e6
