"""What the tests of the page need: a collection with everything that is hard to show, served, and a browser."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
import uvicorn
from starlette.types import ASGIApp

from indexer.build import index_documents, open_or_create
from indexer.documents import Document
from indexer.store import LocalStore
from indexer.stored_collection import StoredCollection
from search_api.app import create_app
from search_api.opening import OpenSearcher
from search_api.searcher import Searcher
from tests.fakes import FakeEncoder

if TYPE_CHECKING:
    from playwright.sync_api import Browser

EVIL = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"
EVIL_ID = 'x/<svg onload=alert(3)>"&?#%2F'
EMOJI_ID = "../reports/emoji.txt"
ANSWER = "😀 Gas became cheaper 𠮷 overnight."
LONG_ANSWER = "The uranium uranium uranium lies here."
PAGED = "First page, a long one.\nThe gas gas gas pipe.\nThird."
_FILLER = "Nothing of note happened in the valley on day {}, and the river was as calm as ever."


def documents() -> list[Document]:
    """Two tellings of one story, the four languages, fourteen more for a second page, and what attackers write."""
    return [
        Document(
            "a",
            "The ban was announced. Shops stayed open.",
            "A ban",
            date="2026-01-06",
            source="wire",
            url="https://example.org/a",
        ),
        Document(
            "b",
            "أعلنت الحكومة حظر التصدير. بقيت المتاجر مفتوحة.",
            "قرار AI جديد",
            date="2025-12",
            source="paper",
        ),
        Document("zh-hans", "政府宣布对铀实施管制。这是第一次。", "铀的管制", "zh", date="2025"),
        Document("zh-hant", "政府宣布對鈾實施管制，铀價上漲。這是第一次。", "鈾的管制與國際市場", "zh", date="2025"),
        Document("ja", "政府はウランの輸出規制を発表した。店は開いていた。", "ウランの規制"),
        Document(
            EVIL_ID,
            f"A drone was seen {EVIL} today.",
            EVIL,
            source=EVIL,
            url="javascript:alert(4)",
            metadata={EVIL: EVIL},
        ),
        Document(EMOJI_ID, f"😀😀 One.\n{ANSWER} Two 😀.", "", date="2024-05-01"),
        Document("paged", PAGED, "Paged", pages=(0, 24, 46), metadata={"author": "Sato"}),
        *(Document(f"more-{number}", _distinct(number), f"More {number}", date="2026") for number in range(14)),
    ]


def _distinct(number: int) -> str:
    words = " ".join(f"{chr(97 + number)}{letter}rk" for letter in "aeiou")
    return f"The drone over {words} came late. Nobody saw {words[::-1]} then."


def long_document() -> Document:
    """A megabyte, with what is searched for in the middle."""
    lines = [_FILLER.format(number) for number in range(12_000)]
    text = "\n".join([*lines[:6_000], LONG_ANSWER, *lines[6_000:]])
    return Document("long", text, "A long one", date="2023")


@contextmanager
def served(folder: Path, held: Sequence[Document], *, is_sample: bool = False) -> Iterator[str]:
    """The address of a server over these documents, as `search-serve` has it."""
    fake = FakeEncoder()
    with open_or_create(folder, fake) as made:
        index_documents(held, made, fake)

    def opening() -> OpenSearcher:
        store = LocalStore(StoredCollection.open(folder))
        return OpenSearcher(Searcher(store, fake), store, is_sample=is_sample)

    with running(create_app(opening)) as address:
        yield address


@contextmanager
def running(app: ASGIApp) -> Iterator[str]:
    """The application on a free port of this machine, until the block ends."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server did not start in 30 s"
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def browser_program() -> str | None:
    """Chromium of the system, or the one that SEARCH_CHROMIUM names."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("SEARCH_CHROMIUM") or next((found for name in names if (found := shutil.which(name))), None)


@contextmanager
def started_browser() -> Iterator[Browser]:
    """Headless Chromium. Without it, or without Playwright, the tests are skipped; with SEARCH_NEED_BROWSER=1 they
    fail."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("Playwright is not installed: pip install playwright axe-playwright-python")
    program = browser_program()
    if program is None:
        missing("there is no Chromium: install the system's, or name one in SEARCH_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def missing(what: str) -> NoReturn:
    """Skips the test, or fails it where a browser must be there."""
    if os.environ.get("SEARCH_NEED_BROWSER") == "1":
        pytest.fail(what)
    pytest.skip(what)
