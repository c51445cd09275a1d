"""Every kind of thing that can be drawn in code, with the painter that draws it and a mask for every part."""

from __future__ import annotations

from collections.abc import Callable

from osprey_core.training.scenes.drawn.buildings_and_vehicles import (
    draw_airplane,
    draw_bicycle,
    draw_bus,
    draw_car,
    draw_castle,
    draw_house,
    draw_rocket,
    draw_sailboat,
    draw_train,
    draw_truck,
)
from osprey_core.training.scenes.drawn.canvas import Canvas, DrawnObject
from osprey_core.training.scenes.drawn.creatures_and_plants import (
    draw_bird,
    draw_butterfly,
    draw_face,
    draw_fish,
    draw_flower,
    draw_mushroom,
    draw_robot,
    draw_snowman,
    draw_tree,
)
from osprey_core.training.scenes.drawn.household import (
    draw_cake,
    draw_chair,
    draw_ice_cream,
    draw_lamp,
    draw_mug,
    draw_pencil,
    draw_table,
    draw_umbrella,
)
from osprey_core.training.scenes.drawn.paints import Rng

Painter = Callable[[Canvas, Rng], None]

OBJECTS: dict[str, tuple[str, Painter]] = {
    "house": ("building", draw_house),
    "castle": ("building", draw_castle),
    "car": ("vehicle", draw_car),
    "bus": ("vehicle", draw_bus),
    "truck": ("vehicle", draw_truck),
    "train": ("vehicle", draw_train),
    "sailboat": ("vehicle", draw_sailboat),
    "rocket": ("vehicle", draw_rocket),
    "airplane": ("vehicle", draw_airplane),
    "bicycle": ("vehicle", draw_bicycle),
    "face": ("character", draw_face),
    "robot": ("character", draw_robot),
    "snowman": ("character", draw_snowman),
    "tree": ("plant", draw_tree),
    "flower": ("plant", draw_flower),
    "mushroom": ("plant", draw_mushroom),
    "fish": ("animal", draw_fish),
    "bird": ("bird", draw_bird),
    "butterfly": ("insect", draw_butterfly),
    "lamp": ("household thing", draw_lamp),
    "chair": ("household thing", draw_chair),
    "table": ("household thing", draw_table),
    "mug": ("kitchen thing", draw_mug),
    "umbrella": ("clothing", draw_umbrella),
    "ice cream": ("sweet", draw_ice_cream),
    "cake": ("sweet", draw_cake),
    "pencil": ("office thing", draw_pencil),
}
"""Kind -> its group of things and its painter. The order matters: it decides what a seed draws."""


def draw_object(rng: Rng, side_px: int = 128, name: str | None = None) -> DrawnObject:
    """One object of a random (or given) kind whose drawing field is side_px squared before cropping."""
    kind = name or list(OBJECTS)[int(rng.integers(len(OBJECTS)))]
    canvas = Canvas(side_px * 2)
    OBJECTS[kind][1](canvas, rng)
    return canvas.finish(kind, OBJECTS[kind][0])
