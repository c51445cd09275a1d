"""Since when somebody waits: work threads do first what was asked for first, whatever part of an answer it is.

An answer takes several pieces of work: a picture is encoded and read, then a region, a question, a name. If each piece
queued anew, every answer would wait for a piece of all others, and when many people ask at once, all would end late.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_thread = threading.local()


@contextmanager
def asked_at(moment: float) -> Iterator[None]:
    """While this is open, what this thread asks for counts as asked for at this moment, see `moment_asked`.

    For what belongs to one answer or one picture: work that goes on for long would always be the oldest.
    """
    before = getattr(_thread, "moment", None)
    _thread.moment = moment
    try:
        yield
    finally:
        _thread.moment = before


def moment_asked() -> float:
    """When what this thread asks for next was asked for, in seconds of the monotonic clock; now, unless it was said."""
    moment: float | None = getattr(_thread, "moment", None)
    return time.monotonic() if moment is None else moment
