"""A system on several datasets: its figures are those of the plain path, its settings say what was done, processes side
by side change nothing."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from eval import evaluation
from eval.datasets import Dataset, load_folder
from eval.errors import DatasetError
from eval.evaluation import System, default_system, evaluate, outcomes_of
from eval.experiment import run_dataset, run_settings
from eval.figures import figures
from eval.stages import without
from eval.table import table_of
from eval.vector_cache import RememberingEncoder
from indexer.errors import ModelError, SearchError
from indexer.joint_encoder import JointEncoder
from indexer.models import default_model
from indexer.sample import sample_file
from search_api.scoring import Stages
from tests.fakes import FakeEncoder
from tests.four_topics import four_topics

_MAPS_OFF = System("fake", without(["maps", "exact"]), 40)


def quiet(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return load_folder(sample_file().parent)


@pytest.fixture
def faked(tmp_path: Path, fake: FakeEncoder, monkeypatch: pytest.MonkeyPatch) -> FakeEncoder:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path))
    monkeypatch.setattr(evaluation, "remembering", lambda _: RememberingEncoder(fake))
    return fake


def test_figures_runs_and_tables_are_those_of_the_plain_path(sample: Dataset, faked: FakeEncoder) -> None:
    small = four_topics()
    said: list[str] = []
    results = evaluate([sample, small], System("fake", Stages()), 1, said.append)
    assert list(results.of) == [sample.name, small.name]
    for dataset in (sample, small):
        run = run_dataset(dataset, FakeEncoder(), Stages(), quiet)
        result = results.of[dataset.name]
        assert {name: value for name, value in result.figures.items() if name != "costs"} == figures(
            dataset, run, "fake"
        )
        assert {query: [document for document, _ in own] for query, own in result.run.items()} == run
        assert result.table == table_of(dataset, run)
        assert result.dataset == dataset.name
        assert f"{dataset.name}: encoding {len(dataset.queries)} queries" in said
    assert sample.name != small.name


def test_scores_are_the_searchers_and_fall(faked: FakeEncoder) -> None:
    dataset = four_topics()
    result = evaluate([dataset], _MAPS_OFF, 1, quiet).of[dataset.name]
    (outcome,) = run_settings(dataset, FakeEncoder(), [_MAPS_OFF.stages], quiet, 40)
    for query, own in result.run.items():
        assert [score for _, score in own] == outcome.scores[query]
        assert [document for document, _ in own] == outcome.run[query]
        assert sorted(outcome.scores[query], reverse=True) == outcome.scores[query]
        assert len({score for _, score in own}) > 1


def test_stages_and_budget_are_those_of_the_system(faked: FakeEncoder) -> None:
    dataset = four_topics()
    result = evaluate([dataset], _MAPS_OFF, 1, quiet).of[dataset.name]
    (outcome,) = run_settings(dataset, FakeEncoder(), [_MAPS_OFF.stages], quiet, 40)
    (usual,) = run_settings(dataset, FakeEncoder(), [Stages()], quiet)
    assert result.table == table_of(dataset, outcome.run) != table_of(dataset, usual.run)


def test_a_second_evaluation_encodes_nothing(faked: FakeEncoder) -> None:
    evaluate([four_topics()], System("fake", Stages()), 1, quiet)
    assert faked.batches
    faked.batches.clear()
    evaluate([four_topics()], System("fake", Stages(means=False)), 1, quiet)
    assert faked.batches == []


def test_settings_say_what_was_done(faked: FakeEncoder) -> None:
    one = replace(four_topics("one"), source="/data/one", split="test")
    two = replace(four_topics("two", ["gas"]), source="mteb:Two", split="dev")
    results = evaluate([one, two], _MAPS_OFF, 1, quiet)
    settings = dict(results.settings)
    assert settings["sources"] == {"one": "/data/one", "two": "mteb:Two"}
    assert settings["splits"] == {"one": "test", "two": "dev"}
    assert settings["stages"] == {**asdict(Stages()), "maps": False, "exact": 0.0}
    assert (settings["model"], settings["budget"]) == ("fake", 40)
    assert settings["system"] == results.system == "fake maps=0 exact=0 budget=40"
    assert settings["versions"]["python"] == platform.python_version()
    for package in ("numpy", "faiss-cpu", "tantivy", "ir-measures", "multilingual-search"):
        assert settings["versions"][package] == version(package)
    assert settings["machine"] == {"system": platform.platform(), "processors": os.cpu_count()}
    assert datetime.fromisoformat(settings["began"]).utcoffset() is not None
    assert 0 < settings["seconds"] < 600


def test_a_package_that_is_not_there_has_no_version(faked: FakeEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "_VERSIONS", ["numpy", "no-such-package-of-ours"])
    results = evaluate([four_topics()], System("fake", Stages()), 1, quiet)
    assert set(results.settings["versions"]) == {"python", "numpy"}


def test_costs_are_there(faked: FakeEncoder) -> None:
    dataset = four_topics()
    costs = evaluate([dataset], System("fake", Stages()), 1, quiet).of[dataset.name].figures["costs"]
    assert set(costs) == {
        "milliseconds_a_query",
        "seconds_to_index",
        "passages",
        "bytes_a_passage",
        "peak_memory_mb",
    }
    (outcome,) = run_settings(dataset, FakeEncoder(), [Stages()], quiet)
    assert costs["passages"] == 16
    assert costs["bytes_a_passage"] == pytest.approx(outcome.bytes_per_passage, rel=0.05)
    assert 0 < costs["milliseconds_a_query"] < 1000
    assert 0 < costs["seconds_to_index"] < 60
    assert costs["peak_memory_mb"] is None or 20 < costs["peak_memory_mb"] < 64_000


@pytest.mark.parametrize(
    ("system", "name"),
    [
        (System("m", Stages()), "m"),
        (System("m", Stages(means=False, maps=False, generic=0.0)), "m means=0 maps=0 generic=0"),
        (System("a/b+use", Stages(exact=0.25), 64), "a/b+use exact=0.25 budget=64"),
        (System("m", Stages(), 140), "m budget=140"),
        (System("m", Stages(sentences=1.0)), "m sentences=1"),
    ],
)
def test_a_name_says_what_is_unlike_the_default(system: System, name: str) -> None:
    assert system.name == name


def test_the_default_is_the_default_model_with_all_stages() -> None:
    assert default_system() == System(default_model(), Stages(), None)
    assert default_system().name == default_model()


def _tiny(sample: Dataset, lang: str) -> Dataset:
    """Four documents of the sample in one language, and the first two queries that one of them answers."""
    documents = [document for document in sample.documents if sample.document_langs[document.id] == lang]
    documents = sorted(documents, key=lambda document: len(document.text))[:4]
    langs = {document.id: lang for document in documents}
    qrels = {query: {own: grade for own, grade in row.items() if own in langs} for query, row in sample.qrels.items()}
    queries = [query for query in sample.queries if any(qrels.get(query.id, {}).values())][:2]
    assert (len(documents), len(queries)) == (4, 2)
    return Dataset(f"tiny/{lang}", documents, queries, qrels, langs)


@pytest.fixture
def real(encoder: JointEncoder, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    """The real model, in this process the one that is loaded already."""
    monkeypatch.setattr(evaluation, "load_encoder", lambda _: encoder)
    evaluation.remembering.cache_clear()
    yield default_system()
    evaluation.remembering.cache_clear()


def test_processes_side_by_side_give_the_same(sample: Dataset, real: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some seconds, most of them to load the real model twice."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    # Of unlike sizes, the larger one last, so that the order of results is not the order of work.
    datasets = [replace(_tiny(sample, "en"), queries=_tiny(sample, "en").queries[:1]), _tiny(sample, "ja")]
    said: list[str] = []
    one = outcomes_of([(dataset, real) for dataset in datasets], 1, quiet)
    ended: list[int] = []
    both = outcomes_of([(dataset, real) for dataset in datasets], 2, said.append, lambda: ended.append(1))
    assert len(ended) == 2
    assert "OMP_NUM_THREADS" not in os.environ
    assert [re.sub(r", .*\)", ")", line) for line in said] == [
        "tiny/en: done (1 of 2)",
        "tiny/ja: done (2 of 2)",
    ]
    for dataset, alone, beside in zip(datasets, one, both, strict=True):
        assert beside.run == alone.run
        assert beside.run.keys() == {query.id for query in dataset.queries}
        # Another number of threads may add in another order: a last bit may differ.
        assert beside.scores.keys() == alone.scores.keys()
        for query, scores in alone.scores.items():
            assert beside.scores[query] == pytest.approx(scores, abs=1e-6)
        assert beside.passages == alone.passages


def test_an_error_in_a_process_is_the_error_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    with pytest.raises(ModelError, match="/nowhere/model") as caught:
        outcomes_of([(four_topics(), System("/nowhere/model", Stages()))] * 4, 2, quiet)
    assert "\n" not in str(caught.value)
    assert os.environ["OMP_NUM_THREADS"] == "3"


class _Deadly(str):
    """Ends the process that it is sent to."""

    __slots__ = ()

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (1,)


def test_a_process_that_is_ended_from_outside_is_one_line() -> None:
    deadly = replace(four_topics(), source=_Deadly())
    with pytest.raises(SearchError, match=r"ended from outside, .* try a smaller --jobs") as caught:
        outcomes_of([(deadly, default_system())] * 2, 2, quiet)
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, DatasetError)
