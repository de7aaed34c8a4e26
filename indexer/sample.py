"""The sample collection that ships with the program, and the prior of the language means that it gives for a model."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import numpy as np

from indexer.checked_file import read_arrays, write_arrays
from indexer.documents import Document
from indexer.encoder import Encoder, Progress
from indexer.errors import DocumentError
from indexer.language_means import LanguageSum, Prior
from indexer.parts import spans
from indexer.passages import passages_of, text_to_encode
from indexer.paths import cache_folder
from indexer.reading import read_documents

PASSAGE_TOKENS = 140
"""The default budget of a passage: two to six sentences of news."""


_PRIOR = 3  # raise when the prior is computed differently


def sample_file() -> Path:
    """The sample documents, one JSON line each."""
    return Path(str(files("seeds") / "corpus.jsonl"))


def sample_digest() -> str:
    """Eight hexadecimal digits that change with the sample documents."""
    return hashlib.sha256(sample_file().read_bytes()).hexdigest()[:8]


def sample_documents() -> list[Document]:
    documents = []
    for item in read_documents([str(sample_file())]):
        if not isinstance(item, Document):
            raise DocumentError(f"the sample collection is damaged ({item.name}); install the program again")
        documents.append(item)
    return documents


def passage_budget(encoder: Encoder) -> int:
    """The default budget, or less for a model that reads less; a title of up to 32 tokens goes in front."""
    return max(8, min(PASSAGE_TOKENS, encoder.max_tokens - 32))


def prior_of(encoder: Encoder, progress: Progress | None = None) -> Prior:
    """The sample collection through this model; kept in the cache folder."""
    file = cache_folder() / "priors" / f"{encoder.fingerprint}-{sample_digest()}-{_PRIOR}.prior"
    prior = _load(file, encoder)
    if prior is None:
        prior = _compute(encoder, progress)
        _save(file, prior, len(encoder.parts))
    return prior


def _compute(encoder: Encoder, progress: Progress | None) -> Prior:
    passages: dict[str, list[str]] = {}
    sentences: dict[str, list[str]] = {}
    for document in sample_documents():
        text = document.text
        for passage in passages_of(text, encoder, passage_budget(encoder), document.lang):
            passages.setdefault(passage.lang, []).append(text_to_encode(text, document.title, passage))
            sentences.setdefault(passage.lang, []).extend(text[start:end] for start, end in passage.sentences)
    sums, shifts, covariances = {}, {}, {}
    for lang in sorted(passages):
        as_passages = encoder.encode_passages(passages[lang] + sentences[lang], progress).astype(np.float64)
        of_passages, of_sentences = np.split(as_passages, [len(passages[lang])])
        as_queries = encoder.encode_queries(sentences[lang]).astype(np.float64)
        sums[lang] = LanguageSum(len(of_passages), of_passages.sum(axis=0), len(of_sentences), of_sentences.sum(axis=0))
        shifts[lang] = as_queries.mean(axis=0) - of_sentences.mean(axis=0)
        centred = of_sentences - of_sentences.mean(axis=0)
        covariances[lang] = [
            (own.T @ own / len(own)).astype(np.float32)
            for own in (centred[:, place] for _, place in spans(encoder.parts))
        ]
    return Prior(sums, shifts, covariances)


def _save(file: Path, prior: Prior, parts: int) -> None:
    # A folder that cannot be written, or a full disk: the prior is only made again next time.
    with suppress(OSError):
        write_arrays(
            file,
            {
                "langs": np.array(list(prior.sums), dtype=np.str_),
                "passages": np.array([own.passages for own in prior.sums.values()]),
                "passage_sums": np.array([own.passage_sum for own in prior.sums.values()]),
                "sentences": np.array([own.sentences for own in prior.sums.values()]),
                "sentence_sums": np.array([own.sentence_sum for own in prior.sums.values()]),
                "shifts": np.array([prior.query_shifts[lang] for lang in prior.sums]),
                **{
                    f"covariances{number}": np.array([prior.covariances[lang][number] for lang in prior.sums])
                    for number in range(parts)
                },
            },
        )


def _load(file: Path, encoder: Encoder) -> Prior | None:
    saved = read_arrays(file)
    if saved is None or saved["shifts"].shape[1:] != (encoder.dimension,):
        return None
    langs = saved["langs"].tolist()
    columns = (saved[name] for name in ("passages", "passage_sums", "sentences", "sentence_sums"))
    sums = {
        lang: LanguageSum(int(passages), passage_sum, int(sentences), sentence_sum)
        for lang, passages, passage_sum, sentences, sentence_sum in zip(langs, *columns, strict=True)
    }
    covariances = {
        lang: [saved[f"covariances{number}"][place] for number in range(len(encoder.parts))]
        for place, lang in enumerate(langs)
    }
    return Prior(sums, dict(zip(langs, saved["shifts"], strict=True)), covariances)
