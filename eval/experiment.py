"""A dataset through the product's own path -> a run, and the figures that DESIGN's contract names.

Documents are cut, encoded, centred, indexed and searched exactly as `search-index` and `search` do it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.datasets import Dataset
from eval.measures import MEASURES, mean, per_query
from indexer.build import Summary, index_documents, open_or_create
from indexer.encoder import Encoder
from indexer.errors import QueryError
from indexer.store import LocalStore
from search_api.searcher import MOST_HITS, SENTENCE_WEIGHT, Searcher, checked_query

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Setup:
    """What can be switched for comparison: language means, the part of the best sentence in a score (0 to 1)."""

    language_means: bool = True
    sentence_weight: float = SENTENCE_WEIGHT


def run_dataset(dataset: Dataset, encoder: Encoder, setup: Setup, progress: Progress) -> dict[str, list[str]]:
    """Query id -> ids of the best 100 documents, best first; a query that cannot be asked has none."""
    with (
        tempfile.TemporaryDirectory(prefix="search-eval-") as folder,
        open_or_create(Path(folder), encoder) as collection,
    ):

        def report(summary: Summary, _: str) -> None:
            progress(f"{dataset.name}: {summary.seen} of {len(dataset.documents)} documents indexed")

        index_documents(dataset.documents, collection, encoder, report)
        store = LocalStore(collection, centred=setup.language_means)
        searcher = Searcher(store, encoder, sentence_weight=setup.sentence_weight)
        return _rank_all(dataset, encoder, searcher, progress)


def _rank_all(dataset: Dataset, encoder: Encoder, searcher: Searcher, progress: Progress) -> dict[str, list[str]]:
    """Queries are encoded together, then ranked one by one."""
    texts = {}
    for query in dataset.queries:
        try:
            texts[query.id] = checked_query(query.text)
        except QueryError as error:
            progress(f"{dataset.name}: query {query.id} finds nothing: {error}")
    progress(f"{dataset.name}: encoding {len(texts)} queries")
    vectors = encoder.encode_queries(list(texts.values()))
    run: dict[str, list[str]] = {query.id: [] for query in dataset.queries}
    for place, (identifier, text) in enumerate(texts.items()):
        ranked = searcher.rank(vectors[place], searcher.query_languages(text), MOST_HITS)
        run[identifier] = searcher.document_ids(ranked[:MOST_HITS])
        if place % 500 == 499:
            progress(f"{dataset.name}: {place + 1} of {len(texts)} queries")
    return run


def figures(dataset: Dataset, run: Mapping[str, list[str]], model: str) -> dict[str, Any]:
    """Measures over all judgements, over those in the query's language (same) and in others (cross), and per pair."""
    qrels = {query.id: dict(dataset.qrels[query.id]) for query in dataset.queries}
    overall = per_query(run, qrels)
    return {
        "dataset": dataset.name,
        "queries": len(dataset.queries),
        "documents": len(dataset.documents),
        "model": model,
        "measures": {name: mean(overall[name]) for name in MEASURES},
        "same_language": _side(dataset, run, same=True),
        "cross_language": _side(dataset, run, same=False),
        "language_pairs": _pairs(dataset, run),
    }


def _side(dataset: Dataset, run: Mapping[str, list[str]], *, same: bool) -> dict[str, float]:
    """Only relevant documents on this side count; those on the other side are left out of the ranking."""
    side_run, side_qrels = {}, {}
    for query in dataset.queries:
        relevant = dataset.relevant(query.id)
        wanted = {d: grade for d, grade in relevant.items() if (dataset.document_langs[d] == query.lang) == same}
        if wanted:
            left_out = relevant.keys() - wanted.keys()
            side_qrels[query.id] = wanted
            side_run[query.id] = [document for document in run[query.id] if document not in left_out]
    values = per_query(side_run, side_qrels, ("RR", "nDCG@10"))
    return {"queries": len(side_qrels), "RR": mean(values["RR"]), "nDCG@10": mean(values["nDCG@10"])}


def _pairs(dataset: Dataset, run: Mapping[str, list[str]]) -> dict[str, dict[str, float]]:
    """`en>ja`: queries in English, only relevant documents in Japanese; all other relevant ones left out."""
    runs: dict[str, dict[str, list[str]]] = {}
    qrels: dict[str, dict[str, dict[str, int]]] = {}
    for query in dataset.queries:
        relevant = dataset.relevant(query.id)
        for lang in {dataset.document_langs[document] for document in relevant}:
            pair = f"{query.lang}>{lang}"
            wanted = {d: grade for d, grade in relevant.items() if dataset.document_langs[d] == lang}
            left_out = relevant.keys() - wanted.keys()
            qrels.setdefault(pair, {})[query.id] = wanted
            runs.setdefault(pair, {})[query.id] = [d for d in run[query.id] if d not in left_out]
    return {
        pair: {"queries": len(qrels[pair]), "RR": mean(per_query(runs[pair], qrels[pair], ("RR",))["RR"])}
        for pair in sorted(qrels)
    }
