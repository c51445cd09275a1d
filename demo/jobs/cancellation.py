"""Ending what is under way for a person when another picture comes to the front."""

from __future__ import annotations

from collections.abc import Callable

from demo.session.services import Services
from demo.session.workspace import Seat


def turn(services: Services, seat: Seat, change: Callable[[], None]) -> None:
    """Do `change`, which may bring another picture to the front; what is under way for the one before then ends.

    `change` should be quick: what begins meanwhile is not ended.
    """
    before = seat.front
    change()
    if seat.front.id == before.id:
        return
    session = before.session
    under_way = [session.waiting, session.captions, *session.probes]
    for each in under_way:
        if each is not None:
            services.running.stop(each.id)
