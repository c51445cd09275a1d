"""Things drawn in code, with a mask for every part, and plain geometric shapes with textures."""

from osprey_core.training.scenes.drawn.canvas import DrawnObject
from osprey_core.training.scenes.drawn.objects import OBJECTS, draw_object
from osprey_core.training.scenes.drawn.paints import BASE_COLORS, Rgb, Rng, tint
from osprey_core.training.scenes.drawn.shapes import SHAPES, TEXTURES, draw_shape

__all__ = [
    "BASE_COLORS",
    "OBJECTS",
    "SHAPES",
    "TEXTURES",
    "DrawnObject",
    "Rgb",
    "Rng",
    "draw_object",
    "draw_shape",
    "tint",
]
