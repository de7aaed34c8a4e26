"""The page when things go wrong or slowly, or a key is asked for, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.page_service import documents, served, started_browser
from tests.page_watch import Watched, watched_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

_HITS = "#results:not([aria-busy]) .hit:not(.skeleton)"


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
        watched.allowed.append("Failed to load resource")  # the browser's own word on each status
        yield watched


def _problem(status: int, detail: str, **headers: str) -> dict[str, Any]:
    body = {"type": "about:blank", "title": "x", "status": status, "detail": detail}
    return {"status": status, "content_type": "application/problem+json", "body": json.dumps(body), "headers": headers}


def _fail(page: Page, times: int, **answer: Any) -> None:
    """The first searches fail so, the others are answered."""
    left = [times]

    def route(route: Route) -> None:
        left[0] -= 1
        if left[0] >= 0:
            route.fulfill(**answer)
        else:
            route.continue_()

    page.route("**/search?**", route)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (422, "This cannot be searched."),
        (429, "Too many questions at once."),
        (500, "The server failed to answer."),
        (503, "The server is busy or still starting."),
    ],
)
def test_an_error_is_said_in_words_with_the_servers_own(watched: Watched, status: int, said: str) -> None:
    page = watched.page
    _fail(page, 1, **_problem(status, "<b>because</b> of x"))
    page.goto("/?q=ban")
    notice = page.locator("#problem [role=alert]")
    assert notice.inner_text().split("\n")[0] == said
    assert "The server says: <b>because</b> of x" in notice.inner_text()
    assert page.locator("#hits > *").count() == 0
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector(_HITS)
    assert page.inner_text("#problem") == ""


def test_a_server_that_is_starting_is_asked_again_when_it_said(watched: Watched) -> None:
    _fail(watched.page, 2, **_problem(503, "loading", **{"Retry-After": "1"}))
    watched.page.goto("/?q=ban")
    watched.page.wait_for_selector("text=Trying again in 1 s")
    watched.page.wait_for_selector(_HITS)
    assert watched.page.inner_text("#problem") == ""


def test_a_server_that_is_gone_is_said_to_be_gone(watched: Watched) -> None:
    page = watched.page
    page.goto("/")
    page.wait_for_selector("#home .holds li")
    page.route("**/search?**", lambda route: route.abort())
    page.fill("#q", "ban")
    page.press("#q", "Enter")
    assert page.locator("#problem [role=alert]").inner_text().startswith("The server cannot be reached.")
    page.unroute("**/search?**")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector(_HITS)


def test_a_real_refusal_of_the_service_is_shown(watched: Watched) -> None:
    watched.page.goto("/?q=%3F!")
    assert "no letters or digits" in watched.page.locator("#problem [role=alert]").inner_text()
    watched.page.goto("/?doc=gone")
    assert watched.page.locator("#problem strong").inner_text() == "This document is not in the collection any more."


def test_a_key_is_asked_for_sent_and_kept_in_this_tab(watched: Watched) -> None:
    page = watched.page
    sent: list[str | None] = []

    def guard(route: Route) -> None:
        sent.append(route.request.headers.get("x-api-key"))
        if sent[-1] == "right":
            route.continue_()
        else:
            route.fulfill(**_problem(401, "a key is needed"))

    page.route("**/search?**", guard)
    page.goto("/?q=ban")
    assert page.inner_text("#problem strong") == "This service asks for a key."
    for key in ("wrong", "right"):
        page.fill("#key", key)
        page.press("#key", "Enter")
        if key == "wrong":
            page.wait_for_selector("text=This key was not accepted.")
    page.wait_for_selector(_HITS)
    page.reload()
    page.wait_for_selector(_HITS)
    assert sent == [None, "wrong", "right", "right"]
    assert "right" not in page.url
    assert page.evaluate("Object.values({...localStorage})") == []


def test_an_old_answer_never_takes_the_place_of_a_new_one(watched: Watched) -> None:
    page = watched.page
    begun = []

    def slow(route: Route) -> None:
        begun.append(route.request.url)
        page.wait_for_timeout(700)
        try:
            route.continue_()
        except Exception:  # noqa: BLE001 - given up by the page
            return

    page.route("**/search?q=ban**", slow)
    page.goto("/")
    page.fill("#q", "ban")
    page.press("#q", "Enter")
    page.wait_for_timeout(50)
    page.fill("#q", "gas")
    page.press("#q", "Enter")
    page.wait_for_selector(_HITS)
    first = page.get_attribute("#hits .title", "data-doc")
    page.wait_for_timeout(1200)
    assert begun
    assert page.get_attribute("#hits .title", "data-doc") == first != "a"
    assert page.url.endswith("?q=gas")


def test_going_back_while_a_search_is_under_way_shows_what_was_there(watched: Watched) -> None:
    page = watched.page
    page.goto("/?q=ban")
    page.wait_for_selector(_HITS)
    before = page.inner_text("#results")
    page.route("**/search?q=gas**", lambda route: None)  # never answered
    page.fill("#q", "gas")
    page.press("#q", "Enter")
    page.wait_for_selector("#results[aria-busy]")
    page.go_back()
    page.wait_for_selector(_HITS)
    assert page.inner_text("#results") == before
    page.click("#brand")
    page.wait_for_selector("#home .holds li")
    page.fill("#q", "gas")
    page.press("#q", "Enter")
    page.wait_for_selector("#hits .skeleton")
    page.go_back()
    page.go_back()
    page.wait_for_selector(_HITS)
    assert page.inner_text("#results") == before
    page.fill("#q", "gas")
    page.press("#q", "Enter")
    page.fill("#q", "gas pipe")  # of two under way, the second is still waited for
    page.route("**/search?q=gas+pipe**", lambda route: None)
    page.press("#q", "Enter")
    page.wait_for_timeout(200)
    assert page.get_attribute("#results", "aria-busy") == "true"
    page.wait_for_selector("#stop", state="visible")


def test_a_search_can_be_stopped(watched: Watched) -> None:
    page = watched.page
    page.route("**/search?**", lambda route: None)  # never answered
    page.goto("/?q=ban")
    page.wait_for_selector("#stop", state="visible")
    page.click("#stop")
    assert "Stopped." in page.inner_text("#problem")
    page.unroute("**/search?**")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector(_HITS)


def test_more_results_that_do_not_come_are_said_where_they_would_be(watched: Watched) -> None:
    page = watched.page
    page.goto("/?q=drone")
    page.wait_for_selector(_HITS)
    _fail(page, 1, **_problem(500, "failed"))
    page.click("#more-button")
    assert page.locator("#more [role=alert] strong").inner_text() == "The server failed to answer."
    assert page.locator("#hits .hit").count() == 10
    page.get_by_role("button", name="Try again").click()
    page.wait_for_url("**/?q=drone&page=2")
    assert page.locator("#hits .hit:not(.skeleton)").count() > 10


def test_pages_of_two_versions_are_never_mixed(watched: Watched) -> None:
    page = watched.page
    asked: list[str] = []

    def changing(route: Route) -> None:
        asked.append(route.request.url.partition("?")[2])
        answer = route.fetch()
        body = answer.json()
        body["version"] = 1 if len(asked) == 1 else 2
        route.fulfill(response=answer, json=body)

    page.route("**/search?**", changing)
    page.goto("/?q=drone")
    page.wait_for_selector(_HITS)
    page.click("#more-button")
    page.wait_for_url("**/?q=drone&page=2")
    assert [("offset" in query, "limit=20" in query) for query in asked] == [
        (False, False),
        (True, False),
        (False, True),
    ]
