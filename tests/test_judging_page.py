"""The judging pages as a browser sees them: grading, going on later, two judges, and what is refused."""

from __future__ import annotations

import os
import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from eval.datasets import Dataset, JudgedQuery
from eval.errors import DatasetError
from eval.judging.judgements import read_judgements
from eval.judging.page import judging_app
from indexer.documents import Document

_POOLS = {"q1": ["zh", "en"], "q2": ["he&?"]}
_ORIGIN = {"Origin": "http://localhost"}

Page = Any
"""An answer to the test client, of whichever HTTP library it is built on."""


def _dataset() -> Dataset:
    return Dataset(
        "by-hand",
        [
            Document("en", "The ban was announced.\nShops stayed open.", "A <script>alert(1)</script> title"),
            Document("zh", "中国宣布禁令。", "禁令"),
            Document("he&?", "<img src=x onerror=alert(1)> חדשות", ""),
            Document("else", "Not in the pool."),
        ],
        [JudgedQuery("q1", "حظر ban", "ar"), JudgedQuery("q2", '"><b>bold', "en"), JudgedQuery("q3", "unused", "en")],
        {},
        {"en": "en", "zh": "zh", "he&?": "he", "else": "en"},
    )


def _client(file: Path) -> TestClient:
    return TestClient(judging_app(_dataset(), _POOLS, file), "http://localhost", raise_server_exceptions=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "grades.jsonl"


@pytest.fixture
def client(file: Path) -> TestClient:
    return _client(file)


def _field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name}"
    return unescape(found[1])


def _press(client: TestClient, page: Page, grade: int) -> Page:
    """As a browser without JavaScript sends the form of a page."""
    fields = {name: _field(page.text, name) for name in ("judge", "query", "document")}
    return client.post("/grade", data={**fields, "grade": str(grade)}, headers=_ORIGIN)


def _grade(client: TestClient, judge: str, query: str, document: str, grade: str = "1") -> Page:
    fields = {"judge": judge, "query": query, "document": document, "grade": grade}
    return client.post("/grade", data=fields, headers=_ORIGIN)


def _shown(page: Page) -> tuple[str, str]:
    return _field(page.text, "query"), _field(page.text, "document")


def _progress(page: Page) -> str:
    found = re.search(r"\d+ of \d+ graded; \d+ of \d+ for this query", page.text)
    assert found
    return found[0]


def test_a_judge_gives_a_name_and_grades_everything(client: TestClient, file: Path) -> None:
    assert 'name="judge"' in client.get("/").text
    page = client.get("/", params={"judge": " Łucja  N. "})
    seen = []
    for grade in (3, 0, 2):
        seen.append((_shown(page), _progress(page)))
        page = _press(client, page, grade)
    assert seen == [
        (("q1", "zh"), "0 of 3 graded; 0 of 2 for this query"),
        (("q1", "en"), "1 of 3 graded; 1 of 2 for this query"),
        (("q2", "he&?"), "2 of 3 graded; 0 of 1 for this query"),
    ]
    assert page.url.path == "/overview"
    assert "You have graded everything" in page.text
    expected = {("q1", "zh"): 3, ("q1", "en"): 0, ("q2", "he&?"): 2}
    assert read_judgements(file).grades == {"Łucja N.": expected}
    qrels = client.get("/qrels.tsv")
    assert qrels.text == "query-id\tcorpus-id\tscore\nq1\tzh\t3\nq1\ten\t0\nq2\the&?\t2\n"
    assert "attachment" in qrels.headers["content-disposition"]


def test_a_judge_goes_on_where_grades_are_lacking(client: TestClient, file: Path) -> None:
    _press(client, client.get("/?judge=Ana"), 1)
    again = _client(file).get("/?judge=Ana")
    assert _shown(again) == ("q1", "en")
    assert _shown(_client(file).get("/?judge=Bo")) == ("q1", "zh")


def test_back_and_change(client: TestClient, file: Path) -> None:
    page = _press(client, client.get("/?judge=Ana"), 1)
    back = re.search(r'id="back" href="([^"]*)"', page.text)
    assert back
    before = client.get(unescape(back[1]))
    assert _shown(before) == ("q1", "zh")
    assert 'value="1" aria-pressed="true"' in before.text
    assert before.text.count('aria-pressed="true"') == 1
    assert 'id="back"' not in before.text, "it is the first"
    assert _shown(_press(client, before, 2)) == ("q1", "en")
    assert read_judgements(file).grades["Ana"] == {("q1", "zh"): 2}


def test_a_document_can_be_skipped_and_comes_back_last(client: TestClient) -> None:
    page = client.get("/?judge=Ana")
    skip = re.search(r'<a href="([^"]*)">Skip', page.text)
    assert skip
    page = client.get(unescape(skip[1]))
    assert _shown(page) == ("q1", "en")
    assert _shown(_press(client, page, 1)) == ("q2", "he&?")
    assert _shown(_grade(client, "Ana", "q2", "he&?")) == ("q1", "zh")


