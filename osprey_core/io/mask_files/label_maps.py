"""Pictures as masks: black and white, smoothed, transparent, or label maps, whose every value is a region.

A smoothed mask and a label map both have many values. They differ in where the values are: a label fills areas, a
smoothed edge has every value in thin lines only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from osprey_core.errors import InputError
from osprey_core.i18n import Message
from osprey_core.io.image_files import open_image
from osprey_core.io.mask_files.blurred_labels import levels_of
from osprey_core.io.mask_files.shapes import MAX_MASKS, Budget, MaskFile, NamedMask, check_size
from osprey_core.regions.masks import Mask
from osprey_core.regions.rle import CodedMask

FORMATS = ("PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "JPEG", "JPEG2000", "PPM", "TGA")
LOSSY = ("JPEG", "JPEG2000", "AVIF")
"""Formats that change values a little, so that labels in them have to be found again."""

VOID = 255
"""In label maps of 8 bits: what belongs to no label, such as the rims in Pascal VOC."""
_VOID_ABOVE = 64
"""255 is void only beside labels below this: a map of 0, 127 and 255 has two labels."""
_MAX_COLORS = 4096
_SMOOTH_VALUES = 16
_DARK = 24
"""A level that is not brighter, in its brightest channel, is the background of a lossy label map."""


def masks_of_picture(data: bytes, size_hw: tuple[int, int]) -> MaskFile:
    """Every region of a mask picture.

    Of a label map, one region for each value but 0 (or each colour but black), with the value as its id. Of others one
    region: where they are opaque, or if they are opaque everywhere, where they are brighter than half of the brightest
    pixel. Labels that a lossy format has blurred are found again where they are clear; their ids are not.
    Raises InputError if it is damaged, of another size, or has no region.
    """
    try:
        with open_image(data, FORMATS) as image:
            check_size((image.height, image.width), size_hw)  # known from the header, nothing is decoded yet
            image.load()
            opaque = _opaque(image)
            is_lossy = image.format in LOSSY or (image.format == "WEBP" and b"VP8 " in data[:64])
            labels = None if is_lossy else _labels(image)
            levels = levels_of(image) if is_lossy and opaque is None else None
            brightness = _brightness(image) if opaque is None else None
    except InputError:
        raise
    except Exception:  # the decoders of damaged files raise nearly anything: OSError, SyntaxError, struct.error…
        raise InputError("mask_file.unreadable") from None
    if labels is not None:
        regions = _regions(labels, opaque)
        if regions is not None:
            return regions
    if levels is not None and (levels[0].max(axis=1) > _DARK).sum() > 1:
        return _regions_of_levels(*levels)
    mask = opaque if brightness is None else np.asarray(brightness > brightness.max() / 2)
    if mask is None or not mask.any():
        raise InputError("mask_file.black")
    is_unclear = is_lossy and opaque is None and levels is None
    notes = (Message("mask_file.lossy_one_mask", {}),) if is_unclear else ()
    return MaskFile((NamedMask(CodedMask.of(mask)),), notes)


def _opaque(image: Image.Image) -> Mask | None:
    """Where a picture is opaque (H, W); None if it is everywhere."""
    if not image.has_transparency_data:
        return None
    alpha = np.asarray(image.convert("RGBA").getchannel("A"))
    if alpha.min() == 255:
        return None
    return np.asarray(alpha > alpha.max() / 2)


def _brightness(image: Image.Image) -> NDArray[Any]:
    if image.mode.startswith(("I", "F")):  # 16 and 32 bits: Pillow's own conversion would clip
        return np.nan_to_num(np.asarray(image, dtype=np.float64))
    return np.asarray(image.convert("L"))


# --- label maps ------------------------------------------------------------------------------------------------------


class _Labels:
    """The values of a picture that may be a label map."""

    def __init__(self, values: NDArray[Any], is_color: bool, bits: int) -> None:
        self.values = values
        """(H, W); 0 is the background."""
        self.is_color = is_color
        """Whether the values stand for colours, so that none is a shade of another."""
        self.bits = bits


def _labels(image: Image.Image) -> _Labels | None:
    """The picture's values as labels; None if it has more of them than a label map."""
    if image.mode == "P":
        values = np.asarray(image)
        used = np.unique(values)
        palette = np.asarray(image.getpalette("RGB") or [], dtype=np.uint8).reshape(-1, 3)
        colors = palette[used[used < len(palette)]]
        is_grey = bool((colors == colors[:, :1]).all())
        if not is_grey or len(np.unique(colors, axis=0)) < len(used):
            return _Labels(values, is_color=not is_grey, bits=8)
        return _Labels(np.asarray(image.convert("L")), is_color=False, bits=8)
    if image.mode in ("1", "L", "LA", "La"):
        return _Labels(np.asarray(image.convert("L") if image.mode != "L" else image), is_color=False, bits=8)
    if image.mode.startswith(("I", "F")):
        values = np.nan_to_num(np.asarray(image))
        return _Labels(values, is_color=False, bits=16)
    rgb = image.convert("RGB")
    if rgb.getcolors(_MAX_COLORS) is None:
        return None
    red, green, blue = (np.asarray(channel, dtype=np.int32) for channel in rgb.split())
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return _Labels(red.astype(np.uint8), is_color=False, bits=8)
    return _Labels(red + 256 * green + 65536 * blue, is_color=True, bits=24)  # as COCO's panoptic pictures count


