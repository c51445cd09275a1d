"""Marks on the picture that make or change a region: clicks, boxes, strokes, outlines, segments.

Pure functions from a Session and a gesture in picture pixels to a new Session. They raise InputError for what a person
can correct; the caller then keeps the old Session.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from typing import Any, Literal

import numpy as np

from demo.session.close_looks import window_of
from demo.session.pictures import required_picture
from demo.session.regions import changed_mask, required_region, select_twin, stored_mask
from demo.session.segments import best_mask, extent_names, found_masks, is_same, segments_in
from demo.session.services import Services
from demo.session.session import MaskEdit, Picture, Region, SegmentPrompt, Session
from osprey_core.errors import InputError
from osprey_core.regions.masks import Mask, area
from osprey_core.regions.raster import polygon_to_mask, strokes_to_mask
from osprey_core.regions.rle import CodedMask
from osprey_core.segment import refine

MAX_STROKE_POINTS = 20_000
MAX_CORNERS = 1000
SAME_CLICK = 0.006
"""How near a click repeats another, as a share of the picture's longer side."""
Action = Literal["new", "add", "remove"]


def mark_point(
    services: Services, session: Session, x: float, y: float, action: Action, shown: float | None = None
) -> Session:
    """A click at (x, y) in picture pixels: a new region, or one more hint for the selected one.

    shown: the longer side of what a person sees of the picture, in its pixels; None if that is all of it.
    """
    picture = required_picture(session)
    x, y = _number(x), _number(y)
    if not (0 <= x < picture.width and 0 <= y < picture.height):
        raise InputError("page.outside")
    region = _refined(session, action)
    label = 0 if action == "remove" else 1
    alone = SegmentPrompt(((x, y),), (1,), window_xyxy=window_of(picture, x, y, shown))
    if region is None:
        return _found(session, services, picture, alone)
    if region.prompt is None or (label == 1 and _is_outside(region.prompt.box_xyxy, x, y)):
        # The region was drawn by hand, or the click lies outside its box: add or remove the mask of the click alone.
        return _edited(session, region, label == 1, best_mask(services, picture, alone))
    prompt = region.prompt.with_point(x, y, label)
    return _prompted(services, session, region.number, prompt)


def other_extent(services: Services, session: Session, number: int) -> Session:
    """The region with the segmenter's next larger extent for the same clicks; after the largest, the smallest.

    Extents that show the same as the region itself or as another region are passed over.
    """
    picture = required_picture(session)
    region = required_region(session, number)
    found = found_masks(services, picture, region.prompt) if region.prompt is not None else []
    by_area = sorted(range(len(found)), key=lambda place: area(found[place]))
    now = by_area.index(region.extent) if region.extent in by_area else -1
    for extent in by_area[now + 1 :] + by_area[:now]:
        mask = _with_edits(found[extent], region)
        stored = stored_mask(mask)
        if stored != region.mask and session.twin_of(stored) is None:
            changed = replace(region, mask=stored, extent=extent, extent_names=extent_names(found))
            return session.with_region(changed)
    raise InputError("page.one_extent")


def mark_box(services: Services, session: Session, box_xyxy: Sequence[float], action: Action) -> Session:
    """A box in picture pixels by two opposite corners: the thing in it makes, extends or reduces a region."""
    picture = required_picture(session)
    prompt = SegmentPrompt(box_xyxy=_checked_box(session, box_xyxy))
    region = _refined(session, action)
    if region is None:
        return _found(session, services, picture, prompt)
    return _edited(session, region, action == "add", best_mask(services, picture, prompt))


def move_point(services: Services, session: Session, number: int, index: int, x: float, y: float) -> Session:
    """The region with one of its clicks moved to (x, y)."""
    picture = required_picture(session)
    prompt = _own_prompt(session, number, index)
    if not (0 <= _number(x) < picture.width and 0 <= _number(y) < picture.height):
        raise InputError("page.outside")
    points = (*prompt.points_xy[:index], (float(x), float(y)), *prompt.points_xy[index + 1 :])
    return _prompted(services, session, number, replace(prompt, points_xy=points))


def drop_point(services: Services, session: Session, number: int, index: int) -> Session:
    """The region without one of its clicks. Raises InputError if nothing would be left to find it by."""
    prompt = _own_prompt(session, number, index)
    points = prompt.points_xy[:index] + prompt.points_xy[index + 1 :]
    labels = prompt.labels[:index] + prompt.labels[index + 1 :]
    return _prompted(services, session, number, replace(prompt, points_xy=points, labels=labels))


def move_box(services: Services, session: Session, number: int, box_xyxy: Sequence[float]) -> Session:
    """The region with another box; clicks that are outside of it then are left out."""
    prompt = _own_prompt(session, number)
    box = _checked_box(session, box_xyxy)
    inside = [
        (point, label)
        for point, label in zip(prompt.points_xy, prompt.labels, strict=True)
        if not label or not _is_outside(box, *point)
    ]
    points, labels = tuple(point for point, _ in inside), tuple(label for _, label in inside)
    return _prompted(services, session, number, SegmentPrompt(points, labels, box))


