"""Made pictures whose contents are known exactly: what is where, which pixels show it, what colour they have.

`make_scene(seed, options, atlas)` composes sprites, drawn objects and shapes on a background; the same arguments give
the same picture. Colours are measured on the finished pixels. `hand_mask` roughens an exact mask the way a person's
selection would be. Nothing here knows questions or answers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import cv2
import numpy as np

from osprey_core.training.art import Atlas
from osprey_core.training.scenes.draw_objects import BASE_COLORS, DrawnObject, Rgb, Rng, draw_object, draw_shape, tint
from osprey_core.training.scenes.names import Thing, things

COLOR_NAMES = (
    "black", "white", "gray", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "beige",
)  # fmt: skip
_MIN_VISIBLE = 0.45
_NOBODY = 255  # in the owner map: a sticker's rim


@dataclass(frozen=True)
class SceneOptions:
    """What scenes are made of; sizes in pixels, weights need not sum to one."""

    short_side_px: tuple[int, int] = (192, 320)
    max_objects: int = 8
    min_objects: int = 1
    """Of those tried: one that finds no place is left out."""
    sprite_weight: float = 0.6
    drawn_weight: float = 0.25
    shape_weight: float = 0.15
    effects: bool = True
    art_px: int = 128
    tidy: bool = False
    """Upright, uncut, side by side, standing on the ground if there is one: for pictures meant to be looked at."""
    side_shares: tuple[float, float] | None = None
    """Smallest and largest side of a thing before it is turned, as shares of the picture's short side; None: the usual,
    smaller the more things there are."""

    def __post_init__(self) -> None:
        low, high = self.short_side_px
        if not 32 <= low <= high:
            raise ValueError(f"short_side_px is {self.short_side_px}: give (low, high) with 32 <= low <= high")
        if not 1 <= self.max_objects <= 12:
            raise ValueError(f"max_objects is {self.max_objects}: give 1..12")
        if not 1 <= self.min_objects <= self.max_objects:
            raise ValueError(f"min_objects is {self.min_objects}: give 1..{self.max_objects}")
        if self.side_shares is not None and not 0 < self.side_shares[0] <= self.side_shares[1] <= 1:
            raise ValueError(f"side_shares is {self.side_shares}: give (low, high) with 0 < low <= high <= 1")


@dataclass(frozen=True)
class ScenePart:
    """A named part of an object: mask bool (H, W), its visible pixels; name is plural when it shows several."""

    name: str
    mask: np.ndarray


@dataclass(frozen=True)
class SceneObject:
    """One thing in the picture.

    mask bool (H, W): visible pixels; full_box_xyxy: half-open, before occlusion, clipped to the picture;
    visible_share: visible pixels / all its pixels; depth grows towards the viewer; color_shares sum to 1.
    """

    thing: Thing
    style: str
    mask: np.ndarray
    full_box_xyxy: tuple[int, int, int, int]
    visible_share: float
    color_shares: dict[str, float]
    depth: int
    texture: str = ""
    parts: tuple[ScenePart, ...] = ()
    occluded_by: frozenset[int] = frozenset()

    @property
    def name(self) -> str:
        return self.thing.name

    @property
    def area(self) -> int:
        return int(np.count_nonzero(self.mask))

    @property
    def center_xy(self) -> tuple[float, float]:
        """Middle of the full box, in pixels."""
        x0, y0, x1, y1 = self.full_box_xyxy
        return (x0 + x1) / 2, (y0 + y1) / 2


@dataclass(frozen=True)
class BackgroundRegion:
    """A stretch of background with a name ("sky") and its visible pixels, bool (H, W)."""

    name: str
    mask: np.ndarray
    color_shares: dict[str, float]


@dataclass(frozen=True)
class Scene:
    """A finished picture: image uint8 (H, W, 3), objects from back to front, and what lies behind them."""

    image: np.ndarray
    objects: tuple[SceneObject, ...]
    background: str
    regions: tuple[BackgroundRegion, ...]
    seed: int

    @property
    def size_hw(self) -> tuple[int, int]:
        return self.image.shape[0], self.image.shape[1]


@dataclass
class _Placed:
    thing: Thing
    style: str
    parts: np.ndarray | None  # uint8 (h, w) in the box
    part_names: tuple[str, ...]
    solid: np.ndarray  # bool (h, w) in the box
    box_xyxy: tuple[int, int, int, int]
    texture: str
    full_area: int
    hidden_by: set[int] = field(default_factory=set)


def make_scene(seed: int, options: SceneOptions | None = None, atlas: Atlas | None = None) -> Scene:
    """One scene; without an atlas it consists of drawn objects and shapes only."""
    options = options or SceneOptions()
    rng = np.random.default_rng(seed)
    height, width = _picture_size(rng, options)
    image, background, layer, layer_names = _background(rng, height, width)
    owner = np.zeros((height, width), np.uint8)  # 0 background, k = placed[k - 1]
    placed: list[_Placed] = []
    count = _object_count(rng, options)
    kind_weights = _kind_weights(options, atlas)
    effects = options.effects
    repeat = rng.random() < 0.3  # pictures with several of a kind make counting and "same kind" meaningful
    crowd = 1.0 if count <= 2 else (0.85 if count <= 4 else 0.66)
    if repeat and count == 1:
        count = 2
    shadow = effects and rng.random() < 0.3
    outline = effects and rng.random() < 0.12
    for _ in range(count):
        again = placed[int(rng.integers(len(placed)))] if repeat and placed and rng.random() < 0.6 else None
        drawing = _pick(rng, options, atlas, kind_weights, again)
        low, high = 0.15, 0.62 if count <= 3 else 0.52
        side = min(height, width) * float(np.exp(rng.uniform(math.log(low), math.log(high * crowd)))) * 1.12
        if count == 1:
            side = min(height, width) * float(rng.uniform(0.25, 0.92))
        if options.side_shares is not None:
            side = min(height, width) * float(rng.uniform(*options.side_shares))
        if options.tidy:
            side = max(side, 0.2 * min(height, width))
        rgba, parts = _turned(rng, drawing, side, options.tidy)
        solid = rgba[..., 3] > 110
        if outline:
            rgba, parts, solid = _with_outline(rgba, parts, solid)
        ground = _ground_row(layer, drawing, rgba.shape[0]) if options.tidy else None
        _place(rng, image, owner, placed, drawing, rgba, solid, parts, shadow, options.tidy, ground)
    if effects:
        image = _effects(rng, image)
    return _finish(seed, image, owner, placed, background, layer, layer_names)


# -- picking and turning -----------------------------------------------------------------------------------------


def _picture_size(rng: Rng, options: SceneOptions) -> tuple[int, int]:
    short = int(rng.integers(options.short_side_px[0], options.short_side_px[1] + 1))
    ratio = float(rng.choice([1.0, 1.0, 4 / 3, 4 / 3, 3 / 2, 16 / 9]))
    if ratio < 1.4 and rng.random() < 0.25:
        return round(short * ratio), short
    return short, round(short * ratio)


def _object_count(rng: Rng, options: SceneOptions) -> int:
    weights = np.array([1.3, 2.0, 2.2, 1.8, 1.2, 0.8, 0.5, 0.4, 0.2, 0.2, 0.1, 0.1])[: options.max_objects]
    weights[: options.min_objects - 1] = 0
    return int(rng.choice(len(weights), p=weights / weights.sum())) + 1


def _kind_weights(options: SceneOptions, atlas: Atlas | None) -> np.ndarray:
    sprite = options.sprite_weight if atlas is not None and len(atlas) else 0.0
    weights = np.array([sprite, options.drawn_weight, options.shape_weight])
    return np.asarray(weights / weights.sum())


@dataclass
class _Drawing:
    thing: Thing
    style: str
    rgba: np.ndarray
    parts: np.ndarray | None
    part_names: tuple[str, ...]
    texture: str


def _pick(rng: Rng, options: SceneOptions, atlas: Atlas | None, weights: np.ndarray, again: _Placed | None) -> _Drawing:
    kind = int(rng.choice(3, p=weights))
    if again is not None:
        kind = {"drawn": 1, "shape": 2}.get(again.style, 0)
    if kind == 0 and atlas is not None:
        name = again.thing.name if again else atlas.names[int(rng.integers(len(atlas.sprites)))]
        found = atlas.sprites[name]
        sprite = found[int(rng.integers(len(found)))]
        thing = things().get(name) or Thing(name, name, "thing")
        return _Drawing(thing, sprite.style, sprite.rgba, None, (), "")
    side = options.art_px
    if kind == 1:
        drawn: DrawnObject = draw_object(rng, side, again.thing.name if again else None)
        style = "drawn"
    else:
        drawn = draw_shape(rng, side, again.thing.name if again else None)
        style = "shape"
    return _Drawing(_thing_of(drawn, style), style, drawn.rgba, drawn.parts, drawn.part_names, drawn.texture)


_DRAWN_SYNONYMS = {
    "sailboat": ("boat",), "airplane": ("plane",), "bicycle": ("bike",), "mug": ("cup",), "face": ("person", "head"),
    "circle": ("disc", "ball"), "ring": ("circle",), "oval": ("ellipse",), "diamond": ("rhombus",), "cross": ("plus",),
    "crescent": ("moon",), "square": ("box",), "truck": ("lorry",), "half circle": ("semicircle",),
}  # fmt: skip


def _thing_of(drawn: DrawnObject, style: str) -> Thing:
    known = things().get(drawn.name)
    if style == "drawn" and known is not None:
        return known
    return Thing(drawn.name, drawn.name, drawn.group, _DRAWN_SYNONYMS.get(drawn.name, ()))


Rgba = np.ndarray
"""uint8 (h, w, 4), premultiplied."""


def turned(rng: Rng, rgba: Rgba, side: float) -> Rgba:
    """A picture flipped, rotated and resized by chance so that its longest side is about `side` pixels."""
    nameless = _Drawing(Thing("", "", ""), "", rgba, None, (), "")
    return _turned(rng, nameless, side)[0]


def background_image(rng: Rng, height: int, width: int) -> np.ndarray:
    """A background by chance, uint8 (height, width, 3)."""
    return _background(rng, height, width)[0]


def _turned(rng: Rng, drawing: _Drawing, side: float, upright: bool = False) -> tuple[np.ndarray, np.ndarray | None]:
    """Flip, rotate and resize a drawing so that its longest side is about `side` pixels."""
    rgba, parts = drawing.rgba, drawing.parts
    if rng.random() < 0.5:
        rgba = rgba[:, ::-1]
        parts = None if parts is None else parts[:, ::-1]
    height, width = rgba.shape[:2]
    draw = rng.random()
    angle = float(rng.normal(0, 6)) if draw < 0.55 else float(rng.uniform(-40, 40)) if draw < 0.65 else 0.0
    if drawing.style == "shape" and drawing.thing.name in ("square", "diamond"):
        angle = float(np.clip(angle, -12, 12))  # a square on its corner is a diamond
    stretch = float(np.exp(rng.normal(0, 0.05)))
    if upright:
        angle, stretch = 0.0, 1.0
    scale = side / max(height, width)
    if scale < 0.6:  # shrink by area first: a bare affine warp would alias
        size_wh = max(2, round(width * scale)), max(2, round(height * scale))
        rgba = cv2.resize(rgba, size_wh, interpolation=cv2.INTER_AREA)
        parts = None if parts is None else cv2.resize(parts, size_wh, interpolation=cv2.INTER_NEAREST)
        height, width = rgba.shape[:2]
        scale = 1.0
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    sx, sy = scale * stretch, scale / stretch
    out_w = max(3, math.ceil(abs(width * sx * cos) + abs(height * sy * sin)))
    out_h = max(3, math.ceil(abs(width * sx * sin) + abs(height * sy * cos)))
    matrix = np.array([[sx * cos, -sy * sin, 0.0], [sx * sin, sy * cos, 0.0]])
    matrix[:, 2] = np.array([out_w / 2, out_h / 2]) - matrix[:, :2] @ np.array([width / 2, height / 2])
    rgba = cv2.warpAffine(np.ascontiguousarray(rgba), matrix, (out_w, out_h), flags=cv2.INTER_LINEAR)
    if parts is not None:
        parts = cv2.warpAffine(np.ascontiguousarray(parts), matrix, (out_w, out_h), flags=cv2.INTER_NEAREST)
    return rgba, parts


def _with_outline(
    rgba: np.ndarray, parts: np.ndarray | None, solid: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """A white rim, like a sticker's. It hides what is behind it but belongs to nothing, so `solid` is without it."""
    rim = max(2, max(rgba.shape[:2]) // 28)
    rgba = cv2.copyMakeBorder(rgba, rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))
    if parts is not None:
        parts = cv2.copyMakeBorder(parts, rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=(0,))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * rim + 1, 2 * rim + 1))
    around = cv2.dilate(rgba[..., 3], kernel)
    add = ((255 - rgba[..., 3].astype(np.uint16)) * around // 255).astype(np.uint8)
    return rgba + add[..., None], parts, np.pad(solid, rim)


# -- placing -----------------------------------------------------------------------------------------------------


def _place(
    rng: Rng,
    image: np.ndarray,
    owner: np.ndarray,
    placed: list[_Placed],
    drawing: _Drawing,
    rgba: np.ndarray,
    solid: np.ndarray,
    parts: np.ndarray | None,
    shadow: bool,
    tidy: bool,
    ground: tuple[int, int] | None,
) -> None:
    """Paste in front of what is there, at a place where all keep enough visible pixels; or give up.

    tidy: neither cut by the edge nor overlapping; ground: lowest and highest allowed top row.
    """
    height, width = owner.shape
    h, w = rgba.shape[:2]
    covering = rgba[..., 3] > 110
    full = int(np.count_nonzero(solid))
    if full < 40:
        return
    over = 0.12 if rng.random() < 0.15 and not tidy else 0.0  # now and then cut by the picture's edge
    overlap_wanted = rng.random() < 0.4 and not tidy
    visible = np.bincount(owner.ravel(), minlength=len(placed) + 1)
    attempts = 8 if not tidy else 40
    for attempt in range(attempts):
        x = int(rng.integers(-int(over * w), max(1, width - w + int(over * w) + 1)))
        y = int(rng.integers(-int(over * h), max(1, height - h + int(over * h) + 1)))
        if ground is not None:
            y = int(rng.integers(ground[0], ground[1] + 1))
        x0, y0, x1, y1 = max(0, x), max(0, y), min(width, x + w), min(height, y + h)
        inside = solid[y0 - y : y1 - y, x0 - x : x1 - x]
        if np.count_nonzero(inside) < 0.7 * full:
            continue
        covered = covering[y0 - y : y1 - y, x0 - x : x1 - x]
        under = np.bincount(owner[y0:y1, x0:x1][covered], minlength=len(placed) + 1)
        touched = [k for k in range(1, len(placed) + 1) if under[k]]
        if touched and not overlap_wanted and (tidy or attempt < 6):
            continue
        if any(visible[k] - under[k] < _MIN_VISIBLE * 1.05 * placed[k - 1].full_area for k in touched):
            continue
        break
    else:
        return
    if shadow:
        _shadow(image, owner, rgba[..., 3], x, y)
    region = image[y0:y1, x0:x1]
    patch = rgba[y0 - y : y1 - y, x0 - x : x1 - x]
    keep = 255 - patch[..., 3:4].astype(np.uint16)
    region[:] = ((region * keep + 127) // 255 + patch[..., :3]).clip(0, 255).astype(np.uint8)
    owner[y0:y1, x0:x1][covered] = _NOBODY
    owner[y0:y1, x0:x1][inside] = len(placed) + 1
    for k in touched:
        if under[k] >= max(6, 0.02 * placed[k - 1].full_area):
            placed[k - 1].hidden_by.add(len(placed))
    rows, cols = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    bx0, by0 = x0 + int(cols[0]), y0 + int(rows[0])
    bx1, by1 = x0 + int(cols[-1]) + 1, y0 + int(rows[-1]) + 1
    tight = inside[by0 - y0 : by1 - y0, bx0 - x0 : bx1 - x0]
    cut_parts = None if parts is None else parts[by0 - y : by1 - y, bx0 - x : bx1 - x]
    placed.append(
        _Placed(
            drawing.thing, drawing.style, cut_parts, drawing.part_names, tight, (bx0, by0, bx1, by1), drawing.texture,
            full,
        )
    )  # fmt: skip


_IN_THE_AIR = frozenset({
    "sky thing", "bird", "insect", "rocket", "airplane", "balloon", "kite", "helicopter", "parachute", "flying saucer",
    "satellite", "butterfly",
})  # fmt: skip


def _ground_row(layer: np.ndarray, drawing: _Drawing, height_px: int) -> tuple[int, int] | None:
    """Range of the top row for which a thing stands on the ground, or flies above it; None without ground."""
    rows = np.flatnonzero((layer == 1).any(1))
    if len(rows) == 0:
        return None
    total, line = layer.shape[0], int(rows[0])
    if drawing.thing.group in _IN_THE_AIR or drawing.thing.name in _IN_THE_AIR:
        return 0, max(0, line - height_px)
    lowest = max(0, total - height_px)
    return min(lowest, max(0, line + (total - line) // 6 - height_px)), lowest


def _shadow(image: np.ndarray, owner: np.ndarray, alpha: np.ndarray, x: int, y: int) -> None:
    height, width = owner.shape
    h, w = alpha.shape
    shift = max(2, max(h, w) // 22)
    x, y = x + shift, y + shift
    x0, y0, x1, y1 = max(0, x), max(0, y), min(width, x + w), min(height, y + h)
    if x1 <= x0 or y1 <= y0:
        return
    dark = cv2.blur(alpha, (shift * 2 + 1, shift * 2 + 1))[y0 - y : y1 - y, x0 - x : x1 - x, None].astype(np.uint16)
    region = image[y0:y1, x0:x1]
    region[:] = (region * (255 - dark * 2 // 5) // 255).astype(np.uint8)


# -- backgrounds -------------------------------------------------------------------------------------------------

_SKY: tuple[Rgb, ...] = ((150, 205, 250), (120, 185, 240), (180, 220, 250), (250, 190, 140), (40, 50, 100))
_GRASS: tuple[Rgb, ...] = ((110, 180, 80), (90, 160, 70), (140, 200, 95))
_PALE: tuple[Rgb, ...] = (
    (250, 248, 240), (235, 242, 250), (240, 250, 238), (252, 238, 240), (245, 240, 252), (225, 228, 232),
    (255, 255, 255), (250, 244, 220),
)  # fmt: skip


def _one(rng: Rng, colors: tuple[Rgb, ...]) -> Rgb:
    return colors[int(rng.integers(len(colors)))]


def _background(rng: Rng, height: int, width: int) -> tuple[np.ndarray, str, np.ndarray, tuple[str, ...]]:
    """Image, its name, uint8 layer map and the layers' names (layer k is layer_names[k])."""
    layer = np.zeros((height, width), np.uint8)
    kind = str(rng.choice(["plain", "gradient", "noise", "pattern", "landscape", "indoor"], p=_BACKGROUND_WEIGHTS))
    name = list(BASE_COLORS)[int(rng.integers(len(BASE_COLORS)))]
    color: Rgb = _one(rng, _PALE) if rng.random() < 0.5 else tint(rng, name)
    image = np.empty((height, width, 3), np.uint8)
    image[:] = color
    if kind == "plain":
        return image, "plain background", layer, ("plain background",)
    if kind == "gradient":
        other = _one(rng, _PALE) if rng.random() < 0.5 else tint(rng, list(BASE_COLORS)[int(rng.integers(11))])
        return (
            _ramp(color, other, height, width, rng.random() < 0.5),
            "smooth background",
            layer,
            ("smooth background",),
        )
    if kind == "noise":
        cells = int(rng.integers(6, 40))
        grain = rng.integers(-26, 27, (cells, cells * width // height + 1, 3 if rng.random() < 0.4 else 1))
        small = (np.asarray(color) + grain).clip(0, 255).astype(np.uint8)
        return _smooth(small, height, width), "cloudy background", layer, ("cloudy background",)
    if kind == "pattern":
        return _pattern_background(rng, image, color, layer)
    if kind == "indoor":
        return _indoor(rng, image, layer)
    return _landscape(rng, image, layer)


BACKGROUND_NAMES = (
    "background", "sky", "grass", "sea", "sand", "snow", "hills", "road", "wall", "floor",
)  # fmt: skip
_BACKGROUND_WEIGHTS = (0.22, 0.12, 0.14, 0.12, 0.28, 0.12)


def _smooth(small: np.ndarray, height: int, width: int) -> np.ndarray:
    return np.ascontiguousarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def _ramp(first: Sequence[int], last: Sequence[int], height: int, width: int, across: bool = False) -> np.ndarray:
    """A colour turning into another from top to bottom, or from left to right."""
    steps = np.linspace(0, 1, width if across else height)[:, None]
    line = (np.asarray(first) * (1 - steps) + np.asarray(last) * steps).astype(np.uint8)
    out = np.empty((height, width, 3), np.uint8)
    out[:] = line[None] if across else line[:, None]
    return out


def _pattern_background(
    rng: Rng, image: np.ndarray, color: Rgb, layer: np.ndarray
) -> tuple[np.ndarray, str, np.ndarray, tuple[str, ...]]:
    height, width = layer.shape
    other = tuple(int(np.clip(v + (-34 if sum(color) > 380 else 40), 0, 255)) for v in color)
    if rng.random() < 0.3:
        other = _one(rng, _PALE)
        if sum(abs(a - b) for a, b in zip(color, other, strict=True)) < 40:
            other = tuple(int(v * 0.8) for v in color)
    period = max(6, int(min(height, width) * float(rng.uniform(0.06, 0.2))))
    x, y = np.arange(width)[None, :], np.arange(height)[:, None]
    kind = str(rng.choice(["striped", "checkered", "dotted"]))
    if kind == "striped":
        along = [x + 0 * y, y + 0 * x, x + y][int(rng.integers(3))]
        chosen = (along // period) % 2 == 0
    elif kind == "checkered":
        chosen = ((x // period) + (y // period)) % 2 == 0
    else:
        chosen = (x % period - period // 2) ** 2 + (y % period - period // 2) ** 2 < (period * 0.27) ** 2
    image[chosen] = other
    return image, f"{kind} background", layer, (f"{kind} background",)


def _indoor(rng: Rng, image: np.ndarray, layer: np.ndarray) -> tuple[np.ndarray, str, np.ndarray, tuple[str, ...]]:
    height, width = layer.shape
    image[:] = (
        _one(rng, _PALE) if rng.random() < 0.5 else tint(rng, str(rng.choice(["blue", "green", "pink", "yellow"])))
    )
    if rng.random() < 0.4:
        step = max(8, width // int(rng.integers(8, 18)))
        image[:, (np.arange(width) // step) % 2 == 0] = (image[0, 0] * 0.94).astype(np.uint8)
    line = int(height * float(rng.uniform(0.58, 0.8)))
    floor = tint(rng, "brown") if rng.random() < 0.6 else (170, 172, 176)
    image[line:] = floor
    for k in range(1, 5):
        row = line + (height - line) * k * k // 25
        image[row : row + 1] = tuple(int(v * 0.85) for v in floor)
    image[line - max(1, height // 90) : line] = tuple(int(v * 0.6) for v in floor)
    layer[line:] = 1
    return image, "room", layer, ("wall", "floor")


def _landscape(rng: Rng, image: np.ndarray, layer: np.ndarray) -> tuple[np.ndarray, str, np.ndarray, tuple[str, ...]]:
    height, width = layer.shape
    sky = _one(rng, _SKY)
    pale = tuple(min(255, v + 40) for v in sky)
    image[:] = _ramp(sky, pale, height, width)
    line = int(height * float(rng.uniform(0.45, 0.72)))
    kind = str(rng.choice(["meadow", "sea", "road", "desert", "snow"], p=[0.4, 0.2, 0.15, 0.12, 0.13]))
    ground = {"meadow": _one(rng, _GRASS), "sea": (50, 120, 190), "road": _one(rng, _GRASS),
              "desert": (228, 196, 130), "snow": (238, 243, 250)}[kind]  # fmt: skip
    names = ["sky", {"meadow": "grass", "road": "grass", "desert": "sand"}.get(kind, kind)]
    if kind != "sea" and rng.random() < 0.6:
        far = tuple(int(v * 0.8) for v in ground)
        x = np.linspace(0, 1, width)
        bumps = np.sin(x * float(rng.uniform(4, 9)) + float(rng.uniform(0, 6))) * 0.05 + 0.06
        tops = (line - (bumps + float(rng.uniform(0.0, 0.08))) * height).astype(np.int64)
        hills = (np.arange(height)[:, None] >= tops[None, :]) & (np.arange(height)[:, None] < line)
        image[hills] = far
        layer[hills] = 2
        names.append("hills")
    image[line:] = _ramp(ground, tuple(int(v * 0.86) for v in ground), height - line, width)
    layer[line:] = 1
    if kind == "road":
        middle = width * float(rng.uniform(0.35, 0.65))
        far_half, near_half = width * 0.04, width * float(rng.uniform(0.2, 0.32))
        corners = np.array([
            (middle - far_half, line), (middle + far_half, line), (middle + near_half, height),
            (middle - near_half, height),
        ], np.int32)  # fmt: skip
        cv2.fillPoly(image, [corners], (105, 108, 114))
        names.append("road")
        cv2.fillPoly(layer, [corners], (len(names) - 1,))
        for k in range(4):
            row = line + int((height - line) * (k + 0.3) ** 2 / 16)
            half = max(1, int(near_half * 0.03 * (k + 1)))
            cv2.rectangle(image, (int(middle) - half, row), (int(middle) + half, row + 3 * half), (245, 240, 200), -1)
    if kind == "sea":
        for row in range(line + 4, height, max(6, (height - line) // 6)):
            start = int(rng.integers(0, width // 2))
            cv2.line(image, (start, row), (start + width // 3, row), (110, 170, 220), 1)
    return image, "landscape" if kind != "sea" else "seascape", layer, tuple(names)


# -- effects and finishing ---------------------------------------------------------------------------------------


def _effects(rng: Rng, image: np.ndarray) -> np.ndarray:
    """Light, camera and file effects that leave every colour name measurable afterwards."""
    draw = rng.random(4)
    if draw[0] < 0.35:
        gain, lift = float(rng.uniform(0.85, 1.12)), float(rng.uniform(-14, 14))
        table = (np.arange(256) * gain + lift).clip(0, 255).astype(np.uint8)
        image = np.asarray(cv2.LUT(image, table))
    if draw[1] < 0.12:
        image = np.asarray(cv2.GaussianBlur(image, (3, 3), 0))
    if draw[2] < 0.2:
        tile = rng.integers(0, 2 * int(rng.integers(3, 11)), (64, 64, 3), dtype=np.uint8)
        height, width = image.shape[:2]
        noise = np.tile(tile, (height // 64 + 1, width // 64 + 1, 1))[:height, :width]
        image = np.asarray(cv2.subtract(cv2.add(image, noise), np.full_like(image, int(tile.max()) // 2)))
    if draw[3] < 0.25:
        coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 92))])[1]
        image = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))
    return np.ascontiguousarray(image)


def _finish(
    seed: int, image: np.ndarray, owner: np.ndarray, placed: list[_Placed], background: str, layer: np.ndarray,
    layer_names: tuple[str, ...],
) -> Scene:  # fmt: skip
    height, width = owner.shape
    named = color_index(image)
    objects = []
    for index, item in enumerate(placed):
        x0, y0, x1, y1 = item.box_xyxy
        seen = owner[y0:y1, x0:x1] == index + 1
        mask = np.zeros((height, width), bool)
        mask[y0:y1, x0:x1] = seen
        parts = []
        if item.parts is not None:
            for k, part_name in enumerate(item.part_names):
                part_seen = (item.parts == k + 1) & seen
                if np.count_nonzero(part_seen) >= 24:
                    part_mask = np.zeros((height, width), bool)
                    part_mask[y0:y1, x0:x1] = part_seen
                    parts.append(ScenePart(part_name, part_mask))
        objects.append(
            SceneObject(
                item.thing, item.style, mask, item.box_xyxy, np.count_nonzero(seen) / item.full_area,
                _shares(named[y0:y1, x0:x1][seen]), index, item.texture, tuple(parts), frozenset(item.hidden_by),
            )
        )  # fmt: skip
    free = owner == 0
    regions = []
    for k, name in enumerate(layer_names):
        mask = free & (layer == k)
        if np.count_nonzero(mask) >= 0.03 * height * width:
            regions.append(BackgroundRegion(name, mask, _shares(named[mask])))
    return Scene(image, tuple(objects), background, tuple(regions), seed)


def _shares(indices: np.ndarray) -> dict[str, float]:
    counts = np.bincount(indices, minlength=len(COLOR_NAMES))
    total = max(1, int(counts.sum()))
    order = np.argsort(-counts, kind="stable")
    return {COLOR_NAMES[k]: float(counts[k]) / total for k in order if counts[k]}


def color_shares(image: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Share of each colour name among an image's masked pixels, largest first."""
    return _shares(color_index(image)[mask])


def color_index(image: np.ndarray) -> np.ndarray:
    """Index into COLOR_NAMES for every pixel: uint8 (H, W) from uint8 (H, W, 3)."""
    return np.asarray(_color_table()[_coarse(image)])


def possible_colors(image: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Share of an image's masked pixels that may be called by each colour name, largest first.

    A pixel near the border of two names counts for both, so that the shares may sum to more than one.
    """
    found = _possible_table()[_coarse(image[mask])]  # (n, names)
    shares = found.mean(0) if len(found) else np.zeros(len(COLOR_NAMES))
    return {COLOR_NAMES[k]: float(shares[k]) for k in np.argsort(-shares, kind="stable") if shares[k]}


def _coarse(pixels: np.ndarray) -> np.ndarray:
    """Index of every pixel's colour among the 32^3 coarse ones: uint16 (…) from uint8 (…, 3)."""
    r, g, b = (pixels[..., k].astype(np.uint16) >> 3 for k in range(3))
    return np.asarray((r << 10) | (g << 5) | b)


_HUE_DOUBT, _DOUBT = 8.0, 0.08
"""How far a pixel may be from a border between two names, in degrees of hue, and in saturation or value, for people to
call it either."""


@cache
def _color_table() -> np.ndarray:
    """Index into COLOR_NAMES of all 32^3 coarse colours."""
    return _names_of(*_coarse_colors())


@cache
def _possible_table() -> np.ndarray:
    """Which of COLOR_NAMES may be said of each of the 32^3 coarse colours, bool (32768, names)."""
    hue, sat, val = _coarse_colors()
    found = np.zeros((len(hue), len(COLOR_NAMES)), bool)
    for turn, paler, darker in (
        (0.0, 0.0, 0.0), (_HUE_DOUBT, 0.0, 0.0), (-_HUE_DOUBT, 0.0, 0.0), (0.0, _DOUBT, 0.0), (0.0, -_DOUBT, 0.0),
        (0.0, 0.0, _DOUBT), (0.0, 0.0, -_DOUBT),
    ):  # fmt: skip
        names = _names_of((hue + turn) % 360, np.clip(sat - paler, 0, 1), np.clip(val - darker, 0, 1))
        found[np.arange(len(names)), names] = True
    return found


def _coarse_colors() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hue in degrees, saturation and value of all 32^3 coarse colours."""
    grid = np.arange(32) * 8.0 + 4
    r, g, b = (v.reshape(-1) / 255 for v in np.meshgrid(grid, grid, grid, indexing="ij"))
    high, low = np.maximum(np.maximum(r, g), b), np.minimum(np.minimum(r, g), b)
    spread = np.maximum(high - low, 1e-6)
    hue = (
        np.where(high == r, (g - b) / spread % 6, np.where(high == g, (b - r) / spread + 2, (r - g) / spread + 4)) * 60
    )
    return hue, spread / np.maximum(high, 1e-6), high


def _names_of(hue: np.ndarray, sat: np.ndarray, val: np.ndarray) -> np.ndarray:
    """Index into COLOR_NAMES by hue, saturation and value borders set by eye."""
    names = np.full(hue.shape, "red", dtype=object)
    for start, end, name in (
        (12, 41, "orange"), (41, 66, "yellow"), (66, 168, "green"), (168, 252, "blue"), (252, 295, "purple"),
        (295, 341, "pink"),
    ):  # fmt: skip
        names[(hue >= start) & (hue < end)] = name
    names[((hue >= 320) | (hue < 12)) & (sat < 0.56) & (val > 0.72)] = "pink"
    names[(hue >= 295) & (hue < 330) & (val < 0.62)] = "purple"
    names[(hue >= 8) & (hue < 45) & ((val < 0.55) | ((sat < 0.68) & (val < 0.83)) | ((hue < 30) & (val < 0.72)))] = (
        "brown"
    )
    names[(hue >= 12) & (hue < 46) & (sat < 0.42) & (val >= 0.83)] = "beige"
    names[((hue < 12) | (hue > 345)) & (val < 0.4) & (sat < 0.75)] = "brown"
    names[(sat < 0.2) & (val < 0.86)] = "gray"
    names[(sat < 0.28) & (val < 0.5)] = "gray"
    names[(sat < 0.12) & (val >= 0.82)] = "white"
    names[(val < 0.2) | ((val < 0.28) & (sat < 0.45))] = "black"
    index = {name: k for k, name in enumerate(COLOR_NAMES)}
    return np.array([index[name] for name in names], np.uint8)


# -- masks as a person gives them --------------------------------------------------------------------------------

MASK_STYLES = ("exact", "grown", "shrunk", "box", "ellipse", "scribble", "ragged", "cut")
_MASK_WEIGHTS = (0.46, 0.09, 0.07, 0.12, 0.05, 0.07, 0.09, 0.05)


def hand_mask(rng: Rng, mask: np.ndarray, style: str | None = None) -> np.ndarray:
    """A mask as somebody would select it: bool (H, W), never empty, about the same thing as `mask`."""
    if not mask.any():
        raise ValueError("the mask is empty: give a mask with at least one pixel set")
    style = style or str(rng.choice(MASK_STYLES, p=_MASK_WEIGHTS))
    if style == "exact":
        return mask
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(cols[0]), int(cols[-1]) + 1
    side = max(y1 - y0, x1 - x0)
    height, width = mask.shape
    pad = max(2, side // 10)
    wy0, wy1, wx0, wx1 = max(0, y0 - pad), min(height, y1 + pad), max(0, x0 - pad), min(width, x1 + pad)
    window = mask[wy0:wy1, wx0:wx1].astype(np.uint8)
    if style in ("grown", "shrunk"):
        radius = max(1, int(side * float(rng.uniform(0.015, 0.05))))
        kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
        window = np.asarray(cv2.dilate(window, kernel) if style == "grown" else cv2.erode(window, kernel), np.uint8)
    elif style == "box":
        slack = max(1, int(side * 0.06))
        dx0, dy0, dx1, dy1 = (int(v) for v in rng.integers(-slack, slack + 1, 4))
        window[:] = 0
        window[max(0, y0 + dy0 - wy0) : max(1, y1 + dy1 - wy0), max(0, x0 + dx0 - wx0) : max(1, x1 + dx1 - wx0)] = 1
    elif style == "ellipse":
        window[:] = 0
        center = ((x0 + x1) // 2 - wx0, (y0 + y1) // 2 - wy0)
        cv2.ellipse(window, center, ((x1 - x0) // 2 + 1, (y1 - y0) // 2 + 1), 0, 0, 360, (1,), -1)
    elif style == "scribble":
        ys, xs = np.nonzero(window)
        picked = rng.integers(0, len(ys), 5)
        line = np.stack([xs[picked], ys[picked]], 1).astype(np.int32)
        drawn = np.zeros_like(window)
        cv2.polylines(drawn, [line], False, (1,), max(2, side // 12))
        window = np.asarray(drawn & window, np.uint8)
    elif style == "ragged":
        cells = max(3, side // 8)
        bumps = cv2.resize(rng.normal(0, 1, (cells, cells)).astype(np.float32), window.shape[::-1])
        soft = cv2.GaussianBlur(window.astype(np.float32), (0, 0), max(1.0, side * 0.02))
        window = (soft + 0.22 * bumps * (soft > 0.02) * (soft < 0.98) > 0.5).astype(np.uint8)
    elif style == "cut":
        share = float(rng.uniform(0.65, 0.85))
        ys, xs = np.nonzero(window)
        angle = float(rng.uniform(0, 2 * math.pi))
        along = xs * math.cos(angle) + ys * math.sin(angle)
        keep = along <= np.quantile(along, share)
        window[:] = 0
        window[ys[keep], xs[keep]] = 1
    if np.count_nonzero(window) < 12:
        return mask
    out = np.zeros((height, width), bool)
    out[wy0:wy1, wx0:wx1] = window.astype(bool)
    return out
