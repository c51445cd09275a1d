"""Decoding on Hugging Face's ZeroGPU, which lends a GPU to one decorated function for one call.

The decorated function runs in a forked worker: its arguments and results are pickled, and its model is the one that the
main process had loaded before the fork. So the function takes a request and nothing else, and is stopped by closing its
generator.
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
"""The longest time that one answer may use the GPU."""

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

    Raises ImportError where the package `spaces` is missing.
    """
    global _model, _second, _clip
    _model, _second, _clip = model, second, clip
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
