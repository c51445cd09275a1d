"""Feature similarity: the similarity of every position of the picture to a region, on each level of the encoder.

A region's mask token is made of four pooled features, one per level (Osprey, equation 1). The cosine between such a
feature and every position of its level shows which positions the encoder considers similar. The language model is not
used; `draw.heat_over` draws the maps.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from osprey_core.config import LEVEL_NAMES
from osprey_core.model.mask_pooling import cover_grid, mask_pooling
from osprey_core.regions.masks import as_mask
from osprey_core.view import View

Heat = NDArray[np.float32]


@torch.inference_mode()
def similarity_maps(view: View, mask: np.ndarray) -> dict[str, Heat]:
    """Heat maps {"res2": (h, w), …, "res5": …}, each float32 in [-1, 1], at the level's own resolution.

    mask: bool or {0, 1} (H, W) of the picture's own size. A thin region may cover no cell of a coarse level; the map of
    that level is then all 0. Raises InputError if the mask cannot be used.
    """
    stack = torch.from_numpy(as_mask(mask, view.size_hw))[None]  # (1, H, W)
    levels = view.encoding().levels
    return {name: level_similarity(levels[name], stack.to(levels[name].device)) for name in LEVEL_NAMES}


def level_similarity(features: torch.Tensor, mask: torch.Tensor) -> Heat:
    """Cosine of every position of one level with the mean feature of the region's cells.

    features: (1, C, h, w). mask: bool (1, H, W). Returns float32 (h, w) in [-1, 1], 0 where either vector is zero.
    """
    wide = features.float()
    cells = cover_grid(mask, (features.shape[-2], features.shape[-1]))  # (1, h, w)
    pooled = mask_pooling(wide, cells[None])[0, 0]  # (C,)
    cosine = torch.nn.functional.cosine_similarity(wide[0], pooled[:, None, None], dim=0)  # (h, w)
    return np.asarray(cosine.clamp(-1, 1).cpu().numpy(), dtype=np.float32)


def stretched(heat: Heat) -> Heat:
    """The map scaled to [0, 1]: the cosines of one picture are often close together. A constant map becomes 0."""
    low, high = float(heat.min()), float(heat.max())
    if high - low < 1e-6:
        return np.zeros_like(heat)
    return np.asarray((heat - low) / (high - low), dtype=np.float32).clip(0, 1)
