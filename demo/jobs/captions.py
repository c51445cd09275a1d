"""Describing everything that the segmenter finds in a picture."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from demo.i18n import words
from demo.jobs.decoding import Decode, decode
from demo.jobs.requests import Caption, DescribeRequest
from demo.session.conversation import Style
from demo.session.pictures import required_picture
from demo.session.segments import find_everything
from demo.session.services import Services
from demo.session.session import Captions, Session, new_captions
from demo.session.settings import Settings
from demo.session.workspace import Seat
from osprey_core.errors import InputError


def describe_everything(
    services: Services, seat: Seat, style: Style, settings: Settings, decode: Decode = decode, interval: float = 0.25
) -> Iterator[Session]:
    """Caption everything that the segmenter finds; the seat's session gets the captions as they are written.

    Yields at most every `interval` seconds. Ends early when it is stopped, or when the picture goes.
    """
    session = seat.session
    picture = required_picture(session)
    if style not in ("short", "detailed", "category"):
        raise InputError(words.BAD_GESTURE)
    if session.captions is not None and session.captions.state == "running":
        raise InputError(words.BUSY_DESCRIBING)
    segments = find_everything(services, session)
    if not segments:
        raise InputError(words.NOTHING_STANDS_OUT)
    captions = new_captions(style, len(segments))
    seat.change(lambda now: replace(now, captions=captions) if now.picture is picture else now)
    ticket = services.running.ticket(captions.id)
    completed = False
    try:
        yield seat.session
        while not ticket.stopped and not services.model.wait(0.2):
            yield seat.session
        services.model.get()  # raises the reason if loading failed
        request = DescribeRequest(picture, tuple(segment.mask for segment in segments), style, settings)
        last = 0.0
        for piece in decode(services, request, ticket):
            if not isinstance(piece, Caption):
                continue
            captions = replace(captions, rows=(*captions.rows, (piece.place, piece.text)))
            if not _write_captions(seat, captions) or ticket.stopped:
                break
            if time.monotonic() - last >= interval:
                yield seat.session
                last = time.monotonic()
        completed = True
    finally:
        services.running.done(captions.id)
        whole = completed and len(captions.rows) == captions.total
        _write_captions(seat, replace(captions, state="complete" if whole else "stopped"))
    yield seat.session


def stop_describing(services: Services, seat: Seat) -> Session:
    """End the captions that are being written; those that are there stay."""
    captions = seat.session.captions
    if captions is not None and captions.state == "running":
        services.running.stop(captions.id)
    return seat.session


def _write_captions(seat: Seat, captions: Captions) -> bool:
    """The captions brought up to date at the seat; False if they went with their picture."""

    def change(session: Session) -> Session:
        known = session.captions is not None and session.captions.id == captions.id
        return replace(session, captions=captions) if known else session

    session = seat.change(change)
    return session.captions is captions
