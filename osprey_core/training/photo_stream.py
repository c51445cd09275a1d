"""Training pictures without end: photographs and made scenes with conversations, ready to be encoded on a device.

Picture `seed` is the same whoever makes it: worker processes make them while the device trains. Nothing here needs
weights. It does not know what is learned from the pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from osprey_core.config import IMAGE_PLACEHOLDER_ID, OspreyConfig
from osprey_core.language.prompts import PromptWriter
from osprey_core.model.extractor import MaskGrids, rasterize_masks
from osprey_core.model.preprocess import image_to_tensor
from osprey_core.runtime.close_ups import close_up
from osprey_core.runtime.photo_levels import photo_square
from osprey_core.training.batches import fitting_transcript, of_next_id
from osprey_core.training.config import NANO_INKED, NANO_STAGES, NANO_STYLES, NANO_THINGS
from osprey_core.training.dialogues import DialogueSample
from osprey_core.training.dialogues.photo_talks import photo_sample
from osprey_core.training.recipes import Stage
from osprey_core.training.scenes.photographs import (
    Photograph,
    PhotoOptions,
    absent_things,
    countable,
    held_back,
    only_pictures,
    photo_scene,
    read_photographs,
)
from osprey_core.training.sources import SceneSource

PHOTO_SETS = (("coco100", "images"), ("voc497", "images-voc"))
"""Files of photographs (without their ending) and folders of their pictures; the first has stuff and 133 categories."""

FIRST_SET_SHARE = 0.62
"""How often a photograph comes from the first set; by the number of its pictures it would be one of six."""

MAX_TOKENS = 380
"""Longest conversation in ids, without the picture's tokens."""

SCENE_STAGE: Stage = replace(NANO_STAGES[-1], dialogues_per_scene=2)
"""What is asked about made scenes: what the embedded model's last stage asks."""


@dataclass(frozen=True)
class Talk:
    """One conversation: ids and labels int64 (T,), the picture's id standing once; shown: region row per mark."""

    ids: torch.Tensor
    labels: torch.Tensor
    shown: torch.Tensor

    @property
    def picture_place(self) -> int:
        """Place of the picture's id."""
        return int((self.ids == IMAGE_PLACEHOLDER_ID).nonzero()[0, 0])


@dataclass(frozen=True)
class RawPicture:
    """One picture before it is encoded. kind: "photo" or "scene"; names: of its R regions."""

    kind: str
    pixel_values: torch.Tensor
    """float16 (3, S, S), as the model's own encoder takes it."""
    photo_square: torch.Tensor
    """uint8 (512, 512, 3), as the photo tower is."""
    grids: MaskGrids
    """Of all R regions, in half precision."""
    close_ups: torch.Tensor
    """uint8 (R, s, s, 3)."""
    covers: torch.Tensor
    """uint8 (R, s, s)."""
    names: tuple[str, ...]
    talks: tuple[Talk, ...]


def raw_picture(
    kind: str, samples: Sequence[DialogueSample], prompts: PromptWriter, config: OspreyConfig
) -> RawPicture:
    """The picture that all samples are about; regions of all samples one after another."""
    photo = config.vision.photo
    assert photo is not None
    image = np.ascontiguousarray(samples[0].image)
    masks = [mask for sample in samples for mask in sample.masks]
    near = [close_up(image, mask, photo.close_up_size, photo.close_up_margin) for mask in masks]
    side = photo.close_up_size
    talks, names, first = [], list[str](), 0
    for sample in samples:
        talks.append(tokenized(prompts, sample, first))
        names += sample.region_names if len(sample.masks) else []
        first += len(sample.masks)
    vision = config.vision
    stacked = torch.from_numpy(np.stack(masks)) if masks else torch.zeros(0, 1, 1)
    return RawPicture(
        kind,
        image_to_tensor(image, vision.image_size, vision.mean, vision.std).half(),
        torch.from_numpy(photo_square(image)),
        _halved(rasterize_masks(stacked, vision.pooled_sizes_hw, config.extractor.mask_size)),
        torch.from_numpy(np.stack([one.pixels for one in near]) if near else np.zeros((0, side, side, 3), np.uint8)),
        torch.from_numpy(np.stack([one.cover for one in near]) if near else np.zeros((0, side, side), np.uint8)),
        tuple(names),
        tuple(talks),
    )


