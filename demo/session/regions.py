"""Changes of the list of regions: select, rename, hide, reshape, merge, delete, undo, and load masks from a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from demo.session.naming import joined_names
from demo.session.pictures import required_picture
from demo.session.session import MaskEdit, Region, Session
from osprey_core.errors import InputError
from osprey_core.i18n import Message
from osprey_core.io import mask_files
from osprey_core.regions import morphology
from osprey_core.regions.masks import Mask
from osprey_core.regions.region import MAX_NAME_CHARACTERS, clean_name
from osprey_core.regions.rle import CodedMask

MAX_MASKS = 100
Reshape = Literal["grow", "shrink", "fill", "largest", "invert"]
RESHAPES: dict[Reshape, Callable[[Mask], Mask]] = {
    "grow": morphology.grow,
    "shrink": morphology.shrink,
    "fill": morphology.fill_holes,
    "largest": morphology.largest_component,
    "invert": morphology.invert,
}


def chosen_regions(session: Session, which: Any) -> tuple[Region, ...]:
    """The regions that a choice names: "all" that are not hidden, the "selected" one, or the one with a number.

    Raises InputError without a picture, without regions, or if there is no such region.
    """
    required_picture(session)
    if not session.regions:
        raise InputError("page.no_region")
    if which == "all":
        shown = tuple(region for region in session.regions if not region.hidden)
        if not shown:
            raise InputError("page.all_hidden")
        return shown
    number = session.selected if which in (None, "", "selected") else which
    region = session.region(number) if isinstance(number, int) else None
    if region is None:
        raise InputError("page.unknown_choice")
    return (region,)


def load_masks(session: Session, data: bytes, tell: Callable[[Message], None] = lambda note: None) -> Session:
    """Add every mask of a mask file as a new region, with its name from the file; the last one is selected.

    A mask that is a region already is not added again.

    tell: gets one note for each kind of thing in the file that was left out.
    """
    picture = required_picture(session)
    mask_file = mask_files.read_mask_file(data, picture.size_hw, picture.name)
    named_masks = mask_file.masks
    if len(named_masks) > MAX_MASKS:
        raise InputError("page.many_masks", count=len(named_masks), limit=MAX_MASKS)
    first = session.next_number
    new: dict[CodedMask, Region] = {}
    for named in named_masks:
        stored = named.mask
        if session.twin_of(stored) is None and stored not in new:
            number = first + len(new)
            new[stored] = Region(number, stored, edits=(MaskEdit(True, stored),), name=clean_name(named.name))
    for note in mask_file.notes:
        tell(note)
    last = new.get(named_masks[-1].mask) or session.twin_of(named_masks[-1].mask)
    assert last is not None
    if not new:
        return select_twin(session, last)
    return session.with_regions((*session.regions, *new.values()), last.number)


def select_region(session: Session, number: int) -> Session:
    """Select the region that questions without a mention refer to."""
    required_region(session, number)
    return replace(session, selected=number)


def delete_region(session: Session, number: int) -> Session:
    """Delete this region; if it was selected, the newest other region becomes selected. The conversation stays."""
    required_region(session, number)
    rest = tuple(region for region in session.regions if region.number != number)
    selected = session.selected
    if selected == number:
        selected = rest[-1].number if rest else None
    return session.with_regions(rest, selected)


def rename_region(session: Session, number: int, name: str) -> Session:
    """Give the region a name; an empty one removes the name. Raises InputError if the name is too long."""
    name = " ".join(name.split())
    if len(name) > MAX_NAME_CHARACTERS:
        raise InputError("page.long_name", limit=MAX_NAME_CHARACTERS)
    plain = " ".join(clean_name(name).split())  # a removed character leaves a space
    return session.with_region(replace(required_region(session, number), name=plain, named_by="person"))


def show_region(session: Session, number: int, shown: bool) -> Session:
    """Show or hide the region on the picture; questions can mention a hidden region."""
    return session.with_region(replace(required_region(session, number), hidden=not shown))


def reshape_region(session: Session, number: int, how: Reshape) -> Session:
    """Change the region's mask as a whole: grow, shrink, fill holes, keep the largest component, or invert."""
    region = required_region(session, number)
    if how not in RESHAPES:
        raise InputError("page.bad_gesture")
    return session.with_region(_by_hand(session, region, RESHAPES[how](region.mask.mask())))


def merge_regions(session: Session, number: int, other: int) -> Session:
    """Add the second region's pixels and name to the first and delete the second."""
    region, second = required_region(session, number), required_region(session, other)
    if region is second:
        raise InputError("page.same_region")
    mask = morphology.union([region.mask.mask(), second.mask.mask()])
    rest = tuple(candidate for candidate in session.regions if candidate is not second)
    merged = joined_names(_by_hand(replace(session, regions=rest), region, mask), second)
    changed = tuple(merged if candidate is region else candidate for candidate in rest)
    return session.with_regions(changed, number)


def subtract_region(session: Session, number: int, other: int) -> Session:
    """Remove the second region's pixels from the first; the second stays."""
    region, second = required_region(session, number), required_region(session, other)
    if region is second:
        raise InputError("page.same_region")
    return session.with_region(_by_hand(session, region, morphology.subtract(region.mask.mask(), second.mask.mask())))


def clear_regions(session: Session) -> Session:
    """Delete all regions; the conversation stays."""
    return session.with_regions((), None) if session.regions else session


def undo(session: Session) -> Session:
    """Undo the last change of regions, or the last clearing of the conversation."""
    return session.undone()


def redo(session: Session) -> Session:
    """Make the change that was undone last again."""
    return session.redone()


def required_region(session: Session, number: int) -> Region:
    """The region with this number. Raises InputError, which lists the existing numbers, if there is none."""
    region = session.region(number)
    if region is None:
        raise _unknown_region(session, number)
    return region


def stored_mask(mask: Mask) -> CodedMask:
    """The mask, run-length coded for a region. Raises InputError if it is empty."""
    if not mask.any():
        raise InputError("page.nothing_left")
    return CodedMask.of(mask)


def changed_mask(session: Session, region: Region, mask: Mask) -> CodedMask:
    """The changed mask of a region, coded. Raises InputError if it is empty, or the same as another region's."""
    stored = stored_mask(mask)
    twin = session.twin_of(stored, apart_from=region.number)
    if twin is not None:
        raise InputError("page.same_as", number=twin.number)
    return stored


def select_twin(session: Session, region: Region) -> Session:
    """The session with this region selected, and shown if it was hidden, in place of another with the same pixels."""
    if region.hidden:
        return session.with_region(replace(region, hidden=False))
    return select_region(session, region.number)


def _by_hand(session: Session, region: Region, mask: Mask) -> Region:
    """The region with another mask and without its prompt, because the mask no longer follows from clicks."""
    stored = changed_mask(session, region, mask)
    edits = (MaskEdit(True, stored),)
    return replace(region, mask=stored, prompt=None, edits=edits, extent=0, extent_names=())


def _unknown_region(session: Session, number: int) -> InputError:
    numbers = ", ".join(f"@{region.number}" for region in session.regions)
    if not numbers:
        return InputError("page.no_region")
    return InputError("page.unknown_region", number=number, numbers=numbers)
