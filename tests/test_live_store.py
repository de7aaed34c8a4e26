"""Questions are answered by one version, whole, whatever happens to the collection meanwhile; and nothing is left over.

Each document says of which edition it is, so that a mixture shows.
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

import indexer.live_store
from indexer import lexical_index
from indexer.backup import backup
from indexer.build import update_indexes
from indexer.compaction import compact
from indexer.documents import Document
from indexer.errors import CollectionError, ModelMismatch
from indexer.filters import Filter
from indexer.live_store import LiveStore
from indexer.passages import Passage
from indexer.records import EncodedDocument, EncodedPassage
from indexer.store import LocalStore
from indexer.stored_collection import StoredCollection
from indexer.words import words_of
from tests.faults import exit_status, fork
from tests.test_stored_collection import new_collection, unit_vectors
from tests.waiting import PATIENCE, until

_DOCUMENTS = 12


def edition(number: int, documents: int = _DOCUMENTS) -> list[EncodedDocument]:
    """Each document says that it is of this edition, in text, title, source and vector."""
    made = []
    for own in range(documents):
        text = f"gas edition{number} of {own}"
        passage = EncodedPassage(Passage(0, len(text), ((0, len(text)),), "en"), *_vectors(number))
        document = Document(f"d{own}", text, f"title {number}", source=f"s{number}", metadata={"edition": number})
        made.append(EncodedDocument(document, "en", b"", [passage]))
    return made


def _vectors(seed: int) -> tuple[Any, Any]:
    vectors = unit_vectors(seed, 2)
    return vectors[0], vectors[1:]


def editions_in(store: LocalStore) -> set[str]:
    """All that a store says of which edition it is of."""
    ids = store.worded("gas", 1_000)
    passages = store.passages(ids.tolist())
    assert len(passages) == len(ids)
    documents = store.documents([own.document for own in passages])
    texts = [store.text(own.document, own.start, own.end) for own in passages]
    said = {text.split()[1].removeprefix("edition") for text in texts}
    said |= {own.title.split()[1] for own in documents.values()} | {own.source[1:] for own in documents.values()}
    said |= {str(own.metadata["edition"]) for own in documents.values()}
    for number in set(said):
        assert len(store.quoting([word.text for word in words_of(f"edition{number}")], 1_000)) == len(passages)
        assert len(store.worded("gas", 1_000, Filter(sources=(f"s{number}",)))) == len(passages)
    assert store.statistics().passages == len(passages)
    whole = store.document("d0")
    return said | ({whole.text.split()[1].removeprefix("edition")} if whole else set())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with new_collection(tmp_path / "c") as made:
        made.put(edition(1))
        update_indexes(made)
    return tmp_path / "c"


@pytest.fixture
def live(folder: Path) -> Iterator[LiveStore]:
    store = LiveStore(folder)
    yield store
    store.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who finds the file locked does not wait for half a minute."""
    make_impatient(monkeypatch.setattr)


def make_impatient(patch: Callable[[Any, str, Any], None]) -> None:
    connect = sqlite3.connect
    patch(sqlite3, "connect", lambda *given, **named: connect(*given, **{**named, "timeout": 0.5}))


def put(folder: Path, number: int, documents: int = _DOCUMENTS) -> int:
    """The version that has it."""
    with StoredCollection.open(folder, writable=True) as writer:
        writer.put(edition(number, documents))
        update_indexes(writer)
        return writer.version()


def seen(live: LiveStore) -> set[str]:
    with live.current() as store:
        return editions_in(store)


def open_files() -> list[str]:
    gc.collect()
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue
    return sorted(found)


# One version


def test_the_last_version_answers_until_the_next_is_loaded(folder: Path, live: LiveStore) -> None:
    put(folder, 2)
    assert seen(live) == {"1"}
    live.refresh()
    assert seen(live) == {"2"}
    with live.current() as store, StoredCollection.open(folder) as collection:
        assert store.version == collection.version()


