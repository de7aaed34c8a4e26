"""Pools: what is in them, what their order gives away, and the sheets that people grade in."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.datasets import Dataset, JudgedQuery
from eval.errors import DatasetError
from eval.judging.pooling import GradedPool, PoolRow, pool, pool_rows, read_pool, write_pool
from indexer.documents import Document

_FIRST = {"q1": [("a", 3.0), ("b", 2.0), ("c", 1.0)], "q2": [("c", 1.0)]}
_SECOND = {"q1": [("d", 9.0), ("a", 8.0), ("e", 7.0)]}


def _row(**values: object) -> PoolRow:
    row = {"query": "q", "query_text": "ban", "document": "d", "title": "T", "text": "Text.", "grade": None}
    return PoolRow(**{**row, **values})  # type: ignore[typeddict-item]


def _dataset() -> Dataset:
    return Dataset(
        "by-hand",
        [Document("a", "禁輸を\n発表した。", "題\t名"), Document("b", "x" * 400), Document("c", "نص")],
        [JudgedQuery("q2", "حظر", "ar"), JudgedQuery("q1", "ban", "en")],
        {"q1": {"a": 2}, "q2": {"c": 0}},
        {"a": "ja", "b": "en", "c": "ar"},
    )


def test_a_pool_holds_the_first_documents_of_every_run_once() -> None:
    found = pool([_FIRST, _SECOND], 2)
    assert {query: sorted(documents) for query, documents in found.items()} == {"q1": ["a", "b", "d"], "q2": ["c"]}
    assert all(len(documents) == len(set(documents)) for documents in found.values())


def test_the_order_depends_on_nothing_but_the_ids() -> None:
    runs = [{q: [(f"d{n}", float(-n)) for n in range(40)] for q in ("q1", "q2")}, {"q1": [("x", 1.0)]}]
    found = pool(runs, 40)
    assert pool(runs[::-1], 40) == found
    backwards = [{query: ranking[::-1] for query, ranking in run.items()} for run in runs]
    assert pool(backwards, 40) == found
    assert found["q1"][:5] != [f"d{n}" for n in range(5)]
    assert [d for d in found["q1"] if d != "x"] != found["q2"], "each query has an order of its own"


def test_depth_is_at_least_one() -> None:
    with pytest.raises(DatasetError, match="depth 0, expected at least 1"):
        pool([_FIRST], 0)


def test_rows_follow_the_dataset_and_carry_known_grades() -> None:
    rows = pool_rows(_dataset(), {"q1": ["b", "a"], "q2": ["c"]}, _dataset().qrels)
    assert [(row["query"], row["document"], row["grade"]) for row in rows] == [
        ("q2", "c", 0), ("q1", "b", None), ("q1", "a", 2),
    ]  # fmt: skip
    assert (rows[2]["query_text"], rows[2]["title"], rows[2]["text"]) == ("ban", "題\t名", "禁輸を\n発表した。")


@pytest.mark.parametrize(
    ("pools", "said"),
    [
        ({"q9": ["a"]}, "query 'q9' is not one of by-hand"),
        ({"q1": ["z"]}, "document 'z' is not one of by-hand"),
        ({"q1": []}, "nothing to judge"),
    ],
)
def test_pools_of_another_dataset_are_refused(pools: dict[str, list[str]], said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        pool_rows(_dataset(), pools, {})


def test_json_lines_hold_the_text_in_full_and_come_back(tmp_path: Path) -> None:
    file = tmp_path / "pool.jsonl"
    write_pool(pool_rows(_dataset(), {"q1": ["a", "b"]}, _dataset().qrels), file)
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in rows] == ["禁輸を\n発表した。", "x" * 400]
    assert read_pool(file) == GradedPool({("q1", "a"): 2}, 1)


def test_a_sheet_holds_one_line_a_document_and_comes_back_graded(tmp_path: Path) -> None:
    file = tmp_path / "pool.tsv"
    write_pool(pool_rows(_dataset(), {"q1": ["a", "b"]}, _dataset().qrels), file)
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "query\tquery text\tdocument\ttitle\ttext\tgrade"
    assert lines[1] == "q1\tban\ta\t題 名\t禁輸を 発表した。\t2"
    assert lines[2] == f"q1\tban\tb\t\t{'x' * 300}\t"
    file.write_text("\r\n".join([lines[0], lines[1], lines[2] + "3"]) + "\r\n", encoding="utf-8")
    assert read_pool(file) == GradedPool({("q1", "a"): 2, ("q1", "b"): 3}, 0)


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1+1", "＝1+1", "'=1"])
def test_no_text_is_a_formula(text: str, tmp_path: Path) -> None:
    file = tmp_path / "pool.tsv"
    write_pool([_row(query_text=text, document=text.strip(), title=text, text=text)], file)
    with file.open(encoding="utf-8-sig", newline="") as stream:
        cells = list(csv.reader(stream, delimiter="\t"))[1]
    assert [cells[place] for place in (1, 2, 3, 4)] == ["'" + text.strip()] * 4


def test_numbers_are_no_formulas(tmp_path: Path) -> None:
    file = tmp_path / "pool.tsv"
    write_pool([_row(query="-12", document="+1,000.5")], file)
    assert file.read_text(encoding="utf-8-sig").splitlines()[1].startswith("-12\tban\t+1,000.5\t")


_IDS = st.text(st.sampled_from("=+-@'\"a1 ＝"), min_size=1, max_size=5).filter(lambda text: text.strip() == text)


@given(_IDS, _IDS)
def test_any_id_comes_back_from_a_sheet(query: str, document: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "pool.tsv"
        write_pool([_row(query=query, document=document, grade=1, title='"', text='"=')], file)
        assert read_pool(file).grades == {(query, document): 1}


def test_files_are_not_overwritten_and_need_a_known_suffix(tmp_path: Path) -> None:
    file = tmp_path / "pool.tsv"
    write_pool([_row()], file)
    with pytest.raises(DatasetError, match="is there already and may hold grades"):
        write_pool([_row()], file)
    for call in (lambda: write_pool([_row()], tmp_path / "pool.xlsx"), lambda: read_pool(tmp_path / "pool.xlsx")):
        with pytest.raises(DatasetError, match=r"pool\.xlsx: expected a name that ends in \.tsv or \.jsonl"):
            call()
    assert [path.name for path in tmp_path.iterdir()] == ["pool.tsv"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("p.tsv", "query\tdocument\tgrade\nq\td\t4\n", r"p\.tsv:2: grade '4', expected 0 to 3 or nothing"),
        ("p.tsv", "query\tdocument\tgrade\nq\td\t-1\n", r"p\.tsv:2: grade '-1'"),
        ("p.tsv", "query\tdocument\tgrade\nq\td\t²\n", r"p\.tsv:2: grade '²'"),
        ("p.tsv", "query\tdocument\tgrade\n\nq\td\t\nq\td\t1\n", r"p\.tsv:4: 'q' and 'd' were there on line 3"),
        ("p.tsv", "query\tdocument\nq\td\n", r"p\.tsv:1: no column 'grade'"),
        ("p.tsv", "query\tdocument\tgrade\nq\n", r"p\.tsv:2: 1 columns"),
        ("p.jsonl", '{"query": "q", "document": "d", "grade": 1.0}\n', r"p\.jsonl:1: grade 1\.0"),
        ("p.jsonl", '{"query": "q", "document": "d", "grade": true}\n', r"p\.jsonl:1: grade True"),
        ("p.jsonl", '\n{"query": "q"}\n', r"p\.jsonl:2: expected an object with query, document and grade"),
        ("p.jsonl", "{\n", r"p\.jsonl:1: not JSON"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(name: str, text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=said) as caught:
        read_pool(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_sheet_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_bytes("query\tdocument\tgrade\n".encode("utf-16"))
    with pytest.raises(DatasetError, match=r"p\.tsv: not UTF-8 \(byte 0\); save it as UTF-8"):
        read_pool(tmp_path / "p.tsv")
