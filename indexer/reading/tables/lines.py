"""A stream -> lines with their ends, one at a time, and back again."""

from __future__ import annotations

import contextlib
import io
import re
from collections import deque
from collections.abc import Sequence
from typing import BinaryIO

from indexer.reading.source import Limits

_BROKEN = re.compile("[\udc80-\udcff]")


class Lines:
    """Lines with their ends, one at a time, and back again."""

    def __init__(self, stream: BinaryIO, charset: str, limits: Limits) -> None:
        errors = "replace" if charset.startswith(("utf-16", "utf-32")) else "surrogateescape"
        self._text = io.TextIOWrapper(stream, charset, errors, newline="")
        self._most = limits.line
        self._back: deque[tuple[int, str]] = deque()
        self._number = 0
        self.broken = 0
        self.first_broken = 0

    def next(self) -> tuple[int, str]:
        """Its number from 1, and the line; '' at the end. One that is too long is cut after a character more than may
        be read."""
        if self._back:
            return self._back.popleft()
        line = self._text.readline(self._most + 1)
        self._number += 1
        if self._number == 1:
            line = line.removeprefix("\ufeff")
        if not line.isascii() and _BROKEN.search(line):
            self.broken += 1
            self.first_broken = self.first_broken or self._number
        end = line[-1:]
        while len(line) > self._most and end not in ("\n", "\r", ""):
            end = self._text.readline(1_000_000)[-1:]
        return self._number, line

    def back(self, lines: Sequence[tuple[int, str]]) -> None:
        self._back.extendleft(reversed(lines))

    def detach(self) -> None:
        """The stream is not closed with it."""
        with contextlib.suppress(ValueError):  # it was closed before
            self._text.detach()
