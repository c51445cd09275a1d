"""Stopping a person's jobs when another picture comes to the front."""

from __future__ import annotations

from collections.abc import Callable

from demo.session.services import Services
from demo.session.workspace import Workspace


def change_front(services: Services, workspace: Workspace, change: Callable[[], None]) -> None:
    """Call `change`; if that brings another picture to the front, stop the jobs of the previous one.

    `change` should be quick: jobs that begin while it runs are not stopped.
    """
    before = workspace.front
    change()
    if workspace.front.id == before.id:
        return
    session = before.session
    for job in (session.waiting, session.captions, *session.analyses):
        if job is not None:
            services.running_jobs.stop(job.id)
