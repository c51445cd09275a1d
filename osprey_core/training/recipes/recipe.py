"""Recipes: stages in order, read from TOML or JSON. `nano.toml` and `published.toml` lie beside this file.

A file holds `stages`, a list of tables whose entries are the fields of `Stage`, or of `PlannedStage` where there are
`epochs`; and maybe `weight_decay` and `betas`. To say things once, it may have `templates` (a stage with
`like = "name"` takes the entries of that template) and `mixtures` (weights of kinds of question by name).

`kinds` and `apart` are a list of kinds, a table of weights, `{presence = 3, count = 1}`, or a mixture with weights
added to it, `{like = "nano", more = {presence = 3}}`.
"""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from osprey_core.errors import InputError
from osprey_core.i18n import Message
from osprey_core.training.dialogues.kinds import KIND_WEIGHTS, Kinds, KindWeight, weighted
from osprey_core.training.recipes.stages import ALL_PARTS, Objective, Pictures, PlannedStage, Stage

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Recipe:
    """The stages of a run, and how its optimiser decays."""

    stages: tuple[Stage | PlannedStage, ...]
    """In order."""
    weight_decay: float = 0.0
    """Of matrices; vectors are not decayed."""
    betas: tuple[float, float] = (0.9, 0.999)
    """AdamW's."""

    def only(self, names: Sequence[str]) -> Recipe:
        """The recipe with some of its stages. Raises InputError for a name that it has not."""
        have = [stage.name for stage in self.stages]
        if unknown := [name for name in names if name not in have]:
            raise InputError("recipe.stage_unknown", names=", ".join(unknown), known=", ".join(have))
        return replace(self, stages=tuple(stage for stage in self.stages if stage.name in names)) if names else self

    def for_samples(self, samples: int | None) -> tuple[Stage, ...]:
        """All stages in steps. Raises InputError where one goes by epochs and `samples` is unknown."""
        in_steps = []
        for stage in self.stages:
            if isinstance(stage, PlannedStage):
                if samples is None:
                    raise InputError("recipe.epochs_without_end", stage=repr(stage.name))
                stage = stage.stage(samples)
            in_steps.append(stage)
        return tuple(in_steps)


def read_recipe(name: str) -> Recipe:
    """A recipe by its name, or from a TOML or JSON file.

    Raises InputError where there is no such recipe, or an entry is missing, unknown or out of its range.
    """
    if name in RECIPES:
        return RECIPES[name]
    path = Path(name)
    if not path.is_file():
        raise InputError("recipe.unknown", name=repr(name), known=", ".join(RECIPES))
    return _read_file(path)


def _read_file(path: Path) -> Recipe:
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        form = "TOML" if path.suffix == ".toml" else "JSON"
        raise InputError("recipe.unreadable", path=str(path), format=form, reason=str(error)) from error
    try:
        return _recipe(values)
    except InputError as error:
        raise InputError("recipe.invalid", path=str(path), reason=error) from error
    except (TypeError, ValueError) as error:
        raise InputError("recipe.entry_type_wrong", path=str(path), reason=str(error)) from error


def _recipe(values: Any) -> Recipe:
    if not isinstance(values, Mapping) or not isinstance(values.get("stages"), list) or not values["stages"]:
        raise InputError("recipe.stages_missing")
    values = dict(values)
    mixtures, templates = values.pop("mixtures", {}), values.pop("templates", {})
    _check_names(Message("recipe.whole"), values, Recipe)
    rest: dict[str, Any] = {
        key: tuple(value) if key == "betas" else float(value) for key, value in values.items() if key != "stages"
    }
    stages = tuple(_stage(entry, place, templates, mixtures) for place, entry in enumerate(values["stages"], start=1))
    if len({stage.name for stage in stages}) != len(stages):
        raise InputError("recipe.stage_twice")
    return Recipe(stages, **rest)


def _stage(entry: Any, place: int, templates: Mapping[str, Any], mixtures: Mapping[str, Any]) -> Stage | PlannedStage:
    if not isinstance(entry, Mapping):
        raise InputError("recipe.stage_not_object", place=place)
    where = Message("recipe.stage_named", {"name": str(entry.get("name", place))})
    values = {"objective": "dialogue", **_named(templates, entry.get("like"), where), **entry}
    values.pop("like", None)
    kind: type[Stage] | type[PlannedStage] = PlannedStage if "epochs" in values else Stage
    _check_names(where, values, kind)
    trains = values["trains"]
    unknown = [part for part in trains if part not in ALL_PARTS] if isinstance(trains, list) else trains
    if unknown or not isinstance(trains, list):
        raise InputError("recipe.trains_unknown", where=where, known=", ".join(ALL_PARTS), unknown=repr(unknown))
    if values["objective"] not in get_args(Objective):
        raise InputError("recipe.objective_unknown", where=where, known=", ".join(get_args(Objective)))
    if values.get("pictures", "scenes") not in get_args(Pictures):
        raise InputError("recipe.pictures_unknown", where=where, known=", ".join(get_args(Pictures)))
    for key in ("kinds", "apart"):
        if key in values:
            values[key] = _known_kinds(_kinds(values[key], where, mixtures), where)
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return kind(**fields)


def _kinds(value: Any, where: Message, mixtures: Mapping[str, Any]) -> Kinds:
    """Weighted kinds out of a list of names, a table of weights, or a mixture with weights added."""
    if not isinstance(value, Mapping):
        return tuple(value)
    if "like" not in value:
        return tuple(KindWeight(kind, float(weight)) for kind, weight in value.items())
    # Without itself, so that a mixture that is like itself is an unknown one instead of an endless one.
    others = {name: mixture for name, mixture in mixtures.items() if name != value["like"]}
    base = _kinds(_named(mixtures, value["like"], where), where, others)
    return (*base, *_kinds(value.get("more", {}), where, mixtures))


def _known_kinds(kinds: Kinds, where: Message) -> Kinds:
    """The same kinds. Raises InputError where there is no question of such a kind."""
    if unknown := sorted({choice.kind for choice in weighted(kinds)} - set(KIND_WEIGHTS)):
        known = ", ".join(sorted(KIND_WEIGHTS))
        raise InputError("recipe.kinds_unknown", where=where, names=", ".join(unknown), known=known)
    return kinds


def _named(tables: Mapping[str, Any], name: Any, where: Message) -> Mapping[str, Any]:
    """The template or mixture of that name; nothing without a name."""
    if name is None:
        return {}
    if not isinstance(tables, Mapping) or name not in tables:
        raise InputError("recipe.template_unknown", where=where, name=repr(name))
    table: Mapping[str, Any] = tables[name]
    return table


def _check_names(where: Message, values: Mapping[str, Any], kind: type) -> None:
    fields = dataclasses.fields(kind)
    if unknown := sorted(set(values) - {f.name for f in fields}):
        raise InputError("recipe.entries_unknown", where=where, names=", ".join(unknown))
    needed = [f.name for f in fields if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING]
    if missing := [name for name in needed if name not in values]:
        raise InputError("recipe.entries_missing", where=where, names=", ".join(missing))


RECIPES = {name: _read_file(FOLDER / f"{name}.toml") for name in ("nano", "published")}
"""Recipes by name: the embedded model's, and the paper's."""

NANO_STAGES: tuple[Stage, ...] = RECIPES["nano"].for_samples(None)
"""The stages of the embedded model, all in steps."""

PUBLISHED_STAGES: tuple[PlannedStage, ...] = tuple(
    stage for stage in RECIPES["published"].stages if isinstance(stage, PlannedStage)
)
"""The paper's stages, all in epochs."""
