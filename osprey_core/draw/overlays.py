"""Drawing on copies of pictures: regions with tint, outline and number readable on any background; heat maps."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from osprey_core.draw.caption_layout import Box, CaptionLayout, place
from osprey_core.errors import InputError
from osprey_core.regions.colors import rgb_of, text_color_on
from osprey_core.regions.masks import Mask, area, as_mask, box_xyxy
from osprey_core.regions.region import NumberedMask

Picture = Image.Image | NDArray[np.uint8]

_DARK = (20, 20, 20)
_LIGHT = (255, 255, 255)
_BADGE_OVERSAMPLING = 4
_CAPTION_SHARE = 0.6
"""Widest caption, as a share of the picture's width."""
_CAPTION_OPACITY = 215

STRIP_PIXELS = 1_000_000
"""Pixels of a region that are tinted and outlined at a time."""


def overlay(
    image: Picture,
    regions: Sequence[NumberedMask],
    *,
    alpha: float = 0.4,
    selected: int | None = None,
    numbers: bool = True,
    captions: Mapping[int, str] | None = None,
) -> NDArray[np.uint8]:
    """Draw the regions on a copy of the picture, the largest first; returns uint8 (H, W, 3).

    image: RGB PIL image or uint8 (H, W, 3). alpha: strength of the tint, 0..1. selected: the number of a region to
    draw stronger than the others. numbers: whether each region carries its number, at a point inside it. captions:
    words for regions, by number, drawn where they fit: inside or beside their region, cut if need be, never over each
    other or over a number; those in letters that the built-in font lacks are left out.
    Line widths, numbers and captions grow with the picture. Raises InputError if a mask has another size than the
    picture.
    """
    canvas = _as_array(image)
    if not 0 <= alpha <= 1:
        raise InputError("draw.tint_out_of_range", value=f"{alpha:g}")
    for region in regions:
        as_mask(region.mask, (canvas.shape[0], canvas.shape[1]))
    ordered = sorted(regions, key=lambda region: (-area(region.mask), region.number))
    unit = line_width(canvas.shape[1], canvas.shape[0])
    for region in ordered:
        is_selected = selected == region.number
        strength = alpha if selected is None or is_selected else alpha * 0.6
        _draw_region(canvas, region.mask, region.color, strength, unit * (1.6 if is_selected else 1.0))
    anchors = _anchors_xy([region.mask for region in ordered]) if numbers or captions else []
    taken: list[Box] = []
    if numbers:
        for region, (x, y) in zip(ordered, anchors, strict=True):
            box = _draw_badge(canvas, str(region.number), region.color, x, y, unit, selected == region.number)
            taken += [box] if box else []
    if captions:
        _draw_captions(canvas, list(zip(ordered, anchors, strict=True)), captions, unit, taken)
    return canvas


def thumbnail(image: Picture, region: NumberedMask, size: int = 96) -> NDArray[np.uint8]:
    """A square picture of the region with dimmed surroundings; returns uint8 (size, size, 3)."""
    picture = _as_array(image, copy=False)
    mask = as_mask(region.mask, (picture.shape[0], picture.shape[1]))
    if size < 1:
        raise InputError("draw.thumbnail_too_small", value=size)
    x0, y0, x1, y1 = _square_around(mask)
    height, width = mask.shape
    inner = slice(max(0, y0), min(height, y1)), slice(max(0, x0), min(width, x1))
    # Where the square reaches beyond the picture, the picture's edge pixels are repeated (and dimmed).
    pads = ((max(0, -y0), max(0, y1 - height)), (max(0, -x0), max(0, x1 - width)))
    crop = np.pad(picture[inner], (*pads, (0, 0)), mode="edge")
    inside = np.pad(mask[inner], pads)
    interpolation = cv2.INTER_AREA if crop.shape[0] > size else cv2.INTER_LINEAR
    small = cv2.resize(crop, (size, size), interpolation=interpolation).astype(np.float32)
    soft = cv2.resize(inside.astype(np.float32), (size, size), interpolation=interpolation)
    grey = small.mean(axis=2, keepdims=True)
    dimmed = 0.35 * (0.4 * small + 0.6 * grey) + 0.65 * 235  # pale and nearly grey
    result = dimmed + (small - dimmed) * soft[..., None]
    canvas = np.ascontiguousarray(np.rint(result).clip(0, 255).astype(np.uint8))
    crisp = soft >= min(0.5, float(soft.max()))
    _draw_region(canvas, crisp, region.color, 0.0, max(1.0, size / 96))
    return canvas


