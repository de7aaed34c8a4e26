"""The encoder against plain sentence-transformers, its batches, and what happens without a model."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer

from eval import cli
from eval.benchmarks import encoding
from eval.benchmarks.encoding import mixed_texts
from indexer import quick_query_encoder
from indexer.encoder import SentenceTransformerEncoder, batches, prompts_of
from indexer.errors import ModelError
from indexer.model_folders import fingerprint, first_model, folder_of
from indexer.models import load_encoder
from indexer.quick_query_encoder import QuickQueryEncoder

_QUERIES = [
    "rare earth export ban",
    "حظر تصدير المعادن النادرة",
    "レアアース輸出規制",
    "稀土出口禁令",
    "C5+1 (AI) 190億ドル",
    "x",
]


@pytest.fixture(scope="module")
def plain(first_encoder: SentenceTransformerEncoder) -> SentenceTransformer:
    return SentenceTransformer(str(folder_of(first_encoder.name)), device="cpu")


def test_passages_agree_with_sentence_transformers(
    first_encoder: SentenceTransformerEncoder, plain: SentenceTransformer
) -> None:
    texts = mixed_texts(first_encoder)[:60]
    expected = plain.encode(texts, prompt_name="passage")
    assert (first_encoder.encode_passages(texts) * expected).sum(axis=1).min() > 0.9998


def test_queries_have_the_query_prompt(first_encoder: SentenceTransformerEncoder, plain: SentenceTransformer) -> None:
    expected = plain.encode(_QUERIES, prompt_name="query")
    assert (first_encoder.encode_queries(_QUERIES) * expected).sum(axis=1).min() > 0.9998


def test_rows_are_unit_float32_in_the_order_given(first_encoder: SentenceTransformerEncoder) -> None:
    texts = ["short", "a much longer text about uranium in Kazakhstan and its buyers", "short", "中"]
    rows = first_encoder.encode_passages(texts)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert np.array_equal(rows[0], rows[2])
    assert (rows[1] * first_encoder.encode_passages([texts[1]])[0]).sum() > 0.9999


def test_no_texts_give_no_rows(first_encoder: SentenceTransformerEncoder) -> None:
    assert first_encoder.encode_passages([]).shape == (0, 384)
    assert first_encoder.encode_queries([]).shape == (0, 384)


def test_progress_ends_at_the_number_of_distinct_texts(first_encoder: SentenceTransformerEncoder) -> None:
    seen: list[tuple[int, int]] = []
    first_encoder.encode_passages(["a", "b", "a", "c"], lambda done, total: seen.append((done, total)))
    assert seen[-1] == (3, 3)


def test_text_beyond_the_model_s_limit_is_cut_not_refused(first_encoder: SentenceTransformerEncoder) -> None:
    long = "uranium " * 2000
    assert np.isclose(np.linalg.norm(first_encoder.encode_passages([long])), 1, atol=1e-6)


def test_a_passage_of_the_full_budget_is_read_to_its_end(first_encoder: SentenceTransformerEncoder) -> None:
    words = ["gas"] * (first_encoder.max_tokens - 1)
    assert first_encoder.count_tokens([" ".join(words)]) == [first_encoder.max_tokens - 1]
    with_last, without = first_encoder.encode_passages([" ".join([*words[:-1], "uranium"]), " ".join(words)])
    assert with_last @ without < 0.9999


def test_token_ends_are_offsets_into_the_text(first_encoder: SentenceTransformerEncoder) -> None:
    text = "Ｔｏｋｙｏ 2025: 輸出規制 😀 أزمة."
    ends = first_encoder.token_ends(text)
    assert ends == sorted(ends)
    assert ends[-1] == len(text)


@given(st.lists(st.integers(0, 60), max_size=50), st.integers(1, 100))
def test_batches_hold_every_place_once_within_the_budget(lengths: list[int], budget: int) -> None:
    made = batches(lengths, budget)
    assert sorted(place for batch in made for place in batch) == list(range(len(lengths)))
    assert all(len(batch) == 1 or len(batch) * max(lengths[p] for p in batch) <= budget for batch in made)


def test_mixed_lengths_are_encoded_faster_than_by_sentence_transformers_itself(
    first_encoder: SentenceTransformerEncoder, plain: SentenceTransformer
) -> None:
    """The figure in the README comes from `search-eval bench encoding`; this only sees that nothing broke."""
    texts = mixed_texts(first_encoder)[:80]
    ours = theirs = float("inf")
    for _ in range(2):
        start = time.perf_counter()
        first_encoder.encode_passages(texts)
        middle = time.perf_counter()
        plain.encode(texts, prompt_name="passage")
        ours, theirs = min(ours, middle - start), min(theirs, time.perf_counter() - middle)
    assert theirs > ours


def test_the_comparison_with_sentence_transformers_is_of_the_first_model_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = []

    def measure(encoder: SentenceTransformerEncoder) -> dict[str, str]:
        measured.append(encoder.name)
        return {}

    monkeypatch.setattr(encoding, "measure", measure)
    assert cli.main(["bench", "encoding"]) == 0
    assert measured == [first_model()]


def test_the_quick_query_encoder_gives_sentence_transformers_vectors(plain: SentenceTransformer) -> None:
    quick = quick_query_encoder.load(first_model())
    assert isinstance(quick, QuickQueryEncoder)
    queries = [*_QUERIES, "long " * 700]
    expected = plain.encode(queries, prompt_name="query")
    assert (quick.encode_queries(queries) * expected).sum(axis=1).min() > 0.999999


def test_quick_and_full_encoder_have_one_identity(first_encoder: SentenceTransformerEncoder) -> None:
    quick = quick_query_encoder.load(first_model())
    assert quick is not None
    assert (quick.name, quick.fingerprint) == (first_encoder.name, first_encoder.fingerprint)


def test_the_quick_encoder_leaves_other_models_alone(tmp_path: Path, first_encoder: SentenceTransformerEncoder) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for file in folder_of(first_encoder.name).rglob("*"):
        target = folder / file.relative_to(folder_of(first_encoder.name))
        if file.is_dir():
            target.mkdir()
        else:
            target.symlink_to(file)
    assert QuickQueryEncoder.of(folder, "same") is not None
    pooling = folder / "1_Pooling" / "config.json"
    pooling.unlink()
    pooling.write_text('{"word_embedding_dimension": 384, "pooling_mode_cls_token": true}')
    assert QuickQueryEncoder.of(folder, "cls pooling") is None


def test_the_fingerprint_changes_with_weights_and_prompts(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(bytes(10_000))
    (tmp_path / "config_sentence_transformers.json").write_text('{"prompts": {}}')
    first = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == first
    (tmp_path / "model.safetensors").write_bytes(bytes(9_999) + b"\1")
    second = fingerprint(tmp_path)
    (tmp_path / "config_sentence_transformers.json").write_text('{"prompts": {"query": "q"}}')
    assert len({first, second, fingerprint(tmp_path)}) == 3


@pytest.mark.parametrize(
    ("declared", "name", "expected"),
    [
        ({"query": "q: ", "document": "d: "}, "any", ("q: ", "d: ")),
        ({"query": "q: ", "passage": "p: ", "document": ""}, "any", ("q: ", "p: ")),
        ({}, "intfloat/multilingual-e5-small", ("query: ", "passage: ")),
        ({}, "sentence-transformers/LaBSE", ("", "")),
    ],
)
def test_prompts_are_the_model_s_own(declared: dict[str, str], name: str, expected: tuple[str, str]) -> None:
    assert prompts_of(declared, name) == expected


@pytest.mark.parametrize("name", ["no-such-model", "/no/such/folder", "./nowhere", ""])
def test_a_model_that_is_not_there_is_one_line(name: str) -> None:
    with pytest.raises(ModelError) as caught:
        folder_of(name)
    assert "\n" not in str(caught.value)
    assert "no model" in str(caught.value)


def test_no_network_and_no_cached_model_is_one_line_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError) as caught:
        load_encoder("someone/some-model")
    assert "\n" not in str(caught.value)
    assert "connect once to download it, or give --model a sentence-transformers folder" in str(caught.value)


def test_a_folder_that_is_no_model_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"without modules\.json or config\.json"):
        load_encoder(str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelError, match="not a usable sentence-transformers folder") as caught:
        load_encoder(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_pickled_weights_are_refused(tmp_path: Path, first_encoder: SentenceTransformerEncoder) -> None:
    for file in folder_of(first_encoder.name).iterdir():
        if file.is_file() and file.suffix == ".json":
            (tmp_path / file.name).symlink_to(file)
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    (tmp_path / "modules.json").unlink()
    with pytest.raises(ModelError, match="safetensors"):
        load_encoder(str(tmp_path))
