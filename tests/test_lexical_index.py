"""The index finds what plain BM25 and a search through all words find, however it came about.

The oracle counts terms in every passage, in double precision. Passages are short, because tantivy keeps lengths over 40
terms in steps. Deleted passages count in the frequencies until tantivy merges their segment, so the oracle is given
them as well.
"""

from __future__ import annotations

import errno
import math
import os
import random
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer import bm25, lexical_index, saved_lexical_index
from indexer.bm25 import MAX_TERMS, LexicalIndex
from indexer.checked_file import read_arrays, write_arrays
from indexer.documents import Document
from indexer.lexical_index import open_index
from indexer.passages import Passage
from indexer.records import EncodedDocument, EncodedPassage
from indexer.saved_lexical_index import SavedLexicalIndex
from indexer.stored_collection import StoredCollection
from indexer.words import terms_of, weights_of, words_of
from tests.test_stored_collection import DATABASE, new_collection, open_to_all, unit_vectors, without_rights

HOME = "lexical.index"
WORDS = "ban gas drone uranium حظر غاز مسيرة 禁令 无人机 禁輸 ウラン ガス 35 190".split()
TEXTS = {
    "ar": "أعلنت الوزارة حظر تصدير الغاز، وقال Haddad إن طائرات F-35 ستصل.",
    "en": "The C5+1 summit met in Astana; F-35 jets and a ban on uranium were on the table.",
    "ja": "政府は輸出規制を強化し、190億ドルの支援を発表した。",
    "zh": "政府加强出口管制，限制措施规范制度，向乌克兰提供190亿美元。",
    "other": "規約の制限と、5 C + 1, 35 f, 億190",
}


def document(identifier: str, *texts: str) -> EncodedDocument:
    """A passage of one sentence for each text."""
    whole, passages = "", []
    for number, text in enumerate(texts):
        start, end = len(whole), len(whole) + len(text)
        whole += f"{text}\n"
        vectors = unit_vectors(number, 2)
        passages.append(EncodedPassage(Passage(start, end, ((start, end),), "en"), vectors[0], vectors[1:]))
    return EncodedDocument(Document(id=identifier, text=whole, lang="en"), "en", b"digest", passages)


def some_words(seed: int) -> str:
    noise = random.Random(seed)
    return " ".join(noise.choices(WORDS, range(len(WORDS), 0, -1), k=noise.randint(1, 5)))


def filled(folder: Path, documents: int = 40, start: int = 0) -> StoredCollection:
    collection = new_collection(folder)
    collection.put(
        [document(f"d{n}", some_words(2 * n), some_words(2 * n + 1)) for n in range(start, start + documents)]
    )
    return collection


def texts_of(collection: StoredCollection) -> dict[int, str]:
    return {identifier: text for block in collection.passage_texts() for identifier, text in block}


def idf(frequency: int, total: int) -> float:
    return math.log(1 + (total - frequency + 0.5) / (frequency + 0.5))


def exact(collection: StoredCollection, query: str, dead: Sequence[str] = ()) -> dict[int, float]:
    """BM25 of all passages that hold a term of the query, each term by its weight."""
    counts = {identifier: Counter(terms_of(words_of(text))) for identifier, text in texts_of(collection).items()}
    counted = [*counts.values(), *(Counter(terms_of(words_of(text))) for text in dead)]
    mean = sum(count.total() for count in counted) / max(1, len(counted))
    found: dict[int, float] = {}
    for term, share in weights_of(words_of(query)).items():
        weight = share * idf(sum(term in count for count in counted), len(counted))
        for identifier, count in counts.items():
            if term in count:
                assert count.total() <= 40
                norm = 1.2 * (1 - 0.75 + 0.75 * count.total() / mean)
                found[identifier] = found.get(identifier, 0) + weight * 2.2 * count[term] / (count[term] + norm)
    return found


QUERIES = ["ban", "gas drone", "حظر الغاز", "禁令", "ウラン ban ban", "unheard of", "禁輸 35 مسيرة", "drones"]


