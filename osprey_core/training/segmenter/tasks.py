"""Pictures with outlined things, varied without end, and what a person would click in them: data for the segmenter.

`read_pictures` and `drawn_pictures` give pictures whose things are known; `PictureVarieties` crops, mirrors, recolours
and combines them; `choose_targets` and `first_prompt` make tasks of them. It knows no network.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from osprey_core.errors import InputError
from osprey_core.regions.masks import Mask
from osprey_core.segment.clicks import middle_of_largest_piece
from osprey_core.training.scenes.photographs import read_photographs
from osprey_core.training.scenes.scene import SceneOptions, make_scene

Rng = np.random.Generator
Image = NDArray[np.uint8]
Labels = NDArray[np.int16]
RegionKind = Literal["thing", "stuff"]
Kind = Literal["thing", "stuff", "part", "group"]

LARGEST_SIDE = 640
"""Pictures are kept at this size at most."""

SMALLEST_AREA = 0.0006
"""A target covers at least this share of its picture: about 12 x 12 of 512 x 512 pixels."""

STUFF_WEIGHT = 0.12
"""How often stuff is a target, against a thing: a click means a thing unless there is none."""


@dataclass(frozen=True, eq=False)
class LabelledPicture:
    """A picture and whose pixel each is.

    image: uint8 (H, W, 3); labels: int16 (H, W), 0 where nothing is known, else 1 + the place of the region in `kinds`;
    names: for each region a number that stands for its name; parts: like labels, for named parts of
    things (0: no part), counted on their own.
    """

    image: Image
    labels: Labels
    kinds: tuple[RegionKind, ...]
    names: tuple[int, ...]
    parts: Labels | None = None


@dataclass(frozen=True, eq=False)
class Target:
    """Something to be found: mask bool (H, W) and what it is."""

    mask: Mask
    kind: Kind


@dataclass(frozen=True)
class FirstPrompt:
    """A click and / or a box, in shares of the picture's width and height; at least one of the two."""

    point_xy: tuple[float, float] | None
    box_xyxy: tuple[float, float, float, float] | None


def read_pictures(annotations: Path, pictures: Path, left_out: Collection[int] = ()) -> list[LabelledPicture]:
    """The pictures of a COCO file that have outlined regions, in the order of the file.

    annotations: COCO's JSON; its categories may say `isthing` (0: stuff such as sky; 1, the default: things);
    pictures: the folder with the files; left_out: ids of pictures that must not be read. Regions marked `iscrowd` and
    regions without an outline are left unknown. Raises InputError where the file or a picture cannot be read.
    """
    found = []
    for photograph in read_photographs(annotations, pictures):
        regions = [region for region in photograph.regions if region.rle is not None and not region.is_crowd]
        if photograph.number in left_out or not regions:
            continue
        numbers = {category: number for number, category in enumerate(sorted({r.category for r in regions}))}
        labels = np.zeros(photograph.size_hw, np.int16)
        for place, region in enumerate(regions):
            labels[region.mask(photograph.size_hw)] = place + 1
        kinds: list[RegionKind] = ["thing" if region.is_thing else "stuff" for region in regions]
        names = tuple(numbers[region.category] for region in regions)
        found.append(_small(LabelledPicture(photograph.image(), labels, tuple(kinds), names)))
    return found


def drawn_pictures(seeds: Iterable[int], options: SceneOptions | None = None) -> list[LabelledPicture]:
    """Scenes of the project's own generator, with the parts of their things."""
    found = []
    for seed in seeds:
        scene = make_scene(seed, options)
        labels = np.zeros(scene.image.shape[:2], np.int16)
        parts = np.zeros_like(labels)
        part_count = 0
        names: dict[str, int] = {}
        for place, thing in enumerate(scene.objects):
            labels[thing.mask] = place + 1
            names.setdefault(thing.thing.name, len(names))
            for part in thing.parts:
                part_count += 1
                parts[part.mask & thing.mask] = part_count
        kinds: tuple[RegionKind, ...] = tuple("thing" for _ in scene.objects)
        found.append(
            LabelledPicture(
                np.asarray(scene.image), labels, kinds, tuple(names[o.thing.name] for o in scene.objects), parts
            )
        )
    return found


