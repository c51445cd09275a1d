"""Labels are scored by exactly the probability with which the model answers with them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from osprey_core.analysis import label_likelihood
from osprey_core.analysis.label_likelihood import LabelScore, LabelScores, score_labels
from osprey_core.engine import Osprey
from osprey_core.errors import ContextOverflowError, InputError
from osprey_core.language.prompts import QUESTIONS, Turn
from osprey_core.model.preprocess import image_to_tensor
from osprey_core.view import View
from tests.tiny import positions_computed, tiny_osprey

LABELS = ["cat", "a small dog", "the sea is", "x", "描述", "</s>"]
PICTURE = np.random.default_rng(0).integers(0, 255, (48, 80, 3), dtype=np.uint8)
MASK = np.zeros((48, 80), bool)
MASK[5:30, 10:40] = True


@pytest.fixture(scope="module", params=["eos", "text"])
def model(request: pytest.FixtureRequest) -> Osprey:
    return tiny_osprey(answer_end=request.param)


@pytest.fixture(scope="module")
def view(model: Osprey) -> View:
    return model.open(PICTURE)


def directly(model: Osprey, label: str, question: str = QUESTIONS["category"]) -> tuple[float, int]:
    """Log-likelihood and length of an answer by one plain forward pass over the whole conversation."""
    prompt, learned = model.prompts.transcript([Turn(question, label)], 1)
    masks = [torch.from_numpy(MASK)[None].expand(len(prompt.regions), -1, -1)]
    with torch.inference_mode():
        logits = model.network(torch.tensor([prompt.ids]), image_to_tensor(PICTURE, 64)[None], masks)[0]
    shift = logits.shape[0] - len(prompt.ids)
    chosen = torch.log_softmax(logits.double(), -1)
    places = [place for place, is_answer in enumerate(learned) if is_answer]
    return sum(float(chosen[place + shift - 1, prompt.ids[place]]) for place in places), len(places)


def test_scores_are_those_of_a_plain_forward_pass(model: Osprey, view: View) -> None:
    scores = score_labels(view, MASK, LABELS)
    assert {score.label for score in scores.ranked} == set(LABELS)
    for score in scores.ranked:
        expected, count = directly(model, score.label)
        assert score.token_count == count
        assert score.log_likelihood == pytest.approx(expected, abs=2e-4)
        assert score.mean_log_likelihood == pytest.approx(expected / count, abs=2e-4)


def by_label(scores: LabelScores) -> dict[str, float]:
    return {score.label: score.log_likelihood for score in scores.ranked}


def test_labels_scored_together_and_apart_get_the_same(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    together = by_label(score_labels(view, MASK, LABELS))
    alone = {label: by_label(score_labels(view, MASK, [label]))[label] for label in LABELS}
    assert together == pytest.approx(alone, abs=1e-4)
    for size in (1, 7, 20):
        monkeypatch.setattr(label_likelihood, "_TOKENS_AT_ONCE", size)
        assert by_label(score_labels(view, MASK, LABELS)) == pytest.approx(alone, abs=1e-4)


@pytest.mark.parametrize("rank_by", ["sum", "mean"])
def test_shares_are_a_softmax_in_the_order_of_the_ranks(view: View, rank_by: label_likelihood.RankBy) -> None:
    scores = score_labels(view, MASK, LABELS, rank_by=rank_by)
    ranks = [s.log_likelihood if rank_by == "sum" else s.mean_log_likelihood for s in scores.ranked]
    assert ranks == sorted(ranks, reverse=True)
    total = sum(map(math.exp, ranks))
    assert [s.share for s in scores.ranked] == pytest.approx([math.exp(rank) / total for rank in ranks])
    assert sum(s.share for s in scores.ranked) == pytest.approx(1)
    assert scores.on_list == pytest.approx(sum(math.exp(s.log_likelihood) for s in scores.ranked))
    assert scores.top(2) == scores.ranked[:2]


def test_the_picture_the_region_and_the_question_matter(model: Osprey, view: View) -> None:
    first = score_labels(view, MASK, LABELS)
    assert score_labels(view, MASK.astype(np.uint8), LABELS) == first
    assert score_labels(view, ~MASK, LABELS) != first
    assert score_labels(model.open(255 - PICTURE), MASK, LABELS) != first
    asked = score_labels(view, MASK, ["cat"], question="what is it?")
    assert asked.ranked[0].log_likelihood == pytest.approx(directly(model, "cat", "what is it?")[0], abs=2e-4)


def test_scoring_leaves_answers_as_they_are(view: View) -> None:
    before = view.ask("what is <region1>", [MASK])
    score_labels(view, MASK, LABELS)
    assert view.ask("what is <region1>", [MASK]) == before


def scored(*shares: float, on_list: float = 0.9) -> LabelScores:
    return LabelScores(tuple(LabelScore("x", -1.0, 2, share) for share in shares), on_list)


@pytest.mark.parametrize(
    ("scores", "uncertain"),
    [
        (scored(0.9, 0.1), False),
        (scored(0.5, 0.5), False),
        (scored(0.49, 0.48, 0.03), True),
        (scored(1.0, on_list=0.09), True),
        (scored(1.0, on_list=0.1), False),
    ],
)
def test_the_rule_of_low_confidence(scores: LabelScores, uncertain: bool) -> None:
    assert scores.is_uncertain == uncertain


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([], "is empty"),
        (["cat", "  "], "empty label"),
        ("cat", "must be a list"),
        (["cat", 3], "must be a list"),
        (["cat", "dog", " cat "], "“cat” is on the list twice"),
        ([str(number) for number in range(1001)], "At most 1000 labels .* not 1001"),
    ],
)
def test_unusable_lists_are_explained(view: View, labels: list, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        score_labels(view, MASK, labels)


def test_unusable_arguments_are_explained(view: View) -> None:
    with pytest.raises(InputError, match="empty; mark"):
        score_labels(view, MASK & False, ["cat"])
    with pytest.raises(InputError, match="'sum' or 'mean', not 'max'"):
        score_labels(view, MASK, ["cat"], rank_by="max")  # type: ignore[arg-type]
    with pytest.raises(ContextOverflowError, match=r"label “a a a .*; shorten them"):
        score_labels(view, MASK, ["cat", "a " * 600])
    assert score_labels(view, MASK, ["half \ud83d a pair"]).ranked[0].label == "half ? a pair"


def test_a_second_list_computes_its_labels_and_one_position(model: Osprey) -> None:
    """The picture, the question and the region are not read again; neither for labels nor for an answer."""
    view = model.open(PICTURE)
    score_labels(view, MASK, LABELS)
    with positions_computed(model) as lengths:
        score_labels(view, MASK, ["mouse", "horse"])
        assert len(lengths) == 2
        assert lengths[0] == 1
        view.ask(QUESTIONS["category"], [MASK], max_new_tokens=1)
        assert lengths[2:] == [1]


def test_the_scores_do_not_depend_on_what_is_kept(model: Osprey) -> None:
    view = model.open(PICTURE)
    first = by_label(score_labels(view, MASK, LABELS))
    view.ask(QUESTIONS["category"], [MASK])
    view.ask(QUESTIONS["category"], [~MASK])
    assert by_label(score_labels(view, MASK, LABELS)) == pytest.approx(first, abs=1e-4)
    forgetful = tiny_osprey(answer_end=model.network.config.prompt.answer_end)
    forgetful.cache.max_bytes = 0
    assert by_label(score_labels(forgetful.open(PICTURE), MASK, LABELS)) == pytest.approx(first, abs=1e-4)
    assert forgetful.cache.used_bytes == 0
