"""A server that has the model loaded answers the command `search` through a Unix socket, private to the user.

The standard library only, and little of it: this is imported before anything else that a search needs.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from indexer.paths import cache_folder

PROTOCOL = 1
"""Raise when the command asks for something else, or reads something else from answers: the sockets of releases that
do not understand each other have different names."""
TIMEOUT = 10.0
"""Seconds until the command stops waiting for the server and answers by itself."""

COLLECTION_FILE = "collection.sqlite"
"""As `indexer.database` has it, which takes longer to import than all of this."""

_FOLDER = "multilingual-search"
_LONGEST_PATH = 100  # bytes; systems allow 104 or 108
_LARGEST_ANSWER = 64 * 2**20


class Answer(NamedTuple):
    """What a server said: an HTTP status and the JSON object under it."""

    status: int
    body: dict[str, Any]


def socket_path(collection: Path, model: str | None = None) -> Path | None:
    """Where a server of this collection listens, or would; None where that cannot be, as on Windows or without a
    collection. `model`: the one asked for by name, where the collection is the sample's.

    A collection that was put in the place of another has another path: it is its file that counts, not its name.
    """
    if not hasattr(socket, "AF_UNIX") or sys.platform == "win32":
        return None
    try:
        file = os.stat(collection / COLLECTION_FILE)
    except (OSError, ValueError):
        return None
    name = f"{PROTOCOL}-{file.st_dev:x}-{file.st_ino:x}{_mark_of(model) if model else ''}.sock"
    paths = [path for folder in _folders() if len(os.fsencode(path := folder / name)) < _LONGEST_PATH]
    return next((path for path in paths if _is_private(path.parent) and path.is_socket()), next(iter(paths), None))


def _mark_of(model: str) -> str:
    import hashlib  # hardly ever needed

    return f"-{hashlib.blake2b(os.fsencode(model), digest_size=8).hexdigest()}"


def _folders() -> Iterator[Path]:
    """Folders for sockets, the best first: a session's own, the user's, which outlives sessions, the cache."""
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / _FOLDER
    elif sys.platform != "win32" and (users := Path(f"/run/user/{os.getuid()}")).is_dir():
        yield users / _FOLDER
    yield cache_folder().absolute() / "run"


def _is_private(folder: Path) -> bool:
    """Whether nobody else can put a socket there."""
    if sys.platform == "win32":
        return False
    try:
        state = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid() and not state.st_mode & 0o077


def ask(
    path: Path,
    target: str,
    body: dict[str, Any] | None = None,
    timeout: float = TIMEOUT,
    meanwhile: Callable[[], object] = lambda: None,
) -> Answer | None:
    """One request over the socket: POST with a body, else GET. None where nobody listens, or what listens gives no
    answer in time that could be read. `meanwhile` is called when the question is on its way."""
    if not _is_private(path.parent):
        return None
    deadline = time.monotonic() + timeout
    try:
        with _connection(path, timeout) as connection:
            connection.sendall(_request(target, body))
            meanwhile()
            return _answer(_received(connection, deadline))
    except (OSError, ValueError):
        return None


def _connection(path: Path, timeout: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect(str(path))
    except BaseException:
        connection.close()
        raise
    return connection


def _request(target: str, body: dict[str, Any] | None) -> bytes:
    """HTTP/1.0, so that the end of the answer is where the server closes: half of `http.client` is start-up time."""
    content = b"" if body is None else json.dumps(body).encode()
    head = [f"{'GET' if body is None else 'POST'} {target} HTTP/1.0", "Host: localhost", "Accept: application/json"]
    if body is not None:
        head += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*head, "", ""]).encode("ascii") + content


def _received(connection: socket.socket, deadline: float) -> bytes:
    """All that comes until the server closes. Raises OSError when that takes too long."""
    parts: list[bytes] = []
    size = 0
    while size < _LARGEST_ANSWER:
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        part = connection.recv(2**16)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
    raise ValueError("an answer without end")


def _answer(received: bytes) -> Answer:
    """Raises ValueError for what is no whole HTTP response with a JSON object."""
    head, separator, content = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if not separator or not version.startswith("HTTP/1.") or int(fields.get("content-length", "")) != len(content):
        raise ValueError("no whole answer")
    body = json.loads(content)
    if not isinstance(body, dict):
        raise ValueError("no object")
    return Answer(int(rest[:3]), body)


# The server's side


@contextmanager
def listening_socket(
    collection: Path, notice: Callable[[str], None] = lambda _: None, model: str | None = None
) -> Iterator[socket.socket | None]:
    """A listening socket for a server of this collection, gone with its file when the server is; None, with a notice,
    where another server listens already or the socket cannot be made. `model`: as in `socket_path`."""
    path = socket_path(collection, model)
    made = _made(path, notice) if path is not None else None
    if made is None or path is None:
        yield None
        return
    own = os.stat(path).st_ino
    try:
        yield made
    finally:
        made.close()
        with suppress(OSError):
            if os.lstat(path).st_ino == own:  # not that of a server that has come since
                path.unlink()


def _made(path: Path, notice: Callable[[str], None]) -> socket.socket | None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.lstat(path.parent).st_uid == os.getuid():
            path.parent.chmod(0o700)
        if not _is_private(path.parent):
            notice(f"{path.parent} belongs to someone else; the command `search` will not find this server")
            return None
        with _alone(path):
            if _is_answered(path):
                notice("another server has this collection; the command `search` goes on asking that one")
                return None
            path.unlink(missing_ok=True)
            return _bound(path)
    except OSError as error:
        notice(f"no socket for the command `search` ({error.strerror or error}); it will load the model by itself")
        return None


def _bound(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.bind(str(path))
        path.chmod(0o600)
        made.listen(128)
    except BaseException:
        made.close()
        raise
    return made


def _is_answered(path: Path) -> bool:
    """Whether a process listens there; one that was killed leaves a socket that refuses."""
    try:
        _connection(path, 1.0).close()
    except OSError as error:
        return error.errno not in (errno.ECONNREFUSED, errno.ENOENT, errno.ENOTSOCK)
    return True


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Of two servers that begin at once, one looks and binds after the other."""
    import fcntl  # there is none on Windows

    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
