"""A seat holds several pictures, each with its own regions and chat; one is in front, and nothing gets mixed up."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from demo.session import workspace as seat_module
from demo.session.session import PageRegion, Picture, Session, new_captions, new_probe, new_turn
from demo.session.workspace import Seat
from osprey_core.errors import InputError
from osprey_core.regions.rle import CodedMask


def session_of(name: str, marked: bool = False) -> Session:
    session = Session(picture=Picture(name.encode(), name, 10, 10))
    return session.with_region(region(1)) if marked else session


def region(number: int) -> PageRegion:
    return PageRegion(number, CodedMask.of(np.eye(10, dtype=bool)))


def opened(*names: str) -> Seat:
    seat = Seat()
    for name in names:
        seat.open(session_of(name))
    return seat


def names(seat: Seat) -> list[str]:
    return [sheet.session.picture.name for sheet in seat.sheets if sheet.session.picture]


def front(seat: Seat) -> str | None:
    return seat.session.picture.name if seat.session.picture else None


def test_pictures_lie_in_the_order_of_their_opening_and_the_last_is_in_front() -> None:
    assert (names(Seat()), front(Seat())) == ([], None)
    seat = opened("a", "b", "c")
    assert (names(seat), front(seat)) == (["a", "b", "c"], "c")
    assert len({sheet.id for sheet in seat.sheets}) == 3


def test_what_is_done_is_done_to_the_picture_in_front_only() -> None:
    seat = opened("a", "b")
    first, second = seat.sheets
    seat.change(lambda session: session.with_region(region(1)).with_turn(new_turn("b?", (), implied=True)))
    seat.turn_to(first.id)
    assert (front(seat), seat.session.regions, seat.session.transcript) == ("a", (), ())
    seat.change_regions(lambda session: session.with_region(region(5)))
    seat.turn_to(second.id)
    assert [each.number for each in seat.session.regions] == [1]
    assert [turn.typed for turn in seat.session.transcript] == ["b?"]


def test_a_picture_that_is_open_already_comes_to_the_front_with_what_was_said_about_it() -> None:
    seat = opened("a", "b")
    seat.turn_to(seat.sheets[0].id)
    seat.change(lambda session: session.with_region(region(3)))
    seat.turn_to(seat.sheets[1].id)
    seat.open(session_of("a"))
    assert (names(seat), front(seat)) == (["a", "b"], "a")
    assert [each.number for each in seat.session.regions] == [3]


def test_a_saved_conversation_lies_beside_the_same_picture() -> None:
    seat = opened("a")
    seat.open(session_of("a", marked=True))
    assert names(seat) == ["a", "a"]
    assert [len(sheet.session.regions) for sheet in seat.sheets] == [0, 1]


def test_too_many_pictures_are_refused_and_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seat_module, "MAX_PICTURES", 2)
    seat = opened("a", "b")
    before = seat.sheets
    with pytest.raises(InputError, match="2 pictures open"):
        seat.open(session_of("c"))
    assert (seat.sheets, front(seat)) == (before, "b")
    seat.open(session_of("a"))  # that one is no further one
    assert front(seat) == "a"


@pytest.mark.parametrize(("closed", "left", "in_front"), [(0, "bc", "b"), (1, "ac", "c"), (2, "ab", "b")])
def test_the_neighbour_of_a_closed_picture_comes_to_the_front(closed: int, left: str, in_front: str) -> None:
    seat = opened("a", "b", "c")
    seat.turn_to(seat.sheets[closed].id)
    seat.close(seat.sheets[closed].id)
    assert (names(seat), front(seat)) == (list(left), in_front)


def test_closing_another_picture_leaves_the_one_in_front_there() -> None:
    seat = opened("a", "b", "c")
    seat.close(seat.sheets[0].id)
    assert (names(seat), front(seat)) == (["b", "c"], "c")
    seat.close(12345)
    assert names(seat) == ["b", "c"]


def test_after_the_last_picture_the_seat_is_as_new() -> None:
    seat = opened("a")
    closed = seat.sheets[0].id
    seat.close(closed)
    assert (seat.sheets, seat.session) == ((), Session())
    with pytest.raises(InputError, match="not open any more"):
        seat.turn_to(closed)
    seat.open(session_of("b"))
    assert (names(seat), front(seat)) == (["b"], "b")


def test_what_was_under_way_is_stopped_when_another_picture_comes_to_the_front() -> None:
    seat = opened("a", "b")
    first, second = seat.sheets
    turn = replace(new_turn("b?", (), implied=True), answer="half")
    seat.change(lambda s: replace(s.with_turn(turn), captions=new_captions("short", 3)))
    seat.change(lambda s: s.with_probe(new_probe("inside", (), ())))
    seat.turn_to(second.id)  # it is there
    assert seat.session.waiting == turn
    seat.turn_to(first.id)
    seat.turn_to(second.id)
    assert [(each.state, each.answer) for each in seat.session.transcript] == [("stopped", "half")]
    assert seat.session.captions is not None
    assert seat.session.captions.state == "stopped"
    assert [probe.state for probe in seat.session.probes] == ["stopped"]


def test_an_answer_that_a_retry_was_to_replace_stays_when_nothing_came_in_its_place() -> None:
    old = replace(new_turn("b?", (), implied=True), answer="whole", state="complete")
    retry = replace(new_turn("b?", (), implied=True), replaces=old)
    seat = opened("a", "b")
    first, second = seat.sheets
    seat.change(lambda session: session.with_turn(retry))
    seat.turn_to(first.id)
    seat.turn_to(second.id)
    assert seat.session.transcript == (old,)
    seat.change(lambda session: replace(session, transcript=(replace(retry, answer="half"),)))
    assert [(turn.answer, turn.state, turn.replaces) for turn in seat.session.settled().transcript] == [
        ("half", "stopped", None)
    ]


@pytest.mark.parametrize("closes", [False, True])
def test_a_slow_outline_reaches_its_own_picture_or_none(closes: bool) -> None:
    seat = opened("a", "b")
    first, second = seat.sheets
    began, goes_on = threading.Event(), threading.Event()

    def slowly(session: Session) -> Session:
        began.set()
        goes_on.wait(10)
        return session.with_region(region(1))

    thread = threading.Thread(target=lambda: seat.change_regions(slowly))
    thread.start()
    began.wait(10)
    seat.turn_to(first.id)
    if closes:
        seat.close(second.id)
    goes_on.set()
    thread.join(10)
    assert [len(sheet.session.regions) for sheet in seat.sheets] == ([0] if closes else [0, 1])
    assert front(seat) == "a"


def test_a_copy_goes_its_own_way() -> None:
    seat, other = opened("a", "b"), Seat()
    seat.turn_to(seat.sheets[0].id)
    other.take(seat)
    assert (names(other), front(other)) == (["a", "b"], "a")
    other.close(other.sheets[1].id)
    other.change(lambda session: session.with_region(region(1)))
    assert (names(seat), seat.session.regions) == (["a", "b"], ())
    other.empty()
    assert (other.sheets, other.session) == ((), Session())
