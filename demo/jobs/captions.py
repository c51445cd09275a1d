"""Describing everything that the segmenter finds in a picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from demo.i18n import words
from demo.jobs.decoding import Decode, decode
from demo.jobs.requests import Caption, DescribeRequest, Piece
from demo.jobs.run import Ending, Job, Phase, run
from demo.session.conversation import Style
from demo.session.pictures import required_picture
from demo.session.segments import find_everything
from demo.session.services import Services
from demo.session.session import Captions, Session, new_captions
from demo.session.workspace import Seat
from osprey_core.errors import InputError
from osprey_core.language.sampling import SamplingSettings


def describe_everything(
    services: Services,
    seat: Seat,
    style: Style,
    settings: SamplingSettings,
    decode: Decode = decode,
    interval: float = 0.25,
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
    request = DescribeRequest(picture, tuple(segment.mask for segment in segments), style, settings)
    yield from run(services, CaptionsJob(seat, captions, request), decode, interval)
    yield seat.session


def stop_describing(services: Services, seat: Seat) -> Session:
    """End the captions that are being written; those that are there stay."""
    captions = seat.session.captions
    if captions is not None and captions.state == "running":
        services.running.stop(captions.id)
    return seat.session


class CaptionsJob(Job[Session]):
    """One caption for each region of a request; the session's captions get them."""

    def __init__(self, seat: Seat, captions: Captions, request: DescribeRequest) -> None:
        self.id = captions.id
        self._seat, self._captions, self._request = seat, captions, request

    def is_wanted(self) -> bool:
        captions = self._seat.session.captions
        return captions is not None and captions.id == self.id and captions.state == "running"

    def requests(self) -> list[DescribeRequest]:
        return [self._request]

    def keep(self, place: int, piece: Piece) -> bool:
        if not isinstance(piece, Caption):
            return True
        self._captions = replace(self._captions, rows=(*self._captions.rows, (piece.place, piece.text)))
        return self._write()

    def shown(self, phase: Phase) -> Session | None:
        return None if phase == "opening" else self._seat.session

    def settle(self, ending: Ending) -> None:
        is_whole = ending != "failed" and len(self._captions.rows) == self._captions.total
        self._captions = replace(self._captions, state="complete" if is_whole else "stopped")
        self._write()

    def _write(self) -> bool:
        """Bring the session's captions up to date; False if they went with their picture."""

        def change(session: Session) -> Session:
            is_known = session.captions is not None and session.captions.id == self.id
            return replace(session, captions=self._captions) if is_known else session

        return self._seat.change(change).captions is self._captions
