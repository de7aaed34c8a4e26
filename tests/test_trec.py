"""TREC's formats: what is read, what is written, trec_eval's order of ties, and each kind of line that does not fit."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from eval.errors import DatasetError
from eval.trec import Scored, by_score, read_run, read_topics, written_run

_IDS = ["a", "b", "d10", "d9", "Z", "é", "語", "😀", "\uffee"]
_SCORES = st.one_of(
    st.sampled_from([0.0, -0.0, 0.5, 0.5000005, 20.0, 20.0000001, 1e9]),
    st.floats(-1e6, 1e6, allow_nan=False),
)


def _file(folder: Path, content: str | bytes) -> Path:
    file = folder / "file.txt"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def _trec_eval_ranks(scores: dict[str, float]) -> list[str]:
    """The order that trec_eval gives a run: it says where each document is when that one alone is relevant."""
    ranks = {}
    for document in scores:
        evaluator = pytrec_eval.RelevanceEvaluator({"q": {document: 1}}, {"recip_rank"})
        ranks[document] = round(1 / evaluator.evaluate({"q": scores})["q"]["recip_rank"])
    return sorted(scores, key=lambda document: ranks[document])


def _line_of(error: pytest.ExceptionInfo[DatasetError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


def test_topics_with_tabs(tmp_path: Path) -> None:
    file = _file(tmp_path, "q1\twhy the ban?\n\n q2 \t ما سبب\tالحظر \n")
    assert read_topics(file) == {"q1": "why the ban?", "q2": "ما سبب\tالحظر"}


def test_classic_topics(tmp_path: Path) -> None:
    text = """
<top>
<head> Tipster Topic Description
<num> Number: 051
<dom> Domain: International Economics
<title> Topic:  Airbus Subsidies

<desc> Description:
Document will discuss aid.
</top>

