"""The file of grades through crashes and mishaps, agreement by hand and against scikit-learn, and qrels."""

from __future__ import annotations

import json
from io import FileIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.datasets import load_folder
from eval.errors import DatasetError
from eval.judging.judgements import Journal, Pair, agreed, kappa, kappas, read_judgements, write_qrels

_A, _B = ("q", "a"), ("q", "b")


def _line(**values: object) -> str:
    row = {"query": "q", "document": "a", "judge": "Ana", "grade": 1, "time": "2026-01-01T00:00:00+00:00"}
    return json.dumps({**row, **values}, ensure_ascii=False)


def test_the_last_grade_of_a_judge_counts(tmp_path: Path) -> None:
    file = tmp_path / "grades.jsonl"
    assert read_judgements(file).grades == {}
    journal = Journal(file)
    for pair, judge, grade in ((_A, "Ana", 1), (_A, "Łukasz", 0), (_B, "Ana", 2), (_A, "Ana", 3)):
        journal.add(pair, judge, grade)
    assert journal.read().grades == read_judgements(file).grades == {"Ana": {_A: 3, _B: 2}, "Łukasz": {_A: 0}}
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [list(line) for line in lines] == [["query", "document", "judge", "grade", "time"]] * 4


def test_a_grade_is_on_the_disk_before_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    file = tmp_path / "grades.jsonl"
    monkeypatch.setattr("eval.judging.judgements.os.fsync", lambda _: sizes.append(file.stat().st_size))
    journal = Journal(file)
    journal.add(_A, "Ana", 1)
    journal.add(_B, "Ana", 1)
    assert sizes == [file.stat().st_size // 2, file.stat().st_size]


def test_a_last_line_that_was_cut_off_is_named_and_replaced(tmp_path: Path) -> None:
    whole, last = _line().encode() + b"\n", _line(judge="Łukasz").encode()
    for cut in range(1, len(last)):
        file = tmp_path / f"cut{cut}.jsonl"
        file.write_bytes(whole + last[:cut])
        read = read_judgements(file)
        assert read.grades == {"Ana": {_A: 1}}
        assert f"{file}:2: the last line was cut off" in str(read.torn)
        Journal(file).add(_B, "Łukasz", 2)
        after = read_judgements(file)
        assert after.torn is None
        assert after.grades == {"Ana": {_A: 1}, "Łukasz": {_B: 2}}
        assert file.read_bytes().startswith(whole)


def test_a_whole_last_line_without_its_line_break_counts(tmp_path: Path) -> None:
    file = tmp_path / "grades.jsonl"
    file.write_text(_line(), encoding="utf-8")
    Journal(file).add(_B, "Ana", 2)
    assert read_judgements(file).grades == {"Ana": {_A: 1, _B: 2}}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"query": "q"', "not JSON"),
        ("[]", "a JSON list, expected an object"),
        (_line(judge=""), "no judge"),
        (_line(document=3), "no document"),
        (_line(grade=4), "grade 4, expected 0 to 3"),
        (_line(grade=True), "grade True, expected 0 to 3"),
        (_line(grade="1"), "grade '1', expected 0 to 3"),
    ],
)
def test_anything_else_that_is_broken_is_named_with_its_line(line: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "grades.jsonl"
    file.write_text(f"{_line()}\n{line}\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=rf"grades\.jsonl:2: {said}") as caught:
        Journal(file)
    assert "\n" not in str(caught.value)


def test_a_line_that_does_not_fit_on_the_disk_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "grades.jsonl"
    journal = Journal(file)
    journal.add(_A, "Ana", 1)
    before = file.read_bytes()

    class Full(FileIO):
        def write(self, data: bytes, /) -> int:  # type: ignore[override]
            return super().write(data[:10])

    real = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, mode, *_, **__: Full(path, "a") if mode == "ab" else real(path, mode)
    )
    with pytest.raises(DatasetError, match=r"grades\.jsonl cannot be written \(the disk is full\)"):
        journal.add(_B, "Ana", 1)
    assert file.read_bytes() == before


def test_what_another_program_appends_is_seen(tmp_path: Path) -> None:
    one, other = Journal(tmp_path / "grades.jsonl"), Journal(tmp_path / "grades.jsonl")
    one.add(_A, "Ana", 1)
    other.add(_A, "Bo", 2)
    assert one.read().grades == other.read().grades == {"Ana": {_A: 1}, "Bo": {_A: 2}}


def _pairs(grades: str) -> dict[Pair, int]:
    return {("q", f"d{place}"): int(grade) for place, grade in enumerate(grades)}


def test_kappa_by_hand() -> None:
    # Ana: 0 0 1 3, Bo: 0 1 1 2. Same: 2 of 4. By chance: 0 2·1, 1 1·2, of 16: 4/16. kappa = (1/2 - 1/4) / (3/4) = 1/3.
    # Squared: observed (0 + 1 + 0 + 1)/4 = 1/2. Expected, every one with every other: 0s 2·(0+1+1+4), 1 (1+0+0+1),
    # 3 (9+4+4+1): 12 + 2 + 18 = 32, of 16 = 2. kappa = 1 - (1/2)/2 = 3/4.
    found = kappa(_pairs("0013"), _pairs("0112"))
    assert (found.pairs, found.same) == (4, 0.5)
    assert found.kappa == pytest.approx(1 / 3)
    assert found.weighted == pytest.approx(3 / 4)


def test_kappa_counts_only_what_both_judged() -> None:
    ana, bo = _pairs("0013"), _pairs("0112")
    ana[("q", "only Ana")] = 3
    bo[("r", "d0")] = 3
    assert kappa(ana, bo) == kappa(_pairs("0013"), _pairs("0112"))


def test_kappa_is_none_where_it_cannot_be_said() -> None:
    nothing = kappa({_A: 1}, {_B: 1})
    assert (nothing.pairs, nothing.same, nothing.kappa, nothing.weighted) == (0, None, None, None)
    alike = kappa(_pairs("22"), _pairs("22"))
    assert (alike.pairs, alike.same, alike.kappa, alike.weighted) == (2, 1.0, None, None)


def test_every_two_judges_are_compared() -> None:
    found = kappas({"Cy": _pairs("01"), "Ana": _pairs("01"), "Bo": _pairs("10")})
    assert list(found) == [("Ana", "Bo"), ("Ana", "Cy"), ("Bo", "Cy")]
    assert [agreement.kappa for agreement in found.values()] == [-1.0, 1.0, -1.0]


@settings(deadline=None)  # the first call imports scikit-learn
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_kappa_equals_scikit_learn_s(grades: list[tuple[int, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    ours, theirs = [one for one, _ in grades], [other for _, other in grades]
    found = kappa(dict(enumerate(ours)), dict(enumerate(theirs)))  # type: ignore[arg-type]
    if found.kappa is None:
        assert len({*ours, *theirs}) == 1
        return
    labels = [0, 1, 2, 3]
    assert found.kappa == pytest.approx(metrics.cohen_kappa_score(ours, theirs, labels=labels))
    weighted = metrics.cohen_kappa_score(ours, theirs, labels=labels, weights="quadratic")
    assert found.weighted == pytest.approx(weighted)


def test_agreed_is_the_median_rounded_down() -> None:
    judgements = {"Ana": {_A: 1, _B: 3}, "Bo": {_A: 2}, "Cy": {_A: 2, ("r", "a"): 0}, "Di": {_A: 1}}
    assert agreed(judgements) == {"q": {"a": 1, "b": 3}, "r": {"a": 0}}
    assert agreed(judgements, max) == {"q": {"a": 2, "b": 3}, "r": {"a": 0}}


def test_qrels_are_read_as_beir_s(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text('{"_id": "a", "text": "x"}\n{"_id": "b", "text": "y"}\n')
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "x", "language": "en"}\n')
    write_qrels({"q": {"a": 0, "b": 3}}, tmp_path / "qrels" / "judged.tsv")
    assert load_folder(tmp_path, "judged").qrels == {"q": {"a": 0, "b": 3}}


def test_qrels_are_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "test.tsv"
    write_qrels({"q": {"a": 1}}, file)
    with pytest.raises(DatasetError, match=r"test\.tsv is there already; qrels are not overwritten"):
        write_qrels({"q": {"a": 2}}, file)
    assert file.read_text() == "query-id\tcorpus-id\tscore\nq\ta\t1\n"
    with pytest.raises(DatasetError, match="cannot be written"):
        write_qrels({"q": {"a": 1}}, tmp_path / "not there" / "test.tsv")
    with pytest.raises(DatasetError, match=r"id 'a\\tb': expected text without tabs"):
        write_qrels({"q": {"a\tb": 1}}, tmp_path / "other.tsv")
    assert [path.name for path in tmp_path.iterdir()] == ["test.tsv"]
