"""BM25 alone: the package bm25s, with its defaults (Lucene's formula, k1 1.5, b 0.75) and no stop words.

Its own tokenizer takes runs of at least two letters or digits, in lower case. Two things follow for languages other
than English. In Chinese and Japanese, where words are not set apart, a run is a whole clause, and a query would hardly
ever have one in common with a passage; so runs of Chinese, Japanese and Korean characters are given to it as pairs of
neighbours, as is usual (`禁輸措置` becomes `禁輸 輸措 措置`). And a vowel sign (Devanagari, Thai) ends a run for it; so
it stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eval.peers.peer import Search, package
from eval.peers.prepared import Prepared

_CJK = re.compile(
    "["
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # kana, with their marks
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u1100-\u11ff\uac00-\ud7a3"  # Hangul
    "]+"
)


@contextmanager
def build(prepared: Prepared) -> Iterator[Search]:
    bm25s = package("bm25s")
    queries = [query.text for query in prepared.dataset.queries]
    index = bm25s.BM25()
    index.index(_tokens(bm25s, prepared.texts), show_progress=False)

    def search(place: int) -> list[str]:
        (tokens,) = _tokens(bm25s, [queries[place]])
        known = [token for token in tokens if token in index.vocab_dict]
        return prepared.by_best_passage(index.get_scores(known), above=0.0) if known else []

    yield search


def _tokens(bm25s: Any, texts: list[str]) -> list[list[str]]:
    tokens: list[list[str]] = bm25s.tokenize(
        [with_pairs(text) for text in texts], stopwords=[], return_ids=False, show_progress=False, allow_empty=False
    )
    return tokens


def with_pairs(text: str) -> str:
    """The text with its runs of Chinese, Japanese and Korean characters as pairs of neighbours; one alone stays so.

    >>> with_pairs("EUは禁輸")
    'EU は禁 禁輸 '
    """
    return _CJK.sub(lambda match: f" {' '.join(pairs(match[0]))} ", text)


def pairs(run: str) -> list[str]:
    """
    >>> pairs("ウラン")
    ['ウラ', 'ラン']
    """
    return [run[at : at + 2] for at in range(max(1, len(run) - 1))]
