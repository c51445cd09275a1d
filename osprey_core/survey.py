"""What a picture shows, from the names of its segments.

A small language model names a region far better than it tells what a thousand image tokens show together. So the
picture is cut into segments, each is named as a region that a person marks, and what is named surely and covers enough
is listed. How many there are of each is not told: parts of a thing and several things look alike here.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from osprey_core.language.wording import is_uncounted, listing, sentence, with_article
from osprey_core.region_model import NamedRegion

LEAST_SEGMENT = 0.004
"""Share of the picture that a segment covers at least; names of smaller ones are often wrong."""

MOST_SEGMENTS = 16
"""That are named, the largest ones: of 25 photographs, more of them added wrong names and time, but few right names."""

LEAST_WEIGHT = 0.05
"""Of a thing that is listed, as a share of the weight of all."""

MOST_THINGS = 5

NOTHING = "I am not sure what this picture shows."


@dataclass(frozen=True)
class SeenThing:
    """What some segments were named."""

    name: str
    confidence: float
    """0..1, of the surest of them."""
    weight: float
    """0..1, share of the sum over all segments of confidence times width, the root of the covered share."""


def seen_things(segments: Iterable[tuple[float, NamedRegion]]) -> tuple[SeenThing, ...]:
    """What is in a picture, the weightiest first; at most `MOST_THINGS`.

    Args:
        segments: the share of the picture that each covers, 0..1, and its name. Names that are unsure do not count.
    """
    weights: dict[str, float] = defaultdict(float)
    confidences: dict[str, float] = defaultdict(float)
    for share, named in segments:
        if named.is_unsure or share < LEAST_SEGMENT:
            continue
        name, confidence = named.guesses[0].name, named.guesses[0].confidence
        weights[name] += confidence * math.sqrt(share)
        confidences[name] = max(confidences[name], confidence)
    total = sum(weights.values())
    ranked = sorted(weights, key=lambda name: -weights[name])[:MOST_THINGS]
    return tuple(
        SeenThing(name, confidences[name], weights[name] / total)
        for name in ranked
        if weights[name] >= LEAST_WEIGHT * total
    )


def told(things: Iterable[SeenThing]) -> str:
    """One sentence that names the things, and then the stuff around them: "A person and a dog with trees and sky."."""
    names = [thing.name for thing in things]
    countable = [with_article(name) for name in names if not is_uncounted(name)]
    around = [name for name in names if is_uncounted(name)]
    if not names:
        return NOTHING
    if not countable:
        return sentence(listing(around))
    return sentence(listing(countable) + (f" with {listing(around)}" if around else ""))
