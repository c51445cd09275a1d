"""What a chat completion asks for: the request's JSON, checked, and what of it the model is asked.

Regions come as copies of the picture with different alpha channels, or in the additional field `regions`. It knows
neither HTTP nor jobs.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from PIL import ImageOps
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from demo.session.session import Picture, SegmentPrompt
from osprey_core.errors import InputError
from osprey_core.io.image_files import open_image
from osprey_core.io.pictures import FORMATS, read_picture
from osprey_core.language.prompts import Turn
from osprey_core.language.sampling import SamplingSettings
from osprey_core.language.token_likelihood import MOST_ALTERNATIVES
from osprey_core.regions import mentions
from osprey_core.regions.masks import Mask
from osprey_core.regions.rle import CodedMask

MAX_MESSAGES = 400
MAX_PICTURES = 32
MAX_REGIONS = 100
MAX_ANSWERS = 8
MAX_STOPS = 4
MAX_TEXT_CHARACTERS = 20_000
OPAQUE = 128
"""Pixels of at least this alpha belong to the region."""

PICTURE_TAG = "<image>"
"""What some clients write where the picture belongs; its place is fixed here."""

Number = Annotated[float, Field(allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS)]


class _Json(BaseModel):
    """Base of all parts of a request; unknown entries are ignored, as OpenAI's clients send many."""

    model_config = ConfigDict(extra="ignore")


class _Address(_Json):
    url: str


class _Part(_Json):
    type: Literal["text", "image_url"]
    text: Text = ""
    image_url: _Address | None = None


class _Message(_Json):
    role: Literal["system", "developer", "user", "assistant"]
    content: Text | Annotated[list[_Part], Field(max_length=MAX_PICTURES)] | None = None


class RegionJson(_Json):
    """One region: exactly one of run lengths, a box, or points with labels (1 inside, 0 outside; 1 by default)."""

    rle: Any = None
    box: tuple[Number, Number, Number, Number] | None = None
    points: Annotated[list[tuple[Number, Number]], Field(max_length=100)] | None = None
    labels: list[Literal[0, 1]] | None = None


class _StreamOptions(_Json):
    include_usage: bool = False


class ChatRequest(_Json):
    """The body of a chat completion."""

    model: str = ""
    messages: Annotated[list[_Message], Field(min_length=1, max_length=MAX_MESSAGES)]
    regions: Annotated[list[RegionJson], Field(max_length=MAX_REGIONS)] = []
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    stop: str | Annotated[list[str], Field(max_length=MAX_STOPS)] | None = None
    seed: int | None = None
    n: Annotated[int, Field(ge=1, le=MAX_ANSWERS)] = 1
    stream: bool = False
    stream_options: _StreamOptions | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=MOST_ALTERNATIVES)] | None = None

    @classmethod
    def read(cls, body: bytes) -> ChatRequest:
        """Parse a body. Raises InputError that names the first wrong place."""
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            place = ".".join(map(str, first["loc"])) or "body"
            raise InputError("openai.request_invalid", place=place, reason=str(first["msg"])[:200]) from None

    @property
    def alternatives(self) -> int | None:
        """How many alternatives of each token are told with its likelihood; None if no likelihoods are asked for."""
        return (self.top_logprobs or 0) if self.logprobs else None

    @property
    def stops(self) -> tuple[str, ...]:
        """Texts that end an answer."""
        listed = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return tuple(stop for stop in listed if stop)

    def settings(self, defaults: SamplingSettings, place: int) -> SamplingSettings:
        """Settings of the answer at a place (from 0) of `n`; what the request leaves open is the model's."""
        longest = self.max_completion_tokens or self.max_tokens
        settings = SamplingSettings.read(
            defaults.temperature if self.temperature is None else self.temperature,
            defaults.top_p if self.top_p is None else self.top_p,
            defaults.max_new_tokens if longest is None else longest,
            None if self.seed is None else self.seed + place,
        )
        return settings.with_seed()


@dataclass(frozen=True)
class Asked:
    """What the model is asked."""

    picture: Picture
    regions: tuple[CodedMask, ...]
    history: tuple[Turn, ...]
    question: str


Mark = Callable[[Picture, SegmentPrompt], Mask]
"""A segmenter: the mask bool (H, W) of clicks or a box."""
Fetch = Callable[[str], tuple[bytes, str]]


def asked_by(request: ChatRequest, mark: Mark, fetch: Fetch | None) -> Asked:
    """What a request asks the model.

    Args:
        mark: makes masks of boxes and points.
        fetch: reads a public web address; None refuses addresses.

    Raises:
        InputError: there is no picture, the pictures differ, a region or the order of the messages is wrong.
    """
    system, turns = _turns(request.messages)
    pictures = [_read(address, fetch) for turn in turns for address in turn.addresses]
    if not pictures:
        raise InputError("openai.no_picture")
    picture, masks = _one_picture(pictures)
    regions = (*masks, *(_region(picture, number, region, mark) for number, region in enumerate(request.regions, 1)))
    if len(regions) > MAX_REGIONS:
        raise InputError("openai.many_regions", limit=MAX_REGIONS)
    first = "\n".join([*system, turns[0].question])
    questions = [_for_model(text, len(regions)) for text in (first, *(turn.question for turn in turns[1:]))]
    history = tuple(
        Turn(question, turn.answer, len(regions)) for question, turn in zip(questions[:-1], turns[:-1], strict=True)
    )
    return Asked(picture, regions, history, questions[-1])


