"""The names of colours, measured on pixels: which name each pixel has, and which names people might give it."""

from __future__ import annotations

from functools import cache

import numpy as np

COLOR_NAMES = (
    "black", "white", "gray", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "beige",
)  # fmt: skip


def color_shares(image: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Share of each colour name among an image's masked pixels, largest first."""
    return shares_of(color_index(image)[mask])


def color_index(image: np.ndarray) -> np.ndarray:
    """Index into COLOR_NAMES for every pixel: uint8 (H, W) from uint8 (H, W, 3)."""
    return np.asarray(_color_table()[_coarse(image)])


def possible_colors(image: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Share of an image's masked pixels that may be called by each colour name, largest first.

    A pixel near the border of two names counts for both, so that the shares may sum to more than one.
    """
    possible = _possible_table()[_coarse(image[mask])]  # (n, names)
    shares = possible.mean(0) if len(possible) else np.zeros(len(COLOR_NAMES))
    return {COLOR_NAMES[k]: float(shares[k]) for k in np.argsort(-shares, kind="stable") if shares[k]}


def shares_of(indices: np.ndarray) -> dict[str, float]:
    """Share of each colour name among indices uint8 (n,) into COLOR_NAMES, largest first."""
    counts = np.bincount(indices, minlength=len(COLOR_NAMES))
    total = max(1, int(counts.sum()))
    order = np.argsort(-counts, kind="stable")
    return {COLOR_NAMES[k]: float(counts[k]) / total for k in order if counts[k]}


def _coarse(pixels: np.ndarray) -> np.ndarray:
    """Index of every pixel's colour among the 32^3 coarse ones: uint16 (…) from uint8 (…, 3)."""
    r, g, b = (pixels[..., k].astype(np.uint16) >> 3 for k in range(3))
    return np.asarray((r << 10) | (g << 5) | b)


_HUE_DOUBT, _DOUBT = 8.0, 0.08
"""How far a pixel may be from a border between two names, in degrees of hue, and in saturation or value, for people to
call it either."""


@cache
def _color_table() -> np.ndarray:
    """Index into COLOR_NAMES of all 32^3 coarse colours."""
    return _names_of(*_coarse_colors())


@cache
def _possible_table() -> np.ndarray:
    """Which of COLOR_NAMES may be said of each of the 32^3 coarse colours, bool (32768, names)."""
    hue, sat, val = _coarse_colors()
    possible = np.zeros((len(hue), len(COLOR_NAMES)), bool)
    for turn, paler, darker in (
        (0.0, 0.0, 0.0), (_HUE_DOUBT, 0.0, 0.0), (-_HUE_DOUBT, 0.0, 0.0), (0.0, _DOUBT, 0.0), (0.0, -_DOUBT, 0.0),
        (0.0, 0.0, _DOUBT), (0.0, 0.0, -_DOUBT),
    ):  # fmt: skip
        names = _names_of((hue + turn) % 360, np.clip(sat - paler, 0, 1), np.clip(val - darker, 0, 1))
        possible[np.arange(len(names)), names] = True
    return possible


def _coarse_colors() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hue in degrees, saturation and value of all 32^3 coarse colours."""
    grid = np.arange(32) * 8.0 + 4
    r, g, b = (v.reshape(-1) / 255 for v in np.meshgrid(grid, grid, grid, indexing="ij"))
    high, low = np.maximum(np.maximum(r, g), b), np.minimum(np.minimum(r, g), b)
    spread = np.maximum(high - low, 1e-6)
    hue = (
        np.where(high == r, (g - b) / spread % 6, np.where(high == g, (b - r) / spread + 2, (r - g) / spread + 4)) * 60
    )
    return hue, spread / np.maximum(high, 1e-6), high


def _names_of(hue: np.ndarray, sat: np.ndarray, val: np.ndarray) -> np.ndarray:
    """Index into COLOR_NAMES by hue, saturation and value borders set by eye."""
    names = np.full(hue.shape, "red", dtype=object)
    for start, end, name in (
        (12, 41, "orange"), (41, 66, "yellow"), (66, 168, "green"), (168, 252, "blue"), (252, 295, "purple"),
        (295, 341, "pink"),
    ):  # fmt: skip
        names[(hue >= start) & (hue < end)] = name
    names[((hue >= 320) | (hue < 12)) & (sat < 0.56) & (val > 0.72)] = "pink"
    names[(hue >= 295) & (hue < 330) & (val < 0.62)] = "purple"
    names[(hue >= 8) & (hue < 45) & ((val < 0.55) | ((sat < 0.68) & (val < 0.83)) | ((hue < 30) & (val < 0.72)))] = (
        "brown"
    )
    names[(hue >= 12) & (hue < 46) & (sat < 0.42) & (val >= 0.83)] = "beige"
    names[((hue < 12) | (hue > 345)) & (val < 0.4) & (sat < 0.75)] = "brown"
    names[(sat < 0.2) & (val < 0.86)] = "gray"
    names[(sat < 0.28) & (val < 0.5)] = "gray"
    names[(sat < 0.12) & (val >= 0.82)] = "white"
    names[(val < 0.2) | ((val < 0.28) & (sat < 0.45))] = "black"
    index = {name: k for k, name in enumerate(COLOR_NAMES)}
    return np.array([index[name] for name in names], np.uint8)
