"""Evaluation: the judges and measures on cases worked out by hand, and the controls on a model that looks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import tiny_osprey

from osprey_core import evaluation
from osprey_core.evaluation import Question, bootstrap, is_right, semantic_iou, words_of, yes_no_measures
from osprey_core.training.dialogues import EVALUATION_SEEDS, sample
from osprey_core.training.sources import SceneSource


def question(kind: str, answer: str, *accepted: str) -> Question:
    return Question(kind, "?", (), (), answer, accepted)


@pytest.mark.parametrize(
    ("asked", "answer", "right"),
    [
        (question("category", "dog", "puppy"), "Dog.", True),
        (question("category", "dog", "puppy"), "a puppy", True),
        (question("category", "dog", "puppy"), "hot dog", False),
        (question("category", "dog"), "", False),
        (question("what", "It is a nest.", "nest"), "This is a nest.", True),
        (question("what", "It is a nest.", "nest"), "This is a bird.", False),
        (question("color", "It is blue.", "blue"), "The bus is blue.", True),
        (question("color", "It is blue.", "blue"), "The bus is blueish.", False),
        (question("presence", "Yes, there is a dog.", "Yes"), "Yes.", True),
        (question("presence", "No, there is no dog.", "No"), "Yes, there is no dog.", False),
        (
            question("relation", "The cat is to the left of the dog."),
            "The fox is to the left of the dog. It is red.",
            True,
        ),
        (question("relation", "The cat is to the left of the dog."), "The cat is to the right of the dog.", False),
        (question("relation", "The cat is above the dog."), "They are friends.", False),
    ],
)
def test_answers_are_judged_as_a_person_would(asked: Question, answer: str, right: bool) -> None:
    assert is_right(asked, answer) is right


def test_words_leave_articles_and_punctuation_out() -> None:
    assert words_of("The hot-dog, a T-shirt!") == ["hot-dog", "t-shirt"]


def test_semantic_iou_is_the_overlap_of_words_with_the_best_answer() -> None:
    assert semantic_iou("a red car", ["car"]) == pytest.approx(1 / 2)
    assert semantic_iou("a red car", ["car", "the red car"]) == 1
    assert semantic_iou("tree", ["car"]) == 0
    assert semantic_iou("", ["car"]) == 0


def test_the_bootstrap_interval_covers_the_mean_and_narrows_with_more_questions() -> None:
    few, many = bootstrap([1, 0, 1, 1] * 5), bootstrap([1, 0, 1, 1] * 500)
    assert few.value == many.value == 0.75
    assert few.low < 0.75 < few.high
    # The interval of a share p over n questions is close to p ± 1.96 √(p (1 - p) / n).
    assert many.high - many.low == pytest.approx(2 * 1.96 * np.sqrt(0.75 * 0.25 / 2000), rel=0.1)
    assert few.high - few.low > 5 * (many.high - many.low)
    assert bootstrap([]).count == 0


def test_yes_no_measures_on_a_case_worked_out_by_hand() -> None:
    # 3 true yes (2 found), 5 true no (1 taken for yes)
    pairs = [(True, True)] * 2 + [(False, True)] + [(True, False)] + [(False, False)] * 4
    measures = yes_no_measures(pairs)
    assert measures["accuracy"] == pytest.approx(6 / 8)
    assert measures["precision"] == pytest.approx(2 / 3)
    assert measures["recall"] == pytest.approx(2 / 3)
    assert measures["f1"] == pytest.approx(2 / 3)
    assert measures["yes_rate"] == pytest.approx(3 / 8)


class Looker:
    """A stand-in for a model that names a region by the mean colour under its mask, and nothing else."""

    def __init__(self) -> None:
        self.model = self

    def open(self, image: np.ndarray) -> Looker:
        opened = Looker()
        opened.image = image  # type: ignore[attr-defined]
        return opened

    def ask(self, text: str, masks: Any, history: Any = (), without: Any = ()) -> str:
        image = self.image  # type: ignore[attr-defined]
        return "same" if without else str(tuple(int(v) for v in image[masks[-1]].mean(0)))


def test_controls_change_what_the_model_is_given() -> None:
    looker = Looker()
    made = next(s for s in map(sample, range(50)) if len(s.scene.objects) > 2 and len(s.masks) == 1)
    view = looker.open(made.image)
    asked = next(evaluation.questions_of(made))
    plain = evaluation.plain(made, view, asked)  # type: ignore[arg-type]
    assert plain == str(tuple(int(v) for v in made.image[made.masks[0]].mean(0)))
    assert evaluation.blank_picture(made, view, asked) == "(128, 128, 128)"  # type: ignore[arg-type]
    assert evaluation.shuffled_masks(made, view, asked) != plain  # type: ignore[arg-type]
    assert evaluation.without("mask")(made, view, asked) == "same"  # type: ignore[arg-type]


def test_questions_carry_the_true_history() -> None:
    made = next(s for s in map(sample, range(50)) if len(s.dialogue) > 2)
    asked = list(evaluation.questions_of(made))
    assert [len(q.history) for q in asked] == list(range(len(asked)))
    assert asked[-1].history[0].answer == made.dialogue[0].answer
    assert len(asked[-1].masks) == made.dialogue[-1].known_regions


def test_an_evaluation_counts_every_question_and_is_json(tmp_path: Path) -> None:
    made = evaluation.held_out(SceneSource(None), 3)
    results = evaluation.evaluate(tiny_osprey(), made)
    assert results["questions"] == sum(len(s.dialogue) for s in made)
    assert results["questions"] == sum(score["count"] for score in results["by_kind"].values())
    assert set(results["controls"]) == set(evaluation.CONTROLS)
    json.dumps(results)
    assert "| score | value |" in evaluation.report(results)


def test_evaluation_seeds_are_never_trained_on() -> None:
    from osprey_core.training.config import NANO_STAGES

    with pytest.raises(ValueError, match="kept for evaluation"):
        SceneSource(None).for_stage(NANO_STAGES[-1])(EVALUATION_SEEDS[0])
