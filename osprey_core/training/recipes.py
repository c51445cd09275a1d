"""Which stages a run has: the embedded model's, the published model's, or those of a JSON file.

A planned stage says how long it goes in steps, or in epochs of whatever it is trained on. Values and their checks only.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from osprey_core.errors import InputError
from osprey_core.training.config import ALL_PARTS, NANO_STAGES, Objective, Part, Stage, TrainingConfig

WARMUP_SHARE = 0.03


@dataclass(frozen=True)
class PlannedStage:
    """A stage that goes for some epochs."""

    name: str
    trains: tuple[Part, ...]
    learning_rate: float
    batch_size: int
    epochs: float
    objective: Objective = "dialogue"
    accumulate: int = 1
    encoder_rate: float = 1.0

    def __post_init__(self) -> None:
        if not self.epochs > 0:
            raise InputError(f"Stage {self.name!r}: epochs must be above 0, not {self.epochs}.")

    def stage(self, samples: int) -> Stage:
        """The stage over so many samples."""
        steps = max(1, math.ceil(self.epochs * samples / self.batch_size))
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "epochs"}
        return Stage(**values, steps=steps, warmup_steps=max(1, round(WARMUP_SHARE * steps)))


@dataclass(frozen=True)
class Recipe:
    """The stages of a run, and how its optimiser decays."""

    stages: tuple[Stage | PlannedStage, ...]
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)

    def only(self, names: Sequence[str]) -> Recipe:
        """The recipe with some of its stages. Raises InputError for a name that it has not."""
        have = [stage.name for stage in self.stages]
        if unknown := [name for name in names if name not in have]:
            raise InputError(f"The recipe has no stage {', '.join(unknown)}; its stages are {', '.join(have)}.")
        return replace(self, stages=tuple(stage for stage in self.stages if stage.name in names)) if names else self

    def for_samples(self, samples: int | None) -> tuple[Stage, ...]:
        """All stages in steps. Raises InputError where one goes by epochs and `samples` is unknown."""
        found = []
        for stage in self.stages:
            if isinstance(stage, PlannedStage):
                if samples is None:
                    raise InputError(
                        f"Stage {stage.name!r} goes by epochs, but made scenes have no end: give --records, "
                        "or a recipe in steps."
                    )
                stage = stage.stage(samples)
            found.append(stage)
        return tuple(found)


PUBLISHED_STAGES = (
    PlannedStage("connector", ("mm_projector",), 1e-3, batch_size=128, epochs=1, accumulate=32),
    PlannedStage("extractor", ("mask_extractor",), 2e-5, batch_size=4, epochs=2),
    PlannedStage("end-to-end", ("mm_projector", "mask_extractor", "llm"), 1e-5, batch_size=4, epochs=2),
)
"""Osprey's three stages (section 4.1) with the published settings. The encoder never learns."""

RECIPES = {
    "nano": Recipe(NANO_STAGES, TrainingConfig.weight_decay, TrainingConfig().betas),
    "published": Recipe(PUBLISHED_STAGES),
}


def read_recipe(name: str) -> Recipe:
    """A recipe by its name, or from a JSON file.

    The file holds `{"stages": [{"name", "trains", "learning_rate", "batch_size", "epochs" or "steps", …}, …],
    "weight_decay", "betas"}`; a stage's entries are the fields of `Stage` or `PlannedStage`.

    Raises InputError where there is no such recipe, or an entry is missing, unknown or out of its range.
    """
    if name in RECIPES:
        return RECIPES[name]
    path = Path(name)
    if not path.is_file():
        raise InputError(f"There is no recipe {name!r}: give {', '.join(RECIPES)} or a JSON file.")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}.") from error
    try:
        return _recipe(values)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: an entry has the wrong type ({error}).") from error


def _recipe(values: Any) -> Recipe:
    if not isinstance(values, Mapping) or not isinstance(values.get("stages"), list) or not values["stages"]:
        raise InputError("a recipe is an object with a list of stages.")
    _check_names("the recipe", values, Recipe)
    rest: dict[str, Any] = {
        key: tuple(value) if key == "betas" else float(value) for key, value in values.items() if key != "stages"
    }
    stages = tuple(_stage(entry, place) for place, entry in enumerate(values["stages"], start=1))
    if len({stage.name for stage in stages}) != len(stages):
        raise InputError("two stages have the same name.")
    return Recipe(stages, **rest)


def _stage(entry: Any, place: int) -> Stage | PlannedStage:
    if not isinstance(entry, Mapping):
        raise InputError(f"stage {place} is not an object.")
    where = f"stage {entry.get('name', place)}"
    kind: type[Stage] | type[PlannedStage] = PlannedStage if "epochs" in entry else Stage
    values = {"objective": "dialogue", **entry}
    _check_names(where, values, kind)
    trains = values["trains"]
    unknown = [part for part in trains if part not in ALL_PARTS] if isinstance(trains, list) else trains
    if unknown or not isinstance(trains, list):
        raise InputError(f"{where}: trains must list some of {', '.join(ALL_PARTS)}; {unknown!r} is none.")
    if values["objective"] not in get_args(Objective):
        raise InputError(f"{where}: the objective must be one of {', '.join(get_args(Objective))}.")
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return kind(**fields)


def _check_names(where: str, values: Mapping[str, Any], kind: type) -> None:
    fields = dataclasses.fields(kind)
    if unknown := sorted(set(values) - {f.name for f in fields}):
        raise InputError(f"{where} has unknown entries: {', '.join(unknown)}.")
    needed = [f.name for f in fields if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING]
    if missing := [name for name in needed if name not in values]:
        raise InputError(f"{where} lacks {', '.join(missing)}.")
