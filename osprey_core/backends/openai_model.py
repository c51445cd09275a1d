"""Any vision model behind an OpenAI-compatible endpoint, asked about regions that are shown to it as pictures.

Such models know no masks: the region is drawn on the picture as an outline with its number, or cut out. The key comes
from the environment alone.
"""

from __future__ import annotations

import base64
import io
import json
import math
import os
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

import httpx
import numpy as np
from PIL import Image

from osprey_core.backends.text_stream import TextStream
from osprey_core.config import GenerationDefaults
from osprey_core.draw import overlays
from osprey_core.errors import InputError
from osprey_core.io.pictures import fit_within, read_picture
from osprey_core.language.prompts import QUESTIONS, Turn
from osprey_core.language.sampling import SamplingSettings
from osprey_core.region_model import STYLES, Abilities
from osprey_core.regions.masks import as_mask, box_xyxy
from osprey_core.regions.mentions import REGION_TAG
from osprey_core.regions.region import NumberedMask

PREFIX = "openai:"
KEY_VARIABLE = "OPENAI_API_KEY"

CONNECT_SECONDS, SILENCE_SECONDS = 10.0, 120.0
"""How long a connection may take, and how long the endpoint may send nothing."""

LONGEST_SIDE = 1280
"""Pictures are sent with at most so many pixels on their longer side."""

CROP_MARGIN = 0.25
"""A cut-out shows so much of the region's size around it."""

Showing = Literal["outline", "cutout", "rgba"]
"""How a region is shown: outlined on the picture; that and a cut-out; the picture with the region as its opacity."""

_ADDRESS = re.compile(r"openai:(?P<url>https?://[^#\s]+)#(?P<model>[^?\s]+)(?:\?region=(?P<showing>\w+))?")


@dataclass(frozen=True)
class OpenAIEndpoint:
    """Where a model answers: the address up to `/v1`, the model's name there, how regions are shown to it."""

    url: str
    model: str
    showing: Showing = "outline"

    @classmethod
    def of(cls, name: str) -> OpenAIEndpoint:
        """From "openai:URL#MODEL" or "openai:URL#MODEL?region=cutout". Raises InputError if it is not of that form."""
        match = _ADDRESS.fullmatch(name)
        showing = (match["showing"] or "outline") if match else ""
        if match is None or showing not in get_args(Showing) or not urlsplit(match["url"]).hostname:
            raise InputError("openai_model.name_invalid", name=repr(name), shapes=", ".join(get_args(Showing)))
        return cls(match["url"].rstrip("/"), match["model"], showing)  # type: ignore[arg-type]


class RefusedError(InputError):
    """A refusal of an endpoint. `retry_after` are the seconds after which it wants to be asked again, if it tells."""

    retry_after: float | None = None


