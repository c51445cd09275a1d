"""A conversation about a picture as one value: the picture, its regions, and every question and answer.

It contains everything that the model was given, including the settings of each answer, so that any answer can be
reproduced. `record_json` converts it to JSON, `export` to a zip.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from osprey_core.errors import InputError
from osprey_core.io.pictures import read_picture
from osprey_core.language.prompts import Turn
from osprey_core.language.sampling import SamplingSettings
from osprey_core.regions.masks import Mask
from osprey_core.regions.mentions import REGION_TAG
from osprey_core.regions.region import NumberedMask, clean_name
from osprey_core.regions.rle import CodedMask

MAX_REGIONS = 1000
MAX_TURNS = 2000
MAX_TEXT_CHARACTERS = 100_000
MAX_PICTURE_BYTES = 40 * 2**20

TurnState = Literal["complete", "length", "stopped"]
Rating = Literal["", "like", "dislike"]


@dataclass(frozen=True)
class RecordedPicture:
    """The picture as opened: the bytes of its file, and its decoded, upright size."""

    data: bytes = field(repr=False)
    name: str
    width: int
    height: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", file_name(self.name))

    @classmethod
    def read(cls, data: bytes, name: str) -> RecordedPicture:
        """Decode the bytes for their size. Raises InputError if they are not a picture."""
        if len(data) > MAX_PICTURE_BYTES:
            raise InputError("record.picture_file_too_large", limit=MAX_PICTURE_BYTES // 2**20)
        image = read_picture(data)
        return cls(data, name, image.width, image.height)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the bytes, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def file_bytes(self) -> int:
        """Size of the file in bytes."""
        return len(self.data)

    @property
    def memory_bytes(self) -> int:
        """Bytes that it takes in memory."""
        return len(self.data)

    @property
    def size_hw(self) -> tuple[int, int]:
        return self.height, self.width


@dataclass(frozen=True)
class RecordedRegion:
    """A region with a run-length coded mask; `region()` decodes it. Its colour follows from its number."""

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
class DescribedSegment:
    """A segment that the segmenter has found in the picture, with its description."""

    mask: CodedMask
    caption: str
    score: float | None = None
    """The segmenter's confidence in the outline, 0..1."""
    compared: str = ""
    """What the record's `compared_with` says of it."""
    not_compared: str = ""
    """Why `compared_with` could not describe it: a sentence."""

    def __post_init__(self) -> None:
        if max(len(self.caption), len(self.compared), len(self.not_compared)) > MAX_TEXT_CHARACTERS:
            raise InputError("record.text_too_long", limit=MAX_TEXT_CHARACTERS)


@dataclass(frozen=True)
class AnswerMeasures:
    """Measurements of one answer."""

    prompt_tokens: int = 0
    new_tokens: int = 0
    seconds_to_first_token: float = 0.0
    tokens_per_second: float = 0.0
    finish_reason: str = ""
    trimmed_turns: int = 0
    confidence: float | None = None
    """0..1, how sure a name is, where the answer is one; the next guesses have theirs."""
    second_guess: str = ""
    second_confidence: float | None = None
    third_guess: str = ""
    third_confidence: float | None = None
    first_guess: str = ""
    """The name that `confidence` is about; empty in records of earlier versions."""
    unsure_below: float | None = None
    """The model's own limit: below this confidence, a name is a question."""
    finer_name: str = ""
    """What kind of the named thing it perhaps is, such as "golden retriever" of a dog."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.seconds_to_first_token) and math.isfinite(self.tokens_per_second)):
            raise InputError("record.measures_not_finite")
        for confidence in (self.confidence, self.second_confidence, self.third_confidence, self.unsure_below):
            if confidence is not None and not 0 <= confidence <= 1:
                raise InputError("record.measures_not_finite")

    @property
    def guesses(self) -> tuple[tuple[str, float], ...]:
        """Name and confidence of the answer's name and the next guesses; empty if the answer is no name."""
        told = (
            (self.first_guess, self.confidence),
            (self.second_guess, self.second_confidence),
            (self.third_guess, self.third_confidence),
        )
        return tuple((name, confidence) for name, confidence in told if confidence is not None)

    @property
    def is_unsure(self) -> bool:
        """Whether the answer's name is a question."""
        return self.confidence is not None and self.unsure_below is not None and self.confidence < self.unsure_below


