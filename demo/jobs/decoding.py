"""Run a request on the encoded picture and yield the pieces of the answer as the model produces them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from demo.jobs.requests import AnalysisRequest, AnyRequest, CaptionsRequest, Piece, QuestionRequest, SegmentCaption
from demo.session.services import Services
from demo.session.session import AnswerMeasures, Picture
from demo.shared.running_jobs import Ticket
from osprey_core.errors import InputError


def decode(services: Services, request: AnyRequest, ticket: Ticket) -> Iterator[Piece]:
    """Yield the answer's pieces and then its measures; for other requests, captions or results as they are complete.

    Ends at the next token, caption or result once the ticket is stopped.
    """
    view = opened_view(services, request.picture, second=isinstance(request, QuestionRequest) and request.second)
    if isinstance(request, CaptionsRequest):
        yield from _captions(view, request, ticket)
        return
    if isinstance(request, AnalysisRequest):
        yield from request.results(view, ticket)
        return
    switched_off: dict[str, Any] = {"without": request.without} if request.without else {}
    stream = view.stream(
        request.question,
        [stored.mask() for stored in request.regions],
        history=list(request.history),
        max_new_tokens=request.settings.max_new_tokens,
        temperature=request.settings.temperature,
        top_p=request.settings.top_p,
        seed=request.settings.seed,
        about=request.about,
        **switched_off,
    )
    ticket.attach(stream)
    try:
        yield from stream
    finally:
        stream.stop()  # also when the page was closed
    yield AnswerMeasures(
        prompt_tokens=int(stream.prompt_tokens or 0),
        new_tokens=int(stream.new_tokens or 0),
        seconds_to_first_token=float(stream.seconds_to_first_token or 0.0),
        tokens_per_second=float(stream.tokens_per_second or 0.0),
        finish_reason=str(stream.finish_reason),
        trimmed_turns=int(stream.trimmed_turns or 0),
    )


Decode = Callable[[Services, AnyRequest, Ticket], Iterator[Piece]]


def opened_view(services: Services, picture: Picture, second: bool = False) -> Any:
    """The picture as encoded by the model, or by the second one; slow the first time, then cached."""
    resource = services.second if second else services.model
    if resource is None:
        raise InputError("page.one_model")
    opened = services.pictures.get(picture)
    return opened.part("view of the second" if second else "view", lambda: resource.get().open(opened.image()))


def _captions(view: Any, request: CaptionsRequest, ticket: Ticket) -> Iterator[SegmentCaption]:
    settings = request.settings
    captions = view.describe(
        [stored.mask() for stored in request.regions],
        request.style,
        max_new_tokens=settings.max_new_tokens,
        temperature=settings.temperature,
        top_p=settings.top_p,
        seed=settings.seed,
    )
    for place, text in captions:
        yield SegmentCaption(place, text)
        if ticket.stopped:
            return
