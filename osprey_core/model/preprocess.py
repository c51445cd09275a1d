"""The published model's preprocessing of pictures.

Bicubic resize of the shorter edge on 8-bit pixels, normalisation with CLIP's mean and standard deviation, then a
bilinear resize to a square, whatever the aspect ratio.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from osprey_core.config import CLIP_MEAN, CLIP_STD, Triple
from osprey_core.io.pictures import read_picture

MAX_ASPECT = 32
"""Largest aspect ratio of the intermediate picture. The resize to a square discards the further columns anyway, and a
30,000 x 10 strip must not become a 1.5-million-column intermediate."""


def image_to_tensor(
    image: Image.Image | np.ndarray, size: int = 512, mean: Triple = CLIP_MEAN, std: Triple = CLIP_STD
) -> torch.Tensor:
    """Prepare one picture for the vision encoder.

    Args:
        image: a picture, or uint8 (H, W, 3) RGB.
        size: side of the encoder's square input in pixels.
        mean, std: of RGB in [0, 1], as the encoder was trained with; by default CLIP's.

    Returns:
        float32 (3, size, size), normalised.

    Raises:
        InputError: the picture cannot be read as RGB.
    """
    return normalised(resized(image, size), size, mean, std)


def resized(image: Image.Image | np.ndarray, size: int = 512) -> np.ndarray:
    """A picture whose shorter edge has `size` pixels, which takes less memory than what `normalised` makes of it.

    Returns:
        RGB uint8 (h, w, 3).

    Raises:
        InputError: the picture cannot be read as RGB.
    """
    picture = read_picture(image)
    width, height = picture.size
    shorter, longer = min(width, height), max(width, height)
    longer_resized = int(size * min(longer / shorter, MAX_ASPECT))
    resized_wh = (size, longer_resized) if width <= height else (longer_resized, size)
    if picture.size != resized_wh:
        picture = picture.resize(resized_wh, Image.Resampling.BICUBIC)
    return np.asarray(picture)


def normalised(picture: np.ndarray, size: int = 512, mean: Triple = CLIP_MEAN, std: Triple = CLIP_STD) -> torch.Tensor:
    """What `resized` returns, as `image_to_tensor` gives it to the encoder: float32 (3, size, size)."""
    pixels = torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1) / 255  # (3, h, w)
    pixels = (pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    if picture.shape[:2] != (size, size):
        pixels = F.interpolate(pixels[None], size=(size, size), mode="bilinear", align_corners=False)[0]
    return pixels