def test_who_has_begun_goes_on_with_the_same_version(folder: Path, live: LiveStore) -> None:
    with live.current() as old:
        mark = old.mark
        put(folder, 2)
        live.refresh()
        with live.current() as new:
            put(folder, 3)
            live.refresh()
            assert (editions_in(old), editions_in(new), seen(live)) == ({"1"}, {"2"}, {"3"})
            assert old.mark == mark != new.mark
        assert editions_in(old) == {"1"}
    assert seen(live) == {"3"}


def test_what_is_deleted_is_still_there_for_who_has_begun(folder: Path, live: LiveStore) -> None:
    with live.current() as store:
        with StoredCollection.open(folder, writable=True) as writer:
            writer.delete([f"d{number}" for number in range(_DOCUMENTS)])
            update_indexes(writer)
        live.refresh()
        assert editions_in(store) == {"1"}
        assert len(store.worded("gas", 100)) == _DOCUMENTS
        with live.current() as newest:
            assert newest.worded("gas", 100).tolist() == newest.quoting(["gas"], 9).tolist() == []
            assert newest.document("d0") is None


def test_a_refresh_without_a_change_loads_nothing(live: LiveStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with live.current() as store:
        before = store
    monkeypatch.setattr(live, "_loaded", lambda: pytest.fail("it is loaded again"))
    live.refresh()
    with live.current() as store:
        assert store is before


def _write_for_a_while(folder: Path) -> int:
    """A process: replaces, deletes and compacts, as fast as it can."""
    make_impatient(setattr)
    for number in range(2, 9):
        put(folder, number)
        with StoredCollection.open(folder, writable=True) as writer:
            if number % 3 == 0:
                try:
                    compact(writer)
                except CollectionError as error:
                    assert "another process" in str(error), error  # noqa: PT017
    return 0


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_while_another_process_writes_each_question_sees_one_version(folder: Path) -> None:
    child = fork(lambda: _write_for_a_while(folder))
    live = LiveStore(folder)
    live.follow(0.02)
    seen_editions: list[set[str]] = []
    errors: list[BaseException] = []
    done = threading.Event()

    def ask() -> None:
        try:
            while not done.is_set():
                with live.current() as store:
                    first = editions_in(store)
                    time.sleep(0.01)
                    assert editions_in(store) == first
                seen_editions.append(first)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert exit_status(child) == 0
    live.refresh()
    assert seen(live) == {"8"}
    done.set()
    for thread in threads:
        thread.join(PATIENCE)
    live.close()
    assert errors == []
    assert {len(own) for own in seen_editions} == {1}
    assert len(set().union(*seen_editions)) > 2, "more than one edition was to be seen"


# Another collection in its place


def replaced_by(folder: Path, other: Path) -> Path:
    """Where the old one is now."""
    old = folder.with_name("old")
    folder.rename(old)
    other.rename(folder)
    return old


@pytest.mark.parametrize("same_version", [True, False])
def test_a_backup_put_in_its_place_answers_from_then_on(folder: Path, live: LiveStore, same_version: bool) -> None:
    with StoredCollection.open(folder) as collection:
        backup(collection, folder.with_name("backup"))
    put(folder, 2)
    if same_version:
        put(folder.with_name("backup"), 7)
    live.refresh()
    with live.current() as store:
        before = store.mark
        replaced_by(folder, folder.with_name("backup"))
        live.refresh()
        assert editions_in(store) == {"2"}
    assert seen(live) == ({"7"} if same_version else {"1"})
    with live.current() as store:
        assert store.mark != before
    put(folder, 8)
    live.refresh()
    assert seen(live) == {"8"}


def test_a_backup_that_could_not_be_loaded_at_first_is_loaded_later(
    folder: Path, live: LiveStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it has the same version."""
    with StoredCollection.open(folder) as collection:
        backup(collection, folder.with_name("backup"))
    put(folder, 2)
    put(folder.with_name("backup"), 7)
    live.refresh()
    replaced_by(folder, folder.with_name("backup"))
    with monkeypatch.context() as patched:
        patched.setattr(lexical_index, "open_index", failing(CollectionError("no words today")))
        for _ in range(2):
            with pytest.raises(CollectionError, match="no words today"):
                live.refresh()
            assert seen(live) == {"2"}
    live.refresh()
    assert seen(live) == {"7"}


def failing(error: Exception) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise type(error)(*error.args)  # another one, since it holds on to where it was raised

    return fail


def test_while_the_folder_is_away_the_last_version_answers(folder: Path, live: LiveStore) -> None:
    folder.rename(folder.with_name("away"))
    for _ in range(2):
        with pytest.raises(CollectionError):
            live.refresh()
        assert seen(live) == {"1"}
    folder.with_name("away").rename(folder)
    live.refresh()
    assert seen(live) == {"1"}
    put(folder, 2)
    live.refresh()
    assert seen(live) == {"2"}


def test_a_collection_that_is_removed_and_made_again_answers(folder: Path, live: LiveStore) -> None:
    shutil.rmtree(folder)
    with pytest.raises(CollectionError):
        live.refresh()
    with new_collection(folder) as made:
        made.put(edition(5))
    live.refresh()
    assert seen(live) == {"5"}


def test_a_collection_that_must_not_be_searched_does_not_come_in(folder: Path) -> None:
    def check(collection: StoredCollection) -> None:
        if collection.version() > 1:
            raise ModelMismatch("of another model")

    with closing(LiveStore(folder)):
        pass
    files = open_files()
    with closing(LiveStore(folder, check)) as live:
        put(folder, 2)
        for _ in range(3):
            with pytest.raises(ModelMismatch):
                live.refresh()
            assert seen(live) == {"1"}
    assert open_files() == files
    with pytest.raises(ModelMismatch):
        LiveStore(folder, check)
    assert open_files() == files


@pytest.mark.parametrize("broken", ["vector_index", "lexical_index"])
def test_what_cannot_be_loaded_leaves_no_file_open_and_mixes_nothing(
    folder: Path, live: LiveStore, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    put(folder, 2)
    counts = []
    with monkeypatch.context() as patched:
        patched.setattr(f"indexer.store.{broken}.open_index", failing(OSError("the disk is gone")))
        for _ in range(3):
            with pytest.raises(OSError, match="the disk is gone"):
                live.refresh()
            assert seen(live) == {"1"}
            with pytest.raises(OSError, match="the disk is gone"):
                LiveStore(folder)
            counts.append(len(open_files()))
    assert counts[0] == counts[-1]
    live.refresh()
    assert seen(live) == {"2"}


@pytest.mark.parametrize("broken", ["vector_index", "lexical_index"])
def test_a_store_that_failed_to_load_a_version_is_of_the_last_one_or_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Never the vectors of one version with the words of another."""
    with closing(LocalStore(StoredCollection.open(folder))) as store:
        put(folder, 2)
        with monkeypatch.context() as patched:
            patched.setattr(f"indexer.store.{broken}.open_index", failing(CollectionError("not now")))
            for _ in range(2):
                with pytest.raises(CollectionError, match="not now"), store.current():
                    pytest.fail("it answers")
        with store.current():
            assert editions_in(store) == {"2"}


# Nothing is left over


def test_a_version_is_closed_when_its_last_user_is_gone(folder: Path, live: LiveStore) -> None:
    counts = []
    for number in range(2, 9):
        with ExitStack() as stack:
            stores = [stack.enter_context(live.current()) for _ in range(3)]
            put(folder, number)
            live.refresh()
            assert all(editions_in(store) == {str(number - 1)} for store in stores)
        del stores
        counts.append((len(open_files()), threading.active_count()))
        if number == 3:
            tasks = len(os.listdir("/proc/self/task"))
    assert counts[-1] == counts[1], "the first ones may open what stays open"
    until(lambda: len(os.listdir("/proc/self/task")) <= tasks)


def test_opening_and_closing_leaves_nothing(folder: Path) -> None:
    with closing(LiveStore(folder)):
        pass
    files = open_files()
    for _ in range(3):
        live = LiveStore(folder)
        live.follow(0.01)
        seen(live)
        live.close()
    until(lambda: not any(thread.name == "follow" for thread in threading.enumerate()))
    assert open_files() == files


def test_closing_lets_those_finish_who_have_begun_and_nobody_begin(folder: Path) -> None:
    with closing(LiveStore(folder)):
        pass
    files = open_files()
    live = LiveStore(folder)
    with live.current() as store:
        live.close()
        live.close()
        live.refresh()
        assert editions_in(store) == {"1"}
        with pytest.raises(CollectionError, match="was closed"), live.current():
            pytest.fail("it answers")
    assert open_files() == files


# In the background


def test_what_is_new_is_found_and_told_in_the_background(folder: Path, live: LiveStore) -> None:
    told: list[tuple[int, set[str]]] = []
    live.follow(0.01, lambda store: told.append((store.version, editions_in(store))))
    until(lambda: len(told) == 1)
    version = put(folder, 2)
    until(lambda: told[-1][0] == version)
    assert seen(live) == {"2"}
    time.sleep(0.1)
    assert [own for _, own in told] == [{"1"}, {"2"}]


@pytest.mark.parametrize("error", [CollectionError("the disk is gone"), RuntimeError("surprise")])
def test_what_fails_is_logged_once_and_tried_again(
    folder: Path,
    live: LiveStore,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tried = []
    right = live._loaded

    def loaded() -> Any:
        tried.append(True)
        if len(tried) < 6:
            raise error
        return right()

    monkeypatch.setattr(live, "_loaded", loaded)
    put(folder, 2)
    live.follow(0.01)
    until(lambda: seen(live) == {"2"})
    assert len(tried) == 6
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert str(error) in record.getMessage()
    assert "goes on answering" in record.getMessage()


def test_what_is_told_may_fail_and_the_next_version_comes_all_the_same(
    folder: Path, live: LiveStore, caplog: pytest.LogCaptureFixture
) -> None:
    live.follow(0.01, failing(ValueError("metrics are broken")))
    put(folder, 2)
    until(lambda: seen(live) == {"2"})
    assert sum("metrics are broken" in record.getMessage() for record in caplog.records) == 1


def test_a_collection_that_nobody_asks_can_be_compacted(
    folder: Path, live: LiveStore, monkeypatch: pytest.MonkeyPatch, impatient: None
) -> None:
    monkeypatch.setattr(indexer.live_store, "_IDLE", 0.2)
    put(folder, 2, documents=400)
    put(folder, 3)
    with StoredCollection.open(folder, writable=True) as writer:
        writer.delete([f"d{number}" for number in range(_DOCUMENTS, 400)])
        update_indexes(writer)
    live.refresh()
    with live.current() as store, StoredCollection.open(folder, writable=True) as writer:
        with pytest.raises(CollectionError, match="another process is reading"):
            compact(writer)
        assert editions_in(store) == {"3"}
    live.follow(0.02)
    time.sleep(0.5)
    with StoredCollection.open(folder, writable=True) as writer:
        before, after = compact(writer)
    assert after < before
    assert seen(live) == {"3"}
    put(folder, 4)
    until(lambda: seen(live) == {"4"})


def test_a_store_that_rested_answers_by_the_newest_version(folder: Path, live: LiveStore) -> None:
    """It has nothing to hold on to, so it need not wait for the background either."""
    live._newest.rest()
    live._newest.rest()
    put(folder, 2)
    assert seen(live) == {"2"}
    live._newest.rest()
    assert seen(live) == {"2"}
    live.refresh()
    assert seen(live) == {"2"}


def test_what_is_used_does_not_rest(folder: Path, live: LiveStore) -> None:
    with live.current() as store:
        live._newest.rest()
        put(folder, 2)
        assert editions_in(store) == {"1"}


# A file that cannot be read for a moment


def test_a_hold_that_fails_can_be_tried_again(folder: Path) -> None:
    """SQLite begins a transaction before it knows that it cannot read."""
    with StoredCollection.open(folder) as collection:
        collection._connection.set_authorizer(_refusing)
        for _ in range(2):
            with pytest.raises(CollectionError, match=r"not authorized|prohibited"):
                collection.hold()
            assert not collection.held
        collection._connection.set_authorizer(None)
        with collection.snapshot():
            assert collection.version() == 1


def _refusing(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_READ else sqlite3.SQLITE_OK
