"""The commands as a shell runs them: what is printed, where, and with which exit status. The real model."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import pytest

_BIN = Path(sys.executable).parent
_TEXTS = {
    "a.txt": "تقرير\nأعلنت الحكومة حظر تصدير المعادن النادرة في يناير. وبقيت الأسعار مرتفعة.\n",
    "b.md": "# Weather\n\nIt will rain in the north. The *south* stays dry.\n",
    "c.jsonl": '{"id": "ja-1", "text": "サッカーの試合は引き分けに終わった。"}\n{"id": "broken"\n'
    '{"id": "zh-1", "text": "下周气温骤降，请注意保暖。"}\n',
}


def run(command: str, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(_BIN / command), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "SEARCH_COLLECTION": "", **environment},
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three files, one of them with a broken line, indexed by the command."""
    folder = tmp_path_factory.mktemp("files")
    for name, text in _TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    made = str(tmp_path_factory.mktemp("made") / "collection")
    done = run("search-index", str(folder), "--collection", made)
    assert done.returncode == 1, "a line was skipped"
    assert f"skipped {folder}/c.jsonl:2: not JSON" in done.stderr
    assert "4 added, 0 changed, 0 unchanged, 1 skipped" in done.stderr
    return made


def test_json_is_one_hit_a_line_and_notices_go_elsewhere(collection: str) -> None:
    done = run("search", "rare earth export ban", "--json", "-n", "2", "--collection", collection)
    hits = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert [hit["rank"] for hit in hits] == [1, 2]
    assert hits[0]["document_id"].endswith("/a.txt")
    (mark,) = hits[0]["highlights"]
    assert hits[0]["snippet"][mark["start"] : mark["end"]] == "أعلنت الحكومة حظر تصدير المعادن النادرة في يناير."
    assert (hits[0]["weak"], hits[0]["also_in"]) == (False, [])
    assert "explanation" not in hits[0]


@pytest.mark.parametrize(
    ("query", "document", "marked"),
    [
        ("south rain", "/b.md", ["rain", "south"]),
        ("حظر التصدير", "/a.txt", ["حظر", "تصدير"]),
        ("サッカーの試合", "ja-1", ["サッカーの試合"]),
        ("下週氣溫", "zh-1", ["下周气温"]),
    ],
    ids=["en", "ar", "ja", "zh"],
)
def test_words_of_the_question_are_marked_in_json(
    query: str, document: str, marked: list[str], collection: str
) -> None:
    done = run("search", query, "--json", "--no-collapse", "--collection", collection)
    (hit,) = (hit for hit in map(json.loads, done.stdout.splitlines()) if hit["document_id"].endswith(document))
    assert hit["rank"] == 1
    words = [mark for mark in hit["highlights"] if mark["kind"] == "word"]
    assert [hit["snippet"][mark["start"] : mark["end"]] for mark in words] == marked


def test_explain_says_what_each_stage_contributed(collection: str) -> None:
    done = run("search", '"stays dry" rain', "--explain", "--json", "--collection", collection)
    first, *others = [json.loads(line) for line in done.stdout.splitlines()]
    assert first["document_id"].endswith("/b.md")
    assert [hit["explanation"]["quoted"] for hit in (first, *others)] == [1, *[0] * len(others)]
    done = run("search", "rain", "--explain", "-n", "1", "--collection", collection, COLUMNS="200")
    explanation = done.stdout[done.stdout.index("    passage ") :]
    assert explanation.split()[::2] == "passage sentence generic evidence feedback words fusion quoted".split()


def test_a_story_told_twice_is_one_hit_unless_told_otherwise(tmp_path: Path) -> None:
    for name, text in (("one", "Heavy rain fell on the north."), ("two", "Heavy rain fell on the north!")):
        (tmp_path / f"{name}.txt").write_text(f"{text} The roads were closed until the evening.\n")
    made = str(tmp_path / "made")
    assert run("search-index", *map(str, sorted(tmp_path.glob("*.txt"))), "--collection", made).returncode == 0
    together = run("search", "rain", "--json", "--collection", made).stdout.splitlines()
    apart = run("search", "rain", "--json", "--no-collapse", "--collection", made).stdout.splitlines()
    assert (len(together), len(apart)) == (1, 2)
    first, second = map(json.loads, apart)
    (hit,) = map(json.loads, together)
    assert hit["document_id"] == first["document_id"]
    assert [telling["document_id"] for telling in hit["also_in"]] == [second["document_id"]]
    text = run("search", "rain", "--collection", made).stdout
    assert "also in en" in text
    assert "also in" not in run("search", "rain", "--no-collapse", "--collection", made).stdout


def test_text_isolates_right_to_left_and_marks_the_sentence(collection: str) -> None:
    done = run("search", "rare", "earth", "export", "ban", "-n", "1", "--collection", collection)
    assert "\u2067تقرير\u2069" in done.stdout
    assert "⟦أعلنت الحكومة حظر تصدير المعادن النادرة في يناير.⟧" in done.stdout
    assert "\x1b" not in done.stdout


