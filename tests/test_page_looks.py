"""How the page looks in a real browser: directions, scripts, widths, colours, what moves, and in which language."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from tests.page_service import documents, missing, served, started_browser
from tests.page_watch import watched_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

_VIEWS = ("/", "/?q=ban", "/?q=ban&lang=en&doc=a&at=0-22")
_SHOWN = {
    "/": "#home .holds li",
    "/?q=ban": "#results:not([aria-busy]) .hit:not(.skeleton)",
    "/?q=ban&lang=en&doc=a&at=0-22": "#document mark",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("page") / "collection", documents(), is_sample=True) as address:
        yield address


@pytest.fixture(scope="module")
def axe(browser: Browser) -> str:
    """The script that checks a page for what keeps people out."""
    try:
        return (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
    except ModuleNotFoundError:
        missing("axe-playwright-python is not installed")


def _go(page: Page, view: str, interface: str = "en") -> None:
    page.goto(view + ("&" if "?" in view else "?") + f"ui={interface}")
    page.wait_for_selector(_SHOWN[view])


def _edges(page: Page, selector: str) -> tuple[float, float]:
    """Left and right end of the text itself, not of its box."""
    left, right = page.eval_on_selector(
        selector,
        """node => {
          const range = document.createRange();
          range.selectNodeContents(node);
          const box = range.getBoundingClientRect();
          return [box.left, box.right];
        }""",
    )
    return left, right


def _place_of(page: Page, selector: str, character: str) -> float:
    """Where on the line a character of the text stands."""
    found: float = page.eval_on_selector(
        selector,
        """(node, character) => {
          const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
          for (let text; (text = walker.nextNode()); ) {
            const at = text.data.indexOf(character);
            if (at < 0) continue;
            const range = document.createRange();
            range.setStart(text, at);
            range.setEnd(text, at + 1);
            return range.getBoundingClientRect().left;
          }
        }""",
        character,
    )
    return found


@pytest.mark.parametrize("interface", ["en", "ar"])
def test_arabic_runs_from_the_right_and_english_from_the_left(browser: Browser, address: str, interface: str) -> None:
    with watched_page(browser, address) as watched:
        page = watched.page
        page.goto(f"/?q=ban&lang=ar&ui={interface}")
        page.wait_for_selector('.title[data-doc="b"]')
        assert (
            page.evaluate("getComputedStyle(document.documentElement).direction")
            == {"en": "ltr", "ar": "rtl"}[interface]
        )
        for place in ("#hits .hit", "#hits .title bdi", "#hits .snippet"):
            assert page.eval_on_selector(place, "node => getComputedStyle(node).direction") == "rtl", place
        right = page.eval_on_selector("#hits", "list => list.getBoundingClientRect().right")
        assert abs(_edges(page, "#hits .title")[1] - right) < 2
        assert abs(_edges(page, "#hits .snippet")[1] - right) < 2
        title = "#hits .title bdi"  # قرار AI جديد: the first word rightmost, the Latin one between
        assert _place_of(page, title, "ق") > _place_of(page, title, "A") > _place_of(page, title, "ج")
        assert _place_of(page, title, "A") < _place_of(page, title, "I")
        page.goto(f"/?q=ban&lang=en&ui={interface}")
        page.wait_for_selector('.title[data-doc="a"]')
        left = page.eval_on_selector("#hits", "list => list.getBoundingClientRect().left")
        assert abs(_edges(page, "#hits .title")[0] - left) < 2
        assert abs(_edges(page, "#hits .snippet")[0] - left) < 2


def test_an_arabic_title_in_an_english_hit_does_not_reorder_what_is_around_it(browser: Browser, address: str) -> None:
    with watched_page(browser, address) as watched:
        page = watched.page
        page.goto("/?q=ban&lang=en&lang=ar&ui=en")
        page.wait_for_selector(".also a")
        label, title = _edges(page, ".also .label"), _edges(page, ".also a")
        assert label[1] < title[0]
        assert page.eval_on_selector(".also a bdi", "node => getComputedStyle(node).direction") == "rtl"


def test_each_script_has_its_language_and_so_its_font(browser: Browser, address: str) -> None:
    with watched_page(browser, address) as watched:
        page = watched.page
        page.goto("/?q=%E9%88%BE%20%E9%93%80%20%E3%82%A6%E3%83%A9%E3%83%B3&ui=en")
        page.wait_for_selector(_SHOWN["/?q=ban"])
        tags, fonts = {}, {}
        for document in ("zh-hans", "zh-hant", "ja"):
            page.goto(f"/?doc={document}&ui=en")
            page.wait_for_selector("#document .text")
            tags[document] = page.get_attribute("#document .text", "lang")
            fonts[document] = page.eval_on_selector("#document h1 bdi", "node => getComputedStyle(node).fontFamily")
        assert tags == {"zh-hans": "zh-Hans", "zh-hant": "zh-Hant", "ja": "ja"}
        assert ["CJK SC" in fonts["zh-hans"], "CJK TC" in fonts["zh-hant"], "CJK JP" in fonts["ja"]] == [True] * 3
        page.goto("/?q=ban&lang=en&ui=ar")  # English inside the Arabic page
        page.wait_for_selector(_SHOWN["/?q=ban"])
        assert "Arabic" not in page.eval_on_selector(".snippet", "node => getComputedStyle(node).fontFamily")


@pytest.mark.parametrize("interface", ["en", "ar"])
def test_a_phone_never_scrolls_sideways(browser: Browser, address: str, interface: str) -> None:
    with watched_page(browser, address, viewport={"width": 360, "height": 740}) as watched:
        page = watched.page
        for view in (*_VIEWS, "/?q=drone"):  # with addresses and markup that have no place to break
            page.goto(view + ("&" if "?" in view else "?") + f"ui={interface}")
            page.wait_for_selector(_SHOWN.get(view, _SHOWN["/?q=ban"]))
            if page.is_visible("#filters-toggle"):
                page.click("#filters-toggle")
                assert page.is_visible("#facets input")
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), view
            assert page.locator("#q").bounding_box()["width"] > 180  # type: ignore[index]


def test_light_and_dark_follow_the_system(browser: Browser, address: str) -> None:
    lightness = {}
    for scheme in ("light", "dark"):
        with watched_page(browser, address, color_scheme=scheme) as watched:
            _go(watched.page, "/?q=ban")
            colour = watched.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
            lightness[scheme] = max(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))
    assert lightness["light"] > 240
    assert lightness["dark"] < 40


@pytest.mark.parametrize(
    ("interface", "scheme"), [("en", "light"), ("en", "dark"), ("ar", "light"), ("ja", "light"), ("zh", "light")]
)
def test_axe_finds_nothing(browser: Browser, address: str, axe: str, interface: str, scheme: str) -> None:
    with watched_page(browser, address, color_scheme=scheme) as watched:
        for view in _VIEWS:
            _go(watched.page, view, interface)
            watched.page.evaluate(axe)
            found = watched.page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
            assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == [], view


@pytest.mark.parametrize("size", [(1280, 900), (360, 740)])
def test_nothing_jumps_when_answers_come(browser: Browser, address: str, size: tuple[int, int]) -> None:
    def late(route: Route) -> None:
        watched.page.wait_for_timeout(250)
        route.continue_()

    with watched_page(browser, address, viewport={"width": size[0], "height": size[1]}) as watched:
        watched.page.route("**/search?**", late)
        watched.page.route("**/languages", late)
        watched.page.route("**/documents/**", late)
        for view in _VIEWS:
            _go(watched.page, view)
            watched.page.wait_for_timeout(200)
            assert watched.moved() < 0.01, view


def test_the_sample_collection_offers_examples_and_says_how_to_go_on(browser: Browser, address: str) -> None:
    with watched_page(browser, address) as watched:
        page = watched.page
        _go(page, "/")
        tags = page.eval_on_selector_all(".examples a", "links => links.map(link => link.lang)")
        assert {"en", "ar", "ja", "zh-Hans"} <= set(tags)
        assert "search-index FOLDER" in page.inner_text(".own")
        question = page.inner_text(".examples a")
        page.click(".examples a")
        page.wait_for_selector(_SHOWN["/?q=ban"])
        assert page.input_value("#q") == question


@pytest.mark.parametrize(("locale", "lang", "direction", "button"), [
    ("ar-EG", "ar", "rtl", "بحث"),
    ("ja-JP", "ja", "ltr", "検索"),
    ("zh-TW", "zh-Hans", "ltr", "搜索"),
    ("fi-FI", "en", "ltr", "Search"),
])  # fmt: skip
def test_the_page_speaks_the_browsers_language(
    browser: Browser, address: str, locale: str, lang: str, direction: str, button: str
) -> None:
    with watched_page(browser, address, locale=locale) as watched:
        page = watched.page
        page.goto("/")
        assert page.inner_text("#form button") == button
        assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == [lang, direction]


def test_a_chosen_language_is_kept_and_an_address_may_ask_for_another(browser: Browser, address: str) -> None:
    with watched_page(browser, address) as watched:
        page = watched.page
        page.goto("/?q=ban")
        page.wait_for_selector(_SHOWN["/?q=ban"])
        page.select_option("#ui", "ja")
        page.wait_for_selector(_SHOWN["/?q=ban"])
        assert page.inner_text("#form button") == "検索"
        assert "1月6日" in page.inner_text("#hits")
        page.goto("/")
        assert page.inner_text("#form button") == "検索"
        page.goto("/?ui=ar")
        assert page.inner_text("#form button") == "بحث"
        page.goto("/")
        assert page.inner_text("#form button") == "検索"


def test_without_scripts_the_page_says_what_to_do(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    assert 'search "your question"' in page.inner_text("noscript")
    context.close()
