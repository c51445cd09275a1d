"""Boxes become outlines where the segmenter is sure and its mask fills the box."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osprey_core.segment.protocol import BoxXYXY, PointXY, ScoredMask
from osprey_core.training.scenes.photographs import read_photographs
from osprey_core.training.segmenter.outlines import box_overlap, coco_file
from osprey_core.training.segmenter.tasks import read_pictures

BOXES = [[10, 10, 40, 50], [60, 10, 40, 50], [10, 70, 60, 25], [80, 80, 6, 6]]


class Ellipses:
    """Answers a box with its ellipse: surely for the first, unsurely for the second, much too small for the third."""

    name = "ellipses"

    def open(self, image: np.ndarray) -> Ellipses:
        assert image.shape == (100, 120, 3)
        return self

    def open_part(self, part: np.ndarray, whole: object) -> Ellipses:
        raise NotImplementedError

    def segment(
        self, points_xy: Sequence[PointXY] = (), labels: Sequence[int] = (), box_xyxy: BoxXYXY | None = None
    ) -> list[ScoredMask]:
        assert box_xyxy is not None
        x0, y0, x1, y1 = box_xyxy
        shrunk = 3 if y0 == 70 else 1
        rows, columns = np.mgrid[0:100, 0:120] + 0.5
        inside = ((columns - (x0 + x1) / 2) * 2 * shrunk / (x1 - x0)) ** 2
        inside += ((rows - (y0 + y1) / 2) * 2 * shrunk / (y1 - y0)) ** 2
        return [ScoredMask(inside <= 1, 0.3 if x0 == 60 else 0.9)]

    def preview(self, x: float, y: float) -> np.ndarray:
        raise NotImplementedError

    def everything(self) -> list[ScoredMask]:
        raise NotImplementedError


def test_only_sure_and_fitting_outlines_are_written(tmp_path: Path) -> None:
    Image.new("RGB", (120, 100)).save(tmp_path / "a.png")
    content = {
        "images": [{"id": 4, "file_name": "a.png", "width": 120, "height": 100}],
        "annotations": [{"id": n, "image_id": 4, "category_id": 1, "bbox": box} for n, box in enumerate(BOXES)],
        "categories": [{"id": 1, "name": "dog"}],
    }
    (tmp_path / "boxes.json").write_text(json.dumps(content), "utf-8")
    made = coco_file(Ellipses(), read_photographs(tmp_path / "boxes.json", tmp_path))
    (tmp_path / "outlines.json").write_text(json.dumps(made), "utf-8")
    (picture,) = read_pictures(tmp_path / "outlines.json", tmp_path)
    assert picture.kinds == ("thing",)
    assert np.count_nonzero(picture.labels) == pytest.approx(np.pi * 20 * 25, rel=0.05)
    assert made["categories"] == [{"id": 1, "name": "dog"}]


def test_overlap_of_boxes() -> None:
    assert box_overlap((0, 0, 4, 4), (0, 0, 4, 4)) == 1
    assert box_overlap((0, 0, 4, 4), (2, 0, 6, 4)) == pytest.approx(1 / 3)
    assert box_overlap((0, 0, 2, 2), (2, 2, 4, 4)) == 0
