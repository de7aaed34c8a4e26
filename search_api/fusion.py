"""Exact words in a ranking, without lifting a language.

A question shares words with documents in its own language only. Whoever adds a word score to every document, or fuses
two rankings by rank, therefore lifts that language as such, relevant or not (figures in docs/ranking.md). Here:

1. Words reorder the documents of one language among themselves: the best place that the language had is given to its
   document with the best sum of meaning and words, the second best to the second, and so on. No place goes to another
   language or is taken from one.
2. A document that has far more of the query's words than the fourth best in its language is lifted by the fourth
   power of how much more: a rare name, a number, a whole title; ordinary overlap vanishes.

That documents with all that a question quotes come first, in whatever language, is the searcher's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

_RIVALS = 3
"""How many documents of a language may share a name before it stands out no more."""
_LIFT = 15.0


def fused(meaning: Vectors, ranking: Vectors, words: Vectors, langs: Sequence[str], exact: float) -> Vectors:
    """New scores (n,) of n documents.

    `meaning`: their scores without words. `ranking`: the scores to reorder by, of each document's best passage, words
    counted in already. `words`: the share of the query's words, 0 to 1. `exact` 0: nothing changes.
    """
    scores = meaning.copy()
    if not exact:
        return scores
    kinds = np.asarray(langs)
    for lang in sorted(set(langs)):
        own = np.flatnonzero(kinds == lang)
        order = own[np.argsort(-ranking[own], kind="stable")]
        scores[order] = -np.sort(-meaning[own])
        ordinary = np.sort(words[own])[::-1][: _RIVALS + 1][-1]
        scores[own] += np.float32(_LIFT) * np.maximum(words[own] - ordinary, 0) ** 4
    return scores
