"""The stages of ranking by name: left out, or with another weight, for comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from indexer.errors import SearchError
from search_api.scoring import Stages

WITHOUT: dict[str, dict[str, Any]] = {
    "means": {"means": False, "maps": False, "generic": 0.0},
    "maps": {"maps": False},
    "sentences": {"sentences": 0.0},
    "context": {"context": False},
    "generic": {"generic": 0.0},
    "feedback": {"feedback": 0.0},
    "exact": {"exact": 0.0},
}
"""Stage -> what its absence changes. Without means there are no maps, and nothing that is measured with them."""

_MOST = {"sentences": 1}
"""A share; any other weight may be up to 10."""


def without(names: Sequence[str]) -> Stages:
    """All stages but these."""
    changes: dict[str, Any] = {}
    for name in names:
        changes.update(WITHOUT[name])
    return replace(Stages(), **changes)


def with_settings(stages: Stages, settings: Sequence[str]) -> Stages:
    """`NAME=VALUE` each, of the fields of Stages; on and off are 1 and 0. Raises SearchError."""
    kinds = {field.name: type(getattr(stages, field.name)) for field in fields(stages)}
    changes: dict[str, Any] = {}
    for text in settings:
        name, _, value = text.partition("=")
        if name not in kinds:
            raise SearchError(f"{text}: there is no setting {name!r}, only {', '.join(sorted(kinds))}")
        try:
            number = float(value)
        except ValueError as error:
            raise SearchError(f"{text}: expected a number behind {name}=") from error
        most = _MOST.get(name, 10)
        if not 0 <= number <= most or (kinds[name] is bool and number not in (0, 1)):
            raise SearchError(f"{text}: expected {'0 or 1' if kinds[name] is bool else f'0 to {most}'}")
        changes[name] = kinds[name](number)
    return replace(stages, **changes)
