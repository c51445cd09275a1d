"""How two regions lie to each other is told by the likeliest answer of the model that agrees with the masks."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from osprey_core import Osprey
from osprey_core import view as view_module
from osprey_core.config import OspreyConfig
from osprey_core.errors import CheckpointError
from osprey_core.language.guesses import GuessedIds
from osprey_core.language.relations import said_relation
from tests.tiny import tiny_osprey

PICTURE = np.full((96, 96, 3), 255, dtype=np.uint8)
LEFT, RIGHT = np.zeros((96, 96), dtype=bool), np.zeros((96, 96), dtype=bool)
LEFT[30:60, 8:32] = True
RIGHT[30:60, 60:88] = True
PICTURE[LEFT], PICTURE[RIGHT] = (200, 30, 30), (30, 60, 200)
QUESTION = "Where is <region1> relative to <region2>?"
ANSWERS = ("A is above B.", "A is part of B.", "A is to the left of B.", "A is to the right of B.")


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Osprey:
    """A model whose likeliest answers to any prompt are `ANSWERS`."""
    model = tiny_osprey()
    model.network.config = dataclasses.replace(model.network.config, relations="masks")
    pieces = model.prompts.tokenizer.encode_piece
    found = [GuessedIds(tuple(pieces(answer)), -float(place)) for place, answer in enumerate(ANSWERS)]
    monkeypatch.setattr(view_module, "likeliest_answers", lambda *_: found)
    return model


def test_the_likeliest_answer_that_agrees_is_told(model: Osprey) -> None:
    view = model.open(PICTURE)
    assert view.ask(QUESTION, [LEFT, RIGHT]) == ANSWERS[2]
    assert view.ask(QUESTION, [RIGHT, LEFT]) == ANSWERS[3]
    assert view.ask("Seen from <region1>, where is <region2>?", [LEFT, RIGHT]) == ANSWERS[3]
    assert view.ask(QUESTION, [RIGHT, LEFT], [(QUESTION, "A is above B.")]) == ANSWERS[3]
    stream = view.stream(QUESTION, [LEFT, RIGHT])
    assert "".join(stream) == ANSWERS[2]
    assert not stream.tells_picture
    assert stream.finish_reason == "eos"


@pytest.mark.parametrize(
    "change",
    [
        {"question": "What is <region1>? Is it red?"},
        {"question": "Which of <region1> and <region2> is larger?"},
        {"temperature": 0.7, "seed": 1},
        {"without": {"mask"}},
        {"top_logprobs": 2},
    ],
)
def test_everything_else_is_answered_by_the_language_model(
    model: Osprey, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {"question": QUESTION, "regions": [LEFT, RIGHT], "max_new_tokens": 4, **change}
    answer = "".join(model.open(PICTURE).stream(**asked))
    model.network.config = dataclasses.replace(model.network.config, relations="tokens")
    assert answer == "".join(model.open(PICTURE).stream(**asked))


def test_where_no_answer_agrees_the_language_model_answers(model: Osprey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_module, "likeliest_answers", lambda *_: [])
    answer = model.open(PICTURE).ask(QUESTION, [LEFT, RIGHT], max_new_tokens=4)
    model.network.config = dataclasses.replace(model.network.config, relations="tokens")
    assert answer == model.open(PICTURE).ask(QUESTION, [LEFT, RIGHT], max_new_tokens=4)


def test_the_embedded_model_says_what_the_masks_show() -> None:
    view = Osprey.from_pretrained("nano", "cpu").open(PICTURE)
    assert said_relation(view.ask(QUESTION, [LEFT, RIGHT])) == ("to the left of",)
    assert said_relation(view.ask(QUESTION, [RIGHT, LEFT])) == ("to the right of",)


@pytest.mark.parametrize("value", ["guess", None, ["masks"], 1])
def test_another_value_is_refused(value: object) -> None:
    with pytest.raises(CheckpointError, match="relations"):
        OspreyConfig.from_dict({**OspreyConfig().to_dict(), "relations": value})