def _small(picture: LabelledPicture) -> LabelledPicture:
    height, width = picture.labels.shape
    scale = LARGEST_SIDE / max(height, width)
    if scale >= 1:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return _resized(picture, size)


def _resized(picture: LabelledPicture, size_wh: tuple[int, int]) -> LabelledPicture:
    shrinks = size_wh[0] < picture.labels.shape[1]
    image = cv2.resize(picture.image, size_wh, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    labels = cv2.resize(picture.labels, size_wh, interpolation=cv2.INTER_NEAREST)
    parts = None if picture.parts is None else cv2.resize(picture.parts, size_wh, interpolation=cv2.INTER_NEAREST)
    return LabelledPicture(
        np.asarray(image, np.uint8),
        np.asarray(labels, np.int16),
        picture.kinds,
        picture.names,
        None if parts is None else np.asarray(parts, np.int16),
    )


# --- varieties -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class VarietyOptions:
    """How often pictures are changed in which way."""

    composite: float = 0.35
    mosaic: float = 0.18
    crop: float = 0.45
    smallest_crop: float = 0.3
    """Side of the smallest crop as a share of the picture's."""
    recolour: float = 0.8


class PictureVarieties:
    """Makes ever new pictures of `side` x `side` pixels from sets of pictures, each set with its weight."""

    def __init__(
        self, sets: Sequence[tuple[float, Sequence[LabelledPicture]]], side: int, options: VarietyOptions | None = None
    ) -> None:
        self._sets = [(weight, pictures) for weight, pictures in sets if pictures and weight > 0]
        if not self._sets:
            raise InputError("segmenter_training.pictures_missing")
        self._weights = np.array([weight for weight, _ in self._sets])
        self._weights = self._weights / self._weights.sum()
        self._side = side
        self._options = options or VarietyOptions()

    def make(self, rng: Rng) -> LabelledPicture:
        """One new picture."""
        options = self._options
        if rng.random() < options.mosaic:
            picture = self._mosaic(rng)
        else:
            picture = self._pick(rng)
            if rng.random() < options.composite:
                for _ in range(int(rng.integers(1, 4))):
                    picture = pasted(rng, picture, self._pick(rng))
            picture = self._cropped(rng, picture)
        if rng.random() < 0.5:
            picture = _mirrored(picture)
        image = recoloured(rng, picture.image) if rng.random() < options.recolour else picture.image
        return LabelledPicture(image, picture.labels, picture.kinds, picture.names, picture.parts)

    def _pick(self, rng: Rng) -> LabelledPicture:
        pictures = self._sets[int(rng.choice(len(self._sets), p=self._weights))][1]
        return pictures[int(rng.integers(len(pictures)))]

    def _cropped(self, rng: Rng, picture: LabelledPicture) -> LabelledPicture:
        size = (self._side, self._side)
        if rng.random() >= self._options.crop:
            return _resized(picture, size)
        height, width = picture.labels.shape
        share = math.exp(rng.uniform(math.log(self._options.smallest_crop), 0.0))
        stretch = math.exp(rng.uniform(-0.25, 0.25))
        crop_w = int(np.clip(width * share * stretch, 32, width))
        crop_h = int(np.clip(height * share / stretch, 32, height))
        known = np.argwhere(picture.labels[::8, ::8] > 0)
        if len(known):  # about some known pixel
            row, column = known[int(rng.integers(len(known)))] * 8
        else:
            row, column = height // 2, width // 2
        top = int(np.clip(row - rng.uniform(0.15, 0.85) * crop_h, 0, height - crop_h))
        left = int(np.clip(column - rng.uniform(0.15, 0.85) * crop_w, 0, width - crop_w))
        window = np.s_[top : top + crop_h, left : left + crop_w]
        parts = None if picture.parts is None else picture.parts[window]
        part = LabelledPicture(picture.image[window], picture.labels[window], picture.kinds, picture.names, parts)
        return _resized(part, size)

    def _mosaic(self, rng: Rng) -> LabelledPicture:
        """Four pictures in one, so that everything is small."""
        row, column = (int(self._side * rng.uniform(0.35, 0.65)) for _ in range(2))
        image = np.zeros((self._side, self._side, 3), np.uint8)
        labels = np.zeros((self._side, self._side), np.int16)
        kinds: list[RegionKind] = []
        names: list[int] = []
        for top, bottom in ((0, row), (row, self._side)):
            for left, right in ((0, column), (column, self._side)):
                tile = _resized(self._pick(rng), (right - left, bottom - top))
                image[top:bottom, left:right] = tile.image
                labels[top:bottom, left:right] = np.where(tile.labels > 0, tile.labels + len(kinds), 0)
                kinds += tile.kinds
                names += [name + 1000 * len(kinds) for name in tile.names]  # no groups across tiles
        return LabelledPicture(image, labels, tuple(kinds), tuple(names))


def pasted(rng: Rng, picture: LabelledPicture, other: LabelledPicture) -> LabelledPicture:
    """The picture with one thing of another cut out and put on it, somewhere, at some size, with a soft edge."""
    choices = [
        place + 1
        for place, kind in enumerate(other.kinds)
        if kind == "thing" and np.count_nonzero(other.labels == place + 1) > 600
    ]
    if not choices:
        return picture
    chosen = choices[int(rng.integers(len(choices)))]
    rows, columns = np.nonzero(other.labels == chosen)
    window = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    cut, mask = other.image[window], (other.labels[window] == chosen).astype(np.float32)
    height, width = picture.labels.shape
    wanted = math.exp(rng.uniform(math.log(0.12), math.log(0.7))) * min(height, width)
    scale = min(wanted / max(mask.shape), 2.0)
    size = max(4, round(mask.shape[1] * scale)), max(4, round(mask.shape[0] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    cut, mask = (
        np.asarray(cv2.resize(cut, size, interpolation=how)),
        np.asarray(cv2.resize(mask, size, interpolation=how)),
    )
    if rng.random() < 0.5:
        cut, mask = cut[:, ::-1], mask[:, ::-1]
    cut = recoloured(rng, np.ascontiguousarray(cut))
    # It may hang over the picture's border by a third.
    top = int(rng.integers(-(size[1] // 3), max(1, height - size[1] + size[1] // 3)))
    left = int(rng.integers(-(size[0] // 3), max(1, width - size[0] + size[0] // 3)))
    t, b, l, r = max(0, top), min(height, top + size[1]), max(0, left), min(width, left + size[0])  # noqa: E741
    cut, mask = cut[t - top : b - top, l - left : r - left], mask[t - top : b - top, l - left : r - left]
    if (mask > 0.5).sum() < 100:
        return picture
    soft = np.asarray(cv2.GaussianBlur(np.ascontiguousarray(mask), (0, 0), float(rng.uniform(0.5, 1.2))))
    alpha = np.minimum(soft, mask * 1.5).clip(0, 1)[..., None]
    image, labels = picture.image.copy(), picture.labels.copy()
    image[t:b, l:r] = (image[t:b, l:r] * (1 - alpha) + cut * alpha).astype(np.uint8)
    labels[t:b, l:r][mask > 0.5] = len(picture.kinds) + 1
    parts = picture.parts
    if parts is not None:
        parts = parts.copy()
        parts[t:b, l:r][mask > 0.5] = 0
    name = other.names[chosen - 1] + 5000
    return LabelledPicture(image, labels, (*picture.kinds, "thing"), (*picture.names, name), parts)


def recoloured(rng: Rng, image: Image) -> Image:
    """The picture brighter or darker, of other contrast and colours, blurred, noisy or grey: uint8 (H, W, 3)."""
    pixels = image.astype(np.float32)
    pixels = (pixels - 128) * float(rng.uniform(0.7, 1.35)) + 128 + float(rng.uniform(-30, 30))
    grey = pixels.mean(2, keepdims=True)
    pixels = grey + (pixels - grey) * (0.0 if rng.random() < 0.06 else float(rng.uniform(0.5, 1.5)))
    pixels *= rng.uniform(0.9, 1.1, 3).astype(np.float32)
    if rng.random() < 0.15:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.5, 1.5))))
    if rng.random() < 0.15:
        pixels += rng.normal(0, float(rng.uniform(2, 10)), pixels.shape).astype(np.float32)
    return pixels.clip(0, 255).astype(np.uint8)


def with_half_labels(picture: LabelledPicture) -> LabelledPicture:
    """The picture with labels and parts at half its size, which is enough for targets."""
    labels, parts = (
        None if labels is None else np.ascontiguousarray(labels[::2, ::2]) for labels in (picture.labels, picture.parts)
    )
    assert labels is not None
    return LabelledPicture(picture.image, labels, picture.kinds, picture.names, parts)


def _mirrored(picture: LabelledPicture) -> LabelledPicture:
    parts = None if picture.parts is None else np.ascontiguousarray(picture.parts[:, ::-1])
    return LabelledPicture(
        np.ascontiguousarray(picture.image[:, ::-1]),
        np.ascontiguousarray(picture.labels[:, ::-1]),
        picture.kinds,
        picture.names,
        parts,
    )


# --- tasks ---------------------------------------------------------------------------------------------------------


def choose_targets(rng: Rng, picture: LabelledPicture, count: int) -> list[Target]:
    """`count` things to find in a picture, often things, now and then stuff, a part or a group; [] if it has none."""
    areas = np.bincount(picture.labels.ravel(), minlength=len(picture.kinds) + 1)[1:]
    large = areas >= SMALLEST_AREA * picture.labels.size
    weights = (
        np.array([1.0 if kind == "thing" else STUFF_WEIGHT for kind in picture.kinds]) * large[: len(picture.kinds)]
    )
    if not weights.sum():
        return []
    targets: list[Target] = []
    chosen = rng.choice(
        len(weights), size=count, p=weights / weights.sum(), replace=bool(np.count_nonzero(weights) < count)
    )
    for place in chosen:
        mask = picture.labels == place + 1
        kind: Kind = picture.kinds[int(place)]
        if kind == "thing" and rng.random() < 0.25:
            part = _part_within(rng, picture, mask)
            if part is not None:
                mask, kind = part, "part"
        elif kind == "thing" and rng.random() < 0.1:
            same = np.isin(
                picture.labels, [n + 1 for n, name in enumerate(picture.names) if name == picture.names[place]]
            )
            _, numbers = cv2.connectedComponents(cv2.dilate(same.astype(np.uint8), np.ones((5, 5), np.uint8)))
            group = same & np.isin(numbers, np.unique(numbers[mask]))
            if np.count_nonzero(group) > 1.2 * np.count_nonzero(mask):
                mask, kind = group, "group"
        targets.append(Target(mask, kind))
    return targets


def _part_within(rng: Rng, picture: LabelledPicture, mask: Mask) -> Mask | None:
    if picture.parts is None:
        return None
    numbers, areas = np.unique(picture.parts[mask], return_counts=True)
    usable = [
        number for number, area in zip(numbers, areas, strict=True) if number and area >= SMALLEST_AREA * mask.size
    ]
    return picture.parts == usable[int(rng.integers(len(usable)))] if usable else None


def first_prompt(rng: Rng, target: Mask) -> FirstPrompt:
    """How a person may begin: mostly a click in the middle or anywhere on it, or a box drawn more or less tightly."""
    height, width = target.shape
    chance = rng.random()
    point = box = None
    if chance < 0.7:
        x, y = middle_of_largest_piece(target)
        if rng.random() < 0.45:
            inner = cv2.erode(target.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0)
            rows, columns = np.nonzero(inner if inner.any() else target)
            place = int(rng.integers(len(rows)))
            x, y = columns[place] + 0.5, rows[place] + 0.5
        point = (x / width, y / height)
    if chance >= 0.65:
        rows, columns = np.flatnonzero(target.any(1)), np.flatnonzero(target.any(0))
        x0, y0, x1, y1 = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        if rng.random() < 0.6:
            slack = rng.normal(0, 0.05, 4) * (x1 - x0, y1 - y0, x1 - x0, y1 - y0)
            x0, y0, x1, y1 = (float(v) for v in np.array([x0, y0, x1, y1]) + slack)
        x0, x1 = sorted((float(np.clip(x0, 0, width)), float(np.clip(x1, 0, width))))
        y0, y1 = sorted((float(np.clip(y0, 0, height)), float(np.clip(y1, 0, height))))
        box = (x0 / width, y0 / height, max(x1, x0 + 2) / width, max(y1, y0 + 2) / height)
    return FirstPrompt(point, box)
