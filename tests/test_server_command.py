"""The command `search-serve`: its options, its subcommand `keys`, and where it listens."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.errors import SettingsError
from search_api import server
from search_api.listening import address_of, bound_sockets
from search_api.settings import ServiceSettings


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import sys; from search_api.server import main; sys.exit(main())", *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60)


def test_keys_are_made_listed_and_removed(tmp_path: Path) -> None:
    file = str(tmp_path / "folder" / "keys.json")
    made = run("keys", "add", "desk", "--scope", "write", SEARCH_KEYS=file)
    assert (made.returncode, made.stdout.count("\n")) == (0, 1)
    assert made.stdout.strip() not in Path(file).read_text()
    listed = run("keys", "list", "--keys", file)
    assert re.fullmatch(r"desk\twrite\t\d{4}-\d\d-\d\dT\S+\n", listed.stdout)
    assert run("keys", "rm", "desk", SEARCH_KEYS=file).returncode == 0
    assert run("keys", "list", SEARCH_KEYS=file).stdout == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "there are no API keys; make one with `search-serve keys add NAME --scope read`"),
        (["--require-keys", "yes"], "there are no API keys"),
        (["--port", "99999"], "--port is '99999', expected a whole number from 0 to 65535"),
        (["--host", "not an address"], "--host is 'not an address', expected an address"),
        (["--host", "192.0.2.1", "--no-keys"], "cannot listen on 192.0.2.1"),
        (["keys", "rm", "nobody"], "there is no key 'nobody'"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEARCH_KEYS", str(tmp_path / "keys.json"))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert server.main(arguments) == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert said in last


def test_a_port_that_is_taken_is_one_line() -> None:
    (taken,) = bound_sockets("127.0.0.1", 0)
    assert taken.proto == socket.IPPROTO_TCP, "else each answer over a connection that is kept waits 40 ms"
    port = taken.getsockname()[1]
    with taken, pytest.raises(SettingsError, match=f"port {port} of 127.0.0.1 is taken"):
        bound_sockets("127.0.0.1", port)


def test_a_name_is_listened_to_at_all_its_addresses_on_one_port() -> None:
    sockets = bound_sockets("localhost", 0)
    try:
        assert len({own.getsockname()[1] for own in sockets}) == 1
        assert {address_of(own).rsplit(":", 1)[0] for own in sockets} <= {"http://127.0.0.1", "http://[::1]"}
    finally:
        for own in sockets:
            own.close()


def test_off_loopback_without_keys_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    server._check_keys(ServiceSettings(host="0.0.0.0", require_keys="no"))
    assert "whoever reaches 0.0.0.0 may search and change the collection" in capsys.readouterr().err
    server._check_keys(ServiceSettings())
    assert capsys.readouterr().err == ""
