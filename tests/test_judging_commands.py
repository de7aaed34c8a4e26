"""The commands around judging, from runs to qrels, on a small collection in four languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from eval import cli
from eval.datasets import load_folder
from eval.judging.judgements import Journal
from tests.test_datasets import write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    made = write(tmp_path / "mine")
    (made / "qrels" / "test.tsv").unlink()
    (tmp_path / "a.run").write_text("q1 Q0 d1 1 2.0 a\nq2 Q0 d2 1 1.0 a\n", encoding="utf-8")
    (tmp_path / "b.run").write_text("q1 Q0 d2 1 2.0 b\nq1 Q0 d1 2 1.0 b\n", encoding="utf-8")
    return made


def runs(folder: Path) -> list[str]:
    return [str(folder.parent / "a.run"), str(folder.parent / "b.run")]


def test_a_pool_is_graded_in_a_sheet_and_becomes_qrels(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = folder.parent / "pool.tsv"
    assert cli.main(["pool", str(folder), *runs(folder), "--depth", "1", "--output", str(sheet)]) == 0
    assert "3 documents for 2 queries, 3 to grade" in capsys.readouterr().err
    lines = sheet.read_text(encoding="utf-8-sig").splitlines()
    graded = [f"{line}{grade}" for line, grade in zip(lines, ["", "2", "", "1"], strict=True)]
    sheet.write_text("\n".join(graded) + "\n", encoding="utf-8")
    qrels = folder / "qrels" / "test.tsv"
    assert cli.main(["qrels", str(sheet), "--output", str(qrels)]) == 0
    assert "1 documents have no grade" in capsys.readouterr().err
    pairs = [tuple(line.split("\t")[place] for place in (0, 2)) for line in lines[1:]]
    expected = {pairs[0]: 2, pairs[2]: 1}
    found = load_folder(folder).qrels
    assert {(query, document): grade for query, row in found.items() for document, grade in row.items()} == expected


def test_grades_of_the_page_become_qrels_by_their_median(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder.parent / "grades.jsonl"
    journal = Journal(file)
    for judge, grades in {"Ann": (3, 0), "Bo": (1, 0), "Cy": (1, 2)}.items():
        for document, grade in zip(("d1", "d2"), grades, strict=True):
            journal.add(("q1", document), judge, grade)
    assert cli.main(["agreement", str(file)]) == 0
    table = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in table[1:]] == [["Ann,", "Bo", "2"], ["Ann,", "Cy", "2"], ["Bo,", "Cy", "2"]]
    assert cli.main(["qrels", str(file), "--output", str(folder / "qrels" / "test.tsv")]) == 0
    assert load_folder(folder).qrels["q1"] == {"d1": 1, "d2": 0}
    assert cli.main(["qrels", str(file), "--output", str(folder / "qrels" / "test.tsv")]) == 2
    assert "is there already" in capsys.readouterr().err


def test_the_page_is_served_on_this_machine_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served: dict[str, Any] = {}
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: served.update(options, app=app))
    grades = folder.parent / "g.jsonl"
    arguments = ["serve-judging", str(folder), *runs(folder), "--judgements", str(grades), "--port", "8123"]
    assert cli.main(arguments) == 0
    assert (served["host"], served["port"]) == ("127.0.0.1", 8123)
    assert "http://127.0.0.1:8123/" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["agreement"], ["qrels", "--output", "out.tsv"]])
def test_a_file_that_is_not_there_is_one_line_and_nothing_is_written(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main([*command, "nowhere.jsonl"]) == 2
    error = capsys.readouterr().err
    assert "nowhere.jsonl: no such file" in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_grades_that_are_none_make_no_qrels(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = folder.parent / "pool.jsonl"
    assert cli.main(["pool", str(folder), *runs(folder), "--output", str(sheet)]) == 0
    assert len(sheet.read_text(encoding="utf-8").splitlines()) == 3
    assert all(json.loads(line)["grade"] is None for line in sheet.read_text(encoding="utf-8").splitlines())
    assert cli.main(["qrels", str(sheet), "--output", str(folder / "qrels" / "test.tsv")]) == 2
    assert "nothing is graded yet" in capsys.readouterr().err
    assert not (folder / "qrels" / "test.tsv").exists()
