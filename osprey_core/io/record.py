"""A conversation about a picture as one value: the picture, its regions, and every question and answer.

It holds all that the model was given, so that any answer can be asked for again, and needs nothing from outside. It
goes to JSON and back without loss. Knows no archive, no page and no model.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar, get_args

from osprey_core.errors import InputError
from osprey_core.io.files import parse_json, plain_json
from osprey_core.io.pictures import read_picture
from osprey_core.language.prompts import Turn
from osprey_core.language.sampling import SamplingSettings
from osprey_core.regions.colors import color_of
from osprey_core.regions.masks import Mask, box_xyxy
from osprey_core.regions.mentions import REGION_TAG
from osprey_core.regions.region import MAX_NAME_CHARACTERS, NumberedMask, clean_name
from osprey_core.regions.rle import CodedMask

FORMAT = "osprey-conversation-1"

MAX_REGIONS = 1000
MAX_TURNS = 2000
MAX_TEXT_CHARACTERS = 100_000
MAX_PICTURE_BYTES = 40 * 2**20
MAX_NUMBER = 1_000_000
MAX_JSON_PARTS = 2_000_000

TurnState = Literal["complete", "length", "stopped"]
Rating = Literal["", "like", "dislike"]

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class RecordedPicture:
    """The picture as it came: the bytes of its file, and the size (upright) that they decode to."""

    data: bytes = field(repr=False)
    name: str
    width: int
    height: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", _file_name(self.name))

    @classmethod
    def read(cls, data: bytes, name: str) -> RecordedPicture:
        """Decode the bytes to learn the size. Raises InputError if they are no picture."""
        if len(data) > MAX_PICTURE_BYTES:
            raise InputError("record.picture_file_too_large", limit=MAX_PICTURE_BYTES // 2**20)
        image = read_picture(data)
        return cls(data, name, image.width, image.height)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the bytes, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def size_hw(self) -> tuple[int, int]:
        return self.height, self.width


@dataclass(frozen=True)
class RecordedRegion:
    """A region in little memory; `region()` gives it as everything else wants it. Its colour follows its number."""

    number: int
    mask: CodedMask
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", clean_name(self.name))

    @classmethod
    def of(cls, region: NumberedMask) -> RecordedRegion:
        return cls(region.number, CodedMask.of(region.mask), region.name)

    def region(self) -> NumberedMask:
        return NumberedMask(self.number, self.mask.mask(), self.name)


@dataclass(frozen=True)
class AnswerMeasures:
    """What was measured while an answer was written."""

    prompt_tokens: int = 0
    new_tokens: int = 0
    seconds_to_first_token: float = 0.0
    tokens_per_second: float = 0.0
    finish_reason: str = ""
    trimmed_turns: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.seconds_to_first_token) and math.isfinite(self.tokens_per_second)):
            raise InputError("record.measures_not_finite")


@dataclass(frozen=True)
class RecordedTurn:
    """One question as the model got it, and its answer.

    `<region1>`, `<region2>` … in the question, and the numbers in `about`, count `Record.spoken` from 1;
    `known_regions` and `about` mean what they mean in `osprey_core.prompts.Turn`.
    """

    question: str
    answer: str
    known_regions: int | None = None
    about: tuple[int, ...] | None = None
    typed: str = ""
    """What the person wrote, where that differs from the question."""
    state: TurnState = "complete"
    model: str = ""
    """The model that answered, where it is not the record's."""
    settings: SamplingSettings | None = None
    measures: AnswerMeasures | None = None
    rating: Rating = ""

    def __post_init__(self) -> None:
        if max(len(self.question), len(self.answer), len(self.typed)) > MAX_TEXT_CHARACTERS:
            raise InputError("record.text_too_long", limit=MAX_TEXT_CHARACTERS)

    @property
    def places(self) -> tuple[int, ...]:
        """Places, from 1, that the question mentions, each once, in order of first mention."""
        return tuple(dict.fromkeys(int(number) for number in REGION_TAG.findall(self.question)))

    def as_turn(self) -> Turn:
        """The turn as a part of the history that a later question gets."""
        return Turn(self.question, self.answer, self.known_regions, self.about)


