"""Run a request on the encoded picture and yield the pieces of the answer as the model produces them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from demo.jobs.descriptions import described, second_captions
from demo.jobs.requests import (
    AnalysisRequest,
    AnyRequest,
    CaptionsRequest,
    Piece,
    QuestionRequest,
    SegmentCaption,
    SegmentName,
    Step,
    TokensTold,
    as_steps,
)
from demo.session.services import Services
from demo.session.session import AnswerMeasures, Picture
from demo.shared.running_jobs import Ticket
from osprey_core.errors import InputError
from osprey_core.language.turn_order import asked_at
from osprey_core.region_model import Abilities, NamedRegion
from osprey_core.regions.rle import CodedMask
from osprey_core.vocabularies import Vocabulary

MAX_NAMING_WORDS = 12
"""Longer answers are descriptions: a confidence of their name would be read as one of all that they say."""

CONSIDERED_GUESSES = 6
"""Names in which the answer's own is looked for; the answer may be worded by another question than the name is."""

_ENDS = ("eos", "stop_string")
"""Reasons for which an answer ends by itself."""


def decode(services: Services, request: AnyRequest, ticket: Ticket) -> Iterator[Piece]:
    """Yield the answer's pieces and then its measures; for other requests, captions or results as they are complete.

    Ends at the next token, caption or result once the ticket is stopped.
    """
    if isinstance(request, CaptionsRequest) and request.vocabulary is not None:
        yield from _labels(services, request, request.vocabulary, ticket)
        return
    second = isinstance(request, QuestionRequest | CaptionsRequest) and request.second
    asked = time.monotonic()
    with asked_at(asked):
        view = opened_view(services, request.picture, second)
    _require_ability(services, view, request)
    if isinstance(request, CaptionsRequest) and second:
        yield from second_captions(view, request, ticket)
        return
    if isinstance(request, CaptionsRequest):
        yield from _captions(view, request, ticket, can_name(services))
        return
    if isinstance(request, AnalysisRequest):
        yield from request.results(view, ticket, lambda: opened_by_clip(services, request.picture))
        return
    # Arguments that not every model knows.
    further: dict[str, Any] = {"without": request.without} if request.without else {}
    if request.top_logprobs is not None:
        further["top_logprobs"] = request.top_logprobs
    if request.compares_tokens and getattr(view.model, "abilities", Abilities()).token_likelihoods:
        further["top_logprobs"] = 0  # all answers to compare are the language model's own
    with asked_at(asked):
        stream = view.stream(
            request.question,
            [stored.mask() for stored in request.regions],
            history=list(request.history),
            max_new_tokens=request.settings.max_new_tokens,
            temperature=request.settings.temperature,
            top_p=request.settings.top_p,
            seed=request.settings.seed,
            about=request.about,
            **further,
        )
    if request.compares_tokens and getattr(stream, "tells_picture", False):
        raise InputError("page.told_by_segments")
    ticket.attach(stream)
    answer, told = "", 0
    try:
        for piece in stream:
            answer += piece
            if request.top_logprobs is not None:
                likelihoods = stream.likelihoods
                yield TokensTold(tuple(likelihoods[told:]))
                told = len(likelihoods)
            yield piece
    finally:
        stream.stop()  # also when the page was closed
    if request.top_logprobs is not None:
        yield TokensTold(tuple(stream.likelihoods[told:]))
    named = None
    if (
        request.named is not None
        and not getattr(stream, "tells_picture", False)
        and stream.finish_reason in _ENDS
        and not ticket.stopped
        and can_name(services, second)
    ):
        with asked_at(asked):
            named = _name_in(view, request.named, answer)
    yield AnswerMeasures(
        prompt_tokens=int(stream.prompt_tokens or 0),
        new_tokens=int(stream.new_tokens or 0),
        seconds_to_first_token=float(stream.seconds_to_first_token or 0.0),
        tokens_per_second=float(stream.tokens_per_second or 0.0),
        finish_reason=str(stream.finish_reason),
        trimmed_turns=int(stream.trimmed_turns or 0),
        **(named.measures() if named is not None else {}),
    )


