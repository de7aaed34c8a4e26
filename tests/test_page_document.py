"""A document in the page, in a real browser: opened at the passage, shared, left again, however long it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.page_service import (
    ANSWER,
    EMOJI_ID,
    LONG_ANSWER,
    documents,
    long_document,
    served,
    started_browser,
)
from tests.page_watch import Watched, arrived, is_visible, open_document, shown_documents, until, watched_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("page") / "collection", [*documents(), long_document()]) as address:
        yield address


@pytest.fixture
def watched(browser: Browser, address: str) -> Iterator[Watched]:
    with watched_page(browser, address) as watched:
        yield watched


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.page


def test_a_document_opens_at_the_sentence_and_back_returns_to_the_place(page: Page) -> None:
    page.goto("/?q=drone")
    arrived(page)
    page.click("#more-button")
    page.wait_for_url("**/?q=drone&page=2")
    page.locator('.title[data-doc="more-7"]').scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    place = page.evaluate("scrollY")
    assert place > 0
    open_document(page, "more-7")
    assert "doc=more-7&at=0-" in page.url
    assert page.inner_text("#document h1") == "More 7"
    assert page.inner_text("#document mark").startswith("The drone over")
    assert is_visible(page, "#document mark")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    page.go_back()
    page.wait_for_selector("#results", state="visible")
    assert page.evaluate("scrollY") == place
    assert page.evaluate("document.activeElement.dataset.doc") == "more-7"
    page.go_forward()
    page.wait_for_selector("#document mark")
    assert page.inner_text("#document h1") == "More 7"


def test_an_address_is_all_that_is_needed_to_show_the_same(page: Page, browser: Browser, address: str) -> None:
    page.goto("/?q=gas")
    arrived(page)
    open_document(page, EMOJI_ID)
    with watched_page(browser, address) as other:
        other.page.goto(page.url)
        assert other.page.wait_for_selector("#document mark").inner_text() == ANSWER  # type: ignore[union-attr]
        other.page.click("#back")
        arrived(other.page)
        assert other.page.url.endswith("/?q=gas")
        other.page.goto("/?q=drone&page=2")
        arrived(other.page)
        assert len(shown_documents(other.page)) > 10


def test_offsets_are_characters_also_beyond_the_first_plane(page: Page) -> None:
    page.goto("/?q=gas")
    arrived(page)
    hit = page.locator("#hits .hit", has=page.locator(f'[data-doc="{EMOJI_ID}"]'))
    assert hit.locator("mark.sentence").inner_text() == ANSWER
    assert hit.locator("mark.word").inner_text() == "Gas"
    assert hit.locator(".title").inner_text() == EMOJI_ID  # it has no title
    open_document(page, EMOJI_ID)
    assert page.inner_text("#document mark") == ANSWER


def test_pages_and_details_of_a_document_are_shown(page: Page) -> None:
    page.goto("/?q=gas")
    arrived(page)
    hit = page.locator("#hits .hit", has=page.locator('[data-doc="paged"]'))
    assert hit.locator(".page").inner_text() == "page 2"
    open_document(page, "paged")
    assert page.locator(".text > *").all_inner_texts() == [
        *("page 1", "First page, a long one."),
        *("page 2", "The gas gas gas pipe."),
        *("page 3", "Third."),
    ]
    page.click("#document summary")
    assert page.locator("#document dl").inner_text().split() == ["author", "Sato"]


def test_a_megabyte_opens_at_once_at_the_passage(page: Page) -> None:
    page.goto("/?q=uranium&lang=en")
    arrived(page)
    page.evaluate(
        """() => {
          window.took = new Promise(found => document.addEventListener("click", () => {
            const begun = performance.now();
            new MutationObserver(() => document.querySelector("#document mark") && found(performance.now() - begun))
              .observe(document.body, { childList: true, subtree: true });
          }, { once: true, capture: true }));
        }"""
    )
    open_document(page, "long")
    assert page.inner_text("#document mark") == LONG_ANSWER
    assert is_visible(page, "#document mark")
    assert page.evaluate("window.took") < 2000
    drawn = page.locator(".text p").count()
    assert drawn < 1500
    before = page.eval_on_selector("#document mark", "mark => mark.getBoundingClientRect().top")
    page.eval_on_selector("button.earlier", "button => button.click()")
    assert page.locator(".text p").count() > drawn
    assert abs(page.eval_on_selector("#document mark", "mark => mark.getBoundingClientRect().top") - before) < 1
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    until(page, f"document.querySelectorAll('.text p').length > {drawn + 200}")
    page.click("#to-passage")
    assert is_visible(page, "#document mark")
