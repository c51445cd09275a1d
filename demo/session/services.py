"""What all persons share: models, segmenter, cached pictures, running jobs, workspaces, examples."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from demo.session.examples import Example
from demo.session.picture_cache import PictureCache
from demo.session.picture_files import PictureFolder
from demo.session.workspace_store import WorkspaceStore
from demo.shared.lazy_resource import LazyResource
from demo.shared.running_jobs import RunningJobs
from demo.shared.turns import Turns, WorkTurn
from osprey_core.io.web_fetch import fetch

PIXELS_IN_FLIGHT = 120_000_000
"""Pixels of all pictures that are decoded, exported or searched for masks at the same time. A larger one goes alone."""

MOST_PREPARING = 4
MOST_BEGUN = 48
"""Answers that may have begun and let others go first."""


@dataclass(frozen=True)
class Services:
    """What all persons share. The fields are fixed; each member guards its own state with a lock."""

    model: LazyResource[Any]
    segmenter: LazyResource[Any]
    second: LazyResource[Any] | None = None
    """Another model to compare the first with, if one was configured."""
    clip: LazyResource[Any] | None = None
    """A CLIP that compares regions with words, beside the model or as its only part, if one was configured."""
    examples: tuple[Example, ...] = ()
    pictures: PictureCache = field(default_factory=PictureCache)
    picture_files: PictureFolder = field(default_factory=PictureFolder)
    """The files of the pictures that people have open."""
    running_jobs: RunningJobs = field(default_factory=RunningJobs)
    workspaces: WorkspaceStore = field(default_factory=WorkspaceStore)
    model_turns: Turns = field(default_factory=lambda: Turns(most_begun=MOST_BEGUN))
    """Turns at the model, one at a time; of answers as many as the model decodes together, see `turn_at_model`."""
    long_turns: Turns = field(default_factory=Turns)
    """Turns of long work (captions of everything, analyses), one at a time, beside the answers."""
    answers_together: int | None = None
    """The most answers under way at a time; None for as many as the model decodes together."""
    picture_turns: Turns = field(default_factory=lambda: Turns(PIXELS_IN_FLIGHT))
    """Turns at what needs memory by the size of a picture, which is the turn's weight in pixels."""
    queue_length: int = 512
    """The most events that wait at a time, of everybody."""
    answer_seconds: float = math.inf
    """The longest time for one answer, from the beginning of its turn; long work has as long as it needs."""
    preparing: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(MOST_PREPARING))
    """Held by each picture that is encoded before anybody has asked about it."""
    fetch: Callable[[str], tuple[bytes, str]] | None = fetch
    """Returns the data and the name of the file at a web address; None if opening by address is switched off."""

    @property
    def most_together(self) -> int:
        """How many answers may be under way at a time. Raises the reason if the model could not be loaded."""
        together = int(getattr(self.model.get(), "answers_together", 1))
        return together if self.answers_together is None else min(together, self.answers_together)

    def turn_at_model(self, person: str, is_long: bool) -> WorkTurn:
        """Queue a person's job for the model, which is loaded.

        Where the model decodes many answers together, long work has a queue of its own and does not hold them up.
        """
        together = self.most_together
        if together > 1 and is_long:
            return self.long_turns.queue(person)
        return self.model_turns.queue(person, 1 / together)
