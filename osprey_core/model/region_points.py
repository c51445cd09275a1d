"""Points of regions, for extractors that sample: drawn from a mask's pixels, and thinned to points far from each other.

It knows coordinates only, no features.
"""

from __future__ import annotations

import numpy as np
import torch

NO_POINT = -1
"""Both coordinates of every point of a region without a pixel."""

_SEED = 0


def region_points(masks: torch.Tensor, count: int) -> torch.Tensor:
    """Points drawn from the pixels of each mask (after Ferret, section 3.2), always the same ones of the same mask.

    A mask of fewer pixels gives each of them once, and then random ones again.

    Args:
        masks: bool or {0, 1} (Q, H, W).
        count: points of each mask.

    Returns:
        float32 (Q, count, 2): x and y of the pixels' middles as shares of width and height, in (0, 1); NO_POINT for an
        empty mask. The released Ferret code takes the pixels' corners, and samples at (y, x).
    """
    points = torch.full((masks.shape[0], count, 2), float(NO_POINT), device=masks.device)
    height, width = masks.shape[-2:]
    for place, mask in enumerate(masks):
        found = mask.nonzero()  # (N, 2): row, column
        if not len(found):
            continue
        chosen = torch.from_numpy(_places(len(found), count)).to(masks.device)
        rows, columns = found[chosen].float().unbind(1)
        points[place] = torch.stack([(columns + 0.5) / width, (rows + 0.5) / height], 1)
    return points


def _places(available: int, count: int) -> np.ndarray:
    """int64 (count,): places below `available`, none twice unless there are too few."""
    generator = np.random.default_rng(_SEED)
    if available >= count:
        return generator.choice(available, count, replace=False)
    repeated = generator.integers(available, size=count - available)
    return np.concatenate([generator.permutation(available), repeated])


def farthest_points(points: torch.Tensor, count: int) -> torch.Tensor:
    """Farthest point sampling: the first point, then always the one that is farthest from all taken before.

    Args:
        points: float (B, P, 2).
        count: how many to take, at most P.

    Returns:
        int64 (B, count), places of points.
    """
    taken = torch.zeros(points.shape[0], count, dtype=torch.long, device=points.device)
    distance = torch.full(points.shape[:2], torch.inf, dtype=points.dtype, device=points.device)
    rows = torch.arange(points.shape[0], device=points.device)
    for step in range(1, count):
        newest = points[rows, taken[:, step - 1]]  # (B, 2)
        distance = torch.minimum(distance, (points - newest[:, None]).square().sum(-1))
        taken[:, step] = distance.argmax(1)
    return taken


def nearest_points(points: torch.Tensor, anchors: torch.Tensor, count: int) -> torch.Tensor:
    """Places int64 (B, A, count) of the points (B, P, 2) that are nearest to each anchor (B, A, 2)."""
    distances = (anchors[:, :, None] - points[:, None]).square().sum(-1)  # (B, A, P)
    return distances.topk(count, dim=-1, largest=False).indices