def assert_right(index: LexicalIndex, collection: StoredCollection, dead: Sequence[str] = ()) -> None:
    """Every passage that holds a term is found in the right order with the right score, and no other."""
    assert index.version == collection.version()
    assert index.state == collection.state(index.version)
    ids = collection.passage_ids()
    assert len(index) == len(ids)
    for query in QUERIES:
        expected = exact(collection, query, dead)
        assert_finds(index.search(query, 10**6), expected)
        scores = index.scores(query, ids)
        np.testing.assert_allclose(scores, [expected.get(i, 0) for i in ids.tolist()], rtol=1e-5)
        assert max([0, *scores]) <= index.best_possible(query)
    for words in (["ban"], ["gas", "drone"], ["禁", "令"]):
        assert sorted(index.phrase(words, 10**6).tolist()) == holding(collection, words)


def assert_finds(got: tuple[NDArray[np.int64], NDArray[np.float32]], expected: dict[int, float]) -> None:
    ids, scores = got
    assert set(ids.tolist()) == expected.keys()
    assert len(ids) == len(expected)
    np.testing.assert_allclose(scores, [expected[i] for i in ids.tolist()], rtol=1e-5)
    assert (np.diff(scores) <= 0).all()


def holding(collection: StoredCollection, words: Sequence[str]) -> list[int]:
    """Ids of passages with words side by side, by looking."""
    found = []
    for identifier, text in texts_of(collection).items():
        own = [word.text for word in words_of(text)]
        if any(own[at : at + len(words)] == list(words) for at in range(len(own))):
            found.append(identifier)
    return found


def manifest(collection: StoredCollection) -> dict[str, NDArray[Any]]:
    saved = read_arrays(collection.folder / HOME / "manifest")
    assert saved
    return saved


def saved_folder(collection: StoredCollection) -> Path:
    return collection.folder / HOME / str(manifest(collection)["folder"])


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[StoredCollection]:
    with filled(tmp_path / "c") as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredCollection]:
    with filled(tmp_path_factory.mktemp("shared") / "c", 150) as made:
        yield made


@pytest.fixture(scope="module")
def multilingual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LexicalIndex, dict[int, str]]]:
    """An index and the language of each passage."""
    with new_collection(tmp_path_factory.mktemp("multilingual") / "c") as made:
        made.put([document(lang, text) for lang, text in TEXTS.items()])
        yield open_index(made), dict(zip(made.passage_ids().tolist(), TEXTS, strict=True))


# Searching


def test_passage_texts_are_those_of_the_documents(collection: StoredCollection) -> None:
    collection.put([document("ünï 😀", "حظر 😀", "", "禁令 𠮷野家", "last")])
    expected = {p.id: collection.text(p.document, p.start, p.end) for p in collection.passages(range(1, 200))}
    assert texts_of(collection) == expected
    assert list(expected.values())[-4:] == ["حظر 😀", "", "禁令 𠮷野家", "last"]
    assert list(collection.passage_texts([81, 3, 999])) == [[(3, expected[3]), (81, expected[81])]]
    assert list(collection.passage_texts([])) == []


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from([*WORDS, "drones", "الحظر", "unheard"]), max_size=6), st.integers(1, 400), st.randoms())
def test_search_equals_plain_bm25(shared: StoredCollection, words: list[str], limit: int, noise: random.Random) -> None:
    index, query = open_index(shared), " ".join(words)
    among = np.array(noise.sample(range(1, 320), noise.randint(0, 300)), np.int64)
    for chosen in (None, among):
        everything = exact(shared, query)
        wanted = {i: score for i, score in everything.items() if chosen is None or i in chosen}
        ids, scores = index.search(query, limit, chosen)
        assert len(set(ids.tolist())) == len(ids) == min(limit, len(wanted))
        np.testing.assert_allclose(scores, [wanted[i] for i in ids.tolist()], rtol=1e-5)
        np.testing.assert_allclose(scores, sorted(wanted.values(), reverse=True)[:limit], rtol=1e-5)
    got = index.scores(query, among)
    np.testing.assert_allclose(got, [everything.get(i, 0) for i in among.tolist()], rtol=1e-5)
    assert max([0, *got]) <= index.best_possible(query)


