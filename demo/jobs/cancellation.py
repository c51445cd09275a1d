"""Ending what is under way for a person when another picture comes to the front."""

from __future__ import annotations

from collections.abc import Callable

from demo.session.services import Services
from demo.session.workspace import Workspace


def turn(services: Services, workspace: Workspace, change: Callable[[], None]) -> None:
    """Do `change`, which may bring another picture to the front; what is under way for the one before then ends.

    `change` should be quick: what begins meanwhile is not ended.
    """
    before = workspace.front
    change()
    if workspace.front.id == before.id:
        return
    session = before.session
    under_way = [session.waiting, session.captions, *session.analyses]
    for each in under_way:
        if each is not None:
            services.running_jobs.stop(each.id)
