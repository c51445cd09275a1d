"""Reads COCO, LVIS, RefCOCO(+/g), PACO and LLaVA files as annotated pictures.

All of them number their pictures as COCO does, so that what several files tell of a picture is put together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from osprey_core.datagen.annotated import ATTRIBUTE_TYPES, AnnotatedPicture, AnnotatedRegion
from osprey_core.datagen.positive_negative import SMALLEST_SIDE
from osprey_core.errors import InputError
from osprey_core.evaluation.papers.items import objects, read_json
from osprey_core.training.records.coco import by_id, category_names, entries, file_name, is_coco, spoken_name
from osprey_core.training.records.expressions import INSTANCES_FILE, PICKLES, is_expressions, read_pickle

Things = dict[str, list[tuple[str, tuple[float, float, float, float]]]]
"""By picture the name and the box of each thing."""

_PACO_TYPES = dict(zip(("color", "pattern_marking", "material", "transparency"), ATTRIBUTE_TYPES, strict=True))
_VAGUE_NAMES = frozenset({"object", "thing"})
"""What files of expressions call regions whose category they do not know."""


def read_texts(files: Sequence[Path]) -> dict[str, tuple[str, ...]]:
    """Texts about whole pictures by picture, from COCO's captions or LLaVA's detailed descriptions.

    Of a picture that several files know, the first file's texts are taken. Raises InputError for another file.
    """
    texts: dict[str, tuple[str, ...]] = {}
    for file in files:
        of_file: dict[str, list[str]] = {}
        content = read_json(file)
        if is_coco(content):
            for entry in objects(content["annotations"], file, "image_id", "caption"):
                of_file.setdefault(_picture_key(entry["image_id"]), []).append(_line(entry["caption"]))
        elif not isinstance(content, list):
            raise InputError("datagen.texts_foreign", path=str(file))
        else:
            for entry in objects(content, file, "id", "conversations"):
                said = entry["conversations"] if isinstance(entry["conversations"], list) else []
                answers = [answer.get("value") for answer in said[1::2] if isinstance(answer, Mapping)]
                of_file.setdefault(_picture_key(entry["id"]), []).extend(_line(text) for text in answers)
        for key, lines in of_file.items():
            texts.setdefault(key, tuple(line for line in lines if line))
    return texts


def read_things(file: Path) -> Things:
    """All things of COCO's or LVIS' pictures by picture. Raises InputError for another file."""
    content = _coco(file)
    names, things = category_names(content), Things()
    for entry in _regions(content):
        if entry.get("category_id") in names:
            x, y, width, height = entry["bbox"]
            things.setdefault(_picture_key(entry["image_id"]), []).append(
                (names[entry["category_id"]], (x, y, width, height))
            )
    return things


def read_pictures(files: Sequence[Path]) -> list[AnnotatedPicture]:
    """Pictures with their regions, from RefCOCO's files or files in COCO's shape with or without captions.

    A region that several files have, by annotation and box, is one region with all the phrases, and with the first name
    that says more than "object".

    Raises InputError for another file, naming what is broken.
    """
    pictures: dict[str, AnnotatedPicture] = {}
    regions: dict[str, dict[tuple[Any, ...], AnnotatedRegion]] = {}
    for file in files:
        for picture, identity, region in _pointed_out(file):
            of_picture = regions.setdefault(picture.key, {})
            pictures.setdefault(picture.key, picture)
            place = (str(identity), *(round(float(value)) for value in region.bbox))
            known = of_picture.get(place, region)
            phrases = tuple(dict.fromkeys((*known.phrases, *region.phrases)))
            name = region.name if known.name in _VAGUE_NAMES else known.name
            of_picture[place] = replace(known, name=name, phrases=phrases)
    return [replace(picture, regions=tuple(regions[key].values())) for key, picture in pictures.items()]


def read_paco(files: Sequence[Path]) -> list[AnnotatedPicture]:
    """Pictures with the parts and things of PACO's files and their attributes. Raises InputError for another file."""
    pictures: dict[str, AnnotatedPicture] = {}
    for file in files:
        content = _coco(file)
        names = _paco_names(content)
        images = by_id(content, "images")
        attributes = _attribute_names(content, file)
        regions: dict[Any, list[AnnotatedRegion]] = {}
        for entry in _regions(content):
            name, part = names.get(entry.get("category_id"), ("", ""))
            if not name or entry["image_id"] not in images:
                continue
            told: dict[str, list[str]] = {}
            numbers = entry.get("attribute_ids")
            for number in numbers if isinstance(numbers, list) else ():
                if number in attributes and not entry.get(f"unknown_{attributes[number][0]}"):
                    told.setdefault(_PACO_TYPES[attributes[number][0]], []).append(attributes[number][1])
            in_order = {kind: tuple(told[kind]) for kind in ATTRIBUTE_TYPES if kind in told}
            region = AnnotatedRegion(entry["bbox"], entry["segmentation"], name, (), part, in_order)
            regions.setdefault(entry["image_id"], []).append(region)
        for number, of_picture in regions.items():
            picture = _picture(images[number], _picture_key(number), file)
            before = pictures[picture.key].regions if picture.key in pictures else ()
            pictures[picture.key] = replace(picture, regions=(*before, *of_picture))
    return list(pictures.values())