def _require_ability(services: Services, view: Any, request: AnyRequest) -> None:
    """Raise InputError if the view's model cannot do what the request needs."""
    abilities = getattr(view.model, "abilities", Abilities())
    needed = request.needs if isinstance(request, AnalysisRequest) else None
    if isinstance(request, AnalysisRequest) and request.uses_clip and has_clip(services):
        return
    if isinstance(request, QuestionRequest) and request.without:
        needed = "features"
    if isinstance(request, QuestionRequest) and request.top_logprobs is not None and not abilities.token_likelihoods:
        raise InputError("openai.no_logprobs")
    if needed is not None and not getattr(abilities, needed):
        raise InputError("page.model_unable", name=view.model.name)


Decode = Callable[[Services, AnyRequest, Ticket], Iterator[Piece]]


def opened_view(services: Services, picture: Picture, second: bool = False) -> Any:
    """The picture as encoded by the model, or by the second one; slow the first time, then cached."""
    resource = services.second if second else services.model
    if resource is None:
        raise InputError("page.one_model")
    opened = services.pictures.get(picture)
    return opened.part("view of the second" if second else "view", lambda: resource.get().open(opened.image()))


def has_clip(services: Services) -> bool:
    """Whether there is a CLIP. One that could not be loaded counts as none; the header tells why."""
    return services.clip is not None and services.clip.wait() and services.clip.state == "ready"


def opened_by_clip(services: Services, picture: Picture) -> Any:
    """The picture as encoded by the CLIP, slow the first time, then cached; None without a CLIP."""
    clip = services.clip
    if clip is None or not has_clip(services):
        return None
    opened, loaded = services.pictures.get(picture), clip.get()
    if getattr(loaded, "shared_with", None) is None:
        return opened.part("view of the CLIP", lambda: loaded.open(opened.image()))
    view = opened_view(services, picture)
    return opened.part("view of the CLIP", lambda: loaded.open_beside(view, opened.image()))


def can_name(services: Services, second: bool = False) -> bool:
    """Whether the model, or the second one, tells how sure it is of a name."""
    resource = services.second if second else services.model
    abilities = getattr(resource.get(), "abilities", None) if resource is not None else None
    return isinstance(abilities, Abilities) and abilities.confidence


def _name_in(view: Any, mask: CodedMask, answer: str) -> NamedRegion | None:
    """The name that a short answer gives a region, with its confidence; None if the answer is long or names nothing."""
    if not 0 < len(answer.split()) <= MAX_NAMING_WORDS:
        return None
    named: NamedRegion = view.name(mask.mask(), guesses=CONSIDERED_GUESSES)
    return named.in_answer(answer)


def _labels(
    services: Services, request: CaptionsRequest, vocabulary: Vocabulary, ticket: Ticket
) -> Iterator[SegmentCaption | SegmentName | Step]:
    """The likeliest class of every region by the CLIP, in one matrix product, each with the next ones."""
    view = opened_by_clip(services, request.picture)
    if view is None:
        raise InputError("page.no_clip")
    from osprey_core.analysis.clip_labels import name_regions_in_steps  # slow to import

    masks = [stored.mask() for stored in request.regions]
    named_regions = yield from as_steps(name_regions_in_steps(view, masks, vocabulary))
    for place, named in enumerate(named_regions):
        yield SegmentCaption(place, named.guesses[0].name)
        yield SegmentName(place, named)
        if ticket.stopped:
            return


def _captions(
    view: Any, request: CaptionsRequest, ticket: Ticket, with_names: bool
) -> Iterator[SegmentCaption | SegmentName]:
    told: list[SegmentCaption] = []
    for place, text in described(view, request, request.style, ticket):
        told.append(SegmentCaption(place, text))
        yield told[-1]
        if ticket.stopped:
            return
    # After all captions, so that none has to wait for the confidence of another.
    for caption in told if with_names and request.style != "detailed" else ():
        named = _name_in(view, request.regions[caption.place], caption.text)
        if named is not None:
            yield SegmentName(caption.place, named)
        if ticket.stopped:
            return