class OpenAIModel:
    """A `RegionModel` behind an endpoint. Nothing is loaded; every question is one request."""

    abilities = Abilities(likelihood=False, confidence=False, features=False, together=False)
    generation_defaults = GenerationDefaults(temperature=0.0, max_new_tokens=512)
    is_embedded = False
    device = "remote"
    dtype = "unknown"

    def __init__(self, endpoint: OpenAIEndpoint, environment: Mapping[str, str] = os.environ) -> None:
        self.endpoint = endpoint
        self.name = endpoint.model
        self._key = environment.get(KEY_VARIABLE, "")

    def open(self, image: Image.Image | np.ndarray) -> OpenAIView:
        """Take a picture. Raises InputError if it cannot be read."""
        return OpenAIView(self, np.asarray(read_picture(image)))

    def answer(
        self, messages: list[dict[str, Any]], settings: SamplingSettings, with_usage: bool = False
    ) -> TextStream:
        """Stream the answer to messages in the form of chat completions. Raises InputError while it is iterated.

        with_usage: ask for the counts of tokens, which some endpoints tell only then.
        """
        body: dict[str, Any] = {
            "model": self.endpoint.model,
            "messages": messages,
            "stream": True,
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "max_tokens": settings.max_new_tokens,
        }
        if settings.seed is not None:
            body["seed"] = settings.seed
        if with_usage:
            body["stream_options"] = {"include_usage": True}
        return TextStream(lambda stream: self._pieces(stream, body), settings)

    def _pieces(self, stream: TextStream, body: dict[str, Any]) -> Iterator[str]:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        limits = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
        url, host = f"{self.endpoint.url}/chat/completions", str(urlsplit(self.endpoint.url).hostname)
        try:
            with (
                httpx.Client(timeout=limits, verify=_certificates()) as client,
                client.stream("POST", url, json=body, headers=headers) as response,
            ):
                stream.on_stop = response.close
                if stream.stopped.is_set():
                    return
                if response.status_code != 200:
                    raise self._refusal(response)
                yield from _texts(stream, response.iter_lines())
        except httpx.TimeoutException as error:
            raise InputError("openai_model.too_slow", host=host, seconds=f"{SILENCE_SECONDS:g}") from error
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
            if not stream.stopped.is_set():  # closing the connection is how an answer is stopped
                raise InputError("openai_model.no_answer", host=host, reason=type(error).__name__) from error

    def _refusal(self, response: httpx.Response) -> InputError:
        """The error for an answer that is none. The endpoint's own words are told, cut and without line breaks."""
        reason = ""
        with suppress(ValueError, httpx.HTTPError, KeyError, TypeError):
            response.read()
            error = json.loads(response.text)["error"]
            reason = str(error["message"] if isinstance(error, dict) else error)
        status = response.status_code
        if status in (401, 403):
            return InputError("openai_model.key_refused", variable=KEY_VARIABLE, model=self.name)
        refusal = RefusedError(
            "openai_model.refused", model=self.name, status=status, reason=" ".join(reason.split())[:200] or "-"
        )
        refusal.retry_after = _seconds_of(response.headers.get("Retry-After", ""))
        return refusal


