"""Vectors that are remembered: the same bit for bit, and a text is encoded once as long as model and text stay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from eval import vector_cache
from eval.vector_cache import RememberingEncoder
from indexer.checked_file import write_arrays
from tests.fakes import FakeEncoder, Vectors

_TEXTS = ["the export ban", "ウラン 3割増", "غاز طبيعي", "无人机", "drone drone gas"]


class _Counting(FakeEncoder):
    """Keeps the queries too, whose vectors are twice as long."""

    def __init__(self, fingerprint: str = "fake-1") -> None:
        super().__init__(fingerprint=fingerprint)
        self.queries: list[list[str]] = []

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        self.queries.append(list(texts))
        return 2 * super().encode_queries(texts)


def remembered(folder: Path, texts: Sequence[str] = _TEXTS) -> list[list[str]]:
    """A new start on a folder, asked for these passages: what had to be encoded."""
    beneath = _Counting()
    with RememberingEncoder(beneath, folder) as encoder:
        vectors = encoder.encode_passages(texts)
    assert vectors.tobytes() == FakeEncoder().encode_passages(texts).tobytes()
    return beneath.batches


def files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def test_vectors_are_the_same_bit_for_bit_and_only_new_texts_are_encoded(tmp_path: Path) -> None:
    beneath = _Counting()
    encoder = RememberingEncoder(beneath, tmp_path)
    plain = FakeEncoder()
    for texts in (_TEXTS[:3], _TEXTS[1:], _TEXTS[::-1], _TEXTS[:1]):
        vectors = encoder.encode_passages(texts)
        assert vectors.dtype == np.float32
        assert vectors.tobytes() == plain.encode_passages(texts).tobytes()
    assert beneath.batches == [_TEXTS[:3], _TEXTS[3:]]


def test_what_is_done_with_vectors_does_not_change_what_is_remembered(tmp_path: Path) -> None:
    encoder = RememberingEncoder(FakeEncoder(), tmp_path)
    for _ in range(2):
        vectors = encoder.encode_passages(_TEXTS)
        assert vectors.tobytes() == FakeEncoder().encode_passages(_TEXTS).tobytes()
        vectors[:] = 9


def test_a_new_start_on_the_same_folder_encodes_nothing(tmp_path: Path) -> None:
    assert remembered(tmp_path) == [_TEXTS]
    assert remembered(tmp_path) == []
    assert remembered(tmp_path, [*_TEXTS, "new"]) == [["new"]]
    assert len(files(tmp_path)) == 2, "a start without anything new writes nothing"


def test_passages_and_queries_are_apart(tmp_path: Path) -> None:
    assert remembered(tmp_path) == [_TEXTS]
    for asked in ([_TEXTS], []):
        beneath = _Counting()
        with RememberingEncoder(beneath, tmp_path) as encoder:
            queries, passages = encoder.encode_queries(_TEXTS), encoder.encode_passages(_TEXTS)
        assert (beneath.batches, beneath.queries) == ([], asked)
        assert (queries == 2 * passages).all()


def test_another_fingerprint_is_apart(tmp_path: Path) -> None:
    assert remembered(tmp_path) == [_TEXTS]
    other = _Counting(fingerprint="fake-2")
    with RememberingEncoder(other, tmp_path) as encoder:
        encoder.encode_passages(_TEXTS)
    assert other.batches == [_TEXTS]


def test_a_text_that_is_there_twice_is_encoded_once(tmp_path: Path) -> None:
    assert remembered(tmp_path, ["gas", "ban", "gas", "gas"]) == [["gas", "ban"]]


def test_no_texts_give_no_vectors(tmp_path: Path) -> None:
    beneath = _Counting()
    with RememberingEncoder(beneath, tmp_path) as encoder:
        for vectors in (encoder.encode_passages([]), encoder.encode_queries([])):
            assert vectors.shape == (0, beneath.dimension)
            assert vectors.dtype == np.float32
    assert (beneath.batches, beneath.queries, files(tmp_path)) == ([], [], [])


def test_halves_of_surrogate_pairs_are_texts_like_others(tmp_path: Path) -> None:
    texts = ["gas \ud800", "gas \udfff", "gas ?", "gas \ufffd"]
    assert remembered(tmp_path, texts) == [texts]
    assert remembered(tmp_path, texts) == []


@pytest.mark.parametrize("damage", [lambda data: data[:-7], lambda data: data[:50] + b"?" + data[51:], lambda _: b""])
def test_a_damaged_file_reads_as_none_and_is_computed_again(tmp_path: Path, damage: object) -> None:
    remembered(tmp_path, _TEXTS[:2])
    (file,) = files(tmp_path)
    remembered(tmp_path)
    assert callable(damage)
    file.write_bytes(damage(file.read_bytes()))
    assert remembered(tmp_path) == [_TEXTS[:2]]
    assert remembered(tmp_path) == []


def test_a_folder_that_cannot_be_written_loses_nothing_but_time(tmp_path: Path) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("in the way")
    for _ in range(2):
        assert remembered(blocked) == [_TEXTS]
    assert blocked.read_text() == "in the way"


def test_files_of_several_processes_are_all_read(tmp_path: Path) -> None:
    first, second = (RememberingEncoder(_Counting(), tmp_path) for _ in range(2))
    first.encode_passages(_TEXTS[:3])
    second.encode_passages(_TEXTS[2:])
    first.close()
    second.close()
    assert len(files(tmp_path)) == 2
    assert remembered(tmp_path) == []


@pytest.mark.parametrize("vectors", [np.ones((2, 5), np.float32), np.ones((2, 8), np.float64), np.ones(2, np.float32)])
def test_vectors_of_another_shape_are_passed_over(tmp_path: Path, vectors: Vectors) -> None:
    digests = np.frombuffer(b"".join(vector_cache._digest(text) for text in _TEXTS[:2]), np.uint8).reshape(2, -1)
    folder = tmp_path / "fake-1" / "passages"
    write_arrays(folder / "other.vectors", {"digests": digests, "vectors": vectors})
    assert remembered(tmp_path) == [_TEXTS]
    write_arrays(folder / "other.vectors", {"digests": digests, "vectors": FakeEncoder().encode_passages(_TEXTS[:2])})
    folder.joinpath(next(file.name for file in files(folder) if file.name != "other.vectors")).unlink()
    assert remembered(tmp_path) == [_TEXTS[2:]], "the same file with vectors that fit is read"


def test_many_new_vectors_are_saved_before_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_cache, "_FILE_ROWS", 3)
    encoder = RememberingEncoder(_Counting(), tmp_path)
    encoder.encode_passages(_TEXTS[:2])
    assert files(tmp_path) == []
    encoder.encode_passages(_TEXTS[:3])
    assert len(files(tmp_path)) == 1
    encoder.close()
    assert len(files(tmp_path)) == 1
    assert remembered(tmp_path) == [_TEXTS[3:]]


def test_what_was_encoded_before_an_error_is_kept(tmp_path: Path) -> None:
    def interrupted() -> None:
        with RememberingEncoder(_Counting(), tmp_path) as encoder:
            encoder.encode_passages(_TEXTS[:2])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert remembered(tmp_path) == [_TEXTS[2:]]


def test_it_has_everything_of_the_encoder_beneath(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path))
    beneath = FakeEncoder("a name", "a fingerprint", 77)
    said: list[tuple[int, int]] = []
    with RememberingEncoder(beneath) as encoder:
        assert (encoder.name, encoder.fingerprint, encoder.max_tokens) == ("a name", "a fingerprint", 77)
        assert (encoder.dimension, encoder.parts) == (beneath.dimension, beneath.parts)
        assert encoder.count_tokens(_TEXTS) == beneath.count_tokens(_TEXTS)
        assert encoder.token_ends(_TEXTS[0]) == beneath.token_ends(_TEXTS[0])
        encoder.encode_passages(["a", "b"], lambda done, total: said.append((done, total)))
    assert said == [(2, 2)]
    assert [file.parent for file in files(tmp_path)] == [tmp_path / "vectors" / "a fingerprint" / "passages"]
