"""Similarity maps: for each encoder level, the similarity of every position of the picture to a region.

Independent of Gradio components.
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

from demo.jobs.requests import AnalysisRequest, AnalysisResult, OpenClip
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
    """Similarity of each position of one level to the region."""

    level: str
    heat: NDArray[np.float32]
    """(h, w) at the level's resolution: cosines in [-1, 1]; all 0 if the region covers no position of the level."""


@dataclass(frozen=True)
class SimilarityMapsRequest(AnalysisRequest):
    """Compute the maps of all levels for one region."""

    needs = "features"

    region: CodedMask

    def results(self, view: Any, ticket: Ticket, clip: OpenClip) -> Iterator[AnalysisResult]:
        from osprey_core.analysis import feature_similarity  # slow to import; the model has been loaded by now

        for level, heat in feature_similarity.similarity_maps(view, self.region.mask()).items():
            yield LevelMap(level, heat)


def new_similarity_maps(session: Session, which: Any = "selected") -> Analysis:
    """An analysis that maps the similarity to one region. Raises InputError without a region."""
    regions = chosen_regions(session, which)[:1]
    assert session.picture is not None
    return new_analysis(
        "inside",
        tuple(region.snapshot() for region in regions),
        (SimilarityMapsRequest(session.picture, regions[0].mask),),
    )


def drawn(image: NDArray[np.uint8], region: RegionSnapshot, level_map: LevelMap) -> bytes:
    """The map, stretched to its own range, over its picture with the region's outline, as JPEG.

    image: uint8 (H, W, 3), the picture at its own size.
    """
    from osprey_core.analysis.feature_similarity import stretched

    small = np.asarray(fit_within(Image.fromarray(image), SHOWN_SIDE))
    # Shrunk by area, with a threshold that a thin region still exceeds, so that it keeps its outline.
    soft = cv2.resize(region.mask.mask().astype(np.float32), small.shape[1::-1], interpolation=cv2.INTER_AREA)
    outline = soft >= min(0.5, float(soft.max()))
    buffer = io.BytesIO()
    pixels = overlays.heat_over(small, stretched(level_map.heat), NumberedMask(region.number, outline))
    Image.fromarray(pixels).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
