"""The product on several datasets -> results: side by side in processes of their own, with vectors remembered."""

from __future__ import annotations

import os
import platform
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from time import perf_counter
from typing import Any

from eval.datasets import Dataset
from eval.experiment import Outcome, Progress, run_settings
from eval.figures import measured
from eval.results import Result, Results
from eval.vector_cache import RememberingEncoder
from indexer.errors import SearchError
from indexer.models import default_model, load_encoder
from search_api.scoring import Stages

_VERSIONS = "multilingual-search faiss-cpu tantivy numpy torch sentence-transformers ir-measures".split()


@dataclass(frozen=True)
class System:
    """What is evaluated: a model, the stages of ranking, and the most tokens of a passage (None: the default)."""

    model: str
    stages: Stages
    budget: int | None = None

    @property
    def name(self) -> str:
        """The model, and what is unlike the default."""
        usual = asdict(Stages())
        changed = [f"{name}={value:g}" for name, value in asdict(self.stages).items() if value != usual[name]]
        if self.budget is not None:
            changed.append(f"budget={self.budget}")
        return " ".join([self.model, *changed])


@cache
def remembering(model: str) -> RememberingEncoder:
    """The encoder of a name, loaded once in a process."""
    return RememberingEncoder(load_encoder(model))


def evaluate(datasets: Sequence[Dataset], system: System, jobs: int, progress: Progress) -> Results:
    """Every dataset, `jobs` of them at a time. Raises what loading, indexing and searching raise."""
    began, start = datetime.now(UTC), perf_counter()
    outcomes = outcomes_of([(dataset, system) for dataset in datasets], jobs, progress)
    results = {
        dataset.name: result_of(dataset, system, outcome) for dataset, outcome in zip(datasets, outcomes, strict=True)
    }
    own = {"model": system.model, "stages": asdict(system.stages), "budget": system.budget}
    return Results({**settings_of(system.name, datasets, began, perf_counter() - start), **own}, results)


def settings_of(system: str, datasets: Sequence[Dataset], began: datetime, seconds: float) -> dict[str, Any]:
    """What every folder of results says of itself."""
    return {
        "system": system,
        "sources": {dataset.name: dataset.source for dataset in datasets},
        "splits": {dataset.name: dataset.split for dataset in datasets},
        "began": began.isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "versions": _versions(),
        "machine": {"system": platform.platform(), "processors": os.cpu_count()},
    }


def outcomes_of(
    tasks: Sequence[tuple[Dataset, System]], jobs: int, progress: Progress, finished: Callable[[], None] | None = None
) -> list[Outcome]:
    """One outcome a task, in their order. `finished` is called after each task, in whatever order they end."""
    if jobs == 1 or len(tasks) == 1:
        alone = []
        for dataset, system in tasks:
            alone.append(_outcome(dataset, system, progress))
            if finished:
                finished()
        return alone
    detail = _nothing if finished else say  # lines of other processes would break a bar
    threads = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"  # each process has a core of its own
    try:
        with ProcessPoolExecutor(
            min(jobs, len(tasks)), mp_context=get_context("spawn"), initializer=_end_when_interrupted
        ) as pool:
            # The longest first, so that no process is left alone with it at the end.
            order = sorted(range(len(tasks)), key=lambda place: -_size(tasks[place][0]))
            futures: dict[int, Future[Outcome]] = {
                place: pool.submit(_outcome, tasks[place][0], tasks[place][1], detail) for place in order
            }
            if finished:
                for future in futures.values():
                    future.add_done_callback(partial(_call, finished))
            try:
                outcomes = []
                for place, (dataset, system) in enumerate(tasks):
                    outcomes.append(futures[place].result())
                    progress(f"{dataset.name}: done ({place + 1} of {len(tasks)}, {system.name})")
                return outcomes
            finally:
                pool.shutdown(wait=False, cancel_futures=True)  # after an error, what has not begun is left out
    except BrokenProcessPool as error:
        raise SearchError("a process was ended from outside, maybe for want of memory; try a smaller --jobs") from error
    finally:
        if threads is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = threads


def _end_when_interrupted() -> None:
    """Ctrl-C reaches every process; the first one speaks for all."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _nothing(_: str) -> None:
    pass


def _call(finished: Callable[[], None], _: Future[Outcome]) -> None:
    finished()


def say(text: str) -> None:
    sys.stderr.write(f"search-eval: {text}\n")
    sys.stderr.flush()


def _size(dataset: Dataset) -> int:
    return len(dataset.queries) + len(dataset.documents)


def _outcome(dataset: Dataset, system: System, progress: Progress) -> Outcome:
    with remembering(system.model) as encoder:
        (outcome,) = run_settings(dataset, encoder, [system.stages], progress, system.budget)
    return outcome


def result_of(dataset: Dataset, system: System, outcome: Outcome) -> Result:
    costs = {
        "milliseconds_a_query": round(outcome.milliseconds, 2),
        "seconds_to_index": round(outcome.seconds, 2),
        "passages": outcome.passages,
        "bytes_a_passage": round(outcome.bytes_per_passage),
        "peak_memory_mb": outcome.peak_memory_mb,
    }
    run = {query: list(zip(documents, outcome.scores[query], strict=True)) for query, documents in outcome.run.items()}
    return measured(dataset, run, system.model, costs)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _VERSIONS:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def default_system() -> System:
    return System(default_model(), Stages())
