"""Chroma: a vector database in memory, given the same vectors, with cosine; its index (HNSW) is approximate."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from eval.peers.peer import Search, package
from eval.peers.prepared import PASSAGES, Prepared


@contextmanager
def build(prepared: Prepared) -> Iterator[Search]:
    chromadb = package("chromadb")
    client = chromadb.EphemeralClient(chromadb.Settings(anonymized_telemetry=False))
    name = f"peer-{secrets.token_hex(4)}"  # clients in memory share what they hold
    collection = client.create_collection(
        # One thread, for the graph depends on the order in which passages come into it; and a search that looks at
        # as many as it returns.
        name,
        embedding_function=None,
        configuration={"hnsw": {"space": "cosine", "num_threads": 1, "ef_search": PASSAGES}},
    )
    count = len(prepared.texts)
    try:
        step = client.get_max_batch_size()
        for start in range(0, count, step):
            places = range(start, min(start + step, count))
            collection.add(
                ids=[str(place) for place in places],
                embeddings=prepared.passage_vectors[places.start : places.stop],
            )

        def search(place: int) -> list[str]:
            found = collection.query(
                query_embeddings=prepared.query_vectors[place : place + 1],
                n_results=min(PASSAGES, count),
                include=["distances"],
            )
            scored = zip(map(int, found["ids"][0]), (-distance for distance in found["distances"][0]), strict=True)
            return prepared.by_first_passage(scored)

        yield search
    finally:
        client.delete_collection(name)