<TOP>
<NUM>402</NUM>
<TITLE>
規制の
理由</TITLE>
(not in the title)
<narr> Narrative:
<title is a word here>
</TOP>
<top>
<num> Number: 403
<title>
export
bans
<desc>
Nothing.
</top>
"""
    assert read_topics(_file(tmp_path, text)) == {"051": "Airbus Subsidies", "402": "規制の 理由", "403": "export bans"}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("q1\tban\nq2 no tab\n", ":2", "expected a query id, a tab and the query"),
        ("q1\tban\n\t no id\n", ":2", "expected a query id, a tab and the query"),
        ("q1\t \n", ":1", "expected a query id, a tab and the query"),
        ("q1\tban\n\nq1\tban\n", ":3", "query id 'q1' was there before"),
        ("", "", "no topics"),
        (
            "<top>\n<num> 1\n<title> a\n</top>\n<top>\n<num> 1\n<title> b\n</top>\n",
            ":5",
            "query id '1' was there before",
        ),
        ("<top>\n<num> 1\n<title>\n<desc> Description:\nx\n</top>\n", ":1", "without a <num> or a <title>"),
        ("\n<top>\n<title> a\n</top>\n", ":2", "without a <num> or a <title>"),
        ("<top>\n<num> 1\n</top>\n<top>\n<num> 2\n<title> b\n</top>\n", ":1", "without a <num> or a <title>"),
    ],
)
def test_bad_topics_are_named(tmp_path: Path, text: str, line: str, said: str) -> None:
    file = _file(tmp_path, text)
    with pytest.raises(DatasetError) as error:
        read_topics(file)
    assert _line_of(error).startswith(f"{file}{line}: ")
    assert said in str(error.value)


def test_a_run_is_ordered_by_score_whatever_its_ranks_say(tmp_path: Path) -> None:
    file = _file(tmp_path, "q Q0 a 1 0.5 t\nr Q0 a 9 -1e-3 t\nq Q0 b 2 1.5 t\nq Q0 c x 0.75 t\n")
    assert read_run(file) == {"q": [("b", 1.5), ("c", 0.75), ("a", 0.5)], "r": [("a", -0.001)]}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("q Q0 a 1 0.5 t\nq Q0 b 2 0.4\n", ":2", "5 columns, expected query, Q0, document, rank, score, tag"),
        ("q Q0 a 1 0.5 my tag\n", ":1", "7 columns"),
        ("q Q0 a 1 high t\n", ":1", "score 'high', expected a number"),
        ("q Q0 a 1 0,5 t\n", ":1", "score '0,5', expected a number"),
        ("\nq Q0 a 1 NaN t\n", ":2", "score 'NaN', expected a number"),
        ("q Q0 a 1 inf t\n", ":1", "score 'inf', expected a number"),
        ("q Q0 a 1 1 t\nr Q0 a 1 1 t\nq Q0 a 2 0 t\n", ":3", "'a' was ranked for 'q' before"),
        ("", "", "an empty run"),
        ("\n \n", "", "an empty run"),
    ],
)
def test_bad_runs_are_named(tmp_path: Path, text: str, line: str, said: str) -> None:
    file = _file(tmp_path, text)
    with pytest.raises(DatasetError) as error:
        read_run(file)
    assert _line_of(error).startswith(f"{file}{line}: ")
    assert said in str(error.value)


_READERS = [
    (read_topics, "q\t語\nr\tb\n"),
    (read_run, "q Q0 語 1 2 t\nr Q0 b 1 1 t\n"),
]


@pytest.mark.parametrize(("read", "text"), _READERS)
def test_a_mark_at_the_front_and_other_line_ends_change_nothing(
    tmp_path: Path, read: Callable[[Path], object], text: str
) -> None:
    plain = read(_file(tmp_path, text))
    assert read(_file(tmp_path, b"\xef\xbb\xbf" + text.encode())) == plain
    assert read(_file(tmp_path, text.replace("\n", "\r\n"))) == plain
    assert read(_file(tmp_path, text.rstrip("\n"))) == plain


@pytest.mark.parametrize(("read", "text"), _READERS)
def test_what_is_no_text_or_no_file_is_one_line(tmp_path: Path, read: Callable[[Path], object], text: str) -> None:
    file = _file(tmp_path, text.encode() + b"\xff\n")
    with pytest.raises(DatasetError) as error:
        read(file)
    assert _line_of(error) == f"{file}: not UTF-8 (byte {len(text.encode())})"
    for missing, reason in ((tmp_path / "none", "no such file or directory"), (tmp_path, "is a directory")):
        with pytest.raises(DatasetError) as error:
            read(missing)
        assert _line_of(error) == f"{missing}: {reason}"


def test_ties_fall_by_document_id() -> None:
    assert by_score({"a": 1.0, "c": 1.0, "b": 1.0, "d": 2.0}) == [("d", 2.0), ("c", 1.0), ("b", 1.0), ("a", 1.0)]
    scores = {"a": 20.0000001, "b": 20.0}
    assert [document for document, _ in by_score(scores)] == ["b", "a"], "trec_eval does not tell these two apart"
    assert _trec_eval_ranks(scores) == ["b", "a"]


@given(st.dictionaries(st.sampled_from(_IDS), _SCORES, min_size=1))
def test_the_order_is_that_of_trec_eval(scores: dict[str, float]) -> None:
    assert [document for document, _ in by_score(scores)] == _trec_eval_ranks(scores)


def test_a_written_run_by_hand() -> None:
    run: Scored = {"q1": [("b", 2.5), ("a", 1), ("語", -0.1)], "q2": [], "q3": [("a", 1 / 3)]}
    assert written_run(run, "tag").splitlines() == [
        "q1 Q0 b 1 2.5 tag",
        "q1 Q0 a 2 1.0 tag",
        "q1 Q0 語 3 -0.1 tag",
        "q3 Q0 a 1 0.3333333333333333 tag",
    ]


@given(st.lists(_SCORES, min_size=1, max_size=len(_IDS)), st.permutations(_IDS))
def test_a_written_run_keeps_its_order_in_trec_eval_and_when_read_again(scores: list[float], ids: list[str]) -> None:
    ranking = list(zip(ids, sorted(scores, reverse=True), strict=False))
    with TemporaryDirectory() as folder:
        read = read_run(_file(Path(folder), written_run({"q": ranking}, "t")))["q"]
    order = [document for document, _ in ranking]
    assert [document for document, _ in read] == order
    assert _trec_eval_ranks(dict(read)) == order
    assert all(above > below for (_, above), (_, below) in pairwise(read))
    assert [score for _, score in read] == pytest.approx([score for _, score in ranking], rel=1e-5, abs=1e-30)


def test_scores_that_rise_are_written_falling_all_the_same(tmp_path: Path) -> None:
    text = written_run({"q": [("a", 0.5), ("z", 0.5), ("y", 0.9), ("b", 0.25)]}, "t")
    read = read_run(_file(tmp_path, text))["q"]
    assert [document for document, _ in read] == ["a", "z", "y", "b"]
    assert read[-1] == ("b", 0.25), "what falls by itself is as it was"


@given(st.dictionaries(st.sampled_from(_IDS), st.integers(-50, 50), min_size=2))
def test_scores_without_ties_come_back_exactly(parts: dict[str, int]) -> None:
    ranking = by_score({document: part + place / 10 for place, (document, part) in enumerate(parts.items())})
    run = {"q": ranking, "r": ranking[:1]}
    with TemporaryDirectory() as folder:
        file = _file(Path(folder), written_run(run, "t"))
        assert read_run(file) == run
        assert written_run(read_run(file), "t") == written_run(run, "t")
