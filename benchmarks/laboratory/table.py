"""The laboratory's table of runs: what is compared, as data. It knows neither networks nor pictures."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osprey_core.config import LEVEL_NAMES

TABLE_FILE = Path(__file__).with_name("table.toml")

TOWERS = ("convnext", "vit", "vit of equal parameters")
EXTRACTORS = ("pooling", "published pooling", "sampler", "box")


@dataclass(frozen=True)
class Run:
    """One network that is trained from nothing and then tested.

    Runs differ in these fields alone: data, order of batches, steps and schedule are the same for all.
    """

    tower: str = "convnext"
    """One of TOWERS."""
    size: int = 192
    """Side of the training pictures in pixels."""
    levels: tuple[str, ...] = ("res4",)
    """Feature maps that regions are read from."""
    extractor: str = "pooling"
    """One of EXTRACTORS."""
    rate: float = 1e-3
    """Highest learning rate."""
    seed: int = 0
    """Of the starting weights and of the order of batches."""

    def __post_init__(self) -> None:
        if self.tower not in TOWERS:
            raise ValueError(f"tower {self.tower!r} is unknown: take one of {', '.join(TOWERS)}")
        if self.extractor not in EXTRACTORS:
            raise ValueError(f"extractor {self.extractor!r} is unknown: take one of {', '.join(EXTRACTORS)}")
        if not self.levels or not set(self.levels) <= set(LEVEL_NAMES):
            raise ValueError(f"levels {self.levels} are unknown: take some of {', '.join(LEVEL_NAMES)}")
        if self.size < 32 or self.size % 32:
            raise ValueError(f"size {self.size} is not a multiple of 32 pixels")

    @property
    def name(self) -> str:
        """The run's name among the results."""
        levels = "-".join(self.levels)
        return f"{self.tower} {self.size} {levels} {self.extractor} {self.rate:g} seed {self.seed}"

    @property
    def condition(self) -> str:
        """The name without the seed: runs of one condition are repetitions."""
        return self.name.rsplit(" seed ", 1)[0]


@dataclass(frozen=True)
class Table:
    """Runs in order of importance, and what they share."""

    runs: tuple[Run, ...]
    test_sizes: tuple[int, ...]
    """Sides in pixels at which every network is tested, besides its own."""
    steps: int
    """Training steps of every run, where they are not fitted to the time."""
    scenes_per_step: int
    photographs_per_step: int


def read_table(path: Path = TABLE_FILE) -> Table:
    """Read a table: its general entries, then `[[groups]]`, each with seeds and lists of values to be combined.

    Raises ValueError for unknown entries or values.
    """
    entries = tomllib.loads(path.read_text("utf-8"))
    groups: Sequence[Mapping[str, Any]] = entries.pop("groups")
    runs: dict[str, Run] = {}
    for group in groups:
        for run in _runs(group):
            runs.setdefault(run.name, run)
    names = {field.name for field in dataclasses.fields(Table)} - {"runs"}
    if set(entries) != names:
        raise ValueError(f"{path} needs the entries {', '.join(sorted(names))} and [[groups]], nothing else")
    return Table(tuple(runs.values()), **{**entries, "test_sizes": tuple(entries["test_sizes"])})


def _runs(group: Mapping[str, Any]) -> list[Run]:
    """Every combination of a group's lists, the last entry changing fastest; `levels` is a list of lists."""
    if unknown := set(group) - {field.name for field in dataclasses.fields(Run)}:
        raise ValueError(f"a group of runs has no entry {', '.join(sorted(unknown))}")
    combined: list[dict[str, Any]] = [{}]
    for name, values in group.items():
        combined = [{**one, name: tuple(v) if isinstance(v, list) else v} for one in combined for v in values]
    return [Run(**one) for one in combined]
