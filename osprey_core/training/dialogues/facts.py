"""What may plainly be said of colours, places, sizes and relations; borderline cases have no answer.

A question whose answer is not plain (something half left, half in the middle) is not asked.
"""

from __future__ import annotations

import math

from osprey_core.training.scenes.scene import SceneObject

NEAR_COLORS = {
    "red": {"pink", "orange", "brown"}, "orange": {"red", "yellow", "brown", "beige"},
    "yellow": {"orange", "beige", "brown", "green"}, "green": {"blue", "yellow"}, "blue": {"purple", "green", "gray"},
    "purple": {"blue", "pink"}, "pink": {"red", "purple", "beige"},
    "brown": {"orange", "red", "beige", "yellow", "black"},
    "black": {"gray", "brown"}, "white": {"gray", "beige"}, "gray": {"white", "black", "blue", "beige"},
    "beige": {"white", "orange", "yellow", "brown", "pink", "gray"},
}  # fmt: skip
"""Colours that somebody might take for one another."""

OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}
"""The other way round."""

# The longer side of a direction is at least, for straight ones, and at most, for diagonal ones, so many times the
# shorter. Between the two no direction is plain.
_STRAIGHT, _DIAGONAL = 1.73, 1.33


def wrong_colors(color: str, shares: dict[str, float]) -> list[str]:
    """Colours that a thing of this colour plainly does not have, given the shares of colour names in its pixels."""
    return [c for c in NEAR_COLORS if c != color and c not in NEAR_COLORS[color] and shares.get(c, 0.0) < 0.08]


def main_colors(shares: dict[str, float]) -> tuple[str, ...]:
    """The one or two colours that plainly make up a thing; empty when no such answer would be plain."""
    ranked = list(shares.items())
    if not ranked:
        return ()
    first, share = ranked[0]
    second, second_share = ranked[1] if len(ranked) > 1 else ("", 0.0)
    if share >= 0.5 and second_share <= 0.27:
        return (first,)
    if share >= 0.3 and second_share >= 0.3:
        return (first, second)
    if share >= 0.62:
        return (first,)
    return ()


def colors_said(possible: dict[str, float]) -> tuple[str, ...]:
    """Every answer to "what colour is it?" that is true of the pixels, given how many may be called by each name.

    Any one colour of 30 % or more; and such a one together with another of 15 % or more.
    """
    main = [name for name, share in possible.items() if share >= 0.3]
    there = [name for name, share in possible.items() if share >= 0.15]
    pairs = [f"{one} and {other}" for one in main for other in there if one != other]
    return (*main, *pairs)


def place_of(center_xy: tuple[float, float], size_hw: tuple[int, int]) -> tuple[str | None, str | None]:
    """Column ("left", "middle", "right") and row ("top", "middle", "bottom"); None where it is a borderline case."""
    x, y = center_xy[0] / size_hw[1], center_xy[1] / size_hw[0]

    def third(value: float, names: tuple[str, str, str]) -> str | None:
        if value <= 0.325:
            return names[0]
        if value >= 0.675:
            return names[2]
        return names[1] if 0.385 <= value <= 0.615 else None

    return third(x, ("left", "middle", "right")), third(y, ("top", "middle", "bottom"))


def place_words(column: str | None, row: str | None) -> str:
    """ "at the top left", "on the left", "at the top", "in the middle"; "" when unclear."""
    if column is None or row is None:
        return ""
    if column == row == "middle":
        return "in the middle"
    if row == "middle":
        return f"on the {column}"
    if column == "middle":
        return f"at the {row}"
    return f"at the {row} {column}"


def size_of(item: SceneObject, size_hw: tuple[int, int]) -> str | None:
    """ "small", "medium" or "large" by the box's share of the picture; None where it is a borderline case."""
    x0, y0, x1, y1 = item.full_box_xyxy
    share = math.sqrt((x1 - x0) * (y1 - y0) / (size_hw[0] * size_hw[1]))
    if share <= 0.18:
        return "small"
    if share >= 0.36:
        return "large"
    return "medium" if 0.21 <= share <= 0.32 else None


def relation_of(first_xy: tuple[float, float], second_xy: tuple[float, float], size_hw: tuple[int, int]) -> str | None:
    """Where the first is seen from the second: "left", "right", "above", "below", or None when unclear.

    More than 30 degrees off the straight direction is unclear, as are near-equal places.
    """
    dx, dy = first_xy[0] - second_xy[0], first_xy[1] - second_xy[1]
    unit = min(size_hw)
    if abs(dx) >= 0.14 * unit and abs(dx) >= _STRAIGHT * abs(dy):
        return "left" if dx < 0 else "right"
    if abs(dy) >= 0.14 * unit and abs(dy) >= _STRAIGHT * abs(dx):
        return "above" if dy < 0 else "below"
    return None


def diagonal_of(
    first_xy: tuple[float, float], second_xy: tuple[float, float], size_hw: tuple[int, int]
) -> tuple[str, str] | None:
    """("above", "left") and the like when both directions are plain, within 8 degrees of a diagonal, else None."""
    dx, dy = first_xy[0] - second_xy[0], first_xy[1] - second_xy[1]
    unit = 0.14 * min(size_hw)
    if abs(dx) < unit or abs(dy) < unit or max(abs(dx), abs(dy)) > _DIAGONAL * min(abs(dx), abs(dy)):
        return None
    return ("above" if dy < 0 else "below"), ("left" if dx < 0 else "right")


def size_comparison(a: SceneObject, b: SceneObject) -> str | None:
    """ "larger" or "smaller" when the first one's box has at least 1.6 times the other's area, or at most 1 / 1.6."""
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = a.full_box_xyxy, b.full_box_xyxy
    ratio = (ax1 - ax0) * (ay1 - ay0) / ((bx1 - bx0) * (by1 - by0))
    if ratio >= 1.6:
        return "larger"
    return "smaller" if ratio <= 1 / 1.6 else None
