"""A workspace holds several pictures, each with its own regions and chat; one is in front, nothing gets mixed up."""

from __future__ import annotations

import copy
import threading
from dataclasses import replace

import numpy as np
import pytest

from demo.session import workspace as workspace_module
from demo.session.session import Picture, Region, Session, new_analysis, new_captions, new_turn
from demo.session.workspace import Workspace
from osprey_core.errors import InputError
from osprey_core.regions.rle import CodedMask


def session_of(name: str, marked: bool = False) -> Session:
    session = Session(picture=Picture(name.encode(), name, 10, 10))
    return session.with_region(region(1)) if marked else session


def region(number: int) -> Region:
    return Region(number, CodedMask.of(np.eye(10, dtype=bool)))


def opened(*names: str) -> Workspace:
    workspace = Workspace()
    for name in names:
        workspace.open(session_of(name))
    return workspace


def names(workspace: Workspace) -> list[str]:
    return [sheet.session.picture.name for sheet in workspace.sheets if sheet.session.picture]


def front(workspace: Workspace) -> str | None:
    return workspace.session.picture.name if workspace.session.picture else None


def test_pictures_lie_in_the_order_of_their_opening_and_the_last_is_in_front() -> None:
    assert (names(Workspace()), front(Workspace())) == ([], None)
    workspace = opened("a", "b", "c")
    assert (names(workspace), front(workspace)) == (["a", "b", "c"], "c")
    assert len({sheet.id for sheet in workspace.sheets}) == 3


def test_what_is_done_is_done_to_the_picture_in_front_only() -> None:
    workspace = opened("a", "b")
    first, second = workspace.sheets
    workspace.change(lambda session: session.with_region(region(1)).with_turn(new_turn("b?", (), implied=True)))
    workspace.bring_to_front(first.id)
    assert (front(workspace), workspace.session.regions, workspace.session.transcript) == ("a", (), ())
    workspace.change_regions(lambda session: session.with_region(region(5)))
    workspace.bring_to_front(second.id)
    assert [each.number for each in workspace.session.regions] == [1]
    assert [turn.typed for turn in workspace.session.transcript] == ["b?"]


def test_a_picture_that_is_open_already_comes_to_the_front_with_what_was_said_about_it() -> None:
    workspace = opened("a", "b")
    workspace.bring_to_front(workspace.sheets[0].id)
    workspace.change(lambda session: session.with_region(region(3)))
    workspace.bring_to_front(workspace.sheets[1].id)
    workspace.open(session_of("a"))
    assert (names(workspace), front(workspace)) == (["a", "b"], "a")
    assert [each.number for each in workspace.session.regions] == [3]


def test_a_saved_conversation_lies_beside_the_same_picture() -> None:
    workspace = opened("a")
    workspace.open(session_of("a", marked=True))
    assert names(workspace) == ["a", "a"]
    assert [len(sheet.session.regions) for sheet in workspace.sheets] == [0, 1]


def test_too_many_pictures_are_refused_and_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace_module, "MAX_PICTURES", 2)
    workspace = opened("a", "b")
    before = workspace.sheets
    with pytest.raises(InputError, match="2 pictures open"):
        workspace.open(session_of("c"))
    assert (workspace.sheets, front(workspace)) == (before, "b")
    workspace.open(session_of("a"))  # that one is no further one
    assert front(workspace) == "a"


@pytest.mark.parametrize(("closed", "left", "in_front"), [(0, "bc", "b"), (1, "ac", "c"), (2, "ab", "b")])
def test_the_neighbour_of_a_closed_picture_comes_to_the_front(closed: int, left: str, in_front: str) -> None:
    workspace = opened("a", "b", "c")
    workspace.bring_to_front(workspace.sheets[closed].id)
    workspace.close(workspace.sheets[closed].id)
    assert (names(workspace), front(workspace)) == (list(left), in_front)


