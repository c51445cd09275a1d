"""Writing the answer to a question into the person's session as the model gives it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

from demo.i18n import words
from demo.jobs.decoding import Decode, decode
from demo.jobs.requests import request_of
from demo.session.services import Services
from demo.session.session import AnswerMeasures, Session, Turn
from demo.session.settings import Settings
from demo.session.workspace import Seat
from demo.shared.running_jobs import Ticket


@dataclass(frozen=True)
class Progress:
    """Where an answer stands: `note` says what it waits for, while it has no text."""

    session: Session
    note: str = ""


def answer(
    services: Services, seat: Seat, settings: Settings, decode: Decode = decode, interval: float = 0.05
) -> Iterator[Progress]:
    """Write the answer that the person at this seat waits for; the seat's session gets it as it grows.

    Yields at most every `interval` seconds. If the turn disappears (new picture, cleared chat) or is stopped, decoding
    ends at the next token. On an error the question is taken back and the error goes on to the caller.
    """
    turn = seat.session.waiting
    if turn is None:
        return
    ticket = services.running.ticket(turn.id)
    text, stats, completed = "", None, False
    try:
        waiting = seat.session.waiting
        if waiting is None or waiting.id != turn.id:  # stopped just before there was a ticket
            ticket.stop()
        while not ticket.stopped and not services.model.wait(0.2):
            yield Progress(seat.session, words.WAITING_FOR_MODEL)
        if not ticket.stopped:
            model = services.model.get()  # raises the reason if loading failed
            yield Progress(seat.session, words.LOOKING)
            asking = seat.session
            if all(other.id != turn.id for other in asking.transcript):  # another picture has come to the front
                ticket.stop()
            request = None if ticket.stopped else request_of(asking, turn, settings)
            if request is not None:
                _write(seat, turn, places=request.numbers, model=str(getattr(model, "name", "")))
            last = time.monotonic()
            for piece in () if request is None else decode(services, request, ticket):
                if isinstance(piece, AnswerMeasures):
                    stats = piece
                    continue
                text += cast(str, piece)
                if time.monotonic() - last >= interval:
                    session = _write(seat, turn, answer=text)
                    if session is None or ticket.stopped:
                        break
                    yield Progress(session)
                    last = time.monotonic()
        completed = True
    finally:
        services.running.done(turn.id)
        if completed:
            _write(seat, turn, answer=text.strip(), state=_end_state(ticket, stats), stats=stats, replaces=None)
        elif text:  # the page has gone or the model failed half-way: what was written is kept
            _write(seat, turn, answer=text.strip(), state="stopped", stats=stats, replaces=None)
        else:
            seat.change(lambda session: session.with_turn_taken_back(turn.id))
    yield Progress(seat.session)


def stop(services: Services, seat: Seat) -> Session:
    """End the answer that this person waits for, whether it is being written or still waits for its place.

    The turn counts as stopped at once: it may be long until its event's turn comes, and it might never come.
    """
    waiting = seat.session.waiting
    if waiting is None:
        return seat.session
    # First the mark, then the ticket: an answer that begins in between finds one or the other.
    session = seat.change(lambda session: session.with_turn_changed(waiting.id, state="stopped", replaces=None))
    services.running.stop(waiting.id)
    return session


def _write(seat: Seat, turn: Turn, **changes: Any) -> Session | None:
    """The turn changed at the seat; None if it is not there any more."""
    session = seat.change(lambda session: session.with_turn_changed(turn.id, **changes))
    return session if any(other.id == turn.id for other in session.transcript) else None


def _end_state(ticket: Ticket, stats: AnswerMeasures | None) -> Literal["complete", "length", "stopped"]:
    if ticket.stopped or (stats is not None and stats.finish_reason == "stopped"):
        return "stopped"
    return "length" if stats is not None and stats.finish_reason == "length" else "complete"
