"""Weights of ranking by name and value; what cannot be one is one line."""

from __future__ import annotations

from dataclasses import asdict, fields

import pytest

from eval.stages import with_settings, without
from indexer.errors import SearchError
from search_api.scoring import Stages


@pytest.mark.parametrize(
    ("settings", "stages"),
    [
        ([], Stages()),
        (["means=0"], Stages(means=False)),
        (["maps=0", "context=0.0", "means=1"], Stages(maps=False, context=False)),
        (["feedback=0.25"], Stages(feedback=0.25)),
        (["generic=10", "exact=0", "sentences=1"], Stages(generic=10.0, exact=0.0, sentences=1.0)),
        (["exact=1e-1"], Stages(exact=0.1)),
        (["exact=1", "exact=2"], Stages(exact=2.0)),
    ],
)
def test_settings_by_name(settings: list[str], stages: Stages) -> None:
    changed = with_settings(Stages(), settings)
    assert changed == stages
    for field in fields(Stages):
        assert type(getattr(changed, field.name)) is type(getattr(Stages(), field.name)), field.name


def test_settings_come_on_top_of_what_is_left_out() -> None:
    left_out = without(["exact", "maps"])
    assert asdict(with_settings(left_out, ["exact=2"])) == {**asdict(Stages()), "maps": False, "exact": 2.0}
    assert left_out == Stages(exact=0.0, maps=False)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            "luck=1",
            "luck=1: there is no setting 'luck', only context, exact, feedback, generic, maps, means, sentences",
        ),
        ("=1", "=1: there is no setting '', only "),
        ("Exact=1", "Exact=1: there is no setting 'Exact', only "),
        ("exact", "exact: expected a number behind exact="),
        ("exact=", "exact=: expected a number behind exact="),
        ("exact=much", "exact=much: expected a number behind exact="),
        ("exact=1=2", "exact=1=2: expected a number behind exact="),
        ("exact=-0.1", "exact=-0.1: expected 0 to 10"),
        ("exact=10.1", "exact=10.1: expected 0 to 10"),
        ("exact=nan", "exact=nan: expected 0 to 10"),
        ("exact=inf", "exact=inf: expected 0 to 10"),
        ("sentences=1.1", "sentences=1.1: expected 0 to 1"),
        ("means=0.5", "means=0.5: expected 0 or 1"),
        ("means=2", "means=2: expected 0 or 1"),
        ("means=yes", "means=yes: expected a number behind means="),
    ],
)
def test_what_cannot_be_a_setting_is_named(setting: str, said: str) -> None:
    with pytest.raises(SearchError) as caught:
        with_settings(Stages(), ["feedback=1", setting])
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
