"""Whatever answers questions about regions keeps the protocol, which type checkers hold and these tests call."""

from __future__ import annotations

import numpy as np

from osprey_core.region_model import AnswerPieces, RegionModel, RegionView
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
