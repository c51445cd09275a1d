"""Records in the shape of the published Osprey-724K files: pictures by name, regions, conversations, as JSON.

One record is `{id, file_name, height, width, annotation: [...], conversations: [{from, value}, ...]}`. A region's
`segmentation` is a list of polygons or a COCO run-length encoding; the texts call regions `<region1>` and so on. In
place of `conversations` there may be a `description` of each region; a record without regions may be in LLaVA's shape
(`image`, `conversations`). Made samples and the published data are read and written by the same code; other files are
converted into this shape first (`coco`, `expressions`). This module opens no pictures.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from osprey_core.errors import InputError
from osprey_core.i18n import Message
from osprey_core.language.prompts import Turn
from osprey_core.regions.mentions import REGION_TAG
from osprey_core.training.dialogues.phrasings import WORDINGS

_PICTURE_MARK = re.compile(r"<image>\s*")
_LABEL = re.compile(rf"^\s*{REGION_TAG.pattern}\s*:\s*")
_SPEAKERS = {"human": 0, "gpt": 1}


@dataclass(frozen=True)
class TrainingRecord:
    """One picture's regions and conversation.

    masks are bool (height, width); kinds, where known, names the kind of question of each turn. Without masks the
    size may be unknown, (0, 0).
    """

    id: str
    file_name: str
    size_hw: tuple[int, int]
    masks: tuple[np.ndarray, ...]
    turns: tuple[Turn, ...]
    kinds: tuple[str, ...] = ()
    region_names: tuple[str, ...] = field(default=())


def record_from_sample(
    sample_id: str, file_name: str, masks: Sequence[np.ndarray], turns: Iterable[Any], region_names: Sequence[str] = ()
) -> TrainingRecord:
    """A record of a made sample; turns have question, answer, known_regions and maybe kind.

    Raises InputError without a mask to take the picture's size from.
    """
    if not masks:
        raise InputError("samples.mask_missing")
    listed = list(turns)
    return TrainingRecord(
        sample_id,
        file_name,
        (masks[0].shape[0], masks[0].shape[1]),
        tuple(np.asarray(mask, bool) for mask in masks),
        tuple(Turn(turn.question, turn.answer, turn.known_regions) for turn in listed),
        tuple(getattr(turn, "kind", "") for turn in listed),
        tuple(region_names),
    )


def save_records(records: Iterable[TrainingRecord], path: str | Path) -> None:
    """Write records as one JSON list."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps([to_json(record) for record in records], ensure_ascii=False), encoding="utf-8")


def to_json(record: TrainingRecord) -> dict[str, Any]:
    """A record as JSON values, masks run-length encoded without loss."""
    annotation = []
    for place, mask in enumerate(record.masks):
        coded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
        entry: dict[str, Any] = {
            "segmentation": {"size": [int(v) for v in coded["size"]], "counts": coded["counts"].decode("ascii")},
            "bbox": [float(v) for v in coco_mask.toBbox(coded)],
            "area": int(coco_mask.area(coded)),
        }
        if record.region_names:
            entry["name"] = record.region_names[place]
        annotation.append(entry)
    conversations: list[dict[str, Any]] = []
    for place, turn in enumerate(record.turns):
        asked: dict[str, Any] = {"from": "human", "value": turn.question}
        if turn.known_regions is not None:
            asked["known_regions"] = turn.known_regions
        if record.kinds:
            asked["kind"] = record.kinds[place]
        conversations += [asked, {"from": "gpt", "value": turn.answer}]
    size = {"height": record.size_hw[0], "width": record.size_hw[1]} if all(record.size_hw) else {}
    return {
        "id": record.id,
        "file_name": record.file_name,
        **size,
        "annotation": annotation,
        "conversations": conversations,
    }


