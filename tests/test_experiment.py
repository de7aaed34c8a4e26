"""A dataset through the product's path: the promise on the sample collection and on evaluation data; the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval import cli
from eval.datasets import Dataset, load_beir
from eval.experiment import Setup, figures, run_dataset
from indexer.encoder import SentenceTransformerEncoder
from indexer.sample import sample_file
from tests.fakes import FakeEncoder

_SEEDS = sample_file().parent


def evaluate(dataset: Dataset, encoder: SentenceTransformerEncoder, setup: Setup) -> dict[str, Any]:
    return figures(dataset, run_dataset(dataset, encoder, setup, lambda _: None), encoder.name)


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return load_beir(_SEEDS)


def test_language_means_are_what_crosses_languages_on_the_sample(
    sample: Dataset, encoder: SentenceTransformerEncoder
) -> None:
    ours = evaluate(sample, encoder, Setup())
    plain = evaluate(sample, encoder, Setup(language_means=False, sentence_weight=0))
    assert ours["cross_language"]["RR"] > plain["cross_language"]["RR"] + 0.15
    assert ours["measures"]["nDCG@10"] > plain["measures"]["nDCG@10"] + 0.05
    assert ours["measures"]["nDCG@10"] > 0.7


def test_a_pool_of_news_reaches_its_figures(benchmarks: Path, encoder: SentenceTransformerEncoder) -> None:
    result = evaluate(load_beir(benchmarks / "ntrex-mixed" / "pool0"), encoder, Setup())
    assert result["cross_language"]["RR"] >= 0.79
    assert result["same_language"]["RR"] >= 0.92
    assert len(result["language_pairs"]) == 16


def test_a_query_that_cannot_be_asked_finds_nothing_and_is_named(
    tmp_path: Path, fake: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path))
    dataset = load_beir(_SEEDS)
    odd = Dataset(dataset.name, dataset.documents[:5], dataset.queries[:1], dataset.qrels, dataset.document_langs)
    query = odd.queries[0]
    said: list[str] = []
    broken = Dataset(odd.name, odd.documents, [type(query)(query.id, "?!", "en")], odd.qrels, odd.document_langs)
    assert run_dataset(broken, fake, Setup(), said.append) == {query.id: []}
    assert any(f"query {query.id} finds nothing: the query has no letters or digits" in line for line in said)


def test_the_command_writes_figures_whole_or_not_at_all(
    tmp_path: Path, fake: FakeEncoder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cli, "load_encoder", lambda _: fake)
    file = tmp_path / "figures.json"
    assert cli.main(["run", str(_SEEDS), "--json", str(file)]) == 0
    assert json.loads(file.read_text())["queries"] == 80
    assert [path.name for path in tmp_path.glob("figures*")] == ["figures.json"]
    capsys.readouterr()
    assert cli.main(["run", str(_SEEDS), "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["documents"] == 56
    assert cli.main(["run", str(_SEEDS), "--json", str(tmp_path / "no" / "where")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_several_datasets_give_their_mean(
    tmp_path: Path, fake: FakeEncoder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path))
    monkeypatch.setattr(cli, "load_encoder", lambda _: fake)
    assert cli.main(["run", str(_SEEDS), str(_SEEDS), "--json", "-"]) == 0
    both = json.loads(capsys.readouterr().out)
    assert len(both["runs"]) == 2
    assert both["mean"]["measures"] == both["runs"][0]["measures"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "/nowhere"], "/nowhere/corpus.jsonl: no such file or directory"),
        (["run", str(_SEEDS), "--sentence-weight", "2"], "--sentence-weight 2.0, expected 0 to 1"),
        (["bench", "sentences"], "bench sentences needs --data DIR"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
