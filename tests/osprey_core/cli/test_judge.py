"""`judge` tells how likely labels are for marked regions, by the model, by a CLIP, or by both."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from osprey_core.analysis import clip_labels, label_likelihood
from osprey_core.cli.commands import main
from osprey_core.cli.loaders import Loaders
from osprey_core.region_model import Abilities
from tests import fakes
from tests.clip import loaded_clip
from tests.tiny import tiny_osprey


class Remote(fakes.FakeModel):
    """A model behind an endpoint."""

    @property
    def abilities(self) -> Abilities:
        return Abilities(likelihood=False)


def run(model: Any, *words: object) -> tuple[int, str, str]:
    out, errors = io.StringIO(), io.StringIO()
    loaders: Any = Loaders(lambda options: model, lambda options: fakes.FakeSegmenter(), lambda *_: loaded_clip())
    code = main([str(word) for word in words], out, errors, loaders)
    return code, out.getvalue(), errors.getvalue()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    fakes.picture().save(tmp_path / "shapes.png")
    return tmp_path / "shapes.png"


def test_labels_are_scored_by_the_model_and_by_a_clip(picture: Path) -> None:
    marks = ("--point", "80,100", "--region", "--point", "250,110")
    out = picture.with_name("scores.json")
    model = tiny_osprey()
    code, told, errors = run(model, "judge", picture, "dog, red  car,dog", *marks, "--labels", "clip", "--out", out)
    assert (code, errors) == (0, "")
    view, seen = model.open(fakes.picture()), loaded_clip().open(fakes.picture())
    lines = []
    regions = json.loads(out.read_text())["regions"]
    for number, name in ((1, "red"), (2, "blue")):
        by_model = label_likelihood.score_labels(view, fakes.shape(name), ["dog", "red car"])
        (by_clip,) = clip_labels.score_labels(seen, [fakes.shape(name)], ["dog", "red car"])
        lines.append(f"Region {number}: not sure" if by_model.is_uncertain else f"Region {number}")
        for score in by_model.ranked:
            share = by_clip.by_label[score.label].share
            lines.append(f"  {100 * score.share:5.1f} %  CLIP {100 * share:5.1f} %  {score.label}")
        assert regions[number - 1]["labels"][0]["share"] == pytest.approx(by_model.ranked[0].share)
    assert told.splitlines() == lines


def test_either_is_enough(picture: Path) -> None:
    _, by_model, _ = run(tiny_osprey(), "judge", picture, "dog, car", "--point", "80,100", "--rank-by", "mean")
    assert "CLIP" not in by_model
    assert by_model.count("%") == 2
    code, by_clip, _ = run(Remote(), "judge", picture, "dog, car", "--point", "80,100", "--labels", "clip")
    assert code == 0
    assert by_clip.count("CLIP") == by_clip.count("%") == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("dog", "--point", "80,100"), "at least two different labels"),
        (("dog, cat",), "Nothing is marked"),
        (("dog, cat", "--point", "80,100"), "name a CLIP with --labels"),
    ],
)
def test_mistakes_are_one_sentence(picture: Path, words: tuple[str, ...], sentence: str) -> None:
    code, told, errors = run(Remote(), "judge", picture, *words)
    assert (code, told) == (2, "")
    assert sentence in errors
