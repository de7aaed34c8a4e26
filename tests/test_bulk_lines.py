"""Lines come out as they went in, however the stream is cut; and each line is a document or one line of complaint."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.documents import Document
from indexer.errors import DocumentError
from search_api.bulk_lines import LONGEST_LINE, document_of_line, numbered_lines

_MARK = b"\xef\xbb\xbf"


def expected(content: bytes, longest: int) -> list[tuple[int, bytes | None]]:
    found: list[tuple[int, bytes | None]] = []
    for number, line in enumerate(content.split(b"\n"), 1):
        whole = (line.removeprefix(_MARK) if number == 1 else line).strip()
        if len(line) > longest:
            found.append((number, None))
        elif whole:
            found.append((number, whole))
    return found


@given(
    content=st.lists(st.sampled_from([b"a", b"\n", b"\r", b" ", _MARK, b"\x00", b"\xff", b"abcdefgh", b"\n\n"])).map(
        b"".join
    ),
    cuts=st.lists(st.integers(0, 60)),
    longest=st.integers(1, 12),
)
@settings(max_examples=500, deadline=None)
def test_lines_are_those_of_the_whole(content: bytes, cuts: list[int], longest: int) -> None:
    places = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    chunks = [content[start:end] for start, end in pairwise(places)] or [content]
    assert list(numbered_lines(chunks, longest)) == expected(content, longest)
    assert list(numbered_lines([b"", *chunks, b""], longest)) == expected(content, longest)
    assert list(numbered_lines([content[n : n + 1] for n in range(len(content))], longest)) == expected(
        content, longest
    )


def test_marks_ends_and_empty_lines() -> None:
    given_lines = _MARK + b'{"a":1}\r\n\r\n  \n{"b":2}\n{"c":3}'
    assert list(numbered_lines([given_lines])) == [(1, b'{"a":1}'), (4, b'{"b":2}'), (5, b'{"c":3}')]
    assert list(numbered_lines([])) == list(numbered_lines([_MARK + b"\n"])) == []


def test_a_line_that_is_too_long_is_passed_over_with_little_memory() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"first\n"
        for _ in range(2_000):
            yield b"x" * 100_000
        yield b"\nlast"

    tracemalloc.start()
    try:
        assert list(numbered_lines(chunks(), 1_000_000)) == [(1, b"first"), (2, None), (3, b"last")]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 5_000_000


def test_a_line_as_long_as_allowed_goes_in() -> None:
    for length, whole in ((1_000, True), (1_001, False)):
        ((number, line),) = numbered_lines([b"x" * length], 1_000)
        assert (number, line is not None) == (1, whole)


# Documents


def test_all_fields_of_a_line() -> None:
    fields = {
        "id": "a/ب",
        "text": "The ban.",
        "title": "T",
        "lang": "en-GB",
        "date": "6 Jan 2026",
        "source": "s",
        "url": "u",
    }
    line = json.dumps({**fields, "metadata": {"n": [1, {"x": None}]}}, ensure_ascii=chance()).encode()
    expected_document = Document("a/ب", "The ban.", "T", "en", "2026-01-06", "s", "u", {"n": [1, {"x": None}]})
    assert document_of_line(line) == expected_document


def chance() -> bool:
    return random.Random(1).random() < 0.5


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (None, f"longer than {LONGEST_LINE:,} bytes"),
        (b"{", "not JSON: EOF"),
        (b"\xff", "not JSON: "),
        (b'{"id": "a", "text": "x",}', "not JSON: "),
        (b"[]", "input should be an object, got []"),
        (b"7", "input should be an object, got 7"),
        (b"null", "input should be an object, got None"),
        (b"{}", "id: field required; text: field required"),
        (b'{"id": "", "text": "x"}', "id: "),
        (b'{"id": "a\\u0000", "text": "x"}', "id: "),
        (b'{"id": "a\\nb", "text": "x"}', "id: "),
        (b'{"id": 7, "text": "x"}', "id: input should be a valid string, got 7"),
        (b'{"id": "a", "text": ""}', "text: "),
        (b'{"id": "a", "text": " \\n\\u3000"}', "empty"),
        (b'{"id": "a", "text": "\\ud800"}', "not JSON: "),
        (b'{"id": "a", "text": "x", "query": 1}', "query: extra inputs are not permitted, got 1"),
        (b'{"id": "a", "text": "x", "a\\nb": 1}', "a b: extra inputs"),
        (b'{"id": "a", "text": "x", "metadata": []}', "metadata: "),
        (
            b'{"id": "a", "text": "x", "metadata": {"a": ' + b"[" * 33 + b"]" * 33 + b"}}",
            "metadata: more than 32 levels",
        ),
        (b'{"id": "a", "text": "x", "metadata": ' + b'{"a": ' * 5_000 + b"1" + b"}" * 5_001, "not JSON: "),
        (b'{"id": "a", "text": "x", "metadata": {"n": ' + b"9" * 10_000 + b"}}", "not JSON: "),
        (b'{"id": "a", "text": 7, ' + b", ".join(b'"f%d": 1' % n for n in range(200)) + b"}", "and 196 more"),
        (b'{"id": "a", "text": {"x": "' + b"y" * 1_000_000 + b'"}}', "text: input should be a valid string"),
    ],
)
def test_what_is_no_document_is_one_line(line: bytes | None, said: str) -> None:
    with pytest.raises(DocumentError) as caught:
        document_of_line(line)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_metadata_may_be_as_deep_as_allowed() -> None:
    deep = b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}"
    assert document_of_line(b'{"id": "a", "text": "x", "metadata": ' + deep + b"}").metadata == json.loads(deep)


@given(st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_document_or_refused(line: bytes) -> None:
    with pytest.raises(DocumentError):
        document_of_line(line)
