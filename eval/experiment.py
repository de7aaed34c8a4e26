"""A dataset through the product's own path -> a run, and what it took.

Documents are cut, encoded, centred, indexed and searched exactly as `search-index` and `search` do it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from eval.datasets import Dataset
from indexer.build import index_documents, open_or_create
from indexer.encoder import Encoder
from indexer.errors import QueryError
from indexer.store import LocalStore
from indexer.summary import Summary
from search_api.question import Question, question_of
from search_api.scoring import Stages
from search_api.searcher import MOST_HITS, Searcher

Vectors = NDArray[np.float32]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What one setting of the stages did with a dataset."""

    run: Mapping[str, list[str]]
    """Query id -> ids of the best 100 documents, best first; a query that cannot be asked has none."""
    scores: Mapping[str, list[float]]
    """Of the same documents: the searcher's score of each, which falls with the rank."""
    milliseconds: float
    """To rank one query, encoding left out: the median."""
    bytes_per_passage: float
    """Of the collection with its indexes."""
    passages: int
    seconds: float
    """To cut, encode and index the documents."""
    peak_memory_mb: int | None
    """The most that the process had so far; None where the system does not say."""


def run_dataset(dataset: Dataset, encoder: Encoder, stages: Stages, progress: Progress) -> dict[str, list[str]]:
    """Query id -> ids of the best 100 documents, best first; a query that cannot be asked has none."""
    (outcome,) = run_settings(dataset, encoder, [stages], progress)
    return dict(outcome.run)


def run_settings(
    dataset: Dataset, encoder: Encoder, settings: Sequence[Stages], progress: Progress, budget: int | None = None
) -> list[Outcome]:
    """The same dataset, encoded once, ranked with each of several settings. `budget`: the most tokens of a passage."""
    with (
        tempfile.TemporaryDirectory(prefix="search-eval-") as folder,
        open_or_create(Path(folder), encoder, budget) as collection,
    ):

        def report(summary: Summary, _: str) -> None:
            progress(f"{dataset.name}: {summary.seen} of {len(dataset.documents)} documents indexed")

        start = perf_counter()
        index_documents(dataset.documents, collection, encoder, report)
        seconds = perf_counter() - start
        questions = {}
        for query in dataset.queries:
            try:
                questions[query.id] = question_of(query.text)
            except QueryError as error:
                progress(f"{dataset.name}: query {query.id} finds nothing: {error}")
        progress(f"{dataset.name}: encoding {len(questions)} queries")
        vectors = encoder.encode_queries([question.text for question in questions.values()])
        outcomes = []
        for stages in settings:
            store = LocalStore(collection, means=stages.means, maps=stages.maps)
            size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
            searcher = Searcher(store, encoder, stages)
            passages = store.statistics().passages
            run, scores, milliseconds = _rank_all(dataset, questions, vectors, searcher, progress)
            outcomes.append(Outcome(run, scores, milliseconds, size / max(1, passages), passages, seconds, _peak()))
        return outcomes


def _rank_all(
    dataset: Dataset, questions: Mapping[str, Question], vectors: Vectors, searcher: Searcher, progress: Progress
) -> tuple[dict[str, list[str]], dict[str, list[float]], float]:
    """The run, its scores, and the median of the milliseconds that a query took."""
    run: dict[str, list[str]] = {query.id: [] for query in dataset.queries}
    scores: dict[str, list[float]] = {query.id: [] for query in dataset.queries}
    times = []
    for place, (identifier, question) in enumerate(questions.items()):
        start = perf_counter()
        ranked = searcher.rank(vectors[place], question, MOST_HITS)
        times.append(1000 * (perf_counter() - start))
        run[identifier] = searcher.document_ids(ranked[:MOST_HITS])
        scores[identifier] = [document.score for document in ranked[:MOST_HITS]]
        if place % 500 == 499:
            progress(f"{dataset.name}: {place + 1} of {len(questions)} queries")
    return run, scores, median(times) if times else 0.0


def _peak() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit // 1_000_000
