"""Made pictures whose contents are known exactly: what is where, which pixels show it, what colour they have.

`make_scene(seed, options, atlas)` composes sprites, drawn objects and shapes on a background; the same arguments give
the same picture. Colours are measured on the finished pixels. This module does not know questions or answers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from osprey_core.training.art import Atlas
from osprey_core.training.scenes.backgrounds import Background, make_background
from osprey_core.training.scenes.colors import color_index, shares_of
from osprey_core.training.scenes.drawings import pick_drawing, turned_drawing, with_outline
from osprey_core.training.scenes.drawn import Rng
from osprey_core.training.scenes.effects import with_effects
from osprey_core.training.scenes.names import Thing
from osprey_core.training.scenes.placing import PlacedThing, ground_rows, place


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


def make_scene(seed: int, options: SceneOptions | None = None, atlas: Atlas | None = None) -> Scene:
    """One scene; without an atlas it consists of drawn objects and shapes only."""
    options = options or SceneOptions()
    rng = np.random.default_rng(seed)
    height, width = _picture_size(rng, options)
    background = make_background(rng, height, width)
    image = background.image
    owner = np.zeros((height, width), np.uint8)  # 0 background, k = placed[k - 1]
    placed: list[PlacedThing] = []
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
        again = placed[int(rng.integers(len(placed)))].drawing if repeat and placed and rng.random() < 0.6 else None
        drawing = pick_drawing(rng, atlas, kind_weights, options.art_px, again)
        low, high = 0.15, 0.62 if count <= 3 else 0.52
        side = min(height, width) * float(np.exp(rng.uniform(math.log(low), math.log(high * crowd)))) * 1.12
        if count == 1:
            side = min(height, width) * float(rng.uniform(0.25, 0.92))
        if options.side_shares is not None:
            side = min(height, width) * float(rng.uniform(*options.side_shares))
        if options.tidy:
            side = max(side, 0.2 * min(height, width))
        rgba, parts = turned_drawing(rng, drawing, side, options.tidy)
        solid = rgba[..., 3] > 110
        if outline:
            rgba, parts, solid = with_outline(rgba, parts, solid)
        ground = ground_rows(background.layer, drawing.thing, rgba.shape[0]) if options.tidy else None
        place(rng, image, owner, placed, drawing, rgba, solid, parts, shadow=shadow, tidy=options.tidy, ground=ground)
    if effects:
        image = with_effects(rng, image)
    return _finish(seed, image, owner, placed, background)


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


def _finish(
    seed: int, image: np.ndarray, owner: np.ndarray, placed: list[PlacedThing], background: Background
) -> Scene:
    """Measure masks, parts and colours on the finished picture."""
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
            for k, part_name in enumerate(item.drawing.part_names):
                part_seen = (item.parts == k + 1) & seen
                if np.count_nonzero(part_seen) >= 24:
                    part_mask = np.zeros((height, width), bool)
                    part_mask[y0:y1, x0:x1] = part_seen
                    parts.append(ScenePart(part_name, part_mask))
        objects.append(
            SceneObject(
                item.drawing.thing,
                item.drawing.style,
                mask,
                item.box_xyxy,
                np.count_nonzero(seen) / item.full_area,
                shares_of(named[y0:y1, x0:x1][seen]),
                index,
                item.drawing.texture,
                tuple(parts),
                frozenset(item.hidden_by),
            )
        )
    free = owner == 0
    regions = []
    for k, name in enumerate(background.layer_names):
        mask = free & (background.layer == k)
        if np.count_nonzero(mask) >= 0.03 * height * width:
            regions.append(BackgroundRegion(name, mask, shares_of(named[mask])))
    return Scene(image, tuple(objects), background.name, tuple(regions), seed)
