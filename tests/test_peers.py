"""Other systems beside ours: what they share by hand, and each on a few documents where its package is there."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval import cli, commands, evaluation, results
from eval.datasets import Dataset, JudgedQuery
from eval.figures import measured
from eval.peers import NAMES, Peer, PeerError, PeerOutcome, peer_results, peer_table, peers
from eval.peers import peer as peer_module
from eval.peers import systems as systems_module
from eval.peers.bm25 import pairs, with_pairs
from eval.peers.prepared import DEPTH, Prepared
from eval.peers.rrf import fused, fused_scores
from eval.results import Results
from eval.vector_cache import RememberingEncoder
from indexer.documents import Document
from indexer.passages import passages_of, text_to_encode
from tests.fakes import FakeEncoder
from tests.four_topics import four_topics, write

_LONG = "Drone after drone flew over the border that day. " * 14


def _dataset() -> Dataset:
    """`far` has two passages or more, of which the last alone is about uranium."""
    return Dataset(
        "by-hand",
        [
            Document("gas", "The gas pipeline was closed, and gas is dear.", title="Energy", lang="en"),
            Document(
                "far",
                f"{_LONG}\n\nUranium was sold to another country, the minister said this morning.",
                lang="en",
            ),
            Document("ja", "日本はウランの禁輸を決めた。", lang="ja"),
            Document("zh", "天然气价格上涨。", lang="zh"),
        ],
        [JudgedQuery("q1", "uranium", "en"), JudgedQuery("q2", "ウランの禁輸", "ja"), JudgedQuery("q3", "gas", "en")],
        {"q1": {"far": 1, "ja": 1}, "q2": {"ja": 1}, "q3": {"gas": 1, "zh": 1}},
        {"gas": "en", "far": "en", "ja": "ja", "zh": "zh"},
    )


def _quiet(_: str) -> None:
    pass


def _prepared() -> Prepared:
    return Prepared(_dataset(), FakeEncoder(), _quiet)


def test_passages_are_those_of_the_product_with_their_titles() -> None:
    encoder, prepared = FakeEncoder(), _prepared()
    expected = [
        (document.id, text_to_encode(document.text, document.title, passage))
        for document in _dataset().documents
        for passage in passages_of(document.text, encoder, 68, document.lang)
    ]
    assert list(zip(prepared.owners, prepared.texts, strict=True)) == expected
    assert prepared.owners.count("far") > 1
    assert prepared.texts[0].startswith("Energy\n")


def test_a_document_is_as_good_as_its_best_passage() -> None:
    prepared = _prepared()
    prepared.owners = ["a", "a", "b", "c", "c"]
    scores = np.array([0.1, 0.9, 0.5, 0.5, 0.0], np.float32)
    assert prepared.by_best_passage(scores) == ["a", "b", "c"], "equal ones in the order of the dataset"
    assert prepared.by_best_passage(scores, above=0.5) == ["a"]
    assert prepared.by_first_passage([(3, 0.5), (0, 0.1), (2, 0.5), (4, 0.6)]) == ["c", "b", "a"]


def test_a_ranking_has_a_hundred_documents_at_most() -> None:
    prepared = _prepared()
    prepared.owners = [f"d{place}" for place in range(2 * DEPTH)]
    scores = np.arange(2 * DEPTH, dtype=np.float32)
    expected = [f"d{place}" for place in range(2 * DEPTH - 1, DEPTH - 1, -1)]
    assert prepared.by_best_passage(scores) == expected
    assert prepared.by_first_passage(enumerate(scores.tolist())) == expected


def test_reciprocal_rank_fusion_by_hand() -> None:
    rankings = [["a", "b", "c"], ["b", "d", "a"]]
    scores = fused_scores(rankings)
    assert scores == pytest.approx({"a": 1 / 61 + 1 / 63, "b": 1 / 62 + 1 / 61, "c": 1 / 63, "d": 1 / 62})
    assert fused(rankings) == ["b", "a", "d", "c"]
    assert fused([["a", "b"], ["b", "a"]]) == ["a", "b"], "equal ones as the first ranking has them"
    assert fused([["a"], []]) == ["a"]


def test_chinese_japanese_and_korean_become_pairs_and_other_text_stays() -> None:
    assert pairs("禁輸措置") == ["禁輸", "輸措", "措置"]
    assert pairs("禁") == ["禁"]
    assert with_pairs("EUの禁輸、2024年").split() == ["EU", "の禁", "禁輸", "、2024", "年"]
    assert with_pairs("スーパー").split() == ["スー", "ーパ", "パー"]
    assert with_pairs("한국어 학교").split() == ["한국", "국어", "학교"]
    for text in ("The ban, again.", "حظر اليورانيوم", "запрет урана", "यूरेनियम", "、。・！"):
        assert with_pairs(text) == text


def test_plain_is_the_exact_inner_product() -> None:
    (plain,) = peers(["plain"], FakeEncoder())
    dataset, prepared = _dataset(), _prepared()
    run = plain.rank(dataset, _quiet)
    scores = FakeEncoder().encode_queries([query.text for query in dataset.queries]) @ prepared.passage_vectors.T
    for place, query in enumerate(dataset.queries):
        best: dict[str, float] = {}
        for owner, score in zip(prepared.owners, scores[place].tolist(), strict=True):
            best[owner] = max(score, best.get(owner, -1.0))
        assert run[query.id] == sorted(best, key=lambda document: -best[document])
    assert run["q1"][0] == "far", "its last passage alone is about it"
    assert run == plain.rank(dataset, _quiet)


def test_peers_share_vectors_and_a_dataset_is_encoded_once() -> None:
    encoder = FakeEncoder()
    first, second = peers(["plain", "plain"], encoder)
    dataset = _dataset()
    first.rank(dataset, _quiet)
    second.rank(dataset, _quiet)
    assert len(encoder.batches) == 1
    second.rank(_dataset(), _quiet)
    assert len(encoder.batches) == 2, "another dataset, though it has the same name"


def test_an_empty_dataset_finds_nothing() -> None:
    dataset = Dataset("empty", [], [JudgedQuery("q", "gas", "en")], {"q": {}}, {})
    (plain,) = peers(["plain"], FakeEncoder())
    assert plain.rank(dataset, _quiet) == {"q": []}


@pytest.mark.parametrize("name", ["bm25", "rrf", "txtai", "chroma", "lancedb"])
def test_a_missing_package_is_one_line_that_says_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems_module, "missing", lambda package: True)
    with pytest.raises(PeerError, match=re.escape("pip install -r eval/peers/requirements.txt")) as caught:
        peers([name])
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_a_package_that_cannot_be_imported_is_one_line() -> None:
    assert peer_module.missing("no_such_peer")
    assert not peer_module.missing("numpy")
    with pytest.raises(PeerError, match=r"no_such_peer.*pip install -r eval/peers/requirements\.txt"):
        peer_module.package("no_such_peer")


def test_an_unknown_peer_is_named_with_those_that_there_are() -> None:
    with pytest.raises(PeerError, match=f"no peer 'elastic'; expected one of {', '.join(NAMES)}"):
        peers(["plain", "elastic"])


def _timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every peer finds everything that is relevant, the last of it first, in a known time."""

    def measure(self: Peer, dataset: Dataset, _: object) -> PeerOutcome:
        return PeerOutcome({query.id: list(dataset.relevant(query.id))[::-1] for query in dataset.queries}, 1.25, 3.0)

    monkeypatch.setattr(Peer, "measure", measure)


