"""What a filter lets through is what a look at each document by itself lets through, whatever the documents are like.

The oracle works on Python values; SQLite sees JSON.
"""

from __future__ import annotations

import random
import time
from calendar import monthrange
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexer.documents import Document, document_of
from indexer.errors import QueryError
from indexer.filters import EVERYTHING, Filter
from indexer.passages import Passage
from indexer.records import EncodedDocument, EncodedPassage
from indexer.store import LocalStore
from indexer.stored_collection import StoredCollection
from indexer.words import words_of
from tests.test_lexical_index import exact as exact_words
from tests.test_lexical_index import holding
from tests.test_stored_collection import DIMENSION, encoded, new_collection, unit_vectors
from tests.test_vector_index import assert_finds
from tests.test_vector_index import exact as exact_vectors

_LANGS = ("ar", "en", "ja", "zh")
_SOURCES = ("", "Reuters", "reuters", "共同通信", "a'b\"c", "100%")
_DATES = ("", "2024", "2025", "2025-12", "2025-12-31", "2026", "2026-01", "2026-01-01", "2026-01-31", "2026-02-28")
_BOUNDS = (*_DATES[1:], "0000", "9999", "2025-11", "2026-01-15", "2026-02", "2026-02-27", "2026-03", "2026-02-31")
_FIELDS = ("author", "AUTHOR", "a.b", "$", "*", "#-1", "[0]", "a b", "x[1]", "作者", "مؤلف", "😀", "'", "", "tags[#]")
_VALUES: tuple[Any, ...] = (
    "Sato",
    "SATO",
    "佐藤",
    "É",
    "é",
    "",
    " x ",
    "true",
    "1",
    "1.0",
    "null",
    0,
    1,
    -7,
    2**70,
    1.0,
    1.5,
    -0.25,
    1e300,
    True,
    False,
    None,
    [],
    ["Sato", 1, None, True],
    [["Sato"], {"author": "Sato"}],
    {"name": "Sato", "born": 1961, "alive": False},
    {"name": ["Sato"]},
    {},
)
_WANTED = (
    *(
        "Sato",
        "sato",
        "佐藤",
        "É",
        "é",
        "",
        " x ",
        "true",
        "TRUE",
        "false",
        "null",
        "x",
        "%",
        "_",
        "'",
        '["Sato"]',
        "٣",
    ),
    *("1", "1.0", "1e0", "0", "-7", "1.5", "-0.25", "1961", str(2**70), "1e300"),
)


# The oracle


def lets_through(among: Filter, lang: str, document: Document) -> bool:
    return (
        (not among.langs or lang in among.langs)
        and (not among.sources or document.source in among.sources)
        and in_time(document.date, among.date_from, among.date_to)
        and all(
            any(has(document.metadata, field, value) for name, value in among.where if name == field)
            for field, _ in among.where
        )
    )


def in_time(date: str, first: str, last: str) -> bool:
    """Whether a day that the date may be is one of those from the first to the last."""
    if not first and not last:
        return True
    if not date:
        return False
    earliest, latest = days(date)
    return (not first or latest >= days(first)[0]) and (not last or earliest <= days(last)[1])


