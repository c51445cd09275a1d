"""What is said of a whole picture, from the names of its segments."""

from __future__ import annotations

import pytest

from osprey_core.language.wording import is_uncounted
from osprey_core.region_model import Guess, NamedRegion
from osprey_core.survey import MOST_THINGS, NOTHING, SeenThing, seen_things, told


def named(name: str, confidence: float = 0.9) -> NamedRegion:
    return NamedRegion((Guess(name, confidence, confidence),), unsure_below=0.5)


def test_weights_are_confidences_times_widths() -> None:
    things = seen_things([(0.25, named("dog", 0.8)), (0.04, named("cat", 0.9)), (0.01, named("cat", 0.6))])
    assert [(thing.name, thing.confidence) for thing in things] == [("dog", 0.8), ("cat", 0.9)]
    dogs, cats = 0.8 * 0.5, 0.9 * 0.2 + 0.6 * 0.1
    assert [thing.weight for thing in things] == pytest.approx([dogs / (dogs + cats), cats / (dogs + cats)])


def test_unsure_unnamed_and_tiny_segments_do_not_count() -> None:
    assert seen_things([(0.5, named("dog", 0.4)), (0.5, NamedRegion((), 0.5)), (0.001, named("cat"))]) == ()
    assert seen_things([]) == ()


def test_what_is_slight_beside_the_rest_and_more_than_a_few_are_left_out() -> None:
    many = [(0.1, named(f"thing{letter}")) for letter in "abcdefgh"]
    assert len(seen_things(many)) == MOST_THINGS
    assert [thing.name for thing in seen_things([(0.9, named("dog")), (0.004, named("cat", 0.55))])] == ["dog"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["sky", "person", "elephant", "trees"], "A person and an elephant with sky and trees."),
        (["cat"], "A cat."),
        (["grass", "sky"], "Grass and sky."),
        (["scissors", "cup", "fork", "bowl"], "A cup, a fork and a bowl with scissors."),
        ([], NOTHING),
    ],
)
def test_the_sentence(names: list[str], expected: str) -> None:
    assert told(SeenThing(name, 0.9, 0.1) for name in names) == expected


def test_stuff_and_plurals_have_no_article() -> None:
    assert [name for name in ("snow", "trees", "bus", "wooden floor", "couch") if is_uncounted(name)] == [
        "snow",
        "trees",
    ]