def test_no_hit_is_exit_status_1(collection: str) -> None:
    done = run("search", "ban", "--lang", "fi", "--collection", collection)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "search: nothing found in fi; the collection holds passages in: ar, en, ja, zh\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["", "--json"], "the query is empty"),
        (["?!"], "no letters or digits"),
        (["x" * 20_000], "20,000 characters"),
        (["ban", "--limit", "0"], "--limit 0, expected 1 to 100"),
        (["ban", "--collection", "/nowhere"], "no collection in /nowhere; make one with: search-index"),
        (["ban", "--sample", "--model", "no-such-model"], "no model 'no-such-model'"),
        (["ban", "--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_a_mistake_is_one_line_and_exit_status_2(arguments: list[str], said: str) -> None:
    done = run("search", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_query_that_is_not_utf8_is_one_line() -> None:
    done = subprocess.run([str(_BIN / "search"), b"\xff\xfe"], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"characters that are not text" in done.stderr
    assert b"Traceback" not in done.stderr


def test_another_model_is_refused_with_the_way_out(collection: str, tmp_path: Path) -> None:
    from indexer.model_folders import first_model, folder_of

    for file in folder_of(first_model()).rglob("*"):
        target = tmp_path / "other" / file.relative_to(folder_of(first_model()))
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.is_file():
            target.symlink_to(file)
    prompts = tmp_path / "other" / "config_sentence_transformers.json"
    prompts.unlink()
    prompts.write_text('{"prompts": {"query": "", "passage": ""}}')
    for other in (str(tmp_path / "other"), f"{tmp_path}/other+use", first_model()):
        done = run("search", "ban", "--collection", collection, "--model", other)
        assert done.returncode == 2
        assert "was made with model multilingual-e5-small-q4+use" in done.stderr
        assert "search it with --model multilingual-e5-small-q4+use, or index the files again" in done.stderr


def test_a_pipe_that_closes_early_is_no_error(collection: str) -> None:
    command = f"'{_BIN / 'search'}' rain --collection '{collection}' --json | head -c 1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"{", b"")


def test_standard_input_status_and_delete(collection: str) -> None:
    done = run("search-index", "-", "--collection", collection, stdin="Drones deliver medicine to villages.")
    assert "1 added" in done.stderr
    status = run("search-index", "status", "--collection", collection)
    assert "documents   5" in status.stdout
    deleted = run("search-index", "--delete", "stdin", "nothing", "--collection", collection)
    assert deleted.returncode == 1
    assert "no document, file or folder nothing" in deleted.stderr
    assert "documents   4" in run("search-index", "status", "--collection", collection).stdout


def test_a_missing_path_is_named_and_the_rest_indexed(collection: str, tmp_path: Path) -> None:
    (tmp_path / "binary.txt").write_bytes(b"\x00\x01\x02text")
    (tmp_path / "empty.md").write_text("")
    done = run("search-index", str(tmp_path), "/no/such/file.txt", "--collection", str(tmp_path / "new"))
    assert done.returncode == 1
    assert "skipped /no/such/file.txt: no such file or folder" in done.stderr
    assert f"skipped {tmp_path}/binary.txt: binary, not text" in done.stderr
    assert f"skipped {tmp_path}/empty.md: empty" in done.stderr


def test_serve_answers_on_its_port_and_on_the_users_socket_and_stops_when_interrupted(collection: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="s") as runtime:
        server = subprocess.Popen(
            [str(_BIN / "search-serve"), "--port", str(port), "--collection", collection],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "XDG_RUNTIME_DIR": runtime},
        )
        try:
            base = f"http://127.0.0.1:{port}"
            for _ in range(600):
                try:
                    httpx.get(f"{base}/ready").raise_for_status()
                    break
                except httpx.ConnectError:
                    time.sleep(0.1)
            answer = httpx.get(f"{base}/search", params={"q": "rare earth export ban"}).json()
            assert answer["hits"][0]["document_id"].endswith("/a.txt")
            _check_that_the_command_says_the_same(collection, runtime)
        finally:
            server.send_signal(signal.SIGINT)
            _, stderr = server.communicate(timeout=30)
        assert os.listdir(runtime) == ["multilingual-search"]
        assert not list(Path(runtime).rglob("*.sock"))
    assert server.returncode == 0
    assert "Traceback" not in stderr
    assert stderr.count('"client": "socket"') == 3


def _check_that_the_command_says_the_same(collection: str, runtime: str) -> None:
    """To the byte, with a server and without one."""
    for options in (["--json", "--explain"], ["--format", "csv"], ["--lang", "fi"]):
        with_server, without = (
            run("search", "rare earth", *options, *more, "--collection", collection, XDG_RUNTIME_DIR=runtime)
            for more in ([], ["--no-server"])
        )
        assert (with_server.returncode, with_server.stdout) == (without.returncode, without.stdout)
        assert with_server.stderr == without.stderr


def test_questions_from_a_pipe_are_answered_by_one_process(collection: str) -> None:
    done = run(
        "search", "-", "--json", "-n", "1", "--collection", collection, stdin="rare earth export ban\n下週氣溫\n"
    )
    first, second = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, done.stderr) == (0, "")
    assert (first["query"], second["query"]) == ("rare earth export ban", "下週氣溫")
    assert first["document_id"].endswith("/a.txt")
    assert second["document_id"] == "zh-1"


def test_what_is_no_text_elsewhere_is_printed_all_the_same(collection: str) -> None:
    done = run("search", "rain", "-n", "1", "--collection", collection, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "\\u27e6It will rain in the north." in done.stdout


@pytest.mark.parametrize("command", ["search", "search-index", "search-serve", "search-eval"])
def test_help_says_what_it_does(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: {command}")
