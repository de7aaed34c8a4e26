"""Qrels in BEIR's form and in TREC's: what is read, and what does not fit, named with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.errors import DatasetError
from eval.qrels import read_qrels

_IDS = {"q", "r", "q1", "q2"}, {"a", "b", "語"}


def _file(folder: Path, content: str | bytes) -> Path:
    file = folder / "judged.txt"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


@pytest.mark.parametrize(
    "text",
    [
        "q1 0 a 2\nq1\t0\tb\t0\n\nq2 Q0 語 1\n",
        "query-id\tcorpus-id\tscore\nq1\ta\t2\n\nq1\t b\t0\nq2\t語\t1",
        "q1\ta\t2\nq1\tb\t0\nq2\t語\t1\n",
        "q1\ta\t2\r\nq1\tb\t0\r\nq2\t語\t1\r\n",
        "\ufeffq1 0 a 2\r\nq1 0 b 0\r\nq2 0 語 1\r\n",
    ],
    ids=["TREC", "BEIR with a header", "BEIR", "other line ends", "a mark at the front"],
)
def test_both_forms_are_read(tmp_path: Path, text: str) -> None:
    expected = {"q1": {"a": 2, "b": 0}, "q2": {"語": 1}}
    assert read_qrels(_file(tmp_path, text)) == expected
    assert read_qrels(_file(tmp_path, text), *_IDS) == expected


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("q 0 a 1\nq 0 b\n", ":2", "3 columns, expected query, 0, document and grade"),
        ("q\ta\t1\nq\t0\tb\t1\n", ":2", "4 columns, expected query-id, corpus-id and score with tabs"),
        ("q 0 a b 1\n", ":1", "5 columns, expected query-id, corpus-id and score with tabs, or query, 0, document"),
        ("q a 1\n", ":1", "3 columns, expected query-id, corpus-id and score with tabs, or query, 0, document"),
        ("q 0 a 1\n\nq 0 b -1\n", ":3", "grade '-1', expected a whole number from 0"),
        ("q\ta\t-1\n", ":1", "grade '-1', expected a whole number from 0"),
        ("q 0 a 1.0\n", ":1", "grade '1.0'"),
        ("q 0 a ²\n", ":1", "grade '²'"),
        ("q 0 a nan\n", ":1", "grade 'nan'"),
        (f"q 0 a {'9' * 5000}\n", ":1", "expected a whole number from 0"),
        ("q 0 a 1\nr 0 a 1\nq 0 a 0\n", ":3", "'q' and 'a' were judged before"),
        ("q 0 a 1\ns 0 a 1\n", ":2", "query 's' is not one of the dataset's"),
        ("q\ta\t1\nq\tc\t1\n", ":2", "document 'c' is not in corpus.jsonl"),
        (" \n\n", "", "no judgements"),
        ("query-id\tcorpus-id\tscore\n", "", "no judgements"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, line: str, said: str) -> None:
    file = _file(tmp_path, text)
    with pytest.raises(DatasetError) as error:
        read_qrels(file, *_IDS)
    assert str(error.value).startswith(f"{file}{line}: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_no_text_or_no_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"judged\.txt: not UTF-8 \(byte 8\)"):
        read_qrels(_file(tmp_path, b"q 0 a 1\n\xff\n"))
    with pytest.raises(DatasetError, match=r"none: no such file or directory; try another"):
        read_qrels(tmp_path / "none", hint="; try another")
