"""Things to find with what has been pointed at so far, and many of them as one batch of prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from torch import Tensor

from osprey_core.segment.click_network import MASK_SIDE, PromptBatch
from osprey_core.training.segmenter.tasks import FirstPrompt, Target, first_prompt

MAX_CLICKS = 4
"""Of one prompt while training: the first one and the corrections."""


@dataclass
class ClickTask:
    """One thing to find, with what has been pointed at so far. goal: float (128, 128), the share that is the thing."""

    goal: np.ndarray
    kind: str
    points: list[tuple[float, float, int]] = field(default_factory=list)
    box: tuple[float, float, float, float] | None = None


def first_task(rng: np.random.Generator, target: Target) -> ClickTask:
    """The task of finding a target, with its first prompt."""
    prompt: FirstPrompt = first_prompt(rng, target.mask)
    goal = cv2.resize(target.mask.astype(np.float32), (MASK_SIDE, MASK_SIDE), interpolation=cv2.INTER_AREA)
    points = [] if prompt.point_xy is None else [(*prompt.point_xy, 1)]
    return ClickTask(np.asarray(goal), target.kind, points, prompt.box_xyxy)


def prompt_batch(tasks: Sequence[ClickTask], previous: Tensor | None, keep: np.ndarray | None = None) -> PromptBatch:
    """The tasks as one batch. previous: logits (K, 1, 128, 128) of the round before; keep: bool (K,), by whom."""
    count = len(tasks)
    points = torch.zeros(count, MAX_CLICKS, 2)
    labels = torch.full((count, MAX_CLICKS), -1)
    boxes = torch.zeros(count, 4)
    for row, task in enumerate(tasks):
        for column, (x, y, label) in enumerate(task.points[:MAX_CLICKS]):
            points[row, column, 0], points[row, column, 1] = x, y
            labels[row, column] = label
        if task.box is not None:
            boxes[row] = torch.tensor(task.box)
    has_previous = torch.full((count,), previous is not None)
    if keep is not None:
        has_previous &= torch.from_numpy(keep)
    return PromptBatch(
        points_xy=points,
        labels=labels,
        box_xyxy=boxes,
        has_box=torch.tensor([task.box is not None for task in tasks]),
        previous=torch.zeros(count, 1, MASK_SIDE, MASK_SIDE) if previous is None else previous,
        has_previous=has_previous,
    )
