"""Varied pictures with the photo tower's levels, computed once and kept in files: what every step of a run draws from.

Picture N of a run depends on the run's seed and N alone. It knows neither prompts nor the network that learns.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from osprey_core.model.towers import PhotoTower
from osprey_core.training.segmenter.tasks import LabelledPicture, PictureVarieties, with_half_labels

_IN_MEMORY = 150  # pictures, about 4 MB each


@dataclass(frozen=True, eq=False)
class EncodedPicture:
    """A picture of 512 x 512 pixels with the tower's levels, fp16 (C, h, w) each; its labels are 256 x 256."""

    labelled: LabelledPicture
    levels: dict[str, Tensor]


class PicturePool:
    """The pictures of a run by number; those asked for the first time are made, encoded and written to the folder."""

    def __init__(self, tower: PhotoTower, varieties: PictureVarieties, seed: int, folder: Path) -> None:
        self._tower = tower.to(memory_format=torch.channels_last)
        self._varieties = varieties
        self._seed = seed
        self._folder = folder
        self._recent: OrderedDict[int, EncodedPicture] = OrderedDict()

    def picture(self, number: int) -> EncodedPicture:
        """Picture `number`, counted from 0."""
        picture = self._recent.pop(number, None)
        if picture is None:
            file = self._folder / f"{number:05d}.pt"
            if file.is_file():
                picture = _read(file)
            else:
                picture = self._encode(self._varieties.make(np.random.default_rng((self._seed, 1, number))))
                self._folder.mkdir(parents=True, exist_ok=True)
                _write(picture, file)
        self._recent[number] = picture
        if len(self._recent) > _IN_MEMORY:
            self._recent.popitem(last=False)
        return picture

    def _encode(self, picture: LabelledPicture) -> EncodedPicture:
        pixels = torch.from_numpy(picture.image).permute(2, 0, 1)[None].float() / 127.5 - 1
        with torch.no_grad():
            levels = self._tower(pixels.contiguous(memory_format=torch.channels_last))
        return EncodedPicture(with_half_labels(picture), {name: level[0].half() for name, level in levels.items()})


def _write(picture: EncodedPicture, file: Path) -> None:
    labelled = picture.labelled
    state = {
        "image": torch.from_numpy(labelled.image),
        "labels": torch.from_numpy(labelled.labels),
        "parts": None if labelled.parts is None else torch.from_numpy(labelled.parts),
        "kinds": list(labelled.kinds),
        "names": list(labelled.names),
        "levels": picture.levels,
    }
    unfinished = file.with_suffix(".tmp")
    torch.save(state, unfinished)
    unfinished.replace(file)


def _read(file: Path) -> EncodedPicture:
    state = torch.load(file, map_location="cpu", weights_only=True)
    parts = None if state["parts"] is None else state["parts"].numpy()
    labelled = LabelledPicture(
        state["image"].numpy(), state["labels"].numpy(), tuple(state["kinds"]), tuple(state["names"]), parts
    )
    return EncodedPicture(labelled, state["levels"])
