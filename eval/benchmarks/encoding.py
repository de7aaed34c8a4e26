"""How many tokens a second are encoded, side by side with plain `SentenceTransformer.encode`, in one run.

Texts: passages and sentences of the sample collection, as an index has them, in an order that mixes lengths.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from indexer.encoder import Encoder
from indexer.model_folders import folder_of
from indexer.passages import passages_of
from indexer.sample import passage_budget, sample_documents

_ROUNDS = 5


def mixed_texts(encoder: Encoder) -> list[str]:
    """Every passage and every sentence of the sample collection once, shuffled with a fixed seed."""
    texts = set()
    for document in sample_documents():
        for passage in passages_of(document.text, encoder, passage_budget(encoder), document.lang):
            texts.add(document.text[passage.start : passage.end])
            texts.update(document.text[start:end] for start, end in passage.sentences)
    ordered = sorted(texts)
    random.Random(0).shuffle(ordered)
    return ordered


def measure(encoder: Encoder) -> dict[str, Any]:
    """Tokens a second of both (medians of alternating rounds), their ratio, and the lowest cosine between them."""
    texts = mixed_texts(encoder)
    tokens = sum(encoder.count_tokens(texts))
    from sentence_transformers import SentenceTransformer  # takes seconds to import

    plain = SentenceTransformer(str(folder_of(encoder.name)), device="cpu")

    def plainly() -> Any:
        return plain.encode(texts, prompt_name="passage", normalize_embeddings=True, show_progress_bar=False)

    ours, theirs, ratios = [], [], []
    agreement = float((encoder.encode_passages(texts) * plainly()).sum(axis=1).min())
    for _ in range(_ROUNDS):
        ours.append(_seconds(lambda: encoder.encode_passages(texts)))
        theirs.append(_seconds(plainly))
        ratios.append(theirs[-1] / ours[-1])
    return {
        "texts": len(texts),
        "tokens": tokens,
        "tokens_per_second": tokens / median(ours),
        "plain_tokens_per_second": tokens / median(theirs),
        "times_plain": median(ratios),
        "lowest_cosine": agreement,
        "query_milliseconds": 1000
        * median(_seconds(lambda: encoder.encode_queries(["rare earth export ban"])) for _ in range(20)),
    }


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    np.asarray(work())
    return time.perf_counter() - start
