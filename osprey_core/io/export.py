"""Export and import of a conversation as one zip: record, picture, COCO annotations, masks, overlay, Markdown.

The same record always gives the same bytes. Imported files are untrusted: every size is checked before memory is
allocated, and nothing is unpacked to disk.
"""

from __future__ import annotations

import io
import math
import os
import re
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from osprey_core.draw import overlays
from osprey_core.errors import InputError
from osprey_core.io import annotation_formats, record_json
from osprey_core.io.files import plain_json, read_file
from osprey_core.io.pictures import read_picture
from osprey_core.io.record import MAX_PICTURE_BYTES, DescribedSegment, Record, RecordedRegion, RecordedTurn
from osprey_core.language.prompts import QUESTIONS
from osprey_core.regions.colors import color_of
from osprey_core.regions.masks import box_xyxy
from osprey_core.regions.mentions import REGION_WORD
from osprey_core.regions.region import NumberedMask
from osprey_core.regions.rle import CodedMask

RECORD_FILE = "conversation.json"
MARKDOWN_FILE = "conversation.md"
COCO_FILE = "annotations.json"
OVERLAY_FILE = "overlay.png"
EVERYTHING_FILE = "everything.json"

MAX_ARCHIVE_BYTES = 256 * 2**20
MAX_ENTRIES = 4000
MAX_RECORD_BYTES = 16 * 2**20
"""Largest JSON that is read, without an embedded picture; most of it are masks."""

MAX_OVERLAY_PIXELS = 16_000_000
"""Largest overlay; that of a larger picture is reduced, because drawing takes many bytes a pixel."""
MAX_OVERLAY_MASK_PIXELS = 400_000_000
"""Pixels of all masks of an overlay together, a byte each."""

MAX_CUTOUT_PIXELS = 60_000_000
"""Pixels of all cut-outs together; further regions have none."""

UNNAMED_CATEGORY = "region"

_PICTURE_FILE = re.compile(r"picture\.[a-z0-9]{1,8}")
_SUFFIXES = {"JPEG": "jpg", "TIFF": "tif", "JPEG2000": "jp2"}
_DIRECTORY_END, _ZIP64_LOCATOR = b"PK\x05\x06", b"PK\x06\x07"
_DIRECTORY_END_LENGTH = 22


