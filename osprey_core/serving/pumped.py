"""Items that a thread of their own waits for, so that whoever takes them can stop while none arrive."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

LOOK_SECONDS = 0.1
"""So soon an answer that waits for its next token notices that it has been stopped."""

Item = TypeVar("Item")


def pumped(
    items: Iterable[Item], should_stop: Callable[[], bool] | None, cancel: Callable[[], None]
) -> Generator[Item]:
    """The items as they arrive. Ends soon after `should_stop` is True; raises what iterating over the items raises.

    cancel: called, from another thread than the items are iterated in, unless they have come to their end; it should
    end a wait for the next one.
    """
    arrived: queue.SimpleQueue[tuple[Item] | BaseException | None] = queue.SimpleQueue()

    def fill() -> None:
        end: BaseException | None = None
        try:
            for item in items:
                arrived.put((item,))
        except BaseException as error:
            end = error
        arrived.put(end)

    threading.Thread(target=fill, name="arriving tokens", daemon=True).start()
    is_over = False
    try:
        while should_stop is None or not should_stop():
            try:
                new = arrived.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                continue
            if isinstance(new, tuple):
                yield new[0]
                continue
            is_over = True
            if new is not None:
                raise new
            return
    finally:
        if not is_over:
            cancel()
