"""The shipped weights: they know what the model card says, and need the region they are asked about."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from osprey_core import Osprey
from osprey_core.evaluation import Question, is_right, plain, questions_of, shuffled_masks
from osprey_core.io.pictures import read_picture
from osprey_core.language.prompts import QUESTIONS
from osprey_core.language.wording import NUMBERS
from osprey_core.runtime import hub
from osprey_core.segment import load_segmenter
from osprey_core.training.dialogues import EVALUATION_SEEDS, DialogueOptions, sample

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (hub.EMBEDDED_FOLDER / "model.safetensors").is_file(), reason="the embedded model's weights are not here"
    ),
]

EXAMPLES = Path(__file__).parents[3] / "examples"

FLOORS = {"color": 0.8, "position": 0.9, "category": 0.7}
"""Shares that the weights must reach on drawn objects and shapes (no art needed), well below what they measure."""
EXAMPLE_FLOOR = 0.95
"""Share of the example pictures' regions whose category the weights must name."""


@pytest.fixture(scope="module")
def nano() -> Osprey:
    return Osprey.from_pretrained("nano", device="cpu")


def test_the_weights_are_small_and_whole(nano: Osprey) -> None:
    segmenter = hub.EMBEDDED_FOLDER.parent / "segment" / "learned.safetensors"
    weights = [*hub.EMBEDDED_FOLDER.glob("*.safetensors"), segmenter]
    assert sum(path.stat().st_size for path in weights) < 45e6
    assert nano.is_embedded
    assert nano.network.config.prompt.answer_end == "eos"
    assert nano.prompts.tokenizer.vocab_size == nano.network.config.language.vocab_size


@pytest.fixture(scope="module")
def held_out() -> list:
    options = DialogueOptions(kinds=tuple(FLOORS), exact_masks=True)
    return [sample(seed, options) for seed in EVALUATION_SEEDS[10_000:10_060]]


@pytest.fixture(scope="module")
def judged(nano: Osprey, held_out: list) -> list[tuple[Question, bool, bool | None]]:
    """Each question, whether its answer is right, and whether it still is with another object's mask.

    The last is None where that was not asked. A picture is opened once for all its questions.
    """
    found = []
    for made in held_out:
        view = nano.open(made.image)
        for question in questions_of(made):
            if question.kind not in FLOORS:
                continue
            right, swapped = is_right(question, plain(made, view, question)), None
            if question.kind in ("category", "color") and not question.history and len(made.scene.objects) > 1:
                swapped = is_right(question, shuffled_masks(made, view, question))
            found.append((question, right, swapped))
    return found


@pytest.mark.parametrize("kind", sorted(FLOORS))
def test_floors_on_scenes_never_trained_on(judged: list[tuple[Question, bool, bool | None]], kind: str) -> None:
    right = [is_so for question, is_so, _ in judged if question.kind == kind]
    assert len(right) > 15
    assert np.mean(right) >= FLOORS[kind]


def test_answers_follow_the_region(judged: list[tuple[Question, bool, bool | None]]) -> None:
    """With another object's mask, the answer about the first one is mostly wrong."""
    true, swapped = np.array([(right, other) for _, right, other in judged if other is not None]).mean(0)
    assert true > swapped + 0.5


def test_example_pictures_are_named(nano: Osprey) -> None:
    segmenter = load_segmenter("classic")
    right = []
    for scene in json.loads((EXAMPLES / "scenes.json").read_text(encoding="utf-8")):
        image = read_picture(EXAMPLES / scene["file"])
        opened, view = segmenter.open(np.asarray(image)), nano.open(image)
        for region in scene["regions"]:
            mask = opened.segment([tuple(region["point"])], [1], None)[0].mask
            right.append(view.ask(QUESTIONS["category"], [mask]) == region["name"])
    assert np.mean(right) >= EXAMPLE_FLOOR


PHOTOGRAPHED = {
    "04-cat.jpg": ((0.45, 0.35), "cat"),
    "05-astronaut.jpg": ((0.45, 0.25), "person"),
    "07-coffee.jpg": ((0.5, 0.4), "cup"),
    "10-giraffes.jpg": ((0.5, 0.5), "giraffe"),
    "12-pizza.jpg": ((0.5, 0.5), "pizza"),
}
"""Place of a click as shares of width and height, and what is there; of photographs that no training has read."""


def test_each_example_picture_is_answered_by_the_network_of_its_kind(nano: Osprey) -> None:
    assert nano.photographs is not None
    for path in sorted(EXAMPLES.glob("[0-9]*.*")):
        network = nano.photographs.network if path.suffix == ".jpg" else nano.network
        assert nano.open(read_picture(path)).network is network, path.name


def test_things_in_example_photographs_are_named(nano: Osprey) -> None:
    segmenter = load_segmenter()
    named = {}
    for file, ((x, y), _) in PHOTOGRAPHED.items():
        image = read_picture(EXAMPLES / file)
        point = (int(x * image.width), int(y * image.height))
        mask = segmenter.open(np.asarray(image)).segment([point], [1], None)[0].mask
        named[file] = nano.open(image).name(mask).guesses[0].name
    assert named == {file: name for file, (_, name) in PHOTOGRAPHED.items()}


@pytest.mark.parametrize(("file", "name"), [("04-cat.jpg", "cat"), ("10-giraffes.jpg", "giraffe")])
def test_what_is_in_a_photograph_is_told_without_a_region(nano: Osprey, file: str, name: str) -> None:
    view = nano.open(read_picture(EXAMPLES / file))
    answer = view.ask("What is in this picture?")
    assert answer.startswith(f"A {name}")
    assert view.ask("Describe the photo.") == answer


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_things_of_a_drawing_are_counted_and_missed(nano: Osprey, count: int) -> None:
    """Plain red discs, far from each other, and a blue square."""
    picture = Image.new("RGB", (360, 240), (245, 240, 225))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((300, 180, 345, 225), fill=(40, 70, 200))
    for place in range(count):
        x, y = 20 + 90 * (place % 3), 30 + 110 * (place // 3)
        draw.ellipse((x, y, x + 60, y + 60), fill=(205, 40, 40))
    view = nano.open(picture)
    is_or_are, noun = ("is", "circle") if count == 1 else ("are", "circles")
    assert view.ask("How many circles are there?") == f"There {is_or_are} {NUMBERS[count]} {noun} in the picture."
    square = np.zeros((240, 360), bool)
    square[180:226, 300:346] = True
    about_the_picture = view.ask("About <region1>: How many circles are there?", [square], about=[1])
    assert about_the_picture == view.ask("How many circles are there?")
    assert view.ask("How many elephants do you see?") == "There are no elephants in the picture."
    assert view.ask("Is there a circle in the picture?").startswith("Yes, there ")
    assert view.ask("Is there a square in the picture?") == "Yes, there is a square."
    assert view.ask("Do you see a dog?") == "No, there is no dog in the picture."
