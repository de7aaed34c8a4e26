"""txtai with the same model's folder and `hybrid=True`, as its documentation recommends: vectors and BM25, half each.

It encodes by itself; the model's prompts are given to it, for of those in the folder it takes the query's only. Its
tokenizer cuts at Unicode's word boundaries (single characters in Chinese).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eval.peers.peer import Search, package
from eval.peers.prepared import PASSAGES, Prepared
from indexer.encoder import prompts_of
from indexer.model_folders import folder_of


@contextmanager
def build(prepared: Prepared) -> Iterator[Search]:
    txtai = package("txtai")
    name = prepared.encoder.name
    folder = folder_of(name)
    query_prompt, passage_prompt = prompts_of(_declared(folder), name)
    queries = [query.text for query in prepared.dataset.queries]
    with txtai.Embeddings(
        path=str(folder),
        instructions={"query": query_prompt, "data": passage_prompt},
        hybrid=True,
        content=False,
    ) as embeddings:
        embeddings.index(list(enumerate(prepared.texts)))
        yield lambda place: prepared.by_first_passage(embeddings.search(queries[place], PASSAGES))


def _declared(folder: Path) -> dict[str, str]:
    file = folder / "config_sentence_transformers.json"
    declared: dict[str, str] = json.loads(file.read_text(encoding="utf-8")).get("prompts") if file.is_file() else {}
    return declared or {}
