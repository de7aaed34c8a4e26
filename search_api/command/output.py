"""Standard output: whether it is a terminal, how wide, and what it understands."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple, TextIO

_WIDEST = 110
_NARROWEST = 20
_USUAL = 100
"""Columns where nobody says how many there are."""


class Screen(NamedTuple):
    """What stands at the other end of standard output."""

    width: int
    height: int | None
    """Lines; None where it is no terminal, and nothing has to fit."""
    color: bool = False
    links: bool = False
    """Whether addresses may be behind titles (OSC 8)."""


def screen() -> Screen:
    """Colours and links only on a terminal; NO_COLOR takes the colours, TERM=dumb both."""
    columns, lines = _size()
    width = max(_NARROWEST, min(columns or _USUAL, _WIDEST))
    if not sys.stdout.isatty():
        return Screen(width, None)
    kind = os.environ.get("TERM", "")
    clever = sys.platform == "win32" or kind not in ("", "dumb")
    return Screen(width, lines or 24, color=clever and not os.environ.get("NO_COLOR"), links=clever and kind != "linux")


def _size() -> tuple[int, int]:
    """Columns and lines; 0 where they are not known. COLUMNS and LINES go first."""
    try:
        size: tuple[int, int] = os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1)
    except (OSError, ValueError):
        size = (0, 0)
    return _number("COLUMNS") or size[0], _number("LINES") or size[1]


def _number(variable: str) -> int:
    text = os.environ.get(variable, "")
    return int(text) if text.isdecimal() and len(text) < 6 else 0


def prepare() -> None:
    """Whatever a document holds can be printed: to files and pipes in UTF-8, unless PYTHONIOENCODING says otherwise."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            encoding = None if os.environ.get("PYTHONIOENCODING") or stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")  # \udc80 is what JSON calls it, too


def write(text: str, stream: TextIO | None = None) -> None:
    (stream or sys.stdout).write(text)
