"""What the segmenter makes of a picture: masks for clicks and boxes, and everything that it finds by itself."""

from __future__ import annotations

from typing import Any

from demo.session.pictures import required_picture
from demo.session.services import Services
from demo.session.session import Picture, Segment, SegmentPrompt, Session
from osprey_core.errors import InputError
from osprey_core.regions.masks import Mask
from osprey_core.regions.rle import CodedMask

MAX_SEGMENTS = 128


def find_everything(services: Services, session: Session) -> tuple[Segment, ...]:
    """All that the segmenter finds in the picture, largest first; slow once, then shared."""
    picture = required_picture(session)
    segments = opened_segments(services, picture)

    def find() -> tuple[Segment, ...]:
        found = [scored for scored in segments.everything() if scored.mask.any()]
        return tuple(Segment(CodedMask.of(scored.mask), float(scored.score)) for scored in found[:MAX_SEGMENTS])

    found: tuple[Segment, ...] = services.pictures.get(picture).part("everything", find)
    return found


def opened_segments(services: Services, picture: Picture) -> Any:
    """The picture made ready by the segmenter; slow once, then shared."""
    if not services.segmenter.wait(1):  # no longer: others want to mark as well
        raise InputError("page.segmenter_loading")
    opened = services.pictures.get(picture)
    return opened.part("segments", lambda: services.segmenter.get().open(opened.image()))


def best_mask(services: Services, picture: Picture, prompt: SegmentPrompt) -> Mask:
    """The segmenter's best mask, bool (H, W)."""
    return found_masks(services, picture, prompt)[0]


def found_masks(services: Services, picture: Picture, prompt: SegmentPrompt) -> list[Mask]:
    """The segmenter's masks of different extent, best first; at least one."""
    found = opened_segments(services, picture).segment(list(prompt.points_xy), list(prompt.labels), prompt.box_xyxy)
    kept: list[Mask] = [scored.mask for scored in found if scored.mask.any()]
    if not kept:
        raise InputError("page.nothing_found")
    return kept
