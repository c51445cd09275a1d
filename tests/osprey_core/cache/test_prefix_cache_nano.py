"""The shipped model answers alike with and without what is kept between questions, one by one and many at a time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.baseline import ask as ask_uncached
from osprey_core import Osprey
from osprey_core.io.pictures import read_picture
from osprey_core.language.prompts import QUESTIONS, Turn
from osprey_core.runtime import hub

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (hub.EMBEDDED_FOLDER / "model.safetensors").is_file(), reason="the embedded model's weights are not here"
    ),
]

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def nano() -> Osprey:
    return Osprey.from_pretrained("nano", device="cpu", dtype="float32")


@pytest.fixture(scope="module", params=[0, 5])
def scene(request: pytest.FixtureRequest) -> tuple[np.ndarray, list[np.ndarray]]:
    """A picture of the examples, and boxes around the points that belong to its things."""
    told = json.loads((EXAMPLES / "scenes.json").read_text(encoding="utf-8"))[request.param]
    image = np.asarray(read_picture(EXAMPLES / told["file"]))
    masks = []
    for region in told["regions"]:
        x, y = region["point"]
        mask = np.zeros(image.shape[:2], dtype=bool)
        mask[max(y - 40, 0) : y + 40, max(x - 40, 0) : x + 40] = True
        masks.append(mask)
    return image, masks


def test_a_conversation(nano: Osprey, scene: tuple[np.ndarray, list[np.ndarray]]) -> None:
    image, masks = scene
    view = nano.open(image)
    history: list[Turn] = []
    for question in (QUESTIONS["category"], "What is left of <region2>?", "and its colour", QUESTIONS["detailed"]):
        answer = view.ask(question, masks[:2], history)
        assert answer == ask_uncached(nano, image, question, masks[:2], history)
        history.append(Turn(question, answer, 2))


@pytest.mark.parametrize("style", ["category", "detailed"])
def test_many_regions(nano: Osprey, scene: tuple[np.ndarray, list[np.ndarray]], style: str) -> None:
    image, masks = scene
    want = [ask_uncached(nano, image, QUESTIONS[style], [mask]) for mask in masks]
    assert nano.describe(image, masks, style, batch_size=3) == want