def test_a_choice_of_many_passages_is_searched_like_one_of_few(
    shared: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, among = open_index(shared), np.arange(1, 300, 7)
    by_id = index.search("ban gas", 20, among)
    monkeypatch.setattr(bm25, "_FEW", 10)
    for limit in (1, 5, 20):
        ids, scores = index.search("ban gas", limit, among)
        np.testing.assert_allclose(scores, by_id[1][:limit], rtol=1e-6)
        assert np.isin(ids, among).all()
    np.testing.assert_allclose(index.scores("ban gas", by_id[0]), by_id[1], rtol=1e-6)
    assert index.search("unheard of", 5, among)[0].tolist() == []


def test_the_best_possible_counts_terms_that_no_passage_holds(shared: StoredCollection) -> None:
    index, total = open_index(shared), len(shared.passage_ids())
    frequency = len(holding(shared, ["35"]))
    assert 0 < frequency < total
    assert index.best_possible("35") == pytest.approx(2.2 * idf(frequency, total))
    assert index.best_possible("35 35 77") == pytest.approx(2.2 * (idf(frequency, total) + idf(0, total)))
    assert index.best_possible("") == 0


def test_of_a_long_query_the_rarest_terms_count(tmp_path: Path) -> None:
    with new_collection(tmp_path / "c") as collection:
        collection.put([document(f"d{n}", f"{n} " + " ".join(map(str, range(300, 336)))) for n in range(200)])
        index = open_index(collection)
        query = " ".join(map(str, [*range(300, 336), *range(MAX_TERMS)]))
        ids, scores = index.search(query, 1000)
        assert sorted(ids.tolist()) == list(range(1, MAX_TERMS + 1))
        assert 0 < scores.max() < index.best_possible(query) == pytest.approx(MAX_TERMS * 2.2 * idf(1, 200))
        assert len(index.search(" ".join(map(str, range(300, 336))), 1000)[0]) == 200


def test_what_looks_like_syntax_is_text(shared: StoredCollection) -> None:
    index = open_index(shared)
    for query in ('"ban', "words:ban", "ban AND (", "+ban -gas", "*", "id:[1 TO 5]", "ban^99", "\0 ban", "ba~2 \\"):
        assert_finds(index.search(query, 10**6), exact(shared, query))


@pytest.mark.parametrize("query", ["", "  \n", "!?…", "😀"])
def test_a_query_without_words_finds_nothing(shared: StoredCollection, query: str) -> None:
    index = open_index(shared)
    assert index.search(query, 10)[0].tolist() == []
    assert index.scores(query, np.array([1, 2])).tolist() == [0, 0]
    assert index.phrase([], 10).tolist() == []


def test_words_of_any_length_are_found(tmp_path: Path) -> None:
    """Tantivy's own tokenizer leaves out words over 40 bytes; above 65,530 there is no place in its dictionary."""
    with new_collection(tmp_path / "c") as collection:
        long, endless = "donaudampfschifffahrt" * 10, "x" * 70_000
        collection.put([document("a", f"ban {long}"), document("b", f"gas {endless} drone")])
        index = open_index(collection)
        assert index.phrase(["ban", long], 5).tolist() == [1]
        assert index.search(long, 5)[0].tolist() == [1]
        assert index.phrase([endless], 5).tolist() == []
        assert index.phrase(["drone"], 5).tolist() == [2]
        assert index.best_possible(endless) > 0


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("規制", "ja"),
        ("规制", "ja"),  # folded to the same characters
        ("C5+1", "en"),
        ("c5 1", "en"),
        ("F-35", "ar en"),
        ("f 35", "ar en"),
        ("35", "ar en other"),
        ("190億ドル", "ja"),
        ("190亿美元", "zh"),
        ("190億", "ja zh"),
        ("حظر تصدير", "ar"),
        ("تصدير حظر", ""),
        ("الوزاره", "ar"),
        ("ban on uranium", "en"),
        ("uranium on ban", ""),
        ("出口管制", "zh"),
        ("制规", ""),
        ("BAN", "en"),
        ("unheard", ""),
        ("unheard ban", ""),
    ],
)
def test_phrases_are_found_in_any_language(
    multilingual: tuple[LexicalIndex, dict[int, str]], phrase: str, expected: str
) -> None:
    index, langs = multilingual
    found = index.phrase([word.text for word in words_of(phrase)], 100)
    assert " ".join(sorted(langs[identifier] for identifier in found.tolist())) == expected


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from([word.text for own in WORDS for word in words_of(own)]), min_size=1, max_size=4))
def test_phrases_are_those_that_looking_finds(shared: StoredCollection, words: list[str]) -> None:
    index, expected = open_index(shared), holding(shared, words)
    assert sorted(index.phrase(words, 1000).tolist()) == expected
    some = index.phrase(words, 2).tolist()
    assert len(some) == min(2, len(expected))
    assert set(some) <= set(expected)