@dataclass(frozen=True)
class Record:
    """A picture, its regions as they are now, and the conversation about it.

    `spoken` are the regions that the conversation is about, in the model's order and with the pixels and numbers that
    they had when they were asked about: a region changed since is another one there, a deleted one is still there.
    Raises InputError if the parts do not belong together.
    """

    picture: RecordedPicture
    regions: tuple[RecordedRegion, ...] = ()
    spoken: tuple[RecordedRegion, ...] = ()
    turns: tuple[RecordedTurn, ...] = ()
    model: str = ""
    segmenter: str = ""

    def __post_init__(self) -> None:
        if len(self.regions) > MAX_REGIONS or len(self.spoken) > MAX_REGIONS or len(self.turns) > MAX_TURNS:
            raise InputError("record.too_much", regions=MAX_REGIONS, turns=MAX_TURNS)
        numbers = [region.number for region in self.regions]
        if len(set(numbers)) != len(numbers):
            raise InputError("record.number_twice")
        for region in (*self.regions, *self.spoken):
            if region.mask.size_hw != self.picture.size_hw:
                raise InputError(
                    "record.mask_mismatch",
                    number=region.number,
                    width=region.mask.width,
                    height=region.mask.height,
                    picture_width=self.picture.width,
                    picture_height=self.picture.height,
                )
        for place, turn in enumerate(self.turns, 1):
            known = len(self.spoken) if turn.known_regions is None else turn.known_regions
            meant = (*turn.places, *(turn.about or ()))
            if not 0 <= known <= len(self.spoken) or not all(1 <= number <= known for number in meant):
                raise InputError("record.region_missing", place=place)

    def asked(self, turn: RecordedTurn) -> tuple[RecordedRegion, ...]:
        """The regions that a question is about, as they were then: those it mentions, or else those it implies."""
        known = len(self.spoken) if turn.known_regions is None else turn.known_regions
        implied = range(1, known + 1) if turn.about is None else turn.about
        return tuple(self.spoken[place - 1] for place in turn.places or implied)

    def request(self, place: int) -> dict[str, Any]:
        """The arguments of `View.ask` for a question's answer, by its place from 0, to come again word for word.

        A turn without settings, as earlier versions wrote them, is asked with the defaults.
        """
        turn = self.turns[place]
        known = len(self.spoken) if turn.known_regions is None else turn.known_regions
        return {
            "question": turn.question,
            "regions": self.model_masks()[:known],
            "history": [earlier.as_turn() for earlier in self.turns[:place] if earlier.answer],
            "about": turn.about,
            **dataclasses.asdict(turn.settings or SamplingSettings()),
        }

    def model_masks(self) -> list[Mask]:
        """Masks (H, W) of `spoken`: the `regions` of `View.ask`."""
        return [region.mask.mask() for region in self.spoken]

    def history(self) -> list[Turn]:
        """The answered turns: the `history` of `View.ask` for one more question."""
        return [turn.as_turn() for turn in self.turns if turn.answer]


