"""Close-ups: each region once more, cut out of the picture with some of its surroundings and seen by the photo tower.

In the whole picture, stretched to the tower's square, a small thing covers a few places of the coarse levels; what the
tower knows of ImageNet's pictures it knows of things that fill theirs. (Lian et al., Describe Anything, 2025, crop a
region's surroundings for the same reason.) Pixels and features only: it does not know what is asked about a region.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from osprey_core.config import CLOSE_UP_PREFIX
from osprey_core.model.mask_pooling import area_weights, mask_pooling
from osprey_core.runtime.photo_levels import PhotoEncoder, photo_values

KEPT_SIDE = 1280
"""Longer side in pixels at which an opened picture is kept for its close-ups."""

_SMALLEST_SIDE = 48  # pixels of the picture; smaller cut-outs would show blocks
_TOGETHER = 16  # close-ups that the tower sees at once


@dataclass(frozen=True)
class CloseUp:
    """A region from near. pixels: uint8 (S, S, 3); cover: uint8 (S, S), 255 where the region covers all of a pixel."""

    pixels: np.ndarray
    cover: np.ndarray


def close_up(picture: np.ndarray, mask: np.ndarray, side: int, margin: float) -> CloseUp:
    """Cut a region out of a picture.

    Args:
        picture: RGB uint8 (H, W, 3).
        mask: bool (H, W); an empty one is taken for the whole picture.
        side: of the square that the cut-out is stretched to.
        margin: how much larger the cut-out is than the longer side of the mask's box, as a share of it. It is a square
            as far as the picture reaches.
    """
    x0, y0, x1, y1 = _window(mask, margin)
    cut = np.ascontiguousarray(picture[y0:y1, x0:x1])
    cover = mask[y0:y1, x0:x1].astype(np.uint8) * 255
    shrinks = min(cut.shape[:2]) > side
    pixels = cv2.resize(cut, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return CloseUp(np.asarray(pixels), np.asarray(cv2.resize(cover, (side, side), interpolation=cv2.INTER_AREA)))


def pooled_close_ups(encoder: PhotoEncoder, close_ups: Sequence[CloseUp]) -> dict[str, torch.Tensor]:
    """The tower's levels averaged over the regions: {"close_up_res2": float32 (Q, C), …}; at least one close-up."""
    parts = [_pooled(encoder, close_ups[start : start + _TOGETHER]) for start in range(0, len(close_ups), _TOGETHER)]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _pooled(encoder: PhotoEncoder, close_ups: Sequence[CloseUp]) -> dict[str, torch.Tensor]:
    levels = encoder.encode(torch.stack([photo_values(one.pixels) for one in close_ups]))
    covers = torch.from_numpy(np.stack([one.cover for one in close_ups])).float() / 255
    return pooled_levels(levels, covers)


def pooled_levels(levels: dict[str, torch.Tensor], covers: torch.Tensor) -> dict[str, torch.Tensor]:
    """Averages (Q, C) of the levels (Q, C, h, w) of close-ups over float covers (Q, S, S), under the prefixed names."""
    pooled = {}
    for name, level in levels.items():
        cells = area_weights(covers.to(level.device), (level.shape[-2], level.shape[-1]))
        pooled[CLOSE_UP_PREFIX + name] = mask_pooling(level, cells[:, None])[:, 0]
    return pooled


def kept_picture(picture: np.ndarray) -> np.ndarray:
    """A picture uint8 (H, W, 3) at the size at which it is kept for close-ups."""
    height, width = picture.shape[:2]
    scale = KEPT_SIDE / max(height, width)
    if scale >= 1:
        return picture
    size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA))


def at_size(mask: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """A mask bool (H, W) on a smaller picture; a thing that is too small for it keeps one pixel. bool (h, w)."""
    if mask.shape == size_hw:
        return mask
    small = cv2.resize(mask.astype(np.uint8) * 255, size_hw[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(small >= max(1, min(128, int(small.max()))))


def _window(mask: np.ndarray, margin: float) -> tuple[int, int, int, int]:
    """Box (x0, y0, x1, y1), half-open, of the cut-out of a region."""
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return 0, 0, width, height
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    side = max(_SMALLEST_SIDE, round(max(x1 - x0, y1 - y0) * (1 + margin)))
    wide, tall = min(side, width), min(side, height)
    left = min(max(round((x0 + x1 - wide) / 2), 0), width - wide)
    top = min(max(round((y0 + y1 - tall) / 2), 0), height - tall)
    return left, top, left + wide, top + tall