@dataclass
class _Turn:
    question: str
    addresses: list[str]
    answer: str = ""


def _turns(messages: Sequence[_Message]) -> tuple[list[str], list[_Turn]]:
    """System texts, and the questions with their answers; the last one has none. Consecutive messages are joined."""
    system: list[str] = []
    turns: list[_Turn] = []
    last = ""
    for message in messages:
        text, addresses = _content(message)
        if message.role in ("system", "developer"):
            system += [text] if text else []
            continue
        if message.role == "user" and last == "user":
            turns[-1].question = "\n".join(filter(None, [turns[-1].question, text]))
            turns[-1].addresses += addresses
        elif message.role == "user":
            turns.append(_Turn(text, addresses))
        elif turns:
            turns[-1].answer = "\n".join(filter(None, [turns[-1].answer, text]))
        last = message.role
    if last != "user":
        raise InputError("openai.last_not_user")
    return system, turns


def _content(message: _Message) -> tuple[str, list[str]]:
    """Text and addresses of pictures of a message."""
    if message.content is None or isinstance(message.content, str):
        return _plain(message.content or ""), []
    texts = [_plain(part.text) for part in message.content if part.type == "text"]
    addresses = [part.image_url.url for part in message.content if part.image_url is not None]
    return "\n".join(filter(None, texts)), addresses


def _plain(text: str) -> str:
    return text.replace(PICTURE_TAG, "").strip()


def _for_model(text: str, count: int) -> str:
    """The text with `@2` as `<region2>`. Raises InputError if it mentions a region that there is not."""
    for number in mentions.mentioned(text):
        if not 1 <= number <= count:
            raise InputError("openai.region_missing", number=number, count=count)
    return mentions.replaced(text, lambda number: f"<region{number}>")


def _read(address: str, fetch: Fetch | None) -> bytes:
    """The file at a data: URL or a public address."""
    if address.startswith("data:"):
        _, comma, encoded = address.partition(",")
        if not comma or ";base64" not in address[: len(address) - len(encoded)]:
            raise InputError("openai.address_invalid")
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise InputError("openai.address_invalid") from None
    if not address.startswith(("http://", "https://")):
        raise InputError("openai.address_invalid")
    if fetch is None:
        raise InputError("page.no_addresses")
    return fetch(address)[0]


def _one_picture(files: Sequence[bytes]) -> tuple[Picture, tuple[CodedMask, ...]]:
    """The picture that all files show, and a mask of every alpha channel that hides a part of it."""
    pixels: np.ndarray | None = None
    masks = []
    for data in files:
        rgb, mask = _pixels_and_mask(data)
        if pixels is not None and not np.array_equal(pixels, rgb):
            raise InputError("openai.pictures_differ")
        pixels = rgb
        if mask is not None:
            masks.append(CodedMask.of(mask))
    assert pixels is not None
    if not masks:  # the file as it came, so that other requests about it find it again
        return Picture(files[0], "picture", pixels.shape[1], pixels.shape[0]), ()
    return Picture(_png(pixels), "picture.png", pixels.shape[1], pixels.shape[0]), tuple(masks)


def _pixels_and_mask(data: bytes) -> tuple[np.ndarray, Mask | None]:
    """uint8 (H, W, 3) of a file, and the mask (H, W) of its alpha channel; None where it hides nothing.

    Under an alpha channel the colours are those of the file, not laid over white: the whole picture is looked at.
    """
    flat = read_picture(data)  # checks size and format as well
    with open_image(data, FORMATS) as image:
        if "A" not in image.getbands() and "transparency" not in image.info:
            return np.asarray(flat), None
        layers = np.asarray(ImageOps.exif_transpose(image).convert("RGBA"))
    mask = layers[:, :, 3] >= OPAQUE
    if mask.all():
        return np.ascontiguousarray(layers[:, :, :3]), None
    if not mask.any():
        raise InputError("mask.empty")
    return np.ascontiguousarray(layers[:, :, :3]), mask


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _region(picture: Picture, number: int, region: RegionJson, mark: Mark) -> CodedMask:
    given = [way for way in (region.rle, region.box, region.points) if way is not None]
    if len(given) != 1:
        raise InputError("openai.region_invalid", number=number)
    if region.rle is not None:
        return CodedMask.read(region.rle, picture.size_hw)
    if region.box is not None:
        return CodedMask.of(mark(picture, SegmentPrompt(box_xyxy=region.box)))
    points = tuple(region.points or ())
    labels = tuple(region.labels) if region.labels is not None else (1,) * len(points)
    return CodedMask.of(mark(picture, SegmentPrompt(points, labels)))
