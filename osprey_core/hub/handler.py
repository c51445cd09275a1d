"""A model as Hugging Face's Inference Endpoints run it: `EndpointHandler(path)(data)`, see docs/spaces.md.

`python -m osprey_core.hub push` puts this file into the model's repository, beside the sources of osprey_core that it
imports. An endpoint answers an error that is raised here with its sentence.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from osprey_core.engine import Osprey
from osprey_core.errors import InputError
from osprey_core.io.pictures import read_picture
from osprey_core.language.sampling import SamplingSettings
from osprey_core.regions.masks import Mask
from osprey_core.regions.raster import polygon_to_mask
from osprey_core.regions.rle import CodedMask

MAX_REGIONS = 100
MAX_CORNERS = 10_000
MAX_PICTURE_CHARACTERS = 56_000_000
"""Of a picture in base 64: 40 MB."""
MAX_TEXT_CHARACTERS = 20_000

Number = Annotated[float, Field(allow_inf_nan=False)]


class _Json(BaseModel):
    """Base of all parts of a request; an unknown entry is refused, because it may be a slip of the pen."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class EndpointRegion(_Json):
    """One region: exactly one of COCO's run lengths, a box and the corners of an outline, in picture pixels."""

    rle: dict[str, Any] | None = None
    box: tuple[Number, Number, Number, Number] | None = None
    """x0, y0, x1, y1; the last two lie outside."""
    polygon: Annotated[list[tuple[Number, Number]], Field(min_length=3, max_length=MAX_CORNERS)] | None = None

    def mask(self, number: int, size_hw: tuple[int, int]) -> Mask:
        """bool (H, W). Raises InputError if it is none, or does not fit the picture."""
        if sum(shape is not None for shape in (self.rle, self.box, self.polygon)) != 1:
            raise InputError("endpoint.region_shape", number=number)
        if self.rle is not None:
            return CodedMask.read(self.rle, size_hw).mask()
        if self.polygon is not None:
            return polygon_to_mask(self.polygon, size_hw)
        assert self.box is not None
        x0, y0, x1, y1 = (max(0, min(round(value), 10**6)) for value in self.box)
        mask = np.zeros(size_hw, bool)
        mask[y0:y1, x0:x1] = True
        return mask


class EndpointInputs(_Json):
    """A picture with regions, and a question about them; without a question, each region is described."""

    image: Annotated[str, Field(max_length=MAX_PICTURE_CHARACTERS)] | Image.Image
    """In base 64, also as a data URL; or as an endpoint decodes it."""
    regions: Annotated[list[EndpointRegion], Field(max_length=MAX_REGIONS)] = []
    question: Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS)] = ""
    """May refer to the regions as `<region1>`, `<region2>` …"""
    style: Literal["short", "detailed", "category"] = "short"


class EndpointParameters(_Json):
    """The sampling settings, as everywhere."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_new_tokens: int | None = None
    seed: int | None = None


class EndpointRequest(BaseModel):
    """What an endpoint hands on; what else it adds is ignored."""

    model_config = ConfigDict(extra="ignore", arbitrary_types_allowed=True)

    inputs: EndpointInputs
    parameters: EndpointParameters = EndpointParameters()

    @classmethod
    def read(cls, data: Any) -> EndpointRequest:
        """Check a request. Raises InputError that names the first wrong place."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"])) or "inputs"
            raise InputError("endpoint.request_invalid", place=place, reason=str(first["msg"])[:200]) from None


class EndpointHandler:
    """Loads the model of a repository once and answers requests."""

    def __init__(self, path: str | Path = "") -> None:
        self.model = Osprey.from_pretrained(str(path) or ".")

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        """Answer a request of the form of `EndpointRequest`.

        Returns {"answer": …, "finish_reason": "eos", "length" …}, or without a question {"captions": […]} in the order
        of the regions. Raises InputError for what cannot be used.
        """
        request = EndpointRequest.read(data)
        inputs, parameters = request.inputs, request.parameters
        settings = SamplingSettings(**parameters.model_dump())
        picture = read_picture(inputs.image if isinstance(inputs.image, Image.Image) else _bytes_of(inputs.image))
        size_hw = picture.height, picture.width
        masks = [region.mask(number, size_hw) for number, region in enumerate(inputs.regions, 1)]
        chosen: dict[str, Any] = {
            "max_new_tokens": settings.max_new_tokens,
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "seed": settings.seed,
        }
        if not inputs.question.strip() and not masks:
            raise InputError("endpoint.nothing_asked")
        view = self.model.open(picture)
        if not inputs.question.strip():
            captions = dict(view.describe(masks, inputs.style, **chosen))
            return {"captions": [captions[place] for place in range(len(masks))]}
        stream = view.stream(inputs.question, masks, **chosen)
        answer = "".join(stream).strip()
        return {"answer": answer, "finish_reason": stream.finish_reason}


def _bytes_of(text: str) -> bytes:
    """The bytes of a picture in base 64 or a data URL. Raises InputError if it is neither."""
    data = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InputError("endpoint.picture_undecodable") from None
