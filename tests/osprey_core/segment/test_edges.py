"""The guided filter against its definition, and what it is there for."""

from __future__ import annotations

import cv2
import numpy as np

from osprey_core.segment.edges import GuidedFilter


def by_definition(image: np.ndarray, soft: np.ndarray, radius: int, smoothness: float) -> np.ndarray:
    """He et al. (2013), eq. 14 to 16, window by window; windows that leave the picture see it mirrored."""
    guide = np.pad(image.astype(np.float64) / 255, ((radius, radius), (radius, radius), (0, 0)), "symmetric")
    values = np.pad(soft.astype(np.float64), radius, "symmetric")
    height, width = soft.shape
    slopes, offsets = np.zeros((height, width, 3)), np.zeros((height, width))
    side = 2 * radius + 1
    for y in range(height):
        for x in range(width):
            colours = guide[y : y + side, x : x + side].reshape(-1, 3)
            p = values[y : y + side, x : x + side].ravel()
            spread = np.cov(colours.T, bias=True) + smoothness * np.eye(3)
            slopes[y, x] = np.linalg.solve(spread, (colours * p[:, None]).mean(0) - colours.mean(0) * p.mean())
            offsets[y, x] = p.mean() - slopes[y, x] @ colours.mean(0)
    slopes = np.pad(slopes, ((radius, radius), (radius, radius), (0, 0)), "symmetric")
    offsets = np.pad(offsets, radius, "symmetric")
    result = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            slope = slopes[y : y + side, x : x + side].reshape(-1, 3).mean(0)
            result[y, x] = slope @ (image[y, x] / 255) + offsets[y : y + side, x : x + side].mean()
    return result


def test_it_is_the_guided_filter() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (14, 17, 3)).astype(np.uint8)
    soft = rng.random((14, 17)).astype(np.float32)
    expected = by_definition(image, soft, 2, 0.01)
    np.testing.assert_allclose(GuidedFilter(image, 2, 0.01)(soft), expected, atol=2e-4)


def test_a_coarse_mask_finds_the_edge_of_the_picture() -> None:
    truth = np.zeros((96, 96), bool)
    cv2.circle(canvas := np.zeros((96, 96), np.uint8), (50, 44), 27, (1,), -1)
    truth[canvas > 0] = True
    image = np.where(truth[..., None], (200, 60, 40), (30, 90, 160)).astype(np.uint8)
    coarse = cv2.resize(cv2.resize(truth.astype(np.float32), (12, 12), interpolation=cv2.INTER_AREA), (96, 96))
    wrong_before = np.count_nonzero((coarse > 0.5) != truth)
    wrong_after = np.count_nonzero((GuidedFilter(image, 6)(np.asarray(coarse)) > 0.5) != truth)
    assert wrong_after < wrong_before / 4
