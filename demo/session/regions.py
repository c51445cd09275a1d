"""Changes of the list of regions: select, name, hide, reshape, join, delete, undo, and masks from a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from demo.i18n import words
from demo.session.pictures import required_picture
from demo.session.session import PageRegion, Patch, Session
from osprey_core.errors import InputError
from osprey_core.io import mask_files
from osprey_core.regions import masks
from osprey_core.regions.masks import CodedMask, Mask

MAX_NAME_CHARACTERS = 40
MAX_MASKS = 100
Reshape = Literal["grow", "shrink", "fill", "largest", "invert"]
RESHAPES: dict[Reshape, Callable[[Mask], Mask]] = {
    "grow": masks.grow,
    "shrink": masks.shrink,
    "fill": masks.fill_holes,
    "largest": masks.largest_component,
    "invert": masks.invert,
}


def load_masks(session: Session, data: bytes) -> Session:
    """Every mask of a mask file as a new region with the file's name for it; the last one is selected."""
    picture = required_picture(session)
    found = mask_files.read_masks(data, picture.size_hw, picture.name)
    if len(found) > MAX_MASKS:
        raise InputError(words.MANY_MASKS.format(count=len(found), limit=MAX_MASKS))
    first = session.next_number
    new = []
    for number, named in enumerate(found, first):
        stored = named.mask
        new.append(PageRegion(number, stored, patches=(Patch(True, stored),), name=named.name[:MAX_NAME_CHARACTERS]))
    return session.with_regions((*session.regions, *new), new[-1].number)


def select_region(session: Session, number: int) -> Session:
    """The region that questions mean when they name none."""
    required_region(session, number)
    return replace(session, selected=number)


def delete_region(session: Session, number: int) -> Session:
    """Without this region; if it was selected, the newest of the others is. What was said about it stays."""
    required_region(session, number)
    rest = tuple(region for region in session.regions if region.number != number)
    selected = session.selected
    if selected == number:
        selected = rest[-1].number if rest else None
    return session.with_regions(rest, selected)


def rename_region(session: Session, number: int, name: str) -> Session:
    """The region under a name of the person's own; an empty one takes the name away."""
    name = " ".join(name.split())
    if len(name) > MAX_NAME_CHARACTERS:
        raise InputError(words.LONG_NAME.format(limit=MAX_NAME_CHARACTERS))
    return session.with_region(replace(required_region(session, number), name=name))


def show_region(session: Session, number: int, shown: bool) -> Session:
    """The region drawn over the picture, or not; questions can mean it all the same."""
    return session.with_region(replace(required_region(session, number), hidden=not shown))


def reshape_region(session: Session, number: int, how: Reshape) -> Session:
    """The region's mask changed as a whole: a pixel wider or narrower, without holes or stray pieces, inverted."""
    region = required_region(session, number)
    if how not in RESHAPES:
        raise InputError(words.BAD_GESTURE)
    return session.with_region(_by_hand(region, RESHAPES[how](region.mask.mask())))


def merge_regions(session: Session, number: int, other: int) -> Session:
    """The second region's pixels joined to the first's; the second is gone."""
    region, second = required_region(session, number), required_region(session, other)
    if region is second:
        raise InputError(words.SAME_REGION)
    mask = masks.union([region.mask.mask(), second.mask.mask()])
    rest = tuple(each for each in session.regions if each is not second)
    changed = tuple(_by_hand(region, mask) if each is region else each for each in rest)
    return session.with_regions(changed, number)


def subtract_region(session: Session, number: int, other: int) -> Session:
    """The first region without the pixels of the second, which stays."""
    region, second = required_region(session, number), required_region(session, other)
    if region is second:
        raise InputError(words.SAME_REGION)
    return session.with_region(_by_hand(region, masks.subtract(region.mask.mask(), second.mask.mask())))


def clear_regions(session: Session) -> Session:
    """Without any region; the conversation stays."""
    return session.with_regions((), None) if session.regions else session


def undo(session: Session) -> Session:
    """As before the last change of regions."""
    return session.undone()


def required_region(session: Session, number: int) -> PageRegion:
    region = session.region(number)
    if region is None:
        raise InputError(_unknown_region(session, number))
    return region


def stored_mask(mask: Mask) -> CodedMask:
    if not mask.any():
        raise InputError(words.NOTHING_LEFT)
    return CodedMask.of(mask)


def _by_hand(region: PageRegion, mask: Mask) -> PageRegion:
    """The region with other pixels, which no longer follow from clicks."""
    stored = stored_mask(mask)
    return replace(region, mask=stored, prompts=None, patches=(Patch(True, stored),), extent=0)


def _unknown_region(session: Session, number: int) -> str:
    numbers = ", ".join(f"@{region.number}" for region in session.regions)
    if not numbers:
        return words.NO_REGION
    return words.UNKNOWN_REGION.format(number=number, numbers=numbers)
