"""What pydantic finds wrong with a request -> one line for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_NAMED = 5
_LONGEST = 80


def described(errors: Sequence[Mapping[str, Any]], *, of_request: bool = True) -> str:
    """`limit: input should be less than or equal to 100, got 1000; ...`; long input is not repeated. The places of what
    is wrong with a request begin with `query` or `body`."""
    lines = [_one(item, item["loc"][1:] if of_request else item["loc"]) for item in errors[:_NAMED]]
    more = [f"and {len(errors) - _NAMED} more"] if len(errors) > _NAMED else []
    return " ".join("; ".join([*lines, *more]).split())


def _one(item: Mapping[str, Any], loc: Sequence[str | int]) -> str:
    if item["type"] == "json_invalid":
        return f"not JSON: {_lowered(str(item.get('ctx', {}).get('error') or item['msg']))}"
    place = ".".join(str(part) for part in loc)[:_LONGEST] or "body"
    got = "" if item["type"] == "missing" else _shown(item.get("input"))
    return f"{place}: {_lowered(str(item['msg']))}" + (f", got {got}" if got else "")


def _lowered(text: str) -> str:
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _shown(value: object) -> str:
    """Nothing for what is long, without writing it all out first."""
    if isinstance(value, (str, bytes, list, dict)) and len(value) > _LONGEST:
        return ""
    shown = repr(value)
    return shown if len(shown) <= _LONGEST else ""
