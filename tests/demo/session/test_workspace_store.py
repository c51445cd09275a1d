"""WorkspaceStore are found by their key, for some time, within bounds; the least recently used goes first."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from demo.session.restore import restore_workspace
from demo.session.services import Services
from demo.session.session import Picture, Session, new_analysis, new_captions, new_turn
from demo.session.workspace import Kind, Workspace
from demo.session.workspace_store import ANONYMOUS_SECONDS, WorkspaceStore
from demo.shared.lazy_resource import LazyResource


def seat_with(size: int) -> Workspace:
    workspace = Workspace()
    workspace.change(lambda _: Session(picture=Picture(bytes(size), "a.png", 1, 1)))
    return workspace


def test_keys_are_long_and_differ() -> None:
    keys = {Workspace().key for _ in range(100)}
    assert len(keys) == 100
    assert min(map(len, keys)) >= 20


def test_only_a_kept_seat_is_found_by_its_key() -> None:
    workspaces, workspace = WorkspaceStore(), Workspace()
    assert workspaces.find(workspace.key) is None
    assert workspaces.keep(workspace) is workspace
    assert workspaces.find(workspace.key) is workspace
    assert workspaces.find("") is None


def test_beyond_the_number_the_least_recently_used_goes_and_lets_its_picture_go() -> None:
    workspaces = WorkspaceStore(capacity=2)
    first, second, third = (seat_with(1) for _ in range(3))
    workspaces.keep(first), workspaces.keep(second)
    first.change(lambda session: session)  # used again
    workspaces.keep(third)
    assert [workspaces.find(workspace.key) for workspace in (first, second, third)] == [first, None, third]
    assert second.session == Session()
    assert first.session.picture is not None


def test_beyond_the_bytes_too_but_the_newest_always_stays() -> None:
    workspaces = WorkspaceStore(max_bytes=100)
    first, second = workspaces.keep(seat_with(60)), workspaces.keep(seat_with(60))
    assert [workspaces.find(workspace.key) for workspace in (first, second)] == [None, second]
    large = workspaces.keep(seat_with(500))
    assert len(workspaces) == 1
    assert workspaces.find(large.key) is large


def test_a_picture_that_two_seats_share_counts_once() -> None:
    workspaces, first, second = WorkspaceStore(max_bytes=100), seat_with(60), Workspace()
    second.change(lambda _: first.session)
    workspaces.keep(first), workspaces.keep(second)
    assert len(workspaces) == 2


def test_after_its_time_a_seat_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    workspaces = WorkspaceStore(seconds=10)
    workspace, start = workspaces.keep(seat_with(1)), time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: start + 9)
    assert workspaces.find(workspace.key) is workspace
    monkeypatch.setattr(time, "monotonic", lambda: start + 20)
    assert workspaces.find(workspace.key) is None
    workspaces.keep(Workspace())
    assert len(workspaces) == 1
    assert workspace.session == Session()


def test_a_client_has_one_seat_until_it_has_to_go() -> None:
    workspaces = WorkspaceStore(capacity=1)
    one = workspaces.for_client("one")
    assert workspaces.for_client("one") is one
    assert workspaces.for_client("two") is not one
    assert workspaces.for_client("one") is not one


def test_who_comes_back_gets_a_copy_with_everything_settled() -> None:
    services = Services(model=LazyResource.of(None), segmenter=LazyResource.of(None))
    old, new = seat_with(1), Workspace()
    turn = new_turn("What?", (), implied=True)
    old.change(lambda session: replace(session.with_turn(turn), captions=new_captions("short", 3)))
    old.change(lambda session: session.with_analysis(new_analysis("inside", (), ())))
    assert not restore_workspace(services, new, old.key)  # not kept
    services.workspaces.keep(old)
    assert restore_workspace(services, new, old.key)
    assert new.session.picture is old.session.picture
    assert [each.state for each in new.session.transcript] == ["stopped"]
    assert new.session.captions is not None
    assert new.session.captions.state == "stopped"
    assert [analysis.state for analysis in new.session.analyses] == ["stopped"]
    assert old.session.waiting == turn
    assert services.workspaces.find(new.key) is new
    assert not restore_workspace(services, new, old.key)  # something is open here already


def from_address(workspaces: WorkspaceStore, address: str, workspace: Workspace) -> Workspace:
    workspace.address = address
    return workspaces.keep(workspace)


def seat(kind: Kind, size: int = 1) -> Workspace:
    workspace = Workspace(kind)
    workspace.change(lambda _: Session(picture=Picture(bytes(size), "a.png", 1, 1)))
    return workspace


def test_programs_go_before_closed_pages_and_open_pages_last() -> None:
    workspaces = WorkspaceStore(capacity=4)
    closed, open_page = workspaces.keep(seat("page")), workspaces.keep(seat("page"))
    workspaces.is_open = lambda workspace: workspace is not closed
    program, anonymous = workspaces.keep(seat("program")), workspaces.keep(seat("anonymous"))
    for gone in (anonymous, program, closed):
        newest = workspaces.keep(seat("page"))
        assert workspaces.find(gone.key) is None
        assert gone.session == Session()
        assert workspaces.find(newest.key) is newest
    assert workspaces.find(open_page.key) is open_page


def test_a_thousand_calls_of_one_address_leave_everybody_elses_seat() -> None:
    workspaces = WorkspaceStore(capacity=100)
    kinds: tuple[Kind, ...] = ("page", "program", "anonymous") * 10
    others = [from_address(workspaces, f"10.0.0.{place}", seat(kind)) for place, kind in enumerate(kinds)]
    for _ in range(1001):
        from_address(workspaces, "10.9.9.9", seat("anonymous"))
    assert all(workspaces.find(workspace.key) is workspace for workspace in others)
    assert len(workspaces) == len(others) + 50  # half the capacity


def test_even_many_open_pages_of_one_address_push_out_their_own_first() -> None:
    workspaces = WorkspaceStore(capacity=100, max_bytes=1000)
    others = [from_address(workspaces, f"10.0.0.{place}", seat("page", 10)) for place in range(20)]
    for _ in range(200):
        from_address(workspaces, "10.9.9.9", seat("page", 40))
    assert all(workspaces.find(workspace.key) is workspace for workspace in others)


def test_the_seat_of_a_program_without_connection_expires_first(monkeypatch: pytest.MonkeyPatch) -> None:
    workspaces = WorkspaceStore()
    page, anonymous, start = workspaces.keep(seat("page")), workspaces.keep(seat("anonymous")), time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: start + ANONYMOUS_SECONDS + 60)
    assert workspaces.find(anonymous.key) is None
    assert workspaces.find(page.key) is page
