"""A model's name -> its encoder: of a sentence-transformers model, or of one with the Universal Sentence Encoder at its
side (`NAME+use`), in full or, for one question, as fast as can be."""

from __future__ import annotations

from indexer import quick_query_encoder
from indexer.encoder import Encoder, QueryEncoder, SentenceTransformerEncoder, load_sentence_transformer
from indexer.joint_encoder import SUFFIX, JointEncoder, JointQueryEncoder, joint_fingerprint
from indexer.model_folders import fingerprint, first_model, folder_of
from indexer.universal_encoder import UniversalEncoder


def default_model() -> str:
    """The embedded model where its package is installed, else the same model from the hub; with the second encoder."""
    return first_model() + SUFFIX


def load_encoder(name: str | None = None, device: str | None = None) -> JointEncoder | SentenceTransformerEncoder:
    """Load a model by name: the embedded one (the default), a hub name, or a local sentence-transformers folder, each
    with `+use` behind it or without. Raises ModelError, in one line, when it cannot be found, read or used."""
    first, with_second = _split(name)
    encoder = load_sentence_transformer(first, device)
    return JointEncoder(encoder, UniversalEncoder()) if with_second else encoder


def load_query_encoder(name: str | None = None) -> QueryEncoder:
    """An encoder of queries that starts quickly where the model allows it, else the full one. Raises ModelError."""
    first, with_second = _split(name)
    encoder: QueryEncoder | Encoder = quick_query_encoder.load(first) or load_sentence_transformer(first)
    return JointQueryEncoder(encoder, UniversalEncoder()) if with_second else encoder


def fingerprint_of(name: str) -> str:
    """What the encoder of this name will have as its fingerprint. Raises ModelError."""
    first, with_second = _split(name)
    own = fingerprint(folder_of(first))
    return joint_fingerprint(own) if with_second else own


def _split(name: str | None) -> tuple[str, bool]:
    name = name or default_model()
    return name.removesuffix(SUFFIX), name.endswith(SUFFIX)
