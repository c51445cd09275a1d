"""Questions about photographs beside their names: every kind is judged by what the annotations say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_masks

from osprey_core.evaluation.photograph_dialogues import (
    WHOLE_PICTURE,
    ask_about,
    ask_for_things,
    ask_what_is_there,
    dialogues_about,
    dialogues_report,
    names_in,
)
from osprey_core.evaluation.questions import questions_of
from osprey_core.training.scenes.photographs import Photograph, read_photographs


@pytest.fixture
def photographs(tmp_path: Path) -> list[Photograph]:
    """One picture with a red dog and a blue cat."""
    image = np.full((120, 160, 3), 200, np.uint8)
    annotations = []
    for number, (x, color) in enumerate(((10, (220, 20, 20)), (95, (20, 20, 220))), 1):
        mask = np.zeros((120, 160), np.uint8)
        mask[40:100, x : x + 50] = 1
        image[mask > 0] = color
        coded = coco_masks.encode(np.asfortranarray(mask))
        rle = {"size": coded["size"], "counts": coded["counts"].decode()}
        annotations.append(
            {"id": number, "image_id": 7, "category_id": number, "segmentation": rle, "bbox": [x, 40, 50, 60]}
        )
    Image.fromarray(image).save(tmp_path / "a.png")
    categories = [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}, {"id": 3, "name": "cup"}]
    content = {
        "images": [{"id": 7, "file_name": "a.png", "width": 160, "height": 120}],
        "categories": categories,
        "annotations": annotations,
    }
    path = tmp_path / "set.json"
    path.write_text(json.dumps(content))
    return read_photographs(path, tmp_path)


class Knowing:
    """A model that gives the true answer to a question about these masks, or one that is never right."""

    def __init__(self, answers: dict[tuple, str]) -> None:
        self.answers = answers

    def open(self, image: np.ndarray) -> Knowing:
        return self

    def ask(self, question: str, masks: Any = (), history: Any = ()) -> str:
        return self.answers.get(key_of(question, masks, history), "Zounds.")


def key_of(question: str, masks: Any, history: Any) -> tuple:
    return question, tuple(mask.tobytes() for mask in masks), len(tuple(history))


def test_true_answers_are_right_and_others_wrong(photographs: list[Photograph]) -> None:
    questions = [q for one in photographs for sample in dialogues_about(one) for q in questions_of(sample)]
    true = {key_of(q.text, q.masks, q.history): q.answer for q in questions}
    assert len(questions) > 5
    found = ask_about(Knowing(true), photographs)  # type: ignore[arg-type]
    assert sum(score["count"] for score in found.values()) == sum(q.kind != "picture" for q in questions)
    assert all(score["value"] > 0.9 for score in found.values())
    wrong = ask_about(Knowing({}), photographs)  # type: ignore[arg-type]
    assert all(score["value"] == 0 for score in wrong.values())
    assert "100.0%" in dialogues_report(found)


def test_names_told_of_the_whole_picture_are_compared_with_what_is_annotated(photographs: list[Photograph]) -> None:
    model = Knowing({(WHOLE_PICTURE, (), 0): "Two puppies, a cup and a bus."})
    found = ask_what_is_there(model, photographs)  # type: ignore[arg-type]
    assert (found["precision"]["value"], found["precision"]["count"]) == (pytest.approx(1 / 3), 3)
    assert (found["recall"]["value"], found["recall"]["count"]) == (pytest.approx(1 / 2), 2)


def test_every_annotated_thing_is_asked_for_and_as_many_that_are_not_there(photographs: list[Photograph]) -> None:
    true = {
        "Is there a dog in the picture?": "Yes, there is a dog.",
        "Is there a cat in the picture?": "Yes, there is a cat.",
        "Is there a cup in the picture?": "No, there is no cup in the picture.",
        "How many dogs are there?": "There is one dog in the picture.",
        "How many cats are there?": "There are 1.",
        "How many cups are there?": "There are no cups in the picture.",
    }
    found = ask_for_things(Knowing({(text, (), 0): said for text, said in true.items()}), photographs)  # type: ignore[arg-type]
    # The file annotates three things, of which one is not in the picture.
    assert {kind: (score["value"], score["count"]) for kind, score in found.items()} == {
        "whether there is one": (1.0, 3),
        "how many there are": (1.0, 3),
    }
    always_one = {(text, (), 0): "There is one." for text in true}
    found = ask_for_things(Knowing(always_one), photographs)  # type: ignore[arg-type]
    assert [round(score["value"], 3) for score in found.values()] == [0.0, 0.667]


def test_names_are_found_by_any_word_in_the_plural_and_the_longest_counts() -> None:
    assert names_in("People with hot dogs; a man on a sofa, a wine glass.") == {
        "person",
        "hot dog",
        "couch",
        "wine glass",
    }
    assert names_in("A brick wall.", ["brick wall"]) == {"brick wall"}
