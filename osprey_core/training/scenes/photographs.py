"""Annotated photographs as scenes: the same dialogues are held about them as about made pictures.

A file in COCO's shape gives pictures with things and stuff; a thing without a mask is its box. `photo_scene` makes one
scene of a photograph as it is, mirrored, cut out, recoloured, or with things of other photographs pasted on it. Names
come from `photo_names.json`. It knows neither questions nor models.
"""

from __future__ import annotations

import io
import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from pycocotools import mask as coco_masks

from osprey_core.errors import InputError
from osprey_core.training.records.coco import by_id, entries, file_name, is_coco
from osprey_core.training.scenes.colors import color_shares
from osprey_core.training.scenes.drawn import Rng
from osprey_core.training.scenes.names import Thing
from osprey_core.training.scenes.scene import BackgroundRegion, Scene, SceneObject

NAMES_FILE = Path(__file__).parent / "photo_names.json"
SPLIT_FILE = Path(__file__).parent / "photo_split.json"

STYLE_EXACT, STYLE_BOX, STYLE_PASTED = "photo", "photo box", "photo pasted"
"""`SceneObject.style` of things in photographs: with their own mask, with a box for a mask, cut out of another one."""

PHOTOGRAPH = "photograph"
"""`Scene.background` of every photograph."""


@dataclass(frozen=True)
class PhotoRegion:
    """One annotated thing or stretch of stuff.

    category is the file's own word; box_xyxy half-open; rle is COCO's compressed form, None where there is only a box.
    """

    category: str
    is_thing: bool
    is_crowd: bool
    box_xyxy: tuple[int, int, int, int]
    rle: Mapping[str, Any] | None

    def mask(self, size_hw: tuple[int, int]) -> np.ndarray:
        """bool (H, W): the region's mask, or its filled box."""
        if self.rle is not None:
            return np.asarray(coco_masks.decode(self.rle), dtype=bool)
        return self.box_mask(size_hw)

    def box_mask(self, size_hw: tuple[int, int]) -> np.ndarray:
        """bool (H, W): the region's filled box."""
        x0, y0, x1, y1 = self.box_xyxy
        mask = np.zeros(size_hw, bool)
        mask[y0:y1, x0:x1] = True
        return mask


@dataclass(frozen=True)
class Photograph:
    """One annotated picture file. `known` are the categories whose every occurrence is annotated."""

    number: int
    path: Path
    size_hw: tuple[int, int]
    regions: tuple[PhotoRegion, ...]
    known: frozenset[str]

    def image(self) -> np.ndarray:
        """uint8 (H, W, 3). Raises InputError where the file is missing or no picture."""
        try:
            with Image.open(self.path) as picture:
                return np.array(picture.convert("RGB"))
        except OSError as error:
            raise InputError("photographs.picture_unreadable", path=str(self.path), reason=str(error)) from error


@dataclass(frozen=True)
class PhotoNames:
    """Words for the categories of photographs: things by name, stuff by the file's category, other files' words."""

    things: Mapping[str, Thing]
    stuff: Mapping[str, str]
    aliases: Mapping[str, str]

    def name(self, category: str) -> str:
        """The word for a category of a file: "tvmonitor" is a "tv", "sky-other-merged" is "sky"."""
        word = self.aliases.get(category, category)
        return self.stuff.get(word, word)

    def thing(self, category: str) -> Thing:
        """The thing that a category of a file is; one that the table lacks is called by the category itself."""
        word = self.aliases.get(category, category)
        return self.things.get(word) or Thing(word, word, "thing")


@cache
def photo_names() -> PhotoNames:
    """The table of `photo_names.json`."""
    table = json.loads(NAMES_FILE.read_text("utf-8"))
    things = {
        name: Thing(name, entry.get("noun", name), entry["group"], tuple(entry.get("synonyms", ())))
        for name, entry in table["things"].items()
    }
    return PhotoNames(things, table["stuff"], table["aliases"])


def read_photographs(file: Path, pictures: Path) -> list[Photograph]:
    """Pictures of a file in COCO's shape that have regions. Raises InputError where the file is another one."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError("photographs.file_unreadable", path=str(file), reason=str(error)) from error
    if not is_coco(content):
        raise InputError("photographs.file_foreign", path=str(file))
    categories = by_id(content, "categories")
    names = {number: str(category["name"]) for number, category in categories.items()}
    things = {number: bool(category.get("isthing", 1)) for number, category in categories.items()}
    known = frozenset(names.values())
    found: dict[Any, list[PhotoRegion]] = {}
    shapes = by_id(content, "images")
    for entry in entries(content, "annotations"):
        picture = shapes.get(entry.get("image_id"))
        if picture is None or entry.get("category_id") not in names:
            raise InputError("photographs.annotation_foreign", path=str(file), annotation=str(entry.get("id")))
        height, width = int(picture["height"]), int(picture["width"])
        rle = _rle(entry.get("segmentation"), height, width)
        x, y, w, h = (float(v) for v in entry["bbox"])
        box = (
            max(0, math.floor(x)),
            max(0, math.floor(y)),
            min(width, math.ceil(x + w)),
            min(height, math.ceil(y + h)),
        )
        if box[2] <= box[0] or box[3] <= box[1]:
            continue
        number = entry["category_id"]
        region = PhotoRegion(names[number], things[number], bool(entry.get("iscrowd")), box, rle)
        found.setdefault(entry["image_id"], []).append(region)
    return [
        Photograph(
            number,
            pictures / str(file_name(shapes[number])),
            (int(shapes[number]["height"]), int(shapes[number]["width"])),
            tuple(regions),
            known,
        )
        for number, regions in found.items()
    ]


def held_back(name: str) -> frozenset[int]:
    """Ids of a set's pictures ("coco100", "voc497") that are never trained on, from `photo_split.json`."""
    return frozenset(json.loads(SPLIT_FILE.read_text("utf-8")).get(name, ()))