def test_results_of_a_peer_are_like_those_of_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    _timed(monkeypatch)
    (plain,) = peers(["plain"], FakeEncoder())
    found = peer_results([_dataset()], plain, _quiet)
    assert found.system == "plain"
    assert found.settings["sources"] == {"by-hand": ""}
    result = found.of["by-hand"]
    assert result.run["q1"] == [("ja", 1.0), ("far", 0.5)]
    assert result.table.columns["RR"] == {"q1": 1.0, "q2": 1.0, "q3": 1.0}
    assert result.figures["costs"] == {"milliseconds_a_query": 1.25, "seconds_to_index": 3.0}


def test_the_table_has_a_row_for_each_system_and_a_note_on_who_encodes(monkeypatch: pytest.MonkeyPatch) -> None:
    _timed(monkeypatch)
    (plain,) = peers(["plain"], FakeEncoder())
    dataset = _dataset()
    one = peer_results([dataset], plain, _quiet)
    nothing = measured(
        replace(dataset, qrels={query.id: {} for query in dataset.queries}),
        {},
        "nothing",
        {"milliseconds_a_query": 0.5, "seconds_to_index": 2.0},
    )
    text = peer_table({"ours": one, "none": Results({"system": "none"}, {"by-hand": nothing})}, [plain])
    assert text.splitlines() == [
        "### by-hand: 3 queries, 4 documents",
        "",
        "| system | nDCG@10 | AP | RR same | RR cross | first hit | milliseconds a query | seconds to index |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| ours | 1.000 | 1.000 | 1.000 | 1.000 | 1.000 | 1.25 | 3.0 |",
        "| none | 0.000 | 0.000 | – | – | 0.000 | 0.50 | 2.0 |",
        "",
        "Milliseconds: to rank one query, encoding it left out (the median). Seconds: to cut, encode and index; "
        "vectors that an encoder remembers cost it nothing.",
    ]
    assert "; txtai does that itself" in peer_table({"ours": one}, [_peer("txtai")])


