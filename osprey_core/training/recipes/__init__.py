"""Which stages a run has: the embedded model's, the published model's, or those of a file."""

from osprey_core.training.recipes.recipe import NANO_STAGES, PUBLISHED_STAGES, RECIPES, Recipe, read_recipe
from osprey_core.training.recipes.stages import ALL_PARTS, Objective, Part, Pictures, PlannedStage, Stage

__all__ = [
    "ALL_PARTS",
    "NANO_STAGES",
    "PUBLISHED_STAGES",
    "RECIPES",
    "Objective",
    "Part",
    "Pictures",
    "PlannedStage",
    "Recipe",
    "Stage",
    "read_recipe",
]
