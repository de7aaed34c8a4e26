"""How the service behaves under load: 16 clients that never wait, then ten times as many, over 100,000 passages.

wrk makes the load. No question is asked twice, so that nothing comes from memory; clients and server share the machine.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import mean
from time import perf_counter, sleep
from typing import IO, Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

from eval.benchmarks.many_passages import fill
from eval.benchmarks.ranking import PASSAGES
from eval.datasets import Dataset
from indexer.build import open_or_create, update_indexes
from indexer.encoder import Encoder
from indexer.errors import SearchError
from indexer.words import words_of

CLIENTS, MANY = 16, 160
_SCRIPT = Path(__file__).with_name("load.lua")
_QUESTIONS = 40_000
_STARTING = 120.0
_OPTIONS = ("--port", "0", "--rate", "0")  # the limit of one client's rate would be all that is measured


def measure(
    progress: Callable[[str], None],
    dataset: Dataset,
    encoder: Encoder,
    *,
    collection: Path | None = None,
    seconds: int = 60,
    workers: int = 1,
) -> dict[str, Any]:
    """Milliseconds of one client (before and after) and of 16, statuses, the server's memory, what ten times the load
    does to it, and `ratio`: the 95th percentile of 16 clients over the median of one.

    `collection`: one to search, instead of one that is made of 100,000 passages.
    """
    if not shutil.which("wrk"):
        raise SearchError("bench service needs wrk; install it with the system's packages (apt install wrk)")
    with tempfile.TemporaryDirectory(prefix="search-eval-") as name:
        folder = Path(name)
        if collection is None:
            collection = folder / "collection"
            with open_or_create(collection, encoder) as made:
                fill(made, dataset, encoder, PASSAGES, progress)
                update_indexes(made)
        with _served(collection, workers, folder / "log") as server:
            load = _Load(server, folder, _paths(dataset))
            progress("warming up")
            load.run(CLIENTS, 5)
            progress("one client")
            one = [load.run(1, max(5, seconds // 3))]
            before = server.memory_mb()
            progress(f"{CLIENTS} clients")
            some = load.run(CLIENTS, seconds)
            after = server.memory_mb()
            progress("one client")
            one.append(load.run(1, max(5, seconds // 3)))  # machines are faster now and slower then
            usual = mean(run["p50_ms"] for run in one)
            progress(f"{MANY} clients")
            many = load.run(MANY, max(5, seconds // 3))
            recovered = server.seconds_to_answer(load.paths[-1], 2 * usual / 1e3)
            return {
                "workers": workers,
                "one": one,
                "clients": CLIENTS,
                "some": some,
                "ratio": some["p95_ms"] / usual,
                "memory_mb": [before, after, server.memory_mb()],
                "many": many,
                "recovered_s": recovered,
            }


@dataclass(frozen=True)
class _Server:
    process: subprocess.Popen[bytes]
    address: str

    def memory_mb(self) -> float:
        """Of the server and its workers, without what they share."""
        pids = [self.process.pid, *_children(self.process.pid)]
        return sum(_private_mb(pid) for pid in pids)

    def seconds_to_answer(self, path: str, quick: float) -> float:
        """Until it answers a question as quickly as that."""
        begun = perf_counter()
        while perf_counter() - begun < 60:
            start = perf_counter()
            with urlopen(self.address + path, timeout=30) as answer:
                answer.read()
            if perf_counter() - start <= quick:
                return start - begun
        return float("inf")


@contextmanager
def _served(collection: Path, workers: int, log: Path) -> Iterator[_Server]:
    run = "from search_api.server import main; raise SystemExit(main())"
    command = [sys.executable, "-c", run, "--collection", str(collection), *_OPTIONS]
    with log.open("wb") as output:
        process = subprocess.Popen([*command, "--workers", str(workers)], stdout=output, stderr=output)
    try:
        with log.open(encoding="utf-8") as said:
            yield _Server(process, _address(process, said))
    finally:
        process.terminate()
        process.wait(60)


def _address(process: subprocess.Popen[bytes], said: IO[str]) -> str:
    """Once it answers."""
    text, begun = "", perf_counter()
    while perf_counter() - begun < _STARTING and process.poll() is None:
        text += said.read()
        if found := re.search(r"http://[\w.:\[\]]+:\d+", text):
            try:
                with urlopen(f"{found.group()}/ready", timeout=30):
                    return found.group()
            except (URLError, OSError):
                pass
        sleep(0.2)
    raise SearchError(f"the server did not start: {' '.join(text.split())[-300:]}")


class _Load:
    """wrk, again and again, always with new questions."""

    def __init__(self, server: _Server, folder: Path, paths: list[str]) -> None:
        self._server, self._folder = server, folder
        self.paths = paths
        self._place = 0

    def run(self, clients: int, seconds: int) -> dict[str, Any]:
        file, result = self._folder / "paths", self._folder / "result"
        file.write_text("\n".join(self.paths[self._place :] + self.paths[: self._place]), encoding="ascii")
        command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "30s", "-s", str(_SCRIPT)]
        command += [self._server.address, "--", str(file), str(result)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found: dict[str, Any] = json.loads(result.read_text())
        self._place = (self._place + found["requests"]) % len(self.paths)
        return found | {"per_second": found["requests"] / found["seconds"]}


def _paths(dataset: Dataset) -> list[str]:
    """Questions in all languages, each a query of a dataset with a word of a title behind it, and no two the same."""
    random = Random(0)
    words = sorted({word.text for document in dataset.documents for word in words_of(document.title)})
    queries = [query.text for query in dataset.queries]
    questions = dict.fromkeys(f"{random.choice(queries)} {random.choice(words)}" for _ in range(_QUESTIONS))
    return [f"/search?q={quote(question)}" for question in questions]


def _children(pid: int) -> list[int]:
    file = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in file.read_text().split()] if file.exists() else []


def _private_mb(pid: int) -> float:
    file = Path(f"/proc/{pid}/smaps_rollup")
    if not file.exists():
        return 0.0
    return sum(int(size) for size in re.findall(r"^Private_\w+:\s+(\d+) kB", file.read_text(), re.MULTILINE)) / 1e3
