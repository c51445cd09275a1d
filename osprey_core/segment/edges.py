"""Brings a coarse, soft mask to the edges of the picture: the guided filter of He et al. (2013) with colours.

Knows pixels only. What depends on the picture alone is computed once, so that each mask costs a few box filters.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]

_PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))  # of the channels, as the covariances are kept


class GuidedFilter:
    """The filter for one picture. Immutable, so threads may share it."""

    def __init__(self, image: NDArray[np.uint8], radius: int, smoothness: float = 1e-3) -> None:
        """image: uint8 (H, W, 3); radius of the windows in pixels; smoothness: variance of colours, in units of 0..1,
        below which a window counts as even."""
        self._radius = radius
        guide = image.astype(np.float32) / np.float32(255)
        # Planes (H, W) one by one: sums over a last axis of three are slow.
        self._guide = [np.ascontiguousarray(guide[:, :, channel]) for channel in range(3)]
        self._mean = [self._box(plane) for plane in self._guide]
        rr, rg, rb, gg, gb, bb = (
            self._box(self._guide[one] * self._guide[other]) - self._mean[one] * self._mean[other]
            for one, other in _PAIRS
        )
        rr, gg, bb = rr + smoothness, gg + smoothness, bb + smoothness
        # The inverse of the symmetric 3 x 3 matrix of each place, by its adjugate.
        adjugate = [gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb, rr * bb - rb * rb, rg * rb - rr * gb,
                    rr * gg - rg * rg]  # fmt: skip
        determinant = rr * adjugate[0] + rg * adjugate[1] + rb * adjugate[2]
        self._inverse = [plane / determinant for plane in adjugate]

    @property
    def memory_bytes(self) -> int:
        """Bytes of what was computed once."""
        return sum(plane.nbytes for plane in (*self._guide, *self._mean, *self._inverse))

    def __call__(self, soft: Pixels) -> Pixels:
        """A soft mask float32 (H, W), 0..1, as the filter's output (H, W), which may leave 0..1 by a little."""
        mean = self._box(soft)
        r, g, b = (self._box(self._guide[c] * soft) - self._mean[c] * mean for c in range(3))
        rr, rg, rb, gg, gb, bb = self._inverse
        slopes = (rr * r + rg * g + rb * b, rg * r + gg * g + gb * b, rb * r + gb * g + bb * b)
        offset = mean - slopes[0] * self._mean[0] - slopes[1] * self._mean[1] - slopes[2] * self._mean[2]
        result = self._box(offset)
        for slope, plane in zip(slopes, self._guide, strict=True):
            result += self._box(slope) * plane
        return result

    def _box(self, values: Pixels) -> Pixels:
        side = 2 * self._radius + 1
        filtered = cv2.boxFilter(values, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REFLECT)
        return np.asarray(filtered, np.float32)
