"""Questions about two regions and the relations that answers say, by their wording and by masks of known places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osprey_core.language.relations import agrees, asked_pair, said_relation
from osprey_core.regions.masks import Mask
from osprey_core.regions.pair_place import PairPlace, pair_place
from osprey_core.training.dialogues.facts import diagonal_of, relation_of
from osprey_core.training.dialogues.phrasings import WORDINGS


def box(x0: int, y0: int, x1: int, y1: int) -> Mask:
    mask = np.zeros((100, 120), dtype=bool)
    mask[y0:y1, x0:x1] = True
    return mask


@pytest.mark.parametrize(
    ("question", "pair"),
    [
        ("What is the relation between <region1> and <region2>?", (1, 2)),
        ("Please describe the relationship of <region3> to <region2>.", (3, 2)),
        ("how do <region2> and <region1> relate", (2, 1)),
        ("How are <region1> and <region4> related to each other?", (1, 4)),
        ("Where is <region12> located relative to <region3>?", (12, 3)),
        ("Seen from <region1>, where is <region2>?", (2, 1)),
        ("Where's <region1> relative to <region2> in this picture?", (1, 2)),
        ("Where does <region2> lie, seen from <region1>?", (2, 1)),
        ("What is the position of <region1> relative to <region2>?", (1, 2)),
        ("How are <region1> and <region2> positioned?", (1, 2)),
        ("Relative to <region2>, where is <region1>？", (1, 2)),
        ("How is <region1> compared to <region2>?", None),
        ("Tell me a joke about the relationship between <region1> and <region2>.", None),
        ("What is the colour relationship between <region1> and <region2>?", None),
        ("Where is <region1>?", None),
        ("Where is <region1> relative to <region1>?", None),
        ("Is <region1> to the left of <region2>?", None),
        ("Are <region1> and <region2> related?", None),
        ("What is the relation between <region1>, <region2> and <region3>?", None),
        ("What is the relation between <region1> and <region2>, and why is it so?", None),
        ("What is <region1> and what is <region2>?", None),
        ("", None),
    ],
)
def test_the_pair_is_read_in_the_order_in_which_it_is_asked(question: str, pair: tuple[int, int] | None) -> None:
    assert asked_pair(question) == pair


def test_every_wording_of_training_is_understood() -> None:
    for template in WORDINGS["relation"].templates:
        for question in (template, template.lower().rstrip(".?")):
            filled = question.replace("{a}", "<region5>").replace("{b}", "<region2>")
            assert asked_pair(filled) == (5, 2), filled


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("The mug is above the table.", ("above",)),
        ("The mug is below and to the left of the table. It is in front of it.", ("below", "to the left of")),
        ("The wheels are part of the car.", ("part of",)),
        ("THE SKY IS BEHIND THE TREE", ("behind",)),
        ("They are alike.", ()),
    ],
)
def test_what_is_said_is_read_off_the_first_sentence(answer: str, said: tuple[str, ...]) -> None:
    assert said_relation(answer) == said


MIDDLE = box(50, 40, 70, 60)


@pytest.mark.parametrize(
    ("first", "true", "false"),
    [
        (box(0, 42, 20, 62), ["to the left of", "behind"], ["to the right of", "above", "part of"]),
        (box(52, 0, 72, 20), ["above"], ["below", "to the left of"]),
        (box(90, 75, 110, 95), ["below and to the right of"], ["below", "to the right of", "above and to the left of"]),
        (box(55, 45, 60, 50), ["part of"], ["above", "in front of", "below and to the left of"]),
        (box(68, 40, 90, 60), ["to the right of", "in front of", "behind"], ["part of", "to the left of"]),
    ],
)
def test_masks_allow_what_is_true_of_them(first: Mask, true: list[str], false: list[str]) -> None:
    place = pair_place(first, MIDDLE)
    assert [words for words in (*true, *false) if agrees(said_relation(f"A is {words} B."), place)] == true
    assert not agrees((), place)
    assert not agrees(("inside",), place)
    assert not agrees(("above", "part of"), place)


boxes = st.tuples(st.integers(0, 99), st.integers(0, 79), st.integers(1, 20), st.integers(1, 20)).map(
    lambda found: box(found[0], found[1], found[0] + found[2], found[1] + found[3])
)


@given(boxes, boxes)
def test_directions_turn_round_with_the_pair_and_are_those_of_training(first: Mask, second: Mask) -> None:
    there, back = pair_place(first, second), pair_place(second, first)
    assert there.shared == back.shared
    middles = [
        tuple(float(np.mean((a.min(), a.max() + 1))) for a in np.nonzero(mask)[::-1]) for mask in (first, second)
    ]
    if middles[0][0] != middles[1][0] and middles[0][1] != middles[1][1]:
        opposite = {"left": "right", "right": "left", "above": "below", "below": "above"}
        assert back.directions == {opposite[direction] for direction in there.directions}
    where = (middles[0], middles[1], first.shape)
    straight, diagonal = relation_of(*where), diagonal_of(*where)  # type: ignore[arg-type]
    if straight is not None:
        assert there.directions == {straight}
    if diagonal is not None:
        assert there.directions == set(diagonal)


def test_of_what_hides_the_other_the_masks_do_not_tell() -> None:
    place = PairPlace(frozenset({"left"}), 0.0)
    assert agrees(("in front of",), place)
    assert agrees(("behind",), place)
