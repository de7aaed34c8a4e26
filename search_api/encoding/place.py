"""Where the process that encodes listens: an address on this machine, and the key to it."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection, Listener

from indexer.errors import SettingsError

READY = "ready"
"""What the process says when it begins to listen; else it says what is wrong."""
_LONGEST_PATH = 100  # bytes; systems allow 104 or 108


@dataclass(frozen=True)
class Place:
    """To be told to the user's own processes, and to nobody else."""

    address: str
    key: bytes

    def text(self) -> str:
        """For an environment variable."""
        return f"{self.key.hex()} {self.address}"

    @classmethod
    def of(cls, text: str) -> Place:
        """The opposite."""
        key, _, address = text.partition(" ")
        return cls(address, bytes.fromhex(key))

    def listener(self) -> Listener:
        """For the process that encodes. One that came before it and died may have left its socket."""
        self._unlink()
        return Listener(self.address, authkey=self.key, backlog=64)

    def clear(self) -> None:
        """Nothing is left of it: the one that made it may have been killed."""
        self._unlink()
        if sys.platform != "win32":
            with suppress(OSError):
                os.rmdir(os.path.dirname(self.address))

    def _unlink(self) -> None:
        if sys.platform != "win32":
            with suppress(FileNotFoundError):
                os.unlink(self.address)

    def connection(self) -> Connection:
        """Raises OSError and EOFError where nobody listens."""
        connected: Connection = Client(self.address, authkey=self.key)
        return connected


@contextmanager
def new_place() -> Iterator[Place]:
    """As long as one is within. Raises SettingsError."""
    key = secrets.token_bytes(32)
    if sys.platform == "win32":
        yield Place(rf"\\.\pipe\search-encoder-{secrets.token_hex(16)}", key)
        return
    try:
        made = tempfile.TemporaryDirectory(prefix="search-encoder-", dir=_short(), ignore_cleanup_errors=True)
    except OSError as error:
        raise SettingsError(f"no folder for a socket can be made ({error}); name one in TMPDIR") from None
    with made as folder:  # of mode 0700
        yield Place(os.path.join(folder, "s"), key)


def _short() -> str | None:
    usual = tempfile.gettempdir()
    return None if len(os.fsencode(usual)) + len("/search-encoder-12345678/s") <= _LONGEST_PATH else "/tmp"