@dataclass(frozen=True)
class RecordedTurn:
    """One question as the model got it, and its answer.

    `<region1>`, `<region2>` … in the question, and the numbers in `about`, refer to `Record.spoken`, counted from 1;
    `known_regions` and `about` are those of `osprey_core.language.prompts.Turn`.
    """

    question: str
    answer: str
    known_regions: int | None = None
    about: tuple[int, ...] | None = None
    typed: str = ""
    """The question as typed, if it differs from `question`."""
    state: TurnState = "complete"
    model: str = ""
    """The model that answered, if it is not the record's."""
    settings: SamplingSettings | None = None
    measures: AnswerMeasures | None = None
    rating: Rating = ""

    def __post_init__(self) -> None:
        if max(len(self.question), len(self.answer), len(self.typed)) > MAX_TEXT_CHARACTERS:
            raise InputError("record.text_too_long", limit=MAX_TEXT_CHARACTERS)

    @property
    def places(self) -> tuple[int, ...]:
        """Places (from 1) of the regions that the question mentions, each once, in order of first mention."""
        return tuple(dict.fromkeys(int(number) for number in REGION_TAG.findall(self.question)))

    def as_turn(self) -> Turn:
        """The turn as part of the history of a later question."""
        return Turn(self.question, self.answer, self.known_regions, self.about)


@dataclass(frozen=True)
class Record:
    """A picture, its current regions, and the conversation about it.

    `spoken` are the regions that the conversation is about, in the model's order, with the pixels and numbers that they
    had when they were asked about: a region that was changed since is a separate entry, a deleted one is still there.
    Raises InputError if the parts are inconsistent.
    """

    picture: RecordedPicture
    regions: tuple[RecordedRegion, ...] = ()
    spoken: tuple[RecordedRegion, ...] = ()
    turns: tuple[RecordedTurn, ...] = ()
    model: str = ""
    segmenter: str = ""
    segments: tuple[DescribedSegment, ...] = ()
    """What "Describe all" has told of the picture's segments."""
    compared_with: str = ""
    """The second model that described the segments, if one did."""

    def __post_init__(self) -> None:
        longest = max(len(self.regions), len(self.spoken), len(self.segments))
        if longest > MAX_REGIONS or len(self.turns) > MAX_TURNS:
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
        for place, segment in enumerate(self.segments, 1):
            if segment.mask.size_hw != self.picture.size_hw:
                raise InputError(
                    "record.mask_mismatch",
                    number=place,
                    width=segment.mask.width,
                    height=segment.mask.height,
                    picture_width=self.picture.width,
                    picture_height=self.picture.height,
                )
        for place, turn in enumerate(self.turns, 1):
            known = len(self.spoken) if turn.known_regions is None else turn.known_regions
            meant = (*turn.places, *(turn.about or ()))
            if not 0 <= known <= len(self.spoken) or not all(1 <= number <= known for number in meant):
                raise InputError("record.region_missing", place=place)

    def asked(self, turn: RecordedTurn) -> tuple[RecordedRegion, ...]:
        """The regions that a question is about, as they were then: those it mentions, or else those in `about`."""
        known = len(self.spoken) if turn.known_regions is None else turn.known_regions
        implied = range(1, known + 1) if turn.about is None else turn.about
        return tuple(self.spoken[place - 1] for place in turn.places or implied)

    def request(self, place: int) -> dict[str, Any]:
        """The arguments of `View.ask` that reproduce the answer of the turn at index `place`.

        A turn without settings, as written by earlier versions, is asked with the defaults.
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
        """The answered turns: the `history` of `View.ask` for a further question."""
        return [turn.as_turn() for turn in self.turns if turn.answer]


def file_name(name: str) -> str:
    """A file's name for display, without folders and unprintable characters; never empty."""
    return clean_name(re.split(r"[/\\]", name)[-1]) or "picture"
