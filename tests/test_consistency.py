"""While documents are replaced and deleted, each answer is of one version, the one that it names, and of no other.

All documents of a version say of which generation they are.
"""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from indexer.build import index_documents, open_or_create
from indexer.documents import Document
from indexer.stored_collection import StoredCollection
from tests.fakes import FakeEncoder
from tests.test_routes_documents import served

_DOCUMENTS, _GENERATIONS, _THREADS = 24, 25, 6
_OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"limit": 100, "collapse": False},
    {"mode": "lexical", "limit": 30},
    {"mode": "semantic", "facets": True, "explain": True},
    {"lang": "en", "offset": 5, "collapse": False},
    {"where": "kind:x", "limit": 50},
)


def generation(number: int) -> list[Document]:
    """Fewer in each third one."""
    return [
        Document(
            f"d{own}",
            f"The gas ban of generation{number} was announced. {'It was long. ' * (own % 3)}",
            f"Title generation{number}",
            lang="en",
            source=f"generation{number}",
            date=f"{1000 + number}",
            metadata={"kind": "x"},
        )
        for own in range(_DOCUMENTS // (2 if number % 3 == 0 else 1))
    ]


def generations_in(answer: Any) -> set[int]:
    """All that an answer says of which it is of."""
    said = set()
    for hit in answer["hits"]:
        said |= {int(hit["source"].removeprefix("generation")), int(hit["date"]) - 1000}
        said |= {int(hit["title"].split("generation")[1])}
        if "generation" in hit["snippet"]:
            said.add(int(hit["snippet"].split("generation")[1].split()[0]))
    for name, start in (("source", len("generation")), ("year", 0)):
        for value in answer.get("facets", {}).get(name, []):
            said.add(int(value["value"][start:]) - (0 if start else 1000))
    return said


class Writer:
    """Another process, so to say; remembers which versions are of which generation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.of_version: dict[int, int] = {}
        self.documents_at: dict[int, int] = {}

    def write(self, number: int) -> None:
        documents, fake = generation(number), FakeEncoder()
        with StoredCollection.open(self.folder, writable=True) as collection:
            gone = [own.id for own in generation(1)[len(documents) :]]
            collection.delete(gone)
            self._note(collection, number - 1)
            index_documents(documents, collection, fake)
            self._note(collection, number)

    def _note(self, collection: StoredCollection, number: int) -> None:
        self.of_version[collection.version()] = number
        self.documents_at[collection.version()] = collection.statistics().documents


@pytest.fixture
def writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Writer:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "cache"))
    fake = FakeEncoder()
    with open_or_create(tmp_path / "c", fake) as made:
        made.leave_out_boilerplate(False)
        index_documents(generation(1), made, fake)
        own = Writer(tmp_path / "c")
        own._note(made, 1)
    return own


def test_each_answer_is_of_the_version_that_it_names(writer: Writer) -> None:
    answers: list[tuple[dict[str, Any], Any]] = []
    documents: list[tuple[str, str]] = []
    wrong: list[str] = []
    done = threading.Event()

    def ask(client: TestClient, seed: int) -> None:
        chance = random.Random(seed)
        while not done.is_set():
            options = chance.choice(_OPTIONS)
            got = client.get("/search", params={"q": chance.choice(("gas ban", "announced", '"gas ban"')), **options})
            if got.status_code != 200:
                wrong.append(got.text)
            answers.append((options, got.json()))
            whole = client.get("/documents/d0")
            documents.append((whole.json()["title"].split("generation")[1], whole.json()["text"]))

    with served(writer.folder) as client:
        threads = [threading.Thread(target=ask, args=(client, seed)) for seed in range(_THREADS)]
        for thread in threads:
            thread.start()
        for number in range(2, _GENERATIONS):
            writer.write(number)
        done.set()
        for thread in threads:
            thread.join(30)
    assert wrong == []
    seen = set()
    for options, answer in answers:
        said = generations_in(answer)
        assert said == ({writer.of_version[answer["version"]]} if answer["hits"] else set()), options
        assert len(answer["hits"]) <= writer.documents_at[answer["version"]]
        if not options.get("collapse", True) and options.get("limit") == 100:
            assert len(answer["hits"]) == writer.documents_at[answer["version"]]
        seen |= said
    assert len(seen) > 5, "several generations were to be seen"
    assert all(f"generation{number} " in text for number, text in documents)


def test_answers_and_changes_through_the_api_go_together(writer: Writer) -> None:
    """Who has written sees it in the next answer, whoever else searches meanwhile."""
    with served(writer.folder) as client:
        done = threading.Event()

        def ask() -> None:
            while not done.is_set():
                assert client.get("/search", params={"q": "gas"}).status_code == 200

        others = [threading.Thread(target=ask) for _ in range(3)]
        for thread in others:
            thread.start()
        try:
            for number in range(2, 12):
                sent = {"id": "mine", "text": f"uranium generation{number}"}
                written = client.post("/documents", json=sent)
                assert written.status_code in (200, 201), written.text
                hit = client.get("/search", params={"q": "uranium", "mode": "lexical"})
                assert hit.status_code == 200, hit.text
                assert hit.json()["hits"][0]["snippet"] == sent["text"]
                assert int(hit.headers["x-collection-version"]) >= int(written.headers["x-collection-version"])
                assert client.delete("/documents/mine").status_code == 204
                assert client.get("/search", params={"q": "uranium", "mode": "lexical"}).json()["hits"] == []
        finally:
            done.set()
            for thread in others:
                thread.join(30)