@dataclass(frozen=True)
class PhotoOptions:
    """How a photograph is changed on its way to a scene; shares are probabilities."""

    mirrored: float = 0.5
    cropped: float = 0.6
    smallest_crop: float = 0.55
    """Smallest side of a cut-out as a share of the photograph's."""
    recoloured: float = 0.7
    pasted: float = 0.25
    """How often things of other photographs are pasted on."""
    most_pasted: int = 4


AS_IT_IS = PhotoOptions(mirrored=0, cropped=0, recoloured=0, pasted=0)


def photo_scene(
    photograph: Photograph, rng: Rng, options: PhotoOptions = AS_IT_IS, others: Sequence[Photograph] = ()
) -> Scene:
    """One scene of a photograph. Colours are measured on the finished pixels; boxes have none.

    Args:
        others: where pasted things come from; only things with masks are taken.
    """
    image = photograph.image()
    masks = [region.mask(image.shape[:2]) for region in photograph.regions]
    if rng.random() < options.mirrored:
        image, masks = image[:, ::-1], [mask[:, ::-1] for mask in masks]
    full_areas = [max(1, int(mask.sum())) for mask in masks]
    if rng.random() < options.cropped:
        image, masks = _cut_out(rng, image, masks, options.smallest_crop)
    image = np.ascontiguousarray(image)
    pasted: list[tuple[PhotoRegion, np.ndarray]] = []
    if others and rng.random() < options.pasted:
        image = image.copy()
        pasted = _paste(rng, image, masks, others, int(rng.integers(1, options.most_pasted + 1)))
    if rng.random() < options.recoloured:
        image = recoloured(rng, image)
    return _scene(photograph, image, masks, full_areas, pasted)


def absent_things(photograph: Photograph, scene: Scene) -> list[Thing]:
    """Things that are certainly not in the scene: of the categories that the photograph's file annotates throughout."""
    names = photo_names()
    there = {names.thing(region.category).name for region in photograph.regions}
    there |= {item.name for item in scene.objects}
    told = {names.thing(word).name for word in photograph.known if names.aliases.get(word, word) in names.things}
    return [names.things[name] for name in sorted(told - there)]


def recoloured(rng: Rng, image: np.ndarray) -> np.ndarray:
    """The picture uint8 (H, W, 3) in other light: brightness, contrast, saturation, tint, blur, noise, JPEG."""
    pixels = image.astype(np.float32) / 255
    gray = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    saturation = 0.0 if rng.random() < 0.04 else float(rng.uniform(0.6, 1.4))
    pixels = gray[..., None] + saturation * (pixels - gray[..., None])
    pixels = (pixels - gray.mean()) * float(rng.uniform(0.7, 1.3)) + gray.mean() * float(rng.uniform(0.75, 1.3))
    pixels *= rng.uniform(0.93, 1.07, 3).astype(np.float32)
    if rng.random() < 0.15:
        pixels = cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.5, 1.6)))
    if rng.random() < 0.15:
        pixels = pixels + rng.normal(0, float(rng.uniform(0.01, 0.05)), pixels.shape).astype(np.float32)
    out = (np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.2:
        buffer = io.BytesIO()
        Image.fromarray(out).save(buffer, "JPEG", quality=int(rng.integers(35, 85)))
        out = np.array(Image.open(buffer))
    return out


def _rle(segmentation: Any, height: int, width: int) -> Mapping[str, Any] | None:
    if not segmentation:
        return None
    if isinstance(segmentation, list):
        return dict(coco_masks.merge(coco_masks.frPyObjects(segmentation, height, width)))
    if isinstance(segmentation["counts"], list):
        return dict(coco_masks.frPyObjects(segmentation, height, width))
    return dict(segmentation)


def _cut_out(
    rng: Rng, image: np.ndarray, masks: list[np.ndarray], smallest: float
) -> tuple[np.ndarray, list[np.ndarray]]:
    height, width = image.shape[:2]
    side = float(rng.uniform(smallest, 1.0))
    tall, wide = (max(32, round(size * side * float(rng.uniform(0.85, 1.0)))) for size in (height, width))
    tall, wide = min(tall, height), min(wide, width)
    y, x = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - wide + 1))
    window = np.s_[y : y + tall, x : x + wide]
    return image[window], [mask[window] for mask in masks]


