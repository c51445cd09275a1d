"""What annotations tell of a picture: texts about it, the things in it, and the regions to write about.

These are values only; `annotation_files` reads them, `writer_tasks` shows them to a writer model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ATTRIBUTE_TYPES = ("colour", "pattern", "material", "reflectance")
"""The types of attributes that PACO annotates, as the writer reads them."""


@dataclass(frozen=True)
class AnnotatedRegion:
    """One region: where it is and what people wrote down about it."""

    bbox: Sequence[float]
    """x, y, width, height in pixels, as COCO gives it."""
    segmentation: Any
    """Polygons or run lengths, as COCO gives them."""
    name: str
    """The category of the thing, or of the thing that it is a part of."""
    phrases: tuple[str, ...] = ()
    """What people said to point it out."""
    part: str = ""
    """The name of the part, where it is one."""
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By one of `ATTRIBUTE_TYPES` what was said of it."""

    def has_outline(self, size_hw: tuple[int, int]) -> bool:
        """Whether training could draw it: polygons of at least three corners, or run lengths of a picture of (H, W)."""
        if isinstance(self.segmentation, Mapping):
            return self.segmentation.get("size") == [*size_hw]
        listed = self.segmentation if isinstance(self.segmentation, list) else []
        polygons = [listed] if listed and isinstance(listed[0], int | float) else listed
        return bool(polygons) and all(
            isinstance(polygon, list) and len(polygon) >= 6 and len(polygon) % 2 == 0 for polygon in polygons
        )

    @property
    def full_name(self) -> str:
        """The thing's name, and the part's behind it."""
        return f"{self.name} {self.part}".strip()


@dataclass(frozen=True)
class AnnotatedPicture:
    """A picture with what is known of it and some of its regions, at least one."""

    key: str
    file_name: str
    size_hw: tuple[int, int]
    """Height and width in pixels."""
    regions: tuple[AnnotatedRegion, ...]
    texts: tuple[str, ...] = ()
    """A description of the whole picture, or captions."""
    things: tuple[tuple[str, tuple[float, float, float, float]], ...] = ()
    """Name and x, y, width, height in pixels of everything that is annotated in the picture."""

    def box_shares(self, bbox: Sequence[float]) -> str:
        """A box as "[left, top, right, bottom]", each a share of the picture's side with three decimals."""
        height, width = self.size_hw
        x, y, w, h = (float(value) for value in bbox)
        shares = (x / width, y / height, (x + w) / width, (y + h) / height)
        return "[" + ", ".join(f"{min(1.0, max(0.0, share)):.3f}" for share in shares) + "]"

    def record(self, regions: Sequence[AnnotatedRegion], **content: Any) -> dict[str, Any]:
        """An entry in the layout of Osprey-724K: `content` is its `conversations` or its `description`."""
        height, width = self.size_hw
        return {
            "id": self.key,
            "file_name": self.file_name,
            "height": height,
            "width": width,
            "annotation": [{"bbox": list(one.bbox), "segmentation": one.segmentation} for one in regions],
            **content,
        }
