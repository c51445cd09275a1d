"""Read masks that other programs wrote: pictures (PNG …), COCO JSON, labelme JSON, bare run lengths.

The masks are for one picture of known size. Files are untrusted, so sizes are checked before anything is decoded.
"""

from __future__ import annotations

import base64
import binascii
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from osprey_core.errors import InputError
from osprey_core.io.files import parse_json, read_file
from osprey_core.regions.masks import Mask
from osprey_core.regions.raster import polygon_to_mask
from osprey_core.regions.region import clean_name
from osprey_core.regions.rle import CodedMask

MAX_FILE_BYTES = 100 * 2**20
MAX_MASKS = 1000
MAX_POINTS = 200_000
"""Largest number of corners of all polygons of a picture together."""
MAX_PIXELS_IN_ALL = 4_000_000_000
"""Largest number of pixels of all masks drawn from the polygons of a picture: some minutes of work."""

_FORMATS = ("PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")
_WITHOUT_AREA = ("point", "points", "line", "linestrip")


@dataclass(frozen=True)
class NamedMask:
    """A mask and its name in the file ("" if it has none)."""

    mask: CodedMask
    name: str = ""


def read_masks(
    source: bytes | str | os.PathLike[str], size_hw: tuple[int, int], picture_name: str | None = None
) -> list[NamedMask]:
    """All masks of a file, at least one, none of them empty.

    source: the bytes of the file, or its path: a picture (see `mask_from_picture`) or JSON (see `masks_from_json`).
    size_hw: height and width of the picture that the masks are for. picture_name: its file name, to find it in a
    COCO file about several pictures.
    Raises InputError if the file is of another kind, damaged, empty or for a picture of another size.
    """
    data = source if isinstance(source, bytes) else read_file(Path(source), MAX_FILE_BYTES)
    if not data:
        raise InputError("mask_file.empty")
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return masks_from_json(parse_json(data), size_hw, picture_name)
    return [NamedMask(CodedMask.of(mask_from_picture(data, size_hw)))]


def mask_from_picture(data: bytes, size_hw: tuple[int, int]) -> Mask:
    """Mask (H, W) from the bytes of a picture: where it is opaque, or if it is opaque everywhere, where it is bright.

    Bright means brighter than half of the brightest pixel, so that 0/1, 0/255 and smoothed masks all work.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_formats()) as image:
            _check_size((image.height, image.width), size_hw)  # known from the header, nothing is decoded yet
            image.load()
            alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
            values = _brightness(image) if alpha is None or alpha.getextrema()[0] == 255 else np.asarray(alpha)
    except InputError:
        raise
    except Exception:  # the decoders of damaged files raise nearly anything: OSError, SyntaxError, struct.error…
        raise InputError("mask_file.unreadable") from None
    mask = np.asarray(values > values.max() / 2)
    if not mask.any():
        raise InputError("mask_file.black")
    return mask


def masks_from_json(values: Any, size_hw: tuple[int, int], picture_name: str | None = None) -> list[NamedMask]:
    """Masks from parsed JSON: a COCO dataset, its annotations, one run-length mask, or labelme's shapes."""
    if isinstance(values, Mapping) and isinstance(values.get("shapes"), list):
        masks = _from_labelme(values, size_hw)
    else:
        masks = _from_coco(values, size_hw, picture_name)
    if not masks:
        if isinstance(values, Mapping) and "shapes" in values:
            raise InputError("mask_file.area_missing")
        raise InputError("mask_file.masks_missing")
    return masks


# --- pictures --------------------------------------------------------------------------------------------------------


def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _brightness(image: Image.Image) -> NDArray[Any]:
    if image.mode.startswith(("I", "F")):  # 16 and 32 bits: Pillow's own conversion would clip
        return np.nan_to_num(np.asarray(image, dtype=np.float64))
    return np.asarray(image.convert("L"))


def _check_size(found_hw: tuple[int, int], size_hw: tuple[int, int]) -> None:
    if tuple(found_hw) != tuple(size_hw):
        raise InputError(
            "mask_file.size_mismatch",
            width=found_hw[1],
            height=found_hw[0],
            picture_width=size_hw[1],
            picture_height=size_hw[0],
        )


# --- COCO ------------------------------------------------------------------------------------------------------------