def write_zip(conversation: Record) -> bytes:
    """A conversation as one zip; `read_conversation` reads it back.

    conversation.json is the record, picture.* the picture's original file, annotations.json COCO (see `to_coco`),
    masks/region-N.png a black and white mask for each region, overlay.png the picture with its regions drawn on it,
    conversation.md the questions and answers. For other programs, see `annotation_formats`: annotations-polygons.json,
    labelme.json, yolo/, labels.png, regions.csv, cutouts/region-N.png. What was told of all segments is in
    everything.json (COCO with captions) and everything.csv.
    """
    picture_file = f"picture.{_suffix(conversation.picture.data)}"
    texts = {
        RECORD_FILE: record_json.to_json(conversation, picture_file),
        MARKDOWN_FILE: to_markdown(conversation),
        COCO_FILE: plain_json(to_coco(conversation, picture_file)),
        **_other_formats(conversation, picture_file),
        **_everything(conversation, picture_file),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in texts.items():
            _add(archive, name, text.encode("utf-8"), zipfile.ZIP_DEFLATED)
        _add(archive, picture_file, conversation.picture.data)
        _add(archive, OVERLAY_FILE, overlay_png(conversation))
        for region in conversation.regions:
            _add(archive, mask_file(region.number), _png(region.mask.mask().astype(np.uint8) * 255))
        if conversation.regions:
            image = np.asarray(read_picture(conversation.picture.data))
            _add(archive, "labels.png", annotation_formats.label_map_png(conversation))
            room = MAX_CUTOUT_PIXELS
            for region in conversation.regions:
                x0, y0, x1, y1 = box_xyxy(region.mask.mask())
                room -= (x1 - x0) * (y1 - y0)
                if room < 0:
                    break
                cutout = annotation_formats.cutout_png(image, region)
                _add(archive, f"cutouts/region-{region.number}.png", cutout)
    return buffer.getvalue()


def read_conversation(source: bytes | str | os.PathLike[str], picture: bytes | None = None) -> Record:
    """The conversation in a zip of `write_zip` or in the JSON of `record_json.to_json`.

    source: the bytes of the file, or its path. picture: the bytes of the picture's file, for JSON without it.
    Raises InputError for anything else, also for forged files.
    """
    data = source if isinstance(source, bytes) else read_file(Path(source), MAX_ARCHIVE_BYTES)
    if data[:2] == b"PK":
        return _from_zip(data, picture)
    limit = MAX_RECORD_BYTES + MAX_PICTURE_BYTES * 4 // 3
    if len(data) > limit:
        raise InputError("zip.file_too_large", limit=limit // 2**20)
    return record_json.from_json(data, picture)


def to_coco(conversation: Record, picture_file: str | None = None) -> dict[str, Any]:
    """The regions as a COCO dataset of one picture, ready for JSON and for pycocotools.

    Every region is an annotation with its run lengths, box (x, y, width, height), area and number. `captions` are the
    answers to questions about this region alone with exactly these pixels, `caption` is the latest of them. The
    category is the name. A region with the pixels of a described segment, about which nothing was asked, has that
    description as its caption.
    """
    names = list(dict.fromkeys(region.name or UNNAMED_CATEGORY for region in conversation.regions))
    annotations = []
    for place, region in enumerate(conversation.regions, 1):
        captions = _captions(conversation, region)
        entry = {
            "id": place,
            "image_id": 1,
            "category_id": 1 + names.index(region.name or UNNAMED_CATEGORY),
            **coco_shape(region.mask),
            "number": region.number,
            "name": region.name,
        }
        annotations.append(entry | ({"caption": captions[-1], "captions": captions} if captions else {}))
    return _dataset(conversation, picture_file, annotations, names)


def _dataset(
    conversation: Record, picture_file: str | None, annotations: list[dict[str, Any]], names: list[str]
) -> dict[str, Any]:
    """COCO's dataset of the one picture with these annotations and categories."""
    image = {
        "id": 1,
        "file_name": picture_file or conversation.picture.name,
        "width": conversation.picture.width,
        "height": conversation.picture.height,
    }
    return {
        "info": {"description": "Regions of a picture and what was said about them", "model": conversation.model},
        "licenses": [],
        "images": [image],
        "annotations": annotations,
        "categories": [{"id": place, "name": name} for place, name in enumerate(names, 1)],
    }


def _everything(conversation: Record, picture_file: str) -> dict[str, str]:
    """The described segments as COCO with captions and as a table; empty if there are none."""
    if not conversation.segments:
        return {}
    annotations = [
        {
            "id": place,
            "image_id": 1,
            "category_id": 1,
            **coco_shape(segment.mask),
            **({"caption": segment.caption} if segment.caption else {}),
            **({} if segment.score is None else {"score": segment.score}),
            **_compared(conversation, segment),
        }
        for place, segment in enumerate(conversation.segments, 1)
    ]
    coco = _dataset(conversation, picture_file, annotations, [UNNAMED_CATEGORY])
    return {
        EVERYTHING_FILE: plain_json(coco),
        "everything.csv": annotation_formats.segments_csv(conversation),
    }


def _compared(conversation: Record, segment: DescribedSegment) -> dict[str, Any]:
    """What the second model says of a segment, as `python -m osprey_core describe --compare-with` writes it."""
    told = {"caption": segment.compared, "error": segment.not_compared}
    said = {key: text for key, text in told.items() if text}
    return {"compared": {"model": conversation.compared_with} | said} if said and conversation.compared_with else {}


def _other_formats(conversation: Record, picture_file: str) -> dict[str, str]:
    """Texts for other programs by their names in the zip; none without regions."""
    if not conversation.regions:
        return {}
    polygons = to_coco(conversation, picture_file)
    for entry, region in zip(polygons["annotations"], conversation.regions, strict=True):
        entry["segmentation"] = annotation_formats.coco_polygons(region.mask.mask()) or entry["segmentation"]
    captions = {region.number: _captions(conversation, region)[-1:] for region in conversation.regions}
    last = {number: texts[0] for number, texts in captions.items() if texts}
    return {
        "annotations-polygons.json": plain_json(polygons),
        "labelme.json": plain_json(annotation_formats.to_labelme(conversation, picture_file)),
        "yolo/picture.txt": annotation_formats.to_yolo(conversation),
        "yolo/classes.txt": "".join(f"{name}\n" for name in annotation_formats.class_names(conversation)),
        "regions.csv": annotation_formats.to_csv(conversation, last),
    }


def coco_shape(mask: CodedMask) -> dict[str, Any]:
    """COCO's entries for the pixels of a mask: segmentation, bbox (x, y, width, height), area, iscrowd."""
    x0, y0, x1, y1 = box_xyxy(mask.mask())
    return {
        "segmentation": mask.rle(),
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": mask.area,
        "iscrowd": 0,
    }


def to_markdown(conversation: Record) -> str:
    """The conversation as Markdown: a table of the regions, then questions and answers."""
    picture = conversation.picture
    lines = [f"# A conversation about {_escaped(picture.name)}", ""]
    lines += [f"![The picture with its regions]({OVERLAY_FILE})", ""]
    facts = [f"{picture.width} × {picture.height} pixels"]
    facts += [f"model {_escaped(conversation.model)}"] if conversation.model else []
    facts += [f"segmenter {_escaped(conversation.segmenter)}"] if conversation.segmenter else []
    lines += [", ".join(facts), ""]
    if (size := overlay_size(conversation)) != (picture.width, picture.height):
        lines += [f"{OVERLAY_FILE} is reduced to {size[0]} × {size[1]} pixels.", ""]
    if conversation.regions:
        lines += ["## Regions", "", "| region | name | colour | pixels | mask |", "| --- | --- | --- | --- | --- |"]
        lines += [
            f"| {region.number} | {_escaped(region.name)} | {color_of(region.number)} | {region.mask.area} "
            f"| [{mask_file(region.number)}]({mask_file(region.number)}) |"
            for region in conversation.regions
        ]
        lines.append("")
    if conversation.turns:
        lines += ["## Conversation", ""]
    for place, turn in enumerate(conversation.turns, 1):
        lines += [f"### {place}. {_asked_words(conversation, turn)}", ""]
        lines += [*_quoted(turn.typed or _in_page_numbers(conversation, turn, turn.question)), ""]
        lines += [_escaped_lines(_in_page_numbers(conversation, turn, turn.answer)) or "*(no answer)*", ""]
        if notes := _notes(turn):
            lines += [f"*{', '.join(notes)}*", ""]
    return "\n".join(lines)


def overlay_png(conversation: Record) -> bytes:
    """The picture with its regions and their names or descriptions drawn on it, as the bytes of a PNG file."""
    width, height = overlay_size(conversation)
    image = read_picture(conversation.picture.data)
    is_whole = (width, height) == image.size
    words = {region.number: region.name or _description(conversation, region) for region in conversation.regions}
    regions = [
        region.region() if is_whole else _reduced(region.region(), width, height) for region in conversation.regions
    ]
    drawn_on = image if is_whole else image.resize((width, height), Image.Resampling.BOX)
    return _png(overlays.overlay(np.asarray(drawn_on), regions, captions=words))


def overlay_size(conversation: Record) -> tuple[int, int]:
    """Width and height of the overlay: the picture's, or less for very large ones with many regions."""
    picture = conversation.picture
    limit = min(MAX_OVERLAY_PIXELS, MAX_OVERLAY_MASK_PIXELS / max(1, len(conversation.regions)))
    scale = math.sqrt(limit / (picture.width * picture.height))
    if scale >= 1:
        return picture.width, picture.height
    return max(1, int(picture.width * scale)), max(1, int(picture.height * scale))


def _reduced(region: NumberedMask, width: int, height: int) -> NumberedMask:
    """The region in a smaller picture; it covers the pixels that it covered in part, so that it never vanishes."""
    covered = Image.fromarray(region.mask.view(np.uint8) * np.uint8(255)).resize((width, height), Image.Resampling.BOX)
    return replace(region, mask=np.asarray(covered) > 0)


def mask_file(number: int) -> str:
    """Name in the zip of the mask of the region with this number."""
    return f"masks/region-{number}.png"


# --- writing ---------------------------------------------------------------------------------------------------------


def _add(archive: zipfile.ZipFile, name: str, data: bytes, compression: int = zipfile.ZIP_STORED) -> None:
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))  # no clock: the same record, the same bytes
    entry.compress_type = compression
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, data)


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def _suffix(data: bytes) -> str:
    """The usual ending of a picture's file, by its contents."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            kind = image.format or ""
    except (OSError, ValueError, Image.DecompressionBombError):
        kind = ""
    return _SUFFIXES.get(kind, kind.lower()) or "bin"


def _captions(conversation: Record, region: RecordedRegion) -> list[str]:
    """Answers to questions about this region alone, as long as its pixels are those that were asked about.

    Without one, the description of the segment with the same pixels.
    """
    answers = [turn.answer for turn in _turns_about(conversation, region)]
    told = [segment.caption for segment in conversation.segments if segment.mask == region.mask and segment.caption]
    return answers or told[:1]


def _description(conversation: Record, region: RecordedRegion) -> str:
    """What was last said of this region when nothing but a description was asked for; empty if nothing was."""
    asked = {REGION_WORD.sub("region", QUESTIONS[style]) for style in ("short", "category", "detailed")}
    found = [
        turn.answer for turn in _turns_about(conversation, region) if REGION_WORD.sub("region", turn.question) in asked
    ]
    return found[-1] if found else ""


def _turns_about(conversation: Record, region: RecordedRegion) -> list[RecordedTurn]:
    return [
        turn
        for turn in conversation.turns
        if turn.answer and [(r.number, r.mask) for r in conversation.asked(turn)] == [(region.number, region.mask)]
    ]


def _asked_words(conversation: Record, turn: RecordedTurn) -> str:
    asked = conversation.asked(turn)
    if not asked:
        return "About the picture"
    named = [f"{region.number}{f' ({_escaped(region.name)})' if region.name else ''}" for region in asked]
    return f"About region{'s' if len(named) > 1 else ''} {', '.join(named)}"


def _in_page_numbers(conversation: Record, turn: RecordedTurn, text: str) -> str:
    """Text in which the model's region1, region2 … carry the numbers that the regions have for the person."""
    known = len(conversation.spoken) if turn.known_regions is None else turn.known_regions

    def number(match: re.Match[str]) -> str:
        place = int(match[1] or match[2])
        return f"region {conversation.spoken[place - 1].number}" if 1 <= place <= known else match[0]

    return REGION_WORD.sub(number, text)


