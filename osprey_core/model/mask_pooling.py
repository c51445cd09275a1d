"""Mask pooling: the mean of a feature map over a region, and the resizing of masks that it needs."""

from __future__ import annotations

import numpy as np
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


class GridSampling:
    """`cover_grid` of pictures of one size, from the few pixels that it looks at: two rows and two columns a cell."""

    def __init__(self, picture_hw: tuple[int, int], size_hw: tuple[int, int]) -> None:
        (self.rows, self._across_rows), (self.columns, self._across_columns) = (
            _bilinear(length, cells) for length, cells in zip(picture_hw, size_hw, strict=True)
        )

    def sample(self, mask: np.ndarray) -> np.ndarray:
        """The pixels of a mask bool (H, W) that `cover` needs: bool (2h, 2w)."""
        return mask[self.rows[:, None], self.columns]

    def cover(self, samples: torch.Tensor) -> torch.Tensor:
        """The cells that masks touch, bool (Q, h, w), from their samples (Q, 2h, 2w)."""
        across_rows, across_columns = (w.to(samples.device) for w in (self._across_rows, self._across_columns))
        return across_rows @ samples.float() @ across_columns.mT > 0


def _bilinear(length: int, cells: int) -> tuple[np.ndarray, torch.Tensor]:
    """The two pixels that bilinear resizing takes each cell from, int64 (2 cells), and their weights (cells, 2 cells).

    As `torch.nn.functional.interpolate` without aligned corners computes them, in float32.
    """
    scale = np.float32(length) / np.float32(cells)
    centres = np.maximum(scale * (np.arange(cells, dtype=np.float32) + np.float32(0.5)) - np.float32(0.5), 0)
    lower = np.minimum(centres.astype(np.int64), length - 1)
    share = (centres - lower).astype(np.float32)
    places = np.stack([lower, np.minimum(lower + 1, length - 1)], 1).reshape(-1)
    weights = torch.zeros(cells, cells, 2)
    weights[range(cells), range(cells)] = torch.from_numpy(np.stack([1 - share, share], 1))
    return places, weights.flatten(1)


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
