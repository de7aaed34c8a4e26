"""The process that encodes: the vectors are those of the encoder, queries that wait are encoded together, errors reach
who asked, a death is survived, and nobody but the user's own processes can ask."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import AuthenticationError

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.errors import ModelError, SettingsError
from indexer.models import load_query_encoder
from search_api.encoding import remote
from search_api.encoding.place import Place, new_place
from search_api.encoding.process import EncoderProcess
from search_api.encoding.remote import RemoteEncoder
from search_api.encoding.work import TOGETHER, Asking, encode
from tests.query_threads import Query
from tests.waiting import PATIENCE, until

QUERIES = ["rare earth export ban", "حظر تصدير العناصر النادرة", "レアアースの輸出規制", "稀土出口禁令", ""]
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

# In this process, with an encoder that waits until it is told to go on


class Slow:
    """A text's vector is (its length, its code)."""

    name, fingerprint = "slow", "slow-1"

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.batches.append(list(texts))
        self.begun.set()
        assert self.go_on.wait(PATIENCE)
        if "wrong" in texts:
            raise ValueError("broken")
        return np.array([expected(text) for text in texts], np.float32)


def expected(text: str) -> list[float]:
    return [len(text), sum(map(ord, text))]


@contextmanager
def encoding(encoder: Slow) -> Iterator[Place]:
    with new_place() as place:
        asking = Asking(place.listener(), (encoder.name, encoder.fingerprint))

        def work() -> None:
            while True:
                if batch := asking.next_batch():
                    encode(encoder, batch)

        threading.Thread(target=work, daemon=True).start()
        yield place
        asking.close()


def asked_while_one_is_encoded(encoder: Slow, place: Place, texts: Sequence[str]) -> list[Query]:
    """By two processes, as it were."""
    clients = [RemoteEncoder(place), RemoteEncoder(place)]
    first = Query(clients[0], "first")
    assert encoder.begun.wait(PATIENCE)
    others = [Query(clients[number % 2], text) for number, text in enumerate(texts)]
    until(lambda: sum(len(client._connected._waiting) for client in clients) == len(texts) + 1)
    encoder.go_on.set()
    for own in (first, *others):
        own.ended()
    return [first, *others]


