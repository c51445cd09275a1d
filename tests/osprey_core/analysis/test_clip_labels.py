"""A CLIP's scores of labels are the softmax of its cosines, and stand beside the language model's in one list."""

from __future__ import annotations

import numpy as np
import pytest

from osprey_core.analysis import label_likelihood
from osprey_core.analysis.clip_labels import score_labels
from osprey_core.analysis.label_results import label_results
from osprey_core.analysis.open_vocabulary import BACKGROUND
from osprey_core.errors import InputError
from tests import fakes
from tests.clip import loaded_clip
from tests.tiny import tiny_osprey

LABELS = ("dog", "red car", "stone wall")
MASKS = [fakes.shape("red"), fakes.shape("blue")]


def test_shares_are_the_softmax_of_the_cosines() -> None:
    clip = loaded_clip()
    view = clip.open(fakes.picture())
    words = clip.embed_texts(LABELS).numpy()
    others = clip.embed_texts(BACKGROUND).numpy()
    for scores, region in zip(score_labels(view, MASKS, LABELS), view.embed(MASKS).numpy(), strict=True):
        weights = np.exp(clip.network.scale * np.concatenate([words @ region, others @ region]))
        shares = weights[:3] / weights[:3].sum()
        assert [score.label for score in scores.ranked] == [LABELS[place] for place in np.argsort(-shares)]
        for label, cosine, share in zip(LABELS, words @ region, shares, strict=True):
            assert scores.by_label[label].cosine == pytest.approx(cosine, abs=1e-5)
            assert scores.by_label[label].share == pytest.approx(share, abs=1e-4)
        assert scores.on_list == pytest.approx(weights[:3].sum() / weights.sum(), abs=1e-4)
        assert scores.is_uncertain == (shares.max() < 0.5 or scores.on_list < 0.1)


def test_both_scores_stand_in_one_list() -> None:
    (seen,) = score_labels(loaded_clip().open(fakes.picture()), MASKS[:1], LABELS)
    told = label_likelihood.score_labels(tiny_osprey().open(fakes.picture()), MASKS[0], LABELS)
    both, by_model, by_clip = label_results(told, seen), label_results(told, None), label_results(None, seen)
    assert [entry["label"] for entry in both["labels"]] == [score.label for score in told.ranked]
    assert [entry["label"] for entry in by_clip["labels"]] == [score.label for score in seen.ranked]
    for entry in both["labels"]:
        assert entry in [one | other for one in by_model["labels"] for other in by_clip["labels"]]
    assert {key: both[key] for key in ("on_list", "clip_on_list")} == {
        "on_list": told.on_list,
        "clip_on_list": seen.on_list,
    }
    assert (both["uncertain"], by_clip["uncertain"]) == (told.is_uncertain, seen.is_uncertain)
    assert "share" not in by_clip["labels"][0]
    assert "clip_share" not in by_model["labels"][0]


def test_labels_and_masks_that_cannot_be_used_are_refused() -> None:
    view = loaded_clip().open(fakes.picture())
    with pytest.raises(InputError):
        score_labels(view, MASKS, ["dog", "dog"])
    with pytest.raises(InputError):
        score_labels(view, [np.zeros((270, 360), bool)], LABELS)
    assert score_labels(view, [], LABELS) == ()
