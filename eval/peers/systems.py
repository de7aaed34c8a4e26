"""The names of the peers -> peers that share one encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from eval.peers import bm25, chroma, lancedb, plain, rrf, txtai
from eval.peers.peer import REQUIREMENTS, Build, Encoding, Peer, PeerError, missing
from eval.peers.prepared import Preparation
from indexer.encoder import Encoder, load_sentence_transformer
from indexer.model_folders import first_model


@dataclass(frozen=True)
class _System:
    build: Build
    encoding: Encoding
    package: str | None = None


_SYSTEMS: Mapping[str, _System] = {
    "plain": _System(plain.build, Encoding.SHARED),
    "bm25": _System(bm25.build, Encoding.NONE, "bm25s"),
    "rrf": _System(rrf.build, Encoding.SHARED, "bm25s"),
    "txtai": _System(txtai.build, Encoding.OWN, "txtai"),
    "chroma": _System(chroma.build, Encoding.SHARED, "chromadb"),
    "lancedb": _System(lancedb.build, Encoding.SHARED, "lancedb"),
}
NAMES = tuple(_SYSTEMS)


def peers(names: Sequence[str] = NAMES, encoder: Encoder | None = None) -> list[Peer]:
    """The peers of these names, in this order. `encoder`: where vectors come from; the product's first model alone for
    None. Raises PeerError for a name that there is not and for a package that is not installed."""
    for name in names:
        if name not in _SYSTEMS:
            raise PeerError(f"no peer {name!r}; expected one of {', '.join(NAMES)}")
        needed = _SYSTEMS[name].package
        if needed is not None and missing(needed):
            raise PeerError(
                f"the peer {name} needs the package {needed}; install the peers with: pip install -r {REQUIREMENTS}"
            )
    preparation = Preparation(cache(lambda: encoder or load_sentence_transformer(first_model())))
    return [
        Peer(name, system.build, system.encoding, system.package, preparation)
        for name, system in ((name, _SYSTEMS[name]) for name in names)
    ]
