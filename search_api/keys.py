"""API keys: random, kept as hashes in a file of the user's own, read again when that file changes.

A key holds 256 random bits, so no hash need be slow: nobody tries out 2^256 keys. Salt would add nothing either.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import re
import secrets
import stat
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from indexer.errors import SettingsError

Scope = Literal["read", "write"]
SCOPES: tuple[Scope, ...] = ("read", "write")

_LOG = logging.getLogger(__name__)
_PREFIX = "search_"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FORMAT = 1
_LOOK_AGAIN = 0.5  # seconds


@dataclass(frozen=True)
class Key:
    """What is kept of a key. Who may write may read too."""

    name: str
    scope: Scope
    sha256: str
    created: str

    def allows(self, needed: Scope) -> bool:
        return needed == "read" or self.scope == "write"


def add_key(file: Path, name: str, scope: Scope) -> str:
    """Make a key and return it: it is kept nowhere. Raises SettingsError."""
    if not _NAME.fullmatch(name):
        raise SettingsError(f"the name {name[:80]!r}: expected up to 64 of the letters A-Z a-z, digits and . _ -")
    made = _PREFIX + secrets.token_urlsafe(32)
    with _changing(file):
        keys = read_keys(file) if file.exists() else []
        if any(key.name == name for key in keys):
            raise SettingsError(f"there is a key {name!r} already; remove it first, or give another name")
        created = datetime.now(UTC).isoformat(timespec="seconds")
        _write(file, [*keys, Key(name, scope, _digest(made), created)])
    return made


def remove_key(file: Path, name: str) -> None:
    """Raises SettingsError when there is none of that name."""
    if not file.exists():
        raise SettingsError(f"there is no key {name[:80]!r}: there are no keys yet")
    with _changing(file):
        keys = read_keys(file)
        left = [key for key in keys if key.name != name]
        if len(left) == len(keys):
            raise SettingsError(f"there is no key {name[:80]!r}; `search-serve keys list` shows those there are")
        _write(file, left)


def read_keys(file: Path) -> list[Key]:
    """The keys of a file that only its owner may change. Raises SettingsError."""
    try:
        state = file.stat()
        text = file.read_text("utf-8")
    except FileNotFoundError:
        raise SettingsError(
            f"{file}: there are no API keys; make one with `search-serve keys add NAME --scope read`"
        ) from None
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{file}: the API keys cannot be read ({error})") from None
    if sys.platform != "win32" and state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SettingsError(f"{file}: others may change the API keys; mend that with chmod 600")
    try:
        return _parsed(json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise SettingsError(f"{file}: not a file of API keys; move it away and make new keys") from None


def _parsed(content: Any) -> list[Key]:
    if content["format"] != _FORMAT:
        raise ValueError("another format")
    keys = [Key(**item) for item in content["keys"]]
    for key in keys:
        if not (_NAME.fullmatch(key.name) and key.scope in SCOPES and _DIGEST.fullmatch(key.sha256)):
            raise ValueError("no key")
    return keys


@contextmanager
def _changing(file: Path) -> Iterator[None]:
    """One change at a time."""
    lock = FileLock(file.with_name(f"{file.name}.lock"), mode=0o600)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise SettingsError(f"{file}: the API keys cannot be written ({error.strerror})") from None
    try:
        yield
    finally:
        lock.release()


def _write(file: Path, keys: Iterable[Key]) -> None:
    """All or nothing, and from the first byte on for the owner alone."""
    content = json.dumps({"format": _FORMAT, "keys": [asdict(key) for key in keys]}, indent=1)
    part = ""
    try:
        handle, part = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")  # mode 0600
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(content + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, file)
    except OSError as error:
        if part:
            with suppress(OSError):
                os.unlink(part)
        raise SettingsError(f"{file}: the API keys cannot be written ({error.strerror})") from None


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


class KeyRing:
    """The keys of a file as they are now."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._looked = 0.0
        self._state: tuple[int, ...] | None = None
        self._keys: list[Key] = []

    def find(self, presented: str) -> Key | None:
        """The key that a client shows. It takes as long whichever key it is, and whether it is one."""
        self._look()
        digest = _digest(presented)
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.sha256, digest):
                found = key
        return found

    def _look(self) -> None:
        now = time.monotonic()
        if self._looked and now - self._looked < _LOOK_AGAIN:
            return
        self._looked = now
        state = self._file_state()
        if state == self._state:
            return
        try:
            self._keys = read_keys(self._file)
        except SettingsError as error:  # what was taken away must not work on
            self._keys = []
            _LOG.error("%s; until that is mended every key is refused", error)
        self._state = state

    def _file_state(self) -> tuple[int, ...] | None:
        try:
            state = self._file.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size, state.st_ino, state.st_mode
