"""Light, camera and file effects on a finished picture."""

from __future__ import annotations

import cv2
import numpy as np

from osprey_core.training.scenes.drawn import Rng


def with_effects(rng: Rng, image: np.ndarray) -> np.ndarray:
    """Light, camera and file effects that leave every colour name measurable afterwards."""
    draw = rng.random(4)
    if draw[0] < 0.35:
        gain, lift = float(rng.uniform(0.85, 1.12)), float(rng.uniform(-14, 14))
        table = (np.arange(256) * gain + lift).clip(0, 255).astype(np.uint8)
        image = np.asarray(cv2.LUT(image, table))
    if draw[1] < 0.12:
        image = np.asarray(cv2.GaussianBlur(image, (3, 3), 0))
    if draw[2] < 0.2:
        tile = rng.integers(0, 2 * int(rng.integers(3, 11)), (64, 64, 3), dtype=np.uint8)
        height, width = image.shape[:2]
        noise = np.tile(tile, (height // 64 + 1, width // 64 + 1, 1))[:height, :width]
        image = np.asarray(cv2.subtract(cv2.add(image, noise), np.full_like(image, int(tile.max()) // 2)))
    if draw[3] < 0.25:
        coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 92))])[1]
        image = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))
    return np.ascontiguousarray(image)
