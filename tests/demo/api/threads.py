"""Work in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def in_own_thread(work: Callable[..., Any], *given: Any) -> Any:
    """The browser of other tests keeps an event loop running in this thread, and two cannot be nested."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work, *given).result()
