"""The command `search` inside the tests' process, over files that a fake encoder has indexed; and a server of them."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import uvicorn

from indexer.build import open_or_create
from indexer.store import LocalStore
from indexer.stored_collection import StoredCollection
from indexer.updating import update
from search_api import warm
from search_api.app import create_app
from search_api.cli import main
from search_api.opening import OpenSearcher
from search_api.searcher import Searcher
from tests.fakes import FakeEncoder

JSON_LINES = (
    '{"id": "ja-1", "text": "政府は禁輸を発表した。店は開いていた。", "title": "発表", "source": "NHK", '
    '"date": "2024-05-06", "author": "Sato"}\n'
    '{"id": "zh-1", "text": "政府宣布禁令。商店照常营业。", "title": "公告", "source": "新华社", "date": "2023", '
    '"url": "https://news.example/公告?a=1&b=(2)"}\n'
    '{"id": "en-2", "text": "=The drone ban, \\"announced\\" today.", "title": "=SUM(1)", "source": "Reuters, London", '
    '"date": "2025-01"}\n'
)
FILES = {
    "ar.txt": "قرار\nأعلنت الحكومة حظر التصدير. بقيت المتاجر مفتوحة.\n",
    "en.txt": "A ban\nThe ban was announced. Shops stayed open.\n",
    "gas.txt": "Prices\nPrices for gas rose.\n",
    "lines.jsonl": JSON_LINES,
}


class Done(NamedTuple):
    """What a run of the command left."""

    status: int
    out: str
    err: str


Ask = Callable[..., Done]


def indexed(folder: Path, encoder: FakeEncoder) -> Path:
    """The files, in `folder/files`, as a collection."""
    (folder / "files").mkdir()
    for name, text in FILES.items():
        (folder / "files" / name).write_text(text, encoding="utf-8")
    with open_or_create(folder / "collection", encoder) as made:
        update([str(folder / "files")], made, encoder)
    return folder / "collection"


def asking(collection: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """`ask("ban", "--json")`; with `stdin="..."` from standard input."""
    monkeypatch.setattr("search_api.command.own_searcher.load_query_encoder", lambda name: FakeEncoder())
    monkeypatch.setattr("search_api.cli.prepare", lambda: None)

    def ask(*arguments: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode("utf-8", "surrogateescape"))))
        status = main([*arguments, "--collection", str(collection)])
        return Done(status, *capsys.readouterr())

    return ask


@contextmanager
def served(collection: Path) -> Iterator[list[str]]:
    """A server on the collection's own socket; yields the paths of the requests that it gets."""
    asked: list[str] = []
    store = LocalStore(StoredCollection.open(collection))
    app = create_app(lambda: OpenSearcher(Searcher(store, FakeEncoder()), store, is_sample=False))

    async def counted(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        if scope["type"] == "http":
            asked.append(scope["path"])
        await app(scope, receive, send)

    with warm.listening_socket(collection) as listening:
        assert listening is not None
        server = uvicorn.Server(
            uvicorn.Config(counted, log_level="warning", access_log=False, ws="none", loop="asyncio")
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield asked
        finally:
            server.should_exit = True
            thread.join(30)