def _regions(labels: _Labels, opaque: Mask | None) -> MaskFile | None:
    """One region for each label; None if the picture is no label map."""
    values = labels.values if opaque is None else np.where(opaque, labels.values, 0)
    used, counts = _counted(values)
    if len(used) > _MAX_COLORS:
        return None
    flat = _counts_of(values, used, _in_blocks(values))
    chosen = [value for value, count, inside in zip(used, counts, flat, strict=True) if value and inside >= count / 2]
    notes: tuple[Message, ...] = ()
    if labels.bits == 8 and _is_void(labels, used):
        chosen = [value for value in chosen if value != VOID]
        notes = (Message("mask_file.void_left_out", {"value": VOID}),)
        # Beside void, a single label is enough to tell a label map, and thin labels are no smoothed edges.
        chosen = chosen or [value for value in used if value not in (0, VOID)]
    elif not _is_label_map(labels, used, counts, chosen, values):
        return None
    elif (counts.sum() - flat.sum()) <= 0.02 * counts.sum() and labels.bits != 24:
        chosen = [value for value in used if value]  # without smoothed edges, thin labels are labels too
    if len(chosen) > MAX_MASKS:
        raise InputError("mask_file.masks_too_many", count=len(chosen), limit=MAX_MASKS)
    budget = Budget((values.shape[0], values.shape[1]))
    masks = []
    for value in chosen:
        budget.spend_mask()
        masks.append(NamedMask(CodedMask.of(np.asarray(values == value)), source_id=int(value)))
    return MaskFile(tuple(masks), notes)


def _regions_of_levels(levels: NDArray[np.uint8], assigned: NDArray[np.uint8]) -> MaskFile:
    """One region for each level (L, 3) but black, of pixels that are assigned (H, W) to levels; largest level first."""
    chosen = [place for place, level in enumerate(levels) if level.max() > _DARK]
    budget = Budget((assigned.shape[0], assigned.shape[1]))
    masks = []
    for place in chosen:
        budget.spend_mask()
        masks.append(NamedMask(CodedMask.of(np.asarray(assigned == place))))
    return MaskFile(tuple(masks), (Message("mask_file.lossy_labels", {"count": len(masks)}),))


def _is_label_map(
    labels: _Labels, used: NDArray[Any], counts: NDArray[np.int64], chosen: list[Any], values: NDArray[Any]
) -> bool:
    """Whether the chosen values, which fill areas, are labels and not the shades of one mask."""
    if len(chosen) < 2 or any(value < 0 or value != int(value) for value in chosen):
        return False
    area = dict(zip(used.tolist(), counts.tolist(), strict=True))
    if len(used) == 2 and not labels.is_color and used[0] > 0 and used[-1] > _VOID_ABOVE:
        return False  # two shades of grey without black: a dim background and a bright region
    edges = sum(count for value, count in area.items() if value and value not in set(chosen))
    if not labels.is_color and _is_noisy_black_and_white(chosen, has_edges=edges > 0):
        return False
    largest = max(area[value] for value in chosen)
    rest = sum(area[value] for value in chosen) - largest
    if rest < edges:
        return False
    return labels.is_color or len(chosen) <= _SMOOTH_VALUES or not _is_smooth(values, used)


def _is_void(labels: _Labels, used: NDArray[Any]) -> bool:
    """Whether 255 stands for what has no label: beside other labels, all of them small numbers or palette colours."""
    others = [value for value in used.tolist() if value not in (0, VOID)]
    if VOID not in used or not others or labels.bits != 8:
        return False
    return labels.is_color or max(others) < _VOID_ABOVE


def _is_noisy_black_and_white(chosen: list[Any], has_edges: bool) -> bool:
    """Whether all areas are nearly black or nearly white, in several whites or with grey edges: once a JPEG."""
    values = np.asarray(chosen, dtype=np.float64)
    top = float(values.max())
    high = values[values >= 0.88 * top]
    if top < 200 or (len(high) == 1 and not has_edges):
        return False
    return bool(((values <= 0.12 * top) | (values >= 0.88 * top)).all())


def _is_smooth(values: NDArray[Any], used: NDArray[Any]) -> bool:
    """Whether neighbouring pixels differ by a step of the scale at most: a map of probabilities."""
    scale = max(1.0, float(used.max()) / 255)
    steps = [np.abs(np.diff(values.astype(np.float64), axis=axis)) for axis in (0, 1)]
    changes = np.concatenate([step[step > 0] for step in steps])
    return changes.size > 0 and float((changes <= 2 * scale).mean()) >= 0.95


def _in_blocks(values: NDArray[Any]) -> Mask:
    """Pixels (H, W) that belong to some 2 x 2 pixels of one value."""
    beside = values[:, 1:] == values[:, :-1]
    below = values[1:] == values[:-1]
    blocks = beside[1:] & beside[:-1] & below[:, :-1]
    inside = np.zeros(values.shape, dtype=np.bool_)
    height, width = blocks.shape
    for y in (0, 1):
        for x in (0, 1):
            inside[y : y + height, x : x + width] |= blocks
    return inside


def _counted(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    if values.dtype == np.uint8:
        counts = np.bincount(values.ravel(), minlength=256)
        used = np.flatnonzero(counts)
        return used, counts[used].astype(np.int64)
    used, counts = np.unique(values, return_counts=True)
    return used, counts.astype(np.int64)


def _counts_of(values: NDArray[Any], used: NDArray[Any], where: Mask) -> NDArray[np.int64]:
    """How many pixels of each used value lie where the mask is."""
    places = np.searchsorted(used, values[where])
    return np.bincount(places, minlength=len(used)).astype(np.int64)