def _peer(name: str) -> Peer:
    system = systems_module._SYSTEMS[name]
    return Peer(name, system.build, system.encoding, system.package, lambda dataset, progress: _prepared())


def test_the_command_writes_a_table_and_results_to_compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(evaluation, "remembering", lambda model: RememberingEncoder(FakeEncoder(), tmp_path / "v"))
    monkeypatch.setattr(commands, "load_sentence_transformer", lambda model: FakeEncoder())
    data = write(tmp_path / "sets" / "four")
    table, runs = tmp_path / "table.md", tmp_path / "runs"
    arguments = ["peers", data, "--peer", "plain", "--output", str(table), "--runs", str(runs)]
    assert cli.main(arguments) == 0
    printed = capsys.readouterr().out
    assert printed == table.read_text(encoding="utf-8")
    assert [line.split(" | ")[0] for line in printed.splitlines() if line.startswith("| ")][2:] == ["| ours", "| plain"]
    (plain,) = peers(["plain"], FakeEncoder())
    ranked = plain.rank(four_topics(), _quiet)
    kept = results.load(runs / "plain").of["sets/four"]
    assert {query: [own for own, _ in found] for query, found in kept.run.items()} == ranked
    assert f"| plain | {kept.figures['measures']['nDCG@10']:.3f} |" in printed
    assert cli.main(["compare", str(runs / "plain"), str(runs / "ours")]) == 0
    capsys.readouterr()
    assert cli.main(arguments) == 2
    assert f"{runs} is there already" in capsys.readouterr().err


def test_bm25_finds_words_and_pairs_and_nothing_else() -> None:
    pytest.importorskip("bm25s")
    (bm25,) = peers(["bm25"], FakeEncoder())
    assert bm25.rank(_dataset(), _quiet) == {"q1": ["far"], "q2": ["ja"], "q3": ["gas"]}


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("name", "package"), [("rrf", "bm25s"), ("chroma", "chromadb"), ("lancedb", "lancedb")])
def test_peers_with_given_vectors_rank_every_document(name: str, package: str) -> None:
    pytest.importorskip(package)
    plain, peer = peers(["plain", name], FakeEncoder())
    run = peer.rank(_dataset(), _quiet)
    assert {query: ranking[0] for query, ranking in run.items()} == {"q1": "far", "q2": "ja", "q3": "gas"}
    assert all(sorted(ranking) == ["far", "gas", "ja", "zh"] for ranking in run.values())
    assert run == peer.rank(_dataset(), _quiet)
    if name == "chroma":
        assert run == plain.rank(_dataset(), _quiet), "so few passages are searched exactly"


@pytest.mark.filterwarnings("default")
def test_txtai_encodes_with_the_same_model_and_its_prompts(request: pytest.FixtureRequest) -> None:
    txtai = pytest.importorskip("txtai")
    encoder = request.getfixturevalue("first_encoder")
    made: list[Any] = []

    class Watched(txtai.Embeddings):  # type: ignore[misc, name-defined]
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            made.append(self)

        def search(self, *arguments: Any, **settings: Any) -> Any:
            made.append((self.transform("gas", "query"), self.transform("gas", "data")))
            return super().search(*arguments, **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(txtai, "Embeddings", Watched)
        (peer,) = peers(["txtai"], encoder)
        run = peer.rank(_dataset(), _quiet)
    query, passage = made[1]
    assert query @ encoder.encode_queries(["gas"])[0] > 0.999
    assert passage @ encoder.encode_passages(["gas"])[0] > 0.999
    assert run["q1"][0] in ("far", "ja")
    assert run["q3"][0] == "gas"
    assert run == peer.rank(_dataset(), _quiet)
