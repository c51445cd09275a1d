"""Answering on Hugging Face's ZeroGPU, where a GPU is lent to one function for one run.

There the announced function runs in a forked worker: what goes in and what comes out is pickled, and the model is the
one that the main process had loaded when it was forked. So the function takes a request and nothing else, and is
stopped by closing its generator. Knows no component.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from demo.jobs import decoding
from demo.jobs.decoding import Decode
from demo.jobs.requests import AnyRequest, Piece
from demo.session.services import Services
from demo.shared.lazy_resource import LazyResource
from demo.shared.problems import error_to_tell
from demo.shared.running_jobs import Ticket
from osprey_core.errors import OspreyError
from osprey_core.i18n import Message

SECONDS = 120
"""The longest that one answer may hold the GPU."""

_model: Any = None
"""The model, in the main process and in every worker forked from it."""
_second: Any = None
"""The model that it is compared with, if there is one; kept in the same way."""
_worker: Services | None = None
"""What a worker keeps from one answer to the next; always None in the main process."""


@dataclass(frozen=True)
class _Failed:
    """What to tell the person; the exception itself would lose its kind on the way from the worker."""

    message: Message


def decoder(model: Any, second: Any = None) -> Decode:
    """`decoding.decode` with a GPU lent for each answer. The models must be loaded, by the main thread.

    Raises ImportError where the package `spaces` is missing.
    """
    global _model, _second
    _model, _second = model, second
    lent = importlib.import_module("spaces").GPU(duration=SECONDS)(write_answer)

    def decode(services: Services, request: AnyRequest, ticket: Ticket) -> Iterator[Piece]:
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


def write_answer(request: AnyRequest) -> Iterator[Piece | _Failed]:
    """What runs in the worker: pieces of the answer, then the measurements, or the reason why there are none."""
    global _worker
    if _worker is None:
        second = None if _second is None else LazyResource.of(_second)
        _worker = Services(model=LazyResource.of(_model), segmenter=LazyResource.of(None), second=second)
    try:
        yield from decoding.decode(_worker, request, Ticket())
    except Exception as error:
        told = error_to_tell(error)
        if told is None:
            raise
        yield _Failed(told.message)