def mark_brush(session: Session, points_xy: Sequence[Sequence[float]], radius: float, action: Action) -> Session:
    """A stroke through points in picture pixels: exactly the covered pixels make, extend or reduce a region."""
    picture = required_picture(session)
    if not points_xy or len(points_xy) > MAX_STROKE_POINTS:
        raise InputError("page.bad_gesture")
    radius = _number(radius)
    if not 0 < radius <= max(picture.size_hw):
        raise InputError("page.bad_gesture")
    radius = max(radius, 0.5)  # on a small picture, shown enlarged, the brush may be thinner than a pixel
    try:
        stroke = np.array([[_number(x), _number(y)] for x, y in points_xy], dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("page.bad_gesture") from None
    return _drawn(session, strokes_to_mask([stroke], radius, picture.size_hw), action, "page.outside")


def mark_polygon(session: Session, points_xy: Sequence[Sequence[float]], action: Action) -> Session:
    """A closed outline by its corners in picture pixels: exactly the pixels inside make, extend or reduce a region."""
    picture = required_picture(session)
    if not 3 <= len(points_xy) <= MAX_CORNERS:
        raise InputError("page.bad_gesture")
    try:
        corners = np.array([[_number(x), _number(y)] for x, y in points_xy], dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("page.bad_gesture") from None
    outline = tuple((float(x), float(y)) for x, y in corners)
    return _drawn(session, polygon_to_mask(corners, picture.size_hw), action, "page.polygon_too_thin", outline)


def move_corner(session: Session, number: int, index: int, x: float, y: float) -> Session:
    """The region with one corner of the outline that was drawn last at another point of the picture."""
    picture, region = required_picture(session), required_region(session, number)
    if not 0 <= index < len(region.corners):
        raise InputError("page.bad_gesture")
    point = min(max(_number(x), 0.0), float(picture.width)), min(max(_number(y), 0.0), float(picture.height))
    corners = (*region.corners[:index], point, *region.corners[index + 1 :])
    drawn = polygon_to_mask(np.array(corners), picture.size_hw)
    if not drawn.any():
        raise InputError("page.polygon_too_thin")
    edit = MaskEdit(region.edits[-1].adds, CodedMask.of(drawn), corners)
    moved = replace(region, edits=(*region.edits[:-1], edit))
    mask = changed_mask(session, region, _with_edits(np.zeros(picture.size_hw, np.bool_), moved))
    return session.with_region(replace(moved, mask=mask))


def refine_mark(services: Services, session: Session) -> Session:
    """Replace the last hand-drawn mark by the segmenter's outline that overlaps it most; undo restores the mark.

    Raises InputError if the last change drew nothing or no outline fits.
    """
    picture = required_picture(session)
    region = session.region(session.selected)
    earlier = session.undo[-1].regions if session.undo else ()
    before = next((other for other in earlier if region is not None and other.number == region.number), None)
    if region is None or not region.edits or region.edits[:-1] != (before.edits if before else ()):
        raise InputError("page.bad_gesture")
    edit = region.edits[-1]
    drawn = edit.mask.mask()
    hints = refine.hints_of(drawn)
    prompt = SegmentPrompt(hints.points_xy, (1,) * len(hints.points_xy), hints.box_xyxy)
    masks = found_masks(services, picture, prompt)
    place = refine.best_match(masks, drawn)
    if place is None:
        raise InputError("page.not_refined")
    if before is None:  # stored with its prompt, as if made by clicks, so that further clicks can refine it
        mask = changed_mask(session, region, masks[place])
        names = extent_names(masks)
        return session.with_region(
            replace(region, mask=mask, prompt=prompt, edits=(), extent=place, extent_names=names)
        )
    return _edited(session, before, edit.adds, masks[place])


def take_segment(services: Services, session: Session, index: int, action: Action) -> Session:
    """The segment of `segments_in` at this index: it makes, extends or reduces a region."""
    segments = segments_in(services, session)
    if not (isinstance(index, int) and 0 <= index < len(segments)):
        raise InputError("page.bad_gesture")
    return _drawn(session, segments[index].mask.mask(), action, "page.nothing_found")


def _checked_box(session: Session, box_xyxy: Sequence[float]) -> tuple[float, float, float, float]:
    """A box by two opposite corners, inside the picture: left, top, right, bottom.

    Raises InputError if no part of it lies inside the picture, or if that part is too small.
    """
    picture = required_picture(session)
    if len(box_xyxy) != 4:
        raise InputError("page.bad_gesture")
    xs = sorted(min(max(_number(x), 0.0), float(picture.width)) for x in box_xyxy[0::2])
    ys = sorted(min(max(_number(y), 0.0), float(picture.height)) for y in box_xyxy[1::2])
    if xs[1] <= 0 or ys[1] <= 0 or xs[0] >= picture.width or ys[0] >= picture.height:
        raise InputError("page.outside")
    if xs[1] - xs[0] < 2 or ys[1] - ys[0] < 2:
        raise InputError("page.box_too_small")
    return xs[0], ys[0], xs[1], ys[1]


def _own_prompt(session: Session, number: int, index: int | None = None) -> SegmentPrompt:
    """The prompt of a region. Raises InputError if it has none, or no click of this index."""
    prompt = required_region(session, number).prompt
    if prompt is None or (index is not None and not 0 <= index < len(prompt.points_xy)):
        raise InputError("page.bad_gesture")
    return prompt


def _prompted(services: Services, session: Session, number: int, prompt: SegmentPrompt) -> Session:
    """The region found anew by another prompt, with what was added and removed by hand."""
    region = required_region(session, number)
    found = found_masks(services, required_picture(session), prompt)
    mask = changed_mask(session, region, _with_edits(found[0], region))
    names = extent_names(found)
    return session.with_region(replace(region, mask=mask, prompt=prompt, extent=0, extent_names=names))


def _refined(session: Session, action: Action) -> Region | None:
    """The region that this action changes; None if it makes a new one."""
    if action not in ("new", "add", "remove"):
        raise InputError("page.bad_gesture")
    region = session.region(session.selected)
    if region is None and action == "remove":
        raise InputError("page.nothing_to_remove_from")
    return None if action == "new" else region


def _found(session: Session, services: Services, picture: Picture, prompt: SegmentPrompt) -> Session:
    """The session with what the segmenter finds as a new region, or with the region that shows the same selected."""
    marked = _marked_by(session, prompt)
    if marked is not None:
        return select_twin(session, marked)
    found = found_masks(services, picture, prompt)
    for region in session.regions:
        if is_same(region.mask.mask(), found[0]):
            return select_twin(session, region)
    region = Region(session.next_number, stored_mask(found[0]), prompt, extent_names=extent_names(found))
    return session.with_region(region)


def _marked_by(session: Session, prompt: SegmentPrompt) -> Region | None:
    """The region that was made by this very box, or by a first click at this place, whatever became of it since."""
    for region in session.regions:
        other = region.prompt
        if other is None or other.box_xyxy != prompt.box_xyxy or _side(other) != _side(prompt):
            continue
        if other.points_xy[:1] == prompt.points_xy or (
            other.points_xy and prompt.points_xy and _is_near(session, other.points_xy[0], prompt.points_xy[0], region)
        ):
            return region
    return None


def _side(prompt: SegmentPrompt) -> int:
    """The longer side of the prompt's window, in pixels; 0 without one. A closer look asks for something else."""
    x0, y0, x1, y1 = prompt.window_xyxy or (0, 0, 0, 0)
    return max(x1 - x0, y1 - y0)


def _is_near(session: Session, one: tuple[float, float], other: tuple[float, float], region: Region) -> bool:
    """Whether a click repeats another: very near it for a picture of this size, and inside the region it made."""
    assert session.picture is not None
    reach = SAME_CLICK * max(session.picture.size_hw)
    x, y = other
    return math.dist(one, other) <= reach and bool(region.mask.mask()[int(y), int(x)])


def _drawn(
    session: Session,
    mask: Mask,
    action: Action,
    when_empty: str,
    corners: tuple[tuple[float, float], ...] = (),
) -> Session:
    """Add hand-drawn pixels as a new region or as an edit of the selected one.

    corners: of the outline that they lie in, if they were drawn by one.
    Raises InputError with the code `when_empty` if the mask is empty.
    """
    if not mask.any():
        raise InputError(when_empty)
    region = _refined(session, action)
    if region is not None:
        return _edited(session, region, action == "add", mask, corners)
    stored = CodedMask.of(mask)
    twin = session.twin_of(stored)
    if twin is not None:
        return select_twin(session, twin)
    return session.with_region(Region(session.next_number, stored, edits=(MaskEdit(True, stored, corners),)))


def _edited(
    session: Session, region: Region, adds: bool, change: Mask, corners: tuple[tuple[float, float], ...] = ()
) -> Session:
    mask = changed_mask(session, region, _apply(region.mask.mask(), adds, change))
    edit = MaskEdit(adds, CodedMask.of(change), corners)
    return session.with_region(replace(region, mask=mask, edits=(*region.edits, edit)))


def _is_outside(box_xyxy: tuple[float, float, float, float] | None, x: float, y: float) -> bool:
    return box_xyxy is not None and not (box_xyxy[0] <= x < box_xyxy[2] and box_xyxy[1] <= y < box_xyxy[3])


def _apply(mask: Mask, adds: bool, change: Mask) -> Mask:
    return mask | change if adds else mask & ~change


def _with_edits(mask: Mask, region: Region) -> Mask:
    """The segmenter's mask with the region's manual edits applied."""
    for edit in region.edits:
        mask = _apply(mask, edit.adds, edit.mask.mask())
    return mask


def _number(value: Any) -> float:
    """The value as a finite number. Raises InputError otherwise, also for texts: gestures come from outside."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise InputError("page.bad_gesture")
    return float(value)
