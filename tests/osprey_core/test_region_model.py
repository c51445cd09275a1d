"""Whatever answers questions about regions keeps the protocol, which type checkers hold and these tests call."""

from __future__ import annotations

import numpy as np
import pytest

from osprey_core.io.record import AnswerMeasures
from osprey_core.region_model import AnswerPieces, Guess, NamedRegion, RegionModel, RegionView
from tests.tiny import tiny_osprey

PICTURE = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
MASK = np.zeros((40, 60), bool)
MASK[5:30, 10:40] = True


def answer_of(model: RegionModel) -> tuple[str, AnswerPieces, list[tuple[int, str]]]:
    """What a caller does that knows the protocol alone."""
    view: RegionView = model.open(PICTURE)
    assert view.size_hw == (40, 60)
    stream = view.stream("What is this?", [MASK], max_new_tokens=4)
    return "".join(stream), stream, list(view.describe([MASK, ~MASK], "category", max_new_tokens=4))


def test_osprey_keeps_the_protocol() -> None:
    model = tiny_osprey()
    assert model.abilities.questions
    assert model.abilities.max_regions is None
    text, stream, captions = answer_of(model)
    assert text == model.open(PICTURE).ask("What is this?", [MASK], max_new_tokens=4)
    assert stream.finish_reason == "length"
    assert stream.new_tokens == 4
    assert sorted(place for place, _ in captions) == [0, 1]


NAMED = NamedRegion(
    (Guess("tree", 0.4, 0.45), Guess("pine tree", 0.3, 0.31), Guess("Christmas tree", 0.1, 0.1), Guess("", 0.1, 0.1)),
    0.4,
)


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("tree", "tree"),
        ("A large tree, on the left.", "tree"),
        ("It is a green Pine Tree", "pine tree"),
        ("a Christmas tree", "Christmas tree"),
        ("a tree of pine", "tree"),
        ("treetops", None),
        ("It is green.", None),
        ("", None),
    ],
)
def test_the_longest_name_that_an_answer_uses_comes_first(answer: str, name: str | None) -> None:
    found = NAMED.in_answer(answer)
    assert (found.guesses[0].name if found is not None else None) == name
    if found is not None:
        assert sorted(found.guesses) == sorted(NAMED.guesses)
        assert found.is_unsure == (name != "tree")


def test_guesses_come_back_from_an_answers_measures() -> None:
    measures = AnswerMeasures(**NAMED.measures())
    assert measures.guesses == (("tree", 0.45), ("pine tree", 0.31), ("Christmas tree", 0.1))
    assert not measures.is_unsure
    assert AnswerMeasures(**NAMED._replace(unsure_below=0.5).measures()).is_unsure
    assert AnswerMeasures().guesses == AnswerMeasures(**NamedRegion((), 0.5).measures()).guesses == ()