def test_closing_another_picture_leaves_the_one_in_front_there() -> None:
    workspace = opened("a", "b", "c")
    workspace.close(workspace.sheets[0].id)
    assert (names(workspace), front(workspace)) == (["b", "c"], "c")
    workspace.close(12345)
    assert names(workspace) == ["b", "c"]


def test_after_the_last_picture_the_seat_is_as_new() -> None:
    workspace = opened("a")
    closed = workspace.sheets[0].id
    workspace.close(closed)
    assert (workspace.sheets, workspace.session) == ((), Session())
    with pytest.raises(InputError, match="not open any more"):
        workspace.bring_to_front(closed)
    workspace.open(session_of("b"))
    assert (names(workspace), front(workspace)) == (["b"], "b")


def test_what_was_under_way_is_stopped_when_another_picture_comes_to_the_front() -> None:
    workspace = opened("a", "b")
    first, second = workspace.sheets
    turn = replace(new_turn("b?", (), implied=True), answer="half")
    workspace.change(lambda s: replace(s.with_turn(turn), captions=new_captions("short", 3)))
    workspace.change(lambda s: s.with_analysis(new_analysis("inside", (), ())))
    workspace.bring_to_front(second.id)  # it is there
    assert workspace.session.waiting == turn
    workspace.bring_to_front(first.id)
    workspace.bring_to_front(second.id)
    assert [(each.state, each.answer) for each in workspace.session.transcript] == [("stopped", "half")]
    assert workspace.session.captions is not None
    assert workspace.session.captions.state == "stopped"
    assert [analysis.state for analysis in workspace.session.analyses] == ["stopped"]


def test_an_answer_that_a_retry_was_to_replace_stays_when_nothing_came_in_its_place() -> None:
    old = replace(new_turn("b?", (), implied=True), answer="whole", state="complete")
    retry = replace(new_turn("b?", (), implied=True), replaces=old)
    workspace = opened("a", "b")
    first, second = workspace.sheets
    workspace.change(lambda session: session.with_turn(retry))
    workspace.bring_to_front(first.id)
    workspace.bring_to_front(second.id)
    assert workspace.session.transcript == (old,)
    workspace.change(lambda session: replace(session, transcript=(replace(retry, answer="half"),)))
    assert [(turn.answer, turn.state, turn.replaces) for turn in workspace.session.settled().transcript] == [
        ("half", "stopped", None)
    ]


@pytest.mark.parametrize("closes", [False, True])
def test_a_slow_outline_reaches_its_own_picture_or_none(closes: bool) -> None:
    workspace = opened("a", "b")
    first, second = workspace.sheets
    began, goes_on = threading.Event(), threading.Event()

    def slowly(session: Session) -> Session:
        began.set()
        goes_on.wait(10)
        return session.with_region(region(1))

    thread = threading.Thread(target=lambda: workspace.change_regions(slowly))
    thread.start()
    began.wait(10)
    workspace.bring_to_front(first.id)
    if closes:
        workspace.close(second.id)
    goes_on.set()
    thread.join(10)
    assert [len(sheet.session.regions) for sheet in workspace.sheets] == ([0] if closes else [0, 1])
    assert front(workspace) == "a"


def test_a_copy_goes_its_own_way() -> None:
    workspace, other = opened("a", "b"), Workspace()
    workspace.bring_to_front(workspace.sheets[0].id)
    other.copy_from(workspace)
    assert (names(other), front(other)) == (["a", "b"], "a")
    other.close(other.sheets[1].id)
    other.change(lambda session: session.with_region(region(1)))
    assert (names(workspace), workspace.session.regions) == (["a", "b"], ())
    other.clear()
    assert (other.sheets, other.session) == ((), Session())


def test_each_person_gets_a_workspace_of_their_own() -> None:
    first = Workspace()
    first.change(lambda session: replace(session, selected=5))
    assert copy.deepcopy(first).session == Session()