def heat_over(
    image: Picture, heat: NDArray[np.floating], region: NumberedMask | None = None, strength: float = 0.7
) -> NDArray[np.uint8]:
    """Colour a map over a grey copy of its picture, with the region's outline on top; returns uint8 (H, W, 3).

    heat: (h, w) in [0, 1], enlarged to the picture; its colours are those of `heat_colors`. strength: 0..1, what the
    colours have of each pixel; the grey picture has the rest. Raises InputError if an argument cannot be used.
    """
    canvas = _as_array(image)
    if heat.ndim != 2 or not heat.size or not np.isfinite(heat).all() or heat.min() < 0 or heat.max() > 1:
        raise InputError("draw.heat_map_invalid")
    if not 0 <= strength <= 1:
        raise InputError("draw.strength_out_of_range", value=f"{strength:g}")
    # The encoder sees the picture squeezed to a square: enlarging each side by its own factor undoes that.
    full = cv2.resize(heat.astype(np.float32), canvas.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    colors = _heat_table()[np.rint(full * 255).clip(0, 255).astype(np.uint8)].astype(np.float32)
    grey = cv2.cvtColor(canvas, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None]
    canvas[:] = np.rint(grey + (colors - grey) * strength).clip(0, 255).astype(np.uint8)
    if region is not None:
        mask = as_mask(region.mask, (canvas.shape[0], canvas.shape[1]))
        _draw_region(canvas, mask, region.color, 0.0, line_width(canvas.shape[1], canvas.shape[0]) * 1.6)
    return canvas


def heat_colors(count: int) -> list[str]:
    """Colours "#rrggbb" of a heat map's values from 0 to 1 in equal steps, both ends included; at least 2."""
    places = np.rint(np.linspace(0, 255, max(2, count))).astype(int)
    return ["#{:02x}{:02x}{:02x}".format(*rgb) for rgb in _heat_table()[places].tolist()]


def label_point_xy(mask: Mask) -> tuple[int, int]:
    """The pixel (x, y) of the mask that is farthest from everything outside it: its pole of inaccessibility."""
    x0, y0, x1, y1 = box_xyxy(mask)
    # The picture's own border counts as outside, so that labels keep away from it.
    framed = np.pad(mask[y0:y1, x0:x1], 1).astype(np.uint8)
    step = max(1, math.ceil(max(framed.shape) / 1024))
    if step > 1:  # a coarse grid is exact enough for a label, as long as it hits the mask at all
        coarse = framed[::step, ::step]
        if coarse.any():
            distance = cv2.distanceTransform(np.ascontiguousarray(coarse), cv2.DIST_L2, 5)
            row, column = divmod(int(np.argmax(distance)), distance.shape[1])
            return x0 + column * step - 1, y0 + row * step - 1
    distance = cv2.distanceTransform(framed, cv2.DIST_L2, 5)
    row, column = divmod(int(np.argmax(distance)), distance.shape[1])
    return x0 + column - 1, y0 + row - 1


def line_width(width: int, height: int) -> float:
    """Width in pixels of the coloured line around a region in a picture of this size, at least 1."""
    return max(1.0, math.sqrt(width * height) / 450)


@lru_cache(maxsize=1)
def _heat_table() -> NDArray[np.uint8]:
    """uint8 (256, 3) RGB of viridis, which is perceptually uniform, also in greyscale and for colour-blind people."""
    ramp = np.arange(256, dtype=np.uint8)[None]
    return np.asarray(cv2.applyColorMap(ramp, cv2.COLORMAP_VIRIDIS)[0, :, ::-1], dtype=np.uint8)


def _as_array(image: Picture, copy: bool = True) -> NDArray[np.uint8]:
    array = np.asarray(image.convert("RGB")) if isinstance(image, Image.Image) else image
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise InputError("draw.picture_invalid")
    return np.array(array) if copy else array


def _anchors_xy(masks_largest_first: Sequence[Mask]) -> list[tuple[int, int]]:
    """A label point inside each mask, if possible where no smaller region lies above it."""
    anchors: list[tuple[int, int]] = []
    covered: Mask | None = None
    for mask in reversed(masks_largest_first):
        free = mask if covered is None else mask & ~covered
        anchors.append(label_point_xy(free if free.any() else mask))
        covered = mask if covered is None else covered | mask
    return anchors[::-1]


def _draw_region(canvas: NDArray[np.uint8], mask: Mask, color: str, alpha: float, line: float) -> None:
    """Tint the mask and outline it on `canvas`, in place: a coloured line between a dark and a light hairline."""
    halo = max(1.0, line * 0.6)
    reach = math.ceil(line / 2 + halo + 1)
    x0, y0, x1, y1 = box_xyxy(mask)
    height, width = mask.shape
    window = slice(max(0, y0 - reach), min(height, y1 + reach)), slice(max(0, x0 - reach), min(width, x1 + reach))
    inside, patch = mask[window], canvas[window]
    # In strips, because the numbers of `_outlined` take some forty bytes a pixel. Each strip is computed with what lies
    # around it, and from the pixels as they were: what is farther away than the outline reaches changes nothing.
    before, rows = patch.copy(), max(1, STRIP_PIXELS // inside.shape[1])
    for start in range(0, inside.shape[0], rows):
        end = min(start + rows, inside.shape[0])
        first, last = max(0, start - 2 * reach), min(inside.shape[0], end + 2 * reach)
        edges = first == 0, last == inside.shape[0]
        drawn = _outlined(before[first:last], inside[first:last], color, alpha, line, edges)
        patch[start:end] = drawn[start - first : end - first]


def _outlined(
    pixels: NDArray[np.uint8], inside: Mask, color: str, alpha: float, line: float, edges: tuple[bool, bool]
) -> NDArray[np.uint8]:
    """A copy of the pixels with the mask tinted and outlined.

    edges: whether the upper and the lower border are those of the whole mask, where the outline is closed.
    """
    halo = max(1.0, line * 0.6)
    # The mask ends at the picture's own border, so that the outline is closed there too.
    framed = np.pad(inside, ((int(edges[0]), int(edges[1])), (1, 1))).astype(np.uint8)
    within = slice(int(edges[0]), int(edges[0]) + inside.shape[0]), slice(1, -1)
    to_outside = cv2.distanceTransform(framed, cv2.DIST_L2, 3)[within]
    to_inside = cv2.distanceTransform(1 - framed, cv2.DIST_L2, 3)[within]
    signed = np.where(inside, 0.5 - to_outside, to_inside - 0.5)  # distance to the outline, negative inside

    rgb = np.array(rgb_of(color), dtype=np.float32)
    patch = pixels.astype(np.float32)
    _blend(patch, rgb, inside * np.float32(alpha))
    # Coverage falls off over one pixel, for antialiasing. Of the dark line outside and the light one inside, one always
    # contrasts with the picture.
    _blend(patch, np.array(_DARK, np.float32), np.clip(line / 2 + halo - signed + 0.5, 0, 1) * (signed > 0) * 0.85)
    _blend(patch, np.array(_LIGHT, np.float32), np.clip(line / 2 + halo + signed + 0.5, 0, 1) * (signed <= 0) * 0.85)
    _blend(patch, rgb, np.clip(line / 2 - np.abs(signed) + 0.5, 0, 1))
    return np.rint(patch).clip(0, 255).astype(np.uint8)


def _blend(patch: NDArray[np.float32], rgb: NDArray[np.float32], weight: NDArray[np.floating]) -> None:
    patch += (rgb - patch) * weight[..., None].astype(np.float32)


def _draw_badge(
    canvas: NDArray[np.uint8], text: str, color: str, x: int, y: int, unit: float, is_selected: bool
) -> Box | None:
    """A pill with the number, centred on the pixel (x, y) and moved just far enough to lie within the picture.

    Returns the rectangle it covers; None if the picture is too small for any number.
    """
    height, width = canvas.shape[:2]
    letters = max(9.0, unit * 9.5) * (1.2 if is_selected else 1.0)
    letters = min(letters, 0.4 * min(height, width))
    badge = _badge(text, color, round(letters * 2) / 2) if letters >= 4 else None
    if badge is None or badge.shape[0] > height or badge.shape[1] > width:
        return None
    top = int(np.clip(y - badge.shape[0] // 2, 0, height - badge.shape[0]))
    left = int(np.clip(x - badge.shape[1] // 2, 0, width - badge.shape[1]))
    _paste(canvas, badge, left, top)
    return left, top, left + badge.shape[1], top + badge.shape[0]


def _paste(canvas: NDArray[np.uint8], drawn: NDArray[np.uint8], left: int, top: int) -> None:
    """Put `drawn`, uint8 (h, w, 4), on the canvas, in place; it lies within the canvas."""
    target = canvas[top : top + drawn.shape[0], left : left + drawn.shape[1]]
    weight = drawn[..., 3:].astype(np.float32) / 255
    target[:] = np.rint(target + (drawn[..., :3] - target.astype(np.float32)) * weight).astype(np.uint8)


def _draw_captions(
    canvas: NDArray[np.uint8],
    anchored: Sequence[tuple[NumberedMask, tuple[int, int]]],
    captions: Mapping[int, str],
    unit: float,
    taken: Sequence[Box],
) -> None:
    """The captions of these regions (with a point inside each) where they fit beside what is `taken`, in place."""
    height, width = canvas.shape[:2]
    letters = max(11, round(unit * 10))
    font = _font(letters)
    high, rim = round(letters * 1.6), letters * 1.3
    wanted = []
    for region, anchor in anchored:
        text = " ".join(captions.get(region.number, "").split())
        if text and all(_has_letter(letter) for letter in text):
            wide = min(math.ceil(font.getlength(text) + rim), max(width * _CAPTION_SHARE, 4 * letters))
            x0, y0, x1, y1 = box_xyxy(region.mask)
            wanted.append((region, text, CaptionLayout((x0, y0, x1, y1), anchor, wide, high, min(wide, 4.5 * letters))))
    spots = place([caption for *_, caption in wanted], (width, height), taken)
    for (region, text, _), spot in zip(wanted, spots, strict=True):
        if spot is not None:
            # Rounded inwards, so that captions do not overlap.
            left, top, right = math.ceil(spot[0]), math.ceil(spot[1]), math.floor(spot[2])
            bottom = min(top + high, math.floor(spot[3]))
            if right - left >= 2 * letters and bottom - top >= letters:
                shortened = _shortened(text, font, right - left - rim)
                _paste(canvas, _caption(shortened, region.color, right - left, bottom - top, letters), left, top)


def _shortened(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """The text if it is at most `width` pixels wide, else its longest fitting beginning with an ellipsis."""
    if font.getlength(text) <= width:
        return text
    cut = len(text) - 1
    while cut > 1 and font.getlength(text[:cut].rstrip() + "…") > width:
        cut -= 1
    return text[:cut].rstrip() + "…"


@lru_cache(maxsize=16)
def _font(size: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow has FreeType wherever it has this argument
    return font


@lru_cache(maxsize=4096)
def _has_letter(letter: str) -> bool:
    """Whether the built-in font has this letter; it draws all missing ones as the same box."""
    font = _font(20)
    return letter.isspace() or bytes(font.getmask(letter)) != bytes(font.getmask("\U0010fffd"))


def _caption(text: str, color: str, width: int, height: int, letters: int) -> NDArray[np.uint8]:
    """White text on a dark plate with the region's colour at its left, as uint8 (height, width, 4)."""
    scale = 2
    font = _font(letters * scale)
    plate = Image.new("RGBA", (width * scale, height * scale), (0, 0, 0, 0))
    pen = ImageDraw.Draw(plate)
    edge = (width * scale - 1, height * scale - 1)
    pen.rounded_rectangle((0, 0, *edge), radius=letters * scale * 0.3, fill=(*_DARK, _CAPTION_OPACITY))
    pen.rectangle((0, letters * scale * 0.3, letters * scale * 0.28, edge[1] - letters * scale * 0.3), fill=color)
    ascent, descent = font.getmetrics()
    top = (height * scale - ascent - descent) / 2
    pen.text((letters * scale * 0.75, top), text, font=font, fill=_LIGHT, stroke_width=1, stroke_fill=_LIGHT)
    return np.asarray(plate.resize((width, height), Image.Resampling.BOX))


@lru_cache(maxsize=256)
def _badge(text: str, color: str, letters: float) -> NDArray[np.uint8]:
    """Badge as uint8 (h, w, 4), drawn large and shrunk for smooth edges."""
    scale = _BADGE_OVERSAMPLING
    font = ImageFont.load_default(size=letters * 1.25 * scale)
    left, top, right, bottom = font.getbbox(text)
    rim = max(1.0, letters / 8) * scale
    tall = letters * 1.5 * scale + 2 * rim
    wide = max(tall, (right - left) + letters * 0.8 * scale + 2 * rim)
    size = math.ceil(wide / scale) * scale, math.ceil(tall / scale) * scale
    badge = Image.new("RGBA", size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(badge)
    edge = (size[0] - 1, size[1] - 1)
    pen.rounded_rectangle((0, 0, *edge), radius=size[1] / 2, fill=_DARK)
    pen.rounded_rectangle((rim / 2, rim / 2, edge[0] - rim / 2, edge[1] - rim / 2), radius=size[1] / 2, fill=_LIGHT)
    pen.rounded_rectangle((rim, rim, edge[0] - rim, edge[1] - rim), radius=size[1] / 2, fill=color)
    pen.text(
        (size[0] / 2 - (left + right) / 2, size[1] / 2 - (top + bottom) / 2),
        text,
        font=font,
        fill=text_color_on(color),
        stroke_width=max(1, round(letters * scale / 40)),
        stroke_fill=text_color_on(color),
    )
    return np.asarray(badge.resize((size[0] // scale, size[1] // scale), Image.Resampling.BOX))


def _square_around(mask: Mask) -> tuple[int, int, int, int]:
    """A square (x0, y0, x1, y1) around the mask with some margin, within the picture as far as it fits."""
    x0, y0, x1, y1 = box_xyxy(mask)
    side = max(8, round(max(x1 - x0, y1 - y0) * 1.25))

    def place(low: int, high: int, limit: int) -> int:
        start = (low + high - side) // 2
        return (limit - side) // 2 if side >= limit else min(max(start, 0), limit - side)

    left, top = place(x0, x1, mask.shape[1]), place(y0, y1, mask.shape[0])
    return left, top, left + side, top + side
