"""Which pictures count as drawings: closed forms, and the pictures that the program offers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from osprey_core.io.pictures import read_picture
from osprey_core.segment.drawings import flatness, is_drawing

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
