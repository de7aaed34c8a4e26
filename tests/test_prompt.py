"""`search -i`: questions and commands one after the other, what is remembered of them, and how it ends."""

from __future__ import annotations

import os
import re
import select
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from search_api.command.history import History
from tests.command_line import Ask, asking, indexed, served
from tests.fakes import FakeEncoder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A collection that no test changes."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEARCH_CACHE", str(folder / "cache"))
        yield indexed(folder, FakeEncoder())


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the questions are kept."""
    file = tmp_path / "state" / "questions"
    monkeypatch.setattr(History, "__init__", lambda self, file=file: setattr(self, "_file", file))
    return file


@pytest.fixture
def ask(made: Path, state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    return asking(made, monkeypatch, capsys)


def heads(text: str) -> list[str]:
    """Language and title of each hit shown."""
    return re.findall(r"^ *\d+ [ -]\d\.\d\d[? ] (\w+ +.*)$", text, re.MULTILINE)


def ranks(text: str) -> list[int]:
    return [int(rank) for rank in re.findall(r"^ *(\d+) [ -]\d\.\d\d[? ] ", text, re.MULTILINE)]


def test_questions_are_answered_and_kept_for_the_user_alone(ask: Ask, state: Path) -> None:
    done = ask("-i", "-n", "1", stdin="gas\n\n:help\nban\n:quit\nnever asked\n")
    assert (done.status, done.err) == (0, "")
    assert heads(done.out) == ["en  Prices", "en  A ban"]
    assert ":open N " in done.out
    assert state.read_text() == "gas\nban\n"
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.parent.stat().st_mode) == 0o700


def test_the_model_is_loaded_once(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def load(name: str) -> FakeEncoder:
        loaded.append(name)
        return FakeEncoder()

    monkeypatch.setattr("search_api.command.own_searcher.load_query_encoder", load)
    ask("-i", stdin="ban\ngas\nban\n")
    assert loaded == ["fake"]


def test_filters_stay_and_ask_the_last_question_again(ask: Ask) -> None:
    filters = [":lang ja, zh", ":source NHK", ":lang", ":source", ":since 2025", ":since", ":until 2023", ":until"]
    done = ask("-i", "--no-collapse", stdin="ban\n" + "\n".join(filters) + "\n")
    assert done.err == ""
    blocks = [block for block in re.split(r"(?m)^(?= 1 [ -])", done.out) if block]
    titles = [sorted(head[4:].strip("\u2066\u2067\u2069") for head in heads(block)) for block in blocks]
    everything = sorted(["قرار", "A ban", "Prices", "発表", "公告", "=SUM(1)"])
    assert titles == [
        everything,
        ["公告", "発表"],
        ["発表"],
        ["発表"],
        everything,
        ["=SUM(1)"],
        everything,
        ["公告"],
        everything,
    ]


def test_filters_before_the_first_question_and_further_ones(ask: Ask) -> None:
    done = ask("-i", stdin=":where author:Sato\nban\n:where\n:mode lexical\n")
    blocks = [len(heads(block)) for block in re.split(r"(?m)^(?= 1 [ -])", done.out) if block]
    assert (blocks[0], blocks[1] > 1, done.err) == (1, True, "")


def test_more_goes_on_until_there_are_no_more(ask: Ask) -> None:
    done = ask("-i", "-n", "2", "--no-collapse", stdin="ban\n:more\n:more\n:more\n:more\n")
    assert ranks(done.out) == [1, 2, 3, 4, 5, 6]
    assert done.err.splitlines()[-1] == "search: there are no more hits"


def test_a_hit_is_shown_whole_by_its_number(ask: Ask) -> None:
    done = ask("-i", "--lang", "ja", stdin="禁輸\n:full 1\n")
    assert done.out.splitlines()[-1] == "⟦政府は禁輸を発表した。⟧店は開いていた。"
    done = ask("-i", "-n", "1", "--no-collapse", stdin="ban\n:more\n:full 2\n:full 1\n")
    assert done.out.count("⟦") >= 3
    assert done.err == "search: there is no hit 1; 2 found\n"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (":nonsense", ":nonsense is no command; :help shows all"),
        (":full", "nothing was asked yet; type a question first"),
        (":more", "nothing was asked yet; type a question first"),
        ("ban\n:open x", ":open x, expected the number of a hit, as in :open 1"),
        ("ban\n:open ٣٣٣", "there is no hit 333; 3 found"),
        ("ban\n:mode fast", ":mode fast, expected hybrid, semantic, lexical"),
        ("ban\n:since later", "--since later, expected YYYY"),
        ("ban\n:where Sato", "--where Sato, expected FIELD:VALUE"),
        ("?!", "the query has no letters or digits"),
    ],
)
def test_a_mistake_is_one_line_and_the_prompt_goes_on(typed: str, said: str, ask: Ask) -> None:
    done = ask("-i", stdin=f"{typed}\ngas\n")
    assert done.status == 0
    assert done.err.startswith(f"search: {said}")
    assert done.err.count("\n") == 1
    assert "en  Prices" in heads(done.out)


def test_nothing_to_search_is_an_error_at_once(
    tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = asking(tmp_path / "nothing", monkeypatch, capsys)("-i", stdin="ban\n")
    assert done.status == 2
    assert "no collection in" in done.err


# What is remembered


def test_the_oldest_questions_are_dropped(tmp_path: Path) -> None:
    file = tmp_path / "questions"
    file.write_text("".join(f"question {number}\n" for number in range(1_300)))
    history = History(file)
    assert history.lines() == [f"question {number}" for number in range(300, 1_300)]
    assert len(file.read_text().splitlines()) == 1_000
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    history.add("レアアース")
    assert history.lines()[-1] == "レアアース"


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    file = tmp_path / "questions"
    file.write_text("old\n")
    file.chmod(0o644)
    History(file).add("new")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("old\nnew\n", 0o600)


def test_history_that_cannot_be_kept_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    history = History(tmp_path / "file" / "questions")
    history.add("ban")
    assert history.lines() == []


# On a terminal


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        import pty  # there is none on Windows

        self._own, other = pty.openpty()
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import sys; from search_api.cli import main; sys.exit(main(sys.argv[1:]))",
                *arguments,
            ],
            stdin=other,
            stdout=other,
            stderr=other,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24", **environment},
            start_new_session=True,
            preexec_fn=self._take,
        )
        os.close(other)
        self.seen = ""

    @staticmethod
    def _take() -> None:
        import fcntl
        import termios

        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C reaches it
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # what a shell runs in the background ignores it

    def type(self, text: str) -> None:
        os.write(self._own, text.encode())

    def until(self, expected: str, seconds: float = 30) -> str:
        """What is shown up to and with some text."""
        end, start = time.monotonic() + seconds, len(self.seen)
        while expected not in self.seen[start:]:
            if time.monotonic() > end:
                self.process.kill()
                self.close()
                pytest.fail(f"no {expected!r} in {self.seen!r}")
            if select.select([self._own], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self._own, 65_536).decode("utf-8", "replace")
                except OSError:
                    break
        return self.seen[start:]

    def close(self) -> int:
        status = self.process.wait(30)
        os.close(self._own)
        return status


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals here")
def test_on_a_terminal_ctrl_c_clears_the_line_and_ctrl_d_ends(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="s") as short:
        monkeypatch.setenv("XDG_RUNTIME_DIR", short)
        monkeypatch.setenv("XDG_STATE_HOME", f"{short}/state")
        monkeypatch.setenv("HOME", short)
        with served(made) as asked:
            terminal = Terminal(["-i", "-n", "1", "--collection", str(made)], {})
            terminal.until("search> ")
            terminal.type("unfinished")
            terminal.until("unfinished")
            time.sleep(0.5)  # as people do: readline sees a signal only while it waits for the next key
            terminal.type("\x03")
            terminal.until("search> ")
            terminal.type("ban\n")
            shown = terminal.until("search> ")
            assert "\x1b[1mThe ban was announced.\x1b[0m" in shown
            assert "\x1b]8;;file://" in shown
            terminal.type("\x1b[A\x1b[A\n")  # the one question there was
            assert "\x1b[1mThe ban was announced.\x1b[0m" in terminal.until("search> ")
            terminal.type(":fu\t1\n")
            assert "Shops stayed open." in terminal.until("search> ")
            terminal.type("\x04")
            assert terminal.close() == 0
        assert "Traceback" not in terminal.seen
        assert asked == ["/search"] * 2
        (file,) = Path(short).rglob("questions")
        assert file.read_text() == "ban\nban\n"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