def from_json(item: Any) -> TrainingRecord:
    """Check and decode one record; InputError in one sentence says what is wrong and what is expected."""
    if not isinstance(item, Mapping):
        raise InputError("samples.not_object", kind=_kind(item))
    file_name = item.get("file_name", item.get("image"))
    if not isinstance(file_name, str) or not file_name:
        raise InputError("samples.file_name_invalid", value=repr(file_name))
    annotation = item.get("annotation", [] if "image" in item else None)
    if not isinstance(annotation, list):
        raise InputError("samples.annotation_not_list", kind=_kind(annotation))
    sizeless = not annotation and "height" not in item and "width" not in item
    size_hw = (0, 0) if sizeless else (_side(item, "height"), _side(item, "width"))
    masks = tuple(region_mask(entry, place, size_hw) for place, entry in enumerate(annotation))
    names = tuple(str(entry.get("name", "")) for entry in annotation)
    kinds: tuple[str, ...] = ()
    if "conversations" not in item and "description" in item:
        turns = _described(item["description"], str(item.get("id", file_name)), len(masks))
    else:
        turns, kinds = _turns(item.get("conversations"), len(masks))
    return TrainingRecord(
        str(item.get("id", "")),
        file_name,
        size_hw,
        masks,
        turns,
        kinds if any(kinds) else (),
        names if any(names) else (),
    )


def worded(wordings: Sequence[str], key: str, region: int) -> str:
    """A question about a region (from 1) in one of its wordings: always the same for the same key."""
    return wordings[zlib.crc32(f"{key} {region}".encode()) % len(wordings)].replace("{r}", f"<region{region}>")


def introduced(record: TrainingRecord) -> TrainingRecord:
    """The record with regions called "region1" instead of shown where they are mentioned.

    Its first question then introduces all of them, as the published conversations do, whose answers call regions by
    their names.
    """
    turns = tuple(
        Turn(REGION_TAG.sub(r"region\1", turn.question), REGION_TAG.sub(r"region\1", turn.answer), turn.known_regions)
        for turn in record.turns
    )
    return replace(record, turns=turns)


def answers_mention_regions(record: TrainingRecord) -> bool:
    """Whether an answer calls a region by its name."""
    return any(REGION_TAG.search(turn.answer) for turn in record.turns)


def _side(item: Mapping[str, Any], key: str) -> int:
    value = item.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 100_000:
        raise InputError("samples.side_invalid", key=key, value=repr(value))
    return value


def region_mask(entry: Any, place: int, size_hw: tuple[int, int]) -> np.ndarray:
    """The mask bool (H, W) of an annotation in COCO's shape, the one at `place` from 0.

    Raises InputError where it cannot be decoded, or with the code "samples.segmentation_empty" where it covers nothing.
    """
    where = Message("samples.region", {"place": place + 1})
    if not isinstance(entry, Mapping) or "segmentation" not in entry:
        raise InputError("samples.segmentation_missing", where=where)
    segmentation = entry["segmentation"]
    try:
        if isinstance(segmentation, Mapping):
            mask = _decode_rle(segmentation, where, size_hw)
        elif isinstance(segmentation, list) and segmentation:
            polygons = [segmentation] if isinstance(segmentation[0], int | float) else segmentation
            flat = [_polygon(polygon, where) for polygon in polygons]
            coded = coco_mask.merge(coco_mask.frPyObjects(flat, *size_hw))
            mask = coco_mask.decode(coded).astype(bool)
        else:
            raise InputError("samples.segmentation_invalid", where=where, kind=_kind(segmentation))
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("samples.segmentation_undecodable", where=where, reason=str(error)) from error
    if not mask.any():
        raise InputError("samples.segmentation_empty", where=where, height=size_hw[1], width=size_hw[0])
    return np.asarray(mask)


