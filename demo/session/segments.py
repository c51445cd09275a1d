"""The segmenter's masks of a picture: for clicks and boxes, and for all segments that it finds unprompted."""

from __future__ import annotations

from collections.abc import Sequence

from demo.session.close_looks import KEPT_PARTS, masks_within, window_of
from demo.session.pictures import picture_turn, required_picture
from demo.session.services import PIXELS_IN_FLIGHT, Services
from demo.session.session import ExtentName, Picture, Segment, SegmentPrompt, Session
from osprey_core.errors import InputError
from osprey_core.regions import masks
from osprey_core.regions.masks import Mask
from osprey_core.regions.rle import CodedMask
from osprey_core.segment import OpenedPicture
from osprey_core.segment.parts import KeptParts

SEGMENTER_LOADING = "page.segmenter_loading"
"""Code of the error while the segmenter still loads."""
MAX_SEGMENTS = 128
SAME_MASK = 0.95
"""Intersection over union above which two of the segmenter's masks count as the same."""
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


def segments_in(services: Services, session: Session) -> tuple[Segment, ...]:
    """The segments that the page shows: those that were described, which a saved conversation brings, or all found."""
    described = session.captions.segments if session.captions is not None else ()
    return described or find_everything(services, session)


def opened_segments(services: Services, picture: Picture) -> OpenedPicture:
    """The picture prepared by the segmenter; slow the first time, then cached. Raises InputError while it loads."""
    if not services.segmenter.wait(1):  # a longer wait would block other persons' marks
        raise InputError(SEGMENTER_LOADING)
    opened = services.pictures.get(picture)
    return opened.part("segments", lambda: services.segmenter.get().open(opened.image()))


def preview_mask(
    services: Services, picture: Picture, x: float, y: float, shown: float | None = None
) -> CodedMask | None:
    """About the mask that a click at (x, y) would give; None if there is none or the segmenter still loads.

    shown: see `window_of`.
    """
    if services.segmenter.state != "ready" or not (0 <= x < picture.width and 0 <= y < picture.height):
        return None
    prompt = SegmentPrompt(((x, y),), (1,), window_xyxy=window_of(picture, x, y, shown))
    if prompt.window_xyxy is None:
        found = opened_segments(services, picture).preview(x, y)
        return CodedMask.of(found) if found.any() else None
    best = _masks(services, picture, prompt)[:1]
    return CodedMask.of(best[0]) if best and best[0].any() else None


def best_mask(services: Services, picture: Picture, prompt: SegmentPrompt) -> Mask:
    """The segmenter's best mask, bool (H, W)."""
    return found_masks(services, picture, prompt)[0]


def found_masks(services: Services, picture: Picture, prompt: SegmentPrompt) -> list[Mask]:
    """The segmenter's non-empty masks of different extent, best first. Raises InputError if there are none.

    Masks that are nearly the same as a better one are left out.
    """
    distinct: list[Mask] = []
    for found in _masks(services, picture, prompt):
        if found.any() and not any(is_same(found, mask) for mask in distinct):
            distinct.append(found)
    if not distinct:
        raise InputError("page.nothing_found")
    return distinct


def _masks(services: Services, picture: Picture, prompt: SegmentPrompt) -> list[Mask]:
    """The segmenter's masks, best first: of the prompt's window if the thing lies in it, else of the whole picture."""
    whole = opened_segments(services, picture)
    window = prompt.window_xyxy
    if window is not None:
        opened = services.pictures.get(picture)

        def open_part() -> OpenedPicture:
            return services.segmenter.get().open_part(window.cut(opened.image()), whole)

        parts: KeptParts[OpenedPicture] = opened.part("close looks", lambda: KeptParts(KEPT_PARTS))
        found = masks_within(parts.get(window, open_part), prompt, picture.size_hw)
        if found:
            return found
    return [scored.mask for scored in whole.segment(list(prompt.points_xy), list(prompt.labels), prompt.box_xyxy)]


def is_same(one: Mask, other: Mask) -> bool:
    """Whether two of the segmenter's masks show the same thing."""
    return masks.intersection_over_union(one, other) > SAME_MASK


def extent_names(found: Sequence[Mask]) -> tuple[ExtentName, ...]:
    """What to call masks of different extent, in the same order: by their areas.

    Of two masks, the best (the first) is the thing, and the other is a part or the whole of it.
    """
    areas = [masks.area(mask) for mask in found]
    order = sorted(range(len(areas)), key=lambda place: areas[place])
    if len(order) < 3:
        return tuple(
            "thing" if not place else "part" if area < areas[0] else "whole" for place, area in enumerate(areas)
        )
    names: dict[int, ExtentName] = {order[0]: "part", order[-1]: "whole"}
    return tuple(names.get(place, "thing") for place in range(len(areas)))
