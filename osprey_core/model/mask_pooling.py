"""Mask pooling: the mean of a feature map over a region, and the resizing of masks that it needs."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def resize_masks(masks: torch.Tensor, size_hw: tuple[int, int]) -> torch.Tensor:
    """Resize masks to a grid as the published model does: bilinear, no antialias, no rounding.

    Args:
        masks: bool or {0, 1} (Q, H, W).
        size_hw: the grid's height and width.

    Returns:
        float32 (Q, h, w) in [0, 1]. Thin masks can vanish on coarse grids; the published figures depend on that.
    """
    return F.interpolate(masks[None].float(), size=size_hw, mode="bilinear", align_corners=False)[0]


def cover_grid(masks: torch.Tensor, size_hw: tuple[int, int]) -> torch.Tensor:
    """The cells of a grid that a mask touches: everything above 0 after `resize_masks`. bool (Q, h, w)."""
    return resize_masks(masks, size_hw) > 0


def area_weights(masks: torch.Tensor, size_hw: tuple[int, int]) -> torch.Tensor:
    """How much of each cell of a grid a mask covers: float32 (Q, h, w) in [0, 1], of bool or {0, 1} (Q, H, W).

    Unlike with `cover_grid`, cells that a small thing only touches count little, and no thing vanishes.
    """
    return F.interpolate(masks[None].float(), size=size_hw, mode="area")[0]


def mask_pooling(features: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
    """Average a feature map over regions: MP(R, Z) of Osprey, equation 1.

    Args:
        features: (B, C, h, w).
        cells: bool (B, Q, h, w), the cells of each region, or float weights of cells.

    Returns:
        (B, Q, C) of the features' dtype; zeros for a region without a cell.
    """
    covered = cells.flatten(2)  # (B, Q, h*w)
    # 0 and 1 are exact in every precision; the division by the count is not, so it is done in fp32.
    sums = torch.einsum("bqn,bcn->bqc", covered.to(features.dtype), features.flatten(2)).float()
    return (sums / (covered.sum(-1, keepdim=True) + 1e-8)).to(features.dtype)
