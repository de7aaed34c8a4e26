"""The page in a real browser: searching, filtering, keys, more results, what attackers write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.page_service import (
    EVIL,
    EVIL_ID,
    documents,
    served,
    started_browser,
)
from tests.page_watch import Watched, arrived, shown_documents, until, watched_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("page") / "collection", documents()) as address:
        yield address


@pytest.fixture
def watched(browser: Browser, address: str) -> Iterator[Watched]:
    with watched_page(browser, address) as watched:
        yield watched


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.page


def _ask(page: Page, question: str) -> None:
    page.fill("#q", question)
    page.press("#q", "Enter")
    arrived(page)


def test_an_answer_shows_the_sentence_and_the_words_and_the_other_tellings(page: Page) -> None:
    page.goto("/")
    _ask(page, "ban announced")
    assert page.url.endswith("/?q=ban+announced")
    assert page.title() == "ban announced – Search across languages"
    hit = page.locator("#hits .hit").first
    assert hit.locator(".title").get_attribute("data-doc") == "a"
    assert hit.locator("mark.sentence").inner_text() == "The ban was announced."
    assert hit.locator("mark.sentence mark.word").all_inner_texts() == ["ban", "announced"]
    assert hit.locator(".about > *").all_inner_texts()[:3] == ["English", "6 January 2026", "wire"]
    assert hit.locator(".also a").all_inner_texts() == ["قرار AI جديد"]
    assert page.inner_text("#status").startswith("The best 10 of ")


def test_a_filter_leaves_only_its_documents_and_stands_in_the_address(page: Page) -> None:
    page.goto("/?q=ban")
    arrived(page)
    page.check('input[data-facet="lang"][value="ar"]')
    page.wait_for_url("**/?q=ban&lang=ar")
    until(page, "document.querySelectorAll('#hits .hit').length === 1")
    assert shown_documents(page) == ["b"]
    assert page.locator("#chosen .chosen").all_inner_texts() == ["Arabic\n×"]
    assert page.locator('input[data-facet="lang"][value="en"]').is_visible()  # still on offer
    page.get_by_role("button", name="Remove filter Arabic").click()
    page.wait_for_url("**/?q=ban")
    until(page, "document.querySelectorAll('#hits .hit').length > 1")
    page.click('button[data-facet="year"][value="2025"]')
    page.wait_for_url("**/?q=ban&date_from=2025&date_to=2025")
    until(page, "[...document.querySelectorAll('#hits time')].every(date => date.dateTime.startsWith('2025'))")
    assert "b" in shown_documents(page)
    page.goto("/?q=ban&lang=ar")  # shared: the others can be added
    arrived(page)
    page.check('input[data-facet="lang"][value="en"]')
    page.wait_for_url("**/?q=ban&lang=ar&lang=en")
    page.goto("/?q=ban&source=wire&date_from=2026")
    arrived(page)
    assert shown_documents(page) == ["a"]
    assert page.locator("#chosen .chosen").all_inner_texts() == ["wire\n×", "from 2026\n×"]


def test_what_attackers_write_is_shown_as_text(page: Page) -> None:
    page.goto(
        "/?q=drone&source=" + "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%3C/script%3E%3Cscript%3Ealert(2)%3C/script%3E"
    )
    arrived(page)
    link = page.locator("#hits .title")
    assert (link.inner_text(), link.get_attribute("data-doc")) == (EVIL, EVIL_ID)
    assert EVIL in page.inner_text("#hits .snippet")
    assert page.inner_text("#hits .source") == EVIL
    assert page.inner_text("#chosen bdi") == EVIL
    link.click()
    page.wait_for_selector("#document mark")
    page.click("#document summary")
    assert page.inner_text("#document h1") == EVIL
    assert page.locator("#document dl").inner_text().split("\n")[:1] == [EVIL]
    assert page.locator("main img, main svg, main script, aside img").count() == 0
    assert page.locator("a[href^='javascript']").count() == 0
    for link_out in page.locator("a[target=_blank]").all():
        assert link_out.get_attribute("rel") == "noopener noreferrer"


def test_only_an_address_of_the_web_becomes_a_link(page: Page) -> None:
    page.goto("/?q=ban&lang=en")
    arrived(page)
    links = page.locator("#hits a.original")
    assert [link.get_attribute("href") for link in links.all()] == ["https://example.org/a"]
    assert (links.first.get_attribute("rel"), links.first.get_attribute("target")) == ("noopener noreferrer", "_blank")


def test_keys_reach_everything(page: Page) -> None:
    page.goto("/?q=ban")
    arrived(page)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.press("ArrowDown")
    documents = shown_documents(page)

    def here() -> str:
        found: str = page.evaluate("document.activeElement.dataset.doc ?? document.activeElement.id")
        return found

    assert here() == documents[0]
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    assert here() == documents[2]
    page.keyboard.press("k")
    assert here() == documents[1]
    page.evaluate("""document.activeElement.dispatchEvent(
        new KeyboardEvent("keydown", { key: "ن", code: "KeyK", bubbles: true })
    )""")  # k on an Arabic keyboard
    assert here() == documents[0]
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("#document .text")
    page.keyboard.press("Escape")
    page.wait_for_selector("#results", state="visible")
    assert here() == documents[1]
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert here() == "q"
    page.keyboard.press("End")
    page.keyboard.type(" j/k")
    assert page.input_value("#q") == "ban j/k"


def test_letter_keys_can_be_switched_off(page: Page) -> None:
    page.goto("/?q=ban")
    arrived(page)
    page.click(".keys summary")
    page.uncheck("#shortcuts")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.id") == "shortcuts"
    page.reload()
    arrived(page)
    assert not page.is_checked("#shortcuts")


def test_more_results_come_below_and_none_twice(page: Page) -> None:
    page.goto("/?q=drone")
    arrived(page)
    first = shown_documents(page)
    assert len(first) == 10
    page.click("#more-button")
    page.wait_for_url("**/?q=drone&page=2")
    until(page, "document.querySelectorAll('#hits .skeleton').length === 0")
    both = shown_documents(page)
    assert both[:10] == first
    assert len(set(both)) == len(both) > 10
    assert page.evaluate("document.activeElement.dataset.doc") == both[10]


def test_nothing_found_says_what_there_is(page: Page) -> None:
    page.goto("/?q=ban&lang=fr")
    page.wait_for_selector(".nothing .holds li")
    assert page.inner_text(".nothing [role=alert]") == "Nothing was found with these filters."
    assert "Arabic 1" in page.inner_text(".nothing .holds").replace("\n", " ")
    page.get_by_role("button", name="Remove all filters").click()
    arrived(page)


def test_a_weak_hit_is_said_to_be_weak(page: Page) -> None:
    page.goto("/?q=ban&lang=en")
    arrived(page)
    page.goto("/?q=weather&lang=ja")
    arrived(page)
    assert page.locator("#hits .hit.weak .chip.faint").first.inner_text() == "weak match"
    assert page.inner_text("#hits .remark") == "Nothing matches well. What follows may be off the topic."