def _notes(turn: RecordedTurn) -> list[str]:
    notes = {"stopped": ["stopped"], "length": ["cut off at the length limit"]}.get(turn.state, [])
    notes += [f"model {_escaped(turn.model)}"] if turn.model else []
    if turn.settings is not None:
        notes.append(f"temperature {turn.settings.temperature:g}")
        notes += [f"seed {turn.settings.seed}"] if turn.settings.seed is not None else []
    if turn.measures is not None and turn.measures.new_tokens:
        notes.append(f"{turn.measures.new_tokens} tokens")
    if turn.measures is not None and turn.measures.guesses:
        told = [f"{_escaped(name)} ({confidence:.0%})".replace("%", " %") for name, confidence in turn.measures.guesses]
        notes.append(f"{'not sure: ' if turn.measures.is_unsure else ''}{', '.join(told)}".lstrip())
        notes += [f"perhaps {_escaped(turn.measures.finer_name)}"] if turn.measures.finer_name else []
    return notes + ([f"marked as {turn.rating}d"] if turn.rating else [])


def _escaped(text: str) -> str:
    """The text in one line, escaped for Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&$!])", r"\\\1", " ".join(text.split()))


def _escaped_lines(text: str) -> str:
    """As `_escaped` with its lines kept apart, none of which begins a list, a rule or a heading."""
    lines = [
        re.sub(r"^([-+=]|\d+[.)])", lambda sign: _escaped_sign(sign[0]), _escaped(line)) for line in text.split("\n")
    ]
    return "  \n".join(lines).strip()


def _escaped_sign(sign: str) -> str:
    return f"{sign[:-1]}\\{sign[-1]}"


def _quoted(text: str) -> list[str]:
    return [f"> {line}" for line in _escaped_lines(text).split("\n")]


# --- reading ---------------------------------------------------------------------------------------------------------


def _from_zip(data: bytes, picture: bytes | None) -> Record:
    if len(data) > MAX_ARCHIVE_BYTES:
        raise InputError("zip.too_large", limit=MAX_ARCHIVE_BYTES // 2**20)
    _check_directory(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if len(set(names)) != len(names):
                raise InputError("zip.damaged")
            if RECORD_FILE not in names:
                raise InputError("zip.record_missing", name=RECORD_FILE)
            text = _entry(archive, RECORD_FILE, MAX_RECORD_BYTES)
            if picture is None and (name := record_json.picture_file_of(text)) is not None:
                # Only a plain name inside the archive is looked up, never a path.
                if not _PICTURE_FILE.fullmatch(name) or name not in names:
                    raise InputError("zip.picture_missing")
                picture = _entry(archive, name, MAX_PICTURE_BYTES)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("zip.damaged") from None  # damaged, encrypted, or of an unsupported compression
    return record_json.from_json(text, picture)


def _check_directory(data: bytes) -> None:
    """Refuse archives with too long a list of entries before that list is parsed. Raises InputError."""
    end = data[-_DIRECTORY_END_LENGTH:]
    if len(data) < _DIRECTORY_END_LENGTH or end[:4] != _DIRECTORY_END or end[-2:] != b"\0\0":
        raise InputError("zip.damaged")
    if _ZIP64_LOCATOR in data[-_DIRECTORY_END_LENGTH - 20 : -_DIRECTORY_END_LENGTH]:
        raise InputError("zip.damaged")
    count, length = int.from_bytes(end[10:12], "little"), int.from_bytes(end[12:16], "little")
    if count > MAX_ENTRIES or length > MAX_ENTRIES * 512:
        raise InputError("zip.entries_too_many", limit=MAX_ENTRIES)


def _entry(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """One entry. Never unpacks more than `limit` bytes, whatever size the archive declares."""
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError("zip.damaged")  # other compressions cannot be unpacked in bounded pieces
    with archive.open(name) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise InputError("zip.entry_too_large", name=name, limit=limit // 2**20)
    return data
