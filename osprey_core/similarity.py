"""Looking inside: how much each position of the picture is like a region, on each level of the encoder.

A region's mask token is made of four pooled features, one per level (Osprey, equation 1). The cosine between such a
feature and every position of its level shows what the encoder takes for the same thing. It asks no language model.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from .config import LEVEL_NAMES
from .engine import View
from .errors import InputError
from .masks import as_mask
from .model.mask_pooling import cover_grid, mask_pooling
from .regions import rgb_of

LIKE, UNLIKE = "#d55e00", "#0072b2"
"""Vermilion and blue, which colour-blind eyes tell apart."""

Heat = NDArray[np.float32]


@torch.inference_mode()
def similarity_maps(view: View, mask: np.ndarray) -> dict[str, Heat]:
    """Heat maps {"res2": (h, w), …, "res5": …}, each float32 in [-1, 1], at the level's own resolution.

    mask: bool or {0, 1} (H, W) of the picture's own size. A thin region may cover no cell of a coarse level; the model
    sees nothing of it there, and the map is 0 all over. Raises InputError if the mask cannot be used.
    """
    stack = torch.from_numpy(as_mask(mask, view.size_hw))[None]  # (1, H, W)
    levels = view.encoding().levels
    return {name: level_similarity(levels[name], stack.to(levels[name].device)) for name in LEVEL_NAMES}


def level_similarity(features: torch.Tensor, mask: torch.Tensor) -> Heat:
    """Cosine of every position of one level with the mean feature of the region's cells.

    features: (1, C, h, w). mask: bool (1, H, W). Returns float32 (h, w) in [-1, 1], 0 where either has no length.
    """
    wide = features.float()
    cells = cover_grid(mask, (features.shape[-2], features.shape[-1]))  # (1, h, w)
    pooled = mask_pooling(wide, cells[None])[0, 0]  # (C,)
    cosine = torch.nn.functional.cosine_similarity(wide[0], pooled[:, None, None], dim=0)  # (h, w)
    return np.asarray(cosine.clamp(-1, 1).cpu().numpy(), dtype=np.float32)


def stretched(heat: Heat) -> Heat:
    """The map with its lowest value at -1 and its highest at 1: the cosines of one picture are often close together.

    A map that is the same everywhere becomes 0.
    """
    low, high = float(heat.min()), float(heat.max())
    if high - low < 1e-6:
        return np.zeros_like(heat)
    return np.asarray((heat - low) * (2 / (high - low)) - 1, dtype=np.float32).clip(-1, 1)


def colour_over(image: Image.Image | NDArray[np.uint8], heat: Heat, strength: float = 0.8) -> NDArray[np.uint8]:
    """Colour a map over a copy of its picture; returns uint8 (H, W, 3).

    image: RGB PIL image or uint8 (H, W, 3). heat: (h, w) in [-1, 1], enlarged to the picture. Positions at 1 turn LIKE,
    at -1 UNLIKE, by `strength` (0..1) of the way; at 0 the picture stays as it is.
    Raises InputError if picture, map or strength cannot be used.
    """
    pixels = np.asarray(image.convert("RGB") if isinstance(image, Image.Image) else image)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise InputError("A picture to colour must be a PIL image or a uint8 array (height, width, 3).")
    if heat.ndim != 2 or not heat.size or not np.isfinite(heat).all() or np.abs(heat).max() > 1:
        raise InputError("A heat map must have two dimensions and values from -1 to 1.")
    if not 0 <= strength <= 1:
        raise InputError(f"The strength of the colours must lie between 0 and 1, but it is {strength:g}.")
    # The encoder sees the picture squeezed to a square: enlarging each side by its own factor undoes that.
    full = cv2.resize(heat.astype(np.float32), pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    weight = (strength * np.abs(full))[..., None]
    like, unlike = np.array(rgb_of(LIKE), np.float32), np.array(rgb_of(UNLIKE), np.float32)
    colour = np.where((full > 0)[..., None], like, unlike)
    return np.rint(pixels + (colour - pixels) * weight).clip(0, 255).astype(np.uint8)
