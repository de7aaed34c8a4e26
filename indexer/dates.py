"""Dates as people and machines write them -> ISO 8601, as far as they are known: YYYY, YYYY-MM or YYYY-MM-DD."""

from __future__ import annotations

import re

_ISO = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?:[T ].*)?$")


def date_of(text: str) -> str:
    """Empty for what is not a date."""
    found = _ISO.match(text.strip())
    return "-".join(part for part in found.groups() if part) if found else ""
