"""Closer looks at what the model makes of regions: begun, taken, stopped. What they look at is in `judging`, `inside`.

A look is a `Probe` in the person's session, so it goes with its picture. Knows no component and no kind of look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from demo.i18n import words
from demo.jobs.decoding import Decode, decode
from demo.jobs.requests import AnyRequest, Finding, Piece
from demo.jobs.run import Ending, Job, Phase, run
from demo.session.services import Services
from demo.session.session import AnswerMeasures, Asked, PageRegion, Probe, Session
from demo.session.workspace import Seat
from osprey_core.errors import InputError


@dataclass(frozen=True)
class Variant:
    """One of several answers to one question, and what is different about it."""

    how: str
    """What is different, for a program."""
    model: str = ""
    seed: int | None = None
    answer: str = ""
    stats: AnswerMeasures | None = None
    """Known once the answer is complete or stopped."""


def begin(seat: Seat, make: Callable[[Session], Probe]) -> Probe:
    """The look that `make` makes of the session, waiting to be taken; it replaces the last one of its kind."""
    probe = make(seat.session)
    seat.change(lambda session: session.with_probe(probe))
    return probe


def take(
    services: Services, seat: Seat, probe_id: int, decode: Decode = decode, interval: float = 0.1
) -> Iterator[Probe]:
    """Take the look with this id, and yield it as it grows, at most every `interval` seconds.

    A look that was stopped before its turn came, or that is there no more (new picture, a newer look of its kind), is
    not taken. Ends at the model's next token once it is stopped or gone. What had been found before an error stays.
    """
    probe = _current(seat, probe_id)
    if probe is None or probe.state != "waiting":
        return
    yield from run(services, ProbeJob(seat, probe), decode, interval)
    probe = _current(seat, probe_id)
    if probe is not None:
        yield probe


def stop(services: Services, seat: Seat, kind: str | None = None) -> None:
    """End the look of this kind (all looks, by default), whether it is being taken or still waits for its turn."""
    for probe in seat.session.probes:
        if probe.state in ("waiting", "running") and kind in (None, probe.kind):
            # First the mark, then the ticket: a look that begins in between finds one or the other.
            _write(seat, probe.id, state="stopped")
            services.running.stop(probe.id)


class ProbeJob(Job[Probe]):
    """One closer look: its requests one after the other; the session's look of its kind gets what is found."""

    def __init__(self, seat: Seat, probe: Probe) -> None:
        self.id = probe.id
        self._seat, self._requests = seat, probe.requests
        self.asks_second_model = any(getattr(request, "second", False) for request in probe.requests)

    def is_wanted(self) -> bool:
        probe = _current(self._seat, self.id)
        return probe is not None and probe.state in ("waiting", "running")

    def requests(self) -> tuple[AnyRequest, ...]:
        return self._requests if _write(self._seat, self.id, state="running") else ()

    def keep(self, place: int, piece: Piece) -> bool:
        probe = _current(self._seat, self.id)
        return probe is not None and bool(_write(self._seat, self.id, parts=_with_piece(probe.parts, place, piece)))

    def shown(self, phase: Phase) -> Probe | None:
        return _current(self._seat, self.id) if phase == "writing" else None

    def settle(self, ending: Ending) -> None:
        _write(self._seat, self.id, state="complete" if ending == "complete" else "stopped")


def regions_of(session: Session, which: Any) -> tuple[PageRegion, ...]:
    """The regions that a look is about: "all" that are shown, the "selected" one, or the one with a number.

    Raises InputError without a picture, without regions, or if there is no such region.
    """
    if session.picture is None:
        raise InputError(words.NO_PICTURE)
    if not session.regions:
        raise InputError(words.NO_REGION)
    if which == "all":
        shown = tuple(region for region in session.regions if not region.hidden)
        if not shown:
            raise InputError(words.ALL_HIDDEN)
        return shown
    number = session.selected if which in (None, "", "selected") else which
    region = session.region(number) if isinstance(number, int) else None
    if region is None:
        raise InputError(words.UNKNOWN_CHOICE)
    return (region,)


def as_asked(regions: tuple[PageRegion, ...]) -> tuple[Asked, ...]:
    """The regions as they are now."""
    return tuple(Asked(region.number, region.mask) for region in regions)


def _with_piece(parts: tuple[Any, ...], place: int, piece: Any) -> tuple[Any, ...]:
    """What has been found, and one piece more: of the answer to the request at this place, or a finding of its own."""
    if isinstance(piece, Finding):
        return (*parts, piece)
    variant: Variant = parts[place]
    if isinstance(piece, AnswerMeasures):
        grown = replace(variant, answer=variant.answer.strip(), stats=piece)
    else:
        grown = replace(variant, answer=variant.answer + piece)
    return (*parts[:place], grown, *parts[place + 1 :])


def _current(seat: Seat, probe_id: int) -> Probe | None:
    return next((probe for probe in seat.session.probes if probe.id == probe_id), None)


def _write(seat: Seat, probe_id: int, **changes: Any) -> Probe | None:
    """The look changed at the seat; None if it is not there any more."""

    def change(session: Session) -> Session:
        probes = tuple(replace(probe, **changes) if probe.id == probe_id else probe for probe in session.probes)
        return replace(session, probes=probes)

    seat.change(change)
    return _current(seat, probe_id)
