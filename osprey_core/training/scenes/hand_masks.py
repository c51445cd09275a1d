"""Masks as a person would select them, made from exact ones: grown, boxed, scribbled, ragged or cut."""

from __future__ import annotations

import math

import cv2
import numpy as np

from osprey_core.training.scenes.drawn import Rng

MASK_STYLES = ("exact", "grown", "shrunk", "box", "ellipse", "scribble", "ragged", "cut")
_MASK_WEIGHTS = (0.46, 0.09, 0.07, 0.12, 0.05, 0.07, 0.09, 0.05)


def hand_mask(rng: Rng, mask: np.ndarray, style: str | None = None) -> np.ndarray:
    """A mask as somebody would select it: bool (H, W), never empty, about the same thing as `mask`."""
    if not mask.any():
        raise ValueError("the mask is empty: give a mask with at least one pixel set")
    style = style or str(rng.choice(MASK_STYLES, p=_MASK_WEIGHTS))
    if style == "exact":
        return mask
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(cols[0]), int(cols[-1]) + 1
    side = max(y1 - y0, x1 - x0)
    height, width = mask.shape
    pad = max(2, side // 10)
    wy0, wy1, wx0, wx1 = max(0, y0 - pad), min(height, y1 + pad), max(0, x0 - pad), min(width, x1 + pad)
    window = mask[wy0:wy1, wx0:wx1].astype(np.uint8)
    if style in ("grown", "shrunk"):
        radius = max(1, int(side * float(rng.uniform(0.015, 0.05))))
        kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
        window = np.asarray(cv2.dilate(window, kernel) if style == "grown" else cv2.erode(window, kernel), np.uint8)
    elif style == "box":
        slack = max(1, int(side * 0.06))
        dx0, dy0, dx1, dy1 = (int(v) for v in rng.integers(-slack, slack + 1, 4))
        window[:] = 0
        window[max(0, y0 + dy0 - wy0) : max(1, y1 + dy1 - wy0), max(0, x0 + dx0 - wx0) : max(1, x1 + dx1 - wx0)] = 1
    elif style == "ellipse":
        window[:] = 0
        center = ((x0 + x1) // 2 - wx0, (y0 + y1) // 2 - wy0)
        cv2.ellipse(window, center, ((x1 - x0) // 2 + 1, (y1 - y0) // 2 + 1), 0, 0, 360, (1,), -1)
    elif style == "scribble":
        ys, xs = np.nonzero(window)
        picked = rng.integers(0, len(ys), 5)
        line = np.stack([xs[picked], ys[picked]], 1).astype(np.int32)
        drawn = np.zeros_like(window)
        cv2.polylines(drawn, [line], False, (1,), max(2, side // 12))
        window = np.asarray(drawn & window, np.uint8)
    elif style == "ragged":
        cells = max(3, side // 8)
        bumps = cv2.resize(rng.normal(0, 1, (cells, cells)).astype(np.float32), window.shape[::-1])
        soft = cv2.GaussianBlur(window.astype(np.float32), (0, 0), max(1.0, side * 0.02))
        window = (soft + 0.22 * bumps * (soft > 0.02) * (soft < 0.98) > 0.5).astype(np.uint8)
    elif style == "cut":
        share = float(rng.uniform(0.65, 0.85))
        ys, xs = np.nonzero(window)
        angle = float(rng.uniform(0, 2 * math.pi))
        along = xs * math.cos(angle) + ys * math.sin(angle)
        keep = along <= np.quantile(along, share)
        window[:] = 0
        window[ys[keep], xs[keep]] = 1
    if np.count_nonzero(window) < 12:
        return mask
    out = np.zeros((height, width), bool)
    out[wy0:wy1, wx0:wx1] = window.astype(bool)
    return out
