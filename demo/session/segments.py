"""The segmenter's masks of a picture: for clicks and boxes, and for all segments that it finds unprompted."""

from __future__ import annotations

from typing import Any

from demo.session.pictures import picture_turn, required_picture
from demo.session.services import PIXELS_IN_FLIGHT, Services
from demo.session.session import Picture, Segment, SegmentPrompt, Session
from osprey_core.errors import InputError
from osprey_core.regions.masks import Mask
from osprey_core.regions.rle import CodedMask

MAX_SEGMENTS = 128
FEWEST_PIXELS = PIXELS_IN_FLIGHT // 2
"""What finding everything in a small picture counts as: at most two at a time."""


def find_everything(services: Services, session: Session) -> tuple[Segment, ...]:
    """All segments that the segmenter finds in the picture, largest first; slow the first time, then cached."""
    picture = required_picture(session)
    opened = opened_segments(services, picture)

    def find() -> tuple[Segment, ...]:
        with picture_turn(services, picture.digest, max(picture.width * picture.height, FEWEST_PIXELS)):
            found = [scored for scored in opened.everything() if scored.mask.any()]
            return tuple(Segment(CodedMask.of(scored.mask), float(scored.score)) for scored in found[:MAX_SEGMENTS])

    segments: tuple[Segment, ...] = services.pictures.get(picture).part("everything", find)
    return segments


def opened_segments(services: Services, picture: Picture) -> Any:
    """The picture prepared by the segmenter; slow the first time, then cached. Raises InputError while it loads."""
    if not services.segmenter.wait(1):  # a longer wait would block other persons' marks
        raise InputError("page.segmenter_loading")
    opened = services.pictures.get(picture)
    return opened.part("segments", lambda: services.segmenter.get().open(opened.image()))


def best_mask(services: Services, picture: Picture, prompt: SegmentPrompt) -> Mask:
    """The segmenter's best mask, bool (H, W)."""
    return found_masks(services, picture, prompt)[0]


def found_masks(services: Services, picture: Picture, prompt: SegmentPrompt) -> list[Mask]:
    """The segmenter's non-empty masks of different extent, best first. Raises InputError if there are none."""
    opened = opened_segments(services, picture)
    scored_masks = opened.segment(list(prompt.points_xy), list(prompt.labels), prompt.box_xyxy)
    masks: list[Mask] = [scored.mask for scored in scored_masks if scored.mask.any()]
    if not masks:
        raise InputError("page.nothing_found")
    return masks
