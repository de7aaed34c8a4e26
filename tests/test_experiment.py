"""A dataset through the product's path: the promise on the sample collection and on evaluation data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.datasets import Dataset, load_folder
from eval.experiment import Outcome, run_dataset, run_settings
from eval.figures import figures
from eval.stages import WITHOUT, without
from indexer.build import index_documents, open_or_create
from indexer.encoder import Encoder
from indexer.joint_encoder import JointEncoder
from indexer.sample import sample_documents, sample_file
from indexer.store import LocalStore
from search_api.scoring import Stages
from search_api.searcher import Searcher
from tests.fakes import FakeEncoder

_SEEDS = sample_file().parent


PLAIN = without(sorted(WITHOUT))
"""The plain index: passages alone, languages as the models leave them."""


def evaluate(dataset: Dataset, encoder: Encoder, settings: list[Stages]) -> list[dict[str, Any]]:
    outcomes = run_settings(dataset, encoder, settings, lambda _: None)
    return [figures(dataset, outcome.run, encoder.name) for outcome in outcomes]


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return load_folder(_SEEDS)


_SETTINGS = [Stages(), without(["maps"]), PLAIN, Stages()]


@pytest.fixture(scope="module")
def outcomes(sample: Dataset, tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    """Of the settings, with the fake encoder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEARCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        return run_settings(sample, FakeEncoder(), _SETTINGS, lambda _: None)


def test_language_means_are_what_crosses_languages_on_the_sample(sample: Dataset, encoder: JointEncoder) -> None:
    """The plain index is better than it was with one model, and 1 is the most that there is: the gain left is less."""
    as_indexed = replace(sample, documents=sample_documents())  # what test_searcher encodes as well
    ours, plain = evaluate(as_indexed, encoder, [Stages(), PLAIN])
    assert ours["cross_language"]["RR"] > plain["cross_language"]["RR"] + 0.12
    assert ours["measures"]["nDCG@10"] > plain["measures"]["nDCG@10"] + 0.1
    assert ours["cross_language"]["RR"] > 0.91
    assert ours["measures"]["nDCG@10"] > 0.88


def test_a_pool_of_news_reaches_its_figures(benchmarks: Path, encoder: JointEncoder) -> None:
    (result,) = evaluate(load_folder(benchmarks / "ntrex-mixed" / "pool0"), encoder, [Stages()])
    assert result["cross_language"]["RR"] >= 0.81
    assert result["same_language"]["RR"] >= 0.925
    assert len(result["language_pairs"]) == 16


def test_a_query_that_cannot_be_asked_finds_nothing_and_is_named(
    tmp_path: Path, fake: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path))
    dataset = load_folder(_SEEDS)
    odd = Dataset(dataset.name, dataset.documents[:5], dataset.queries[:1], dataset.qrels, dataset.document_langs)
    query = odd.queries[0]
    said: list[str] = []
    broken = Dataset(odd.name, odd.documents, [type(query)(query.id, "?!", "en")], odd.qrels, odd.document_langs)
    assert run_dataset(broken, fake, Stages(), said.append) == {query.id: []}
    assert any(f"query {query.id} finds nothing: the query has no letters or digits" in line for line in said)


def test_each_setting_ranks_as_if_it_were_the_only_one(
    tmp_path: Path, sample: Dataset, outcomes: list[Outcome], fake: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path))
    for stages, outcome in zip(_SETTINGS[:3], outcomes, strict=False):
        assert outcome.run == run_dataset(sample, fake, stages, lambda _: None)
    assert outcomes[0].run == outcomes[3].run != outcomes[2].run


def test_an_outcome_is_what_the_searcher_finds_and_how_much_room_and_time_it_took(
    tmp_path: Path, sample: Dataset, outcomes: list[Outcome], fake: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    outcome = outcomes[0]
    assert isinstance(outcome, Outcome)
    with open_or_create(tmp_path / "collection", fake) as collection:
        index_documents(sample.documents, collection, fake)
        searcher = Searcher(LocalStore(collection), fake)
        for query in sample.queries[:20]:
            hits = searcher.search(query.text, limit=100, collapse=False).hits
            assert outcome.run[query.id] == [hit.document_id for hit in hits]
        passages = collection.statistics().passages
        files = sum(file.stat().st_size for file in (tmp_path / "collection").rglob("*") if file.is_file())
    assert outcome.bytes_per_passage == pytest.approx(files / passages, rel=0.05)
    assert 0 < outcome.milliseconds < 1000


@pytest.mark.parametrize(
    ("names", "stages"),
    [
        ([], Stages()),
        (["means"], Stages(means=False, maps=False, generic=0.0)),
        (["maps"], Stages(maps=False)),
        (["sentences"], Stages(sentences=0.0)),
        (["context"], Stages(context=False)),
        (["generic"], Stages(generic=0.0)),
        (["feedback"], Stages(feedback=0.0)),
        (["exact"], Stages(exact=0.0)),
        (["exact", "context"], Stages(exact=0.0, context=False)),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else "",
)
def test_a_stage_is_left_out_by_its_name(names: list[str], stages: Stages) -> None:
    assert without(names) == stages