def to_json(record: Record, picture_file: str | None = None) -> str:
    """The record as JSON text, always the same for the same record; `from_json` reads it back.

    picture_file: the name of the picture's file beside the JSON; None puts the picture itself into it.
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
    return plain_json(values)


def from_json(text: str | bytes, picture: bytes | None = None) -> Record:
    """The record that `to_json` wrote.

    picture: the bytes of the picture's file, where the JSON does not hold it itself.
    Raises InputError, in one sentence, for anything that is no whole record, and if the picture is missing.
    """
    values = _object(text)
    if values.get("format") != FORMAT:
        raise InputError("record.format_unknown")
    described = _part(values, "picture", dict, "record")
    size_hw = _whole(described, "height", 1, 10**6, "picture"), _whole(described, "width", 1, 10**6, "picture")
    name = _file_name(_text(described, "name", "picture", MAX_NAME_CHARACTERS))
    read = _picture(described, picture, name, size_hw)
    regions = _regions(values, "regions", size_hw)
    spoken = _regions(values, "spoken", size_hw)
    listed = _part(values, "turns", list, "record")
    if len(listed) > MAX_TURNS:
        raise InputError("record.turns_too_many", count=len(listed), limit=MAX_TURNS)
    turns = tuple(_turn(entry, f"question {place}") for place, entry in enumerate(listed, 1))
    return Record(read, regions, spoken, turns, _text(values, "model", "record"), _text(values, "segmenter", "record"))


def picture_file_of(text: str | bytes) -> str | None:
    """The name of the picture's file that a record's JSON points to, if it points to one."""
    described = _object(text).get("picture")
    name = described.get("file") if isinstance(described, dict) else None
    return name if isinstance(name, str) else None


# --- reading ---------------------------------------------------------------------------------------------------------


def _object(text: str | bytes) -> dict[str, Any]:
    values = parse_json(text, MAX_JSON_PARTS)
    if not isinstance(values, dict):
        raise InputError("json.not_object")
    return values


def _picture(described: Mapping[str, Any], given: bytes | None, name: str, size_hw: tuple[int, int]) -> RecordedPicture:
    data, embedded = given, described.get("data")
    if data is None and isinstance(embedded, str):
        if len(embedded) > MAX_PICTURE_BYTES * 4 // 3 + 4:
            raise InputError("record.picture_too_large", limit=MAX_PICTURE_BYTES // 2**20)
        try:
            data = base64.b64decode(embedded, validate=True)
        except (binascii.Error, ValueError):
            raise _damaged("the picture cannot be decoded") from None
        if hashlib.sha256(data).hexdigest() != described.get("sha256"):
            raise _damaged("its picture is not the one that the conversation is about")
    if data is None:
        raise InputError("record.picture_missing", name=name, width=size_hw[1], height=size_hw[0])
    read = RecordedPicture.read(data, name)
    if read.size_hw != size_hw:
        raise InputError(
            "record.picture_mismatch",
            width=size_hw[1],
            height=size_hw[0],
            given_width=read.width,
            given_height=read.height,
        )
    return read


def _region_values(region: RecordedRegion) -> dict[str, Any]:
    mask = region.mask.mask()
    return {
        "number": region.number,
        "name": region.name,
        "color": color_of(region.number),
        "area": region.mask.area,
        "box_xyxy": list(box_xyxy(mask)),
        "rle": region.mask.rle(),
    }


def _regions(values: Mapping[str, Any], key: str, size_hw: tuple[int, int]) -> tuple[RecordedRegion, ...]:
    listed = _part(values, key, list, "record")
    if len(listed) > MAX_REGIONS:
        raise InputError("record.regions_too_many", count=len(listed), limit=MAX_REGIONS)
    found = []
    for place, entry in enumerate(listed, 1):
        where = f"region {place}"
        if not isinstance(entry, dict):
            raise _damaged(f"{where} is no object")
        name = _text(entry, "name", where, MAX_NAME_CHARACTERS)
        mask = CodedMask.read(entry.get("rle"), size_hw)
        found.append(RecordedRegion(_whole(entry, "number", 1, MAX_NUMBER, where), mask, name))
    return tuple(found)


def _turn(entry: Any, where: str) -> RecordedTurn:
    if not isinstance(entry, dict):
        raise _damaged(f"{where} is no object")
    state, rating = entry.get("state", "complete"), entry.get("rating", "")
    if state not in get_args(TurnState) or rating not in get_args(Rating):
        raise _damaged(f"{where} has an unknown state or rating")
    known, about, measures = entry.get("known_regions"), entry.get("about"), entry.get("measures")
    if about is not None and not (isinstance(about, list) and len(about) <= MAX_REGIONS):
        raise _damaged(f"{where} is about something unknown")
    return RecordedTurn(
        question=_text(entry, "question", where),
        answer=_text(entry, "answer", where),
        known_regions=None if known is None else _whole(entry, "known_regions", 0, MAX_REGIONS, where),
        about=None if about is None else tuple(_checked_whole(number, 1, MAX_REGIONS, where) for number in about),
        typed=_text(entry, "typed", where),
        state=state,
        model=_text(entry, "model", where),
        settings=_sampling(entry.get("settings"), where),
        measures=None if measures is None else AnswerMeasures(**_values(measures, AnswerMeasures, where)),
        rating=rating,
    )


def _sampling(entry: Any, where: str) -> SamplingSettings | None:
    """None also for settings that only earlier versions allowed, such as a temperature of 5."""
    if entry is None:
        return None
    values = _values(entry, SamplingSettings, where)
    try:
        return SamplingSettings(**values)
    except InputError:
        return None


def _values(entry: Any, kind: type, where: str) -> dict[str, Any]:
    """Values for a dataclass of numbers and short texts from a JSON object; entries that it lacks are left out."""
    if not isinstance(entry, dict):
        raise _damaged(f"{where} has unreadable settings")
    read: dict[str, Any] = {}
    for wanted in dataclasses.fields(kind):
        if wanted.name not in entry:
            continue
        value = entry[wanted.name]
        if wanted.type == "str":
            read[wanted.name] = _text(entry, wanted.name, where, MAX_NAME_CHARACTERS)
        elif value is None and "None" in str(wanted.type):
            read[wanted.name] = None
        elif "int" in str(wanted.type):
            read[wanted.name] = _checked_whole(value, 0, 2**63 - 1, where)
        else:
            if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e15:
                raise _damaged(f"{where} has a {wanted.name} that is no number")
            read[wanted.name] = float(value)
    return read


def _part(values: Mapping[str, Any], key: str, kind: type[_Value], where: str) -> _Value:
    value = values.get(key)
    if not isinstance(value, kind):
        raise _damaged(f"the {where} has no {key}")
    return value


def _text(values: Mapping[str, Any], key: str, where: str, limit: int = MAX_TEXT_CHARACTERS) -> str:
    value = values.get(key, "")
    if not isinstance(value, str) or len(value) > limit:
        raise _damaged(f"the {key} of {where} is no text or too long")
    return value


def _whole(values: Mapping[str, Any], key: str, low: int, high: int, where: str) -> int:
    return _checked_whole(values.get(key), low, high, f"the {key} of {where}")


def _checked_whole(value: Any, low: int, high: int, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _damaged(f"{where} is no number from {low} to {high}")
    return value


def _file_name(name: str) -> str:
    """A file's name without folders and unprintable characters, fit to be shown; never empty."""
    return clean_name(re.split(r"[/\\]", name)[-1]) or "picture"


def _damaged(reason: str) -> InputError:
    return InputError("record.damaged", reason=reason)