def test_two_judges_and_their_kappa(client: TestClient) -> None:
    # Ana 0 1 3, Bo 0 1 2: same 2 of 3, by chance 2 of 9: kappa = (2/3 - 2/9) / (7/9) = 4/7. Squared: observed 1/3;
    # expected (0: 0+1+4, 1: 1+0+1, 3: 9+4+1) = 21 of 9: kappa = 1 - (1/3) / (21/9) = 6/7.
    for judge, grades in (("Ana", (0, 1, 3)), ("Bo", (0, 1, 2))):
        for (query, document), grade in zip((("q1", "zh"), ("q1", "en"), ("q2", "he&?")), grades, strict=True):
            _grade(client, judge, query, document, str(grade))
    _grade(client, "Cy", "q1", "en", "2")
    page = client.get("/overview").text
    rows = [re.findall(r">([^<>\n]+)<", row) for row in re.findall(r"<tr><td>.*?</tr>", page, re.DOTALL)]
    assert rows == [
        ["Ana", "3", "0"], ["Bo", "3", "0"], ["Cy", "1", "2"],
        ["Ana", " and ", "Bo", "3", "67%", "0.57", "0.86"],
        ["Ana", " and ", "Cy", "1", "0%", "0.00", "0.00"],
        ["Bo", " and ", "Cy", "1", "0%", "0.00", "0.00"],
    ]  # fmt: skip
    assert client.get("/qrels.tsv").text.splitlines()[1:] == ["q1\tzh\t0", "q1\ten\t1", "q2\the&?\t2"]


def test_grades_of_other_pools_are_left_out(client: TestClient, file: Path) -> None:
    line = '{"query": "q3", "document": "else", "judge": "Ana", "grade": 3, "time": "2026-01-01T00:00:00+00:00"}\n'
    file.write_text(line, encoding="utf-8")
    assert "Nobody has graded anything yet" in client.get("/overview").text
    assert client.get("/qrels.tsv").text == "query-id\tcorpus-id\tscore\n"
    assert _progress(client.get("/?judge=Ana")) == "0 of 3 graded; 0 of 2 for this query"


def test_texts_are_shown_in_their_own_direction_and_language_with_the_query_s_words_marked(client: TestClient) -> None:
    page = client.get("/judge", params={"judge": "Ana", "query": "q1", "document": "en"}).text
    assert '<h1 dir="auto" lang="ar">حظر ban</h1>' in page
    assert '<h2 dir="auto" lang="en">' in page
    assert (
        '<div class="text" dir="auto" lang="en">The <mark>ban</mark> was announced.\nShops stayed open.</div>' in page
    )
    untitled = client.get("/judge", params={"judge": "Ana", "query": "q2", "document": "he&?"}).text
    assert "<h2" not in untitled


def test_nothing_of_a_dataset_or_a_name_is_markup(client: TestClient) -> None:
    title = client.get("/judge", params={"judge": "<i>Ana", "query": "q1", "document": "en"}).text
    assert "A &lt;script&gt;alert(1)&lt;/script&gt; title" in title
    assert "<bdi>&lt;i&gt;Ana</bdi>" in title
    text = client.get("/judge", params={"judge": "Ana", "query": "q2", "document": "he&?"}).text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "&#34;&gt;&lt;b&gt;bold" in text
    assert "<img" not in text
    _grade(client, "<i>Ana", "q1", "en")
    assert "<i>" not in client.get("/overview?judge=<i>Ana").text


def test_every_answer_allows_only_the_page_s_own_style_and_script(client: TestClient) -> None:
    nonces = set()
    for url in ("/", "/?judge=Ana", "/overview", "/judge", "/nothing"):
        headers = client.get(url).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'nonce-")
        assert "unsafe" not in policy
        nonces.add(policy.split("'nonce-")[1])
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
    assert len(nonces) == 5
    page = client.get("/?judge=Ana")
    assert (
        f'<script nonce="{page.headers["content-security-policy"].split("nonce-")[1].split(chr(39))[0]}"' in page.text
    )
    assert "http" not in page.text.split("<body>")[0], "nothing is loaded"


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:8010", 200), ("127.0.0.1", 200), ("testserver", 200), ("evil.example", 400), ("localhost.evil", 400)],
)
def test_foreign_hosts_are_refused(client: TestClient, host: str, status: int) -> None:
    assert client.get("/", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    "origin",
    [None, "", "null", "http://evil.example", "http://localhost:9", "http://localhost.evil", "ftp://localhost"],
)
def test_grades_from_foreign_pages_are_refused(client: TestClient, file: Path, origin: str | None) -> None:
    fields = {"judge": "Ana", "query": "q1", "document": "en", "grade": "1"}
    answer = client.post("/grade", data=fields, headers={} if origin is None else {"Origin": origin})
    assert (answer.status_code, answer.text.count("\n")) == (403, 1)
    assert not file.exists()


