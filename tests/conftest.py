"""Fixtures: the real model once a session, a fake one for everything that can be worked out by hand."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.encoder import SentenceTransformerEncoder
from indexer.joint_encoder import JointEncoder
from indexer.models import load_encoder
from tests.fakes import FakeEncoder

BENCHMARKS = Path(os.environ.get("SEARCH_BENCHMARKS", Path(__file__).parents[2] / "shared" / "benchmarks"))
"""Evaluation data that does not belong to the project; tests that need it say so when it is not there."""


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


@pytest.fixture(scope="session")
def encoder() -> JointEncoder:
    """The real models, as a user has them."""
    loaded = load_encoder()
    assert isinstance(loaded, JointEncoder)
    return loaded


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
