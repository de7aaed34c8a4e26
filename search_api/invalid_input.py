"""What pydantic finds wrong with a request -> one line for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_NAMED = 5
_LONGEST = 80


def described(errors: Iterable[Mapping[str, Any]]) -> str:
    """`limit: input should be less than or equal to 100, got 1000; ...`; long input is not repeated."""
    lines = [_one(item) for item in errors]
    more = [f"and {len(lines) - _NAMED} more"] if len(lines) > _NAMED else []
    return "; ".join([*lines[:_NAMED], *more])


def _one(item: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in item["loc"] if part not in ("query", "body"))[:_LONGEST] or "body"
    got = repr(item.get("input"))
    message = str(item["msg"])[0].lower() + str(item["msg"])[1:]
    return f"{place}: {message}" + (f", got {got}" if len(got) <= _LONGEST and item["type"] != "missing" else "")
