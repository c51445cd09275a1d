"""Lossless conversion of a conversation's record to and from JSON; the JSON that is read is untrusted.

The schema of the JSON is declared below as pydantic models; they are converted to the values of `record`.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from osprey_core.errors import InputError
from osprey_core.i18n import Message
from osprey_core.io.files import parse_json, plain_json
from osprey_core.io.record import (
    MAX_PICTURE_BYTES,
    MAX_REGIONS,
    MAX_TEXT_CHARACTERS,
    MAX_TURNS,
    AnswerMeasures,
    DescribedSegment,
    Rating,
    Record,
    RecordedPicture,
    RecordedRegion,
    RecordedTurn,
    TurnState,
    file_name,
)
from osprey_core.language.sampling import SamplingSettings
from osprey_core.regions.colors import color_of
from osprey_core.regions.masks import box_xyxy
from osprey_core.regions.region import MAX_NAME_CHARACTERS
from osprey_core.regions.rle import CodedMask

FORMAT = "osprey-conversation-1"

MAX_NUMBER = 1_000_000
MAX_JSON_PARTS = 2_000_000
_MAX_WHOLE = 2**63 - 1
_MAX_FRACTION = 1e15


def to_json(record: Record, picture_file: str | None = None) -> str:
    """The record as JSON text, equal for equal records; `from_json` reads it back.

    picture_file: the name of the picture's file beside the JSON; None embeds the picture.
    """
    picture: dict[str, Any] = {
        "name": record.picture.name,
        "width": record.picture.width,
        "height": record.picture.height,
        "sha256": record.picture.digest,
    }
    if picture_file is None:
        picture["data"] = base64.b64encode(record.picture.data).decode("ascii")
    else:
        picture["file"] = picture_file
    values = {
        "format": FORMAT,
        "picture": picture,
        "model": record.model,
        "segmenter": record.segmenter,
        "regions": [_region_values(region) for region in record.regions],
        "spoken": [_region_values(region) for region in record.spoken],
        "turns": [dataclasses.asdict(turn) for turn in record.turns],
    }
    if record.segments:
        values["segments"] = [
            {"caption": segment.caption, "score": segment.score, "rle": segment.mask.rle(), **_compared(segment)}
            for segment in record.segments
        ]
    if record.compared_with:
        values["compared_with"] = record.compared_with
    return plain_json(values)


def from_json(text: str | bytes, picture: bytes | None = None) -> Record:
    """The record that `to_json` wrote.

    picture: the bytes of the picture's file, if the JSON does not embed it.
    Raises InputError for anything that is not a complete record, and if the picture is missing.
    """
    values = _object(text)
    if values.get("format") != FORMAT:
        raise InputError("record.format_unknown")
    try:
        read = _RecordJson.model_validate(values)
    except ValidationError as error:
        raise _refusal(error) from None
    size_hw = read.picture.height, read.picture.width
    return Record(
        _picture(read.picture, picture),
        tuple(_region(region, size_hw) for region in read.regions),
        tuple(_region(region, size_hw) for region in read.spoken),
        tuple(_turn(turn) for turn in read.turns),
        read.model,
        read.segmenter,
        tuple(_segment(segment, size_hw) for segment in read.segments),
        read.compared_with,
    )


def picture_file_of(text: str | bytes) -> str | None:
    """The name of the picture's file in a record's JSON; None if it names none."""
    described = _object(text).get("picture")
    name = described.get("file") if isinstance(described, dict) else None
    return name if isinstance(name, str) else None


# --- shape -----------------------------------------------------------------------------------------------------------

_LIMITS = {
    "width": (1, 10**6),
    "height": (1, 10**6),
    "number": (1, MAX_NUMBER),
    "known_regions": (0, MAX_REGIONS),
    "about": (1, MAX_REGIONS),
}
"""Lowest and highest value of an integer entry; `_COUNT` applies to all others."""
_COUNT = (0, _MAX_WHOLE)


def _within(limits: tuple[int, int]) -> Any:
    return Field(ge=limits[0], le=limits[1])


Text = Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS)]
Name = Annotated[str, Field(max_length=MAX_NAME_CHARACTERS)]
Count = Annotated[int, _within(_COUNT)]
Fraction = Annotated[float, Field(ge=-_MAX_FRACTION, le=_MAX_FRACTION)]


class _Json(BaseModel):
    """Base of all objects of the record; unknown entries are ignored."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class _PictureJson(_Json):
    name: Name = ""
    width: Annotated[int, _within(_LIMITS["width"])]
    height: Annotated[int, _within(_LIMITS["height"])]
    sha256: Any = None
    data: Any = None
    """The file in base 64, if the picture is embedded."""


