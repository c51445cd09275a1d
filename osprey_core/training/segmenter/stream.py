"""Varied pictures with tasks, made by worker processes while a GPU trains: none of them is seen twice.

It knows neither the tower nor the network that learns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch.utils.data import Dataset

from osprey_core.training.segmenter.click_tasks import ClickTask, first_task
from osprey_core.training.segmenter.tasks import PictureVarieties, choose_targets, with_half_labels


@dataclass(frozen=True, eq=False)
class PictureTasks:
    """A picture uint8 (512, 512, 3) and what is to be found in it."""

    image: np.ndarray
    tasks: list[ClickTask]


class TaskStream(Dataset[PictureTasks]):
    """Picture N depends on the seed and N alone."""

    def __init__(self, varieties: PictureVarieties, seed: int, targets: int) -> None:
        self._varieties, self._seed, self._targets = varieties, seed, targets

    def __len__(self) -> int:
        return 10**8

    def __getitem__(self, index: int) -> PictureTasks:
        rng = np.random.default_rng((self._seed, 2, index))
        while True:
            picture = with_half_labels(self._varieties.make(rng))
            if chosen := choose_targets(rng, picture, self._targets):
                return PictureTasks(picture.image, [first_task(rng, target) for target in chosen])
