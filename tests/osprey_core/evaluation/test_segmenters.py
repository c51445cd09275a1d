"""Scores of segmenters, with segmenters whose scores are known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osprey_core.evaluation.__main__ import main
from osprey_core.evaluation.segmenters import (
    ThingScores,
    bootstrap_by_group,
    judge_photographs,
    summarise_things,
    table_of,
    things_of,
)
from osprey_core.regions.rle import encode_rle
from osprey_core.segment.protocol import BoxXYXY, PointXY, ScoredMask
from osprey_core.training.scenes.photographs import read_photographs


def region(y0: int, x0: int, y1: int, x1: int) -> np.ndarray:
    mask = np.zeros((100, 160), bool)
    mask[y0:y1, x0:x1] = True
    return mask


LEFT, RIGHT, SMALL, SKY = region(20, 10, 80, 60), region(20, 90, 80, 150), region(90, 70, 99, 80), region(0, 0, 15, 160)


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    Image.new("RGB", (160, 100), (9, 9, 9)).save(tmp_path / "a.png")
    annotations = [
        {
            "id": place,
            "image_id": 1,
            "category_id": category,
            "bbox": [0, 0, 160, 100],
            "segmentation": encode_rle(mask),
            "iscrowd": crowd,
        }
        for place, (mask, category, crowd) in enumerate(
            [(LEFT, 1, 0), (RIGHT, 1, 0), (SMALL, 1, 0), (SKY, 2, 0), (LEFT | RIGHT, 1, 1)]
        )
    ]
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 160, "height": 100}],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "block", "isthing": 1}, {"id": 2, "name": "sky", "isthing": 0}],
    }
    (tmp_path / "set.json").write_text(json.dumps(content), "utf-8")
    return tmp_path


class Halves:
    """A click finds three tenths of the columns, each further one as many; the second answer is the whole thing."""

    name = "halves"

    def open(self, image: np.ndarray) -> Halves:
        assert image.shape == (100, 160, 3)
        return self

    def open_part(self, part: np.ndarray, whole: object) -> Halves:
        raise NotImplementedError

    def segment(
        self, points_xy: Sequence[PointXY] = (), labels: Sequence[int] = (), box_xyxy: BoxXYXY | None = None
    ) -> list[ScoredMask]:
        x = points_xy[0][0] if points_xy else (box_xyxy or (0,))[0]
        whole = LEFT if x < 80 else RIGHT
        if box_xyxy is not None:
            return [ScoredMask(whole, 1.0)]
        part = whole.copy()
        first, last = np.flatnonzero(whole.any(0))[[0, -1]]
        part[:, first + round((last + 1 - first) * 0.3 * len(points_xy)) :] = False
        return [ScoredMask(part, 0.9), ScoredMask(whole, 0.5)]

    def preview(self, x: float, y: float) -> np.ndarray:
        return self.segment([(x, y)], [1])[0].mask

    def everything(self) -> list[ScoredMask]:
        return [ScoredMask(LEFT, 1.0), ScoredMask(region(20, 90, 80, 115), 0.5)]


def test_only_outlined_large_single_things_are_measured(coco: Path) -> None:
    (photograph,) = read_photographs(coco / "set.json", coco)
    masks = things_of(photograph)
    assert [int(mask.sum()) for mask in masks] == [3000, 3600]


def test_scores_of_a_known_segmenter(coco: Path) -> None:
    figures = judge_photographs(Halves(), read_photographs(coco / "set.json", coco), max_clicks=6)
    told = {name: score.value for name, score in figures.items() if name != "seconds"}
    assert told["1 click"] == pytest.approx(0.3, abs=0.01)
    assert told["2 clicks"] == pytest.approx(0.6, abs=0.01)
    assert told["3 clicks"] == pytest.approx(0.9, abs=0.01)
    assert told["5 clicks"] == 1
    assert told["best candidate of 1 click"] == 1
    assert told["box"] == 1
    assert told["clicks to 0.85 (of 6)"] == 3
    assert told["everything: found at 0.5"] == 0.5
    assert told["everything: best IoU"] == pytest.approx((1 + 25 / 60) / 2)
    assert set(figures["seconds"]) == {"open", "click", "everything"}
    assert "0.500" in table_of({"halves": figures})


def test_a_thing_that_is_never_good_costs_all_clicks() -> None:
    score = ThingScores(1, 2000, iou=[0.2] * 20, clicks=20)
    assert summarise_things([score], 20)["clicks to 0.85 (of 20)"].value == 20
    assert summarise_things([], 20) == {}


def test_intervals_resample_whole_pictures() -> None:
    values, pictures = [0.0] * 50 + [1.0] * 50, [1] * 50 + [2] * 50
    grouped = bootstrap_by_group(values, pictures)
    assert (grouped.value, grouped.low, grouped.high, grouped.count) == (0.5, 0.0, 1.0, 100)
    single = bootstrap_by_group(values, list(range(100)))
    assert 0.38 < single.low < 0.5 < single.high < 0.62


def test_the_command_measures_classic(coco: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "out.json"
    arguments = ["segmenter", "--coco", str(coco / "set.json"), "--pictures", str(coco), "--segmenters", "classic"]
    assert main([*arguments, "--max-clicks", "2", "--no-everything", "--out", str(out), "--json"]) == 0
    figures = json.loads(out.read_text("utf-8"))["classic"]
    assert json.loads(capsys.readouterr().out)["classic"] == figures
    assert 0 <= figures["1 click"]["low"] <= figures["1 click"]["value"] <= 1
    assert main([*arguments, "--held-back", "none"]) == 2
    assert main([*arguments, "--max-clicks", "0"]) == 2