def _pointed_out(file: Path) -> Iterator[tuple[AnnotatedPicture, Any, AnnotatedRegion]]:
    """(picture without regions, annotation's id, region) of each region of a file."""
    content = read_pickle(file) if file.suffix in PICKLES else read_json(file)
    if is_expressions(content):
        beside = file.parent / INSTANCES_FILE
        if not beside.is_file():
            reason = InputError("expressions.instances_missing", file=INSTANCES_FILE)
            raise InputError("sample_file.invalid", path=str(file), reason=reason)
        yield from _referred(content, _coco(beside), beside)
        return
    if not is_coco(content):
        raise InputError("datagen.regions_foreign", path=str(file))
    names, images = category_names(content), by_id(content, "images")
    for entry in _regions(content):
        if entry["image_id"] not in images or entry.get("category_id") not in names:
            continue
        image = images[entry["image_id"]]
        phrase = _line(image.get("caption"))
        key = _picture_key(image.get("original_id", entry["image_id"]))
        region = AnnotatedRegion(
            entry["bbox"], entry["segmentation"], names[entry["category_id"]], (phrase,) if phrase else ()
        )
        yield _picture(image, key, file), entry.get("original_id", entry.get("id")), region


def _referred(
    content: Sequence[Any], instances: Mapping[str, Any], file: Path
) -> Iterator[tuple[AnnotatedPicture, Any, AnnotatedRegion]]:
    """As `_pointed_out`, for RefCOCO's list of references; those of the test and validation sets are left out."""
    names, images = category_names(instances), by_id(instances, "images")
    annotations = {entry.get("id"): entry for entry in _regions(instances)}
    for reference in content:
        entry = annotations.get(reference.get("ann_id")) if isinstance(reference, Mapping) else None
        if entry is None or reference.get("split", "train") != "train" or entry["image_id"] not in images:
            continue
        said = [one.get("sent") or one.get("raw") for one in reference.get("sentences") or () if isinstance(one, dict)]
        phrases = tuple(dict.fromkeys(line for line in map(_line, said) if line))
        name = names.get(entry.get("category_id"), "thing")
        region = AnnotatedRegion(entry["bbox"], entry["segmentation"], name, phrases)
        yield _picture(images[entry["image_id"]], _picture_key(entry["image_id"]), file), entry["id"], region


def _coco(file: Path) -> Mapping[str, Any]:
    content = read_json(file)
    if not is_coco(content) or "categories" not in content:
        raise InputError("datagen.coco_foreign", path=str(file))
    found: Mapping[str, Any] = content
    return found


def _regions(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Annotations of single things with a box and an outline, large enough to be told."""
    for entry in entries(content, "annotations"):
        bbox = entry.get("bbox")
        if not (isinstance(bbox, list) and len(bbox) == 4 and all(map(_is_number, bbox))):
            continue
        is_single = bool(entry.get("segmentation")) and not entry.get("iscrowd")
        is_single = is_single and isinstance(entry.get("image_id"), int | str)
        if is_single and min(bbox[2:]) >= SMALLEST_SIDE:
            yield entry


def _picture(image: Mapping[str, Any], key: str, file: Path) -> AnnotatedPicture:
    name, size_hw = file_name(image), (image.get("height"), image.get("width"))
    if not name or not all(isinstance(side, int) and side > 0 for side in size_hw):
        raise InputError("datagen.picture_incomplete", path=str(file), picture=key)
    return AnnotatedPicture(key, name, size_hw, ())  # type: ignore[arg-type]


def _paco_names(content: Mapping[str, Any]) -> dict[Any, tuple[str, str]]:
    """(thing, part) of each category by id: "car_(automobile):wheel" is the wheel of a car."""
    names = {}
    for number, category in by_id(content, "categories").items():
        thing, _, part = str(category.get("name", "")).partition(":")
        names[number] = (spoken_name(thing), spoken_name(part))
    return names


def _attribute_names(content: Mapping[str, Any], file: Path) -> dict[Any, tuple[str, str]]:
    """(PACO's type, name) of each attribute by id; those that stand for all others are left out."""
    types = content.get("attr_type_to_attr_idxs")
    if not isinstance(types, Mapping) or "attributes" not in content:
        raise InputError("datagen.paco_foreign", path=str(file))
    type_of = {number: kind for kind, numbers in types.items() if kind in _PACO_TYPES for number in numbers}
    names = {number: str(entry.get("name", "")) for number, entry in by_id(content, "attributes").items()}
    return {
        number: (type_of[number], spoken_name(name))
        for number, name in names.items()
        if number in type_of and not name.startswith("other")
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _line(text: Any) -> str:
    return " ".join(text.split()) if isinstance(text, str) else ""


def _picture_key(number: Any) -> str:
    """COCO's number of a picture; LLaVA gives it with leading zeros."""
    text = str(number)
    return str(int(text)) if text.isascii() and text.isdigit() else text
