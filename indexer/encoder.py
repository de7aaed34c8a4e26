"""Texts -> unit vectors, through sentence-transformers.

Queries and passages are encoded by different methods, because models ask for different prompts. Batches hold texts of
like length up to a budget of tokens, so that little is spent on padding; where the processor computes in bfloat16,
the encoder does (cosine to float32 0.9999). Making languages comparable is left to `alignment.py`.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.errors import ModelError
from indexer.model_folders import fingerprint, folder_of
from indexer.parts import Part, Parts

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]
Progress = Callable[[int, int], None]
"""Called with (texts done, texts in all) after each batch."""

_BATCH_TOKENS = 4_096


class QueryEncoder(Protocol):
    """What a search needs of a model."""

    name: str
    """The model as given on the command line."""
    fingerprint: str
    """Changes with anything that changes the vectors: weights, prompts, pooling, vocabulary."""

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """(len(texts), dimension) float32, each row of length 1. May be called from several threads."""


class Encoder(QueryEncoder, Protocol):
    """What indexing needs of a model."""

    @property
    def dimension(self) -> int:
        """Components of a vector."""

    @property
    def parts(self) -> Parts:
        """The models that it is made of, each with its share of a vector; one part for one model."""

    @property
    def max_tokens(self) -> int:
        """The most tokens of a passage that the model reads, prompt and special tokens already taken off."""

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """(len(texts), dimension) float32, each row of length 1; equal texts are encoded once."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without prompt and special tokens."""

    def token_ends(self, text: str) -> list[int]:
        """For each token of the text, the offset just after its last character."""


def load_sentence_transformer(name: str, device: str | None = None) -> SentenceTransformerEncoder:
    """Load a model by name: the embedded one, a hub name, or a local sentence-transformers folder.

    Raises ModelError, in one line, when it cannot be found, read or used.
    """
    folder = folder_of(name)
    with _quiet_start():
        return SentenceTransformerEncoder(_load(folder, device), name, fingerprint(folder))


def _load(folder: Path, device: str | None) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer  # takes seconds: only those who encode pay for it

    try:
        return SentenceTransformer(
            str(folder),
            device=device,
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, RuntimeError, ImportError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{folder} is not a usable sentence-transformers folder with safetensors: {reason}") from error


@contextmanager
def _quiet_start() -> Iterator[None]:
    """Load without progress bars and advice, and without the garbage collector, which would walk through the
    hundred thousand objects that these imports make dozens of times (a third of a command's whole run)."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    for logger in ("transformers", "sentence_transformers", "huggingface_hub"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    collecting = gc.isenabled()
    gc.disable()
    try:
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


class SentenceTransformerEncoder:
    """An `Encoder` over any sentence-transformers model of text."""

    def __init__(self, model: SentenceTransformer, name: str, fingerprint: str) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self._model = model.eval()
        self._tokenizer = _fast_tokenizer(model, name)
        self._query_prompt, self._passage_prompt = prompts_of(model.prompts or {}, name)
        dimension = model.get_embedding_dimension()
        if not dimension:
            raise ModelError(f"the model {name} does not say how wide its vectors are; give another --model")
        self.dimension = int(dimension)
        self.parts: Parts = (Part(self.dimension, 1.0),)
        longest = model.max_seq_length or 512
        prompt_tokens = max(len(self._tokenizer.encode(p)) for p in (self._query_prompt, self._passage_prompt))
        self.max_tokens = longest - prompt_tokens
        self._longest = longest
        self._autocast = _autocast(model)
        self._lock = threading.Lock()  # while a tokenizer is used its settings must not be changed

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            return self._encode(self._query_prompt, texts, None)

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        return self._encode(self._passage_prompt, texts, progress)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(encoding) for encoding in self._tokenize(texts, add_special_tokens=False)]

    def token_ends(self, text: str) -> list[int]:
        (encoding,) = self._tokenize([text], add_special_tokens=False)
        return [end for _, end in encoding.offsets]

    def _tokenize(self, texts: Sequence[str], add_special_tokens: bool = True) -> list[Any]:
        # The model shares this tokenizer and sets padding and truncation on it whenever it encodes.
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        encodings: list[Any] = self._tokenizer.encode_batch(list(texts), add_special_tokens=add_special_tokens)
        return encodings

    def _encode(self, prompt: str, texts: Sequence[str], progress: Progress | None) -> Vectors:
        import torch

        places: dict[str, int] = {}
        index = [places.setdefault(text, len(places)) for text in texts]
        distinct = list(places)
        vectors = np.empty((len(distinct), self.dimension), np.float32)
        encodings = self._tokenize([prompt + text for text in distinct])
        lengths = [min(len(encoding), self._longest) for encoding in encodings]
        done = 0
        for batch in batches(lengths, _BATCH_TOKENS):
            features = self._model.preprocess([distinct[place] for place in batch], prompt=prompt)
            features = {
                key: value.to(self._model.device) if hasattr(value, "to") else value for key, value in features.items()
            }
            with torch.inference_mode(), self._autocast():
                output = self._model(features)["sentence_embedding"]
            vectors[batch] = output.float().cpu().numpy()
            done += len(batch)
            if progress:
                progress(done, len(distinct))
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.maximum(norms, np.finfo(np.float32).tiny)
        return vectors[index]


def batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Places of texts in batches, longest first, each batch's texts times its longest within `budget` tokens.

    >>> batches([3, 9, 4, 8], 16)
    [[1], [3, 2], [0]]
    """
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    made: list[list[int]] = []
    longest = 0
    for place in order:
        if not made or (len(made[-1]) + 1) * longest > budget:
            made.append([])
            longest = max(1, lengths[place])
        made[-1].append(place)
    return made


def _fast_tokenizer(model: SentenceTransformer, name: str) -> Any:
    tokenizer = getattr(model.tokenizer, "backend_tokenizer", None)
    if tokenizer is None:
        raise ModelError(f"the model {name} has no fast tokenizer (tokenizer.json), which cutting text needs")
    return tokenizer


def prompts_of(declared: Mapping[str, str], name: str) -> tuple[str, str]:
    """What goes in front of a query and of a passage: the model's own prompts; the e5 family needs them and did not
    always ship them."""
    prompts = {key: value for key, value in declared.items() if value}
    if not prompts and "e5-" in Path(name).name.lower():
        return "query: ", "passage: "
    passage = next((prompts[key] for key in ("passage", "document", "corpus") if key in prompts), "")
    return prompts.get("query", ""), passage


def _autocast(model: SentenceTransformer) -> Callable[[], AbstractContextManager[Any]]:
    """bfloat16 where the hardware computes in it (emulated it would be slower than float32), else as the model is."""
    import torch

    kind = model.device.type
    able = torch.cuda.is_bf16_supported() if kind == "cuda" else kind == "cpu" and _cpu_has_bfloat16()
    return (lambda: torch.autocast(kind, dtype=torch.bfloat16)) if able else nullcontext


def _cpu_has_bfloat16() -> bool:
    import torch

    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