def _from_coco(values: Any, size_hw: tuple[int, int], picture_name: str | None) -> list[NamedMask]:
    names: dict[Any, str] = {}
    annotations = values
    if isinstance(values, Mapping):
        if "counts" in values or "segmentation" in values:
            annotations = [values]
        else:
            names = _category_names(values.get("categories"))
            annotations = _annotations_of(values, size_hw, picture_name)
    if not isinstance(annotations, list):
        raise InputError("mask_file.masks_missing")
    if len(annotations) > MAX_MASKS:
        raise InputError("mask_file.masks_too_many", count=len(annotations), limit=MAX_MASKS)
    budget = _Budget(size_hw)
    masks = []
    for place, entry in enumerate(annotations, 1):
        if not isinstance(entry, Mapping):
            raise InputError("mask_file.masks_missing")
        name = entry.get("name") or names.get(_key(entry.get("category_id"))) or ""
        with _about("mask_file.mask_unusable", place):
            masks.append(NamedMask(_coco_mask(entry, size_hw, budget), _clean(name)))
    return masks


def _annotations_of(values: Mapping[str, Any], size_hw: tuple[int, int], picture_name: str | None) -> list[Any]:
    """The annotations of a dataset that belong to the picture."""
    annotations, images = values.get("annotations"), values.get("images")
    if not isinstance(annotations, list) or not isinstance(images, list) or not images:
        raise InputError("mask_file.masks_missing")
    listed = [image for image in images if isinstance(image, Mapping)]
    matches = listed
    if len(listed) > 1:
        file_name = None if picture_name is None else PurePosixPath(picture_name).name
        matches = [image for image in listed if PurePosixPath(str(image.get("file_name"))).name == file_name]
        exact = [image for image in matches if image.get("file_name") == picture_name]
        matches = exact or matches
        if len(matches) != 1:
            raise InputError("mask_file.picture_ambiguous", count=len(listed), name=file_name or "")
    image = matches[0] if matches else {}
    if isinstance(image.get("height"), int) and isinstance(image.get("width"), int):
        _check_size((image["height"], image["width"]), size_hw)
    key = _key(image.get("id"))
    return [a for a in annotations if not isinstance(a, Mapping) or _key(a.get("image_id")) == key]


def _category_names(categories: Any) -> dict[Any, str]:
    if not isinstance(categories, list):
        return {}
    return {_key(c.get("id")): _clean(c.get("name")) for c in categories if isinstance(c, Mapping)}


def _key(value: Any) -> Any:
    """The id if it is hashable as expected (int or str), else None."""
    return value if isinstance(value, int | str) else None


def _coco_mask(entry: Mapping[str, Any], size_hw: tuple[int, int], budget: _Budget) -> CodedMask:
    shape = entry if "counts" in entry else entry.get("segmentation")
    if isinstance(shape, Mapping):
        return CodedMask.read(shape, size_hw)
    if not isinstance(shape, list) or not shape:
        raise InputError("mask_file.segmentation_missing")
    flat = shape if isinstance(shape[0], list) else [shape]
    polygons = []
    for numbers in flat:
        if not isinstance(numbers, list) or len(numbers) % 2:
            raise InputError("mask_file.polygon_invalid")
        polygons.append([numbers[i : i + 2] for i in range(0, len(numbers), 2)])
    return _drawn(polygons, size_hw, budget)


# --- labelme ---------------------------------------------------------------------------------------------------------


def _from_labelme(values: Mapping[str, Any], size_hw: tuple[int, int]) -> list[NamedMask]:
    if isinstance(values.get("imageHeight"), int) and isinstance(values.get("imageWidth"), int):
        _check_size((values["imageHeight"], values["imageWidth"]), size_hw)
    shapes = values["shapes"]
    if len(shapes) > MAX_MASKS:
        raise InputError("mask_file.shapes_too_many", count=len(shapes), limit=MAX_MASKS)
    budget = _Budget(size_hw)
    groups: dict[Any, tuple[str, Mask]] = {}
    for place, shape in enumerate(shapes, 1):
        if not isinstance(shape, Mapping):
            raise InputError("mask_file.masks_missing")
        if shape.get("shape_type") in _WITHOUT_AREA:
            continue
        name = _clean(shape.get("label"))
        with _about("mask_file.shape_unusable", place):
            mask = _labelme_mask(shape, size_hw, budget)
        # Shapes with the same label and group id are parts of one mask.
        group = _key(shape.get("group_id"))
        key = (group, name) if group is not None else (None, place)
        if key in groups:
            mask |= groups[key][1]
        groups[key] = (name, mask)
    return [NamedMask(CodedMask.of(mask), name) for name, mask in groups.values()]


