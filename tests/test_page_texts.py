"""What the page's own modules do with offsets and long texts, in a real browser, against Python as the oracle."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI

from search_api.page import router
from search_api.page.assets import load_assets
from tests.page_service import running, started_browser

if TYPE_CHECKING:
    from playwright.sync_api import Page

_CHARACTERS = "a é\u0628\u5b57\U00020bb7\U0001f600\U0001f469\u200d\U0001f52c\n."


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    app = FastAPI()
    app.include_router(router)
    with started_browser() as browser, running(app) as address:
        page = browser.new_context(base_url=address).new_page()
        page.goto("/")
        yield page


def _call(page: Page, module: str, function: str, *arguments: Any) -> Any:
    script = "async ([address, name, given]) => (await import(address))[name](...given)"
    return page.evaluate(script, [f"/page/{load_assets().digest}/{module}.js", function, list(arguments)])


def _units(text: str, start: int, end: int) -> str:
    """The stretch of a text between two offsets in UTF-16 units."""
    return text.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le")


def test_spans_are_those_of_python(page: Page) -> None:
    chance = random.Random(6)
    for _ in range(60):
        text = "".join(chance.choices(_CHARACTERS, k=chance.randint(1, 60)))
        cuts = [sorted(chance.choices(range(len(text) + 1), k=2)) for _ in range(4)]
        spans = [{"start": start, "end": end} for start, end in cuts if start < end]
        found = _call(page, "marks", "spansInUnits", text, spans)
        assert [_units(text, own["start"], own["end"]) for own in found] == [
            text[own["start"] : own["end"]] for own in spans
        ]


def test_spans_past_the_end_or_upside_down_do_no_harm(page: Page) -> None:
    spans = [{"start": 1, "end": 99}, {"start": 5, "end": 2}, {"start": 50, "end": 60}]
    assert _call(page, "marks", "spansInUnits", "a\U0001f600b", spans) == [{"start": 1, "end": 4}]


@pytest.mark.parametrize("line", ["word " * 40_000, "\u5b57" * 100_000, "\U0001f600" * 50_000, "a\n" * 5_000])
def test_blocks_hold_the_whole_text_in_pieces_of_bearable_length(page: Page, line: str) -> None:
    text = f"begin\n{line}\n\n  \nend"
    blocks = _call(page, "blocks", "blocksOf", text, [])
    pieces = [_units(text, block["start"], block["end"]) for block in blocks]  # fails on half a character
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert max(len(piece) for piece in pieces) <= 4_000
    chunks = _call(page, "blocks", "chunksOf", blocks)
    assert [place for start, end in chunks for place in range(start, end)] == list(range(len(blocks)))


def test_a_page_that_begins_within_a_line_begins_a_block(page: Page) -> None:
    blocks = _call(page, "blocks", "blocksOf", "one two\n\nthree", [0, 4, 8, 9])
    assert [(block["start"], block["end"], block["page"]) for block in blocks] == [(0, 4, 1), (4, 7, 2), (9, 14, 4)]


@pytest.mark.parametrize(
    ("lang", "text", "tag"),
    [
        ("zh", "這個國家", "zh-Hant"),
        ("zh", "这个国家", "zh-Hans"),
        ("zh", "山水", "zh-Hans"),
        ("zh_TW", "这", "zh-TW"),
        ("ja", "這個", "ja"),
        ("", "abc", None),
    ],
)
def test_chinese_is_told_apart(page: Page, lang: str, text: str, tag: str | None) -> None:
    assert _call(page, "scripts", "tagOf", lang, text) == tag


@pytest.mark.parametrize(
    ("text", "lang"),
    [("レアアースの輸出規制", "ja"), ("稀土出口禁令", "zh"), ("حظر التصدير AI", "ar"), ("A ban, 禁令", ""), ("", "")],
)
def test_a_language_that_nobody_said_is_guessed_from_the_letters(page: Page, text: str, lang: str) -> None:
    assert _call(page, "scripts", "guessedLanguage", text) == lang


@pytest.mark.parametrize(
    ("query", "written"),
    [
        ("?q=a+b&lang=ar&lang=ar&page=1&unknown=1", "./?q=a+b&lang=ar"),
        ("?q=a&page=999&date_from=2026&source=x%26y", "./?q=a&source=x%26y&date_from=2026&page=10"),
        ("?q=a&page=-3&at=5-9", "./?q=a"),
        ("?doc=..%2Fa&at=9-5", "./?doc=..%2Fa"),
        ("?doc=a&at=5-9&ui=ar", "./?doc=a&at=5-9&ui=ar"),
        ("?page=no", "./"),
    ],
)
def test_an_address_says_what_matters_and_nothing_else(page: Page, query: str, written: str) -> None:
    assert _call(page, "address", "writeAddress", _call(page, "address", "readAddress", query)) == written