def days(date: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The first and the last day of a date that may be known in part only; a month has 31 days for all that matters."""
    known = tuple(int(part) for part in date.split("-"))
    return known + (1, 1)[len(known) - 1 :], known + (12, 31)[len(known) - 1 :]


def has(metadata: Mapping[str, Any], field: str, wanted: str) -> bool:
    held = metadata.get(field)
    values = held if isinstance(held, list) else held.values() if isinstance(held, dict) else [held]
    return any(is_meant(value, wanted) for value in values)


def is_meant(value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return folded(wanted) == str(value).lower()
    if isinstance(value, str):
        return folded(value) == folded(wanted)
    if isinstance(value, (int, float)):
        try:
            return wanted.isascii() and wanted.strip() == wanted and float(wanted) == value
        except ValueError:
            return False
    return False


def folded(text: str) -> str:
    return "".join(character.lower() if character.isascii() else character for character in text)


# Documents of all kinds


def made(seed: int, count: int) -> list[EncodedDocument]:
    chance = random.Random(seed)
    documents = []
    for number in range(count):
        metadata = {field: chance.choice(_VALUES) for field in chance.sample(_FIELDS, chance.randint(0, 5))}
        langs = chance.choices(_LANGS, k=chance.randint(1, 3))
        fields: dict[str, Any] = {
            "source": chance.choice(_SOURCES),
            "date": chance.choice(_DATES),
            "metadata": metadata,
        }
        documents.append(encoded(f"d{number}", number, langs, **fields))
    return documents


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredCollection]:
    with new_collection(tmp_path_factory.mktemp("filters") / "c") as opened:
        opened.put(made(1, 400))
        yield opened


@pytest.fixture(scope="module")
def expected(collection: StoredCollection) -> list[tuple[int, str, Document]]:
    """Of each passage, its language and document."""
    passages = collection.passages(collection.passage_ids().tolist())
    ids = {number: own.id for number, own in collection.documents([own.document for own in passages]).items()}
    documents = {own.id: own for own in collection.all_documents()}
    return [(own.id, own.lang, documents[ids[own.document]]) for own in passages]


def some_of(values: tuple[str, ...], most: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=most).map(tuple)


_CONDITIONS = st.tuples(st.sampled_from([field for field in _FIELDS if field]), st.sampled_from(_WANTED))


@st.composite
def filters(draw: st.DrawFn) -> Filter:
    bounds = st.one_of(st.just(""), st.sampled_from(_BOUNDS))
    first, last = draw(bounds), draw(bounds)
    if first and last and days(first)[0] > days(last)[1]:
        first, last = last, first
    where = tuple(draw(st.lists(_CONDITIONS, max_size=3)))
    return Filter(draw(some_of((*_LANGS, "ko"))), draw(some_of(_SOURCES)), first, last, where)


@given(among=filters())
@settings(max_examples=400, deadline=None)
def test_passages_are_those_that_a_look_at_each_lets_through(
    collection: StoredCollection, expected: list[tuple[int, str, Document]], among: Filter
) -> None:
    wanted = [identifier for identifier, lang, document in expected if lets_through(among, lang, document)]
    assert collection.passage_ids(among).tolist() == wanted


@pytest.mark.parametrize("field", [field for field in _FIELDS if field])
@pytest.mark.parametrize("value", _WANTED)
def test_each_value_of_each_field(
    collection: StoredCollection, expected: list[tuple[int, str, Document]], field: str, value: str
) -> None:
    wanted = [identifier for identifier, _, document in expected if has(document.metadata, field, value)]
    assert collection.passage_ids(Filter(where=((field, value),))).tolist() == wanted


def test_the_oracle_sees_all_kinds(expected: list[tuple[int, str, Document]]) -> None:
    held = [(own.metadata, field) for _, _, own in expected for field in own.metadata]
    found = {value for value in _WANTED for metadata, field in held if has(metadata, field, value)}
    assert found == set(_WANTED) - {"x", '["Sato"]', "٣", "%", "_", "'"}


@pytest.mark.parametrize("date", [own for own in _DATES if own])
@pytest.mark.parametrize("bound", _BOUNDS)
def test_each_date_against_each_bound(
    collection: StoredCollection, expected: list[tuple[int, str, Document]], date: str, bound: str
) -> None:
    for among in (Filter(date_from=bound), Filter(date_to=bound), Filter(date_from=bound, date_to=bound)):
        found = set(collection.passage_ids(among).tolist())
        of_date = {identifier for identifier, _, document in expected if document.date == date}
        assert of_date & found == (of_date if in_time(date, among.date_from, among.date_to) else set())


def test_a_month_by_its_days_is_the_month(collection: StoredCollection) -> None:
    for year, month in ((2025, 12), (2026, 1), (2026, 2)):
        name = f"{year}-{month:02}"
        by_days = Filter(date_from=f"{name}-01", date_to=f"{name}-{monthrange(year, month)[1]:02}")
        assert (
            collection.passage_ids(by_days).tolist()
            == collection.passage_ids(Filter(date_from=name, date_to=name)).tolist()
        )


def test_no_filter_is_everything(collection: StoredCollection, expected: list[tuple[int, str, Document]]) -> None:
    assert collection.passage_ids(EVERYTHING).tolist() == [identifier for identifier, _, _ in expected]
    assert not EVERYTHING.of_documents
    assert not Filter(langs=("en",)).of_documents


# What is no filter


@pytest.mark.parametrize(
    "date",
    "26|2026-1|2026-13|2026-00|2026-01-00|2026-01-32|2026-01-01T00:00|2026-|2026\n| 2026|20260101|2026/01|٢٠٢٦|"
    "２０２６|-2026|today|2026-01-01-01|2026%".split("|"),
)
def test_what_is_no_date_is_one_line(date: str) -> None:
    for given_as in ("date_from", "date_to"):
        with pytest.raises(QueryError, match=f"{given_as} is .*, expected YYYY, YYYY-MM or YYYY-MM-DD") as caught:
            Filter(**{given_as: date})  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("first", "last"), [("2026", "2025"), ("2026-02", "2026-01"), ("2026-01-02", "2026-01-01")])
def test_a_beginning_after_the_end_is_one_line(first: str, last: str) -> None:
    with pytest.raises(QueryError, match=f"date_from is {first}, which is after date_to, {last}"):
        Filter(date_from=first, date_to=last)
    Filter(date_from=last, date_to=first)


@pytest.mark.parametrize(("first", "last"), [("2026-05", "2026"), ("2026", "2026-05"), ("2026-05-20", "2026-05")])
def test_bounds_that_overlap_are_none_after_the_other(first: str, last: str) -> None:
    Filter(date_from=first, date_to=last)


@pytest.mark.parametrize("field", ["", 'a"b', "a\\b", "a\x00b", "a\nb", "\x7f"])
def test_what_is_no_field_is_one_line(field: str) -> None:
    with pytest.raises(QueryError, match="a field is called") as caught:
        Filter(where=((field, "x"),))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("half", ["\ud800", "x\udfffy"])
def test_halves_of_surrogate_pairs_are_one_line(half: str) -> None:
    for given_as in ({"langs": (half,)}, {"sources": (half,)}, {"where": ((half, "x"),)}, {"where": (("x", half),)}):
        with pytest.raises(QueryError, match="expected text"):
            Filter(**given_as)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(field=_TEXT, value=_TEXT, other=_TEXT)
@example(field="$.", value="*", other="]")
@settings(max_examples=200, deadline=None)
def test_any_text_is_searched_for_or_refused(collection: StoredCollection, field: str, value: str, other: str) -> None:
    try:
        among = Filter((other,), (value,), where=((field, value), (field, other)))
        of_field = Filter(where=((field, value),))
    except QueryError:
        return
    assert collection.passage_ids(among).tolist() == []
    collection.passage_ids(of_field)


@given(field=_TEXT.filter(bool), value=st.one_of(_TEXT, st.integers(-(10**20), 10**20), st.booleans()))
@settings(max_examples=100, deadline=None)
def test_what_a_field_holds_is_found_by_it(tmp_path_factory: pytest.TempPathFactory, field: str, value: Any) -> None:
    try:
        among = Filter(where=((field, str(value)),))
    except QueryError:
        return
    document = document_of("d", "text", metadata={field: value})
    among = Filter(where=((next(iter(document.metadata)), str(document.metadata[next(iter(document.metadata))])),))
    with new_collection(tmp_path_factory.mktemp("one") / "c") as one:
        one.put([encoded("d", metadata=dict(document.metadata)), encoded("other", 2)])
        assert len(one.passage_ids(among)) == 1


def test_metadata_that_are_no_json_hide_nothing_else(tmp_path: Path) -> None:
    """Those of earlier releases may hold NaN."""
    with new_collection(tmp_path / "c") as opened:
        opened.put(
            [encoded("good", 1, metadata={"author": "Sato"}), encoded("bad", 2, metadata={"author": float("nan")})]
        )
        (good,) = opened.passage_ids(Filter(where=(("author", "Sato"),)))
        (found,) = opened.passages([int(good)])
        assert opened.documents([found.document])[found.document].id == "good"


def test_nan_does_not_get_into_a_document() -> None:
    document = document_of(
        "d", "text", metadata={"a": float("nan"), "b": [float("inf"), {"c": -float("inf")}], "d": 1.5}
    )
    assert document.metadata == {"a": None, "b": [None, {"c": None}], "d": 1.5}


# Through the store


_RARE = Filter(where=(("rare", "yes"),))
_COMMON = Filter(where=(("rare", "no"),), langs=("en",), date_from="2026")
_NONE = Filter(sources=("nobody",))


@pytest.fixture(scope="module")
def worded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredCollection]:
    """1,500 passages of which one in a hundred is rare, and those have the words less often."""
    with new_collection(tmp_path_factory.mktemp("worded") / "c") as opened:
        opened.put([_worded(number) for number in range(1_500)])
        yield opened


def _worded(number: int) -> EncodedDocument:
    rare = number % 100 == 7
    text = f"drone ban of gas number {number}" if rare else f"drone ban drone ban {'uranium ' * (number % 3)}"
    vectors = unit_vectors(number, 2)
    passage = EncodedPassage(Passage(0, len(text), ((0, len(text)),), "en"), vectors[0], vectors[1:])
    document = Document(
        f"d{number}", text, date="2026-01" if number % 2 else "2025", metadata={"rare": "no yes".split()[rare]}
    )
    return EncodedDocument(document, "en", b"", [passage])


@pytest.mark.parametrize("among", [_RARE, _COMMON, _NONE, EVERYTHING], ids=["rare", "common", "none", "all"])
def test_a_store_finds_the_best_of_those_let_through(worded: StoredCollection, among: Filter) -> None:
    with closing(LocalStore(StoredCollection.open(worded.folder))) as store:
        let_through = set(worded.passage_ids(among).tolist())
        raw, langs = unit_vectors(77, 1, DIMENSION)[0], {"en": 1.0}
        means, maps = store.alignment.means, store.alignment.maps
        nearest = exact_vectors(worded, raw, langs, means, maps, let_through)
        scores = {own: score for own, score in exact_words(worded, "drone gas").items() if own in let_through}
        quoting = set(holding(worded, [word.text for word in words_of("drone ban of")])) & let_through
        for limit in (1, 7, 100, 10_000):
            assert_finds(store.candidates(store.alignment.query(raw, langs), limit, among), nearest, limit)
            ids = store.worded("drone gas", limit, among).tolist()
            assert len(ids) == len(set(ids)) == min(limit, len(scores))
            best = sorted(scores.values(), reverse=True)[:limit]
            np.testing.assert_allclose([scores[own] for own in ids], best, rtol=1e-5)
            found = set(store.quoting(["drone", "ban", "of"], limit, among).tolist())
            assert found <= quoting
            assert len(found) == min(limit, len(quoting))


# Speed


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredCollection]:
    """100,000 passages of 25,000 documents, with vectors as long as the model's."""
    with new_collection(tmp_path_factory.mktemp("large") / "c") as opened:
        fill = b"\0" * 900
        connection = opened._connection
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO documents (id, digest, vector, title, lang, date, source, url, metadata, text) "
            "VALUES (?, x'', ?, 'A title', 'en', ?, ?, '', ?, ?)",
            (
                (
                    str(n),
                    fill,
                    f"20{n % 30:02}-01",
                    f"s{n % 50}",
                    f'{{"author": "a{n % 500}", "tags": ["x", "y"]}}',
                    "x" * 3_000,
                )
                for n in range(25_000)
            ),
        )
        connection.executemany(
            'INSERT INTO passages (document, start, "end", lang, vector, sentences, sentence_vectors) '
            "VALUES (?, 0, 1, ?, ?, x'', ?)",
            ((1 + n // 4, ("en", "ar")[n % 2], fill, fill * 3) for n in range(100_000)),
        )
        connection.execute("COMMIT")
        yield opened


@pytest.mark.parametrize(
    ("among", "count"),
    [
        (Filter(langs=("en",)), 50_000),
        (Filter(sources=("s7",)), 2_000),
        (Filter(date_from="2010", date_to="2011-06"), 6_664),
        (Filter(where=(("author", "A7"),)), 200),
        (Filter(where=(("tags", "y"),), langs=("ar",)), 50_000),
        (Filter(("en",), ("s7", "s8"), "2000", "2029", (("tags", "x"), ("author", "a7"))), 100),
    ],
    ids=["language", "source", "date", "author", "tags", "all"],
)
def test_a_hundred_thousand_passages_are_filtered_while_a_reader_does_not_notice(
    large: StoredCollection, among: Filter, count: int
) -> None:
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        found = large.passage_ids(among)
        taken.append(time.perf_counter() - start)
    assert len(found) == count
    print(f"{min(taken) * 1000:.0f} ms")
    assert min(taken) < 1.5, "some 0.1 s on an idle core"


def test_a_filter_of_documents_does_not_read_passages_that_it_turns_away(large: StoredCollection) -> None:
    condition, values = Filter(where=(("author", "a7"),)).condition()
    plan = large._connection.execute(
        "EXPLAIN QUERY PLAN SELECT passages.id FROM documents CROSS JOIN passages "
        f"ON passages.document = documents.number WHERE {condition}",
        values,
    ).fetchall()
    steps = [row[3] for row in plan]
    assert [step for step in steps if step.startswith(("SCAN documents", "SEARCH", "SCAN passages"))] == [
        "SCAN documents",
        "SEARCH passages USING COVERING INDEX passages_by_document (document=?)",
    ]
