"""How many things of a name a picture shows, and whether any, from its segments and what the language model reads.

A small language model names a region far better than it counts in a thousand image tokens. So the segments that it
calls so are counted, and its own answer about the whole picture is weighed in. Pure arithmetic: segments, names and
likelihoods come from a model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from osprey_core.language.wording import NUMBERS, plural, with_article
from osprey_core.regions.masks import Mask, area
from osprey_core.survey import is_uncounted

MOST_SEGMENTS = 40
"""That are looked at, the largest ones."""

MOST_WEIGHED = 10
"""The largest number for which the language model's own answer is asked; of more it has seen few."""

# The figures below were fitted on 300 made scenes that are neither trained on nor part of the evaluation.
_LEAST_NAMED = 0.3  # probability with which the model calls a segment so
_SAME_THING = 0.3  # two segments that share more than this much of the smaller one show the same thing
_LARGEST = 0.6  # share of the picture; larger segments are what lies behind the things
_FOUND = 0.9  # share of the things that a segment is found for
_FURTHER = 0.2  # probability of one more segment that shows none of them, and of each one after it
_OWN_ANSWER = 0.3  # weight of the language model's own answer
_NEVER_NAMED = 1e-9
# Of whether there is one: a logistic regression.
_NAMED_WEIGHT, _OWN_ODDS_WEIGHT, _AGREED_WEIGHT, _OFFSET = 0.41, 1.28, 2.9, 0.8
_LEAST_SURE = 0.5  # of a thing of any kind
_SMALLEST = 0.002  # share of the picture, of a thing of any kind

_BEHIND = frozenset({"background", "floor", "grass", "hills", "road", "sand", "sea", "sky", "snow", "wall"})
"""What lies behind the things of a made scene."""


def counted(regions: Sequence[Mask], named: NDArray[np.float64]) -> int:
    """How many things segments show that are called by one name.

    Args:
        regions: bool (H, W), the picture's segments.
        named: (Q,), probability with which the model calls each so, 0..1.
    """
    wanted = [place for place in range(len(regions)) if named[place] >= _LEAST_NAMED]
    return len(_distinct([regions[place] for place in wanted], [float(named[place]) for place in wanted]))


def _distinct(regions: Sequence[Mask], scores: Sequence[float]) -> list[int]:
    """Places of the regions that show one thing each: the larger one before its parts, unless they fit far better."""
    areas = [area(region) for region in regions]
    kept: list[int] = []
    for place in sorted(range(len(regions)), key=lambda place: -scores[place] * math.sqrt(areas[place])):
        if areas[place] < _LARGEST * regions[place].size and all(
            np.count_nonzero(regions[place] & regions[other]) <= _SAME_THING * min(areas[place], areas[other])
            for other in kept
        ):
            kept.append(place)
    return kept


def likely_number(found: int, own: NDArray[np.float64]) -> int:
    """How many there are most likely, after `found` segments that show one each.

    Each thing has its segment or not, and further segments show none: the binomial and the geometric distribution.

    Args:
        own: (MOST_WEIGHED + 1,), logarithms of the probabilities of the language model's own answers 0, 1, ….
    """
    if found > MOST_WEIGHED:
        return found
    weighed = [_OWN_ANSWER * own[number] + math.log(_probability(found, number)) for number in range(len(own))]
    return int(np.argmax(weighed))


def _probability(found: int, number: int) -> float:
    """Of so many segments where there are so many things."""
    return sum(
        math.comb(number, right) * _FOUND**right * (1 - _FOUND) ** (number - right)
        * (1 - _FURTHER) * _FURTHER ** (found - right)
        for right in range(min(number, found) + 1)
    )  # fmt: skip


def counted_things(regions: Sequence[Mask], names: Sequence[tuple[str, float]]) -> int:
    """How many things of any kind segments show.

    Args:
        names: of each region, with how sure it is, 0..1. What lies behind the things ("sky") does not count.
    """
    places = [
        place
        for place, (name, confidence) in enumerate(names)
        if confidence >= _LEAST_SURE and name not in _BEHIND and area(regions[place]) >= _SMALLEST * regions[place].size
    ]
    return len(_distinct([regions[place] for place in places], [names[place][1] for place in places]))


def is_likely_there(named: float, agreed: float, own_log_odds: float) -> bool:
    """Whether there is a thing of a name.

    Args:
        named: the largest probability with which a segment is called so, 0..1.
        agreed: of that segment, with which the model says yes to whether it is one, 0..1; 0 where there is no segment.
        own_log_odds: of the language model's own "yes" about the whole picture against its "no".
    """
    evidence = _NAMED_WEIGHT * math.log(named + _NEVER_NAMED) + _AGREED_WEIGHT * agreed
    return evidence + _OWN_ODDS_WEIGHT * own_log_odds + _OFFSET > 0


def told_number(noun: str, number: int) -> str:
    """ "There are two dogs in the picture." """
    if number == 1:
        return f"There is one {noun} in the picture."
    return f"There are {_in_words(number)} {plural(noun)} in the picture."


def told_presence(noun: str, number: int) -> str:
    """ "Yes, there is a dog.", or that there is none."""
    if number == 0:
        return f"No, there is no {noun} in the picture."
    if number == 1:
        return f"Yes, there is {noun if is_uncounted(noun) else with_article(noun)}."
    return f"Yes, there are {_in_words(number)} {plural(noun)}."


def _in_words(number: int) -> str:
    return NUMBERS[number] if number < len(NUMBERS) else str(number)
