"""Descriptions of many regions by one model: together where it decodes them together, else one after another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from demo.jobs.requests import CaptionsRequest, SegmentCaption, SegmentFailure
from demo.shared.problems import error_to_tell
from demo.shared.running_jobs import Ticket
from osprey_core.errors import InputError
from osprey_core.language.prompts import QUESTIONS
from osprey_core.region_model import Abilities

MOST_FAILURES_IN_A_ROW = 3
"""After so many regions that fail one after another, the second model is asked about no further one."""


def described(view: Any, request: CaptionsRequest, style: str, ticket: Ticket) -> Iterator[tuple[int, str]]:
    """Place and description of every region, as each is complete; ends once the ticket is stopped.

    A model that answers one region at a time is stopped in the middle of its answer, which is then left out.
    """
    if _abilities(view).together:
        yield from view.describe([stored.mask() for stored in request.regions], style, **asdict(request.settings))
        return
    for place in range(len(request.regions)):
        text = _description(view, request, style, ticket, place)
        if ticket.stopped:
            return
        yield place, text


def second_captions(view: Any, request: CaptionsRequest, ticket: Ticket) -> Iterator[SegmentCaption | SegmentFailure]:
    """Descriptions by the second model, which gives names where it reads no questions.

    A region that it cannot describe costs no other its description. Raises the last error if several fail in a row.
    """
    abilities = _abilities(view)
    style = request.style if abilities.questions else "category"
    waiting = dict.fromkeys(range(len(request.regions)))
    if abilities.together:
        try:
            for place, text in described(view, request, style, ticket):
                del waiting[place]
                yield SegmentCaption(place, text)
                if ticket.stopped:
                    return
        except Exception as error:
            if error_to_tell(error) is None:
                raise
    yield from _one_by_one(view, request, style, ticket, waiting)


def _one_by_one(
    view: Any, request: CaptionsRequest, style: str, ticket: Ticket, places: Iterable[int]
) -> Iterator[SegmentCaption | SegmentFailure]:
    failures = 0
    for place in places:
        try:
            text = _description(view, request, style, ticket, place)
        except Exception as error:
            told = error_to_tell(error)
            if told is None:
                raise
            failures += 1
            yield SegmentFailure(place, told.message)
            if failures == MOST_FAILURES_IN_A_ROW:
                raise
        else:
            failures = 0
            if not ticket.stopped:
                yield SegmentCaption(place, text)
        if ticket.stopped:
            return


def _description(view: Any, request: CaptionsRequest, style: str, ticket: Ticket, place: int) -> str:
    """The description of one region; cut short if the ticket is stopped meanwhile."""
    stream = view.stream(QUESTIONS[style], [request.regions[place].mask()], **asdict(request.settings))
    ticket.attach(stream)
    try:
        text = "".join(stream).strip()
    finally:
        stream.stop()  # also when the page was closed
    if not getattr(stream, "is_whole", True) and not ticket.stopped:
        raise InputError("openai_model.cut_off", model=view.model.name)
    return text


def _abilities(view: Any) -> Abilities:
    return getattr(view.model, "abilities", None) or Abilities()
