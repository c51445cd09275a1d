"""Reads COCO-style files (COCO, LVIS, Pascal Part) as records that ask for the category of each region.

Where pictures have a `caption` (RefCOCO in COCO's shape), records ask for the region's expression instead.
Segmentations are not decoded here; `records` decodes and checks them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from osprey_core.errors import InputError
from osprey_core.i18n import Message
from osprey_core.training.dialogues.phrasings import WORDINGS
from osprey_core.training.records.records import worded

MAX_REGIONS = 20
"""Regions of one record; the further ones of a picture make further records of it."""

_NOTE = re.compile(r"\s*\([^)]*\)")


def is_coco(content: Any) -> bool:
    """Whether a file's content has COCO's shape."""
    return isinstance(content, Mapping) and "images" in content and "annotations" in content


def coco_items(content: Mapping[str, Any]) -> Iterator[tuple[Message, dict[str, Any]]]:
    """(where, item) for each picture with regions, items in the shape of records; `where` names the picture.

    Regions marked `iscrowd` are left out: they are many things at once.

    Raises InputError naming the entry that is broken.
    """
    names = category_names(content)
    pictures = by_id(content, "images")
    regions: dict[Any, list[tuple[int, Mapping[str, Any]]]] = {}
    for place, region in enumerate(entries(content, "annotations")):
        where = _annotation(region, place)
        if region.get("image_id") not in pictures:
            raise InputError("coco.picture_unknown", where=where, picture=repr(region.get("image_id")))
        if not region.get("iscrowd"):
            regions.setdefault(region["image_id"], []).append((place, region))
    for number, of_picture in regions.items():
        picture = pictures[number]
        for start in range(0, len(of_picture), MAX_REGIONS):
            chosen = [region for _, region in of_picture[start : start + MAX_REGIONS]]
            region_names = [_name(region, names, place) for place, region in of_picture[start : start + MAX_REGIONS]]
            caption = picture.get("caption")
            wordings = WORDINGS["category"].templates if caption is None else WORDINGS["short"].templates
            answers = region_names if caption is None else [str(caption)] * len(region_names)
            key = f"{number} {start}"
            yield (
                Message("coco.picture", {"id": str(number)}),
                picture_item(picture, key, chosen, region_names, _asked(wordings, key, answers)),
            )


def picture_item(
    picture: Mapping[str, Any],
    key: str,
    regions: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    conversations: Sequence[Mapping[str, str]],
) -> dict[str, Any]:
    """One item in the shape of records, from COCO's entries of a picture and of its regions."""
    annotation = []
    for region, name in zip(regions, names, strict=True):
        segmentation = {"segmentation": region["segmentation"]} if "segmentation" in region else {}
        annotation.append({**segmentation, "name": name})
    return {
        "id": key,
        "file_name": file_name(picture),
        "height": picture.get("height"),
        "width": picture.get("width"),
        "annotation": annotation,
        "conversations": list(conversations),
    }


def file_name(picture: Mapping[str, Any]) -> str | None:
    """A picture's file name; LVIS gives it as the end of an address."""
    name = picture.get("file_name")
    if name is None and isinstance(picture.get("coco_url"), str):
        name = "/".join(str(picture["coco_url"]).split("/")[-2:])
    return name


def entries(content: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The list under a key. Raises InputError unless it is a list of objects."""
    listed = content.get(key)
    if not isinstance(listed, list):
        raise InputError("coco.not_a_list", key=key)
    for place, entry in enumerate(listed):
        if not isinstance(entry, Mapping):
            raise InputError("coco.entry_not_object", key=key, place=place, kind=type(entry).__name__)
    return listed


def by_id(content: Mapping[str, Any], key: str) -> dict[Any, Mapping[str, Any]]:
    """The entries under a key by their `id`. Raises InputError for an entry without."""
    entries_by_id = {}
    for place, entry in enumerate(entries(content, key)):
        if not isinstance(entry.get("id"), int | str):
            raise InputError("coco.id_missing", key=key, place=place)
        entries_by_id[entry["id"]] = entry
    return entries_by_id


def category_names(content: Mapping[str, Any]) -> dict[Any, str]:
    """Names of the categories by id, as one says them: "bow_(weapon)" is a bow, "car:wheel" a car wheel."""
    names = {}
    for number, category in by_id(content, "categories").items():
        name = category.get("name")
        if not isinstance(name, str) or not name.strip():
            raise InputError("coco.category_nameless", number=str(number))
        names[number] = spoken_name(name.replace(":", " ")) or name
    return names


def spoken_name(name: str) -> str:
    """A name as one says it: without underscores and without notes in brackets."""
    return " ".join(_NOTE.sub("", name.replace("_", " ")).split())


def _name(region: Mapping[str, Any], names: Mapping[Any, str], place: int) -> str:
    category = region.get("category_id")
    if category not in names:
        raise InputError("coco.category_unknown", where=_annotation(region, place), category=repr(category))
    return names[category]


def _annotation(region: Mapping[str, Any], place: int) -> Message:
    return Message("coco.annotation", {"id": str(region.get("id", place))})


def _asked(wordings: Sequence[str], key: str, answers: Sequence[str]) -> list[dict[str, str]]:
    conversations = []
    for place, answer in enumerate(answers):
        conversations.append({"from": "human", "value": worded(wordings, key, place + 1)})
        conversations.append({"from": "gpt", "value": answer})
    return conversations
