"""Wrong answers as one picture: what was marked, what was asked, what was said, what is true.

Scores say how often a model is wrong; this sheet shows in which way. This module does not know which model answered or
how answers are judged.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from osprey_core.draw.overlays import overlay
from osprey_core.evaluation.questions import LATER_TURNS
from osprey_core.evaluation.scoring import Judged
from osprey_core.regions.region import NumberedMask
from osprey_core.training.art import Atlas
from osprey_core.training.dialogues import DialogueOptions
from osprey_core.training.scenes.scene import make_scene

TILE_PX = 256
_TEXT_PX = 92
_LINE_PX = 15
_CHARACTERS = 40
_MAX_LINES = 2
_SAID_COLOR, _TRUE_COLOR, _ASKED_COLOR = (176, 32, 32), (20, 110, 50), (40, 40, 40)


def choose_failures(judged: Iterable[Judged], count: int) -> list[Judged]:
    """Up to `count` wrong answers to single questions, of every score in turns, no two about the same picture."""
    by_score: dict[str, list[Judged]] = {}
    for answered in judged:
        if not answered.right and not answered.control and answered.score != LATER_TURNS and answered.question.masks:
            by_score.setdefault(answered.score, []).append(answered)
    chosen: list[Judged] = []
    seen: set[int] = set()
    while len(chosen) < count and any(by_score.values()):
        for candidates in by_score.values():
            while candidates and candidates[0].seed in seen:
                candidates.pop(0)
            if candidates and len(chosen) < count:
                chosen.append(candidates.pop(0))
                seen.add(chosen[-1].seed)
    return chosen


def failure_sheet(failures: Sequence[Judged], atlas: Atlas | None, columns: int = 4) -> Image.Image:
    """The failures in rows of `columns` tiles; their scenes are made again from their seeds, with the same atlas."""
    rows = -(-len(failures) // columns)
    sheet = Image.new("RGB", (columns * TILE_PX, max(1, rows) * (TILE_PX + _TEXT_PX)), "white")
    for place, failure in enumerate(failures):
        corner = (place % columns * TILE_PX, place // columns * (TILE_PX + _TEXT_PX))
        sheet.paste(_tile(failure, atlas), corner)
    return sheet


def _tile(failure: Judged, atlas: Atlas | None) -> Image.Image:
    scene = make_scene(failure.seed, DialogueOptions().scene, atlas)
    regions = [NumberedMask(number, mask) for number, mask in enumerate(failure.question.masks, start=1)]
    drawn = overlay(np.asarray(scene.image), regions, alpha=0.25, numbers=len(regions) > 1)
    picture = Image.fromarray(drawn)
    picture.thumbnail((TILE_PX - 12, TILE_PX - 12))
    tile = Image.new("RGB", (TILE_PX, TILE_PX + _TEXT_PX), "white")
    tile.paste(picture, ((TILE_PX - picture.width) // 2, (TILE_PX - picture.height) // 2))
    pen, font = ImageDraw.Draw(tile), ImageFont.load_default(12)
    y = TILE_PX
    lines = (
        (failure.question.text, _ASKED_COLOR),
        (failure.answer, _SAID_COLOR),
        (failure.question.answer, _TRUE_COLOR),
    )
    for text, color in lines:
        for line in textwrap.wrap(text, _CHARACTERS, max_lines=_MAX_LINES, placeholder=" …"):
            pen.text((8, y), line, fill=color, font=font)
            y += _LINE_PX
    return tile
