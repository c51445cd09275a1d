"""Seats are found by their key, for some time, within bounds; the least recently used goes first."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from demo.session.handlers import Services
from demo.session.restore import take_over
from demo.session.session import Picture, Session, new_captions, new_probe, new_turn
from demo.session.workspace import Seat
from demo.session.workspaces import Seats
from demo.shared.lazy_resource import Slot


def seat_with(size: int) -> Seat:
    seat = Seat()
    seat.change(lambda _: Session(picture=Picture(bytes(size), "a.png", 1, 1)))
    return seat


def test_keys_are_long_and_differ() -> None:
    keys = {Seat().key for _ in range(100)}
    assert len(keys) == 100
    assert min(map(len, keys)) >= 20


def test_only_a_kept_seat_is_found_by_its_key() -> None:
    seats, seat = Seats(), Seat()
    assert seats.find(seat.key) is None
    assert seats.keep(seat) is seat
    assert seats.find(seat.key) is seat
    assert seats.find("") is None


def test_beyond_the_number_the_least_recently_used_goes_and_lets_its_picture_go() -> None:
    seats = Seats(capacity=2)
    first, second, third = (seat_with(1) for _ in range(3))
    seats.keep(first), seats.keep(second)
    first.change(lambda session: session)  # used again
    seats.keep(third)
    assert [seats.find(seat.key) for seat in (first, second, third)] == [first, None, third]
    assert second.session == Session()
    assert first.session.picture is not None


def test_beyond_the_bytes_too_but_the_newest_always_stays() -> None:
    seats = Seats(max_bytes=100)
    first, second = seats.keep(seat_with(60)), seats.keep(seat_with(60))
    assert [seats.find(seat.key) for seat in (first, second)] == [None, second]
    large = seats.keep(seat_with(500))
    assert len(seats) == 1
    assert seats.find(large.key) is large


def test_a_picture_that_two_seats_share_counts_once() -> None:
    seats, first, second = Seats(max_bytes=100), seat_with(60), Seat()
    second.change(lambda _: first.session)
    seats.keep(first), seats.keep(second)
    assert len(seats) == 2


def test_after_its_time_a_seat_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    seats = Seats(seconds=10)
    seat, start = seats.keep(seat_with(1)), time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: start + 9)
    assert seats.find(seat.key) is seat
    monkeypatch.setattr(time, "monotonic", lambda: start + 20)
    assert seats.find(seat.key) is None
    seats.keep(Seat())
    assert len(seats) == 1
    assert seat.session == Session()


def test_a_client_has_one_seat_until_it_has_to_go() -> None:
    seats = Seats(capacity=1)
    one = seats.of_client("one")
    assert seats.of_client("one") is one
    assert seats.of_client("two") is not one
    assert seats.of_client("one") is not one


def test_who_comes_back_gets_a_copy_with_everything_settled() -> None:
    services = Services(model=Slot.of(None), segmenter=Slot.of(None))
    old, new = seat_with(1), Seat()
    turn = new_turn("What?", (), implied=True)
    old.change(lambda session: replace(session.with_turn(turn), captions=new_captions("short", 3)))
    old.change(lambda session: session.with_probe(new_probe("inside", (), ())))
    assert not take_over(services, new, old.key)  # not kept
    services.seats.keep(old)
    assert take_over(services, new, old.key)
    assert new.session.picture is old.session.picture
    assert [each.state for each in new.session.transcript] == ["stopped"]
    assert new.session.captions is not None
    assert new.session.captions.state == "stopped"
    assert [probe.state for probe in new.session.probes] == ["stopped"]
    assert old.session.waiting == turn
    assert services.seats.find(new.key) is new
    assert not take_over(services, new, old.key)  # something is open here already
