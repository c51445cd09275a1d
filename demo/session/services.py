"""What all persons share: models, segmenter, cached pictures, running jobs, workspaces, examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from demo.session.examples import Example
from demo.session.picture_cache import PictureCache
from demo.session.workspace_store import WorkspaceStore
from demo.shared.lazy_resource import LazyResource
from demo.shared.running_jobs import RunningJobs
from demo.shared.turns import Turns
from osprey_core.io.web_fetch import fetch

PIXELS_IN_FLIGHT = 120_000_000
"""Pixels of all pictures that are decoded, exported or searched for masks at the same time. A larger one goes alone."""


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
    running_jobs: RunningJobs = field(default_factory=RunningJobs)
    workspaces: WorkspaceStore = field(default_factory=WorkspaceStore)
    model_turns: Turns = field(default_factory=Turns)
    """Turns at the model: one job at a time."""
    picture_turns: Turns = field(default_factory=lambda: Turns(PIXELS_IN_FLIGHT))
    """Turns at what needs memory by the size of a picture, which is the turn's weight in pixels."""
    fetch: Callable[[str], tuple[bytes, str]] | None = fetch
    """Returns the data and the name of the file at a web address; None if opening by address is switched off."""
