"""Figures of names in photographs, against values computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from osprey_core.evaluation.photographs import (
    NamedThing,
    accuracy,
    auroc,
    calibration_error,
    class_mean,
    fit_scale,
    is_name,
    names_report,
    reliability,
    summarise_names,
)
from osprey_core.language.guesses import calibrated


def thing(truth: str, answer: str, confidence: float = 0.5, picture: int = 1, way: str = "mask") -> NamedThing:
    return NamedThing(picture, way, truth, (truth,), answer, confidence, (answer, "dog"))


THINGS = [
    thing("cat", "cat", 0.95),
    thing("cat", "dog", 0.95),
    thing("cat", "cat", 0.25, 2),
    thing("dog", "cat", 0.25, 2),
]


def test_names_are_compared_but_for_articles_and_case() -> None:
    assert is_name("A Dog.", ("dog", "puppy"))
    assert is_name("puppy", ("dog", "puppy"))
    assert not is_name("hot dog", ("dog",))
    assert not is_name("", ("dog",))


def test_shares_of_things_and_of_classes() -> None:
    assert accuracy(THINGS) == 0.5
    assert class_mean(THINGS) == pytest.approx((2 / 3 + 0) / 2)


def test_calibration_error_by_hand() -> None:
    confidences, rights = [0.95, 0.95, 0.25, 0.25], [True, False, True, False]
    assert calibration_error(confidences, rights) == pytest.approx(0.5 * (0.95 - 0.5) + 0.5 * (0.5 - 0.25))
    assert [(b.confidence, b.right, b.count) for b in reliability(confidences, rights)] == [
        (0.25, 0.5, 2),
        (0.95, 0.5, 2),
    ]


def test_auroc_by_hand() -> None:
    assert auroc([0.9, 0.6], [0.5, 0.6]) == pytest.approx((1 + 1 + 1 + 0.5) / 4)
    assert math.isnan(auroc([], [0.5]))


def test_the_fitted_scale_is_the_one_that_answers_came_from() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.uniform(0.02, 0.98, 20_000)
    rights = [bool(rng.random() < calibrated(p, 0.6, -0.4)) for p in probabilities]
    slope, offset = fit_scale(list(probabilities), rights)
    assert slope == pytest.approx(0.6, abs=0.05)
    assert offset == pytest.approx(-0.4, abs=0.05)


def test_the_summary_has_every_way_of_asking() -> None:
    results = summarise_names([*THINGS, thing("cat", "cat", way="box"), thing("cat", "dog", way="picture blank")])
    assert results["ways"]["mask"]["accuracy"]["value"] == 0.5
    assert results["ways"]["mask"]["right among three guesses"]["value"] == 0.75
    assert results["ways"]["picture blank"]["accuracy"] == {"value": 0.0, "low": 0.0, "high": 0.0, "count": 1}
    assert results["confusions"][0][2] == 1
    assert "| mask | accuracy | 50.0%" in names_report(results)
