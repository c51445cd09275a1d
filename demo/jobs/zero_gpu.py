"""Decoding on Hugging Face's ZeroGPU, which lends a GPU to one decorated function for one call.

The decorated function runs in a forked worker: its arguments and results are pickled, and its model is the one that the
main process had loaded before the fork. So the function takes a request and nothing else, and is stopped by closing its
generator. ZeroGPU wraps functions and generators, no coroutines. Nothing that is kept on the GPU can be counted on
after a call, so that a worker keeps of a picture what lies on the CPU, and gives back the rest.

How long a call may take is asked for with each request, because a shorter one waits less and needs less quota. How
large a GPU is asked for follows from the models.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from demo.jobs import decoding
from demo.jobs.decoding import Decode
from demo.jobs.requests import AnyRequest, CaptionsRequest, Piece, QuestionRequest
from demo.session.services import Services
from demo.shared.lazy_resource import LazyResource
from demo.shared.problems import error_to_tell
from demo.shared.running_jobs import Ticket
from osprey_core.errors import OspreyError
from osprey_core.i18n import Message

MOST_SECONDS = 120
"""The longest time that is asked for."""
ANALYSIS_SECONDS = 60
"""What is asked for an analysis; ZeroGPU's own default."""
FIRST_SECONDS = 10
"""Until the first token, in a worker that has to be made: its weights are moved to the GPU, the picture is encoded."""
TOKENS_PER_SECOND = 20
"""Of the published model with room to spare, an assumption: it has not been measured on ZeroGPU."""
SHORT_TOKENS = 64
"""More than a short description or a category needs."""
CAPTIONS_TOGETHER = 16
"""Captions that are decoded together."""

LARGE_BYTES = 45_097_156_608
"""Weights beyond these need a whole GPU ("xlarge"), of which twice the time is charged; the limit of `spaces` 0.51."""

Size = Literal["large", "xlarge"]

_model: Any = None
"""The model, in the main process and in every worker forked from it."""
_second: Any = None
"""The second model, if there is one; inherited by workers in the same way."""
_clip: Any = None
"""The CLIP, if there is one; inherited by workers in the same way."""
_worker: Services | None = None
"""A worker's services, reused for all its answers; always None in the main process."""


@dataclass(frozen=True)
class _Failed:
    """The error to show to the person; the exception itself would lose its type on the way from the worker."""

    message: Message


def decoder(model: Any, second: Any = None, clip: Any = None) -> Decode:
    """`decoding.decode` with a GPU lent for each answer. The main thread must have loaded the models.

    A model that computes elsewhere, behind an endpoint, needs no GPU and is asked from this process.
    Raises ImportError where the package `spaces` is missing.
    """
    global _model, _second, _clip
    _model, _second, _clip = model, second, clip
    lend = importlib.import_module("spaces").GPU(duration=seconds_for, size=size_for(model, second, clip))
    lent = lend(write_answer)

    def decode(services: Services, request: AnyRequest, ticket: Ticket) -> Iterator[Piece]:
        if not _needs_gpu(request):
            yield from decoding.decode(services, request, ticket)
            return
        pieces = lent(request)
        try:
            for piece in pieces:
                if isinstance(piece, _Failed):
                    raise OspreyError.of(piece.message)
                yield piece
                if ticket.stopped:
                    return
        finally:
            pieces.close()  # the worker ends at its next token

    return decode


def seconds_for(request: AnyRequest) -> int:
    """How long a GPU is asked for, for this request, in seconds; ZeroGPU calls it with the function's arguments."""
    if isinstance(request, QuestionRequest):
        rounds, tokens = 1, _longest(request)
    elif isinstance(request, CaptionsRequest):
        rounds = math.ceil(len(request.regions) / CAPTIONS_TOGETHER)
        tokens = _longest(request) if request.style == "detailed" else min(SHORT_TOKENS, _longest(request))
    else:
        return ANALYSIS_SECONDS
    return min(MOST_SECONDS, FIRST_SECONDS + math.ceil(rounds * tokens / TOKENS_PER_SECOND))


def size_for(*models: Any) -> Size:
    """How large a GPU these models need with all that they may cache; None stands for no model."""
    needed = sum(int(getattr(model, "most_bytes", 0)) for model in models if model is not None)
    return "xlarge" if needed > LARGE_BYTES else "large"


def write_answer(request: AnyRequest) -> Iterator[Piece | _Failed]:
    """Runs in the worker: yield the pieces of the answer, then its measures, or `_Failed` with the reason."""
    global _worker
    if _worker is None:
        second, clip = (None if loaded is None else LazyResource.of(loaded) for loaded in (_second, _clip))
        _worker = Services(model=LazyResource.of(_model), segmenter=LazyResource.of(None), second=second, clip=clip)
    try:
        yield from decoding.decode(_worker, request, Ticket())
    except Exception as error:
        osprey_error = error_to_tell(error)
        if osprey_error is None:
            raise
        yield _Failed(osprey_error.message)
    finally:
        _worker.pictures.get(request.picture).keep_only("image")


def _longest(request: QuestionRequest | CaptionsRequest) -> int:
    """The longest answer in tokens."""
    asked = _second if request.second else _model
    return request.settings.max_new_tokens or int(asked.generation_defaults.max_new_tokens)


def _needs_gpu(request: AnyRequest) -> bool:
    if isinstance(request, CaptionsRequest) and request.vocabulary is not None:
        return True  # the CLIP's
    if getattr(request, "uses_clip", False) and _clip is not None:
        return True
    asked = _second if getattr(request, "second", False) else _model
    return getattr(asked, "device", "") != "remote"
