"""What a peer is: a name and a way to build something that ranks, and one way to run and time them all."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from statistics import median
from time import perf_counter
from typing import Any

from eval.datasets import Dataset
from eval.experiment import Progress
from eval.peers.prepared import Prepared
from indexer.errors import SearchError

Search = Callable[[int], list[str]]
"""The place of a query in its dataset -> ids of at most 100 documents, best first."""
Build = Callable[[Prepared], AbstractContextManager[Search]]
"""Indexes the passages; what was made for that is gone when the context ends."""

REQUIREMENTS = "eval/peers/requirements.txt"


class PeerError(SearchError):
    """A peer that there is not, or whose package is not installed."""


class Encoding(Enum):
    """Where a peer's vectors come from."""

    NONE = "it has none"
    SHARED = "from the encoder that all share"
    OWN = "it encodes passages and queries itself, with the same model"


@dataclass(frozen=True)
class PeerOutcome:
    """What a peer did with a dataset."""

    run: Mapping[str, list[str]]
    """Query id -> ids of the best 100 documents, best first."""
    milliseconds: float
    """To rank one query: the median. Encoding is left out, unless the peer does that itself."""
    seconds: float
    """To cut, encode and index the documents."""


@dataclass(frozen=True)
class Peer:
    """Another system."""

    name: str
    build: Build
    encoding: Encoding
    package: str | None
    """What it needs beyond the product's own requirements."""
    prepare: Callable[[Dataset, Progress], Prepared]

    def rank(self, dataset: Dataset, progress: Progress) -> dict[str, list[str]]:
        """Query id -> ids of at most 100 documents, best first."""
        return dict(self.measure(dataset, progress).run)

    def measure(self, dataset: Dataset, progress: Progress) -> PeerOutcome:
        """The ranking, and what it took."""
        if self.package is not None:
            package(self.package)  # to import it is no part of indexing
        prepared = self.prepare(dataset, progress)
        if not prepared.texts:
            return PeerOutcome({query.id: [] for query in dataset.queries}, 0.0, prepared.seconds_to_cut)
        seconds = prepared.seconds_to_cut
        if self.encoding is Encoding.SHARED:
            seconds += prepared.seconds_to_encode
            _ = prepared.query_vectors
        progress(f"{dataset.name}: {self.name} indexes {len(prepared.texts)} passages")
        start = perf_counter()
        with self.build(prepared) as search:
            seconds += perf_counter() - start
            run, times = {}, []
            for place, query in enumerate(dataset.queries):
                start = perf_counter()
                run[query.id] = search(place)
                times.append(1000 * (perf_counter() - start))
        return PeerOutcome(run, median(times) if times else 0.0, seconds)


def missing(package: str) -> bool:
    return importlib.util.find_spec(package) is None


def package(name: str) -> Any:
    """The module of a peer's package, which may be slow to import. Raises PeerError where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise PeerError(
            f"{name} cannot be imported ({error}); install the peers with: pip install -r {REQUIREMENTS}"
        ) from error
