"""The Dockerfile, what tests its steps, and the unit of docs/deployment.md: that they fit the commands and each other.

`.ci/container-steps` runs the steps themselves, which takes minutes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from search_api.settings import ServiceSettings, settable, variable_of

_REPOSITORY = Path(__file__).parents[1]
_DOCKERFILE = _REPOSITORY / "Dockerfile"
_GUIDE = _REPOSITORY / "docs" / "deployment.md"
_VARIABLES = {variable_of(own) for own in settable()} | {"SEARCH_COLLECTION", "SEARCH_MODEL", "SEARCH_CACHE"}


@pytest.fixture(scope="module")
def steps() -> ModuleType:
    loader = SourceFileLoader("container_steps", str(_REPOSITORY / ".ci" / "container-steps"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[loader.name] = module
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    loader.exec_module(module)
    sys.dont_write_bytecode = before
    return module


@pytest.fixture(scope="module")
def written(steps: ModuleType) -> list[tuple[str, str]]:
    """The instructions of the Dockerfile."""
    found: list[tuple[str, str]] = steps.instructions(_DOCKERFILE.read_text())
    return found


def of(written: list[tuple[str, str]], wanted: str) -> list[str]:
    return [rest for name, rest in written if name == wanted]


def test_lines_are_joined_and_comments_left_out(steps: ModuleType) -> None:
    text = '# FROM nothing\nFROM a AS b\n\nRUN one \\\n # not this\n && two\ncmd ["c"]\n'
    assert [(name, " ".join(rest.split())) for name, rest in steps.instructions(text)] == [
        ("FROM", "a AS b"),
        ("RUN", "one && two"),
        ("CMD", '["c"]'),
    ]


def test_every_instruction_is_one_that_is_tested(steps: ModuleType, written: list[tuple[str, str]]) -> None:
    assert [name for name, _ in written if not hasattr(steps.Build, f"_{name.lower()}")] == []


def test_every_path_lies_in_the_folder_that_is_moved(steps: ModuleType, written: list[tuple[str, str]]) -> None:
    build = steps.Build(Path("/elsewhere"))
    lines = [rest for name, rest in written if name in ("RUN", "COPY", "WORKDIR", "VOLUME", "ENV")]
    absolute = [path for line in lines for path in re.findall(r"(?<![\w.*-])/\w[\w/.-]*", build.here(line))]
    assert absolute
    assert [path for path in absolute if not path.startswith("/elsewhere/app")] == []
    assert build.here("PATH=/app/venv/bin:$PATH /app /apple") == (
        "PATH=/elsewhere/app/venv/bin:$PATH /elsewhere/app /apple"
    )


def test_the_image_runs_as_nobody_in_particular_and_asks_for_keys(written: list[tuple[str, str]]) -> None:
    (user,), (command,), (ports,) = of(written, "USER"), of(written, "CMD"), of(written, "EXPOSE")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert json.loads(command) == ["search-serve", "--host", "0.0.0.0"]
    settings = ServiceSettings.from_environment({"host": "0.0.0.0"})
    assert settings.keys_required()
    (variables,) = of(written, "ENV")
    named = dict(re.findall(r"(SEARCH_\w+)=(\S+)", variables))
    assert set(named) <= _VARIABLES
    assert named["SEARCH_PORT"] == ports == str(ServiceSettings.port)
    assert {Path(named[name]).parent for name in ("SEARCH_COLLECTION", "SEARCH_CACHE", "SEARCH_KEYS")} == {
        Path(json.loads(of(written, "VOLUME")[0])[0])
    }


class _Health(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def health_server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), _Health) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_health_check_tells_health_from_sickness(
    written: list[tuple[str, str]], health_server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, *command = json.loads(of(written, "HEALTHCHECK")[0].split("CMD", 1)[1])

    def checked(port: int) -> int:
        environment = {**os.environ, "SEARCH_PORT": str(port)}
        run = subprocess.run([sys.executable, *command], env=environment, stderr=subprocess.DEVNULL, check=False)
        return run.returncode

    assert checked(health_server.server_port) == 0
    monkeypatch.setattr(_Health, "status", 503)
    assert checked(health_server.server_port) == 1
    assert checked(9) == 1  # nobody listens


def test_what_goes_into_the_image_is_what_the_wheel_needs(steps: ModuleType, tmp_path: Path) -> None:
    found = steps.context_files(_REPOSITORY)
    assert {path.split("/")[0] for path in found} == {
        *("constraints.txt", "eval", "indexer", "LICENSE", "pyproject.toml", "README.md", "search_api", "seeds"),
    }
    assert not [path for path in found if "__pycache__" in path]
    assert {"seeds/corpus.jsonl", "search_api/app.py", "indexer/reading/files.py"} <= set(found)
    (tmp_path / ".dockerignore").write_text("*\n!kept\nkept/secret\n")
    for path in ("kept/a", "kept/secret", "left/b", "kept/deep/secret"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert steps.context_files(tmp_path) == ["kept/a", "kept/deep/secret"]


def test_the_guide_names_only_settings_that_there_are() -> None:
    named = set(re.findall(r"SEARCH_[A-Z_]+", _GUIDE.read_text()))
    assert named
    assert named <= _VARIABLES


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_takes_the_unit_of_the_guide(tmp_path: Path) -> None:
    found = re.search(r"```ini\n(.*?)```", _GUIDE.read_text(), re.DOTALL)
    assert found
    unit, replaced = re.subn(r"^ExecStart=\S+/search-serve\b", "ExecStart=/bin/true", found[1], flags=re.MULTILINE)
    assert replaced == 1  # what is installed need not be installed here
    (tmp_path / "search.service").write_text(unit)
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "search.service")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