def test_grades_are_taken_through_a_forwarded_port(client: TestClient) -> None:
    fields = {"judge": "Ana", "query": "q1", "document": "en", "grade": "1"}
    headers = {"Host": "LOCALHOST:9000", "Origin": "http://localhost:9000"}
    answer = client.post("/grade", data=fields, headers=headers, follow_redirects=False)
    assert answer.status_code == 303
    assert parse_qs(urlsplit(answer.headers["location"]).query)["document"] == ["he&?"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"grade": "4"}, "grade '4', expected 0 to 3"),
        ({"grade": ""}, "grade '', expected 0 to 3"),
        ({"grade": "²"}, "grade '²', expected 0 to 3"),
        ({"grade": "9" * 5000}, "grade '99999999999999999999', expected 0 to 3"),
        ({"query": "q9"}, "no query 'q9' in this dataset"),
        ({"document": "else"}, "no document 'else' to judge for query 'q1'"),
        ({"document": "a\nb"}, "no document 'a\\nb' to judge for query 'q1'"),
        ({"judge": "  "}, "no judge's name; start again at / and give one"),
        ({"judge": "a" * 61}, "a judge's name of 61 characters, expected at most 60"),
        ({"judge": "a\x00b"}, "a judge's name with control characters, expected letters"),
        ({"judge": "a\u202eb"}, "a judge's name with control characters, expected letters"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    client: TestClient, file: Path, change: dict[str, str], said: str
) -> None:
    fields = {"judge": "Ana", "query": "q1", "document": "en", "grade": "1", **change}
    answer = client.post("/grade", data=fields, headers=_ORIGIN)
    assert (answer.status_code, answer.text) == (400, said + "\n")
    if "grade" not in change:
        shown = client.get("/judge", params=fields)
        assert (shown.status_code, shown.text) == (400, said + "\n")
    assert not file.exists()


def test_an_empty_name_on_the_first_page_and_nothing_at_all(client: TestClient) -> None:
    assert client.get("/?judge=").status_code == 400
    assert client.get("/overview?judge=").status_code == 400
    assert client.get("/judge").status_code == 400
    assert client.post("/grade", headers=_ORIGIN).status_code == 400
    assert client.post("/grade", content=b"\xff=%ff&&=", headers=_ORIGIN).status_code == 400
    assert client.post("/grade", content=b"a" * 20_000, headers=_ORIGIN).status_code == 413


def test_names_written_in_two_ways_are_one(client: TestClient, file: Path) -> None:
    _grade(client, "Ame\u0301lie", "q1", "en")
    _grade(client, "Am\u00e9lie", "q1", "zh")
    assert len(read_judgements(file).grades) == 1


def test_a_file_that_cannot_be_written_is_one_line(
    client: TestClient, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _grade(client, "Ana", "q1", "zh")
    before = file.read_bytes()
    real = Path.open

    def read_only(path: Path, mode: str = "r", *rest: object, **more: object) -> object:
        if mode != "rb":
            raise PermissionError(13, "Permission denied")
        return real(path, mode)

    monkeypatch.setattr(Path, "open", read_only)
    answer = _grade(client, "Ana", "q1", "en")
    assert (answer.status_code, answer.text) == (503, f"{file} cannot be written (permission denied)\n")
    assert file.read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write to any file")
def test_a_read_only_file_is_one_line(client: TestClient, file: Path) -> None:
    file.touch(0o400)
    assert _grade(client, "Ana", "q1", "en").status_code == 503


def test_a_file_that_breaks_while_the_server_runs_is_one_line(client: TestClient, file: Path) -> None:
    file.write_text("{}\n", encoding="utf-8")
    for answer in (client.get("/?judge=Ana"), client.get("/overview"), client.get("/qrels.tsv")):
        assert (answer.status_code, answer.text.count("\n")) == (503, 1)
        assert f"{file}:1: no query" in answer.text


def test_a_line_that_was_cut_off_is_named_on_the_overview(client: TestClient, file: Path) -> None:
    file.write_text('{"query": "q1", "docu', encoding="utf-8")
    assert f"{file}:1: the last line was cut off" in client.get("/overview").text
    _grade(client, "Ana", "q1", "en")
    assert "cut off" not in client.get("/overview").text


def test_pools_of_another_dataset_and_broken_files_are_found_at_once(file: Path) -> None:
    with pytest.raises(DatasetError, match="query 'q9' is not one of by-hand"):
        judging_app(_dataset(), {"q9": ["en"]}, file)
    with pytest.raises(DatasetError, match="nothing to judge"):
        judging_app(_dataset(), {}, file)
    with pytest.raises(DatasetError, match=r"cannot be read \(is a directory\)"):
        judging_app(_dataset(), _POOLS, file.parent)
