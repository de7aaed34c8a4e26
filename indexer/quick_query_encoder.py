"""Encodes queries with numpy alone: for a command that asks one question and ends, and for a service, where it needs
little memory and takes the queries that come at the same time together.

Importing sentence-transformers and torch takes four to six seconds, longer than everything else that a search does.
This file runs the plainest kind of sentence-transformers folder (BERT, mean pooling, normalised; the embedded model
is one) from its own files in a tenth of that; a test holds its vectors against sentence-transformers'. It reads
nothing else and encodes no passages: other architectures and indexing use `encoder.py`.

Formulas: Devlin et al. 2019, "BERT", and Vaswani et al. 2017, "Attention is all you need".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer

from indexer.encoder import prompts_of
from indexer.model_folders import fingerprint, folder_of
from indexer.parts import unit
from indexer.sentences import Span

Vectors = NDArray[np.float32]

_TOGETHER = 2_048
"""Tokens of all queries that go through the layers side by side."""
_BLOCK = 32
"""Tokens whose widened states fit the processor's caches."""
_SERIES = [np.float32(a / 2) for a in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)]
"""Half of the coefficients of erfc's series in `_gelu`, of the highest power first."""


def load(name: str) -> QuickQueryEncoder | None:
    """None for a model of another kind, or a damaged one: the full encoder says what is wrong with it. Raises
    ModelError where there is no such model."""
    return QuickQueryEncoder.of(folder_of(name), name)


