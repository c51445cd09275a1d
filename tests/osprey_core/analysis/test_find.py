"""Finding by a phrase: scores are the model's own probabilities, and parts of one thing count once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osprey_core.analysis.find import (
    LOWEST_THRESHOLD,
    Find,
    Finds,
    clean_phrase,
    clip_scores,
    find,
    likelihood_scores,
    with_article,
)
from osprey_core.analysis.label_likelihood import score_labels
from osprey_core.analysis.open_vocabulary import BACKGROUND, OpenVocabulary
from osprey_core.engine import Osprey
from osprey_core.errors import ContextOverflowError, InputError
from osprey_core.language.prompts import QUESTIONS
from osprey_core.language.wording import singular
from osprey_core.segment import load_segmenter
from osprey_core.view import View
from tests.clip import write_clip
from tests.tiny import tiny_osprey

PICTURE = np.random.default_rng(0).integers(0, 255, (48, 80, 3), dtype=np.uint8)
EXAMPLES = Path(__file__).parents[3] / "examples"


def boxes(*rows: tuple[int, int, int, int], size_hw: tuple[int, int] = (48, 80)) -> list[np.ndarray]:
    masks = []
    for x0, y0, x1, y1 in rows:
        mask = np.zeros(size_hw, bool)
        mask[y0:y1, x0:x1] = True
        masks.append(mask)
    return masks


@pytest.fixture(scope="module", params=["eos", "text"])
def view(request: pytest.FixtureRequest) -> View:
    return tiny_osprey(answer_end=request.param).open(PICTURE)


REGIONS = boxes((0, 0, 20, 20), (30, 5, 60, 40), (5, 25, 25, 45))


def test_likelihoods_of_many_regions_are_those_of_one_region_and_many_labels(view: View) -> None:
    labels = ["cat", "the sea is", "x", "描述"]
    ours = view.answer_likelihoods(QUESTIONS["category"], REGIONS, labels, batch_size=2)
    assert ours.shape == (3, 4)
    for row, mask in zip(ours, REGIONS, strict=True):
        expected = {score.label: score.log_likelihood for score in score_labels(view, mask, labels).ranked}
        assert row == pytest.approx([expected[label] for label in labels], abs=2e-4)


def test_a_beginning_is_at_least_as_likely_as_the_whole_answer(view: View) -> None:
    beginning = view.answer_likelihoods("Is <region1> a cat?", REGIONS, ["Yes", "No"], whole=False)
    whole = view.answer_likelihoods("Is <region1> a cat?", REGIONS, ["Yes", "No"])
    assert (beginning > whole).all()
    assert (np.exp(beginning).sum(1) <= 1).all()


def test_no_region_and_no_room(view: View) -> None:
    assert view.answer_likelihoods("Is it?", [], ["Yes"]).shape == (0, 1)
    with pytest.raises(ContextOverflowError):
        view.answer_likelihoods("Is it " + "very " * 400 + "big?", REGIONS, ["Yes"])
    with pytest.raises(InputError):
        view.answer_likelihoods("Is it?", [np.zeros((48, 80), bool)], ["Yes"])


def test_parts_of_a_found_thing_are_not_found_again() -> None:
    whole, part, other = boxes((0, 0, 30, 30), (5, 5, 15, 15), (50, 0, 70, 20))
    finds = Finds("dog", [0.8, 0.9, 0.6], [whole, part, other])
    assert finds.at(0.5) == (Find(0, 0.8), Find(2, 0.6))
    assert finds.at(0.7) == (Find(0, 0.8),)
    assert finds.at(0.85) == (Find(1, 0.9),), "the whole is below the threshold, so that its part stands for it"
    assert finds.at(0.95) == ()


def test_a_thing_on_a_vague_background_is_found() -> None:
    background, thing = boxes((0, 0, 80, 48), (5, 5, 15, 15))
    finds = Finds("dog", [0.06, 0.99], [background, thing])
    assert [one.place for one in finds.at(0.5)] == [1]


def test_steps_tell_the_finds_at_every_threshold() -> None:
    rng = np.random.default_rng(1)
    corners = rng.integers(0, 40, (12, 2))
    masks = boxes(*[(int(x), int(y) // 2, int(x) + 20, int(y) // 2 + 15) for x, y in corners])
    scores = rng.random(12).round(3)
    finds = Finds("dog", scores.tolist(), masks)
    thresholds = [threshold for threshold, _ in finds.steps]
    assert thresholds == sorted(thresholds, reverse=True)
    for threshold in np.linspace(LOWEST_THRESHOLD, 1, 50):
        told = next((places for lowest, places in reversed(finds.steps) if lowest >= threshold), ())
        assert told == tuple(one.place for one in finds.at(float(threshold)))


@pytest.mark.parametrize(
    ("typed", "phrase"),
    [
        ("  red   car. ", "red car"),
        ("Find all the speech bubbles!", "speech bubbles"),
        ("the", "the"),
        ("all", "all"),
        ("“A dog”", "dog"),
        ("allspice", "allspice"),
    ],
)
def test_phrases_are_cleaned(typed: str, phrase: str) -> None:
    assert clean_phrase(typed) == phrase


@pytest.mark.parametrize(
    ("typed", "code"), [("", "find.phrase_empty"), (" . ", "find.phrase_empty"), ("x" * 101, "find.phrase_long")]
)
def test_phrases_that_say_nothing_or_too_much_are_refused(view: View, typed: str, code: str) -> None:
    with pytest.raises(InputError) as refusal:
        find(view, REGIONS, typed)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("red cars", "red car"), ("butterflies", "butterfly"), ("people", "person"), ("boxes", "box"),
        ("glass", "glass"), ("bus", "bus"), ("buses", "bus"), ("tomatoes", "tomato"), ("sky", "sky"), ("gas", "gas"),
        ("horses", "horse"), ("speech bubbles", "speech bubble"),
    ],
)  # fmt: skip
def test_the_singular(many: str, one: str) -> None:
    assert singular(many) == one


def test_the_article() -> None:
    told = [with_article(noun) for noun in ("dog", "apple", "hour glass", "unicorn", "umbrella")]
    assert told == ["a dog", "an apple", "an hour glass", "a unicorn", "an umbrella"]


def test_a_score_joins_the_names_and_the_yes(monkeypatch: pytest.MonkeyPatch, view: View) -> None:
    """Closed form: names 0.81 and 0.0001; yes to no as 9 to 1. The unlikely region is never asked."""
    asked: list[tuple[str, int]] = []

    def answered(question: str, regions: list[np.ndarray], answers: list[str], whole: bool = True) -> np.ndarray:
        asked.append((question, len(regions)))
        if whole:
            return np.log(np.array([[0.81] * len(answers), [0.0001] * len(answers)])[: len(regions)])
        return np.log(np.array([[0.9, 0.01, 0.1, 0.01]]))

    monkeypatch.setattr(view, "answer_likelihoods", answered)
    scores = likelihood_scores(view, REGIONS[:2], "red cars")
    assert scores == pytest.approx([np.sqrt(0.81 * 0.9), 0.0001])
    assert asked == [(QUESTIONS["category"], 2), ("Is <region1> a red car?", 1)]


def test_with_a_clip_the_phrase_is_compared_with_the_background(view: View, tmp_path: Path) -> None:
    clip = OpenVocabulary.from_pretrained(str(write_clip(tmp_path)), "cpu", image_size=64, cache_folder=tmp_path / "c")
    opened = clip.open(PICTURE)
    texts = clip.embed_texts(["dog", *BACKGROUND])
    cosines = (opened.embed(REGIONS) @ texts.T).double().numpy()
    logits = clip.network.scale * cosines
    # All words of the background stand as classes of their own in the softmax.
    expected = np.exp(logits[:, 0]) / np.exp(logits).sum(1)
    assert clip_scores(opened, REGIONS, "dogs") == pytest.approx(expected, abs=1e-4)
    assert find(view, REGIONS, "dogs", opened).scores == pytest.approx(expected, abs=1e-4)


def test_nothing_to_search_in(view: View) -> None:
    assert find(view, [], "dog").at() == ()


@pytest.mark.slow
def test_the_embedded_model_finds_what_it_knows_and_nothing_else() -> None:
    picture = np.asarray(Image.open(EXAMPLES / "01-meadow.png").convert("RGB"))
    masks = [found.mask for found in load_segmenter("learned", "cpu").open(picture).everything()]
    view = Osprey.from_pretrained("nano", "cpu").open(picture)
    (hedgehog,) = find(view, masks, "hedgehogs").at()
    assert view.ask(QUESTIONS["category"], [masks[hedgehog.place]]) == "hedgehog"
    assert find(view, masks, "elephant").at() == ()