def _halved(grids: MaskGrids) -> MaskGrids:
    """Grids with shares in half precision, for they travel between processes."""
    cells = {name: level.half() if level.is_floating_point() else level for name, level in grids.cells.items()}
    return MaskGrids(cells, grids.shape.half())


def tokenized(prompts: PromptWriter, sample: DialogueSample, first_region: int = 0) -> Talk:
    """A conversation as ids and labels; region 0 is row `first_region`. Last turns beyond the limit are left out."""
    prompt, ids, labels = fitting_transcript(prompts, sample, MAX_TOKENS)
    return Talk(ids, of_next_id(labels), torch.tensor(prompt.regions, dtype=torch.long) + first_region)


@dataclass(frozen=True)
class PictureSource:
    """Pictures by seed, of photographs in other light, cut, mirrored and pasted on, and of made scenes."""

    photos: Path
    """Folder with the files and folders of `PHOTO_SETS`."""
    atlas: Path | None
    """Sprites of made scenes; None: drawn objects and shapes alone."""
    photo_talks: int = 3
    """Conversations about each photograph."""

    def prepare(self) -> None:
        """Read what pictures are made of, so that processes forked from this one need not."""
        _photographs(self.photos)
        self._scenes().load()

    def photograph(self, seed: int) -> list[DialogueSample]:
        """Samples about one photograph; may be none."""
        sets = _photographs(self.photos)
        rng = np.random.default_rng([seed, 17])
        photographs = sets[0] if rng.random() < FIRST_SET_SHARE or len(sets) == 1 else sets[-1]
        photograph = photographs[int(rng.integers(len(photographs)))]
        scene = photo_scene(photograph, rng, PhotoOptions(), [one for several in sets for one in several])
        absent, may_count = absent_things(photograph, scene), countable(photograph, scene)
        made = [photo_sample(scene, absent, (seed, place), 10, may_count) for place in range(self.photo_talks)]
        return [sample for sample in made if sample is not None]

    def scene(self, seed: int) -> list[DialogueSample]:
        """Samples about one made scene."""
        return list(self._scenes().for_stage(SCENE_STAGE)(seed))  # type: ignore[arg-type]

    def _scenes(self) -> SceneSource:
        if self.atlas is None:
            return SceneSource(None)
        return SceneSource(self.atlas, NANO_STYLES, NANO_THINGS, inked=NANO_INKED)


@cache
def _photographs(folder: Path) -> list[list[Photograph]]:
    """The sets without the photographs that are held back."""
    found = [
        only_pictures(read_photographs(folder / f"{name}.json", folder / pictures), held_back(name), False)
        for name, pictures in PHOTO_SETS
        if (folder / f"{name}.json").is_file()
    ]
    return [photographs for photographs in found if photographs]


class PictureStream(Dataset[RawPicture]):
    """Picture `index` of a run: photographs and scenes in turns, by their shares. Every region has a name or ""."""

    def __init__(
        self, source: PictureSource, prompts: PromptWriter, config: OspreyConfig, photos: int, scenes: int, seed: int
    ) -> None:
        self._source, self._prompts, self._config = source, prompts, config
        self._photos, self._round, self._seed = photos, photos + scenes, seed

    def __len__(self) -> int:
        return 10**8

    def __getitem__(self, index: int) -> RawPicture:
        is_photo = index % self._round < self._photos
        seed = self._seed + 7 * index
        while True:  # about a few photographs nothing plain can be asked
            samples = self._source.photograph(seed) if is_photo else self._source.scene(seed)
            if any(len(sample.masks) for sample in samples):
                return raw_picture("photo" if is_photo else "scene", samples, self._prompts, self._config)
            seed += 1
