"""labelme's JSON, also as X-AnyLabeling and other editors write it: shapes with labels."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from osprey_core.errors import InputError
from osprey_core.io.mask_files.picture_names import PictureNames, id_key
from osprey_core.io.mask_files.shapes import (
    MAX_MASKS,
    Budget,
    MaskFile,
    NamedMask,
    Notes,
    box_corners,
    check_size,
    clean,
    drawn,
    not_empty,
    pairs,
)
from osprey_core.regions.masks import Mask
from osprey_core.regions.rle import CodedMask

_WITHOUT_AREA = ("point", "points", "line", "linestrip", "line_strip", "keypoint")
_POLYGONS = ("polygon", "rotation", "rotated_rectangle", "quadrilateral")
"""Kinds of shape whose points are corners in order around them."""


def from_labelme(values: Mapping[str, Any], size_hw: tuple[int, int], names: PictureNames) -> MaskFile:
    """The masks of a file of one picture; none if it has no shapes.

    Raises InputError if the file is for another picture, or if none of its shapes can be used.
    """
    listed = values.get("imagePath")
    if isinstance(listed, str) and listed.strip() and not names.closeness(listed):
        file = (names.name or "").replace("\\", "/").rsplit("/", 1)[-1]
        raise InputError("mask_file.other_picture", listed=clean(listed), name=file)
    check_size((values.get("imageHeight"), values.get("imageWidth")), size_hw)
    shapes = values["shapes"]
    if len(shapes) > MAX_MASKS:
        raise InputError("mask_file.shapes_too_many", count=len(shapes), limit=MAX_MASKS)
    budget, notes = Budget(size_hw), Notes()
    groups: dict[Any, tuple[str, Mask]] = {}
    for place, shape in enumerate(shapes, 1):
        if not isinstance(shape, Mapping) or shape.get("shape_type") in _WITHOUT_AREA:
            continue
        name = clean(shape.get("label"))
        with notes.tolerating("mask_file.shape_unusable", place):
            mask = _mask_of(shape, size_hw, budget, notes)
            # Shapes with the same label and group id are parts of one mask.
            group = id_key(shape.get("group_id"))
            key = (group, name) if group is not None else (None, place)
            groups[key] = (name, mask | groups[key][1] if key in groups else mask)
    if not groups and notes.problems:
        raise notes.problems[0]
    if not groups and shapes:
        is_any = any(isinstance(shape, Mapping) for shape in shapes)
        raise InputError("mask_file.area_missing" if is_any else "mask_file.masks_missing")
    masks = tuple(NamedMask(CodedMask.of(mask), name, key[0]) for key, (name, mask) in groups.items())
    return MaskFile(masks, notes.sentences())


def _mask_of(shape: Mapping[str, Any], size_hw: tuple[int, int], budget: Budget, notes: Notes) -> Mask:
    kind = shape.get("shape_type") or "polygon"
    points = shape.get("points")
    is_polygon = kind in _POLYGONS or (kind == "rectangle" and isinstance(points, list) and len(points) == 4)
    if not isinstance(points, list) or (not is_polygon and len(points) != 2):
        raise InputError("mask_file.points_mismatch")
    if is_polygon:
        return drawn([points], size_hw, budget, notes)
    (xa, ya), (xb, yb) = pairs(points)
    if kind == "rectangle":
        return drawn([box_corners(xa, ya, xb, yb)], size_hw, budget, notes)
    if kind == "circle":  # its centre, and a point on its rim
        radius = float(np.hypot(xb - xa, yb - ya))
        turns = np.linspace(0, 2 * np.pi, 256, endpoint=False)
        rim = np.stack([xa + radius * np.cos(turns), ya + radius * np.sin(turns)], axis=1)
        return drawn([rim.tolist()], size_hw, budget, notes)
    if kind == "mask":
        return _pasted(shape.get("mask"), (xa, ya), size_hw, budget)
    raise InputError("mask_file.shape_unknown", kind=repr(str(kind)[:40]))


def _pasted(encoded: Any, corner_xy: tuple[float, float], size_hw: tuple[int, int], budget: Budget) -> Mask:
    """labelme's own masks: a base64 PNG of the shape's box, at its upper left corner."""
    budget.spend_mask()
    mask = np.zeros(size_hw, dtype=np.bool_)
    try:
        data = base64.b64decode(encoded, validate=True)
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if image.height > size_hw[0] + 1 or image.width > size_hw[1] + 1:
                raise ValueError
            part = np.asarray(image.convert("L")) > 0
    except (binascii.Error, ValueError, TypeError, OSError, SyntaxError, Image.DecompressionBombError):
        raise InputError("mask_file.mask_damaged") from None
    x, y = round(corner_xy[0]), round(corner_xy[1])
    if x < 0 or y < 0 or x >= size_hw[1] or y >= size_hw[0]:
        raise InputError("mask_file.mask_outside")
    window = mask[y : y + part.shape[0], x : x + part.shape[1]]
    window[:] = part[: window.shape[0], : window.shape[1]]
    return not_empty(mask)
