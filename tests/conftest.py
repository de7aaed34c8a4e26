"""Fixtures: the real model once a session, a fake one for everything that can be worked out by hand."""

from __future__ import annotations

import gc
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.encoder import Progress, SentenceTransformerEncoder
from indexer.joint_encoder import JointEncoder
from indexer.models import load_encoder
from tests.fakes import FakeEncoder

BENCHMARKS = Path(os.environ.get("SEARCH_BENCHMARKS", Path(__file__).parents[2] / "shared" / "benchmarks"))
"""Evaluation data that does not belong to the project; tests that need it say so when it is not there."""

_LONGEST = (
    "test_experiment.py",
    "test_search_command.py",
    "test_kills.py",
    "test_encoder.py",
    "test_evaluation.py",
    "test_faults.py",
    "test_interruptions.py",
    "test_embedded_model.py",
    "test_searcher.py",  # by then test_experiment has encoded the sample collection
    "test_search_eval.py",
    "test_mixed_files.py",
    "test_lexical_index.py",
    "test_sample.py",
)
"""Files that take longest, begun first by processes side by side: at the end none waits long for another."""
_A_COLLECTION = 500
"""So many texts at once are those of a collection, not of a test of the encoder."""


# Processes side by side (`make test`)


def pytest_configure(config: pytest.Config) -> None:
    """Processes share the cores: threads of two that want them all mostly wait for each other."""
    processes = config.getoption("numprocesses", None)
    if processes:
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(processes))))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _is_worker(config):
        places = {name: place for place, name in enumerate(_LONGEST)}
        items.sort(key=lambda item: places.get(item.path.name, len(places)))


def pytest_collection_finish() -> None:
    """What has been imported and collected stays: it is not looked through for garbage again and again."""
    gc.freeze()


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


@pytest.fixture(scope="session")
def common_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for all processes of a session."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if _is_worker(request.config) else own


# Fixtures


@pytest.fixture(scope="session", autouse=True)
def own_folders() -> Iterator[None]:
    """The tests' own data folder, never the user's collection; the built model is shared with other runs."""
    with tempfile.TemporaryDirectory() as folder:
        before = dict(os.environ)
        os.environ.pop("SEARCH_MODEL", None)
        os.environ["SEARCH_COLLECTION"] = str(Path(folder) / "own-collection")
        yield
        os.environ.clear()
        os.environ.update(before)


class ThriftyEncoder(JointEncoder):
    """What it is given to encode of a collection it encodes once a session, whichever test and process is first."""

    def __init__(self, loaded: JointEncoder, folder: Path) -> None:
        super().__init__(loaded._first, loaded._second)
        self._folder = folder

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> NDArray[np.float32]:
        if len(texts) < _A_COLLECTION:
            return super().encode_passages(texts, progress)
        file = self._folder / f"{hashlib.sha256(repr(list(texts)).encode()).hexdigest()}.npy"
        if not file.exists():
            part = self._folder / f"{file.stem}-{os.getpid()}.npy"
            np.save(part, super().encode_passages(texts, progress))
            part.replace(file)
        vectors: NDArray[np.float32] = np.load(file)
        return vectors


@pytest.fixture(scope="session")
def encoder(common_folder: Path) -> JointEncoder:
    """The real models, as a user has them."""
    loaded = load_encoder()
    assert isinstance(loaded, JointEncoder)
    return ThriftyEncoder(loaded, common_folder)


@pytest.fixture(scope="session")
def first_encoder(encoder: JointEncoder) -> SentenceTransformerEncoder:
    """The first of the two alone, multilingual-e5-small-q4; taken out, so that it is loaded once."""
    first = encoder._first
    assert isinstance(first, SentenceTransformerEncoder)
    return first


@pytest.fixture
def fake() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
def benchmarks() -> Path:
    if not BENCHMARKS.is_dir():
        pytest.skip(f"no evaluation data in {BENCHMARKS}; set SEARCH_BENCHMARKS to run this")
    return BENCHMARKS