def test_an_empty_collection_has_an_empty_index(tmp_path: Path) -> None:
    with new_collection(tmp_path / "c") as collection:
        for _ in range(2):  # built, then loaded
            assert_right(open_index(collection), collection)
        assert open_index(collection).best_possible("ban") > 0
        collection.put([document("a", "ban")])
        assert_right(open_index(collection), collection)


def test_threads_may_search_one_index(shared: StoredCollection) -> None:
    index = open_index(shared)
    expected = {query: index.search(query, 50)[1].tolist() for query in QUERIES}
    wrong: list[str] = []

    def ask(query: str) -> None:
        wrong.extend(query for _ in range(50) if index.search(query, 50)[1].tolist() != expected[query])

    threads = [threading.Thread(target=ask, args=(query,)) for query in QUERIES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# Catching up


def _must_not_be_called(*_: object) -> None:
    raise AssertionError("the index was made again")


def test_what_was_saved_is_loaded(collection: StoredCollection, monkeypatch: pytest.MonkeyPatch) -> None:
    open_index(collection)
    monkeypatch.setattr(lexical_index, "write_passages", _must_not_be_called)
    assert_right(open_index(collection), collection)


def test_only_what_has_come_is_read_when_catching_up(
    collection: StoredCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_index(collection)
    texts = texts_of(collection)
    changed = [p.id for p in collection.passages(range(1, 100)) if p.document in (6, 8)]
    collection.put([document("d5", "ban ban", "gas"), document("new", "drone 禁令")])
    collection.delete(["d7"])
    asked: list[object] = []
    read = StoredCollection.passage_texts

    def spy(self: StoredCollection, ids: list[int] | None = None) -> object:
        asked.append(ids)
        return read(self, ids)

    with monkeypatch.context() as patch:
        patch.setattr(StoredCollection, "passage_texts", spy)
        caught_up = open_index(collection)
    assert asked == [[81, 82, 83]]
    dead = [texts[identifier] for identifier in changed]
    assert_right(caught_up, collection, dead)
    monkeypatch.setattr(lexical_index, "write_passages", _must_not_be_called)
    assert_right(open_index(collection), collection, dead)


def test_an_open_index_stays_as_it_was(collection: StoredCollection) -> None:
    index = open_index(collection)
    before = index.search("ban gas", 100)
    collection.put([document("new", "ban gas")])
    collection.delete(["d1", "d2"])
    assert len(open_index(collection)) != len(index)
    after = index.search("gas ban", 100)
    np.testing.assert_array_equal(before[0], after[0])


def test_files_that_no_state_needs_are_removed(collection: StoredCollection) -> None:
    open_index(collection)
    assert {path.name for path in collection.folder.iterdir()} >= {HOME, DATABASE}
    first = saved_folder(collection)
    (first.parent / "0123").mkdir()  # of a process that was killed
    (first.parent / "0123" / "meta.json").write_text("{}")
    for number in range(12):
        collection.put([document(f"d{number}", "ban")])
        open_index(collection)
    now = saved_folder(collection)
    assert {path.name for path in now.parent.iterdir()} == {"manifest", "lock", now.name}
    assert len(list(now.iterdir())) < 60, "merged segments have gone"


@settings(deadline=None, max_examples=10)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12), st.integers(0, 10**6)), min_size=1, max_size=12))
def test_after_any_changes_the_right_passages_are_found(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[bool, int, int]]
) -> None:
    with filled(tmp_path_factory.mktemp("changes") / "c", 8) as collection:
        for delete, number, seed in changes:
            if delete:
                collection.delete([f"d{number}"])
            else:
                collection.put([document(f"d{number}", *map(some_words, range(seed, seed + 1 + seed % 3)))])
            index = open_index(collection)
            assert index.version == collection.version()
            assert len(index) == len(collection.passage_ids())
            for query in QUERIES:
                ids, scores = index.search(query, 10**6)
                assert sorted(ids.tolist()) == sorted(exact(collection, query))
                np.testing.assert_allclose(index.scores(query, ids), scores, rtol=1e-5)
                assert max([0, *scores]) <= index.best_possible(query)
            for word in ("gas", "令"):
                assert sorted(index.phrase([word], 10**6).tolist()) == holding(collection, [word])


