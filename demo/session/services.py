"""What all persons share: models, segmenter, decoded pictures, running jobs, everybody's place, examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from demo.session.examples import Example
from demo.session.picture_cache import OpenedPictures
from demo.session.workspaces import Seats
from demo.shared.lazy_resource import Slot
from demo.shared.running_jobs import Running
from osprey_core.io.web_fetch import fetch


@dataclass(frozen=True)
class Services:
    """What all persons share: models, segmenter, opened pictures, running answers, examples."""

    model: Slot[Any]
    segmenter: Slot[Any]
    second: Slot[Any] | None = None
    """Another model to compare the first with, where one was asked for."""
    examples: tuple[Example, ...] = ()
    opened: OpenedPictures = field(default_factory=OpenedPictures)
    running: Running = field(default_factory=Running)
    seats: Seats = field(default_factory=Seats)
    fetch: Callable[[str], tuple[bytes, str]] | None = fetch
    """What is at a public address, and its name; None if pictures are not opened by their address."""