class OpenAIView:
    """A picture to ask an `OpenAIModel` about. Immutable, so threads may share it."""

    def __init__(self, model: OpenAIModel, image: np.ndarray) -> None:
        self.model = model
        self._image = image  # uint8 (H, W, 3)

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of the picture in pixels."""
        return int(self._image.shape[0]), int(self._image.shape[1])

    def ask(self, question: str, regions: Sequence[np.ndarray] = (), *arguments: Any, **settings: Any) -> str:
        """The blocking form of `stream`."""
        return "".join(self.stream(question, regions, *arguments, **settings))

    def stream(
        self,
        question: str,
        regions: Sequence[np.ndarray] = (),
        history: Iterable[Turn | tuple[str, str]] = (),
        max_new_tokens: int | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        about: Sequence[int] | None = None,
    ) -> TextStream:
        """Ask about regions; arguments are those of `osprey_core.view.View.stream`.

        Raises InputError for a mask, question or setting that cannot be used, and, while iterated, for an endpoint
        that does not answer or refuses.
        """
        if not question.strip():
            raise InputError("question.empty")
        settings = SamplingSettings(temperature, top_p, max_new_tokens, seed)
        settings = settings.with_longest(self.model.generation_defaults.max_new_tokens).with_seed()
        masks = [as_mask(mask, self.size_hw) for mask in regions]
        turns = [turn if isinstance(turn, Turn) else Turn(*turn) for turn in history]
        messages: list[dict[str, Any]] = []
        for turn in turns:
            messages.append({"role": "user", "content": _in_words(turn.question, turn.about)})
            messages.append({"role": "assistant", "content": turn.answer})
        meant = about if about is not None else range(1, len(masks) + 1)
        messages.append({"role": "user", "content": _in_words(question, meant)})
        # The pictures stand with the first question, so that those of a conversation are sent once.
        first = messages[0]
        text = {"type": "text", "text": f"{_legend(len(masks))}{first['content']}"}
        first["content"] = [*self._pictures(masks), text]
        return self.model.answer(messages, settings)

    def describe(
        self, regions: Iterable[np.ndarray] | None = None, style: str = "short", **settings: Any
    ) -> Iterator[tuple[int, str]]:
        """Place and description of every region, one request each, in order."""
        if style not in STYLES:
            raise InputError("engine.style_unknown", style=repr(style))
        masks = list(regions or ())
        return ((place, self.ask(QUESTIONS[style], [mask], **settings).strip()) for place, mask in enumerate(masks))

    def _pictures(self, masks: Sequence[np.ndarray]) -> list[dict[str, Any]]:
        """The picture with its regions as message parts."""
        if not masks:
            return [_part(Image.fromarray(self._image))]
        showing = self.model.endpoint.showing
        if showing == "rgba" and len(masks) == 1:
            opacity = masks[0].astype(np.uint8) * 255
            return [_part(Image.fromarray(np.dstack([self._image, opacity]), "RGBA"))]
        numbered = [NumberedMask(number, mask) for number, mask in enumerate(masks, 1)]
        # No tint: the region's own colours are asked for too.
        drawn = overlays.overlay(self._image, numbered, alpha=0.0)
        parts = [_part(Image.fromarray(drawn))]
        if showing == "cutout":
            parts += [_part(Image.fromarray(_cut_out(self._image, mask))) for mask in masks]
        return parts


@cache
def _certificates() -> ssl.SSLContext:
    """Who is trusted with connections; reading it takes longer than a short request."""
    return httpx.create_ssl_context()


def _seconds_of(retry_after: str) -> float | None:
    """Seconds of a Retry-After header, which holds seconds or a date; None where it holds neither."""
    with suppress(ValueError):
        return max(0.0, float(retry_after)) if math.isfinite(float(retry_after)) else None
    with suppress(ValueError, TypeError):
        date = parsedate_to_datetime(retry_after)
        return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    return None


def _texts(stream: TextStream, lines: Iterator[str]) -> Iterator[str]:
    """Pieces of text from the lines of server-sent events. Counts tokens where the endpoint tells them."""
    for line in lines:
        if not line.startswith("data:"):
            continue
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            return
        try:
            event = json.loads(data)
            choices = event.get("choices") or [{}]
            piece = (choices[0].get("delta") or {}).get("content")
            reason = choices[0].get("finish_reason")
            usage = event.get("usage") or {}
        except (ValueError, AttributeError, TypeError, KeyError, IndexError) as error:
            raise httpx.RemoteProtocolError("no chat completion") from error
        if reason is not None:
            stream.finish_reason = "length" if reason == "length" else "eos"
        if isinstance(usage.get("completion_tokens"), int):
            stream.new_tokens = usage["completion_tokens"]
            stream.prompt_tokens = int(usage.get("prompt_tokens") or 0)
        if isinstance(piece, str) and piece:
            yield piece
    stream.is_whole = stream.finish_reason is not None


def _in_words(question: str, about: Iterable[int] | None) -> str:
    """The question with "region 1" for `<region1>`; one that mentions none says which regions it is about."""
    if REGION_TAG.search(question):
        return REGION_TAG.sub(lambda match: f"region {match[1]}", question)
    numbers = list(about or ())
    if not numbers:
        return question
    return f"About {', '.join(f'region {number}' for number in numbers)}: {question}"


def _legend(count: int) -> str:
    if not count:
        return ""
    marks = "is region 1" if count == 1 else f"are regions 1 to {count}, by their numbers"
    return f"What is marked in the picture {marks}.\n"


def _part(picture: Image.Image) -> dict[str, Any]:
    """A picture as a part of a message: a data URL, PNG where it has opacity, else JPEG."""
    buffer = io.BytesIO()
    shown = fit_within(picture, LONGEST_SIDE)
    kind = "png" if shown.mode == "RGBA" else "jpeg"
    shown.save(buffer, kind.upper(), **({} if kind == "png" else {"quality": 92}))
    url = f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def _cut_out(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The region with some of its surroundings, uint8 (h, w, 3)."""
    x0, y0, x1, y1 = box_xyxy(mask)
    margin = round(CROP_MARGIN * max(x1 - x0, y1 - y0))
    return np.ascontiguousarray(image[max(0, y0 - margin) : y1 + margin, max(0, x0 - margin) : x1 + margin])
