"""A surface to paint on that keeps a mask of every named part, in unit coordinates (0..1, y down)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from osprey_core.training.scenes.drawn.paints import Rgb


@dataclass
class DrawnObject:
    """One drawing, cropped tight.

    rgba uint8 (h, w, 4) premultiplied; parts uint8 (h, w), 0 where no part, k for part_names[k - 1];
    texture is one of TEXTURES for shapes and "" for objects.
    """

    name: str
    group: str
    rgba: np.ndarray
    parts: np.ndarray
    part_names: tuple[str, ...] = ()
    texture: str = ""


@dataclass
class Canvas:
    """Painting surface of side_px squared pixels; painting later covers earlier, parts included."""

    side_px: int
    part_names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rgba = np.zeros((self.side_px, self.side_px, 4), np.uint8)
        self.parts = np.zeros((self.side_px, self.side_px), np.uint8)

    def poly(self, points: Sequence[tuple[float, float]] | np.ndarray, color: Rgb, part: str = "") -> None:
        corners = np.round(np.asarray(points, np.float64) * self.side_px * 16).astype(np.int32)
        cv2.fillPoly(self.rgba, [corners], (*color, 255), cv2.LINE_8, 4)
        cv2.fillPoly(self.parts, [corners], self._part(part), cv2.LINE_8, 4)

    def rect(self, x0: float, y0: float, x1: float, y1: float, color: Rgb, part: str = "") -> None:
        self.poly(((x0, y0), (x1, y0), (x1, y1), (x0, y1)), color, part)

    def round_rect(self, x0: float, y0: float, x1: float, y1: float, radius: float, color: Rgb, part: str = "") -> None:
        radius = min(radius, (x1 - x0) / 2, (y1 - y0) / 2)
        corners = []
        for cx, cy, start in (
            (x1 - radius, y0 + radius, -90),
            (x1 - radius, y1 - radius, 0),
            (x0 + radius, y1 - radius, 90),
            (x0 + radius, y0 + radius, 180),
        ):
            for step in range(5):
                angle = math.radians(start + step * 22.5)
                corners.append((cx + radius * math.cos(angle), cy + radius * math.sin(angle)))
        self.poly(corners, color, part)

    def ellipse(
        self, cx: float, cy: float, rx: float, ry: float, color: Rgb, part: str = "", tilt: float = 0.0,
        start: float = 0.0, end: float = 360.0,
    ) -> None:  # fmt: skip
        scale = self.side_px * 16
        center, axes = (round(cx * scale), round(cy * scale)), (round(rx * scale), round(ry * scale))
        cv2.ellipse(self.rgba, center, axes, tilt, start, end, (*color, 255), -1, cv2.LINE_8, 4)
        cv2.ellipse(self.parts, center, axes, tilt, start, end, self._part(part), -1, cv2.LINE_8, 4)

    def line(self, x0: float, y0: float, x1: float, y1: float, width: float, color: Rgb, part: str = "") -> None:
        scale = self.side_px * 16
        ends = (round(x0 * scale), round(y0 * scale)), (round(x1 * scale), round(y1 * scale))
        thick = max(1, round(width * self.side_px))
        cv2.line(self.rgba, *ends, (*color, 255), thick, cv2.LINE_8, 4)
        cv2.line(self.parts, *ends, self._part(part), thick, cv2.LINE_8, 4)

    def arc(
        self, cx: float, cy: float, rx: float, ry: float, start: float, end: float, width: float, color: Rgb,
        part: str = "",
    ) -> None:  # fmt: skip
        scale = self.side_px * 16
        center, axes = (round(cx * scale), round(cy * scale)), (round(rx * scale), round(ry * scale))
        thick = max(1, round(width * self.side_px))
        cv2.ellipse(self.rgba, center, axes, 0, start, end, (*color, 255), thick, cv2.LINE_8, 4)
        cv2.ellipse(self.parts, center, axes, 0, start, end, self._part(part), thick, cv2.LINE_8, 4)

    def finish(self, name: str, group: str, texture: str = "") -> DrawnObject:
        """Crop, and halve the size so that edges come out smooth."""
        solid = self.rgba[..., 3] > 0
        rows, cols = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
        top, bottom, left, right = rows[0], rows[-1] + 1, cols[0], cols[-1] + 1
        bottom, right = bottom + (bottom - top) % 2, right + (right - left) % 2
        rgba, parts = self.rgba[top:bottom, left:right], self.parts[top:bottom, left:right]
        size_wh = (max(1, rgba.shape[1] // 2), max(1, rgba.shape[0] // 2))
        return DrawnObject(
            name,
            group,
            cv2.resize(rgba, size_wh, interpolation=cv2.INTER_AREA),
            cv2.resize(parts, size_wh, interpolation=cv2.INTER_NEAREST),
            tuple(self.part_names),
            texture,
        )

    def _part(self, part: str) -> int:
        if not part:
            return 0
        if part not in self.part_names:
            self.part_names.append(part)
        return self.part_names.index(part) + 1
