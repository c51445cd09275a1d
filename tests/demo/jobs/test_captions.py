"""Everything in the picture described: whole, stopped, gone with its picture, refused."""

from __future__ import annotations

from typing import Any

import pytest

from demo.jobs.captions import describe_everything, stop_describing
from demo.session.pictures import open_picture
from demo.session.segments import find_everything
from demo.session.services import Services
from demo.session.session import Session
from demo.session.workspace import Workspace
from osprey_core.errors import InputError
from osprey_core.language.sampling import SamplingSettings
from tests.demo.sessions import png


def test_everything_is_described(services: Services, opened: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: opened)
    states = [session.captions for session in describe_everything(services, workspace, "short", SamplingSettings())]
    captions = workspace.session.captions
    assert captions is not None
    assert captions.state == "complete"
    assert states[0] is not None
    assert states[0].rows == ()
    for place, said in captions.rows:
        mask = find_everything(services, opened)[place].mask.mask()
        assert f"area={mask.sum()}" in said
    assert sorted(place for place, _ in captions.rows) == [0, 1, 2]


def test_describing_stops_and_keeps_what_is_there(services: Services, opened: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: opened)
    for session in describe_everything(services, workspace, "category", SamplingSettings(), interval=0):
        if session.captions is not None and session.captions.rows:
            stop_describing(services, workspace)
    captions = workspace.session.captions
    assert captions is not None
    assert captions.state == "stopped"
    assert len(captions.rows) == 1
    assert len(services.running_jobs) == 0


def test_describing_ends_with_its_picture(services: Services, opened: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: opened)
    for session in describe_everything(services, workspace, "short", SamplingSettings(), interval=0):
        if session.captions is not None and session.captions.rows:
            workspace.change(lambda _: open_picture(png(), "other.png"))
    assert workspace.session.captions is None
    assert len(services.running_jobs) == 0


def test_describing_twice_at_once_is_refused(services: Services, opened: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: opened)
    first: Any = describe_everything(services, workspace, "short", SamplingSettings())
    next(first)
    with pytest.raises(InputError, match="already"):
        next(describe_everything(services, workspace, "short", SamplingSettings()))
    first.close()
    assert workspace.session.captions is not None
    assert workspace.session.captions.state == "stopped"
