"""Sampling settings: one set of limits, one reader for values from outside, and a drawn seed that is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from osprey_core import i18n
from osprey_core.errors import InputError
from osprey_core.language.sampling import SamplingSettings


@pytest.mark.parametrize(
    "values",
    [(0, 1, 1, 0), (0.001, 0.001, 1_000_000, 2**63 - 1), (2, 1.0, None, None), (0.0, 1, np.int64(7), np.int32(3))],
)
def test_the_limits_themselves_are_allowed(values: tuple[Any, ...]) -> None:
    settings = SamplingSettings(*values)
    assert (settings.temperature, settings.top_p, settings.max_new_tokens, settings.seed) == values
    assert type(settings.temperature) is float
    assert type(settings.seed) in (int, type(None)), "NumPy's numbers are no JSON"


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"temperature": -0.1}, "temperature must be 0 or lie between 0.001 and 2, not -0.1"),
        ({"temperature": 2.01}, "temperature must be"),
        ({"temperature": 0.0009}, "temperature must be"),
        ({"temperature": float("nan")}, "temperature must be"),
        ({"temperature": "1"}, "temperature must be"),
        ({"temperature": None}, "temperature must be"),
        ({"top_p": 0}, "top_p must lie above 0"),
        ({"top_p": 1.01}, "top_p must lie above 0"),
        ({"max_new_tokens": 0}, "max_new_tokens must be a whole number from 1 to 1000000, not 0"),
        ({"max_new_tokens": 1_000_001}, "max_new_tokens must be"),
        ({"max_new_tokens": 1.5}, "max_new_tokens must be"),
        ({"max_new_tokens": True}, "max_new_tokens must be"),
        ({"seed": -1}, "seed must be a whole number from 0 to 9223372036854775807, not -1"),
        ({"seed": 2**63}, "seed must be"),
        ({"seed": 0.5}, "seed must be"),
    ],
)
def test_what_lies_outside_the_limits_is_refused_in_every_language(setting: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        SamplingSettings(**setting)
    told = {caught.value.render(language) for language in i18n.LANGUAGES}
    assert len(told) == len(i18n.LANGUAGES)
    assert all(str(next(iter(setting.values()))) in each for each in told)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0, 1, 10, ""), SamplingSettings(0.0, 1.0, 10, None)),
        (("0.5", "0.9", "64", "7"), SamplingSettings(0.5, 0.9, 64, 7)),
        ((0.5, 0.9, 64.0, 7.0), SamplingSettings(0.5, 0.9, 64, 7)),
        ((0, 1, 1, 2**63 - 1), SamplingSettings(0, 1, 1, 2**63 - 1)),
        ((0, 1, 1, " 9223372036854775807 "), SamplingSettings(0, 1, 1, 2**63 - 1)),
        ((0, 1, 1, None), SamplingSettings(0, 1, 1)),
        ((0, 1, 1, "1e3"), SamplingSettings(0, 1, 1, 1000)),
    ],
)
def test_values_from_outside_are_read(values: tuple[Any, ...], expected: SamplingSettings) -> None:
    assert SamplingSettings.read(*values) == expected


@pytest.mark.parametrize(
    "values", [("x", 1, 10, None), (0, 1, None, 1), (0, 1, 10, "many"), (0, 1, float("inf"), 1), (0, [], 1, 1)]
)
def test_what_is_no_number_is_refused(values: tuple[Any, ...]) -> None:
    with pytest.raises(InputError, match="must be numbers"):
        SamplingSettings.read(*values)


def test_a_seed_is_drawn_only_where_chance_decides_and_none_was_given() -> None:
    assert SamplingSettings(0.0).with_seed().seed is None
    assert SamplingSettings(1.0, seed=5).with_seed().seed == 5
    drawn = {SamplingSettings(1.0).with_seed().seed for _ in range(8)}
    assert len(drawn) > 1
    assert all(seed is not None and 0 <= seed < 2**32 for seed in drawn)


def test_the_longest_answer_is_the_models_where_none_was_given() -> None:
    assert SamplingSettings(0.5, seed=1).with_longest(77) == SamplingSettings(0.5, 1.0, 77, 1)
    assert SamplingSettings(max_new_tokens=5).with_longest(77).max_new_tokens == 5
