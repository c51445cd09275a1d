"""COCO's JSON: datasets, SA-1B's files of one picture, lists of results, single annotations and run lengths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from osprey_core.errors import InputError
from osprey_core.i18n import Message
from osprey_core.io.mask_files.picture_names import PictureNames, id_key, names_in
from osprey_core.io.mask_files.shapes import (
    MAX_MASKS,
    Budget,
    MaskFile,
    NamedMask,
    Notes,
    box_corners,
    check_size,
    clean,
    drawn,
)
from osprey_core.regions.rle import CodedMask

_XYXY_MODE = 0
"""Detectron's `bbox_mode` for left, top, right, bottom; COCO's own boxes are left, top, width, height."""


def from_coco(values: Any, size_hw: tuple[int, int], names: PictureNames) -> MaskFile:
    """The masks of the picture that `names` means; none if the file lists the picture without annotations.

    Raises InputError if the file is about other pictures only, or if none of the picture's masks can be used.
    """
    categories: dict[Any, str] = {}
    if isinstance(values, Mapping) and not ("counts" in values or "segmentation" in values):
        categories = _category_names(values.get("categories"))
        annotations = _annotations_of(values, size_hw, names)
    else:
        annotations = _of_list([values] if isinstance(values, Mapping) else values, names)
    if len(annotations) > MAX_MASKS:
        raise InputError("mask_file.masks_too_many", count=len(annotations), limit=MAX_MASKS)
    budget, notes = Budget(size_hw), Notes()
    masks = []
    for place, entry in enumerate(annotations, 1):
        name = entry.get("name") or categories.get(id_key(entry.get("category_id"))) or ""
        with notes.tolerating("mask_file.mask_unusable", place):
            mask = _mask_of(entry, size_hw, budget, notes)
            masks.append(NamedMask(mask, clean(name), _source_id(entry)))
    if not masks and notes.problems:
        raise notes.problems[0]
    return MaskFile(tuple(masks), notes.sentences())


# --- which annotations -----------------------------------------------------------------------------------------------


def _annotations_of(
    values: Mapping[str, Any], size_hw: tuple[int, int], names: PictureNames
) -> list[Mapping[str, Any]]:
    """The annotations of a dataset that belong to the picture."""
    annotations = values.get("annotations")
    listed = values["images"] if isinstance(values.get("images"), list) else [values.get("image")]  # SA-1B: one image
    images = [image for image in listed if isinstance(image, Mapping)]
    if not isinstance(annotations, list):
        raise InputError("mask_file.masks_missing")
    if not images:
        return _of_list(annotations, names)
    image = _image_of(images, names)
    check_size((image.get("height"), image.get("width")), size_hw)
    entries = _mappings(annotations)
    number = image.get("id", image.get("image_id"))
    if len(images) == 1:
        return [entry for entry in entries if entry.get("image_id") is None or _is_same(entry["image_id"], number)]
    exact = {other.get("id") for other in images if isinstance(other.get("id"), int | str)}
    return [
        entry
        for entry in entries
        if entry.get("image_id") is not None
        and (entry["image_id"] == number if _is_in(entry["image_id"], exact) else _is_same(entry["image_id"], number))
    ]


def _image_of(images: Sequence[Mapping[str, Any]], names: PictureNames) -> Mapping[str, Any]:
    """The listed image that is the picture. Raises InputError unless exactly one is."""
    if len(images) == 1 and (names.name is None or (names.is_only_one and not names_in(images[0]))):
        return images[0]
    fits = [] if names.name is None else [_fit(image, names) for image in images]
    best = max(fits, default=0)
    if best and fits.count(best) == 1:
        return images[fits.index(best)]
    if len(images) == 1 and (listed := names_in(images[0])):
        raise _other_picture(listed[0], names)
    raise _ambiguous(len(images), names)


def _fit(image: Mapping[str, Any], names: PictureNames) -> int:
    listed = names_in(image)
    if listed:
        return max(names.closeness(name) for name in listed)
    return int(names.has_number(image.get("id", image.get("image_id"))))


def _of_list(values: Any, names: PictureNames) -> list[Mapping[str, Any]]:
    """The entries of a list that belong to the picture: by their own file name, or else by their image id.

    A list that speaks of no picture at all, or of a single id where there is a single picture, belongs to the picture.
    """
    entries = _mappings(values)
    if not entries:
        raise InputError("mask_file.masks_missing")
    listed = list(dict.fromkeys(name for entry in entries for name in names_in(entry)))
    if listed:
        return _by_name(entries, listed, names)
    numbers = {number for entry in entries if (number := id_key(entry.get("image_id"))) is not None}
    if not numbers or (names.name is None and len(numbers) == 1):
        return entries
    if names.name is None:
        raise _ambiguous(len(numbers), names)
    matching = {number for number in numbers if names.has_number(number)}
    if matching:
        return [entry for entry in entries if id_key(entry.get("image_id")) in matching]
    if names.is_numbered and all(isinstance(number, int) for number in numbers):
        return []
    if len(numbers) == 1 and names.is_only_one:
        return entries
    raise InputError("mask_file.ids_unmatched", count=len(numbers), name=_file_name(names))


def _by_name(
    entries: Iterable[Mapping[str, Any]], listed: Sequence[str], names: PictureNames
) -> list[Mapping[str, Any]]:
    fits = [names.closeness(name) for name in listed]
    best = max(fits)
    if not best and len(listed) == 1:
        raise _other_picture(listed[0], names)
    if not best or (fits.count(best) > 1 and names.name is None):
        raise _ambiguous(len(listed), names)
    chosen = {name for name, fit in zip(listed, fits, strict=True) if fit == best}
    return [entry for entry in entries if chosen.intersection(names_in(entry))]


def _mappings(values: Any) -> list[Mapping[str, Any]]:
    if not isinstance(values, list):
        raise InputError("mask_file.masks_missing")
    return [entry for entry in values if isinstance(entry, Mapping)]


def _is_in(value: Any, known: set[Any]) -> bool:
    return isinstance(value, int | str) and value in known


def _is_same(one: Any, other: Any) -> bool:
    """Whether two ids are the same, a number as text included."""
    return id_key(one) is not None and id_key(one) == id_key(other)


def _file_name(names: PictureNames) -> str:
    return (names.name or "").replace("\\", "/").rsplit("/", 1)[-1]


def _ambiguous(count: int, names: PictureNames) -> InputError:
    """Of a file about several pictures, among which this one cannot be told."""
    if name := _file_name(names):
        return InputError("mask_file.picture_ambiguous", count=count, name=name)
    return InputError("mask_file.picture_nameless", count=count)


def _other_picture(listed: str, names: PictureNames) -> InputError:
    return InputError("mask_file.other_picture", listed=clean(listed), name=_file_name(names))


# --- one annotation --------------------------------------------------------------------------------------------------


def _mask_of(entry: Mapping[str, Any], size_hw: tuple[int, int], budget: Budget, notes: Notes) -> CodedMask:
    shape = entry if "counts" in entry else entry.get("segmentation")
    if isinstance(shape, Mapping) and shape:
        return CodedMask.read(shape, size_hw)
    box = _box_of(entry)
    if not isinstance(shape, list) or not shape:
        if box is None:
            raise InputError("mask_file.segmentation_missing")
        return _boxed(box, size_hw, budget, notes)
    parts = shape if isinstance(shape[0], list) else [shape]
    if len(parts) >= 3 and all(isinstance(part, list) and len(part) == 2 for part in parts):
        parts = [parts]  # one polygon's corners, each a list of its own; as a part, two numbers would be no polygon
    try:
        return CodedMask.of(drawn([_corners(part) for part in parts], size_hw, budget, notes))
    except InputError as error:
        if box is None or error.code == "mask_file.work_too_much":
            raise
    return _boxed(box, size_hw, budget, notes)


def _boxed(box: Any, size_hw: tuple[int, int], budget: Budget, notes: Notes) -> CodedMask:
    """The mask of an annotation that is only a box."""
    mask = CodedMask.of(drawn([box], size_hw, budget, notes))
    notes.boxes_used += 1
    return mask


def _box_of(entry: Mapping[str, Any]) -> list[tuple[float, float]] | None:
    """The corners of the annotation's box; None if it has none."""
    box = entry.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        return None
    if not all(isinstance(side, int | float) and abs(side) < 1e7 for side in box):
        return None
    x, y, width, height = (float(side) for side in box)
    if entry.get("bbox_mode") == _XYXY_MODE and "bbox_mode" in entry:
        return box_corners(x, y, width, height)
    return box_corners(x, y, x + width, y + height)


def _corners(numbers: Any) -> list[Any] | None:
    """A polygon's corners from COCO's x, y, x, y …, or from pairs [x, y], …; None if it is no such list."""
    if not isinstance(numbers, list):
        return None
    if numbers and isinstance(numbers[0], list):
        return numbers
    if len(numbers) % 2:
        return None
    return [numbers[i : i + 2] for i in range(0, len(numbers), 2)]


def _category_names(categories: Any) -> dict[Any, str]:
    if not isinstance(categories, list):
        return {}
    return {id_key(c.get("id")): clean(c.get("name")) for c in categories if isinstance(c, Mapping)}


def _source_id(entry: Mapping[str, Any]) -> int | str | None:
    number = entry.get("id")
    return number if isinstance(number, int | str) and not isinstance(number, bool) else None


def nothing_for(values: Any, names: PictureNames) -> Message:
    """Why there is no mask for the picture in a file that could be read."""
    annotations = values.get("annotations") if isinstance(values, Mapping) else values
    if not annotations or names.name is None:
        return Message("mask_file.masks_missing")
    return Message("mask_file.none_for_picture", {"name": _file_name(names)})