def test_an_index_of_mostly_deleted_passages_is_made_again(collection: StoredCollection) -> None:
    open_index(collection)
    collection.delete([f"d{number}" for number in range(25)])
    assert_right(open_index(collection), collection)
    collection.delete([f"d{number}" for number in range(40)])
    assert_right(open_index(collection), collection)


# Files that are not what they should be


def _scribble(file: Path) -> None:
    data = file.read_bytes()
    middle = len(data) // 2
    file.write_bytes(data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :])


def _folder_instead(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "missing": lambda file: file.unlink(),
    "empty": lambda file: file.write_bytes(b""),
    "garbage": lambda file: file.write_bytes(random.Random(1).randbytes(5000)),
    "half": lambda file: os.truncate(file, file.stat().st_size // 2),
    "one byte changed": _scribble,
    "one byte more": lambda file: file.write_bytes(file.read_bytes() + b"\0"),
    "a folder": _folder_instead,
}
FILES = ("manifest", "meta.json", ".managed.json", "term", "idx", "pos", "fieldnorm", "fast", "store")


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("which", FILES)
@pytest.mark.parametrize("behind", [False, True], ids=["current", "behind"])
def test_an_index_that_is_not_whole_is_made_again_in_silence(
    tmp_path: Path, which: str, damage: str, behind: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    with filled(tmp_path / "c", 5) as collection:
        open_index(collection)
        (file,) = (path for path in (collection.folder / HOME).rglob("*") if path.name.endswith(which))
        DAMAGE[damage](file)
        if behind:
            collection.put([document("d1", "ban gas")])
        assert_right(open_index(collection), collection)
        assert capfd.readouterr() == ("", "")
        if (which, damage) != ("manifest", "a folder"):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(lexical_index, "write_passages", _must_not_be_called)
                assert_right(open_index(collection), collection)


def test_a_folder_of_files_that_is_gone_is_made_again(collection: StoredCollection) -> None:
    open_index(collection)
    shutil.rmtree(saved_folder(collection))
    assert_right(open_index(collection), collection)
    shutil.rmtree(collection.folder / HOME)
    assert_right(open_index(collection), collection)


@pytest.mark.parametrize("part", ["made_by", "folder", "version", "state", "ids", "files", "digests"])
def test_an_index_saved_by_a_release_that_saved_something_else_is_made_again(
    collection: StoredCollection, part: str
) -> None:
    open_index(collection)
    saved = manifest(collection)
    del saved[part]
    write_arrays(collection.folder / HOME / "manifest", saved)
    assert_right(open_index(collection), collection)


def test_an_index_with_other_words_is_made_again(collection: StoredCollection, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(saved_lexical_index, "_MADE_BY", "another release")
        patch.setattr(bm25, "terms_of", lambda words: ["always", "the", "same"])
        open_index(collection)
    assert_right(open_index(collection), collection)


def test_an_index_of_another_collection_is_made_again(tmp_path: Path) -> None:
    """As when collection.sqlite alone was removed, and the next run made a new one in the same folder."""
    with filled(tmp_path / "other", start=1000) as other, filled(tmp_path / "c") as collection:
        open_index(other)
        shutil.copytree(other.folder / HOME, collection.folder / HOME)
        assert other.version() == collection.version()
        assert_right(open_index(collection), collection)


def test_an_index_of_changes_that_a_restored_backup_has_not_seen_is_made_again(tmp_path: Path) -> None:
    filled(tmp_path / "c").close()
    shutil.copy(tmp_path / "c" / DATABASE, tmp_path / "backup")
    with StoredCollection.open(tmp_path / "c", writable=True) as lost:
        lost.put([document("lost", "ban")])
        open_index(lost)
    shutil.copy(tmp_path / "backup", tmp_path / "c" / DATABASE)
    with StoredCollection.open(tmp_path / "c", writable=True) as restored:
        assert_right(open_index(restored), restored)
        restored.put([document("found", "gas")])
        assert_right(open_index(restored), restored)


# Where it cannot be saved


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
@pytest.mark.parametrize("saved", ["none", "current", "behind"])
def test_in_a_folder_that_cannot_be_written_nothing_is(saved: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is saved is used all the same, and brought up to date elsewhere."""
    with open_to_all() as folder, filled(folder / "c") as collection:
        if saved != "none":
            open_index(collection)
            monkeypatch.setattr(lexical_index, "_new", _must_not_be_called)
        if saved == "behind":
            collection.put([document("new", "ban 禁令")])
        for path in [folder / "c", *(folder / "c").rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        before = sorted((folder / "c").rglob("*"))
        with without_rights():
            index = open_index(collection)
            assert_right(index, collection)
        assert sorted((folder / "c").rglob("*")) == before


@pytest.mark.parametrize("saved", [False, True], ids=["nothing saved", "one behind"])
def test_on_a_full_disk_the_index_is_in_memory(
    collection: StoredCollection, saved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if saved:
        open_index(collection)
        collection.put([document("new", "ban 禁令")])
    (collection.folder / HOME).mkdir(exist_ok=True)
    before = sorted(path for path in (collection.folder / HOME).rglob("*") if path.name != "lock")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        patch.setattr(Path, "mkdir", full)
        patch.setattr(lexical_index, "temporary_folder", full)
        assert_right(open_index(collection), collection)
    after = sorted(path for path in (collection.folder / HOME).rglob("*") if path.name != "lock")
    assert after == before
    assert_right(open_index(collection), collection)


_ON_A_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from indexer.stored_collection import StoredCollection
from indexer.lexical_index import open_index
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
with StoredCollection.open(Path(sys.argv[1])) as collection:
    print(len(open_index(collection)), len(open_index(collection).search("ban", 1000)[0]))
"""


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
@pytest.mark.parametrize("behind", [False, True], ids=["nothing saved", "one behind"])
def test_where_tantivy_cannot_write_all_the_index_is_in_memory(collection: StoredCollection, behind: bool) -> None:
    if behind:
        open_index(collection)
        collection.put([document("new", "ban 禁令")])
    expected = f"{len(collection.passage_ids())} {len(exact(collection, 'ban'))}\n"
    for limit in (0, 10, 100, 300, 600, 1000, 2000):
        assert run(_ON_A_FULL_DISK, collection.folder, limit) == (expected, "")
    assert len([path for path in (collection.folder / HOME).iterdir() if path.is_dir()]) <= 1
    assert_right(open_index(collection), collection)


# Several at once

_OPENS = """
import sys
from pathlib import Path
from indexer.stored_collection import StoredCollection
from indexer.lexical_index import open_index
with StoredCollection.open(Path(sys.argv[1])) as collection:
    sys.stdin.readline()
    for _ in range(int(sys.argv[2])):
        index = open_index(collection)
        print(index.version, len(index))
        assert len(index.phrase(["all"], 1000)) == len(index)
"""


def run(program: str, *arguments: object) -> tuple[str, str]:
    done = start(program, *arguments)
    return done.communicate("\n", timeout=60)


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=Path(__file__).parents[1])


@pytest.mark.parametrize("behind", [False, True], ids=["none saved", "one behind"])
def test_processes_may_open_an_index_at_once(tmp_path: Path, behind: bool) -> None:
    with new_collection(tmp_path / "c") as collection:
        collection.put([document(f"d{n}", "all", f"all {some_words(n)}") for n in range(150)])
        if behind:
            open_index(collection)
            collection.put([document("d1", "all")])
        expected = f"{collection.version()} {len(collection.passage_ids())}\n"
        others = [start(_OPENS, collection.folder, 2) for _ in range(3)]
        for other in others:
            assert other.stdin
            other.stdin.write("\n")
            other.stdin.flush()
        for other in others:
            assert other.communicate(timeout=60) == (expected * 2, "")
            assert other.returncode == 0
        assert_right_after(collection)


def test_a_reader_has_one_state_or_the_next_while_another_process_writes(tmp_path: Path) -> None:
    with new_collection(tmp_path / "c") as collection:
        collection.put([document("d0", "all")])
        reader = start(_OPENS, collection.folder, 60)
        assert reader.stdin
        reader.stdin.write("\n")
        reader.stdin.flush()
        sizes = {collection.version(): 1}
        for number in range(1, 30):
            collection.put([document(f"d{number % 7}", *["all"] * (1 + number % 3))])
            sizes[collection.version()] = len(collection.passage_ids())
            open_index(collection)
        said, complaints = reader.communicate(timeout=60)
        assert complaints == ""
        for line in said.splitlines():
            version, size = map(int, line.split())
            assert sizes[version] == size
        assert_right_after(collection)


def assert_right_after(collection: StoredCollection) -> None:
    index = open_index(collection)
    assert index.version == collection.version()
    assert sorted(index.phrase(["all"], 1000).tolist()) == holding(collection, ["all"])
    assert len([path for path in (collection.folder / HOME).iterdir() if path.is_dir()]) == 1


def test_a_reader_without_rights_follows_what_another_saves_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files that the manifest named are gone when they are opened. The other one has the rights."""
    with filled(tmp_path / "c", 5) as collection:
        open_index(collection)
        collection.put([document("new", "ban 禁令")])
        read = SavedLexicalIndex.read
        moved: list[bool] = []

        def read_then_change(home: Path) -> object:
            saved = read(home)
            if not moved:
                moved.append(True)
                with StoredCollection.open(collection.folder) as other:
                    open_index(other)
            return saved

        with monkeypatch.context() as patch:
            patch.setattr(SavedLexicalIndex, "read", read_then_change)
            patch.setattr(lexical_index, "_new", _must_not_be_called)
            patch.setattr(lexical_index, "alone", lambda home: nullcontext(bool(moved)))
            index = open_index(collection)
        assert moved
        assert index.version == collection.version()
        assert len(index) == len(collection.passage_ids())


def test_what_a_killed_process_left_is_removed_also_where_nothing_has_changed(tmp_path: Path) -> None:
    with filled(tmp_path / "c") as collection:
        open_index(collection)
        home = collection.folder / "lexical.index"
        (current,) = (place for place in home.iterdir() if place.is_dir())
        (home / "0123456789abcdef").mkdir()
        (home / "0123456789abcdef" / "half.idx").write_bytes(b"half")
        assert_right(open_index(collection), collection)
        assert [place for place in home.iterdir() if place.is_dir()] == [current]