def _decode_rle(coded: Mapping[str, Any], where: Message, size_hw: tuple[int, int]) -> np.ndarray:
    size = coded.get("size")
    if not isinstance(size, list) or [*size] != [*size_hw]:
        raise InputError("samples.rle_size_mismatch", where=where, size=str(size), picture_size=str([*size_hw]))
    counts = coded.get("counts")
    if isinstance(counts, list):  # plain run lengths, column by column, starting with zeros
        runs = np.asarray(counts, np.int64)
        if runs.ndim != 1 or (runs < 0).any() or runs.sum() != size_hw[0] * size_hw[1]:
            raise InputError("samples.rle_incomplete", where=where, height=size_hw[0], width=size_hw[1])
        flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
        return flat.reshape(size_hw[1], size_hw[0]).T
    if not isinstance(counts, str) or not counts or not _adds_up(counts, size_hw):
        raise InputError("samples.rle_broken", where=where, height=size_hw[0], width=size_hw[1])
    return np.asarray(coco_mask.decode({"size": [*size_hw], "counts": counts.encode("ascii")})).astype(bool)


def _adds_up(counts: str, size_hw: tuple[int, int]) -> bool:
    """Whether COCO's compressed run lengths cover the picture exactly; its C decoder trusts them blindly."""
    runs: list[int] = []
    place = 0
    while place < len(counts):
        value, shift, more = 0, 0, True
        while more:
            if place >= len(counts) or shift > 60:
                return False
            code = ord(counts[place]) - 48
            if not 0 <= code < 64:
                return False
            value |= (code & 0x1F) << shift
            more = bool(code & 0x20)
            place, shift = place + 1, shift + 5
            if not more and code & 0x10:
                value |= -1 << shift
        if len(runs) > 2:
            value += runs[-2]
        if value < 0:
            return False
        runs.append(value)
    return sum(runs) == size_hw[0] * size_hw[1]


def _polygon(polygon: Any, where: Message) -> list[float]:
    if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
        raise InputError("samples.polygon_too_short", where=where)
    values = [float(v) for v in polygon]
    if not np.isfinite(values).all():
        raise InputError("samples.polygon_not_numbers", where=where)
    return values


def _turns(conversations: Any, region_count: int) -> tuple[tuple[Turn, ...], tuple[str, ...]]:
    if not isinstance(conversations, list) or not conversations or len(conversations) % 2:
        raise InputError("samples.conversations_invalid")
    turns, kinds = [], []
    for place, said in enumerate(conversations):
        speaker = said.get("from") if isinstance(said, Mapping) else None
        if _SPEAKERS.get(str(speaker)) != place % 2 or not isinstance(said.get("value"), str):
            expected = "human" if place % 2 == 0 else "gpt"
            raise InputError("samples.conversation_entry_invalid", place=place + 1, speaker=repr(expected))
        text = _PICTURE_MARK.sub("", said["value"]).strip()
        if place % 2 == 0:
            for number in REGION_TAG.findall(text):
                if not 1 <= int(number) <= region_count:
                    raise InputError("samples.mention_unknown", number=number, count=region_count)
            known = said.get("known_regions")
            if known is not None and (not isinstance(known, int) or not 0 <= known <= region_count):
                raise InputError("samples.known_regions_invalid", value=repr(known), limit=region_count)
            turns.append(Turn(text, "", known))
            kinds.append(str(said.get("kind", "")))
        else:
            turns[-1] = Turn(turns[-1].question, text, turns[-1].known_regions)
    return tuple(turns), tuple(kinds)


def _described(description: Any, key: str, region_count: int) -> tuple[Turn, ...]:
    """Turns that ask for each region's detailed description, given as "<region1>: …"."""
    if not isinstance(description, list) or len(description) != region_count or not region_count:
        have = len(description) if isinstance(description, list) else _kind(description)
        raise InputError("samples.descriptions_mismatch", count=region_count, given=have)
    turns = []
    for place, text in enumerate(description):
        if not isinstance(text, str) or not _LABEL.sub("", text).strip():
            raise InputError("samples.description_empty", place=place + 1)
        turns.append(Turn(worded(WORDINGS["detailed"].templates, key, place + 1), _LABEL.sub("", text).strip()))
    return tuple(turns)


def _kind(value: Any) -> Message:
    if value is None:
        return Message("samples.kind_missing")
    return Message("samples.kind_of", {"kind": type(value).__name__})
