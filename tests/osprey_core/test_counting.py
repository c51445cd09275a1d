"""How many things segments show, and how the language model's own answer is weighed in."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from osprey_core.config import CountingConfig
from osprey_core.counting import (
    MOST_WEIGHED,
    counted,
    is_likely_there,
    is_thing,
    likely_number,
    probability,
    told_number,
    told_presence,
    whether,
)

CONFIG = CountingConfig()
UNDECIDED = np.zeros(MOST_WEIGHED + 1)


def disc(x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[0:100, 0:120]
    return np.asarray((columns - x) ** 2 + (rows - y) ** 2 <= radius**2)


def test_each_thing_counts_once() -> None:
    whole, part, shifted, other = disc(30, 30, 20), disc(30, 40, 8), disc(35, 30, 20), disc(80, 60, 15)
    behind = np.ones((100, 120), bool)
    assert counted([behind, whole, shifted, other, part], [0.9, 0.9, 0.8, 0.7, 0.99]) == 2
    assert counted([behind, whole, shifted, part], [0.9, 0.9, 0.8, 0.99]) == 1
    assert counted([], []) == 0


def test_beside_each_other_or_touching_they_are_several() -> None:
    squares = [np.zeros((100, 120), bool) for _ in range(4)]
    for place, square in enumerate(squares):
        square[20:40, 20 * place : 20 * place + 22] = True
    assert counted(squares, [0.6] * 4) == 4


def test_what_lies_behind_is_tiny_or_unsure_is_no_thing() -> None:
    asked = [("dog", 0.9, 0.1), ("sky", 0.99, 0.4), ("dog", 0.2, 0.1), ("dog", 0.9, 0.0001), ("", 0.0, 0.1)]
    assert [is_thing(*one) for one in asked] == [True, False, False, False, False]


@pytest.mark.parametrize("found", range(1, 7))
def test_where_the_language_model_is_undecided_segments_decide(found: int) -> None:
    assert likely_number(found, UNDECIDED, CONFIG) == found


def test_more_than_the_language_model_is_asked_about_are_taken_as_found() -> None:
    assert likely_number(MOST_WEIGHED + 4, UNDECIDED, CONFIG) == MOST_WEIGHED + 4


def test_of_what_is_there_is_at_least_one() -> None:
    assert likely_number(0, UNDECIDED, CONFIG) == 1
    assert likely_number(0, np.where(np.arange(MOST_WEIGHED + 1) == 0, 0.0, -20.0), CONFIG) == 1


def test_a_sure_answer_outweighs_one_segment_and_not_five() -> None:
    sure_of_two = np.where(np.arange(MOST_WEIGHED + 1) == 2, 0.0, -20.0)
    assert likely_number(1, sure_of_two, CONFIG) == 2
    assert likely_number(3, sure_of_two, CONFIG) == 2
    assert likely_number(7, sure_of_two, CONFIG) > 2


@given(st.integers(0, 8), st.integers(0, 8))
def test_the_probability_of_so_many_segments_is_that_of_both_draws_together(found: int, number: int) -> None:
    right = torch.distributions.Binomial(number, torch.tensor(CONFIG.found, dtype=torch.float64))
    further = torch.distributions.Geometric(torch.tensor(1 - CONFIG.further, dtype=torch.float64))
    expected = sum(
        float((right.log_prob(torch.tensor(float(k))) + further.log_prob(torch.tensor(float(found - k)))).exp())
        for k in range(min(number, found) + 1)
    )
    assert probability(found, number, CONFIG) == pytest.approx(expected)


def test_every_kind_of_evidence_speaks_for_a_thing() -> None:
    assert is_likely_there(0.9, 0.95, 1.0, CONFIG)
    assert not is_likely_there(1e-6, 0.1, -1.0, CONFIG)
    assert is_likely_there(1e-6, 0.1, 9.0, CONFIG)
    assert is_likely_there(0.9, 0.95, -1.0, CONFIG)
    assert not is_likely_there(0.9, 0.95, -9.0, CONFIG)
    assert not is_likely_there(0.0, 0.0, 0.0, CONFIG)


@pytest.mark.parametrize(
    ("noun", "number", "how_many", "whether"),
    [
        ("dog", 0, "There are no dogs in the picture.", "No, there is no dog in the picture."),
        ("apple", 1, "There is one apple in the picture.", "Yes, there is an apple."),
        ("pair of socks", 3, "There are three pairs of socks in the picture.", "Yes, there are three pairs of socks."),
        ("mouse", 15, "There are 15 mice in the picture.", "Yes, there are 15 mice."),
    ],
)
def test_the_sentences(noun: str, number: int, how_many: str, whether: str) -> None:
    assert told_number(noun, number) == how_many
    assert told_presence(noun, number) == whether


@pytest.mark.parametrize(
    ("noun", "question", "yes", "no"),
    [
        ("snow", "Is there snow in the picture?", "Yes, there is snow.", "No, there is no snow in the picture."),
        ("trees", "Are there trees in the picture?", "Yes, there are trees.", "No, there are no trees in the picture."),
        ("ox", "Is there an ox in the picture?", "Yes, there are two oxen.", "No, there is no ox in the picture."),
    ],
)
def test_stuff_and_plurals_have_no_number_and_no_article(noun: str, question: str, yes: str, no: str) -> None:
    assert whether(noun) == question
    assert told_presence(noun, 2) == yes
    assert told_presence(noun, 0) == no