class _RegionJson(_Json):
    number: Annotated[int, _within(_LIMITS["number"])]
    name: Name = ""
    rle: Any = None
    """Checked by `CodedMask.read`."""


class _SegmentJson(_Json):
    caption: Text = ""
    compared: Text = ""
    not_compared: Text = ""
    score: Fraction | None = None
    rle: Any = None
    """Checked by `CodedMask.read`."""


class _SettingsJson(_Json):
    temperature: Fraction = 0.0
    top_p: Fraction = 1.0
    max_new_tokens: Count | None = None
    seed: Count | None = None


class _MeasuresJson(_Json):
    prompt_tokens: Count = 0
    new_tokens: Count = 0
    seconds_to_first_token: Fraction = 0.0
    tokens_per_second: Fraction = 0.0
    finish_reason: Name = ""
    trimmed_turns: Count = 0
    confidence: Fraction | None = None
    second_guess: Name = ""
    second_confidence: Fraction | None = None
    third_guess: Name = ""
    third_confidence: Fraction | None = None
    first_guess: Name = ""
    unsure_below: Fraction | None = None
    finer_name: Name = ""


class _TurnJson(_Json):
    question: Text = ""
    answer: Text = ""
    known_regions: Annotated[int, _within(_LIMITS["known_regions"])] | None = None
    about: Annotated[list[Annotated[int, _within(_LIMITS["about"])]], Field(max_length=MAX_REGIONS)] | None = None
    typed: Text = ""
    state: TurnState = "complete"
    model: Text = ""
    settings: _SettingsJson | None = None
    measures: _MeasuresJson | None = None
    rating: Rating = ""


class _RecordJson(_Json):
    picture: _PictureJson
    model: Text = ""
    segmenter: Text = ""
    regions: Annotated[list[_RegionJson], Field(max_length=MAX_REGIONS)]
    spoken: Annotated[list[_RegionJson], Field(max_length=MAX_REGIONS)]
    turns: Annotated[list[_TurnJson], Field(max_length=MAX_TURNS)]
    segments: Annotated[list[_SegmentJson], Field(max_length=MAX_REGIONS)] = []
    compared_with: Text = ""


# --- reading ---------------------------------------------------------------------------------------------------------


def _object(text: str | bytes) -> dict[str, Any]:
    values = parse_json(text, MAX_JSON_PARTS)
    if not isinstance(values, dict):
        raise InputError("json.not_object")
    return values


