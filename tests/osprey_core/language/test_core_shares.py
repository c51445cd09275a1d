"""Threads that compute side by side share the cores, and leave torch's setting as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from osprey_core.language.core_shares import CoreShares
from osprey_core.language.work_thread import WorkThread


@pytest.fixture
def four() -> Iterator[CoreShares]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield CoreShares()
    torch.set_num_threads(before)


def test_a_thread_that_computes_alone_has_all_cores(four: CoreShares) -> None:
    with four.computing():
        assert torch.get_num_threads() == 4
        with four.computing():  # part of the same work
            assert torch.get_num_threads() == 4
    assert torch.get_num_threads() == 4


def test_threads_side_by_side_share_the_cores(four: CoreShares) -> None:
    inside, seen, others = threading.Barrier(6), threading.Barrier(6), list[int]()

    def compute() -> None:
        with four.computing():
            inside.wait(60)
            four.take()
            others.append(torch.get_num_threads())
            seen.wait(60)

    threads = [threading.Thread(target=compute) for _ in range(5)]
    with four.computing():
        assert torch.get_num_threads() == 4
        for thread in threads:
            thread.start()
        inside.wait(60)
        four.take()
        assert torch.get_num_threads() == 1  # of four cores, of six threads
        seen.wait(60)
        for thread in threads:
            thread.join(60)
        assert others == [1] * 5
        four.take()
        assert torch.get_num_threads() == 4
    assert torch.get_num_threads() == 4


def test_cores_that_are_fewer_than_torch_was_given_are_kept_to() -> None:
    before = torch.get_num_threads()
    shares = CoreShares(1)
    try:
        with shares.computing():
            assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_what_is_urgent_goes_first_but_not_for_ever() -> None:
    worker, order, begun, blocker = WorkThread("test"), list[str](), threading.Event(), threading.Event()

    def block() -> None:
        begun.set()
        blocker.wait(30)

    threads = [threading.Thread(target=worker.run, args=(block,))]
    threads[0].start()
    assert begun.wait(30)
    for name in ("a picture", *"123456"):
        work = lambda name=name: order.append(name)  # noqa: E731
        threads.append(threading.Thread(target=worker.run, args=(work, name.isdigit())))
        waiting = worker.waiting
        threads[-1].start()
        while worker.waiting == waiting:
            threading.Event().wait(0.001)
    blocker.set()
    for thread in threads:
        thread.join(60)
    assert order == ["1", "2", "3", "4", "a picture", "5", "6"]


def test_what_a_thread_does_not_use_is_left_to_the_others(four: CoreShares) -> None:
    is_inside, may_end, seen = threading.Event(), threading.Event(), list[int]()

    def compute() -> None:
        with four.computing(most=1):
            seen.append(torch.get_num_threads())
            with four.computing():  # part of the same work
                seen.append(torch.get_num_threads())
            is_inside.set()
            may_end.wait(60)

    thread = threading.Thread(target=compute)
    with four.computing():
        thread.start()
        assert is_inside.wait(60)
        four.take()
        assert torch.get_num_threads() == 3
        may_end.set()
        thread.join(60)
        four.take()
        assert torch.get_num_threads() == 4
    assert seen == [1, 1]


def test_a_thread_that_uses_few_cores_uses_no_more_than_its_share(four: CoreShares) -> None:
    with four.computing(most=9):
        assert torch.get_num_threads() == 4
