"""What regions of a scene show, and which regions a conversation is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from osprey_core.training.dialogues.options import DialogueOptions
from osprey_core.training.dialogues.sentences import PLURALS
from osprey_core.training.scenes.colors import color_shares
from osprey_core.training.scenes.drawn import Rng
from osprey_core.training.scenes.scene import BackgroundRegion, Scene, SceneObject

_MIN_OBJECT_PX = 30
_MIN_PART_SHARE = 0.0025


@dataclass(frozen=True)
class RegionContent:
    """What one region shows: an object, one of its parts, or a stretch of background."""

    mask: np.ndarray
    """bool (H, W), exact."""
    object: SceneObject | None = None
    """The thing, be it as a whole or as the owner of the part; None for background."""
    part: str = ""
    """The part's name; empty: the whole object."""
    background: BackgroundRegion | None = None
    """The stretch of background; None for objects and parts."""
    shares: dict[str, float] = field(default_factory=dict)
    """Share of each colour name among the region's pixels, largest first."""

    @property
    def is_object(self) -> bool:
        return self.object is not None and not self.part

    @property
    def is_many(self) -> bool:
        """Whether its name is plural ("wheels", "hills")."""
        name = self.part or (self.background.name if self.background else "")
        return name in PLURALS

    @property
    def center_xy(self) -> tuple[float, float]:
        """Middle of the full box of an object, of the visible pixels of anything else, in pixels."""
        if self.is_object and self.object is not None:
            return self.object.center_xy
        ys, xs = np.flatnonzero(self.mask.any(1)), np.flatnonzero(self.mask.any(0))
        return (xs[0] + xs[-1] + 1) / 2, (ys[0] + ys[-1] + 1) / 2


def whole_object(item: SceneObject) -> RegionContent:
    """The region of a whole object."""
    return RegionContent(item.mask, item, shares=item.color_shares)


def background_stretch(region: BackgroundRegion) -> RegionContent:
    """The region of a stretch of background."""
    return RegionContent(region.mask, background=region, shares=region.color_shares)


def every_region(scene: Scene, rng: Rng) -> list[RegionContent]:
    """Every object, a part of most of those that have parts, and now and then the background, in any order."""
    contents: list[RegionContent] = []
    for item in scene.objects:
        if item.area < _MIN_OBJECT_PX:
            continue
        part = _some_part(scene, rng, item) if item.parts and rng.random() < 0.7 else None
        contents += [part] if part is not None else []
        if part is None or rng.random() < 0.6:
            contents.append(whole_object(item))
    if scene.regions and rng.random() < 0.25:
        contents.append(background_stretch(scene.regions[int(rng.integers(len(scene.regions)))]))
    return [contents[k] for k in rng.permutation(len(contents))]


def choose_regions(
    scene: Scene,
    rng: Rng,
    options: DialogueOptions,
    every: Callable[[Scene, Rng], list[RegionContent]] = every_region,
) -> list[RegionContent]:
    """Regions for one conversation about a scene, mostly one or two, of the kind that the options ask for.

    Args:
        every: lists the regions of a thorough conversation, of which it takes as many as it has turns.
    """
    count = int(rng.choice([1, 2, 3, 4, 5], p=[0.52, 0.3, 0.12, 0.04, 0.02]))
    objects = [o for o in scene.objects if o.area >= _MIN_OBJECT_PX]
    order = [objects[k] for k in rng.permutation(len(objects))]
    if options.thorough:
        return every(scene, rng)[: options.max_turns]
    if options.about != "anything":
        parts = options.about == "parts"
        wanted = (_some_part(scene, rng, o) if parts else whole_object(o) for o in order)
        return [content for content in wanted if content is not None][:count]
    contents: list[RegionContent] = []
    for item in order[:count]:
        if item.parts and rng.random() < 0.35:
            part = _some_part(scene, rng, item)
            if part is not None:
                contents.append(part)
                if len(contents) < count and rng.random() < 0.3:
                    contents.append(whole_object(item))
                continue
        contents.append(whole_object(item))
    if scene.regions and (not contents or rng.random() < 0.09):
        region = scene.regions[int(rng.integers(len(scene.regions)))]
        contents.insert(0 if rng.random() < 0.5 else len(contents), background_stretch(region))
    return contents[: max(1, count)]


def _some_part(scene: Scene, rng: Rng, item: SceneObject) -> RegionContent | None:
    """One of the object's parts that are large enough to be selected."""
    big = [p for p in item.parts if np.count_nonzero(p.mask) >= _MIN_PART_SHARE * item.mask.size]
    if not big:
        return None
    part = big[int(rng.integers(len(big)))]
    return RegionContent(part.mask, item, part.name, shares=color_shares(scene.image, part.mask))