def _paste(
    rng: Rng, image: np.ndarray, masks: list[np.ndarray], others: Sequence[Photograph], count: int
) -> list[tuple[PhotoRegion, np.ndarray]]:
    """Paste things onto the image, which is changed, as are the masks of what they hide."""
    height, width = image.shape[:2]
    pasted: list[tuple[PhotoRegion, np.ndarray]] = []
    for _ in range(count):
        other = others[int(rng.integers(len(others)))]
        fit = [r for r in other.regions if r.rle is not None and r.is_thing and not r.is_crowd and _is_large(r)]
        if not fit:
            continue
        region = fit[int(rng.integers(len(fit)))]
        x0, y0, x1, y1 = region.box_xyxy
        source, mask = other.image()[y0:y1, x0:x1], region.mask(other.size_hw)[y0:y1, x0:x1]
        if mask.sum() < 0.25 * mask.size:
            continue
        side = min(height, width) * float(np.exp(rng.uniform(math.log(0.12), math.log(0.6))))
        scale = side / max(source.shape[:2])
        size_wh = (max(8, round(source.shape[1] * scale)), max(8, round(source.shape[0] * scale)))
        if size_wh[0] > width or size_wh[1] > height:
            continue
        small = cv2.resize(source, size_wh, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        soft = cv2.resize(mask.astype(np.float32), size_wh, interpolation=cv2.INTER_LINEAR)
        if rng.random() < 0.5:
            small, soft = small[:, ::-1], soft[:, ::-1]
        y = int(rng.integers(0, height - size_wh[1] + 1))
        x = int(rng.integers(0, width - size_wh[0] + 1))
        window = np.s_[y : y + size_wh[1], x : x + size_wh[0]]
        image[window] = (soft[..., None] * small + (1 - soft[..., None]) * image[window]).astype(np.uint8)
        own = np.zeros((height, width), bool)
        own[window] = soft > 0.5
        for place, hidden in enumerate(masks):
            masks[place] = hidden & ~own
        pasted = [(r, earlier & ~own) for r, earlier in pasted] + [(region, own)]
    return pasted


def _is_large(region: PhotoRegion) -> bool:
    x0, y0, x1, y1 = region.box_xyxy
    return (x1 - x0) * (y1 - y0) >= 48 * 48


def _scene(
    photograph: Photograph,
    image: np.ndarray,
    masks: Sequence[np.ndarray],
    full_areas: Sequence[int],
    pasted: Iterable[tuple[PhotoRegion, np.ndarray]],
) -> Scene:
    names = photo_names()
    objects: list[SceneObject] = []
    regions: list[BackgroundRegion] = []
    small = max(100, image.shape[0] * image.shape[1] // 1500)

    def add(region: PhotoRegion, mask: np.ndarray, style: str, seen: float) -> None:
        ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        box = (int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1)
        shares = {} if style == STYLE_BOX else color_shares(image, mask)
        thing = names.thing(region.category)
        objects.append(SceneObject(thing, style, mask, box, seen, shares, len(objects)))

    for region, seen, full in zip(photograph.regions, masks, full_areas, strict=True):
        mask = np.ascontiguousarray(seen)  # COCO's decoder gives columns first, which OpenCV refuses
        area = int(mask.sum())
        if area < small or area < 0.2 * full or region.is_crowd:
            continue
        if region.is_thing:
            add(region, mask, STYLE_BOX if region.rle is None else STYLE_EXACT, area / full)
        else:
            regions.append(BackgroundRegion(names.name(region.category), mask, color_shares(image, mask)))
    for region, mask in pasted:
        if int(mask.sum()) >= small:
            add(region, mask, STYLE_PASTED, 1.0)
    regions.sort(key=lambda region: -int(region.mask.sum()))
    return Scene(image, tuple(objects), PHOTOGRAPH, tuple(regions), photograph.number)


def countable(photograph: Photograph, scene: Scene) -> bool:
    """Whether the scene shows every annotated thing, and no crowd, so that things can be counted in it."""
    wanted = Counter(photo_names().thing(r.category).name for r in photograph.regions if r.is_thing)
    shown = Counter(item.name for item in scene.objects if item.style != STYLE_PASTED)
    return shown == wanted and not any(r.is_crowd for r in photograph.regions)


def only_pictures(photographs: Iterable[Photograph], numbers: Collection[int], wanted: bool) -> list[Photograph]:
    """The photographs whose number is (or, with `wanted` false, is not) among some."""
    return [photograph for photograph in photographs if (photograph.number in numbers) == wanted]


def without_boxes(scene: Scene) -> Scene:
    """The scene with only those things whose mask is known."""
    return replace(scene, objects=tuple(item for item in scene.objects if item.style != STYLE_BOX))