def _labelme_mask(shape: Mapping[str, Any], size_hw: tuple[int, int], budget: _Budget) -> Mask:
    kind = shape.get("shape_type") or "polygon"
    points = shape.get("points")
    if not isinstance(points, list) or (kind != "polygon" and len(points) != 2):
        raise InputError("mask_file.points_mismatch")
    if kind == "polygon":
        return _drawn([points], size_hw, budget).mask()
    (xa, ya), (xb, yb) = _pairs(points)
    if kind == "rectangle":
        return _drawn([[(xa, ya), (xb, ya), (xb, yb), (xa, yb)]], size_hw, budget).mask()
    if kind == "circle":  # its centre, and a point on its rim
        radius = float(np.hypot(xb - xa, yb - ya))
        turns = np.linspace(0, 2 * np.pi, 256, endpoint=False)
        rim = np.stack([xa + radius * np.cos(turns), ya + radius * np.sin(turns)], axis=1)
        return _drawn([rim.tolist()], size_hw, budget).mask()
    if kind == "mask":
        return _pasted(shape.get("mask"), (xa, ya), size_hw, budget)
    raise InputError("mask_file.shape_unknown", kind=repr(str(kind)[:40]))


def _pasted(encoded: Any, corner_xy: tuple[float, float], size_hw: tuple[int, int], budget: _Budget) -> Mask:
    """labelme's own masks: a base64 PNG of the shape's box, at its upper left corner."""
    budget.spend(0)
    mask = np.zeros(size_hw, dtype=np.bool_)
    try:
        data = base64.b64decode(encoded, validate=True)
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if image.height > size_hw[0] + 1 or image.width > size_hw[1] + 1:
                raise ValueError
            part = np.asarray(image.convert("L")) > 0
    except (binascii.Error, ValueError, TypeError, OSError, SyntaxError):
        raise InputError("mask_file.mask_damaged") from None
    x, y = round(corner_xy[0]), round(corner_xy[1])
    if x < 0 or y < 0 or x >= size_hw[1] or y >= size_hw[0]:
        raise InputError("mask_file.mask_outside")
    window = mask[y : y + part.shape[0], x : x + part.shape[1]]
    window[:] = part[: window.shape[0], : window.shape[1]]
    return _not_empty(mask)


# --- helpers ---------------------------------------------------------------------------------------------------------


class _Budget:
    """The remaining work that a file may cause, so that a small file cannot cause hours of it."""

    def __init__(self, size_hw: tuple[int, int]) -> None:
        self._pixels = size_hw[0] * size_hw[1]
        self._pixels_left, self._points_left = MAX_PIXELS_IN_ALL, MAX_POINTS

    def spend(self, points: int) -> None:
        self._pixels_left -= self._pixels
        self._points_left -= points
        if self._pixels_left < 0 or self._points_left < 0:
            raise InputError("mask_file.work_too_much")


class _about:  # noqa: N801 - reads as a statement: with _about("mask_file.mask_unusable", 3):
    """Context manager that wraps an InputError in one with this code, which names the mask by its place."""

    def __init__(self, code: str, place: int) -> None:
        self._code, self._place = code, place

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, InputError):
            raise InputError(self._code, place=self._place, reason=error) from None


def _drawn(polygons: Sequence[Any], size_hw: tuple[int, int], budget: _Budget) -> CodedMask:
    """The union of the polygons, each drawn within its own box."""
    listed = [_pairs(polygon) for polygon in polygons]
    budget.spend(sum(len(points) for points in listed))
    mask = np.zeros(size_hw, dtype=np.bool_)
    for points in listed:
        low = np.clip(np.floor(points.min(axis=0)), 0, (size_hw[1], size_hw[0])).astype(int)
        high = np.clip(np.ceil(points.max(axis=0)), 0, (size_hw[1], size_hw[0])).astype(int)
        window = mask[low[1] : high[1], low[0] : high[0]]
        window |= polygon_to_mask(points - low, window.shape)
    return CodedMask.of(_not_empty(mask))


def _not_empty(mask: Mask) -> Mask:
    if not mask.any():
        raise InputError("mask_file.mask_empty")
    return mask


def _pairs(points: Any) -> NDArray[np.float64]:
    if isinstance(points, list) and len(points) > MAX_POINTS:
        raise InputError("mask_file.corners_too_many")
    try:
        pairs = np.asarray(points, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        raise InputError("mask_file.points_invalid") from None
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not np.isfinite(pairs).all() or np.abs(pairs).max() > 1e7:
        raise InputError("mask_file.points_invalid")
    return pairs


def _clean(name: Any) -> str:
    return clean_name(name) if isinstance(name, str) else ""
