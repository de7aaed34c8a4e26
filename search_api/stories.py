"""One story, told several times: which of the ranked documents say the same as one above them.

In the same language, a copy: most of its words are the other's. In another language, a translation or a report of the
same event: the aligned vectors of the two documents are as near as those of translations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.words import terms_of, words_of

Vectors = NDArray[np.float32]

SAME_STORY = 0.56
"""Inner product of two documents in different languages. Of XQuAD's paragraphs, three quarters of the translations are
nearer than this, and one in a hundred of their nearest other neighbours."""
_MAYBE_COPY = 0.7
COPY = 0.6
"""Of the terms that either of two texts has, the part that both have."""


def first_tellings(vectors: Vectors, langs: Sequence[str], text_at: Callable[[int], str]) -> list[int]:
    """For each of n ranked documents, the place of the first document that tells the same story: its own for most.

    `vectors`: (n, dimension) aligned and mapped, of length 1; `text_at`: place -> what the document is shown by, asked
    for only where it matters.
    """
    likeness = (vectors @ vectors.T).tolist()
    terms: dict[int, set[str]] = {}

    def terms_at(place: int) -> set[str]:
        if place not in terms:
            terms[place] = set(terms_of(words_of(text_at(place))))
        return terms[place]

    firsts: list[int] = []
    for place in range(len(langs)):
        first = place
        for earlier in dict.fromkeys(firsts):
            near = likeness[place][earlier]
            if langs[place] != langs[earlier]:
                same = near >= SAME_STORY
            else:
                same = near >= _MAYBE_COPY and _shared(terms_at(place), terms_at(earlier)) >= COPY
            if same:
                first = earlier
                break
        firsts.append(first)
    return firsts


def with_copies(firsts: Sequence[int], groups: Sequence[int]) -> list[int]:
    """`firsts` as above, where documents of one group are known to be copies of each other."""
    joined: list[int] = []
    of_group: dict[int, int] = {}
    for place, first in enumerate(firsts):
        first = joined[first] if first < place else of_group.get(groups[place], place)
        joined.append(first)
        of_group.setdefault(groups[place], first)
    return joined


def _shared(one: set[str], other: set[str]) -> float:
    """Jaccard's coefficient."""
    together = one | other
    return len(one & other) / len(together) if together else 0.0