def _picture(described: _PictureJson, picture: bytes | None) -> RecordedPicture:
    data, name = picture, file_name(described.name)
    if data is None and isinstance(described.data, str):
        if len(described.data) > MAX_PICTURE_BYTES * 4 // 3 + 4:
            raise InputError("record.picture_too_large", limit=MAX_PICTURE_BYTES // 2**20)
        try:
            data = base64.b64decode(described.data, validate=True)
        except (binascii.Error, ValueError):
            raise _damaged(Message("record.reason_picture_undecodable")) from None
        if hashlib.sha256(data).hexdigest() != described.sha256:
            raise _damaged(Message("record.reason_other_picture"))
    if data is None:
        raise InputError("record.picture_missing", name=name, width=described.width, height=described.height)
    read = RecordedPicture.read(data, name)
    if (read.width, read.height) != (described.width, described.height):
        raise InputError(
            "record.picture_mismatch",
            width=described.width,
            height=described.height,
            given_width=read.width,
            given_height=read.height,
        )
    return read


def _region(read: _RegionJson, size_hw: tuple[int, int]) -> RecordedRegion:
    return RecordedRegion(read.number, CodedMask.read(read.rle, size_hw), read.name)


def _segment(read: _SegmentJson, size_hw: tuple[int, int]) -> DescribedSegment:
    mask = CodedMask.read(read.rle, size_hw)
    return DescribedSegment(mask, read.caption, read.score, read.compared, read.not_compared)


def _turn(read: _TurnJson) -> RecordedTurn:
    return RecordedTurn(
        read.question,
        read.answer,
        read.known_regions,
        None if read.about is None else tuple(read.about),
        read.typed,
        read.state,
        read.model,
        None if read.settings is None else _settings(read.settings),
        None if read.measures is None else AnswerMeasures(**read.measures.model_dump()),
        read.rating,
    )


def _settings(read: _SettingsJson) -> SamplingSettings | None:
    """The settings; None if only earlier versions allowed them, such as a temperature of 5."""
    try:
        return SamplingSettings(**read.model_dump())
    except InputError:
        return None


def _compared(segment: DescribedSegment) -> dict[str, str]:
    """What the second model says of a segment, as far as it says anything."""
    told = {"compared": segment.compared, "not_compared": segment.not_compared}
    return {key: text for key, text in told.items() if text}


def _region_values(region: RecordedRegion) -> dict[str, Any]:
    return {
        "number": region.number,
        "name": region.name,
        "color": color_of(region.number),
        "area": region.mask.area,
        "box_xyxy": list(box_xyxy(region.mask.mask())),
        "rle": region.mask.rle(),
    }


# --- refusing --------------------------------------------------------------------------------------------------------


def _refusal(error: ValidationError) -> InputError:
    """The first validation error as an InputError."""
    first = error.errors(include_url=False, include_input=False)[0]
    path, kind = first["loc"], first["type"]
    part, rest = path[0], path[1:]
    key = next((str(name) for name in reversed(path) if isinstance(name, str)), "")
    if not rest:
        if kind == "too_long":
            count = int(first["ctx"]["actual_length"])
            if part == "turns":
                return InputError("record.turns_too_many", count=count, limit=MAX_TURNS)
            return InputError("record.regions_too_many", count=count, limit=MAX_REGIONS)
        if part in ("model", "segmenter", "compared_with"):
            return _damaged(Message("record.reason_no_text", {"key": key, "where": Message("record.where_record")}))
        return _damaged(Message("record.reason_no_part", {"key": key}))
    where = _where(part, rest)
    if part != "picture" and len(rest) == 1:
        return _damaged(Message("record.reason_no_object", {"where": where}))
    if key in ("state", "rating"):
        return _damaged(Message("record.reason_state_unknown", {"where": where}))
    if path[-1] == "about":
        return _damaged(Message("record.reason_about_unknown", {"where": where}))
    if path[-1] in ("settings", "measures"):
        return _damaged(Message("record.reason_settings_unreadable", {"where": where}))
    if kind in ("string_type", "string_too_long"):
        return _damaged(Message("record.reason_no_text", {"key": key, "where": where}))
    if key in ("temperature", "top_p", "seconds_to_first_token", "tokens_per_second"):
        return _damaged(Message("record.reason_no_number", {"key": key, "where": where}))
    low, high = _LIMITS.get(key, _COUNT)
    return _damaged(Message("record.reason_no_whole", {"key": key, "where": where, "low": low, "high": high}))


def _where(part: int | str, rest: tuple[int | str, ...]) -> Message:
    """The part of the record that contains the invalid value, for the error's sentence."""
    if part == "picture" or not isinstance(rest[0], int):
        return Message("record.where_picture")
    place = {"place": rest[0] + 1}
    return Message("record.where_question", place) if part == "turns" else Message("record.where_region", place)


def _damaged(reason: Message) -> InputError:
    return InputError("record.damaged", reason=reason)
