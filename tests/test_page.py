"""The page without a browser: how its files are sent, what they may load, and that each language has all its words."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from search_api.page import router
from search_api.page.assets import load_assets

_LANGUAGES = ("en", "ar", "ja", "zh")
_FORMS = {
    "en": {"one", "other"},
    "ar": {"zero", "one", "two", "few", "many", "other"},
    "ja": {"other"},
    "zh": {"other"},
}
_POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
}
_ASSETS = load_assets()


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    app.include_router(router)
    return TestClient(app)


def _words(code: str) -> dict[str, Any]:
    text = _ASSETS.named[f"interface/{code}.js"].body.decode()
    found: dict[str, Any] = json.loads(text.removeprefix("export default ").rstrip().removesuffix(";"))
    return found


def _texts(own: str | dict[str, str]) -> list[str]:
    return [own] if isinstance(own, str) else list(own.values())


def _blanks(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_the_page_is_checked_at_every_visit(client: TestClient) -> None:
    page = client.get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["cache-control"] == "no-cache"
    tag = page.headers["etag"]
    for held in (tag, f"W/{tag}", f'"other", {tag}'):
        again = client.get("/", headers={"If-None-Match": held})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get("/", headers={"If-None-Match": '"other"'}).status_code == 200
    assert client.head("/").headers["etag"] == tag


def test_files_are_kept_for_good_under_an_address_of_their_own(client: TestClient) -> None:
    types = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
    assert {name.rpartition(".")[2] for name in _ASSETS.named} == set(types)
    for name, asset in _ASSETS.named.items():
        answer = client.get(f"/page/{_ASSETS.digest}/{name}")
        assert answer.content == asset.body
        assert answer.headers["content-type"] == types[name.rpartition(".")[2]]
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    for path in (f"/page/{_ASSETS.digest}/../serving.py", f"/page/{_ASSETS.digest}/index.html", "/page/0/main.js"):
        assert client.get(path).status_code == 404


def test_every_answer_has_the_policy_and_is_taken_for_what_it_says(client: TestClient) -> None:
    for path in ("/", *(f"/page/{_ASSETS.digest}/{name}" for name in _ASSETS.named)):
        headers = client.get(path).headers
        assert set(headers["content-security-policy"].split("; ")) == _POLICY
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


def test_the_page_names_the_files_that_there_are_and_nothing_else(client: TestClient) -> None:
    page = client.get("/").text
    assert "{{" not in page
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert {place for place in named if not place.startswith("page/")} == {"#main", "./", "openapi.json"}
    assert {place.rpartition(_ASSETS.digest + "/")[2] for place in named if place.startswith("page/")} == set(
        _ASSETS.named
    )
    assert all(client.get(f"/{place}").status_code == 200 for place in named if place.startswith("page/"))
    for name, asset in _ASSETS.named.items():
        for imported in re.findall(r'from "\./([^"]+)"', asset.body.decode()):
            assert imported in _ASSETS.named, f"{name} imports {imported}"


def test_only_the_sample_collection_is_called_so() -> None:
    assert b'data-sample="yes"' in _ASSETS.page(is_sample=True)
    assert b'data-sample="no"' in _ASSETS.page(is_sample=False)


def test_nothing_comes_from_elsewhere_and_no_text_becomes_markup() -> None:
    texts = {name: asset.body.decode() for name, asset in _ASSETS.named.items()} | {"index.html": _ASSETS.template}
    for name, text in texts.items():
        addresses = set(re.findall(r"(?:\w+:|(?<=[\"'(]))//[\w.-]+[^\s\"']*", text))
        assert addresses <= {"http://www.w3.org/2000/svg"}, name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), (
            name
        )
        assert not re.search(r"@import|url\(", text), name
    assert not re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son\w+=", texts["index.html"])


@pytest.mark.parametrize("code", _LANGUAGES)
def test_each_language_has_every_word_with_the_same_blanks(code: str) -> None:
    english, words = _words("en"), _words(code)
    assert list(words) == list(english)
    for name, own in words.items():
        assert all(text.strip() for text in _texts(own)), name
        if isinstance(own, str):
            assert isinstance(english[name], str), name
            assert _blanks(own) == _blanks(english[name]), name
        else:
            assert set(own) == _FORMS[code], name
            assert _blanks(own["other"]) == _blanks(english[name]["other"]), name
            assert all(_blanks(text) <= _blanks(own["other"]) for text in own.values()), name


@pytest.mark.parametrize(
    ("code", "script"), [("ar", "[\u0621-\u064a]"), ("ja", "[\u3040-\u9fff]"), ("zh", "[\u4e00-\u9fff]")]
)
def test_no_word_was_left_in_english(code: str, script: str) -> None:
    left = [name for name, own in _words(code).items() for text in _texts(own) if not re.search(script, text)]
    assert left == []


def test_every_word_is_used_and_every_used_word_exists() -> None:
    sources = [_ASSETS.template] + [
        asset.body.decode() for name, asset in _ASSETS.named.items() if name.endswith(".js") and "/" not in name
    ]
    text = "\n".join(sources)
    used = set(re.findall(r'(?:say|sayAround)\("(\w+)"', text))
    used |= set(re.findall(r'data-(?:text|label|placeholder)="(\w+)"', text))
    assert used <= set(_words("en"))
    quoted = set(re.findall(r'"(\w+)"', text))
    assert [name for name in _words("en") if name not in quoted] == []
