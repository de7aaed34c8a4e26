"""The stages of ranking by name, to be left out for comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

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


def without(names: Sequence[str]) -> Stages:
    """All stages but these."""
    changes: dict[str, Any] = {}
    for name in names:
        changes.update(WITHOUT[name])
    return replace(Stages(), **changes)
