"""Wrong answers as a picture."""

from __future__ import annotations

import numpy as np
from PIL import Image

from osprey_core.evaluation.failures import TILE_PX, choose_failures, failure_sheet
from osprey_core.evaluation.questions import balanced, choose_topics
from osprey_core.evaluation.scoring import Judged


def judged(right: bool) -> list[Judged]:
    pictures = balanced(None, 4, choose_topics(["category", "color"]))
    return [
        Judged(score, made.scene.seed, question, "a teapot", right)
        for picture in pictures
        for score, made, question in picture.asked
    ]


def test_wrong_answers_of_every_score_in_turns_and_no_picture_twice() -> None:
    chosen = choose_failures([*judged(True), *judged(False)], 4)
    assert len(chosen) == 4
    assert {one.score for one in chosen} == {"category", "part", "colour"}
    assert len({one.seed for one in chosen}) == 4
    assert not any(one.right for one in chosen)
    assert choose_failures(judged(True), 4) == []


def test_a_failure_shows_its_own_scene() -> None:
    chosen = choose_failures(judged(False), 3)
    sheet = failure_sheet(chosen, None, columns=2)
    assert isinstance(sheet, Image.Image)
    assert sheet.width == 2 * TILE_PX
    tiles = np.asarray(sheet)
    first, second = tiles[:TILE_PX, :TILE_PX], tiles[:TILE_PX, TILE_PX:]
    assert first.std() > 5
    assert (first != second).any()
    assert (tiles[-TILE_PX:, TILE_PX:] == 255).all()  # three of four places are filled
    assert failure_sheet([], None).size[1] > 0
