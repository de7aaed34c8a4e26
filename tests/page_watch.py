"""A page of the browser that is watched: what its console says, what it loads, what moves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page

_RECORDER = """
window.moved = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved += entry.value;
}).observe({ type: "layout-shift", buffered: true });
window.violations = [];
document.addEventListener("securitypolicyviolation", event => window.violations.push(event.violatedDirective));
"""


@dataclass
class Watched:
    """`complaints`: errors of the console and of scripts, dialogs; `allowed`: parts of those that a test expects."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def moved(self) -> float:
        """Cumulative layout shift since the page was loaded."""
        found: float = self.page.evaluate("window.moved")
        return found

    def hear(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.complaints.append(said.text)

    def refuse(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()


def until(page: Page, condition: str, seconds: float = 20) -> None:
    """Waits until a JavaScript expression is true. (Playwright's own way is `eval`, which the page forbids.)"""
    deadline = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, f"after {seconds} s still not: {condition}"
        page.wait_for_timeout(20)


@contextmanager
def watched_page(browser: Browser, address: str, **options: Any) -> Iterator[Watched]:
    """A fresh page; at the end nothing was complained of, and nothing came from another address."""
    context = browser.new_context(base_url=address, **{"locale": "en-GB", **options})
    context.add_init_script(_RECORDER)
    watched = Watched(context.new_page())
    page = watched.page
    page.set_default_timeout(20_000)
    page.on("console", watched.hear)
    page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    page.on("dialog", watched.refuse)
    page.on("request", lambda request: watched.requested.append(request.url))
    yield watched
    violations = page.evaluate("window.violations ?? []")
    context.close()
    unexpected = [text for text in watched.complaints if not any(part in text for part in watched.allowed)]
    assert unexpected == []
    assert violations == []
    assert [url for url in watched.requested if not url.startswith(f"{address}/")] == []


def arrived(page: Page) -> None:
    """Results are there."""
    page.wait_for_selector("#results:not([aria-busy]) .hit:not(.skeleton)")


def shown_documents(page: Page) -> list[str]:
    """Ids of the hits."""
    found: list[str] = page.eval_on_selector_all("#hits .title", "links => links.map(link => link.dataset.doc)")
    return found


def open_document(page: Page, document: str) -> None:
    """By its hit."""
    page.click(f'#hits .title[data-doc="{document}"]')
    page.wait_for_selector("#document .text")


def is_visible(page: Page, selector: str) -> bool:
    """All of it, in the window."""
    inside: bool = page.eval_on_selector(
        selector,
        "node => { const box = node.getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight; }",
    )
    return inside
