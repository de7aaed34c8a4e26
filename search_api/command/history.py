"""The questions that were asked at the prompt, kept in a file that only the user can read."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from platformdirs import user_state_path

_MOST = 1_000
_SLACK = 200
"""So many lines more, and the oldest are dropped."""


class History:
    """A line a question, the newest last. What cannot be read or written is as if it were not there: a prompt without
    history is still a prompt."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or user_state_path("multilingual-search", appauthor=False) / "questions"

    def lines(self) -> list[str]:
        """The last questions; those of several prompts are among each other."""
        try:
            lines = self._file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []
        kept = [line for line in lines if line.strip()][-_MOST:]
        if len(lines) > _MOST + _SLACK:
            self._replace(kept)
        return kept

    def add(self, line: str) -> None:
        with suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(self._opened(self._file, os.O_APPEND), "a", encoding="utf-8", errors="replace") as stream:
                stream.write(line + "\n")

    def _replace(self, lines: list[str]) -> None:
        part = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        with suppress(OSError):
            with open(self._opened(part, os.O_TRUNC), "w", encoding="utf-8") as stream:
                stream.write("".join(f"{line}\n" for line in lines))
            part.replace(self._file)

    @staticmethod
    def _opened(file: Path, how: int) -> int:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | how, 0o600)
        if hasattr(os, "fchmod"):
            os.fchmod(descriptor, 0o600)
        return descriptor
