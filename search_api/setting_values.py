"""Text of an option or environment variable -> a value; ValueError says what was expected."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Parse = Callable[[str], Any]

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*", re.IGNORECASE)


def host(text: str) -> str:
    """An address or a name to listen on."""
    bare = text.strip().removeprefix("[").removesuffix("]")
    if not (_is_address(bare) or _NAME.fullmatch(bare)):
        raise ValueError("an address or a host name, as in 127.0.0.1")
    return bare


def whole(least: int, most: int) -> Parse:
    """A whole number from `least` to `most`."""

    def parse(text: str) -> int:
        digits = text.strip()
        if not (digits.isascii() and digits.isdecimal() and len(digits) < 20 and least <= int(digits) <= most):
            raise ValueError(f"a whole number from {least} to {most}")
        return int(digits)

    return parse


def number(least: float, most: float) -> Parse:
    """A number from `least` to `most`."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise ValueError(f"a number from {least:g} to {most:g}")
        return value

    return parse


def size(text: str) -> int:
    """Bytes: `65536`, `64K`, `16M`, `1G`."""
    match = re.fullmatch(r"([0-9]{1,12})([KMG]?)", text.strip().upper())
    value = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 1 <= value <= 2**40:
        raise ValueError("a number of bytes, as in 65536, 64K, 16M or 1G")
    return value


def yes_or_no(text: str) -> bool:
    """1, true, yes, on; 0, false, no, off."""
    lowered = text.strip().lower()
    if lowered in ("1", "true", "yes", "on"):
        return True
    if lowered in ("0", "false", "no", "off"):
        return False
    raise ValueError("yes or no")


def one_of(*choices: str) -> Parse:
    """One of a few words."""

    def parse(text: str) -> str:
        lowered = text.strip().lower()
        if lowered not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return lowered

    return parse


def file(text: str) -> Path:
    """A file; `~` is the user's home."""
    if not text.strip() or "\0" in text:
        raise ValueError("a file")
    return Path(text).expanduser()


def _listed(one: Callable[[str], str]) -> Parse:
    def parse(text: str) -> tuple[str, ...]:
        return tuple(one(item.strip()) for item in text.split(",") if item.strip())

    return parse


def _host_name(text: str) -> str:
    bare = text.removeprefix("[").removesuffix("]")
    if not (_is_address(bare) or _NAME.fullmatch(bare)):
        raise ValueError("names of hosts without scheme and port, as in search.example.org, with commas between them")
    return str(ipaddress.ip_address(bare)) if _is_address(bare) else bare.lower()


def _origin(text: str) -> str:
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and text.isascii()
        sound = sound and text.lower() == f"{parts.scheme}://{parts.netloc.lower()}" and "@" not in parts.netloc
        _ = parts.port
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("origins as a browser sends them, as in https://news.example.org, with commas between them")
    return text.lower()


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text)) if "/" in text else str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("addresses or networks, as in 10.0.0.5 or 10.0.0.0/24, with commas between them") from None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


host_names = _listed(_host_name)
origins = _listed(_origin)
networks = _listed(_network)
