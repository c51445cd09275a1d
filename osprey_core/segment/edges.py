"""Brings a coarse, soft mask to the edges of the picture: the guided filter of He et al. (2013) with colours.

Knows pixels only. What depends on the picture alone is computed once, so that each mask costs a few box filters.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.floating]


class GuidedFilter:
    """The filter for one picture. Immutable, so threads may share it."""

    def __init__(self, image: NDArray[np.uint8], radius: int, smoothness: float = 1e-3) -> None:
        """image: uint8 (H, W, 3); radius of the windows in pixels; smoothness: variance of colours, in units of 0..1,
        below which a window counts as even."""
        self._radius = radius
        guide: Pixels = image.astype(np.float32) / np.float32(255)  # (H, W, 3)
        self._guide = guide
        self._mean = self._box(guide)
        products = guide[:, :, [0, 0, 0, 1, 1, 2]] * guide[:, :, [0, 1, 2, 1, 2, 2]]
        means = self._mean
        spread = np.concatenate([self._box(products[:, :, :3]), self._box(products[:, :, 3:])], 2)
        spread -= means[:, :, [0, 0, 0, 1, 1, 2]] * means[:, :, [0, 1, 2, 1, 2, 2]]
        rr, rg, rb, gg, gb, bb = np.moveaxis(spread, 2, 0)
        rr, gg, bb = rr + smoothness, gg + smoothness, bb + smoothness
        # The inverse of the symmetric 3 x 3 matrix of each place, by its adjugate.
        inverse = np.stack(
            [gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb, rr * bb - rb * rb, rg * rb - rr * gb,
             rr * gg - rg * rg], 2
        )  # fmt: skip
        determinant = rr * inverse[:, :, 0] + rg * inverse[:, :, 1] + rb * inverse[:, :, 2]
        self._inverse = inverse / determinant[:, :, None]

    def __call__(self, soft: Pixels) -> NDArray[np.float32]:
        """A soft mask float32 (H, W), 0..1, as the filter's output (H, W), which may leave 0..1 by a little."""
        mean = self._box(soft)
        with_colours = self._box(self._guide * soft[:, :, None]) - self._mean * mean[:, :, None]  # (H, W, 3)
        r, g, b = np.moveaxis(with_colours, 2, 0)
        i = self._inverse
        slope = np.stack(
            [
                i[:, :, 0] * r + i[:, :, 1] * g + i[:, :, 2] * b,
                i[:, :, 1] * r + i[:, :, 3] * g + i[:, :, 4] * b,
                i[:, :, 2] * r + i[:, :, 4] * g + i[:, :, 5] * b,
            ],
            2,
        )
        offset = mean - (slope * self._mean).sum(2)
        result = (self._box(slope) * self._guide).sum(2) + self._box(offset)
        return np.asarray(result, np.float32)

    def _box(self, values: Pixels) -> NDArray[np.float32]:
        side = 2 * self._radius + 1
        filtered = cv2.boxFilter(values, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REFLECT)
        return np.asarray(filtered, np.float32)
