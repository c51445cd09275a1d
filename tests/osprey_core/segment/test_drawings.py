"""Which pictures count as drawings: closed forms, and the pictures that the program offers."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osprey_core.io.pictures import read_picture
from osprey_core.segment.drawings import flatness, is_certainly_drawing, is_drawing

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_flatness_is_the_share_of_equal_neighbours() -> None:
    plain = np.full((5, 9, 3), 77, np.uint8)
    assert flatness(plain) == 1.0
    stripes = plain.copy()
    stripes[:, 4:, 1] = 79  # one step of two levels in each row of eight
    assert flatness(stripes) == pytest.approx(7 / 8)
    ramp = np.repeat(np.arange(0, 200, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert flatness(ramp) == 1.0
    assert flatness(2 * ramp[:, :100]) == 0.0
    assert flatness(np.zeros((4, 1, 3), np.uint8)) == 1.0


def test_the_step_that_still_counts_as_equal_is_an_argument() -> None:
    picture = np.random.default_rng(0).integers(0, 6, (40, 50, 3), dtype=np.uint8)
    steps = np.abs(np.diff(picture.astype(int), axis=1)).max(2)
    for step in range(6):
        assert flatness(picture, step) == pytest.approx((steps <= step).mean())


def test_steps_do_not_wrap_around() -> None:
    checks = np.zeros((2, 4, 3), np.uint8)
    checks[:, 1::2] = 255
    assert flatness(checks) == 0.0


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.[jp][pn]g")), ids=lambda path: path.name)
def test_the_examples_are_told_apart(path: Path) -> None:
    assert is_drawing(np.asarray(read_picture(path))) == (path.suffix == ".png")


def test_there_are_examples_of_both_kinds() -> None:
    scenes = json.loads((EXAMPLES / "scenes.json").read_text(encoding="utf-8"))
    listed = scenes.get("scenes", []) if isinstance(scenes, dict) else scenes
    kinds = {Path(scene["file"]).suffix for scene in listed} | {path.suffix for path in EXAMPLES.iterdir()}
    assert {".png", ".jpg"} <= kinds


def test_no_photograph_is_certainly_drawn() -> None:
    for path in EXAMPLES.glob("*.jpg"):
        picture = Image.fromarray(np.asarray(read_picture(path)))
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=10)
        blurred = picture.resize((24, 24)).resize(picture.size, Image.Resampling.BICUBIC)
        for one in (picture, Image.open(file), blurred):
            assert not is_certainly_drawing(np.asarray(one)), path.name


def test_art_on_plain_ground_is_certainly_drawn_and_noise_on_it_makes_it_doubtful() -> None:
    drawing = np.asarray(read_picture(EXAMPLES / "02-sea.png"))
    assert is_certainly_drawing(drawing)
    noise = np.random.default_rng(0).integers(0, 2, drawing.shape, dtype=np.uint8)
    assert not is_certainly_drawing(drawing // 2 + noise)
