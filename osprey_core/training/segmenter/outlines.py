"""Outlines for things that have only boxes: `python -m osprey_core.training.segmenter.outlines --photos FILE FOLDER`.

A trained network answers each box; where it is sure and its mask fills the box, the mask becomes the outline in
a new COCO file, from which training can go on (self-training). Regions with outlines of their own are not copied.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from osprey_core.regions.masks import box_xyxy
from osprey_core.regions.rle import encode_rle
from osprey_core.runtime.photo_levels import shared_photo_encoder
from osprey_core.segment.learned import WEIGHTS_FILE, LearnedSegmenter, load_click_network
from osprey_core.segment.protocol import Segmenter
from osprey_core.training.scenes.photographs import Photograph, read_photographs

log = logging.getLogger(__name__)

MIN_SCORE = 0.6
"""What the network expects of a mask that is taken."""

MIN_BOX_OVERLAP = 0.75
"""How well the box around the mask must fit the box that was asked for, as an IoU."""

_SMALLEST_SIDE = 24  # pixels


def outlined(segmenter: Segmenter, photograph: Photograph) -> Iterator[dict[str, Any]]:
    """COCO annotations, without ids, for the things of a photograph that have a box alone and could be outlined."""
    boxes = [
        region
        for region in photograph.regions
        if region.rle is None
        and region.is_thing
        and not region.is_crowd
        and min(region.box_xyxy[2] - region.box_xyxy[0], region.box_xyxy[3] - region.box_xyxy[1]) >= _SMALLEST_SIDE
    ]
    if not boxes:
        return
    opened = segmenter.open(np.ascontiguousarray(photograph.image()))
    for region in boxes:
        x0, y0, x1, y1 = region.box_xyxy
        answer = opened.segment((), (), (float(x0), float(y0), float(x1), float(y1)))[0]
        if answer.score >= MIN_SCORE and box_overlap(box_xyxy(answer.mask), region.box_xyxy) >= MIN_BOX_OVERLAP:
            yield {
                "image_id": photograph.number,
                "category": region.category,
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "segmentation": encode_rle(answer.mask),
                "iscrowd": 0,
            }


def box_overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """IoU of two boxes (x0, y0, x1, y1), half-open and not empty."""
    width = max(0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (one, other)]
    return width * height / (sum(areas) - width * height)


def coco_file(segmenter: Segmenter, photographs: Sequence[Photograph]) -> dict[str, Any]:
    """The content of a COCO file with the outlines that could be found."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    numbers: dict[str, int] = {}
    for place, photograph in enumerate(photographs):
        found = list(outlined(segmenter, photograph))
        for entry in found:
            category = numbers.setdefault(entry.pop("category"), len(numbers) + 1)
            annotations.append({"id": len(annotations) + 1, "category_id": category, **entry})
        if found:
            height, width = photograph.size_hw
            images.append(
                {"id": photograph.number, "file_name": photograph.path.name, "height": height, "width": width}
            )
        if place % 50 == 49:
            log.info("%d of %d pictures, %d outlines", place + 1, len(photographs), len(annotations))
    categories = [{"id": number, "name": name} for name, number in numbers.items()]
    return {"images": images, "annotations": annotations, "categories": categories}


def main(argv: Sequence[str] | None = None) -> int:
    """Outline; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.training.segmenter.outlines", description=__doc__)
    parser.add_argument("--photos", nargs=2, required=True, metavar=("FILE", "FOLDER"))
    parser.add_argument("--weights", type=Path, default=WEIGHTS_FILE)
    parser.add_argument("--held-back", type=Path, help="JSON: for each COCO file's stem the ids that must not be read")
    parser.add_argument("--limit", type=int, help="only so many pictures, the first ones")
    parser.add_argument("--out", type=Path, required=True, help="the COCO file to write")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    file = Path(options.photos[0])
    left_out: Collection[int] = ()
    if options.held_back:
        left_out = set(json.loads(options.held_back.read_text(encoding="utf-8")).get(file.stem, ()))
    photographs = [p for p in read_photographs(file, Path(options.photos[1])) if p.number not in left_out]
    segmenter = LearnedSegmenter(load_click_network(options.weights), shared_photo_encoder("cpu", in_bfloat16=False))
    content = coco_file(segmenter, photographs[: options.limit])
    options.out.write_text(json.dumps(content) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