class QuickQueryEncoder:
    """A `QueryEncoder` over a BERT folder."""

    def __init__(self, folder: Path, name: str, config: dict[str, Any], query_prompt: str) -> None:
        self.name = name
        self.fingerprint = fingerprint(folder)
        self._prompt = query_prompt
        self._heads = int(config["num_attention_heads"])
        self._layers = int(config["num_hidden_layers"])
        self._epsilon = float(config["layer_norm_eps"])
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(int(config["max_position_embeddings"]))
        self._weights: Any = safe_open(folder / "model.safetensors", framework="numpy")
        self._held: dict[str, Vectors] = {}

    @classmethod
    def of(cls, folder: Path, name: str) -> QuickQueryEncoder | None:
        """The encoder of a folder, or None as in `load`."""
        try:
            config = _read(folder / "config.json")
            modules = [module["type"].rsplit(".", 1)[-1] for module in _read(folder / "modules.json")]
            pooling = _read(folder / "1_Pooling" / "config.json")
            settings = _read(folder / "config_sentence_transformers.json")
            if (
                modules != ["Transformer", "Pooling", "Normalize"]
                or not _is_plain_bert(config)
                or not _is_mean(pooling)
            ):
                return None
            query_prompt, _ = prompts_of(settings.get("prompts") or {}, name)
            return cls(folder, name, config, query_prompt)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError):
            return None

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """(len(texts), dimension) float32, each row of length 1."""
        ids = [self._tokenizer.encode(self._prompt + text).ids for text in texts]
        rows: list[Vectors] = []
        for group in _groups(ids):
            rows += self._encode(group)
        return (
            unit(np.stack(rows)) if rows else np.empty((0, self._weight("embeddings.LayerNorm.bias").size), np.float32)
        )

    def _encode(self, texts: Sequence[Sequence[int]]) -> list[Vectors]:
        """The mean of the last layer's states of each text's tokens, (dimension,). The tokens of all go through the
        layers side by side, so that the weights are read once for all; each attends to those of its own text."""
        words = self._weights.get_slice("embeddings.word_embeddings.weight")
        positions = self._weight("embeddings.position_embeddings.weight")
        ends = np.cumsum([len(ids) for ids in texts]).tolist()
        spans = list(zip([0, *ends[:-1]], ends, strict=True))
        states: Vectors = np.concatenate([words[identifier : identifier + 1] for ids in texts for identifier in ids])
        states = states + np.concatenate([positions[: len(ids)] for ids in texts])
        states = states + self._weight("embeddings.token_type_embeddings.weight")[0]
        states = self._normalised(states, "embeddings.LayerNorm")
        for layer in range(self._layers):
            states = self._layer(states, spans, f"encoder.layer.{layer}")
        return [states[start:end].mean(axis=0) for start, end in spans]

    def _layer(self, states: Vectors, spans: Sequence[Span], layer: str) -> Vectors:
        attended = self._attention(states, spans, f"{layer}.attention.self")
        attended = self._linear(attended, f"{layer}.attention.output.dense")
        states = self._normalised(states + attended, f"{layer}.attention.output.LayerNorm")
        widened = self._linear(states, f"{layer}.intermediate.dense")
        for start in range(0, len(widened), _BLOCK):
            _gelu(widened[start : start + _BLOCK])
        return self._normalised(states + self._linear(widened, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")

    def _attention(self, states: Vectors, spans: Sequence[Span], name: str) -> Vectors:
        def heads(part: str) -> Vectors:
            return self._linear(states, f"{name}.{part}").reshape(len(states), self._heads, -1).transpose(1, 0, 2)

        queries, keys, values = heads("query"), heads("key"), heads("value")
        attended = np.empty_like(states)
        for start, end in spans:
            query, key, value = queries[:, start:end], keys[:, start:end], values[:, start:end]
            scores = query @ key.transpose(0, 2, 1) / np.sqrt(np.float32(query.shape[-1]))
            weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
            weights /= weights.sum(axis=-1, keepdims=True)
            attended[start:end] = (weights @ value).transpose(1, 0, 2).reshape(end - start, -1)
        return attended

    def _linear(self, states: Vectors, name: str) -> Vectors:
        product: Vectors = states @ self._weight(f"{name}.weight").T
        product += self._weight(f"{name}.bias")
        return product

    def _normalised(self, states: Vectors, name: str) -> Vectors:
        centred: Vectors = states - states.mean(axis=-1, keepdims=True)
        variance = np.einsum("ij,ij->i", centred, centred) / np.float32(centred.shape[1])
        centred /= np.sqrt(variance + np.float32(self._epsilon))[:, None]
        centred *= self._weight(f"{name}.weight")
        centred += self._weight(f"{name}.bias")
        return centred

    def _weight(self, name: str) -> Vectors:
        if name not in self._held:
            self._held[name] = self._weights.get_tensor(name)
        return self._held[name]


def _groups(texts: Sequence[list[int]]) -> Iterator[list[list[int]]]:
    """In order, as many together as have few tokens in all."""
    group: list[list[int]] = []
    for ids in texts:
        if group and sum(map(len, group)) + len(ids) > _TOGETHER:
            yield group
            group = []
        group.append(ids)
    if group:
        yield group


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _is_plain_bert(config: dict[str, Any]) -> bool:
    return (
        config.get("architectures") == ["BertModel"]
        and config.get("hidden_act") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
    )


def _is_mean(pooling: dict[str, Any]) -> bool:
    """Both ways in which versions of sentence-transformers write it down."""
    return pooling.get("pooling_mode") == "mean" or (
        bool(pooling.get("pooling_mode_mean_tokens"))
        and not any(pooling.get(f"pooling_mode_{mode}") for mode in ("cls_token", "max_tokens", "lasttoken"))
    )


def _gelu(values: Vectors) -> None:
    """x * Phi(x) in the place of each x, through erfc by Abramowitz and Stegun 7.1.26 (absolute error below 1.5e-7):
    x * Phi(x) = max(x, 0) - |x| * erfc(|x| / sqrt(2)) / 2."""
    size = np.abs(values)
    t = size * np.float32(0.3275911 / np.sqrt(2))
    t += 1
    np.reciprocal(t, out=t)
    tail = t * _SERIES[0]
    for coefficient in _SERIES[1:]:
        tail += coefficient
        tail *= t
    np.multiply(values, values, out=t)
    t *= np.float32(-0.5)
    tail *= np.exp(t, out=t)
    tail *= size
    np.maximum(values, 0, out=values)
    values -= tail
