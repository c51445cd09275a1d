"""Who has a turn, and in which order."""

from __future__ import annotations

import threading
import time

import pytest

from demo.shared.turns import Turns, WorkTurn


def begun(turns: Turns, person: str, weight: float = 1.0) -> WorkTurn:
    turn = turns.queue(person, weight)
    assert turn.wait(1)
    return turn


def test_one_at_a_time_in_the_order_of_arrival() -> None:
    turns = Turns()
    first, second, third = begun(turns, "a"), turns.queue("b"), turns.queue("c")
    assert not second.wait(0.01)
    assert [turn.place for turn in (first, second, third)] == [0, 0, 1]
    first.leave()
    assert not third.wait(0.01)
    assert second.wait(1)
    second.leave()
    assert third.wait(1)


def test_who_used_it_least_is_next() -> None:
    turns = Turns()
    greedy = begun(turns, "greedy")
    later, other = turns.queue("greedy"), turns.queue("other")
    time.sleep(0.02)
    greedy.leave()
    assert later.place == 1
    assert other.wait(1)


def test_a_turn_is_passed_on_only_after_its_slice_and_only_to_others() -> None:
    turns = Turns(slice_seconds=0.01)
    long = begun(turns, "long")
    assert not long.pass_on()
    time.sleep(0.06)
    assert not long.pass_on()  # nobody waits
    own = turns.queue("long")
    assert not long.pass_on()
    short = turns.queue("short")
    assert long.pass_on()
    assert short.wait(1)
    assert not long.wait(0.01)
    short.leave()
    assert long.wait(1)  # of one person's turns, the one that has begun goes first
    own.leave()
    long.leave()
    assert (turns.running, turns.waiting) == ([], [])


def test_those_that_have_begun_are_ended_first_once_they_are_many() -> None:
    turns = Turns(slice_seconds=0, most_begun=2)
    one = begun(turns, "one")
    two = turns.queue("two")
    time.sleep(0.01)
    assert one.pass_on()
    assert two.wait(1)
    time.sleep(0.02)
    third = turns.queue("three")
    assert two.pass_on()
    assert not third.wait(0.01)
    assert one.wait(1)
    one.leave()
    assert third.wait(1)


def test_a_turn_that_nobody_waits_for_holds_nobody_up() -> None:
    turns = Turns()
    running, forgotten, waiting = begun(turns, "a"), turns.queue("b"), turns.queue("c")
    running.leave()
    assert not waiting.wait(0.1)
    time.sleep(1)
    assert waiting.wait(1)
    waiting.leave()
    assert forgotten.wait(1)


def test_weights_fit_into_the_capacity_but_one_is_always_admitted() -> None:
    turns = Turns(capacity=10)
    large = begun(turns, "a", 25)
    small = turns.queue("b", 4)
    assert not small.wait(0.01)
    large.leave()
    assert small.wait(1)
    assert begun(turns, "c", 6).wait(0)
    assert not turns.queue("d", 1).wait(0.01)


def test_many_threads_never_overlap_and_all_are_served() -> None:
    turns, inside, most, served = Turns(), [0], [0], [0]

    def work(place: int) -> None:
        with turns.queue(f"person {place % 7}"):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.001)
            inside[0] -= 1
            served[0] += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (most[0], served[0]) == (1, 60)


@pytest.mark.parametrize(
    ("wall", "computed", "is_over"),
    [(0.4, 2.0, False), (1.9, 0.2, False), (0.6, 0.5, True), (2.0, 0.1, True)],
)
def test_a_slice_is_measured_in_what_the_process_computes(
    wall: float, computed: float, is_over: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = {"monotonic": 100.0, "process_time": 10.0}
    monkeypatch.setattr(time, "monotonic", lambda: clocks["monotonic"])
    monkeypatch.setattr(time, "process_time", lambda: clocks["process_time"])
    turns = Turns(slice_seconds=0.5)
    turn, _ = begun(turns, "a"), turns.queue("b")
    clocks.update(monotonic=100.0 + wall, process_time=10.0 + computed)
    assert turn.pass_on() is is_over
