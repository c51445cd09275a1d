"""A record's regions in the formats of other programs: COCO polygons, labelme, YOLO, label map, CSV, cut-outs.

COCO with run lengths is in `osprey_core.io.export`. Polygons run along the edges of pixels. A region with holes or too
ragged for polygons keeps its exact pixels in another form (COCO: run lengths, labelme: a mask); YOLO knows polygons
only, so that a path leads from the edge of a piece to each of its holes and back, and ragged regions are left out.
"""

from __future__ import annotations

import base64
import csv
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from osprey_core.io.record import Record, RecordedRegion
from osprey_core.regions.colors import color_of
from osprey_core.regions.masks import Mask, box_xyxy
from osprey_core.regions.outline import area_of, outlines, outlines_with_holes

UNNAMED = "region"
_BEGINS_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
"""First characters that a spreadsheet takes for a formula, those of full width included."""

MAX_EDGES = 200_000
"""Edges of pixels of the most ragged region that is told as polygons."""


def class_names(record: Record) -> list[str]:
    """The names of the regions, each once, in the order of the regions."""
    return list(dict.fromkeys(region.name or UNNAMED for region in record.regions))


def coco_polygons(mask: Mask) -> list[list[float]] | None:
    """COCO's polygons of a mask, each x, y, x, y …; None if it has holes or is too ragged."""
    loops = _loops(mask)
    if loops is None or any(area_of(loop) < 0 for loop in loops):
        return None
    return [[float(value) for value in loop.ravel()] for loop in loops]


def to_labelme(record: Record, picture_file: str) -> dict[str, Any]:
    """The regions as labelme writes them; the pieces of a region share its number as `group_id`."""
    shapes: list[dict[str, Any]] = []
    for region in record.regions:
        mask = region.mask.mask()
        common: dict[str, Any] = {
            "label": region.name or UNNAMED,
            "group_id": region.number,
            "description": "",
            "flags": {},
        }
        loops = _loops(mask)
        if loops is None or any(area_of(loop) < 0 for loop in loops):
            x0, y0, x1, y1 = box_xyxy(mask)
            piece = _png(mask[y0:y1, x0:x1].astype(np.uint8) * 255)
            points = [[x0, y0], [x1 - 1, y1 - 1]]
            shapes.append(common | {"shape_type": "mask", "points": points, "mask": base64.b64encode(piece).decode()})
        else:
            shapes += [common | {"shape_type": "polygon", "points": loop.tolist(), "mask": None} for loop in loops]
    return {
        "version": "5.4.1",
        "flags": {},
        "shapes": shapes,
        "imagePath": picture_file,
        "imageData": None,
        "imageHeight": record.picture.height,
        "imageWidth": record.picture.width,
    }


def to_yolo(record: Record) -> str:
    """The regions as Ultralytics' YOLO reads segments: a line for each piece, class index and corners as shares."""
    names = class_names(record)
    size = np.array([record.picture.width, record.picture.height])
    lines = []
    for region in record.regions:
        index = names.index(region.name or UNNAMED)
        mask = region.mask.mask()
        for loop in () if _is_ragged(mask) else outlines_with_holes(mask):
            lines.append(f"{index} " + " ".join(f"{share:.6f}" for share in (loop / size).ravel()))
    return "".join(f"{line}\n" for line in lines)


def label_map_png(record: Record) -> bytes:
    """A grey PNG of the picture's size: 0 where no region is, else a region's number; smaller regions lie on top."""
    numbers = [region.number for region in record.regions]
    kind = np.uint8 if max(numbers, default=0) < 256 else np.uint16
    labels = np.zeros((record.picture.height, record.picture.width), kind)
    for region in sorted(record.regions, key=lambda each: -each.mask.area):
        labels[region.mask.mask()] = region.number
    return _png(labels)


def to_csv(record: Record, captions: dict[int, str]) -> str:
    """A line for each region: number, name, colour, pixels, share of the picture, box, caption.

    captions: by the number of the region. Names and captions that a spreadsheet would take for formulas get a
    leading apostrophe.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["number", "name", "colour", "pixels", "share", "x", "y", "width", "height", "caption"])
    whole = record.picture.width * record.picture.height
    for region in record.regions:
        x0, y0, x1, y1 = box_xyxy(region.mask.mask())
        area = region.mask.area
        numbers = [area, f"{area / whole:.6f}", x0, y0, x1 - x0, y1 - y0]
        caption = captions.get(region.number, "")
        table.writerow([region.number, _safe(region.name), color_of(region.number), *numbers, _safe(caption)])
    return text.getvalue()


def segments_csv(record: Record) -> str:
    """A line for each segment: number in the table, pixels, share, box, confidence of the outline, caption.

    Where a second model was asked: also its name, its caption, and why there is none.
    """
    compared = record.compared_with
    more = ["compared_with", "compared", "not_compared"] if compared else []
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["number", "pixels", "share", "x", "y", "width", "height", "outline", "caption", *more])
    whole = record.picture.width * record.picture.height
    for place, segment in enumerate(record.segments, 1):
        x0, y0, x1, y1 = box_xyxy(segment.mask.mask())
        score = "" if segment.score is None else f"{segment.score:.3f}"
        shape = [segment.mask.area, f"{segment.mask.area / whole:.6f}", x0, y0, x1 - x0, y1 - y0]
        told = [compared, segment.compared, segment.not_compared] if compared else []
        table.writerow([place, *shape, score, _safe(segment.caption), *map(_safe, told)])
    return text.getvalue()


def cutout_png(image: NDArray[np.uint8], region: RecordedRegion) -> bytes:
    """The region cut out of the picture uint8 (H, W, 3), everything else transparent, cropped to its box."""
    mask = region.mask.mask()
    x0, y0, x1, y1 = box_xyxy(mask)
    alpha = mask[y0:y1, x0:x1].astype(np.uint8) * 255
    pixels = np.where(alpha[..., None] > 0, image[y0:y1, x0:x1], 0)
    return _png(np.dstack([pixels, alpha]))


def _loops(mask: Mask) -> list[NDArray[np.int64]] | None:
    """The outlines of a mask; None if it is too ragged."""
    return None if _is_ragged(mask) else outlines(mask)


def _is_ragged(mask: Mask) -> bool:
    return sum(int(np.count_nonzero(np.diff(mask, axis=axis))) for axis in (0, 1)) > MAX_EDGES


def _safe(text: str) -> str:
    return f"'{text}" if text[:1] in _BEGINS_FORMULA else text


def _png(pixels: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()
