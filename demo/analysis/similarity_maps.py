"""Looking inside the encoder: where each of its levels finds the picture like a region, as maps over the picture.

Knows no component.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from demo.jobs.requests import AnalysisRequest, AnalysisResult
from demo.session.regions import chosen_regions
from demo.session.session import Analysis, RegionSnapshot, Session, new_analysis
from demo.shared.running_jobs import Ticket
from osprey_core.draw import overlays
from osprey_core.io.pictures import fit_within
from osprey_core.regions.region import NumberedMask
from osprey_core.regions.rle import CodedMask

SHOWN_SIDE = 640
"""Longest side of a map as it is sent to the browser."""


@dataclass(frozen=True, eq=False)
class LevelMap(AnalysisResult):
    """How much each position of one level is like the region."""

    level: str
    heat: NDArray[np.float32]
    """(h, w) at the level's own resolution: cosines in [-1, 1]; 0 all over where it sees nothing of the region."""


@dataclass(frozen=True)
class SimilarityMapsRequest(AnalysisRequest):
    """All levels' maps for one region."""

    region: CodedMask

    def results(self, view: Any, ticket: Ticket) -> Iterator[AnalysisResult]:
        from osprey_core.analysis import feature_similarity  # slow to import; the model has been loaded by now

        for level, heat in feature_similarity.similarity_maps(view, self.region.mask()).items():
            yield LevelMap(level, heat)


def new_similarity_maps(session: Session, which: Any = "selected") -> Analysis:
    """The maps of one region. Raises InputError without one."""
    regions = chosen_regions(session, which)[:1]
    assert session.picture is not None
    return new_analysis(
        "inside",
        tuple(region.snapshot() for region in regions),
        (SimilarityMapsRequest(session.picture, regions[0].mask),),
    )


def drawn(image: NDArray[np.uint8], region: RegionSnapshot, found: LevelMap) -> bytes:
    """The map, from its lowest to its highest value, over its picture with the region's outline, as JPEG.

    image: uint8 (H, W, 3), the picture at its own size.
    """
    from osprey_core.analysis.feature_similarity import stretched

    small = np.asarray(fit_within(Image.fromarray(image), SHOWN_SIDE))
    # Shrunk by area and kept wherever anything is left, so that a thin region keeps its outline.
    soft = cv2.resize(region.mask.mask().astype(np.float32), small.shape[1::-1], interpolation=cv2.INTER_AREA)
    outline = soft >= min(0.5, float(soft.max()))
    buffer = io.BytesIO()
    pixels = overlays.heat_over(small, stretched(found.heat), NumberedMask(region.number, outline))
    Image.fromarray(pixels).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