@pytest.mark.parametrize("count", [1, TOGETHER, 2 * TOGETHER + 2])
def test_what_waits_is_encoded_together(count: int) -> None:
    encoder = Slow()
    with encoding(encoder) as place:
        threads = asked_while_one_is_encoded(encoder, place, [f"text {number}" for number in range(count)])
    for own in threads:
        assert (own.rows, own.error) == ([expected(text) for text in own.texts], None)
    sizes = [len(batch) for batch in encoder.batches]
    assert sizes == [1, *[TOGETHER] * (count // TOGETHER), *([count % TOGETHER] if count % TOGETHER else [])]


def test_the_same_text_is_encoded_once() -> None:
    encoder = Slow()
    with encoding(encoder) as place:
        threads = asked_while_one_is_encoded(encoder, place, ["a", "b", "a", "a"])
    assert [sorted(batch) for batch in encoder.batches] == [["first"], ["a", "b"]]
    assert [own.rows for own in threads[1:]] == [[expected(text)] for text in "abaa"]


def test_what_cannot_be_encoded_harms_nobody_else() -> None:
    encoder = Slow()
    with encoding(encoder) as place:
        _, one, wrong, other = asked_while_one_is_encoded(encoder, place, ["one", "wrong", "other"])
    assert (one.rows, other.rows) == ([expected("one")], [expected("other")])
    assert isinstance(wrong.error, RuntimeError)
    assert "ValueError: broken" in str(wrong.error), "with what there is to know of it, for the log"


def test_who_has_left_is_not_waited_for() -> None:
    encoder = Slow()
    with encoding(encoder) as place:
        left, stays = RemoteEncoder(place), RemoteEncoder(place)
        lost = Query(left, "lost")
        assert encoder.begun.wait(PATIENCE)
        left.close()
        kept = Query(stays, "kept")
        encoder.go_on.set()
        kept.join(PATIENCE)
        assert kept.rows == [expected("kept")]
        lost.join(PATIENCE)
        assert lost.rows == [expected("lost")], "what was asked before is answered"


def test_what_has_just_ended_by_itself_can_be_closed() -> None:
    with encoding(Slow()) as place:
        encoder = RemoteEncoder(place)
        connection = encoder._connected._connection

        def broken(_: object) -> None:
            raise BrokenPipeError

        connection.send = broken  # type: ignore[assignment]  # its end is not heard yet
        encoder.close()


def test_who_does_not_know_the_key_cannot_ask() -> None:
    encoder = Slow()
    encoder.go_on.set()
    with encoding(encoder) as place:
        with pytest.raises(AuthenticationError):
            Place(place.address, b"another").connection()
        assert RemoteEncoder(place).encode_queries(["a"]).tolist() == [expected("a")], "others are served on"
        if sys.platform != "win32":
            assert os.stat(os.path.dirname(place.address)).st_mode & 0o77 == 0


def test_a_place_is_told_in_an_environment_variable() -> None:
    with new_place() as place:
        assert Place.of(place.text()) == place


@posix
def test_a_folder_that_cannot_be_made_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/no/such/folder")
    with pytest.raises(SettingsError, match="name one in TMPDIR"), new_place():
        pass


def test_nobody_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_PATIENCE", 0.2)
    with new_place() as place, pytest.raises(ModelError, match="is not there"):
        RemoteEncoder(place)


# The process itself, with the embedded model


@pytest.fixture(scope="module")
def process(model: str) -> Iterator[EncoderProcess]:
    begun = EncoderProcess(model)
    try:
        yield begun
    finally:
        begun.close()
        assert begun._process.poll() is not None


@pytest.fixture(scope="module")
def model() -> str:
    return load_query_encoder().name


def test_the_vectors_are_those_of_the_encoder(process: EncoderProcess, model: str) -> None:
    there, here = RemoteEncoder(process.place), load_query_encoder(model)
    assert (there.name, there.fingerprint) == (here.name, here.fingerprint)
    np.testing.assert_allclose(there.encode_queries(QUERIES), here.encode_queries(QUERIES), atol=2e-6)
    assert there.encode_queries([]).shape == (0, here.encode_queries(["a"]).shape[1])


def test_many_threads_get_what_they_asked_for(process: EncoderProcess) -> None:
    encoder = RemoteEncoder(process.place)
    alone = {text: encoder.encode_queries([text])[0] for text in QUERIES}
    threads = [Query(encoder, QUERIES[number % 5]) for number in range(40)]
    for own in threads:
        own.join(PATIENCE)
        assert own.rows is not None
        np.testing.assert_allclose(own.rows[0], alone[own.texts[0]], atol=2e-6)


@posix
def test_when_the_process_dies_another_one_answers(process: EncoderProcess) -> None:
    encoder = RemoteEncoder(process.place)
    before = encoder.encode_queries(QUERIES)
    first = process._process.pid
    os.kill(first, signal.SIGKILL)
    np.testing.assert_array_equal(encoder.encode_queries(QUERIES), before)
    until(lambda: process._process.pid != first)


@posix
def test_to_stop_is_for_the_one_that_began_it(process: EncoderProcess) -> None:
    before = process._process.pid
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(before, number)
    time.sleep(0.2)
    assert len(RemoteEncoder(process.place).encode_queries(["a"])) == 1
    assert process._process.pid == before


@pytest.mark.parametrize("name", ["/no/such/folder", "/no/such/folder+use"])
def test_a_model_that_is_not_there_is_the_same_error(name: str) -> None:
    with pytest.raises(ModelError) as here:
        load_query_encoder(name)
    with pytest.raises(ModelError) as there:
        EncoderProcess(name)
    assert str(there.value) == str(here.value)


@posix
def test_it_ends_with_the_one_that_began_it_whatever_way_that_ends(model: str) -> None:
    run = (
        "from search_api.encoding.process import EncoderProcess\n"
        f"process = EncoderProcess({model!r})\n"
        "print(process._process.pid, process.place.address, flush=True)\n"
        "input()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", run], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    pid, _, address = parent.stdout.readline().strip().partition(" ")
    child = int(pid)
    assert is_there(child)
    assert os.path.exists(address)
    parent.kill()
    parent.wait()
    until(lambda: not is_there(child))
    assert not os.path.exists(os.path.dirname(address)), "nothing is left of it"
    parent.stdout.close()
    parent.stdin.close()


def is_there(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as state:
            return state.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        pass
    if os.path.isdir("/proc/self"):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
